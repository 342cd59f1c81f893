/*
 * Random worlds: replicas edit, take deltas, exchange them in any causal order, twice or as states,
 * crash and come back with what they had kept. At every step each replica shows what the reference
 * shows, and in the end all hold the same state. A failure prints its seed.
 */
#include "reference.h"
#include <stdlib.h>
#include <string.h>

#define REPLICAS_MAX 5
#define MESSAGES_MAX 512

/** What travels: deltas that one take gave, or a state; and the edits in it. */
struct message {
    struct quire_buffer parts[64];
    size_t part_count;
    unsigned char edits[REFERENCE_EDITS_MAX]; /* that it holds */
    unsigned char needs[REFERENCE_EDITS_MAX]; /* that must be known before */
};

struct replica {
    struct quire_document *document;
    struct reference reference;
    uint8_t replica[QUIRE_REPLICA_SIZE];
    uint64_t counter;
    unsigned char pending[REFERENCE_EDITS_MAX]; /* edits that no delta has taken */
    size_t received[MESSAGES_MAX * 8];
    size_t received_count;
    struct quire_buffer kept; /* pending edits, as on disk */
    unsigned char kept_edits[REFERENCE_EDITS_MAX];
};

struct world {
    struct dice dice;
    uint64_t seed;
    struct edits edits;
    struct replica replicas[REPLICAS_MAX];
    size_t replica_count;
    struct message messages[MESSAGES_MAX];
    size_t message_count;
    int64_t clock;
};

static void new_replica(struct world *world, struct replica *replica)
{
    for (size_t i = 0; i < QUIRE_REPLICA_SIZE; i++) {
        replica->replica[i] = (uint8_t)roll(&world->dice);
    }
    replica->counter = 0;
}

static struct quire_stamp next_stamp(struct world *world, struct replica *replica)
{
    struct quire_stamp stamp;
    memcpy(stamp.replica, replica->replica, sizeof stamp.replica);
    /* Clocks agree now and then, go back, or are years off. */
    world->clock += (int64_t)pick(&world->dice, 5) - 1;
    bool wild = pick(&world->dice, 20) == 0;
    stamp.wall_ms = wild ? (int64_t)roll(&world->dice) : world->clock;
    return stamp;
}

static struct edit new_edit(
    struct replica *replica, const struct quire_stamp *stamp, enum edit_kind kind)
{
    struct edit edit = {.kind = kind, .counter = ++replica->counter, .wall_ms = stamp->wall_ms};
    memcpy(edit.replica, replica->replica, sizeof edit.replica);
    return edit;
}

static void add_edit(struct world *world, struct replica *replica, const struct edit *edit)
{
    replica->pending[reference_edit(&world->edits, &replica->reference, edit)] = 1;
}

static void edit_text(struct world *world, struct replica *replica)
{
    struct quire_stamp stamp = next_stamp(world, replica);
    size_t length = quire_document_text_length(replica->document);
    size_t position = pick(&world->dice, length + 1);
    if (position < length && pick(&world->dice, 3) == 0) {
        size_t count = 1 + pick(&world->dice, 4);
        count = count < length - position ? count : length - position;
        OK(quire_document_erase(replica->document, &stamp, position, count));
        uint64_t counter = replica->counter;
        for (size_t i = 0; i < count; i++) {
            replica->counter = counter; /* all of them are one edit */
            struct edit edit = new_edit(replica, &stamp, EDIT_ERASE);
            edit.erased = reference_character(&world->edits, &replica->reference, position);
            add_edit(world, replica, &edit);
        }
        struct edit follower;
        if (reference_last_is_dead(
                &world->edits, &replica->reference, replica->replica, counter, &follower)) {
            add_edit(world, replica, &follower);
            struct edit erased = {
                .kind = EDIT_ERASE, .counter = counter + 1, .erased = world->edits.count - 1};
            memcpy(erased.replica, replica->replica, sizeof erased.replica);
            add_edit(world, replica, &erased);
        }
        return;
    }
    uint8_t text[4];
    size_t size = 1 + pick(&world->dice, sizeof text);
    for (size_t i = 0; i < size; i++) {
        text[i] = (uint8_t)('a' + pick(&world->dice, 26));
    }
    OK(quire_document_insert(
        replica->document, &stamp, position, (struct quire_bytes){text, size}));
    for (size_t i = 0; i < size; i++) {
        struct edit edit = new_edit(replica, &stamp, EDIT_CHARACTER);
        edit.character = text[i];
        reference_between(&world->edits, &replica->reference, replica->replica, edit.counter - 1,
            position + i, &edit.left, &edit.right);
        add_edit(world, replica, &edit);
    }
}

