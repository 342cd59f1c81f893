/*
 * Claim: every edit that had to survive is there, what was erased stays erased, and nothing is
 * there that was never written. Judged on each phone against the model of all edits.
 */
#include "checkers.h"

#include "crdt/inner.h"
#include "people/model.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

struct judge {
    struct world *world;
    struct phone *phone;
    uint32_t entry;
    struct quire_document *document; /* NULL: the phone has no such entry */
    uint8_t *present;                /* by thing: how often it is here */
    uint8_t pool[QUIRE_SET_COUNT][POOL_SIZE];
};

static const char *const kinds[] = {
    "letter", "title", "date", "tag", "emotion", "field of a later version"};

static void see(struct judge *judge, uint32_t letter, enum thing_kind kind)
{
    const struct thing *thing = model_thing(judge->world, judge->phone->user, letter);
    if (thing == NULL && judge->world->interpreter != NULL) {
        return; /* a story's own words: its expectations judge them */
    }
    if (thing == NULL || thing->kind != kind || thing->entry != judge->entry) {
        world_fail(judge->world, "complete",
            "phone %u shows %s U+%04X in entry %u, which was never "
            "put there",
            judge->phone->number, kinds[kind], letter, judge->entry);
        return;
    }
    size_t index = (size_t)(thing - judge->world->model->things);
    if (judge->present[index]++ > 0) {
        world_fail(judge->world, "complete", "phone %u shows %s U+%04X twice in entry %u",
            judge->phone->number, kinds[kind], letter, judge->entry);
    }
}

static void see_text(struct judge *judge)
{
    struct quire_buffer text = {0};
    if (quire_document_text(judge->document, &text) != QUIRE_OK) {
        world_fail(judge->world, "complete", "text of entry %u cannot be read", judge->entry);
    }
    for (size_t at = 0; at < text.size && !judge->world->failed;) {
        uint32_t letter = letter_read(quire_buffer_bytes(&text), &at);
        if (letter != ' ' && letter != '\n') {
            see(judge, letter, THING_LETTER);
        }
    }
    quire_buffer_finish(&text);
}

static void see_registers(struct judge *judge)
{
    struct quire_value value;
    for (size_t i = 0;
         quire_document_register(judge->document, QUIRE_REGISTER_TITLE, i, &value) == QUIRE_OK;
         i++) {
        size_t at = 0;
        see(judge, letter_read(value.text, &at), THING_TITLE);
    }
    for (size_t i = 0;
         quire_document_register(judge->document, QUIRE_REGISTER_DATE, i, &value) == QUIRE_OK;
         i++) {
        see(judge, (uint32_t)(value.number / DAY_MS), THING_DATE);
    }
}

static void see_sets(struct judge *judge)
{
    for (int set = 0; set < QUIRE_SET_COUNT; set++) {
        struct quire_element element;
        for (size_t i = 0;
             quire_document_set_element(judge->document, (enum quire_set)set, i, &element)
             == QUIRE_OK;
             i++) {
            size_t at = 0;
            uint32_t letter = letter_read(element.name, &at);
            if (letter >= POOL_FIRST && letter < POOL_FIRST + 4 * POOL_SIZE) {
                judge->pool[set][(letter - POOL_FIRST) / 4] = 1;
            } else {
                see(judge, letter, set == QUIRE_SET_TAGS ? THING_TAG : THING_EMOTION);
            }
        }
    }
}

/* Kept and passed on by those who cannot read it; nothing public shows it. */
static void see_unread(struct judge *judge)
{
    const struct qr_cells *cells = &judge->document->cells;
    for (size_t i = cells->unread_start; i < cells->count; i++) {
        size_t at = 0;
        see(judge, letter_read(qr_dot_text(cells->dots[i]), &at), THING_UNREAD);
    }
}

/* ---- the verdict ----------------------------------------------------------------------------- */

/* What is only on a phone that is shut out is on no other one. */
static bool is_demanded(const struct judge *judge, const struct edit *edit)
{
    return edit_demanded(edit)
        && (edit->on_server
            || !phone_is_shut_out(judge->world, &judge->world->phones[edit->phone]));
}

