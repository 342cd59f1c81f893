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
static struct phone *alive(struct telling *telling, uint32_t device)
{
    struct phone *phone = telling_phone(telling, device);
    if (phone == NULL || phone->device == NULL) {
        telling_fail(telling, "%s does not run", telling_name(telling, device));
        return NULL;
    }
    if (telling->world->now_ms < phone->paused_until_ms) {
        telling_fail(telling, "%s stands still", telling_name(telling, device));
        return NULL;
    }
    return phone;
}

static struct phone *joined(struct telling *telling, uint32_t device)
{
    struct phone *phone = alive(telling, device);
    if (phone != NULL && phone->stage != PHONE_JOINED) {
        telling_fail(telling, "%s has not joined an account", telling_name(telling, device));
        return NULL;
    }
    return phone;
}

#define EACH(telling, line, i)                                                                     \
    for (uint32_t i = 0; i < (telling)->story->device_count && !(telling)->world->failed; i++)     \
        if (((line)->values[0].devices >> i & 1u) != 0)

/* ---- who there is ---------------------------------------------------------------------------- */

void story_has(struct telling *telling, const struct story_line *line)
{
    struct world *world = telling->world;
    uint64_t devices = line->values[1].devices;
    struct phone *first = NULL;
    for (uint32_t i = 0; i < telling->story->device_count && !world->failed; i++) {
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
            telling_converge(telling, (devices & ((UINT64_C(2) << i) - 1)), ACCOUNT_WITHIN_MS);
        }
    }
}

void story_gets(struct telling *telling, const struct story_line *line)
{
    (void)phone_add(telling->world, line->values[0].device);
}

void story_set(struct telling *telling, const struct story_line *line)
{
    uint32_t option = line->values[0].device;
    uint64_t least, most;
    mallory_option_range(option, &least, &most);
    if (line->values[1].number < least || line->values[1].number > most) {
        telling_fail(telling, "%s is at least %llu and at most %llu", options_name(option),
            (unsigned long long)least, (unsigned long long)most);
        return;
    }
    *options_at(&telling->world->options, option) = line->values[1].number;
}

static void let_pass(struct telling *telling, uint64_t until_ms)
{
    struct world *world = telling->world;
    uint64_t tick_ms = world->server->tick_ms;
    if (until_ms > world->now_ms + LONG_MS) {
        world->server->tick_ms = LONG_TICK_MS;
    }
    world_run(world, until_ms);
    world->server->tick_ms = tick_ms;
}

void story_wait(struct telling *telling, const struct story_line *line)
{
    let_pass(telling, telling->world->now_ms + line->values[0].number);
}

/* ---- edits ----------------------------------------------------------------------------------- */

struct desk {
    struct telling *telling;
    struct phone *phone;
    struct quire_document *document;
    struct quire_stamp stamp;
    uint32_t entry; /* number within the user */
};

static bool sit_down(struct telling *telling, uint32_t device, uint32_t entry, struct desk *desk)
{
    struct world *world = telling->world;
    struct phone *phone = joined(telling, device);
    if (phone == NULL) {
        return false;
    }
    *desk = (struct desk){.telling = telling, .phone = phone};
    desk->entry = telling_entry(telling, phone->user, entry);
    desk->stamp = quire_device_stamp(phone->device, phone_wall_ms(world, phone));
    enum quire_status status = quire_device_document(phone->device,
        world->model->users[phone->user].entries[desk->entry], true, &desk->document);
    if (status != QUIRE_OK) {
        telling_fail(telling, "%s cannot open the entry: %s", telling_name(telling, device),
            quire_status_text(status));
    }
    return status == QUIRE_OK;
}

static void get_up(struct desk *desk, enum quire_status status, enum edit_kind kind, bool save)
{
    struct world *world = desk->telling->world;
    if (status != QUIRE_OK) {
        telling_fail(desk->telling, "the edit is refused: %s", quire_status_text(status));
        return;
    }
    uint32_t edit = model_edit(world, desk->phone, desk->entry, kind);
    world->model->edits[edit].revives = kind != EDIT_DELETE;
    TRACE(world, "phone # writes in entry #: edit #", desk->phone->number, desk->entry, edit);
    if (save) {
        people_save(world, desk->phone, desk->entry);
    }
}

