/*
 * The order in which a payload's runs are written, so that equal states have equal bytes: session by
 * session in the order of their names, each by counter, but before a run first what it refers to.
 */
#ifndef QR_CRDT_ORDER_H
#define QR_CRDT_ORDER_H

#include "crdt/text.h"

/** The runs of one session, which stand side by side in the array, by counter. */
struct qr_order_part {
    uint32_t next; /* the first that is not yet in the order */
    uint32_t end;
};

/**
 * Sets out_order to the indices of all runs. `parts` is by session number, part 0 empty; `names` are
 * the numbers of `name_count` sessions in order of their names; `stack` has room for as many, plus
 * one. What runs refer to is nothing, is in no part, or is a character of a run that some order has
 * before it: then no session waits for itself, and this ends after one step for each run and wait.
 */
void qr_order_runs(const struct qr_run *runs, struct qr_order_part *parts, const uint32_t *names,
    uint32_t name_count, uint32_t *stack, uint32_t *out_order);

#endif
