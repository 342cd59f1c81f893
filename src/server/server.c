/*
 * Starting and ending.
 */
#include "server/drive.h"
#include "server/connection.h"
#include "server/server.h"
#include "server/state.h"
#include "server/told.h"

#include "crypto/sign.h"
#include "server/folder.h"
#include "server/invitations.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_FAILURE_RUNNING 1
#define EXIT_SETTINGS 2
#define EXIT_STORE 3
#define EXIT_LISTEN 4

#define FILES_BESIDE_CONNECTIONS 64
#define CONNECTIONS_TO_REFUSE 32 /* accepted only to tell them to come back */
#define GUESTS_LEAST 64
#define GUESTS_MOST 1024
#define HUB_SLICE 2048 /* index entries, or KiB of the log, in one step: 2 to 4 ms */
#define MAP_AT_FIRST (64u * 1024 * 1024)

/* ---- callbacks of the loop ------------------------------------------------------------------- */

static void on_news(uv_async_t *handle)
{
    qr_server_take_news(handle->data);
}

static void on_round(uv_prepare_t *handle)
{
    struct qr_server *server = handle->data;
    server->turn++;
    qr_connection_farewells(server);
    qr_server_end_if_drained(server);
}

static void on_tick(uv_timer_t *handle)
{
    qr_server_tick(handle->data);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct qr_server *server = handle->data;
    if (server->draining) {
        qr_log(QR_LOG_WARN, QR_EVENT("ended_at_once"), QR_NUMBER("signal", number));
        _exit(128 + number); /* the log is whole at every moment */
    }
    qr_server_drain(server);
}

/* Connections that have not asked for anything yet: far fewer than those that may be served. */
static size_t guests_max(const struct qr_server *server)
{
    size_t part = server->limits.connections / 16;
    return part < GUESTS_LEAST ? GUESTS_LEAST : part > GUESTS_MOST ? GUESTS_MOST : part;
}

/* On the threads of the committer and the verifier. */
static void wake(void *context)
{
    struct qr_server *server = context;
    uv_async_send(&server->news);
}

static void admit(void *context, int socket, struct qr_address address)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\n"
                               "connection: close\r\ncontent-length: 0\r\n\r\n";
    struct qr_server *server = context;
    /* A few more than the hub takes, so that it can say so in its own words. */
    address.counted = qr_addresses_count(server->addresses, address);
    bool full = server->connection_count >= server->limits.connections + CONNECTIONS_TO_REFUSE;
    if (full || !qr_addresses_admit(server->addresses, address, qr_server_now_ms())) {
        server->refused.connections++;
        qr_server_log_refusal(
            server, NULL, full ? "no connection is free" : "too many connections from one address");
        if (server->options->no_tls) {
            (void)!send(socket, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        close(socket);
        return;
    }
    if (server->guest_count >= guests_max(server)) { /* the oldest had the most time to ask */
        server->refused.guests++;
        qr_server_log_refusal(server, server->guests, "too many connections that ask for nothing");
        qr_connection_kill(server->guests);
        qr_connection_forget_guest(server->guests);
    }
    qr_connection_adopt(server, server->vhost, socket, address);
}

static void on_lws_log(int level, const char *line)
{
    (void)level; /* strangers can provoke its errors; none of them is ours */
    char text[200];
    size_t length = strcspn(line, "\n");
    (void)snprintf(text, sizeof text, "%.*s", (int)length, line);
    qr_log(QR_LOG_DEBUG, QR_EVENT("libwebsockets"), QR_TEXT("text", text));
}

static void on_accepted(void *context, int socket, const struct sockaddr *peer)
{
    struct qr_server *server = context;
    if (qr_proxies_know(&server->listener.proxies, peer)) {
        qr_proxies_await(&server->listener.proxies, socket, peer, qr_server_now_ms());
    } else {
        admit(server, socket, qr_address_of(peer));
    }
}

static void on_proxy_refused(void *context, const char *cause)
{
    struct qr_server *server = context;
    server->refused.connections++;
    qr_server_log_refusal(server, NULL, cause);
}

/* ---- starting -------------------------------------------------------------------------------- */

/* Asks for as many open files as the connections need; what is granted may lower their number. */
static void claim_files(struct qr_server *server)
{
    struct rlimit files = {0};
    rlim_t wanted = (rlim_t)server->limits.connections + FILES_BESIDE_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return;
    }
    /* Not more either: libwebsockets makes a table of this size. */
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    server->files_max = files.rlim_cur;
    if (files.rlim_cur < wanted) {
        rlim_t least = FILES_BESIDE_CONNECTIONS + 1;
        rlim_t granted = files.rlim_cur < least ? least : files.rlim_cur;
        server->limits.connections = (uint32_t)(granted - FILES_BESIDE_CONNECTIONS);
    }
}

