/*
 * Appending to a roster, by compare-and-swap on its head: a roster is linear, online only.
 */
#include "sync/hub/roster.h"
#include "sync/hub/out.h"
#include "sync/hub/user.h"

static const struct quire_bytes nothing = {0};

void hub_send_roster(struct qr_hub *hub, struct hub_connection *connection, uint32_t from)
{
    const struct hub_user *user = connection->user;
    uint32_t durable = hub_roster_durable(user);
    while (from < durable) {
        struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
        struct quire_bytes *items = hub->space.items;
        size_t size = 0;
        frame.roster_records.first_seq = from;
        while (from < durable && frame.roster_records.record_count < QR_FRAME_ITEMS_MAX) {
            struct quire_bytes record = qr_roster_record(&user->roster, from);
            if (size > 0 && size + record.size > HUB_DELTA_MAX) {
                break;
            }
            items[frame.roster_records.record_count++] = record;
            size += record.size;
            from++;
        }
        frame.roster_records.records = items;
        hub_send(hub, connection, &frame);
    }
    if (from > connection->roster_count) {
        connection->roster_count = from;
    }
}

/* How much of a chain the roster admits. */
static uint64_t admitted(const struct hub_user *user, const struct qr_roster *roster,
    const struct hub_chain *chain)
{
    uint8_t pinned[QR_HASH_SIZE];
    uint64_t pin = qr_roster_pin(roster, chain->device, chain->replica, pinned);
    bool other = pin > 0 && pin <= chain->accepted &&
        memcmp(hub_chain_entry(user, chain, pin)->hash, pinned, QR_HASH_SIZE) != 0;
    return pin - other;
}

void hub_roster_settle(struct hub_user *user)
{
    for (size_t i = 0; i < user->chain_count; i++) {
        user->chains[i].admitted = admitted(user, &user->roster, &user->chains[i]);
    }
}

/* Does this batch of another device stand on something that the roster does not admit? */
static bool stands_on_excess(const struct hub_user *user, const struct qr_roster *roster,
    const struct qr_batch *batch)
{
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct hub_chain *cause = hub_chain_find(user, batch->deps[i].replica);
        if (cause != NULL && batch->deps[i].seq > admitted(user, roster, cause) &&
            memcmp(cause->device, batch->device, QR_DEVICE_SIZE) != 0) {
            return true;
        }
    }
    return false;
}

enum quire_status hub_roster_admissible(struct qr_hub *hub, const struct hub_user *user,
    const struct qr_roster *roster, uint32_t from)
{
    size_t first = user->loaded_count; /* of what is shut out: only later ones can stand on it */
    for (size_t i = 0; i < user->chain_count; i++) {
        const struct hub_chain *chain = &user->chains[i];
        const struct qr_roster_device *device = qr_roster_find(roster, chain->device);
        if (device == NULL || device->revoked_seq < from || device->revoked_seq == 0) {
            continue;
        }
        uint64_t most = admitted(user, roster, chain);
        if (chain->built > most) {
            return QUIRE_ECONFLICT;
        }
        if (most < chain->accepted && chain->places[most] < first) {
            first = chain->places[most];
        }
    }
    if (user->loaded_count - first > HUB_LOOK_BACK_MAX) {
        return QUIRE_ECONFLICT; /* too many to read now: somebody will have */
    }
    for (size_t i = first; i < user->loaded_count; i++) {
        struct quire_bytes bytes;
        struct qr_batch batch;
        if (user->entries[i].chain == HUB_ROSTER_CHAIN) {
            continue;
        }
        if (hub->reader.read(hub->reader.context, user->entries[i].lsn, &bytes) != QUIRE_OK ||
            qr_batch_read_any(bytes, &batch) != QUIRE_OK || stands_on_excess(user, roster, &batch)) {
            return QUIRE_ECONFLICT;
        }
    }
    return QUIRE_OK;
}

static enum quire_status try_records(struct qr_hub *hub, const struct hub_user *user,
    const struct qr_frame *frame, struct qr_roster *out_roster)
{
    enum quire_status status = qr_roster_copy(&user->roster, out_roster);
    for (size_t i = 0; i < frame->roster_append.record_count && status == QUIRE_OK; i++) {
        status = qr_roster_append(out_roster, frame->roster_append.records[i]);
    }
    if (status == QUIRE_OK) {
        status = hub_roster_admissible(hub, user, out_roster, user->roster.count);
    }
    return status;
}

enum quire_status hub_roster_take(struct qr_hub *hub, struct hub_user *user,
    struct qr_roster *roster, uint64_t origin)
{
    for (uint32_t seq = user->roster.count; seq < roster->count; seq++) {
        struct qr_log_entry entry = {.kind = QR_LOG_ROSTER, .seq = seq};
        memcpy(entry.hash, roster->entries[seq].hash, QR_HASH_SIZE);
        enum quire_status status =
            hub_user_accept(hub, user, &entry, qr_roster_record(roster, seq), origin);
        if (status != QUIRE_OK) {
            return status;
        }
    }
    struct qr_roster old = user->roster;
    user->roster = *roster;
    *roster = old;
    hub_roster_settle(user);
    return QUIRE_OK;
}

void hub_on_roster_append(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame)
{
    struct hub_user *user = connection->user;
    if (hub->draining) {
        return;
    }
    uint32_t wait_ms = hub_bucket_take(&user->appends, hub->now_ms, 1,
        hub->limits.roster_appends_per_hour, HUB_HOUR_MS, hub->limits.roster_appends_per_hour);
    if (wait_ms > 0) {
        hub->counters.rate_limited++;
        hub_error(hub, connection, QR_ERROR_RATE, false, wait_ms, NULL, 0, nothing);
        return;
    }
    enum quire_status status = QUIRE_ECONFLICT;
    struct qr_roster tried = {0};
    if (memcmp(frame->roster_append.prev_head, qr_roster_head(&user->roster), QR_HASH_SIZE) == 0) {
        status = try_records(hub, user, frame, &tried);
    }
    if (status == QUIRE_OK) {
        status = hub_roster_take(hub, user, &tried, connection->id);
        connection->append_lsn = hub->next_lsn - 1;
    }
    qr_roster_finish(&tried);
    switch (status) {
    case QUIRE_OK:
        break;
    case QUIRE_ENOMEM:
        hub->out.failed = true;
        break;
    case QUIRE_ECONFLICT:
        hub_send_roster(hub, connection, connection->roster_count);
        hub_error(hub, connection, QR_ERROR_STALE_ROSTER, false, 100, NULL, 0, nothing);
        break;
    case QUIRE_ELIMIT:
        hub_error(hub, connection, QR_ERROR_TOO_LARGE, false, 0, NULL, 0, nothing);
        break;
    case QUIRE_ECRYPTO:
        hub_error(hub, connection, QR_ERROR_BAD_SIG, false, 0, NULL, 0, nothing);
        break;
    default:
        hub_error(hub, connection, QR_ERROR_PROTO, false, 0, NULL, 0, nothing);
        break;
    }
}
