/*
 * The protocol from a device's side, as far as load needs it: log in, push, count what comes.
 */
#include "load.h"
#include "sync/transcript.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS_MAX 256
#define CREDIT_STEP (256 * 1024)
#define REDIAL_NS 20000000u

uint64_t load_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void load_die(const char *what)
{
    fprintf(stderr, "quire-load: %s\n", what);
    exit(1);
}

void load_need(enum quire_status status, const char *what)
{
    if (status != QUIRE_OK) {
        fprintf(stderr, "quire-load: %s: %s\n", what, quire_status_text(status));
        exit(1);
    }
}

static void send_frame(
    struct connection *connection, const struct qr_frame *frame, struct quire_buffer *keep)
{
    struct quire_buffer *buffer = keep ? keep : &connection->load->scratch;
    quire_buffer_clear(buffer);
    load_need(qr_frame_write(frame, buffer), "writing a frame");
    load_need(load_socket_send(&connection->socket, quire_buffer_bytes(buffer)), "sending");
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
    qr_auth_digest(
        quire_bytes_of_text(host), quire_buffer_bytes(&connection->hello), challenge, digest);
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
    struct qr_frame_position position;
    sub.sub.roster_count = connection->account->record_count;
    if (connection->heads != NULL && connection->acked > 0) {
        position = (struct qr_frame_position){
            .replica = connection->account->devices[connection->device].replica,
            .seq = connection->acked,
            .hash_prefix =
                connection->heads[connection->acked % (connection->load->options.window + 1)]};
        sub.sub.positions = &position;
        sub.sub.position_count = 1;
    }
    send_frame(connection, &sub, NULL);
    connection->phase = PHASE_CAUGHT_UP;
}

static void count_acks(struct connection *connection, const struct qr_frame *frame)
{
    struct load *load = connection->load;
    uint64_t now = load_now_ns();
    for (size_t i = 0; i < frame->ack.range_count; i++) {
        uint64_t pushes = frame->ack.ranges[i].to / load->options.per_push;
        while (connection->acked < pushes) {
            if (load->latencies_ns != NULL) {
                load->latencies_ns[load->latency_count++] =
                    now - connection->started_ns[connection->acked];
            }
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
    load_need(qr_frame_read(message, &load->space, frame), "a frame from the server");
    switch (frame->type) {
    case QR_FRAME_CHALLENGE: answer_challenge(connection, message); break;
    case QR_FRAME_WELCOME: subscribe(connection); break;
    case QR_FRAME_CAUGHT_UP:
        if (connection->phase != PHASE_READY) {
            if (connection->heads != NULL) {
                load_resume(connection, frame);
            }
            connection->phase = PHASE_READY;
            load->ready++;
        }
        break;
    case QR_FRAME_ACK: count_acks(connection, frame); break;
    case QR_FRAME_WANT: load_count_lost(connection, frame); break;
    case QR_FRAME_DELTA: count_delta(connection, frame, message.size); break;
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
    default: break;
    }
    return true;
}

static void lose(struct connection *connection)
{
    if (connection->phase != PHASE_GONE) {
        connection->load->ready -= connection->phase == PHASE_READY;
        connection->load->gone++;
        connection->phase = PHASE_GONE;
        connection->redial_ns = load_now_ns() + REDIAL_NS;
        load_socket_close(&connection->socket);
    }
}

void load_flush(struct connection *connection)
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

void load_dial(struct connection *connection)
{
    struct load *load = connection->load;
    enum quire_status status = load_socket_connect(&connection->socket, load->options.server);
    if (status == QUIRE_EIO && load->options.survive) {
        lose(connection); /* the server is down */
        return;
    }
    load_need(status, "connecting");
    connection->socket.wants_write = true;
    struct epoll_event event = {.data.ptr = connection, .events = EPOLLIN | EPOLLOUT};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->socket.descriptor, &event) != 0) {
        load_die("epoll_ctl failed");
    }
}

void load_serve(struct load *load, int timeout_ms, void (*more)(struct connection *connection))
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, timeout_ms);
    if (count < 0 && errno != EINTR) {
        load_die("epoll_wait failed");
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
        if (more != NULL) {
            more(connection);
        }
        load_flush(connection);
    }
}
