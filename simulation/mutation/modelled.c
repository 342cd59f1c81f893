/*
 * quire-sim-mutants model: the attacks that were modelled before there was any code (protocol/, §5 of
 * the design), against the real devices: the same schedules of 60 steps, the same rules taken out.
 *
 * Three devices. In each step one of them writes, and the server has it; or one of them is shown what
 * the server wants to show it. At the end the server hands everything to everybody.
 */
#include "base/writer.h"
#include "search.h"

#include "arguments.h"
#include "checkers/checkers.h"
#include "adversary/mallory.h"
#include "people/model.h"
#include "network/network.h"
#include "people/people.h"
#include "server/server.h"
#include "sync/device/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STARTS_MOST 100000u
#define STEPS 60u
#define STEP_MS (11u * 60 * 1000) /* above the ten minutes of the omission rule, as in the model */
#define PHONES 3u
#define REJOIN_MS (20u * 60 * 1000)
#define SETTLING_MS (2u * 60 * 1000) /* so long at least, for what comes late */
#define BATCHES_MAX 512u

enum attack { NONE, DROP, REORDER, REPLAY, MUTATE, RELABEL, PARTITION, RESTORE, ROLLBACK, ATTACKS };
static const char *const attack_names[ATTACKS] = {"none", "drop 20 %", "reorder", "replay",
    "mutate", "relabel", "partition", "server restored", "device rolled back"};

static const struct {
    const char *name;
    enum qr_failpoint failpoint;
} rules[] = {
    {"all", QR_FAILPOINT_COUNT},
    {"no deps", QR_FAILPOINT_NO_DEPENDENCIES},
    {"no omission rule", QR_FAILPOINT_NO_OMISSION_RULE},
    {"one chain", QR_FAILPOINT_ONE_CHAIN},
};

static const char usage[] =
    "usage: quire-sim-mutants model [--starts N]\n"
    "\n"
    "N schedules (200) of 60 steps per attack and set of rules, with three real devices:\n"
    "  unsafe    a device took what no device signed, an effect without its cause, or the other side of a\n"
    "            fork; or two devices hold different batches at one place\n"
    "  alarmed   some device raised an alarm, before the server handed everything to everybody\n"
    "  +rejoin   the same, afterwards\n"
    "  healed    all devices have the same in the end\n";

/* What one schedule needs beside the world. */
struct play {
    enum attack attack;
    struct prng dice;
    bool released[PHONES][BATCHES_MAX]; /* by index in the account's items */
    bool in_view[PHONES][BATCHES_MAX];
    size_t known; /* items that were looked at */
    uint32_t step;
    bool rejoined;
};
static struct play play; /* one at a time */

static struct account *account_of(struct world *world)
{
    return world->mallory->account_count > 0 ? &world->mallory->accounts[0] : NULL;
}

static bool shows(
    const struct world *world, const struct session *session, const struct given *given)
{
    size_t index = (size_t)(given - world->mallory->accounts[0].items);
    if (play.attack == ROLLBACK && session->phone == 0 && play.step >= 35) {
        return play.released[0][index];
    }
    return given->phone == session->phone || play.released[session->phone][index];
}

static const struct strategy modelled = {
    .name = "modelled", .rows = "-", .text = "plays a schedule", .shows = shows};

/* ---- views ----------------------------------------------------------------------------------- */

/* Which views a batch gets into that came up in this step. */
static void spread(struct world *world)
{
    const struct account *account = account_of(world);
    for (; play.known < account->count && play.known < BATCHES_MAX; play.known++) {
        uint32_t author = account->items[play.known].phone;
        for (uint32_t phone = 0; phone < PHONES; phone++) {
            bool apart =
                play.attack == PARTITION && play.step > 20 && (phone == 2) != (author == 2);
            bool dropped = play.attack == DROP && prng_below(&play.dice, 10) < 2;
            play.in_view[phone][play.known] = phone == author || (!apart && !dropped);
        }
    }
}

static void must(enum quire_status status)
{
    if (status != QUIRE_OK) {
        abort();
    }
}

/* One batch with another's place, or with other content; signed as before. */
static void spoil(
    struct world *world, struct account *account, uint32_t phone, struct quire_buffer *out)
{
    const struct given *given = &account->items[prng_below(&play.dice, account->count)];
    struct qr_batch batch;
    quire_buffer_clear(out);
    must(quire_buffer_append(out, given->bytes, given->size));
    must(qr_batch_read(quire_buffer_bytes(out), &batch));
    if (play.attack == MUTATE) {
        out->data[out->size - QR_SIGNATURE_SIZE - 1] ^= 1; /* the end of the ciphertext */
    } else {
        const struct device_chain *chain =
            device_chain_find(world->phones[phone].device, given->replica);
        qr_store_u64(out->data + 1 + QR_REPLICA_SIZE, chain == NULL ? 2 : chain->head + 1);
    }
}

