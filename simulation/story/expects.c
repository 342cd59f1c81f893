/*
 * What a story demands. Each of these can be asked to demand something else than its line says
 * (interpreter->broken_now): then it must fail, or it is worth nothing.
 */
#include "interpreter.h"

#include "codec/frame.h"
#include "network/frame_names.h"
#include "adversary/mallory.h"
#include "people/model.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OTHERWISE " (otherwise)"

#define EACH(interpreter, line, i) \
    for (uint32_t i = 0; i < (interpreter)->story->device_count && !(interpreter)->world->failed; \
         i++) \
        if (((line)->values[0].devices >> i & 1u) != 0)

/* ---- texts ----------------------------------------------------------------------------------- */

static void text_of(
    struct interpreter *interpreter, uint32_t device, uint32_t entry, struct quire_buffer *out_text)
{
    struct quire_document *document =
        interpreter_document(interpreter, interpreter_phone(interpreter, device), entry);
    if (document != NULL && quire_document_text(document, out_text) != QUIRE_OK) {
        interpreter_fail(interpreter, "no memory");
    }
    const uint8_t zero = 0;
    if (quire_buffer_append(out_text, &zero, 1) != QUIRE_OK) {
        interpreter_fail(interpreter, "no memory");
    }
}

static void expect_text(
    struct interpreter *interpreter, uint32_t device, uint32_t entry, const char *wanted)
{
    struct quire_buffer text = {0};
    text_of(interpreter, device, entry, &text);
    if (!interpreter->world->failed && strcmp((const char *)text.data, wanted) != 0) {
        interpreter_fail(interpreter, "%s shows \"%s\" in %s, not \"%s\"",
            interpreter_name(interpreter, device), (const char *)text.data,
            interpreter->story->entries[entry].text, wanted);
    }
    quire_buffer_finish(&text);
}

void story_expect_text(struct interpreter *interpreter, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        interpreter->broken_now ? OTHERWISE : "");
    EACH(interpreter, line, i)
    {
        expect_text(interpreter, i, line->values[2].device, wanted);
    }
}

void story_expect_nothing(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        expect_text(
            interpreter, i, line->values[1].device, interpreter->broken_now ? OTHERWISE : "");
    }
}

void story_expect_contains(struct interpreter *interpreter, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        interpreter->broken_now ? OTHERWISE : "");
    EACH(interpreter, line, i)
    {
        struct quire_buffer text = {0};
        text_of(interpreter, i, line->values[2].device, &text);
        if (!interpreter->world->failed && strstr((const char *)text.data, wanted) == NULL) {
            interpreter_fail(interpreter, "%s does not have \"%s\" in %s, it shows \"%s\"",
                interpreter_name(interpreter, i), wanted,
                interpreter->story->entries[line->values[2].device].text, (const char *)text.data);
        }
        quire_buffer_finish(&text);
    }
}

void story_expect_lacks(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        struct quire_buffer text = {0};
        text_of(interpreter, i, line->values[2].device, &text);
        const char *shown = (const char *)text.data;
        if (interpreter->broken_now && !interpreter->world->failed && *shown == 0) {
            interpreter->unbreakable = true; /* an empty text lacks everything */
        }
        /* Broken: it must not have what it has. */
        const char *unwanted = interpreter->broken_now ? shown : line->values[1].text;
        if (!interpreter->world->failed && *unwanted != 0 && strstr(shown, unwanted) != NULL) {
            interpreter_fail(interpreter, "%s has \"%s\" in %s, it shows \"%s\"",
                interpreter_name(interpreter, i), unwanted,
                interpreter->story->entries[line->values[2].device].text, shown);
        }
        quire_buffer_finish(&text);
    }
}

static bool digest(
    struct interpreter *interpreter, uint32_t device, uint32_t entry, uint8_t out[32])
{
    struct quire_document *document =
        interpreter_document(interpreter, interpreter_phone(interpreter, device), entry);
    memset(out, 0, 32);
    return document == NULL || quire_document_empty(document)
        || quire_document_digest(document, out) == QUIRE_OK;
}

