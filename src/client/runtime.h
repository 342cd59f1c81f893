/*
 * What is kept outside of the profile, gone at a reboot and in no backup: the replica record
 * (quire_device_options.replica_record), and a folder for an editor's plain text.
 */
#ifndef QR_CLIENT_RUNTIME_H
#define QR_CLIENT_RUNTIME_H

#include "client/files.h"

/** The user's folder for it, in memory, mode 0700: $XDG_RUNTIME_DIR/quire, /run/user/UID/quire or
 * /dev/shm/quire-UID. EIO: none can be had. */
QUIRE_CHECKED enum quire_status qr_client_runtime_folder(
    struct qr_client_path *out_path, struct qr_client_error *error);

/** The record of the profile with this real path; leaves out_record empty if there is none. */
void qr_client_replica_read(const char *profile, struct quire_buffer *out_record);

/** Replaces it. A failure is no harm: a record that is behind the profile begins a new chain. */
void qr_client_replica_write(const char *profile, struct quire_bytes record);

#endif
