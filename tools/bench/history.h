/*
 * Recorded editing histories, as tests and benchmarks read them, line by line:
 *
 *   D name            a history begins
 *   T agent seq p…    a transaction: who (a number), the agent's op number, parent transactions
 *   P pos del hex     a patch of it: erase del code points at pos, then insert (hex of UTF-8, or -)
 *   E hex             the text that it ends with; the history is whole now
 *   O hex             the same of a recorder that orders letters typed at one place otherwise: as
 *                     patches name places, a few others are erased then, and others stay
 *
 * A history without T is typed into one document. With T, each transaction is typed into a replica
 * that has merged exactly its parents. What goes wrong here ends the program.
 */
#ifndef QR_TOOLS_BENCH_HISTORY_H
#define QR_TOOLS_BENCH_HISTORY_H

#include <quire/document.h>
#include <stdio.h>

struct patch {
    size_t position;
    size_t erased;
    size_t text; /* offset in history.bytes */
    size_t text_size;
};

struct transaction {
    uint32_t agent;
    uint32_t seq;
    size_t parent; /* the first in history.parents */
    size_t parent_count;
    size_t patch; /* the first in history.patches */
    size_t patch_count;
    size_t delta; /* offset in history.deltas */
    size_t delta_size;
    size_t mark;                         /* of a search */
    uint8_t replica[QUIRE_REPLICA_SIZE]; /* that it was typed with */
};

struct history {
    char name[256];
    struct transaction *transactions;
    size_t transaction_count;
    size_t transaction_capacity;
    size_t *parents;
    size_t parent_count;
    size_t parent_capacity;
    struct patch *patches;
    size_t patch_count;
    size_t patch_capacity;
    struct quire_buffer bytes;
    struct quire_buffer deltas;
    struct quire_buffer expected;
    bool other_order; /* O */
    char *line;       /* being read */
    size_t line_capacity;
};

/** One agent of a concurrent history. */
struct replica {
    struct quire_document *document;
    struct quire_stamp stamp;
    unsigned char *has; /* by transaction */
    size_t last;
};

/** Ends the program, as TAP, unless the condition holds. */
void need(bool condition, const char *what);

#define OK(call) need((call) == QUIRE_OK, #call)

/** Reads the next history; false at the end of the file. */
bool history_read(struct history *history, FILE *file);
void history_finish(struct history *history);

#define HISTORY_MOOD 7

/** Types some patches. Where several devices typed, each is preceded by an edit of the mood. */
void history_type(const struct history *history, struct quire_document *document,
    const struct quire_stamp *stamp, size_t first, size_t count);

/** Types each transaction into its agent's replica, and gathers the deltas. The replicas, one for
 * each agent, are the caller's: documents may be NULL. */
struct replica *history_type_all(struct history *history, uint32_t *out_agents);
void replicas_finish(struct replica *replicas, uint32_t agents);

/** What a transaction's author sent. */
struct quire_bytes history_delta(const struct history *history, size_t index);

#endif
