/*
 * The view against a plain array of characters, and typing against a document that settles after
 * every key.
 */
#include "crdt/inner.h"
#include "crdt/utf8.h"
#include "support.h"
#include <stdlib.h>

#define POINTS_MAX 40000

/** The same text as one string for each code point. */
struct plain {
    char points[POINTS_MAX][5];
    size_t count;
};

static const char *const alphabet[] = {"a", "b", "\n", "é", "ß", "€", "語", "𝄞", "😀"};

static void random_text(struct dice *dice, bool ascii, size_t count, struct quire_buffer *out_text)
{
    quire_buffer_clear(out_text);
    for (size_t i = 0; i < count; i++) {
        const char *point = alphabet[pick(dice, ascii ? 3 : 9)];
        OK(quire_buffer_append(out_text, point, strlen(point)));
    }
}

static void plain_insert(struct plain *plain, size_t position, const uint8_t *text, size_t count)
{
    memmove(plain->points[position + count], plain->points[position],
        (plain->count - position) * sizeof plain->points[0]);
    plain->count += count;
    for (size_t i = 0; i < count; i++) {
        size_t size = qr_utf8_size(text, 1);
        memcpy(plain->points[position + i], text, size);
        plain->points[position + i][size] = '\0';
        text += size;
    }
}

static void plain_erase(struct plain *plain, size_t position, size_t count)
{
    plain->count -= count;
    memmove(plain->points[position], plain->points[position + count],
        (plain->count - position) * sizeof plain->points[0]);
}

static void compare(const struct qr_rope *rope, const struct plain *plain, struct dice *dice)
{
    struct quire_buffer text = {0};
    OK(qr_rope_append(rope, &text));
    size_t pause = pick(dice, plain->count + 1);
    struct qr_offsets place = {0};
    struct qr_offsets found;
    for (size_t i = 0; i < plain->count; i++) {
        size_t size = strlen(plain->points[i]);
        cr_assert(place.bytes + size <= text.size
            && memcmp(text.data + place.bytes, plain->points[i], size) == 0);
        if (i == pause) {
            found = qr_rope_at_point(rope, i);
            cr_assert(memcmp(&found, &place, sizeof found) == 0);
            cr_assert(qr_rope_at_byte(rope, place.bytes, &found));
            cr_assert(memcmp(&found, &place, sizeof found) == 0);
            cr_assert(qr_rope_at_unit(rope, place.units, &found));
            cr_assert(memcmp(&found, &place, sizeof found) == 0);
            for (size_t inside = 1; inside < size; inside++) {
                cr_assert_not(qr_rope_at_byte(rope, place.bytes + inside, &found));
            }
            cr_assert(size < 4 || !qr_rope_at_unit(rope, place.units + 1, &found));
        }
        place.points++;
        place.bytes += size;
        place.units += size == 4 ? 2 : 1;
    }
    cr_assert_eq(text.size, place.bytes);
    cr_assert(memcmp(&rope->total, &place, sizeof place) == 0);
    found = qr_rope_at_point(rope, plain->count);
    cr_assert(memcmp(&found, &place, sizeof found) == 0);
    cr_assert(
        qr_rope_at_byte(rope, place.bytes, &found) && qr_rope_at_unit(rope, place.units, &found));
    cr_assert_not(qr_rope_at_byte(rope, place.bytes + 1, &found));
    cr_assert_not(qr_rope_at_unit(rope, place.units + 1, &found));
    cr_assert_leq(rope->block_count, rope->total.bytes / 256 + 2);
    quire_buffer_finish(&text);
}

static void play(uint64_t seed, bool ascii, size_t longest, size_t steps)
{
    struct dice dice = {seed};
    struct qr_rope rope;
    struct plain *plain = calloc(1, sizeof *plain);
    struct quire_buffer text = {0};
    qr_rope_init(&rope);
    size_t caret = 0;
    for (size_t step = 0; step < steps; step++) {
        if (pick(&dice, 12) == 0) {
            caret = pick(&dice, plain->count + 1);
        }
        size_t count = pick(&dice, 8) == 0 ? 1 + pick(&dice, longest) : 1;
        bool erases = pick(&dice, 5) < 2 || plain->count + count > POINTS_MAX / 2;
        if (erases && plain->count > 0) {
            count = count < plain->count ? count : plain->count;
            bool backwards = caret >= count && pick(&dice, 3) > 0;
            caret -= backwards ? count : 0;
            caret = caret > plain->count - count ? plain->count - count : caret;
            if (count > 1 || (!qr_rope_untype(&rope, caret) && !qr_rope_delete(&rope, caret))) {
                qr_rope_erase(&rope, caret, count);
            }
            plain_erase(plain, caret, count);
        } else if (!erases) {
            random_text(&dice, ascii, count, &text);
            OK(qr_rope_reserve(&rope, text.size, 1));
            if (count > 1 || !qr_rope_type(&rope, caret, text.data, text.size)) {
                qr_rope_insert(&rope, caret, quire_buffer_bytes(&text), count);
            }
            plain_insert(plain, caret, text.data, count);
            caret += count;
        }
        if (step % 16 == 0 || step + 1 == steps) {
            compare(&rope, plain, &dice);
        }
    }
    quire_buffer_finish(&text);
    qr_rope_finish(&rope);
    free(plain);
}

