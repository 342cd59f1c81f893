/*
 * The input is a script: three documents are edited, take steps back and make them again, give deltas,
 * take one another's deltas and states, and spoiled bytes. What is refused changes
 * nothing; what is merged can be written and read again; steps that are taken back and made again at
 * once leave the text as it was; in the end all three are the same.
 */
#include <quire/document.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENTS 3
#define DELTAS_MAX 32
#define STEPS_MAX 256
#define FORGETFUL 1   /* this one's undo holds a few steps alone */
#define TEXT_MAX 4096 /* enough for what can go wrong */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct quire_document *documents[DOCUMENTS];
    struct quire_undo *undos[DOCUMENTS];
    struct closed {
        bool holds;   /* nothing came from elsewhere since, and no more was taken back */
        size_t count; /* steps then */
        struct quire_buffer text;
    } closed[DOCUMENTS]; /* when a step was ended on purpose */
    struct quire_buffer deltas[DELTAS_MAX];
    size_t delta_count;
    const uint8_t *next; /* of the script */
    size_t left;
    int64_t wall_ms;
};

static void check(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "fuzz_document: %s\n", what);
        abort();
    }
}

#define OK(call) check((call) == QUIRE_OK, #call)

static uint8_t next_byte(struct world *world)
{
    if (world->left == 0) {
        return 0;
    }
    world->left--;
    return *world->next++;
}

static size_t next_number(struct world *world, size_t below)
{
    size_t number = (size_t)next_byte(world) << 8;
    number |= next_byte(world);
    return below == 0 ? 0 : number % below;
}

static struct quire_buffer state_of(const struct quire_document *document)
{
    struct quire_buffer state = {0};
    OK(quire_document_encode(document, &state));
    return state;
}

static void merge_state(struct quire_document *into, const struct quire_document *from)
{
    struct quire_buffer state = state_of(from);
    OK(quire_document_merge(into, quire_buffer_bytes(&state)));
    quire_buffer_finish(&state);
}

static void check_same(const struct quire_document *a, const struct quire_document *b)
{
    struct quire_buffer state_a = state_of(a);
    struct quire_buffer state_b = state_of(b);
    struct quire_buffer shown_a = {0};
    struct quire_buffer shown_b = {0};
    OK(quire_document_canonical(a, &shown_a));
    OK(quire_document_canonical(b, &shown_b));
    check(quire_bytes_equal(quire_buffer_bytes(&state_a), quire_buffer_bytes(&state_b)),
        "the same edits, other states");
    check(quire_bytes_equal(quire_buffer_bytes(&shown_a), quire_buffer_bytes(&shown_b)),
        "the same state, other things to see");
    quire_buffer_finish(&state_a);
    quire_buffer_finish(&state_b);
    quire_buffer_finish(&shown_a);
    quire_buffer_finish(&shown_b);
}

static struct quire_document *copy_of(const struct quire_document *document)
{
    struct quire_document *copy;
    if (quire_document_text_length(document) % 2 == 0) {
        OK(quire_document_create(&copy));
        merge_state(copy, document);
        merge_state(copy, document); /* the first one is kept as it is */
    } else {
        struct quire_buffer state = state_of(document);
        OK(quire_document_open(&state, &copy));
    }
    check_same(document, copy);
    return copy;
}

/** A state that is taken in by who knows nothing has its one form. */
static void check_form(struct quire_bytes bytes)
{
    struct quire_document *document;
    OK(quire_document_create(&document));
    if (quire_document_merge(document, bytes) == QUIRE_OK && (bytes.data[1] & 1)) {
        OK(quire_document_merge(document, bytes)); /* the first one is kept as it is */
        struct quire_buffer state = state_of(document);
        check(quire_bytes_equal(quire_buffer_bytes(&state), bytes), "a state in another form");
        quire_buffer_finish(&state);
    }
    quire_document_destroy(document);
}

