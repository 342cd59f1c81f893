/*
 * What a story demands. Each of these can be asked to demand something else than its line says
 * (telling->broken_now): then it must fail, or it is worth nothing.
 */
#include "interpreter.h"

#include "network/frame_names.h"
#include "adversary/mallory.h"
#include "people/model.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OTHERWISE " (otherwise)"

#define EACH(telling, line, i)                                                                     \
    for (uint32_t i = 0; i < (telling)->story->device_count && !(telling)->world->failed; i++)     \
        if (((line)->values[0].devices >> i & 1u) != 0)

/* ---- texts ----------------------------------------------------------------------------------- */

static void text_of(struct telling *telling, uint32_t device, uint32_t entry,
    struct quire_buffer *out_text)
{
    struct quire_document *document =
        telling_document(telling, telling_phone(telling, device), entry);
    if (document != NULL && quire_document_text(document, out_text) != QUIRE_OK) {
        telling_fail(telling, "no memory");
    }
    const uint8_t zero = 0;
    if (quire_buffer_append(out_text, &zero, 1) != QUIRE_OK) {
        telling_fail(telling, "no memory");
    }
}

static void expect_text(struct telling *telling, uint32_t device, uint32_t entry, const char *wanted)
{
    struct quire_buffer text = {0};
    text_of(telling, device, entry, &text);
    if (!telling->world->failed && strcmp((const char *)text.data, wanted) != 0) {
        telling_fail(telling, "%s shows \"%s\" in %s, not \"%s\"", telling_name(telling, device),
            (const char *)text.data, telling->story->entries[entry].text, wanted);
    }
    quire_buffer_finish(&text);
}

void story_expect_text(struct telling *telling, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        telling->broken_now ? OTHERWISE : "");
    EACH(telling, line, i) {
        expect_text(telling, i, line->values[2].device, wanted);
    }
}

void story_expect_nothing(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        expect_text(telling, i, line->values[1].device, telling->broken_now ? OTHERWISE : "");
    }
}

void story_expect_contains(struct telling *telling, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        telling->broken_now ? OTHERWISE : "");
    EACH(telling, line, i) {
        struct quire_buffer text = {0};
        text_of(telling, i, line->values[2].device, &text);
        if (!telling->world->failed && strstr((const char *)text.data, wanted) == NULL) {
            telling_fail(telling, "%s does not have \"%s\" in %s, it shows \"%s\"",
                telling_name(telling, i), wanted, telling->story->entries[line->values[2].device].text,
                (const char *)text.data);
        }
        quire_buffer_finish(&text);
    }
}

void story_expect_lacks(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        struct quire_buffer text = {0};
        text_of(telling, i, line->values[2].device, &text);
        const char *shown = (const char *)text.data;
        if (telling->broken_now && !telling->world->failed && *shown == 0) {
            telling->unbreakable = true; /* an empty text lacks everything */
        }
        /* Broken: it must not have what it has. */
        const char *unwanted = telling->broken_now ? shown : line->values[1].text;
        if (!telling->world->failed && *unwanted != 0 && strstr(shown, unwanted) != NULL) {
            telling_fail(telling, "%s has \"%s\" in %s, it shows \"%s\"", telling_name(telling, i),
                unwanted, telling->story->entries[line->values[2].device].text, shown);
        }
        quire_buffer_finish(&text);
    }
}

static bool digest(struct telling *telling, uint32_t device, uint32_t entry, uint8_t out[32])
{
    struct quire_document *document =
        telling_document(telling, telling_phone(telling, device), entry);
    memset(out, 0, 32);
    return document == NULL || quire_document_empty(document)
           || quire_document_digest(document, out) == QUIRE_OK;
}

