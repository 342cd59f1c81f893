/*
 * Feeding the device and carrying out what it asks for.
 */
#define _GNU_SOURCE
#include "client/runtime.h"
#include "client/shell.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOTICES_MAX 100000 /* as many as entries may change in one message, and then some */

uint64_t qr_client_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t qr_client_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum quire_status qr_client_settle(
    struct quire_client *client, enum quire_status status, const char *what)
{
    switch (status) {
    case QUIRE_ENOMEM:
    case QUIRE_EIO:
    case QUIRE_EFULL:
    case QUIRE_ECORRUPT:
        if (client->error.text[0] == 0) {
            qr_client_fail(&client->error, status, "%s: %s. What was saved before is safe.", what,
                quire_status_text(status));
        }
        quire_client_close(client);
        client->failed = status;
        return status;
    default: return status;
    }
}

/* ---- notices --------------------------------------------------------------------------------- */

static enum quire_status queue_notice(
    struct quire_client *client, const struct quire_action *action)
{
    if (client->notice_count == client->notice_capacity) {
        size_t capacity = client->notice_capacity == 0 ? 16 : client->notice_capacity * 2;
        struct qr_client_notice *notices =
            capacity > NOTICES_MAX ? NULL : realloc(client->notices, capacity * sizeof *notices);
        if (notices == NULL) {
            return QUIRE_ENOMEM;
        }
        client->notices = notices;
        client->notice_capacity = capacity;
    }
    struct qr_client_notice *notice = &client->notices[client->notice_count++];
    *notice = (struct qr_client_notice){.kind = action->notice, .code = action->code};
    memcpy(notice->entry, action->entry, sizeof notice->entry);
    memcpy(notice->device, action->device, sizeof notice->device);
    size_t size =
        action->bytes.size < sizeof notice->text - 1 ? action->bytes.size : sizeof notice->text - 1;
    if (size > 0) {
        memcpy(notice->text, action->bytes.data, size);
    }
    return QUIRE_OK;
}

/* It goes to a terminal, and a server may send anything. */
static void note_host(struct qr_client_run *run, struct quire_bytes host)
{
    size_t size = host.size < sizeof run->host_seen ? host.size : 0;
    for (size_t i = 0; i < size; i++) {
        run->host_seen[i] = host.data[i] > ' ' && host.data[i] < 127 ? (char)host.data[i] : '?';
    }
    run->host_seen[size] = 0;
}

static void note_for_run(struct quire_client *client, const struct quire_action *action)
{
    struct qr_client_run *run = &client->run;
    switch (action->notice) {
    case QUIRE_NOTICE_READY: run->ready = true; break;
    case QUIRE_NOTICE_JOINED: run->joined = true; break;
    case QUIRE_NOTICE_PAIRED:
        run->paired = true;
        memcpy(run->device, action->device, sizeof run->device);
        break;
    case QUIRE_NOTICE_PAIR_FAILED:
        run->pair_failed = true;
        run->failure = action->code;
        break;
    case QUIRE_NOTICE_REVOKE_FAILED:
        run->revoke_failed = true;
        run->failure = action->code;
        break;
    case QUIRE_NOTICE_REFUSED:
        run->refused = true;
        run->failure = action->code;
        note_host(run, action->bytes);
        break;
    case QUIRE_NOTICE_INDEXED: run->unindexed = action->code; break;
    default: break;
    }
}

/* Delivered only when the step is carried out whole, so that a callback may edit, save and so step again;
 * what that raises is delivered by the outermost call. */
static void deliver_notices(struct quire_client *client)
{
    if (client->delivering) {
        return;
    }
    client->delivering = true;
    for (size_t i = 0; i < client->notice_count; i++) {
        struct qr_client_notice notice = client->notices[i];
        if (notice.kind == QUIRE_NOTICE_READY && client->callbacks.connection != NULL) {
            client->callbacks.connection(client->callbacks.context, QUIRE_CLIENT_ONLINE, "");
        }
        if (client->callbacks.notice != NULL) {
            struct quire_client_notice told = {
                notice.kind, notice.code, notice.entry, notice.device, notice.text};
            client->callbacks.notice(client->callbacks.context, &told);
        }
    }
    client->notice_count = 0;
    client->delivering = false;
}

/* ---- actions --------------------------------------------------------------------------------- */

static enum quire_status carry_out_one(struct quire_client *client,
    const struct quire_action *action, uint64_t *out_token, bool *out_persisted)
{
    switch (action->kind) {
    case QUIRE_ACTION_PERSIST: {
        enum quire_status status = qr_client_records_write(
            client->records, action->writes, action->write_count, &client->error);
        if (status == QUIRE_OK) {
            *out_token = action->token;
            *out_persisted = true;
        }
        return status;
    }
    case QUIRE_ACTION_SEND:
        return client->connection == NULL
            ? QUIRE_OK
            : qr_client_connection_send(client->connection, action->bytes);
    case QUIRE_ACTION_CLOSE:
        client->run.retry_ms = action->retry_ms;
        client->run.closed_here = true;
        if (client->connection != NULL) {
            qr_client_connection_hang_up(client->connection);
        }
        return QUIRE_OK;
    case QUIRE_ACTION_REPLICA:
        qr_client_replica_write(client->profile.path.text, action->bytes);
        return QUIRE_OK;
    case QUIRE_ACTION_NOTICE: note_for_run(client, action); return queue_notice(client, action);
    }
    return QUIRE_OK;
}

enum quire_status qr_client_carry_out(
    struct quire_client *client, const struct quire_actions *actions)
{
    struct quire_actions present = *actions;
    enum quire_status status = QUIRE_OK;
    for (;;) {
        uint64_t token = 0;
        bool persisted = false;
        for (size_t i = 0; status == QUIRE_OK && i < present.count; i++) {
            status = carry_out_one(client, &present.items[i], &token, &persisted);
        }
        if (status != QUIRE_OK || !persisted) {
            break;
        }
        struct quire_event event = {.kind = QUIRE_EVENT_PERSISTED,
            .token = token,
            .now_ms = qr_client_now_ms(),
            .wall_ms = qr_client_wall_ms()};
        status = qr_client_random(event.entropy, sizeof event.entropy, &client->error);
        if (status == QUIRE_OK) {
            status = quire_device_step(client->device, &event, &present);
        }
        qr_client_wipe(event.entropy, sizeof event.entropy);
        if (status != QUIRE_OK) {
            break;
        }
    }
    if (status != QUIRE_OK) {
        return qr_client_settle(client, status, "The profile cannot be written");
    }
    deliver_notices(client);
    return client->device != NULL ? QUIRE_OK : client->failed; /* a callback's save may fail */
}

enum quire_status qr_client_feed(struct quire_client *client, struct quire_event event)
{
    struct quire_actions actions = {0};
    event.now_ms = qr_client_now_ms();
    event.wall_ms = qr_client_wall_ms();
    enum quire_status status =
        qr_client_random(event.entropy, sizeof event.entropy, &client->error);
    if (status == QUIRE_OK) {
        status = quire_device_step(client->device, &event, &actions);
    }
    qr_client_wipe(event.entropy, sizeof event.entropy);
    if (status != QUIRE_OK) {
        return qr_client_settle(client, status, "The profile cannot be used any longer");
    }
    return qr_client_carry_out(client, &actions);
}
