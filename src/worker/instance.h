/*
 * Who this worker is: an ordinary Quire profile. The grantee is its account, the instance its device, so making,
 * adding and revoking instances is `quire init`, `quire pair`, `quire join` and `quire revoke`.
 */
#ifndef QR_WORKER_INSTANCE_H
#define QR_WORKER_INSTANCE_H

#include "crypto/vault.h"
#include "sync/roster.h"
#include <stddef.h>

struct qr_instance {
    struct qr_vault *vault; /* owned; the device's own keys */
    struct qr_roster roster;
};

/**
 * Reads the profile and its key file; they are not held open. profile, key_file: NULL, as `quire` finds them.
 * On failure out_error says what is wrong and what to do.
 */
QUIRE_CHECKED enum quire_status qr_instance_load(const char *profile, const char *key_file,
    struct qr_instance *out_instance, char *out_error, size_t error_size);
/** Wipes and frees. */
void qr_instance_finish(struct qr_instance *instance);

#endif
