/*
 * Sizes of the names that everything else speaks of.
 */
#ifndef QR_BASE_IDS_H
#define QR_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define QR_HASH_SIZE 32
#define QR_USER_SIZE 32
#define QR_DEVICE_SIZE 16 /* sixteen zeros stand for the root */
#define QR_REPLICA_SIZE 8
#define QR_ENTRY_SIZE 16
#define QR_SIGNATURE_SIZE 64
#define QR_KEY_SIZE 32
#define QR_ENTROPY_SIZE 32

static inline bool qr_is_zero(const uint8_t *id, size_t size)
{
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all |= id[i];
    }
    return all == 0;
}

#endif