void story_expect_agree(struct interpreter *interpreter, const struct story_line *line)
{
    uint32_t entry = line->values[1].device, first = UINT32_MAX;
    uint8_t wanted[32], other[32];
    EACH(interpreter, line, i)
    {
        if (!digest(interpreter, i, entry, other)) {
            interpreter_fail(interpreter, "no memory");
        } else if (first == UINT32_MAX) {
            first = i;
            memcpy(wanted, other, sizeof wanted);
            wanted[0] ^= interpreter->broken_now; /* as if the first one showed something else */
        } else if (memcmp(wanted, other, sizeof wanted) != 0) {
            struct quire_buffer a = {0}, b = {0};
            text_of(interpreter, first, entry, &a);
            text_of(interpreter, i, entry, &b);
            interpreter_fail(interpreter, "%s and %s do not agree on %s: \"%s\", \"%s\"",
                interpreter_name(interpreter, first), interpreter_name(interpreter, i),
                interpreter->story->entries[entry].text, (const char *)a.data,
                (const char *)b.data);
            quire_buffer_finish(&a);
            quire_buffer_finish(&b);
        }
    }
}

/* ---- fields ---------------------------------------------------------------------------------- */

void story_expect_title(struct interpreter *interpreter, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        interpreter->broken_now ? OTHERWISE : "");
    EACH(interpreter, line, i)
    {
        struct quire_value value = {0};
        struct quire_document *document = interpreter_document(
            interpreter, interpreter_phone(interpreter, i), line->values[2].device);
        bool is = document != NULL
            && quire_document_register(document, QUIRE_REGISTER_TITLE, 0, &value) == QUIRE_OK;
        if (!is || !quire_bytes_equal(value.text, quire_bytes_of_text(wanted))) {
            interpreter_fail(interpreter, "%s shows the title \"%.*s\", not \"%s\"",
                interpreter_name(interpreter, i), (int)value.text.size,
                is ? (const char *)value.text.data : "", wanted);
        }
    }
}

void story_expect_mood(struct interpreter *interpreter, const struct story_line *line)
{
    int64_t wanted = (int64_t)line->values[1].number + interpreter->broken_now;
    EACH(interpreter, line, i)
    {
        struct quire_value value = {.number = -1};
        struct quire_document *document = interpreter_document(
            interpreter, interpreter_phone(interpreter, i), line->values[2].device);
        if (document == NULL
            || quire_document_register(document, QUIRE_REGISTER_MOOD, 0, &value) != QUIRE_OK
            || value.number != wanted) {
            interpreter_fail(interpreter, "%s shows mood %" PRId64 " (-1: none), not %" PRId64,
                interpreter_name(interpreter, i), value.number, wanted);
        }
    }
}

static bool has_tag(struct quire_document *document, const char *name)
{
    struct quire_element element;
    for (size_t i = 0; document != NULL
         && quire_document_set_element(document, QUIRE_SET_TAGS, i, &element) == QUIRE_OK;
         i++) {
        if (quire_bytes_equal(element.name, quire_bytes_of_text(name))) {
            return true;
        }
    }
    return false;
}

void story_expect_tag(struct interpreter *interpreter, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        interpreter->broken_now ? OTHERWISE : "");
    EACH(interpreter, line, i)
    {
        if (!has_tag(interpreter_document(
                         interpreter, interpreter_phone(interpreter, i), line->values[2].device),
                wanted)) {
            interpreter_fail(
                interpreter, "%s shows no tag \"%s\"", interpreter_name(interpreter, i), wanted);
        }
    }
}

