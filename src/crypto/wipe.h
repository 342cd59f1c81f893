/*
 * Secrets leave no trace in memory.
 */
#ifndef QR_CRYPTO_WIPE_H
#define QR_CRYPTO_WIPE_H

#include <stddef.h>

/** Overwrites memory in a way that the compiler keeps. */
void qr_wipe(void *data, size_t size);

#endif
