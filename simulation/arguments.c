/*
 * Looks each word up, and says in one way what is wrong with it.
 */
#include "arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *take_number(const struct argument *argument, const char *word)
{
    static char wrong[80];
    char *end = NULL;
    uint64_t most = argument->most == 0 ? UINT64_MAX : argument->most;
    errno = 0;
    uint64_t value = word == NULL || *word < '0' || *word > '9' ? 0 : strtoull(word, &end, 10);
    if (end == NULL || *end != 0 || errno != 0 || value < argument->least || value > most) {
        snprintf(wrong, sizeof wrong, "takes a number from %" PRIu64 " to %" PRIu64,
            argument->least, most);
        return wrong;
    }
    *argument->number = value;
    return NULL;
}

static bool stands_alone(const struct argument *argument)
{
    return argument->number == NULL && argument->text == NULL && argument->take == NULL;
}

/* What is wrong, or NULL. */
static const char *take(const struct argument *argument, const char *word)
{
    const char *wrong = NULL;
    if (argument->number != NULL) {
        wrong = take_number(argument, word);
    } else if (!stands_alone(argument) && word == NULL) {
        wrong = "takes a word more";
    } else if (argument->text != NULL) {
        *argument->text = word;
    } else if (argument->take != NULL) {
        wrong = argument->take(argument->context, word);
    }
    if (wrong == NULL && argument->flag != NULL) {
        *argument->flag = true;
    }
    return wrong;
}

static const struct argument *find(const struct argument *arguments, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (arguments[i].name == NULL ? word[0] != '-' : strcmp(word, arguments[i].name) == 0) {
            return &arguments[i];
        }
    }
    return NULL;
}

void arguments_read(const char *command, const char *usage, const struct argument *arguments,
    size_t argument_count, int word_count, char **words)
{
    for (int i = 0; i < word_count; i++) {
        const char *word = words[i], *next = i + 1 < word_count ? words[i + 1] : NULL;
        if (strcmp(word, "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        const struct argument *found = find(arguments, argument_count, word);
        bool bare = found != NULL && found->name == NULL;
        const char *wrong = found == NULL ? "is no argument here" : take(found, bare ? word : next);
        if (wrong != NULL) {
            fprintf(stderr, "%s: %s %s; see %s --help\n", command, word, wrong, command);
            exit(2);
        }
        i += !bare && !stands_alone(found);
    }
}
