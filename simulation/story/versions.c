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

#define EACH(interpreter, line, i) \
    for (uint32_t i = 0; i < (interpreter)->story->device_count && !(interpreter)->world->failed; \
         i++) \
        if (((line)->values[0].devices >> i & 1u) != 0)

/* ---- a server that means harm ---------------------------------------------------------------- */

bool story_is_of_mallory(const struct story *story)
{
    for (size_t i = 0; i < story->line_count; i++) {
        void (*act)(struct interpreter *, const struct story_line *) = story->lines[i].form->act;
        if (act == story_turns_hostile || act == story_turns_hostile_against
            || act == story_turns_hostile_with) {
            return true;
        }
    }
    return false;
}

/* Her targets are devices of the first person, as in the seeds. */
static uint32_t phones_of_first(const struct interpreter *interpreter)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < interpreter->world->phone_count; i++) {
        mask |= interpreter->world->phones[i].user == 0 ? UINT32_C(1) << i : 0;
    }
    return mask;
}

static void turn(struct interpreter *interpreter, const struct story_line *line, uint32_t targets,
    uint32_t traitor)
{
    uint32_t number = line->values[0].device;
    const struct strategy *strategy = &strategies[number - 1];
    uint32_t all = phones_of_first(interpreter);
    if (all == 0 || (targets & ~all) != 0) {
        interpreter_fail(interpreter, "a hostile server turns against devices of the first person");
    } else if (strategy->needs_traitor != (traitor != PHONES_MAX)) {
        interpreter_fail(interpreter,
            strategy->needs_traitor
                ? "%s needs a device that helps: server turns hostile: %s with DEVICE"
                : "%s needs no device that helps: server turns hostile: %s",
            strategy->name, strategy->name);
    } else {
        mallory_turn(interpreter->world, number, targets, traitor);
    }
}

void story_turns_hostile(struct interpreter *interpreter, const struct story_line *line)
{
    uint32_t all = phones_of_first(interpreter), targets = 0;
    while (targets == 0 && all != 0) {
        targets = all & (uint32_t)prng_next(&interpreter->world->mallory->chance);
    }
    turn(interpreter, line, targets, PHONES_MAX);
}

void story_turns_hostile_against(struct interpreter *interpreter, const struct story_line *line)
{
    turn(interpreter, line, (uint32_t)line->values[1].devices, PHONES_MAX);
}

void story_turns_hostile_with(struct interpreter *interpreter, const struct story_line *line)
{
    uint32_t traitor = line->values[1].device;
    turn(interpreter, line, phones_of_first(interpreter) & ~(UINT32_C(1) << traitor % 32), traitor);
}

void story_turns_honest(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    if (interpreter->world->mallory == NULL || !mallory_is_evil(interpreter->world)) {
        interpreter_fail(interpreter, "the server is honest already");
    } else {
        mallory_turns_honest(interpreter->world);
    }
}

/* ---- two versions side by side --------------------------------------------------------------- */

static void upgrade(struct interpreter *interpreter, const struct story_line *line, bool later)
{
    EACH(interpreter, line, i)
    {
        struct phone *phone = interpreter_phone(interpreter, i);
        bool ran = phone->device != NULL;
        phone_kill(interpreter->world, phone, false);
        phone->later = later;
        TRACE(interpreter->world, "phone # is of a later version: #", phone->number, later);
        if (ran) {
            phone_start(interpreter->world, phone);
        }
    }
}

void story_runs_later(struct interpreter *interpreter, const struct story_line *line)
{
    upgrade(interpreter, line, true);
}

void story_runs_this(struct interpreter *interpreter, const struct story_line *line)
{
    upgrade(interpreter, line, false);
}

void story_server_runs_later(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    interpreter->world->server->later = true;
    TRACE(interpreter->world, "server is of a later version: #", 1);
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

void story_expect_later_field(struct interpreter *interpreter, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + 16];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        interpreter->broken_now ? " (otherwise)" : "");
    EACH(interpreter, line, i)
    {
        struct quire_document *document = interpreter_document(
            interpreter, interpreter_phone(interpreter, i), line->values[2].device);
        if (!interpreter->world->failed && (document == NULL || !carries(document, wanted))) {
            interpreter_fail(interpreter, "%s carries no later field \"%s\" in %s",
                interpreter_name(interpreter, i), wanted,
                interpreter->story->entries[line->values[2].device].text);
        }
    }
}
