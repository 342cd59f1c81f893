/*
 * A roster record: one step of a user's signed, linear list of devices and keys. Fixed layout,
 * big-endian (protocol/roster.md):
 *
 *   u8 version = 1 | u32 seq | prev 32 | u8 kind | signer 16 | u32 size | body | signature 64
 *
 * seq counts from 0 (genesis, signed by the root, prev zeros; no other record is or has any of
 * the three but the signature of the root). signer is a device id or zeros for the root.
 * Bodies:
 *   GENESIS  root 32 | recovery 32 | salt 16
 *   ADD      sign public 32 | box public 32 | u32 epoch | sealed name 104 | seal 80
 *   REVOKE   device 16 | u16 n | n × (replica 8 | u64 seq | hash 32), ascending by replica
 *   EPOCH    u32 epoch | commitment 32 | u8 w (0 for epoch 1, else 1) | w × wrap 72
 *            | u8 n | n × (device 16 | seal 80), ascending by device; zeros (recovery) come first
 */
#ifndef QR_CODEC_ROSTER_H
#define QR_CODEC_ROSTER_H

#include "codec/batch.h"

enum qr_record_kind {
    QR_RECORD_GENESIS = 1,
    QR_RECORD_ADD = 2,
    QR_RECORD_REVOKE = 3,
    QR_RECORD_EPOCH = 4,
    QR_RECORD_SLOT = 5,       /* reserved */
    QR_RECORD_CONSENT = 6,    /* reserved */
    QR_RECORD_MIN_FORMAT = 7, /* reserved */
};

#define QR_RECORD_SEAL_SIZE 80
#define QR_RECORD_WRAP_SIZE 72
#define QR_RECORD_NAME_SIZE 104
#define QR_SALT_SIZE 16

/** A parsed record; the pointers borrow from the bytes it was read from. About 48 KB, nearly all of
 * it room for pins. */
struct qr_record {
    uint32_t seq;
    uint8_t kind;
    const uint8_t *prev;
    const uint8_t *signer;
    const uint8_t *signature;
    struct quire_bytes signed_bytes; /* all but the signature: what is hashed */
    struct quire_bytes bytes;
    union {
        struct {
            const uint8_t *root, *recovery, *salt;
        } genesis;
        struct {
            const uint8_t *sign_public, *box_public, *name, *seal;
            uint32_t epoch;
        } add;
        struct {
            const uint8_t *device;
            size_t pin_count;
            struct qr_dep pins[QR_CHAINS_MAX];
        } revoke;
        struct {
            uint32_t epoch;
            const uint8_t *commitment;
            const uint8_t *wrap; /* NULL for epoch 1 */
            size_t seal_count;
            struct {
                const uint8_t *device, *seal;
            } seals[QR_DEVICES_MAX + 1];
        } epoch;
    };
};

/** Reads and checks the form of a record. EMALFORMED, ELIMIT, EUNSUPPORTED (version or reserved
 * kind). No allocation. Only the union's member of the kind is written, and of pins and seals only
 * as many as there are. */
QUIRE_CHECKED enum quire_status qr_record_read(
    struct quire_bytes bytes, struct qr_record *out_record);

/** Appends all but the signature, from the same struct (bytes, signed_bytes and signature are not
 * read). ELIMIT, EINVALID (reading would refuse it), ENOMEM. */
QUIRE_CHECKED enum quire_status qr_record_write(
    const struct qr_record *record, struct quire_buffer *out_bytes);

#endif
