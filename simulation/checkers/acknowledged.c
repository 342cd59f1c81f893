/*
 * Claim: what the hub acknowledges, and what it serves to anyone, is durable in its log by then.
 * A crash of the server keeps what is durable, so this is "nothing acknowledged is lost".
 */
#include "checkers.h"

#include "codec/frame.h"
#include "people/model.h"
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

static void check_ack(struct world *world, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->ack.range_count; i++) {
        const struct qr_frame_range *range = &frame->ack.ranges[i];
        mark(world, MARK_acknowledged);
        if (server_find(world->server, NULL, range->replica, range->to) == NULL) {
            world_fail(world, "acknowledged",
                "the hub acknowledges batch %llu of a chain before it is durable",
                (unsigned long long)range->to);
            return;
        }
    }
}

static void check_delta(struct world *world, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->delta.batch_count; i++) {
        const uint8_t *replica = NULL;
        struct quire_bytes bytes = frame->delta.batches[i];
        uint64_t seq = qr_batch_seq(bytes, &replica);
        const struct stored *stored = server_find(world->server, NULL, replica, seq);
        if (stored == NULL || stored->entry.size != bytes.size
            || memcmp(stored->bytes, bytes.data, bytes.size) != 0) {
            world_fail(world, "acknowledged", "the hub serves batch %llu of a chain, and %s",
                (unsigned long long)seq,
                stored == NULL ? "it is not durable" : "other bytes are durable");
            return;
        }
    }
}

static void check_frame(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    struct qr_frame frame;
    if (qr_frame_read(bytes, world->server->space, &frame) != QUIRE_OK) {
        world_fail(world, "acknowledged", "connection %llu: the hub sent what is no frame",
            (unsigned long long)link);
    } else if (frame.type == QR_FRAME_ACK) {
        check_ack(world, &frame);
    } else if (frame.type == QR_FRAME_DELTA) {
        check_delta(world, &frame);
    }
}

const struct observer acknowledged_observer = {.server_sends = check_frame};

void acknowledged_check_end(struct world *world, const struct phone *phone)
{
    const uint8_t *user = world->model->users[phone->user].id;
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    const struct table *table = &phone->disk.visible;
    for (size_t i = 0; i < table->count && !world->failed; i++) {
        struct quire_bytes bytes;
        if (!batch_on_disk(&table->records[i], batch, &bytes)) {
            continue;
        }
        const struct stored *stored = server_find(world->server, user, batch->replica, batch->seq);
        if (stored == NULL || stored->entry.size != bytes.size
            || memcmp(stored->bytes, bytes.data, bytes.size) != 0) {
            world_fail(world, "acknowledged",
                "at the end, phone %u holds batch %llu of a chain, and the server has %s",
                phone->number, (unsigned long long)batch->seq, stored == NULL ? "none" : "another");
        }
    }
    free(batch);
}
