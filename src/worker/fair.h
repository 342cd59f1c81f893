/*
 * Copies that wait for the core, shared out fairly over consents: deficit round robin (Shreedhar, Varghese 1995).
 * Each consent with something waiting gets QR_FAIR_QUANTUM bytes a turn, so one that sends ten thousand copies
 * delays another by a turn, not by ten thousand. What is urgent goes before all of it.
 */
#ifndef QR_WORKER_FAIR_H
#define QR_WORKER_FAIR_H

#include "base/ids.h"
#include <quire/bytes.h>

#define QR_FAIR_QUANTUM (16u << 10)

/** Something to be done for a consent. */
struct qr_job {
    struct qr_job *next;
    uint64_t lease;
    uint32_t attempt;
    uint8_t kind;                 /* the caller's */
    uint8_t consent[QR_KEY_SIZE]; /* its public signing key */
    size_t size;
    uint8_t object[]; /* sealed */
};

struct qr_fair;

/** NULL: no memory. */
struct qr_fair *qr_fair_create(void);
/** With all that waits; accepts NULL. */
void qr_fair_destroy(struct qr_fair *fair);

/** A job with a copy of the object; the caller's until it is pushed; freed with free(). NULL: no memory. */
struct qr_job *qr_job_create(const uint8_t consent[QR_KEY_SIZE], struct quire_bytes object);

/** Takes the job on success. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_fair_push(struct qr_fair *fair, struct qr_job *job);
/** The same, before all that is not urgent. Always succeeds. */
void qr_fair_push_urgent(struct qr_fair *fair, struct qr_job *job);
/** The next job, the caller's from now on; NULL: nothing waits. */
struct qr_job *qr_fair_pop(struct qr_fair *fair);
/** Drops the waiting jobs of a consent that are not urgent, calling `dropped` for each before it is freed. */
void qr_fair_drop(struct qr_fair *fair, const uint8_t consent[QR_KEY_SIZE],
    void (*dropped)(void *context, const struct qr_job *job), void *context);

size_t qr_fair_count(const struct qr_fair *fair);
size_t qr_fair_bytes(const struct qr_fair *fair);

#endif
