/*
 * A server together with an enrolled device that means no good: it has keys of its own.
 */
#include "ideas.h"

#include "crypto/sign.h"

#include <stdlib.h>
#include <string.h>

#define TIME_TO_TELL_MS 60000

/* Two batches at one place of a chain: one for some, another for the others. */
void equivocate_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct qr_vault *vault = traitor_vault(world);
    struct session *sides[2] = {NULL, NULL};
    struct account *account = main_account(world);
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct session *session = is_target(world, i) ? mallory_session_of(world, i) : NULL;
        if (session != NULL && session->caught_up && session->account == account
            && session->roster_count == session->account->roster.count) {
            sides[sides[0] != NULL] = session;
        }
    }
    if (vault != NULL && sides[1] != NULL && !mallory->struck_once) {
        uint8_t hash[QR_HASH_SIZE];
        struct draft draft = forge_draft(account, mallory->replica, qr_vault_public(vault).device);
        struct quire_buffer *first = mallory_scratch(world), *second = mallory_scratch(world);
        forge_batch(account, &draft, vault, first, hash);
        draft.caught_up_at++;
        forge_batch(account, &draft, vault, second, hash);
        truth_batch(world, account->user, quire_buffer_bytes(first));
        truth_batch(world, account->user, quire_buffer_bytes(second));
        mallory->struck_once = true;
        mallory_misdeed(world, "Mallory shows two batches at one place, to phones # and #",
            sides[0]->phone, sides[1]->phone);
        if (qr_batch_read(quire_buffer_bytes(first), batch) == QUIRE_OK) {
            struct given *given = archive_put(world, account, batch, mallory->traitor);
            given->hidden_from = ~(UINT32_C(1) << sides[0]->phone);
        }
        mallory_deliver(world, sides[1], quire_buffer_bytes(second));
        mallory_pump(world, account);
        mallory->scratch_count = 0;
    }
    free(batch);
}

/* The first to build on one side of the fork is the one who shows it to the other. */
void equivocate_given(struct world *world, struct account *account, struct given *given)
{
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    (void)account;
    if (qr_batch_read((struct quire_bytes){given->bytes, given->size}, batch) == QUIRE_OK) {
        for (size_t i = 0; i < batch->dep_count; i++) {
            if (memcmp(batch->deps[i].replica, world->mallory->replica, QR_REPLICA_SIZE) == 0
                && world->now_ms + TIME_TO_TELL_MS < world->options.minutes * 60000) {
                mallory_strike(world);
            }
        }
    }
    free(batch);
}

/* A true ciphertext at a place that it was not sealed for, under a true signature; or noise. */
void moved_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct qr_vault *vault = traitor_vault(world);
    struct account *account = main_account(world);
    const struct given *from = vault == NULL ? NULL : any_given(world, account);
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    if (from != NULL && any_target(world) != NULL
        && qr_batch_read((struct quire_bytes){from->bytes, from->size}, batch) == QUIRE_OK
        && batch->changes[0].kind == QR_CHANGE_OPS) {
        struct draft draft = forge_draft(account, mallory->replica, qr_vault_public(vault).device);
        uint8_t entry[QR_ENTRY_SIZE], hash[QR_HASH_SIZE], noise[80];
        uint64_t how = prng_below(&mallory->chance, 3);
        draft.change = batch->changes[0];
        if (how == 0) {
            prng_bytes(&mallory->chance, entry, sizeof entry);
            draft.change.entry = entry;
        } else if (how == 1) {
            prng_bytes(&mallory->chance, noise, sizeof noise);
            draft.change.ciphertext = (struct quire_bytes){noise, sizeof noise};
        }
        struct quire_buffer *bytes = mallory_scratch(world);
        forge_batch(account, &draft, vault, bytes, hash);
        truth_batch(world, account->user, quire_buffer_bytes(bytes));
        mallory_misdeed(
            world, "Mallory's traitor moves a ciphertext: entry #, noise #", how == 0, how == 1);
        mallory_strike(world);
        if (qr_batch_read(quire_buffer_bytes(bytes), batch) == QUIRE_OK) {
            (void)archive_put(world, account, batch, mallory->traitor);
            mallory_pump(world, account);
        }
        mallory->scratch_count = 0;
    }
    free(batch);
}