void story_expect_agree(struct telling *telling, const struct story_line *line)
{
    uint32_t entry = line->values[1].device, first = UINT32_MAX;
    uint8_t wanted[32], other[32];
    EACH(telling, line, i) {
        if (!digest(telling, i, entry, other)) {
            telling_fail(telling, "no memory");
        } else if (first == UINT32_MAX) {
            first = i;
            memcpy(wanted, other, sizeof wanted);
            wanted[0] ^= telling->broken_now; /* as if the first one showed something else */
        } else if (memcmp(wanted, other, sizeof wanted) != 0) {
            struct quire_buffer a = {0}, b = {0};
            text_of(telling, first, entry, &a);
            text_of(telling, i, entry, &b);
            telling_fail(telling, "%s and %s do not agree on %s: \"%s\", \"%s\"",
                telling_name(telling, first), telling_name(telling, i),
                telling->story->entries[entry].text, (const char *)a.data, (const char *)b.data);
            quire_buffer_finish(&a);
            quire_buffer_finish(&b);
        }
    }
}

/* ---- fields ---------------------------------------------------------------------------------- */

void story_expect_title(struct telling *telling, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        telling->broken_now ? OTHERWISE : "");
    EACH(telling, line, i) {
        struct quire_value value = {0};
        struct quire_document *document =
            telling_document(telling, telling_phone(telling, i), line->values[2].device);
        bool is = document != NULL
                  && quire_document_register(document, QUIRE_REGISTER_TITLE, 0, &value) == QUIRE_OK;
        if (!is || !quire_bytes_equal(value.text, quire_bytes_of_text(wanted))) {
            telling_fail(telling, "%s shows the title \"%.*s\", not \"%s\"", telling_name(telling, i),
                (int)value.text.size, is ? (const char *)value.text.data : "", wanted);
        }
    }
}

void story_expect_mood(struct telling *telling, const struct story_line *line)
{
    int64_t wanted = (int64_t)line->values[1].number + telling->broken_now;
    EACH(telling, line, i) {
        struct quire_value value = {.number = -1};
        struct quire_document *document =
            telling_document(telling, telling_phone(telling, i), line->values[2].device);
        if (document == NULL
            || quire_document_register(document, QUIRE_REGISTER_MOOD, 0, &value) != QUIRE_OK
            || value.number != wanted) {
            telling_fail(telling, "%s shows mood %" PRId64 " (-1: none), not %" PRId64,
                telling_name(telling, i), value.number, wanted);
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

void story_expect_tag(struct telling *telling, const struct story_line *line)
{
    char wanted[STORY_LINE_MAX + sizeof OTHERWISE];
    snprintf(wanted, sizeof wanted, "%s%s", line->values[1].text,
        telling->broken_now ? OTHERWISE : "");
    EACH(telling, line, i) {
        if (!has_tag(telling_document(telling, telling_phone(telling, i), line->values[2].device),
                wanted)) {
            telling_fail(telling, "%s shows no tag \"%s\"", telling_name(telling, i), wanted);
        }
    }
}

void story_expect_no_tag(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        struct quire_document *document =
            telling_document(telling, telling_phone(telling, i), line->values[2].device);
        struct quire_element first;
        char unwanted[STORY_LINE_MAX];
        snprintf(unwanted, sizeof unwanted, "%s", line->values[1].text);
        if (telling->broken_now) { /* it must not have a tag that it has */
            if (document == NULL
                || quire_document_set_element(document, QUIRE_SET_TAGS, 0, &first) != QUIRE_OK) {
                telling->unbreakable = true;
                return;
            }
            snprintf(unwanted, sizeof unwanted, "%.*s", (int)first.name.size,
                (const char *)first.name.data);
        }
        if (has_tag(document, unwanted)) {
            telling_fail(telling, "%s shows the tag \"%s\"", telling_name(telling, i), unwanted);
        }
    }
}

static void expect_deleted(struct telling *telling, const struct story_line *line, bool deleted)
{
    EACH(telling, line, i) {
        struct quire_document *document =
            telling_document(telling, telling_phone(telling, i), line->values[1].device);
        bool is = document != NULL && quire_document_deleted(document);
        if (document == NULL || is != (deleted != telling->broken_now)) {
            telling_fail(telling, "on %s, %s is %s", telling_name(telling, i),
                telling->story->entries[line->values[1].device].text,
                document == NULL ? "unknown" : is ? "deleted" : "there, and not deleted");
        }
    }
}

void story_expect_deleted(struct telling *telling, const struct story_line *line)
{
    expect_deleted(telling, line, true);
}

void story_expect_alive(struct telling *telling, const struct story_line *line)
{
    expect_deleted(telling, line, false);
}

/* ---- time, alarms ---------------------------------------------------------------------------- */

void story_expect_converge(struct telling *telling, const struct story_line *line)
{
    if (telling->broken_now) { /* the last of them is not there */
        for (uint32_t i = telling->story->device_count; i-- > 0;) {
            if ((line->values[0].devices >> i & 1u) != 0 && telling_phone(telling, i) != NULL) {
                phone_set_online(telling->world, telling_phone(telling, i), false);
                break;
            }
        }
    }
    telling_converge(telling, line->values[0].devices, line->values[1].number);
}

void story_expect_raise(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        uint32_t alarm = line->values[1].device;
        telling->named[i][alarm] = true;
        for (uint32_t other = 1; telling->broken_now && other < QUIRE_ALARM_COUNT; other++) {
            alarm = telling->raised[i][other] == 0 ? other : alarm;
        }
        if (telling->raised[i][alarm] == 0) {
            telling_fail(telling, "%s has not raised %s (%s)", telling_name(telling, i),
                story_alarm_name(alarm), quire_alarm_text(alarm));
        }
    }
}

void story_expect_no_alarm(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        if (telling->broken_now) {
            telling_raised(telling, i, QUIRE_ALARM_FORK);
        }
        for (uint32_t alarm = 1; alarm < QUIRE_ALARM_COUNT; alarm++) {
            if (telling->raised[i][alarm] > 0) {
                telling_fail(telling, "%s raised %s %" PRIu64 " times, first at %.1f s (%s)",
                    telling_name(telling, i), story_alarm_name(alarm), telling->raised[i][alarm],
                    (double)telling->raised_at_ms[i][alarm] / 1000, quire_alarm_text(alarm));
            }
        }
    }
}

