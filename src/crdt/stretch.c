/*
 * The characters of a payload's runs, cut where their turn changes.
 */
#include "crdt/payload.h"

struct qr_stretch_walk qr_stretch_walk_from(const struct qr_payload *payload)
{
    return (struct qr_stretch_walk){
        .payload = payload, .left = payload->liveness_count > 0 ? payload->liveness[0] : 0};
}

static bool ends_before(
    const struct qr_payload *payload, const struct qr_turned *turned, uint64_t id)
{
    uint32_t rank = payload->by_number[qr_id_replica(turned->id)];
    uint32_t wanted = payload->by_number[qr_id_replica(id)];
    return rank != wanted ? rank < wanted : turned->id + turned->length <= id;
}

/** The turned range that holds this id or begins after it; NULL: none. */
static const struct qr_turned *turned_from(const struct qr_payload *payload, uint64_t id)
{
    size_t low = 0;
    size_t high = payload->turned_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ends_before(payload, &payload->turned[middle], id)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < payload->turned_count ? &payload->turned[low] : NULL;
}

bool qr_stretch_walk_on(struct qr_stretch_walk *walk, struct qr_stretch *out_stretch)
{
    const struct qr_payload *payload = walk->payload;
    if (walk->rest.length == 0) {
        if (walk->next == payload->run_count) {
            return false;
        }
        walk->rest = payload->runs[walk->next++];
    }
    while (walk->left == 0) {
        walk->left = payload->liveness[++walk->liveness];
    }
    uint64_t length = walk->rest.length < walk->left ? walk->rest.length : walk->left;
    *out_stretch = (struct qr_stretch){walk->rest, false};
    out_stretch->run.turn = walk->liveness % 2 == 0 ? 0 : 1;
    const struct qr_turned *turned =
        payload->turned_count == 0 ? NULL : turned_from(payload, walk->rest.id);
    if (turned != NULL && turned->id <= walk->rest.id
        && qr_id_replica(turned->id) == qr_id_replica(walk->rest.id)) {
        uint64_t end = turned->id + turned->length - walk->rest.id;
        length = length < end ? length : end;
        out_stretch->turned = true;
        out_stretch->run.turn = turned->turn;
    } else if (turned != NULL && qr_id_replica(turned->id) == qr_id_replica(walk->rest.id)) {
        uint64_t start = turned->id - walk->rest.id;
        length = length < start ? length : start;
    }
    out_stretch->run.length = (uint32_t)length;
    walk->left -= length;
    walk->rest.length -= (uint32_t)length;
    walk->rest.id += length;
    walk->rest.parent = walk->rest.id - 1;
    return true;
}
