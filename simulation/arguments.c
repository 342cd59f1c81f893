/*
 * Looks each word up, and says in one way what is wrong with it.
 */
#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *take_number(uint64_t *out_number, const char *word)
{
    char *end = NULL;
    if (*word < '0' || *word > '9') {
        return "takes a number";
    }
    uint64_t value = strtoull(word, &end, 10);
    if (*end != 0) {
        return "takes a number";
    }
    *out_number = value;
    return NULL;
}

/* What is wrong, or NULL. */
static const char *take(const struct argument *argument, const char *next)
{
    if (argument->flag != NULL) {
        *argument->flag = true;
        return NULL;
    }
    if (next == NULL) {
        return argument->number != NULL ? "takes a number" : "takes a word more";
    }
    if (argument->number != NULL) {
        return take_number(argument->number, next);
    }
    if (argument->text != NULL) {
        *argument->text = next;
        return NULL;
    }
    return argument->take(argument->context, next);
}

void arguments_read(const char *command, const char *usage, const struct argument *arguments,
    size_t argument_count, int word_count, char **words)
{
    for (int i = 0; i < word_count; i++) {
        size_t found = 0;
        if (strcmp(words[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        while (found < argument_count && strcmp(words[i], arguments[found].name) != 0) {
            found++;
        }
        const char *wrong = found == argument_count
                                ? "is no argument here"
                                : take(&arguments[found], i + 1 < word_count ? words[i + 1] : NULL);
        if (wrong != NULL) {
            fprintf(stderr, "%s: %s %s; see %s --help\n", command, words[i], wrong, command);
            exit(2);
        }
        i += arguments[found].flag == NULL;
    }
}
