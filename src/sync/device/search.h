/*
 * Finding entries by their index terms.
 */
#ifndef QR_SYNC_DEVICE_SEARCH_H
#define QR_SYNC_DEVICE_SEARCH_H

#include "sync/device/state.h"

#define DEVICE_INDEX_COUNT 1024             /* entries of one INDEX … */
#define DEVICE_INDEX_SIZE (4 * 1024 * 1024) /* … and bytes of text */

/** INDEX. */
void device_index(struct quire_device *device);

#endif
