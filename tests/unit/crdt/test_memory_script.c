/*
 * Two people write and merge by a random script, and the n-th allocation of all of it fails, for
 * every n: alone, or with all that follow until the call gives up. The call that it met changes
 * nothing and is made again; the end is the same, and nothing is left over.
 */
#include "allocator.h"
#include "support.h"
#include "kit/rounds.h"
#include <string.h>

#define PEOPLE 2
#define STEPS 200
#define GO_BACK 9 /* the first of three kinds of steps */

struct stage {
    struct quire_document *documents[PEOPLE];
    struct quire_undo *undos[PEOPLE];
    struct quire_buffer sent[PEOPLE]; /* the last delta of each */
    struct dice dice;
};

/** What one step does, drawn beforehand: so that it is the same when it is made again. */
struct step {
    size_t who;
    size_t kind;
    uint64_t luck[3];
};

static void set_up(struct stage *stage)
{
    memset(stage, 0, sizeof *stage);
    for (size_t i = 0; i < PEOPLE; i++) {
        stage->documents[i] = new_document();
        OK(quire_undo_create(1 << 20, &stage->undos[i]));
        OK(quire_undo_attach(stage->undos[i], stage->documents[i]));
    }
}

static void tear_down(struct stage *stage)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        quire_document_destroy(stage->documents[i]);
        quire_undo_destroy(stage->undos[i]);
        quire_buffer_finish(&stage->sent[i]);
    }
}

