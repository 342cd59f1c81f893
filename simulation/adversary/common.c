/*
 * What several strategies need.
 */
#include "ideas.h"

#include "network/network.h"
#include "sync/device/state.h"

bool chance(struct world *world, uint64_t per_million)
{
    return prng_chance(&world->mallory->chance, per_million);
}

bool is_target(const struct world *world, uint32_t phone)
{
    return (world->mallory->target >> phone & 1) != 0;
}

struct account *main_account(struct world *world)
{
    struct mallory *mallory = world->mallory;
    for (size_t i = 0; i < mallory->account_count; i++) {
        if (mallory->accounts[i].user == 0) {
            return &mallory->accounts[i];
        }
    }
    return NULL;
}

struct session *any_target(struct world *world)
{
    uint32_t first = (uint32_t)prng_below(&world->mallory->chance, world->phone_count);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        uint32_t phone = (first + i) % world->phone_count;
        struct session *session = is_target(world, phone) ? mallory_session_of(world, phone) : NULL;
        if (session != NULL && session->subscribed && session->account->user == 0) {
            return session;
        }
    }
    return NULL;
}

const struct given *any_given(struct world *world, const struct account *account)
{
    return account->count == 0
        ? NULL
        : &account->items[prng_below(&world->mallory->chance, account->count)];
}

void turn_away_targets(struct world *world)
{
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct session *session = is_target(world, i) ? mallory_session_of(world, i) : NULL;
        if (session != NULL) {
            session->stage = SESSION_CLOSED;
            network_close_by_server(world, session->link);
        }
    }
}

const struct qr_vault *traitor_vault(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct account *account = main_account(world);
    if (mallory->traitor >= world->phone_count || account == NULL) {
        return NULL;
    }
    const struct phone *phone = &world->phones[mallory->traitor];
    bool enrolled = phone->device != NULL && phone->stage == PHONE_JOINED
        && qr_roster_active(&account->roster, phone->state.device)
        && qr_vault_has_epoch(phone->device->vault, account->roster.epoch);
    return enrolled ? phone->device->vault : NULL;
}
