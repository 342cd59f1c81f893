/*
 * Secrets leave no trace in memory.
 */
#include "crypto/wipe.h"
#include <sodium.h>

void qr_wipe(void *data, size_t size)
{
    sodium_memzero(data, size);
}
