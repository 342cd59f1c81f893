/*
 * SUB, WANT, DELTA, CAUGHT_UP. What a connection is owed is one position in its user's log: there is
 * no queue. While a client catches up, a filter holds back what it said it has.
 */
#include "sync/hub/stream.h"
#include "sync/hub/index.h"
#include "sync/hub/log.h"
#include "sync/hub/member.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include <stdlib.h>

/* ---- SUB -------------------------------------------------------------------------------------- */

/* Compares one of the client's chains with ours. */
static void compare_chain(struct qr_hub *hub, struct hub_connection *connection,
    const struct hub_user *user, const struct qr_frame_position *position)
{
    const struct hub_chain *chain = hub_chain_find(user, position->replica);
    if (chain == NULL || position->seq == 0) {
        return;
    }
    connection->reader.filter[chain - user->chains] = position->seq;
    if (position->seq <= chain->accepted
        && memcmp(hub_chain_entry(user, chain, position->seq)->hash, position->hash_prefix,
               QR_HASH_PREFIX_SIZE)
            != 0) {
        struct quire_bytes bytes;
        const struct hub_entry *entry = hub_chain_entry(user, chain, position->seq);
        if (position->seq > chain->durable
            || hub->reader.read(hub->reader.context, entry->lsn, &bytes) != QUIRE_OK) {
            bytes = (struct quire_bytes){0};
        }
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_FORK,
                .replica = position->replica,
                .seq = position->seq,
                .data = bytes,
                .cause = "the device has another batch at a seq that the log has"});
    }
}

/* Asks for what the client has and we lack, of any author: how a restored server is healed. */
static void send_want(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame_position *positions, size_t count)
{
    struct qr_frame_range *ranges = malloc((count + 1) * sizeof *ranges);
    if (ranges == NULL) {
        hub->out.failed = true;
        return;
    }
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hub_chain *chain = hub_chain_find(connection->user, positions[i].replica);
        uint64_t have = chain == NULL ? 0 : chain->accepted;
        if (positions[i].seq > have) {
            ranges[wanted++] =
                (struct qr_frame_range){positions[i].replica, have + 1, positions[i].seq};
        }
    }
    struct qr_frame frame = {.type = QR_FRAME_WANT};
    frame.want.ranges = ranges;
    frame.want.range_count = wanted;
    hub_send(hub, connection, &frame);
    free(ranges);
}

void hub_on_sub(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    struct hub_user *user = connection->user;
    struct hub_reader *reader = &connection->reader;
    (void)bytes;
    uint32_t wait_ms = hub_budget_take(hub, user, connection->member, HUB_BUDGET_SUBS, 1);
    if (wait_ms > 0) {
        hub->counters.rate_limited++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_RATE,
                .fatal = true,
                .retry_ms = wait_ms,
                .cause = "too many SUBs"});
        return;
    }
    free(reader->filter);
    reader->filter_count = user->chain_count;
    reader->filter = calloc(user->chain_count + 1, sizeof *reader->filter);
    if (reader->filter == NULL) {
        hub->out.failed = true;
        return;
    }
    connection->roster_count = frame->sub.roster_count;
    for (size_t i = 0; i < frame->sub.position_count && connection->state == HUB_READY; i++) {
        compare_chain(hub, connection, user, &frame->sub.positions[i]);
    }
    reader->subscribed = true;
    reader->caught_up = false;
    reader->position = 0;
    reader->filter_end = user->entry_count;
    send_want(hub, connection, frame->sub.positions, frame->sub.position_count);
    hub_stream(hub, connection);
}

/* ---- DELTA ------------------------------------------------------------------------------------ */

static bool held_back(
    const struct hub_connection *connection, const struct hub_entry *entry, size_t index)
{
    if (entry->chain == HUB_ROSTER_CHAIN) {
        return entry->seq < connection->roster_count;
    }
    if (entry->seq > connection->user->chains[entry->chain].admitted) {
        return true;
    }
    if (index < connection->reader.filter_end) {
        return connection->reader.filter != NULL && entry->chain < connection->reader.filter_count
            && entry->seq <= connection->reader.filter[entry->chain];
    }
    return entry->origin == connection->id;
}

static void send_caught_up(struct qr_hub *hub, struct hub_connection *connection)
{
    const struct hub_user *user = connection->user;
    struct qr_frame_position *positions = hub->space.positions;
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    for (size_t i = 0; i < user->chain_count; i++) {
        const struct hub_chain *chain = &user->chains[i];
        uint64_t seq = chain->durable < chain->admitted ? chain->durable : chain->admitted;
        if (seq > 0 && frame.caught_up.position_count < QR_FRAME_ITEMS_MAX) {
            positions[frame.caught_up.position_count++] = (struct qr_frame_position){
                chain->replica, seq, hub_chain_entry(user, chain, seq)->hash};
        }
    }
    frame.caught_up.positions = positions;
    connection->reader.caught_up = true;
    hub_send(hub, connection, &frame);
}