void story_expect_no_tag(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        struct quire_document *document = interpreter_document(
            interpreter, interpreter_phone(interpreter, i), line->values[2].device);
        struct quire_element first;
        char unwanted[STORY_LINE_MAX];
        snprintf(unwanted, sizeof unwanted, "%s", line->values[1].text);
        if (interpreter->broken_now) { /* it must not have a tag that it has */
            if (document == NULL
                || quire_document_set_element(document, QUIRE_SET_TAGS, 0, &first) != QUIRE_OK) {
                interpreter->unbreakable = true;
                return;
            }
            snprintf(unwanted, sizeof unwanted, "%.*s", (int)first.name.size,
                (const char *)first.name.data);
        }
        if (has_tag(document, unwanted)) {
            interpreter_fail(
                interpreter, "%s shows the tag \"%s\"", interpreter_name(interpreter, i), unwanted);
        }
    }
}

static void expect_deleted(
    struct interpreter *interpreter, const struct story_line *line, bool deleted)
{
    EACH(interpreter, line, i)
    {
        struct quire_document *document = interpreter_document(
            interpreter, interpreter_phone(interpreter, i), line->values[1].device);
        bool is = document != NULL && quire_document_deleted(document);
        if (document == NULL || is != (deleted != interpreter->broken_now)) {
            interpreter_fail(interpreter, "on %s, %s is %s", interpreter_name(interpreter, i),
                interpreter->story->entries[line->values[1].device].text,
                document == NULL ? "unknown"
                    : is         ? "deleted"
                                 : "there, and not deleted");
        }
    }
}

void story_expect_deleted(struct interpreter *interpreter, const struct story_line *line)
{
    expect_deleted(interpreter, line, true);
}

void story_expect_alive(struct interpreter *interpreter, const struct story_line *line)
{
    expect_deleted(interpreter, line, false);
}

/* ---- time, alarms ---------------------------------------------------------------------------- */

void story_expect_converge(struct interpreter *interpreter, const struct story_line *line)
{
    if (interpreter->broken_now) { /* the last of them is not there */
        for (uint32_t i = interpreter->story->device_count; i-- > 0;) {
            if ((line->values[0].devices >> i & 1u) != 0
                && interpreter_phone(interpreter, i) != NULL) {
                phone_set_online(interpreter->world, interpreter_phone(interpreter, i), false);
                break;
            }
        }
    }
    interpreter_converge(interpreter, line->values[0].devices, line->values[1].number);
}

void story_expect_raise(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        uint32_t alarm = line->values[1].device;
        interpreter->named[i][alarm] = true;
        for (uint32_t other = 1; interpreter->broken_now && other < QUIRE_ALARM_COUNT; other++) {
            alarm = interpreter->raised[i][other] == 0 ? other : alarm;
        }
        if (interpreter->raised[i][alarm] == 0) {
            interpreter_fail(interpreter, "%s has not raised %s (%s)",
                interpreter_name(interpreter, i), story_alarm_name(alarm), quire_alarm_text(alarm));
        }
    }
}

void story_expect_no_alarm(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        if (interpreter->broken_now) {
            interpreter_raised(interpreter, i, QUIRE_ALARM_FORK);
        }
        for (uint32_t alarm = 1; alarm < QUIRE_ALARM_COUNT; alarm++) {
            if (interpreter->raised[i][alarm] > 0) {
                interpreter_fail(interpreter,
                    "%s raised %s %" PRIu64 " times, first at %.1f s (%s)",
                    interpreter_name(interpreter, i), story_alarm_name(alarm),
                    interpreter->raised[i][alarm],
                    (double)interpreter->raised_at_ms[i][alarm] / 1000, quire_alarm_text(alarm));
            }
        }
    }
}

void story_allow(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        interpreter->named[i][line->values[1].device] = true;
    }
}

/* ---- states ---------------------------------------------------------------------------------- */

enum state { ONLINE, OFFLINE, JOINED, NOT_JOINED, REVOKED };

static bool is_in(const struct phone *phone, enum state state)
{
    bool runs = phone->device != NULL;
    switch (state) {
    case ONLINE: return runs && phone->state.connected;
    case OFFLINE: return !runs || !phone->state.connected;
    case JOINED: return phone->stage == PHONE_JOINED || phone->stage == PHONE_AWAY;
    case NOT_JOINED: return phone->stage == PHONE_BLANK || phone->stage == PHONE_JOINING;
    default: return runs && phone->state.revoked;
    }
}

