/*
 * Who wrote in a document.
 */
#include "crdt/replicas.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void qr_replicas_finish(struct qr_replicas *replicas)
{
    free(replicas->at);
    free(replicas->sorted);
    *replicas = (struct qr_replicas){0};
}

enum quire_status qr_replicas_reserve(struct qr_replicas *replicas, uint32_t extra)
{
    uint32_t needed = replicas->count + extra;
    if (needed > QR_REPLICAS_MAX || needed < extra) {
        return QUIRE_ENOMEM;
    }
    if (needed <= replicas->capacity) {
        return QUIRE_OK;
    }
    uint32_t capacity = needed < 4 ? 4 : needed + needed / 2;
    struct qr_replica *at = realloc(replicas->at, (capacity + 1) * sizeof *at);
    if (at == NULL) {
        return QUIRE_ENOMEM;
    }
    replicas->at = at;
    uint32_t *sorted = realloc(replicas->sorted, capacity * sizeof *sorted);
    if (sorted == NULL) {
        return QUIRE_ENOMEM;
    }
    replicas->sorted = sorted;
    replicas->capacity = capacity;
    return QUIRE_OK;
}

/** Where the name stands in the sorted table, or would. */
static uint32_t place_of(const struct qr_replicas *replicas, const uint8_t *name)
{
    uint32_t low = 0;
    uint32_t high = replicas->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const uint8_t *there = replicas->at[replicas->sorted[middle]].name;
        if (memcmp(there, name, QUIRE_REPLICA_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t qr_replicas_find(const struct qr_replicas *replicas, const uint8_t *name)
{
    if (replicas->latest != 0
        && memcmp(replicas->at[replicas->latest].name, name, QUIRE_REPLICA_SIZE) == 0) {
        return replicas->latest;
    }
    uint32_t place = place_of(replicas, name);
    if (place == replicas->count) {
        return 0;
    }
    uint32_t number = replicas->sorted[place];
    return memcmp(replicas->at[number].name, name, QUIRE_REPLICA_SIZE) == 0 ? number : 0;
}

uint32_t qr_replicas_add(struct qr_replicas *replicas, const uint8_t *name)
{
    uint32_t number = qr_replicas_find(replicas, name);
    if (number != 0) {
        replicas->latest = number;
        return number;
    }
    assert(replicas->count < replicas->capacity);
    uint32_t place = place_of(replicas, name);
    memmove(&replicas->sorted[place + 1], &replicas->sorted[place],
        (replicas->count - place) * sizeof *replicas->sorted);
    number = ++replicas->count;
    replicas->sorted[place] = number;
    replicas->at[number] = (struct qr_replica){0};
    memcpy(replicas->at[number].name, name, QUIRE_REPLICA_SIZE);
    replicas->latest = number;
    return number;
}

void qr_replicas_append(struct qr_replicas *replicas, const uint8_t *name)
{
    assert(replicas->count < replicas->capacity);
    uint32_t number = ++replicas->count;
    replicas->at[number] = (struct qr_replica){0};
    memcpy(replicas->at[number].name, name, QUIRE_REPLICA_SIZE);
}

void qr_replicas_sort_appended(struct qr_replicas *replicas, uint32_t known)
{
    uint32_t old = known; /* of the sorted table, so many are not placed yet; from the end */
    uint32_t slot = replicas->count;
    for (uint32_t number = replicas->count; number > known;) {
        const uint8_t *name = replicas->at[number].name;
        if (old > 0
            && memcmp(replicas->at[replicas->sorted[old - 1]].name, name, QUIRE_REPLICA_SIZE) > 0) {
            replicas->sorted[--slot] = replicas->sorted[--old];
        } else {
            replicas->sorted[--slot] = number--;
        }
    }
    if (replicas->count > known) {
        replicas->latest = replicas->count;
    }
}

bool qr_replicas_id_before(const struct qr_replicas *replicas, uint64_t a, uint64_t b)
{
    uint32_t replica_a = qr_id_replica(a);
    uint32_t replica_b = qr_id_replica(b);
    if (replica_a == replica_b) {
        return a < b;
    }
#if defined(QR_FAILPOINT_ORDER_OF_ARRIVAL) /* deliberate bugs, which tests/graphs must find */
    return replica_a < replica_b;
#elif defined(QR_FAILPOINT_GREATER_ID_FIRST)
    replica_a = qr_id_replica(b);
    replica_b = qr_id_replica(a);
#endif
    return memcmp(replicas->at[replica_a].name, replicas->at[replica_b].name, QUIRE_REPLICA_SIZE)
        < 0;
}
