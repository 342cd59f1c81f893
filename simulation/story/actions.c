/*
 * What a story lets happen: the same doors that the seeds use, opened by name.
 */
#include "interpreter.h"

#include "crdt/inner.h"
#include "faults/timing.h"
#include "adversary/mallory.h"
#include "people/model.h"
#include "network/network.h"
#include "people/people.h"
#include "run.h"
#include "server/server.h"
#include "faults/process.h"

#include <stdlib.h>
#include <string.h>

#define ACCOUNT_WITHIN_MS (5u * 60 * 1000)
#define DRAIN_MS 10000
#define LONG_MS (60u * 60 * 1000) /* in a longer wait the server looks at its clock less often */
#define LONG_TICK_MS 30000u
#define STANDSTILL_MAX_MS 300000u
#define EDITS_MAX 20000u

/* A device that does something itself must run. NULL: it does not, and the story has failed. */
static struct phone *alive(struct interpreter *interpreter, uint32_t device)
{
    struct phone *phone = interpreter_phone(interpreter, device);
    if (phone == NULL || phone->device == NULL) {
        interpreter_fail(interpreter, "%s does not run", interpreter_name(interpreter, device));
        return NULL;
    }
    if (interpreter->world->now_ms < phone->paused_until_ms) {
        interpreter_fail(interpreter, "%s stands still", interpreter_name(interpreter, device));
        return NULL;
    }
    return phone;
}

static struct phone *joined(struct interpreter *interpreter, uint32_t device)
{
    struct phone *phone = alive(interpreter, device);
    if (phone != NULL && phone->stage != PHONE_JOINED) {
        interpreter_fail(
            interpreter, "%s has not joined an account", interpreter_name(interpreter, device));
        return NULL;
    }
    return phone;
}

#define EACH(interpreter, line, i) \
    for (uint32_t i = 0; i < (interpreter)->story->device_count && !(interpreter)->world->failed; \
         i++) \
        if (((line)->values[0].devices >> i & 1u) != 0)

/* ---- who there is ---------------------------------------------------------------------------- */

void story_has(struct interpreter *interpreter, const struct story_line *line)
{
    struct world *world = interpreter->world;
    uint64_t devices = line->values[1].devices;
    struct phone *first = NULL;
    for (uint32_t i = 0; i < interpreter->story->device_count && !world->failed; i++) {
        if ((devices >> i & 1u) == 0) {
            continue;
        }
        struct phone *phone = phone_add(world, line->values[0].device);
        if (first == NULL) {
            first = phone;
            people_make_account(world, phone);
        } else {
            (void)people_pair(world, first, phone);
        }
        if (!world->failed) {
            interpreter_converge(
                interpreter, (devices & ((UINT64_C(2) << i) - 1)), ACCOUNT_WITHIN_MS);
        }
    }
}

void story_gets(struct interpreter *interpreter, const struct story_line *line)
{
    (void)phone_add(interpreter->world, line->values[0].device);
}

void story_set(struct interpreter *interpreter, const struct story_line *line)
{
    uint32_t option = line->values[0].device;
    uint64_t least, most;
    mallory_option_range(option, &least, &most);
    if (line->values[1].number < least || line->values[1].number > most) {
        interpreter_fail(interpreter, "%s is at least %llu and at most %llu", options_name(option),
            (unsigned long long)least, (unsigned long long)most);
        return;
    }
    *options_at(&interpreter->world->options, option) = line->values[1].number;
    run_lower_limits(&interpreter->world->options);
}

static void let_pass(struct interpreter *interpreter, uint64_t until_ms)
{
    struct world *world = interpreter->world;
    uint64_t tick_ms = world->server->tick_ms;
    if (until_ms > world->now_ms + LONG_MS) {
        world->server->tick_ms = LONG_TICK_MS;
    }
    world_run(world, until_ms);
    world->server->tick_ms = tick_ms;
}

void story_wait(struct interpreter *interpreter, const struct story_line *line)
{
    let_pass(interpreter, interpreter->world->now_ms + line->values[0].number);
}

/* ---- edits ----------------------------------------------------------------------------------- */

