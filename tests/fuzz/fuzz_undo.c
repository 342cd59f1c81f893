/*
 * One person types, erases, writes values, takes back and makes again, between drawn payloads that may name
 * whatever there is. An undo or redo takes away no value of another device; steps that are taken back and made
 * again at once leave the text and all values as they were, with their times; the items keep their
 * invariants; and what is left can be written and merged like any other document.
 */
#include "crdt/inner.h"
#include "drawer.h"
#include <string.h>

#define STEPS_MAX 96
#define LENGTH_MAX 300 /* code points that who types goes up to */
#define SMALL 700      /* bytes of an undo that forgets */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct person {
    struct drawer drawer;
    struct quire_document *document;
    struct quire_undo *undo;
    struct quire_stamp stamp;
    bool forgets;
};

/** The drawer learns what there is by now. */
static void look(struct person *person)
{
    OK(qr_document_settle(person->document));
    qr_text_check(&person->document->text);
    const struct qr_replicas *replicas = &person->document->replicas;
    for (unsigned i = 0; i < REPLICAS; i++) {
        const uint8_t name[QUIRE_REPLICA_SIZE] = {(uint8_t)(i + 1)};
        uint32_t number = qr_replicas_find(replicas, name);
        uint64_t seen = replicas->at[number].seen;
        person->drawer.seen[i] = seen < COUNTERS ? (unsigned)seen : COUNTERS;
        for (unsigned counter = 1; counter <= person->drawer.seen[i]; counter++) {
            person->drawer.is_character[i][counter] =
                qr_text_known(&person->document->text, qr_id(number, counter), 1) == 1;
        }
    }
}

static uint64_t mixed(uint64_t sum, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
        sum ^= sum >> 29;
    }
    return sum;
}

/** The text, and all values with their times, in no order. */
static uint64_t shown(const struct quire_document *document)
{
    struct quire_buffer text = {0};
    OK(quire_document_text(document, &text));
    uint64_t sum = mixed(1, text.data, text.size);
    quire_buffer_finish(&text);
    for (size_t i = 0; i < document->cells.unread_start; i++) {
        const struct qr_dot *dot = document->cells.dots[i];
        uint64_t one = mixed(dot->field, dot->bytes, (size_t)dot->name_size + dot->text_size);
        one = mixed(one, &dot->number, sizeof dot->number);
        sum += mixed(one, &dot->wall_ms, sizeof dot->wall_ms);
    }
    return sum;
}

/** Values of other devices. */
static uint64_t of_others(const struct person *person)
{
    const struct quire_document *document = person->document;
    OK(qr_document_settle(document));
    qr_text_check(&document->text);
    uint32_t me = qr_replicas_find(&document->replicas, person->stamp.replica);
    uint64_t sum = 0;
    for (size_t i = 0; i < document->cells.count; i++) {
        uint64_t id = document->cells.dots[i]->id;
        sum += qr_id_replica(id) == me ? 0 : mixed(3, &id, sizeof id);
    }
    return sum;
}

/** An undo with little room may find, once what was typed is noted, that no step is left. */
static void replay(struct person *person, bool redo)
{
    uint64_t before = of_others(person);
    enum quire_status status = redo ? quire_undo_redo(person->undo, &person->stamp)
                                    : quire_undo_undo(person->undo, &person->stamp);
    check(status == QUIRE_OK || (status == QUIRE_ENOTFOUND && person->forgets),
        redo ? "redo" : "undo");
    check(of_others(person) == before, "what another device wrote was taken away");
}

static void there_and_back(struct person *person)
{
    OK(qr_document_settle(person->document));
    uint64_t before = shown(person->document);
    size_t redos = quire_undo_redo_count(person->undo);
    for (unsigned steps = 1 + draw(&person->drawer, 6);
         steps > 0 && quire_undo_count(person->undo) > 0; steps--) {
        replay(person, false);
    }
    while (quire_undo_redo_count(person->undo) > redos) {
        replay(person, true);
    }
    check(person->forgets || shown(person->document) == before,
        "steps taken back and made again leave something else");
}

