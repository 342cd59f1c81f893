/*
 * The diff: applied to the old text it gives the new one, always; few edits where there are few;
 * bounded work where there are not.
 */
#include "client/diff.h"
#include "client/myers.h"
#include "client/text.h"
#include "kit/random.h"
#include <criterion/criterion.h>
#include <quire/client.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From `offset`, so many code points on, in bytes. */
static size_t skip(struct quire_bytes text, size_t offset, size_t point)
{
    while (point > 0) {
        offset++;
        while (offset < text.size && (text.data[offset] & 0xc0) == 0x80) {
            offset++;
        }
        point--;
    }
    return offset;
}

/* Old text and hunks to new text, by positions in the old text alone. */
static struct quire_buffer apply(struct quire_bytes old_text, const struct qr_client_hunks *hunks)
{
    if (old_text.data == NULL) {
        old_text = quire_bytes_of_text(""); /* to count from */
    }
    struct quire_buffer result = {0};
    size_t done = 0, previous_end = 0, new_length = 0;
    for (size_t i = 0; i < hunks->count; i++) {
        const struct qr_client_hunk *hunk = &hunks->items[i];
        cr_assert(i == 0 || hunk->old_position > previous_end, "hunks touch or overlap");
        cr_assert(hunk->erase_count > 0 || hunk->insert.size > 0, "an empty hunk");
        size_t from = skip(old_text, done, hunk->old_position - previous_end);
        size_t to = skip(old_text, from, hunk->erase_count);
        cr_assert_leq(to, old_text.size);
        cr_assert_eq(quire_buffer_append(&result, old_text.data + done, from - done), QUIRE_OK);
        new_length +=
            qr_client_text_length((struct quire_bytes){old_text.data + done, from - done});
        cr_assert_eq(new_length, hunk->new_position);
        new_length += qr_client_text_length(hunk->insert);
        cr_assert_eq(quire_buffer_append(&result, hunk->insert.data, hunk->insert.size), QUIRE_OK);
        done = to;
        previous_end = hunk->old_position + hunk->erase_count;
    }
    cr_assert_eq(
        quire_buffer_append(&result, old_text.data + done, old_text.size - done), QUIRE_OK);
    return result;
}

struct public
{
    const struct qr_client_hunks *hunks;
    struct quire_bytes old_text;
    size_t count;
    size_t position, offset; /* of the hunk before, in code points and bytes of the old text */
};

static bool is_same_hunk(void *context, const struct quire_hunk *hunk)
{
    struct public *public = context;
    const struct qr_client_hunk *inner = &public->hunks->items[public->count++];
    cr_assert_eq(hunk->old_position, inner->old_position);
    cr_assert_eq(hunk->new_position, inner->new_position);
    cr_assert(quire_bytes_equal(hunk->inserted, inner->insert));
    cr_assert_eq(qr_client_text_length(hunk->erased), inner->erase_count);
    if (hunk->erased.size > 0) {
        public->offset =
            skip(public->old_text, public->offset, hunk->old_position - public->position);
        public->position = hunk->old_position;
        cr_assert_eq(hunk->erased.data - public->old_text.data, (ptrdiff_t) public->offset);
    }
    return true;
}

/* What apps get: the same hunks, with what was erased beside them. */
static void check_public(
    struct quire_bytes old_text, struct quire_bytes new_text, const struct qr_client_hunks *hunks)
{
    struct public public = {.hunks = hunks, .old_text = old_text};
    cr_assert_eq(quire_text_diff(old_text, new_text, is_same_hunk, &public), QUIRE_OK);
    cr_assert_eq(public.count, hunks->count);
}

static size_t check(struct quire_bytes old_text, struct quire_bytes new_text)
{
    struct qr_client_hunks hunks = {0};
    cr_assert_eq(qr_client_diff(old_text, new_text, &hunks), QUIRE_OK);
    struct quire_buffer result = apply(old_text, &hunks);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&result), new_text));
    check_public(old_text, new_text, &hunks);
    size_t edited = 0;
    for (size_t i = 0; i < hunks.count; i++) {
        edited += hunks.items[i].erase_count + qr_client_text_length(hunks.items[i].insert);
    }
    quire_buffer_finish(&result);
    qr_client_hunks_finish(&hunks);
    return edited;
}

static size_t check_text(const char *old_text, const char *new_text)
{
    return check(quire_bytes_of_text(old_text), quire_bytes_of_text(new_text));
}

/* Few different characters, so that there is much to find in common; of every UTF-8 size. */
static void append_random(struct quire_buffer *text, size_t length, struct kit_random *random)
{
    static const char *const letters[] = {"a", "b", "\n", "é", "ß", "日", "本", "🙂", "🎉", " "};
    for (size_t i = 0; i < length; i++) {
        const char *letter = letters[kit_random_below(random, 10)];
        cr_assert_eq(quire_buffer_append(text, letter, strlen(letter)), QUIRE_OK);
    }
}

