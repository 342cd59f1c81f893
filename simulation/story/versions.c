/*
 * Sentences of a story about who speaks: a server that means harm (adversary/), and programs of a later
 * version beside those of this one.
 */
#include "interpreter.h"

#include "crdt/inner.h"
#include "adversary/mallory.h"
#include "people/model.h"
#include "people/people.h"
#include "server/server.h"

#include <string.h>

#define EACH(telling, line, i)                                                                     \
    for (uint32_t i = 0; i < (telling)->story->device_count && !(telling)->world->failed; i++)     \
        if (((line)->values[0].devices >> i & 1u) != 0)

/* ---- a server that means harm ---------------------------------------------------------------- */

bool story_is_of_mallory(const struct story *story)
{
    for (size_t i = 0; i < story->line_count; i++) {
        void (*act)(struct telling *, const struct story_line *) = story->lines[i].form->act;
        if (act == story_turns_hostile || act == story_turns_hostile_against
            || act == story_turns_hostile_with) {
            return true;
        }
    }
    return false;
}

/* Her targets are devices of the first person, as in the seeds. */
static uint32_t phones_of_first(const struct telling *telling)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < telling->world->phone_count; i++) {
        mask |= telling->world->phones[i].user == 0 ? UINT32_C(1) << i : 0;
    }
    return mask;
}

static void turn(struct telling *telling, const struct story_line *line, uint32_t targets,
    uint32_t traitor)
{
    uint32_t number = line->values[0].device;
    const struct strategy *strategy = &strategies[number - 1];
    uint32_t all = phones_of_first(telling);
    if (all == 0 || (targets & ~all) != 0) {
        telling_fail(telling, "a hostile server turns against devices of the first person");
    } else if (strategy->needs_traitor != (traitor != PHONES_MAX)) {
        telling_fail(telling, strategy->needs_traitor
                ? "%s needs a device that helps: server turns hostile: %s with DEVICE"
                : "%s needs no device that helps: server turns hostile: %s",
            strategy->name, strategy->name);
    } else {
        mallory_turn(telling->world, number, targets, traitor);
    }
}

void story_turns_hostile(struct telling *telling, const struct story_line *line)
{
    uint32_t all = phones_of_first(telling), targets = 0;
    while (targets == 0 && all != 0) {
        targets = all & (uint32_t)prng_next(&telling->world->mallory->chance);
    }
    turn(telling, line, targets, PHONES_MAX);
}

void story_turns_hostile_against(struct telling *telling, const struct story_line *line)
{
    turn(telling, line, (uint32_t)line->values[1].devices, PHONES_MAX);
}

void story_turns_hostile_with(struct telling *telling, const struct story_line *line)
{
    uint32_t traitor = line->values[1].device;
    turn(telling, line, phones_of_first(telling) & ~(UINT32_C(1) << traitor % 32), traitor);
}

void story_turns_honest(struct telling *telling, const struct story_line *line)
{
    (void)line;
    if (telling->world->mallory == NULL || !mallory_is_evil(telling->world)) {
        telling_fail(telling, "the server is honest already");
    } else {
        mallory_turns_honest(telling->world);
    }
}

/* ---- two versions side by side --------------------------------------------------------------- */

static void upgrade(struct telling *telling, const struct story_line *line, bool later)
{
    EACH(telling, line, i) {
        struct phone *phone = telling_phone(telling, i);
        bool ran = phone->device != NULL;
        phone_kill(telling->world, phone, false);
        phone->later = later;
        TRACE(telling->world, "phone # is of a later version: #", phone->number, later);
        if (ran) {
            phone_start(telling->world, phone);
        }
    }
}

void story_runs_later(struct telling *telling, const struct story_line *line)
{
    upgrade(telling, line, true);
}

void story_runs_this(struct telling *telling, const struct story_line *line)
{
    upgrade(telling, line, false);
}

void story_server_runs_later(struct telling *telling, const struct story_line *line)
{
    (void)line;
    telling->world->server->later = true;
    TRACE(telling->world, "server is of a later version: #", 1);
}

static bool carries(const struct quire_document *document, const char *text)
{
    const struct qr_cells *cells = &document->cells;
    for (size_t i = cells->unread_start; i < cells->count; i++) {
        if (quire_bytes_equal(qr_dot_text(cells->dots[i]), quire_bytes_of_text(text))) {
            return true;
        }
    }
    return false;
}

void story_expect_later_field(struct telling *telling, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + 16];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        telling->broken_now ? " (otherwise)" : "");
    EACH(telling, line, i) {
        struct quire_document *document =
            telling_document(telling, telling_phone(telling, i), line->values[2].device);
        if (!telling->world->failed && (document == NULL || !carries(document, wanted))) {
            telling_fail(telling, "%s carries no later field \"%s\" in %s", telling_name(telling, i),
                wanted, telling->story->entries[line->values[2].device].text);
        }
    }
}
