/*
 * Small files and where they are: read whole, replaced whole, never seen half written.
 */
#ifndef QR_CLIENT_FILES_H
#define QR_CLIENT_FILES_H

#include "client/error.h"
#include <quire/bytes.h>
#include <stdint.h>

#define QR_CLIENT_PATH_MAX 4096 /* with the final zero */

struct qr_client_path {
    char text[QR_CLIENT_PATH_MAX];
};

/** Writes a path as printf does. ELIMIT: it is too long. */
QUIRE_CHECKED enum quire_status qr_client_path(struct qr_client_path *out_path,
    struct qr_client_error *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Appends a file of at most max_size bytes. ENOTFOUND; ELIMIT: larger; EIO; ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_read_file(const char *path, size_t max_size,
    struct quire_buffer *out_content, struct qr_client_error *error);

enum qr_client_replace {
    QR_CLIENT_ATOMIC,  /* old or new after a crash of the process; lost at a reboot, perhaps */
    QR_CLIENT_DURABLE, /* on the disk when it returns */
    QR_CLIENT_NEW,     /* durable, and ECONFLICT if there is one already */
};

/** Gives `fresh`, a file in the same folder, the name `path` if there is none of that name yet. False: errno. */
bool qr_client_put_new(const char *fresh, const char *path);

/** The names in the file's folder are on the disk when it returns. False: errno. */
bool qr_client_sync_folder_of(const char *path);

/** Replaces a file of mode 0600. EIO, EFULL: the old content is still there. */
QUIRE_CHECKED enum quire_status qr_client_write_file(const char *path, struct quire_bytes content,
    enum qr_client_replace how, struct qr_client_error *error);

/** Makes a folder and those above it, mode 0700 each; fine if it is there. */
QUIRE_CHECKED enum quire_status qr_client_make_folders(
    const char *path, struct qr_client_error *error);

/** Removes a folder and the plain files in it; fine if it is not there. EIO: something is left. */
QUIRE_CHECKED enum quire_status qr_client_remove_folder(
    const char *path, struct qr_client_error *error);

/** Sixteen hex digits of the path's hash: names what belongs to a profile but is kept elsewhere. */
void qr_client_path_name(const char *path, char out_name[17]);

/** Fills with random bytes of the system. EIO. */
QUIRE_CHECKED enum quire_status qr_client_random(
    void *out, size_t size, struct qr_client_error *error);

/** Wipes memory in a way that the compiler keeps. */
void qr_client_wipe(void *data, size_t size);

#endif
