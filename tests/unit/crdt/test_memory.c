/*
 * Each allocation fails once: the call says so, and the document is as it was and still of use.
 */
#include "allocator.h"
#include "support.h"
#include <string.h>

static const struct quire_stamp me = {{'m', 'e'}, 3};

/** What a call under test works on: a document and bytes from another device. */
struct bench {
    struct quire_document *document;
    struct quire_buffer delta;
    struct quire_buffer state;
    struct quire_buffer kept;
    struct quire_buffer out;
};

static enum quire_status insert(struct bench *bench)
{
    static char page[3001];
    memset(page, 'p', 3000);
    return quire_document_insert(bench->document, &me, 4, quire_bytes_of_text(page));
}

static enum quire_status erase_some(struct bench *bench)
{
    return quire_document_erase(bench->document, &me, 1, 9);
}

static enum quire_status set_register(struct bench *bench)
{
    struct quire_value value = {.text = quire_bytes_of_text("new")};
    return quire_document_set_register(bench->document, &me, QUIRE_REGISTER_TITLE, &value);
}

static enum quire_status clear_register(struct bench *bench)
{
    return quire_document_clear_register(bench->document, &me, QUIRE_REGISTER_TITLE);
}

static enum quire_status add_element(struct bench *bench)
{
    return quire_document_add_element(
        bench->document, &me, QUIRE_SET_TAGS, quire_bytes_of_text("new"), 0);
}

static enum quire_status remove_element(struct bench *bench)
{
    return quire_document_remove_element(
        bench->document, &me, QUIRE_SET_TAGS, quire_bytes_of_text("tag"));
}

static enum quire_status delete_entry(struct bench *bench)
{
    return quire_document_delete(bench->document, &me);
}

static enum quire_status merge_delta(struct bench *bench)
{
    return quire_document_merge(bench->document, quire_buffer_bytes(&bench->delta));
}

static enum quire_status merge_state(struct bench *bench)
{
    return quire_document_merge(bench->document, quire_buffer_bytes(&bench->state));
}

static enum quire_status restore(struct bench *bench)
{
    return quire_document_restore_pending(bench->document, quire_buffer_bytes(&bench->kept));
}

static enum quire_status encode(struct bench *bench)
{
    return quire_document_encode(bench->document, &bench->out);
}

static enum quire_status encode_pending(struct bench *bench)
{
    return quire_document_encode_pending(bench->document, &bench->out);
}

static enum quire_status take_delta(struct bench *bench)
{
    return quire_document_take_delta(bench->document, 4096, &bench->out);
}

static enum quire_status canonical(struct bench *bench)
{
    return quire_document_canonical(bench->document, &bench->out);
}

static enum quire_status text(struct bench *bench)
{
    return quire_document_text(bench->document, &bench->out);
}

static void set_up(struct bench *bench)
{
    *bench = (struct bench){0};
    bench->document = new_document();
    type(bench->document, "a", 0, "some text");
    type(bench->document, "b", 3, "thing");
    set_title(bench->document, "a", 1, "title");
    tag(bench->document, "a", "tag");
    struct quire_buffer taken = take(bench->document);
    quire_buffer_finish(&taken);
    for (size_t i = 0; i < 900; i++) { /* enough to have to be cut */
        type(bench->document, "a", i, "word ");
    }
    erase(bench->document, "a", 4500, 2);

    struct quire_document *other = new_document();
    struct quire_buffer state = state_of(bench->document);
    merge_and_free(other, &state);
    for (size_t i = 0; i < 50; i++) {
        char replica[2] = {(char)('a' + i % 26), '\0'};
        type(other, replica, i * 7, "other");
        set_title(other, replica, (int64_t)i, "other");
    }
    erase(other, "c", 3, 2000);
    tag(other, "c", "theirs");
    struct quire_stamp stamp = stamp_of("d", 3);
    OK(quire_document_delete(other, &stamp));
    bench->kept = pending_of(other);
    bench->state = state_of(other);
    bench->delta = take(other);
    quire_document_destroy(other);
}

static void tear_down(struct bench *bench)
{
    quire_document_destroy(bench->document);
    quire_buffer_finish(&bench->delta);
    quire_buffer_finish(&bench->state);
    quire_buffer_finish(&bench->kept);
    quire_buffer_finish(&bench->out);
}

