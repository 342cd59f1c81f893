/*
 * A preloaded library that writes down what a process asks of the disk for the files of one folder,
 * and, when told to, lets the n-th such call fail or ends the process in the middle of it.
 *
 * Lock files are left out: nothing in them has to survive the process. A file that is mapped for
 * writing cannot be recorded; it is noted, and the replay refuses the trace.
 *
 * The bytes are written down after the call has done its work, so that a short write is recorded as
 * what it was.
 */
#include "trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault {
    FAULT_NONE,
    FAULT_PLAIN, /* nothing is done */
    FAULT_HALF,  /* half of a write is done, and so said; other calls fail */
    FAULT_LIE,   /* a write is done in the cache, but reported as failed; later calls just fail */
    FAULT_EXIT,
};

static struct {
    char folder[PATH_MAX];
    size_t folder_size; /* 0: nothing is recorded */
    int trace;
    unsigned long calls, exit_at;
    unsigned long fail_at, fail_count; /* 0: never */
    int fail_errno;
    enum fault fail_how;
} recorder = {.trace = -1};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

#define HOOK(name) __asm__(name) __attribute__((visibility("default")))

static void find(void *out_function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    memcpy(out_function, &found, sizeof found);
}

__attribute__((constructor)) static void begin(void)
{
    find(&real_pwrite, "pwrite");
    find(&real_write, "write");
    find(&real_pread, "pread");
    find(&real_open, "open");
    find(&real_ftruncate, "ftruncate");
    find(&real_fsync, "fsync");
    find(&real_fdatasync, "fdatasync");
    find(&real_rename, "rename");
    find(&real_unlink, "unlink");
    find(&real_mmap, "mmap");
    const char *file = getenv(TRACE_ENV_FILE);
    const char *folder = getenv(TRACE_ENV_FOLDER);
    const char *exit_at = getenv(TRACE_ENV_EXIT);
    const char *fail = getenv(TRACE_ENV_FAIL);
    if (file == NULL || folder == NULL || strlen(folder) >= sizeof recorder.folder) {
        return;
    }
    recorder.trace = real_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (recorder.trace < 0) {
        abort();
    }
    strcpy(recorder.folder, folder);
    recorder.folder_size = strlen(folder);
    recorder.exit_at = exit_at != NULL ? strtoul(exit_at, NULL, 10) : 0;
    char how[16] = "";
    if (fail != NULL
        && sscanf(fail, "%lu %d %15s %lu", &recorder.fail_at, &recorder.fail_errno, how,
               &recorder.fail_count)
            == 4) {
        recorder.fail_how = how[0] == 'h' ? FAULT_HALF : how[0] == 'l' ? FAULT_LIE : FAULT_PLAIN;
    }
}

static void put_all(const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        ssize_t done = real_write(recorder.trace, next, size);
        if (done <= 0) {
            abort();
        }
        next += done;
        size -= (size_t)done;
    }
}

static void note(const struct trace_event *event, const void *bytes)
{
    put_all(event, sizeof *event);
    put_all(bytes, event->size);
}

/** The program's own marks; found by name. */
void crash_mark(uint32_t kind, uint64_t a, uint64_t b, uint64_t c) HOOK("crash_mark");
void crash_mark(uint32_t kind, uint64_t a, uint64_t b, uint64_t c)
{
    if (recorder.trace >= 0) {
        note(&(struct trace_event){kind, 0, a, b, c, 0}, NULL);
    }
}

/** The name inside the folder, "" for the folder itself, or NULL: none of ours. */
static const char *name_of(const char *path)
{
    size_t size = recorder.folder_size;
    if (size == 0 || strncmp(path, recorder.folder, size) != 0) {
        return NULL;
    }
    const char *name = path + size;
    if (*name == '\0') {
        return name;
    }
    if (*name++ != '/') {
        return NULL;
    }
    size_t length = strlen(name);
    bool is_lock = length >= 4 && strcmp(name + length - 4, "lock") == 0;
    return is_lock ? NULL : name;
}

