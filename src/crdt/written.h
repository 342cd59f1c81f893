/*
 * When a payload was written, without reading the rest of it.
 */
#ifndef QR_CRDT_WRITTEN_H
#define QR_CRDT_WRITTEN_H

#include <quire/bytes.h>

/** The latest of the clocks of the edits in a payload, ms since 1970. EMALFORMED, EUNSUPPORTED. */
QUIRE_CHECKED enum quire_status qr_payload_written(
    struct quire_bytes payload, int64_t *out_wall_ms);

#endif
