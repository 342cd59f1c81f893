/*
 * Connecting for a blocking call, and what follows when the connection goes down.
 */
#define _GNU_SOURCE
#include "client/work.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_MAX_MS 60000
#define CUTS_MAX 8    /* times that a sync connects again after it was cut */
#define PROMPT_CUTS 2 /* times that a connection which the device closed is dialled again at once */

/* Error codes of the protocol after which connecting again is of no use before the user acts. */
enum {
    ERROR_VERSION = 2,
    ERROR_AUTH = 3,
    ERROR_REVOKED = 4,
    ERROR_MOVED = 15,
    ERROR_UPGRADE = 16,
    ERROR_UNKNOWN_USER = 17,
    ERROR_REGISTRATION = 18,
    ERROR_UNKNOWN_DEVICE = 19
};

/* ---- from the connection --------------------------------------------------------------------------- */

/* Of several addresses, the next run tries the one that works now first. Not worth a failure. */
static void keep_address(struct quire_client *client)
{
    struct qr_client_error ignored;
    struct qr_client_config *config = &client->profile.config;
    const char *worked = qr_client_connection_worked(client->connection);
    if (strcmp(worked, config->address) != 0) {
        snprintf(config->address, sizeof config->address, "%s", worked);
        if (qr_client_profile_save(&client->profile, &ignored) != QUIRE_OK) {
            config->address[0] = 0;
        }
    }
}

static void on_up(void *context)
{
    struct quire_client *client = context;
    if (client->device == NULL || client->failed != QUIRE_OK) {
        return;
    }
    keep_address(client);
    struct qr_client_url url;
    const char *server = quire_client_server(client);
    if (qr_client_url_parse(server, &url) != QUIRE_OK) {
        client->failed = QUIRE_EINVALID; /* it was a URL when this run began */
        return;
    }
    client->failed = qr_client_feed(client,
        (struct quire_event){
            .kind = QUIRE_EVENT_CONNECTED, .bytes = quire_bytes_of_text(url.host)});
}

static void on_message(void *context, struct quire_bytes message)
{
    struct quire_client *client = context;
    if (client->device == NULL || client->failed != QUIRE_OK) {
        return;
    }
    client->run.moved_ms = qr_client_now_ms();
    client->failed =
        qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_FRAME, .bytes = message});
}

static void on_down(void *context, enum qr_client_down reason, const char *why)
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

static bool on_trust(void *context, const char *host, const char *fingerprint)
{
    struct quire_client *client = context;
    if (client->callbacks.trust == NULL) {
        return false;
    }
    uint64_t asked_ms = qr_client_now_ms();
    bool trusted = client->callbacks.trust(client->callbacks.context, host, fingerprint);
    client->run.excused_ms += qr_client_now_ms() - asked_ms;
    return trusted;
}

/* After `trust`, or where the server has a new certificate of the pinned key or authority. */
static bool on_pin(void *context, const struct qr_client_pin *pin)
{
    struct quire_client *client = context;
    struct qr_client_config *config = &client->profile.config;
    struct qr_client_pin before = config->pin;
    config->pin = *pin;
    if (qr_client_profile_save(&client->profile, &client->error) != QUIRE_OK) {
        config->pin = before;
        return false;
    }
    return true;
}

/* ---- connecting ------------------------------------------------------------------------------ */

enum quire_status qr_client_work_connect(struct quire_client *client)
{
    struct qr_client_url url;
    const char *server = quire_client_server(client);
    if (server[0] == 0) {
        client->unreachable = true;
        return qr_client_fail(&client->error, QUIRE_ESTATE,
            "No server is set for this profile. Everything written is safe on this machine.");
    }
    if (qr_client_url_parse(server, &url) != QUIRE_OK) {
        return qr_client_fail(
            &client->error, QUIRE_EINVALID, "%s is not a server's address.", server);
    }
    if (!url.tls && !url.loopback && !client->insecure) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "%s would leave this machine without TLS; use wss://. Nothing was sent.", server);
    }
    struct qr_client_connection_events events = {
        client, on_up, on_message, on_down, on_trust, on_pin};
    struct qr_client_pin pin = client->profile.config.pin;
    return qr_client_connection_create(
        &url, &pin, client->profile.config.address, &events, &client->connection, &client->error);
}

void qr_client_report_connection(
    struct quire_client *client, enum quire_client_connection state, const char *detail)
{
    if (client->callbacks.connection != NULL) {
        client->callbacks.connection(client->callbacks.context, state, detail);
    }
}

void qr_client_work_dial(struct qr_client_work *work)
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
    qr_client_connection_counts(client->connection, &work->received_before, &sent);
    qr_client_report_connection(client, QUIRE_CLIENT_DIALLING, quire_client_server(client));
    qr_client_connection_dial(client->connection);
}

