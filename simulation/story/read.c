/*
 * Reads a story: a line into words and texts, these into the form that fits. When none fits, the
 * forms that came furthest say what was expected at that place.
 */
#include "reading.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

void reading_add_text(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);
    snprintf(to + used, size - used, "%s", text);
}

bool reading_wants(struct reading *reading, size_t at, const char *what)
{
    char padded[256], all[sizeof reading->wanted + 4];
    if (at > reading->furthest) {
        reading->furthest = at;
        reading->wanted[0] = 0;
    }
    snprintf(padded, sizeof padded, "; %s; ", what);
    snprintf(all, sizeof all, "; %s; ", reading->wanted);
    if (at == reading->furthest && strstr(all, padded) == NULL) {
        reading_add_text(
            reading->wanted, sizeof reading->wanted, reading->wanted[0] == 0 ? "" : "; ");
        reading_add_text(reading->wanted, sizeof reading->wanted, what);
    }
    return false;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool read_text(
    struct reading *reading, const char **at, uint32_t *column, struct token *token)
{
    uint32_t begin = *column;
    size_t size = 0;
    const char *c = *at + 1;
    for (++*column; *c != '"'; c++, *column += ((unsigned char)*c & 0xc0) != 0x80) {
        char letter = *c;
        if (*c == 0) {
            return refuse(
                reading, begin, "this text has no end: expected a \" before the end of the line");
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
            if (!story_slot(reading, name, &at, line->values, value)) {
                return false;
            }
        } else if (token->kind == WORD && is_word(element, size, token->text)) {
            at++;
        } else {
            char wanted[64] = "";
            snprintf(wanted, sizeof wanted, "%.*s", (int)size, element);
            return reading_wants(reading, at, wanted);
        }
        element += size + (element[size] == ' ');
    }
    return reading->tokens[at].kind == END || reading_wants(reading, at, "the end of the line");
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
        return refuse(
            reading, STORY_LINE_MAX, "expected a line of at most %u bytes", STORY_LINE_MAX - 1);
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
        if (!story_slot_number(reading, &at, &value) || reading->tokens[at].kind != END) {
            return refuse(reading, reading->tokens[at].column,
                "expected seed and one number; found %s", reading->tokens[at].text);
        }
        story->seed = value.number;
        return true;
    }
    if (story->line_count == STORY_LINES_MAX) {
        return refuse(reading, 1, "expected at most %u lines that say something", STORY_LINES_MAX);
    }
    story->lines =
        sim_grow(story->lines, &story->line_capacity, story->line_count, sizeof *story->lines);
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
        well = refuse(
            reading, 0, "expected a text of at most %u bytes without a zero", STORY_SIZE_MAX);
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
        well = refuse(
            reading, 1, "expected a person who has devices, such as: anna has phone, laptop");
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
