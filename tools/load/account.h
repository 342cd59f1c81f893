/*
 * An account for load: a roster with some devices, and batches that a server accepts. What is inside
 * of the changes is noise; a server cannot tell.
 */
#ifndef QUIRE_LOAD_ACCOUNT_H
#define QUIRE_LOAD_ACCOUNT_H

#include "codec/frame.h"
#include "crypto/vault.h"

#define LOAD_DEVICES_MAX 8

struct load_device {
    struct qr_vault *vault;
    uint8_t replica[QR_REPLICA_SIZE];
    uint8_t head[QR_HASH_SIZE]; /* of its chain */
    uint64_t seq;               /* of its last batch */
};

struct load_account {
    uint8_t user[QR_USER_SIZE];
    uint8_t entry[QR_ENTRY_SIZE];
    uint8_t roster_head[QR_HASH_SIZE];
    struct quire_buffer records[2 + LOAD_DEVICES_MAX];
    uint32_t record_count;
    struct load_device devices[LOAD_DEVICES_MAX];
    size_t device_count;
    uint8_t seed[QR_ENTROPY_SIZE];
    uint64_t drawn; /* values taken from the seed */
};

/** Makes the account that goes with `seed`: the same every time. Finish it also after a failure. */
QUIRE_CHECKED enum quire_status load_account_init(
    struct load_account *account, const uint8_t seed[QR_ENTROPY_SIZE], size_t device_count);
void load_account_finish(struct load_account *account);

/** Appends the next batch of a device's chain, sealed and signed, with one change of `size` bytes. */
QUIRE_CHECKED enum quire_status load_account_batch(
    struct load_account *account, size_t device, size_t size, struct quire_buffer *out_batch);

#endif