Test(rope, a_view_shows_what_a_plain_array_holds)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        play(seed, seed % 2 == 0, seed % 3 == 0 ? 6000 : 40, 4000);
    }
}

/** One types on, the other settles after each key: the same keys end in the same state. */
static void type_both(uint64_t seed)
{
    struct dice dice = {seed};
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    struct quire_buffer text = {0};
    size_t caret = 0;
    for (size_t step = 0; step < 1500; step++) {
        struct quire_stamp stamp = {{(uint8_t)('a' + seed % 7)}, (int64_t)step};
        size_t length = quire_document_text_length(one);
        if (pick(&dice, 15) == 0) {
            caret = pick(&dice, length + 1);
        }
        size_t count = pick(&dice, 9) == 0 ? 1 + pick(&dice, 60) : 1;
        if (pick(&dice, 3) == 0 && caret >= count) {
            caret -= pick(&dice, 4) > 0 || caret + count > length ? count : 0;
            OK(quire_document_erase(one, &stamp, caret, count));
            OK(quire_document_erase(two, &stamp, caret, count));
        } else {
            random_text(&dice, seed % 2 == 0, count, &text);
            OK(quire_document_insert(one, &stamp, caret, quire_buffer_bytes(&text)));
            OK(quire_document_insert(two, &stamp, caret, quire_buffer_bytes(&text)));
            caret += count;
        }
        OK(qr_document_settle(two));
        if (pick(&dice, 300) == 0) {
            struct quire_buffer first = take(one);
            struct quire_buffer second = take(two);
            cr_assert(quire_bytes_equal(quire_buffer_bytes(&first), quire_buffer_bytes(&second)));
            quire_buffer_finish(&first);
            quire_buffer_finish(&second);
        }
    }
    struct quire_buffer shown = {0};
    OK(quire_document_text(one, &shown));
    quire_buffer_clear(&text);
    OK(qr_document_settle(one));
    OK(qr_text_append(&one->text, &text));
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&shown), quire_buffer_bytes(&text)),
        "seed %llu: the items show something else", (unsigned long long)seed);
    cr_assert(same_state(one, two), "seed %llu", (unsigned long long)seed);
    quire_buffer_finish(&shown);
    quire_buffer_finish(&text);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(typing, strokes_settle_as_single_keys_do)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        type_both(seed);
    }
}

Test(typing, what_others_wrote_appears_in_the_view_where_it_stands_in_the_items)
{
    struct dice dice = {7};
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    struct quire_buffer text = {0};
    for (size_t step = 0; step < 3000; step++) {
        struct quire_document *from = pick(&dice, 2) == 0 ? one : two;
        struct quire_document *to = from == one ? two : one;
        struct quire_stamp stamp = {{from == one ? 'a' : 'b'}, 1};
        size_t length = quire_document_text_length(from);
        size_t caret = pick(&dice, length + 1);
        if (caret < length && pick(&dice, 3) == 0) {
            size_t count = 1 + pick(&dice, length - caret < 9 ? length - caret : 9);
            OK(quire_document_erase(from, &stamp, caret, count));
        } else {
            random_text(&dice, false, 1 + pick(&dice, 5), &text);
            OK(quire_document_insert(from, &stamp, caret, quire_buffer_bytes(&text)));
        }
        if (pick(&dice, 4) == 0 && quire_document_pending_size(from) > 0) {
            struct quire_buffer delta = take(from);
            merge_and_free(to, &delta);
            if (!to->typing.has_view) {
                continue;
            }
            struct quire_buffer shown = {0};
            OK(quire_document_text(to, &shown));
            quire_buffer_clear(&text);
            OK(qr_text_append(&to->text, &text));
            cr_assert(quire_bytes_equal(quire_buffer_bytes(&shown), quire_buffer_bytes(&text)));
            cr_assert_eq(to->typing.view.total.points, qr_tree_weight(&to->text.order));
            quire_buffer_finish(&shown);
        }
    }
    cr_assert(one->typing.has_view && two->typing.has_view, "the view follows small merges");
    quire_buffer_finish(&text);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(typing, strokes_are_settled_before_they_are_too_many)
{
    struct quire_document *document = new_document();
    size_t most = 0;
    for (size_t i = 0; i < 2 * QR_STROKES_MAX + 10; i++) {
        type(document, "a", 0, "x"); /* each before the last: none makes another longer */
        most = document->typing.count > most ? document->typing.count : most;
    }
    cr_assert_eq(most, QR_STROKES_MAX);
    cr_assert_eq(quire_document_text_length(document), 2 * QR_STROKES_MAX + 10);
    quire_document_destroy(document);
}
