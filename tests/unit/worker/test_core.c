/*
 * The core as a state machine: what it opens, what it refuses, and what it leaves in memory. Each of W1 to W4 is seen
 * to be broken with its defence taken out.
 */
#include "base/reader.h"
#include "base/writer.h"
#include "person.h"
#include "worker/core.h"
#include "worker/models.h"
#include "worker/failpoints.h"
#include <criterion/criterion.h>
#include <sodium.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define NOW (INT64_C(20000) * DAY_MS)
#define CANARY "xylophonewombat so happy and wonderful today, thank you!"

bool qr_core_failpoints[QR_CORE_FAILPOINT_COUNT];

struct world {
    struct qr_vault *vault;
    struct qr_worker_core *core;
    struct person person;
    struct grant_plan grant_plan;
    struct copy_plan copy_plan;
    struct quire_buffer lane_key, answer;
    struct qr_link said; /* borrows from answer */
    int64_t now_ms;
    uint8_t turn;
};

static void step(struct world *world, const struct qr_link *message)
{
    struct quire_buffer bytes = {0};
    struct qr_worker_event event = {.wall_ms = world->now_ms, .entropy = {world->turn++}};
    cr_assert_eq(qr_link_write(message, &bytes), QUIRE_OK);
    event.bytes = quire_buffer_bytes(&bytes);
    quire_buffer_clear(&world->answer);
    cr_assert_eq(qr_worker_core_step(world->core, &event, &world->answer), QUIRE_OK);
    cr_assert_eq(qr_link_read(quire_buffer_bytes(&world->answer), &world->said), QUIRE_OK);
    quire_buffer_finish(&bytes);
}

static void take_key(struct world *world)
{
    step(world, &(struct qr_link){.type = QR_LINK_TICK});
    cr_assert_eq(world->said.type, QR_LINK_KEYS);
    cr_assert_geq(world->said.keys.count, 1);
    struct quire_bytes key = world->said.keys.items[0];
    quire_buffer_clear(&world->lane_key);
    cr_assert_eq(quire_buffer_append(&world->lane_key, key.data, key.size), QUIRE_OK);
}

static struct qr_worker_core_options options_of(const struct world *world)
{
    struct qr_worker_core_options options = {.vault = world->vault, .rotate_ms = 6 * DAY_MS};
    memset(options.grantee, 9, sizeof options.grantee);
    options.bundle_count = qr_models(options.bundles);
    return options;
}

static void start_core(struct world *world)
{
    struct qr_worker_core_options options = options_of(world);
    cr_assert_eq(qr_worker_core_create(&options, &world->core), QUIRE_OK);
    take_key(world);
}

static void begin(struct world *world)
{
    uint8_t seed[32] = {4};
    cr_assert(qr_crypto_init());
    *world = (struct world){.now_ms = NOW};
    cr_assert_eq(qr_vault_create(seed, &world->vault), QUIRE_OK);
    person_make(&world->person, 1);
    start_core(world);
    struct qr_worker_core_options options = options_of(world);
    world->grant_plan = (struct grant_plan){
        .purpose = 1, .fields = QR_FIELD_TEXT | 16, .not_after = (uint64_t)(NOW + 60 * DAY_MS)};
    memcpy(world->grant_plan.grantee, options.grantee, 32);
    qr_analyser_id(options.bundles, options.bundle_count, world->grant_plan.analyser);
    world->copy_plan = (struct copy_plan){.fields = QR_FIELD_TEXT, .text = CANARY, .rev = 1};
    memcpy(world->copy_plan.grantee, options.grantee, 32);
}

static void end(struct world *world)
{
    qr_worker_core_destroy(world->core);
    qr_vault_destroy(world->vault);
    quire_buffer_finish(&world->lane_key);
    quire_buffer_finish(&world->answer);
    memset(qr_core_failpoints, 0, sizeof qr_core_failpoints);
}

/* Shares a copy as the plans say; what the core answers is in world->said. */
static void share_as(struct world *world, enum qr_link_type type)
{
    struct quire_buffer grant = {0}, copy = {0};
    person_grant(&world->person, &world->grant_plan, &grant);
    world->copy_plan.lane_key = quire_buffer_bytes(&world->lane_key);
    person_copy(&world->person, &world->copy_plan, &copy);
    step(world,
        &(struct qr_link){
            .type = type, .work = {42, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}});
    quire_buffer_finish(&grant);
    quire_buffer_finish(&copy);
}

static void share(struct world *world)
{
    share_as(world, QR_LINK_COPY);
}