static void remember(struct telling *telling, const char *text, uint32_t line)
{
    if (telling->secret_count < TELLING_SECRETS_MAX) {
        telling->secrets[telling->secret_count++] =
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
        telling_fail(desk->telling, "%s shows no \"%s\" there; it shows \"%.*s\"",
            telling_name(desk->telling, desk->phone->number), what, (int)text.size,
            text.size == 0 ? "" : (const char *)text.data);
    }
    quire_buffer_finish(&text);
    return found;
}

static enum quire_status insert(struct desk *desk, size_t position, const char *text)
{
    if (strlen(text) >= 6) { /* shorter ones may come up by chance in what is encrypted */
        remember(desk->telling, text, 0);
    }
    return quire_document_insert(desk->document, &desk->stamp, position, bytes_of(text));
}

static void write_at_end(struct telling *telling, const struct story_line *line, bool save)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[2].device, &desk)) {
        get_up(&desk, insert(&desk, quire_document_text_length(desk.document),
            line->values[1].text), EDIT_TYPE, save);
    }
}

void story_writes(struct telling *telling, const struct story_line *line)
{
    write_at_end(telling, line, true);
}

void story_drafts(struct telling *telling, const struct story_line *line)
{
    write_at_end(telling, line, false);
}

static void write_beside(struct telling *telling, const struct story_line *line, bool after)
{
    struct desk desk;
    size_t position = 0;
    const char *place = line->values[2].text;
    if (sit_down(telling, line->values[0].device, line->values[3].device, &desk)
        && find(&desk, place, &position)) {
        position += after ? letters_in((const uint8_t *)place, strlen(place)) : 0;
        get_up(&desk, insert(&desk, position, line->values[1].text), EDIT_TYPE, true);
    }
}

void story_writes_before(struct telling *telling, const struct story_line *line)
{
    write_beside(telling, line, false);
}

void story_writes_after(struct telling *telling, const struct story_line *line)
{
    write_beside(telling, line, true);
}

void story_replaces(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    size_t position = 0;
    const char *old = line->values[1].text;
    if (sit_down(telling, line->values[0].device, line->values[3].device, &desk)
        && find(&desk, old, &position)) {
        enum quire_status status = quire_document_erase(desk.document, &desk.stamp, position,
            letters_in((const uint8_t *)old, strlen(old)));
        get_up(&desk, status != QUIRE_OK ? status : insert(&desk, position, line->values[2].text),
            EDIT_TYPE, true);
    }
}

void story_erases(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    size_t position = 0;
    const char *old = line->values[1].text;
    if (sit_down(telling, line->values[0].device, line->values[2].device, &desk)
        && find(&desk, old, &position)) {
        get_up(&desk, quire_document_erase(desk.document, &desk.stamp, position,
            letters_in((const uint8_t *)old, strlen(old))), EDIT_TYPE, true);
        if (!telling->world->failed) { /* an erasure alone brings nothing back */
            telling->world->model->edits[telling->world->model->edit_count - 1].revives = false;
        }
    }
}

/* As a later version would write bold, say: this one keeps it and passes it on. */
void story_writes_later(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (!sit_down(telling, line->values[0].device, line->values[2].device, &desk)) {
        return;
    }
    if (!desk.phone->newer) {
        telling_fail(telling, "%s knows no later fields: it is of this version",
            telling_name(telling, line->values[0].device));
        return;
    }
    struct qr_put put = {.field = QR_FIELD_UNREAD, .text = bytes_of(line->values[1].text)};
    struct qr_cell cell = {.field = put.field};
    remember(telling, line->values[1].text, 0);
    put.wall_ms = desk.stamp.wall_ms;
    get_up(&desk, qr_edit_overwrite(desk.document, &desk.stamp, &cell, &put, 1), EDIT_ELEMENT, true);
    sometimes(telling->world, SOMETIMES_field_of_later_version);
}

void story_saves(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[1].device, &desk)) {
        people_save(telling->world, desk.phone, desk.entry);
    }
}

void story_sets_title(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[2].device, &desk)) {
        struct quire_value value = {.text = bytes_of(line->values[1].text)};
        remember(telling, line->values[1].text, 0);
        get_up(&desk, quire_document_set_register(desk.document, &desk.stamp, QUIRE_REGISTER_TITLE,
            &value), EDIT_FIELD, true);
    }
}

