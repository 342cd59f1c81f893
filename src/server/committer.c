/*
 * The thread that makes records durable.
 */
#include "server/committer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define STACK_SIZE (256 * 1024)
#define KEPT_BYTES (4 * 1024 * 1024) /* a group's memory above this is given back after a peak */

/* Records whose bytes lie one after another in `bytes`; their pointers are set when the group is
 * closed, since the memory may move until then. */
struct group {
    struct qr_log_record *records;
    size_t count, capacity;
    struct quire_buffer bytes;
};

struct qr_committer {
    struct qr_committer_options options;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_t thread;
    struct group open;    /* filled by the loop, under the lock */
    struct group closing; /* the thread's own */
    size_t closing_size;
    uint64_t submitted_lsn; /* the last one accepted */
    struct qr_committed news;
    bool has_news;
    bool refusing; /* a failure waits to be taken */
    bool stop;
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void clear(struct group *group)
{
    group->count = 0;
    if (group->bytes.capacity > KEPT_BYTES) {
        quire_buffer_finish(&group->bytes);
    }
    quire_buffer_clear(&group->bytes);
}

static void finish(struct group *group)
{
    free(group->records);
    quire_buffer_finish(&group->bytes);
    *group = (struct group){0};
}

/* ---- the loop's side ------------------------------------------------------------------------- */

static enum quire_status make_room(struct group *group, size_t record_count, size_t size)
{
    if (group->count + record_count > group->capacity) {
        size_t capacity = group->capacity == 0 ? 64 : group->capacity;
        while (capacity < group->count + record_count) {
            capacity *= 2;
        }
        struct qr_log_record *records = realloc(group->records, capacity * sizeof *records);
        if (records == NULL) {
            return QUIRE_ENOMEM;
        }
        group->records = records;
        group->capacity = capacity;
    }
    return quire_buffer_reserve(&group->bytes, size);
}

static enum quire_status add(struct group *group, const struct qr_log_record *records, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += records[i].bytes.size;
    }
    enum quire_status status = make_room(group, count, size);
    for (size_t i = 0; status == QUIRE_OK && i < count; i++) {
        group->records[group->count++] = records[i];
        status = quire_buffer_append(&group->bytes, records[i].bytes.data, records[i].bytes.size);
        assert(status == QUIRE_OK); /* there is room */
    }
    return status;
}

enum quire_status qr_committer_submit(
    struct qr_committer *committer, const struct qr_log_record *records, size_t record_count)
{
    enum quire_status status = QUIRE_OK;
    if (record_count == 0) {
        return QUIRE_OK;
    }
    pthread_mutex_lock(&committer->lock);
    assert(records[0].entry.lsn == committer->submitted_lsn + 1);
    if (!committer->refusing) {
        bool first = committer->open.count == 0;
        status = add(&committer->open, records, record_count);
        if (status == QUIRE_OK && first) {
            pthread_cond_signal(&committer->wanted);
        }
    }
    if (status == QUIRE_OK) {
        committer->submitted_lsn += record_count;
    }
    pthread_mutex_unlock(&committer->lock);
    return status;
}

bool qr_committer_take(struct qr_committer *committer, struct qr_committed *out_committed)
{
    pthread_mutex_lock(&committer->lock);
    bool has_news = committer->has_news;
    if (has_news) {
        *out_committed = committer->news;
        committer->has_news = false;
        if (committer->refusing) {
            committer->submitted_lsn = committer->news.failed_lsn - 1;
            committer->news.failed = false;
            committer->refusing = false;
        }
    }
    pthread_mutex_unlock(&committer->lock);
    return has_news;
}

size_t qr_committer_backlog(struct qr_committer *committer)
{
    pthread_mutex_lock(&committer->lock);
    size_t backlog = committer->open.bytes.size + committer->closing_size;
    pthread_mutex_unlock(&committer->lock);
    return backlog;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void wait_until(struct qr_committer *committer, uint64_t until_us)
{
    struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000) * 1000};
    while (!committer->stop && now_us() < until_us) {
        pthread_cond_timedwait(&committer->wanted, &committer->lock, &until);
    }
}

/* Swaps the groups and sets the pointers. Under the lock. */
static void close_group(struct qr_committer *committer)
{
    struct group group = committer->open;
    committer->open = committer->closing;
    committer->closing = group;
    committer->closing_size = group.bytes.size;
    size_t at = 0;
    for (size_t i = 0; i < group.count; i++) {
        group.records[i].bytes.data = group.bytes.data + at;
        at += group.records[i].bytes.size;
    }
}

static void note(struct qr_committer *committer, enum quire_status status)
{
    const struct group *group = &committer->closing;
    struct qr_committed *news = &committer->news;
    if (status == QUIRE_OK) {
        news->durable_lsn = group->records[group->count - 1].entry.lsn;
    } else {
        news->failed = true;
        news->failed_lsn = group->records[0].entry.lsn;
        news->status = status;
        committer->refusing = true;
        clear(&committer->open);
    }
    clear(&committer->closing);
    committer->closing_size = 0;
    committer->has_news = true;
    committer->options.ready(committer->options.ready_context);
}

static void *run(void *argument)
{
    struct qr_committer *committer = argument;
    uint64_t began_us = 0;
    pthread_mutex_lock(&committer->lock);
    for (;;) {
        while (committer->open.count == 0 && !committer->stop) {
            pthread_cond_wait(&committer->wanted, &committer->lock);
        }
        if (committer->open.count == 0) {
            break;
        }
        /* The first record after a pause is committed at once; under load a group gathers. */
        wait_until(committer, began_us + committer->options.window_us);
        began_us = now_us();
        close_group(committer);
        pthread_mutex_unlock(&committer->lock);
        enum quire_status status = committer->options.append(committer->options.append_context,
            committer->closing.records, committer->closing.count);
        pthread_mutex_lock(&committer->lock);
        note(committer, status);
    }
    pthread_mutex_unlock(&committer->lock);
    return NULL;
}

enum quire_status qr_committer_create(
    const struct qr_committer_options *options, struct qr_committer **out_committer)
{
    pthread_attr_t attributes;
    pthread_condattr_t monotonic;
    struct qr_committer *committer = calloc(1, sizeof *committer);
    if (committer == NULL) {
        return QUIRE_ENOMEM;
    }
    committer->options = *options;
    committer->submitted_lsn = options->last_lsn;
    committer->news.durable_lsn = options->last_lsn;
    pthread_mutex_init(&committer->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&committer->wanted, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int code = pthread_create(&committer->thread, &attributes, run, committer);
    pthread_attr_destroy(&attributes);
    if (code != 0) {
        pthread_cond_destroy(&committer->wanted);
        pthread_mutex_destroy(&committer->lock);
        free(committer);
        return QUIRE_ENOMEM;
    }
    *out_committer = committer;
    return QUIRE_OK;
}

void qr_committer_destroy(struct qr_committer *committer)
{
    if (committer == NULL) {
        return;
    }
    pthread_mutex_lock(&committer->lock);
    committer->stop = true;
    pthread_cond_signal(&committer->wanted);
    pthread_mutex_unlock(&committer->lock);
    pthread_join(committer->thread, NULL);
    finish(&committer->open);
    finish(&committer->closing);
    pthread_cond_destroy(&committer->wanted);
    pthread_mutex_destroy(&committer->lock);
    free(committer);
}
