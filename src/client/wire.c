/*
 * The connection. libwebsockets is kept to HTTP/1.1 without extensions or redirects.
 */
#include "client/wire.h"
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

struct qr_client_wire {
    struct lws_context *lws;
    struct lws *connection;
    struct qr_client_url url;
    char fingerprint[QR_CLIENT_FINGERPRINT_HEX + 1];
    struct qr_client_wire_events events;
    enum state state;
    bool distrusted;
    char why[256];
    struct message *first, *last;
    struct quire_buffer incoming;
    lws_sorted_usec_list_t timer;
    struct qr_client_resolve *resolve;   /* the name is being looked up */
    struct qr_client_addresses addresses; /* of it, tried one after another */
    size_t next_address;
    bool try_next; /* the one before led nowhere */
    uint64_t received, sent;
};

static void drop_queue(struct qr_client_wire *wire)
{
    while (wire->first != NULL) {
        struct message *message = wire->first;
        wire->first = message->next;
        free(message);
    }
    wire->last = NULL;
}

static void went_down(struct qr_client_wire *wire, const char *why)
{
    if (wire->state == IDLE) {
        return;
    }
    enum qr_client_down reason = wire->distrusted ? QR_CLIENT_DOWN_DISTRUSTED
        : wire->state == DIALLING                 ? QR_CLIENT_DOWN_UNREACHABLE
                                                  : QR_CLIENT_DOWN_CUT;
    if (wire->why[0] == 0) {
        snprintf(wire->why, sizeof wire->why, "%s", why);
    }
    wire->state = IDLE;
    wire->connection = NULL;
    drop_queue(wire);
    quire_buffer_clear(&wire->incoming);
    wire->events.down(wire->events.context, reason, wire->why);
}

/* A dialled connection is none: on to the next address, or that was all. */
static void dialled_in_vain(struct qr_client_wire *wire, const char *why)
{
    if (wire->state == DIALLING && !wire->distrusted
        && wire->next_address < wire->addresses.count) {
        wire->try_next = true;
        wire->connection = NULL;
        return;
    }
    went_down(wire, why);
}

/* ---- certificates ---------------------------------------------------------------------------- */

static bool fingerprint_of(const X509 *certificate, char out_text[QR_CLIENT_FINGERPRINT_HEX + 1])
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (certificate == NULL || X509_digest(certificate, EVP_sha256(), hash, &size) != 1
        || size != QR_CLIENT_FINGERPRINT_HEX / 2) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        snprintf(out_text + (size_t)2 * i, 3, "%02x", hash[i]);
    }
    return true;
}

static int refuse_certificate(struct qr_client_wire *wire, const char *why)
{
    wire->distrusted = true;
    snprintf(wire->why, sizeof wire->why, "%s", why);
    return 1;
}

/* Called by OpenSSL for each certificate of the chain, and for each fault of it. 0 goes on. */
static int verify(struct qr_client_wire *wire, X509_STORE_CTX *chain, bool good)
{
    char shown[QR_CLIENT_FINGERPRINT_HEX + 1];
    char why[256];
    if (!fingerprint_of(X509_STORE_CTX_get0_cert(chain), shown)) {
        return refuse_certificate(wire, "the server shows no certificate that can be read");
    }
    if (wire->fingerprint[0] != 0) {
        if (strcmp(shown, wire->fingerprint) != 0) {
            snprintf(why, sizeof why,
                "the server's certificate has the fingerprint %s, which is not the pinned one",
                shown);
            return refuse_certificate(wire, why);
        }
        X509_STORE_CTX_set_error(chain, X509_V_OK);
        return 0;
    }
    if (good) {
        return 0;
    }
    int error = X509_STORE_CTX_get_error(chain);
    if (!wire->distrusted && wire->events.trust != NULL
        && wire->events.trust(wire->events.context, wire->url.host, shown)) {
        memcpy(wire->fingerprint, shown, sizeof shown);
        X509_STORE_CTX_set_error(chain, X509_V_OK);
        return 0;
    }
    snprintf(why, sizeof why, "no authority vouches for the server's certificate (%s); its fingerprint "
        "is %s", X509_verify_cert_error_string(error), shown);
    return refuse_certificate(wire, why);
}

/* The same once more on what the connection ended up with, should the callback ever be skipped. */
static bool is_pinned(const struct qr_client_wire *wire, struct lws *connection)
{
    if (!wire->url.tls || wire->fingerprint[0] == 0) {
        return true;
    }
    char shown[QR_CLIENT_FINGERPRINT_HEX + 1];
    X509 *certificate = SSL_get1_peer_certificate(lws_get_ssl(connection));
    bool pinned = fingerprint_of(certificate, shown) && strcmp(shown, wire->fingerprint) == 0;
    X509_free(certificate);
    return pinned;
}

/* ---- what libwebsockets says ----------------------------------------------------------------- */

