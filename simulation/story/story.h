/*
 * A story: what happens to some devices and their server, line by line, and what must hold then.
 * docs/simulation.md teaches the format; forms.c is its grammar; reading bounds everything.
 */
#ifndef SIMULATION_STORY_H
#define SIMULATION_STORY_H

#include "people/phone.h"
#include "world/world.h"

#include <stdio.h>

#define STORY_SIZE_MAX (256u * 1024)
#define STORY_LINES_MAX 2000u
#define STORY_LINE_MAX 1400u  /* bytes of one line */
#define STORY_TOKENS_MAX 80u  /* of one line */
#define STORY_NAME_MAX 24u    /* bytes of a name, with the final zero */
#define STORY_ENTRIES_MAX 64u /* names of entries */
_Static_assert(PHONES_MAX < 63, "a bit for each device, and one more");
#define STORY_VALUES_MAX 6u /* slots of one form */
#define STORY_NUMBER_MAX UINT64_C(1000000000)
#define STORY_TIME_MAX_MS (UINT64_C(100) * 365 * 86400 * 1000)

enum story_count { COUNT_EXACTLY, COUNT_AT_LEAST, COUNT_AT_MOST };

/** What stood in one slot of a form. */
struct story_value {
    uint32_t column;
    uint64_t devices; /* DEVICE, DEVICES, NAMES: a bit for each, the index is the phone's number */
    uint32_t device;  /* DEVICE, NAME of a device: its index; of an entry, a user, an option … */
    uint64_t number;  /* NUMBER, COUNT; TIME in milliseconds */
    enum story_count count;
    char text[STORY_LINE_MAX]; /* TEXT, unescaped; ends in zero, so it holds none */
};

struct interpreter;
struct story_line;

/** One sentence that a story may hold. Words as they are, a|b for either, CAPITALS for a slot. */
struct story_form {
    const char *pattern;
    const char *meaning;
    void (*act)(struct interpreter *interpreter, const struct story_line *line);
};
extern const struct story_form story_forms[];
extern const size_t story_form_count;

struct story_line {
    uint32_t number;    /* in the file, from 1 */
    const char *source; /* ends in zero */
    const struct story_form *form;
    struct story_value values[STORY_VALUES_MAX];
};

struct story_name {
    char text[STORY_NAME_MAX];
    uint32_t user; /* of a device */
};

struct story {
    char *path, *bytes; /* owned; bytes with a zero for each line's end */
    char title[STORY_LINE_MAX];
    uint64_t seed;
    struct story_line *lines; /* owned */
    size_t line_count, line_capacity;
    struct story_name devices[PHONES_MAX], users[USERS_MAX], entries[STORY_ENTRIES_MAX];
    uint32_t device_count, user_count, entry_count;
};

struct story_error {
    uint32_t line, column; /* 0: not about a place in the file */
    char text[1024];       /* what was expected, and what was found */
};

/** Reads a file. False: out_error says where and why, and there is nothing to free. */
bool story_read(const char *path, struct story *out_story, struct story_error *out_error);
/** The same of bytes that need not end in zero; `path` is only for messages. */
bool story_read_bytes(const char *path, const char *bytes, size_t size, struct story *out_story,
    struct story_error *out_error);
void story_finish(struct story *story);

/** True if the line is an expectation. */
bool story_expects(const struct story_line *line);
/** Names that slots of that kind accept, separated by blanks; for the help. */
const char *story_alarm_name(uint32_t alarm);

#endif
