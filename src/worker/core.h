/*
 * The core of the worker as a state machine: messages of the gate in, answers out. It holds the lane keys and, for the
 * time of one copy, its text. Pure: clock and random bytes come with each event, so that the simulation can run it.
 *
 * W1  a grant is signed by its own key, for this grantee, for insight, for the analyser that is loaded, and not
 *     over by the event's clock; a copy is signed by the grant's key
 * W2  a field that the grant does not name: in the copy's mask, refused unopened; inside, refused and wiped
 * W3  after a withdrawal nothing of that consent is opened as long as the core lives; its lane keys die with it
 * W4  the commitment and the place of a copy; a lane key is wiped at its end; the text, after each copy
 */
#ifndef QR_WORKER_CORE_H
#define QR_WORKER_CORE_H

#include "worker/analyse.h"
#include "worker/link.h"
#include "worker/objects.h"

#define QR_CORE_CONSENTS_MAX 16384 /* remembered: receipts chain, withdrawals hold */
#define QR_CORE_KEYS_MAX 8
#define QR_CORE_SEAL_MS (INT64_C(7) * 24 * 3600 * 1000)
#define QR_CORE_OPEN_MS (INT64_C(28) * 24 * 3600 * 1000)
#define QR_CORE_BUNDLES_MAX 8

struct qr_worker_core;

struct qr_worker_core_options {
    const struct qr_vault *vault; /* the instance's; borrowed while the core lives */
    uint8_t grantee[QR_USER_SIZE];
    uint32_t roster_count;
    int64_t rotate_ms; /* at most QR_CORE_SEAL_MS */
    uint8_t build[QR_HASH_SIZE];
    uint16_t policy;
    struct quire_bytes bundles[QR_CORE_BUNDLES_MAX];
    size_t bundle_count;
};

struct qr_worker_event {
    int64_t wall_ms; /* the core's own clock; one that goes back is not followed */
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct quire_bytes bytes; /* one datagram of the gate */
};

/** EMALFORMED, EUNSUPPORTED, EINVALID: of a bundle. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_worker_core_create(
    const struct qr_worker_core_options *options, struct qr_worker_core **out_core);
/** Wipes and frees; accepts NULL. */
void qr_worker_core_destroy(struct qr_worker_core *core);

/** The first message, before any event. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_worker_core_ready(
    const struct qr_worker_core *core, struct quire_buffer *out_message);

/** Appends the one answer to a message. EMALFORMED: it is no message to the core; nothing has changed, and a gate that
 * sends such is not to be served any longer. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_worker_core_step(struct qr_worker_core *core,
    const struct qr_worker_event *event, struct quire_buffer *out_answer);

/** Is there anything of the last text in its memory? For tests. */
bool qr_worker_core_is_clean(const struct qr_worker_core *core);

#endif
