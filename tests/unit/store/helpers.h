/*
 * A store in a folder of its own, records that are known by their lsn, and a disk that fails on
 * demand.
 */
#ifndef TESTS_UNIT_STORE_HELPERS_H
#define TESTS_UNIT_STORE_HELPERS_H

#include "store/store.h"

#define RECORD_MAX 4096

/** A fresh folder's path; removed by remove_folder. */
void make_folder(char out_path[256]);
void remove_folder(const char *path);
/** Bytes of the store's file. */
size_t file_size(const char *folder);

struct qr_store *open_store(const char *folder);
struct qr_store *open_store_sized(
    const char *folder, uint64_t map_size, uint64_t map_size_max, uint32_t tail_max);

/** A record whose every byte follows from its user number, lsn and size. */
struct known {
    struct qr_log_record record;
    uint8_t bytes[RECORD_MAX];
};
void make_known(struct known *out, unsigned user, uint64_t lsn, size_t size);
/** Appends records of these users, one each, with the lsn that come next. */
enum quire_status append_for(
    struct qr_store *store, const unsigned *users, size_t count, size_t size);
/** True if read gives exactly the known record. */
bool reads_as_known(struct qr_store *store, unsigned user, uint64_t lsn, size_t size);
/** Collects the lsn of a user's entries; each entry must be as it was written. */
size_t entries_of(struct qr_store *store, unsigned user, uint64_t *out_lsn, size_t capacity);
/** Flips one bit at each place of the store's file where `pattern` is found, `offset` bytes after
 * its start; the number of places. */
size_t flip_in_file(
    const char *folder, const void *pattern, size_t size, long offset, uint8_t bit_mask);

/** How the disk behaves; the calls of LMDB go through here. */
struct disk_faults {
    int write_error;  /* errno of every write to the data file, 0: none */
    int meta_error;   /* errno of every write to its first two pages */
    int meta_lies;    /* how many of those arrive on the disk all the same */
    int sync_error;   /* errno of every fdatasync */
    uint64_t written; /* bytes so far */
};
extern struct disk_faults disk_faults;

#endif
