/*
 * What may stand in a slot of a form, one function each; and the names that slots accept.
 */
#include "reading.h"

#include "network/frame_names.h"
#include "adversary/mallory.h"

#include <string.h>

static const char *const alarm_names[] = {NULL, "bad-signature", "fork", "roster", "server-behind",
    "withheld", "unreadable", "clock", "revoked-write", "damaged"};
_Static_assert(
    sizeof alarm_names / sizeof *alarm_names == QUIRE_ALARM_COUNT, "a name for each alarm");

const char *story_alarm_name(uint32_t alarm)
{
    return alarm > 0 && alarm < QUIRE_ALARM_COUNT ? alarm_names[alarm] : "unknown";
}

static bool wants_names(struct reading *reading, size_t at, const char *what,
    const struct story_name *names, uint32_t count)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s", what, count == 0 ? " (there is none yet)" : " (");
    for (uint32_t i = 0; i < count; i++) {
        reading_add_text(text, sizeof text, names[i].text);
        reading_add_text(text, sizeof text, i + 1 < count ? ", " : ")");
    }
    return reading_wants(reading, at, text);
}

static uint32_t name_find(const struct story_name *names, uint32_t count, const struct token *token)
{
    uint32_t i = 0;
    while (i < count && (token->kind != WORD || strcmp(names[i].text, token->text) != 0)) {
        i++;
    }
    return i;
}

static bool name_is_well(const struct token *token)
{
    static const char *const taken[] = {"everyone", "server", "network", "expect", "allow", "set",
        "wait", "title", "seed", "and", "no", "nothing", "at"};
    size_t size = strlen(token->text);
    if (token->kind != WORD || size >= STORY_NAME_MAX || token->text[0] < 'a'
        || token->text[0] > 'z'
        || strspn(token->text, "abcdefghijklmnopqrstuvwxyz0123456789-") != size) {
        return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(taken[i], token->text) == 0) {
            return false;
        }
    }
    return true;
}

static const char new_name[] = "a new name (small letters, digits, -; at most 23)";

/* Names are given out while a form is tried, and taken back if it does not fit: see match(). */
static bool add_device(struct reading *reading, size_t at, uint32_t user, uint32_t *out_index)
{
    struct story *story = reading->story;
    const struct token *token = &reading->tokens[at];
    if (!name_is_well(token) || story->device_count == PHONES_MAX
        || name_find(story->devices, story->device_count, token) < story->device_count
        || name_find(story->users, story->user_count, token) < story->user_count) {
        char most[48];
        snprintf(most, sizeof most, "at most %u devices", PHONES_MAX);
        return reading_wants(reading, at, story->device_count == PHONES_MAX ? most : new_name);
    }
    strcpy(story->devices[story->device_count].text, token->text);
    story->devices[story->device_count].user = user;
    *out_index = story->device_count++;
    return true;
}

/* phone | phone and laptop | phone, laptop and tablet | anna | everyone; or new names. */
static bool slot_devices(struct reading *reading, size_t *at, struct story_value *value, bool fresh)
{
    struct story *story = reading->story;
    for (;;) {
        const struct token *token = &reading->tokens[*at];
        uint32_t device = name_find(story->devices, story->device_count, token);
        uint32_t user = name_find(story->users, story->user_count, token);
        if (fresh) {
            if (!add_device(reading, *at, story->user_count - 1, &device)) {
                return false;
            }
            value->devices |= UINT64_C(1) << device;
        } else if (device < story->device_count) {
            value->devices |= UINT64_C(1) << device;
        } else if (user < story->user_count || strcmp(token->text, "everyone") == 0) {
            for (uint32_t i = 0; i < story->device_count; i++) {
                bool meant = user == story->user_count || story->devices[i].user == user;
                value->devices |= (uint64_t)meant << i;
            }
        } else {
            wants_names(reading, *at, "devices", story->devices, story->device_count);
            wants_names(reading, *at, "a person", story->users, story->user_count);
            return reading_wants(reading, *at, "everyone");
        }
        ++*at;
        const struct token *next = &reading->tokens[*at];
        if (next->kind != COMMA && (next->kind != WORD || strcmp(next->text, "and") != 0)) {
            return true;
        }
        ++*at;
    }
}

