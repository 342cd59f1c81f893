/*
 * The order in which a payload's runs are written, so that equal states have equal bytes: replica by
 * replica in the order of their names, each by counter, but before a run first what it refers to.
 */
#ifndef QR_CRDT_ORDER_H
#define QR_CRDT_ORDER_H

#include "crdt/text.h"

/** The runs of one replica, which stand side by side in the array, by counter. */
struct qr_order_part {
    uint32_t next; /* the first that is not yet in the order */
    uint32_t end;
};

/**
 * Sets out_order to the indices of all runs. `parts` is by replica number, part 0 empty; `names` are
 * the numbers of `name_count` replicas in order of their names; `stack` has room for as many, plus
 * one. What runs refer to exists. False: runs say that they hang on each other in a circle, as only a
 * stranger's do, of characters that are known here; else one step for each run and wait.
 */
QUIRE_CHECKED bool qr_order_runs(const struct qr_run *runs, struct qr_order_part *parts,
    const uint32_t *names, uint32_t name_count, uint32_t *stack, uint32_t *out_order);

#endif
