/*
 * What the parts of quire-load share.
 */
#ifndef QUIRE_LOAD_LOAD_H
#define QUIRE_LOAD_LOAD_H

#include "account.h"
#include "socket.h"

#define LOAD_PUSH_MAX 64 /* batches in one push */

struct options {
    const char *server;
    uint64_t users, devices, writers, pushes, per_push, size, window, rate, pid, hold_s, seed;
    bool survive;
};

enum phase {
    PHASE_CONNECT,
    PHASE_CHALLENGE,
    PHASE_WELCOME,
    PHASE_CAUGHT_UP,
    PHASE_READY,
    PHASE_GONE
};

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
    /* --survive: one batch to a push, made when it is wanted, kept until it is acknowledged */
    uint64_t made, redial_ns;
    uint8_t (*heads)[QR_HASH_SIZE]; /* hash of batch n at n % (window + 1) */
};

struct load {
    struct options options;
    int epoll;
    struct load_account *accounts;
    struct connection *connections;
    size_t connection_count, ready, gone;
    uint64_t *latencies_ns;
    size_t latency_count;
    uint64_t acked_batches, delivered_batches, errors, reconnects, lost_batches;
    struct qr_frame_space space;
    struct qr_frame frame;
    struct quire_buffer scratch;
};

/* ---- talk.c: the protocol, from a device's side ----------------------------------------------- */

uint64_t load_now_ns(void);
/** Prints and ends the program: this is a tool, and a load that is not as asked tells nothing. */
_Noreturn void load_die(const char *what);
void load_need(enum quire_status status, const char *what);

/** Begins a connection; one that is refused is lost (--survive) or ends the program. */
void load_dial(struct connection *connection);
/** Sends what is queued. */
void load_flush(struct connection *connection);
/** Waits for the network once; `more` (may be NULL) is called for each connection that moved. */
void load_serve(struct load *load, int timeout_ms, void (*more)(struct connection *connection));

/* ---- survive.c: --survive ---------------------------------------------------------------------- */

/** Pushes until SIGTERM, through any number of lost connections, and prints what was lost. */
void load_survive(struct load *load);
/** WANT for what was acknowledged. */
void load_count_lost(struct connection *connection, const struct qr_frame *frame);
/** CAUGHT_UP: goes on after the head that the server has. */
void load_resume(struct connection *connection, const struct qr_frame *frame);

#endif
