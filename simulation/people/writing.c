/*
 * One edit of a person, and its twin in the model. Words are mostly of unique letters; blanks and
 * names of the pool are shared by all.
 */
#include "crdt/inner.h"
#include "model.h"
#include "people.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PASTE_MAX 20000u    /* letters: more than one change can hold */
#define PASTES_UNTIL 60000u /* letters given out: beyond, people type */
#define WORD_MAX 10u
#define DAY_MS INT64_C(86400000)
#define ELEMENTS_AT_MOST 40u

struct desk { /* what one edit works on */
    struct world *world;
    struct phone *phone;
    struct quire_document *document;
    struct quire_stamp stamp;
    uint32_t entry;
    uint32_t edit;
};

static void must(struct desk *desk, enum quire_status status, const char *what)
{
    if (status != QUIRE_OK) {
        world_fail(desk->world, "document", "phone %u, entry %u: %s ends with: %s",
            desk->phone->number, desk->entry, what, quire_status_text(status));
    }
}

/* The same of what may be refused at a limit. False: it was, and nothing has changed. */
static bool grows(struct desk *desk, enum quire_status status, const char *what)
{
    if (status == QUIRE_ELIMIT) {
        mark(desk->world, MARK_write_refused_at_limit);
        return false;
    }
    must(desk, status, what);
    return status == QUIRE_OK;
}

/* A word of unique letters; its first one names it. */
static size_t make_word(struct desk *desk, uint8_t *out, size_t letters, uint32_t *out_letters)
{
    size_t size = 0;
    bool ordinary = !prng_chance(&desk->world->people, 150000);
    for (size_t i = 0; i < letters; i++) {
        out_letters[i] = model_letter(desk->world, desk->phone->user, ordinary);
        size += letter_write(out_letters[i], out + size);
    }
    return size;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Returns how many code points went in. */
static size_t insert_word(struct desk *desk, size_t position)
{
    struct prng *prng = &desk->world->people;
    uint8_t text[4 * WORD_MAX + 1];
    uint32_t letters[WORD_MAX];
    size_t count = prng_range(prng, 4, WORD_MAX);
    size_t size = make_word(desk, text, count, letters);
    text[size] = prng_chance(prng, 900000) ? ' ' : '\n';
    struct quire_bytes bytes = {text, size + 1};
    bool whole = prng_chance(prng, 500000); /* in one piece, as a keyboard with suggestions does */
    size_t done = 0;
    for (size_t at = 0; at < bytes.size && !desk->world->failed;) {
        size_t from = at;
        (void)letter_read(bytes, &at);
        at = whole ? bytes.size : at;
        struct quire_bytes piece = {text + from, at - from};
        if (!grows(desk,
                quire_document_insert(desk->document, &desk->stamp, position + done, piece),
                "insert")) {
            break;
        }
        done = whole ? count + 1 : done + 1;
    }
    for (size_t i = 0; i < count && i < done; i++) {
        model_adds(desk->world, desk->edit, THING_LETTER, letters[i]);
    }
    return done;
}

static void paste(struct desk *desk, size_t position)
{
    struct prng *prng = &desk->world->people;
    size_t most = prng_chance(prng, 200000) ? PASTE_MAX : PASTE_MAX / 20;
    size_t count = prng_range(prng, 100, most);
    uint8_t *text = sim_alloc(4 * count);
    uint32_t *letters = sim_alloc(count * sizeof *letters);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        letters[i] = model_letter(desk->world, desk->phone->user, true);
        size += letter_write(letters[i], text + size);
    }
    mark(desk->world, MARK_paste);
    bool grown = grows(desk,
        quire_document_insert(
            desk->document, &desk->stamp, position, (struct quire_bytes){text, size}),
        "paste");
    for (size_t i = 0; grown && i < count; i++) {
        model_adds(desk->world, desk->edit, THING_LETTER, letters[i]);
    }
    free(letters);
    free(text);
}

static void erase(struct desk *desk, size_t position, size_t count)
{
    struct quire_buffer text = {0};
    must(desk, quire_document_text(desk->document, &text), "text");
    size_t at = 0;
    for (size_t i = 0; at < text.size && i < position + count; i++) {
        uint32_t letter = letter_read(quire_buffer_bytes(&text), &at);
        if (i >= position) {
            model_removes(desk->world, desk->edit, letter);
        }
    }
    quire_buffer_finish(&text);
    must(desk, quire_document_erase(desk->document, &desk->stamp, position, count), "erase");
}

