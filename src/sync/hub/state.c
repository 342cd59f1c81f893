/*
 * The states of a connection.
 */
#include "sync/hub/state.h"
#include <assert.h>

#define IN(state) (1u << (state))

/* Where each state may lead; CLOSING always. */
static const unsigned next_states[HUB_STATE_COUNT] = {
    [HUB_NEW] = IN(HUB_LOADING) | IN(HUB_CHALLENGED),
    [HUB_LOADING] = IN(HUB_CHALLENGED),
    [HUB_CHALLENGED] = IN(HUB_AUTHENTICATING),
    [HUB_AUTHENTICATING] = IN(HUB_OFFERING) | IN(HUB_READY),
    [HUB_OFFERING] = IN(HUB_READY),
};

void hub_set_state(
    struct qr_hub *hub, struct hub_connection *connection, enum hub_connection_state state)
{
    enum hub_connection_state old = connection->state;
    assert(state == HUB_CLOSING ? old != HUB_CLOSING : (next_states[old] & IN(state)) != 0);
    if (old == HUB_LOADING) {
        DL_DELETE2(hub->loading, connection, prev_loading, next_loading);
    } else if (old == HUB_READY) {
        hub->counters.connections_ready--;
        connection->user->connection_count--;
        connection->member->connection_count--;
    }
    if (state == HUB_LOADING) {
        DL_APPEND2(hub->loading, connection, prev_loading, next_loading);
    } else if (state == HUB_READY) {
        hub->counters.connections_ready++;
        connection->user->connection_count++;
        connection->member->connection_count++;
    }
    connection->state = state;
}
