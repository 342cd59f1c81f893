#include "recipe.h"
#include <assert.h>
#include <stdlib.h>

uint8_t recipe_byte(struct quire_bytes script, size_t index)
{
    return index < script.size ? script.data[index] : 0;
}

void recipe_init(
    struct recipe *recipe, const struct qr_vault *first, const struct qr_roster *roster)
{
    static struct qr_vault *others[RECIPE_VAULTS];
    *recipe = (struct recipe){.roster = roster, .vaults = {first}};
    for (uint8_t i = 1; i < RECIPE_VAULTS; i++) {
        uint8_t entropy[QR_ENTROPY_SIZE] = {i};
        enum quire_status status =
            others[i] == NULL ? qr_vault_create(entropy, &others[i]) : QUIRE_OK;
        assert(status == QUIRE_OK);
        recipe->vaults[i] = others[i];
    }
    for (uint8_t i = 0; i < RECIPE_CHAINS; i++) {
        recipe->chains[i] =
            forger_of(recipe->vaults[i % RECIPE_VAULTS], roster, (uint8_t)('a' + i));
    }
}

void recipe_finish(struct recipe *recipe)
{
    quire_buffer_finish(&recipe->bytes);
}

/* Four bytes: which chain, and of what kind; its place; its deps; its roster and who signs. */
static void make_batch(struct recipe *recipe, const uint8_t *how, struct quire_buffer *out_batch)
{
    static const uint8_t entries[2][QR_ENTRY_SIZE] = {"one", "two"};
    struct forger *chain = &recipe->chains[how[0] % RECIPE_CHAINS];
    struct forger signer = *chain;
    struct plan plan = forge_plan(chain, entries[how[0] >> 3 & 1], how[0] & 16 ? "text" : NULL);
    uint8_t hash[QR_HASH_SIZE];
    switch (how[1] & 7) {
    case 1:
        plan.seq = chain->seq > 0 ? chain->seq : 1; /* another batch at the head's place */
        plan.prev[0] ^= plan.seq > 1;
        break;
    case 2:
        plan.seq++;
        plan.prev[0] |= 1;
        break;
    case 3:
        plan.seq = UINT64_MAX;
        plan.prev[0] |= 1;
        break;
    default: break;
    }
    if (plan.seq == 1) {
        memset(plan.prev, 0, sizeof plan.prev);
    }
    if (how[2] & 8) {
        const struct forger *cause = &recipe->chains[how[2] % RECIPE_CHAINS];
        if (cause != chain) {
            struct qr_dep *dep = &plan.deps[plan.dep_count++];
            memcpy(dep->replica, cause->replica, sizeof dep->replica);
            memcpy(dep->hash, cause->head, sizeof dep->hash);
            dep->seq = cause->seq + (how[2] & 16 || cause->seq == 0);
            dep->hash[0] ^= (how[2] & 32) != 0;
        }
    }
    plan.caught_up_at = how[2] & 64 ? UINT64_MAX : 0;
    switch (how[3] & 3) {
    case 1: plan.roster_seq -= plan.roster_seq > 0; break;
    case 2: plan.roster_seq++; break;
    default: break;
    }
    plan.epoch += (how[3] & 4) != 0;
    if (how[3] & 8) {
        signer.vault = recipe->vaults[how[3] >> 4 & 3];
    }
    if (how[3] & 64) {
        memcpy(plan.device, qr_vault_public(signer.vault).device, sizeof plan.device);
    }
    if (plan.epoch == 0 || !qr_vault_has_epoch(signer.vault, plan.epoch)) {
        plan.text = NULL; /* no key to seal with */
    }
    forge_batch(&signer, &plan, out_batch, hash);
    if ((how[1] & 8) == 0) { /* the chain goes on from it */
        chain->seq = plan.seq == UINT64_MAX ? chain->seq : plan.seq;
        memcpy(chain->head, hash, sizeof hash);
    }
    chain->random = signer.random;
}

bool recipe_batches(struct recipe *recipe, struct quire_bytes script, struct quire_bytes *out_items,
    size_t *out_count)
{
    size_t ends[64], count = script.size / RECIPE_BATCH_SIZE;
    count = count > 16 ? 16 : count;
    quire_buffer_clear(&recipe->bytes);
    for (size_t i = 0; i < count; i++) {
        make_batch(recipe, script.data + i * RECIPE_BATCH_SIZE, &recipe->bytes);
        ends[i] = recipe->bytes.size;
    }
    for (size_t i = 0; i < count; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        out_items[i] = (struct quire_bytes){recipe->bytes.data + start, ends[i] - start};
    }
    *out_count = count;
    return count > 0;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, QR_DEVICE_SIZE);
}