static void edit_cell(struct world *world, struct replica *replica)
{
    struct quire_document *document = replica->document;
    struct quire_stamp stamp = next_stamp(world, replica);
    unsigned field = (unsigned)pick(&world->dice, QUIRE_REGISTER_COUNT + QUIRE_SET_COUNT);
    bool removes = pick(&world->dice, 3) == 0;
    uint8_t letter = (uint8_t)('a' + pick(&world->dice, 3));
    struct quire_bytes bytes = {&letter, 1};
    int64_t number = (int64_t)pick(&world->dice, 100);
    if (field < QUIRE_REGISTER_COUNT) {
        enum quire_register place = (enum quire_register)field;
        if (removes && quire_document_register_count(document, place) == 0) {
            return;
        }
        struct quire_value value = {.text = bytes, .number = number};
        if (removes) {
            OK(quire_document_clear_register(document, &stamp, place));
        } else {
            OK(quire_document_set_register(document, &stamp, place, &value));
        }
    } else {
        enum quire_set set = (enum quire_set)(field - QUIRE_REGISTER_COUNT);
        number = set == QUIRE_SET_TAGS ? 0 : number;
        size_t before = quire_document_set_count(document, set);
        if (removes) {
            OK(quire_document_remove_element(document, &stamp, set, bytes));
            if (quire_document_set_count(document, set) == before) {
                return; /* it was not there: nothing happened */
            }
        } else {
            OK(quire_document_add_element(document, &stamp, set, bytes, number));
        }
    }
    struct edit edit = new_edit(replica, &stamp, removes ? EDIT_REMOVE : EDIT_PUT);
    edit.field = field;
    edit.name = field < QUIRE_REGISTER_COUNT ? 0 : letter;
    edit.value = field == QUIRE_REGISTER_TITLE ? letter : number;
    add_edit(world, replica, &edit);
}

static void edit_delete(struct world *world, struct replica *replica)
{
    struct quire_stamp stamp = next_stamp(world, replica);
    OK(quire_document_delete(replica->document, &stamp));
    struct edit edit = new_edit(replica, &stamp, EDIT_DELETE);
    add_edit(world, replica, &edit);
}

/* ---- messages ----------------------------------------------------------------------------- */

static void send_deltas(struct world *world, struct replica *replica)
{
    if (quire_document_pending_size(replica->document) == 0
        || world->message_count == MESSAGES_MAX) {
        return;
    }
    struct message *message = &world->messages[world->message_count++];
    while (quire_document_pending_size(replica->document) > 0) {
        cr_assert_lt(message->part_count, 64);
        OK(quire_document_take_delta(
            replica->document, 4096, &message->parts[message->part_count++]));
    }
    for (size_t i = 0; i < world->edits.count; i++) {
        message->edits[i] = replica->pending[i];
        message->needs[i] = replica->reference.known[i] && !replica->pending[i];
    }
    memset(replica->pending, 0, sizeof replica->pending);
    quire_buffer_clear(&replica->kept); /* what is kept is what is pending */
}

static void send_state(struct world *world, struct replica *replica)
{
    if (world->message_count == MESSAGES_MAX) {
        return;
    }
    struct message *message = &world->messages[world->message_count++];
    OK(quire_document_encode(replica->document, &message->parts[message->part_count++]));
    memcpy(message->edits, replica->reference.known, sizeof message->edits);
}

static bool may_receive(const struct world *world, const struct replica *replica, size_t index)
{
    for (size_t i = 0; i < world->edits.count; i++) {
        if (world->messages[index].needs[i] && !replica->reference.known[i]) {
            return false;
        }
    }
    return true;
}

static void receive(struct world *world, struct replica *replica, size_t index)
{
    const struct message *message = &world->messages[index];
    bool known = true;
    for (size_t i = 0; i < world->edits.count; i++) {
        known = known && (!message->edits[i] || replica->reference.known[i]);
    }
    struct quire_buffer before = known ? canonical_of(replica->document) : (struct quire_buffer){0};
    for (size_t i = 0; i < message->part_count; i++) {
        OK(quire_document_merge(replica->document, quire_buffer_bytes(&message->parts[i])));
    }
    for (size_t i = 0; i < world->edits.count; i++) {
        if (message->edits[i]) {
            reference_learn(&world->edits, &replica->reference, i);
        }
    }
    if (known) {
        struct quire_buffer after = canonical_of(replica->document);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)),
            "seed %llu: what was known changed something", (unsigned long long)world->seed);
        quire_buffer_finish(&after);
    }
    quire_buffer_finish(&before);
    if (replica->received_count < sizeof replica->received / sizeof replica->received[0]) {
        replica->received[replica->received_count++] = index;
    }
}

