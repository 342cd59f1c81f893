/*
 * Opens the store in a folder, and looks whether it pays its debts.
 */
#ifndef TESTS_CRASH_CHECK_H
#define TESTS_CRASH_CHECK_H

#include "model.h"

struct check;

struct check *check_create(const struct script *script);
void check_destroy(struct check *check);

/**
 * Looks at the store in the folder, appends to it, and leaves it in any state.
 *
 * It must open, with all that was acknowledged and, of what was sent beyond that, one whole group or
 * nothing; every record as it was sent; each user's entries those of the log without what was
 * forgotten; nothing damaged; and appending must go on. `again`: and all of this once more after
 * that, as another process sees it.
 *
 * Returns NULL, or what is wrong, until the next call.
 */
const char *check_store(
    struct check *check, const struct debts *debts, const char *folder, bool again);

#endif
