/*
 * quire-load: many devices push signed batches through one server and count what is acknowledged.
 *
 * Batches are made and signed before the clock starts. Closed loop: each writer keeps `window` pushes
 * under way. Open loop (--rate): pushes leave at their appointed times, and latency counts from
 * those, so that a server that stalls cannot hide it.
 *
 * With --survive the server may be killed at any time: connections come back, say what was
 * acknowledged to them, and it is counted as lost if the server no longer has it. SIGTERM ends it.
 */
#include "load.h"
#include "crypto/sign.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static void push_next(struct connection *connection, uint64_t appointed_ns)
{
    connection->started_ns[connection->sent] = appointed_ns;
    load_need(load_socket_send(
                  &connection->socket, quire_buffer_bytes(&connection->pushes[connection->sent])),
        "sending");
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
    while (connection->sent < options->pushes
        && connection->sent - connection->acked < options->window) {
        push_next(connection, load_now_ns());
    }
}

static void prepare(struct load *load, struct connection *connection)
{
    const struct options *options = &load->options;
    struct quire_bytes batches[LOAD_PUSH_MAX];
    struct quire_buffer bytes = {0};
    connection->pushes = calloc(options->pushes, sizeof *connection->pushes);
    connection->started_ns = calloc(options->pushes, sizeof *connection->started_ns);
    if (connection->pushes == NULL || connection->started_ns == NULL) {
        load_die("no memory");
    }
    for (uint64_t i = 0; i < options->pushes; i++) {
        size_t ends[LOAD_PUSH_MAX] = {0};
        quire_buffer_clear(&bytes);
        for (uint64_t k = 0; k < options->per_push; k++) {
            load_need(
                load_account_batch(connection->account, connection->device, options->size, &bytes),
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
        load_need(qr_frame_write(&push, &connection->pushes[i]), "writing a push");
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
    if (after == NULL
        || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system)
            != 2) {
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
                load_dial(&load->connections[begun++]);
            }
            load_serve(load, 1000, NULL);
            if (load->gone > 0) {
                load_die("a connection was refused; raise the server's limits for a load test");
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
    uint64_t start = load_now_ns(), quiet_since = start, last_acked = 0, last_delivered = 0;
    double server_cpu = cpu_seconds(options->pid);
    double acked_s = 0;
    for (size_t i = 0; i < pushers && options->rate == 0; i++) {
        push_more(&load->connections[i]);
        load_flush(&load->connections[i]);
    }
    while (load->latency_count < total || load->delivered_batches < fan_out) {
        uint64_t now = load_now_ns();
        while (options->rate > 0 && next < total) {
            uint64_t appointed = start + next * options->per_push * 1000000000u / options->rate;
            if (appointed > now) {
                break;
            }
            struct connection *connection = &load->connections[next % pushers];
            push_next(connection, appointed);
            load_flush(connection);
            next++;
        }
        load_serve(load, options->rate > 0 ? 1 : 100, push_more);
        if (load->latency_count == total && acked_s == 0) {
            acked_s = (double)(load_now_ns() - start) / 1e9;
        }
        if (load->acked_batches != last_acked || load->delivered_batches != last_delivered) {
            last_acked = load->acked_batches;
            last_delivered = load->delivered_batches;
            quiet_since = now;
        } else if (now - quiet_since > 10000000000u || load->gone > 0) {
            break;
        }
    }
    double all_s = (double)(load_now_ns() - start) / 1e9;
    server_cpu = cpu_seconds(options->pid) - server_cpu;
    qsort(load->latencies_ns, load->latency_count, sizeof *load->latencies_ns, compare);
    printf("{\"acknowledged\": %llu, \"of\": %llu, \"delivered\": %llu, \"seconds\": %.3f, "
           "\"seconds_delivered\": %.3f, \"errors\": %llu, \"connections_lost\": %zu",
        (unsigned long long)load->acked_batches, (unsigned long long)(total * options->per_push),
        (unsigned long long)load->delivered_batches, acked_s, all_s,
        (unsigned long long)load->errors, load->gone);
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
    for (uint64_t until = load_now_ns() + options->hold_s * 1000000000u; load_now_ns() < until;) {
        load_serve(load, 100, NULL);
    }
    if (load->latency_count < total || load->gone > 0) {
        exit(1);
    }
}

static void read_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.server = "127.0.0.1:4780",
        .users = 50,
        .devices = 3,
        .writers = 1,
        .pushes = 200,
        .per_push = 1,
        .size = 150,
        .window = 8,
        .seed = 1};
    const struct {
        const char *name;
        uint64_t *value;
        uint64_t least, most;
    } numbers[] = {
        {"--users", &options->users, 1, 100000},
        {"--devices", &options->devices, 1, LOAD_DEVICES_MAX},
        {"--writers", &options->writers, 1, LOAD_DEVICES_MAX},
        {"--pushes", &options->pushes, 0, 1000000},
        {"--per-push", &options->per_push, 1, LOAD_PUSH_MAX},
        {"--size", &options->size, 1, 4096},
        {"--window", &options->window, 1, 1000},
        {"--rate", &options->rate, 0, 10000000},
        {"--pid", &options->pid, 0, UINT32_MAX},
        {"--hold", &options->hold_s, 0, 86400},
        {"--seed", &options->seed, 0, UINT64_MAX},
    };
    for (int i = 1; i < argc; i += 2) {
        bool known = false;
        if (strcmp(argv[i], "--survive") == 0) {
            options->survive = true;
            i--;
            continue;
        }
        if (i + 1 < argc && strcmp(argv[i], "--server") == 0) {
            options->server = argv[i + 1];
            known = true;
        }
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0] && i + 1 < argc && !known; k++) {
            if (strcmp(argv[i], numbers[k].name) == 0) {
                *numbers[k].value = strtoull(argv[i + 1], NULL, 10);
                known =
                    *numbers[k].value >= numbers[k].least && *numbers[k].value <= numbers[k].most;
            }
        }
        if (!known) {
            fprintf(stderr,
                "usage: quire-load [--server ADDRESS:PORT] [--users N] [--devices PER_USER]\n"
                "  [--writers PER_USER] [--pushes PER_WRITER] [--per-push BATCHES] [--size BYTES]\n"
                "  [--window PUSHES | --rate ENTRIES_PER_SECOND] [--pid SERVER] [--hold SECONDS] [--seed N]\n"
                "  [--survive]\n"
                "Plain WebSocket only. Prints one line of JSON.\n");
            exit(2);
        }
    }
    if (options->writers > options->devices) {
        load_die("more writers than devices");
    }
    if (options->survive && (options->devices != 1 || options->per_push != 1)) {
        load_die("--survive goes with one device to a user and one batch to a push");
    }
}