/** Opens encoded what may be anything, and decodes it: a refused document shows what it showed. */
static void open_spoiled(struct quire_bytes bytes)
{
    struct quire_document *document;
    struct quire_buffer state = {0};
    struct quire_stamp stamp = {.replica = {9}};
    OK(quire_buffer_append(&state, bytes.data, bytes.size));
    if (quire_document_open(&state, &document) == QUIRE_OK) {
        struct quire_buffer shown = {0};
        struct quire_buffer shown_too = {0};
        OK(quire_document_canonical(document, &shown));
        if (quire_document_add_element(
                document, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text("x"), 0)
            != QUIRE_OK) {
            OK(quire_document_canonical(document, &shown_too));
            check(quire_bytes_equal(quire_buffer_bytes(&shown), quire_buffer_bytes(&shown_too)),
                "it could not wake, and shows something else");
        }
        quire_buffer_finish(&shown);
        quire_buffer_finish(&shown_too);
        quire_document_destroy(document);
    }
    quire_buffer_finish(&state);
}

/** Merges into a copy what may be anything. */
static void merge_spoiled(const struct quire_document *document, struct quire_bytes bytes)
{
    check_form(bytes);
    open_spoiled(bytes);
    struct quire_document *copy = copy_of(document);
    enum quire_status status = quire_document_merge(copy, bytes);
    if (status != QUIRE_OK) {
        check(status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT || status == QUIRE_EUNSUPPORTED,
            "refused for another reason");
        check_same(document, copy);
    } else {
        struct quire_document *again = copy_of(copy);
        OK(quire_document_merge(copy, bytes));
        check_same(copy, again);
        quire_document_destroy(again);
    }
    quire_document_destroy(copy);
}

static void spoil(struct world *world, const struct quire_document *document)
{
    if (world->delta_count == 0) {
        return;
    }
    const struct quire_buffer *delta = &world->deltas[next_number(world, world->delta_count)];
    struct quire_buffer state = {0};
    if (next_byte(world) & 1) {
        state = state_of(document);
        delta = &state;
    }
    uint8_t *bytes = malloc(delta->size + 1); /* so that a read past the end is seen */
    check(bytes != NULL, "no memory");
    memcpy(bytes, delta->data, delta->size);
    size_t size = delta->size;
    quire_buffer_finish(&state);
    for (size_t changes = next_byte(world) % 4 + 1u; changes > 0; changes--) {
        size_t at = next_number(world, size);
        uint8_t value = next_byte(world);
        if (value == 0) {
            size = at; /* cut off */
        } else if (value == 1 && size > 1) {
            memmove(bytes + at, bytes + at + 1, size - at - 1);
            size--;
        } else {
            bytes[at] = (uint8_t)(bytes[at] + value);
        }
    }
    merge_spoiled(document, (struct quire_bytes){bytes, size});
    free(bytes);
}

static void edit_text(
    struct world *world, struct quire_document *document, const struct quire_stamp *stamp)
{
    static const char *const letters[8] = {"a", "b", "xyz", "ü", "😀", "→→", "\n", "word "};
    size_t length = quire_document_text_length(document);
    size_t position = next_number(world, length + 1);
    uint8_t what = next_byte(world);
    if (what & 1) {
        size_t most = length - position;
        if (most > 0) {
            OK(quire_document_erase(document, stamp, position, 1 + what / 2 % most));
        }
    } else if (length < TEXT_MAX) {
        OK(quire_document_insert(
            document, stamp, position, quire_bytes_of_text(letters[what / 2 % 8])));
    }
}

