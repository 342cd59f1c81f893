/*
 * Works on the text: leaves out lines, half of them first and each one last, then names of devices,
 * then halves numbers. What still fails in the same claim, at a sentence of the same form, with the same
 * words but for numbers, is kept.
 */
#include "shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS_MAX 800u
#define ROUNDS_MAX 4

struct text {
    char (*lines)[STORY_LINE_MAX];
    size_t count;
};

struct shrinking {
    struct text best;
    uint64_t seed;
    const struct verdict *failure;
    const struct story_form *form; /* of the line that failed, or NULL */
    unsigned attempts;
};

static const struct story_form *form_of(const struct story *story, uint32_t number)
{
    for (size_t i = 0; i < story->line_count; i++) {
        if (story->lines[i].number == number) {
            return story->lines[i].form;
        }
    }
    return NULL;
}

/* The first line of both, any number for any other. */
static bool same_words(const char *a, const char *b)
{
    for (;;) {
        bool number = *a >= '0' && *a <= '9' && *b >= '0' && *b <= '9';
        if (number) {
            a += strspn(a, "0123456789.");
            b += strspn(b, "0123456789.");
        } else if (*a != *b) {
            return false;
        } else if (*a == 0 || *a == '\n') {
            return true;
        } else {
            a++;
            b++;
        }
    }
}

static bool still_fails(struct shrinking *shrinking, const struct text *text)
{
    struct story story;
    struct story_error error;
    struct verdict verdict;
    char *bytes = sim_alloc(text->count * STORY_LINE_MAX + 1);
    size_t size = 0;
    for (size_t i = 0; i < text->count; i++) {
        size += (size_t)sprintf(bytes + size, "%s\n", text->lines[i]);
    }
    bool fails = false;
    shrinking->attempts++;
    if (story_read_bytes("shorter", bytes, size, &story, &error)) {
        story_tell(&story, shrinking->seed, SIZE_MAX, BREAK_NOTHING, false, NULL, &verdict);
        fails = verdict.failed && strcmp(verdict.claim, shrinking->failure->claim) == 0
            && same_words(verdict.text, shrinking->failure->text)
            && form_of(&story, verdict.line) == shrinking->form;
        story_finish(&story);
    }
    free(bytes);
    return fails;
}

static struct text copy_of(const struct text *text)
{
    struct text copy = {
        .lines = sim_alloc(text->count * sizeof *text->lines), .count = text->count};
    memcpy(copy.lines, text->lines, text->count * sizeof *text->lines);
    return copy;
}

/* Takes the attempt if it fails in the same way. */
static bool try(struct shrinking *shrinking, struct text attempt)
{
    if (shrinking->attempts < ATTEMPTS_MAX && still_fails(shrinking, &attempt)) {
        free(shrinking->best.lines);
        shrinking->best = attempt;
        return true;
    }
    free(attempt.lines);
    return false;
}

static bool fewer_lines(struct shrinking *shrinking)
{
    bool any = false;
    for (size_t size = (shrinking->best.count + 1) / 2; size > 0; size /= 2) {
        for (size_t from = 0; from < shrinking->best.count;) {
            struct text attempt = copy_of(&shrinking->best);
            size_t gone = attempt.count - from < size ? attempt.count - from : size;
            memmove(attempt.lines + from, attempt.lines + from + gone,
                (attempt.count - from - gone) * sizeof *attempt.lines);
            attempt.count -= gone;
            if (try(shrinking, attempt)) {
                any = true;
            } else {
                from += size;
            }
        }
    }
    return any;
}

/* Words before or after a comma, in the line that says who there is. */
static bool fewer_devices(struct shrinking *shrinking)
{
    bool any = false;
    for (size_t i = 0; i < shrinking->best.count; i++) {
        if (strstr(shrinking->best.lines[i], " has ") == NULL) {
            continue;
        }
        for (char *comma = strchr(shrinking->best.lines[i], ','); comma != NULL;) {
            size_t at = (size_t)(comma - shrinking->best.lines[i]);
            struct text attempt = copy_of(&shrinking->best);
            char *line = attempt.lines[i];
            size_t end = at + 1 + strspn(line + at + 1, " ");
            end += strcspn(line + end, ", ");
            memmove(line + at, line + end, strlen(line + end) + 1);
            if (try(shrinking, attempt)) {
                any = true;
                comma = strchr(shrinking->best.lines[i] + at, ',');
            } else {
                comma = strchr(shrinking->best.lines[i] + at + 1, ',');
            }
        }
    }
    return any;
}

static bool smaller_numbers(struct shrinking *shrinking)
{
    bool any = false;
    for (size_t i = 0; i < shrinking->best.count; i++) {
        bool quoted = false;
        for (size_t at = 0; shrinking->best.lines[i][at] != 0; at++) {
            const char *line = shrinking->best.lines[i];
            quoted = quoted != (line[at] == '"');
            if (quoted || line[at] < '0' || line[at] > '9' || at == 0 || line[at - 1] != ' '
                || strncmp(line, "expect ", 7) == 0) {
                continue;
            }
            char *rest = NULL;
            uint64_t number = strtoull(line + at, &rest, 10);
            struct text attempt = copy_of(&shrinking->best);
            snprintf(attempt.lines[i] + at, STORY_LINE_MAX - at, "%" PRIu64 "%s", number / 2, rest);
            if (number < 2) {
                free(attempt.lines);
            } else if (try(shrinking, attempt)) {
                any = true;
                at--; /* and again */
            }
        }
    }
    return any;
}

void story_shrink(
    const struct story *story, uint64_t seed, const struct verdict *failure, FILE *out)
{
    struct shrinking shrinking = {
        .seed = seed, .failure = failure, .form = form_of(story, failure->line)};
    shrinking.best.lines = sim_alloc(story->line_count * sizeof *shrinking.best.lines);
    for (size_t i = 0; i < story->line_count; i++) {
        snprintf(shrinking.best.lines[shrinking.best.count++], STORY_LINE_MAX, "%s",
            story->lines[i].source);
    }
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool smaller = fewer_lines(&shrinking);
        smaller = fewer_devices(&shrinking) || smaller;
        smaller = smaller_numbers(&shrinking) || smaller;
        if (!smaller) {
            break;
        }
    }
    fprintf(out, "the shortest story that fails in the same way: %zu of %zu lines\n\n",
        shrinking.best.count, story->line_count);
    if (story->title[0] != 0) {
        fprintf(out, "title %s\n", story->title);
    }
    fprintf(out, "seed %" PRIu64 "\n", seed);
    for (size_t i = 0; i < shrinking.best.count; i++) {
        fprintf(out, "%s\n", shrinking.best.lines[i]);
    }
    fputc('\n', out);
    free(shrinking.best.lines);
}
