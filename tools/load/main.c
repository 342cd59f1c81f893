/*
 * quire-load: many devices push signed batches through one server and count what is acknowledged.
 *
 * Batches are made and signed before the clock starts. Closed loop: each writer keeps `window` pushes
 * under way. Open loop (--rate): pushes leave at their appointed times, and latency counts from
 * those, so that a server that stalls cannot hide it.
 */
#include "account.h"
#include "socket.h"
#include "crypto/sign.h"
#include "sync/transcript.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define CREDIT_STEP (256 * 1024)
#define PUSH_MAX 64 /* batches in one push */

struct options {
    const char *server;
    uint64_t users, devices, writers, pushes, per_push, size, window, rate, pid, hold_s, seed;
};

enum phase { PHASE_CONNECT, PHASE_CHALLENGE, PHASE_WELCOME, PHASE_CAUGHT_UP, PHASE_READY, PHASE_GONE };

struct connection {
    struct load *load;
    struct load_account *account;
    size_t device;
    struct load_socket socket;
    enum phase phase;
    struct quire_buffer hello;
    struct quire_buffer *pushes; /* frames, ready to go */
    uint64_t *started_ns;        /* of each push: when it went, or was to go */
    uint64_t sent, acked;        /* pushes */
    uint64_t received_bytes;     /* since the last CREDIT */
};

struct load {
    struct options options;
    int epoll;
    struct load_account *accounts;
    struct connection *connections;
    size_t connection_count, ready, gone;
    uint64_t *latencies_ns;
    size_t latency_count;
    uint64_t acked_batches, delivered_batches, errors;
    struct qr_frame_space space;
    struct qr_frame frame;
    struct quire_buffer scratch;
};

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "quire-load: %s\n", what);
    exit(1);
}

static void need(enum quire_status status, const char *what)
{
    if (status != QUIRE_OK) {
        fprintf(stderr, "quire-load: %s: %s\n", what, quire_status_text(status));
        exit(1);
    }
}

static void send_frame(struct connection *connection, const struct qr_frame *frame,
    struct quire_buffer *keep)
{
    struct quire_buffer *buffer = keep ? keep : &connection->load->scratch;
    quire_buffer_clear(buffer);
    need(qr_frame_write(frame, buffer), "writing a frame");
    need(load_socket_send(&connection->socket, quire_buffer_bytes(buffer)), "sending");
}

static void send_hello(struct connection *connection)
{
    uint8_t nonce[QR_FRAME_NONCE_SIZE];
    qr_entropy_expand(nonce, connection->account->seed, UINT64_MAX - connection->device);
    struct qr_frame hello = {.type = QR_FRAME_HELLO};
    hello.hello.min = QR_PROTOCOL_VERSION;
    hello.hello.max = QR_PROTOCOL_VERSION;
    hello.hello.nonce = nonce;
    hello.hello.user = connection->account->user;
    hello.hello.device =
        qr_vault_public(connection->account->devices[connection->device].vault).device;
    hello.hello.roster_count = connection->account->record_count;
    send_frame(connection, &hello, &connection->hello);
    connection->phase = PHASE_CHALLENGE;
}

