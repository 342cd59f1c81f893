/*
 * Budgets and connection slots of devices.
 */
#include "sync/hub/member.h"
#include "sync/hub/out.h"
#include <stdlib.h>

/* a device's own share is this part of the user's budget: QR_DEVICES_MAX devices */
#define SHARE 20u
#define RETRY_REPLACED_MS 30000

struct hub_member *hub_member_of(struct hub_user *user, const uint8_t device[QR_DEVICE_SIZE])
{
    struct hub_member *member = user->members;
    while (member != NULL && memcmp(member->device, device, QR_DEVICE_SIZE) != 0) {
        member = member->next;
    }
    if (member == NULL) {
        member = calloc(1, sizeof *member);
        if (member != NULL) {
            memcpy(member->device, device, QR_DEVICE_SIZE);
            member->next = user->members;
            user->members = member;
        }
    }
    return member;
}

void hub_members_destroy(struct hub_user *user)
{
    while (user->members != NULL) {
        struct hub_member *member = user->members;
        user->members = member->next;
        free(member);
    }
}

static struct hub_rate rate_of(const struct qr_hub_limits *limits, enum hub_budget kind)
{
    switch (kind) {
    case HUB_BUDGET_PUSHES:
        return (struct hub_rate){limits->pushes_per_second, 1000, limits->pushes_burst};
    case HUB_BUDGET_PUSH_BYTES:
        return (struct hub_rate){limits->push_bytes_per_second, 1000, limits->push_bytes_burst};
    case HUB_BUDGET_DELTA_BYTES:
        return (struct hub_rate){limits->delta_bytes_per_second, 1000, limits->delta_bytes_burst};
    case HUB_BUDGET_SUBS:
    default: return (struct hub_rate){limits->subs_per_minute, HUB_MINUTE_MS, limits->subs_burst};
    }
}

uint32_t hub_budget_take(struct qr_hub *hub, struct hub_user *user, struct hub_member *member,
    enum hub_budget kind, uint64_t amount)
{
    struct hub_rate rate = rate_of(&hub->limits, kind);
    uint32_t wait_ms = hub_bucket_take(&user->budgets[kind], hub->now_ms, amount, rate);
    if (wait_ms == 0 || user->members == NULL || user->members->next == NULL) {
        return wait_ms; /* there is no other device to protect */
    }
    /* In units that the interval divides: a share of 60 a minute is 60 in 20 minutes. */
    struct hub_rate share = {rate.rate, rate.interval_ms * SHARE, rate.burst / SHARE + 1};
    uint32_t share_ms = hub_bucket_take(&member->shares[kind], hub->now_ms, amount, share);
    return share_ms < wait_ms ? share_ms : wait_ms;
}

/* The oldest connection of that device; NULL for the device means of any. */
static struct hub_connection *oldest(const struct hub_user *user, const struct hub_member *member)
{
    struct hub_connection *connection; /* in the order in which they became ready */
    DL_FOREACH (user->connections, connection) {
        if (connection->state == HUB_READY && connection->member == member) {
            return connection;
        }
    }
    return NULL;
}

static const struct hub_member *busiest(const struct hub_user *user)
{
    const struct hub_member *most = user->members, *member;
    for (member = user->members; member != NULL; member = member->next) {
        if (member->connection_count > most->connection_count) {
            most = member;
        }
    }
    return most;
}

void hub_make_slot(struct qr_hub *hub, struct hub_user *user, const struct hub_member *member)
{
    const struct hub_member *loses = NULL;
    if (member->connection_count >= hub->limits.connections_per_device) {
        loses = member;
    } else if (user->connection_count >= hub->limits.connections_per_user) {
        loses = busiest(user);
    }
    struct hub_connection *connection = loses == NULL ? NULL : oldest(user, loses);
    if (connection != NULL) {
        hub->counters.connections_replaced++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_OVERLOADED,
                .fatal = true,
                .retry_ms = RETRY_REPLACED_MS,
                .cause = "a newer connection of the device took its place"});
    }
}
