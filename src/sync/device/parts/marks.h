/*
 * A short memory of something that rises along a chain (an acknowledgement's time, how much of our
 * chain another one has seen): marks close together for what is new, further apart for what is old.
 */
#ifndef QR_SYNC_DEVICE_PARTS_MARKS_H
#define QR_SYNC_DEVICE_PARTS_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_MARKS_MAX 32

/** Up to `seq` the value is at most `last`; it was `first` when the mark began. */
struct device_mark {
    uint64_t seq, first, last;
};

/** Invariant: ascending by seq; count ≤ DEVICE_MARKS_MAX. */
struct device_marks {
    struct device_mark items[DEVICE_MARKS_MAX];
    size_t count;
};

/** Adds a value at `seq`. A value nearer than `span` to the first of the last mark joins that mark.
 * Returns whether there is a new mark. */
bool device_marks_add(struct device_marks *marks, uint64_t seq, uint64_t value, uint64_t span);
/** The first mark that reaches up to seq; NULL: none does. */
const struct device_mark *device_marks_find(const struct device_marks *marks, uint64_t seq);
/** Removes marks beyond seq: the server lost those batches. */
void device_marks_cut(struct device_marks *marks, uint64_t seq);

#endif
