/*
 * quire-sim without a command: a seed, or many, with options that are set by hand.
 */
#include "commands.h"

#include "arguments.h"
#include "jobs.h"
#include "report.h"
#include "run.h"
#include "shrink.h"
#include "totals.h"

#include <inttypes.h>
#include <stdlib.h>

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

static const char *take_seeds(void *context, const char *path)
{
    struct jobs_plan *plan = context;
    FILE *file = fopen(path, "r");
    char line[4096];
    bool room = true;
    if (file == NULL) {
        return "takes a file of seeds, and this one cannot be read";
    }
    while (room && fgets(line, sizeof line, file) != NULL) {
        room = jobs_add_known(plan, line);
    }
    fclose(file);
    return room ? NULL : "takes a file of seeds, and there are too many in this one";
}

static const char *take_skips(void *context, const char *word)
{
    return skips_read(word, context) ? NULL : "takes numbers and ranges, ascending: 1-45,47";
}

static void parse(int count, char **words, struct arguments *out)
{
    bool list = false;
    const struct argument known[] = {
        {"--seed", .number = &out->plan.first_seed},
        {"--runs", .number = &out->plan.run_count},
        {"--jobs", .number = &out->plan.job_count},
        {"--minutes-simulated", .number = &out->plan.minutes},
        {"--set", .take = jobs_take_setting, .context = &out->plan},
        {"--exact", .flag = &out->plan.exact},
        {"--seeds", .take = take_seeds, .context = &out->plan},
        {"--until-failure", .flag = &out->plan.stop_at_failure},
        {"--trace", .flag = &out->tracing},
        {"--json", .flag = &out->json},
        {"--report", .text = &out->report},
        {"--shrink", .flag = &out->shrink},
        {"--skip", .take = take_skips, .context = &out->skips},
        {"--options", .flag = &list},
    };
    arguments_read("quire-sim", usage, known, sizeof known / sizeof *known, count, words);
    if (list) {
        for (size_t i = 0; i < options_count(); i++) {
            puts(options_name(i));
        }
        exit(0);
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
    static struct arguments arguments = {
        .plan = {.first_seed = 1, .run_count = 1, .job_count = 1, .minutes = 30}};
    parse(count, words, &arguments);
    if (arguments.plan.run_count == 1 && arguments.plan.known_count == 0) {
        return run_alone(&arguments);
    }
    return jobs_run(&arguments.plan, arguments.json);
}