struct desk {
    struct interpreter *interpreter;
    struct phone *phone;
    struct quire_document *document;
    struct quire_stamp stamp;
    uint32_t entry; /* number within the user */
};

static bool sit_down(
    struct interpreter *interpreter, uint32_t device, uint32_t entry, struct desk *desk)
{
    struct world *world = interpreter->world;
    struct phone *phone = joined(interpreter, device);
    if (phone == NULL) {
        return false;
    }
    *desk = (struct desk){.interpreter = interpreter, .phone = phone};
    desk->entry = interpreter_entry(interpreter, phone->user, entry);
    desk->stamp = quire_device_stamp(phone->device, phone_wall_ms(world, phone));
    enum quire_status status = quire_device_document(phone->device,
        world->model->users[phone->user].entries[desk->entry], true, &desk->document);
    if (status != QUIRE_OK) {
        interpreter_fail(interpreter, "%s cannot open the entry: %s",
            interpreter_name(interpreter, device), quire_status_text(status));
    }
    return status == QUIRE_OK;
}

static void get_up(struct desk *desk, enum quire_status status, enum edit_kind kind, bool save)
{
    struct world *world = desk->interpreter->world;
    if (status != QUIRE_OK) {
        interpreter_fail(desk->interpreter, "the edit is refused: %s", quire_status_text(status));
        return;
    }
    uint32_t edit = model_edit(world, desk->phone, desk->entry, kind);
    world->model->edits[edit].revives = kind != EDIT_DELETE;
    TRACE(world, "phone # writes in entry #: edit #", desk->phone->number, desk->entry, edit);
    if (save) {
        people_save(world, desk->phone, desk->entry);
    }
}

static void remember(struct interpreter *interpreter, const char *text, uint32_t line)
{
    if (interpreter->secret_count < INTERPRETER_SECRETS_MAX) {
        interpreter->secrets[interpreter->secret_count++] =
            (struct secret){.text = text, .size = strlen(text), .line = line};
    }
}

static struct quire_bytes bytes_of(const char *text)
{
    return quire_bytes_of_text(text);
}

static size_t letters_in(const uint8_t *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += (text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* In code points; false: it does not stand there, and the story has failed. */
static bool find(struct desk *desk, const char *what, size_t *out_position)
{
    struct quire_buffer text = {0};
    bool found = false;
    if (quire_document_text(desk->document, &text) == QUIRE_OK) {
        size_t size = strlen(what);
        for (size_t i = 0; !found && size <= text.size && i <= text.size - size; i++) {
            if (memcmp(text.data + i, what, size) == 0) {
                *out_position = letters_in(text.data, i);
                found = true;
            }
        }
    }
    if (!found) {
        interpreter_fail(desk->interpreter, "%s shows no \"%s\" there; it shows \"%.*s\"",
            interpreter_name(desk->interpreter, desk->phone->number), what, (int)text.size,
            text.size == 0 ? "" : (const char *)text.data);
    }
    quire_buffer_finish(&text);
    return found;
}

static enum quire_status insert(struct desk *desk, size_t position, const char *text)
{
    if (strlen(text) >= 6) { /* shorter ones may come up by chance in what is encrypted */
        remember(desk->interpreter, text, 0);
    }
    return quire_document_insert(desk->document, &desk->stamp, position, bytes_of(text));
}

static void write_at_end(struct interpreter *interpreter, const struct story_line *line, bool save)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        get_up(&desk,
            insert(&desk, quire_document_text_length(desk.document), line->values[1].text),
            EDIT_TYPE, save);
    }
}

void story_writes(struct interpreter *interpreter, const struct story_line *line)
{
    write_at_end(interpreter, line, true);
}

void story_drafts(struct interpreter *interpreter, const struct story_line *line)
{
    write_at_end(interpreter, line, false);
}

static void write_beside(struct interpreter *interpreter, const struct story_line *line, bool after)
{
    struct desk desk;
    size_t position = 0;
    const char *place = line->values[2].text;
    if (sit_down(interpreter, line->values[0].device, line->values[3].device, &desk)
        && find(&desk, place, &position)) {
        position += after ? letters_in((const uint8_t *)place, strlen(place)) : 0;
        get_up(&desk, insert(&desk, position, line->values[1].text), EDIT_TYPE, true);
    }
}

