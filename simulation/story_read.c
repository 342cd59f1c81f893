/*
 * Reads a story: a line into words and texts, these into the form that fits. When none fits, the
 * forms that came furthest say what was expected at that place.
 */
#include "story.h"

#include "codec/frame.h"
#include "mallory/mallory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct token {
    enum { WORD, TEXT, COMMA, END } kind;
    uint32_t column; /* in code points, from 1 */
    char text[STORY_LINE_MAX];
};

struct reading {
    struct story *story;
    struct story_error *error;
    uint32_t line;
    struct token tokens[STORY_TOKENS_MAX + 1];
    size_t token_count; /* without END */
    /* Where the forms came to that came furthest, and what they wanted there. */
    size_t furthest;
    char wanted[900];
};

/* ---- words of slots -------------------------------------------------------------------------- */

static const char *const alarm_names[] = {NULL, "bad-signature", "fork", "roster", "server-behind",
    "withheld", "unreadable", "clock", "revoked-write", "damaged"};
_Static_assert(sizeof alarm_names / sizeof *alarm_names == QUIRE_ALARM_COUNT, "a name for each alarm");

static const struct {
    const char *name;
    uint32_t type;
} frame_names[] = {{"HELLO", QR_FRAME_HELLO}, {"CHALLENGE", QR_FRAME_CHALLENGE},
    {"AUTH", QR_FRAME_AUTH}, {"WELCOME", QR_FRAME_WELCOME}, {"SUB", QR_FRAME_SUB},
    {"WANT", QR_FRAME_WANT}, {"DELTA", QR_FRAME_DELTA}, {"CAUGHT_UP", QR_FRAME_CAUGHT_UP},
    {"PUSH", QR_FRAME_PUSH}, {"ACK", QR_FRAME_ACK}, {"ROSTER_APPEND", QR_FRAME_ROSTER_APPEND},
    {"ROSTER_RECORDS", QR_FRAME_ROSTER_RECORDS}, {"ROSTER_DONE", QR_FRAME_ROSTER_DONE},
    {"PAIR", QR_FRAME_PAIR}, {"CREDIT", QR_FRAME_CREDIT}, {"PING", QR_FRAME_PING},
    {"GOAWAY", QR_FRAME_GOAWAY}, {"ERROR", QR_FRAME_ERROR}, {"PRESENCE", QR_FRAME_PRESENCE}};
#define FRAME_NAMES (sizeof frame_names / sizeof *frame_names)

const char *story_alarm_name(uint32_t alarm)
{
    return alarm > 0 && alarm < QUIRE_ALARM_COUNT ? alarm_names[alarm] : "unknown";
}

const char *story_frame_name(uint32_t type)
{
    for (size_t i = 0; i < FRAME_NAMES; i++) {
        if (frame_names[i].type == type) {
            return frame_names[i].name;
        }
    }
    return "unknown";
}

bool story_expects(const struct story_line *line)
{
    return strncmp(line->form->pattern, "expect ", 7) == 0;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static bool refuse(struct reading *reading, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct reading *reading, uint32_t column, const char *format, ...)
{
    reading->error->line = reading->line;
    reading->error->column = column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->error->text, sizeof reading->error->text, format, arguments);
    va_end(arguments);
    return false;
}

static void add_text(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);
    snprintf(to + used, size - used, "%s", text);
}

static bool wants(struct reading *reading, size_t at, const char *what)
{
    char padded[256], all[sizeof reading->wanted + 4];
    if (at > reading->furthest) {
        reading->furthest = at;
        reading->wanted[0] = 0;
    }
    snprintf(padded, sizeof padded, "; %s; ", what);
    snprintf(all, sizeof all, "; %s; ", reading->wanted);
    if (at == reading->furthest && strstr(all, padded) == NULL) {
        add_text(reading->wanted, sizeof reading->wanted, reading->wanted[0] == 0 ? "" : "; ");
        add_text(reading->wanted, sizeof reading->wanted, what);
    }
    return false;
}

