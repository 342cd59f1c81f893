/*
 * quire-sim without a command: a seed, or many, with options that are set by hand.
 */
#include "commands.h"

#include "arguments.h"
#include "jobs.h"
#include "real_time.h"
#include "shrink.h"
#include "totals.h"

#include <inttypes.h>
#include <stdlib.h>

static const char usage[] =
    "usage: quire-sim [--seed N] [--runs K] [--jobs J] [--minutes-simulated M] [--set name=value]… [--exact]\n"
    "                 [--limits] [--seeds FILE] [--until-failure] [--trace] [--json] [--report FILE] [--shrink]\n"
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
    "  --limits               lowered limits in every drawn world, instead of one in eight\n"
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

#define REPORTS_MAX 20u /* failures that are printed in full */
#define PATIENCE_S 600u /* for one run */

struct wishes {
    struct plan plan;
    bool tracing, json, shrink, until_failure;
    const char *report;
};

/* ---- arguments ------------------------------------------------------------------------------- */

static const char *take_seeds(void *context, const char *path)
{
    struct plan *plan = context;
    FILE *file = fopen(path, "r");
    char line[4096];
    const char *wrong = NULL;
    if (file == NULL) {
        return "takes a file of seeds, and this one cannot be read";
    }
    while (wrong == NULL && fgets(line, sizeof line, file) != NULL) {
        wrong = plan_add_known(plan, line);
    }
    fclose(file);
    return wrong;
}

static const char *take_skips(void *context, const char *word)
{
    return skips_read(word, context) ? NULL : "takes numbers and ranges, ascending: 1-45,47";
}

static void parse(int count, char **words, struct wishes *out)
{
    bool list = false;
    const struct argument known[] = {
        {"--seed", .number = &out->plan.first_seed},
        {"--runs", .number = &out->plan.run_count},
        {"--jobs", .number = &out->plan.job_count},
        {"--minutes-simulated", .number = &out->plan.minutes},
        {"--set", .take = plan_take_setting, .context = &out->plan},
        {"--limits", .flag = &out->plan.limits},
        {"--exact", .flag = &out->plan.exact},
        {"--seeds", .take = take_seeds, .context = &out->plan},
        {"--until-failure", .flag = &out->until_failure},
        {"--trace", .flag = &out->tracing},
        {"--json", .flag = &out->json},
        {"--report", .text = &out->report},
        {"--shrink", .flag = &out->shrink},
        {"--skip", .take = take_skips, .context = &out->plan.skips},
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

static int run_alone(const struct wishes *wishes)
{
    struct options options;
    struct run_result result;
    uint64_t seed = wishes->plan.first_seed;
    plan_options(&wishes->plan, seed, &options);
    printf("seed %" PRIu64 "\noptions", seed);
    options_print(&options, stdout);
    fflush(stdout);
    run_without(seed, &options, &wishes->plan.skips, wishes->tracing, stdout, &result);
    if (result.failed) {
        plan_print_failure(&wishes->plan, &result, stdout);
        if (wishes->shrink) {
            shrink(seed, &options, &wishes->plan.skips, &result, stdout);
        }
    } else {
        totals_print_one(&result, wishes->json);
    }
    printf("trace %016" PRIx64 "\n", result.trace_hash);
    if (wishes->report != NULL && !plan_report(&wishes->plan, seed, &options, wishes->report)) {
        fprintf(stderr, "quire-sim: the report cannot be written: %s\n", wishes->report);
        return 2;
    }
    return result.failed ? 1 : 0;
}

/* ---- many runs ------------------------------------------------------------------------------- */

struct summary {
    const struct wishes *wishes;
    struct totals totals;
};

static bool take_run(void *context, const struct run_result *result, const char *report)
{
    struct summary *summary = context;
    totals_add(&summary->totals, result);
    if (result->failed && summary->totals.failures <= REPORTS_MAX) {
        fputs(report, stdout);
        plan_print_failure(&summary->wishes->plan, result, stdout);
        putchar('\n');
        fflush(stdout);
    }
    return !(summary->wishes->until_failure && result->failed);
}

static int run_many(struct wishes *wishes)
{
    struct summary summary = {.wishes = wishes};
    const struct totals *totals = &summary.totals;
    if (wishes->until_failure) {
        wishes->plan.job_count = 1;
    }
    double begin_s = real_seconds();
    jobs_each(&wishes->plan, PATIENCE_S, take_run, &summary);
    double seconds = real_seconds() - begin_s;
    if (wishes->until_failure) {
        printf("%s after %" PRIu64 " seeds\n", totals->failures > 0 ? "found" : "not found",
            totals->runs);
        return totals->failures > 0 ? 1 : 0;
    }
    totals_print(totals, seconds > 0 ? seconds : 1e-9, wishes->json);
    return totals->failures > 0 || totals->runs != plan_count(&wishes->plan) ? 1 : 0;
}

int command_seeds(int count, char **words)
{
    static struct wishes wishes = {
        .plan = {.first_seed = 1, .run_count = 1, .job_count = 1, .minutes = 30}};
    parse(count, words, &wishes);
    return plan_count(&wishes.plan) == 1 && wishes.plan.known_count == 0 ? run_alone(&wishes)
                                                                         : run_many(&wishes);
}