void story_writes_before(struct interpreter *interpreter, const struct story_line *line)
{
    write_beside(interpreter, line, false);
}

void story_writes_after(struct interpreter *interpreter, const struct story_line *line)
{
    write_beside(interpreter, line, true);
}

void story_replaces(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    size_t position = 0;
    const char *old = line->values[1].text;
    if (sit_down(interpreter, line->values[0].device, line->values[3].device, &desk)
        && find(&desk, old, &position)) {
        enum quire_status status = quire_document_erase(
            desk.document, &desk.stamp, position, letters_in((const uint8_t *)old, strlen(old)));
        get_up(&desk, status != QUIRE_OK ? status : insert(&desk, position, line->values[2].text),
            EDIT_TYPE, true);
    }
}

void story_erases(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    size_t position = 0;
    const char *old = line->values[1].text;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)
        && find(&desk, old, &position)) {
        get_up(&desk,
            quire_document_erase(desk.document, &desk.stamp, position,
                letters_in((const uint8_t *)old, strlen(old))),
            EDIT_TYPE, true);
        if (!interpreter->world->failed) { /* an erasure alone brings nothing back */
            interpreter->world->model->edits[interpreter->world->model->edit_count - 1].revives =
                false;
        }
    }
}

/* As a later version would write bold, say: this one keeps it and passes it on. */
void story_writes_later(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (!sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        return;
    }
    if (!desk.phone->newer) {
        interpreter_fail(interpreter, "%s knows no later fields: it is of this version",
            interpreter_name(interpreter, line->values[0].device));
        return;
    }
    struct qr_put put = {.field = QR_FIELD_UNREAD, .text = bytes_of(line->values[1].text)};
    struct qr_cell cell = {.field = put.field};
    remember(interpreter, line->values[1].text, 0);
    put.wall_ms = desk.stamp.wall_ms;
    get_up(
        &desk, qr_edit_overwrite(desk.document, &desk.stamp, &cell, &put, 1), EDIT_ELEMENT, true);
    mark(interpreter->world, MARK_field_of_later_version);
}

void story_saves(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[1].device, &desk)) {
        people_save(interpreter->world, desk.phone, desk.entry);
    }
}

static void expect_refused(struct desk *desk, enum quire_status status, const char *what)
{
    if (status != QUIRE_OK && status != QUIRE_ELIMIT) {
        interpreter_fail(
            desk->interpreter, "%s is refused otherwise: %s", what, quire_status_text(status));
    } else if ((status == QUIRE_ELIMIT) == desk->interpreter->broken_now) {
        interpreter_fail(desk->interpreter, "%s %s \"%s\"",
            interpreter_name(desk->interpreter, desk->phone->number),
            status == QUIRE_OK ? "takes" : "refuses, at a limit,", what);
    }
}

void story_expect_refused(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        expect_refused(&desk,
            insert(&desk, quire_document_text_length(desk.document), line->values[1].text),
            line->values[1].text);
    }
}

void story_expect_refused_tag(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        expect_refused(&desk,
            quire_document_add_element(
                desk.document, &desk.stamp, QUIRE_SET_TAGS, bytes_of(line->values[1].text), 0),
            line->values[1].text);
    }
}

void story_expect_refused_title(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        struct quire_value value = {.text = bytes_of(line->values[1].text)};
        expect_refused(&desk,
            quire_document_set_register(desk.document, &desk.stamp, QUIRE_REGISTER_TITLE, &value),
            line->values[1].text);
    }
}

void story_sets_title(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        struct quire_value value = {.text = bytes_of(line->values[1].text)};
        remember(interpreter, line->values[1].text, 0);
        get_up(&desk,
            quire_document_set_register(desk.document, &desk.stamp, QUIRE_REGISTER_TITLE, &value),
            EDIT_FIELD, true);
    }
}

void story_sets_mood(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        struct quire_value value = {.number = (int64_t)line->values[1].number};
        get_up(&desk,
            quire_document_set_register(desk.document, &desk.stamp, QUIRE_REGISTER_MOOD, &value),
            EDIT_FIELD, true);
    }
}

