/*
 * quire-sim without a command: a seed, or many, with options that are set by hand.
 */
#include "commands.h"

#include "jobs.h"
#include "report.h"
#include "run.h"
#include "shrink.h"
#include "totals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: quire-sim [--seed N] [--runs K] [--jobs J] [--minutes-simulated M] [--set name=value]… [--exact]\n"
    "                 [--seeds FILE] [--until-failure] [--trace] [--json] [--report FILE] [--shrink]\n"
    "                 [--options]\n"
    "\n"
    "Runs the device and the hub under virtual time with faults that a seed draws, and checks what\n"
    "must hold. One run prints its options first and the hash of its trace last: the same seed gives\n"
    "the same hash with every compiler. Ends with 1 if a run failed.\n"
    "\n"
    "  --seed N               the first seed (1)\n"
    "  --runs K               that many seeds from there on (1)\n"
    "  --jobs J               processes at once (1)\n"
    "  --minutes-simulated M  before everything heals (30)\n"
    "  --set name=value       an option that is not left to the seed\n"
    "  --exact                options that are not set are 0, instead of drawn\n"
    "  --seeds FILE           also the seeds of a file, one a line: the seed, its options if it is not\n"
    "                         to draw them, why\n"
    "  --trace                print every line of the trace\n"
    "  --json                 the summary as JSON\n"
    "  --until-failure        stop at the first seed that fails, and say how many it took\n"
    "  --report FILE          write what happened in one run as an HTML file, to be opened offline\n"
    "  --shrink               after a failure, look for the smallest world that still fails, and leave\n"
    "                         out every edit and fault that it does not need\n"
    "  --skip N-M,N…          without these edits and faults, by number: --shrink says which\n"
    "  --options              the names of all options\n";

struct arguments {
    struct jobs_plan plan;
    bool tracing, json, shrink;
    const char *report;
    struct skips skips;
};

/* ---- arguments ------------------------------------------------------------------------------- */

static void complain(const char *what)
{
    fprintf(stderr, "quire-sim: %s; see quire-sim --help\n", what);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9') {
        complain("a number is missing");
    }
    uint64_t value = strtoull(text, &end, 10);
    if (*end != 0) {
        complain("not a number");
    }
    return value;
}

static void read_seeds(struct jobs_plan *plan, const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    char line[4096];
    if (file == NULL) {
        complain("the file of seeds cannot be read");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (!jobs_add_known(plan, line)) {
            complain("too many seeds in the file");
        }
    }
    fclose(file);
}

static void print_options(void)
{
    for (size_t i = 0; i < options_count(); i++) {
        puts(options_name(i));
    }
    exit(0);
}

static void parse(int count, char **words, struct arguments *out)
{
    for (int i = 0; i < count; i++) {
        const char *next = i + 1 < count ? words[i + 1] : NULL;
        if (strcmp(words[i], "--trace") == 0) {
            out->tracing = true;
        } else if (strcmp(words[i], "--exact") == 0) {
            out->plan.exact = true;
        } else if (strcmp(words[i], "--json") == 0) {
            out->json = true;
        } else if (strcmp(words[i], "--shrink") == 0) {
            out->shrink = true;
        } else if (strcmp(words[i], "--until-failure") == 0) {
            out->plan.stop_at_failure = true;
        } else if (strcmp(words[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        } else if (strcmp(words[i], "--options") == 0) {
            print_options();
        } else if (strcmp(words[i], "--seed") == 0) {
            out->plan.first_seed = number(next), i++;
        } else if (strcmp(words[i], "--runs") == 0) {
            out->plan.run_count = number(next), i++;
        } else if (strcmp(words[i], "--jobs") == 0) {
            out->plan.job_count = number(next), i++;
        } else if (strcmp(words[i], "--minutes-simulated") == 0) {
            out->plan.minutes = number(next), i++;
        } else if (strcmp(words[i], "--set") == 0) {
            if (next == NULL || !jobs_add_setting(&out->plan, next)) {
                complain("--set takes name=value; --options lists the names");
            }
            i++;
        } else if (strcmp(words[i], "--report") == 0) {
            if (next == NULL) {
                complain("--report takes a file");
            }
            out->report = next, i++;
        } else if (strcmp(words[i], "--skip") == 0) {
            if (!skips_read(next, &out->skips)) {
                complain("--skip takes numbers and ranges, ascending: 1-45,47");
            }
            i++;
        } else if (strcmp(words[i], "--seeds") == 0) {
            read_seeds(&out->plan, next), i++;
        } else {
            complain("no such argument");
        }
    }
}

/* ---- one run --------------------------------------------------------------------------------- */

static bool write_report(const struct arguments *arguments, uint64_t seed,
    const struct options *options)
{
    char *again = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&again, &size);
    if (stream == NULL) {
        return false;
    }
    jobs_print_again(&arguments->plan, seed, stream);
    skips_print(&arguments->skips, stream);
    fclose(stream);
    bool well = report_seed(seed, options, &arguments->skips, again, arguments->report);
    free(again);
    return well;
}

static int run_alone(const struct arguments *arguments)
{
    struct options options;
    struct run_result result;
    uint64_t seed = arguments->plan.first_seed;
    jobs_options(&arguments->plan, seed, &options);
    printf("seed %" PRIu64 "\noptions", seed);
    options_print(&options, stdout);
    fflush(stdout);
    run_without(seed, &options, &arguments->skips, arguments->tracing, stdout, &result);
    if (result.failed) {
        jobs_print_failure(&arguments->plan, &result, stdout);
        if (arguments->shrink) {
            shrink(seed, &options, &result, stdout);
        }
    } else {
        totals_print_one(&result, arguments->json);
    }
    printf("trace %016" PRIx64 "\n", result.trace_hash);
    if (arguments->report != NULL && !write_report(arguments, seed, &options)) {
        fprintf(stderr, "quire-sim: the report cannot be written: %s\n", arguments->report);
        return 2;
    }
    return result.failed ? 1 : 0;
}

int command_seeds(int count, char **words)
{
    struct arguments arguments = {
        .plan = {.first_seed = 1, .run_count = 1, .job_count = 1, .minutes = 30}};
    parse(count, words, &arguments);
    if (arguments.plan.run_count == 1 && arguments.plan.known_count == 0) {
        return run_alone(&arguments);
    }
    return jobs_run(&arguments.plan, arguments.json);
}