/* One DELTA from the connection's position on. False: nothing more can be sent now. */
static bool send_delta(struct qr_hub *hub, struct hub_connection *connection)
{
    struct hub_user *user = connection->user;
    struct quire_bytes *items = hub->space.items;
    struct quire_buffer copies = {0};
    struct qr_frame frame = {.type = QR_FRAME_DELTA};
    size_t lengths = 0;
    bool blocked = false;
    while (connection->reader.position < user->durable_count
        && frame.delta.batch_count < QR_FRAME_ITEMS_MAX) {
        const struct hub_entry *entry = &user->entries[connection->reader.position];
        if (held_back(connection, entry, connection->reader.position)) {
            connection->reader.position++;
            continue;
        }
        if (entry->chain == HUB_ROSTER_CHAIN) {
            break;
        }
        size_t framed = entry->size + 5u; /* bin 32 at most */
        if ((lengths > 0 && lengths + framed > HUB_DELTA_MAX)
            || connection->reader.credit < (int64_t)(lengths + framed + 8)) {
            blocked = lengths == 0;
            break;
        }
        if (hub_budget_take(hub, user, connection->member, HUB_BUDGET_DELTA_BYTES, framed) > 0) {
            connection->reader.paused = true; /* a TICK goes on */
            blocked = lengths == 0;
            break;
        }
        struct quire_bytes bytes;
        enum quire_status status = hub->reader.read(hub->reader.context, entry->lsn, &bytes);
        if (status == QUIRE_OK) {
            status = quire_buffer_append(&copies, bytes.data, bytes.size);
            hub->out.failed |= status != QUIRE_OK;
        }
        if (status != QUIRE_OK) {
            quire_buffer_finish(&copies);
            if (status == QUIRE_ECORRUPT || status == QUIRE_ENOTFOUND) {
                hub_user_damaged(hub, user, entry->lsn);
            } else {
                hub_refuse(hub, connection,
                    &(struct hub_refusal){.code = QR_ERROR_OVERLOADED,
                        .fatal = true,
                        .retry_ms = 5000,
                        .cause = "a stored record cannot be read"});
            }
            return false;
        }
        items[frame.delta.batch_count++].size = bytes.size;
        lengths += framed;
        connection->reader.position++;
    }
    if (frame.delta.batch_count > 0) {
        size_t offset = 0;
        for (size_t i = 0; i < frame.delta.batch_count; i++) {
            items[i].data = copies.data + offset;
            offset += items[i].size;
        }
        frame.delta.batches = items;
        size_t before = connection->unsent;
        hub_send(hub, connection, &frame);
        connection->reader.credit -= (int64_t)(connection->unsent - before);
        hub->counters.batches_sent += frame.delta.batch_count;
    }
    quire_buffer_finish(&copies);
    return !blocked;
}

void hub_stream(struct qr_hub *hub, struct hub_connection *connection)
{
    const struct hub_user *user = connection->user;
    connection->reader.paused = false;
    if (connection->state != HUB_READY || !connection->reader.subscribed) {
        /* Records go out as soon as they are durable even so: a revoked device must learn of it. */
        if (connection->state != HUB_READY) {
            return;
        }
        hub_send_roster(hub, connection, connection->roster_count);
    }
    bool is_device = !qr_is_zero(connection->device, QR_DEVICE_SIZE);
    if (is_device && !qr_roster_active(&user->roster, connection->device)
        && hub_roster_durable(user) == user->roster.count) {
        /* Told so, and nothing more: it has no key for what was written since. */
        hub_send_roster(hub, connection, connection->roster_count);
        hub_fatal(hub, connection, QR_ERROR_REVOKED, "the device is revoked");
        return;
    }
    while (connection->reader.subscribed && connection->state == HUB_READY
        && connection->reader.position < user->durable_count
        && connection->unsent < HUB_UNSENT_LOW) {
        if (!send_delta(hub, connection) || connection->reader.paused) {
            break;
        }
        if (connection->reader.position < user->durable_count
            && user->entries[connection->reader.position].chain == HUB_ROSTER_CHAIN
            && user->entries[connection->reader.position].seq >= connection->roster_count) {
            hub_send_roster(hub, connection, connection->roster_count);
        }
    }
    if (connection->state != HUB_READY) {
        return;
    }
    if (is_device && !qr_roster_active(&user->roster, connection->device)) {
        return;
    }
    if (connection->reader.subscribed && !connection->reader.caught_up
        && connection->reader.position >= user->durable_count
        && connection->reader.position >= connection->reader.filter_end
        && hub_roster_durable(user)
            == user->roster.count) { /* its pins bound what CAUGHT_UP names */
        send_caught_up(hub, connection);
    }
    if (connection->reader.filter != NULL
        && connection->reader.position >= connection->reader.filter_end) {
        free(connection->reader.filter);
        connection->reader.filter = NULL;
    }
}

/* ---- PRESENCE --------------------------------------------------------------------------------- */

static uint32_t devices_here(const struct hub_user *user)
{
    uint32_t count = 0;
    const struct hub_connection *one;
    DL_FOREACH (user->connections, one) {
        const struct hub_connection *before = user->connections;
        while (before != one && memcmp(before->device, one->device, QR_DEVICE_SIZE) != 0) {
            before = before->next;
        }
        count += before == one;
    }
    return count;
}

void hub_presence(struct qr_hub *hub, struct hub_user *user)
{
    struct hub_connection *connection;
    struct qr_frame frame = {.type = QR_FRAME_PRESENCE};
    frame.presence.others = devices_here(user) - 1; /* without the device that reads it */
    DL_FOREACH (user->connections, connection) {
        hub_send(hub, connection, &frame);
    }
}
