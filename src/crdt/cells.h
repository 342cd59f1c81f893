/*
 * Registers and sets as one thing: cells, each named by a field and, in a set, an element. A cell
 * holds dots, the values written to it and not yet overwritten. A write overwrites the dots that
 * its author saw, by id, never by clock: so of concurrent writes all stay, and an add outlives a
 * removal that did not see it.
 */
#ifndef QR_CRDT_CELLS_H
#define QR_CRDT_CELLS_H

#include "crdt/ids.h"
#include <quire/document.h>

/** A field that is read here is a register, or QUIRE_REGISTER_COUNT plus a set. */
#define QR_FIELD_COUNT ((unsigned)QUIRE_REGISTER_COUNT + (unsigned)QUIRE_SET_COUNT)

static inline uint8_t qr_field_of_set(enum quire_set set)
{
    return (uint8_t)(QUIRE_REGISTER_COUNT + (unsigned)set);
}

/** Fields from here on belong to later versions: kept, merged and hashed without being read. */
#define QR_FIELD_UNREAD QR_FIELD_COUNT

/** A journal's name: written and shown, and else as what is not read, so that programs that know it and programs
 * that do not have the same states and canonical forms. */
#define QR_FIELD_JOURNAL 7

/** A place in the text, before or after a character, which may be dead: its id, and the top bit
 * (there are never so many replicas). Without a character: the start, or the end. */
static inline uint64_t qr_place(uint64_t id, bool after)
{
    return id | (uint64_t)after << 63;
}

static inline uint64_t qr_place_id(uint64_t place)
{
    return place & ~(UINT64_C(1) << 63);
}

static inline bool qr_place_is_after(uint64_t place)
{
    return place >> 63 != 0;
}

struct qr_dot {
    uint64_t id;
    int64_t number; /* DATE, MOOD, element: its value */
    int64_t wall_ms;
    uint8_t replica[QUIRE_REPLICA_SIZE]; /* the name, which breaks ties */
    uint8_t field;
    uint32_t name_size;  /* element: its name, at bytes */
    uint32_t text_size;  /* TITLE: its text; unread: its bytes; at bytes + name_size */
    uint8_t place_count; /* unread */
    bool goes;           /* scratch of who overwrites some of a cell's dots */
    uint64_t places[QR_PLACES_MAX];
    uint8_t bytes[];
};

struct qr_cells {
    struct qr_dot **dots;  /* owned; by field, name, then as shown: greatest wall_ms, id first */
    struct qr_dot **shown; /* borrowed from dots: all of a register, the first of each element */
    size_t shown_start[QR_FIELD_COUNT + 1]; /* field → its first in shown */
    size_t unread_start;                    /* the first in dots of a field that is not read */
    size_t count;
    size_t capacity;
};

void qr_cells_finish(struct qr_cells *cells);

/** Room for so many more dots. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_cells_reserve(struct qr_cells *cells, size_t extra);

/** A dot as it is written down, before it is one. */
struct qr_put {
    uint64_t id;
    uint8_t replica[QUIRE_REPLICA_SIZE];
    uint8_t field;
    uint8_t place_count;
    uint64_t places[QR_PLACES_MAX];
    struct quire_bytes name;
    struct quire_bytes text;
    int64_t number;
    int64_t wall_ms;
};

/** Bytes that it takes when written, estimated. */
static inline size_t qr_put_size(const struct qr_put *put)
{
    return 12 + put->name.size + put->text.size + 8u * put->place_count;
}

static inline size_t qr_dot_size(const struct qr_dot *dot)
{
    return 12 + (size_t)dot->name_size + dot->text_size + 8u * dot->place_count;
}

/** A new dot, or NULL: no memory. Freed with free(). */
struct qr_dot *qr_dot_create(const struct qr_put *put);

/** Whether the values may stand in the field: lengths, ranges, well-formed text. EINVALID, ELIMIT. */
QUIRE_CHECKED enum quire_status qr_put_check(const struct qr_put *put);

/** The dots of a cell: how many, and the first's index. */
size_t qr_cells_find(
    const struct qr_cells *cells, uint8_t field, struct quire_bytes name, size_t *out_first);

/**
 * Removes the dots for which `gone` says so and adds new ones, which it takes. Room was reserved,
 * and that may be where they wait.
 */
void qr_cells_change(struct qr_cells *cells,
    bool (*gone)(const void *context, const struct qr_dot *dot), const void *context,
    struct qr_dot *const *added, size_t added_count);

static inline struct quire_bytes qr_dot_name(const struct qr_dot *dot)
{
    return (struct quire_bytes){dot->bytes, dot->name_size};
}

static inline struct quire_bytes qr_dot_text(const struct qr_dot *dot)
{
    return (struct quire_bytes){dot->bytes + dot->name_size, dot->text_size};
}

#endif