void story_sets_mood(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[2].device, &desk)) {
        struct quire_value value = {.number = (int64_t)line->values[1].number};
        get_up(&desk, quire_document_set_register(desk.document, &desk.stamp, QUIRE_REGISTER_MOOD,
            &value), EDIT_FIELD, true);
    }
}

void story_adds_tag(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[2].device, &desk)) {
        get_up(&desk, quire_document_add_element(desk.document, &desk.stamp, QUIRE_SET_TAGS,
            bytes_of(line->values[1].text), 0), EDIT_ELEMENT, true);
    }
}

void story_removes_tag(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[2].device, &desk)) {
        get_up(&desk, quire_document_remove_element(desk.document, &desk.stamp, QUIRE_SET_TAGS,
            bytes_of(line->values[1].text)), EDIT_ELEMENT, true);
        if (!telling->world->failed) {
            telling->world->model->edits[telling->world->model->edit_count - 1].revives = false;
        }
    }
}

void story_adds_emotion(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[3].device, &desk)) {
        get_up(&desk, quire_document_add_element(desk.document, &desk.stamp, QUIRE_SET_EMOTIONS,
            bytes_of(line->values[1].text), (int64_t)line->values[2].number), EDIT_ELEMENT, true);
    }
}

void story_deletes(struct telling *telling, const struct story_line *line)
{
    struct desk desk;
    if (sit_down(telling, line->values[0].device, line->values[1].device, &desk)) {
        get_up(&desk, quire_document_delete(desk.document, &desk.stamp), EDIT_DELETE, true);
    }
}

void story_makes_edits(struct telling *telling, const struct story_line *line)
{
    struct world *world = telling->world;
    uint64_t count = line->values[1].number, from_ms = world->now_ms;
    if (count == 0 || count > EDITS_MAX) {
        telling_fail(telling, "1 to %u edits can be made at once", EDITS_MAX);
    }
    for (uint64_t i = 0; i < count && !world->failed; i++) {
        struct phone *phone = joined(telling, line->values[0].device);
        if (phone != NULL) {
            uint32_t entry = telling_entry(telling, phone->user, line->values[2].device);
            people_write_in(world, phone, entry);
            let_pass(telling, from_ms + line->values[3].number / count * (i + 1));
        }
    }
}

void story_flushes(struct telling *telling, const struct story_line *line)
{
    struct phone *phone = joined(telling, line->values[0].device);
    if (phone != NULL) {
        (void)phone_step(telling->world, phone, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    }
}

/* ---- devices of an account ------------------------------------------------------------------- */

static bool is_blank(struct telling *telling, uint32_t device)
{
    struct phone *phone = telling_phone(telling, device);
    if (phone == NULL || phone->device != NULL || phone->stage != PHONE_BLANK) {
        telling_fail(telling, "%s is not blank", telling_name(telling, device));
        return false;
    }
    return true;
}

void story_pairs(struct telling *telling, const struct story_line *line)
{
    uint32_t device = line->values[0].device;
    struct phone *helper = joined(telling, line->values[1].device);
    if (helper == NULL || !is_blank(telling, device)) {
        return;
    }
    if (people_pair(telling->world, helper, telling_phone(telling, device)) == QUIRE_ESTATE) {
        telling_fail(telling, "%s is not connected, so it cannot show a code",
            telling_name(telling, line->values[1].device));
    }
}

void story_joins_by_kit(struct telling *telling, const struct story_line *line)
{
    if (is_blank(telling, line->values[0].device)) {
        people_join_by_kit(telling->world, telling_phone(telling, line->values[0].device));
    }
}

void story_revokes(struct telling *telling, const struct story_line *line)
{
    struct phone *by = joined(telling, line->values[0].device);
    struct phone *whom = telling_phone(telling, line->values[1].device);
    if (by != NULL && whom != NULL
        && people_revoke_one(telling->world, by, whom) == QUIRE_ESTATE) {
        telling_fail(telling, "%s is not connected, so it cannot revoke",
            telling_name(telling, line->values[0].device));
    }
}

/* ---- what befalls devices -------------------------------------------------------------------- */

void story_goes_offline(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        phone_set_online(telling->world, telling_phone(telling, i), false);
    }
}