/** Returns how many there were. */
static size_t each_allocation_fails(
    const char *name, enum quire_status (*call)(struct bench *bench))
{
    size_t successes = 0;
    struct bench expected;
    set_up(&expected);
    OK(call(&expected));
    for (;; successes++) {
        cr_assert_lt(successes, 1000);
        struct bench bench;
        set_up(&bench);
        struct quire_buffer before = state_of(bench.document);
        struct quire_buffer pending_before = pending_of(bench.document);
        allocations_left = successes;
        enum quire_status status = call(&bench);
        allocations_left = SIZE_MAX;
        if (status != QUIRE_OK) {
            REFUSED(status, QUIRE_ENOMEM);
            struct quire_buffer after = state_of(bench.document);
            struct quire_buffer pending_after = pending_of(bench.document);
            cr_assert(quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)),
                "%s failed at allocation %zu and changed the document", name, successes);
            cr_assert(quire_bytes_equal(
                quire_buffer_bytes(&pending_before), quire_buffer_bytes(&pending_after)));
            cr_assert_eq(bench.out.size, 0);
            quire_buffer_finish(&after);
            quire_buffer_finish(&pending_after);
            OK(call(&bench)); /* the same call may be made again */
        }
        assert_same_state(bench.document, expected.document);
        cr_assert(
            quire_bytes_equal(quire_buffer_bytes(&bench.out), quire_buffer_bytes(&expected.out)));
        quire_buffer_finish(&before);
        quire_buffer_finish(&pending_before);
        tear_down(&bench);
        if (status == QUIRE_OK) {
            break;
        }
    }
    tear_down(&expected);
    return successes;
}

Test(memory, local_edits_without_memory_change_nothing)
{
    cr_assert_geq(each_allocation_fails("insert", insert), 1);
    each_allocation_fails("erase", erase_some);
    cr_assert_geq(each_allocation_fails("set_register", set_register), 1);
    each_allocation_fails("clear_register", clear_register);
    each_allocation_fails("add_element", add_element);
    each_allocation_fails("remove_element", remove_element);
    each_allocation_fails("delete", delete_entry);
}

Test(memory, merging_without_memory_changes_nothing)
{
    cr_assert_geq(each_allocation_fails("merge a delta", merge_delta), 12);
    cr_assert_geq(each_allocation_fails("merge a state", merge_state), 12);
    each_allocation_fails("restore_pending", restore);
}

Test(memory, writing_without_memory_leaves_the_output_alone)
{
    each_allocation_fails("encode", encode);
    each_allocation_fails("encode_pending", encode_pending);
    cr_assert_geq(each_allocation_fails("take_delta", take_delta), 12);
    each_allocation_fails("canonical", canonical);
    each_allocation_fails("text", text);
}

static enum quire_status wake(struct bench *bench)
{
    struct quire_document *encoded;
    struct quire_buffer state = {0};
    size_t left = allocations_left;
    allocations_left = SIZE_MAX;
    OK(quire_buffer_append(&state, bench->state.data, bench->state.size));
    allocations_left = left;
    enum quire_status status = quire_document_open(&state, &encoded);
    if (status == QUIRE_OK) {
        status = quire_document_insert(encoded, &me, 4, quire_bytes_of_text("awake"));
        if (status == QUIRE_OK) {
            status = quire_document_encode(encoded, &bench->out);
        }
        quire_document_destroy(encoded);
    }
    quire_buffer_finish(&state);
    return status;
}

static enum quire_status put_to_rest(struct bench *bench)
{
    while (quire_document_pending_size(bench->document) > 0) {
        enum quire_status status =
            quire_document_take_delta(bench->document, 1 << 20, &bench->kept);
        if (status != QUIRE_OK) {
            return status;
        }
    }
    return quire_document_evict(bench->document);
}

Test(memory, opening_and_waking_without_memory_leave_the_state_alone)
{
    cr_assert_geq(each_allocation_fails("open, wake", wake), 20);
}

Test(memory, encoded_without_memory_leaves_the_document_awake)
{
    struct bench bench;
    for (size_t successes = 0;; successes++) {
        set_up(&bench);
        enum quire_status status = put_to_rest(&bench);
        OK(status);
        type(bench.document, "a", 0, "awake");
        struct quire_buffer taken = take(bench.document);
        struct quire_buffer before = state_of(bench.document);
        allocations_left = successes;
        status = quire_document_evict(bench.document);
        allocations_left = SIZE_MAX;
        struct quire_buffer after = state_of(bench.document);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)));
        quire_buffer_finish(&taken);
        quire_buffer_finish(&before);
        quire_buffer_finish(&after);
        tear_down(&bench);
        if (status == QUIRE_OK) {
            cr_assert_geq(successes, 5);
            break;
        }
        REFUSED(status, QUIRE_ENOMEM);
    }
}

Test(memory, creating_without_memory_gives_nothing)
{
    enum quire_status status = QUIRE_ENOMEM;
    for (size_t successes = 0; status != QUIRE_OK; successes++) {
        struct quire_document *document = NULL;
        allocations_left = successes;
        status = quire_document_create(&document);
        allocations_left = SIZE_MAX;
        cr_assert((status == QUIRE_OK) == (document != NULL));
        quire_document_destroy(document);
    }
    quire_document_destroy(NULL);
}
