/*
 * The connection. libwebsockets is kept to HTTP/1.1 without extensions or redirects.
 */
#include "client/connection.h"
#include "client/resolve.h"
#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANG_UP_S 2
#define CONNECT_S 15
#define LOOK_MS 20 /* how often a lookup of a name is looked at */

struct message {
    struct message *next;
    size_t size;
    uint8_t data[]; /* LWS_PRE bytes of room, then the message */
};

enum state { IDLE, DIALLING, UP, CLOSING };

struct qr_client_connection {
    struct lws_context *lws;
    struct lws *wsi;
    struct qr_client_url url;
    struct qr_client_pin pin;
    struct qr_client_connection_events events;
    enum state state;
    bool distrusted;
    bool judged;  /* `verdict` is of this TLS handshake */
    bool pinning; /* the profile pins what was accepted */
    struct qr_client_verdict verdict;
    char why[512];
    struct message *first, *last;
    struct quire_buffer incoming;
    lws_sorted_usec_list_t timer;
    struct qr_client_resolve *resolve;    /* the name is being looked up */
    struct qr_client_addresses addresses; /* of it, tried one after another */
    size_t next_address;
    bool try_next; /* the one before led nowhere */
    uint64_t received, sent;
};

static void drop_queue(struct qr_client_connection *connection)
{
    while (connection->first != NULL) {
        struct message *message = connection->first;
        connection->first = message->next;
        free(message);
    }
    connection->last = NULL;
}

static void report_down(struct qr_client_connection *connection, const char *why)
{
    if (connection->state == IDLE) {
        return;
    }
    enum qr_client_down reason = connection->distrusted ? QR_CLIENT_DOWN_DISTRUSTED
        : connection->state == DIALLING                 ? QR_CLIENT_DOWN_UNREACHABLE
                                                        : QR_CLIENT_DOWN_CUT;
    if (connection->why[0] == 0) {
        snprintf(connection->why, sizeof connection->why, "%s", why);
    }
    connection->state = IDLE;
    connection->wsi = NULL;
    drop_queue(connection);
    quire_buffer_clear(&connection->incoming);
    connection->events.down(connection->events.context, reason, connection->why);
}

/* An address did not answer: try the next, or report that none did. */
static void dial_failed(struct qr_client_connection *connection, const char *why)
{
    if (connection->state == DIALLING && !connection->distrusted
        && connection->next_address < connection->addresses.count) {
        connection->try_next = true;
        connection->wsi = NULL;
        return;
    }
    report_down(connection, why);
}

/* ---- certificates ---------------------------------------------------------------------------- */

static int refuse_certificate(struct qr_client_connection *connection, const char *why)
{
    connection->distrusted = true;
    snprintf(connection->why, sizeof connection->why, "%s", why);
    return 1;
}

/* Called by OpenSSL for each certificate of the chain, and for each fault of it. 0 goes on. */
static int verify(struct qr_client_connection *connection, X509_STORE_CTX *chain)
{
    struct qr_client_verdict *verdict = &connection->verdict;
    if (!connection->judged) {
        connection->judged = true;
        *verdict = qr_client_certificate_judge(chain, &connection->url, &connection->pin);
        connection->pinning = verdict->accepted && connection->pin.certificate[0] != 0;
        if (verdict->may_ask && connection->events.trust != NULL
            && connection->events.trust(
                connection->events.context, connection->url.host, verdict->shown.certificate)) {
            verdict->accepted = true;
            connection->pinning = true;
        }
    }
    if (!verdict->accepted) {
        return refuse_certificate(connection, verdict->why);
    }
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 0;
}

/* TLS is up, so the server has the key of the certificate that was judged, and sent the chain itself:
 * only now is either remembered. 0 goes on. */
static int remember(struct qr_client_connection *connection, struct lws *wsi)
{
    char shown[QR_CLIENT_FINGERPRINT_HEX + 1];
    if (!connection->url.tls) {
        return 0;
    }
    /* Once more, on what the connection ended up with, should the callback ever be skipped. */
    X509 *certificate = SSL_get1_peer_certificate(lws_get_ssl(wsi));
    bool same = qr_client_certificate_fingerprint(certificate, shown) && connection->judged
        && connection->verdict.accepted
        && strcmp(shown, connection->verdict.shown.certificate) == 0;
    X509_free(certificate);
    if (!same) {
        return refuse_certificate(
            connection, "the server's certificate is not the one it began with");
    }
    if (connection->pinning && connection->events.pin != NULL
        && memcmp(&connection->pin, &connection->verdict.shown, sizeof connection->pin) != 0) {
        if (!connection->events.pin(connection->events.context, &connection->verdict.shown)) {
            return refuse_certificate(
                connection, "its certificate could not be written to the profile");
        }
        connection->pin = connection->verdict.shown;
    }
    return 0;
}

