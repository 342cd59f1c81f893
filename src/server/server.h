/*
 * The server: a hub on one thread, with its loop, disk and checkers round it.
 *
 *   sockets ─► libwebsockets ─► connection ─► hub ─► VERIFY ─► verifier ┐
 *                    ▲                         │ └─► PERSIST ► committer ┤ news
 *                    └──────── SEND, CLOSE ────┘◄───────────────────────┘
 */
#ifndef QR_SERVER_SERVER_H
#define QR_SERVER_SERVER_H

#include "server/committer.h"
#include "server/connection.h"
#include "server/hosts.h"
#include "server/intake.h"
#include "server/listener.h"
#include "server/tls.h"
#include "server/verifier.h"
#include "store/store.h"
#include "sync/hub/bucket.h"
#include <libwebsockets.h>
#include <uv.h>

#define QR_HEALTH_MAX 2048

struct qr_server {
    const struct qr_options *options;
    struct qr_hosts hosts;
    struct qr_tls tls;
    struct qr_hub_limits limits;
    uint64_t files_max; /* open files that this process may have */

    uv_loop_t loop;
    uv_async_t news;    /* the committer or the verifier has something */
    uv_prepare_t round; /* counts rounds of the loop; says farewell */
    uv_idle_t work;     /* runs while the hub has work in slices */
    uv_timer_t tick;
    struct qr_signals {
        uv_signal_t terminate, interrupt, hang_up;
    } signals;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct qr_listener listener;
    struct qr_addresses *addresses;

    struct qr_store *store;
    struct qr_committer *committer;
    struct qr_verifier *verifier;
    struct qr_hub *hub;

    struct qr_connection *connections; /* by id */
    struct qr_connection *guests, *closing, *paused, *farewells, *sent;
    struct qr_connection *adopting;
    size_t connection_count; /* all that libwebsockets has */
    size_t guest_count;
    struct qr_intake intake;
    struct qr_refusals {
        uint64_t connections; /* for which none was free, or too many from one address */
        uint64_t guests;      /* that made room for newer ones before they had asked for anything */
        struct hub_bucket lines; /* of the log, for refusals */
        uint64_t unlogged;
        uint64_t reader_told_ms; /* when the operator was last told of a reader that lags */
    } refused;
    uint64_t last_id;
    uint64_t turn;
    uint8_t *scratch; /* LWS_PRE + QR_FRAME_MAX: one message on its way out */

    uint64_t started_ms;
    bool draining, stepping, ended;
    uint64_t drain_until_ms;
    enum quire_status disk; /* of the last commit */
    int exit_code;
};

/** Opens everything and prints the ready line. The exit code of the process, 0 to go on; a
 * sentence for the operator is in out_error. */
int qr_server_start(
    struct qr_server *server, const struct qr_options *options, char *out_error, size_t error_size);
/** Runs until it is told to end, and closes everything; the exit code. */
int qr_server_run(struct qr_server *server);

uint64_t qr_server_now_ms(void);

/* What connections tell. */
void qr_server_opened(struct qr_server *server, struct qr_connection *connection, const char *host);
void qr_server_received(
    struct qr_server *server, struct qr_connection *connection, struct quire_bytes message);
void qr_server_sent(struct qr_server *server, struct qr_connection *connection, size_t size);
void qr_server_closed(struct qr_server *server, struct qr_connection *connection, uint64_t id);
/** More waits for the disk or the checkers than is good; reading should pause. */
bool qr_server_congested(struct qr_server *server);

/** Is a connection free, and may this address have one? Called when the request is known. */
bool qr_server_admit_upgrade(struct qr_server *server, struct qr_connection *connection);
/** One line for a refused connection, at a bounded rate; connection may be NULL. */
void qr_server_log_refusal(
    struct qr_server *server, const struct qr_connection *connection, const char *cause);

/** The body of /healthz; without details only the status. */
void qr_server_health(struct qr_server *server, bool details, char out_body[QR_HEALTH_MAX]);

#endif
