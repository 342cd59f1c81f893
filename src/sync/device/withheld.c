/*
 * The omission rule: a server that keeps our writes from another device gives itself away when that
 * device says it was caught up long after they were acknowledged, and yet knew nothing of them.
 *
 * For it we note when our batches were acknowledged, and how many of them each batch of another chain
 * has in its past. Both rise for ever, so there are marks, close for what is new and further apart the
 * older it is. What lies between two marks counts as the later one: that errs on the quiet side.
 */
#include "sync/device/state.h"
#include <stdlib.h>

/* ---- marks ------------------------------------------------------------------------------------ */

static uint64_t distance(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0; /* clocks may go back */
}

/* Of two neighbours that are nearest to each other for their age one is enough. */
static void thin(struct device_marks *marks, uint64_t now)
{
    size_t best = 0;
    uint64_t best_rank = UINT64_MAX;
    for (size_t i = 0; i + 1 < marks->count; i++) {
        uint64_t span = distance(marks->items[i].first, marks->items[i + 1].last);
        uint64_t age = distance(marks->items[i + 1].last, now);
        uint64_t rank = span * 1024 / (age + span + 1);
        if (rank < best_rank) {
            best_rank = rank;
            best = i;
        }
    }
    marks->items[best + 1].first = marks->items[best].first;
    memmove(&marks->items[best], &marks->items[best + 1],
        (marks->count - best - 1) * sizeof *marks->items);
    marks->count--;
}

/* Returns whether there is a new mark: nearer than `span` to the first of the last one it joins that. */
static bool add_mark(struct device_marks *marks, uint64_t seq, uint64_t value, uint64_t span)
{
    struct device_mark *last = marks->count == 0 ? NULL : &marks->items[marks->count - 1];
    if (last != NULL && value >= last->first && value - last->first < span) {
        last->seq = seq;
        last->last = value;
        return false;
    }
    if (marks->count == DEVICE_MARKS_MAX) {
        thin(marks, value);
    }
    marks->items[marks->count++] = (struct device_mark){seq, value, value};
    return true;
}

/* The first mark that reaches up to seq; NULL: none does. */
static const struct device_mark *find_mark(const struct device_marks *marks, uint64_t seq)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->items[i].seq >= seq) {
            return &marks->items[i];
        }
    }
    return NULL;
}

/* ---- when our batches were acknowledged ------------------------------------------------------- */

void device_note_ack(struct quire_device *device, uint64_t seq)
{
    struct device_marks *acks = &device->acks;
    while (acks->count > 0 && acks->items[acks->count - 1].seq > seq) {
        acks->count--; /* a server that lost them */
    }
    bool known = acks->count > 0 && acks->items[acks->count - 1].seq == seq;
    if (device->wall_ms > 0 && seq > 0 && !known
        && add_mark(acks, seq, (uint64_t)device->wall_ms, DEVICE_ACK_SPAN_MS)) {
        device_put_acks(device);
    }
}

/* By when (our wall clock) the batch after `seq` of our present chain was acknowledged; 0: unknown. */
static uint64_t acked_by(const struct quire_device *device, uint64_t seq)
{
    const struct device_mark *mark = find_mark(&device->acks, seq + 1);
    const struct device_chain *own = device_chain_find(device, device->replica);
    return mark != NULL                         ? mark->last
        : own != NULL && own->acked > seq ? own->acked_wall_ms
                                          : 0;
}

/* ---- what others had seen of them ------------------------------------------------------------- */

/* How much of our present chain a batch of another one has in its past, or more. */
static uint64_t seen_at(const struct device_chain *chain, uint64_t seq)
{
    const struct device_mark *mark = chain->sights == NULL ? NULL : find_mark(chain->sights, seq);
    return mark == NULL ? chain->sees_own : mark->last;
}

void device_note_sight(struct quire_device *device, struct device_chain *chain, const struct qr_batch *batch)
{
    uint64_t sees = chain->sees_own;
    if (memcmp(chain->replica, device->replica, QR_REPLICA_SIZE) == 0) {
        return;
    }
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct device_chain *dep = device_chain_find(device, batch->deps[i].replica);
        bool ours = memcmp(batch->deps[i].replica, device->replica, QR_REPLICA_SIZE) == 0;
        uint64_t seen = ours   ? batch->deps[i].seq
            : dep == NULL ? 0
                          : seen_at(dep, batch->deps[i].seq);
        sees = seen > sees ? seen : sees;
    }
    if (chain->sights == NULL) { /* without memory for it the head's will do */
        chain->sights = calloc(1, sizeof *chain->sights);
        if (chain->sights != NULL && chain->head > 0) {
            (void)add_mark(chain->sights, chain->head, chain->sees_own, 1);
        }
    }
    if (chain->sights != NULL) {
        (void)add_mark(chain->sights, batch->seq, sees, 1);
    }
    chain->sees_own = sees;
}

void device_forget_sights(struct device_chain *chain)
{
    free(chain->sights);
    chain->sights = NULL;
}

void device_forget_withheld(struct quire_device *device)
{
    device->acks.count = 0;
    for (size_t i = 0; i < device->chain_count; i++) {
        device_forget_sights(&device->chains[i]);
        device->chains[i].sees_own = 0;
    }
}

/* ---- the rule --------------------------------------------------------------------------------- */

void device_check_withheld(struct quire_device *device, const struct device_chain *chain)
{
    uint64_t acked_ms = chain->own ? 0 : acked_by(device, chain->sees_own);
    if (acked_ms > 0 && chain->caught_up_at > acked_ms + DEVICE_WITHHELD_MS
        && !QR_FAILPOINT_ON(NO_OMISSION_RULE)) {
        device_alarm(device, QUIRE_ALARM_WITHHELD);
    }
}
