/*
 * The blocking calls: a connection, kept up until what was asked for has come about.
 */
#define _GNU_SOURCE
#include "client/patience.h"
#include "client/shell.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define POLL_MS 100          /* how soon a stop, or somebody who waits for the profile, is seen */
#define PROGRESS_MS 250
#define BACKOFF_FIRST_MS 500 /* between attempts, doubling, half of it by chance */
#define BACKOFF_MAX_MS 60000
#define DEADLINE_MS 3600000  /* of a call that names none; but never less than its timeout */
#define CUTS_MAX 8           /* times that a sync connects again after it was cut */
#define REJECTED_QUIET_MS 1000 /* how long nothing moves before a rejection counts as the end */
#define LAST_FLUSH_MS 2000   /* what a stop may still take to send */
#define YIELD_MS 2000
#define INDEX_MS 500         /* after a sync, for the words of what came in heaps */
#define GOODBYE_MS 250
#define PROMPT_CUTS 2        /* times that a line which we closed ourselves is dialled again at once */

/* Error codes of the protocol after which connecting again is of no use before a person acts. */
enum { ERROR_VERSION = 2, ERROR_AUTH = 3, ERROR_REVOKED = 4, ERROR_MOVED = 15, ERROR_UPGRADE = 16 };

struct work {
    struct quire_client *client;
    enum qr_client_goal goal;
    uint8_t device[QUIRE_DEVICE_SIZE]; /* REVOKE */
    struct qr_client_patience patience;
    uint64_t received_before; /* bytes of the connections before this one */
    bool asked;      /* PAIR_OPEN or REVOKE was fed */
    bool flushed;
    bool was_ready;  /* at least once */
    unsigned cuts;
    uint32_t backoff_ms;
    uint64_t dial_ms; /* when the next attempt is due */
    uint64_t waiting_looked_ms;
    uint64_t progress_ms;
    uint64_t stop_ms; /* when to give up flushing; 0: not stopping */
};

/* ---- from the wire --------------------------------------------------------------------------- */

static void wire_up(void *context)
{
    struct quire_client *client = context;
    if (client->device == NULL || client->failed != QUIRE_OK) {
        return;
    }
    struct qr_client_url url;
    const char *server = quire_client_server(client);
    if (qr_client_url_parse(server, &url) != QUIRE_OK) {
        client->failed = QUIRE_EINVALID; /* it was a URL when this run began */
        return;
    }
    client->failed = qr_client_feed(client,
        (struct quire_event){.kind = QUIRE_EVENT_CONNECTED, .bytes = quire_bytes_of_text(url.host)});
}

static void wire_message(void *context, struct quire_bytes message)
{
    struct quire_client *client = context;
    if (client->device == NULL || client->failed != QUIRE_OK) {
        return;
    }
    client->run.moved_ms = qr_client_now_ms();
    client->failed = qr_client_feed(client,
        (struct quire_event){.kind = QUIRE_EVENT_FRAME, .bytes = message});
}

static void wire_down(void *context, enum qr_client_down reason, const char *why)
{
    struct quire_client *client = context;
    client->run.down = true;
    client->run.down_reason = reason;
    snprintf(client->run.why, sizeof client->run.why, "%s", why);
    if (client->device != NULL && client->failed == QUIRE_OK && reason == QR_CLIENT_DOWN_CUT) {
        client->failed =
            qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
    }
}

