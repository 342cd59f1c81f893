/*
 * This process as a replica: its chain's id, the stamp that lets the next process go on with it, and
 * what the server said of it.
 */
#ifndef QR_SYNC_DEVICE_PARTS_REPLICA_H
#define QR_SYNC_DEVICE_PARTS_REPLICA_H

#include "crypto/words.h"
#include "sync/device/parts/marks.h"

#define DEVICE_ACK_SPAN_MS (60 * 1000) /* acknowledgements that share a mark, at first */

struct device_replica {
    uint8_t id[QR_REPLICA_SIZE];
    uint8_t stamp[QR_HASH_SIZE]; /* random, new whenever this replica saved or sealed */
    bool moved;                  /* in this step: a new stamp is due */
    struct device_marks acks;    /* our wall clock when its batches were acknowledged */
};

/** What the records remember of syncs. */
struct device_receipt {
    int64_t caught_up_wall_ms; /* our wall clock at the last CAUGHT_UP; 0: never */
    int64_t news_wall_ms;      /* since when edits are here that no batch of ours names; 0: none */
};

/** The state digest as words, cached: it is asked for after each step and seldom changes. */
struct device_digest {
    char words[QR_WORDS_SIZE]; /* empty: not made yet */
    uint8_t roster_head[QR_HASH_SIZE];
    size_t chain_count; /* chains that it was made with; each is marked in_digest */
};

#endif