static void judge_thing(struct judge *judge, size_t index)
{
    struct model *model = judge->world->model;
    const struct thing *thing = &model->things[index];
    const struct edit *made_by = &model->edits[thing->made_by];
    bool gone = false;
    for (uint32_t r = thing->removal; r != 0; r = model->removals[r - 1].next) {
        gone = gone || is_demanded(judge, &model->edits[model->removals[r - 1].edit]);
    }
    if (judge->present[index] > 0 && gone) {
        world_fail(judge->world, "complete",
            "%s U+%04X of entry %u was erased, and is back on "
            "phone %u (edit %u)",
            kinds[thing->kind], thing->letter, thing->entry, judge->phone->number, thing->made_by);
    }
    if (judge->present[index] == 0 && thing->removal == 0 && is_demanded(judge, made_by)) {
        world_fail(judge->world, "complete",
            "%s U+%04X of entry %u, written by phone %u (edit "
            "%u, held by %s%s), is missing on phone %u",
            kinds[thing->kind], thing->letter, thing->entry, made_by->phone, thing->made_by,
            made_by->on_disk ? "its phone " : "", made_by->on_server ? "the server" : "",
            judge->phone->number);
    }
}

/* An add that no later remove can have seen must show. */
static void judge_pool(struct judge *judge)
{
    struct model *model = judge->world->model;
    bool wanted[QUIRE_SET_COUNT][POOL_SIZE] = {{false}};
    for (size_t i = 0; i < model->pool_count; i++) {
        const struct pool_act *act = &model->pool[i];
        if (act->user == judge->phone->user && act->entry == judge->entry) {
            wanted[act->set][act->name] = act->adds
                && (wanted[act->set][act->name] || is_demanded(judge, &model->edits[act->edit]));
        }
    }
    for (int set = 0; set < QUIRE_SET_COUNT; set++) {
        for (unsigned name = 0; name < POOL_SIZE; name++) {
            if (wanted[set][name] && !judge->pool[set][name]) {
                world_fail(judge->world, "complete",
                    "name %u of set %d of entry %u was added after "
                    "every remove, and is missing on phone %u",
                    name, set, judge->entry, judge->phone->number);
            }
        }
    }
}

static void judge_delete(struct judge *judge)
{
    struct model *model = judge->world->model;
    bool alive = false;      /* an edit that no delete can have seen */
    bool undisputed = false; /* all edits and the last delete are of one phone, in this order */
    uint32_t only = NO_PHONE;
    bool several = false;
    for (size_t i = 0; i < model->edit_count; i++) {
        const struct edit *edit = &model->edits[i];
        if (edit->user != judge->phone->user || edit->entry != judge->entry) {
            continue;
        }
        several =
            several || (only != NO_PHONE && only != edit->phone) || model->rolled_back[edit->phone];
        only = edit->phone;
        if (edit->kind == EDIT_DELETE) {
            alive = false;
            undisputed = is_demanded(judge, edit);
        } else {
            alive = alive || (edit->revives && is_demanded(judge, edit));
            undisputed = false;
        }
    }
    bool deleted = judge->document != NULL && quire_document_deleted(judge->document);
    if (alive && deleted) {
        world_fail(judge->world, "complete",
            "entry %u was edited after every delete, and is "
            "deleted on phone %u",
            judge->entry, judge->phone->number);
    }
    if (undisputed && !several && !deleted) {
        world_fail(judge->world, "complete",
            "entry %u was deleted after every edit, and is alive "
            "on phone %u",
            judge->entry, judge->phone->number);
    }
}

static void judge_phone(struct world *world, struct phone *phone)
{
    struct model *model = world->model;
    struct judge judge = {.world = world, .phone = phone};
    judge.present = sim_alloc(model->thing_count);
    const struct user *user = &model->users[phone->user];
    for (judge.entry = 0; judge.entry < user->entry_count && !world->failed; judge.entry++) {
        memset(judge.pool, 0, sizeof judge.pool);
        judge.document = NULL;
        enum quire_status status = quire_device_document(
            phone->device, user->entries[judge.entry], false, &judge.document);
        if (status == QUIRE_OK) {
            see_text(&judge);
            see_registers(&judge);
            see_sets(&judge);
            see_unread(&judge);
        }
        judge_pool(&judge);
        judge_delete(&judge);
    }
    for (size_t i = 0; i < model->thing_count && !world->failed; i++) {
        if (model->things[i].user == phone->user) {
            judge_thing(&judge, i);
        }
    }
    free(judge.present);
}

void complete_check_end(struct world *world)
{
    for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
        if (phone_counts(world, &world->phones[i])) {
            judge_phone(world, &world->phones[i]);
        }
    }
}
