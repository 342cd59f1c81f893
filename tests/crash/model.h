/*
 * What a disk may hold after a power cut, and what a store owes then; both follow from the trace.
 *
 * The disk: a write is pending until its file is synced; an O_DSYNC write is durable alone when it
 * returns. After a power cut any subset of the pending writes is there, each torn at sectors of 512
 * bytes. Names (create, rename, unlink) are pending until the folder is synced, and come to the disk
 * in their order, as journals of file systems keep it. Of what was pending when a sync failed, later
 * syncs say nothing (the kernel forgot about it): it is unknown for good.
 *
 * The debts: see struct debts.
 */
#ifndef TESTS_CRASH_MODEL_H
#define TESTS_CRASH_MODEL_H

#include "script.h"
#include "trace.h"

#define MODEL_SECTOR 512
#define MODEL_FILES_MAX 64
#define MODEL_NAME_MAX 32
#define MODEL_LSN_MAX 16384
#define MODEL_FORGETS_MAX 512

/** A group sent and not acknowledged: the log ends at its end, or before its beginning. */
struct model_group {
    uint64_t from, to;
    unsigned attempt;
};

struct model_forget {
    unsigned user;
    uint64_t from, until;
    bool done; /* false: may have happened or not, as a whole */
};

/** What was promised, and what may be there beyond that. */
struct debts {
    uint64_t acked;
    uint8_t attempt_of[MODEL_LSN_MAX + 1]; /* of those that are acknowledged */
    struct model_group *groups;
    size_t group_count, group_capacity;
    struct model_forget forgets[MODEL_FORGETS_MAX];
    size_t forget_count;
    bool opened;     /* a store was there once: its log's name is known */
    bool impossible; /* a store opened with a log that no client can have sent */
};

struct model_file {
    uint64_t inode;
    uint8_t *bytes; /* durable */
    size_t size, capacity;
};

/** Something asked of the disk that may or may not have reached it. */
struct model_pending {
    enum trace_kind kind;
    size_t file;     /* index of the file; names: of the file that is named */
    uint64_t offset; /* writes; truncations: the length */
    uint8_t *bytes;
    size_t size;
    bool unknown; /* no sync will make it durable */
    char from[MODEL_NAME_MAX],
        to[MODEL_NAME_MAX]; /* names: what is renamed, or what is made or removed in `to` */
};

struct model_name {
    char name[MODEL_NAME_MAX];
    size_t file;
};

struct model {
    struct debts debts;
    struct model_file files[MODEL_FILES_MAX];
    size_t file_count;
    struct model_name names[MODEL_FILES_MAX]; /* durable */
    size_t name_count;
    struct model_pending *pending;
    size_t pending_count, pending_capacity;
    uint64_t epoch;    /* changes with what is durable */
    uint64_t promise;  /* changes with the debts */
    uint64_t injected; /* faults */
};

struct model *model_create(void);
void model_destroy(struct model *model);

/** Takes one event. For an O_DSYNC write, model_settle says that it has returned. */
void model_feed(struct model *model, const struct trace_event *event, const uint8_t *bytes);
void model_settle(struct model *model);

/** What survives: of each pending write the sectors with a bit of `sectors`, its bits used again
 * every 64 sectors; 0: none of it. */
struct model_choice {
    uint64_t *sectors; /* pending_count of them */
    size_t names;      /* how many of the pending changes of names */
    uint64_t growth;   /* 0: files end where their last surviving byte is; else some are longer */
};

/** Writes the files of that power cut into the folder, and removes others there. */
void model_write(const struct model *model, const struct model_choice *choice, const char *folder);

/** Two choices that leave the same disk and the same debts, as far as it is easy to see, have the
 * same hash. */
uint64_t model_hash(const struct model *model, const struct model_choice *choice);

bool model_is_name(const struct model_pending *pending);

#endif
