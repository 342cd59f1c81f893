/*
 * Reading what an import reads. libarchive takes zip and tar apart.
 */
#define _GNU_SOURCE
#include "client/moving/bundle.h"
#include "client/files.h"
#include "client/text.h"
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* folders in folders */
#define NAME_MAX_BYTES 4096
#define PIECE 65536
#define BLOCK 512

const char *qr_moving_base(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

bool qr_moving_ends(const char *name, const char *ending)
{
    size_t size = strlen(name), tail = strlen(ending);
    return size >= tail && strcasecmp(name + size - tail, ending) == 0;
}

/* Files that may hold entries; without an ending, too, as org-journal names them. */
static bool may_hold_text(const char *name)
{
    static const char *const endings[] = {".json", ".txt", ".md", ".markdown", ".csv", ".org",
        ".journal", ".jrnl", ".daylio", ".html", ".htm", ".doentry"};
    const char *base = qr_moving_base(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (qr_moving_ends(base, endings[i])) {
            return true;
        }
    }
    return strchr(base, '.') == NULL;
}

/* Folders of programs and of attachments hold no entries. */
static bool holds_no_entries(const char *name)
{
    static const char *const folders[] = {
        ".git", ".obsidian", ".trash", ".resource", "resources", ".sync", ".lock"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t size = strlen(folders[i]);
        const char *found = strstr(name, folders[i]);
        if (found != NULL && (found == name || found[-1] == '/') && found[size] == '/') {
            return true;
        }
    }
    return false;
}

/* ---- members --------------------------------------------------------------------------------- */

static void finish_buffer(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_client_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

void qr_moving_bundle_finish(struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        finish_buffer(&bundle->members[i].content);
        free(bundle->members[i].name);
    }
    free(bundle->members);
    *bundle = (struct qr_moving_bundle){0};
}

static int compare_members(const void *left, const void *right)
{
    const struct qr_moving_member *a = left, *b = right;
    return strcmp(a->name, b->name);
}

void qr_moving_bundle_sort(struct qr_moving_bundle *bundle)
{
    if (bundle->count > 1) {
        qsort(bundle->members, bundle->count, sizeof *bundle->members, compare_members);
    }
}

/* What is no UTF-8 in a name becomes '?'. */
static char *clean_name(const char *name)
{
    char *copy = strdup(name);
    size_t size = strlen(name), offset = 0;
    while (copy != NULL && offset < size) {
        size_t step = 0;
        (void)qr_client_text_next(
            (struct quire_bytes){(const uint8_t *)name + offset, size - offset}, &step);
        if (step == 0) {
            copy[offset] = '?';
            step = 1;
        }
        offset += step;
    }
    return copy;
}

static enum quire_status add_member(struct qr_moving_bundle *bundle, const char *name,
    struct quire_buffer *content, struct qr_client_error *error)
{
    if (bundle->count == QR_MOVING_MEMBERS_MAX) {
        return qr_client_fail(error, QUIRE_ELIMIT,
            "There are more than %d files in it. Nothing was imported; import it in parts.",
            QR_MOVING_MEMBERS_MAX);
    }
    if (bundle->count == bundle->capacity) {
        size_t capacity = bundle->capacity == 0 ? 64 : bundle->capacity * 2;
        struct qr_moving_member *members = realloc(bundle->members, capacity * sizeof *members);
        if (members == NULL) {
            return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
        }
        bundle->members = members;
        bundle->capacity = capacity;
    }
    struct qr_moving_member member = {.name = clean_name(name), .loaded = content != NULL};
    if (member.name == NULL) {
        return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (content != NULL) {
        member.content = *content;
        *content = (struct quire_buffer){0};
        bundle->total += member.content.size;
    }
    bundle->members[bundle->count++] = member;
    return QUIRE_OK;
}

enum quire_status qr_moving_bundle_add(struct qr_moving_bundle *bundle, const char *name,
    struct quire_buffer *content, struct qr_client_error *error)
{
    return add_member(bundle, name, content, error);
}

/* A limit that `more` bytes of the file `name` would break. */
static enum quire_status check_room(const struct qr_moving_bundle *bundle, const char *name,
    size_t size, struct qr_client_error *error)
{
    if (size > QR_MOVING_FILE_MAX) {
        return qr_client_fail(error, QUIRE_ELIMIT,
            "%.200s has more than %zu MiB, which is what an import reads of one file. Nothing was "
            "imported.",
            name, QR_MOVING_FILE_MAX >> 20);
    }
    if (size > QR_MOVING_TOTAL_MAX - bundle->total) {
        return qr_client_fail(error, QUIRE_ELIMIT,
            "There is more than %zu MiB of text in it. Nothing was imported; import it in parts.",
            QR_MOVING_TOTAL_MAX >> 20);
    }
    size_t unpacked = bundle->total + size;
    if (bundle->source_size > 0 && unpacked > QR_MOVING_RATIO_FROM
        && unpacked / QR_MOVING_RATIO_MAX > bundle->source_size) {
        return qr_client_fail(error, QUIRE_ELIMIT,
            "The archive unpacks to more than %d times its size, as a zip bomb does: at %.200s. "
            "Nothing was imported.",
            QR_MOVING_RATIO_MAX, name);
    }
    return QUIRE_OK;
}

/* ---- encodings ------------------------------------------------------------------------------- */

/* UTF-16 with its mark becomes UTF-8; the mark of UTF-8 goes. The rest stays as it is: each format
 * reports what is not UTF-8. */
static enum quire_status to_utf8(struct quire_buffer *content, struct qr_client_error *error)
{
    const uint8_t *data = content->data;
    if (content->size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        content->size -= 3;
        memmove(content->data, content->data + 3, content->size);
        return QUIRE_OK;
    }
    bool little = content->size >= 2 && data[0] == 0xff && data[1] == 0xfe;
    bool big = content->size >= 2 && data[0] == 0xfe && data[1] == 0xff;
    if (!little && !big) {
        return QUIRE_OK;
    }
    iconv_t converter = iconv_open("UTF-8", little ? "UTF-16LE" : "UTF-16BE");
    struct quire_buffer text = {0};
    char *in = (char *)content->data + 2;
    size_t in_size = content->size - 2;
    bool enough = converter != (iconv_t)-1 && quire_buffer_reserve(&text, in_size * 2) == QUIRE_OK;
    if (enough) {
        char *out = (char *)text.data;
        size_t out_size = in_size * 2;
        if (in_size == 0 || iconv(converter, &in, &in_size, &out, &out_size) != (size_t)-1) {
            text.size = (size_t)(out - (char *)text.data);
            finish_buffer(content);
            *content = text;
            text = (struct quire_buffer){0};
        }
    }
    if (converter != (iconv_t)-1) {
        iconv_close(converter);
    }
    finish_buffer(&text);
    return enough ? QUIRE_OK : qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
}

/* ---- archives -------------------------------------------------------------------------------- */

static bool is_archive(const uint8_t *head, size_t size)
{
    bool zip = size >= 4 && head[0] == 'P' && head[1] == 'K'
        && ((head[2] == 3 && head[3] == 4) || (head[2] == 5 && head[3] == 6));
    /* Text may have the word there, but no zero byte, and a header always has: the fields end in one. */
    bool tar = size >= 263 && memcmp(head + 257, "ustar", 5) == 0 && memchr(head, 0, 257) != NULL;
    return zip || tar;
}

static enum quire_status damaged(struct archive *archive, struct qr_client_error *error)
{
    const char *why = archive_error_string(archive);
    return qr_client_fail(error, QUIRE_EMALFORMED,
        "The archive is damaged or cut short (%.200s). Nothing was imported.",
        why != NULL ? why : "no reason given");
}

static enum quire_status load_member(struct archive *archive, const char *name,
    struct qr_moving_bundle *bundle, struct qr_moving_journal *journal,
    struct qr_client_error *error)
{
    struct quire_buffer content = {0};
    enum quire_status status = QUIRE_OK;
    ssize_t size = 0;
    do {
        if (quire_buffer_reserve(&content, PIECE) != QUIRE_OK) {
            status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
            break;
        }
        size = archive_read_data(archive, content.data + content.size, PIECE);
        if (size < 0) {
            const char *why = archive_error_string(archive);
            if (why != NULL && strcasestr(why, "encrypt") == NULL
                && strcasestr(why, "passphrase") == NULL) {
                status = damaged(archive, error);
            } else {
                qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(name),
                    "It is encrypted inside of the archive. Unpack it, then import the folder.");
                finish_buffer(&content);
                return add_member(bundle, name, NULL, error);
            }
            break;
        }
        content.size += (size_t)size;
        status = check_room(bundle, name, content.size, error);
    } while (status == QUIRE_OK && size > 0);
    if (status == QUIRE_OK) {
        status = to_utf8(&content, error);
    }
    if (status == QUIRE_OK) {
        status = add_member(bundle, name, &content, error);
    }
    finish_buffer(&content);
    return status;
}

/* A relative name without "..": the others are hostile, or of no use. */
static bool is_plain_name(const char *name)
{
    if (name[0] == '/' || name[0] == 0 || strchr(name, '\\') != NULL) {
        return false;
    }
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0)) {
            return false;
        }
    }
    return true;
}

