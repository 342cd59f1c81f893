/*
 * Anchors: places that stay where they are while everything round them changes.
 */
#include "support.h"
#include <stdio.h>
#include <string.h>

struct anchor {
    uint8_t bytes[QUIRE_ANCHOR_SIZE];
};

static struct anchor anchor_at(
    const struct quire_document *document, size_t position, enum quire_side side)
{
    struct anchor anchor;
    OK(quire_document_anchor(document, position, side, anchor.bytes));
    return anchor;
}

static size_t place_of(const struct quire_document *document, struct anchor anchor)
{
    size_t position = SIZE_MAX;
    OK(quire_document_resolve(document, anchor.bytes, &position));
    return position;
}

Test(anchor, it_moves_with_the_character_that_it_holds_on_to)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "hello world");
    struct anchor left = anchor_at(document, 5, QUIRE_SIDE_LEFT);
    struct anchor right = anchor_at(document, 5, QUIRE_SIDE_RIGHT);
    cr_assert_eq(place_of(document, left), 5);
    cr_assert_eq(place_of(document, right), 5);
    type(document, "a", 5, ", dear");
    cr_assert_eq(place_of(document, left), 5);
    cr_assert_eq(place_of(document, right), 11);
    type(document, "b", 0, "\xc3\xa9\xf0\x9f\x98\x80");
    cr_assert_eq(place_of(document, left), 7);
    cr_assert_eq(place_of(document, right), 13);
    erase(document, "b", 0, 4);
    cr_assert_eq(place_of(document, left), 3);
    quire_document_destroy(document);
}

Test(anchor, the_start_and_the_end_are_places_too)
{
    struct quire_document *document = new_document();
    struct anchor start = anchor_at(document, 0, QUIRE_SIDE_LEFT);
    struct anchor end = anchor_at(document, 0, QUIRE_SIDE_RIGHT);
    type(document, "a", 0, "abc");
    cr_assert_eq(place_of(document, start), 0);
    cr_assert_eq(place_of(document, end), 3);
    cr_assert_eq(memcmp(&end, anchor_at(document, 3, QUIRE_SIDE_RIGHT).bytes, sizeof end), 0);
    quire_document_destroy(document);
}

Test(anchor, what_it_held_on_to_is_erased_and_it_stays_in_that_place)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "abcdef");
    struct anchor left = anchor_at(document, 3, QUIRE_SIDE_LEFT);   /* on to c */
    struct anchor right = anchor_at(document, 3, QUIRE_SIDE_RIGHT); /* on to d */
    erase(document, "a", 1, 4);
    cr_assert_eq(place_of(document, left), 1);
    cr_assert_eq(place_of(document, right), 1);
    type(document, "a", 0, "12");
    cr_assert_eq(place_of(document, left), 3);
    erase(document, "a", 0, 4);
    cr_assert_eq(place_of(document, left), 0);
    cr_assert_eq(place_of(document, right), 0);
    quire_document_destroy(document);
}

Test(anchor, it_means_the_same_on_another_device)
{
    struct quire_document *one = new_document();
    type(one, "a", 0, "shared text");
    struct quire_document *two = copy_of(one);
    type(one, "a", 7, "|new "); /* not known to the other yet */
    struct anchor early = anchor_at(one, 3, QUIRE_SIDE_LEFT);
    struct anchor late = anchor_at(one, 8, QUIRE_SIDE_LEFT);
    size_t position = 77;
    cr_assert_eq(place_of(two, early), 3);
    REFUSED(quire_document_resolve(two, late.bytes, &position), QUIRE_ENOTFOUND);
    cr_assert_eq(position, 77);
    type(two, "b", 0, "__");
    sync_documents(one, two);
    cr_assert_eq(place_of(one, early), 5);
    cr_assert_eq(place_of(two, early), 5);
    cr_assert_eq(place_of(two, late), 10);
    struct quire_document *three = copy_of(two);
    cr_assert_eq(place_of(three, late), 10);
    struct quire_buffer state = state_of(two);
    struct quire_document *encoded;
    OK(quire_document_open(&state, &encoded));
    cr_assert_eq(place_of(encoded, late), 10);
    quire_document_destroy(encoded);
    quire_document_destroy(one);
    quire_document_destroy(two);
    quire_document_destroy(three);
}