/** Tells whether an open file is ours, and which. */
static bool is_ours(int file, char out_name[NAME_MAX + 1], struct stat *out_about)
{
    char link[64];
    char path[PATH_MAX + 1];
    if (recorder.folder_size == 0) {
        return false;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, PATH_MAX);
    if (size < 0) {
        return false;
    }
    path[size] = '\0';
    const char *name = name_of(path);
    if (name == NULL || strlen(name) > NAME_MAX || fstat(file, out_about) != 0) {
        return false;
    }
    strcpy(out_name, name);
    return true;
}

/** Counts a call that may fail, and says what is to become of it. */
static enum fault next_fault(void)
{
    unsigned long call = ++recorder.calls;
    if (call == recorder.exit_at) {
        return FAULT_EXIT;
    }
    if (recorder.fail_at == 0 || call < recorder.fail_at
        || call - recorder.fail_at >= recorder.fail_count) {
        return FAULT_NONE;
    }
    note(&(struct trace_event){.kind = TRACE_INJECTED}, NULL);
    return recorder.fail_how == FAULT_LIE && call > recorder.fail_at ? FAULT_PLAIN
                                                                     : recorder.fail_how;
}

static int failed(void)
{
    errno = recorder.fail_errno;
    return -1;
}

/* ---- writes ---------------------------------------------------------------------------------- */

