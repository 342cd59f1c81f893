/*
 * Names inside a document: a replica's number in its table, and a counter. Packed into 64 bits, so
 * that they compare, and a run's next character is the id plus one.
 */
#ifndef QR_CRDT_IDS_H
#define QR_CRDT_IDS_H

#include "crdt/limits.h"
#include <stdint.h>

/** No id: the document's start as a parent, its end as what stands to the right. */
#define QR_ID_NONE UINT64_C(0)

/** Ids of one replica, from this one on. */
struct qr_range {
    uint64_t id;
    uint64_t length;
};

static inline uint64_t qr_id(uint32_t replica, uint64_t counter)
{
    return (uint64_t)replica << QR_COUNTER_BITS | counter;
}

static inline uint32_t qr_id_replica(uint64_t id)
{
    return (uint32_t)(id >> QR_COUNTER_BITS);
}

static inline uint64_t qr_id_counter(uint64_t id)
{
    return id & QR_COUNTER_MAX;
}

#endif