static bool read_number(const char *text, uint64_t *out_number, const char **out_rest)
{
    uint64_t number = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++) {
        number = number * 10 + (uint64_t)(*c - '0');
        if (number > STORY_NUMBER_MAX) {
            return false;
        }
    }
    *out_number = number;
    *out_rest = c;
    return c > text;
}

bool story_slot_number(struct reading *reading, size_t *at, struct story_value *value)
{
    const char *rest = "";
    if (reading->tokens[*at].kind != WORD
        || !read_number(reading->tokens[*at].text, &value->number, &rest) || *rest != 0) {
        return reading_wants(reading, *at, "a number (at most 1000000000)");
    }
    ++*at;
    return true;
}

static bool slot_time(struct reading *reading, size_t *at, struct story_value *value)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
        {"y", UINT64_C(31536000000)}};
    const char *rest = "";
    if (reading->tokens[*at].kind == WORD
        && read_number(reading->tokens[*at].text, &value->number, &rest)) {
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            if (strcmp(rest, units[i].name) == 0
                && value->number <= STORY_TIME_MAX_MS / units[i].ms) {
                value->number *= units[i].ms;
                ++*at;
                return true;
            }
        }
    }
    return reading_wants(
        reading, *at, "a time such as 500ms, 30s, 5min, 2h, 30d or 1y (at most 100y)");
}

static bool slot_count(struct reading *reading, size_t *at, struct story_value *value)
{
    const struct token *token = &reading->tokens[*at];
    if (token->kind == WORD && strcmp(token->text, "no") == 0) {
        value->number = 0;
        ++*at;
        return true;
    }
    if (token->kind == WORD && strcmp(token->text, "at") == 0) {
        ++*at;
        token = &reading->tokens[*at];
        bool least = strcmp(token->text, "least") == 0;
        if (token->kind != WORD || (!least && strcmp(token->text, "most") != 0)) {
            return reading_wants(reading, *at, "least or most");
        }
        value->count = least ? COUNT_AT_LEAST : COUNT_AT_MOST;
        ++*at;
        return story_slot_number(reading, at, value);
    }
    (void)reading_wants(reading, *at, "no, at least N or at most N");
    return story_slot_number(reading, at, value);
}

static bool slot_text(struct reading *reading, size_t *at, struct story_value *value)
{
    if (reading->tokens[*at].kind != TEXT || reading->tokens[*at].text[0] == 0) {
        return reading_wants(reading, *at, "a text in \"quotes\", not empty");
    }
    strcpy(value->text, reading->tokens[*at].text);
    ++*at;
    return true;
}

static bool slot_entry(struct reading *reading, size_t *at, struct story_value *value)
{
    struct story *story = reading->story;
    const struct token *token = &reading->tokens[*at];
    value->device = name_find(story->entries, story->entry_count, token);
    if (value->device == story->entry_count) {
        if (!name_is_well(token) || story->entry_count == STORY_ENTRIES_MAX) {
            return reading_wants(reading, *at, "the name of an entry (small letters, digits, -)");
        }
        strcpy(story->entries[story->entry_count++].text, token->text);
    }
    ++*at;
    return true;
}

static bool slot_user(struct reading *reading, size_t *at, struct story_value *value, bool fresh)
{
    struct story *story = reading->story;
    const struct token *token = &reading->tokens[*at];
    value->device = name_find(story->users, story->user_count, token);
    if (fresh) {
        if (value->device < story->user_count || story->user_count == USERS_MAX
            || !name_is_well(token)
            || name_find(story->devices, story->device_count, token) < story->device_count) {
            char most[48];
            snprintf(most, sizeof most, "at most %u people", USERS_MAX);
            return reading_wants(reading, *at, story->user_count == USERS_MAX ? most : new_name);
        }
        strcpy(story->users[story->user_count++].text, token->text);
    } else if (value->device == story->user_count) {
        return wants_names(reading, *at, "a person", story->users, story->user_count);
    }
    ++*at;
    return true;
}

static bool slot_option(struct reading *reading, size_t *at, struct story_value *value)
{
    const struct token *token = &reading->tokens[*at];
    for (uint32_t i = 0; i < options_count(); i++) {
        if (token->kind == WORD && strcmp(options_name(i), token->text) == 0) {
            value->device = i;
            ++*at;
            return true;
        }
    }
    return reading_wants(reading, *at, "an option (quire-sim --options lists them)");
}