void story_adds_tag(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        get_up(&desk,
            quire_document_add_element(
                desk.document, &desk.stamp, QUIRE_SET_TAGS, bytes_of(line->values[1].text), 0),
            EDIT_ELEMENT, true);
    }
}

void story_removes_tag(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[2].device, &desk)) {
        get_up(&desk,
            quire_document_remove_element(
                desk.document, &desk.stamp, QUIRE_SET_TAGS, bytes_of(line->values[1].text)),
            EDIT_ELEMENT, true);
        if (!interpreter->world->failed) {
            interpreter->world->model->edits[interpreter->world->model->edit_count - 1].revives =
                false;
        }
    }
}

void story_adds_emotion(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[3].device, &desk)) {
        get_up(&desk,
            quire_document_add_element(desk.document, &desk.stamp, QUIRE_SET_EMOTIONS,
                bytes_of(line->values[1].text), (int64_t)line->values[2].number),
            EDIT_ELEMENT, true);
    }
}

void story_deletes(struct interpreter *interpreter, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(interpreter, line->values[0].device, line->values[1].device, &desk)) {
        get_up(&desk, quire_document_delete(desk.document, &desk.stamp), EDIT_DELETE, true);
    }
}

void story_makes_edits(struct interpreter *interpreter, const struct story_line *line)
{
    struct world *world = interpreter->world;
    uint64_t count = line->values[1].number, from_ms = world->now_ms;
    if (count == 0 || count > EDITS_MAX) {
        interpreter_fail(interpreter, "1 to %u edits can be made at once", EDITS_MAX);
    }
    for (uint64_t i = 0; i < count && !world->failed; i++) {
        struct phone *phone = joined(interpreter, line->values[0].device);
        if (phone != NULL) {
            uint32_t entry = interpreter_entry(interpreter, phone->user, line->values[2].device);
            people_write_in(world, phone, entry);
            let_pass(interpreter, from_ms + line->values[3].number / count * (i + 1));
        }
    }
}

void story_flushes(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *phone = joined(interpreter, line->values[0].device);
    if (phone != NULL) {
        (void)phone_step(
            interpreter->world, phone, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    }
}

/* ---- devices of an account ------------------------------------------------------------------- */

static bool is_blank(struct interpreter *interpreter, uint32_t device)
{
    struct phone *phone = interpreter_phone(interpreter, device);
    if (phone == NULL || phone->device != NULL || phone->stage != PHONE_BLANK) {
        interpreter_fail(interpreter, "%s is not blank", interpreter_name(interpreter, device));
        return false;
    }
    return true;
}

void story_pairs(struct interpreter *interpreter, const struct story_line *line)
{
    uint32_t device = line->values[0].device;
    struct phone *helper = joined(interpreter, line->values[1].device);
    if (helper == NULL || !is_blank(interpreter, device)) {
        return;
    }
    if (people_pair(interpreter->world, helper, interpreter_phone(interpreter, device))
        == QUIRE_ESTATE) {
        interpreter_fail(interpreter, "%s is not connected, so it cannot show a code",
            interpreter_name(interpreter, line->values[1].device));
    }
}

void story_joins_by_kit(struct interpreter *interpreter, const struct story_line *line)
{
    if (is_blank(interpreter, line->values[0].device)) {
        people_join_by_kit(
            interpreter->world, interpreter_phone(interpreter, line->values[0].device));
    }
}

void story_revokes(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *by = joined(interpreter, line->values[0].device);
    struct phone *target = interpreter_phone(interpreter, line->values[1].device);
    if (by != NULL && target != NULL
        && people_revoke_one(interpreter->world, by, target) == QUIRE_ESTATE) {
        interpreter_fail(interpreter, "%s is not connected, so it cannot revoke",
            interpreter_name(interpreter, line->values[0].device));
    }
}

/* ---- faults of devices -------------------------------------------------------------------- */

void story_goes_offline(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        phone_set_online(interpreter->world, interpreter_phone(interpreter, i), false);
    }
}

void story_comes_online(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        phone_set_online(interpreter->world, interpreter_phone(interpreter, i), true);
    }
}