void story_allow(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        telling->named[i][line->values[1].device] = true;
    }
}

/* ---- states ---------------------------------------------------------------------------------- */

enum state { ONLINE, OFFLINE, JOINED, NOT_JOINED, REVOKED };

static bool is_in(const struct phone *phone, enum state state)
{
    bool runs = phone->device != NULL;
    switch (state) {
    case ONLINE:
        return runs && phone->state.connected;
    case OFFLINE:
        return !runs || !phone->state.connected;
    case JOINED:
        return phone->stage == PHONE_JOINED || phone->stage == PHONE_AWAY;
    case NOT_JOINED:
        return phone->stage == PHONE_BLANK || phone->stage == PHONE_JOINING;
    default:
        return runs && phone->state.revoked;
    }
}

static void expect_state(struct telling *telling, const struct story_line *line, enum state state,
    const char *name)
{
    EACH(telling, line, i) {
        struct phone *phone = telling_phone(telling, i);
        if (phone->device != NULL) {
            quire_device_state(phone->device, &phone->state);
        }
        if (is_in(phone, state) == telling->broken_now) {
            telling_fail(telling, "%s %s %s", telling_name(telling, i),
                telling->broken_now ? "already" : "is not", name);
        }
    }
}

void story_expect_online(struct telling *telling, const struct story_line *line)
{
    expect_state(telling, line, ONLINE, "online");
}

void story_expect_offline(struct telling *telling, const struct story_line *line)
{
    expect_state(telling, line, OFFLINE, "offline");
}

void story_expect_joined(struct telling *telling, const struct story_line *line)
{
    expect_state(telling, line, JOINED, "of an account");
}

void story_expect_not_joined(struct telling *telling, const struct story_line *line)
{
    expect_state(telling, line, NOT_JOINED, "without an account");
}

