/*
 * The model of all edits. An edit has to survive while some place holds it: the disk of its phone,
 * or the server that acknowledged it. When both have lost it (a phone put back to an old copy
 * before it was online, say), it may be there or not; everything else is demanded.
 */
#include "model.h"

#include "network/network.h"
#include "server/server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PLANE_15 0xf0000u
#define PLANE_16 0x100000u
#define PLANE_SIZE 0x10000u
#define STRIDE 40503u         /* odd: visits each letter of a plane once, in an order like none */
#define STRIDE_INVERSE 30599u /* modulo the plane's size */
_Static_assert(STRIDE *STRIDE_INVERSE % PLANE_SIZE == 1, "so that a letter tells its number");

struct model *model_create(void)
{
    return sim_alloc(sizeof(struct model));
}

void model_destroy(struct model *model)
{
    if (model == NULL) {
        return;
    }
    for (uint32_t i = 0; i < USERS_MAX; i++) {
        free(model->users[i].ordinary.things);
        free(model->users[i].other.things);
    }
    for (uint32_t i = 0; i < PHONES_MAX; i++) {
        free(model->open[i].items);
        free(model->local[i].items);
    }
    free(model->edits);
    free(model->things);
    free(model->removals);
    free(model->pool);
    free(model);
}

static void edits_add(struct edits *edits, uint32_t edit)
{
    edits->items = sim_grow(edits->items, &edits->capacity, edits->count, sizeof *edits->items);
    edits->items[edits->count++] = edit;
}

uint32_t model_edit(
    struct world *world, const struct phone *phone, uint32_t entry, enum edit_kind kind)
{
    struct model *model = world->model;
    model->edits =
        sim_grow(model->edits, &model->edit_capacity, model->edit_count, sizeof *model->edits);
    uint32_t index = (uint32_t)model->edit_count++;
    model->edits[index] = (struct edit){.phone = phone->number,
        .user = phone->user,
        .entry = entry,
        .kind = kind,
        .excused = phone->revoked};
    edits_add(&model->open[phone->number], index);
    world->acts++;
    return index;
}

/* ---- letters --------------------------------------------------------------------------------- */

uint32_t model_letter(struct world *world, uint32_t number, bool ordinary)
{
    struct user *user = &world->model->users[number];
    if (!ordinary && world->interpreter == NULL) { /* in a story these may be words of its own */
        uint32_t n = user->small++;
        switch (n % 3) {
        case 0:
            if (n / 3 < 0x700) {
                return 0x100 + n / 3; /* two bytes */
            }
            break;
        case 1:
            if (n / 3 < 0x5000) {
                return 0x4e00 + n / 3; /* three bytes */
            }
            break;
        default:
            if (n / 3 < 0x700) {
                return 0x1f300 + n / 3; /* emoji and beyond */
            }
        }
    }
    for (;;) {
        uint32_t letter = user->letters++ * STRIDE % PLANE_SIZE;
        if (letter < POOL_FIRST - PLANE_15) {
            assert(user->letters < 2 * PLANE_SIZE);
            return (user->letters < PLANE_SIZE ? PLANE_15 : PLANE_16) + letter;
        }
    }
}