static void write_text(struct desk *desk)
{
    struct prng *prng = &desk->world->people;
    size_t length = quire_document_text_length(desk->document);
    size_t long_text = desk->world->options.text_length;
    desk->edit = model_edit(desk->world, desk->phone, desk->entry, EDIT_TYPE);
    size_t place = prng_chance(prng, 500000) ? length : prng_below(prng, length + 1);
    uint64_t what = prng_below(prng, 100);
    if (prng_chance(prng, desk->world->options.paste_ppm)
        && desk->world->model->users[desk->phone->user].letters < PASTES_UNTIL) {
        paste(desk, place);
    } else if (length > 0 && (what < 20 || length > long_text)) { /* delete, mostly a little */
        size_t from = prng_below(prng, length);
        size_t most = length > 2 * long_text ? length : prng_chance(prng, 100000) ? 200 : 8;
        size_t count = prng_range(prng, 1, most);
        erase(desk, from, count < length - from ? count : length - from);
        if (length <= long_text && prng_chance(prng, 500000)) {
            (void)insert_word(desk, from);
        }
    } else if (length > 4 && what < 30) { /* move: erase here, write there */
        size_t from = prng_below(prng, length - 4);
        erase(desk, from, 4);
        (void)insert_word(desk, prng_below(prng, length - 4 + 1));
    } else { /* words, with a slip of the finger now and then */
        for (uint64_t words = prng_range(prng, 1, 4); words > 0 && !desk->world->failed; words--) {
            size_t written = insert_word(desk, place);
            place += written;
            if (prng_chance(prng, 200000)) {
                size_t slip = prng_range(prng, 1, 3);
                slip = slip < written ? slip : written;
                if (slip > 0) {
                    erase(desk, place - slip, slip);
                }
                place -= slip;
            }
        }
    }
}

/* ---- registers ------------------------------------------------------------------------------- */

static void overwrite(struct desk *desk, enum quire_register field)
{
    size_t count = quire_document_register_count(desk->document, field);
    if (count > 1) {
        mark(desk->world, MARK_register_with_rival_values);
    }
    for (size_t i = 0; i < count; i++) {
        struct quire_value value;
        must(desk, quire_document_register(desk->document, field, i, &value), "register");
        if (field == QUIRE_REGISTER_TITLE) {
            size_t at = 0;
            model_removes(desk->world, desk->edit, letter_read(value.text, &at));
        } else if (field == QUIRE_REGISTER_DATE) {
            model_removes(desk->world, desk->edit, (uint32_t)(value.number / DAY_MS));
        }
    }
}

static void write_register(struct desk *desk)
{
    struct prng *prng = &desk->world->people;
    enum quire_register field = (enum quire_register)prng_below(prng, QUIRE_REGISTER_COUNT);
    size_t count = quire_document_register_count(desk->document, field);
    desk->edit = model_edit(desk->world, desk->phone, desk->entry, EDIT_FIELD);
    overwrite(desk, field);
    if (count > 0 && prng_chance(prng, 100000)) {
        must(desk, quire_document_clear_register(desk->document, &desk->stamp, field), "clear");
        return;
    }
    uint8_t text[4 * WORD_MAX];
    uint32_t letters[WORD_MAX];
    struct quire_value value = {.number = (int64_t)prng_below(prng, QUIRE_MOOD_MAX + 1)};
    if (field == QUIRE_REGISTER_TITLE) {
        value.text = (struct quire_bytes){text, make_word(desk, text, 6, letters)};
        model_adds(desk->world, desk->edit, THING_TITLE, letters[0]);
    } else if (field == QUIRE_REGISTER_DATE) {
        letters[0] = model_letter(desk->world, desk->phone->user, true);
        value.number = (int64_t)letters[0] * DAY_MS;
        model_adds(desk->world, desk->edit, THING_DATE, letters[0]);
    } else {
        desk->world->model->edits[desk->edit].revives = true;
    }
    must(desk, quire_document_set_register(desk->document, &desk->stamp, field, &value), "set");
}

/* ---- sets ------------------------------------------------------------------------------------ */

static size_t pool_name(uint8_t name, uint8_t out[16])
{
    size_t size = 0;
    for (uint32_t i = 0; i < 4; i++) {
        size += letter_write(POOL_FIRST + 4u * name + i, out + size);
    }
    return size;
}

