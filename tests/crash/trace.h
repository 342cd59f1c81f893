/*
 * What the recorder writes down and the replay reads: one event after another in one file, each a
 * fixed head and its bytes. Native byte order: a trace lives as long as one test.
 */
#ifndef TESTS_CRASH_TRACE_H
#define TESTS_CRASH_TRACE_H

#include <stdint.h>

enum trace_kind {
    /* What was asked of the disk. `a` is the file's inode where there is one. */
    TRACE_CREATE = 1, /* a; bytes: its name */
    TRACE_WRITE,      /* a, b offset; bytes: what was written */
    TRACE_TRUNCATE,   /* a, b length */
    TRACE_SYNC,       /* a */
    TRACE_SYNC_FOLDER,
    TRACE_RENAME,   /* bytes: from \0 to \0 */
    TRACE_UNLINK,   /* bytes: the name */
    TRACE_MAPPED,   /* a: mapped for writing, which cannot be recorded */
    TRACE_INJECTED, /* a fault was injected here */
    /* What the program says of itself. */
    TRACE_SEND = 100, /* a first lsn, b last lsn, c attempt: about to append these */
    TRACE_ACK,        /* a lsn: acknowledged up to here */
    TRACE_OPENED,     /* a last lsn as the store says, b attempt of that record */
    TRACE_FORGET,     /* a user number, b from, c until: about to forget */
    TRACE_FORGOT,     /* the last TRACE_FORGET was answered with OK */
};

enum trace_flag {
    TRACE_DSYNC = 1, /* the write itself is durable when it returns (O_DSYNC) */
    TRACE_FAILED =
        2, /* an error was returned; what it reached is unknown, and no later sync says */
};

struct trace_event {
    uint32_t kind, flags;
    uint64_t a, b, c;
    uint64_t size; /* of the bytes that follow */
};

/* The recorder's settings, from the environment. */
#define TRACE_ENV_FILE "QR_CRASH_TRACE"    /* the trace; appended to */
#define TRACE_ENV_FOLDER "QR_CRASH_FOLDER" /* the store's folder, a real path */
#define TRACE_ENV_EXIT "QR_CRASH_EXIT"     /* the process ends in its n-th call */
#define TRACE_ENV_FAIL "QR_CRASH_FAIL" /* from the n-th call on some fail: "n errno how count" */

#endif