static void keep(struct replica *replica)
{
    quire_buffer_clear(&replica->kept);
    OK(quire_document_encode_pending(replica->document, &replica->kept));
    memcpy(replica->kept_edits, replica->pending, sizeof replica->kept_edits);
}

/** The process dies: what comes back are its own deltas, what it received, and what was kept. */
static void crash(struct world *world, struct replica *replica)
{
    quire_document_destroy(replica->document);
    replica->document = new_document();
    memset(&replica->reference, 0, sizeof replica->reference);
    size_t count = replica->received_count;
    replica->received_count = 0;
    for (size_t i = 0; i < count; i++) {
        receive(world, replica, replica->received[i]);
    }
    memset(replica->pending, 0, sizeof replica->pending);
    if (replica->kept.size > 0) {
        OK(quire_document_restore_pending(replica->document, quire_buffer_bytes(&replica->kept)));
        memcpy(replica->pending, replica->kept_edits, sizeof replica->pending);
        for (size_t i = 0; i < world->edits.count; i++) {
            if (replica->pending[i]) {
                reference_learn(&world->edits, &replica->reference, i);
            }
        }
    }
    new_replica(world, replica);
}

static void step(struct world *world)
{
    struct replica *replica = &world->replicas[pick(&world->dice, world->replica_count)];
    size_t messages = world->message_count;
    switch (pick(&world->dice, 16)) {
    case 0:
    case 1:
        send_deltas(world, replica);
        if (world->message_count > messages) { /* its own deltas are on its disk */
            replica->received[replica->received_count++] = messages;
        }
        break;
    case 2:
        if (pick(&world->dice, 4) == 0) {
            send_state(world, replica);
        }
        break;
    case 3: keep(replica); break;
    case 4:
        if (pick(&world->dice, 3) == 0) {
            crash(world, replica);
        }
        break;
    case 5:
        if (pick(&world->dice, 6) == 0) {
            edit_delete(world, replica);
        }
        break;
    case 6:
    case 7: edit_cell(world, replica); break;
    case 8:
    case 9:
    case 10: edit_text(world, replica); break;
    default:
        if (messages > 0) {
            size_t index = pick(&world->dice, messages);
            if (may_receive(world, replica, index) && replica->received_count < MESSAGES_MAX * 7) {
                receive(world, replica, index);
            }
        }
    }
    reference_compare(&world->edits, &replica->reference, replica->document, world->seed);
}

/** Everybody tells everybody all, and all are the same. */
static void finish(struct world *world)
{
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < world->replica_count; i++) {
            struct quire_buffer state = state_of(world->replicas[i].document);
            for (size_t j = 0; j < world->replica_count; j++) {
                OK(quire_document_merge(world->replicas[j].document, quire_buffer_bytes(&state)));
                for (size_t k = 0; k < world->edits.count; k++) {
                    if (world->replicas[i].reference.known[k]) {
                        reference_learn(&world->edits, &world->replicas[j].reference, k);
                    }
                }
            }
            quire_buffer_finish(&state);
        }
    }
    for (size_t i = 0; i < world->replica_count; i++) {
        struct replica *replica = &world->replicas[i];
        reference_compare(&world->edits, &replica->reference, replica->document, world->seed);
        cr_assert(same_state(world->replicas[0].document, replica->document),
            "seed %llu: the states differ", (unsigned long long)world->seed);
    }
}

static void run_world(uint64_t seed, size_t steps)
{
    struct world *world = calloc(1, sizeof *world);
    world->seed = seed;
    world->dice.state = seed;
    world->replica_count = 2 + pick(&world->dice, REPLICAS_MAX - 1);
    for (size_t i = 0; i < world->replica_count; i++) {
        world->replicas[i].document = new_document();
        new_replica(world, &world->replicas[i]);
    }
    for (size_t i = 0; i < steps && world->edits.count < REFERENCE_EDITS_MAX - 8; i++) {
        step(world);
    }
    finish(world);
    for (size_t i = 0; i < world->replica_count; i++) {
        quire_document_destroy(world->replicas[i].document);
        quire_buffer_finish(&world->replicas[i].kept);
    }
    for (size_t i = 0; i < world->message_count; i++) {
        for (size_t j = 0; j < world->messages[i].part_count; j++) {
            quire_buffer_finish(&world->messages[i].parts[j]);
        }
    }
    reference_finish(&world->edits);
    free(world);
}

Test(property, any_causal_order_with_repeats_states_and_crashes_ends_as_the_reference_does)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        run_world(seed, 120);
    }
}

Test(property, long_histories_end_as_the_reference_does)
{
    for (uint64_t seed = 1001; seed <= 1005; seed++) {
        run_world(seed, 700);
    }
}
