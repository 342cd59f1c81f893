/*
 * The hub's shell: what it asks for is done here.
 */
#include "server/drive.h"
#include "server/connection.h"
#include "server/state.h"
#include "server/told.h"
#include "server/http.h"

#include <assert.h>
#include <sodium.h>
#include <time.h>

#define NEWS_AT_ONCE 256
#define GUESTS_PER_TICK 256 /* ended at once; the rest at the next tick */
#define WARN_MS 60000
#define READER_GROWTH_WORTH_A_LINE (64u * 1024 * 1024)
#define REFUSALS_PER_SECOND 5 /* lines of the log */
#define REFUSALS_BURST 50
#define CLOSING_MS 5000 /* for a peer to take what it is owed and the close frame */
#define DRAIN_MS 10000
#define CONGESTED_BYTES (32u * 1024 * 1024) /* waiting for the disk */
#define CONGESTED_JOBS 65536                /* waiting for a signature check: about two seconds */

uint64_t qr_server_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct qr_connection *find(struct qr_server *server, uint64_t id)
{
    struct qr_connection *connection = NULL;
    HASH_FIND(hh, server->connections, &id, sizeof id, connection);
    return connection;
}

/* The hub's state and ours have come apart; what was acknowledged is on the disk, and the clients
 * bring the rest again. */
static void give_up(struct qr_server *server, const char *why)
{
    qr_log(QR_LOG_ERROR, QR_EVENT("giving_up"), QR_TEXT("reason", why),
        QR_TEXT("kept", "everything that was acknowledged"));
    server->exit_code = 1;
    server->ended = true;
    uv_stop(&server->loop);
}

/* ---- actions --------------------------------------------------------------------------------- */

static void forget(struct qr_server *server, const struct qr_hub_action *action)
{
    enum quire_status status = qr_store_forget(server->store, action->user, action->lsn);
    qr_log(QR_LOG_ERROR, QR_EVENT("record_damaged"), QR_NAME("user", action->user),
        QR_NUMBER("lsn", action->lsn),
        QR_TEXT("done",
            status == QUIRE_OK ? "the devices send again what they hold"
                               : quire_status_text(status)));
}

/* May one more refusal be logged? Strangers provoke them, so they have a rate. */
static bool may_log_refusal(struct qr_server *server)
{
    uint64_t now_ms = qr_server_now_ms();
    if (hub_bucket_take(&server->refused.lines, now_ms, 1,
            (struct hub_rate){REFUSALS_PER_SECOND, 1000, REFUSALS_BURST})
        > 0) {
        server->refused.unlogged++;
        return false;
    }
    if (server->refused.unlogged > 0) {
        qr_log(QR_LOG_WARN, QR_EVENT("refused_more"), QR_NUMBER("count", server->refused.unlogged));
        server->refused.unlogged = 0;
    }
    return true;
}

void qr_server_log_refusal(
    struct qr_server *server, const struct qr_connection *connection, const char *cause)
{
    if (may_log_refusal(server)) {
        qr_log(QR_LOG_WARN, QR_EVENT("connection_refused"), QR_TEXT("cause", cause),
            QR_NUMBER("connection", connection == NULL ? 0 : connection->id),
            QR_NUMBER("connections", server->connection_count));
    }
}

static void log_refused(struct qr_server *server, const struct qr_hub_action *action,
    const struct qr_connection *connection)
{
    (void)connection;
    if (may_log_refusal(server)) {
        qr_log(QR_LOG_INFO, QR_EVENT("refused"), QR_TEXT("code", qr_error_name(action->code)),
            QR_TEXT("cause", action->cause), QR_NUMBER("connection", action->connection),
            action->code == QR_ERROR_REGISTRATION ? QR_LONG_NAME("account", action->user)
                                                  : QR_NAME("user", action->user),
            QR_NAME("device", action->device));
    }
}

bool qr_server_admit_upgrade(struct qr_server *server, struct qr_connection *connection)
{
    char text[64];
    if (server->options->trust_forwarded && connection->address.loopback
        && qr_http_forwarded_for(connection->wsi, text, sizeof text)) {
        struct qr_address address = qr_address_of_text(text);
        if (address.bits == 0) {
            return true; /* "unknown", or a name: counted as the proxy */
        }
        address.counted = qr_addresses_count(server->addresses, address);
        connection->address = address;
        if (!qr_addresses_admit(server->addresses, address, qr_server_now_ms())) {
            server->refused.connections++;
            qr_server_log_refusal(server, connection, "too many connections from one address");
            return false;
        }
    }
    return true;
}

