/*
 * What each blocking call waits for, and when it has come about.
 */
#include "client/work.h"
#include <string.h>

#define REJECTED_QUIET_MS 1000 /* how long nothing moves before a rejection counts as the end */

static bool first_rejection(void *context, const struct quire_rejection *rejection)
{
    *(uint32_t *)context = rejection->code;
    return false;
}

static bool everything_is_there(struct qr_client_work *work, const struct quire_device_state *state,
    enum quire_status *out_result)
{
    struct quire_client *client = work->client;
    if (!work->flushed || !state->caught_up) {
        return false;
    }
    if (state->unsealed_count == 0 && state->unacknowledged_count == 0
        && state->not_on_server_count == 0 && state->lost_op_count == 0) {
        return true;
    }
    uint32_t code = 0;
    quire_device_each_rejection(client->device, first_rejection, &code);
    if (code != 0 && qr_client_now_ms() - client->run.moved_ms >= REJECTED_QUIET_MS) {
        *out_result = qr_client_fail(&client->error, QUIRE_ECONFLICT,
            "The server refused some of what was written here: %s. It is safe on this machine, and is "
            "sent again with each sync.",
            quire_error_text(code));
        return true;
    }
    return false;
}

static bool is_active(struct qr_client_work *work)
{
    struct qr_client_found_device found;
    return qr_client_find_active(work->client, work->device, &found) == QUIRE_OK && found.active;
}

/* ESTATE means not now (the roster is being appended to): the next round asks again. */
static bool ask(
    struct qr_client_work *work, struct quire_event event, enum quire_status *out_result)
{
    enum quire_status status = qr_client_feed(work->client, event);
    work->asked = status == QUIRE_OK;
    if (status == QUIRE_OK || status == QUIRE_ESTATE) {
        return false;
    }
    *out_result = status;
    return true;
}

/* Which device the sentence is for decides what the same status means. */
static const char *why_pairing_failed(const struct qr_client_work *work, enum quire_status status)
{
    bool shows = work->goal == QR_CLIENT_GOAL_PAIR;
    switch (status) {
    case QUIRE_ELIMIT:
        return shows
            ? "the account has 20 active devices, or its list of devices is full: revoke a device "
              "that is not used any more, or enrol the new one with the recovery kit"
            : "the account's list of devices is full";
    case QUIRE_ENOTFOUND:
        return shows
            ? "too many devices pair on this server at the moment"
            : "no device shows this code on this server now: it was mistyped, or used, or its "
              "time is over";
    case QUIRE_ECRYPTO:
        return shows ? "a device answered that does not have the code"
                     : "what was answered does not fit the code, or the kit";
    case QUIRE_EIO: return "the connection broke";
    case QUIRE_EUNSUPPORTED: return "the other device has a later version of Quire";
    default: return quire_status_text(status);
    }
}

/* One step towards the goal, after something happened. True: the run is over, with *out_result. */
bool qr_client_work_advance(struct qr_client_work *work, enum quire_status *out_result)
{
    struct quire_client *client = work->client;
    struct qr_client_run *run = &client->run;
    struct quire_device_state state;
    quire_device_state(client->device, &state);
    work->was_ready |= run->ready;
    if (run->pair_failed) {
        *out_result = qr_client_fail(&client->error, (enum quire_status)run->failure,
            "Pairing failed: %s. Nothing has changed; begin again with a new code.",
            why_pairing_failed(work, (enum quire_status)run->failure));
        return true;
    }
    if (run->revoke_failed) {
        *out_result = qr_client_fail(&client->error, (enum quire_status)run->failure,
            "The device was not revoked: %s. Nothing has changed; try again later.",
            run->failure == QUIRE_ENOTFOUND ? "it is none of the account's active devices"
                                            : quire_status_text((enum quire_status)run->failure));
        return true;
    }
    if (state.revoked) {
        *out_result = qr_client_fail(&client->error, QUIRE_ESTATE,
            "This device was revoked: it takes no part in the account any longer. What was "
            "written here is still on this machine.");
        return true;
    }
    if (work->goal == QR_CLIENT_GOAL_JOIN && !run->joined) {
        return false;
    }
    if (state.caught_up && !work->flushed) {
        work->flushed = true;
        *out_result = qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
        if (*out_result != QUIRE_OK) {
            return true;
        }
        quire_device_state(client->device, &state);
    }
    if (!state.caught_up) {
        return false;
    }
    if (work->goal == QR_CLIENT_GOAL_PAIR && !run->paired) {
        if (!work->asked) {
            return ask(work, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN}, out_result);
        }
        return false;
    }
    if (work->goal == QR_CLIENT_GOAL_REVOKE && is_active(work)) {
        if (!work->asked) {
            struct quire_event event = {.kind = QUIRE_EVENT_REVOKE};
            memcpy(event.device, work->device, sizeof event.device);
            return ask(work, event, out_result);
        }
        return false;
    }
    if (work->goal == QR_CLIENT_GOAL_PAIR || work->goal == QR_CLIENT_GOAL_REVOKE) {
        work->achieved_ms = work->achieved_ms == 0 ? qr_client_now_ms() : work->achieved_ms;
        bool over = everything_is_there(work, &state, out_result)
            || qr_client_now_ms() - work->achieved_ms >= QR_CLIENT_LINGER_MS;
        *out_result = over ? QUIRE_OK : *out_result;
        return over;
    }
    return work->goal != QR_CLIENT_GOAL_FOLLOW && everything_is_there(work, &state, out_result);
}