static uint32_t jittered(uint32_t milliseconds)
{
    struct qr_client_error ignored;
    uint32_t chance = 0;
    if (qr_client_random(&chance, sizeof chance, &ignored) != QUIRE_OK) {
        return milliseconds;
    }
    return milliseconds / 2 + chance % (milliseconds / 2 + 1);
}

static bool is_final_refusal(uint32_t code)
{
    return code == ERROR_VERSION || code == ERROR_AUTH || code == ERROR_REVOKED
        || code == ERROR_MOVED || code == ERROR_UPGRADE || code == ERROR_UNKNOWN_USER
        || code == ERROR_REGISTRATION || code == ERROR_UNKNOWN_DEVICE;
}

const char *const qr_client_all_safe = "Everything written is safe on this machine";

/* ERROR_UNKNOWN_DEVICE to a device that was known once. */
static const char forgotten[] =
    " If the server was put back to an old backup, another device that knows this one brings it back "
    "at its next sync; if there is none, `quire pair` there and `quire rejoin CODE` here.";

/* What a person wants to know when the server did not come up to it. */
struct qr_client_unsent qr_client_unsent(const struct quire_client *client)
{
    struct quire_device_state state = {0};
    struct qr_client_unsent unsent;
    if (client->device != NULL) {
        quire_device_state(client->device, &state);
    }
    uint64_t unsealed = state.unsealed_count, sealed = state.unacknowledged_count;
    int size = snprintf(unsent.text, sizeof unsent.text, "%s",
        unsealed + sealed == 0 ? qr_client_all_safe : "Not on the server yet:");
    if (unsealed > 0) {
        size += snprintf(unsent.text + size, sizeof unsent.text - (size_t)size,
            " %" PRIu64 " %s with new edits%s", unsealed, unsealed == 1 ? "entry" : "entries",
            sealed > 0 ? "," : "");
    }
    if (sealed > 0) {
        size += snprintf(unsent.text + size, sizeof unsent.text - (size_t)size,
            " %" PRIu64 " %s that it has not confirmed", sealed,
            sealed == 1 ? "change" : "changes");
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

struct host_sentence {
    char text[700];
};

/* What a proxy made of the Host header, if the server says so. A device signs the one that it dialled. */
static struct host_sentence host_sentence(const struct quire_client *client)
{
    struct host_sentence sentence = {""};
    const char *seen = client->run.host_seen;
    struct qr_client_url url;
    if (client->run.failure != ERROR_AUTH || seen[0] == 0
        || qr_client_url_parse(quire_client_server(client), &url) != QUIRE_OK) {
        return sentence;
    }
    if (strcmp(seen, url.host) == 0) {
        snprintf(sentence.text, sizeof sentence.text,
            " The Host header came through unchanged, so no proxy is the cause.");
    } else {
        snprintf(sentence.text, sizeof sentence.text,
            " This device dialled %s, and the server saw the Host header %s: a proxy changes it.",
            url.host, seen);
    }
    return sentence;
}

/* The line is down: is it the end, or when to dial again? */
enum quire_status qr_client_work_after_down(struct qr_client_work *work)
{
    struct quire_client *client = work->client;
    struct qr_client_run *run = &client->run;
    run->down = false;
    const char *server = quire_client_server(client);
    const char *why = run->refused ? quire_error_text(run->failure) : run->why;
    qr_client_report_connection(client, QUIRE_CLIENT_OFFLINE, why);
    if (run->down_reason == QR_CLIENT_DOWN_DISTRUSTED) {
        return qr_client_fail(&client->error, QUIRE_ECRYPTO,
            "%s is not trusted: %s. Nothing was sent, and everything written is safe on this "
            "machine. %s",
            server, why, qr_client_connection_advice(client->connection));
    }
    if (run->refused && is_final_refusal(run->failure)) {
        return qr_client_fail(&client->error, QUIRE_ESTATE, "%s refused this device: %s.%s %s.%s",
            server, why, host_sentence(client).text, qr_client_all_safe,
            run->failure == ERROR_UNKNOWN_DEVICE && was_taken(client) ? forgotten : "");
    }
    bool follow = work->goal == QR_CLIENT_GOAL_FOLLOW;
    if (run->ready) {
        work->backoff_ms = QR_CLIENT_BACKOFF_FIRST_MS;
    }
    work->cuts++;
    bool useless = run->down_reason == QR_CLIENT_DOWN_UNREACHABLE && !work->was_ready;
    if (!follow
        && (useless || work->cuts > CUTS_MAX || run->retry_ms > work->patience.timeout_ms)) {
        client->unreachable = true;
        return qr_client_fail(&client->error, QUIRE_EIO,
            "%s cannot be used now: %s. %s; sync "
            "again later.",
            server, why, qr_client_unsent(client).text);
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