void story_comes_online(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        phone_set_online(telling->world, telling_phone(telling, i), true);
    }
}

void story_loses_connection(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        if (telling_phone(telling, i)->link != 0) {
            network_cut(telling->world, telling_phone(telling, i)->link);
        }
    }
}

static void stalls(struct telling *telling, const struct story_line *line, bool upwards)
{
    struct phone *phone = alive(telling, line->values[0].device);
    if (phone != NULL && phone->link == 0) {
        telling_fail(telling, "%s has no connection", telling_name(telling, phone->number));
    } else if (phone != NULL) {
        network_stall(telling->world, phone->link, upwards, line->values[1].number);
    }
}

void story_upload_stalls(struct telling *telling, const struct story_line *line)
{
    stalls(telling, line, true);
}

void story_download_stalls(struct telling *telling, const struct story_line *line)
{
    stalls(telling, line, false);
}

static bool is_short(struct telling *telling, uint64_t length_ms)
{
    if (length_ms > STANDSTILL_MAX_MS) {
        telling_fail(telling, "nothing stands still for more than %u s; it can be killed and started",
            STANDSTILL_MAX_MS / 1000);
    }
    return length_ms <= STANDSTILL_MAX_MS;
}

void story_stands_still(struct telling *telling, const struct story_line *line)
{
    struct phone *phone = alive(telling, line->values[0].device);
    if (phone != NULL && is_short(telling, line->values[1].number)) {
        hardship_pause_phone(telling->world, phone, line->values[1].number);
    }
}

static void kill_all(struct telling *telling, const struct story_line *line, bool power_too)
{
    EACH(telling, line, i) {
        struct phone *phone = telling_phone(telling, i);
        if (phone->device == NULL) {
            telling_fail(telling, "%s does not run", telling_name(telling, i));
        } else {
            phone_kill(telling->world, phone, power_too);
        }
    }
}

void story_is_killed(struct telling *telling, const struct story_line *line)
{
    kill_all(telling, line, false);
}

void story_loses_power(struct telling *telling, const struct story_line *line)
{
    kill_all(telling, line, true);
}

void story_starts(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        struct phone *phone = telling_phone(telling, i);
        if (phone->device != NULL) {
            telling_fail(telling, "%s runs already", telling_name(telling, i));
        } else {
            phone_start(telling->world, phone);
        }
    }
}

void story_is_lost(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        trouble_lose(telling->world, telling_phone(telling, i));
    }
}

void story_is_backed_up(struct telling *telling, const struct story_line *line)
{
    struct phone *phone = telling_phone(telling, line->values[0].device);
    if (phone->stage != PHONE_JOINED || phone->disk.durable.count == 0) {
        telling_fail(telling, "there is nothing to back up yet");
    } else {
        trouble_back_up(telling->world, phone);
    }
}

void story_is_restored(struct telling *telling, const struct story_line *line)
{
    struct phone *phone = telling_phone(telling, line->values[0].device);
    if (!phone->disk.has_backup) {
        telling_fail(telling, "there is no backup of it");
        return;
    }
    trouble_restore(telling->world, phone, true);
    phone_start(telling->world, phone);
}

void story_is_cloned(struct telling *telling, const struct story_line *line)
{
    struct phone *phone = telling_phone(telling, line->values[0].device);
    if (phone->stage != PHONE_JOINED || phone->disk.durable.count == 0) {
        telling_fail(telling, "there is nothing to copy yet");
    } else {
        (void)trouble_clone(telling->world, phone);
    }
}

static void set_clock(struct telling *telling, const struct story_line *line, int64_t skew_ms,
    bool frozen)
{
    struct phone *phone = telling_phone(telling, line->values[0].device);
    phone->clock.skew_ms = skew_ms;
    phone->clock.frozen = frozen;
    phone->clock.frozen_at_ms = WALL_START_MS + (int64_t)telling->world->now_ms + skew_ms;
    sometimes(telling->world, SOMETIMES_clock_jumped);
    TRACE(telling->world, "clock of phone # is set, frozen: #", phone->number, frozen);
}

