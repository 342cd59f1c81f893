/*
 * Encrypts and decrypts a backup chunk by chunk, so that a journal of any size needs little memory.
 */
#include "client/backup_stream.h"
#include "client/files.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK QR_CLIENT_BACKUP_CHUNK
#define OVERHEAD crypto_secretstream_xchacha20poly1305_ABYTES
#define HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES

_Static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES == 32, "the key of a stream");

void qr_client_backup_fail(
    struct qr_client_backup_stream *stream, enum quire_status status, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (!stream->good) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    stream->good = false;
    stream->status = qr_client_fail(stream->error, status, "%s", text);
}

bool qr_client_backup_write_all(int file, const void *bytes, size_t size)
{
    const char *cursor = bytes;
    while (size > 0) {
        ssize_t done = write(file, cursor, size);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        cursor += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static void write_or_fail(struct qr_client_backup_stream *stream, const void *bytes, size_t size)
{
    if (!qr_client_backup_write_all(stream->file, bytes, size)) {
        qr_client_backup_fail(stream, qr_client_status_of_errno(errno),
            "The backup cannot be written: %s. The profile was not touched.", strerror(errno));
    }
}

/* How much is there, up to `size`; 0 at the end. */
static size_t read_some(struct qr_client_backup_stream *stream, uint8_t *out, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t done = read(stream->file, out + got, size - got);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            qr_client_backup_fail(
                stream, QUIRE_EIO, "The backup cannot be read: %s.", strerror(errno));
            return 0;
        }
        if (done == 0) {
            break;
        }
        got += (size_t)done;
    }
    return got;
}

static void begin(struct qr_client_backup_stream *stream, int file, struct qr_client_error *error)
{
    *stream = (struct qr_client_backup_stream){.file = file, .good = true, .error = error};
    crypto_generichash_init(&stream->hash, NULL, 0, 32);
}

void qr_client_backup_begin_write(struct qr_client_backup_stream *stream, int file,
    const uint8_t key[32], struct qr_client_error *error)
{
    uint8_t header[HEADER];
    begin(stream, file, error);
    crypto_secretstream_xchacha20poly1305_init_push(&stream->state, header, key);
    write_or_fail(stream, header, sizeof header);
}

static void push(struct qr_client_backup_stream *stream, uint8_t tag)
{
    uint8_t sealed[CHUNK + OVERHEAD];
    crypto_generichash_update(&stream->hash, stream->plain, stream->used);
    crypto_secretstream_xchacha20poly1305_push(
        &stream->state, sealed, NULL, stream->plain, stream->used, NULL, 0, tag);
    write_or_fail(stream, sealed, stream->used + OVERHEAD);
    stream->used = 0;
}

void qr_client_backup_put(struct qr_client_backup_stream *stream, const void *bytes, size_t size)
{
    const uint8_t *cursor = bytes;
    while (stream->good && size > 0) {
        size_t room = CHUNK - stream->used, part = size < room ? size : room;
        memcpy(stream->plain + stream->used, cursor, part);
        stream->used += part;
        cursor += part;
        size -= part;
        if (stream->used == CHUNK) {
            push(stream, 0);
        }
    }
}

bool qr_client_backup_end_write(struct qr_client_backup_stream *stream, uint8_t out_hash[32])
{
    if (stream->good) {
        push(stream, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    }
    crypto_generichash_final(&stream->hash, out_hash, 32);
    qr_client_wipe(stream->plain, sizeof stream->plain);
    qr_client_wipe(&stream->state, sizeof stream->state);
    return stream->good;
}

#define DAMAGED "The backup is damaged or was cut off. No profile was made or changed."

void qr_client_backup_begin_read(struct qr_client_backup_stream *stream, int file,
    const uint8_t key[32], struct qr_client_error *error)
{
    uint8_t header[HEADER] = {0};
    begin(stream, file, error);
    if (read_some(stream, header, sizeof header) != sizeof header
        || crypto_secretstream_xchacha20poly1305_init_pull(&stream->state, header, key) != 0) {
        qr_client_backup_fail(stream, QUIRE_EMALFORMED, DAMAGED);
    }
}

static void pull(struct qr_client_backup_stream *stream)
{
    uint8_t sealed[CHUNK + OVERHEAD], tag = 0;
    unsigned long long size = 0;
    size_t got = stream->last ? 0 : read_some(stream, sealed, sizeof sealed);
    if (stream->last || got < OVERHEAD
        || crypto_secretstream_xchacha20poly1305_pull(
               &stream->state, stream->plain, &size, &tag, sealed, got, NULL, 0)
            != 0) {
        qr_client_backup_fail(stream, QUIRE_EMALFORMED, DAMAGED);
        return;
    }
    stream->last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    stream->used = 0;
    stream->size = (size_t)size;
    crypto_generichash_update(&stream->hash, stream->plain, stream->size);
}

bool qr_client_backup_get(struct qr_client_backup_stream *stream, void *out, size_t size)
{
    uint8_t *cursor = out;
    while (stream->good && size > 0) {
        size_t there = stream->size - stream->used, part = size < there ? size : there;
        if (there == 0) {
            pull(stream);
            continue;
        }
        memcpy(cursor, stream->plain + stream->used, part);
        stream->used += part;
        cursor += part;
        size -= part;
    }
    return stream->good;
}

void qr_client_backup_drain(struct qr_client_backup_stream *stream)
{
    while (stream->good && !stream->last) {
        pull(stream);
    }
    stream->used = stream->size;
}

bool qr_client_backup_end_read(struct qr_client_backup_stream *stream, uint8_t out_hash[32])
{
    uint8_t more;
    if (stream->good && !stream->last) {
        pull(stream);
    }
    if (stream->good
        && (!stream->last || stream->used != stream->size || read_some(stream, &more, 1) != 0)) {
        qr_client_backup_fail(stream, QUIRE_EMALFORMED, DAMAGED);
    }
    crypto_generichash_final(&stream->hash, out_hash, 32);
    qr_client_wipe(stream->plain, sizeof stream->plain);
    qr_client_wipe(&stream->state, sizeof stream->state);
    return stream->good;
}
