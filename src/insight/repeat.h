/*
 * Entries of one theme that are much alike. No statistic and no claim: it lets a program offer another way
 * to write.
 */
#ifndef QR_INSIGHT_REPEAT_H
#define QR_INSIGHT_REPEAT_H

#include "insight/features.h"

#define QR_REPEAT_ENTRIES 9      /* the newest one and the 8 before it */
#define QR_REPEAT_ALIKE_MIN 5000 /* mean cosine, in 1/10,000 */

/**
 * The mean cosine between the features of the last text and those of the others, in 1/10,000. texts: count
 * ≥ 2, the oldest first. Both sets are scratch, and cleared.
 */
uint32_t qr_repeat_alike(struct qr_features *last, struct qr_features *other,
    const struct quire_bytes *texts, uint32_t count);

/** Is the mean of the newer half of moods above that of the older half? −1: no mood. False: no moods in one. */
bool qr_repeat_is_rising(const int32_t *moods, uint32_t count);

#endif