/* The files belong to another user: as after a start as root, or a restored backup. */
static bool is_forbidden(const char *store)
{
    char file[QR_TLS_PATH_MAX + 16];
    (void)snprintf(file, sizeof file, "%s/log.mdb", store);
    const char *const paths[] = {store, file};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (faccessat(AT_FDCWD, paths[i], R_OK | W_OK, AT_EACCESS) != 0
            && (errno == EACCES || errno == EROFS)) {
            return true;
        }
    }
    return false;
}

/* Whether a file can be made and written in the folder; nothing stays. */
static bool takes_files(const char *folder)
{
    char path[QR_TLS_PATH_MAX + 16];
    if ((size_t)snprintf(path, sizeof path, "%s/.check-XXXXXX", folder) >= sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    int file = mkstemp(path);
    if (file < 0) {
        return false;
    }
    bool taken = write(file, "", 1) == 1 && fsync(file) == 0;
    int reason = errno;
    close(file);
    unlink(path);
    errno = reason;
    return taken;
}

/* What open_store needs, for --check: it makes nothing, so where the folder is not there yet, the nearest
 * one above it is tried. */
static int check_folder(const char *folder, char *out_error, size_t error_size)
{
    char path[QR_TLS_PATH_MAX], store[QR_TLS_PATH_MAX];
    struct stat found;
    (void)snprintf(path, sizeof path, "%.4000s", folder);
    while (stat(path, &found) != 0 && errno == ENOENT && strcmp(path, ".") != 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            (void)snprintf(path, sizeof path, ".");
        } else {
            slash[slash == path] = 0;
        }
    }
    if (!takes_files(path)) {
        (void)snprintf(out_error, error_size,
            "The server could not keep its data in %.200s: in %.200s no file can be written: %s. "
            "Nothing was changed; check --data, and whose folder it is.",
            folder, path, strerror(errno));
        return EXIT_STORE;
    }
    (void)snprintf(store, sizeof store, "%.4000s/store", folder);
    if (is_forbidden(store)) {
        (void)snprintf(out_error, error_size,
            "The store %.200s belongs to another user: this one may not read and write it. Nothing "
            "was changed.",
            store);
        return EXIT_STORE;
    }
    return 0;
}