static ssize_t record_write(
    int file, const void *data, size_t size, off_t offset, const struct stat *about)
{
    pthread_mutex_lock(&lock);
    uint32_t flags = (fcntl(file, F_GETFL) & O_DSYNC) != 0 ? TRACE_DSYNC : 0;
    enum fault fault = next_fault();
    ssize_t done = -1;
    if (fault == FAULT_PLAIN) {
        done = failed();
        goto out;
    }
    done = real_pwrite(file, data, fault == FAULT_HALF ? size / 2 : size, offset);
    if (done >= 0) {
        if (fault == FAULT_EXIT) {
            flags = 0; /* it reached the cache; no call waited for the disk */
        }
        if (fault == FAULT_LIE) {
            flags = TRACE_FAILED;
        }
        note(&(struct trace_event){TRACE_WRITE, flags, about->st_ino, (uint64_t)offset, 0,
                 (uint64_t)done},
            data);
    }
    if (fault == FAULT_EXIT) {
        _exit(0);
    }
    if (fault == FAULT_LIE) {
        done = failed();
    }
out:
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t hooked_pwrite(int file, const void *data, size_t size, off_t offset) HOOK("pwrite");
ssize_t hooked_pwrite64(int file, const void *data, size_t size, off_t offset) HOOK("pwrite64");
ssize_t hooked_write(int file, const void *data, size_t size) HOOK("write");
ssize_t hooked_writev(int file, const struct iovec *parts, int count) HOOK("writev");
ssize_t hooked_pwritev(int file, const struct iovec *parts, int count, off_t offset)
    HOOK("pwritev");

ssize_t hooked_pwrite(int file, const void *data, size_t size, off_t offset)
{
    char name[NAME_MAX + 1];
    struct stat about;
    return is_ours(file, name, &about) ? record_write(file, data, size, offset, &about)
                                       : real_pwrite(file, data, size, offset);
}

ssize_t hooked_pwrite64(int file, const void *data, size_t size, off_t offset)
{
    return hooked_pwrite(file, data, size, offset);
}

/* At the file's own position, which moves on. */
static ssize_t write_here(int file, const void *data, size_t size, const struct stat *about)
{
    off_t offset =
        (fcntl(file, F_GETFL) & O_APPEND) != 0 ? about->st_size : lseek(file, 0, SEEK_CUR);
    ssize_t done = record_write(file, data, size, offset, about);
    if (done > 0) {
        lseek(file, offset + done, SEEK_SET);
    }
    return done;
}

ssize_t hooked_write(int file, const void *data, size_t size)
{
    char name[NAME_MAX + 1];
    struct stat about;
    return is_ours(file, name, &about) ? write_here(file, data, size, &about)
                                       : real_write(file, data, size);
}

/* The parts as one piece; NULL with errno set. */
static char *join(const struct iovec *parts, int count, size_t *out_size)
{
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        size += parts[i].iov_len;
    }
    char *joined = malloc(size > 0 ? size : 1);
    size_t at = 0;
    for (int i = 0; joined != NULL && i < count; i++) {
        memcpy(joined + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    *out_size = size;
    return joined;
}

ssize_t hooked_pwritev(int file, const struct iovec *parts, int count, off_t offset)
{
    size_t size;
    char *joined = join(parts, count, &size);
    ssize_t done = joined != NULL ? hooked_pwrite(file, joined, size, offset) : -1;
    free(joined);
    return done;
}

ssize_t hooked_writev(int file, const struct iovec *parts, int count)
{
    size_t size;
    char *joined = join(parts, count, &size);
    ssize_t done = joined != NULL ? hooked_write(file, joined, size) : -1;
    free(joined);
    return done;
}

int hooked_ftruncate(int file, off_t length) HOOK("ftruncate");
int hooked_ftruncate64(int file, off_t length) HOOK("ftruncate64");

int hooked_ftruncate(int file, off_t length)
{
    char name[NAME_MAX + 1];
    struct stat about;
    if (!is_ours(file, name, &about)) {
        return real_ftruncate(file, length);
    }
    pthread_mutex_lock(&lock);
    enum fault fault = next_fault();
    int code =
        fault == FAULT_PLAIN || fault == FAULT_HALF ? failed() : real_ftruncate(file, length);
    if (code == 0) {
        note(&(struct trace_event){TRACE_TRUNCATE, fault == FAULT_LIE ? TRACE_FAILED : 0,
                 about.st_ino, (uint64_t)length, 0, 0},
            NULL);
    }
    if (fault == FAULT_EXIT) {
        _exit(0);
    }
    if (fault == FAULT_LIE) {
        code = failed();
    }
    pthread_mutex_unlock(&lock);
    return code;
}

int hooked_ftruncate64(int file, off_t length)
{
    return hooked_ftruncate(file, length);
}

/* ---- syncs ----------------------------------------------------------------------------------- */

static int record_sync(int file, int (*sync)(int))
{
    char name[NAME_MAX + 1];
    struct stat about;
    if (!is_ours(file, name, &about)) {
        return sync(file);
    }
    pthread_mutex_lock(&lock);
    enum fault fault = next_fault();
    if (fault == FAULT_EXIT) {
        _exit(0);
    }
    uint32_t kind = name[0] == '\0' ? TRACE_SYNC_FOLDER : TRACE_SYNC;
    int code = fault == FAULT_NONE ? sync(file) : failed();
    note(&(struct trace_event){kind, code == 0 ? 0 : TRACE_FAILED, about.st_ino, 0, 0, 0}, NULL);
    pthread_mutex_unlock(&lock);
    return code;
}

int hooked_fsync(int file) HOOK("fsync");
int hooked_fdatasync(int file) HOOK("fdatasync");

int hooked_fsync(int file)
{
    return record_sync(file, real_fsync);
}

int hooked_fdatasync(int file)
{
    return record_sync(file, real_fdatasync);
}

/* A shared writable mapping escapes the recorder, and so would an msync of it. */
void *hooked_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
    HOOK("mmap");
void *hooked_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset)
    HOOK("mmap64");

void *hooked_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    char name[NAME_MAX + 1];
    struct stat about;
    if (real_mmap == NULL) {
        find(&real_mmap, "mmap"); /* the first maps come before our constructor */
    }
    if (file >= 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0
        && is_ours(file, name, &about)) {
        note(&(struct trace_event){.kind = TRACE_MAPPED, .a = about.st_ino}, NULL);
    }
    return real_mmap(address, size, protection, flags, file, offset);
}