static bool wants_names(struct reading *reading, size_t at, const char *what,
    const struct story_name *names, uint32_t count)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s", what, count == 0 ? " (there is none yet)" : " (");
    for (uint32_t i = 0; i < count; i++) {
        add_text(text, sizeof text, names[i].text);
        add_text(text, sizeof text, i + 1 < count ? ", " : ")");
    }
    return wants(reading, at, text);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool read_text(struct reading *reading, const char **at, uint32_t *column,
    struct token *token)
{
    uint32_t begin = *column;
    size_t size = 0;
    const char *c = *at + 1;
    for (++*column; *c != '"'; c++, *column += ((unsigned char)*c & 0xc0) != 0x80) {
        char letter = *c;
        if (*c == 0) {
            return refuse(reading, begin, "this text has no end: expected a \" before the end of the line");
        }
        if (*c == '\\') {
            c++;
            ++*column;
            letter = *c == 'n' ? '\n' : *c == 't' ? '\t' : *c;
            if (*c != 'n' && *c != 't' && *c != '"' && *c != '\\') {
                return refuse(reading, *column, "expected n, t, \" or \\ after the \\");
            }
        }
        token->text[size++] = letter;
    }
    ++*column;
    token->text[size] = 0;
    token->kind = TEXT;
    *at = c + 1;
    return true;
}

static bool tokenize(struct reading *reading, const char *source)
{
    uint32_t column = 1;
    reading->token_count = 0;
    for (const char *c = source; *c != 0 && *c != '#';) {
        struct token *token = &reading->tokens[reading->token_count];
        if (*c == ' ' || *c == '\t') {
            c++, column++;
            continue;
        }
        if (reading->token_count == STORY_TOKENS_MAX) {
            return refuse(reading, column, "expected at most %u words in a line", STORY_TOKENS_MAX);
        }
        token->column = column;
        reading->token_count++;
        if (*c == '"') {
            if (!read_text(reading, &c, &column, token)) {
                return false;
            }
        } else if (*c == ',') {
            token->kind = COMMA;
            strcpy(token->text, ",");
            c++, column++;
        } else {
            size_t size = 0;
            token->kind = WORD;
            for (; *c != 0 && strchr(" \t\",#", *c) == NULL; c++) {
                column += ((unsigned char)*c & 0xc0) != 0x80;
                token->text[size++] = *c;
            }
            token->text[size] = 0;
        }
    }
    reading->tokens[reading->token_count] =
        (struct token){.kind = END, .column = column, .text = "the end of the line"};
    return true;
}

/* ---- slots ----------------------------------------------------------------------------------- */

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
    if (token->kind != WORD || size >= STORY_NAME_MAX || token->text[0] < 'a' || token->text[0] > 'z'
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
        return wants(reading, at, story->device_count == PHONES_MAX ? most : new_name);
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
            return wants(reading, *at, "everyone");
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

static bool slot_number(struct reading *reading, size_t *at, struct story_value *value)
{
    const char *rest = "";
    if (reading->tokens[*at].kind != WORD
        || !read_number(reading->tokens[*at].text, &value->number, &rest) || *rest != 0) {
        return wants(reading, *at, "a number (at most 1000000000)");
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
    return wants(reading, *at, "a time such as 500ms, 30s, 5min, 2h, 30d or 1y (at most 100y)");
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
            return wants(reading, *at, "least or most");
        }
        value->count = least ? COUNT_AT_LEAST : COUNT_AT_MOST;
        ++*at;
        return slot_number(reading, at, value);
    }
    (void)wants(reading, *at, "no, at least N or at most N");
    return slot_number(reading, at, value);
}

static bool slot_text(struct reading *reading, size_t *at, struct story_value *value)
{
    if (reading->tokens[*at].kind != TEXT || reading->tokens[*at].text[0] == 0) {
        return wants(reading, *at, "a text in \"quotes\", not empty");
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
            return wants(reading, *at, "the name of an entry (small letters, digits, -)");
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
            return wants(reading, *at, story->user_count == USERS_MAX ? most : new_name);
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
    return wants(reading, *at, "an option (quire-sim --options lists them)");
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
        add_text(text, sizeof text, alarm_names[i]);
        add_text(text, sizeof text, i + 1 < QUIRE_ALARM_COUNT ? ", " : ")");
    }
    return wants(reading, *at, text);
}

static bool slot_event(struct reading *reading, size_t *at, struct story_value *value)
{
    for (uint32_t i = 0; i < SOMETIMES_COUNT; i++) {
        if (reading->tokens[*at].kind == WORD
            && strcmp(sometimes_name(i), reading->tokens[*at].text) == 0) {
            value->device = i;
            ++*at;
            return true;
        }
    }
    return wants(reading, *at, "an event (quire-sim run --forms lists them)");
}

static bool slot_frame(struct reading *reading, size_t *at, struct story_value *value)
{
    for (size_t i = 0; i < FRAME_NAMES; i++) {
        if (reading->tokens[*at].kind == WORD
            && strcmp(frame_names[i].name, reading->tokens[*at].text) == 0) {
            value->device = frame_names[i].type;
            ++*at;
            return true;
        }
    }
    return wants(reading, *at, "a kind of frame (HELLO, SUB, PUSH, ACK, DELTA …)");
}

static bool slot_strategy(struct reading *reading, size_t *at, struct story_value *value)
{
    uint32_t number = reading->tokens[*at].kind == WORD ? strategy_by_name(reading->tokens[*at].text) : 0;
    if (!strategy_fits_stories(number)) {
        return wants(reading, *at, "a strategy (quire-sim run --forms lists them)");
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
static bool slot_new_device(struct reading *reading, size_t *at, struct story_value *values,
    struct story_value *value)
{
    struct story *story = reading->story;
    uint32_t user = values[0].devices != 0 ? story->devices[values[0].device].user
                                           : values[0].device;
    if (!add_device(reading, *at, user, &value->device)) {
        return false;
    }
    ++*at;
    return true;
}

/* ---- forms ----------------------------------------------------------------------------------- */

static bool is_word(const char *element, size_t size, const char *text)
{
    for (const char *end = element + size; element < end;) {
        const char *bar = memchr(element, '|', (size_t)(end - element));
        size_t length = (size_t)((bar == NULL ? end : bar) - element);
        if (strlen(text) == length && memcmp(text, element, length) == 0) {
            return true;
        }
        element += length + 1;
    }
    return false;
}

static bool slot(struct reading *reading, const char *name, size_t *at, struct story_value *values,
    struct story_value *value)
{
    return strcmp(name, "DEVICE") == 0       ? slot_device(reading, at, value)
           : strcmp(name, "DEVICES") == 0    ? slot_devices(reading, at, value, false)
           : strcmp(name, "NEW-DEVICES") == 0 ? slot_devices(reading, at, value, true)
           : strcmp(name, "NEW-DEVICE") == 0 ? slot_new_device(reading, at, values, value)
           : strcmp(name, "NEW-PERSON") == 0 ? slot_user(reading, at, value, true)
           : strcmp(name, "PERSON") == 0     ? slot_user(reading, at, value, false)
           : strcmp(name, "ENTRY") == 0      ? slot_entry(reading, at, value)
           : strcmp(name, "TEXT") == 0       ? slot_text(reading, at, value)
           : strcmp(name, "TIME") == 0       ? slot_time(reading, at, value)
           : strcmp(name, "NUMBER") == 0     ? slot_number(reading, at, value)
           : strcmp(name, "COUNT") == 0      ? slot_count(reading, at, value)
           : strcmp(name, "OPTION") == 0     ? slot_option(reading, at, value)
           : strcmp(name, "EVENT") == 0      ? slot_event(reading, at, value)
           : strcmp(name, "ALARM") == 0      ? slot_alarm(reading, at, value)
           : strcmp(name, "STRATEGY") == 0   ? slot_strategy(reading, at, value)
                                             : slot_frame(reading, at, value);
}

static bool fits(struct reading *reading, const struct story_form *form, struct story_line *line)
{
    size_t at = 0, count = 0;
    if (strncmp(form->pattern, "NEW-", 4) == 0
        && (reading->token_count < 2 || strcmp(reading->tokens[1].text, "has") != 0)) {
        return false; /* else every slip in a device's name would pass for a new person */
    }
    memset(line->values, 0, sizeof line->values);
    for (const char *element = form->pattern; *element != 0;) {
        size_t size = strcspn(element, " ");
        const struct token *token = &reading->tokens[at];
        if (*element >= 'A' && *element <= 'Z') {
            char name[16] = "";
            memcpy(name, element, size < sizeof name ? size : sizeof name - 1);
            struct story_value *value = &line->values[count++];
            value->column = token->column;
            if (!slot(reading, name, &at, line->values, value)) {
                return false;
            }
        } else if (token->kind == WORD && is_word(element, size, token->text)) {
            at++;
        } else {
            char wanted[64] = "";
            snprintf(wanted, sizeof wanted, "%.*s", (int)size, element);
            return wants(reading, at, wanted);
        }
        element += size + (element[size] == ' ');
    }
    return reading->tokens[at].kind == END || wants(reading, at, "the end of the line");
}

static bool match(struct reading *reading, struct story_line *line)
{
    struct story *story = reading->story;
    uint32_t devices = story->device_count, users = story->user_count, entries = story->entry_count;
    reading->furthest = 0;
    reading->wanted[0] = 0;
    for (size_t i = 0; i < story_form_count; i++) {
        line->form = &story_forms[i];
        if (fits(reading, line->form, line)) {
            return true;
        }
        story->device_count = devices;
        story->user_count = users;
        story->entry_count = entries;
    }
    const struct token *found = &reading->tokens[reading->furthest];
    return refuse(reading, found->column, "expected %s; found %s%s%s", reading->wanted,
        found->kind == TEXT ? "\"" : "", found->text, found->kind == TEXT ? "\"" : "");
}

/* `title` takes the rest of the line as it is, so that it reads like a heading. */
static bool read_line(struct reading *reading, char *source)
{
    struct story *story = reading->story;
    if (strlen(source) >= STORY_LINE_MAX) {
        return refuse(reading, STORY_LINE_MAX, "expected a line of at most %u bytes",
            STORY_LINE_MAX - 1);
    }
    if (strncmp(source, "title ", 6) == 0) {
        snprintf(story->title, sizeof story->title, "%s", source + 6 + strspn(source + 6, " "));
        return true;
    }
    if (!tokenize(reading, source)) {
        return false;
    }
    if (reading->token_count == 0) {
        return true;
    }
    if (strcmp(reading->tokens[0].text, "seed") == 0) {
        struct story_value value = {0};
        size_t at = 1;
        reading->furthest = 0;
        if (!slot_number(reading, &at, &value) || reading->tokens[at].kind != END) {
            return refuse(reading, reading->tokens[at].column, "expected seed and one number; found %s",
                reading->tokens[at].text);
        }
        story->seed = value.number;
        return true;
    }
    if (story->line_count == STORY_LINES_MAX) {
        return refuse(reading, 1, "expected at most %u lines that say something", STORY_LINES_MAX);
    }
    story->lines = sim_grow(story->lines, &story->line_capacity, story->line_count,
        sizeof *story->lines);
    struct story_line *line = &story->lines[story->line_count];
    *line = (struct story_line){.number = reading->line, .source = source};
    if (!match(reading, line)) {
        return false;
    }
    story->line_count++;
    return true;
}

bool story_read_bytes(const char *path, const char *bytes, size_t size, struct story *out_story,
    struct story_error *out_error)
{
    struct story story = {.seed = 1};
    struct reading *reading = sim_alloc(sizeof *reading);
    *reading = (struct reading){.story = &story, .error = out_error};
    *out_error = (struct story_error){0};
    story.path = sim_alloc(strlen(path) + 1);
    strcpy(story.path, path);
    story.bytes = sim_alloc(size + 1);
    memcpy(story.bytes, bytes, size);
    bool well = true;
    if (size > STORY_SIZE_MAX || memchr(bytes, 0, size) != NULL) {
        well = refuse(reading, 0, "expected a text of at most %u bytes without a zero",
            STORY_SIZE_MAX);
    }
    for (char *at = story.bytes, *end = story.bytes + size; well && at < end;) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *next = newline == NULL ? end : newline + 1;
        reading->line++;
        if (newline != NULL) {
            *newline = 0;
            if (newline > at && newline[-1] == '\r') {
                newline[-1] = 0;
            }
        }
        well = read_line(reading, at);
        at = next;
    }
    if (well && story.device_count == 0) {
        reading->line++;
        well = refuse(reading, 1, "expected a person who has devices, such as: anna has phone, laptop");
    }
    free(reading);
    if (well) {
        *out_story = story;
    } else {
        story_finish(&story);
    }
    return well;
}

bool story_read(const char *path, struct story *out_story, struct story_error *out_error)
{
    FILE *file = fopen(path, "rb");
    char *bytes = sim_alloc(STORY_SIZE_MAX + 2);
    *out_error = (struct story_error){0};
    size_t size = file == NULL ? 0 : fread(bytes, 1, STORY_SIZE_MAX + 1, file);
    bool well = file != NULL && ferror(file) == 0;
    if (!well) {
        snprintf(out_error->text, sizeof out_error->text, "the file cannot be read: %s",
            strerror(errno));
    }
    if (file != NULL) {
        fclose(file);
    }
    well = well && story_read_bytes(path, bytes, size, out_story, out_error);
    free(bytes);
    return well;
}

void story_finish(struct story *story)
{
    free(story->path);
    free(story->bytes);
    free(story->lines);
    *story = (struct story){0};
}