void story_loses_connection(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        if (interpreter_phone(interpreter, i)->link != 0) {
            network_cut(interpreter->world, interpreter_phone(interpreter, i)->link);
        }
    }
}

static void stalls(struct interpreter *interpreter, const struct story_line *line, bool upwards)
{
    struct phone *phone = alive(interpreter, line->values[0].device);
    if (phone != NULL && phone->link == 0) {
        interpreter_fail(
            interpreter, "%s has no connection", interpreter_name(interpreter, phone->number));
    } else if (phone != NULL) {
        network_stall(interpreter->world, phone->link, upwards, line->values[1].number);
    }
}

void story_upload_stalls(struct interpreter *interpreter, const struct story_line *line)
{
    stalls(interpreter, line, true);
}

void story_download_stalls(struct interpreter *interpreter, const struct story_line *line)
{
    stalls(interpreter, line, false);
}

static bool is_short(struct interpreter *interpreter, uint64_t length_ms)
{
    if (length_ms > STANDSTILL_MAX_MS) {
        interpreter_fail(interpreter,
            "nothing stands still for more than %u s; it can be killed and started",
            STANDSTILL_MAX_MS / 1000);
    }
    return length_ms <= STANDSTILL_MAX_MS;
}

void story_stands_still(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *phone = alive(interpreter, line->values[0].device);
    if (phone != NULL && is_short(interpreter, line->values[1].number)) {
        timing_pause_phone(interpreter->world, phone, line->values[1].number);
    }
}

static void kill_all(struct interpreter *interpreter, const struct story_line *line, bool power_too)
{
    EACH(interpreter, line, i)
    {
        struct phone *phone = interpreter_phone(interpreter, i);
        if (phone->device == NULL) {
            interpreter_fail(interpreter, "%s does not run", interpreter_name(interpreter, i));
        } else {
            phone_kill(interpreter->world, phone, power_too);
        }
    }
}

void story_is_killed(struct interpreter *interpreter, const struct story_line *line)
{
    kill_all(interpreter, line, false);
}

void story_loses_power(struct interpreter *interpreter, const struct story_line *line)
{
    kill_all(interpreter, line, true);
}

void story_starts(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        struct phone *phone = interpreter_phone(interpreter, i);
        if (phone->device != NULL) {
            interpreter_fail(interpreter, "%s runs already", interpreter_name(interpreter, i));
        } else {
            phone_start(interpreter->world, phone);
        }
    }
}

void story_is_lost(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        process_lose(interpreter->world, interpreter_phone(interpreter, i));
    }
}

void story_is_backed_up(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *phone = interpreter_phone(interpreter, line->values[0].device);
    if (phone->stage != PHONE_JOINED || phone->disk.durable.count == 0) {
        interpreter_fail(interpreter, "there is nothing to back up yet");
    } else {
        process_back_up(interpreter->world, phone);
    }
}

void story_is_restored(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *phone = interpreter_phone(interpreter, line->values[0].device);
    if (!phone->disk.has_backup) {
        interpreter_fail(interpreter, "there is no backup of it");
        return;
    }
    process_restore(interpreter->world, phone, true);
    phone_start(interpreter->world, phone);
}

void story_is_cloned(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *phone = interpreter_phone(interpreter, line->values[0].device);
    if (phone->stage != PHONE_JOINED || phone->disk.durable.count == 0) {
        interpreter_fail(interpreter, "there is nothing to copy yet");
    } else {
        (void)process_clone(interpreter->world, phone);
    }
}

static void set_clock(
    struct interpreter *interpreter, const struct story_line *line, int64_t skew_ms, bool frozen)
{
    struct phone *phone = interpreter_phone(interpreter, line->values[0].device);
    phone->clock.skew_ms = skew_ms;
    phone->clock.frozen = frozen;
    phone->clock.frozen_at_ms = WALL_START_MS + (int64_t)interpreter->world->now_ms + skew_ms;
    mark(interpreter->world, MARK_clock_jumped);
    TRACE(interpreter->world, "clock of phone # is set, frozen: #", phone->number, frozen);
}

