/*
 * What the frames are read and written with: a cursor over a frame's values, and a packer.
 *
 * Both mark the first failure and then do nothing more, so that a message's read and write go
 * straight down, field by field, and can be compared line by line. What reading refuses as
 * malformed, writing refuses as invalid; what is over a limit is ELIMIT in both.
 */
#ifndef QR_CODEC_FRAME_FIELDS_H
#define QR_CODEC_FRAME_FIELDS_H

#include <msgpack.h>
#include <quire/bytes.h>

struct qr_frame;
struct qr_frame_space;

/** The values of one array. Rows share the status of the frame that they are in. */
struct qr_fields {
    const msgpack_object *next;
    size_t left;
    enum quire_status *status; /* borrowed; OK until the first failure */
};

/** The message breaks a rule of its form unless `holds`: EMALFORMED. */
void qr_take_rule(struct qr_fields *fields, bool holds);
/** The message is over a limit of the protocol unless `holds`: ELIMIT. */
void qr_take_limit(struct qr_fields *fields, bool holds);
bool qr_take_bool(struct qr_fields *fields);
uint64_t qr_take_u64(struct qr_fields *fields);
uint32_t qr_take_u32(struct qr_fields *fields);
/** A number under a limit of the protocol: above it ELIMIT. */
uint64_t qr_take_count(struct qr_fields *fields, uint64_t most);
/** Exactly `size` bytes; NULL once failed. */
const uint8_t *qr_take_bin(struct qr_fields *fields, size_t size);
/** The same, or NULL for nil. */
const uint8_t *qr_take_bin_or_nil(struct qr_fields *fields, size_t size);
/** At most `most` bytes: above it ELIMIT. */
struct quire_bytes qr_take_data(struct qr_fields *fields, size_t most);
/** An array of at most `most` elements, above it ELIMIT; no elements once failed. */
struct qr_fields qr_take_array(struct qr_fields *fields, size_t most);
/** An array of exactly `count` elements. Once failed its fields give zeros. */
struct qr_fields qr_take_row(struct qr_fields *fields, size_t count);
/** An array of 1 … `most_size` bytes each, into `items` (QR_FRAME_ITEMS_MAX); returns how many. */
size_t qr_take_items(
    struct qr_fields *fields, struct quire_bytes *items, size_t most, size_t most_size);

struct qr_packer {
    msgpack_packer msgpack; /* its callback finds this struct */
    struct quire_buffer *buffer;
    size_t start; /* the buffer's size when the frame began */
    enum quire_status status;
};

void qr_packer_init(struct qr_packer *packer, struct quire_buffer *buffer);
/** The status; on failure the buffer is cut back to where the frame began. */
QUIRE_CHECKED enum quire_status qr_packer_end(struct qr_packer *packer);

/** EINVALID unless `holds`. */
void qr_put_rule(struct qr_packer *packer, bool holds);
/** ELIMIT unless `holds`. */
void qr_put_limit(struct qr_packer *packer, bool holds);
void qr_put_bool(struct qr_packer *packer, bool value);
void qr_put_uint(struct qr_packer *packer, uint64_t value);
void qr_put_count(struct qr_packer *packer, uint64_t value, uint64_t most);
void qr_put_bin(struct qr_packer *packer, const uint8_t *data, size_t size);
void qr_put_bin_or_nil(struct qr_packer *packer, const uint8_t *data, size_t size);
void qr_put_data(struct qr_packer *packer, struct quire_bytes data, size_t most);
/** The head of an array; as many values must follow. */
void qr_put_array(struct qr_packer *packer, size_t count, size_t most);
void qr_put_items(struct qr_packer *packer, const struct quire_bytes *items, size_t count,
    size_t most, size_t most_size);

/* Each message's read and write: frame_<group>.c. The type is neither read nor written there. */
#define QR_MESSAGE(name) \
    void qr_##name##_read( \
        struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame); \
    void qr_##name##_write(struct qr_packer *packer, const struct qr_frame *frame)

QR_MESSAGE(hello);
QR_MESSAGE(challenge);
QR_MESSAGE(auth);
QR_MESSAGE(welcome);
QR_MESSAGE(sub);
QR_MESSAGE(want);
QR_MESSAGE(delta);
QR_MESSAGE(caught_up);
QR_MESSAGE(push);
QR_MESSAGE(ack);
QR_MESSAGE(roster_append);
QR_MESSAGE(roster_records);
QR_MESSAGE(roster_done);
QR_MESSAGE(chains);
QR_MESSAGE(pair);
QR_MESSAGE(credit);
QR_MESSAGE(ping);
QR_MESSAGE(goaway);
QR_MESSAGE(error);
QR_MESSAGE(presence);

#endif