static void expect_state(struct interpreter *interpreter, const struct story_line *line,
    enum state state, const char *name)
{
    EACH(interpreter, line, i)
    {
        struct phone *phone = interpreter_phone(interpreter, i);
        if (phone->device != NULL) {
            quire_device_state(phone->device, &phone->state);
        }
        if (is_in(phone, state) == interpreter->broken_now) {
            interpreter_fail(interpreter, "%s %s %s", interpreter_name(interpreter, i),
                interpreter->broken_now ? "already" : "is not", name);
        }
    }
}

void story_expect_online(struct interpreter *interpreter, const struct story_line *line)
{
    expect_state(interpreter, line, ONLINE, "online");
}

void story_expect_offline(struct interpreter *interpreter, const struct story_line *line)
{
    expect_state(interpreter, line, OFFLINE, "offline");
}

void story_expect_joined(struct interpreter *interpreter, const struct story_line *line)
{
    expect_state(interpreter, line, JOINED, "of an account");
}

void story_expect_not_joined(struct interpreter *interpreter, const struct story_line *line)
{
    expect_state(interpreter, line, NOT_JOINED, "without an account");
}

void story_expect_revoked(struct interpreter *interpreter, const struct story_line *line)
{
    expect_state(interpreter, line, REVOKED, "revoked, as far as it knows");
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void expect_count(struct interpreter *interpreter, const struct story_value *wanted,
    uint64_t is, const char *whose, const char *what)
{
    static const char *const words[] = {"", "at least ", "at most "};
    uint64_t number = wanted->number;
    if (interpreter->broken_now) {
        if (wanted->count == COUNT_AT_MOST && is == 0) {
            interpreter->unbreakable = true; /* at most anything holds */
            return;
        }
        number = wanted->count == COUNT_AT_MOST ? is - 1 : is + 1;
    }
    if (wanted->count == COUNT_EXACTLY        ? is != number
            : wanted->count == COUNT_AT_LEAST ? is < number
                                              : is > number) {
        interpreter_fail(interpreter, "%s %" PRIu64 " %s, not %s%" PRIu64, whose, is, what,
            words[wanted->count], number);
    }
}

static uint64_t unsent(struct interpreter *interpreter, uint32_t device)
{
    struct phone *phone = interpreter_phone(interpreter, device);
    if (phone->device == NULL) {
        interpreter_fail(interpreter, "%s does not run", interpreter_name(interpreter, device));
        return 0;
    }
    quire_device_state(phone->device, &phone->state);
    return phone->state.unsealed_count + phone->state.unacknowledged_count
        + phone->state.not_on_server_count;
}

void story_expect_sent(struct interpreter *interpreter, const struct story_line *line)
{
    EACH(interpreter, line, i)
    {
        struct story_value none = {.number = 0};
        expect_count(interpreter, &none, unsent(interpreter, i), interpreter_name(interpreter, i),
            "entries and batches are not on the server");
    }
}

void story_expect_unsent(struct interpreter *interpreter, const struct story_line *line)
{
    uint64_t is = unsent(interpreter, line->values[0].device);
    if (!interpreter->world->failed) {
        expect_count(interpreter, &line->values[1], is,
            interpreter_name(interpreter, line->values[0].device),
            "entries and batches are unsent");
    }
}

static bool count_active(void *context, const struct quire_device_info *info)
{
    *(uint64_t *)context += info->active;
    return true;
}

void story_expect_knows(struct interpreter *interpreter, const struct story_line *line)
{
    struct phone *phone = interpreter_phone(interpreter, line->values[0].device);
    uint64_t count = 0;
    if (phone->device == NULL
        || quire_device_each_device(phone->device, count_active, &count) != QUIRE_OK) {
        interpreter_fail(
            interpreter, "%s does not run", interpreter_name(interpreter, line->values[0].device));
        return;
    }
    expect_count(interpreter, &line->values[1], count,
        interpreter_name(interpreter, line->values[0].device), "devices are known to it");
}

void story_expect_batches(struct interpreter *interpreter, const struct story_line *line)
{
    const struct server *server = interpreter->world->server;
    uint64_t count = 0;
    for (size_t i = 0; i < server->durable; i++) {
        count += server->log[i].entry.kind == QR_LOG_BATCH && !server->log[i].forgotten;
    }
    const struct mallory *mallory = interpreter->world->mallory;
    for (size_t i = 0; mallory != NULL && i < mallory->account_count; i++) {
        count += mallory->accounts[i].count;
    }
    expect_count(interpreter, &line->values[0], count, "the server holds", "batches");
}

void story_expect_received_from(struct interpreter *interpreter, const struct story_line *line)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < PHONES_MAX; i++) {
        count += (line->values[2].devices >> i & 1u) != 0
            ? interpreter->received_by_server[i][line->values[1].device]
            : 0;
    }
    expect_count(interpreter, &line->values[0], count, "the server received",
        frame_name(line->values[1].device));
}