size_t letter_write(uint32_t letter, uint8_t out[4])
{
    if (letter < 0x80) {
        out[0] = (uint8_t)letter;
        return 1;
    }
    if (letter < 0x800) {
        out[0] = (uint8_t)(0xc0 | letter >> 6);
        out[1] = (uint8_t)(0x80 | (letter & 0x3f));
        return 2;
    }
    if (letter < 0x10000) {
        out[0] = (uint8_t)(0xe0 | letter >> 12);
        out[1] = (uint8_t)(0x80 | (letter >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (letter & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | letter >> 18);
    out[1] = (uint8_t)(0x80 | (letter >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (letter >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (letter & 0x3f));
    return 4;
}

uint32_t letter_read(struct quire_bytes text, size_t *at)
{
    uint8_t first = text.data[(*at)++];
    size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t letter = more == 0 ? first : first & (0x3fu >> more);
    for (; more > 0 && *at < text.size; more--) {
        letter = letter << 6 | (text.data[(*at)++] & 0x3fu);
    }
    return letter;
}

/* ---- things ---------------------------------------------------------------------------------- */

/* How manieth letter of its sort this was when it was given out; false: it never could be. */
static bool letter_number(uint32_t letter, bool *out_ordinary, uint32_t *out_number)
{
    *out_ordinary = letter >= PLANE_15;
    if (letter >= PLANE_15) {
        *out_number = (letter < PLANE_16 ? 0 : PLANE_SIZE) + letter * STRIDE_INVERSE % PLANE_SIZE;
    } else if (letter >= 0x100 && letter < 0x800) {
        *out_number = 3 * (letter - 0x100);
    } else if (letter >= 0x4e00 && letter < 0x9e00) {
        *out_number = 3 * (letter - 0x4e00) + 1;
    } else if (letter >= 0x1f300 && letter < 0x1fa00) {
        *out_number = 3 * (letter - 0x1f300) + 2;
    } else {
        return false;
    }
    return letter < PLANE_16 + PLANE_SIZE;
}

static uint32_t *place_of(struct user *user, uint32_t letter, bool create)
{
    bool ordinary;
    uint32_t number;
    if (!letter_number(letter, &ordinary, &number)) {
        return NULL;
    }
    struct letters *letters = ordinary ? &user->ordinary : &user->other;
    while (create && number >= letters->capacity) {
        letters->things = sim_grow(
            letters->things, &letters->capacity, letters->capacity, sizeof *letters->things);
    }
    return number < letters->capacity ? &letters->things[number] : NULL;
}

void model_adds(struct world *world, uint32_t edit, enum thing_kind kind, uint32_t letter)
{
    struct model *model = world->model;
    struct edit *of = &model->edits[edit];
    model->things =
        sim_grow(model->things, &model->thing_capacity, model->thing_count, sizeof *model->things);
    model->things[model->thing_count++] = (struct thing){
        .letter = letter, .user = of->user, .entry = of->entry, .kind = kind, .made_by = edit};
    uint32_t *place = place_of(&model->users[of->user], letter, true);
    assert(place != NULL && *place == 0);
    *place = (uint32_t)model->thing_count;
    of->revives = true;
}

static struct thing *find(const struct world *world, uint32_t user, uint32_t letter)
{
    const uint32_t *place = place_of(&world->model->users[user], letter, false);
    return place == NULL || *place == 0 ? NULL : &world->model->things[*place - 1];
}

const struct thing *model_thing(const struct world *world, uint32_t user, uint32_t letter)
{
    return find(world, user, letter);
}

void model_removes(struct world *world, uint32_t edit, uint32_t letter)
{
    struct model *model = world->model;
    struct thing *thing = find(world, model->edits[edit].user, letter);
    if (thing == NULL) {
        return;
    }
    if (thing->removal != 0) {
        mark(world, MARK_letter_erased_twice);
    }
    model->removals = sim_grow(
        model->removals, &model->removal_capacity, model->removal_count, sizeof *model->removals);
    model->removals[model->removal_count++] =
        (struct removal){.edit = edit, .next = thing->removal};
    thing->removal = (uint32_t)model->removal_count;
}

void model_pool(struct world *world, uint32_t edit, uint8_t set, uint8_t name, bool adds)
{
    struct model *model = world->model;
    model->pool =
        sim_grow(model->pool, &model->pool_capacity, model->pool_count, sizeof *model->pool);
    model->pool[model->pool_count++] = (struct pool_act){.edit = edit,
        .user = model->edits[edit].user,
        .entry = model->edits[edit].entry,
        .set = set,
        .name = name,
        .adds = adds};
    if (adds) {
        model->edits[edit].revives = true;
    }
}

/* ---- what became of an edit ------------------------------------------------------------------ */

bool edit_demanded(const struct edit *edit)
{
    return edit->state == EDIT_DURABLE && !edit->excused && (edit->on_disk || edit->on_server);
}

void model_saved(struct world *world, const struct phone *phone, uint32_t entry, uint64_t version)
{
    struct model *model = world->model;
    struct edits *open = &model->open[phone->number];
    for (size_t i = 0; i < open->count; i++) {
        struct edit *edit = &model->edits[open->items[i]];
        if (edit->state == EDIT_MADE && edit->entry == entry) {
            edit->state = EDIT_SAVED;
            edit->version = version;
        }
    }
}

/* The disk is durable up to durable_version. */
static void synced(struct world *world, struct phone *phone)
{
    struct model *model = world->model;
    struct edits *open = &model->open[phone->number];
    size_t kept = 0;
    for (size_t i = 0; i < open->count; i++) {
        struct edit *edit = &model->edits[open->items[i]];
        if (edit->state == EDIT_SAVED && edit->version <= phone->disk.durable_version) {
            edit->state = EDIT_DURABLE;
            edit->on_disk = true;
            edits_add(&model->local[phone->number], open->items[i]);
        } else {
            open->items[kept++] = open->items[i];
        }
    }
    open->count = kept;
}

/* What did not become durable is lost. */
static void killed(struct world *world, struct phone *phone)
{
    synced(world, phone);
    struct model *model = world->model;
    struct edits *open = &model->open[phone->number];
    for (size_t i = 0; i < open->count; i++) {
        model->edits[open->items[i]].state = EDIT_LOST;
    }
    open->count = 0;
}

/* All that is durable on this phone is acknowledged by the server. */
static void uploaded(struct world *world, const struct phone *phone)
{
    struct model *model = world->model;
    struct edits *local = &model->local[phone->number];
    if (phone->link <= model->users[phone->user].lost_link) {
        return; /* it was so when the server said it */
    }
    for (size_t i = 0; i < local->count; i++) {
        struct edit *edit = &model->edits[local->items[i]];
        if (edit->on_disk) { /* else it is not on this phone any more */
            edit->on_server = true;
            edit->server_lsn = world->server->durable;
        }
    }
    local->count = 0;
}

static void state_changed(struct world *world, struct phone *phone)
{
    const struct quire_device_state *state = &phone->state;
    struct user *user = &world->model->users[phone->user];
    if (state->joined && !user->made) {
        user->made = true;
        memcpy(user->id, state->user, sizeof user->id);
    }
    if (state->connected && state->caught_up && state->unsealed_count == 0
        && state->unacknowledged_count == 0 && state->not_on_server_count == 0) {
        uploaded(world, phone);
    }
}

/* A revoked phone brings nothing back. What is on no server and was on a phone that was put back to
 * an old copy, or was revoked itself, or is gone, may be on no other. */
static void excuse_of_revoked(struct world *world)
{
    struct model *model = world->model;
    bool restored[USERS_MAX] = {false};
    uint32_t revoked[USERS_MAX] = {0};
    for (uint32_t i = 0; i < world->phone_count; i++) {
        restored[world->phones[i].user] |= model->rolled_back[i] || model->gone[i];
        revoked[world->phones[i].user] += world->phones[i].revoked;
    }
    for (size_t i = 0; i < model->edit_count; i++) {
        struct edit *edit = &model->edits[i];
        edit->excused |= world->phones[edit->phone].revoked && !edit->on_server
            && (restored[edit->user] || revoked[edit->user] > 1);
    }
}

void model_profile_restored(struct world *world, const struct phone *phone, uint64_t version)
{
    struct model *model = world->model;
    model->rolled_back[phone->number] = true;
    bool lost = false;
    for (size_t i = 0; i < model->edit_count; i++) {
        struct edit *edit = &model->edits[i];
        if (edit->phone == phone->number && edit->on_disk && edit->version > version) {
            edit->on_disk = false;
            lost = lost || !edit->on_server;
        }
    }
    if (lost) {
        mark(world, MARK_profile_restored_losing_saved_edits);
    }
    excuse_of_revoked(world);
}

void model_profile_lost(struct world *world, const struct phone *phone)
{
    struct model *model = world->model;
    for (size_t i = 0; i < model->edit_count; i++) {
        if (model->edits[i].phone == phone->number) {
            model->edits[i].on_disk = false;
        }
    }
    model->gone[phone->number] = true;
    excuse_of_revoked(world);
}

static void server_lost(struct world *world, const uint8_t *user, uint64_t lsn)
{
    struct model *model = world->model;
    model->server_lost = true;
    for (size_t i = 0; i < USERS_MAX; i++) {
        if (user == NULL || memcmp(model->users[i].id, user, QUIRE_USER_SIZE) == 0) {
            model->users[i].lost_link = world->network->count;
        }
    }
    for (size_t i = 0; i < model->edit_count; i++) {
        struct edit *edit = &model->edits[i];
        if (edit->on_server && edit->server_lsn >= lsn
            && (user == NULL || memcmp(model->users[edit->user].id, user, QUIRE_USER_SIZE) == 0)) {
            edit->on_server = false;
            edits_add(&model->local[edit->phone], (uint32_t)i); /* until it is sent again */
        }
    }
    excuse_of_revoked(world);
}

const struct observer model_observer = {.phone_state = state_changed,
    .phone_synced = synced,
    .phone_killed = killed,
    .server_lost = server_lost};

/* ---- revocation ------------------------------------------------------------------------------ */

static void mark_seen(struct world *world, struct phone *by, uint32_t entry, bool *seen)
{
    const struct user *user = &world->model->users[by->user];
    struct quire_document *document = NULL;
    if (quire_device_document(by->device, user->entries[entry], false, &document) != QUIRE_OK) {
        return;
    }
    struct quire_buffer text = {0};
    if (quire_document_text(document, &text) == QUIRE_OK) {
        for (size_t at = 0; at < text.size;) {
            uint32_t letter = letter_read(quire_buffer_bytes(&text), &at);
            const struct thing *thing = find(world, by->user, letter);
            if (thing != NULL) {
                seen[thing->made_by] = true;
            }
        }
    }
    quire_buffer_finish(&text);
}

void model_revoked(struct world *world, struct phone *phone, struct phone *by)
{
    struct model *model = world->model;
    bool *seen = sim_alloc(model->edit_count);
    for (uint32_t entry = 0; entry < model->users[by->user].entry_count; entry++) {
        mark_seen(world, by, entry, seen);
    }
    for (size_t i = 0; i < model->edit_count; i++) {
        if (model->edits[i].phone == phone->number && !seen[i]) {
            model->edits[i].excused = true;
        }
    }
    phone->revoked = true;
    excuse_of_revoked(world);
    free(seen);
}
