/*
 * The hub's life, its step, its table of states, and time.
 */
#include "sync/hub/hub.h"
#include "sync/hub/append.h"
#include "sync/hub/check.h"
#include "sync/hub/handshake.h"
#include "sync/hub/log.h"
#include "sync/hub/out.h"
#include "sync/hub/pair.h"
#include "sync/hub/push.h"
#include "sync/hub/roster.h"
#include "sync/hub/stream.h"
#include "sync/hub/user.h"
#include <assert.h>
#include <stdlib.h>

#define CLOSE_GOING_AWAY 1001
#define CLOSE_POLICY 1008
#define RETRY_CONNECTIONS_MS 10000

void qr_hub_limits_default(struct qr_hub_limits *out_limits)
{
    *out_limits = (struct qr_hub_limits){
        .connections = 20000,
        .connections_per_user = 40,
        .connections_per_device = 8,
        .users_loaded = 1024,
        .users_loaded_bytes = 256ull * 1024 * 1024,
        .handshake_ms = QR_UNAUTHENTICATED_MS,
        .idle_ms = QR_SILENCE_SERVER_MS,
        .stalled_ms = 60000,
        .mailbox_ms = 900000,
        .pushes_per_second = 10,
        .pushes_burst = 200,
        .push_bytes_per_second = 1024 * 1024,
        .push_bytes_burst = 16 * 1024 * 1024,
        .delta_bytes_per_second = 16 * 1024 * 1024,
        .delta_bytes_burst = 256 * 1024 * 1024,
        .subs_per_minute = 60,
        .subs_burst = 120,
        .pings_per_second = 400,
        .pings_burst = 4000,
        .roster_appends_per_hour = 60,
        .auth_failures_per_hour = 20,
        .stranger_jobs = 8192,
        .accounts_per_hour = 20,
        .new_account_mib = 512,
        .user_bytes = 1024ull * 1024 * 1024,
        .credit = QR_CREDIT_INITIAL,
        .batch_version = QR_BATCH_VERSION,
        .open_registration = true,
    };
}

enum quire_status qr_hub_create(const struct qr_hub_limits *limits,
    const struct qr_log_reader *reader, const uint8_t log[QR_LOG_SIZE], uint64_t last_lsn,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_hub **out_hub)
{
    struct qr_hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL) {
        return QUIRE_ENOMEM;
    }
    hub->limits = *limits;
    hub->reader = *reader;
    memcpy(hub->log, log, QR_LOG_SIZE);
    memcpy(hub->key, entropy, QR_KEY_SIZE);
    hub->next_lsn = last_lsn + 1;
    hub->next_token = 1;
    *out_hub = hub;
    return QUIRE_OK;
}

/* ---- states ---------------------------------------------------------------------------------- */

static void on_credit(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    int64_t *credit = &connection->reader.credit;
    (void)bytes;
    *credit += frame->credit.bytes > QR_CREDIT_MAX ? QR_CREDIT_MAX : (int64_t)frame->credit.bytes;
    if (*credit > QR_CREDIT_MAX) {
        *credit = QR_CREDIT_MAX;
    }
    hub_stream(hub, connection);
}

static void on_ping(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    (void)bytes;
    if (!frame->ping.reply) {
        struct qr_frame reply = *frame;
        reply.ping.reply = true;
        hub_send(hub, connection, &reply);
    }
}

static void skip(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    (void)hub, (void)connection, (void)frame, (void)bytes;
}

#define IN(state) (1u << (state))
#define BEFORE_READY \
    (IN(HUB_NEW) | IN(HUB_LOADING) | IN(HUB_CHALLENGED) | IN(HUB_AUTHENTICATING) | IN(HUB_OFFERING))

/* Which frames a connection may send, by its state; any other is out of turn. The states are drawn
 * in docs/operating.md. */