static void carry_out(struct qr_server *server, const struct qr_hub_action *action)
{
    enum quire_status status = QUIRE_OK;
    struct qr_connection *connection;
    switch (action->kind) {
    case QR_HUB_SEND:
        connection = find(server, action->connection);
        if (action->cause != NULL) {
            log_refused(server, action, connection);
        }
        if (connection != NULL) {
            qr_connection_send(connection, action->bytes);
        }
        break;
    case QR_HUB_CLOSE:
        connection = find(server, action->connection);
        if (connection != NULL) {
            qr_connection_close(connection, action->code);
        }
        break;
    case QR_HUB_VERIFY:
        status = qr_verifier_submit(
            server->verifier, action->token, action->jobs, action->job_count, action->stranger);
        break;
    case QR_HUB_PERSIST:
        status = qr_committer_submit(server->committer, action->records, action->record_count);
        break;
    case QR_HUB_FORGET: forget(server, action); break;
    }
    if (status != QUIRE_OK) {
        give_up(server, quire_status_text(status));
    }
}

static void step(struct qr_server *server, struct qr_hub_event *event)
{
    struct qr_hub_actions actions = {0};
    event->now_ms = qr_server_now_ms();
    event->wall_ms = wall_ms();
    enum quire_status status = qr_hub_step(server->hub, event, &actions);
    if (status == QUIRE_ENOMEM) {
        /* Some of its actions are lost, perhaps an lsn with them. */
        give_up(server, quire_status_text(status));
        return;
    }
    for (size_t i = 0; status == QUIRE_OK && i < actions.count && !server->ended; i++) {
        carry_out(server, &actions.items[i]);
    }
}

/* Tells the hub what went out at once; it may have more for the same connection. */
static void settle(struct qr_server *server)
{
    while (server->sent != NULL) {
        struct qr_connection *connection = server->sent;
        server->sent = connection->next_sent;
        connection->in_sent = false;
        size_t size = server->ended ? 0 : qr_connection_take_sent(connection);
        if (size > 0) {
            step(server,
                &(struct qr_hub_event){
                    .kind = QR_HUB_SENT, .connection = connection->id, .size = size});
        }
    }
}

void qr_server_work(uv_idle_t *handle)
{
    struct qr_server *server = handle->data;
    qr_server_feed(server, &(struct qr_hub_event){.kind = QR_HUB_WORK});
}

void qr_server_feed(struct qr_server *server, struct qr_hub_event *event)
{
    if (server->ended) {
        return;
    }
    assert(!server->stepping);
    server->stepping = true;
    step(server, event);
    settle(server);
    server->stepping = false;
    bool more = qr_hub_has_work(server->hub);
    if (more != (uv_is_active((uv_handle_t *)&server->work) != 0)) {
        (void)(more ? uv_idle_start(&server->work, qr_server_work) : uv_idle_stop(&server->work));
    }
}

/* ---- what connections tell ------------------------------------------------------------------- */

void qr_server_opened(struct qr_server *server, struct qr_connection *connection, const char *host)
{
    struct qr_hub_event event = {.kind = QR_HUB_OPEN,
        .connection = connection->id,
        .address = connection->address.counted ? connection->address.bits : 0,
        .bytes = quire_bytes_of_text(host)};
    randombytes_buf(event.entropy, sizeof event.entropy);
    qr_log(QR_LOG_DEBUG, QR_EVENT("opened"), QR_NUMBER("connection", connection->id));
    qr_server_feed(server, &event);
}

void qr_server_received(
    struct qr_server *server, struct qr_connection *connection, struct quire_bytes message)
{
    qr_server_feed(server,
        &(struct qr_hub_event){
            .kind = QR_HUB_FRAME, .connection = connection->id, .bytes = message});
}

void qr_server_sent(struct qr_server *server, struct qr_connection *connection, size_t size)
{
    qr_server_feed(server,
        &(struct qr_hub_event){.kind = QR_HUB_SENT, .connection = connection->id, .size = size});
}

void qr_server_closed(struct qr_server *server, struct qr_connection *connection, uint64_t id)
{
    struct qr_hub_allowance allowance;
    qr_hub_allowance(server->hub, id, &allowance);
    if (allowance
            .member) { /* it proved which device it is: it does not count against its address */
        qr_addresses_return(server->addresses, connection->address, qr_server_now_ms());
    }
    qr_log(QR_LOG_DEBUG, QR_EVENT("closed"), QR_NUMBER("connection", id));
    qr_server_feed(server, &(struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = id});
}

bool qr_server_congested(struct qr_server *server)
{
    return qr_committer_backlog(server->committer) > CONGESTED_BYTES
        || qr_verifier_backlog(server->verifier) > CONGESTED_JOBS;
}

/* ---- what the threads tell ------------------------------------------------------------------- */