static int compare_pins(const void *a, const void *b)
{
    return memcmp(
        ((const struct qr_dep *)a)->replica, ((const struct qr_dep *)b)->replica, QR_REPLICA_SIZE);
}

static void pin_chains(
    const struct recipe *recipe, size_t who, uint8_t how, struct qr_record *record)
{
    for (size_t i = who; i < RECIPE_CHAINS; i += RECIPE_VAULTS) {
        const struct forger *chain = &recipe->chains[i];
        if (chain->seq > 0) {
            struct qr_dep *pin = &record->revoke.pins[record->revoke.pin_count++];
            memcpy(pin->replica, chain->replica, sizeof pin->replica);
            memcpy(pin->hash, chain->head, sizeof pin->hash);
            pin->seq = chain->seq + (how & 1);
            pin->hash[0] ^= (how & 2) != 0;
        }
    }
    qsort(record->revoke.pins, record->revoke.pin_count, sizeof *record->revoke.pins, compare_pins);
}

bool recipe_record(
    struct recipe *recipe, struct quire_bytes script, struct quire_buffer *out_record)
{
    static const uint8_t zeros[QR_RECORD_NAME_SIZE];
    static struct qr_record record;
    const uint8_t *active[QR_DEVICES_MAX];
    const struct qr_roster *roster = recipe->roster;
    uint8_t kind = recipe_byte(script, 0), how = recipe_byte(script, 1);
    size_t who = kind >> 2 & 3, count = 0;
    struct forger signer = recipe->chains[how & 3];
    struct qr_vault_public public = qr_vault_public(recipe->vaults[who]);
    memset(&record, 0, sizeof record);
    if (roster->count >= QR_RECORDS_MAX) {
        return false;
    }
    switch (kind & 3) {
    case 0:
        record.kind = QR_RECORD_REVOKE;
        record.revoke.device = public.device;
        pin_chains(recipe, who, how >> 2, &record);
        break;
    case 1:
        record.kind = QR_RECORD_EPOCH;
        record.epoch.epoch = roster->epoch + 1;
        record.epoch.commitment = zeros;
        record.epoch.wrap = roster->epoch == 0 ? NULL : zeros;
        for (size_t i = 0; i < roster->device_count && count < QR_DEVICES_MAX; i++) {
            if (roster->devices[i].revoked_seq == 0) {
                active[count++] = roster->devices[i].device;
            }
        }
        qsort(active, count, sizeof *active, compare_ids);
        for (size_t i = 0; i <= count; i++) {
            record.epoch.seals[i].device = i == 0 ? zeros : active[i - 1];
            record.epoch.seals[i].seal = zeros;
        }
        record.epoch.seal_count = count + 1;
        break;
    default:
        if (roster->epoch == 0) { /* a line of the genesis alone has no key to hand over */
            return false;
        }
        record.kind = QR_RECORD_ADD;
        record.add.sign_public = public.sign_public;
        record.add.box_public = public.box_public;
        record.add.epoch = roster->epoch;
        record.add.name = zeros;
        record.add.seal = zeros;
        break;
    }
    forge_record(&signer, &record, out_record);
    if (how & 128) {
        out_record->data[out_record->size - 1] ^= 1;
    }
    return true;
}

/* Two bytes: which chain, and how far its head is moved. */
static uint64_t moved(const struct forger *chain, uint8_t how)
{
    uint64_t seq = chain->seq;
    switch (how & 3) {
    case 1: seq++; break;
    case 2: seq -= seq > 1; break;
    case 3: seq = UINT64_MAX; break;
    default: break;
    }
    return seq == 0 ? 1 : seq;
}

size_t recipe_positions(struct recipe *recipe, struct quire_bytes script)
{
    size_t count = script.size / 2 < 64 ? script.size / 2 : 64;
    for (size_t i = 0; i < count; i++) {
        const struct forger *chain = &recipe->chains[script.data[2 * i] % RECIPE_CHAINS];
        recipe->space.positions[i] = (struct qr_frame_position){chain->replica,
            moved(chain, script.data[2 * i + 1]), chain->head + (script.data[2 * i] >> 7)};
    }
    return count;
}

size_t recipe_ranges(struct recipe *recipe, struct quire_bytes script)
{
    size_t count = script.size / 2 < 64 ? script.size / 2 : 64;
    for (size_t i = 0; i < count; i++) {
        const struct forger *chain = &recipe->chains[script.data[2 * i] % RECIPE_CHAINS];
        uint64_t to = moved(chain, script.data[2 * i + 1]);
        uint64_t from = script.data[2 * i] & 128 ? to : 1;
        recipe->space.ranges[i] = (struct qr_frame_range){chain->replica, from, to};
    }
    return count;
}