static void answer_challenge(struct connection *connection, struct quire_bytes challenge)
{
    const struct load_account *account = connection->account;
    const char *host = connection->load->options.server;
    uint8_t digest[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct quire_bytes records[2 + LOAD_DEVICES_MAX];
    uint32_t known = connection->load->frame.challenge.roster_count;
    qr_auth_digest(quire_bytes_of_text(host), quire_buffer_bytes(&connection->hello), challenge, digest);
    qr_vault_sign(account->devices[connection->device].vault, QR_CONTEXT_AUTH,
        &(struct quire_bytes){digest, sizeof digest}, 1, signature);
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    auth.auth.signature = signature;
    for (uint32_t i = known; i < account->record_count; i++) {
        records[auth.auth.record_count++] = quire_buffer_bytes(&account->records[i]);
    }
    auth.auth.records = records;
    send_frame(connection, &auth, NULL);
    connection->phase = PHASE_WELCOME;
}

static void subscribe(struct connection *connection)
{
    struct qr_frame sub = {.type = QR_FRAME_SUB};
    sub.sub.roster_count = connection->account->record_count;
    send_frame(connection, &sub, NULL);
    connection->phase = PHASE_CAUGHT_UP;
}

static void count_acks(struct connection *connection, const struct qr_frame *frame)
{
    struct load *load = connection->load;
    uint64_t now = now_ns();
    for (size_t i = 0; i < frame->ack.range_count; i++) {
        uint64_t pushes = frame->ack.ranges[i].to / load->options.per_push;
        while (connection->acked < pushes) {
            load->latencies_ns[load->latency_count++] = now - connection->started_ns[connection->acked];
            connection->acked++;
            load->acked_batches += load->options.per_push;
        }
    }
}

static void count_delta(struct connection *connection, const struct qr_frame *frame, size_t size)
{
    connection->load->delivered_batches += frame->delta.batch_count;
    connection->received_bytes += size;
    if (connection->received_bytes >= CREDIT_STEP) {
        struct qr_frame credit = {.type = QR_FRAME_CREDIT};
        credit.credit.bytes = connection->received_bytes;
        send_frame(connection, &credit, NULL);
        connection->received_bytes = 0;
    }
}

static bool take_message(void *context, struct quire_bytes message)
{
    struct connection *connection = context;
    struct load *load = connection->load;
    struct qr_frame *frame = &load->frame;
    need(qr_frame_read(message, &load->space, frame), "a frame from the server");
    switch (frame->type) {
    case QR_FRAME_CHALLENGE:
        answer_challenge(connection, message);
        break;
    case QR_FRAME_WELCOME:
        subscribe(connection);
        break;
    case QR_FRAME_CAUGHT_UP:
        if (connection->phase != PHASE_READY) {
            connection->phase = PHASE_READY;
            load->ready++;
        }
        break;
    case QR_FRAME_ACK:
        count_acks(connection, frame);
        break;
    case QR_FRAME_DELTA:
        count_delta(connection, frame, message.size);
        break;
    case QR_FRAME_PING:
        if (!frame->ping.reply) {
            struct qr_frame pong = {.type = QR_FRAME_PING};
            pong.ping.reply = true;
            pong.ping.token = frame->ping.token;
            send_frame(connection, &pong, NULL);
        }
        break;
    case QR_FRAME_ERROR:
        if (load->errors++ < 5) {
            fprintf(stderr, "quire-load: the server says %s\n", qr_error_name(frame->error.code));
        }
        break;
    default:
        break;
    }
    return true;
}

static void lose(struct connection *connection)
{
    if (connection->phase != PHASE_GONE) {
        connection->load->gone++;
        connection->phase = PHASE_GONE;
        load_socket_close(&connection->socket);
    }
}

static void flush(struct connection *connection)
{
    if (connection->phase == PHASE_GONE || connection->socket.out.size == 0) {
        return;
    }
    bool wanted = connection->socket.wants_write;
    if (load_socket_flush(&connection->socket) != QUIRE_OK) {
        lose(connection);
    } else if (connection->socket.wants_write != wanted) {
        struct epoll_event event = {.data.ptr = connection,
            .events = EPOLLIN | (connection->socket.wants_write ? EPOLLOUT : 0)};
        epoll_ctl(connection->load->epoll, EPOLL_CTL_MOD, connection->socket.descriptor, &event);
    }
}

static void dial(struct connection *connection)
{
    struct load *load = connection->load;
    need(load_socket_connect(&connection->socket, load->options.server), "connecting");
    connection->socket.wants_write = true;
    struct epoll_event event = {.data.ptr = connection, .events = EPOLLIN | EPOLLOUT};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->socket.descriptor, &event) != 0) {
        die("epoll_ctl failed");
    }
}

static void push_next(struct connection *connection, uint64_t appointed_ns)
{
    connection->started_ns[connection->sent] = appointed_ns;
    need(load_socket_send(&connection->socket,
             quire_buffer_bytes(&connection->pushes[connection->sent])), "sending");
    quire_buffer_finish(&connection->pushes[connection->sent]);
    connection->sent++;
}

/* Keeps the window full; in an open loop the clock decides instead. */
static void push_more(struct connection *connection)
{
    const struct options *options = &connection->load->options;
    if (connection->pushes == NULL || options->rate > 0 || connection->phase != PHASE_READY) {
        return;
    }
    while (connection->sent < options->pushes && connection->sent - connection->acked < options->window) {
        push_next(connection, now_ns());
    }
}

static void serve(struct load *load, int timeout_ms, bool pushing)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, timeout_ms);
    if (count < 0 && errno != EINTR) {
        die("epoll_wait failed");
    }
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->phase == PHASE_GONE) {
            continue;
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            bool was_open = connection->socket.open;
            if (load_socket_receive(&connection->socket, take_message, connection) != QUIRE_OK) {
                lose(connection);
                continue;
            }
            if (!was_open && connection->socket.open) {
                send_hello(connection);
            }
        }
        if (pushing) {
            push_more(connection);
        }
        flush(connection);
    }
}

