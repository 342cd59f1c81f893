/*
 * The index terms of an entry, in a record of their own.
 */
#ifndef QR_SYNC_DEVICE_TERMS_H
#define QR_SYNC_DEVICE_TERMS_H

#include "sync/device/records.h"

#define DEVICE_TERMS_VERSION 1

/** f ‖ entry ‖ version of the folding: a record of another version is as good as none. */
struct device_key device_terms_key(const struct quire_device *device, const uint8_t *entry);

/** Gathers and writes the index terms of an entry. */
void device_write_terms(struct quire_device *device, const struct device_entry *entry);
/** An entry that cannot be read: no terms, so that no search finds it. */
void device_write_no_terms(struct quire_device *device, const uint8_t *entry);
/** They are to be gathered again, by INDEX. */
void device_erase_terms(struct quire_device *device, const uint8_t *entry);

#endif
