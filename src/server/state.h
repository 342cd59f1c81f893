/*
 * The server: a hub on one thread, with its loop, disk and checkers round it.
 *
 *   sockets ─► libwebsockets ─► connection ─► hub ─► VERIFY ─► verifier ┐
 *                    ▲                         │ └─► PERSIST ► committer ┤ news
 *                    └──────── SEND, CLOSE ────┘◄───────────────────────┘
 */
#ifndef QR_SERVER_STATE_H
#define QR_SERVER_STATE_H

#include "server/committer.h"
#include "server/hosts.h"
#include "server/intake.h"
#include "server/listener.h"
#include "server/tls.h"
#include "server/verifier.h"
#include "store/store.h"
#include "sync/hub/bucket.h"
#include <libwebsockets.h>
#include <uv.h>

struct qr_connection;
struct qr_options;

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

#endif