static void prepare(struct load *load, struct connection *connection)
{
    const struct options *options = &load->options;
    struct quire_bytes batches[PUSH_MAX];
    struct quire_buffer bytes = {0};
    connection->pushes = calloc(options->pushes, sizeof *connection->pushes);
    connection->started_ns = calloc(options->pushes, sizeof *connection->started_ns);
    if (connection->pushes == NULL || connection->started_ns == NULL) {
        die("no memory");
    }
    for (uint64_t i = 0; i < options->pushes; i++) {
        size_t ends[PUSH_MAX] = {0};
        quire_buffer_clear(&bytes);
        for (uint64_t k = 0; k < options->per_push; k++) {
            need(load_account_batch(connection->account, connection->device, options->size, &bytes),
                "making a batch");
            ends[k] = bytes.size;
        }
        for (uint64_t k = 0; k < options->per_push; k++) {
            size_t from = k == 0 ? 0 : ends[k - 1];
            batches[k] = (struct quire_bytes){bytes.data + from, ends[k] - from};
        }
        struct qr_frame push = {.type = QR_FRAME_PUSH};
        push.push.batches = batches;
        push.push.batch_count = options->per_push;
        need(qr_frame_write(&push, &connection->pushes[i]), "writing a push");
    }
    quire_buffer_finish(&bytes);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double cpu_seconds(uint64_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%llu/stat", (unsigned long long)pid);
    FILE *file = pid ? fopen(path, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    const char *after = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    if (after == NULL ||
        sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
        return 0;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void connect_all(struct load *load)
{
    const struct options *options = &load->options;
    /* The first device of each account brings the account; the others follow. */
    for (uint64_t device = 0; device < options->devices; device++) {
        size_t begun = device * options->users, goal = begun + options->users;
        while (load->ready < goal) {
            while (begun < goal && begun - load->ready < 128) {
                dial(&load->connections[begun++]);
            }
            serve(load, 1000, false);
            if (load->gone > 0) {
                die("a connection was refused; raise the server's limits for a load test");
            }
        }
    }
}

static void run(struct load *load)
{
    const struct options *options = &load->options;
    uint64_t pushers = options->users * options->writers;
    uint64_t total = pushers * options->pushes, next = 0;
    uint64_t fan_out = total * options->per_push * (options->devices - 1);
    uint64_t start = now_ns(), quiet_since = start, last_acked = 0, last_delivered = 0;
    double server_cpu = cpu_seconds(options->pid);
    double acked_s = 0;
    for (size_t i = 0; i < pushers && options->rate == 0; i++) {
        push_more(&load->connections[i]);
        flush(&load->connections[i]);
    }
    while (load->latency_count < total || load->delivered_batches < fan_out) {
        uint64_t now = now_ns();
        while (options->rate > 0 && next < total) {
            uint64_t appointed = start + next * options->per_push * 1000000000u / options->rate;
            if (appointed > now) {
                break;
            }
            struct connection *connection = &load->connections[next % pushers];
            push_next(connection, appointed);
            flush(connection);
            next++;
        }
        serve(load, options->rate > 0 ? 1 : 100, true);
        if (load->latency_count == total && acked_s == 0) {
            acked_s = (double)(now_ns() - start) / 1e9;
        }
        if (load->acked_batches != last_acked || load->delivered_batches != last_delivered) {
            last_acked = load->acked_batches;
            last_delivered = load->delivered_batches;
            quiet_since = now;
        } else if (now - quiet_since > 10000000000u || load->gone > 0) {
            break;
        }
    }
    double all_s = (double)(now_ns() - start) / 1e9;
    server_cpu = cpu_seconds(options->pid) - server_cpu;
    qsort(load->latencies_ns, load->latency_count, sizeof *load->latencies_ns, compare);
    printf("{\"acknowledged\": %llu, \"of\": %llu, \"delivered\": %llu, \"seconds\": %.3f, "
           "\"seconds_delivered\": %.3f, \"errors\": %llu, \"connections_lost\": %zu",
        (unsigned long long)load->acked_batches, (unsigned long long)(total * options->per_push),
        (unsigned long long)load->delivered_batches, acked_s, all_s, (unsigned long long)load->errors,
        load->gone);
    if (load->latency_count > 0 && acked_s > 0) {
        static const struct {
            const char *name;
            double part;
        } marks[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};
        printf(", \"entries_per_second\": %.0f", (double)load->acked_batches / acked_s);
        for (size_t i = 0; i < 4; i++) {
            size_t at = (size_t)((double)(load->latency_count - 1) * marks[i].part);
            printf(", \"%s_ms\": %.2f", marks[i].name, (double)load->latencies_ns[at] / 1e6);
        }
    }
    if (options->pid) {
        printf(", \"server_cpu_seconds\": %.2f", server_cpu);
    }
    printf("}\n");
    fflush(stdout);
    for (uint64_t until = now_ns() + options->hold_s * 1000000000u; now_ns() < until;) {
        serve(load, 100, false);
    }
    if (load->latency_count < total || load->gone > 0) {
        exit(1);
    }
}

static void read_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.server = "127.0.0.1:4780", .users = 50, .devices = 3, .writers = 1,
        .pushes = 200, .per_push = 1, .size = 150, .window = 8, .seed = 1};
    const struct {
        const char *name;
        uint64_t *value;
        uint64_t least, most;
    } numbers[] = {
        {"--users", &options->users, 1, 100000},
        {"--devices", &options->devices, 1, LOAD_DEVICES_MAX},
        {"--writers", &options->writers, 1, LOAD_DEVICES_MAX},
        {"--pushes", &options->pushes, 0, 1000000},
        {"--per-push", &options->per_push, 1, PUSH_MAX},
        {"--size", &options->size, 1, 4096},
        {"--window", &options->window, 1, 1000},
        {"--rate", &options->rate, 0, 10000000},
        {"--pid", &options->pid, 0, UINT32_MAX},
        {"--hold", &options->hold_s, 0, 86400},
        {"--seed", &options->seed, 0, UINT64_MAX},
    };
    for (int i = 1; i < argc; i += 2) {
        bool known = false;
        if (i + 1 < argc && strcmp(argv[i], "--server") == 0) {
            options->server = argv[i + 1];
            known = true;
        }
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0] && i + 1 < argc && !known; k++) {
            if (strcmp(argv[i], numbers[k].name) == 0) {
                *numbers[k].value = strtoull(argv[i + 1], NULL, 10);
                known = *numbers[k].value >= numbers[k].least && *numbers[k].value <= numbers[k].most;
            }
        }
        if (!known) {
            fprintf(stderr,
                "usage: quire-load [--server ADDRESS:PORT] [--users N] [--devices PER_USER]\n"
                "  [--writers PER_USER] [--pushes PER_WRITER] [--per-push BATCHES] [--size BYTES]\n"
                "  [--window PUSHES | --rate ENTRIES_PER_SECOND] [--pid SERVER] [--hold SECONDS] [--seed N]\n"
                "Plain WebSocket only. Prints one line of JSON.\n");
            exit(2);
        }
    }
    if (options->writers > options->devices) {
        die("more writers than devices");
    }
}