static int open_store(struct qr_server *server, char *out_error, size_t error_size)
{
    char path[QR_TLS_PATH_MAX];
    const char *folder = server->options->data;
    if (qr_folder_make(folder) != QUIRE_OK) {
        (void)snprintf(out_error, error_size,
            "The folder %.200s cannot be made: %s. Nothing was changed; check --data.", folder,
            strerror(errno));
        return EXIT_STORE;
    }
    (void)snprintf(path, sizeof path, "%.4000s/store", folder);
    struct qr_store_options options = {
        .path = path, .map_size = MAP_AT_FIRST, .map_size_max = server->options->store_max};
    if (options.map_size > options.map_size_max) {
        options.map_size = options.map_size_max;
    }
    uint64_t missing = 0;
    options.reader_growth_max = server->options->reader_growth_max;
    options.out_missing_bytes = &missing;
    randombytes_buf(options.log_id, sizeof options.log_id);
    enum quire_status status = qr_store_open(&options, &server->store);
    if (status == QUIRE_OK) {
        return 0;
    }
    if (missing > 0) {
        (void)snprintf(out_error, error_size,
            "The store %.200s was cut: %llu bytes of the end of log.mdb are missing, as after a copy that "
            "broke off. It was left as it is. Put a whole backup in its place, or move it away and start "
            "with an empty folder: the devices send again what they hold.",
            path, (unsigned long long)missing);
        return EXIT_STORE;
    }
    const char *advice = "";
    switch (status) {
    case QUIRE_ELOCKED:
        advice = "Another quired is using it: stop that one first, or choose another --data.";
        break;
    case QUIRE_ECORRUPT:
        advice = "It was left as it is. Keep a copy, and restore a backup or begin with an empty "
                 "folder: the devices send again what they hold.";
        break;
    case QUIRE_EUNSUPPORTED:
        advice = "It was left as it is. Run the newer quired that wrote it.";
        break;
    case QUIRE_EFULL:
        advice = "What is stored is safe. Make room on the disk and start again.";
        break;
    default:
        advice = is_forbidden(path)
            ? "This user may not read and write there: give the folder to it (chown -R), or run "
              "as its owner."
            : "Check the folder and its disk.";
        break;
    }
    (void)snprintf(out_error, error_size, "The store %.200s cannot be opened: %s. %s", path,
        quire_status_text(status), advice);
    return EXIT_STORE;
}

static int bind_listener(struct qr_server *server, char *out_error, size_t error_size)
{
    const struct qr_options *options = server->options;
    qr_listener_init(&server->listener);
    for (uint32_t i = 0; i < options->listen_count; i++) {
        char host[QR_HOST_MAX + 1];
        uint16_t port = 0;
        if (!qr_options_address(options->listens[i], host, sizeof host, &port)) {
            (void)snprintf(out_error, error_size,
                "--listen is to be host:port or [address]:port, not \"%.60s\".",
                options->listens[i]);
            return EXIT_SETTINGS;
        }
        if (qr_listener_bind(&server->listener, host, port, out_error, error_size) != QUIRE_OK) {
            return EXIT_LISTEN;
        }
    }
    if (options->no_tls && !server->listener.loopback) {
        (void)snprintf(out_error, error_size,
            "--no-tls is for loopback only: a network in between could take over connections. "
            "Listen on 127.0.0.1, or leave --no-tls out.");
        return EXIT_SETTINGS;
    }
    return 0;
}

static bool make_loop(struct qr_server *server)
{
    if (uv_loop_init(&server->loop) != 0) {
        return false;
    }
    if (uv_async_init(&server->loop, &server->news, on_news) != 0
        || uv_prepare_init(&server->loop, &server->round) != 0
        || uv_idle_init(&server->loop, &server->work) != 0
        || uv_timer_init(&server->loop, &server->tick) != 0
        || uv_signal_init(&server->loop, &server->signals.terminate) != 0
        || uv_signal_init(&server->loop, &server->signals.interrupt) != 0
        || uv_signal_init(&server->loop, &server->signals.hang_up) != 0) {
        return false;
    }
    server->news.data = server->round.data = server->tick.data = server;
    server->signals.terminate.data = server->signals.interrupt.data = server;
    server->signals.hang_up.data = server->work.data = server;
    struct sigaction inherited = {0};
    bool nohup = sigaction(SIGHUP, NULL, &inherited) == 0 && inherited.sa_handler == SIG_IGN;
    return uv_prepare_start(&server->round, on_round) == 0
        && uv_timer_start(&server->tick, on_tick, 1000, 1000) == 0
        && uv_signal_start(&server->signals.terminate, on_signal, SIGTERM) == 0
        && uv_signal_start(&server->signals.interrupt, on_signal, SIGINT) == 0
        && (nohup || uv_signal_start(&server->signals.hang_up, on_signal, SIGHUP) == 0);
}

