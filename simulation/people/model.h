/*
 * What people did, kept beside the system and never shown to it. Equal phones prove nothing: they
 * may all have lost the same sentence. So each letter that is typed is a code point of its own, and
 * the model knows who typed it, who erased it, and whether that had to survive.
 *
 * Most letters are from plane 15 (U+F0000…): four of them in a row in any byte that the server
 * sees or a disk holds is a leak, see checkers/canary.c.
 */
#ifndef SIMULATION_MODEL_H
#define SIMULATION_MODEL_H

#include "phone.h"
#include "world/world.h"

#define POOL_SIZE 4u        /* names that several people use for tags and emotions */
#define POOL_FIRST 0xfff00u /* their code points: four each */
#define NO_PHONE UINT32_MAX

enum edit_kind {
    EDIT_TYPE,  /* letters in, letters out */
    EDIT_FIELD, /* a register */
    EDIT_ELEMENT,
    EDIT_DELETE,
};

enum edit_state {
    EDIT_MADE,    /* in a document in memory */
    EDIT_SAVED,   /* written to disk, perhaps not durable */
    EDIT_DURABLE, /* was durable on its phone */
    EDIT_LOST,    /* its process ended before: it may be there or not */
};

struct edit {
    uint32_t phone, user, entry; /* entry: number within the user */
    enum edit_kind kind;
    enum edit_state state;
    bool revives;        /* adds something, so that it brings a deleted entry back */
    bool excused;        /* of a phone that was revoked before others surely had it */
    bool on_disk;        /* DURABLE and its phone was not put back to before it */
    bool on_server;      /* acknowledged, and the server has not lost it since */
    uint64_t version;    /* of its phone's disk */
    uint64_t server_lsn; /* on_server: it is somewhere below */
};

enum thing_kind {
    THING_LETTER,
    THING_TITLE,
    THING_DATE,
    THING_TAG,
    THING_EMOTION,
    THING_UNREAD, /* of a field that only later versions know */
};

/** Something that one edit made and others may remove, named by its (first) code point. */
struct thing {
    uint32_t letter;
    uint32_t user, entry;
    enum thing_kind kind;
    uint32_t made_by; /* edit */
    uint32_t removal; /* the last one's index + 1; 0: none */
};

struct removal {
    uint32_t edit;
    uint32_t next;
};

/** A name that several people use: who added and removed it, in order of time. */
struct pool_act {
    uint32_t edit;
    uint32_t user, entry;
    uint8_t set, name;
    bool adds;
};

struct edits {
    uint32_t *items;
    size_t count, capacity;
};

struct letters { /* by how manieth of its sort it was: index into things + 1, or 0 */
    uint32_t *things;
    size_t capacity;
};

struct user {
    uint8_t entries[ENTRIES_MAX][QUIRE_ENTRY_SIZE];
    uint32_t entry_count;
    struct letters ordinary, other;
    uint32_t letters; /* given out */
    uint32_t small;   /* likewise, of 2, 3 or 4 bytes */
    char kit[QUIRE_KIT_TEXT_SIZE];
    bool has_kit;
    bool made;  /* the account is */
    bool full;  /* no further device can be added */
    bool alone; /* the server knew none of the phones that are left */
    uint8_t id[QUIRE_USER_SIZE];
    uint64_t same_checked_ms; /* checkers/same.c */
    uint64_t
        lost_link; /* the last connection that may still tell of what the server has lost since */
};

struct model {
    struct user users[USERS_MAX];
    struct edit *edits;
    size_t edit_count, edit_capacity;
    struct thing *things;
    size_t thing_count, thing_capacity;
    struct removal *removals;
    size_t removal_count, removal_capacity;
    struct pool_act *pool;
    size_t pool_count, pool_capacity;
    struct edits open[PHONES_MAX];  /* MADE or SAVED, of the present process */
    struct edits local[PHONES_MAX]; /* DURABLE and not known to be on the server */
    bool rolled_back[PHONES_MAX];   /* its later edits may not know its earlier ones */
    bool gone[PHONES_MAX];          /* with its disk */
    bool server_lost;               /* it lost something that was acknowledged */
};

struct model *model_create(void);
void model_destroy(struct model *model);

/** An edit of an entry begins; what it adds and removes is told below. Returns its number. */
uint32_t model_edit(
    struct world *world, const struct phone *phone, uint32_t entry, enum edit_kind kind);
/** A code point that this user's people never used: ordinary (plane 15) or of 2, 3, 4 bytes. */
uint32_t model_letter(struct world *world, uint32_t user, bool ordinary);
void model_adds(struct world *world, uint32_t edit, enum thing_kind kind, uint32_t letter);
/** Nothing happens for a letter that is not a thing (blanks, names of the pool). */
void model_removes(struct world *world, uint32_t edit, uint32_t letter);
void model_pool(struct world *world, uint32_t edit, uint8_t set, uint8_t name, bool adds);
const struct thing *model_thing(const struct world *world, uint32_t user, uint32_t letter);

/** SAVE of that entry is in the disk's transaction `version`. */
void model_saved(struct world *world, const struct phone *phone, uint32_t entry, uint64_t version);
/** What it sees of disks, devices and the server by itself. */
extern const struct observer model_observer;
/** The profile is as it was at `version`. */
void model_profile_restored(struct world *world, const struct phone *phone, uint64_t version);
/** The phone is gone, with its disk. */
void model_profile_lost(struct world *world, const struct phone *phone);
/** `by` revokes the device of `phone`: only what is visible to `by` now must survive. */
void model_revoked(struct world *world, struct phone *phone, struct phone *by);

/** It has to be in the final state. */
bool edit_demanded(const struct edit *edit);

/** UTF-8, one code point at a time. */
size_t letter_write(uint32_t letter, uint8_t out[4]);
uint32_t letter_read(struct quire_bytes text, size_t *at);

#endif
