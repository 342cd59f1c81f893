/*
 * A user's roster as both ends hold it: records checked one by one, and what follows from them.
 * protocol/roster.md has the rules.
 */
#ifndef QR_SYNC_ROSTER_H
#define QR_SYNC_ROSTER_H

#include "codec/roster.h"
#include "crypto/hash.h"

struct qr_roster_device {
    uint8_t device[QR_DEVICE_SIZE];
    uint8_t sign_public[QR_KEY_SIZE];
    uint8_t box_public[QR_KEY_SIZE];
    uint32_t added_seq;
    uint32_t revoked_seq; /* 0: active */
};

struct qr_roster_entry {
    size_t offset, size; /* of the record in `bytes` */
    uint8_t kind;        /* enum qr_record_kind */
    uint32_t epoch;      /* in force from this record on; 0 before the first epoch */
    uint8_t hash[QR_HASH_SIZE];
};

/** Invariant: every record in `bytes` is valid after those before it. Zero-initialise before use. */
struct qr_roster {
    uint8_t user[QR_USER_SIZE];
    uint8_t root[QR_KEY_SIZE];
    uint8_t recovery[QR_KEY_SIZE];
    uint32_t count;
    uint32_t epoch;
    size_t active_count;
    struct quire_buffer bytes;
    struct qr_roster_entry *entries;
    struct qr_roster_device *devices; /* in order of enrolment */
    size_t device_count;
};

void qr_roster_finish(struct qr_roster *roster);
/** A deep copy, to try records on. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_roster_copy(
    const struct qr_roster *roster, struct qr_roster *out_copy);

/**
 * Checks one more record and appends it. EMALFORMED, ELIMIT, EUNSUPPORTED: its form or what it says.
 * ECONFLICT: seq or prev do not continue this roster. ECRYPTO: the signature. ENOMEM.
 * The first record gives the roster its user.
 */
QUIRE_CHECKED enum quire_status qr_roster_append(
    struct qr_roster *roster, struct quire_bytes record);

/** What remains to be checked of a record: this signature, over this hash, in QR_CONTEXT_ROSTER_SIGN. */
struct qr_roster_proof {
    uint8_t public_key[QR_KEY_SIZE];
    uint8_t hash[QR_HASH_SIZE];
    uint8_t signature[QR_SIGNATURE_SIZE];
};

/** The same, but for the signature: until the caller has checked it, nothing of the roster counts.
 * ECRYPTO: its signer is no active device, nor the root. */
QUIRE_CHECKED enum quire_status qr_roster_append_unproved(
    struct qr_roster *roster, struct quire_bytes record, struct qr_roster_proof *out_proof);

/** How much of the room for enrolments is used, in percent: of bytes, records or devices, whichever is
 * used most. At 100 no device can be enrolled by another; revocations and the recovery kit still work,
 * since room is reserved for them (QR_REVOKE_RESERVE, QR_ROOT_RESERVE). */
uint32_t qr_roster_fullness(const struct qr_roster *roster);

/** The seq-th record's bytes, borrowed until the next append; seq < count. */
struct quire_bytes qr_roster_record(const struct qr_roster *roster, uint32_t seq);
/** Hash of the last record; zeros for an empty roster. */
const uint8_t *qr_roster_head(const struct qr_roster *roster);
/** NULL: never enrolled. */
const struct qr_roster_device *qr_roster_find(
    const struct qr_roster *roster, const uint8_t *device);
/** May this device write at all. */
bool qr_roster_active(const struct qr_roster *roster, const uint8_t *device);
/** May `device` have written batch `seq` of `replica`, which has this hash: active, or below its
 * revocation's pin, or the very batch that is pinned. */
bool qr_roster_admits(const struct qr_roster *roster, const uint8_t *device, const uint8_t *replica,
    uint64_t seq, const uint8_t *hash);
/** How many batches of a chain the roster admits of that device: UINT64_MAX while it is active, the
 * pin (with its hash), else 0. */
uint64_t qr_roster_pin(const struct qr_roster *roster, const uint8_t *device,
    const uint8_t *replica, uint8_t out_hash[QR_HASH_SIZE]);
/** The record of an epoch, by number. ENOTFOUND. */
QUIRE_CHECKED enum quire_status qr_roster_epoch_record(
    const struct qr_roster *roster, uint32_t epoch, struct qr_record *out_record);

/** Hash of a record's signed bytes; what its signature is over. */
void qr_record_hash(struct quire_bytes signed_bytes, uint8_t out_hash[QR_HASH_SIZE]);
/** user_id of a genesis record's signed bytes. */
void qr_record_user(struct quire_bytes signed_bytes, uint8_t out_user[QR_USER_SIZE]);

#endif
