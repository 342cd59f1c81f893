/*
 * The same document, made the slow and plain way.
 */
#include "reference.h"
#include <stdlib.h>
#include <string.h>

static int compare_edits(const struct edit *a, const struct edit *b)
{
    int order = memcmp(a->replica, b->replica, QUIRE_REPLICA_SIZE);
    return order != 0 ? order : a->counter < b->counter ? -1 : a->counter > b->counter;
}

/** Where an edit's character stands; -1 for none to the left. */
static ptrdiff_t find(const struct reference *reference, size_t edit)
{
    for (size_t i = 0; i < reference->order_count; i++) {
        if (reference->order[i] == edit) {
            return (ptrdiff_t)i;
        }
    }
    cr_assert(false, "a reference to what is not known");
    return -1;
}

static ptrdiff_t left_of(const struct reference *reference, const struct edit *edit)
{
    return edit->left == REFERENCE_NONE ? -1 : find(reference, edit->left);
}

static ptrdiff_t right_of(const struct reference *reference, const struct edit *edit)
{
    return edit->right == REFERENCE_NONE ? (ptrdiff_t)reference->order_count
                                         : find(reference, edit->right);
}

/** YjsMod, as in Gentle's reference-crdts. */
static void integrate(const struct edits *edits, struct reference *reference, size_t index)
{
    const struct edit *edit = &edits->at[index];
    ptrdiff_t left = left_of(reference, edit);
    ptrdiff_t right = right_of(reference, edit);
    ptrdiff_t destination = left + 1;
    bool scanning = false;
    for (ptrdiff_t i = left + 1;; i++) {
        if (!scanning) {
            destination = i;
        }
        if (i == (ptrdiff_t)reference->order_count || i == right) {
            break;
        }
        const struct edit *other = &edits->at[reference->order[i]];
        ptrdiff_t other_left = left_of(reference, other);
        ptrdiff_t other_right = right_of(reference, other);
        if (other_left < left
            || (other_left == left && other_right == right && compare_edits(edit, other) < 0)) {
            break;
        }
        if (other_left == left) {
            scanning = other_right < right;
        }
    }
    memmove(&reference->order[destination + 1], &reference->order[destination],
        (reference->order_count - (size_t)destination) * sizeof *reference->order);
    reference->order[destination] = index;
    reference->order_count++;
}

void reference_learn(const struct edits *edits, struct reference *reference, size_t index)
{
    if (reference->known[index]) {
        return;
    }
    reference->known[index] = 1;
    if (edits->at[index].kind == EDIT_CHARACTER) {
        integrate(edits, reference, index);
    }
}

size_t reference_edit(struct edits *edits, struct reference *reference, const struct edit *edit)
{
    cr_assert_lt(edits->count, REFERENCE_EDITS_MAX);
    size_t index = edits->count++;
    edits->at[index] = *edit;
    if (edit->kind == EDIT_PUT || edit->kind == EDIT_REMOVE || edit->kind == EDIT_DELETE) {
        edits->at[index].saw = malloc(sizeof reference->known);
        memcpy(edits->at[index].saw, reference->known, sizeof reference->known);
    }
    reference_learn(edits, reference, index);
    return index;
}

static bool is_visible(const struct edits *edits, const struct reference *reference, size_t index)
{
    for (size_t i = index; i < edits->count; i++) {
        if (reference->known[i] && edits->at[i].kind == EDIT_ERASE
            && edits->at[i].erased == index) {
            return false;
        }
    }
    return true;
}

/** A replica's character with this counter, as known here, or REFERENCE_NONE. */
static size_t character_of(const struct edits *edits, const struct reference *reference,
    const uint8_t *replica, uint64_t counter)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->at[i];
        if (reference->known[i] && edit->kind == EDIT_CHARACTER && edit->counter == counter
            && memcmp(edit->replica, replica, QUIRE_REPLICA_SIZE) == 0) {
            return i;
        }
    }
    return REFERENCE_NONE;
}

bool reference_last_is_dead(const struct edits *edits, const struct reference *reference,
    const uint8_t *replica, uint64_t counter, struct edit *out_edit)
{
    size_t last = character_of(edits, reference, replica, counter);
    if (last == REFERENCE_NONE || is_visible(edits, reference, last)) {
        return false;
    }
    *out_edit = (struct edit){.kind = EDIT_CHARACTER,
        .counter = counter + 1,
        .left = last,
        .right = edits->at[last].right};
    memcpy(out_edit->replica, replica, QUIRE_REPLICA_SIZE);
    return true;
}

void reference_between(const struct edits *edits, const struct reference *reference,
    const uint8_t *replica, uint64_t last_counter, size_t position, size_t *out_left,
    size_t *out_right)
{
    size_t visible = 0;
    size_t last = character_of(edits, reference, replica, last_counter);
    reference_beside(edits, reference, position, out_left, out_right);
    for (size_t i = 0; i < reference->order_count; i++) {
        if (is_visible(edits, reference, reference->order[i])) {
            visible++;
        } else if (reference->order[i] == last && visible == position) {
            *out_left = last;
            *out_right = i + 1 < reference->order_count ? reference->order[i + 1] : REFERENCE_NONE;
        }
    }
}

