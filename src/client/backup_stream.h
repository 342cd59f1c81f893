/*
 * The encrypted stream of a backup (backup.h).
 */
#ifndef QR_CLIENT_BACKUP_STREAM_H
#define QR_CLIENT_BACKUP_STREAM_H

#include "client/error.h"
#include <quire/bytes.h>
#include <sodium.h>
#include <stdbool.h>

#define QR_CLIENT_BACKUP_CHUNK 65536

/** Writes or reads; never both. `good` is false from the first failure on, and `error` says why. */
struct qr_client_backup_stream {
    int file;
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t plain[QR_CLIENT_BACKUP_CHUNK];
    size_t used, size; /* bytes of `plain`: written to it or read from it; there */
    bool good, last;
    crypto_generichash_state hash; /* of all plain bytes */
    enum quire_status status;
    struct qr_client_error *error;
};

/** Begins to write after what is in the file: writes the stream's header. */
void qr_client_backup_begin_write(struct qr_client_backup_stream *stream, int file,
    const uint8_t key[32], struct qr_client_error *error);
void qr_client_backup_put(struct qr_client_backup_stream *stream, const void *bytes, size_t size);
/** Writes the last chunk and the hash of all that was put. */
bool qr_client_backup_end_write(struct qr_client_backup_stream *stream, uint8_t out_hash[32]);

/** Begins to read at the stream's header. */
void qr_client_backup_begin_read(struct qr_client_backup_stream *stream, int file,
    const uint8_t key[32], struct qr_client_error *error);
/** Exactly so many bytes. */
bool qr_client_backup_get(struct qr_client_backup_stream *stream, void *out, size_t size);
/** Reads all that is left and drops it. */
void qr_client_backup_drain(struct qr_client_backup_stream *stream);
/** Nothing may follow. */
bool qr_client_backup_end_read(struct qr_client_backup_stream *stream, uint8_t out_hash[32]);

/** Sets the first failure. */
void qr_client_backup_fail(struct qr_client_backup_stream *stream, enum quire_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** All of it, whatever signals come. False: errno says why. */
bool qr_client_backup_write_all(int file, const void *bytes, size_t size);

#endif