static const struct rule {
    enum qr_frame_type frame;
    unsigned states;
    bool control; /* costs next to nothing alone: counted per connection */
    void (*handle)(struct qr_hub *hub, struct hub_connection *connection,
        const struct qr_frame *frame, struct quire_bytes bytes);
} rules[] = {
    {QR_FRAME_HELLO, IN(HUB_NEW), false, hub_on_hello},
    {QR_FRAME_AUTH, IN(HUB_CHALLENGED), false, hub_on_auth},
    {QR_FRAME_PAIR, BEFORE_READY | IN(HUB_READY), true, hub_on_pair},
    {QR_FRAME_SKIP, BEFORE_READY | IN(HUB_READY), true, skip},
    {QR_FRAME_SUB, IN(HUB_READY), false, hub_on_sub},
    {QR_FRAME_PUSH, IN(HUB_READY), false, hub_on_push},
    {QR_FRAME_ROSTER_APPEND, IN(HUB_READY), false, hub_on_roster_append},
    {QR_FRAME_CHAINS, IN(HUB_READY), true, hub_on_chains},
    {QR_FRAME_CREDIT, IN(HUB_READY), true, on_credit},
    {QR_FRAME_PING, IN(HUB_READY), true, on_ping},
};

/* Bytes of the next frame, at most. */
static size_t frame_max(const struct hub_connection *connection)
{
    switch (connection->state) {
    case HUB_READY: return QR_FRAME_MAX;
    case HUB_CHALLENGED:
        /* AUTH brings records only if CHALLENGE named fewer than HELLO. */
        if (connection->handshake.hello_count > connection->handshake.challenged_count) {
            return QR_ROSTER_MAX + QR_UNAUTHENTICATED_MAX;
        }
        return QR_UNAUTHENTICATED_MAX + QR_PAIR_DATA_MAX;
    case HUB_CLOSING: return 0;
    default: return QR_UNAUTHENTICATED_MAX + QR_PAIR_DATA_MAX;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void leave_user(struct qr_hub *hub, struct hub_connection *connection)
{
    struct hub_user *user = connection->user;
    if (user == NULL) {
        return;
    }
    connection->user = NULL;
    connection->member = NULL;
    DL_DELETE(user->connections, connection);
    hub_presence(hub, user);
    hub_user_rest(hub, user);
}

static void destroy_connection(struct qr_hub *hub, struct hub_connection *connection)
{
    hub_pair_closed(hub, connection);
    while (connection->pushes != NULL) {
        hub_push_destroy(hub, connection->pushes);
    }
    if (connection->state != HUB_CLOSING) {
        hub_set_state(hub, connection, HUB_CLOSING);
    }
    hub_handshake_leave(hub, connection);
    leave_user(hub, connection);
    HASH_DELETE(hh, hub->connections, connection);
    hub->counters.connections--;
    free(connection->marks);
    free(connection->reader.filter);
    free(connection);
}

void qr_hub_destroy(struct qr_hub *hub)
{
    if (hub == NULL) {
        return;
    }
    struct hub_connection *connection, *next_connection;
    HASH_ITER (hh, hub->connections, connection, next_connection) {
        destroy_connection(hub, connection);
    }
    hub_loads_destroy(hub);
    while (hub->noting != NULL) {
        struct hub_user *user = hub->noting;
        hub->noting = user->next_noting;
        user->noting = false;
        hub_user_rest(hub, user);
    }
    /* Users that left the table while records of theirs were on the way are only found there. */
    for (size_t i = 0; i < hub->pending_count; i++) {
        struct hub_user *user = hub->pending[(hub->pending_first + i) % hub->pending_capacity].user;
        user->durable_count++;
        if (user->gone && user->durable_count == user->entry_count) {
            hub_user_destroy(user);
        }
    }
    struct hub_user *user, *next_user;
    HASH_ITER (hh, hub->users, user, next_user) {
        HASH_DELETE(hh, hub->users, user);
        hub_user_destroy(user);
    }
    hub_out_finish(&hub->out);
    free(hub->pending);
    free(hub->births);
    qr_wipe(hub->key, sizeof hub->key);
    free(hub);
}

static struct hub_connection *find_connection(struct qr_hub *hub, uint64_t id)
{
    struct hub_connection *connection = NULL;
    HASH_FIND(hh, hub->connections, &id, sizeof id, connection);
    return connection;
}

static void on_open(struct qr_hub *hub, const struct qr_hub_event *event)
{
    struct hub_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        hub->out.failed = true;
        return;
    }
    connection->id = event->connection;
    connection->opened_ms = connection->heard_ms = connection->sent_ms = hub->now_ms;
    connection->host_size = event->bytes.size < QR_HOST_MAX ? event->bytes.size : QR_HOST_MAX;
    if (connection->host_size > 0) {
        memcpy(connection->host, event->bytes.data, connection->host_size);
    }
    memcpy(connection->nonce, event->entropy, sizeof connection->nonce);
    connection->address = event->address;
    HASH_ADD(hh, hub->connections, id, sizeof connection->id, connection);
    if (connection->hh.tbl == NULL) {
        free(connection);
        hub->out.failed = true;
        return;
    }
    hub->counters.connections++;
    if (hub->draining) {
        hub_close(hub, connection, CLOSE_GOING_AWAY);
    } else if (hub->counters.connections > hub->limits.connections) {
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_OVERLOADED,
                .fatal = true,
                .retry_ms = RETRY_CONNECTIONS_MS,
                .cause = "no connection is free"});
    }
}

