/*
 * A profile's records in memory, in byte order of their keys: the disk of a device under test.
 */
#ifndef QR_TESTS_KIT_TABLE_H
#define QR_TESTS_KIT_TABLE_H

#include <quire/device.h>

struct kit_record {
    struct quire_buffer key, value;
};

/** Zero-initialise. Invariant: keys ascend, each one once. */
struct kit_table {
    struct kit_record *records;
    size_t count, capacity;
};

void kit_table_finish(struct kit_table *table);
/** A copy that shares nothing: a backup of the profile. */
struct kit_table kit_table_copy(const struct kit_table *table);

/** Writes or erases one record, as a PERSIST action asks. */
void kit_table_write(struct kit_table *table, const struct quire_write *write);
/** NULL where there is none; borrowed until the next write. */
struct kit_record *kit_table_find(const struct kit_table *table, struct quire_bytes key);
/** The number of the first record whose key is not less; count if there is none. */
size_t kit_table_lower_bound(const struct kit_table *table, struct quire_bytes key);

/** What a device reads the table by. Borrows the table. */
struct quire_reader kit_table_reader(struct kit_table *table);

#endif