static void write_element(struct desk *desk)
{
    struct prng *prng = &desk->world->people;
    enum quire_set set = (enum quire_set)prng_below(prng, QUIRE_SET_COUNT);
    int64_t value = set == QUIRE_SET_EMOTIONS ? (int64_t)prng_below(prng, 101) : 0;
    size_t count = quire_document_set_count(desk->document, set);
    uint8_t text[4 * WORD_MAX];
    uint32_t letters[WORD_MAX];
    desk->edit = model_edit(desk->world, desk->phone, desk->entry, EDIT_ELEMENT);
    if (count > 0 && (count > ELEMENTS_AT_MOST || prng_chance(prng, 300000))) {
        struct quire_element element;
        must(desk,
            quire_document_set_element(desk->document, set, prng_below(prng, count), &element),
            "element");
        size_t size = element.name.size < sizeof text ? element.name.size : sizeof text;
        memcpy(text, element.name.data, size); /* the document lends it until it changes */
        size_t at = 0;
        uint32_t letter = letter_read((struct quire_bytes){text, size}, &at);
        if (letter >= POOL_FIRST && letter < POOL_FIRST + 4 * POOL_SIZE) {
            model_pool(
                desk->world, desk->edit, (uint8_t)set, (uint8_t)((letter - POOL_FIRST) / 4), false);
        } else {
            model_removes(desk->world, desk->edit, letter);
        }
        must(desk,
            quire_document_remove_element(
                desk->document, &desk->stamp, set, (struct quire_bytes){text, size}),
            "remove");
    } else if (prng_chance(prng, 400000)) {
        uint8_t name = (uint8_t)prng_below(prng, POOL_SIZE);
        if (grows(desk,
                quire_document_add_element(desk->document, &desk->stamp, set,
                    (struct quire_bytes){text, pool_name(name, text)}, value),
                "add")) {
            model_pool(desk->world, desk->edit, (uint8_t)set, name, true);
        }
    } else {
        size_t size = make_word(desk, text, 5, letters);
        if (grows(desk,
                quire_document_add_element(
                    desk->document, &desk->stamp, set, (struct quire_bytes){text, size}, value),
                "add")) {
            model_adds(desk->world, desk->edit, set == QUIRE_SET_TAGS ? THING_TAG : THING_EMOTION,
                letters[0]);
        }
    }
}

/* ---- what only later versions can read ---------------------------------------------------------- */

#define LATER_FIELDS 3u

static uint64_t place_in_text(struct desk *desk)
{
    struct prng *prng = &desk->world->people;
    size_t length = quire_document_text_length(desk->document);
    bool after = prng_chance(prng, 500000);
    if (length == 0 || prng_chance(prng, 100000)) {
        return qr_place(QR_ID_NONE, after); /* the start or the end */
    }
    uint32_t offset = 0;
    must(desk, qr_document_settle(desk->document), "settle");
    uint32_t item = qr_tree_at(&desk->document->text.order, prng_below(prng, length), &offset);
    return qr_place(desk->document->text.items[item].id + offset, after);
}

/* As a later version would write bold, say: a field of its own, places in the text, some bytes. */
static void write_later_field(struct desk *desk)
{
    struct prng *prng = &desk->world->people;
    struct qr_put put = {.field = (uint8_t)(QR_FIELD_UNREAD + prng_below(prng, LATER_FIELDS))};
    struct qr_cell cell = {.field = put.field};
    const struct qr_cells *cells = &desk->document->cells;
    uint8_t text[4 * WORD_MAX];
    uint32_t letters[WORD_MAX];
    desk->edit = model_edit(desk->world, desk->phone, desk->entry, EDIT_ELEMENT);
    for (size_t i = cells->unread_start; i < cells->count; i++) {
        if (cells->dots[i]->field == put.field) {
            size_t at = 0;
            mark(desk->world, MARK_field_written_over);
            model_removes(desk->world, desk->edit, letter_read(qr_dot_text(cells->dots[i]), &at));
        }
    }
    put.place_count = (uint8_t)prng_below(prng, 3);
    for (size_t i = 0; i < put.place_count; i++) {
        put.places[i] = place_in_text(desk);
    }
    put.text = (struct quire_bytes){text, make_word(desk, text, 5, letters)};
    model_adds(desk->world, desk->edit, THING_UNREAD, letters[0]);
    mark(desk->world, MARK_field_of_later_version);
    put.wall_ms = desk->stamp.wall_ms;
    must(desk, qr_edit_overwrite(desk->document, &desk->stamp, &cell, &put, 1),
        "write a later field");
}

/* ---- an act ---------------------------------------------------------------------------------- */