static bool slot_alarm(struct reading *reading, size_t *at, struct story_value *value)
{
    char text[256] = "an alarm (";
    for (uint32_t i = 1; i < QUIRE_ALARM_COUNT; i++) {
        if (reading->tokens[*at].kind == WORD
            && strcmp(alarm_names[i], reading->tokens[*at].text) == 0) {
            value->device = i;
            ++*at;
            return true;
        }
        reading_add_text(text, sizeof text, alarm_names[i]);
        reading_add_text(text, sizeof text, i + 1 < QUIRE_ALARM_COUNT ? ", " : ")");
    }
    return reading_wants(reading, *at, text);
}

static bool slot_event(struct reading *reading, size_t *at, struct story_value *value)
{
    for (uint32_t i = 0; i < MARK_COUNT; i++) {
        if (reading->tokens[*at].kind == WORD
            && strcmp(mark_name(i), reading->tokens[*at].text) == 0) {
            value->device = i;
            ++*at;
            return true;
        }
    }
    return reading_wants(reading, *at, "an event (quire-sim run --forms lists them)");
}

static bool slot_frame(struct reading *reading, size_t *at, struct story_value *value)
{
    for (size_t i = 0; i < frame_name_count; i++) {
        if (reading->tokens[*at].kind == WORD
            && strcmp(frame_names[i].name, reading->tokens[*at].text) == 0) {
            value->device = frame_names[i].type;
            ++*at;
            return true;
        }
    }
    return reading_wants(reading, *at, "a kind of frame (HELLO, SUB, PUSH, ACK, DELTA …)");
}

static bool slot_strategy(struct reading *reading, size_t *at, struct story_value *value)
{
    uint32_t number =
        reading->tokens[*at].kind == WORD ? strategy_by_name(reading->tokens[*at].text) : 0;
    if (!strategy_fits_stories(number)) {
        return reading_wants(reading, *at, "a strategy (quire-sim run --forms lists them)");
    }
    value->device = number;
    ++*at;
    return true;
}

static bool slot_device(struct reading *reading, size_t *at, struct story_value *value)
{
    struct story *story = reading->story;
    value->device = name_find(story->devices, story->device_count, &reading->tokens[*at]);
    if (value->device == story->device_count) {
        return wants_names(reading, *at, "a device", story->devices, story->device_count);
    }
    value->devices = UINT64_C(1) << value->device;
    ++*at;
    return true;
}

/* A clone's user is that of its original, which stands before it in the line. */
static bool slot_new_device(
    struct reading *reading, size_t *at, struct story_value *values, struct story_value *value)
{
    struct story *story = reading->story;
    uint32_t user =
        values[0].devices != 0 ? story->devices[values[0].device].user : values[0].device;
    if (!add_device(reading, *at, user, &value->device)) {
        return false;
    }
    ++*at;
    return true;
}

bool story_slot(struct reading *reading, const char *name, size_t *at, struct story_value *values,
    struct story_value *value)
{
    return strcmp(name, "DEVICE") == 0     ? slot_device(reading, at, value)
        : strcmp(name, "DEVICES") == 0     ? slot_devices(reading, at, value, false)
        : strcmp(name, "NEW-DEVICES") == 0 ? slot_devices(reading, at, value, true)
        : strcmp(name, "NEW-DEVICE") == 0  ? slot_new_device(reading, at, values, value)
        : strcmp(name, "NEW-PERSON") == 0  ? slot_user(reading, at, value, true)
        : strcmp(name, "PERSON") == 0      ? slot_user(reading, at, value, false)
        : strcmp(name, "ENTRY") == 0       ? slot_entry(reading, at, value)
        : strcmp(name, "TEXT") == 0        ? slot_text(reading, at, value)
        : strcmp(name, "TIME") == 0        ? slot_time(reading, at, value)
        : strcmp(name, "NUMBER") == 0      ? story_slot_number(reading, at, value)
        : strcmp(name, "COUNT") == 0       ? slot_count(reading, at, value)
        : strcmp(name, "OPTION") == 0      ? slot_option(reading, at, value)
        : strcmp(name, "EVENT") == 0       ? slot_event(reading, at, value)
        : strcmp(name, "ALARM") == 0       ? slot_alarm(reading, at, value)
        : strcmp(name, "STRATEGY") == 0    ? slot_strategy(reading, at, value)
                                           : slot_frame(reading, at, value);
}