Test(diff, the_edits_turn_the_old_text_into_the_new_one)
{
    struct kit_random random = {20260101};
    for (int round = 0; round < 4000; round++) {
        struct quire_buffer old_text = {0}, new_text = {0};
        append_random(&old_text, kit_random_below(&random, 60), &random);
        append_random(&new_text, kit_random_below(&random, 60), &random);
        check(quire_buffer_bytes(&old_text), quire_buffer_bytes(&new_text));
        quire_buffer_finish(&old_text);
        quire_buffer_finish(&new_text);
    }
}

Test(diff, a_few_random_edits_of_a_long_text_are_found_again)
{
    struct kit_random random = {7};
    for (int round = 0; round < 60; round++) {
        struct quire_buffer old_text = {0}, new_text = {0};
        append_random(&old_text, 3000, &random);
        struct quire_bytes before = quire_buffer_bytes(&old_text);
        size_t edits = 0, at = 0;
        for (int i = 0; i < 8; i++) {
            size_t to = skip(before, 0, (size_t)(300 * i) + kit_random_below(&random, 250));
            cr_assert_eq(quire_buffer_append(&new_text, before.data + at, to - at), QUIRE_OK);
            size_t inserted = kit_random_below(&random, 9);
            append_random(&new_text, inserted, &random);
            size_t erased = kit_random_below(&random, 9);
            at = skip(before, to, erased);
            edits += inserted + erased;
        }
        cr_assert_eq(quire_buffer_append(&new_text, before.data + at, before.size - at), QUIRE_OK);
        size_t found = check(before, quire_buffer_bytes(&new_text));
        /* Joining over a gap of three costs at most six more for each of the eight, some of them. */
        cr_assert_leq(found, 3 * edits + 48);
        quire_buffer_finish(&old_text);
        quire_buffer_finish(&new_text);
    }
}

Test(diff, equal_and_empty_texts)
{
    cr_assert_eq(check_text("", ""), 0);
    cr_assert_eq(check_text("the same\nlines\n", "the same\nlines\n"), 0);
    cr_assert_eq(check_text("", "new"), 3);
    cr_assert_eq(check_text("old", ""), 3);
    cr_assert_eq(check((struct quire_bytes){NULL, 0}, (struct quire_bytes){NULL, 0}), 0);
    cr_assert_eq(check(quire_bytes_of_text("x"), (struct quire_bytes){NULL, 0}), 1);
}

Test(diff, one_letter_is_one_edit)
{
    cr_assert_eq(check_text("I walked home.", "I walked home!"), 2);
    cr_assert_eq(check_text("one\ntwo\nthree\n", "one\ntwo and\nthree\n"), 4);
    cr_assert_eq(check_text("aaaa", "aaaaa"), 1);
    cr_assert_eq(check_text("日本語", "日語"), 1);
}

Test(diff, a_sequence_is_never_split)
{
    /* é and è, 🙂 and 🙃 differ in their last byte only. */
    cr_assert_eq(check_text("caf\xc3\xa9", "caf\xc3\xa8"), 2);
    cr_assert_eq(check_text("\xf0\x9f\x99\x82", "\xf0\x9f\x99\x83"), 2);
    struct qr_client_hunks hunks = {0};
    cr_assert_eq(qr_client_diff(quire_bytes_of_text("\xf0\x9f\x99\x82"),
                     quire_bytes_of_text("\xf0\x9f\x99\x83"), &hunks),
        QUIRE_OK);
    cr_assert_eq(hunks.count, 1);
    cr_assert_eq(hunks.items[0].insert.size, 4);
    qr_client_hunks_finish(&hunks);
}

Test(diff, a_replaced_word_is_one_hunk)
{
    struct qr_client_hunks hunks = {0};
    cr_assert_eq(qr_client_diff(quire_bytes_of_text("I saw a kitten today."),
                     quire_bytes_of_text("I saw a grizzly bear today."), &hunks),
        QUIRE_OK);
    cr_assert_eq(hunks.count, 1);
    qr_client_hunks_finish(&hunks);
}

Test(diff, text_that_is_not_utf8_is_refused)
{
    static const char *const bad[] = {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct qr_client_hunks hunks = {0};
        cr_assert_eq(qr_client_diff(quire_bytes_of_text("a"), quire_bytes_of_text(bad[i]), &hunks),
            QUIRE_EINVALID);
        cr_assert_eq(qr_client_diff(quire_bytes_of_text(bad[i]), quire_bytes_of_text("a"), &hunks),
            QUIRE_EINVALID);
        cr_assert_null(hunks.items);
    }
}