static void log_disk(struct qr_server *server, enum quire_status status)
{
    if (status == server->disk) {
        return;
    }
    server->disk = status;
    if (status == QUIRE_OK) {
        qr_log(QR_LOG_INFO, QR_EVENT("disk_recovered"));
    } else {
        qr_log(QR_LOG_ERROR, QR_EVENT(status == QUIRE_EFULL ? "disk_full" : "disk_failed"),
            QR_TEXT("reason", quire_status_text(status)),
            QR_TEXT("kept", "everything that was acknowledged; it can be read"),
            QR_TEXT("do",
                status == QUIRE_EFULL ? "make room, or raise --store-max"
                                      : "look at the disk of --data"));
    }
}

static void take_commits(struct qr_server *server)
{
    struct qr_committed committed;
    while (!server->ended && qr_committer_take(server->committer, &committed)) {
        qr_server_feed(
            server, &(struct qr_hub_event){.kind = QR_HUB_PERSISTED, .lsn = committed.durable_lsn});
        if (committed.failed) {
            qr_server_feed(server,
                &(struct qr_hub_event){.kind = QR_HUB_PERSIST_FAILED,
                    .lsn = committed.failed_lsn,
                    .code = committed.status});
        }
        log_disk(server, committed.failed ? committed.status : QUIRE_OK);
    }
}

static void take_verdicts(struct qr_server *server)
{
    struct qr_verified verified[NEWS_AT_ONCE];
    size_t count;
    do {
        count = qr_verifier_take(server->verifier, verified, NEWS_AT_ONCE);
        for (size_t i = 0; i < count; i++) {
            qr_server_feed(server,
                &(struct qr_hub_event){.kind = QR_HUB_VERIFIED,
                    .token = verified[i].token,
                    .size = verified[i].valid});
        }
    } while (count == NEWS_AT_ONCE && !server->ended);
}

void qr_server_take_news(struct qr_server *server)
{
    take_commits(server);
    take_verdicts(server);
    struct qr_connection *connection, *next;
    if (server->paused != NULL && !server->ended && !qr_server_congested(server)) {
        for (connection = server->paused; connection != NULL; connection = next) {
            next = connection->next_paused;
            qr_connection_resume(connection);
        }
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

/* A backup that stands still makes the store grow: said once a minute. */
static void warn_of_reader(struct qr_server *server, uint64_t now_ms)
{
    struct qr_store_stats stats;
    if (now_ms - server->refused.reader_told_ms < WARN_MS) {
        return;
    }
    server->refused.reader_told_ms = now_ms;
    qr_store_stats(server->store, &stats);
    if (stats.reader_process != 0 && stats.reader_growth > READER_GROWTH_WORTH_A_LINE) {
        qr_log(QR_LOG_WARN, QR_EVENT("reader_lags"), QR_NUMBER("process", stats.reader_process),
            QR_NUMBER("growth_bytes", stats.reader_growth),
            QR_TEXT("do", "a process reads the store all the time, as a backup does: let it end"));
    }
}

void qr_server_tick(struct qr_server *server)
{
    uint64_t now_ms = qr_server_now_ms();
    struct qr_connection *connection;
    /* Both lists have the oldest first. */
    for (int i = 0; server->guests != NULL && (i < GUESTS_PER_TICK || server->draining); i++) {
        connection = server->guests;
        if (now_ms - connection->since_ms < server->limits.handshake_ms && !server->draining) {
            break;
        }
        qr_connection_kill(connection);
        qr_connection_forget_guest(connection);
    }
    for (connection = server->closing; connection != NULL; connection = connection->next) {
        if (now_ms - connection->since_ms < CLOSING_MS) {
            break;
        }
        qr_connection_kill(connection);
    }
    qr_proxies_tick(&server->listener.proxies, now_ms);
    warn_of_reader(server, now_ms);
    qr_server_feed(server, &(struct qr_hub_event){.kind = QR_HUB_TICK});
}

void qr_server_drain(struct qr_server *server)
{
    qr_log(QR_LOG_INFO, QR_EVENT("draining"), QR_NUMBER("connections", server->connection_count));
    server->draining = true;
    server->drain_until_ms = qr_server_now_ms() + DRAIN_MS;
    qr_listener_stop(&server->listener);
    qr_proxies_stop(&server->listener.proxies);
    qr_server_feed(server, &(struct qr_hub_event){.kind = QR_HUB_DRAIN});
    qr_server_tick(server);
}

void qr_server_end_if_drained(struct qr_server *server)
{
    struct qr_hub_counters counters;
    if (!server->draining || server->ended) {
        return;
    }
    qr_hub_counters(server->hub, &counters);
    bool late = qr_server_now_ms() >= server->drain_until_ms;
    if (late || (counters.pending_persist == 0 && server->connection_count == 0)) {
        if (late) {
            qr_log(QR_LOG_WARN, QR_EVENT("drained_late"),
                QR_NUMBER("connections", server->connection_count),
                QR_NUMBER("pending", counters.pending_persist));
        }
        server->ended = true;
        uv_stop(&server->loop);
    }
}