Test(anchor, asking_changes_nothing)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "abc");
    type(document, "b", 1, "x");
    struct quire_document *other = copy_of(document);
    anchor_at(document, 2, QUIRE_SIDE_LEFT);
    place_of(document, anchor_at(document, 1, QUIRE_SIDE_RIGHT));
    assert_same_state(document, other);
    quire_document_destroy(document);
    quire_document_destroy(other);
}

Test(anchor, what_is_no_anchor_is_refused)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "abc");
    struct anchor good = anchor_at(document, 1, QUIRE_SIDE_LEFT);
    struct anchor end = anchor_at(document, 3, QUIRE_SIDE_RIGHT);
    struct anchor bad;
    size_t position = 77;
    bad = good;
    bad.bytes[0] = 2;
    REFUSED(quire_document_resolve(document, bad.bytes, &position), QUIRE_EMALFORMED);
    bad = good;
    bad.bytes[1] = 4;
    REFUSED(quire_document_resolve(document, bad.bytes, &position), QUIRE_EMALFORMED);
    bad = good;
    memset(bad.bytes + 10, 0, 6);
    REFUSED(quire_document_resolve(document, bad.bytes, &position), QUIRE_EMALFORMED);
    bad = end;
    bad.bytes[15] = 1;
    REFUSED(quire_document_resolve(document, bad.bytes, &position), QUIRE_EMALFORMED);
    bad = good;
    memset(bad.bytes + 10, 0xff, 6);
    REFUSED(quire_document_resolve(document, bad.bytes, &position), QUIRE_ENOTFOUND);
    bad = good;
    bad.bytes[2] ^= 1;
    REFUSED(quire_document_resolve(document, bad.bytes, &position), QUIRE_ENOTFOUND);
    cr_assert_eq(position, 77);
    REFUSED(quire_document_anchor(document, 4, QUIRE_SIDE_LEFT, bad.bytes), QUIRE_EINVALID);
    REFUSED(quire_document_anchor(document, 1, (enum quire_side)2, bad.bytes), QUIRE_EINVALID);
    quire_document_destroy(document);
}

Test(anchor, at_random_it_stays_between_the_same_letters)
{
    /* A flat array of letters, dead or alive, says where each anchor must be. */
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct dice dice = {seed};
        struct {
            uint32_t name;
            bool live;
        } flat[600];
        struct {
            struct anchor anchor;
            uint32_t name;
            enum quire_side side;
        } anchors[100];
        size_t count = 0;
        size_t anchor_count = 0;
        uint32_t next = 0;
        struct quire_document *document = new_document();
        for (size_t i = 0; i < 300; i++) {
            size_t length = quire_document_text_length(document);
            size_t position = pick(&dice, length + 1);
            size_t at = 0; /* in the array: right behind the live letter before the position */
            for (size_t passed = 0; passed < position; at++) {
                passed += flat[at].live ? 1 : 0;
            }
            size_t action = pick(&dice, 4);
            if (action == 0 && length > position) {
                size_t dead = at;
                while (!flat[dead].live) {
                    dead++;
                }
                flat[dead].live = false;
                erase(document, "a", position, 1);
            } else if (action == 1 && length > position && anchor_count < 100) {
                size_t held = at;
                while (!flat[held].live) {
                    held++;
                }
                enum quire_side side = (enum quire_side)pick(&dice, 2);
                anchors[anchor_count].anchor =
                    anchor_at(document, position + (side == QUIRE_SIDE_LEFT ? 1 : 0), side);
                anchors[anchor_count].side = side;
                anchors[anchor_count++].name = flat[held].name;
            } else {
                memmove(&flat[at + 1], &flat[at], (count - at) * sizeof flat[0]);
                flat[at].name = next++;
                flat[at].live = true;
                count++;
                /* Each by another replica: one goes on behind what it typed last. */
                char replica[9];
                snprintf(replica, sizeof replica, "r%u%c", next, 'a' + (int)pick(&dice, 26));
                type(document, replica, position, "x");
            }
        }
        struct quire_document *copy = copy_of(document);
        for (size_t i = 0; i < anchor_count; i++) {
            size_t expected = 0;
            size_t j = 0;
            for (; flat[j].name != anchors[i].name; j++) {
                expected += flat[j].live ? 1 : 0;
            }
            expected += flat[j].live && anchors[i].side == QUIRE_SIDE_LEFT ? 1 : 0;
            cr_assert_eq(place_of(document, anchors[i].anchor), expected, "seed %llu",
                (unsigned long long)seed);
            cr_assert_eq(place_of(copy, anchors[i].anchor), expected);
        }
        quire_document_destroy(document);
        quire_document_destroy(copy);
    }
}