/* A new epoch whose key is not the one that it commits to. */
void wrong_key_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct qr_vault *vault = traitor_vault(world);
    struct account *account = main_account(world);
    if (vault == NULL || mallory->struck_once || any_target(world) == NULL) {
        return;
    }
    mallory->struck_once = true;
    const struct qr_roster *roster = &account->roster;
    struct qr_record *record = sim_alloc(sizeof *record);
    uint8_t commitment[QR_HASH_SIZE], wrap[QR_RECORD_WRAP_SIZE], entropy[QR_ENTROPY_SIZE];
    uint8_t(*seals)[QR_SEAL_SIZE] = sim_alloc((QR_DEVICES_MAX + 1) * sizeof *seals);
    const struct qr_roster_device *active[QR_DEVICES_MAX];
    static const uint8_t recovery[QR_DEVICE_SIZE];
    size_t count = 0;
    for (size_t i = 0; i < roster->device_count; i++) { /* ascending, as the form wants it */
        size_t place = count;
        if (roster->devices[i].revoked_seq == 0 && count < QR_DEVICES_MAX) {
            count++;
            for (; place > 0
                 && memcmp(active[place - 1]->device, roster->devices[i].device, QR_DEVICE_SIZE)
                     > 0;
                 place--) {
                active[place] = active[place - 1];
            }
            active[place] = &roster->devices[i];
        }
    }
    qr_vault_set_user(mallory->own, account->id);
    prng_bytes(&mallory->chance, commitment, sizeof commitment);
    prng_bytes(&mallory->chance, wrap, sizeof wrap);
    prng_bytes(&mallory->chance, entropy, sizeof entropy);
    bool well = qr_vault_new_epoch(mallory->own, roster->epoch + 1, entropy) == QUIRE_OK;
    *record = (struct qr_record){.seq = roster->count,
        .kind = QR_RECORD_EPOCH,
        .prev = qr_roster_head(roster),
        .signer = qr_vault_public(vault).device};
    record->epoch.epoch = roster->epoch + 1;
    record->epoch.commitment = commitment;
    record->epoch.wrap = wrap;
    record->epoch.seal_count = count + 1;
    for (size_t i = 0; i <= count && well; i++) {
        prng_bytes(&mallory->chance, entropy, sizeof entropy);
        const uint8_t *box = i == 0 ? roster->recovery : active[i - 1]->box_public;
        well = qr_vault_seal_epoch(mallory->own, roster->epoch + 1, box, entropy, seals[i])
            == QUIRE_OK;
        record->epoch.seals[i].device = i == 0 ? recovery : active[i - 1]->device;
        record->epoch.seals[i].seal = seals[i];
    }
    struct quire_buffer *bytes = mallory_scratch(world);
    if (well) {
        forge_record(vault, record, bytes);
        truth_record(world, account->user, quire_buffer_bytes(bytes));
        well = qr_roster_append(&account->roster, quire_buffer_bytes(bytes)) == QUIRE_OK;
    }
    if (well) {
        mallory_misdeed(world, "Mallory's traitor makes epoch # with a key that is not its own",
            roster->epoch, 0);
        mallory_strike(world);
        mallory_pump(world, account);
    }
    mallory->scratch_count = 0;
    free(seals);
    free(record);
}

/* One batch of a chain: whether a phone is shown it, and whether the next one goes on from it. */
struct link_made {
    bool shown, goes_on;
};

/* A fresh chain of the traitor, for a target that will look at it. */
static void make_chain(
    struct world *world, const struct link_made *links, size_t count, const char *misdeed)
{
    struct mallory *mallory = world->mallory;
    struct session *session = any_target(world);
    const struct qr_vault *vault = traitor_vault(world);
    uint8_t replica[QR_REPLICA_SIZE], hash[QR_HASH_SIZE];
    if (vault == NULL || session == NULL || !session->caught_up
        || session->roster_count != session->account->roster.count) {
        return;
    }
    prng_bytes(&mallory->chance, replica, sizeof replica);
    struct draft draft = forge_draft(session->account, replica, qr_vault_public(vault).device);
    struct quire_buffer *batch = mallory_scratch(world);
    for (size_t i = 0; i < count; i++) {
        forge_batch(session->account, &draft, vault, batch, hash);
        truth_batch(world, 0, quire_buffer_bytes(batch));
        if (links[i].shown) {
            mallory_deliver(world, session, quire_buffer_bytes(batch));
        }
        if (links[i].goes_on) {
            memcpy(draft.prev, hash, sizeof hash);
            draft.seq++;
        }
        draft.caught_up_at++;
    }
    mallory_misdeed(world, misdeed, session->phone, 0);
    mallory_strike(world);
    mallory->scratch_count = 0;
}

/* One phone is given two batches for one place, one after the other. */
void twice_moment(struct world *world)
{
    static const struct link_made links[] = {{true, false}, {true, false}};
    make_chain(world, links, 2, "Mallory's traitor writes twice at one place, for phone #");
}

/* The second batch of a chain stands on another first one than the phone has. */
void other_branch_moment(struct world *world)
{
    static const struct link_made links[] = {{true, false}, {false, true}, {true, false}};
    make_chain(world, links, 3, "Mallory's traitor goes on from a batch unseen by phone #");
}