/* Insertions and deletions that the shortest way takes, by the whole table of prefixes. */
static uint32_t fewest_edits(
    const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
    uint32_t row[64];
    for (uint32_t j = 0; j <= b_count; j++) {
        row[j] = j;
    }
    for (uint32_t i = 1; i <= a_count; i++) {
        uint32_t diagonal = row[0]++;
        for (uint32_t j = 1; j <= b_count; j++) {
            uint32_t above = row[j];
            uint32_t least = row[j - 1] < above ? row[j - 1] + 1 : above + 1;
            row[j] = a[i - 1] == b[j - 1] ? diagonal : least;
            diagonal = above;
        }
    }
    return row[b_count];
}

Test(diff, the_search_finds_the_shortest_way_of_short_texts)
{
    struct kit_random random = {99};
    for (int round = 0; round < 20000; round++) {
        uint32_t a[48], b[48];
        uint32_t a_count = (uint32_t)(kit_random_below(&random, 48)),
                 b_count = (uint32_t)(kit_random_below(&random, 48));
        uint32_t letters = 2 + (uint32_t)(kit_random_below(&random, 6)), found = 0;
        for (uint32_t i = 0; i < 48; i++) {
            a[i] = (uint32_t)(kit_random_below(&random, letters));
            b[i] = (uint32_t)(kit_random_below(&random, letters));
        }
        struct qr_client_changes changes = {0};
        uint64_t budget = UINT64_MAX;
        cr_assert_eq(qr_client_myers(a, a_count, b, b_count, 0, 0, &budget, &changes), QUIRE_OK);
        for (size_t i = 0; i < changes.count; i++) {
            found += changes.items[i].old_to - changes.items[i].old_from;
            found += changes.items[i].new_to - changes.items[i].new_from;
        }
        cr_assert_eq(found, fewest_edits(a, a_count, b, b_count));
        free(changes.items);
    }
}

static double seconds_of_diff(
    struct quire_bytes old_text, struct quire_bytes new_text, size_t *out_edited)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    struct qr_client_hunks hunks = {0};
    cr_assert_eq(qr_client_diff(old_text, new_text, &hunks), QUIRE_OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    qr_client_hunks_finish(&hunks);
    *out_edited = check(old_text, new_text);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static struct quire_buffer megabyte(bool lines, uint64_t seed)
{
    struct quire_buffer text = {0};
    struct kit_random random = {seed};
    for (size_t i = 0; i < 1024 * 1024; i++) {
        uint64_t chance = kit_random_next(&random);
        char c = lines && i % 60 == 59 ? '\n'
            : chance % 6 == 0          ? ' '
                                       : (char)('a' + chance / 64 % 26);
        cr_assert_eq(quire_buffer_append(&text, &c, 1), QUIRE_OK);
    }
    return text;
}

/* The bound is generous: sanitizers and a busy machine are slow, a quadratic search is slower. */
#define BOUND_S 8.0

Test(diff, two_unlike_megabytes_take_bounded_time)
{
    size_t edited = 0;
    for (int lines = 0; lines < 2; lines++) {
        struct quire_buffer old_text = megabyte(lines != 0, 1), new_text = megabyte(lines != 0, 2);
        double seconds =
            seconds_of_diff(quire_buffer_bytes(&old_text), quire_buffer_bytes(&new_text), &edited);
        cr_assert_lt(seconds, BOUND_S);
        quire_buffer_finish(&old_text);
        quire_buffer_finish(&new_text);
    }
}

Test(diff, a_megabyte_wrapped_anew_keeps_its_letters)
{
    struct quire_buffer old_text = megabyte(true, 3), new_text = {0};
    for (size_t i = 0; i < old_text.size; i++) {
        char c = (char)old_text.data[i];
        c = c == '\n' ? ' ' : c == ' ' && i % 7 == 0 ? '\n' : c;
        cr_assert_eq(quire_buffer_append(&new_text, &c, 1), QUIRE_OK);
    }
    size_t edited = 0;
    double seconds =
        seconds_of_diff(quire_buffer_bytes(&old_text), quire_buffer_bytes(&new_text), &edited);
    cr_assert_lt(seconds, BOUND_S);
    cr_assert_lt(edited, old_text.size / 4);
    quire_buffer_finish(&old_text);
    quire_buffer_finish(&new_text);
}

Test(diff, a_megabyte_of_empty_lines_takes_bounded_time)
{
    struct quire_buffer old_text = {0}, new_text = {0};
    for (size_t i = 0; i < 1024 * 1024; i++) {
        cr_assert_eq(quire_buffer_append(&old_text, "\n", 1), QUIRE_OK);
        cr_assert_eq(quire_buffer_append(&new_text, i % 3 == 0 ? "x" : "\n", 1), QUIRE_OK);
    }
    size_t edited = 0;
    cr_assert_lt(
        seconds_of_diff(quire_buffer_bytes(&old_text), quire_buffer_bytes(&new_text), &edited),
        BOUND_S);
    quire_buffer_finish(&old_text);
    quire_buffer_finish(&new_text);
}