static void withdraw(struct world *world, const struct person *by)
{
    struct quire_buffer grant = {0}, withdrawal = {0};
    person_grant(&world->person, &world->grant_plan, &grant);
    person_withdraw(by, &withdrawal);
    step(world,
        &(struct qr_link){.type = QR_LINK_WITHDRAWAL,
            .work = {43, quire_buffer_bytes(&grant), quire_buffer_bytes(&withdrawal)}});
    quire_buffer_finish(&grant);
    quire_buffer_finish(&withdrawal);
}

static bool is_refused(const struct world *world, enum qr_link_why why)
{
    return world->said.type == QR_LINK_REFUSED && world->said.refused.why == why;
}

static bool is_outcome(const struct world *world, enum qr_outcome outcome)
{
    return world->said.type == QR_LINK_RESULT && world->said.done.outcome == outcome
        && world->said.done.result.data[1 + 32 + 32 + 16 + 32 + 8 + 8 + 32] == outcome;
}

Test(core, a_shared_copy_is_read_and_its_result_opens_for_the_person_alone)
{
    struct world world;
    struct quire_buffer content = {0};
    struct person other;
    begin(&world);
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_DONE));
    cr_assert_eq(world.said.done.lease, 42);
    struct quire_bytes result = world.said.done.result;
    struct quire_bytes body = {result.data, result.size - 64}, hashed;
    uint8_t hash[32];
    qr_hash(hash, QR_CONTEXT_RESULT, &body, 1);
    hashed = (struct quire_bytes){hash, 32};
    cr_assert(qr_verify(qr_vault_public(world.vault).sign_public, QR_CONTEXT_RESULT, &hashed, 1,
        result.data + body.size));
    struct quire_bytes sealed = {result.data + 166, body.size - 166};
    cr_assert_eq((sealed.size - QR_RESULT_SEAL_OVERHEAD) % QR_RESULT_PADDING, 0);
    person_make(&other, 2);
    cr_assert_not(person_open(&other, sealed, &content));
    cr_assert(person_open(&world.person, sealed, &content));
    cr_assert(content.size > 8 && content.data[0] == 1 && memcmp(content.data + 1, "\2en", 3) == 0);
    quire_buffer_finish(&content);
    end(&world);
}

Test(core, receipts_of_a_consent_form_a_chain)
{
    struct world world;
    uint8_t prev[32] = {0}, seq[8];
    begin(&world);
    for (uint64_t i = 1; i <= 5; i++) {
        world.copy_plan.rev = i;
        share(&world);
        struct quire_bytes result = world.said.done.result;
        qr_store_u64(seq, i);
        cr_assert_eq(memcmp(result.data + 121, seq, 8), 0, "seq of receipt %d", (int)i);
        if (i > 1) {
            cr_assert_eq(memcmp(result.data + 129, prev, 32), 0);
        }
        qr_result_hash(result, prev);
    }
    end(&world);
}

/* Runs `then` with the defence and without it: it must hold, and fail. */
static void with_and_without(enum qr_core_failpoint failpoint, bool (*holds)(struct world *world))
{
    struct world world;
    begin(&world);
    cr_assert(holds(&world), "with the defence");
    end(&world);
    begin(&world);
    qr_core_failpoints[failpoint] = true;
    cr_assert_not(holds(&world), "without the defence %d the test does not notice", failpoint);
    end(&world);
}

static bool another_grantee_is_refused(struct world *world)
{
    world->grant_plan.grantee[0] ^= 1;
    share(world);
    return is_refused(world, QR_LINK_OTHER_WORKER);
}

static bool another_analyser_is_refused(struct world *world)
{
    world->grant_plan.analyser[31] ^= 1;
    share(world);
    return is_refused(world, QR_LINK_OTHER_WORKER);
}

static bool another_purpose_is_refused(struct world *world)
{
    world->grant_plan.purpose = 2;
    share(world);
    return is_refused(world, QR_LINK_OTHER_WORKER);
}

static bool each_changed_byte_of_a_grant_is_refused(struct world *world)
{
    struct quire_buffer grant = {0}, copy = {0};
    bool refused = true;
    world->copy_plan.lane_key = quire_buffer_bytes(&world->lane_key);
    person_copy(&world->person, &world->copy_plan, &copy);
    person_grant(&world->person, &world->grant_plan, &grant);
    for (size_t i = 0; i < grant.size && refused; i++) {
        grant.data[i] ^= 4;
        step(world,
            &(struct qr_link){.type = QR_LINK_COPY,
                .work = {1, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}});
        refused = world->said.type == QR_LINK_REFUSED;
        grant.data[i] ^= 4;
    }
    quire_buffer_finish(&grant);
    quire_buffer_finish(&copy);
    return refused;
}

