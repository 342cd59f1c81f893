/*
 * quire-sim run: tells stories from files and says how each one ended.
 */
#include "commands.h"

#include "arguments.h"
#include "commit.h"
#include "adversary/mallory.h"
#include "shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quire-sim run [--seed N] [--runs K] [--trace] [--report FILE] [--shrink] [--mutate]\n"
    "                     STORY…\n"
    "       quire-sim run --forms\n"
    "\n"
    "Tells stories: text files in which a line is a sentence, such as: phone writes \"Hello\" in diary.\n"
    "The shipping device and hub live through it under virtual time, and every line that begins with\n"
    "expect must hold. docs/simulation.md teaches the format in ten minutes.\n"
    "Ends with 0 if all stories hold, 1 if one does not, 2 if one cannot be read.\n"
    "\n"
    "  --seed N    what the network, the disks and the keys draw from (the story's own, or 1)\n"
    "  --runs K    that many seeds from there on, until one fails (1)\n"
    "  --trace     print a line for everything that happens\n"
    "  --report F  write what happened as one HTML file, to be opened in a browser, offline; of many\n"
    "              runs, the one that failed, else the first\n"
    "  --shrink    of a story that fails, print the shortest one that fails in the same way\n"
    "  --mutate    break each expectation in turn, and see that the story fails at that very line;\n"
    "              and leave out each other line in turn, and say which ones no expectation missed\n"
    "  --forms     every sentence that a story may hold\n";

struct wishes {
    uint64_t seed, run_count;
    bool has_seed, tracing, mutate, shrink;
    const char *report;
    const char **paths; /* of the stories; owned */
    size_t path_count, path_capacity;
};

static void print_forms(void)
{
    puts(
        "Words stand as they are, a|b for either; CAPITALS are slots. A comment begins with #.\n\n"
        "title …\n    the rest of the line\nseed NUMBER\n    what the network, the disks and the keys "
        "draw from");
    for (size_t i = 0; i < story_form_count; i++) {
        printf("%s\n", story_forms[i].pattern);
        if (story_forms[i].meaning[0] != 0) {
            printf("    %s\n", story_forms[i].meaning);
        }
    }
    fputs("\nEvents:", stdout);
    for (size_t i = 0; i < MARK_COUNT; i++) {
        printf(" %s", mark_name(i));
    }
    fputs("\nStrategies:", stdout);
    for (uint32_t i = 1; i <= strategy_count; i++) {
        const struct strategy *strategy = &strategies[i - 1];
        if (strategy_fits_stories(i)) {
            printf(" %s%s: %s\n           ", strategy->name,
                strategy->needs_traitor ? " with DEVICE" : "", strategy->text);
        }
    }
    fputs("\nAlarms:", stdout);
    for (uint32_t i = 1; i < QUIRE_ALARM_COUNT; i++) {
        printf(" %s: %s\n       ", story_alarm_name(i), quire_alarm_text(i));
    }
    putchar('\n');
}

static const char *source_of(const struct story *story, uint32_t number)
{
    for (size_t i = 0; i < story->line_count; i++) {
        if (story->lines[i].number == number) {
            return story->lines[i].source;
        }
    }
    return "(at the end of the story)";
}

static void print_failure(const struct story *story, uint64_t seed, const struct verdict *verdict)
{
    printf("FAIL  %s", story->path);
    if (verdict->line != 0) {
        printf(":%" PRIu32, verdict->line);
    }
    printf("  %s\n      %s\n", story->title, source_of(story, verdict->line));
    printf("      %s%s%s\n", strcmp(verdict->claim, "story") == 0 ? "" : verdict->claim,
        strcmp(verdict->claim, "story") == 0 ? "" : ": ", verdict->text);
    printf("again: quire-sim run --seed %" PRIu64 " --trace %s   (build %s)\n", seed, story->path,
        QUIRE_COMMIT);
}

/* The same run once more, recorded. */
static bool write_report(const struct story *story, uint64_t seed, const struct wishes *wishes)
{
    struct verdict verdict = {0};
    if (wishes->report == NULL) {
        return true;
    }
    story_tell(story, seed, SIZE_MAX, BREAK_NOTHING, false, wishes->report, &verdict);
    printf(verdict.no_report ? "FAIL  the report cannot be written: %s\n" : "report: %s\n",
        wishes->report);
    return !verdict.no_report;
}