void *hooked_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    return hooked_mmap(address, size, protection, flags, file, offset);
}

/* ---- names ----------------------------------------------------------------------------------- */

int hooked_open(const char *path, int flags, ...) HOOK("open");
int hooked_open64(const char *path, int flags, ...) HOOK("open64");

static int record_open(const char *path, int flags, mode_t mode)
{
    const char *name = name_of(path);
    if (name == NULL || *name == '\0' || (flags & O_ACCMODE) == O_RDONLY) {
        return real_open(path, flags, mode);
    }
    pthread_mutex_lock(&lock);
    enum fault fault = next_fault();
    if (fault == FAULT_EXIT) {
        _exit(0);
    }
    struct stat about;
    bool is_new = stat(path, &about) != 0;
    int file = fault == FAULT_NONE ? real_open(path, flags, mode) : failed();
    if (file >= 0 && is_new && fstat(file, &about) == 0) {
        note(&(struct trace_event){TRACE_CREATE, 0, about.st_ino, 0, 0, strlen(name) + 1}, name);
    }
    pthread_mutex_unlock(&lock);
    return file;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, int) : 0;
}

int hooked_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return record_open(path, flags, mode);
}

int hooked_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return record_open(path, flags, mode);
}

int hooked_rename(const char *from, const char *to) HOOK("rename");
int hooked_unlink(const char *path) HOOK("unlink");

int hooked_rename(const char *from, const char *to)
{
    const char *from_name = name_of(from);
    const char *to_name = name_of(to);
    if (from_name == NULL || to_name == NULL) {
        return real_rename(from, to);
    }
    pthread_mutex_lock(&lock);
    enum fault fault = next_fault();
    int code = fault == FAULT_NONE || fault == FAULT_EXIT ? real_rename(from, to) : failed();
    if (code == 0) {
        char names[2 * NAME_MAX + 2];
        size_t size = strlen(from_name) + 1;
        memcpy(names, from_name, size);
        memcpy(names + size, to_name, strlen(to_name) + 1);
        note(&(struct trace_event){TRACE_RENAME, 0, 0, 0, 0, size + strlen(to_name) + 1}, names);
    }
    if (fault == FAULT_EXIT) {
        _exit(0);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

int hooked_unlink(const char *path)
{
    const char *name = name_of(path);
    struct stat about;
    if (name == NULL || *name == '\0' || stat(path, &about) != 0) {
        return real_unlink(path);
    }
    pthread_mutex_lock(&lock);
    enum fault fault = next_fault();
    int code = fault == FAULT_NONE || fault == FAULT_EXIT ? real_unlink(path) : failed();
    if (code == 0) {
        note(&(struct trace_event){TRACE_UNLINK, 0, about.st_ino, 0, 0, strlen(name) + 1}, name);
    }
    if (fault == FAULT_EXIT) {
        _exit(0);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

/* ---- reads: not recorded, but they may fail -------------------------------------------------- */

ssize_t hooked_pread(int file, void *out, size_t size, off_t offset) HOOK("pread");
ssize_t hooked_pread64(int file, void *out, size_t size, off_t offset) HOOK("pread64");

ssize_t hooked_pread(int file, void *out, size_t size, off_t offset)
{
    char name[NAME_MAX + 1];
    struct stat about;
    if (recorder.fail_at == 0 || !is_ours(file, name, &about)) {
        return real_pread(file, out, size, offset);
    }
    pthread_mutex_lock(&lock);
    enum fault fault = next_fault();
    pthread_mutex_unlock(&lock);
    return fault == FAULT_NONE ? real_pread(file, out, size, offset) : failed();
}

ssize_t hooked_pread64(int file, void *out, size_t size, off_t offset)
{
    return hooked_pread(file, out, size, offset);
}