static int64_t skew_of(const struct telling *telling, const struct story_line *line)
{
    return telling_phone(telling, line->values[0].device)->clock.skew_ms;
}

void story_clock_jumps_ahead(struct telling *telling, const struct story_line *line)
{
    set_clock(telling, line, skew_of(telling, line) + (int64_t)line->values[1].number, false);
}

void story_clock_jumps_back(struct telling *telling, const struct story_line *line)
{
    set_clock(telling, line, skew_of(telling, line) - (int64_t)line->values[1].number, false);
}

void story_clock_freezes(struct telling *telling, const struct story_line *line)
{
    set_clock(telling, line, skew_of(telling, line), true);
}

void story_clock_is_right(struct telling *telling, const struct story_line *line)
{
    set_clock(telling, line, 0, false);
}

/* ---- what befalls the server ----------------------------------------------------------------- */

/* What befalls a hub does not befall Mallory. */
static bool is_hub(struct telling *telling)
{
    if (telling->world->server->front != NULL) {
        telling_fail(telling, "this cannot be told of a server that turns hostile in the same story");
    }
    return !telling->world->failed;
}

static void must_be(struct telling *telling, bool up)
{
    if (is_hub(telling) && server_up(telling->world) != up) {
        telling_fail(telling, up ? "the server is down already" : "the server is up already");
    }
}

void story_server_is_killed(struct telling *telling, const struct story_line *line)
{
    (void)line;
    must_be(telling, true);
    if (!telling->world->failed) {
        server_kill(telling->world);
    }
}

void story_server_dies_in_commit(struct telling *telling, const struct story_line *line)
{
    (void)line;
    must_be(telling, true);
    if (!telling->world->failed) {
        server_kill_in_commit(telling->world);
    }
}

void story_server_goes_down(struct telling *telling, const struct story_line *line)
{
    (void)line;
    must_be(telling, true);
    if (!telling->world->failed) {
        server_drain(telling->world);
        world_run(telling->world, telling->world->now_ms + DRAIN_MS);
        server_kill(telling->world);
    }
}

void story_server_stands_still(struct telling *telling, const struct story_line *line)
{
    must_be(telling, true);
    if (!telling->world->failed && is_short(telling, line->values[0].number)) {
        hardship_pause_server(telling->world, line->values[0].number);
    }
}

void story_server_starts(struct telling *telling, const struct story_line *line)
{
    (void)line;
    must_be(telling, false);
    if (!telling->world->failed) {
        server_start(telling->world);
    }
}

void story_server_is_backed_up(struct telling *telling, const struct story_line *line)
{
    (void)line;
    if (is_hub(telling)) {
        server_copy(telling->world);
    }
}

void story_server_is_restored(struct telling *telling, const struct story_line *line)
{
    (void)line;
    if (is_hub(telling) && telling->world->server->copy == SIZE_MAX) {
        telling_fail(telling, "there is no backup of the server");
    }
    if (telling->world->failed) {
        return;
    }
    server_kill(telling->world);
    server_restore(telling->world, false);
    server_start(telling->world);
}

void story_server_is_wiped(struct telling *telling, const struct story_line *line)
{
    (void)line;
    if (is_hub(telling)) {
        server_kill(telling->world);
        server_wipe(telling->world);
        server_start(telling->world);
    }
}

void story_server_disk_full(struct telling *telling, const struct story_line *line)
{
    (void)line;
    telling->world->server->full = is_hub(telling);
    TRACE(telling->world, "server's disk has # records and no room", telling->world->server->durable);
}

void story_server_disk_room(struct telling *telling, const struct story_line *line)
{
    (void)line;
    (void)is_hub(telling);
    telling->world->server->full = false;
    TRACE(telling->world, "server's disk has room again, # records", telling->world->server->durable);
}

void story_server_record_rots(struct telling *telling, const struct story_line *line)
{
    struct server *server = telling->world->server;
    uint64_t number = line->values[0].number;
    if (!is_hub(telling)) {
        return;
    }
    if (number == 0 || number > server->durable) {
        telling_fail(telling, "the server has records 1 to %zu", server->durable);
        return;
    }
    server->log[number - 1].damaged = true;
    TRACE(telling->world, "record # of the server rots", number);
}
