/*
 * Documents: loaded, changed, written, evicted; and what a list shows of them.
 */
#ifndef QR_SYNC_DEVICE_ENTRIES_H
#define QR_SYNC_DEVICE_ENTRIES_H

#include "sync/device/state.h"

#define DEVICE_STATE_SMALL (16 * 1024)   /* bytes of a state that is written again for any change */
#define DEVICE_TERMS_AT_ONCE (32 * 1024) /* bytes of text whose terms are gathered at each save */
#define DEVICE_TERMS_ENTRIES 4           /* entries of one DELTA whose terms are gathered at once */

/** ENOTFOUND: unknown, and not `create`. ENOMEM, EIO, ECORRUPT. */
QUIRE_CHECKED enum quire_status device_entry_get(struct quire_device *device, const uint8_t *entry,
    bool create, struct device_entry **out_entry);
/** Merges a delta that came or was sealed here. It is written beside the state, or the state is due:
 * device_entry_settle must follow in the same step. */
QUIRE_CHECKED enum quire_status device_entry_accept(
    struct quire_device *device, struct device_entry *entry, struct quire_bytes delta);
/** Writes the state if it is due: once, after all that merged into it. */
void device_entry_settle(struct quire_device *device, struct device_entry *entry);
/** What a list shows; and the index terms if `terms` and the text is short, else INDEX gathers them. */
void device_entry_write_summary(
    struct quire_device *device, struct device_entry *entry, bool terms);
/** Reads a summary's record. The borrowed parts point into `plain` and `entry`. ECORRUPT,
 * EUNSUPPORTED. */
QUIRE_CHECKED enum quire_status device_summary_read(const struct quire_device *device,
    const uint8_t *entry, struct quire_bytes plain, struct quire_summary *out_summary);
/** Summaries and notices of what was merged in this step. */
void device_entries_settle(struct quire_device *device);
/** Evicts the oldest beyond DEVICE_CACHE_MAX; edits that the host did not save are saved. */
void device_entries_trim(struct quire_device *device);
/** SAVE. */
void device_save(struct quire_device *device, const uint8_t *entry);

#endif
