/*
 * libwebsockets' events for a connection, and ours for libwebsockets.
 *
 * Writing is direct while nothing is queued: waiting to be told that a socket is writable costs
 * several system calls per message. libwebsockets keeps the rest of a message that did not fit;
 * until that is out, and beyond a budget per round of the loop, messages are queued.
 */
#include "server/connection.h"
#include "server/health.h"
#include "server/state.h"
#include "server/told.h"

#include "server/http.h"
#include <openssl/ssl.h>
#include <stdlib.h>

#define RECEIVE_SIZE 512 /* of memory per connection; an edit fits */
#define TURN_BYTES (128 * 1024)
#define CLOSE_UNSUPPORTED 1003
#define CLOSE_TOO_LARGE 1009

struct qr_outgoing {
    struct qr_outgoing *next;
    size_t size;
    uint8_t data[]; /* LWS_PRE bytes, then the message */
};

/* ---- going out ------------------------------------------------------------------------------- */

static void drop_queue(struct qr_connection *connection)
{
    while (connection->first != NULL) {
        struct qr_outgoing *gone = connection->first;
        connection->first = gone->next;
        free(gone);
    }
    connection->end = &connection->first;
}

void qr_connection_kill(struct qr_connection *connection)
{
    connection->broken = true;
    drop_queue(connection);
    if (connection->wsi != NULL) {
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
}

static void enqueue(struct qr_connection *connection, struct quire_bytes bytes)
{
    struct qr_outgoing *out = malloc(sizeof *out + LWS_PRE + bytes.size);
    if (out == NULL) {
        qr_connection_kill(connection); /* what it is owed is in the log */
        return;
    }
    out->next = NULL;
    out->size = bytes.size;
    memcpy(out->data + LWS_PRE, bytes.data, bytes.size);
    *connection->end = out;
    connection->end = &out->next;
    lws_callback_on_writable(connection->wsi);
}

/* message has LWS_PRE bytes of room before it. */
static void write_message(struct qr_connection *connection, uint8_t *message, size_t size)
{
    if (connection->turn != connection->server->turn) {
        connection->turn = connection->server->turn;
        connection->turn_bytes = 0;
    }
    if (lws_write(connection->wsi, message, size, LWS_WRITE_BINARY) < 0) {
        qr_connection_kill(connection);
        return;
    }
    connection->written += size;
    connection->turn_bytes += size;
}

static bool may_write(const struct qr_connection *connection)
{
    bool spent =
        connection->turn == connection->server->turn && connection->turn_bytes >= TURN_BYTES;
    return !spent && !lws_partial_buffered(connection->wsi);
}

void qr_connection_send(struct qr_connection *connection, struct quire_bytes bytes)
{
    if (connection->state != QR_CONNECTION_OPEN || connection->broken
        || bytes.size > QR_FRAME_MAX) {
        return;
    }
    if (connection->first != NULL || !may_write(connection)) {
        enqueue(connection, bytes);
        return;
    }
    uint8_t *message = connection->server->scratch + LWS_PRE;
    memcpy(message, bytes.data, bytes.size);
    write_message(connection, message, bytes.size);
    if (!connection->in_sent && !connection->broken) {
        connection->in_sent = true;
        connection->next_sent = connection->server->sent;
        connection->server->sent = connection;
    }
}

size_t qr_connection_take_sent(struct qr_connection *connection)
{
    if (connection->wsi == NULL || connection->broken) {
        return 0;
    }
    if (!may_write(connection)) {
        lws_callback_on_writable(connection->wsi);
        return 0;
    }
    size_t size = connection->written;
    connection->written = 0;
    return size;
}

void qr_connection_close(struct qr_connection *connection, uint16_t code)
{
    if (connection->state != QR_CONNECTION_OPEN) {
        return;
    }
    connection->state = QR_CONNECTION_CLOSING;
    connection->close_code = code;
    connection->since_ms = qr_server_now_ms();
    DL_APPEND(connection->server->closing, connection);
    lws_callback_on_writable(connection->wsi);
}

void qr_connection_close_part(struct qr_intake_part *part, uint16_t code)
{
    qr_connection_close(
        (struct qr_connection *)((char *)part - offsetof(struct qr_connection, part)), code);
}

/* Returning -1 from a callback would do in most builds of libwebsockets; Debian's closes a second
 * time there, to test itself under libuv, and the close frame is never sent. */
void qr_connection_farewells(struct qr_server *server)
{
    while (server->farewells != NULL) {
        struct qr_connection *connection = server->farewells;
        DL_DELETE2(server->farewells, connection, prev_farewell, next_farewell);
        connection->farewell = false;
        lws_close_reason(connection->wsi, (enum lws_close_status)connection->close_code, NULL, 0);
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
}

/* Returns what the callback returns. */
static int on_writable(struct qr_connection *connection)
{
    struct qr_server *server = connection->server;
    while (connection->first != NULL && !connection->broken && may_write(connection)) {
        struct qr_outgoing *out = connection->first;
        connection->first = out->next;
        if (connection->first == NULL) {
            connection->end = &connection->first;
        }
        write_message(connection, out->data + LWS_PRE, out->size);
        free(out);
        if (lws_send_pipe_choked(connection->wsi)) {
            break;
        }
    }
    if (connection->broken) {
        return -1;
    }
    if (!lws_partial_buffered(connection->wsi) && connection->written > 0) {
        size_t size = connection->written;
        connection->written = 0;
        qr_server_sent(server, connection, size);
    }
    if (connection->first != NULL || lws_partial_buffered(connection->wsi)) {
        lws_callback_on_writable(connection->wsi);
        return 0;
    }
    if (connection->state == QR_CONNECTION_CLOSING && !connection->farewell) {
        connection->farewell = true;
        DL_APPEND2(server->farewells, connection, prev_farewell, next_farewell);
    }
    return 0;
}

/* ---- coming in ------------------------------------------------------------------------------- */

static void on_receive(struct qr_connection *connection, const uint8_t *data, size_t size)
{
    struct qr_server *server = connection->server;
    bool whole = lws_is_final_fragment(connection->wsi) != 0
        && lws_remaining_packet_payload(connection->wsi) == 0;
    if (connection->state != QR_CONNECTION_OPEN || connection->broken) {
        return;
    }
    if (!lws_frame_is_binary(connection->wsi)) {
        qr_connection_close(connection, CLOSE_UNSUPPORTED);
        return;
    }
    struct quire_bytes message = {data, size};
    if (!whole || connection->part.bytes.size > 0) {
        /* The limit of the connection's state holds while the message grows. */
        struct qr_hub_allowance allowance;
        qr_hub_allowance(server->hub, connection->id, &allowance);
        if (connection->part.bytes.size + size > allowance.message_max) {
            qr_intake_drop(&server->intake, &connection->part);
            qr_connection_close(connection, CLOSE_TOO_LARGE);
            return;
        }
        if (!qr_intake_add(
                &server->intake, &connection->part, &connection->address, &allowance, data, size)) {
            return;
        }
        message = quire_buffer_bytes(&connection->part.bytes);
    }
    if (!whole) {
        return;
    }
    qr_server_received(server, connection, message);
    qr_intake_drop(&server->intake, &connection->part);
    if (!connection->paused && qr_server_congested(server)) {
        connection->paused = true;
        DL_APPEND2(server->paused, connection, prev_paused, next_paused);
        lws_rx_flow_control(connection->wsi, 0);
    }
}

void qr_connection_resume(struct qr_connection *connection)
{
    connection->paused = false;
    DL_DELETE2(connection->server->paused, connection, prev_paused, next_paused);
    lws_rx_flow_control(connection->wsi, 1);
}

/* ---- life ------------------------------------------------------------------------------------ */

void qr_connection_adopt(
    struct qr_server *server, struct lws_vhost *vhost, int socket, struct qr_address address)
{
    struct qr_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(socket);
        return;
    }
    connection->server = server;
    connection->address = address;
    connection->since_ms = connection->accepted_ms = qr_server_now_ms();
    connection->end = &connection->first;
    DL_APPEND(server->guests, connection);
    server->guest_count++;
    server->connection_count++;
    server->adopting = connection;
    const lws_adopt_desc_t adoption = {
        .vh = vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
        .fd = {.sockfd = socket},
        .opaque = connection,
    };
    (void)lws_adopt_descriptor_vhost_via_info(&adoption);
    server->adopting = NULL;
    if (connection->wsi == NULL) { /* it came to nothing, and no end of it will be told */
        DL_DELETE(server->guests, connection);
        server->guest_count--;
        server->connection_count--;
        free(connection);
    }
}

static int on_established(struct qr_connection *connection)
{
    char host[QR_HOST_MAX + 1];
    struct qr_server *server = connection->server;
    if (connection->state != QR_CONNECTION_GUEST || !qr_http_host(connection->wsi, host)) {
        return -1;
    }
    DL_DELETE(server->guests, connection);
    server->guest_count--;
    connection->state = QR_CONNECTION_OPEN;
    connection->id = ++server->last_id;
    HASH_ADD(hh, server->connections, id, sizeof connection->id, connection);
    qr_server_opened(server, connection, host);
    return 0;
}

void qr_connection_forget_guest(struct qr_connection *connection)
{
    DL_DELETE(connection->server->guests, connection);
    connection->server->guest_count--;
    connection->state = QR_CONNECTION_GONE;
}

/* Out of all lists but the one of connections told to have sent, which is never kept over an event. */
static void leave(struct qr_connection *connection)
{
    struct qr_server *server = connection->server;
    if (connection->state == QR_CONNECTION_GUEST) {
        DL_DELETE(server->guests, connection);
        server->guest_count--;
    } else if (connection->state != QR_CONNECTION_GONE) {
        HASH_DELETE(hh, server->connections, connection);
    }
    if (connection->state == QR_CONNECTION_CLOSING) {
        DL_DELETE(server->closing, connection);
    }
    if (connection->paused) {
        connection->paused = false;
        DL_DELETE2(server->paused, connection, prev_paused, next_paused);
    }
    if (connection->farewell) {
        connection->farewell = false;
        DL_DELETE2(server->farewells, connection, prev_farewell, next_farewell);
    }
    drop_queue(connection);
    qr_intake_drop(&server->intake, &connection->part);
    connection->state = QR_CONNECTION_GONE;
}

static void on_closed(struct qr_connection *connection)
{
    uint64_t id = connection->id;
    bool known =
        connection->state == QR_CONNECTION_OPEN || connection->state == QR_CONNECTION_CLOSING;
    leave(connection);
    if (known) {
        qr_server_closed(connection->server, connection, id);
    }
}

static void on_destroy(struct qr_connection *connection)
{
    on_closed(connection);
    connection->server->connection_count--;
    free(connection);
}

/* ---- what libwebsockets calls ---------------------------------------------------------------- */

static void restrict_tls(SSL_CTX *context)
{
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); /* 34 KB less per idle connection */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
}

