/*
 * The omission rule: a server that keeps our writes from another device gives itself away when that
 * device says it was caught up long after they were acknowledged, and yet knew nothing of them.
 *
 * For it we note when our batches were acknowledged, and how many of them each batch of another chain
 * has in its past. Both rise for ever, so there are marks, close for what is new and further apart the
 * older it is. What lies between two marks counts as the later one: that errs on the quiet side.
 */
#include "sync/device/withheld.h"
#include "sync/device/records.h"
#include <stdlib.h>

/* ---- when our batches were acknowledged ------------------------------------------------------- */

void device_note_ack(struct quire_device *device, uint64_t seq)
{
    struct device_marks *acks = &device->replica.acks;
    device_marks_cut(acks, seq);
    bool known = acks->count > 0 && acks->items[acks->count - 1].seq == seq;
    if (device->step.wall_ms > 0 && seq > 0 && !known
        && device_marks_add(acks, seq, (uint64_t)device->step.wall_ms, DEVICE_ACK_SPAN_MS)) {
        device_write_acks(device);
    }
}

/* By when (our wall clock) the batch after `seq` of our present chain was acknowledged; 0: unknown. */
static uint64_t acked_by(const struct quire_device *device, uint64_t seq)
{
    const struct device_mark *mark = device_marks_find(&device->replica.acks, seq + 1);
    const struct device_chain *own = device_chain_find(device, device->replica.id);
    return mark != NULL ? mark->last : own != NULL && own->acked > seq ? own->acked_wall_ms : 0;
}

/* ---- what others had seen of them ------------------------------------------------------------- */

/* How much of our present chain a batch of another one has in its past, or more. */
static uint64_t seen_at(const struct device_chain *chain, uint64_t seq)
{
    const struct device_mark *mark =
        chain->sights == NULL ? NULL : device_marks_find(chain->sights, seq);
    return mark == NULL ? chain->sees_own : mark->last;
}

void device_note_sight(
    struct quire_device *device, struct device_chain *chain, const struct qr_batch *batch)
{
    uint64_t sees = chain->sees_own;
    if (memcmp(chain->replica, device->replica.id, QR_REPLICA_SIZE) == 0) {
        return;
    }
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct device_chain *dep = device_chain_find(device, batch->deps[i].replica);
        bool ours = memcmp(batch->deps[i].replica, device->replica.id, QR_REPLICA_SIZE) == 0;
        uint64_t seen = ours ? batch->deps[i].seq
            : dep == NULL    ? 0
                             : seen_at(dep, batch->deps[i].seq);
        sees = seen > sees ? seen : sees;
    }
    if (chain->sights == NULL) { /* without memory for it the head's will do */
        chain->sights = calloc(1, sizeof *chain->sights);
        if (chain->sights != NULL && chain->head > 0) {
            (void)device_marks_add(chain->sights, chain->head, chain->sees_own, 1);
        }
    }
    if (chain->sights != NULL) {
        (void)device_marks_add(chain->sights, batch->seq, sees, 1);
    }
    chain->sees_own = sees;
}

void device_forget_withheld(struct quire_device *device)
{
    device->replica.acks.count = 0;
    for (size_t i = 0; i < device->chains.count; i++) {
        device_chain_forget_sights(&device->chains.items[i]);
        device->chains.items[i].sees_own = 0;
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