static void edit_cell(
    struct world *world, struct quire_document *document, const struct quire_stamp *stamp)
{
    uint8_t what = next_byte(world);
    char name[2] = {(char)('a' + what / 16 % 4), '\0'};
    struct quire_bytes bytes = quire_bytes_of_text(name);
    unsigned field = what % 5;
    bool removes = what & 8;
    if (field < QUIRE_REGISTER_COUNT) {
        struct quire_value value = {.text = bytes, .number = what % 100};
        OK(removes
                ? quire_document_clear_register(document, stamp, (enum quire_register)field)
                : quire_document_set_register(document, stamp, (enum quire_register)field, &value));
    } else {
        enum quire_set set = (enum quire_set)(field - QUIRE_REGISTER_COUNT);
        int64_t value = set == QUIRE_SET_TAGS ? 0 : what % 100;
        OK(removes ? quire_document_remove_element(document, stamp, set, bytes)
                   : quire_document_add_element(document, stamp, set, bytes, value));
    }
}

/** Steps that were ended on purpose leave the text of then, once all later ones are taken back. */
static void check_closed(struct world *world, size_t index)
{
    struct closed *closed = &world->closed[index];
    size_t count = quire_undo_count(world->undos[index]);
    closed->holds = closed->holds && count >= closed->count && index != FORGETFUL;
    if (closed->holds && count == closed->count) {
        struct quire_buffer text = {0};
        OK(quire_document_text(world->documents[index], &text));
        check(quire_bytes_equal(quire_buffer_bytes(&text), quire_buffer_bytes(&closed->text)),
            "all later steps were taken back, and the text is another one");
        quire_buffer_finish(&text);
    }
}

static void close_step(struct world *world, size_t index)
{
    struct closed *closed = &world->closed[index];
    OK(quire_undo_close_step(world->undos[index]));
    quire_buffer_clear(&closed->text);
    OK(quire_document_text(world->documents[index], &closed->text));
    closed->count = quire_undo_count(world->undos[index]);
    closed->holds = true;
}

/** Who forgets steps may find, once what was typed is noted, that there is none left. */
static void replay(struct world *world, size_t index, const struct quire_stamp *stamp, bool redo)
{
    struct quire_undo *undo = world->undos[index];
    enum quire_status status = redo ? quire_undo_redo(undo, stamp) : quire_undo_undo(undo, stamp);
    check(status == QUIRE_OK || (status == QUIRE_ENOTFOUND && index == FORGETFUL),
        redo ? "redo" : "undo");
    check_closed(world, index);
}

/** Steps taken back and made again at once: no other device wrote, so the text is what it was. */
static void there_and_back(
    struct world *world, size_t index, const struct quire_stamp *stamp, size_t steps)
{
    const struct quire_document *document = world->documents[index];
    const struct quire_undo *undo = world->undos[index];
    struct quire_buffer before = {0};
    struct quire_buffer after = {0};
    OK(quire_document_text(document, &before));
    size_t redo_count = quire_undo_redo_count(undo);
    for (size_t i = 0; i < steps && quire_undo_count(undo) > 0; i++) {
        replay(world, index, stamp, false);
    }
    while (quire_undo_redo_count(undo) > redo_count) {
        replay(world, index, stamp, true);
    }
    OK(quire_document_text(document, &after));
    check(index == FORGETFUL
            || quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)),
        "steps taken back and made again leave another text");
    quire_buffer_finish(&before);
    quire_buffer_finish(&after);
}

/** Ends a step, takes some back, makes some again, or both. */
static void take_back(struct world *world, size_t index, const struct quire_stamp *stamp)
{
    struct quire_undo *undo = world->undos[index];
    uint8_t what = next_byte(world);
    size_t steps = 1 + what / 4 % 8u;
    OK(quire_undo_attach(undo, world->documents[index]));
    switch (what % 4) {
    case 0: close_step(world, index); break;
    case 1:
        for (; steps > 0 && quire_undo_count(undo) > 0; steps--) {
            replay(world, index, stamp, false);
        }
        break;
    case 2:
        for (; steps > 0 && quire_undo_redo_count(undo) > 0; steps--) {
            replay(world, index, stamp, true);
        }
        break;
    default: there_and_back(world, index, stamp, steps);
    }
}

