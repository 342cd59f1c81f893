/*
 * Batches in flight.
 */
#include "sync/device/parts/upload.h"
#include <assert.h>
#include <string.h>

bool device_upload_has_room(const struct device_upload *upload)
{
    return upload->inflight_count < DEVICE_INFLIGHT_COUNT &&
        upload->inflight_size < QR_UNACKED_MAX - QR_BATCH_MAX;
}

void device_upload_sent(struct device_upload *upload, const uint8_t *replica, uint64_t seq, size_t size)
{
    assert(upload->inflight_count < DEVICE_INFLIGHT_COUNT);
    struct device_inflight *item = &upload->inflight[upload->inflight_count++];
    memcpy(item->replica, replica, QR_REPLICA_SIZE);
    item->seq = seq;
    item->size = size;
    upload->inflight_size += size;
}

void device_upload_drop(struct device_upload *upload, const uint8_t *replica, uint64_t from, uint64_t to)
{
    size_t kept = 0;
    for (size_t i = 0; i < upload->inflight_count; i++) {
        struct device_inflight item = upload->inflight[i];
        if (memcmp(item.replica, replica, QR_REPLICA_SIZE) == 0 && item.seq >= from && item.seq <= to) {
            upload->inflight_size -= item.size;
        } else {
            upload->inflight[kept++] = item;
        }
    }
    upload->inflight_count = kept;
}

size_t device_upload_find(const struct device_upload *upload, const uint8_t *replica, uint64_t seq)
{
    size_t first = 0;
    while (first < upload->inflight_count && (upload->inflight[first].seq != seq ||
               memcmp(upload->inflight[first].replica, replica, QR_REPLICA_SIZE) != 0)) {
        first++;
    }
    return first;
}

bool device_upload_pop(struct device_upload *upload, struct device_inflight *out_item)
{
    if (upload->inflight_count == 0) {
        return false;
    }
    *out_item = upload->inflight[--upload->inflight_count];
    upload->inflight_size -= out_item->size;
    return true;
}

void device_upload_clear(struct device_upload *upload)
{
    upload->inflight_count = 0;
    upload->inflight_size = 0;
}

void device_upload_check(const struct device_upload *upload)
{
    assert(upload->inflight_count <= DEVICE_INFLIGHT_COUNT);
    assert(upload->inflight_size <= QR_UNACKED_MAX);
    size_t size = 0;
    for (size_t i = 0; i < upload->inflight_count; i++) {
        size += upload->inflight[i].size;
    }
    assert(size == upload->inflight_size);
}
