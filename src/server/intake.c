/*
 * The bounds of half-sent messages.
 */
#include "server/intake.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#define CLOSE_TRY_LATER 1013

struct qr_intake_key {
    uint64_t number; /* of the address, or of the user in the hub */
    uint64_t member; /* 0 or 1 */
};

struct qr_intake_group {
    UT_hash_handle hh;
    struct qr_intake_key key;
    size_t size, holder_count;
};

static struct qr_intake_key key_of(
    const struct qr_address *address, const struct qr_hub_allowance *allowance)
{
    return (struct qr_intake_key){
        allowance->member ? allowance->group : address->bits, allowance->member};
}

static struct qr_intake_group *find(struct qr_intake *intake, struct qr_intake_key key)
{
    struct qr_intake_group *group = NULL;
    HASH_FIND(hh, intake->groups, &key, sizeof key, group);
    return group;
}

static struct qr_intake_group *find_or_make(struct qr_intake *intake, struct qr_intake_key key)
{
    struct qr_intake_group *group = find(intake, key);
    if (group == NULL) {
        group = calloc(1, sizeof *group);
        if (group != NULL) {
            group->key = key;
            HASH_ADD(hh, intake->groups, key, sizeof group->key, group);
        }
    }
    return group;
}

void qr_intake_drop(struct qr_intake *intake, struct qr_intake_part *part)
{
    struct qr_intake_group *group = part->group;
    if (group != NULL) {
        intake->sizes[group->key.member] -= part->bytes.size;
        group->size -= part->bytes.size;
        part->group = NULL;
        DL_DELETE(intake->parts, part);
        if (--group->holder_count == 0) {
            HASH_DELETE(hh, intake->groups, group);
            free(group);
        }
    }
    quire_buffer_finish(&part->bytes);
}

/* The part that holds most: of the group, or of all strangers or members. */
static struct qr_intake_part *largest(
    struct qr_intake *intake, const struct qr_intake_group *group, uint64_t member)
{
    struct qr_intake_part *most = NULL, *one;
    DL_FOREACH (intake->parts, one) {
        bool counts = group != NULL ? one->group == group : one->group->key.member == member;
        if (counts && (most == NULL || one->bytes.size > most->bytes.size)) {
            most = one;
        }
    }
    return most;
}

/* Closes holders until `size` more fit. False: its own connection was closed. */
static bool relieve(struct qr_intake *intake, struct qr_intake_part *part,
    struct qr_intake_group *group, bool grouped, size_t size)
{
    uint64_t member = group->key.member;
    size_t group_max = member ? QR_INTAKE_USER_MAX : QR_INTAKE_ADDRESS_MAX;
    size_t all_max = member ? QR_INTAKE_MEMBERS_MAX : QR_INTAKE_STRANGERS_MAX;
    for (;;) {
        bool over_group = grouped && group->size + size > group_max;
        if (!over_group && intake->sizes[member] + size <= all_max) {
            return true;
        }
        struct qr_intake_part *gone = largest(intake, over_group ? group : NULL, member);
        if (gone == NULL || gone->bytes.size < part->bytes.size) {
            gone = part;
        }
        intake->closed++;
        intake->close(gone, CLOSE_TRY_LATER);
        if (gone == part) {
            return false;
        }
        qr_intake_drop(intake, gone); /* the group stays: `part` is in it */
    }
}

bool qr_intake_add(struct qr_intake *intake, struct qr_intake_part *part,
    const struct qr_address *address, const struct qr_hub_allowance *allowance, const uint8_t *data,
    size_t size)
{
    struct qr_intake_group *group = part->group;
    bool fresh = group == NULL;
    if (fresh) {
        group = find_or_make(intake, key_of(address, allowance));
        if (group == NULL) {
            intake->close(part, CLOSE_TRY_LATER);
            return false;
        }
        part->group = group;
        group->holder_count++;
        DL_APPEND(intake->parts, part);
    }
    /* An address that no limit counts is bounded only by the total. */
    bool grouped = group->key.member == 1 || address->counted;
    bool fits = relieve(intake, part, group, grouped, size);
    if (fits && quire_buffer_append(&part->bytes, data, size) != QUIRE_OK) {
        intake->close(part, CLOSE_TRY_LATER);
        fits = false;
    }
    if (!fits) {
        qr_intake_drop(intake, part);
        return false;
    }
    group->size += size;
    intake->sizes[group->key.member] += size;
    return true;
}