static int receive(struct qr_client_wire *wire, struct lws *connection, const void *data,
    size_t size)
{
    if (!lws_frame_is_binary(connection)
        || wire->incoming.size + size + lws_remaining_packet_payload(connection)
            > QR_CLIENT_MESSAGE_MAX
        || quire_buffer_append(&wire->incoming, data, size) != QUIRE_OK) {
        snprintf(wire->why, sizeof wire->why,
            "the server sent a message that is too large or not binary");
        return -1;
    }
    wire->received += size;
    if (lws_is_final_fragment(connection) && lws_remaining_packet_payload(connection) == 0) {
        struct quire_bytes message = quire_buffer_bytes(&wire->incoming);
        wire->events.message(wire->events.context, message);
        quire_buffer_clear(&wire->incoming);
    }
    return 0;
}

static int write_next(struct qr_client_wire *wire, struct lws *connection)
{
    struct message *message = wire->first;
    if (message == NULL) {
        if (wire->state == CLOSING) {
            lws_close_reason(connection, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
            return -1;
        }
        return 0;
    }
    /* libwebsockets keeps what the socket did not take of a write. */
    if (lws_write(connection, message->data + LWS_PRE, message->size, LWS_WRITE_BINARY) < 0) {
        return -1;
    }
    wire->sent += message->size;
    wire->first = message->next;
    if (wire->first == NULL) {
        wire->last = NULL;
    }
    free(message);
    if (wire->first != NULL || wire->state == CLOSING) {
        lws_callback_on_writable(connection);
    }
    return 0;
}

/* libwebsockets' words where a person can do something about them, in ours. */
static void explain(const struct qr_client_wire *wire, struct lws *connection, const char *said, char *out,
    size_t size)
{
    bool answered = strstr(said, "not 101") != NULL;
    unsigned status = answered ? lws_http_client_http_response(connection) : 0;
    if (status == 421) {
        snprintf(out, size, "the server does not go by this name; its operator adds it (quired --host NAME)");
    } else if (answered) {
        snprintf(out, size, "what listens there is no Quire server, or a proxy before it is not set up for "
            "WebSockets (HTTP status %u)", status);
    } else if (strncmp(said, "connect SSL err", strlen("connect SSL err")) == 0) {
        snprintf(out, size, "TLS cannot be begun with it: it speaks none (then it is ws://), or it hangs up, as "
            "on who dials too often");
    } else if (strcmp(said, "read failed") == 0 && !wire->url.tls) {
        snprintf(out, size, "it hung up, as on who dials too often, or who begins without TLS where there is "
            "some (then it is wss://)");
    } else {
        snprintf(out, size, "%s", said);
    }
}

static int on_event(struct lws *connection, enum lws_callback_reasons reason, void *user, void *in,
    size_t size)
{
    (void)user;
    struct qr_client_wire *wire = lws_context_user(lws_get_context(connection));
    char why[256];
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        return verify(wire, user, size != 0);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        explain(wire, connection, in != NULL ? (const char *)in : "it cannot be reached", why, sizeof why);
        dialled_in_vain(wire, why);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        /* Always comes, where CONNECTION_ERROR may not: libwebsockets tells that once, and to nobody
         * if it was in the call that dialled. Whoever is not told would wait, and then use what is freed. */
        if (connection == wire->connection) {
            dialled_in_vain(wire, "it hung up while it was being dialled");
        }
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        wire->connection = connection;
        if (!is_pinned(wire, connection)) {
            return refuse_certificate(wire, "the server's certificate is not the pinned one");
        }
        wire->state = UP;
        wire->events.up(wire->events.context);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return wire->state == UP ? receive(wire, connection, in, size) : 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_next(wire, connection);
    case LWS_CALLBACK_CLIENT_CLOSED:
        went_down(wire, "the server closed the connection");
        return 0;
    default:
        return 0;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct lws_protocols protocols[] = {
    {.name = "quire.1", .callback = on_event, .rx_buffer_size = 64 * 1024},
    {0},
};

enum quire_status qr_client_wire_create(const struct qr_client_url *url, const char *fingerprint,
    const struct qr_client_wire_events *events, struct qr_client_wire **out_wire,
    struct qr_client_problem *problem)
{
    static const lws_retry_bo_t no_retries = {0};
    struct qr_client_wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL) {
        return qr_client_fail(problem, QUIRE_ENOMEM, "There is not enough memory.");
    }
    wire->url = *url;
    wire->events = *events;
    snprintf(wire->fingerprint, sizeof wire->fingerprint, "%s", fingerprint);
    lws_set_log_level(0, NULL); /* a library does not write to stderr */
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = url->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .user = wire,
        .timeout_secs = CONNECT_S,
        .connect_timeout_secs = CONNECT_S,
        .retry_and_idle_policy = &no_retries,
        .fd_limit_per_thread = 0,
    };
    if (url->tls) {
        info.ssl_client_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
        if (fingerprint[0] != 0) {
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS; /* not asked, so not loaded */
        }
    }
    wire->lws = lws_create_context(&info);
    if (wire->lws == NULL) {
        free(wire);
        return qr_client_fail(problem, QUIRE_EIO, "The network library does not start.");
    }
    *out_wire = wire;
    return QUIRE_OK;
}