static int64_t skew_of(const struct interpreter *interpreter, const struct story_line *line)
{
    return interpreter_phone(interpreter, line->values[0].device)->clock.skew_ms;
}

void story_clock_jumps_ahead(struct interpreter *interpreter, const struct story_line *line)
{
    set_clock(
        interpreter, line, skew_of(interpreter, line) + (int64_t)line->values[1].number, false);
}

void story_clock_jumps_back(struct interpreter *interpreter, const struct story_line *line)
{
    set_clock(
        interpreter, line, skew_of(interpreter, line) - (int64_t)line->values[1].number, false);
}

void story_clock_freezes(struct interpreter *interpreter, const struct story_line *line)
{
    set_clock(interpreter, line, skew_of(interpreter, line), true);
}

void story_clock_is_right(struct interpreter *interpreter, const struct story_line *line)
{
    set_clock(interpreter, line, 0, false);
}

/* ---- faults of the server ----------------------------------------------------------------- */

/* Faults of the hub are no faults of Mallory. */
static bool is_hub(struct interpreter *interpreter)
{
    if (interpreter->world->server->front != NULL) {
        interpreter_fail(
            interpreter, "this cannot be told of a server that turns hostile in the same story");
    }
    return !interpreter->world->failed;
}

static void must_be(struct interpreter *interpreter, bool up)
{
    if (is_hub(interpreter) && server_up(interpreter->world) != up) {
        interpreter_fail(
            interpreter, up ? "the server is down already" : "the server is up already");
    }
}

void story_server_is_killed(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    must_be(interpreter, true);
    if (!interpreter->world->failed) {
        server_kill(interpreter->world);
    }
}

void story_server_dies_in_commit(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    must_be(interpreter, true);
    if (!interpreter->world->failed) {
        server_kill_in_commit(interpreter->world);
    }
}

void story_server_goes_down(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    must_be(interpreter, true);
    if (!interpreter->world->failed) {
        server_drain(interpreter->world);
        world_run(interpreter->world, interpreter->world->now_ms + DRAIN_MS);
        server_kill(interpreter->world);
    }
}

void story_server_stands_still(struct interpreter *interpreter, const struct story_line *line)
{
    must_be(interpreter, true);
    if (!interpreter->world->failed && is_short(interpreter, line->values[0].number)) {
        timing_pause_server(interpreter->world, line->values[0].number);
    }
}

void story_server_starts(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    must_be(interpreter, false);
    if (!interpreter->world->failed) {
        server_start(interpreter->world);
    }
}

void story_server_is_backed_up(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    if (is_hub(interpreter)) {
        server_copy(interpreter->world);
    }
}

void story_server_is_restored(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    if (is_hub(interpreter) && interpreter->world->server->copy == SIZE_MAX) {
        interpreter_fail(interpreter, "there is no backup of the server");
    }
    if (interpreter->world->failed) {
        return;
    }
    server_kill(interpreter->world);
    server_restore(interpreter->world, false);
    server_start(interpreter->world);
}

void story_server_is_wiped(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    if (is_hub(interpreter)) {
        server_kill(interpreter->world);
        server_wipe(interpreter->world);
        server_start(interpreter->world);
    }
}

void story_server_disk_full(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    interpreter->world->server->full = is_hub(interpreter);
    TRACE(interpreter->world, "server's disk has # records and no room",
        interpreter->world->server->durable);
}

void story_server_disk_room(struct interpreter *interpreter, const struct story_line *line)
{
    (void)line;
    (void)is_hub(interpreter);
    interpreter->world->server->full = false;
    TRACE(interpreter->world, "server's disk has room again, # records",
        interpreter->world->server->durable);
}

void story_server_record_rots(struct interpreter *interpreter, const struct story_line *line)
{
    struct server *server = interpreter->world->server;
    uint64_t number = line->values[0].number;
    if (!is_hub(interpreter)) {
        return;
    }
    if (number == 0 || number > server->durable) {
        interpreter_fail(interpreter, "the server has records 1 to %zu", server->durable);
        return;
    }
    server->log[number - 1].damaged = true;
    TRACE(interpreter->world, "record # of the server rots", number);
}
