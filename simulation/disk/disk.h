/*
 * A phone's disk: key-value records in transactions. A write is visible at once and durable after
 * a while, in order; a crash goes back to some durable state, never into the middle of a
 * transaction. Old states can be kept, as a backup does.
 */
#ifndef SIMULATION_DISK_H
#define SIMULATION_DISK_H

#include "world/world.h"
#include <quire/device.h>

struct record {
    struct quire_bytes key, value; /* in one piece of memory, which tables and transactions share */
    bool erase;                    /* in a transaction: the key goes */
};

struct table { /* records in byte order of the keys */
    struct record *records;
    size_t count, capacity;
};

struct transaction {
    struct record *records;
    size_t count;
    uint64_t version; /* the disk's, with it */
    uint64_t token;   /* of the PERSIST */
};

struct disk {
    struct table visible, durable;
    struct transaction *waiting; /* visible, not durable; in order */
    size_t waiting_count, waiting_capacity;
    uint64_t version; /* of what is visible; never goes back */
    uint64_t durable_version;
    struct table backup;
    uint64_t backup_version;
    bool has_backup;
};

void disk_finish(struct disk *disk);
/** Makes a transaction visible; returns its version. */
uint64_t disk_write(
    struct disk *disk, uint64_t token, const struct quire_write *writes, size_t count);
/** Everything up to `version` is durable. Returns the greatest token among it, 0 if none. */
uint64_t disk_sync(struct disk *disk, uint64_t version);
/** Everything visible that is not durable is gone, but for the first `survivors` transactions. */
void disk_crash(struct disk *disk, size_t survivors);
/** Keeps what is durable, as a backup; puts it back, as a restore (nothing may be waiting). */
void disk_backup(struct disk *disk);
void disk_restore(struct disk *disk);
/** Another disk with the same durable content. */
void disk_clone(const struct disk *disk, struct disk *out_disk);
struct quire_reader disk_reader(struct disk *disk);

#endif
