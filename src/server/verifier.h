/*
 * Signature checks on threads of their own, so that the loop never waits for one.
 *
 * Threads: submit and take on the loop's thread; `ready` is called on a worker's thread when there
 *          is something to take, and only says so.
 */
#ifndef QR_SERVER_VERIFIER_H
#define QR_SERVER_VERIFIER_H

#include "sync/hub/hub.h"

struct qr_verifier;

struct qr_verified {
    uint64_t token;
    size_t valid; /* how many jobs from the first on were valid */
};

/** workers: 1 … 64. ENOMEM: also when threads cannot be started. */
QUIRE_CHECKED enum quire_status qr_verifier_create(unsigned workers, void (*ready)(void *context),
    void *context, struct qr_verifier **out_verifier);
/** Stops the threads; what is under way is forgotten. Accepts NULL. */
void qr_verifier_destroy(struct qr_verifier *verifier);

/** Copies the jobs. stranger: they wait behind all others, a few at a time; while others wait, they
 * get about an eighth of the threads' time, so that they end at last. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_verifier_submit(struct qr_verifier *verifier, uint64_t token,
    const struct qr_verify_job *jobs, size_t job_count, bool stranger);
/** Moves up to capacity answers to out_verified; their number. */
size_t qr_verifier_take(
    struct qr_verifier *verifier, struct qr_verified *out_verified, size_t capacity);
/** Signatures that wait, but for those of strangers; for backpressure. */
size_t qr_verifier_backlog(struct qr_verifier *verifier);

#endif
