/*
 * The device's records in an LMDB file: what quire_reader reads and PERSIST writes.
 *
 * One process at a time writes it (profile.h holds the lock), any number read it. The map grows by doubling; a full
 * disk or map refuses the write, and what was stored is whole.
 */
#ifndef QR_CLIENT_RECORDS_H
#define QR_CLIENT_RECORDS_H

#include "client/error.h"
#include <quire/device.h>

#define QR_CLIENT_MAP_FIRST ((size_t)64 << 20) /* bytes of address space, not of disk */
#define QR_CLIENT_MAP_MAX ((size_t)64 << 30)

struct qr_client_records;

/** Opens or makes the file. map_max: QR_CLIENT_MAP_MAX, or less for tests. EIO, EFULL, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_records_open(const char *path, size_t map_first,
    size_t map_max, struct qr_client_records **out_records, struct qr_client_error *error);
/**
 * Opens the file to read it, as it is at this moment, while another process may write it; the disk may
 * be read-only. What is written goes into memory, is read from there, and is gone at the close.
 */
QUIRE_CHECKED enum quire_status qr_client_records_open_to_read(
    const char *path, struct qr_client_records **out_records, struct qr_client_error *error);
/** Accepts NULL. */
void qr_client_records_close(struct qr_client_records *records);

/** No record in it. */
QUIRE_CHECKED enum quire_status qr_client_records_empty(
    struct qr_client_records *records, bool *out_empty);

/** Writes a copy of the file as it is at this moment, without its unused pages, to an open file. EIO, EFULL. */
QUIRE_CHECKED enum quire_status qr_client_records_copy(
    struct qr_client_records *records, int file, struct qr_client_error *error);

/** For the device; valid as long as the records are open. */
struct quire_reader qr_client_records_reader(struct qr_client_records *records);

/** Writes all or nothing, durable when it returns. EFULL, EIO, ENOMEM: nothing was written. */
QUIRE_CHECKED enum quire_status qr_client_records_write(struct qr_client_records *records,
    const struct quire_write *writes, size_t count, struct qr_client_error *error);

/**
 * A batch: until it is committed, writes are seen by the reader but are not durable, and then they all
 * are at once. Errors as of write; after an error, or when the records are closed, none of the batch's
 * writes was made. ESTATE: one is open, or, of commit, none is.
 */
QUIRE_CHECKED enum quire_status qr_client_records_begin(
    struct qr_client_records *records, struct qr_client_error *error);
QUIRE_CHECKED enum quire_status qr_client_records_commit(
    struct qr_client_records *records, struct qr_client_error *error);

#endif
