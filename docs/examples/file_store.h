/*
 * Where a device keeps its records: one file, to which each PERSIST appends one group of writes. The
 * records are in memory as well, so that the device's reader answers at once.
 *
 *     file  = group …        group = u32 size | hash 32 of the writes | writes
 *     write = u8 erase | u32 key size | u32 value size | key | value        integers big-endian
 *
 * A crash may leave the last group incomplete. Its PERSISTED event was never fed, so nothing that
 * depends on it has left this machine: opening drops it.
 */
#ifndef EXAMPLE_FILE_STORE_H
#define EXAMPLE_FILE_STORE_H

#include <quire/device.h>

struct file_store;

/** Opens or makes the file, for this process alone. ELOCKED: another process has it. EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status file_store_open(const char *path, struct file_store **out_store);
/** Accepts NULL. */
void file_store_close(struct file_store *store);

/** Writes the records durably, all or none. On EIO and ENOMEM close the store and open it again. */
QUIRE_CHECKED enum quire_status file_store_persist(
    struct file_store *store, const struct quire_write *writes, size_t count);

/** What the device reads by; borrows the store. */
struct quire_reader file_store_reader(struct file_store *store);

#endif
