/*
 * The bounds of half-sent messages.
 */
#include "server/intake.h"

#include <stdlib.h>

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
    const struct qr_connection *connection, const struct qr_hub_allowance *allowance)
{
    return (struct qr_intake_key){
        allowance->member ? allowance->group : connection->address.bits, allowance->member};
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

void qr_intake_drop(struct qr_intake *intake, struct qr_connection *connection)
{
    struct qr_intake_group *group = connection->intake_group;
    if (group != NULL) {
        intake->sizes[group->key.member] -= connection->partial.size;
        group->size -= connection->partial.size;
        connection->intake_group = NULL;
        DL_DELETE2(intake->holders, connection, prev_holder, next_holder);
        if (--group->holder_count == 0) {
            HASH_DELETE(hh, intake->groups, group);
            free(group);
        }
    }
    quire_buffer_finish(&connection->partial);
}

/* The connection that holds most: of the group, or of all strangers or members. */
static struct qr_connection *largest(
    struct qr_intake *intake, const struct qr_intake_group *group, uint64_t member)
{
    struct qr_connection *most = NULL, *one;
    DL_FOREACH2 (intake->holders, one, next_holder) {
        bool counts =
            group != NULL ? one->intake_group == group : one->intake_group->key.member == member;
        if (counts && (most == NULL || one->partial.size > most->partial.size)) {
            most = one;
        }
    }
    return most;
}

/* Closes holders until `size` more fit. False: the connection itself was closed. */
static bool relieve(struct qr_intake *intake, struct qr_connection *connection,
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
        struct qr_connection *gone = largest(intake, over_group ? group : NULL, member);
        if (gone == NULL || gone->partial.size < connection->partial.size) {
            gone = connection;
        }
        intake->closed++;
        qr_connection_close(gone, CLOSE_TRY_LATER);
        if (gone == connection) {
            return false;
        }
        qr_intake_drop(intake, gone); /* the group stays: `connection` is in it */
    }
}

bool qr_intake_add(struct qr_intake *intake, struct qr_connection *connection,
    const struct qr_hub_allowance *allowance, const uint8_t *data, size_t size)
{
    struct qr_intake_group *group = connection->intake_group;
    bool fresh = group == NULL;
    if (fresh) {
        group = find_or_make(intake, key_of(connection, allowance));
        if (group == NULL) {
            qr_connection_close(connection, CLOSE_TRY_LATER);
            return false;
        }
        connection->intake_group = group;
        group->holder_count++;
        DL_APPEND2(intake->holders, connection, prev_holder, next_holder);
    }
    /* An address that no limit counts is bounded only by the total. */
    bool grouped = group->key.member == 1 || connection->address.counted;
    bool fits = relieve(intake, connection, group, grouped, size);
    if (fits && quire_buffer_append(&connection->partial, data, size) != QUIRE_OK) {
        qr_connection_close(connection, CLOSE_TRY_LATER);
        fits = false;
    }
    if (!fits) {
        qr_intake_drop(intake, connection);
        return false;
    }
    group->size += size;
    intake->sizes[group->key.member] += size;
    return true;
}