int main(int argc, char **argv)
{
    static struct load load;
    read_options(&load.options, argc, argv);
    const struct options *options = &load.options;
    struct rlimit files;
    if (!qr_crypto_init() || getrlimit(RLIMIT_NOFILE, &files) != 0) {
        load_die("cannot start");
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.connection_count = options->users * options->devices;
    load.accounts = calloc(options->users, sizeof *load.accounts);
    load.connections = calloc(load.connection_count, sizeof *load.connections);
    if (!options->survive) {
        load.latencies_ns =
            calloc(options->users * options->writers * options->pushes + 1, sizeof(uint64_t));
    }
    if (load.epoll < 0 || load.accounts == NULL || load.connections == NULL
        || (load.latencies_ns == NULL && !options->survive)) {
        load_die("no memory");
    }
    for (uint64_t i = 0; i < options->users; i++) {
        uint8_t seed[QR_ENTROPY_SIZE] = {0}, random[QR_ENTROPY_SIZE];
        memcpy(seed, &options->seed, sizeof options->seed);
        qr_entropy_expand(random, seed, i);
        load_need(
            load_account_init(&load.accounts[i], random, options->devices), "making an account");
    }
    for (size_t i = 0; i < load.connection_count; i++) {
        struct connection *connection = &load.connections[i];
        *connection = (struct connection){.load = &load,
            .account = &load.accounts[i % options->users],
            .device = i / options->users,
            .socket = {.descriptor = -1}};
        if (connection->device < options->writers && options->pushes > 0 && !options->survive) {
            prepare(&load, connection);
        }
    }
    if (options->survive) {
        load_survive(&load);
    } else {
        connect_all(&load);
        fprintf(stderr, "quire-load: %zu devices are connected\n", load.ready);
        run(&load);
    }
    for (size_t i = 0; i < load.connection_count; i++) {
        struct connection *connection = &load.connections[i];
        load_socket_close(&connection->socket);
        quire_buffer_finish(&connection->hello);
        for (uint64_t k = 0; options->survive && k < options->window; k++) {
            quire_buffer_finish(&connection->pushes[k]);
        }
        free(connection->pushes);
        free(connection->started_ns);
        free(connection->heads);
    }
    for (uint64_t i = 0; i < options->users; i++) {
        load_account_finish(&load.accounts[i]);
    }
    quire_buffer_finish(&load.scratch);
    free(load.accounts);
    free(load.connections);
    free(load.latencies_ns);
    close(load.epoll);
    return load.lost_batches == 0 ? 0 : 1;
}
