/*
 * A profile and its key in one encrypted file, for the user's own backup.
 *
 *     file    = the text of a key box (keybox.h) of a fresh key ‖ header 24 ‖ chunks
 *     chunks  = crypto_secretstream_xchacha20poly1305 of libsodium under that key: plain chunks of
 *               65,536 bytes, the last shorter or empty, with the tag FINAL
 *     content = u8 1 ‖ n × item ‖ u8 0
 *     item    = u8 1 ‖ u16 size of name ‖ u64 size ‖ name ‖ bytes     (big-endian)
 *
 * Names: "key" (the profile's key, 32 bytes) first, "config", "records.mdb", and what lies in drafts/, inbox/ and acknowledged/.
 */
#ifndef QR_CLIENT_BACKUP_H
#define QR_CLIENT_BACKUP_H

#include "client/shell.h"

/** What a backup holds, or what was restored. */
struct qr_client_backup_counts {
    uint64_t files, bytes;
};

/**
 * Writes a backup of the open profile, whose lock is held, to a path that does not exist; then reads it again
 * and compares. What is there at `path` afterwards is whole. EINVALID: the passphrase is none. ECONFLICT:
 * there is a file. EIO, EFULL, ENOMEM: no file. ECORRUPT: what was read is not what was written: no file.
 */
QUIRE_CHECKED enum quire_status qr_client_backup_write(struct quire_client *client,
    const char *path, const char *passphrase, uint32_t memory_mib,
    struct qr_client_backup_counts *out_counts);

/**
 * Makes a profile out of a backup, where there is none, with a key file sealed by the backup's
 * passphrase. Opens nothing. ECONFLICT: there is a profile. ECRYPTO: not that passphrase. EMALFORMED: not a
 * backup, damaged, or cut off. On failure there is no profile.
 */
QUIRE_CHECKED enum quire_status qr_client_backup_restore(struct quire_client *client,
    const char *path, const char *passphrase, struct qr_client_backup_counts *out_counts);

#endif
