/*
 * A story while it is read: shared by read.c and slots.c.
 */
#ifndef SIMULATION_STORY_READING_H
#define SIMULATION_STORY_READING_H

#include "story.h"

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

/** The forms that came to token `at` wanted this there. Returns false, for the caller to return. */
bool reading_wants(struct reading *reading, size_t at, const char *what);
/** Appends, as far as there is room. */
void reading_add_text(char *to, size_t size, const char *text);

/** Reads tokens from *at on into the value of the slot of that name, and puts *at behind them. False: they do
 * not fit, and reading_wants knows. `values` are those of the whole line. */
bool story_slot(struct reading *reading, const char *name, size_t *at, struct story_value *values,
    struct story_value *value);
bool story_slot_number(struct reading *reading, size_t *at, struct story_value *value);

#endif
