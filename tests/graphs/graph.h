/*
 * Random graphs of edits: devices fork, write, take deltas, merge those of others and whole states,
 * crash and come back, in any causal order and with repeats. A seed says all of it. In the end the
 * same edits are merged in several other orders, and every document must hold the same state.
 */
#ifndef QR_TESTS_GRAPHS_GRAPH_H
#define QR_TESTS_GRAPHS_GRAPH_H

#include <quire/document.h>

struct graph_options {
    uint64_t seed;
    uint32_t ops;         /* edits to make */
    uint32_t orders;      /* in which all deltas are merged again */
    uint32_t check_every; /* edits between comparisons with the reference; 0: no reference at all */
};

struct graph_result {
    uint64_t ops;      /* edits made: one call of the document each */
    uint64_t undos;    /* of them, steps taken back or made again */
    uint64_t refusals; /* edits beyond a limit of writing (QR_LIMITS_TINY) */
    uint64_t returns;  /* of these, so many were held against the text of before */
    uint64_t letters;  /* code points typed */
    uint64_t merges;   /* deltas and states merged, repeats included */
    uint64_t orders;   /* documents that came to all edits in their own order */
    uint64_t checks;   /* comparisons with the reference */
    uint64_t digest;   /* of the state that all ended in */
    char failure[160]; /* what went wrong; empty: nothing */
};

/** False: see failure. The result says what was done until then. */
bool graph_run(const struct graph_options *options, struct graph_result *out_result);

/** Mixes bytes into a digest; start with 0. Equal digests stand for equal bytes. */
uint64_t graph_digest(uint64_t digest, const void *bytes, size_t size);

#endif