static const struct rule *rule_of(enum qr_frame_type type)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].frame == type) {
            return &rules[i];
        }
    }
    return NULL;
}

static void on_frame(
    struct qr_hub *hub, struct hub_connection *connection, struct quire_bytes bytes)
{
    struct qr_frame frame;
    enum quire_status status = bytes.size > frame_max(connection)
        ? QUIRE_ELIMIT
        : qr_frame_read(bytes, &hub->space, &frame);
    if (status == QUIRE_ENOMEM) {
        hub->out.failed = true;
        return;
    }
    if (status != QUIRE_OK) {
        hub->counters.frames_malformed++;
        hub_fatal(hub, connection, status == QUIRE_ELIMIT ? QR_ERROR_TOO_LARGE : QR_ERROR_PROTO,
            status == QUIRE_ELIMIT ? "a frame over its limit" : "a malformed frame");
        return;
    }
    connection->heard_ms = hub->now_ms;
    const struct rule *rule = rule_of(frame.type);
    if (rule == NULL || (rule->states & IN(connection->state)) == 0) {
        hub_fatal(hub, connection, QR_ERROR_PROTO, "a frame out of turn");
        return;
    }
    uint32_t wait_ms = 0;
    if (rule->control) {
        wait_ms = hub_bucket_take(&connection->control, hub->now_ms, 1,
            (struct hub_rate){hub->limits.pings_per_second, 1000, hub->limits.pings_burst});
    }
    if (wait_ms > 0) {
        hub->counters.rate_limited++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_RATE,
                .fatal = true,
                .retry_ms = wait_ms + RETRY_CONNECTIONS_MS,
                .cause = "too many PING, CREDIT or PAIR frames"});
        return;
    }
    rule->handle(hub, connection, &frame, bytes);
}

static void on_verified(struct qr_hub *hub, uint64_t token, size_t valid)
{
    hub->counters.pending_verify -= hub->counters.pending_verify > 0;
    struct hub_push *push = NULL;
    struct hub_connection *connection = NULL;
    if ((token & HUB_AUTH_TOKEN) != 0) {
        connection = find_connection(hub, token & ~HUB_AUTH_TOKEN);
    } else {
        HASH_FIND(hh, hub->pushes, &token, sizeof token, push);
    }
    if (push != NULL) {
        hub_on_push_verified(hub, push, valid);
    } else if (connection != NULL
        && (connection->state == HUB_AUTHENTICATING || connection->state == HUB_OFFERING)) {
        hub_on_auth_verified(hub, connection, valid);
    }
}

/* A drained connection closes once all that it waits for is acknowledged. */
static void close_drained(struct qr_hub *hub, struct hub_connection *connection)
{
    if (connection->mark_count == 0 && connection->pushes == NULL && connection->append_lsn == 0) {
        hub_close(hub, connection, CLOSE_GOING_AWAY);
    }
}

static void on_tick(struct qr_hub *hub)
{
    struct hub_connection *connection, *next;
    hub_pair_expire(hub);
    HASH_ITER (hh, hub->connections, connection, next) {
        if (connection->state == HUB_CLOSING) {
            continue;
        }
        if (hub->draining) { /* all that it brought may have been refused: nothing was awaited */
            close_drained(hub, connection);
        }
        if (connection->state == HUB_READY && connection->reader.paused) {
            hub_stream(hub, connection);
        }
        if (connection->state == HUB_CLOSING) {
            continue;
        }
        if (connection->state != HUB_READY) {
            if (hub->now_ms - connection->opened_ms > hub->limits.handshake_ms) {
                hub_close(hub, connection, CLOSE_POLICY);
            }
        } else if (hub->now_ms - connection->heard_ms > hub->limits.idle_ms) {
            hub_close(hub, connection, CLOSE_GOING_AWAY);
        } else if (connection->unsent > 0
            && hub->now_ms - connection->sent_ms > hub->limits.stalled_ms) {
            hub_close(hub, connection, CLOSE_POLICY);
        }
    }
}

