/*
 * A disk for the committer: it remembers what was appended, and waits or fails when told to.
 */
#ifndef TESTS_UNIT_SERVER_DISK_H
#define TESTS_UNIT_SERVER_DISK_H

#include "base/log.h"
#include <pthread.h>

struct disk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t last_lsn;
    size_t group_count, largest_group;
    uint64_t byte_sum;
    bool held;    /* append waits while this is set */
    bool waiting; /* and it does */
    enum quire_status failure;
    bool out_of_order;
    unsigned news;     /* calls of ready */
    uint64_t told_lsn; /* last_lsn at the last of them */
};

void disk_init(struct disk *disk);
void disk_finish(struct disk *disk);
/** For struct qr_committer_options. */
enum quire_status disk_append(void *context, const struct qr_log_record *records, size_t count);
void disk_ready(void *context);

void disk_hold(struct disk *disk, bool held);
void disk_fail(struct disk *disk, enum quire_status status);
/** Until an append is being held up. */
void disk_wait_held(struct disk *disk);
/** Until this lsn was appended and told. */
void disk_wait_lsn(struct disk *disk, uint64_t lsn);
unsigned disk_news(struct disk *disk);
/** Until there were this many calls of ready. */
void disk_wait_news(struct disk *disk, unsigned count);

/** Record number lsn, whose bytes are the lsn in eight bytes. */
struct qr_log_record disk_record(uint64_t lsn, uint8_t bytes[8]);

#endif
