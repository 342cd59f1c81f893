#include "kit/hub.h"
#include "crypto/sign.h"
#include "kit/need.h"
#include <stdlib.h>
#include <string.h>

void kit_hub_start(struct kit_hub *shell, const uint8_t log_id[QR_LOG_SIZE],
    const uint8_t entropy[QR_ENTROPY_SIZE])
{
    struct qr_log_reader reader = kit_log_reader(&shell->log);
    kit_hub_stop(shell);
    kit_log_cut(&shell->log, shell->log.durable);
    KIT_OK(
        qr_hub_create(&shell->limits, &reader, log_id, shell->log.durable, entropy, &shell->hub));
}

void kit_hub_stop(struct kit_hub *shell)
{
    qr_hub_destroy(shell->hub);
    shell->hub = NULL;
    shell->verdict_count = 0;
}

void kit_hub_finish(struct kit_hub *shell)
{
    kit_hub_stop(shell);
    kit_log_finish(&shell->log);
    free(shell->verdicts);
    shell->verdicts = NULL;
    shell->verdict_capacity = 0;
}

static bool is_valid(const struct kit_hub *shell, const struct qr_verify_job *job)
{
    struct quire_bytes message = {job->message, sizeof job->message};
    return (shell->trust_batches && job->context != QR_CONTEXT_ROSTER_SIGN)
        || qr_verify(job->public_key, (enum qr_context)job->context, &message, 1, job->signature);
}

static void verify(struct kit_hub *shell, const struct qr_hub_action *action)
{
    struct kit_verdict verdict = {.token = action->token};
    KIT_NEED(action->job_count > 0);
    while (!shell->deny_verify && verdict.valid < action->job_count
        && is_valid(shell, &action->jobs[verdict.valid])) {
        verdict.valid++;
    }
    if (shell->verdict_count == shell->verdict_capacity) {
        shell->verdict_capacity = shell->verdict_capacity == 0 ? 16 : 2 * shell->verdict_capacity;
        shell->verdicts =
            realloc(shell->verdicts, shell->verdict_capacity * sizeof *shell->verdicts);
        KIT_NEED(shell->verdicts != NULL);
    }
    shell->verdicts[shell->verdict_count++] = verdict;
}

bool kit_hub_carry_out(struct kit_hub *shell, const struct qr_hub_action *action)
{
    switch (action->kind) {
    case QR_HUB_VERIFY: verify(shell, action); return true;
    case QR_HUB_PERSIST:
        for (size_t i = 0; i < action->record_count; i++) {
            kit_log_append(&shell->log, &action->records[i]);
        }
        return true;
    case QR_HUB_FORGET: kit_log_forget(&shell->log, action->user, action->lsn); return true;
    default: return false;
    }
}

bool kit_hub_answer(struct kit_hub *shell, struct qr_hub_event *out_event)
{
    if (shell->verdict_count > 0 && !shell->hold_verify) {
        struct kit_verdict first = shell->verdicts[0];
        shell->verdict_count--;
        memmove(shell->verdicts, shell->verdicts + 1, shell->verdict_count * sizeof first);
        *out_event = (struct qr_hub_event){
            .kind = QR_HUB_VERIFIED, .token = first.token, .size = first.valid};
        return true;
    }
    if (shell->log.durable == shell->log.count || shell->hold_commits) {
        return false;
    }
    if (shell->refuse_commits != QUIRE_OK) {
        kit_log_cut(&shell->log, shell->log.durable);
        *out_event = (struct qr_hub_event){.kind = QR_HUB_PERSIST_FAILED,
            .lsn = shell->log.durable + 1,
            .code = shell->refuse_commits};
        return true;
    }
    shell->log.durable = shell->log.count;
    *out_event = (struct qr_hub_event){.kind = QR_HUB_PERSISTED, .lsn = shell->log.durable};
    return true;
}