static void take(struct world *world, struct quire_document *document)
{
    if (world->delta_count < DELTAS_MAX && quire_document_pending_size(document) > 0) {
        struct quire_buffer *delta = &world->deltas[world->delta_count++];
        OK(quire_document_take_delta(document, 4096, delta));
        check(delta->size <= 4096, "a delta larger than asked for");
    }
}

/** What is pending is kept on disk, the process ends, and another one begins. */
static void restart(struct quire_document **document)
{
    struct quire_buffer kept = {0};
    OK(quire_document_encode_pending(*document, &kept));
    struct quire_document *copy = copy_of(*document);
    if (quire_document_pending_size(*document) > 0) {
        OK(quire_document_restore_pending(copy, quire_buffer_bytes(&kept)));
    }
    check_same(*document, copy);
    quire_document_destroy(*document);
    *document = copy;
    quire_buffer_finish(&kept);
}

static void step(struct world *world)
{
    uint8_t what = next_byte(world);
    size_t index = what / 16 % DOCUMENTS;
    struct quire_document *document = world->documents[index];
    struct quire_stamp stamp = {.replica = {(uint8_t)(what * 37 / 16 % 5), (uint8_t)index}};
    stamp.wall_ms = world->wall_ms += (what & 0x80) ? 1 : 0;
    switch (what % 16) {
    default:
        OK(quire_undo_attach(world->undos[index], document));
        edit_text(world, document, &stamp);
        break;
    case 5:
    case 6: take_back(world, index, &stamp); break;
    case 7:
    case 8: edit_cell(world, document, &stamp); break;
    case 9: take(world, document); break;
    case 10: {
        size_t into = next_byte(world) % DOCUMENTS;
        merge_state(world->documents[into], document);
        world->closed[into].holds = false;
        break;
    }
    case 11: spoil(world, document); break;
    case 12: {
        size_t size = next_number(world, SIZE_MAX);
        size = size < world->left ? size : world->left;
        merge_spoiled(document, (struct quire_bytes){world->next, size});
        world->next += size;
        world->left -= size;
        break;
    }
    case 13: restart(&world->documents[index]); break;
    case 14:
        if (next_byte(world) % 4 == 0) {
            OK(quire_document_delete(document, &stamp));
        }
        break;
    case 15:
        if (world->delta_count > 0) { /* too early is refused, and nothing has happened */
            struct quire_buffer before = state_of(document);
            struct quire_bytes delta =
                quire_buffer_bytes(&world->deltas[next_number(world, world->delta_count)]);
            enum quire_status status = quire_document_merge(document, delta);
            world->closed[index].holds = false;
            check(status == QUIRE_OK || status == QUIRE_EMALFORMED, "a delta of ours is refused");
            struct quire_buffer after = state_of(document);
            check(status == QUIRE_OK
                    || quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)),
                "a refused delta changed something");
            quire_buffer_finish(&before);
            quire_buffer_finish(&after);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.next = data, .left = size, .wall_ms = 1};
    for (size_t i = 0; i < DOCUMENTS; i++) {
        OK(quire_document_create(&world.documents[i]));
        OK(quire_undo_create(i == FORGETFUL ? 500 : 1 << 20, &world.undos[i]));
        OK(quire_undo_attach(world.undos[i], world.documents[i]));
    }
    for (size_t steps = 0; world.left > 0 && steps < STEPS_MAX; steps++) {
        step(&world);
    }
    for (size_t from = 0; from < DOCUMENTS; from++) {
        merge_state(world.documents[0], world.documents[from]);
    }
    for (size_t i = 1; i < DOCUMENTS; i++) {
        merge_state(world.documents[i], world.documents[0]);
        check_same(world.documents[0], world.documents[i]);
    }
    for (size_t i = 0; i < DOCUMENTS; i++) {
        quire_document_destroy(world.documents[i]);
        quire_undo_destroy(world.undos[i]);
        quire_buffer_finish(&world.closed[i].text);
    }
    for (size_t i = 0; i < world.delta_count; i++) {
        quire_buffer_finish(&world.deltas[i]);
    }
    return 0;
}
