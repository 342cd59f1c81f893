/*
 * Appending to a roster, by compare-and-swap on its head: a roster is linear, online only.
 */
#include "sync/hub/append.h"
#include "base/failpoint.h"
#include "base/writer.h"
#include "sync/hub/log.h"
#include "sync/hub/out.h"
#include "sync/hub/index.h"
#include "sync/hub/roster.h"
#include <stdlib.h>

#define RETRY_NOTING_MS 200

static enum quire_status try_records(struct qr_hub *hub, struct hub_user *user,
    const struct qr_frame *frame, struct qr_roster *out_roster)
{
    enum quire_status status = qr_roster_copy(&user->roster, out_roster);
    for (size_t i = 0; i < frame->roster_append.record_count && status == QUIRE_OK; i++) {
        status = qr_roster_append(out_roster, frame->roster_append.records[i]);
    }
    if (status == QUIRE_OK && !hub_roster_pins_known(user, out_roster, user->roster.count)) {
        status = QUIRE_ELIMIT;
    }
    if (status == QUIRE_OK) {
        status = hub_roster_admissible(hub, user, out_roster, user->roster.count);
    }
    return status;
}

enum quire_status hub_roster_take(
    struct qr_hub *hub, struct hub_user *user, struct qr_roster *roster, uint64_t origin)
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
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    (void)bytes;
    struct hub_user *user = connection->user;
    if (hub->draining) {
        return;
    }
    struct hub_rate rate = {
        hub->limits.roster_appends_per_hour, HUB_HOUR_MS, hub->limits.roster_appends_per_hour};
    struct hub_member *member = connection->member;
    if (QR_FAILPOINT_ON(HUB_ONE_BUDGET)) {
        member = user->members;
    }
    uint32_t wait_ms = hub_bucket_take(&member->appends, hub->now_ms, 1, rate);
    if (wait_ms > 0) {
        hub->counters.rate_limited++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_RATE,
                .retry_ms = wait_ms,
                .cause = "the device's changes to the roster, this hour"});
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
    case QUIRE_OK: break;
    case QUIRE_ENOMEM: hub->out.failed = true; break;
    case QUIRE_ESTATE: /* the log is searched meanwhile; asking cost nothing */
        hub_bucket_return(&member->appends, 1, rate);
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_RATE, .retry_ms = RETRY_NOTING_MS});
        break;
    case QUIRE_ECONFLICT:
        hub_send_roster(hub, connection, connection->roster_count);
        hub_refuse(
            hub, connection, &(struct hub_refusal){.code = QR_ERROR_STALE_ROSTER, .retry_ms = 100});
        break;
    case QUIRE_ELIMIT:
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_TOO_LARGE, .cause = "the roster is full"});
        break;
    case QUIRE_ECRYPTO:
        hub_refuse(hub, connection,
            &(struct hub_refusal){
                .code = QR_ERROR_BAD_SIG, .cause = "a roster record's signature does not hold"});
        break;
    default:
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_PROTO, .cause = "a roster record is malformed"});
        break;
    }
}

static int compare_pins(const void *a, const void *b)
{
    return memcmp(a, b, QR_REPLICA_SIZE);
}

void hub_on_chains(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    (void)bytes;
    const struct hub_user *user = connection->user;
    if (!qr_is_zero(connection->device, QR_DEVICE_SIZE)) {
        hub_fatal(hub, connection, QR_ERROR_PROTO, "CHAINS by a device: only a recovery asks");
        return;
    }
    struct quire_buffer pins = {0};
    struct qr_frame answer = {.type = QR_FRAME_CHAINS};
    answer.chains.device = frame->chains.device;
    for (size_t i = 0; i < user->chain_count; i++) {
        const struct hub_chain *chain = &user->chains[i];
        if (chain->accepted == 0
            || memcmp(chain->device, frame->chains.device, QR_DEVICE_SIZE) != 0) {
            continue;
        }
        struct qr_writer writer = qr_writer_onto(&pins);
        qr_write_bytes(&writer, chain->replica, QR_REPLICA_SIZE);
        qr_write_u64(&writer, chain->accepted);
        qr_write_bytes(&writer, hub_chain_entry(user, chain, chain->accepted)->hash, QR_HASH_SIZE);
        hub->out.failed |= qr_writer_end(&writer) != QUIRE_OK;
        uint64_t end = chain->offsets[chain->accepted - 1] + 1ull;
        answer.chains.last = end > answer.chains.last ? end : answer.chains.last;
    }
    if (!hub->out.failed) {
        if (pins.size > 0) {
            qsort(pins.data, pins.size / QR_PIN_SIZE, QR_PIN_SIZE, compare_pins);
        }
        answer.chains.pins = quire_buffer_bytes(&pins);
        hub_send(hub, connection, &answer);
    }
    quire_buffer_finish(&pins);
}
