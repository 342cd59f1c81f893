/*
 * The shell of a hub under test: its log in memory, its signature checks, and the answers to what it
 * asks for. Connections are the caller's: SEND and CLOSE actions are left to it.
 *
 *     qr_hub_step(shell.hub, &event, &actions);
 *     for each action: kit_hub_carry_out(&shell, action) || SEND or CLOSE: the caller's
 *     while (kit_hub_answer(&shell, &event)): feed the event, in the same way
 */
#ifndef QR_TESTS_KIT_HUB_H
#define QR_TESTS_KIT_HUB_H

#include "kit/log.h"
#include "sync/hub/hub.h"

struct kit_verdict {
    uint64_t token;
    size_t valid; /* how many jobs, from the first on, hold */
};

/** Zero-initialise, fill in `limits`, then kit_hub_start. */
struct kit_hub {
    struct qr_hub *hub; /* NULL: not started */
    struct qr_hub_limits limits;
    struct kit_log log;

    bool hold_verify;   /* VERIFY is not answered until this is false again */
    bool deny_verify;   /* VERIFY is answered as if no signature held */
    bool trust_batches; /* all signatures but those of roster records count as valid, unchecked */
    bool hold_commits;  /* PERSIST is not answered until this is false again */
    enum quire_status refuse_commits; /* not QUIRE_OK: PERSIST fails with this */

    struct kit_verdict *verdicts; /* of VERIFY actions not answered yet, in their order */
    size_t verdict_count, verdict_capacity;
};

/** Makes a hub over the durable part of the log; what was not durable is gone. */
void kit_hub_start(struct kit_hub *shell, const uint8_t log_id[QR_LOG_SIZE],
    const uint8_t entropy[QR_ENTROPY_SIZE]);
/** Ends the hub's process; the log stays. Accepts a shell that is not started. */
void kit_hub_stop(struct kit_hub *shell);
void kit_hub_finish(struct kit_hub *shell);

/** Carries out VERIFY, PERSIST and FORGET; false: the action is another one. */
bool kit_hub_carry_out(struct kit_hub *shell, const struct qr_hub_action *action);
/** Makes the next event that answers a VERIFY or PERSIST; false: there is none now. */
bool kit_hub_answer(struct kit_hub *shell, struct qr_hub_event *out_event);

#endif