size_t reference_beside(const struct edits *edits, const struct reference *reference,
    size_t position, size_t *out_left, size_t *out_right)
{
    size_t visible = 0;
    *out_left = REFERENCE_NONE;
    *out_right = reference->order_count > 0 ? reference->order[0] : REFERENCE_NONE;
    for (size_t i = 0; i < reference->order_count; i++) {
        if (is_visible(edits, reference, reference->order[i]) && visible++ < position) {
            *out_left = reference->order[i];
            *out_right = i + 1 < reference->order_count ? reference->order[i + 1] : REFERENCE_NONE;
        }
    }
    return visible;
}

size_t reference_character(
    const struct edits *edits, const struct reference *reference, size_t position)
{
    size_t left;
    size_t right;
    reference_beside(edits, reference, position + 1, &left, &right);
    return left;
}

/** Whether a known edit overwrote or removed a known put. */
static bool is_overwritten(
    const struct edits *edits, const struct reference *reference, size_t index)
{
    const struct edit *put = &edits->at[index];
    for (size_t i = index + 1; i < edits->count; i++) {
        const struct edit *edit = &edits->at[i];
        if (reference->known[i] && (edit->kind == EDIT_PUT || edit->kind == EDIT_REMOVE)
            && edit->field == put->field && edit->name == put->name && edit->saw[index]) {
            return true;
        }
    }
    return false;
}

static bool is_deleted(const struct edits *edits, const struct reference *reference)
{
    bool any = false;
    for (size_t i = 0; i < edits->count; i++) {
        bool seen = !reference->known[i];
        any = any || reference->known[i];
        for (size_t j = 0; j < edits->count && !seen; j++) {
            seen = edits->at[j].kind == EDIT_DELETE && reference->known[j]
                && (i == j || edits->at[j].saw[i]);
        }
        if (!seen) {
            return false;
        }
    }
    return any;
}

static bool shows_before(const struct edit *a, const struct edit *b)
{
    return a->wall_ms != b->wall_ms ? a->wall_ms > b->wall_ms : compare_edits(a, b) > 0;
}

/** The live puts of a cell, as shown: the one to show first. */
static size_t live_puts(const struct edits *edits, const struct reference *reference,
    unsigned field, unsigned name, const struct edit **out_puts)
{
    size_t count = 0;
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->at[i];
        if (!reference->known[i] || edit->kind != EDIT_PUT || edit->field != field
            || edit->name != name || is_overwritten(edits, reference, i)) {
            continue;
        }
        size_t at = count++;
        for (; at > 0 && shows_before(edit, out_puts[at - 1]); at--) {
            out_puts[at] = out_puts[at - 1];
        }
        out_puts[at] = edit;
    }
    return count;
}

static void compare_cells(const struct edits *edits, const struct reference *reference,
    const struct quire_document *document, uint64_t seed)
{
    static const struct edit *puts[REFERENCE_EDITS_MAX];
    for (unsigned field = 0; field < QUIRE_REGISTER_COUNT; field++) {
        size_t count = live_puts(edits, reference, field, 0, puts);
        cr_assert_eq(quire_document_register_count(document, (enum quire_register)field), count,
            "seed %llu", (unsigned long long)seed);
        for (size_t i = 0; i < count; i++) {
            struct quire_value value;
            OK(quire_document_register(document, (enum quire_register)field, i, &value));
            int64_t number = field == QUIRE_REGISTER_TITLE ? value.text.data[0] : value.number;
            cr_assert_eq(number, puts[i]->value, "seed %llu", (unsigned long long)seed);
            cr_assert_eq(value.wall_ms, puts[i]->wall_ms);
        }
    }
    for (unsigned set = 0; set < QUIRE_SET_COUNT; set++) {
        size_t index = 0;
        for (unsigned name = 'a'; name <= 'z'; name++) {
            if (live_puts(edits, reference, QUIRE_REGISTER_COUNT + set, name, puts) == 0) {
                continue;
            }
            struct quire_element element;
            OK(quire_document_set_element(document, (enum quire_set)set, index++, &element));
            cr_assert_eq(element.name.size, 1);
            cr_assert_eq(element.name.data[0], name, "seed %llu", (unsigned long long)seed);
            cr_assert_eq(element.value, puts[0]->value);
        }
        cr_assert_eq(quire_document_set_count(document, (enum quire_set)set), index);
    }
}

void reference_compare(const struct edits *edits, const struct reference *reference,
    const struct quire_document *document, uint64_t seed)
{
    struct quire_buffer expected = {0};
    struct quire_buffer text = {0};
    for (size_t i = 0; i < reference->order_count; i++) {
        size_t index = reference->order[i];
        if (is_visible(edits, reference, index)) {
            OK(quire_buffer_append(&expected, &edits->at[index].character, 1));
        }
    }
    OK(quire_document_text(document, &text));
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&text), quire_buffer_bytes(&expected)),
        "seed %llu: expected %.*s, read %.*s", (unsigned long long)seed, (int)expected.size,
        (char *)expected.data, (int)text.size, (char *)text.data);
    cr_assert_eq(quire_document_text_length(document), expected.size);
    quire_buffer_finish(&expected);
    quire_buffer_finish(&text);
    compare_cells(edits, reference, document, seed);
    cr_assert_eq(quire_document_deleted(document), is_deleted(edits, reference), "seed %llu",
        (unsigned long long)seed);
}

void reference_finish(struct edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        free(edits->at[i].saw);
    }
}