static bool make_context(struct qr_server *server)
{
    static const lws_retry_bo_t no_timers = {0};
    void *loops[1] = {&server->loop};
    bool tls = !server->options->no_tls;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = qr_connection_protocols(),
        .user = server,
        .foreign_loops = loops,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS
            | (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .retry_and_idle_policy = &no_timers,
        .pt_serv_buf_size = 4096,
        .timeout_secs = (unsigned)((server->limits.handshake_ms + 999) / 1000),
        .alpn = "http/1.1",
        .vhost_name = "quire",
    };
    server->context = lws_create_context(&info);
    if (server->context == NULL) {
        return false;
    }
    if (tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = server->tls.cert_path;
        info.ssl_private_key_filepath = server->tls.key_path;
    }
    server->vhost = lws_create_vhost(server->context, &info);
    return server->vhost != NULL;
}

static unsigned worker_count(const struct qr_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->workers > 0) {
        return options->workers;
    }
    return processors > 2 ? (unsigned)(processors > 65 ? 64 : processors - 1) : 1;
}

static enum quire_status append(void *context, const struct qr_log_record *records, size_t count)
{
    return qr_store_append(context, records, count);
}

static bool make_hub(struct qr_server *server)
{
    uint8_t log_id[QR_LOG_SIZE];
    uint8_t entropy[QR_ENTROPY_SIZE];
    const struct qr_log_reader reader = qr_store_reader(server->store);
    uint64_t last_lsn = qr_store_last_lsn(server->store);
    const struct qr_committer_options committing = {
        .append = append,
        .append_context = server->store,
        .ready = wake,
        .ready_context = server,
        .window_us = server->options->commit_window_us,
        .last_lsn = last_lsn,
    };
    qr_store_log_id(server->store, log_id);
    randombytes_buf(entropy, sizeof entropy);
    server->scratch = malloc(LWS_PRE + QR_FRAME_MAX);
    server->addresses = qr_addresses_create(
        server->options->connections_per_minute, server->options->limit_loopback, entropy);
    randombytes_buf(entropy, sizeof entropy);
    return server->scratch != NULL && server->addresses != NULL
        && qr_hub_create(&server->limits, &reader, log_id, last_lsn, entropy, &server->hub)
        == QUIRE_OK
        && qr_committer_create(&committing, &server->committer) == QUIRE_OK
        && qr_verifier_create(worker_count(server->options), wake, server, &server->verifier)
        == QUIRE_OK;
}

static void print_ready(const struct qr_server *server)
{
    char host[QR_HOST_MAX + 1];
    char log_text[2 * QR_LOG_SIZE + 1];
    uint8_t log_id[QR_LOG_SIZE];
    uint16_t port = 0;
    bool plain = server->options->no_tls;
    (void)qr_options_address(server->options->listens[0], host, sizeof host, &port);
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) {
        (void)snprintf(host, sizeof host, "%s",
            server->options->host_count > 0 ? server->options->hosts[0] : "localhost");
    }
    bool bare_v6 = strchr(host, ':') != NULL && host[0] != '[';
    qr_store_log_id(server->store, log_id);
    sodium_bin2hex(log_text, sizeof log_text, log_id, sizeof log_id);
    printf("quired ready url=%s://%s%s%s:%u/quire fingerprint=%s log=%s\n", plain ? "ws" : "wss",
        bare_v6 ? "[" : "", host, bare_v6 ? "]" : "", server->listener.port,
        plain ? "none" : server->tls.fingerprint, log_text);
    (void)fflush(stdout);
    if (server->limits.connections < server->options->limits.connections) {
        qr_log(QR_LOG_INFO, QR_EVENT("open_files_limit"),
            QR_NUMBER("open_files", server->files_max),
            QR_NUMBER("connections", server->limits.connections),
            QR_TEXT("do", "raise the limit of open files (ulimit -n) for more connections"));
    }
    qr_log(QR_LOG_INFO, QR_EVENT("ready"), QR_NUMBER("port", server->listener.port),
        QR_TEXT("tls", plain ? "no" : "yes"),
        QR_TEXT("certificate",
            plain                  ? "none"
                : server->tls.made ? "made just now"
                                   : "found"),
        QR_NUMBER("last_lsn", qr_store_last_lsn(server->store)),
        QR_NUMBER("connections_max", server->limits.connections),
        QR_NUMBER("workers", worker_count(server->options)));
}

