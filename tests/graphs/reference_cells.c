/*
 * What a document must show, worked out slowly from the definitions: registers, sets, the delete.
 */
#include "reference_inner.h"
#include <string.h>

static bool add_writing(struct writing **list, size_t *count, size_t *capacity,
    const struct author *author, struct writing writing)
{
    struct writing *writings = naive_grown(*list, *count, capacity, sizeof *writings);
    if (writings == NULL) {
        return false;
    }
    *list = writings;
    writing.replica = author->replica;
    writing.counter = author->clock->seen[author->replica] + 1;
    writing.wall_ms = author->wall_ms;
    writing.saw = *author->clock;
    author->clock->seen[author->replica]++;
    writings[(*count)++] = writing;
    return true;
}

bool reference_write(struct reference *reference, const struct author *author, unsigned field,
    char name, const int64_t *value)
{
    struct writing writing = {
        .field = field, .name = name, .puts = value != NULL, .value = value != NULL ? *value : 0};
    return add_writing(&reference->writings, &reference->writing_count,
        &reference->writing_capacity, author, writing);
}

bool reference_delete(struct reference *reference, const struct author *author)
{
    bool added = add_writing(&reference->deletes, &reference->delete_count,
        &reference->delete_capacity, author, (struct writing){0});
    if (added) { /* it has seen itself */
        reference->deletes[reference->delete_count - 1].saw = *author->clock;
    }
    return added;
}

bool naive_same_cell(const struct writing *a, const struct writing *b)
{
    return a->field == b->field && a->name == b->name;
}

bool naive_is_overwritten(
    const struct reference *reference, const struct clock *clock, const struct writing *put)
{
    for (const struct writing *other = put + 1;
         other < reference->writings + reference->writing_count; other++) {
        if (naive_same_cell(put, other) && naive_known(clock, other->replica, other->counter)
            && naive_known(&other->saw, put->replica, put->counter)) {
            return true;
        }
    }
    for (size_t i = 0; i < reference->removal_count; i++) {
        const struct removal *removal = &reference->removals[i];
        if (removal->writing == (size_t)(put - reference->writings)
            && naive_known(clock, removal->replica, removal->counter)) {
            return true;
        }
    }
    return false;
}

static bool shows_before(
    const struct reference *reference, const struct writing *a, const struct writing *b)
{
    if (a->wall_ms != b->wall_ms) {
        return a->wall_ms > b->wall_ms;
    }
    int order =
        memcmp(reference->names[a->replica], reference->names[b->replica], QUIRE_REPLICA_SIZE);
    return order != 0 ? order > 0 : a->counter > b->counter;
}

/** All puts of a cell that stand, the one to show first. */
static size_t standing(
    struct reference *reference, const struct clock *clock, unsigned field, char name)
{
    struct writing cell = {.field = field, .name = name};
    size_t count = 0;
    for (size_t i = 0; i < reference->writing_count; i++) {
        const struct writing *put = &reference->writings[i];
        if (!put->puts || !naive_same_cell(put, &cell)
            || !naive_known(clock, put->replica, put->counter)
            || naive_is_overwritten(reference, clock, put)) {
            continue;
        }
        size_t at = count++;
        for (; at > 0 && shows_before(reference, put, reference->shown[at - 1]); at--) {
            reference->shown[at] = reference->shown[at - 1];
        }
        reference->shown[at] = put;
    }
    return count;
}

static bool is_deleted(const struct reference *reference, const struct clock *clock)
{
    bool any = false;
    for (unsigned replica = 0; replica < REPLICAS_MAX; replica++) {
        uint64_t covered = 0;
        for (size_t i = 0; i < reference->delete_count; i++) {
            const struct writing *delete = &reference->deletes[i];
            if (naive_known(clock, delete->replica, delete->counter)
                && delete->saw.seen[replica] > covered) {
                covered = delete->saw.seen[replica];
            }
        }
        if (clock->seen[replica] > covered) {
            return false;
        }
        any = any || clock->seen[replica] > 0;
    }
    return any;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static bool compare_register(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, enum quire_register field)
{
    size_t count = standing(reference, clock, (unsigned)field, 0);
    bool same = quire_document_register_count(document, field) == count;
    for (size_t i = 0; same && i < count; i++) {
        struct quire_value value;
        same = quire_document_register(document, field, i, &value) == QUIRE_OK
            && value.wall_ms == reference->shown[i]->wall_ms
            && (field == QUIRE_REGISTER_TITLE
                    ? value.text.size == 1 && value.text.data[0] == reference->shown[i]->value
                    : value.number == reference->shown[i]->value);
    }
    return same;
}

static bool compare_set(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, enum quire_set set)
{
    size_t index = 0;
    for (char name = 'a'; name <= 'z'; name++) {
        if (standing(reference, clock, (unsigned)QUIRE_REGISTER_COUNT + (unsigned)set, name) == 0) {
            continue;
        }
        struct quire_element element;
        if (quire_document_set_element(document, set, index++, &element) != QUIRE_OK
            || element.name.size != 1 || element.name.data[0] != (uint8_t)name
            || element.value != reference->shown[0]->value) {
            return false;
        }
    }
    return quire_document_set_count(document, set) == index;
}

const char *naive_compare_cells(
    struct reference *reference, const struct clock *clock, const struct quire_document *document)
{
    if (quire_document_deleted(document) != is_deleted(reference, clock)) {
        return "the delete is not the reference's";
    }
    for (unsigned field = 0; field < QUIRE_REGISTER_COUNT; field++) {
        if (!compare_register(reference, clock, document, (enum quire_register)field)) {
            return "a register is not the reference's";
        }
    }
    for (unsigned set = 0; set < QUIRE_SET_COUNT; set++) {
        if (!compare_set(reference, clock, document, (enum quire_set)set)) {
            return "a set is not the reference's";
        }
    }
    return NULL;
}
