/*
 * The words behind a command, read by a table of what it takes.
 */
#ifndef SIMULATION_ARGUMENTS_H
#define SIMULATION_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What one word stands for; one of the places is set. All but a flag take the next word. */
struct argument {
    const char *name;
    bool *flag;
    uint64_t *number; /* in decimal */
    const char **text;
    /** Returns what is wrong with the word, or NULL. */
    const char *(*take)(void *context, const char *word);
    void *context;
};

/** Reads all words, or complains and ends the program with 2; with 0 after --help, which prints usage. */
void arguments_read(const char *command, const char *usage, const struct argument *arguments,
    size_t argument_count, int word_count, char **words);

#endif
