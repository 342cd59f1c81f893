/*
 * Contents that a core died of. Known by consent, subject and tag, so that the same content sealed anew is known
 * again; the third death of one is the last: the next core gives up on it without opening it.
 */
#ifndef QR_WORKER_SUSPECTS_H
#define QR_WORKER_SUSPECTS_H

#include "base/ids.h"
#include <stddef.h>

#define QR_SUSPECTS_MAX 64
#define QR_SUSPECT_DEATHS 3
#define QR_SUSPECT_NAME_SIZE (QR_KEY_SIZE + 16 + 16) /* consent ‖ subject ‖ tag */

struct qr_suspects {
    struct {
        uint8_t name[QR_SUSPECT_NAME_SIZE];
        uint32_t deaths;
    } items[QR_SUSPECTS_MAX];
    size_t count, next; /* the oldest makes room */
};

/** A core died while it had this one. */
void qr_suspects_add(struct qr_suspects *suspects, const uint8_t name[QR_SUSPECT_NAME_SIZE]);
/** Is it one to give up on? */
bool qr_suspects_is_poison(
    const struct qr_suspects *suspects, const uint8_t name[QR_SUSPECT_NAME_SIZE]);

#endif