static void write_value(struct person *person)
{
    char name[2] = {(char)('a' + draw(&person->drawer, 4)), '\0'};
    struct quire_bytes bytes = quire_bytes_of_text(name);
    unsigned field = draw(&person->drawer, 5);
    bool removes = draw(&person->drawer, 3) == 0;
    int64_t number = draw(&person->drawer, 101);
    if (field < QUIRE_REGISTER_COUNT) {
        struct quire_value value = {.text = bytes, .number = number};
        OK(removes ? quire_document_clear_register(
               person->document, &person->stamp, (enum quire_register)field)
                   : quire_document_set_register(
                       person->document, &person->stamp, (enum quire_register)field, &value));
    } else {
        enum quire_set set = (enum quire_set)(field - QUIRE_REGISTER_COUNT);
        number = set == QUIRE_SET_TAGS ? 0 : number;
        OK(removes
                ? quire_document_remove_element(person->document, &person->stamp, set, bytes)
                : quire_document_add_element(person->document, &person->stamp, set, bytes, number));
    }
}

static void edit_text(struct person *person)
{
    size_t length = quire_document_text_length(person->document);
    size_t position = draw(&person->drawer, (unsigned)length + 1);
    if (draw(&person->drawer, 3) == 0 && position < length) {
        size_t count = 1 + draw(&person->drawer, 12);
        OK(quire_document_erase(person->document, &person->stamp, position,
            count < length - position ? count : length - position));
    } else if (length < LENGTH_MAX) {
        static const char *const words[4] = {"a", "word", "ü→", "😀"};
        OK(quire_document_insert(person->document, &person->stamp, position,
            quire_bytes_of_text(words[draw(&person->drawer, 4)])));
    }
}

/** The entry is closed and opened; the undo goes on with the new document. */
static void reopen(struct person *person)
{
    struct quire_buffer state = {0};
    struct quire_buffer pending = {0};
    OK(quire_document_encode(person->document, &state));
    OK(quire_document_encode_pending(person->document, &pending));
    bool any = quire_document_pending_size(person->document) > 0;
    quire_document_destroy(person->document);
    OK(quire_document_open(&state, &person->document));
    if (any) {
        OK(quire_document_restore_pending(person->document, quire_buffer_bytes(&pending)));
    }
    OK(quire_undo_attach(person->undo, person->document));
    quire_buffer_finish(&state);
    quire_buffer_finish(&pending);
}

static void step(struct person *person)
{
    struct drawer *drawer = &person->drawer;
    unsigned what = draw(drawer, 16);
    person->stamp.wall_ms += draw(drawer, 3);
    if (what < 4) {
        look(person);
        merge_drawn(drawer, person->document);
    } else if (what < 7) {
        edit_text(person);
    } else if (what < 10) {
        write_value(person);
    } else if (what == 10) {
        OK(quire_undo_close_step(person->undo));
    } else if (what == 11) {
        reopen(person);
    } else if (what < 14) {
        there_and_back(person);
    } else if (what == 14 ? quire_undo_count(person->undo) > 0
                          : quire_undo_redo_count(person->undo) > 0) {
        replay(person, what == 15);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct person person = {
        .drawer = {.next = data, .left = size}, .stamp = {.replica = {REPLICAS}, .wall_ms = 2}};
    OK(quire_document_create(&person.document));
    begin(&person.drawer, person.document);
    person.forgets = draw(&person.drawer, 4) == 1;
    OK(quire_undo_create(person.forgets ? SMALL : 1 << 20, &person.undo));
    OK(quire_undo_attach(person.undo, person.document));
    for (size_t steps = 0; steps < STEPS_MAX && person.drawer.left > 0; steps++) {
        step(&person);
    }
    if (draw(&person.drawer, 2) == 1) {
        quire_undo_destroy(person.undo);
        person.undo = NULL;
    }
    check_travels(person.document);
    quire_document_destroy(person.document);
    quire_undo_destroy(person.undo);
    return 0;
}