static void on_drain(struct qr_hub *hub)
{
    hub->draining = true;
    struct hub_connection *connection, *next;
    HASH_ITER (hh, hub->connections, connection, next) {
        struct qr_frame frame = {.type = QR_FRAME_GOAWAY};
        frame.goaway.retry_ms = 500u + connection->nonce[0] * 16u;
        hub_send(hub, connection, &frame);
        close_drained(hub, connection);
    }
}

/* Acknowledges, and sends on, what became durable in this step. */
static void flush_dirty(struct qr_hub *hub)
{
    while (hub->dirty != NULL) {
        struct hub_user *user = hub->dirty;
        hub->dirty = user->next_dirty;
        user->dirty = false;
        struct hub_connection *connection, *next;
        DL_FOREACH_SAFE (user->connections, connection, next) {
            hub_acknowledge(hub, connection);
            hub_stream(hub, connection);
            if (hub->draining) {
                close_drained(hub, connection);
            }
        }
        hub_user_rest(hub, user);
    }
}

enum quire_status qr_hub_step(
    struct qr_hub *hub, const struct qr_hub_event *event, struct qr_hub_actions *out_actions)
{
    hub_out_clear(&hub->out);
    hub->now_ms = event->now_ms;
    hub->wall_ms = event->wall_ms;
    struct hub_connection *connection =
        event->connection == 0 ? NULL : find_connection(hub, event->connection);
    struct hub_user *done;
    bool heard = connection != NULL && connection->state != HUB_CLOSING;
    switch (event->kind) {
    case QR_HUB_OPEN:
        if (connection == NULL) {
            on_open(hub, event);
        }
        break;
    case QR_HUB_FRAME:
        if (heard) {
            on_frame(hub, connection, event->bytes);
        }
        break;
    case QR_HUB_CLOSED:
        if (connection != NULL) {
            destroy_connection(hub, connection);
        }
        break;
    case QR_HUB_SENT:
        if (connection != NULL) {
            connection->unsent -=
                event->size < connection->unsent ? event->size : connection->unsent;
            connection->sent_ms = hub->now_ms;
            hub_stream(hub, connection);
        }
        break;
    case QR_HUB_VERIFIED: on_verified(hub, event->token, event->size); break;
    case QR_HUB_PERSISTED: hub_persisted(hub, event->lsn); break;
    case QR_HUB_PERSIST_FAILED: hub_persist_failed(hub, event->lsn, event->code); break;
    case QR_HUB_TICK: on_tick(hub); break;
    case QR_HUB_WORK:
        hub_load_more(hub);
        done = hub_note_more(hub);
        if (done != NULL) {
            hub_user_rest(hub, done);
        }
        break;
    case QR_HUB_DRAIN: on_drain(hub); break;
    }
    if (hub->loading != NULL) {
        hub_handshakes_go_on(hub);
    }
    flush_dirty(hub);
    hub_check(hub, event->connection == 0 ? NULL : find_connection(hub, event->connection));
    return hub_out_end(&hub->out, out_actions);
}

bool qr_hub_has_work(const struct qr_hub *hub)
{
    return hub->loads != NULL || hub->noting != NULL;
}

void qr_hub_allowance(const struct qr_hub *hub, uint64_t id, struct qr_hub_allowance *out_allowance)
{
    const struct hub_connection *connection = NULL;
    HASH_FIND(hh, hub->connections, &id, sizeof id, connection);
    *out_allowance = (struct qr_hub_allowance){0};
    if (connection != NULL) {
        out_allowance->member = connection->user != NULL;
        out_allowance->message_max = frame_max(connection);
        out_allowance->group = connection->user == NULL ? 0 : connection->user->number;
    }
}

void qr_hub_counters(const struct qr_hub *hub, struct qr_hub_counters *out_counters)
{
    *out_counters = hub->counters;
    out_counters->pending_persist = hub->pending_count;
    out_counters->users_loaded_bytes = hub->idle_bytes;
}