static enum quire_status read_archive(struct archive *archive, struct qr_moving_bundle *bundle,
    struct qr_moving_journal *journal, struct qr_client_error *error)
{
    struct archive_entry *entry = NULL;
    enum quire_status status = QUIRE_OK;
    int code;
    while (status == QUIRE_OK
        && ((code = archive_read_next_header(archive, &entry)) == ARCHIVE_OK
            || code == ARCHIVE_WARN)) {
        const char *name = archive_entry_pathname_utf8(entry);
        name = name != NULL ? name : archive_entry_pathname(entry);
        if (archive_entry_filetype(entry) == AE_IFDIR) {
            continue;
        }
        while (name != NULL && strncmp(name, "./", 2) == 0) {
            name += 2;
        }
        if (name == NULL || !is_plain_name(name)) {
            qr_moving_note(journal, QR_MOVING_FILE_SKIPPED,
                quire_bytes_of_text(name != NULL ? name : "(no name)"),
                "Its name leaves the archive's folder or cannot be read.");
        } else if (archive_entry_filetype(entry) != AE_IFREG) {
            qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(name),
                "It is not a plain file.");
        } else if (!may_hold_text(name) || holds_no_entries(name)) {
            status = add_member(bundle, name, NULL, error);
        } else {
            status = load_member(archive, name, bundle, journal, error);
        }
    }
    return status != QUIRE_OK ? status : code == ARCHIVE_EOF ? QUIRE_OK : damaged(archive, error);
}