Test(core, w1_a_grant_for_another_worker_is_refused)
{
    with_and_without(QR_CORE_NO_GRANT, another_grantee_is_refused);
    with_and_without(QR_CORE_NO_GRANT, another_analyser_is_refused);
    with_and_without(QR_CORE_NO_GRANT, another_purpose_is_refused);
}

Test(core, w1_a_grant_that_was_changed_is_refused)
{
    with_and_without(QR_CORE_NO_GRANT, each_changed_byte_of_a_grant_is_refused);
}

static bool an_expired_grant_is_not_read(struct world *world)
{
    world->grant_plan.not_after = (uint64_t)NOW - 1;
    share(world);
    return is_outcome(world, QR_OUTCOME_EXPIRED);
}

Test(core, w1_what_is_over_is_not_read)
{
    with_and_without(QR_CORE_NO_EXPIRY, an_expired_grant_is_not_read);
}

Test(core, w1_a_clock_that_goes_back_revives_nothing)
{
    struct world world;
    begin(&world);
    world.grant_plan.not_after = (uint64_t)(NOW + DAY_MS);
    world.now_ms = NOW + 2 * DAY_MS;
    take_key(&world);
    world.now_ms = NOW;
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_EXPIRED));
    end(&world);
}

Test(core, w1_a_copy_of_another_key_or_a_wrong_signature_is_refused)
{
    struct world world;
    struct quire_buffer grant = {0};
    struct person other;
    begin(&world);
    world.copy_plan.fault = 1;
    share(&world);
    cr_assert(is_refused(&world, QR_LINK_BAD_COPY));
    world.copy_plan.fault = 0;
    person_make(&other, 2);
    person_grant(&other, &world.grant_plan, &grant);
    struct quire_buffer copy = {0};
    person_copy(&world.person, &world.copy_plan, &copy);
    step(&world,
        &(struct qr_link){.type = QR_LINK_COPY,
            .work = {1, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}});
    cr_assert(is_refused(&world, QR_LINK_BAD_COPY));
    quire_buffer_finish(&grant);
    quire_buffer_finish(&copy);
    end(&world);
}

static bool a_wide_copy_is_not_opened(struct world *world)
{
    world->copy_plan.fields = QR_FIELD_TEXT | 2; /* the title, too */
    share(world);
    return is_outcome(world, QR_OUTCOME_OUTSIDE);
}

static bool a_field_that_the_mask_hides_is_not_read(struct world *world)
{
    world->copy_plan.fields = 16; /* mood, says the mask; inside is text */
    share(world);
    return is_outcome(world, QR_OUTCOME_OUTSIDE) && qr_worker_core_is_clean(world->core);
}

Test(core, w2_a_field_outside_of_the_mask_is_not_read)
{
    with_and_without(QR_CORE_NO_MASK, a_wide_copy_is_not_opened);
    with_and_without(QR_CORE_NO_MASK, a_field_that_the_mask_hides_is_not_read);
}

static bool nothing_is_read_after_a_withdrawal(struct world *world)
{
    share(world);
    bool before = is_outcome(world, QR_OUTCOME_DONE);
    withdraw(world, &world->person);
    bool receipt = is_outcome(world, QR_OUTCOME_WITHDRAWN);
    share(world);
    return before && receipt && is_outcome(world, QR_OUTCOME_WITHDRAWN);
}

Test(core, w3_after_a_withdrawal_nothing_is_opened)
{
    with_and_without(QR_CORE_NO_WITHDRAWAL, nothing_is_read_after_a_withdrawal);
}

Test(core, w3_only_the_consents_own_key_withdraws_it)
{
    struct world world;
    struct person other;
    begin(&world);
    person_make(&other, 2);
    withdraw(&world, &other);
    cr_assert(is_refused(&world, QR_LINK_BAD_WITHDRAWAL));
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_DONE));
    end(&world);
}

Test(core, w3_after_a_restart_old_copies_do_not_open)
{
    struct world world;
    struct quire_buffer old = {0};
    begin(&world);
    cr_assert_eq(quire_buffer_append(&old, world.lane_key.data, world.lane_key.size), QUIRE_OK);
    qr_worker_core_destroy(world.core);
    world.turn = 100; /* other random bytes */
    start_core(&world);
    quire_buffer_clear(&world.lane_key);
    cr_assert_eq(quire_buffer_append(&world.lane_key, old.data, old.size), QUIRE_OK);
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_CLOSED));
    quire_buffer_finish(&old);
    end(&world);
}

