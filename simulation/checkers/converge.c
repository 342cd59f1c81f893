/*
 * Claim: once the faults are over, everyone becomes quiet within a bounded time, and all phones of
 * a user show the same.
 */
#include "checkers.h"

#include "people/model.h"
#include "network/network.h"
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

struct seen { /* what a phone's roster says of the device that is looked for */
    const uint8_t *device;
    bool found, active;
};

static bool look(void *context, const struct quire_device_info *info)
{
    struct seen *seen = context;
    if (memcmp(info->device, seen->device, QUIRE_DEVICE_SIZE) == 0) {
        seen->found = true;
        seen->active = info->active;
    }
    return true;
}

bool phone_is_shut_out(const struct world *world, const struct phone *phone)
{
    return (phone->stage != PHONE_JOINED || phone->unknown)
        && world->model->users[phone->user].full;
}

/* Takes part in what is demanded: joined, and not revoked as far as any other phone knows. */
bool phone_counts(const struct world *world, const struct phone *phone)
{
    if (phone->apart || phone->stage != PHONE_JOINED || phone->device == NULL
        || phone->state.revoked || phone_is_shut_out(world, phone)) {
        return false;
    }
    for (uint32_t i = 0; phone->revoked && i < world->phone_count; i++) {
        const struct phone *other = &world->phones[i];
        struct seen seen = {.device = phone->state.device};
        if (other->user == phone->user && other->device != NULL && other->stage == PHONE_JOINED
            && other != phone && !other->revoked
            && quire_device_each_device(other->device, look, &seen) == QUIRE_OK
            && !(seen.found && seen.active)) {
            return false;
        }
    }
    return true;
}

static const char *what_it_waits_for(const struct world *world, const struct phone *phone)
{
    const struct quire_device_state *state = &phone->state;
    return world->now_ms < phone->paused_until_ms ? "stands still"
        : world->now_ms < world->server->paused_until_ms
        ? "waits for the server, which stands still"
        : !state->connected               ? "has no connection"
        : !state->caught_up               ? "has not caught up"
        : state->lost_op_count > 0        ? "has roster operations to re-apply that the server lost"
        : state->unsealed_count > 0       ? "has edits that are not sealed"
        : state->unacknowledged_count > 0 ? "has batches that the server did not acknowledge"
        : state->not_on_server_count > 0  ? "holds batches that the server lacks"
        : state->unread_count > 0         ? "keeps batches that it cannot read"
        : phone->disk.waiting_count > 0   ? "writes to its disk"
        : !network_alive(world, phone->link) ? "has not noticed that its connection is gone"
        : !network_still(world, phone->link) ? "has something under way on its connection"
                                             : NULL;
}

static void explain(const struct phone *phone, const char *why, char *out, size_t size)
{
    const struct quire_device_state *state = &phone->state;
    snprintf(out, size,
        "phone %u %s (%llu batches of %llu chains, roster of %u, alarms: behind %llu, roster %llu)",
        phone->number, why, (unsigned long long)state->batch_count,
        (unsigned long long)state->chain_count, state->roster_count,
        (unsigned long long)state->alarms[QUIRE_ALARM_SERVER_BEHIND],
        (unsigned long long)state->alarms[QUIRE_ALARM_ROSTER]);
}

bool converge_reached(struct world *world, char *out_reason, size_t reason_size)
{
    const struct phone *first[USERS_MAX] = {NULL};
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->apart || phone->stage == PHONE_AWAY
            || (phone->revoked && !phone_counts(world, phone))) {
            continue;
        }
        if (phone_is_shut_out(world, phone)) {
            continue;
        }
        if (phone->stage != PHONE_JOINED || phone->device == NULL) {
            snprintf(out_reason, reason_size, "phone %u %s", phone->number,
                phone->stage == PHONE_JOINED ? "does not run" : "could not join");
            return false;
        }
        quire_device_state(phone->device, &phone->state);
        const char *why = what_it_waits_for(world, phone);
        if (why != NULL) {
            explain(phone, why, out_reason, reason_size);
            return false;
        }
        if (first[phone->user] == NULL) {
            first[phone->user] = phone;
        } else if (strcmp(first[phone->user]->state.words, phone->state.words) != 0) {
            explain(
                phone, "has other heads than the first phone of its user", out_reason, reason_size);
            return false;
        }
    }
    return true;
}

void converge_digest(struct world *world, struct phone *phone, uint32_t entry, uint8_t out[32])
{
    struct quire_document *document = NULL;
    const struct user *user = &world->model->users[phone->user];
    memset(out, 0, 32);
    enum quire_status status =
        quire_device_document(phone->device, user->entries[entry], false, &document);
    if (status == QUIRE_OK && !quire_document_empty(document)) {
        status = quire_document_digest(document, out);
    }
    if (status != QUIRE_OK && status != QUIRE_ENOTFOUND) {
        world_fail(world, "converge", "phone %u cannot read entry %u: %s", phone->number, entry,
            quire_status_text(status));
    }
}

void converge_check_end(struct world *world)
{
    for (uint32_t u = 0; u < world->options.users; u++) {
        for (uint32_t entry = 0; entry < world->model->users[u].entry_count; entry++) {
            const struct phone *first = NULL;
            uint8_t wanted[32];
            for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
                struct phone *phone = &world->phones[i];
                uint8_t digest[32];
                if (phone->user != u || !phone_counts(world, phone)) {
                    continue;
                }
                converge_digest(world, phone, entry, digest);
                trace_bytes(world, (struct quire_bytes){digest, sizeof digest});
                if (first == NULL) {
                    first = phone;
                    memcpy(wanted, digest, sizeof wanted);
                } else if (memcmp(wanted, digest, sizeof wanted) != 0) {
                    world_fail(world, "converge",
                        "entry %u differs between phone %u and phone %u, "
                        "which agree on all heads",
                        entry, first->number, phone->number);
                }
            }
        }
    }
}