static struct archive *archive_reader(void)
{
    struct archive *archive = archive_read_new();
    if (archive != NULL) {
        archive_read_support_format_zip_seekable(
            archive); /* by its list of files, which stands last */
        archive_read_support_format_tar(archive);
    }
    return archive;
}

/* ---- files and folders ----------------------------------------------------------------------- */

static enum quire_status unreadable(const char *path, int code, struct qr_client_error *error)
{
    return qr_client_fail(error, code == ENOENT ? QUIRE_ENOTFOUND : QUIRE_EIO,
        "%.300s cannot be read: %s. Nothing was imported.", path, strerror(code));
}

/* Reads to the end: the size may be wrong, or the file a pipe. */
static enum quire_status read_all(int file, const char *name, struct qr_moving_bundle *bundle,
    struct quire_buffer *out_content, struct qr_client_error *error)
{
    for (;;) {
        if (quire_buffer_reserve(out_content, PIECE) != QUIRE_OK) {
            return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
        }
        ssize_t size = read(file, out_content->data + out_content->size, PIECE);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return unreadable(name, errno, error);
        }
        if (size == 0) {
            return QUIRE_OK;
        }
        out_content->size += (size_t)size;
        enum quire_status status = check_room(bundle, name, out_content->size, error);
        if (status != QUIRE_OK) {
            return status;
        }
    }
}

static enum quire_status load_file(int folder, const char *leaf, const char *name,
    struct qr_moving_bundle *bundle, struct qr_moving_journal *journal,
    struct qr_client_error *error)
{
    struct quire_buffer content = {0};
    int file = openat(folder, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(name),
            "It cannot be read: %s.", strerror(errno));
        return QUIRE_OK;
    }
    enum quire_status status = read_all(file, name, bundle, &content, error);
    close(file);
    if (status == QUIRE_OK) {
        status = to_utf8(&content, error);
    }
    if (status == QUIRE_OK) {
        status = add_member(bundle, name, &content, error);
    }
    finish_buffer(&content);
    return status;
}

/* Takes `folder`. */
static enum quire_status read_folder(int folder, const char *prefix, int depth,
    struct qr_moving_bundle *bundle, struct qr_moving_journal *journal,
    struct qr_client_error *error)
{
    DIR *list = fdopendir(folder);
    enum quire_status status = QUIRE_OK;
    if (list == NULL) {
        close(folder);
        return unreadable(prefix, errno, error);
    }
    for (struct dirent *item = readdir(list); status == QUIRE_OK && item != NULL;
         item = readdir(list)) {
        char name[NAME_MAX_BYTES];
        struct stat info;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) {
            continue;
        }
        int size = snprintf(name, sizeof name, "%s%s", prefix, item->d_name);
        bool fits = size > 0 && (size_t)size + 2 < sizeof name && depth < DEPTH_MAX;
        if (!fits || fstatat(dirfd(list), item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(name),
                "It cannot be read, or the folders go too deep.");
        } else if (S_ISDIR(info.st_mode)) {
            memcpy(name + size, "/", 2);
            int inner = holds_no_entries(name) ? -1
                                               : openat(dirfd(list), item->d_name,
                                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (inner >= 0) {
                status = read_folder(inner, name, depth + 1, bundle, journal, error);
            } else if (!holds_no_entries(name)) {
                qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(name),
                    "It cannot be read: %s.", strerror(errno));
            }
        } else if (!S_ISREG(info.st_mode)) {
            qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(name),
                "It is a link or not a plain file.");
        } else if (!may_hold_text(name)) {
            status = add_member(bundle, name, NULL, error);
        } else {
            status = load_file(dirfd(list), item->d_name, name, bundle, journal, error);
        }
    }
    closedir(list);
    return status;
}