static bool is_invited(void *context, const uint8_t user[QR_USER_SIZE])
{
    const struct qr_server *server = context;
    char path[QR_TLS_PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/invitations", server->options->data);
    return qr_invitations_list(path, user);
}

int qr_server_start(
    struct qr_server *server, const struct qr_options *options, char *out_error, size_t error_size)
{
    *server = (struct qr_server){.options = options,
        .limits = options->limits,
        .intake = {.close = qr_connection_close_part}};
    server->limits.slice = HUB_SLICE;
    if (options->registration == QR_REGISTRATION_INVITE) {
        server->limits.may_register = is_invited;
        server->limits.register_context = server;
    }
    server->started_ms = qr_server_now_ms();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit counts as a full disk */
    umask(077);
    if (!qr_crypto_init()) {
        (void)snprintf(out_error, error_size, "libsodium cannot be started.");
        return EXIT_FAILURE_RUNNING;
    }
    qr_hosts_init(&server->hosts, options);
    claim_files(server);
    int code = bind_listener(server, out_error, error_size);
    if (code == 0) {
        code = options->check ? check_folder(options->data, out_error, error_size)
                              : open_store(server, out_error, error_size);
    }
    if (code == 0 && !options->no_tls && (!options->check || options->cert != NULL)
        && qr_tls_prepare(options, &server->hosts, &server->tls, out_error, error_size)
            != QUIRE_OK) {
        code = EXIT_SETTINGS;
    }
    if (code != 0 || options->check) {
        return code;
    }
    server->listener.accepted = on_accepted;
    server->listener.context = server;
    server->listener.proxies.loop = &server->loop;
    server->listener.proxies.patience_ms = server->limits.handshake_ms;
    server->listener.proxies.accepted = admit;
    server->listener.proxies.refused = on_proxy_refused;
    server->listener.proxies.context = server;
    for (uint32_t i = 0; i < options->proxy_count; i++) {
        (void)qr_proxies_add(
            &server->listener.proxies, options->proxies[i]); /* the options took it */
    }
    if (!make_loop(server) || !make_hub(server) || !make_context(server)
        || qr_listener_start(&server->listener, &server->loop) != QUIRE_OK) {
        (void)snprintf(out_error, error_size,
            "The server cannot be started: memory, threads or files are short%s. Nothing was "
            "changed.",
            options->no_tls ? "" : ", or the certificate does not suit");
        return EXIT_FAILURE_RUNNING;
    }
    print_ready(server);
    return 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void stop_loop(struct qr_server *server)
{
    uv_handle_t *own[] = {(uv_handle_t *)&server->news, (uv_handle_t *)&server->round,
        (uv_handle_t *)&server->work, (uv_handle_t *)&server->tick,
        (uv_handle_t *)&server->signals.terminate, (uv_handle_t *)&server->signals.interrupt,
        (uv_handle_t *)&server->signals.hang_up};
    qr_listener_stop(&server->listener);
    qr_proxies_stop(&server->listener.proxies);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        close_handle(own[i], NULL);
    }
    /* libwebsockets closes what it has through the loop. */
    lws_context_destroy(server->context);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&server->loop);
}

int qr_server_run(struct qr_server *server)
{
    uv_run(&server->loop, UV_RUN_DEFAULT);
    server->ended = true;
    /* The threads first, while what they report to is there. */
    qr_committer_destroy(server->committer);
    qr_verifier_destroy(server->verifier);
    stop_loop(server);
    qr_hub_destroy(server->hub);
    uint64_t last_lsn = qr_store_last_lsn(server->store);
    qr_store_close(server->store);
    qr_addresses_destroy(server->addresses);
    free(server->scratch);
    qr_log(QR_LOG_INFO, QR_EVENT("ended"), QR_NUMBER("last_lsn", last_lsn),
        QR_NUMBER("uptime_s", (qr_server_now_ms() - server->started_ms) / 1000));
    return server->exit_code;
}
