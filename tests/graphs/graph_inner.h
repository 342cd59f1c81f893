/*
 * A graph under way: its devices, what they sent, and the random numbers.
 */
#ifndef QR_TESTS_GRAPHS_GRAPH_INNER_H
#define QR_TESTS_GRAPHS_GRAPH_INNER_H

#include "graph.h"
#include "kit/random.h"
#include "reference.h"

#define DEVICES_MAX 12
#define TEXT_LENGTH_MAX 60000 /* code points: past this, more is erased than typed */

/** What one device sent: deltas that one take gave. Later messages need earlier ones at most. */
struct message {
    struct quire_buffer *parts;
    size_t part_count;
    struct clock needs;
    uint64_t own;        /* the sender's replicas, as bits */
    struct clock brings; /* what is known once it is merged, as far as it says so */
};

#define STEPS_MAX 1024 /* of one undo that are looked after */

/** A device's undo, and what its text must read when a step is taken back or made again: as far as
 * nothing came from elsewhere meanwhile. 0: it is not known. */
struct undoer {
    struct quire_undo *undo;
    bool bounded;    /* it forgets: what it must do is not known, but what it may not do is */
    bool forgot;     /* there were more than STEPS_MAX */
    bool closed;     /* the next edit begins a step */
    uint64_t before; /* what the text was before it */
    size_t before_count;
    uint64_t done[STEPS_MAX], undone[STEPS_MAX]; /* the latest of each stack, the last on top */
    size_t done_count, undone_count;
};

struct device {
    struct quire_document *document;
    struct clock clock;
    struct clock taken;   /* of its own replicas: how far deltas have them, */
    struct clock pending; /* and how far after that they are pending here */
    uint64_t own;         /* its replicas, as bits */
    unsigned replica;     /* that it writes with now */
    struct undoer undoer;
    size_t caret;
    unsigned diligence; /* 1 … 8: how often it does anything */
    uint8_t *has;       /* message → merged here */
    size_t has_count, has_capacity;
    size_t oldest_missing;
    struct quire_buffer kept_state; /* as on disk */
    struct quire_buffer kept_pending;
    struct clock kept_clock, kept_taken, kept_pending_to;
};

struct graph {
    const struct graph_options *options;
    struct graph_result *result;
    struct kit_random random;
    uint8_t names[REPLICAS_MAX][QUIRE_REPLICA_SIZE];
    unsigned replica_count;
    struct device devices[DEVICES_MAX];
    size_t device_count;
    struct message *messages;
    size_t message_count, message_capacity;
    struct reference *reference;
    int64_t now_ms;
    unsigned crowding;  /* of 10 edits, so many are where the others' are */
    unsigned backwards; /* of 10 insertions, so many leave the caret before them */
    uint64_t checked_at;
    bool failed;
};

/* ---- graph.c ------------------------------------------------------------------------------- */

uint64_t graph_roll(struct graph *graph);
/** A number below another; 0 if that is 0. */
size_t graph_pick(struct graph *graph, uint64_t below);
void graph_fail(struct graph *graph, const char *what);
void graph_need(struct graph *graph, bool holds, const char *what);
void graph_ok(struct graph *graph, enum quire_status status, const char *what);
struct quire_stamp graph_stamp(struct graph *graph, const struct device *device);
/** Compares a device with the reference. */
void graph_check(struct graph *graph, const struct device *device);

/* ---- graph_undo.c -------------------------------------------------------------------------- */

/** A new process: nothing can be taken back. */
void graph_undo_begin(struct graph *graph, struct device *device);
/** Before an edit, and after it. The reference knows no undo of a delete, so that beside it none is noted. */
void graph_undo_before(struct graph *graph, struct device *device, bool deletes);
void graph_undo_after(struct graph *graph, struct device *device);
/** Something came from elsewhere. */
void graph_undo_news(struct device *device);
/** Takes a step back or makes it again. */
void graph_undo_replay(struct graph *graph, struct device *device, bool redo);
/** The entry comes and goes in one process: another document, the same undo. */
void graph_undo_reopen(struct graph *graph, struct device *device);

#endif
