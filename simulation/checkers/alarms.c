/*
 * Claim: a device raises no alarm but those that the faults of this run explain. The rest would
 * teach people to ignore them.
 */
#include "checkers.h"

#include "people/model.h"

static bool expected(const struct world *world, uint32_t alarm)
{
    const struct options *options = &world->options;
    bool odd_clocks = options->skew_ms > 0 || options->clock_jump_mean_s > 0
        || options->clock_frozen_ppm > 0 || options->server_skew_ms > 0;
    /* Below what WebSocket promises: an old CAUGHT_UP that comes again is a server that is behind, a
     * lost ROSTER_RECORDS is a roster with a hole. */
    bool broken_stream = options->drop_ppm > 0 || options->duplicate_ppm > 0
        || options->reorder_ppm > 0 || options->withhold_ppm > 0;
    switch (alarm) {
    case QUIRE_ALARM_CLOCK: return odd_clocks;
    case QUIRE_ALARM_SERVER_BEHIND: return broken_stream || world->model->server_lost;
    case QUIRE_ALARM_WITHHELD: return broken_stream || odd_clocks || world->model->server_lost;
    case QUIRE_ALARM_REVOKED_WRITE: return world->marks[MARK_revoked] > 0;
    case QUIRE_ALARM_ROSTER: return broken_stream || world->model->server_lost;
    default: /* forged, forked, unreadable: no part of this world does that */ return false;
    }
}

static void noticed(struct world *world, struct phone *phone, const struct quire_action *action)
{
    uint32_t alarm = action->code;
    if (action->notice != QUIRE_NOTICE_ALARM || world->mallory != NULL
        || world->interpreter != NULL) {
        return;
    }
    if (expected(world, alarm)) {
        mark(world, MARK_alarm_expected);
        if (alarm == QUIRE_ALARM_ROSTER) {
            mark(world, MARK_roster_contradicted);
        }
        if (alarm == QUIRE_ALARM_SERVER_BEHIND) {
            mark(world, MARK_sent_again_after_server_loss);
        }
        return;
    }
    world_fail(world, "alarms", "phone %u raises an alarm without a cause: %s", phone->number,
        quire_alarm_text(alarm));
}

const struct observer alarms_observer = {.phone_notice = noticed};