void story_expect_received(struct interpreter *interpreter, const struct story_line *line)
{
    uint64_t count = 0;
    EACH(interpreter, line, i)
    {
        count += interpreter->received[i][line->values[2].device];
    }
    expect_count(
        interpreter, &line->values[1], count, "they received", frame_name(line->values[2].device));
}

void story_expect_event(struct interpreter *interpreter, const struct story_line *line)
{
    expect_count(interpreter, &line->values[1], interpreter->world->marks[line->values[0].device],
        mark_name(line->values[0].device), "times");
}

/* The text was a secret since the beginning: story_tell. Broken: a client that does not encrypt. */
void story_expect_unseen(struct interpreter *interpreter, const struct story_line *line)
{
    if (interpreter->broken_now) {
        char leak[STORY_LINE_MAX + 16];
        int size = snprintf(leak, sizeof leak, "\x92\x14\x91%s\x01", line->values[0].text);
        interpreter_check_secrets(interpreter->world, "a frame that is not encrypted",
            (struct quire_bytes){(const uint8_t *)leak, (size_t)size});
    }
}

/* ---- what users are told ----------------------------------------------------------------------- */

static const char *error_name(uint32_t code)
{
    static const char *const names[QR_ERROR_CODE_COUNT] = {NULL, "proto", "version", "auth",
        "revoked", "stale_roster", "gap", "missing_deps", "fork", "bad_sig", "too_large", "rate",
        "quota", "blob_missing", "overloaded", "moved", "upgrade_needed", "unknown_user",
        "registration", "unknown_device", "chains", "store_full"};
    return code < QR_ERROR_CODE_COUNT && names[code] != NULL ? names[code] : "unknown";
}

static void told_text(const struct told *told, char *out, size_t size)
{
    switch (told->notice) {
    case QUIRE_NOTICE_PAIR_FAILED:
        snprintf(out, size, "pairing failed: %s", quire_status_text((enum quire_status)told->code));
        break;
    case QUIRE_NOTICE_REVOKE_FAILED:
        snprintf(
            out, size, "revoking failed: %s", quire_status_text((enum quire_status)told->code));
        break;
    case QUIRE_NOTICE_REJECTED:
        snprintf(out, size, "a batch was refused: %s", error_name(told->code));
        break;
    default:
        snprintf(out, size, "the server ended the connection: %s", error_name(told->code));
        break;
    }
}

void story_expect_told(struct interpreter *interpreter, const struct story_line *line)
{
    uint32_t device = line->values[0].device;
    size_t count = interpreter->told_count[device];
    char text[128] = "nothing";
    bool found = false;
    for (size_t i = 0; i < count && i < INTERPRETER_TOLD_MAX && !found; i++) {
        told_text(
            &interpreter->told[device][(count - 1 - i) % INTERPRETER_TOLD_MAX], text, sizeof text);
        found = strstr(text, line->values[1].text) != NULL;
    }
    if (found == interpreter->broken_now) {
        interpreter_fail(
            interpreter, "%s was told \"%s\"", interpreter_name(interpreter, device), text);
    }
}
