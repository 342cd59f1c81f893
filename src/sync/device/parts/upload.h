/*
 * What is on its way to the server: batches that were pushed and not answered.
 */
#ifndef QR_SYNC_DEVICE_PARTS_UPLOAD_H
#define QR_SYNC_DEVICE_PARTS_UPLOAD_H

#include "codec/frame.h"

#define DEVICE_INFLIGHT_COUNT 512
#define DEVICE_UNANSWERED_MS 60000 /* pushed, and no ACK or ERROR of anything since: SUB again */

struct device_inflight {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    size_t size;
};

/** Invariant: inflight_size is the sum of the sizes; both are at most their limits. */
struct device_upload {
    bool got_want; /* on this subscription */
    bool owed;     /* NOTICE_UPLOADED is due when everything is acknowledged */
    uint64_t answered_ms; /* when something was last pushed, acknowledged or refused */
    size_t inflight_count, inflight_size;
    struct device_inflight inflight[DEVICE_INFLIGHT_COUNT]; /* in the order in which they were sent */
};

bool device_upload_has_room(const struct device_upload *upload);
void device_upload_sent(struct device_upload *upload, const uint8_t *replica, uint64_t seq, size_t size);
/** Forgets batches from … to of a chain: acknowledged or refused. */
void device_upload_drop(struct device_upload *upload, const uint8_t *replica, uint64_t from, uint64_t to);
/** Index of a batch in flight, or inflight_count. */
size_t device_upload_find(const struct device_upload *upload, const uint8_t *replica, uint64_t seq);
/** Removes the batch that was sent last, into out_item. False: none is in flight. */
bool device_upload_pop(struct device_upload *upload, struct device_inflight *out_item);
/** Forgets everything in flight: the connection ended, or SUB begins anew. */
void device_upload_clear(struct device_upload *upload);
void device_upload_check(const struct device_upload *upload);

#endif