void story_expect_revoked(struct telling *telling, const struct story_line *line)
{
    expect_state(telling, line, REVOKED, "revoked, as far as it knows");
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void expect_count(struct telling *telling, const struct story_value *wanted, uint64_t is,
    const char *whose, const char *what)
{
    static const char *const words[] = {"", "at least ", "at most "};
    uint64_t number = wanted->number;
    if (telling->broken_now) {
        if (wanted->count == COUNT_AT_MOST && is == 0) {
            telling->unbreakable = true; /* at most anything holds */
            return;
        }
        number = wanted->count == COUNT_AT_MOST ? is - 1 : is + 1;
    }
    if (wanted->count == COUNT_EXACTLY   ? is != number
        : wanted->count == COUNT_AT_LEAST ? is < number
                                          : is > number) {
        telling_fail(telling, "%s %" PRIu64 " %s, not %s%" PRIu64, whose, is, what,
            words[wanted->count], number);
    }
}

static uint64_t unsent(struct telling *telling, uint32_t device)
{
    struct phone *phone = telling_phone(telling, device);
    if (phone->device == NULL) {
        telling_fail(telling, "%s does not run", telling_name(telling, device));
        return 0;
    }
    quire_device_state(phone->device, &phone->state);
    return phone->state.unsealed_count + phone->state.unacknowledged_count
           + phone->state.not_on_server_count;
}

void story_expect_sent(struct telling *telling, const struct story_line *line)
{
    EACH(telling, line, i) {
        struct story_value none = {.number = 0};
        expect_count(telling, &none, unsent(telling, i), telling_name(telling, i),
            "entries and batches are not on the server");
    }
}

void story_expect_unsent(struct telling *telling, const struct story_line *line)
{
    uint64_t is = unsent(telling, line->values[0].device);
    if (!telling->world->failed) {
        expect_count(telling, &line->values[1], is,
            telling_name(telling, line->values[0].device), "entries and batches are unsent");
    }
}

static bool count_active(void *context, const struct quire_device_info *info)
{
    *(uint64_t *)context += info->active;
    return true;
}

void story_expect_knows(struct telling *telling, const struct story_line *line)
{
    struct phone *phone = telling_phone(telling, line->values[0].device);
    uint64_t count = 0;
    if (phone->device == NULL
        || quire_device_each_device(phone->device, count_active, &count) != QUIRE_OK) {
        telling_fail(telling, "%s does not run", telling_name(telling, line->values[0].device));
        return;
    }
    expect_count(telling, &line->values[1], count,
        telling_name(telling, line->values[0].device), "devices are known to it");
}

void story_expect_batches(struct telling *telling, const struct story_line *line)
{
    const struct server *server = telling->world->server;
    uint64_t count = 0;
    for (size_t i = 0; i < server->durable; i++) {
        count += server->log[i].entry.kind == QR_LOG_BATCH && !server->log[i].forgotten;
    }
    const struct mallory *mallory = telling->world->mallory;
    for (size_t i = 0; mallory != NULL && i < mallory->account_count; i++) {
        count += mallory->accounts[i].count;
    }
    expect_count(telling, &line->values[0], count, "the server holds", "batches");
}

void story_expect_received_from(struct telling *telling, const struct story_line *line)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < PHONES_MAX; i++) {
        count += (line->values[2].devices >> i & 1u) != 0
                     ? telling->received_by_server[i][line->values[1].device] : 0;
    }
    expect_count(telling, &line->values[0], count, "the server received",
        frame_name(line->values[1].device));
}

void story_expect_received(struct telling *telling, const struct story_line *line)
{
    uint64_t count = 0;
    EACH(telling, line, i) {
        count += telling->received[i][line->values[2].device];
    }
    expect_count(telling, &line->values[1], count, "they received",
        frame_name(line->values[2].device));
}

void story_expect_event(struct telling *telling, const struct story_line *line)
{
    expect_count(telling, &line->values[1], telling->world->sometimes[line->values[0].device],
        sometimes_name(line->values[0].device), "times");
}

/* The text was a secret since the beginning: story_tell. Broken: a client that does not encrypt. */
void story_expect_unseen(struct telling *telling, const struct story_line *line)
{
    if (telling->broken_now) {
        char leak[STORY_LINE_MAX + 16];
        int size = snprintf(leak, sizeof leak, "\x92\x14\x91%s\x01", line->values[0].text);
        telling_check_secrets(telling->world, "a frame that is not encrypted",
            (struct quire_bytes){(const uint8_t *)leak, (size_t)size});
    }
}
