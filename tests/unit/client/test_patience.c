/*
 * When a blocking call gives up.
 */
#include "client/patience.h"
#include <criterion/criterion.h>

static struct qr_client_patience begin(uint32_t timeout_ms, uint32_t deadline_ms)
{
    struct qr_client_patience patience = {.timeout_ms = timeout_ms, .deadline_ms = deadline_ms};
    struct quire_device_state state = {.batch_count = 10, .roster_count = 2};
    qr_client_patience_begin(&patience, &state, 1000);
    return patience;
}

static enum qr_client_patience_end look(struct qr_client_patience *patience,
    struct quire_device_state state, uint64_t received, uint64_t now_ms)
{
    state.roster_count = 2;
    qr_client_patience_look(patience, &state, received, now_ms);
    return qr_client_patience_over(patience, now_ms);
}

Test(patience, lasts_until_the_timeout_and_not_a_millisecond_longer)
{
    struct qr_client_patience patience = begin(30000, 0);
    struct quire_device_state state = {.batch_count = 10};
    cr_assert_eq(look(&patience, state, 0, 30999), QR_CLIENT_PATIENCE_LASTS);
    cr_assert_eq(look(&patience, state, 0, 31000), QR_CLIENT_PATIENCE_TIMEOUT);
}

Test(patience, connecting_and_small_talk_get_nowhere)
{
    struct qr_client_patience patience = begin(30000, 0);
    struct quire_device_state state = {.batch_count = 10};
    for (uint64_t now_ms = 1000; now_ms < 31000; now_ms += 1000) {
        state.connected = !state.connected;
        state.caught_up = state.connected;
        state.presence++;
        /* each connection brings a handshake of 800 bytes */
        cr_assert_eq(look(&patience, state, 800, now_ms), QR_CLIENT_PATIENCE_LASTS);
    }
    cr_assert_eq(look(&patience, state, 800, 31000), QR_CLIENT_PATIENCE_TIMEOUT);
}

Test(patience, a_new_batch_an_acknowledgement_and_a_whole_kilobyte_each_get_somewhere)
{
    struct qr_client_patience patience = begin(1000, 0);
    struct quire_device_state state = {.batch_count = 11};
    cr_assert_eq(look(&patience, state, 0, 1900), QR_CLIENT_PATIENCE_LASTS);
    cr_assert_eq(patience.moved_ms, 1900);
    state.batch_count = 12,
    state.unacknowledged_count = 1; /* sealed here: nothing came of it yet */
    (void)look(&patience, state, 0, 2000);
    cr_assert_eq(patience.moved_ms, 1900);
    state.unacknowledged_count = 0;
    (void)look(&patience, state, 0, 2100);
    cr_assert_eq(patience.moved_ms, 2100);
    (void)look(&patience, state, 1023, 2200);
    cr_assert_eq(patience.moved_ms, 2100);
    (void)look(&patience, state, 1024, 2300);
    cr_assert_eq(patience.moved_ms, 2300);
    (void)look(&patience, state, 0, 2400); /* another connection, from the start */
    (void)look(&patience, state, 1024, 2500);
    cr_assert_eq(patience.moved_ms, 2300);
    (void)look(&patience, state, 2048, 2600);
    cr_assert_eq(patience.moved_ms, 2600);
}

Test(patience, what_the_server_lacks_counts_as_it_shrinks_and_not_as_it_comes_back)
{
    struct qr_client_patience patience = begin(1000, 0);
    struct quire_device_state state = {.batch_count = 10, .not_on_server_count = 0};
    (void)look(&patience, state, 0, 1100); /* it has not said yet */
    state.caught_up = true;
    state.not_on_server_count = 8;
    (void)look(&patience, state, 0, 1200);
    cr_assert_eq(patience.moved_ms, 1000);
    state.not_on_server_count = 7;
    (void)look(&patience, state, 0, 1300);
    cr_assert_eq(patience.moved_ms, 1300);
    state.not_on_server_count = 8; /* it died with it */
    (void)look(&patience, state, 0, 1400);
    state.not_on_server_count = 7;
    (void)look(&patience, state, 0, 1500);
    cr_assert_eq(patience.moved_ms, 1300);
}

Test(patience, the_deadline_holds_whatever_moves)
{
    struct qr_client_patience patience = begin(1000, 5000);
    struct quire_device_state state = {.batch_count = 10};
    for (uint64_t now_ms = 1000; now_ms < 6000; now_ms += 500) {
        state.batch_count++;
        cr_assert_eq(look(&patience, state, 0, now_ms), QR_CLIENT_PATIENCE_LASTS);
    }
    state.batch_count++;
    cr_assert_eq(look(&patience, state, 0, 6000), QR_CLIENT_PATIENCE_DEADLINE);
}

Test(patience, the_time_of_a_person_is_not_counted)
{
    struct qr_client_patience patience = begin(1000, 2000);
    struct quire_device_state state = {.batch_count = 10};
    qr_client_patience_excuse(&patience, 60000);
    cr_assert_eq(look(&patience, state, 0, 61999), QR_CLIENT_PATIENCE_LASTS);
    cr_assert_eq(look(&patience, state, 0, 62000), QR_CLIENT_PATIENCE_TIMEOUT);
}
