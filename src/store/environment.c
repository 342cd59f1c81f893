/*
 * Opening, growing and reopening of the LMDB environment.
 *
 * A new environment is made under another name, synced and renamed, so that a power cut while it is
 * being made leaves either no store or a whole one.
 */
#include "store/environment.h"

#include "base/writer.h" /* big-endian integers */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FORMAT 1u
#define FILE_NAME "log.mdb"
#define NEW_NAME "new.mdb"
#define DISK_RESERVE (1024 * 1024) /* with less than this left, EIO means a full disk */
#if defined(QR_FAILPOINT_NOSYNC)   /* two deliberate bugs, which tests/crash must find */
#define FAILPOINT_FLAGS MDB_NOSYNC
#elif defined(QR_FAILPOINT_NOMETASYNC)
#define FAILPOINT_FLAGS MDB_NOMETASYNC
#else
#define FAILPOINT_FLAGS 0
#endif

enum quire_status qr_environment_status(const struct qr_environment *environment, int code)
{
    struct statvfs disk;
    switch (code) {
    case MDB_SUCCESS: return QUIRE_OK;
    case ENOMEM: return QUIRE_ENOMEM;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EFBIG: /* the limit of `ulimit -f` */
    case EDQUOT: return QUIRE_EFULL;
    case MDB_NOTFOUND: return QUIRE_ENOTFOUND;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE: return QUIRE_ECORRUPT;
    case MDB_VERSION_MISMATCH: return QUIRE_EUNSUPPORTED;
    case EAGAIN: return QUIRE_ELOCKED;
    default:
        if (statvfs(environment->folder, &disk) == 0
            && (uint64_t)disk.f_bavail * disk.f_frsize < DISK_RESERVE) {
            return QUIRE_EFULL;
        }
        return QUIRE_EIO;
    }
}

int qr_meta_get(MDB_txn *txn, const struct qr_environment *environment, const char *name, void *out,
    size_t size)
{
    char key_text[32];
    (void)snprintf(key_text, sizeof key_text, "%s", name);
    MDB_val key = {strlen(key_text), key_text};
    MDB_val value;
    int code = mdb_get(txn, environment->meta, &key, &value);
    if (code == MDB_SUCCESS && value.mv_size != size) {
        code = MDB_CORRUPTED;
    }
    if (code == MDB_SUCCESS) {
        memcpy(out, value.mv_data, size);
    }
    return code;
}

int qr_meta_put(MDB_txn *txn, const struct qr_environment *environment, const char *name,
    const void *data, size_t size)
{
    char key_text[32];
    uint8_t copy[16];
    (void)snprintf(key_text, sizeof key_text, "%s", name);
    memcpy(copy, data, size);
    MDB_val key = {strlen(key_text), key_text};
    MDB_val value = {size, copy};
    return mdb_put(txn, environment->meta, &key, &value, 0);
}

static bool path_in(const struct qr_environment *environment, const char *name,
    char out_path[QR_STORE_PATH_MAX + 32])
{
    int length = snprintf(out_path, QR_STORE_PATH_MAX + 32, "%s/%s", environment->folder, name);
    return length > 0 && length < QR_STORE_PATH_MAX + 32;
}

static int sync_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return errno;
    }
    int code = fsync(folder) == 0 ? 0 : errno;
    close(folder);
    return code;
}

static int open_file(struct qr_environment *environment, const char *name, uint64_t map_size)
{
    char path[QR_STORE_PATH_MAX + 32];
    MDB_env *env = NULL;
    if (!path_in(environment, name, path)) {
        return ENAMETOOLONG;
    }
    int code = mdb_env_create(&env);
    if (code != MDB_SUCCESS) {
        return code;
    }
    code = mdb_env_set_maxdbs(env, 4);
    if (code == MDB_SUCCESS) {
        code = mdb_env_set_mapsize(env, map_size);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS | FAILPOINT_FLAGS, 0600);
    }
    if (code != MDB_SUCCESS) {
        mdb_env_close(env);
        return code;
    }
    environment->env = env;
    return MDB_SUCCESS;
}

static int open_tables(struct qr_environment *environment, MDB_txn *txn, unsigned flags)
{
    int code = mdb_dbi_open(txn, "log", flags, &environment->log);
    if (code == MDB_SUCCESS) {
        code = mdb_dbi_open(txn, "index", flags, &environment->index);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_dbi_open(txn, "meta", flags, &environment->meta);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_dbi_open(txn, "forgotten", flags, &environment->forgotten);
    }
    return code;
}

static void close_file(struct qr_environment *environment)
{
    if (environment->reader != NULL) {
        mdb_txn_abort(environment->reader);
        environment->reader = NULL;
    }
    if (environment->env != NULL) {
        mdb_env_close(environment->env);
        environment->env = NULL;
    }
}

