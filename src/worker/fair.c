/*
 * One list of jobs for each consent, in a ring, and an index of them.
 */
#include "worker/fair.h"
#include <stdlib.h>

#define BUCKETS 4096

struct jobs {
    struct qr_job *first, *last;
};

struct consent {
    struct consent *ring, *bucket; /* next in the ring, next in the bucket */
    uint8_t id[QR_KEY_SIZE];
    size_t deficit;
    struct jobs jobs; /* never empty while it is in the ring */
};

struct qr_fair {
    struct jobs urgent;
    struct consent *tail; /* of the ring; its next has the turn. NULL: empty */
    bool turn_begun;
    struct consent *buckets[BUCKETS];
    size_t count, bytes;
};

struct qr_fair *qr_fair_create(void)
{
    return calloc(1, sizeof(struct qr_fair));
}

static void append(struct jobs *jobs, struct qr_job *job)
{
    job->next = NULL;
    if (jobs->last != NULL) {
        jobs->last->next = job;
    } else {
        jobs->first = job;
    }
    jobs->last = job;
}

static struct qr_job *take_first(struct qr_fair *fair, struct jobs *jobs)
{
    struct qr_job *job = jobs->first;
    jobs->first = job->next;
    if (jobs->first == NULL) {
        jobs->last = NULL;
    }
    fair->count--;
    fair->bytes -= job->size;
    job->next = NULL;
    return job;
}

/* Ids are public keys: their first bytes are as good as random, or chosen by one who harms itself alone. */
static struct consent **bucket_of(struct qr_fair *fair, const uint8_t *id)
{
    return &fair->buckets[(id[0] << 8 | id[1]) % BUCKETS];
}

static struct consent *find(struct qr_fair *fair, const uint8_t *id)
{
    struct consent *consent = *bucket_of(fair, id);
    while (consent != NULL && memcmp(consent->id, id, QR_KEY_SIZE) != 0) {
        consent = consent->bucket;
    }
    return consent;
}

static void forget(struct qr_fair *fair, struct consent *consent)
{
    struct consent **at = bucket_of(fair, consent->id);
    while (*at != consent) {
        at = &(*at)->bucket;
    }
    *at = consent->bucket;
    free(consent);
}

/* Takes the one with the turn out of the ring. */
static void leave_ring(struct qr_fair *fair)
{
    struct consent *first = fair->tail->ring;
    if (first == fair->tail) {
        fair->tail = NULL;
    } else {
        fair->tail->ring = first->ring;
    }
    fair->turn_begun = false;
    forget(fair, first);
}

struct qr_job *qr_job_create(const uint8_t consent[QR_KEY_SIZE], struct quire_bytes object)
{
    struct qr_job *job = malloc(sizeof *job + object.size);
    if (job != NULL) {
        *job = (struct qr_job){.size = object.size};
        memcpy(job->consent, consent, QR_KEY_SIZE);
        if (object.size > 0) {
            memcpy(job->object, object.data, object.size);
        }
    }
    return job;
}

enum quire_status qr_fair_push(struct qr_fair *fair, struct qr_job *job)
{
    struct consent *consent = find(fair, job->consent);
    if (consent == NULL) {
        consent = calloc(1, sizeof *consent);
        if (consent == NULL) {
            return QUIRE_ENOMEM;
        }
        memcpy(consent->id, job->consent, QR_KEY_SIZE);
        struct consent **bucket = bucket_of(fair, consent->id);
        consent->bucket = *bucket;
        *bucket = consent;
        consent->ring = fair->tail != NULL ? fair->tail->ring : consent;
        if (fair->tail != NULL) {
            fair->tail->ring = consent;
        }
        fair->tail = consent;
    }
    append(&consent->jobs, job);
    fair->count++;
    fair->bytes += job->size;
    return QUIRE_OK;
}

void qr_fair_push_urgent(struct qr_fair *fair, struct qr_job *job)
{
    append(&fair->urgent, job);
    fair->count++;
    fair->bytes += job->size;
}

struct qr_job *qr_fair_pop(struct qr_fair *fair)
{
    if (fair->urgent.first != NULL) {
        return take_first(fair, &fair->urgent);
    }
    while (fair->tail != NULL) {
        struct consent *consent = fair->tail->ring;
        if (!fair->turn_begun) {
            consent->deficit += QR_FAIR_QUANTUM;
            fair->turn_begun = true;
        }
        if (consent->jobs.first->size <= consent->deficit) {
            struct qr_job *job = take_first(fair, &consent->jobs);
            consent->deficit -= job->size;
            if (consent->jobs.first == NULL) {
                leave_ring(fair);
            }
            return job;
        }
        fair->turn_begun = false;
        fair->tail = consent; /* the next one's turn */
    }
    return NULL;
}

void qr_fair_drop(struct qr_fair *fair, const uint8_t consent[QR_KEY_SIZE],
    void (*dropped)(void *context, const struct qr_job *job), void *context)
{
    struct consent *found = find(fair, consent);
    if (found == NULL) {
        return;
    }
    while (found->jobs.first != NULL) {
        struct qr_job *job = take_first(fair, &found->jobs);
        if (dropped != NULL) {
            dropped(context, job);
        }
        free(job);
    }
    bool had_turn = fair->turn_begun && fair->tail->ring == found;
    struct consent *before = fair->tail;
    while (before->ring != found) {
        before = before->ring;
    }
    fair->turn_begun = fair->turn_begun && !had_turn;
    if (before == found) {
        fair->tail = NULL;
    } else {
        before->ring = found->ring;
        fair->tail = fair->tail == found ? before : fair->tail;
    }
    forget(fair, found);
}

size_t qr_fair_count(const struct qr_fair *fair)
{
    return fair->count;
}

size_t qr_fair_bytes(const struct qr_fair *fair)
{
    return fair->bytes;
}

void qr_fair_destroy(struct qr_fair *fair)
{
    struct qr_job *job;
    while (fair != NULL && (job = qr_fair_pop(fair)) != NULL) {
        free(job);
    }
    free(fair);
}
