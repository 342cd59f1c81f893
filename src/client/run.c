/*
 * The loop of a blocking call: one connection, kept up until what was asked for has come about.
 */
#define _GNU_SOURCE
#include "client/inbox.h"
#include "client/work.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define POLL_MS 100 /* how soon a stop, or a process that waits for the profile, is seen */
#define PROGRESS_MS 250
#define DEADLINE_MS 3600000 /* of a call that names none; but never less than its timeout */
#define LAST_FLUSH_MS 2000  /* what a stop may still take to send */
#define YIELD_MS 2000
#define INDEX_MS 500 /* after a sync, to index entries that came in large numbers */
#define GOODBYE_MS 250

/* ---- giving way ------------------------------------------------------------------------------ */

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
}

static enum quire_status yield_profile(struct qr_client_work *work)
{
    struct quire_client *client = work->client;
    struct qr_client_profile profile = client->profile;
    qr_client_report_connection(client, QUIRE_CLIENT_YIELDED, "");
    qr_client_connection_destroy(client->connection);
    client->connection = NULL;
    quire_client_close(client);
    uint64_t begin_ms = qr_client_now_ms();
    while (qr_client_profile_wanted(&profile) && qr_client_now_ms() - begin_ms < YIELD_MS) {
        nap();
    }
    for (;;) {
        enum quire_status status =
            qr_client_profile_open(profile.path.text, 0, &client->profile, &client->error);
        if (status == QUIRE_OK) {
            break;
        }
        if (status != QUIRE_ELOCKED || atomic_load(&client->stop)) {
            return status == QUIRE_ELOCKED ? QUIRE_OK : status;
        }
        nap();
    }
    client->error.text[0] = 0;
    qr_client_profile_set_online(&client->profile, true);
    enum quire_status status = qr_client_load(client);
    if (status == QUIRE_OK) {
        status = qr_client_work_connect(client);
    }
    if (status == QUIRE_OK) {
        qr_client_work_dial(work);
    }
    return status;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* QUIRE_OK: there is still time. */
static enum quire_status check_time(
    struct qr_client_work *work, const struct quire_device_state *state, uint64_t now_ms)
{
    struct quire_client *client = work->client;
    struct qr_client_patience *patience = &work->patience;
    const char *server = quire_client_server(client);
    uint64_t received = 0, sent = 0;
    qr_client_connection_counts(client->connection, &received, &sent);
    qr_client_patience_excuse(patience, client->run.excused_ms);
    client->run.excused_ms = 0;
    qr_client_patience_look(patience, state, received - work->received_before, now_ms);
    enum qr_client_patience_end end = qr_client_patience_over(patience, now_ms);
    if (end == QR_CLIENT_PATIENCE_LASTS) {
        return QUIRE_OK;
    }
    client->unreachable = true;
    if (work->goal == QR_CLIENT_GOAL_PAIR && client->run.ready) {
        return qr_client_fail(&client->error, QUIRE_EIO,
            "No device used the code in %" PRIu64 " s. Nothing has changed.",
            (now_ms - patience->began_ms) / 1000);
    }
    if (end == QR_CLIENT_PATIENCE_DEADLINE) {
        return qr_client_fail(&client->error, QUIRE_EIO,
            "Not done within the deadline of %u s; what came is kept. %s; sync again to go on.",
            patience->deadline_ms / 1000, qr_client_unsent(client).text);
    }
    return qr_client_fail(&client->error, QUIRE_EIO,
        "%s got nowhere for %u s. %s; sync again later.", server, patience->timeout_ms / 1000,
        qr_client_unsent(client).text);
}

/* Stopping: what is unsealed is sealed and sent, for as long as LAST_FLUSH_MS. True: over. */
static bool wind_down(struct qr_client_work *work, uint64_t now_ms, enum quire_status *out_result)
{
    struct quire_client *client = work->client;
    struct quire_device_state state;
    quire_device_state(client->device, &state);
    if (work->goal != QR_CLIENT_GOAL_FOLLOW) {
        *out_result =
            qr_client_fail(&client->error, QUIRE_ESTATE, "Stopped. %s.", qr_client_all_safe);
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

static uint32_t wait_for(const struct qr_client_work *work, uint64_t now_ms)
{
    uint64_t wake_ms = quire_device_wake_ms(work->client->device);
    uint64_t wait_ms = wake_ms <= now_ms ? 0 : wake_ms - now_ms;
    if (qr_client_connection_idle(work->client->connection)) {
        uint64_t dial_wait_ms = work->dial_ms <= now_ms ? 0 : work->dial_ms - now_ms;
        wait_ms = dial_wait_ms < wait_ms ? dial_wait_ms : wait_ms;
    }
    return wait_ms < POLL_MS ? (uint32_t)wait_ms : POLL_MS;
}

static void report_progress(struct qr_client_work *work, uint64_t now_ms)
{
    struct quire_client *client = work->client;
    if (client->callbacks.progress != NULL && now_ms - work->progress_ms >= PROGRESS_MS) {
        work->progress_ms = now_ms;
        uint64_t received = 0, sent = 0;
        qr_client_connection_counts(client->connection, &received, &sent);
        client->callbacks.progress(client->callbacks.context, received, sent);
    }
}

static enum quire_status loop(struct qr_client_work *work)
{
    struct quire_client *client = work->client;
    enum quire_status result = QUIRE_OK;
    struct quire_device_state state;
    quire_device_state(client->device, &state);
    qr_client_patience_begin(&work->patience, &state, qr_client_now_ms());
    qr_client_work_dial(work);
    for (;;) {
        uint64_t now_ms = qr_client_now_ms();
        if (client->failed != QUIRE_OK) {
            return client->failed;
        }
        if (client->device == NULL) { /* a callback's save failed, and said why */
            return QUIRE_EIO;
        }
        if (client->run.down) {
            result = qr_client_work_after_down(work);
            if (result != QUIRE_OK || work->achieved_ms != 0) {
                return work->achieved_ms != 0 ? QUIRE_OK : result;
            }
        }
        if (atomic_load(&client->stop)) {
            if (wind_down(work, now_ms, &result)) {
                return result;
            }
        } else if (qr_client_connection_idle(client->connection) && now_ms >= work->dial_ms) {
            qr_client_work_dial(work);
        }
        if (quire_device_wake_ms(client->device) <= now_ms) {
            result = qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_TICK});
            if (result != QUIRE_OK) {
                return result;
            }
        }
        if (work->stop_ms == 0 && qr_client_work_advance(work, &result)) {
            return result;
        }
        if (work->goal != QR_CLIENT_GOAL_FOLLOW) {
            quire_device_state(client->device, &state);
            result = check_time(work, &state, qr_client_now_ms());
            if (result != QUIRE_OK) {
                return work->achieved_ms != 0 ? QUIRE_OK : result;
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
        if (now_ms - work->inbox_looked_ms >= POLL_MS) {
            work->inbox_looked_ms = now_ms;
            result = client->run.joined || work->goal != QR_CLIENT_GOAL_JOIN
                ? qr_client_inbox_drain(client)
                : QUIRE_OK;
            if (result != QUIRE_OK) {
                return result;
            }
        }
        report_progress(work, now_ms);
        qr_client_connection_run(client->connection, wait_for(work, now_ms));
    }
}

/* Says good-bye, so that the server need not find out. */
static void hang_up(struct quire_client *client)
{
    if (client->connection == NULL) {
        return;
    }
    qr_client_connection_hang_up(client->connection);
    uint64_t deadline_ms = qr_client_now_ms() + GOODBYE_MS;
    while (!qr_client_connection_idle(client->connection) && qr_client_now_ms() < deadline_ms) {
        qr_client_connection_run(client->connection, 20);
    }
    qr_client_connection_destroy(client->connection);
    client->connection = NULL;
}

enum quire_status qr_client_run(struct quire_client *client, enum qr_client_goal goal,
    const uint8_t device[QUIRE_DEVICE_SIZE], uint32_t timeout_ms)
{
    uint32_t deadline_ms = timeout_ms > DEADLINE_MS ? timeout_ms : DEADLINE_MS;
    struct qr_client_work work = {.client = client,
        .goal = goal,
        .backoff_ms = QR_CLIENT_BACKOFF_FIRST_MS,
        .patience = {.timeout_ms = timeout_ms,
            .deadline_ms = client->deadline_ms != 0 ? client->deadline_ms : deadline_ms}};
    if (device != NULL) {
        memcpy(work.device, device, sizeof work.device);
    }
    if (client->connection != NULL) {
        return qr_client_fail(
            &client->error, QUIRE_ESTATE, "The client is connected already, in a call further up.");
    }
    if (client->batch) {
        return qr_client_fail(&client->error, QUIRE_ESTATE,
            "Saved entries wait for quire_client_commit: nothing may be sent before.");
    }
    client->run = (struct qr_client_run){.moved_ms = qr_client_now_ms()};
    client->failed = QUIRE_OK;
    client->unreachable = false;
    enum quire_status status = qr_client_work_connect(client);
    qr_client_profile_set_online(&client->profile, true);
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
    qr_client_profile_set_online(&client->profile, false);
    atomic_store(&client->stop, false);
    return status;
}
