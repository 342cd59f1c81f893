/*
 * What an import reads: a file, or the files in a folder, a zip or a tar, whole and in memory.
 *
 * Nothing is unpacked to a disk, so a name in an archive is only a name. Only what may hold text is
 * read; photos and the like are members without content.
 *
 * Limits: a file has QR_MOVING_FILE_MAX bytes, all of them together QR_MOVING_TOTAL_MAX, and there are
 * QR_MOVING_MEMBERS_MAX of them. An archive that unpacks to more than QR_MOVING_RATIO_MAX times its size
 * (and more than QR_MOVING_RATIO_FROM bytes) is refused.
 */
#ifndef QR_CLIENT_MOVING_BUNDLE_H
#define QR_CLIENT_MOVING_BUNDLE_H

#include "client/moving/journal.h"

#define QR_MOVING_FILE_MAX ((size_t)512 << 20)
#define QR_MOVING_TOTAL_MAX ((size_t)1 << 30)
#define QR_MOVING_MEMBERS_MAX 200000
#define QR_MOVING_RATIO_MAX 200
#define QR_MOVING_RATIO_FROM ((size_t)64 << 20)

enum qr_moving_shape {
    QR_MOVING_FILE,
    QR_MOVING_FOLDER,
    QR_MOVING_ARCHIVE,
};

struct qr_moving_member {
    char *name; /* with '/' between folders, relative; valid UTF-8 */
    bool loaded;
    struct quire_buffer content;
};

/** Zero-initialise; qr_moving_bundle_finish. Members are in byte order of their names. */
struct qr_moving_bundle {
    enum qr_moving_shape shape;
    struct qr_moving_member *members;
    size_t count, capacity;
    size_t total;       /* bytes loaded */
    size_t source_size; /* bytes of the archive; 0: not one */
};

/**
 * Reads a file, folder or archive. Members that cannot be read, and links, are left out, and a note in
 * `journal` says so. EIO, ENOTFOUND: it cannot be read. EMALFORMED: a damaged archive. ELIMIT: a
 * limit above. ENOMEM. `error` has the sentence.
 */
QUIRE_CHECKED enum quire_status qr_moving_bundle_open(const char *path,
    struct qr_moving_bundle *bundle, struct qr_moving_journal *journal,
    struct qr_client_error *error);

/** The same of a file in memory that had this name. */
QUIRE_CHECKED enum quire_status qr_moving_bundle_of(const char *name, struct quire_bytes content,
    struct qr_moving_bundle *bundle, struct qr_moving_journal *journal,
    struct qr_client_error *error);

/** Adds a member that is loaded. Takes content; call qr_moving_bundle_sort afterwards. ELIMIT, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_bundle_add(struct qr_moving_bundle *bundle,
    const char *name, struct quire_buffer *content, struct qr_client_error *error);
void qr_moving_bundle_sort(struct qr_moving_bundle *bundle);

void qr_moving_bundle_finish(struct qr_moving_bundle *bundle);

/** The part of a name after its last '/'. */
const char *qr_moving_base(const char *name);
/** The name ends in this, whatever its capitals: ".json". */
bool qr_moving_ends(const char *name, const char *ending);

#endif
