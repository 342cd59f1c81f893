/*
 * The order in which a payload's runs are written.
 */
#include "crdt/order.h"

static bool is_written(const struct qr_run *runs, const struct qr_order_part *parts, uint64_t id)
{
    const struct qr_order_part *part = &parts[qr_id_replica(id)];
    return part->next >= part->end || runs[part->next].id > id;
}

/** The replica of what this run waits for, or 0. */
static uint32_t waits_for(
    const struct qr_run *runs, const struct qr_order_part *parts, const struct qr_run *run)
{
    uint32_t replica = qr_id_replica(run->id);
    if (qr_id_replica(run->parent) != replica && !is_written(runs, parts, run->parent)) {
        return qr_id_replica(run->parent);
    }
    if (qr_id_replica(run->right) != replica && !is_written(runs, parts, run->right)) {
        return qr_id_replica(run->right);
    }
    return 0;
}

bool qr_order_runs(const struct qr_run *runs, struct qr_order_part *parts, const uint32_t *names,
    uint32_t name_count, uint32_t *stack, uint32_t *out_order)
{
    for (uint32_t i = 0; i < name_count; i++) {
        uint32_t depth = 0;
        stack[depth++] = names[i];
        while (depth > 0) {
            struct qr_order_part *part = &parts[stack[depth - 1]];
            if (part->next >= part->end) {
                depth--;
                continue;
            }
            uint32_t other = waits_for(runs, parts, &runs[part->next]);
            if (other != 0) {
                if (depth > name_count) {
                    return false; /* one of them waits for itself */
                }
                stack[depth++] = other;
                continue;
            }
            *out_order++ = part->next++;
            depth -= depth > 1 ? 1 : 0; /* who asked waits for one run only: look again */
        }
    }
    return true;
}