static bool tell(const struct story *story, const struct wishes *wishes)
{
    struct verdict verdict;
    uint64_t first = wishes->has_seed ? wishes->seed : story->seed;
    for (uint64_t i = 0; i < wishes->run_count; i++) {
        story_tell(story, first + i, SIZE_MAX, BREAK_NOTHING, wishes->tracing, NULL, &verdict);
        if (verdict.failed) {
            print_failure(story, first + i, &verdict);
            if (wishes->shrink) {
                story_shrink(story, first + i, &verdict, stdout);
            }
            return write_report(story, first + i, wishes) && false;
        }
    }
    printf("pass  %s  %s: %zu lines, %.0f s simulated, %" PRIu64 " seed%s from %" PRIu64
           "%s, trace %016" PRIx64 "\n",
        story->path, story->title, story->line_count, (double)verdict.now_ms / 1000,
        wishes->run_count, wishes->run_count == 1 ? "" : "s", first,
        verdict.all_checked ? "" : "; not quiet at the end, so not every checker looked",
        verdict.trace_hash);
    return write_report(story, first, wishes);
}

/* ---- is each line worth something? ----------------------------------------------------------- */

static bool mutate(const struct story *story, const struct wishes *wishes)
{
    uint64_t seed = wishes->has_seed ? wishes->seed : story->seed;
    size_t expectations = 0, caught = 0, others = 0, missed = 0;
    for (size_t i = 0; i < story->line_count; i++) {
        const struct story_line *line = &story->lines[i];
        struct verdict verdict;
        if (strstr(line->form->pattern, "NEW-") != NULL) {
            continue; /* without it the rest says nothing */
        }
        bool expects = story_expects(line);
        story_tell(
            story, seed, i, expects ? BREAK_EXPECTATION : BREAK_BY_OMISSION, false, NULL, &verdict);
        if (!expects) {
            others++;
            if (verdict.failed) {
                missed++;
            } else {
                printf("      %s:%" PRIu32 ": nothing changes without: %s\n", story->path,
                    line->number, line->source);
            }
            continue;
        }
        expectations++;
        if (verdict.failed && verdict.line == line->number) {
            caught++;
        } else if (verdict.unbreakable) {
            printf("FAIL  %s:%" PRIu32 ": nothing could break this line: %s\n", story->path,
                line->number, line->source);
        } else if (verdict.failed) {
            printf("FAIL  %s:%" PRIu32 ": broken, and the story fails at line %" PRIu32
                   " instead: %s\n",
                story->path, line->number, verdict.line, line->source);
        } else {
            printf("FAIL  %s:%" PRIu32 ": broken, and the story holds all the same: %s\n",
                story->path, line->number, line->source);
        }
    }
    printf(
        "%s  %s: %zu of %zu expectations fail at their line when they are broken; %zu of %zu other "
        "lines are missed when they are left out\n",
        caught == expectations ? "pass" : "FAIL", story->path, caught, expectations, missed,
        others);
    return caught == expectations && expectations > 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int run_file(const char *path, const struct wishes *wishes)
{
    struct story story;
    struct story_error error;
    if (!story_read(path, &story, &error)) {
        if (error.line != 0) {
            fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": %s\n", path, error.line, error.column,
                error.text);
        } else {
            fprintf(stderr, "%s: %s\n", path, error.text);
        }
        return 2;
    }
    bool well = tell(&story, wishes) && (!wishes->mutate || mutate(&story, wishes));
    story_finish(&story);
    return well ? 0 : 1;
}

static const char *take_story(void *context, const char *word)
{
    struct wishes *wishes = context;
    wishes->paths =
        sim_grow(wishes->paths, &wishes->path_capacity, wishes->path_count, sizeof *wishes->paths);
    wishes->paths[wishes->path_count++] = word;
    return NULL;
}

int command_run(int count, char **words)
{
    struct wishes wishes = {.run_count = 1};
    bool forms = false;
    int worst = 0;
    const struct argument known[] = {
        {"--seed", .number = &wishes.seed, .flag = &wishes.has_seed},
        {"--runs", .number = &wishes.run_count, .least = 1},
        {"--trace", .flag = &wishes.tracing},
        {"--report", .text = &wishes.report},
        {"--shrink", .flag = &wishes.shrink},
        {"--mutate", .flag = &wishes.mutate},
        {"--forms", .flag = &forms},
        {NULL, .take = take_story, .context = &wishes},
    };
    arguments_read("quire-sim run", usage, known, sizeof known / sizeof *known, count, words);
    if (forms) {
        print_forms();
    } else if (wishes.path_count == 0) {
        fputs("quire-sim run: which story? See quire-sim run --help\n", stderr);
        worst = 2;
    }
    for (size_t i = 0; !forms && i < wishes.path_count; i++) {
        int status = run_file(wishes.paths[i], &wishes);
        fflush(stdout);
        worst = status > worst ? status : worst;
    }
    free(wishes.paths);
    return worst;
}
