/*
 * One replica chain as a device holds it, and the table of all of them.
 *
 * The fields are grouped by how long they live: the top level is the chain's record in the profile;
 * `disk` and `damage` last as long as this process, `link` as long as a connection, `frame` as long as
 * one DELTA, `cut` as long as one rebase.
 */
#ifndef QR_SYNC_DEVICE_PARTS_CHAIN_H
#define QR_SYNC_DEVICE_PARTS_CHAIN_H

#include "codec/batch.h"
#include "sync/device/parts/marks.h"

struct device_chain {
    /* the record */
    uint8_t replica[QR_REPLICA_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    uint64_t head;
    uint8_t hash[QR_HASH_SIZE]; /* of the head */
    uint32_t roster_seq;        /* of the head */
    uint64_t
        caught_up_at; /* greatest in the chain's batches, ms of the author's wall clock, bounded by ours */
    uint64_t acked; /* the server has 1 … acked: it acknowledged, named or delivered them */
    uint64_t acked_wall_ms; /* when `acked` rose to its value */
    uint64_t sees_own;      /* upper bound of our own chain's seq in the head's causal past */
    bool covered;           /* another batch here depends on the head */
    bool own;               /* this device is the author; derived, not in the record */

    struct {
        uint64_t durable; /* batches 1 … durable are on disk */
        uint64_t pending; /* 1 … pending are once pending_token is durable; 0: none pending */
        uint64_t pending_token;
    } disk;
    struct {
        uint64_t seq; /* this batch cannot be read back and the server lacks it; 0: none */
        uint8_t before[QR_HASH_SIZE]; /* hash of batch seq - 1 */
        bool knows_before;            /* `before` is set */
    } damage;
    struct device_marks *sights; /* owned; how sees_own rose; NULL: not known */
    bool in_digest;              /* the cached state digest was made with digest_hash as the head */
    uint8_t digest_hash[QR_HASH_SIZE];

    struct {
        uint64_t sent;             /* the server has 1 … sent, or they are on their way there */
        uint64_t blocked_until_ms; /* a batch was refused: send nothing before */
        uint32_t refusal;          /* protocol error code; 0: nothing refused */
        uint64_t refused_seq;
    } link;

    struct {
        uint64_t head; /* where the chain would stand if the DELTA so far is accepted */
        uint8_t hash[QR_HASH_SIZE];
        uint32_t roster_seq;
        size_t last_item; /* 1 + index of the chain's last item in the DELTA; 0: none */
    } frame;

    struct {
        uint64_t kept;    /* 1 … kept stay under the roster that is adopted */
        uint64_t drafted; /* of the rest, up to here the content is drafted */
    } cut;
};

/** Invariant: replicas are unique; count ≤ QR_CHAINS_MAX. Between steps every chain has a head, and
 * disk.durable, disk.pending, link.sent, acked and damage.seq are at most that head. */
struct device_chains {
    struct device_chain *items; /* owned */
    size_t count, capacity;
    uint64_t token; /* of the last PERSIST */
};

/** NULL: there is no such chain. */
struct device_chain *device_chains_find(const struct device_chains *chains, const uint8_t *replica);
/** Adds a chain that is not in the table. ENOMEM. ELIMIT: the table is full. */
QUIRE_CHECKED enum quire_status device_chains_add(struct device_chains *chains,
    const uint8_t *replica, const uint8_t *author, bool own, struct device_chain **out_chain);
/** Removes chains without a head: a frame named them and none of their batches was accepted. */
void device_chains_drop_empty(struct device_chains *chains);
/** Prepares every chain for the checks of one DELTA. */
void device_chains_begin_frame(struct device_chains *chains);
/** A PERSIST with this token begins; the heads become durable with it. */
void device_chains_persisting(struct device_chains *chains, uint64_t token);
/** The PERSIST with this token, and all before it, are durable. */
void device_chains_persisted(struct device_chains *chains, uint64_t token);
/** Forgets what the marks know: a chain was cut, or the own chain is a new one. */
void device_chain_forget_sights(struct device_chain *chain);
/** Sets the head back to cut.kept; the caller sets the head's hash and roster_seq. */
void device_chain_shorten(struct device_chain *chain);
/** Asserts the invariant. Cheap. */
void device_chains_check(const struct device_chains *chains);
/** Asserts that replicas are unique. Quadratic. */
void device_chains_check_all(const struct device_chains *chains);
void device_chains_finish(struct device_chains *chains);

#endif
