/*
 * --survive: the server may be killed at any time, and must still have what it said it had.
 */
#include "load.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

/* The server wants what it had acknowledged: it has lost it. */
void load_count_lost(struct connection *connection, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->want.range_count; i++) {
        uint64_t from = frame->want.ranges[i].from, to = frame->want.ranges[i].to;
        connection->load->lost_batches += to - from + 1;
        fprintf(stderr, "quire-load: LOST batches %llu to %llu of a chain that were acknowledged\n",
            (unsigned long long)from, (unsigned long long)to);
    }
}

/* Goes on after the head that the server has, which may be past what it said it had. */
void load_resume(struct connection *connection, const struct qr_frame *frame)
{
    const struct load_device *device = &connection->account->devices[connection->device];
    uint64_t head = 0;
    for (size_t i = 0; i < frame->caught_up.position_count; i++) {
        if (memcmp(frame->caught_up.positions[i].replica, device->replica, QR_REPLICA_SIZE) == 0) {
            head = frame->caught_up.positions[i].seq;
        }
    }
    if (head < connection->acked) {
        connection->load->lost_batches += connection->acked - head;
        fprintf(stderr, "quire-load: LOST: batch %llu was acknowledged, the chain ends at %llu\n",
            (unsigned long long)connection->acked, (unsigned long long)head);
        head = connection->acked;
    }
    connection->load->acked_batches += head - connection->acked;
    connection->acked = head;
    connection->sent = head;
}
/* One more batch, if the window has room for it; sent again after a reconnect. */
static void push_surviving(struct connection *connection)
{
    struct load *load = connection->load;
    uint64_t window = load->options.window;
    while (connection->phase == PHASE_READY && connection->sent - connection->acked < window) {
        struct quire_buffer *push = &connection->pushes[connection->sent % window];
        if (connection->sent == connection->made) {
            struct load_device *device = &connection->account->devices[connection->device];
            quire_buffer_clear(&load->scratch);
            quire_buffer_clear(push);
            load_need(load_account_batch(connection->account, connection->device,
                          load->options.size, &load->scratch),
                "making a batch");
            struct quire_bytes batch = quire_buffer_bytes(&load->scratch);
            struct qr_frame frame = {
                .type = QR_FRAME_PUSH, .push = {.batches = &batch, .batch_count = 1}};
            load_need(qr_frame_write(&frame, push), "writing a push");
            connection->made++;
            memcpy(connection->heads[connection->made % (window + 1)], device->head, QR_HASH_SIZE);
        }
        load_need(load_socket_send(&connection->socket, quire_buffer_bytes(push)), "sending");
        connection->sent++;
    }
}

void load_survive(struct load *load)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    const struct options *options = &load->options;
    for (size_t i = 0; i < load->connection_count; i++) {
        struct connection *connection = &load->connections[i];
        connection->pushes = calloc(options->window, sizeof *connection->pushes);
        connection->heads = calloc(options->window + 1, sizeof *connection->heads);
        if (connection->pushes == NULL || connection->heads == NULL) {
            load_die("no memory");
        }
        connection->phase = PHASE_GONE;
    }
    load->gone = load->connection_count;
    while (!ended) {
        for (size_t i = 0; i < load->connection_count && load->gone > 0; i++) {
            struct connection *connection = &load->connections[i];
            if (connection->phase == PHASE_GONE && connection->redial_ns <= load_now_ns()) {
                load->reconnects += connection->redial_ns != 0;
                connection->phase = PHASE_CONNECT;
                load->gone--;
                load_dial(connection);
            }
        }
        load_serve(load, 20, push_surviving);
    }
    printf("{\"acknowledged\": %llu, \"lost\": %llu, \"reconnects\": %llu, \"errors\": %llu}\n",
        (unsigned long long)load->acked_batches, (unsigned long long)load->lost_batches,
        (unsigned long long)load->reconnects, (unsigned long long)load->errors);
}
