/*
 * The bounded form check that every frame from outside passes before msgpack-c sees it.
 */
#ifndef QR_CODEC_MSGPACK_CHECK_H
#define QR_CODEC_MSGPACK_CHECK_H

#include <quire/bytes.h>

/**
 * What qr_msgpack_check does, and how many values there are, the outermost included. That number
 * bounds what unpacking allocates: an array's elements are one msgpack_object each.
 */
QUIRE_CHECKED enum quire_status qr_msgpack_measure(
    struct quire_bytes bytes, size_t *out_value_count);

/** The bounded form check, without allocation; also for fuzzing by itself. EMALFORMED. ELIMIT. */
QUIRE_CHECKED enum quire_status qr_msgpack_check(struct quire_bytes bytes);

#endif