static int fill_new(struct qr_environment *environment, const uint8_t log_id[16])
{
    MDB_txn *txn = NULL;
    uint8_t format[4];
    uint8_t indexed[8] = {0};
    qr_store_u32(format, FORMAT);
    int code = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (code != MDB_SUCCESS) {
        return code;
    }
    code = open_tables(environment, txn, MDB_CREATE);
    if (code == MDB_SUCCESS) {
        code = qr_meta_put(txn, environment, "format", format, sizeof format);
    }
    if (code == MDB_SUCCESS) {
        code = qr_meta_put(txn, environment, "log", log_id, 16);
    }
    if (code == MDB_SUCCESS) {
        code = qr_meta_put(txn, environment, "indexed", indexed, sizeof indexed);
    }
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

static int create_file(struct qr_environment *environment, const uint8_t log_id[16])
{
    char made[QR_STORE_PATH_MAX + 32];
    char made_lock[QR_STORE_PATH_MAX + 32];
    char wanted[QR_STORE_PATH_MAX + 32];
    if (!path_in(environment, NEW_NAME, made) || !path_in(environment, FILE_NAME, wanted)
        || !path_in(environment, NEW_NAME "-lock", made_lock)) {
        return ENAMETOOLONG;
    }
    /* Left by a creation that was cut short. It must go: after a failed write the kernel may show
     * bytes that it will never bring to the disk. */
    if (unlink(made) != 0 && errno != ENOENT) {
        return errno;
    }
    unlink(made_lock);
    int code = open_file(environment, NEW_NAME, environment->map_size);
    if (code == MDB_SUCCESS) {
        code = fill_new(environment, log_id);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_sync(environment->env, 1);
    }
    close_file(environment);
    unlink(made_lock);
    if (code == MDB_SUCCESS && rename(made, wanted) != 0) {
        code = errno;
    }
    if (code == MDB_SUCCESS) {
        code = sync_folder(environment->folder);
    }
    return code;
}

static int check_format(struct qr_environment *environment)
{
    uint8_t format[4];
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &txn);
    if (code != MDB_SUCCESS) {
        return code;
    }
    code = open_tables(environment, txn, 0);
    if (code == MDB_SUCCESS) {
        code = qr_meta_get(txn, environment, "format", format, sizeof format);
    }
    if (code == MDB_NOTFOUND) {
        code = MDB_INVALID; /* an LMDB file of another program */
    }
    if (code == MDB_SUCCESS && qr_load_u32(format) != FORMAT) {
        code = qr_load_u32(format) > FORMAT ? MDB_VERSION_MISMATCH : MDB_INVALID;
    }
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return code;
    }
    /* Handles opened in a read transaction live on only if it is committed. */
    return mdb_txn_commit(txn);
}

static int compare_pages(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Are all pages from `first` to `last` free? LMDB does not write a page that was allocated and
 * freed in one transaction, so a whole file may end before them. The table of free pages has the
 * number 0: each value is a count and so many page numbers. */
static int check_free(MDB_env *env, size_t first, size_t last)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    size_t count = 0, *pages = calloc(last - first + 1, sizeof *pages);
    int code = pages == NULL ? ENOMEM : mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code == MDB_SUCCESS) {
        code = mdb_cursor_open(txn, 0, &cursor);
    }
    while (code == MDB_SUCCESS
        && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        const size_t *list = value.mv_data;
        size_t length = value.mv_size < sizeof *list ? 0 : value.mv_size / sizeof *list - 1;
        for (size_t i = 0; i < length && i < list[0] && count <= last - first; i++) {
            if (list[i + 1] >= first && list[i + 1] <= last) {
                pages[count++] = list[i + 1];
            }
        }
    }
    if (code == MDB_NOTFOUND) {
        qsort(pages, count, sizeof *pages, compare_pages);
        code = count == last - first + 1 ? MDB_SUCCESS : MDB_CORRUPTED;
        for (size_t i = 0; i < count && code == MDB_SUCCESS; i++) {
            code = pages[i] == first + i ? MDB_SUCCESS : MDB_CORRUPTED;
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    if (txn != NULL) {
        mdb_txn_abort(txn);
    }
    free(pages);
    return code;
}

/* A file that ends before its last page is given zeros there: reading the map past the file's end
 * would kill the process. If what is missing was in use, the file was cut, as by a copy that broke
 * off: it gets its length back, and is refused. */
static int restore_length(struct qr_environment *environment)
{
    MDB_envinfo info;
    MDB_stat tree;
    struct stat about;
    int file = -1;
    int code = mdb_env_info(environment->env, &info);
    if (code == MDB_SUCCESS) {
        code = mdb_env_stat(environment->env, &tree);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_get_fd(environment->env, &file);
    }
    if (code != MDB_SUCCESS) {
        return code;
    }
    off_t needed = (off_t)((info.me_last_pgno + 1) * tree.ms_psize);
    if (fstat(file, &about) != 0) {
        return errno;
    }
    if (about.st_size >= needed) {
        return MDB_SUCCESS;
    }
    if (ftruncate(file, needed) != 0) {
        return errno;
    }
    code = check_free(environment->env, (size_t)about.st_size / tree.ms_psize, info.me_last_pgno);
    if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND) {
        environment->missing_bytes = (uint64_t)(needed - about.st_size);
        code = ftruncate(file, about.st_size) == 0 ? MDB_CORRUPTED : errno;
    }
    return code;
}