static void hand_out(struct world *world, uint32_t phone)
{
    struct account *account = account_of(world);
    struct session *session = mallory_session_of(world, phone);
    spread(world); /* what took longer than usual to come */
    struct quire_bytes items[BATCHES_MAX];
    struct qr_frame_position positions[64];
    struct quire_buffer spoilt = {0};
    size_t count = 0, chains = 0;
    if (session == NULL || !session->subscribed) {
        return;
    }
    for (size_t i = 0; i < play.known; i++) {
        const struct given *given = &account->items[i];
        if (!play.in_view[phone][i]) {
            continue;
        }
        play.released[phone][i] = true;
        if (given->phone != phone) {
            items[count++] = (struct quire_bytes){given->bytes, given->size};
        }
        size_t place = 0;
        while (place < chains
            && memcmp(positions[place].replica, given->replica, QR_REPLICA_SIZE) != 0) {
            place++;
        }
        positions[place] = (struct qr_frame_position){given->replica, given->seq, given->hash};
        chains = place == chains ? chains + 1 : chains;
    }
    for (size_t i = count; i > 1 && play.attack == REORDER; i--) {
        size_t other = prng_below(&play.dice, i);
        struct quire_bytes item = items[i - 1];
        items[i - 1] = items[other];
        items[other] = item;
    }
    if (count > 0 && play.attack == REPLAY) {
        items[count] = items[prng_below(&play.dice, count)];
        count++;
    }
    if (account->count > 0
        && (play.attack == RELABEL || (play.attack == MUTATE && prng_below(&play.dice, 10) < 3))) {
        spoil(world, account, phone, &spoilt);
        items[count++] = quire_buffer_bytes(&spoilt);
    }
    for (size_t from = 0; from < count; from += 64) {
        struct qr_frame frame = {.type = QR_FRAME_DELTA};
        frame.delta.batches = items + from;
        frame.delta.batch_count = count - from < 64 ? count - from : 64;
        mallory_send_raw(world, session, &frame);
    }
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    frame.caught_up.positions = positions;
    frame.caught_up.position_count = chains;
    mallory_send_raw(world, session, &frame);
    quire_buffer_finish(&spoilt);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void write(struct world *world, uint32_t number)
{
    static const uint8_t diary[QUIRE_ENTRY_SIZE] = "the same diary";
    struct phone *phone = &world->phones[number];
    struct quire_document *document = NULL;
    struct quire_event save = {.kind = QUIRE_EVENT_SAVE};
    must(quire_device_document(phone->device, diary, true, &document));
    struct quire_stamp stamp = quire_device_stamp(phone->device, phone_wall_ms(world, phone));
    must(quire_document_insert(document, &stamp, 0, quire_bytes_of_text("x")));
    memcpy(save.entry, diary, sizeof diary);
    (void)phone_step(world, phone, save);
    (void)phone_step(world, phone, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    world_run(world, world->now_ms + 20000);
    spread(world);
}

/* The first device is as it was at step 20; the server hides from it what it wrote since. */
static void roll_back(struct world *world)
{
    const struct account *account = account_of(world);
    struct phone *phone = &world->phones[0];
    phone_kill(world, phone, qr_failpoints[QR_FAILPOINT_ONE_CHAIN] ? false : true);
    disk_restore(&phone->disk);
    phone->life++;
    truth_restored(world, phone);
    phone_start(world, phone);
    for (size_t i = 0; i < play.known; i++) {
        const struct given *given = &account->items[i];
        const struct device_chain *chain = device_chain_find(phone->device, given->replica);
        bool lost = given->phone == 0 && (chain == NULL || given->seq > chain->head);
        play.in_view[0][i] &= !lost;
        play.released[0][i] = play.in_view[0][i];
    }
    world_run(world, world->now_ms + 30000); /* it connects again */
    write(world, 0);
}

static void do_step(struct world *world)
{
    uint64_t what = prng_below(&play.dice, 10);
    uint32_t phone = (uint32_t)prng_below(&play.dice, PHONES);
    if (what < 4) {
        write(world, phone);
    } else {
        hand_out(world, phone);
    }
    if (play.attack == ROLLBACK && play.step == 20) {
        world_run(world, world->now_ms + 20000);
        disk_backup(&world->phones[0].disk);
    }
    if (play.attack == ROLLBACK && play.step == 35) {
        roll_back(world);
    }
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static uint64_t alarms_of(const struct world *world)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < QUIRE_ALARM_COUNT; i++) {
        sum += world->mallory->alarms[i];
    }
    return sum;
}

static bool differ(const struct phone *a, const struct phone *b)
{
    struct qr_batch batch;
    for (size_t i = 0; i < a->disk.visible.count; i++) {
        const struct record *mine = &a->disk.visible.records[i];
        struct quire_bytes bytes;
        for (size_t j = 0; batch_on_disk(mine, &batch, &bytes) && j < b->disk.visible.count; j++) {
            const struct record *other = &b->disk.visible.records[j];
            if (quire_bytes_equal(mine->key, other->key)
                && memcmp(mine->value.data, other->value.data, QR_HASH_SIZE) != 0) {
                return true; /* at one place of one chain */
            }
        }
    }
    return false;
}

static bool is_unsafe(const struct world *world)
{
    return world->mallory->breaches > 0 || differ(&world->phones[0], &world->phones[1])
        || differ(&world->phones[0], &world->phones[2])
        || differ(&world->phones[1], &world->phones[2]);
}

struct sums {
    uint64_t unsafe, alarmed, rejoined, healed, played;
};

static void lose_a_third(struct world *world)
{
    struct account *account = account_of(world);
    size_t kept = account->count * 2 / 3;
    while (account->count > kept) {
        free(account->items[--account->count].bytes);
    }
    for (uint32_t i = 0; i < PHONES; i++) {
        struct session *session = mallory_session_of(world, i);
        if (session != NULL) {
            session->stage = SESSION_CLOSED;
            network_close_by_server(world, session->link);
        }
    }
}

/* The server hands everything to everybody. True: they all have the same then. */
static bool rejoin(struct world *world)
{
    char reason[512];
    uint64_t end_ms = world->now_ms + REJOIN_MS;
    world->healed = true;
    mallory_repents(world);
    do {
        world_run(world, world->now_ms + 1000);
    } while (!world->failed && world->now_ms < end_ms
        && (world->now_ms + REJOIN_MS - end_ms < SETTLING_MS
            || !converge_reached(world, reason, sizeof reason)));
    return !world->failed && converge_reached(world, reason, sizeof reason);
}

static void play_one(uint64_t seed, enum attack attack, struct sums *sums)
{
    struct options options;
    options_draw(&options, seed, 8);
    mallory_prepare(&options, STRATEGY_HONEST, seed);
    options.users = 1;
    options.phones = PHONES;
    options.cut_mean_s = options.retransmit_ppm = options.heal_cuts = options.last_join = 0;
    options.resting_s = UINT32_MAX; /* people write only in the schedule */
    memset(&play, 0, sizeof play);
    play.attack = attack;
    prng_seed(&play.dice, seed, 95);
    struct world *world = world_create(seed, &options, false);
    run_begin(world);
    world->mallory->strategy = &modelled;
    world->mallory->counting = true;
    world->mallory->begin_ms = UINT64_MAX;
    people_begin(world);
    world_run(world, 10 * 60 * 1000);
    world->mallory->begin_ms = world->now_ms;
    if (account_of(world) != NULL && world->phones[1].stage == PHONE_JOINED
        && world->phones[2].stage == PHONE_JOINED && !world->failed) {
        for (play.step = 0; play.step < STEPS && !world->failed; play.step++) {
            uint64_t next = world->now_ms + STEP_MS;
            do_step(world);
            world_run(world, next);
        }
        sums->alarmed += alarms_of(world) > 0;
        if (attack == RESTORE) {
            lose_a_third(world);
        }
        bool unsafe = is_unsafe(world);
        bool healed = rejoin(world);
        sums->played++;
        sums->unsafe += unsafe || is_unsafe(world);
        sums->rejoined += alarms_of(world) > 0;
        sums->healed += healed;
    }
    world_destroy(world);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

int command_model(int count, char **words)
{
    uint64_t starts = 200;
    bool safe = true;
    const struct argument known[] = {
        {"--starts", .number = &starts, .least = 1, .most = STARTS_MOST}};
    arguments_read("quire-sim-mutants model", usage, known, 1, count, words);
    printf("%-20s %-18s %7s %7s %8s %8s %8s\n", "attack", "rules", "played", "unsafe", "alarmed",
        "+rejoin", "healed");
    for (int attack = 0; attack < ATTACKS; attack++) {
        for (size_t rule = 0; rule < sizeof rules / sizeof *rules; rule++) {
            struct sums sums = {0};
            if (rules[rule].failpoint == QR_FAILPOINT_ONE_CHAIN && attack != ROLLBACK) {
                continue;
            }
            if (rules[rule].failpoint < QR_FAILPOINT_COUNT) {
                qr_failpoints[rules[rule].failpoint] = true;
            }
            for (uint64_t i = 0; i < starts; i++) {
                play_one(i + 1, (enum attack)attack, &sums);
            }
            if (rules[rule].failpoint < QR_FAILPOINT_COUNT) {
                qr_failpoints[rules[rule].failpoint] = false;
            }
            printf("%-20s %-18s %7" PRIu64 " %6.0f%% %7.0f%% %7.0f%% %7.0f%%\n",
                attack_names[attack], rules[rule].name, sums.played,
                percent(sums.unsafe, sums.played), percent(sums.alarmed, sums.played),
                percent(sums.rejoined, sums.played), percent(sums.healed, sums.played));
            fflush(stdout);
            safe &= rule != 0 || sums.unsafe == 0;
        }
    }
    return safe ? 0 : 1;
}