/* ---- what libwebsockets says ----------------------------------------------------------------- */

static int receive(
    struct qr_client_connection *connection, struct lws *wsi, const void *data, size_t size)
{
    if (!lws_frame_is_binary(wsi)
        || connection->incoming.size + size + lws_remaining_packet_payload(wsi)
            > QR_CLIENT_MESSAGE_MAX
        || quire_buffer_append(&connection->incoming, data, size) != QUIRE_OK) {
        snprintf(connection->why, sizeof connection->why,
            "the server sent a message that is too large or not binary");
        return -1;
    }
    connection->received += size;
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
        struct quire_bytes message = quire_buffer_bytes(&connection->incoming);
        connection->events.message(connection->events.context, message);
        quire_buffer_clear(&connection->incoming);
    }
    return 0;
}

static int write_next(struct qr_client_connection *connection, struct lws *wsi)
{
    struct message *message = connection->first;
    if (message == NULL) {
        if (connection->state == CLOSING) {
            lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
            return -1;
        }
        return 0;
    }
    /* libwebsockets keeps what the socket did not take of a write. */
    if (lws_write(wsi, message->data + LWS_PRE, message->size, LWS_WRITE_BINARY) < 0) {
        return -1;
    }
    connection->sent += message->size;
    connection->first = message->next;
    if (connection->first == NULL) {
        connection->last = NULL;
    }
    free(message);
    if (connection->first != NULL || connection->state == CLOSING) {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

/* libwebsockets' words where a person can do something about them, in ours. */
static void explain(const struct qr_client_connection *connection, struct lws *wsi,
    const char *said, char *out, size_t size)
{
    bool answered = strstr(said, "not 101") != NULL;
    unsigned status = answered ? lws_http_client_http_response(wsi) : 0;
    if (status == 421) {
        snprintf(out, size,
            "the server does not go by this name; its operator adds it (quired --host NAME)");
    } else if (answered) {
        snprintf(out, size,
            "what listens there is no Quire server, or a proxy before it is not set up for "
            "WebSockets (HTTP status %u)",
            status);
    } else if (strncmp(said, "connect SSL err", strlen("connect SSL err")) == 0) {
        snprintf(out, size,
            "TLS cannot be begun with it: it speaks none (then it is ws://), or it hangs up, as "
            "on who dials too often");
    } else if (strcmp(said, "read failed") == 0 && !connection->url.tls) {
        snprintf(out, size,
            "it hung up, as on who dials too often, or who begins without TLS where there is "
            "some (then it is wss://)");
    } else {
        snprintf(out, size, "%s", said);
    }
}

static int on_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    (void)user;
    struct qr_client_connection *connection = lws_context_user(lws_get_context(wsi));
    char why[256];
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION: return verify(connection, user);
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return remember(connection, wsi);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        explain(connection, wsi, in != NULL ? (const char *)in : "it cannot be reached", why,
            sizeof why);
        dial_failed(connection, why);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        /* Always comes. CONNECTION_ERROR may not: libwebsockets raises it once, and not at all when it
         * happens inside the call that dialled. Without this the caller would wait, then use freed memory. */
        if (wsi == connection->wsi) {
            dial_failed(connection, "it hung up while it was being dialled");
        }
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        connection->wsi = wsi;
        connection->state = UP;
        connection->events.up(connection->events.context);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return connection->state == UP ? receive(connection, wsi, in, size) : 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return write_next(connection, wsi);
    case LWS_CALLBACK_CLIENT_CLOSED:
        report_down(connection, "the server closed the connection");
        return 0;
    default: return 0;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct lws_protocols protocols[] = {
    {.name = "quire.1", .callback = on_event, .rx_buffer_size = 64 * 1024},
    {0},
};

enum quire_status qr_client_connection_create(const struct qr_client_url *url,
    const struct qr_client_pin *pin, const struct qr_client_connection_events *events,
    struct qr_client_connection **out_connection, struct qr_client_error *error)
{
    static const lws_retry_bo_t no_retries = {0};
    struct qr_client_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    connection->url = *url;
    connection->events = *events;
    connection->pin = *pin;
    lws_set_log_level(0, NULL); /* a library does not write to stderr */
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = url->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .user = connection,
        .timeout_secs = CONNECT_S,
        .connect_timeout_secs = CONNECT_S,
        .retry_and_idle_policy = &no_retries,
        .fd_limit_per_thread = 0,
    };
    if (url->tls) {
        info.ssl_client_options_set =
            SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2; /* so 1.3 */
        if (pin->certificate[0] != 0) {
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS; /* not asked, so not loaded */
        }
    }
    connection->lws = lws_create_context(&info);
    if (connection->lws == NULL) {
        free(connection);
        return qr_client_fail(error, QUIRE_EIO, "The network library does not start.");
    }
    *out_connection = connection;
    return QUIRE_OK;
}

void qr_client_connection_destroy(struct qr_client_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    connection->state = IDLE; /* so that `down` is not called */
    qr_client_resolve_drop(connection->resolve);
    lws_sul_cancel(&connection->timer);
    lws_context_destroy(connection->lws);
    drop_queue(connection);
    quire_buffer_finish(&connection->incoming);
    free(connection);
}

static void connect_to(struct qr_client_connection *connection, const char *address)
{
    connection->judged = false;
    struct lws_client_connect_info info = {
        .context = connection->lws,
        .address = address,
        .port = connection->url.port,
        .path = "/quire",
        .host = connection->url.host,
        .protocol = "quire.1",
        .local_protocol_name = "quire.1",
        .alpn = "http/1.1",
        .ssl_connection =
            LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (connection->url.tls ? LCCSCF_USE_SSL : 0),
        .pwsi = &connection->wsi,
    };
    if (lws_client_connect_via_info(&info) == NULL) {
        dial_failed(
            connection, "it cannot be reached"); /* no effect if the failure was reported already */
    }
}

static bool is_numeric(const char *address)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, address, &ignored) == 1
        || inet_pton(AF_INET6, address, &ignored) == 1;
}