int main(int argc, char **argv)
{
    static struct load load;
    read_options(&load.options, argc, argv);
    const struct options *options = &load.options;
    struct rlimit files;
    if (!qr_crypto_init() || getrlimit(RLIMIT_NOFILE, &files) != 0) {
        die("cannot start");
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.connection_count = options->users * options->devices;
    load.accounts = calloc(options->users, sizeof *load.accounts);
    load.connections = calloc(load.connection_count, sizeof *load.connections);
    load.latencies_ns = calloc(options->users * options->writers * options->pushes + 1, sizeof(uint64_t));
    if (load.epoll < 0 || load.accounts == NULL || load.connections == NULL || load.latencies_ns == NULL) {
        die("no memory");
    }
    for (uint64_t i = 0; i < options->users; i++) {
        uint8_t seed[QR_ENTROPY_SIZE] = {0}, random[QR_ENTROPY_SIZE];
        memcpy(seed, &options->seed, sizeof options->seed);
        qr_entropy_expand(random, seed, i);
        need(load_account_init(&load.accounts[i], random, options->devices), "making an account");
    }
    for (size_t i = 0; i < load.connection_count; i++) {
        struct connection *connection = &load.connections[i];
        *connection = (struct connection){.load = &load, .account = &load.accounts[i % options->users],
            .device = i / options->users, .socket = {.descriptor = -1}};
        if (connection->device < options->writers && options->pushes > 0) {
            prepare(&load, connection);
        }
    }
    connect_all(&load);
    fprintf(stderr, "quire-load: %zu devices are connected\n", load.ready);
    run(&load);
    for (size_t i = 0; i < load.connection_count; i++) {
        struct connection *connection = &load.connections[i];
        load_socket_close(&connection->socket);
        quire_buffer_finish(&connection->hello);
        free(connection->pushes);
        free(connection->started_ns);
    }
    for (uint64_t i = 0; i < options->users; i++) {
        load_account_finish(&load.accounts[i]);
    }
    quire_buffer_finish(&load.scratch);
    free(load.accounts);
    free(load.connections);
    free(load.latencies_ns);
    close(load.epoll);
    return 0;
}
