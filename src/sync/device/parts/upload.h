/*
 * What is on its way to the server: batches that were pushed and not answered.
 */
#ifndef QR_SYNC_DEVICE_PARTS_UPLOAD_H
#define QR_SYNC_DEVICE_PARTS_UPLOAD_H

#include "codec/frame.h"

#define DEVICE_INFLIGHT_COUNT 512
/* bytes in flight on a new connection; doubled by each ACK */
#define DEVICE_WINDOW_FIRST (64 * 1024)
/* What is in flight when the server says RATE goes again, so it is a small part of an upload. At a round
 * trip of 100 ms it still is more a second than a server takes. */
#define DEVICE_WINDOW_MOST (128 * 1024)
#define DEVICE_PACE_MOST 64        /* batches that a paced upload sends at once */
#define DEVICE_PACE_LEAST 8        /* it waits for so many, or for all that are left */
#define DEVICE_UNANSWERED_MS 60000 /* pushed, and no ACK or ERROR of anything since: SUB again */

struct device_inflight {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    size_t size;
    uint32_t push; /* number of the PUSH that it went in */
};

/** How fast a server that said RATE takes batches, from its hint: so many batches were told to wait so
 * long. Invariant: allowance ≤ DEVICE_PACE_MOST batches. */
struct device_pace {
    bool on;                /* since the last RATE on this connection */
    uint64_t not_before_ms; /* nothing is pushed before */
    uint64_t rate;          /* batches per 1,000 seconds */
    uint64_t allowance;     /* thousandths of a batch that may go now */
    uint64_t counted_ms;    /* up to when the allowance was counted */
};

/** Invariant: inflight_size is the sum of the sizes; both are at most their limits. */
struct device_upload {
    bool got_want;        /* on this subscription */
    bool owed;            /* NOTICE_UPLOADED is due when everything is acknowledged */
    uint64_t answered_ms; /* when something was last pushed, acknowledged or refused */
    uint32_t push_number; /* of the last PUSH */
    size_t window;        /* bytes that may be in flight, as ACKs came without a RATE */
    struct device_pace pace;
    size_t inflight_count, inflight_size;
    struct device_inflight
        inflight[DEVICE_INFLIGHT_COUNT]; /* in the order in which they were sent */
};

/** May a batch more go now: the window and the pace allow it. */
bool device_upload_has_room(const struct device_upload *upload);
/** A PUSH begins. At `now_ms` the pace allows what it allows. False: it has to wait. */
bool device_upload_begin_push(struct device_upload *upload, uint64_t now_ms);
void device_upload_sent(
    struct device_upload *upload, const uint8_t *replica, uint64_t seq, size_t size);
/** ACK: the window opens, and a paced upload tries a little faster. */
void device_upload_acked(struct device_upload *upload);
/** RATE for a batch in flight: it and those behind it in its PUSH wait `retry_ms`, and set the pace. */
void device_upload_rated(struct device_upload *upload, const uint8_t *replica, uint64_t seq,
    uint64_t now_ms, uint64_t retry_ms);
/** When the pace allows a PUSH again; 0: now. */
uint64_t device_upload_pace_ms(const struct device_upload *upload, uint64_t now_ms);
/** Forgets batches from … to of a chain: acknowledged or refused. */
void device_upload_drop(
    struct device_upload *upload, const uint8_t *replica, uint64_t from, uint64_t to);
/** Index of a batch in flight, or inflight_count. */
size_t device_upload_find(const struct device_upload *upload, const uint8_t *replica, uint64_t seq);
/** Removes the batch that was sent last, into out_item. False: none is in flight. */
bool device_upload_pop(struct device_upload *upload, struct device_inflight *out_item);
/** Forgets everything in flight: SUB begins anew. */
void device_upload_clear(struct device_upload *upload);
/** Forgets window and pace, too: the connection ended. */
void device_upload_reset(struct device_upload *upload);
void device_upload_check(const struct device_upload *upload);

#endif