void qr_client_wire_destroy(struct qr_client_wire *wire)
{
    if (wire == NULL) {
        return;
    }
    wire->state = IDLE; /* so that nobody is told */
    qr_client_resolve_drop(wire->resolve);
    lws_sul_cancel(&wire->timer);
    lws_context_destroy(wire->lws);
    drop_queue(wire);
    quire_buffer_finish(&wire->incoming);
    free(wire);
}

static void connect_to(struct qr_client_wire *wire, const char *address)
{
    struct lws_client_connect_info info = {
        .context = wire->lws,
        .address = address,
        .port = wire->url.port,
        .path = "/quire",
        .host = wire->url.host,
        .protocol = "quire.1",
        .local_protocol_name = "quire.1",
        .alpn = "http/1.1",
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (wire->url.tls ? LCCSCF_USE_SSL : 0),
        .pwsi = &wire->connection,
    };
    if (lws_client_connect_via_info(&info) == NULL) {
        dialled_in_vain(wire, "it cannot be reached"); /* says nothing new if it was told already */
    }
}

static bool is_numeric(const char *address)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, address, &ignored) == 1 || inet_pton(AF_INET6, address, &ignored) == 1;
}

void qr_client_wire_dial(struct qr_client_wire *wire)
{
    wire->state = DIALLING;
    wire->distrusted = false;
    wire->why[0] = 0;
    wire->addresses.count = 0;
    wire->next_address = 0;
    wire->try_next = false;
    if (is_numeric(wire->url.address)) {
        connect_to(wire, wire->url.address);
        return;
    }
    wire->resolve = qr_client_resolve_start(wire->url.address, qr_client_look_up);
    if (wire->resolve == NULL) {
        went_down(wire, "there is not enough memory to look up its name");
    }
}

/* Goes on with dialling, where that waits for us. */
static void go_on_dialling(struct qr_client_wire *wire)
{
    if (wire->resolve != NULL && qr_client_resolve_done(wire->resolve, &wire->addresses)) {
        qr_client_resolve_drop(wire->resolve);
        wire->resolve = NULL;
        wire->try_next = wire->addresses.error == 0;
        if (!wire->try_next) {
            char why[160];
            snprintf(why, sizeof why, "its name cannot be looked up (%s)",
                gai_strerror(wire->addresses.error));
            went_down(wire, why);
        }
    }
    if (wire->try_next && wire->state == DIALLING) {
        wire->try_next = false;
        connect_to(wire, wire->addresses.text[wire->next_address++]);
    }
}

bool qr_client_wire_idle(const struct qr_client_wire *wire)
{
    return wire->state == IDLE;
}

enum quire_status qr_client_wire_send(struct qr_client_wire *wire, struct quire_bytes message)
{
    if (wire->state != UP) {
        return QUIRE_OK;
    }
    struct message *copy = malloc(sizeof *copy + LWS_PRE + message.size);
    if (copy == NULL) {
        return QUIRE_ENOMEM;
    }
    *copy = (struct message){.size = message.size};
    memcpy(copy->data + LWS_PRE, message.data, message.size);
    if (wire->last != NULL) {
        wire->last->next = copy;
    } else {
        wire->first = copy;
    }
    wire->last = copy;
    lws_callback_on_writable(wire->connection);
    return QUIRE_OK;
}

void qr_client_wire_hang_up(struct qr_client_wire *wire)
{
    if (wire->state == UP) {
        wire->state = CLOSING;
        lws_set_timeout(wire->connection, PENDING_TIMEOUT_USER_REASON_BASE, HANG_UP_S);
        lws_callback_on_writable(wire->connection);
    } else if (wire->state == DIALLING && wire->connection != NULL) {
        lws_set_timeout(wire->connection, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    (void)timer; /* it only ends the wait */
}

void qr_client_wire_run(struct qr_client_wire *wire, uint32_t wait_ms)
{
    go_on_dialling(wire);
    if ((wire->resolve != NULL || wire->try_next) && wait_ms > LOOK_MS) {
        wait_ms = LOOK_MS;
    }
    lws_sul_schedule(wire->lws, 0, &wire->timer, on_timer,
        wait_ms == 0 ? 1 : (lws_usec_t)wait_ms * 1000);
    lws_service(wire->lws, 0);
}

void qr_client_wire_counts(const struct qr_client_wire *wire, uint64_t *out_received,
    uint64_t *out_sent)
{
    *out_received = wire->received;
    *out_sent = wire->sent;
}