static bool wire_trust(void *context, const char *host, const char *fingerprint)
{
    struct quire_client *client = context;
    if (client->callbacks.trust == NULL) {
        return false;
    }
    uint64_t asked_ms = qr_client_now_ms();
    bool trusted = client->callbacks.trust(client->callbacks.context, host, fingerprint);
    client->run.excused_ms += qr_client_now_ms() - asked_ms;
    if (!trusted) {
        return false;
    }
    struct qr_client_config *config = &client->profile.config;
    snprintf(config->fingerprint, sizeof config->fingerprint, "%s", fingerprint);
    if (qr_client_profile_save(&client->profile, &client->problem) != QUIRE_OK) {
        config->fingerprint[0] = 0;
        return false;
    }
    return true;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static enum quire_status make_wire(struct quire_client *client)
{
    struct qr_client_url url;
    const char *server = quire_client_server(client);
    if (server[0] == 0) {
        client->unreachable = true;
        return qr_client_fail(&client->problem, QUIRE_ESTATE,
            "No server is set for this profile. Everything written is safe on this machine.");
    }
    if (qr_client_url_parse(server, &url) != QUIRE_OK) {
        return qr_client_fail(&client->problem, QUIRE_EINVALID, "%s is not a server's address.",
            server);
    }
    if (!url.tls && !url.loopback && !client->insecure) {
        return qr_client_fail(&client->problem, QUIRE_EINVALID,
            "%s would leave this machine without TLS; use wss://. Nothing was sent.",
            server);
    }
    struct qr_client_wire_events events = {client, wire_up, wire_message, wire_down, wire_trust};
    return qr_client_wire_create(&url, quire_client_fingerprint(client), &events, &client->wire,
        &client->problem);
}

static void tell_line(struct quire_client *client, enum quire_client_line line, const char *detail)
{
    if (client->callbacks.line != NULL) {
        client->callbacks.line(client->callbacks.context, line, detail);
    }
}

static void dial(struct work *work)
{
    struct quire_client *client = work->client;
    client->run.down = false;
    client->run.ready = false;
    client->run.refused = false;
    client->run.retry_ms = 0;
    client->run.closed_here = false;
    work->asked = false;
    work->flushed = false;
    uint64_t sent = 0;
    qr_client_wire_counts(client->wire, &work->received_before, &sent);
    tell_line(client, QUIRE_CLIENT_DIALLING, quire_client_server(client));
    qr_client_wire_dial(client->wire);
}

static uint32_t jittered(uint32_t milliseconds)
{
    struct qr_client_problem ignored;
    uint32_t chance = 0;
    if (qr_client_random(&chance, sizeof chance, &ignored) != QUIRE_OK) {
        return milliseconds;
    }
    return milliseconds / 2 + chance % (milliseconds / 2 + 1);
}

static bool is_final_refusal(uint32_t code)
{
    return code == ERROR_VERSION || code == ERROR_AUTH || code == ERROR_REVOKED
        || code == ERROR_MOVED || code == ERROR_UPGRADE;
}

static const char *const all_safe = "Everything written is safe on this machine";

/* ERROR_AUTH to an account that no server has taken yet. */
static const char not_taken[] =
    " Perhaps it takes no new accounts (quired --registration closed): ask its operator.";
/* ERROR_AUTH to a device that was known once. */
static const char forgotten[] =
    " If the server was put back to an old backup, another device that knows this one brings it back "
    "at its next sync; if there is none, `quire pair` there and `quire rejoin CODE` here.";

struct unsent {
    char text[192];
};

/* What a person wants to know when the server did not come up to it. */
static struct unsent tell_unsent(const struct quire_client *client)
{
    struct quire_device_state state = {0};
    struct unsent unsent;
    if (client->device != NULL) {
        quire_device_state(client->device, &state);
    }
    uint64_t unsealed = state.unsealed_count, sealed = state.unacknowledged_count;
    int size = snprintf(unsent.text, sizeof unsent.text, "%s",
        unsealed + sealed == 0 ? all_safe : "Not on the server yet:");
    if (unsealed > 0) {
        size += snprintf(unsent.text + size, sizeof unsent.text - (size_t)size,
            " %" PRIu64 " %s with new edits%s", unsealed, unsealed == 1 ? "entry" : "entries",
            sealed > 0 ? "," : "");
    }
    if (sealed > 0) {
        size += snprintf(unsent.text + size, sizeof unsent.text - (size_t)size,
            " %" PRIu64 " sealed %s", sealed, sealed == 1 ? "batch" : "batches");
    }
    if (unsealed + sealed > 0) {
        snprintf(unsent.text + size, sizeof unsent.text - (size_t)size,
            "; all of it is safe on this machine");
    }
    return unsent;
}

/* Some server knew this device, once. */
static bool was_taken(const struct quire_client *client)
{
    struct quire_device_state state = {0};
    if (client->device != NULL) {
        quire_device_state(client->device, &state);
    }
    return state.caught_up_ms != 0;
}

/* The line is down: is it the end, or when to dial again? */
static enum quire_status after_down(struct work *work)
{
    struct quire_client *client = work->client;
    struct qr_client_run *run = &client->run;
    run->down = false;
    const char *server = quire_client_server(client);
    const char *why = run->refused ? quire_error_text(run->failure) : run->why;
    tell_line(client, QUIRE_CLIENT_OFFLINE, why);
    if (run->down_reason == QR_CLIENT_DOWN_DISTRUSTED) {
        return qr_client_fail(&client->problem, QUIRE_ECRYPTO,
            "%s is not trusted: %s. Nothing was sent, and everything written is safe on this "
            "machine. If the fingerprint is the one that the server printed at its start, pin it%s.",
            server, why,
            quire_client_fingerprint(client)[0] != 0 ? "; if nobody gave it a new certificate, somebody is in between"
                                                     : "");
    }
    if (run->refused && is_final_refusal(run->failure)) {
        return qr_client_fail(&client->problem, QUIRE_ESTATE, "%s refused this device: %s. %s.%s",
            server, why, all_safe,
            run->failure != ERROR_AUTH ? ""
                : was_taken(client)    ? forgotten
                                       : not_taken);
    }
    bool follow = work->goal == QR_CLIENT_GOAL_FOLLOW;
    if (run->ready) {
        work->backoff_ms = BACKOFF_FIRST_MS;
    }
    work->cuts++;
    bool useless = run->down_reason == QR_CLIENT_DOWN_UNREACHABLE && !work->was_ready;
    if (!follow && (useless || work->cuts > CUTS_MAX || run->retry_ms > work->patience.timeout_ms)) {
        client->unreachable = true;
        return qr_client_fail(&client->problem, QUIRE_EIO, "%s cannot be used now: %s. %s; sync "
            "again later.", server, why, tell_unsent(client).text);
    }
    if (run->closed_here && work->cuts <= PROMPT_CUTS) {
        work->dial_ms = qr_client_now_ms() + run->retry_ms; /* as after joining: part of the plan */
        return QUIRE_OK;
    }
    uint32_t wait_ms = run->retry_ms > work->backoff_ms ? run->retry_ms : work->backoff_ms;
    work->backoff_ms =
        work->backoff_ms < BACKOFF_MAX_MS / 2 ? work->backoff_ms * 2 : BACKOFF_MAX_MS;
    work->dial_ms = qr_client_now_ms() + jittered(wait_ms);
    return QUIRE_OK;
}

/* ---- what was asked for ---------------------------------------------------------------------- */

static bool first_rejection(void *context, const struct quire_rejection *rejection)
{
    *(uint32_t *)context = rejection->code;
    return false;
}

static bool everything_is_there(struct work *work, const struct quire_device_state *state,
    enum quire_status *out_result)
{
    struct quire_client *client = work->client;
    if (!work->flushed || !state->caught_up) {
        return false;
    }
    if (state->unsealed_count == 0 && state->unacknowledged_count == 0
        && state->not_on_server_count == 0 && state->redo_count == 0) {
        return true;
    }
    uint32_t code = 0;
    quire_device_each_rejection(client->device, first_rejection, &code);
    if (code != 0 && qr_client_now_ms() - client->run.moved_ms >= REJECTED_QUIET_MS) {
        *out_result = qr_client_fail(&client->problem, QUIRE_ECONFLICT,
            "The server refused some of what was written here: %s. It is safe on this machine, and is "
            "sent again with each sync.", quire_error_text(code));
        return true;
    }
    return false;
}

struct find {
    const uint8_t *device;
    bool active, self;
};

static bool find_active(void *context, const struct quire_device_info *info)
{
    struct find *find = context;
    if (memcmp(info->device, find->device, QUIRE_DEVICE_SIZE) == 0) {
        find->active = info->active;
        find->self = info->self;
        return false;
    }
    return true;
}

static bool is_active(struct work *work)
{
    struct find find = {.device = work->device};
    return quire_device_each_device(work->client->device, find_active, &find) == QUIRE_OK
        && find.active;
}

/* ESTATE means not now (the roster is being appended to): the next round asks again. */
static bool ask(struct work *work, struct quire_event event, enum quire_status *out_result)
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
static const char *why_pairing_failed(const struct work *work, enum quire_status status)
{
    bool shows = work->goal == QR_CLIENT_GOAL_PAIR;
    switch (status) {
    case QUIRE_ENOTFOUND:
        return shows ? "too many devices pair on this server at the moment"
                     : "no device shows this code on this server now: it was mistyped, or used, or its "
                       "time is over";
    case QUIRE_ECRYPTO:
        return shows ? "somebody answered who does not have the code"
                     : "what was answered does not fit the code, or the kit";
    case QUIRE_EIO:
        return "the connection broke";
    case QUIRE_EUNSUPPORTED:
        return "the other device has a later version of Quire";
    default:
        return quire_status_text(status);
    }
}

/* One step towards the goal, after something happened. True: the run is over, with *out_result. */
static bool advance(struct work *work, enum quire_status *out_result)
{
    struct quire_client *client = work->client;
    struct qr_client_run *run = &client->run;
    struct quire_device_state state;
    quire_device_state(client->device, &state);
    work->was_ready |= run->ready;
    if (run->pair_failed) {
        *out_result = qr_client_fail(&client->problem, (enum quire_status)run->failure,
            "Pairing failed: %s. Nothing has changed; begin again with a new code.",
            why_pairing_failed(work, (enum quire_status)run->failure));
        return true;
    }
    if (run->revoke_failed) {
        *out_result = qr_client_fail(&client->problem, (enum quire_status)run->failure,
            "The device was not revoked: %s. Nothing has changed; try again later.",
            run->failure == QUIRE_ENOTFOUND ? "it is none of the account's active devices"
                                            : quire_status_text((enum quire_status)run->failure));
        return true;
    }
    if (state.revoked) {
        *out_result = qr_client_fail(&client->problem, QUIRE_ESTATE,
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
    return work->goal != QR_CLIENT_GOAL_FOLLOW && everything_is_there(work, &state, out_result);
}

/* ---- giving way ------------------------------------------------------------------------------ */

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
}

static enum quire_status yield_profile(struct work *work)
{
    struct quire_client *client = work->client;
    struct qr_client_profile profile = client->profile;
    tell_line(client, QUIRE_CLIENT_YIELDED, "");
    qr_client_wire_destroy(client->wire);
    client->wire = NULL;
    quire_client_close(client);
    uint64_t begin_ms = qr_client_now_ms();
    while (qr_client_profile_wanted(&profile) && qr_client_now_ms() - begin_ms < YIELD_MS) {
        nap();
    }
    for (;;) {
        enum quire_status status =
            qr_client_profile_open(profile.path.text, 0, &client->profile, &client->problem);
        if (status == QUIRE_OK) {
            break;
        }
        if (status != QUIRE_ELOCKED || atomic_load(&client->stop)) {
            return status == QUIRE_ELOCKED ? QUIRE_OK : status;
        }
        nap();
    }
    client->problem.text[0] = 0;
    enum quire_status status = qr_client_load(client);
    if (status == QUIRE_OK) {
        status = make_wire(client);
    }
    if (status == QUIRE_OK) {
        dial(work);
    }
    return status;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* QUIRE_OK: there is still time. */
static enum quire_status check_time(struct work *work, const struct quire_device_state *state,
    uint64_t now_ms)
{
    struct quire_client *client = work->client;
    struct qr_client_patience *patience = &work->patience;
    const char *server = quire_client_server(client);
    uint64_t received = 0, sent = 0;
    qr_client_wire_counts(client->wire, &received, &sent);
    qr_client_patience_excuse(patience, client->run.excused_ms);
    client->run.excused_ms = 0;
    qr_client_patience_look(patience, state, received - work->received_before, now_ms);
    enum qr_client_patience_end end = qr_client_patience_over(patience, now_ms);
    if (end == QR_CLIENT_PATIENCE_LASTS) {
        return QUIRE_OK;
    }
    client->unreachable = true;
    if (work->goal == QR_CLIENT_GOAL_PAIR && client->run.ready) {
        return qr_client_fail(&client->problem, QUIRE_EIO,
            "No device used the code in %" PRIu64 " s. Nothing has changed.",
            (now_ms - patience->began_ms) / 1000);
    }
    if (end == QR_CLIENT_PATIENCE_DEADLINE) {
        return qr_client_fail(&client->problem, QUIRE_EIO,
            "Not done within the deadline of %u s; what came is kept. %s; sync again to go on.",
            patience->deadline_ms / 1000, tell_unsent(client).text);
    }
    return qr_client_fail(&client->problem, QUIRE_EIO,
        "%s got nowhere for %u s. %s; sync again later.", server, patience->timeout_ms / 1000,
        tell_unsent(client).text);
}

/* Stopping: what is unsealed is sealed and sent, for as long as LAST_FLUSH_MS. True: over. */
static bool wind_down(struct work *work, uint64_t now_ms, enum quire_status *out_result)
{
    struct quire_client *client = work->client;
    struct quire_device_state state;
    quire_device_state(client->device, &state);
    if (work->goal != QR_CLIENT_GOAL_FOLLOW) {
        *out_result = qr_client_fail(&client->problem, QUIRE_ESTATE, "Stopped. %s.", all_safe);
        return true;
    }
    if (!state.caught_up || (work->stop_ms != 0 && now_ms >= work->stop_ms)) {
        return true;
    }
    if (work->stop_ms == 0) {
        work->stop_ms = now_ms + LAST_FLUSH_MS;
        *out_result = qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
        return *out_result != QUIRE_OK;
    }
    return state.unsealed_count == 0 && state.unacknowledged_count == 0;
}

static uint32_t wait_for(const struct work *work, uint64_t now_ms)
{
    uint64_t wake_ms = quire_device_wake_ms(work->client->device);
    uint64_t wait_ms = wake_ms <= now_ms ? 0 : wake_ms - now_ms;
    if (qr_client_wire_idle(work->client->wire)) {
        uint64_t dial_wait_ms = work->dial_ms <= now_ms ? 0 : work->dial_ms - now_ms;
        wait_ms = dial_wait_ms < wait_ms ? dial_wait_ms : wait_ms;
    }
    return wait_ms < POLL_MS ? (uint32_t)wait_ms : POLL_MS;
}

static void tell_progress(struct work *work, uint64_t now_ms)
{
    struct quire_client *client = work->client;
    if (client->callbacks.progress != NULL && now_ms - work->progress_ms >= PROGRESS_MS) {
        work->progress_ms = now_ms;
        uint64_t received = 0, sent = 0;
        qr_client_wire_counts(client->wire, &received, &sent);
        client->callbacks.progress(client->callbacks.context, received, sent);
    }
}

static enum quire_status loop(struct work *work)
{
    struct quire_client *client = work->client;
    enum quire_status result = QUIRE_OK;
    struct quire_device_state state;
    quire_device_state(client->device, &state);
    qr_client_patience_begin(&work->patience, &state, qr_client_now_ms());
    dial(work);
    for (;;) {
        uint64_t now_ms = qr_client_now_ms();
        if (client->failed != QUIRE_OK) {
            return client->failed;
        }
        if (client->device == NULL) { /* a callback's save failed, and said why */
            return QUIRE_EIO;
        }
        if (client->run.down) {
            result = after_down(work);
            if (result != QUIRE_OK) {
                return result;
            }
        }
        if (atomic_load(&client->stop)) {
            if (wind_down(work, now_ms, &result)) {
                return result;
            }
        } else if (qr_client_wire_idle(client->wire) && now_ms >= work->dial_ms) {
            dial(work);
        }
        if (quire_device_wake_ms(client->device) <= now_ms) {
            result = qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_TICK});
            if (result != QUIRE_OK) {
                return result;
            }
        }
        if (work->stop_ms == 0 && advance(work, &result)) {
            return result;
        }
        if (work->goal != QR_CLIENT_GOAL_FOLLOW) {
            quire_device_state(client->device, &state);
            result = check_time(work, &state, qr_client_now_ms());
            if (result != QUIRE_OK) {
                return result;
            }
        }
        if (work->goal == QR_CLIENT_GOAL_FOLLOW && now_ms - work->waiting_looked_ms >= POLL_MS) {
            work->waiting_looked_ms = now_ms;
            if (qr_client_profile_wanted(&client->profile)) {
                result = yield_profile(work);
                if (result != QUIRE_OK || client->device == NULL) {
                    return result;
                }
            }
        }
        tell_progress(work, now_ms);
        qr_client_wire_run(client->wire, wait_for(work, now_ms));
    }
}

/* Says good-bye, so that the server need not find out. */
static void hang_up(struct quire_client *client)
{
    if (client->wire == NULL) {
        return;
    }
    qr_client_wire_hang_up(client->wire);
    uint64_t deadline_ms = qr_client_now_ms() + GOODBYE_MS;
    while (!qr_client_wire_idle(client->wire) && qr_client_now_ms() < deadline_ms) {
        qr_client_wire_run(client->wire, 20);
    }
    qr_client_wire_destroy(client->wire);
    client->wire = NULL;
}

enum quire_status qr_client_run(struct quire_client *client, enum qr_client_goal goal,
    const uint8_t device[QUIRE_DEVICE_SIZE], uint32_t timeout_ms)
{
    uint32_t deadline_ms = timeout_ms > DEADLINE_MS ? timeout_ms : DEADLINE_MS;
    struct work work = {.client = client, .goal = goal, .backoff_ms = BACKOFF_FIRST_MS,
        .patience = {.timeout_ms = timeout_ms,
            .deadline_ms = client->deadline_ms != 0 ? client->deadline_ms : deadline_ms}};
    if (device != NULL) {
        memcpy(work.device, device, sizeof work.device);
    }
    if (client->wire != NULL) {
        return qr_client_fail(&client->problem, QUIRE_ESTATE,
            "The client is connected already, in a call further up.");
    }
    client->run = (struct qr_client_run){.moved_ms = qr_client_now_ms()};
    client->failed = QUIRE_OK;
    client->unreachable = false;
    enum quire_status status = make_wire(client);
    if (status == QUIRE_OK) {
        status = loop(&work);
    }
    hang_up(client);
    /* A line that never came down by itself: the device is to know before the next call. */
    struct quire_device_state state = {0};
    if (client->device != NULL) {
        quire_device_state(client->device, &state);
    }
    if (state.connected) {
        enum quire_status left =
            qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
        status = status == QUIRE_OK ? left : status;
    }
    if (status == QUIRE_OK && client->device != NULL && goal != QR_CLIENT_GOAL_FOLLOW) {
        status = qr_client_index(client, INDEX_MS); /* so that the next search need not */
    }
    atomic_store(&client->stop, false);
    return status;
}

/* ---- the calls ------------------------------------------------------------------------------- */

enum quire_status quire_client_sync(struct quire_client *client, uint32_t timeout_ms)
{
    enum quire_status status = qr_client_needs_profile(client);
    return status != QUIRE_OK ? status
                              : qr_client_run(client, QR_CLIENT_GOAL_SYNC, NULL, timeout_ms);
}

enum quire_status quire_client_rejoin(struct quire_client *client, const char *code,
    uint32_t timeout_ms)
{
    uint8_t entropy[QUIRE_ENTROPY_SIZE];
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK) {
        status = qr_client_random(entropy, sizeof entropy, &client->problem);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    status = quire_device_rejoin(client->device, quire_bytes_of_text(code), entropy);
    qr_client_wipe(entropy, sizeof entropy);
    if (status == QUIRE_EMALFORMED) {
        return qr_client_fail(&client->problem, status,
            "This is not a pairing code: a character is wrong or missing. Nothing was changed.");
    }
    if (status == QUIRE_ESTATE) {
        return qr_client_fail(&client->problem, status,
            "This device was revoked. It comes back on a new profile, by `join` or by the recovery "
            "kit; what was written here is still here.");
    }
    return status != QUIRE_OK
        ? qr_client_settle(client, status, "The device cannot be enrolled again")
        : qr_client_run(client, QR_CLIENT_GOAL_SYNC, NULL, timeout_ms);
}

enum quire_status quire_client_follow(struct quire_client *client)
{
    enum quire_status status = qr_client_needs_profile(client);
    return status != QUIRE_OK ? status : qr_client_run(client, QR_CLIENT_GOAL_FOLLOW, NULL, 0);
}

enum quire_status quire_client_pair(struct quire_client *client, uint32_t timeout_ms,
    uint8_t out_device[QUIRE_DEVICE_SIZE])
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK) {
        status = qr_client_run(client, QR_CLIENT_GOAL_PAIR, NULL, timeout_ms);
    }
    if (status == QUIRE_OK) {
        memcpy(out_device, client->run.device, QUIRE_DEVICE_SIZE);
    }
    return status;
}

enum quire_status quire_client_revoke(struct quire_client *client,
    const uint8_t device[QUIRE_DEVICE_SIZE], uint32_t timeout_ms)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    struct find find = {.device = device};
    status = quire_device_each_device(client->device, find_active, &find);
    if (status != QUIRE_OK) {
        return qr_client_settle(client, status, "The devices cannot be listed");
    }
    if (!find.active) {
        return qr_client_fail(&client->problem, QUIRE_ENOTFOUND,
            "There is no such device, or it is revoked already.");
    }
    if (find.self) {
        return qr_client_fail(&client->problem, QUIRE_EINVALID,
            "This device cannot revoke itself, and nothing was changed: revoke it on another one.");
    }
    return qr_client_run(client, QR_CLIENT_GOAL_REVOKE, device, timeout_ms);
}