static bool choose_entry(struct desk *desk)
{
    struct world *world = desk->world;
    struct user *user = &world->model->users[desk->phone->user];
    struct prng *prng = &world->people;
    bool create = false;
    bool fresh = false;
    if (user->entry_count < world->options.entries
        || (user->entry_count < ENTRIES_MAX && prng_chance(prng, 4000))) {
        desk->entry = user->entry_count++;
        prng_bytes(&world->entropy, user->entries[desk->entry], QUIRE_ENTRY_SIZE);
        create = fresh = true;
    } else {
        desk->entry = (uint32_t)prng_below(prng, user->entry_count);
        /* As with an entry for a date, whose id both phones work out alone. */
        create = prng_chance(prng, 100000);
    }
    enum quire_status status = quire_device_document(
        desk->phone->device, user->entries[desk->entry], create, &desk->document);
    if (status == QUIRE_ENOTFOUND && !create) {
        return false; /* it has not come here yet */
    }
    must(desk, status, "open");
    if (status == QUIRE_OK && create && !fresh && quire_document_empty(desk->document)) {
        mark(world, MARK_entry_made_on_two_phones);
    }
    return status == QUIRE_OK;
}

static void write_one(struct desk given)
{
    struct desk desk = given;
    struct world *world = desk.world;
    struct phone *phone = desk.phone;
    struct prng *prng = &world->people;
    desk.stamp = quire_device_stamp(phone->device, phone_wall_ms(world, phone));
    if (quire_document_deleted(desk.document)) {
        mark(world, MARK_edit_after_delete);
    }
    uint64_t what = prng_below(prng, 100);
    if (prng_chance(prng, world->options.delete_ppm)) {
        desk.edit = model_edit(world, phone, desk.entry, EDIT_DELETE);
        must(&desk, quire_document_delete(desk.document, &desk.stamp), "delete");
        mark(world, MARK_delete_of_entry);
    } else if (phone->newer && prng_chance(prng, 200000)) {
        write_later_field(&desk);
    } else if (what < 70) {
        write_text(&desk);
    } else if (what < 85) {
        write_register(&desk);
    } else {
        write_element(&desk);
    }
    TRACE(world, "phone # writes in entry #: edit #", phone->number, desk.entry, desk.edit);
    if (phone->link == 0) {
        mark(world, MARK_wrote_while_offline);
    }
    if (!world->failed && !prng_chance(prng, world->options.save_later_ppm)) {
        people_save(world, phone, desk.entry);
    }
    if (!world->failed && prng_chance(prng, world->options.flush_ppm)) {
        (void)phone_step(world, phone, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    }
}

void people_write(struct world *world, struct phone *phone)
{
    struct desk desk = {.world = world, .phone = phone};
    if (phone->device != NULL && phone->stage == PHONE_JOINED && choose_entry(&desk)) {
        write_one(desk);
    }
}

void people_write_in(struct world *world, struct phone *phone, uint32_t entry)
{
    struct desk desk = {.world = world, .phone = phone, .entry = entry};
    must(&desk,
        quire_device_document(
            phone->device, world->model->users[phone->user].entries[entry], true, &desk.document),
        "open");
    if (!world->failed) {
        write_one(desk);
    }
}

void people_save(struct world *world, struct phone *phone, uint32_t entry)
{
    struct quire_event event = {.kind = QUIRE_EVENT_SAVE};
    memcpy(event.entry, world->model->users[phone->user].entries[entry], QUIRE_ENTRY_SIZE);
    struct quire_document *document = NULL;
    uint64_t before = phone->disk.version;
    /* What was not saved may have been sealed meanwhile, and is on disk all the more. */
    bool pending = quire_device_document(phone->device, event.entry, false, &document) == QUIRE_OK
        && quire_document_pending_size(document) > 0;
    enum quire_status status = phone_step(world, phone, event);
    if (status == QUIRE_OK && pending && phone->disk.version == before) {
        world_fail(
            world, "complete", "phone %u: SAVE of entry %u wrote nothing", phone->number, entry);
    }
    model_saved(world, phone, entry, phone->disk.version);
}

void people_save_all(struct world *world, struct phone *phone)
{
    const struct edits *open = &world->model->open[phone->number];
    for (size_t i = 0; phone->device != NULL && i < open->count && !world->failed; i++) {
        const struct edit *edit = &world->model->edits[open->items[i]];
        if (edit->state == EDIT_MADE) {
            people_save(world, phone, edit->entry); /* which leaves the list as it is */
        }
    }
}