/* A tar ends in blocks of zeros; without them nothing tells that it is whole. */
static void check_end(
    struct qr_moving_journal *journal, const uint8_t *head, const uint8_t *tail, size_t tail_size)
{
    bool zeros = tail_size == BLOCK;
    for (size_t i = 0; i < tail_size; i++) {
        zeros &= tail[i] == 0;
    }
    if (head[0] != 'P' && !zeros) {
        qr_moving_note(journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text("(the end)"),
            "The archive has no end: it may be cut short, and entries may be missing.");
    }
}

static enum quire_status take_archive(struct archive *archive, struct qr_moving_bundle *bundle,
    struct qr_moving_journal *journal, struct qr_client_error *error, int opened)
{
    enum quire_status status = QUIRE_OK;
    bundle->shape = QR_MOVING_ARCHIVE;
    if (archive == NULL) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    } else if (opened != ARCHIVE_OK) {
        status = damaged(archive, error);
    } else {
        status = read_archive(archive, bundle, journal, error);
    }
    archive_read_free(archive);
    qr_moving_bundle_sort(bundle);
    return status;
}

enum quire_status qr_moving_bundle_of(const char *name, struct quire_bytes content,
    struct qr_moving_bundle *bundle, struct qr_moving_journal *journal,
    struct qr_client_error *error)
{
    if (is_archive(content.data, content.size)) {
        struct archive *archive = archive_reader();
        size_t tail = content.size < BLOCK ? content.size : BLOCK;
        bundle->source_size = content.size;
        check_end(journal, content.data, content.data + content.size - tail, tail);
        int opened = archive == NULL
            ? ARCHIVE_FATAL
            : archive_read_open_memory(archive, content.data, content.size);
        return take_archive(archive, bundle, journal, error, opened);
    }
    struct quire_buffer copy = {0};
    bundle->shape = QR_MOVING_FILE;
    if (qr_moving_put(&copy, content) != QUIRE_OK) {
        return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    enum quire_status status = to_utf8(&copy, error);
    if (status == QUIRE_OK) {
        status = add_member(bundle, name, &copy, error);
    }
    finish_buffer(&copy);
    return status;
}

enum quire_status qr_moving_bundle_open(const char *path, struct qr_moving_bundle *bundle,
    struct qr_moving_journal *journal, struct qr_client_error *error)
{
    uint8_t head[BLOCK], tail[BLOCK];
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0) {
        int code = errno;
        if (file >= 0) {
            close(file);
        }
        return unreadable(path, code, error);
    }
    if (S_ISDIR(info.st_mode)) {
        bundle->shape = QR_MOVING_FOLDER;
        enum quire_status status = read_folder(file, "", 0, bundle, journal, error);
        qr_moving_bundle_sort(bundle);
        return status;
    }
    ssize_t size = S_ISREG(info.st_mode) ? pread(file, head, sizeof head, 0) : 0;
    if (size > 0 && is_archive(head, (size_t)size)) {
        struct archive *archive = archive_reader();
        ssize_t tail_size =
            pread(file, tail, sizeof tail, info.st_size < BLOCK ? 0 : info.st_size - BLOCK);
        bundle->source_size = (size_t)info.st_size;
        check_end(journal, head, tail, tail_size > 0 ? (size_t)tail_size : 0);
        int opened = archive == NULL ? ARCHIVE_FATAL : archive_read_open_fd(archive, file, PIECE);
        enum quire_status status = take_archive(archive, bundle, journal, error, opened);
        close(file);
        return status;
    }
    struct quire_buffer content = {0};
    bundle->shape = QR_MOVING_FILE;
    enum quire_status status = QUIRE_OK;
    if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > QR_MOVING_FILE_MAX) {
        status =
            check_room(bundle, path, (size_t)info.st_size, error); /* before reading all of it */
    }
    if (status == QUIRE_OK) {
        status = read_all(file, path, bundle, &content, error);
    }
    close(file);
    if (status == QUIRE_OK) {
        status = to_utf8(&content, error);
    }
    if (status == QUIRE_OK) {
        status = add_member(bundle, qr_moving_base(path), &content, error);
    }
    finish_buffer(&content);
    return status;
}
