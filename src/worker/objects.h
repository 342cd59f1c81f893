/*
 * The objects of the lane as the worker's core reads and writes them. Fixed layouts, big-endian; each ends in a
 * signature of 64 bytes.
 *
 * grant      = u8 1 ‖ sign 32 ‖ grantee 32 ‖ u8 purpose ‖ u8 mode ‖ u16 fields ‖ u64 not_after ‖ u32 per_day
 *              ‖ analyser 32 ‖ hash of the words 32 ‖ locale 8 ‖ box 32                        signed by sign
 * copy       = u8 1 ‖ sign 32 ‖ subject 16 ‖ u64 rev ‖ tag 16 ‖ u16 fields ‖ u64 made_at
 *              ‖ u8 n ≤ 8 ‖ n × (lane key 8 ‖ seal 80) ‖ nonce 24 ‖ commitment 32
 *              ‖ u32 size ≤ 64 KiB ‖ ciphertext                                                signed by sign
 * withdrawal = u8 1 ‖ sign 32 ‖ u64 at                                                        signed by sign
 * lane key   = u8 1 ‖ instance 16 ‖ u32 period ‖ box 32 ‖ u64 seal_until ‖ u64 open_until
 *              ‖ build 32 ‖ u16 policy                                                 signed by the instance
 * result     = u8 1 ‖ copy id 32 ‖ sign 32 ‖ instance 16 ‖ analyser 32 ‖ u64 read_at ‖ u64 seq ‖ prev 32
 *              ‖ u8 outcome ‖ u32 size ‖ sealed content                                signed by the instance
 * Times are milliseconds since 1970.
 */
#ifndef QR_WORKER_OBJECTS_H
#define QR_WORKER_OBJECTS_H

#include "crypto/lane_worker.h"

#define QR_COPY_TEXT_MAX (64u << 10)
#define QR_COPY_SEALS_MAX 8
#define QR_LANE_KEY_ID_SIZE 8
#define QR_SUBJECT_SIZE 16
#define QR_FIELDS_ALL 0x7f /* text, title, day, hour, mood, tags, emotions */
#define QR_FIELD_TEXT 0x01

enum qr_purpose { QR_PURPOSE_INSIGHT = 1 };

enum qr_outcome {
    QR_OUTCOME_DONE = 0,
    QR_OUTCOME_OUTSIDE = 1, /* a field that the grant does not name */
    QR_OUTCOME_EXPIRED = 2,
    QR_OUTCOME_CLOSED = 3, /* it does not open with a key that is left */
    QR_OUTCOME_TOO_LARGE = 4,
    QR_OUTCOME_GAVE_UP = 5, /* cores died of it */
    QR_OUTCOME_WITHDRAWN = 6,
};

struct qr_grant {
    const uint8_t *sign, *grantee, *analyser, *words, *locale, *box;
    uint8_t purpose, mode;
    uint16_t fields;
    uint64_t not_after;
    uint32_t per_day;
};

struct qr_copy {
    const uint8_t *sign, *subject, *tag, *nonce, *commitment;
    uint64_t rev, made_at;
    uint16_t fields;
    uint8_t seal_count;
    const uint8_t *seals;    /* seal_count × (8 + 80) */
    struct quire_bytes head; /* all before the nonce */
    struct quire_bytes ciphertext;
    uint8_t id[QR_HASH_SIZE];
};

struct qr_lane_key {
    const uint8_t *instance, *box, *build;
    uint32_t period;
    uint64_t seal_until, open_until;
    uint16_t policy;
};

struct qr_result {
    const uint8_t *copy, *sign, *instance, *analyser, *prev;
    uint64_t read_at, seq;
    enum qr_outcome outcome;
    struct quire_bytes sealed;
};

/** Each: EMALFORMED, not of this form; ELIMIT, larger than its limit; ECRYPTO, the signature does not hold. Ranges
 * borrow from the bytes; on failure the output is untouched. */
QUIRE_CHECKED enum quire_status qr_grant_open(struct quire_bytes bytes, struct qr_grant *out_grant);
QUIRE_CHECKED enum quire_status qr_copy_open(struct quire_bytes bytes, struct qr_copy *out_copy);
QUIRE_CHECKED enum quire_status qr_withdrawal_open(
    struct quire_bytes bytes, const uint8_t **out_sign);
/** The same without the signature. */
QUIRE_CHECKED enum quire_status qr_grant_read(struct quire_bytes bytes, struct qr_grant *out_grant);
QUIRE_CHECKED enum quire_status qr_copy_read(struct quire_bytes bytes, struct qr_copy *out_copy);

/** Append a signed object. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_lane_key_write(
    const struct qr_lane_key *key, const struct qr_vault *instance, struct quire_buffer *out_bytes);
QUIRE_CHECKED enum quire_status qr_result_write(const struct qr_result *result,
    const struct qr_vault *instance, struct quire_buffer *out_bytes);

/** How a copy names a lane key. */
void qr_lane_key_id(struct quire_bytes key, uint8_t out_id[QR_LANE_KEY_ID_SIZE]);
/** What the next result of the chain names. */
void qr_result_hash(struct quire_bytes result, uint8_t out_hash[QR_HASH_SIZE]);
/** An analyser, by its bundles. */
void qr_analyser_id(const struct quire_bytes *bundles, size_t count, uint8_t out_id[QR_HASH_SIZE]);

#endif
