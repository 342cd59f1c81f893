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
#define LOOK_MS 20     /* how often a lookup of a name is looked at */
#define STAGGER_MS 250 /* before the next address joins the race */

struct message {
    struct message *next;
    size_t size;
    uint8_t data[]; /* LWS_PRE bytes of room, then the message */
};

enum state { IDLE, DIALLING, UP, CLOSING };

/* One address in the race. */
struct attempt {
    struct lws *wsi; /* until libwebsockets destroys it, or it is out of the race */
    bool racing;
    bool judged;  /* `verdict` is of its TLS handshake */
    bool pinning; /* the profile pins what was accepted */
    struct qr_client_verdict verdict;
};

struct qr_client_connection {
    struct lws_context *lws;
    struct lws *wsi; /* up */
    struct qr_client_url url;
    struct qr_client_pin pin;
    struct qr_client_connection_events events;
    enum state state;
    bool distrusted;
    char trusted[QR_CLIENT_FINGERPRINT_HEX + 1]; /* by the user, in this race */
    const char *advice;                          /* about a certificate that was refused */
    char why[512];
    struct message *first, *last;
    struct quire_buffer incoming;
    lws_sorted_usec_list_t timer;
    struct qr_client_resolve *resolve;    /* the name is being looked up */
    struct qr_client_addresses addresses; /* of it, in the order of the race */
    struct attempt attempts[QR_CLIENT_ADDRESSES_MAX];
    size_t begun;                        /* attempts, as many addresses */
    uint64_t next_ms;                    /* when the next one begins */
    char worked[QR_CLIENT_ADDRESS_SIZE]; /* "" none */
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

static uint64_t now_ms(void)
{
    return (uint64_t)lws_now_usecs() / 1000;
}

/* The others lost, or the race is over: they end when libwebsockets comes to it. */
static void end_race(struct qr_client_connection *connection)
{
    for (size_t i = 0; i < connection->begun; i++) {
        struct attempt *attempt = &connection->attempts[i];
        if (attempt->racing && attempt->wsi != NULL && attempt->wsi != connection->wsi) {
            lws_set_timeout(attempt->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        }
        attempt->racing = false;
        attempt->wsi = NULL;
    }
}

static struct attempt *find_attempt(struct qr_client_connection *connection, const struct lws *wsi)
{
    for (size_t i = 0; i < connection->begun; i++) {
        if (connection->attempts[i].racing && connection->attempts[i].wsi == wsi) {
            return &connection->attempts[i];
        }
    }
    return NULL;
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
    end_race(connection);
    drop_queue(connection);
    quire_buffer_clear(&connection->incoming);
    connection->events.down(connection->events.context, reason, connection->why);
}

/* An address led nowhere: the next begins at once. Reports down if it was the last. */
static void attempt_failed(
    struct qr_client_connection *connection, struct attempt *attempt, const char *why)
{
    if (attempt == NULL || !attempt->racing || connection->state != DIALLING) {
        return;
    }
    attempt->racing = false;
    attempt->wsi = NULL;
    bool going_on = connection->begun < connection->addresses.count;
    connection->next_ms = 0;
    for (size_t i = 0; i < connection->begun; i++) {
        going_on = going_on || connection->attempts[i].racing;
    }
    if (connection->distrusted || !going_on) {
        report_down(connection, why);
    }
}

/* ---- certificates ---------------------------------------------------------------------------- */

static int refuse_certificate(struct qr_client_connection *connection, const char *why)
{
    connection->distrusted = true;
    snprintf(connection->why, sizeof connection->why, "%s", why);
    return 1;
}

/* Called by OpenSSL for each certificate of the chain, and for each fault of it. 0 goes on. */
static int verify(
    struct qr_client_connection *connection, struct attempt *attempt, X509_STORE_CTX *chain)
{
    if (attempt == NULL) {
        return 1; /* it lost the race */
    }
    struct qr_client_verdict *verdict = &attempt->verdict;
    if (!attempt->judged) {
        attempt->judged = true;
        *verdict = qr_client_certificate_judge(chain, &connection->url, &connection->pin);
        attempt->pinning = verdict->accepted && connection->pin.certificate[0] != 0;
        bool trusted = verdict->may_ask
            && strcmp(connection->trusted, verdict->shown.certificate) == 0; /* asked already */
        if (!trusted && verdict->may_ask && connection->events.trust != NULL
            && connection->events.trust(
                connection->events.context, connection->url.host, verdict->shown.certificate)) {
            memcpy(connection->trusted, verdict->shown.certificate, sizeof connection->trusted);
            trusted = true;
        }
        verdict->accepted = verdict->accepted || trusted;
        attempt->pinning = attempt->pinning || trusted;
    }
    if (!verdict->accepted) {
        connection->advice = verdict->advice;
        return refuse_certificate(connection, verdict->why);
    }
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 0;
}

/* TLS is up, so the server has the key of the certificate that was judged, and sent the chain itself:
 * only now is either remembered. 0 goes on. */
static int remember(
    struct qr_client_connection *connection, const struct attempt *attempt, struct lws *wsi)
{
    char shown[QR_CLIENT_FINGERPRINT_HEX + 1];
    if (attempt == NULL || !connection->url.tls) {
        return attempt == NULL;
    }
    /* Once more, on what the connection ended up with, should the callback ever be skipped. */
    X509 *certificate = SSL_get1_peer_certificate(lws_get_ssl(wsi));
    bool same = qr_client_certificate_fingerprint(certificate, shown) && attempt->judged
        && attempt->verdict.accepted && strcmp(shown, attempt->verdict.shown.certificate) == 0;
    X509_free(certificate);
    if (!same) {
        return refuse_certificate(
            connection, "the server's certificate is not the one it began with");
    }
    if (attempt->pinning && connection->events.pin != NULL
        && memcmp(&connection->pin, &attempt->verdict.shown, sizeof connection->pin) != 0) {
        if (!connection->events.pin(connection->events.context, &attempt->verdict.shown)) {
            return refuse_certificate(
                connection, "its certificate could not be written to the profile");
        }
        connection->pin = attempt->verdict.shown;
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

/* The first address whose WebSocket is open is the connection. */
static int won(struct qr_client_connection *connection, struct attempt *attempt, struct lws *wsi)
{
    if (attempt == NULL) {
        return -1; /* it lost the race */
    }
    connection->worked[0] = 0;
    if (connection->addresses.count > 1) {
        memcpy(connection->worked, connection->addresses.text[attempt - connection->attempts],
            sizeof connection->worked);
    }
    connection->wsi = wsi;
    connection->state = UP;
    end_race(connection);
    connection->events.up(connection->events.context);
    return 0;
}

static int on_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    (void)user;
    struct qr_client_connection *connection = lws_context_user(lws_get_context(wsi));
    struct attempt *attempt = find_attempt(connection, wsi);
    char why[256];
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        return verify(connection, attempt, user);
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return remember(connection, attempt, wsi);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        explain(connection, wsi, in != NULL ? (const char *)in : "it cannot be reached", why,
            sizeof why);
        attempt_failed(connection, attempt, why);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        /* Always comes. CONNECTION_ERROR may not: libwebsockets raises it once, and not at all when it
         * happens inside the call that dialled. Without this the caller would wait, then use freed memory. */
        attempt_failed(connection, attempt, "it hung up while it was being dialled");
        if (wsi == connection->wsi) {
            report_down(connection, "the connection broke off");
        }
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED: return won(connection, attempt, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return connection->state == UP && wsi == connection->wsi
            ? receive(connection, wsi, in, size)
            : 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return wsi == connection->wsi ? write_next(connection, wsi) : 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (wsi == connection->wsi) {
            report_down(connection, "the server closed the connection");
        }
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
    const struct qr_client_pin *pin, const char *worked,
    const struct qr_client_connection_events *events, struct qr_client_connection **out_connection,
    struct qr_client_error *error)
{
    static const lws_retry_bo_t no_retries = {0};
    struct qr_client_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    connection->url = *url;
    connection->events = *events;
    connection->pin = *pin;
    snprintf(connection->worked, sizeof connection->worked, "%s", worked);
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
    connection->begun = 0;
    qr_client_resolve_drop(connection->resolve);
    lws_sul_cancel(&connection->timer);
    lws_context_destroy(connection->lws);
    drop_queue(connection);
    quire_buffer_finish(&connection->incoming);
    free(connection);
}

static void begin_next(struct qr_client_connection *connection)
{
    struct attempt *attempt = &connection->attempts[connection->begun];
    const char *address = connection->addresses.text[connection->begun];
    *attempt = (struct attempt){.racing = true};
    connection->begun++;
    connection->next_ms = now_ms() + STAGGER_MS;
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
        .pwsi = &attempt->wsi,
    };
    if (lws_client_connect_via_info(&info) == NULL) {
        /* No effect if the failure was reported already. */
        attempt_failed(connection, attempt, "it cannot be reached");
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
    connection->trusted[0] = 0;
    connection->advice = "";
    connection->why[0] = 0;
    connection->addresses.count = 0;
    connection->begun = 0;
    connection->next_ms = 0;
    if (is_numeric(connection->url.address)) {
        connection->addresses.count = 1;
        snprintf(connection->addresses.text[0], sizeof connection->addresses.text[0], "%.45s",
            connection->url.address);
        begin_next(connection);
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
        if (connection->addresses.error != 0) {
            char why[160];
            snprintf(why, sizeof why, "its name cannot be looked up (%s)",
                gai_strerror(connection->addresses.error));
            connection->addresses.count = 0;
            report_down(connection, why);
        } else {
            qr_client_addresses_arrange(&connection->addresses, connection->worked);
        }
    }
    while (connection->state == DIALLING && connection->begun < connection->addresses.count
        && now_ms() >= connection->next_ms) {
        begin_next(connection);
    }
}

/* How long until dialling goes on by itself. */
static uint32_t dialling_wait_ms(const struct qr_client_connection *connection, uint32_t wait_ms)
{
    uint64_t own_ms = wait_ms;
    if (connection->resolve != NULL) {
        own_ms = LOOK_MS;
    } else if (connection->state == DIALLING && connection->begun < connection->addresses.count) {
        uint64_t now = now_ms();
        own_ms = connection->next_ms <= now ? 0 : connection->next_ms - now;
    }
    return own_ms < wait_ms ? (uint32_t)own_ms : wait_ms;
}

const char *qr_client_connection_worked(const struct qr_client_connection *connection)
{
    return connection->worked;
}

const char *qr_client_connection_advice(const struct qr_client_connection *connection)
{
    return connection->advice;
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
    } else if (connection->state == DIALLING) {
        qr_client_resolve_drop(connection->resolve);
        connection->resolve = NULL;
        report_down(connection, "it was given up");
    }
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    (void)timer; /* it only ends the wait */
}

void qr_client_connection_run(struct qr_client_connection *connection, uint32_t wait_ms)
{
    go_on_dialling(connection);
    wait_ms = dialling_wait_ms(connection, wait_ms);
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