static enum quire_status insert(
    struct quire_document *document, const struct quire_stamp *stamp, const struct step *step)
{
    static const char *const words[] = {"a", "word ", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80"};
    static char page[2001];
    memset(page, 'p', 2000);
    const char *text = step->luck[1] % 16 == 0 ? page : words[step->luck[1] % 4];
    size_t position = (size_t)(step->luck[0] % (quire_document_text_length(document) + 1));
    return quire_document_insert(document, stamp, position, quire_bytes_of_text(text));
}

static enum quire_status erase_some(
    struct quire_document *document, const struct quire_stamp *stamp, const struct step *step)
{
    size_t length = quire_document_text_length(document);
    if (length == 0) {
        return QUIRE_OK;
    }
    size_t position = (size_t)(step->luck[0] % length);
    size_t count = 1 + (size_t)(step->luck[1] % (length - position));
    return quire_document_erase(document, stamp, position, count);
}

static enum quire_status write_cell(
    struct quire_document *document, const struct quire_stamp *stamp, const struct step *step)
{
    char name[2] = {(char)('a' + step->luck[0] % 4), '\0'};
    enum quire_register field = (enum quire_register)(step->luck[1] % QUIRE_REGISTER_COUNT);
    struct quire_value value = {.text = quire_bytes_of_text(name), .number = 7};
    switch (step->luck[2] % 4) {
    case 0: return quire_document_set_register(document, stamp, field, &value);
    case 1: return quire_document_clear_register(document, stamp, field);
    case 2: return quire_document_add_element(document, stamp, QUIRE_SET_EMOTIONS, value.text, 3);
    default: return quire_document_remove_element(document, stamp, QUIRE_SET_EMOTIONS, value.text);
    }
}

static enum quire_status send_delta(struct stage *stage, size_t who)
{
    struct quire_buffer delta = {0};
    if (quire_document_pending_size(stage->documents[who]) == 0) {
        return QUIRE_OK;
    }
    enum quire_status status = quire_document_take_delta(stage->documents[who], 1 << 20, &delta);
    if (status != QUIRE_OK) {
        quire_buffer_finish(&delta); /* it may have room, and nothing in it */
        cr_assert_eq(delta.size, 0);
        return status;
    }
    quire_buffer_finish(&stage->sent[who]);
    stage->sent[who] = delta;
    /* At once, so that none is lost; what the other makes of it is another step. */
    size_t left = allocations_left;
    allocations_left = SIZE_MAX;
    for (size_t i = 0; i < PEOPLE; i++) {
        OK(quire_document_merge(stage->documents[i], quire_buffer_bytes(&delta)));
    }
    allocations_left = left;
    return QUIRE_OK;
}

/** The other's state, or what was sent before once more. */
static enum quire_status receive(struct stage *stage, const struct step *step)
{
    size_t other = 1 - step->who;
    if (step->luck[0] % 2 == 0 && stage->sent[other].size > 0) {
        return quire_document_merge(
            stage->documents[step->who], quire_buffer_bytes(&stage->sent[other]));
    }
    struct quire_buffer state = {0};
    enum quire_status status = quire_document_encode(stage->documents[other], &state);
    if (status == QUIRE_OK) {
        status = quire_document_merge(stage->documents[step->who], quire_buffer_bytes(&state));
    }
    quire_buffer_finish(&state);
    return status;
}

/** The process ends and begins again: a new document from the state and what was pending. */
static enum quire_status restart(struct stage *stage, size_t who)
{
    struct quire_buffer state = {0};
    struct quire_buffer pending = {0};
    struct quire_document *fresh = NULL;
    enum quire_status status = quire_document_encode(stage->documents[who], &state);
    if (status == QUIRE_OK) {
        status = quire_document_encode_pending(stage->documents[who], &pending);
    }
    if (status == QUIRE_OK) {
        status = quire_document_create(&fresh);
    }
    if (status == QUIRE_OK) {
        status = quire_document_merge(fresh, quire_buffer_bytes(&state));
    }
    if (status == QUIRE_OK && quire_document_pending_size(stage->documents[who]) > 0) {
        status = quire_document_restore_pending(fresh, quire_buffer_bytes(&pending));
    }
    if (status == QUIRE_OK) {
        status = quire_undo_attach(stage->undos[who], fresh);
    }
    if (status == QUIRE_OK) {
        quire_document_destroy(stage->documents[who]);
        stage->documents[who] = fresh;
    } else {
        quire_document_destroy(fresh);
    }
    quire_buffer_finish(&state);
    quire_buffer_finish(&pending);
    return status;
}

static enum quire_status read_all(const struct quire_document *document)
{
    struct quire_buffer text = {0};
    enum quire_status status = quire_document_text(document, &text);
    cr_assert(status == QUIRE_OK || text.size == 0);
    if (status == QUIRE_OK) {
        size_t before = text.size;
        status = quire_document_canonical(document, &text);
        cr_assert(status == QUIRE_OK || text.size == before);
    }
    quire_buffer_finish(&text);
    return status;
}

/** A place is named and found again; or a step is taken back or made again, if there is one. */
static enum quire_status anchor(const struct quire_document *document, const struct step *step)
{
    uint8_t bytes[QUIRE_ANCHOR_SIZE];
    size_t length = quire_document_text_length(document);
    size_t position = (size_t)(step->luck[0] % (length + 1));
    size_t found = position;
    enum quire_status status =
        quire_document_anchor(document, position, (enum quire_side)(step->luck[1] % 2), bytes);
    if (status == QUIRE_OK) {
        status = quire_document_resolve(document, bytes, &found);
    }
    cr_assert_eq(found, position);
    return status;
}

/** Without memory part of a step may have been taken back; the next call goes on with the rest. */
static enum quire_status go_back(
    struct quire_undo *undo, const struct quire_stamp *stamp, bool again)
{
    enum quire_status status = again ? quire_undo_redo(undo, stamp) : quire_undo_undo(undo, stamp);
    return status == QUIRE_ENOTFOUND ? QUIRE_OK : status;
}

static enum quire_status make(struct stage *stage, const struct step *step)
{
    struct quire_document *document = stage->documents[step->who];
    struct quire_stamp stamp = stamp_of(step->who == 0 ? "one" : "two", (int64_t)step->kind);
    switch (step->kind) {
    case 0: return send_delta(stage, step->who);
    case 1: return receive(stage, step);
    case 2: return restart(stage, step->who);
    case 3: return read_all(document);
    case 4: return quire_document_delete(document, &stamp);
    case 5:
    case 6: return write_cell(document, &stamp, step);
    case 7:
    case 8: return erase_some(document, &stamp, step);
    case GO_BACK:
    case GO_BACK + 1: return go_back(stage->undos[step->who], &stamp, false);
    case GO_BACK + 2: return go_back(stage->undos[step->who], &stamp, true);
    case 12: return anchor(document, step);
    case 13:
    case 14: return quire_undo_close_step(stage->undos[step->who]);
    default: return insert(document, &stamp, step);
    }
}

/** All that can be said of the documents. */
static struct quire_buffer picture_of(const struct stage *stage)
{
    struct quire_buffer picture = {0};
    for (size_t i = 0; i < PEOPLE; i++) {
        OK(quire_document_encode(stage->documents[i], &picture));
        OK(quire_document_encode_pending(stage->documents[i], &picture));
        OK(quire_document_canonical(stage->documents[i], &picture));
    }
    return picture;
}

static struct step draw(struct dice *dice)
{
    struct step step = {.who = pick(dice, PEOPLE), .kind = pick(dice, 24)};
    for (size_t j = 0; j < 3; j++) {
        step.luck[j] = roll(dice);
    }
    return step;
}

/** The documents before a step. On other ones: to look at a document settles what was typed. */
static struct quire_buffer picture_before(uint64_t seed, size_t step_count)
{
    struct stage stage;
    allocations_left = SIZE_MAX;
    set_up(&stage);
    stage.dice.state = seed;
    for (size_t i = 0; i < step_count; i++) {
        struct step step = draw(&stage.dice);
        OK(make(&stage, &step));
    }
    struct quire_buffer picture = picture_of(&stage);
    tear_down(&stage);
    return picture;
}

/** Plays the script; the n-th allocation fails, which is in step `failing`. Without a failure it
 * notes the allocations up to each step's end. */
static void play(uint64_t seed, size_t n, size_t failing, struct quire_bytes before,
    size_t *out_allocations, struct quire_buffer *out_picture)
{
    struct stage stage;
    size_t live = allocations_live;
    size_t left = n;
    allocations_failed = 0;
    set_up(&stage);
    stage.dice.state = seed;
    for (size_t i = 0; i < STEPS; i++) {
        struct step step = draw(&stage.dice);
        allocations_left = left;
        enum quire_status status = make(&stage, &step);
        left = allocations_failed > 0 ? SIZE_MAX : allocations_left;
        allocations_left = SIZE_MAX;
        if (failing == SIZE_MAX) {
            out_allocations[i] = n - left;
        }
        if (status != QUIRE_OK) {
            cr_assert_eq(i, failing);
            cr_assert_eq(status, QUIRE_ENOMEM, "seed %llu, allocation %zu, step %zu: %s",
                (unsigned long long)seed, n, i, quire_status_text(status));
            struct quire_buffer after = picture_of(&stage);
            bool goes_back = step.kind >= GO_BACK && step.kind < GO_BACK + 3;
            cr_assert(goes_back || quire_bytes_equal(before, quire_buffer_bytes(&after)),
                "seed %llu: allocation %zu failed in step %zu of kind %zu and something changed",
                (unsigned long long)seed, n, i, step.kind);
            quire_buffer_finish(&after);
            OK(make(&stage, &step));
        }
    }
    cr_assert_eq(allocations_failed > 0, failing != SIZE_MAX);
    quire_buffer_finish(out_picture);
    *out_picture = picture_of(&stage);
    tear_down(&stage);
    cr_assert_eq(allocations_live, live + 1,
        "seed %llu: allocation %zu failed and %zu blocks are left", (unsigned long long)seed, n,
        allocations_live - live - 1); /* the picture is one */
}

static void each_allocation_of_a_script(uint64_t seed, bool all_after)
{
    static size_t allocations[STEPS];
    struct quire_buffer expected = {0};
    allocations_fail_on = all_after;
    play(seed, SIZE_MAX - 1, SIZE_MAX, (struct quire_bytes){NULL, 0}, allocations, &expected);
    cr_assert_gt(allocations[STEPS - 1], 300);
    size_t step = 0;
    struct quire_buffer before = picture_before(seed, 0);
    for (size_t n = 0; n < allocations[STEPS - 1]; n += KIT_FEWER) {
        struct quire_buffer picture = {0};
        if (allocations[step] <= n) {
            while (allocations[step] <= n) {
                step++;
            }
            quire_buffer_finish(&before);
            before = picture_before(seed, step);
        }
        size_t live = allocations_live;
        play(seed, n, step, quire_buffer_bytes(&before), NULL, &picture);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&expected), quire_buffer_bytes(&picture)),
            "seed %llu: after allocation %zu failed, another end", (unsigned long long)seed, n);
        quire_buffer_finish(&picture);
        cr_assert_eq(allocations_live, live);
    }
    quire_buffer_finish(&before);
    quire_buffer_finish(&expected);
}

Test(memory, a_replica_goes_on_after_any_one_allocation_failed)
{
    each_allocation_of_a_script(1, false);
}

Test(memory, a_replica_goes_on_after_a_call_had_no_memory_at_all)
{
    each_allocation_of_a_script(2, true);
}
