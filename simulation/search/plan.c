/*
 * From words and lines to seeds and options, and back to the words that show a run again.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "plan.h"

#include "commit.h"
#include "adversary/mallory.h"
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void plan_options(const struct plan *plan, uint64_t seed, struct options *out_options)
{
    options_draw(out_options, seed, plan->minutes);
    if (plan->limits) {
        options_draw_limits(out_options, seed, PER_MILLION);
    }
    if (plan->exact) {
        *out_options = (struct options){.minutes = plan->minutes};
    }
    if (plan->strategy != 0) {
        mallory_prepare(out_options, plan->strategy, seed);
    }
    for (size_t i = 0; i < plan->setting_count; i++) {
        (void)options_set(out_options, plan->settings[i].name, plan->settings[i].value);
    }
}

const char *plan_take_setting(void *context, const char *text)
{
    static const char wrong[] = "takes name=value; quire-sim --options lists the names";
    struct plan *plan = context;
    struct options probe;
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals[1] < '0' || equals[1] > '9'
        || plan->setting_count == PLAN_SETTINGS_MAX
        || (size_t)(equals - text) >= sizeof plan->settings[0].name) {
        return wrong;
    }
    struct plan_setting *setting = &plan->settings[plan->setting_count];
    char *end = NULL;
    *setting = (struct plan_setting){.value = strtoull(equals + 1, &end, 10)};
    memcpy(setting->name, text, (size_t)(equals - text));
    if (*end != 0 || !options_set(&probe, setting->name, 0)) {
        return wrong;
    }
    plan->setting_count++;
    return NULL;
}

/* A name and a number at the start of the words: true, *words is behind them, *out_known says whether there
 * is such an option. */
static bool take_option(struct options *options, const char **words, bool *out_known)
{
    char name[sizeof((struct plan_setting *)0)->name];
    size_t size = strcspn(*words, "= \n");
    const char *number = *words + size + 1;
    if ((*words)[size] != '=' || *number < '0' || *number > '9' || size >= sizeof name) {
        return false;
    }
    memcpy(name, *words, size);
    name[size] = 0;
    char *end = NULL;
    *out_known = options_set(options, name, strtoull(number, &end, 10));
    *words = end + strspn(end, " ");
    return true;
}

const char *plan_add_known(struct plan *plan, const char *line)
{
    if (line[0] < '0' || line[0] > '9') {
        return NULL;
    }
    if (plan->known_count == PLAN_KNOWN_MAX) {
        return "takes a file of seeds, and there are too many in this one";
    }
    plan->known =
        sim_grow(plan->known, &plan->known_capacity, plan->known_count, sizeof *plan->known);
    struct plan_known *known = &plan->known[plan->known_count++];
    char *end = NULL;
    known->seed = strtoull(line, &end, 10);
    const char *words = end + strspn(end, " ");
    bool there_is = true;
    while (there_is && take_option(&known->options, &words, &there_is)) {
        known->exact = true;
    }
    return there_is ? NULL : "takes a file of seeds, and one in it has an option that there is not";
}

bool skips_read(const char *text, struct skips *out_skips)
{
    struct skips skips = {.count = 0};
    uint64_t last = 0;
    for (const char *at = text; at != NULL && *at != 0;) {
        char *end = NULL;
        uint64_t from = strtoull(at, &end, 10), to = from;
        if (end == at || *at < '0' || *at > '9') {
            return false;
        }
        if (*end == '-') {
            at = end + 1;
            to = strtoull(at, &end, 10);
        }
        if (from <= last || to < from || skips.count == SKIPS_MAX || (*end != ',' && *end != 0)) {
            return false;
        }
        skips.ranges[skips.count].from = from;
        skips.ranges[skips.count++].to = last = to;
        at = *end == ',' ? end + 1 : end;
    }
    *out_skips = skips;
    return text != NULL && skips.count > 0;
}

void skips_print(const struct skips *skips, FILE *out)
{
    for (size_t i = 0; i < skips->count; i++) {
        fprintf(out, "%s%" PRIu64, i == 0 ? " --skip " : ",", skips->ranges[i].from);
        if (skips->ranges[i].to > skips->ranges[i].from) {
            fprintf(out, "-%" PRIu64, skips->ranges[i].to);
        }
    }
}

uint64_t plan_count(const struct plan *plan)
{
    return plan->known_count + plan->run_count;
}

uint64_t plan_seed_at(const struct plan *plan, uint64_t index)
{
    return index < plan->known_count ? plan->known[index].seed
                                     : plan->first_seed + (index - plan->known_count);
}

void plan_options_at(const struct plan *plan, uint64_t index, struct options *out_options)
{
    if (index < plan->known_count && plan->known[index].exact) {
        *out_options = plan->known[index].options;
    } else {
        plan_options(plan, plan_seed_at(plan, index), out_options);
    }
}

static void print_options(const struct plan *plan, uint64_t seed, FILE *out)
{
    for (size_t i = 0; i < plan->known_count; i++) {
        if (plan->known[i].seed == seed && plan->known[i].exact) {
            struct options options = plan->known[i].options;
            fputs(" --exact", out);
            for (size_t j = 0; j < options_count(); j++) {
                if (*options_at(&options, j) != 0) {
                    fprintf(out, " --set %s=%" PRIu64, options_name(j), *options_at(&options, j));
                }
            }
            return;
        }
    }
    fprintf(
        out, " --minutes-simulated %" PRIu64 "%s", plan->minutes, plan->exact ? " --exact" : "");
    fputs(plan->limits ? " --limits" : "", out);
    for (size_t i = 0; i < plan->setting_count; i++) {
        fprintf(out, " --set %s=%" PRIu64, plan->settings[i].name, plan->settings[i].value);
    }
}

/* The command that runs that seed again, without a newline. */
static void print_again(const struct plan *plan, uint64_t seed, FILE *out)
{
    fprintf(out, "%s --seed %" PRIu64, program_invocation_short_name, seed);
    print_options(plan, seed, out);
    skips_print(&plan->skips, out);
    fputs(" --trace", out);
}

void plan_print_failure(const struct plan *plan, const struct run_result *result, FILE *out)
{
    fprintf(
        out, "FAILED %s, seed %" PRIu64 ": %s\nagain: ", result->claim, result->seed, result->text);
    print_again(plan, result->seed, out);
    fprintf(out, "   (build %s)\n", QUIRE_COMMIT);
}

bool plan_report(
    const struct plan *plan, uint64_t seed, const struct options *options, const char *path)
{
    char *again = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&again, &size);
    if (stream == NULL) {
        return false;
    }
    print_again(plan, seed, stream);
    fclose(stream);
    bool well = report_seed(seed, options, &plan->skips, again, path);
    free(again);
    return well;
}
