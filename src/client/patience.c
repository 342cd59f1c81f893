/*
 * When a blocking call gives up.
 */
#include "client/patience.h"

static uint64_t known(const struct quire_device_state *state)
{
    return state->batch_count - state->unacknowledged_count + state->roster_count;
}

void qr_client_patience_begin(
    struct qr_client_patience *patience, const struct quire_device_state *state, uint64_t now_ms)
{
    patience->began_ms = patience->moved_ms = now_ms;
    patience->known_most = known(state);
    patience->missing_least = UINT64_MAX;
    patience->received_most = 0;
}

void qr_client_patience_look(struct qr_client_patience *patience,
    const struct quire_device_state *state, uint64_t received, uint64_t now_ms)
{
    bool moved = false;
    if (known(state) > patience->known_most) {
        patience->known_most = known(state);
        moved = true;
    }
    /* Only once the server has said what it lacks; the first word of it is no progress. */
    if (state->caught_up && state->not_on_server_count < patience->missing_least) {
        moved |= patience->missing_least != UINT64_MAX;
        patience->missing_least = state->not_on_server_count;
    }
    if (received >= patience->received_most + QR_CLIENT_PATIENCE_BYTES) {
        patience->received_most = received;
        moved = true;
    }
    if (moved) {
        patience->moved_ms = now_ms;
    }
}

void qr_client_patience_excuse(struct qr_client_patience *patience, uint64_t took_ms)
{
    patience->began_ms += took_ms;
    patience->moved_ms += took_ms;
}

enum qr_client_patience_end qr_client_patience_over(
    const struct qr_client_patience *patience, uint64_t now_ms)
{
    if (patience->deadline_ms != 0 && now_ms >= patience->began_ms + patience->deadline_ms) {
        return QR_CLIENT_PATIENCE_DEADLINE;
    }
    return patience->timeout_ms != 0 && now_ms >= patience->moved_ms + patience->timeout_ms
        ? QR_CLIENT_PATIENCE_TIMEOUT
        : QR_CLIENT_PATIENCE_LASTS;
}