static bool another_commitment_does_not_open(struct world *world)
{
    world->copy_plan.fault = 2;
    share(world);
    return is_outcome(world, QR_OUTCOME_CLOSED);
}

Test(core, w4_the_key_is_the_one_that_was_committed_to)
{
    with_and_without(QR_CORE_NO_COMMITMENT, another_commitment_does_not_open);
}

Test(core, w4_a_copy_is_bound_to_its_grantee_and_its_bytes)
{
    struct world world;
    begin(&world);
    world.copy_plan.fault = 3;
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_CLOSED));
    world.copy_plan.fault = 4;
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_CLOSED));
    world.copy_plan.fault = 0;
    world.copy_plan.grantee[5] ^= 1;
    share(&world);
    cr_assert(is_outcome(&world, QR_OUTCOME_CLOSED));
    end(&world);
}

static bool a_key_ends(struct world *world)
{
    world->grant_plan.not_after = (uint64_t)(NOW + 90 * DAY_MS);
    world->now_ms = NOW + QR_CORE_OPEN_MS - 1;
    share(world);
    bool before = is_outcome(world, QR_OUTCOME_DONE);
    world->now_ms = NOW + QR_CORE_OPEN_MS;
    share(world);
    return before && is_outcome(world, QR_OUTCOME_CLOSED);
}

Test(core, w4_a_lane_key_opens_for_28_days_and_no_longer)
{
    with_and_without(QR_CORE_NO_KEY_END, a_key_ends);
}

static bool the_text_is_wiped(struct world *world)
{
    bool clean = true;
    for (uint8_t fault = 0; fault <= 4; fault++) {
        world->copy_plan.fault = fault;
        share(world);
        clean = clean && qr_worker_core_is_clean(world->core);
    }
    return clean;
}

Test(core, w4_the_text_is_wiped_after_each_copy)
{
    with_and_without(QR_CORE_NO_WIPE, the_text_is_wiped);
}

Test(core, a_copy_that_cores_died_of_is_given_up_unopened)
{
    struct world world;
    begin(&world);
    share_as(&world, QR_LINK_GIVE_UP);
    cr_assert(is_outcome(&world, QR_OUTCOME_GAVE_UP));
    end(&world);
}

Test(core, keys_turn_and_at_most_two_are_sealed_to)
{
    struct world world;
    uint8_t last[32] = {0};
    begin(&world);
    for (int day = 0; day < 60; day++) {
        world.now_ms = NOW + day * DAY_MS;
        step(&world, &(struct qr_link){.type = QR_LINK_TICK});
        cr_assert(world.said.keys.count >= 1 && world.said.keys.count <= 2, "day %d", day);
        struct quire_bytes newest = world.said.keys.items[0];
        bool changed = memcmp(last, newest.data + 21, 32) != 0;
        cr_assert(!changed || day % 6 == 0 || world.said.keys.count == 2 || day % 6 == 1);
        memcpy(last, newest.data + 21, 32);
    }
    end(&world);
}

Test(core, what_is_no_message_to_the_core_changes_nothing)
{
    struct world world;
    begin(&world);
    const char *wrong[] = {"", "\x41", "\x02", "x"};
    for (size_t i = 0; i < 4; i++) {
        struct qr_worker_event event = {.wall_ms = NOW, .bytes = quire_bytes_of_text(wrong[i])};
        quire_buffer_clear(&world.answer);
        cr_assert_eq(qr_worker_core_step(world.core, &event, &world.answer), QUIRE_EMALFORMED);
        cr_assert_eq(world.answer.size, 0);
    }
    end(&world);
}

Test(core, more_consents_than_it_can_remember_are_refused)
{
    struct world world;
    begin(&world);
    for (uint32_t i = 0; i < QR_CORE_CONSENTS_MAX; i++) {
        struct quire_buffer withdrawal = {0};
        struct person person;
        person_make(&person, (uint8_t)i);
        uint8_t seed[32] = {7, (uint8_t)i, (uint8_t)(i >> 8)};
        crypto_sign_seed_keypair(person.sign_public, person.sign_secret, seed);
        person_withdraw(&person, &withdrawal);
        step(&world,
            &(struct qr_link){.type = QR_LINK_WITHDRAWAL,
                .work = {1, quire_bytes_of_text("none"), quire_buffer_bytes(&withdrawal)}});
        cr_assert(is_refused(&world, QR_LINK_BAD_GRANT), "%u", i);
        quire_buffer_finish(&withdrawal);
    }
    share(&world);
    cr_assert(is_refused(&world, QR_LINK_FULL));
    end(&world);
}
