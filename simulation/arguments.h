/*
 * The words behind a command, read by a table of what it takes.
 */
#ifndef SIMULATION_ARGUMENTS_H
#define SIMULATION_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What one word stands for. All but a flag alone take the next word into the one other place. */
struct argument {
    const char *name;     /* NULL: the words without a dash, each of which is taken itself */
    bool *flag;           /* that it was there */
    uint64_t *number;     /* in decimal */
    uint64_t least, most; /* of the number; most 0: any */
    const char **text;
    /** Returns what is wrong with the word, or NULL. */
    const char *(*take)(void *context, const char *word);
    void *context;
};

/** Reads all words, or complains and ends the program with 2; with 0 after --help, which prints usage. */
void arguments_read(const char *command, const char *usage, const struct argument *arguments,
    size_t argument_count, int word_count, char **words);

#endif
