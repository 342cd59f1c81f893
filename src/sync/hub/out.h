/*
 * The actions of a step: what the hub sends, closes, verifies and persists.
 */
#ifndef QR_SYNC_HUB_OUT_H
#define QR_SYNC_HUB_OUT_H

#include "sync/hub/state.h"

void hub_out_clear(struct hub_out *out);
void hub_out_finish(struct hub_out *out);
QUIRE_CHECKED enum quire_status hub_out_end(
    struct hub_out *out, struct qr_hub_actions *out_actions);
void hub_send(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_close(struct qr_hub *hub, struct hub_connection *connection, uint16_t code);
/** ERROR about a batch (replica not NULL) or the connection; a fatal one closes it. */
struct hub_refusal {
    enum qr_error_code code;
    bool fatal;
    uint32_t retry_ms;
    const uint8_t *replica; /* NULL: of the connection */
    uint64_t seq;
    struct quire_bytes data;
    const char *cause; /* a few words for the operator's log; NULL: an answer as any, not logged */
};
void hub_refuse(
    struct qr_hub *hub, struct hub_connection *connection, const struct hub_refusal *refusal);
void hub_fatal(struct qr_hub *hub, struct hub_connection *connection, enum qr_error_code code,
    const char *cause);
/** stranger: the jobs wait behind all others. */
void hub_verify(struct qr_hub *hub, uint64_t token, const struct qr_verify_job *jobs, size_t count,
    bool stranger);
/** Copies the bytes; all records of a step go out as one PERSIST. */
void hub_persist(struct qr_hub *hub, const struct hub_user *user, const struct qr_log_entry *entry,
    struct quire_bytes bytes);
void hub_forget(struct qr_hub *hub, const struct hub_user *user, uint64_t lsn);

#endif