static int http_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct qr_connection *connection = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);
    struct lws_context *context = wsi == NULL ? NULL : lws_get_context(wsi);
    struct qr_server *server = context == NULL ? NULL : lws_context_user(context);
    unsigned status;
    (void)in; /* in HTTP_CONFIRM_UPGRADE it may point to freed memory */
    (void)size;
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: restrict_tls(user); return 0;
    case LWS_CALLBACK_WSI_CREATE:
        if (server != NULL && server->adopting != NULL) {
            server->adopting->wsi = wsi;
        }
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (connection != NULL) {
            lws_set_opaque_user_data(wsi, NULL);
            connection->wsi = NULL;
            on_destroy(connection);
        }
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        status = connection == NULL ? 0 : qr_http_judge_upgrade(wsi, &server->hosts);
        if (status == 101 && !qr_server_admit_upgrade(server, connection)) {
            status = 503;
        }
        if (status == 421) {
            qr_server_log_refusal(server, connection, "the name that was dialled is no --host");
        }
        if (status == 101) {
            return 0;
        }
        if (status != 0) {
            qr_http_answer(wsi, status, NULL);
        }
        return -1;
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
        status = connection == NULL ? 0 : qr_http_judge_request(wsi);
        if (status == 200) {
            char body[QR_HEALTH_MAX];
            qr_server_health(
                server, connection->address.loopback && !qr_http_is_forwarded(wsi), body);
            qr_http_answer(wsi, server->draining ? 503 : 200, body);
        } else if (status != 0) {
            qr_http_answer(wsi, status, NULL);
        }
        return -1;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_WRITEABLE: return -1; /* nothing comes this far */
    default: return 0;
    }
}

static int quire_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct qr_connection *connection = wsi == NULL ? NULL : lws_get_opaque_user_data(wsi);
    (void)user;
    if (connection == NULL) {
        return 0;
    }
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: return on_established(connection);
    case LWS_CALLBACK_RECEIVE: on_receive(connection, in, size); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(connection);
    case LWS_CALLBACK_CLOSED: on_closed(connection); return 0;
    default: return 0;
    }
}

const struct lws_protocols *qr_connection_protocols(void)
{
    /* tx_packet_size: how much of a message is offered to the socket at once. */
    static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = http_callback, .rx_buffer_size = RECEIVE_SIZE},
        {.name = QR_HTTP_SUBPROTOCOL,
            .callback = quire_callback,
            .rx_buffer_size = RECEIVE_SIZE,
            .tx_packet_size = QR_FRAME_MAX},
        {0},
    };
    return protocols;
}