static int open_existing(struct qr_environment *environment)
{
    MDB_envinfo info;
    int dead = 0;
    int code = open_file(environment, FILE_NAME, environment->map_size);
    if (code == MDB_SUCCESS) {
        code = restore_length(environment);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_reader_check(environment->env, &dead);
    }
    if (code == MDB_SUCCESS) {
        code = check_format(environment);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &environment->reader);
    }
    if (code == MDB_SUCCESS) {
        mdb_txn_reset(environment->reader);
        code = mdb_env_info(environment->env, &info);
    }
    if (code == MDB_SUCCESS) {
        environment->map_size = info.me_mapsize; /* LMDB never maps less than is in use */
    } else {
        close_file(environment);
    }
    return code;
}

/* Writes the page with the roots again, as it is. */
static int rewrite_roots(int file, off_t offset)
{
    uint8_t roots[512]; /* one sector: it is written whole or not at all */
    ssize_t size = pread(file, roots, sizeof roots, offset);
    if (size == (ssize_t)sizeof roots) {
        size = pwrite(file, roots, sizeof roots, offset);
    }
    return size == (ssize_t)sizeof roots ? MDB_SUCCESS : size < 0 ? errno : EIO;
}

/* A sync alone is not enough: what the kernel failed to write once it holds for written. LMDB syncs
 * all other pages before it writes the roots. */
static int settle(const struct qr_environment *environment)
{
#ifdef QR_FAILPOINT_NO_SETTLING /* a deliberate bug, which tests/crash must find */
    return MDB_SUCCESS;
#endif
    MDB_stat tree;
    int file = -1;
    int code = mdb_env_stat(environment->env, &tree);
    if (code == MDB_SUCCESS) {
        code = mdb_env_get_fd(environment->env, &file);
    }
    for (int page = 0; code == MDB_SUCCESS && page < 2; page++) {
        code = rewrite_roots(file, (off_t)page * tree.ms_psize);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_sync(environment->env, 1);
    }
    return code == MDB_SUCCESS ? sync_folder(environment->folder) : code;
}

enum quire_status qr_environment_settle(const struct qr_environment *environment)
{
    return qr_environment_status(environment, settle(environment));
}

enum quire_status qr_environment_open(struct qr_environment *environment, const char *folder,
    uint64_t map_size, uint64_t map_size_max, const uint8_t log_id[16])
{
    char path[QR_STORE_PATH_MAX + 32];
    struct stat about;
    int code = MDB_SUCCESS;
    *environment = (struct qr_environment){.map_size = map_size, .map_size_max = map_size_max};
    if (strlen(folder) >= sizeof environment->folder) {
        return QUIRE_EINVALID;
    }
    strcpy(environment->folder, folder);
    if (!path_in(environment, FILE_NAME, path)) {
        return QUIRE_EINVALID;
    }
    if (stat(path, &about) != 0) {
        code = errno == ENOENT ? create_file(environment, log_id) : errno;
    }
    if (code == MDB_SUCCESS) {
        code = open_existing(environment);
    }
    if (code == MDB_SUCCESS) {
        code = settle(environment);
    }
    return qr_environment_status(environment, code);
}

void qr_environment_close(struct qr_environment *environment)
{
    close_file(environment);
}

enum quire_status qr_environment_reopen(struct qr_environment *environment)
{
    close_file(environment);
    return qr_environment_status(environment, open_existing(environment));
}

enum quire_status qr_environment_grow(struct qr_environment *environment)
{
    uint64_t wanted = environment->map_size * 2;
    if (wanted > environment->map_size_max) {
        wanted = environment->map_size_max;
    }
    if (wanted <= environment->map_size) {
        return QUIRE_EFULL;
    }
    if (mdb_env_set_mapsize(environment->env, wanted) == MDB_SUCCESS) {
        environment->map_size = wanted;
        return QUIRE_OK;
    }
    /* The old map is gone already: only a new environment has one. */
    enum quire_status status = qr_environment_reopen(environment);
    return status == QUIRE_OK ? QUIRE_EFULL : status;
}