void qr_client_connection_dial(struct qr_client_connection *connection)
{
    connection->state = DIALLING;
    connection->distrusted = false;
    connection->why[0] = 0;
    connection->addresses.count = 0;
    connection->next_address = 0;
    connection->try_next = false;
    if (is_numeric(connection->url.address)) {
        connect_to(connection, connection->url.address);
        return;
    }
    connection->resolve = qr_client_resolve_start(connection->url.address, qr_client_look_up);
    if (connection->resolve == NULL) {
        report_down(connection, "there is not enough memory to look up its name");
    }
}

/* Goes on with dialling, where that waits for us. */
static void go_on_dialling(struct qr_client_connection *connection)
{
    if (connection->resolve != NULL
        && qr_client_resolve_done(connection->resolve, &connection->addresses)) {
        qr_client_resolve_drop(connection->resolve);
        connection->resolve = NULL;
        connection->try_next = connection->addresses.error == 0;
        if (!connection->try_next) {
            char why[160];
            snprintf(why, sizeof why, "its name cannot be looked up (%s)",
                gai_strerror(connection->addresses.error));
            report_down(connection, why);
        }
    }
    if (connection->try_next && connection->state == DIALLING) {
        connection->try_next = false;
        connect_to(connection, connection->addresses.text[connection->next_address++]);
    }
}

const char *qr_client_connection_advice(const struct qr_client_connection *connection)
{
    return connection->distrusted && !connection->verdict.accepted ? connection->verdict.advice
                                                                   : "";
}

bool qr_client_connection_idle(const struct qr_client_connection *connection)
{
    return connection->state == IDLE;
}

enum quire_status qr_client_connection_send(
    struct qr_client_connection *connection, struct quire_bytes message)
{
    if (connection->state != UP) {
        return QUIRE_OK;
    }
    struct message *copy = malloc(sizeof *copy + LWS_PRE + message.size);
    if (copy == NULL) {
        return QUIRE_ENOMEM;
    }
    *copy = (struct message){.size = message.size};
    memcpy(copy->data + LWS_PRE, message.data, message.size);
    if (connection->last != NULL) {
        connection->last->next = copy;
    } else {
        connection->first = copy;
    }
    connection->last = copy;
    lws_callback_on_writable(connection->wsi);
    return QUIRE_OK;
}

void qr_client_connection_hang_up(struct qr_client_connection *connection)
{
    if (connection->state == UP) {
        connection->state = CLOSING;
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, HANG_UP_S);
        lws_callback_on_writable(connection->wsi);
    } else if (connection->state == DIALLING && connection->wsi != NULL) {
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    (void)timer; /* it only ends the wait */
}

void qr_client_connection_run(struct qr_client_connection *connection, uint32_t wait_ms)
{
    go_on_dialling(connection);
    if ((connection->resolve != NULL || connection->try_next) && wait_ms > LOOK_MS) {
        wait_ms = LOOK_MS;
    }
    lws_sul_schedule(connection->lws, 0, &connection->timer, on_timer,
        wait_ms == 0 ? 1 : (lws_usec_t)wait_ms * 1000);
    lws_service(connection->lws, 0);
}

void qr_client_connection_counts(
    const struct qr_client_connection *connection, uint64_t *out_received, uint64_t *out_sent)
{
    *out_received = connection->received;
    *out_sent = connection->sent;
}
