/*
 * quire-sim swarm: fresh seeds for as long as it is let, in slices. After each slice the state file
 * knows where to go on; what failed lies in the folder, shrunk. Counts are kept apart by commit,
 * since a run says something of one program only.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "commands.h"

#include "arguments.h"
#include "commit.h"
#include "jobs.h"
#include "real_time.h"
#include "shrink.h"
#include "totals.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLICE_S 20.0
#define SLICE_FIRST 100u
#define SLICE_MAX 100000u
#define PATIENCE_S 300u /* for one run */
#define SHRINK_S 300u
#define FAILURES_KEPT 50u /* of one call, with their stories; the others are counted and named */
#define RARE_RUNS 100000u
#define FOLDER_NAME_MAX 300u

static const char usage[] =
    "usage: quire-sim swarm [--minutes M] [--runs K] [--jobs J] [--folder F] [--seed N] [--rare R]\n"
    "                       [--set name=value]… [--limits]\n"
    "\n"
    "Runs fresh seeds until the time is over, and goes on from there when it is called again. Ends with\n"
    "1 if a run failed, now or before, or if a state that runs should reach now and then was never\n"
    "reached; with 3 when it was interrupted (what was done is kept).\n"
    "\n"
    "  --minutes M   of real time (10)\n"
    "  --runs K      at most that many runs in this call\n"
    "  --jobs J      processes at once (1)\n"
    "  --folder F    where its state and the failures are kept (swarm)\n"
    "  --seed N      the first seed of a new folder (1)\n"
    "  --rare R      after so many runs each state must have been reached (100000)\n"
    "  --set ...     an option that is not left to the seed; counts as another program\n"
    "  --limits      lowered limits in every world, instead of one in eight; likewise\n"
    "\n"
    "F/state-PROGRAM-COMMIT holds the counts of one program; F/SEED-PROGRAM-COMMIT.txt one failure: what\n"
    "failed, the commands that show it, the end of its trace, and the smallest world that fails; beside\n"
    "it, with .html, its report.\n";

struct swarm {
    struct plan plan;
    const char *folder;
    uint64_t minutes, runs_most, rare;
    char state_path[512]; /* of this program's counts */
    char next_path[512];  /* of the seed that is next for whatever program */
    uint64_t next_seed;
    struct totals before; /* of this program, up to the last whole slice */
    struct totals slice;
    uint64_t kept;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void give_up(const char *what, const char *path)
{
    fprintf(stderr, "quire-sim swarm: %s %s: %s\n", what, path, strerror(errno));
    exit(2);
}

/* ---- the state ------------------------------------------------------------------------------- */

#define FIELDS(X) \
    X(runs) \
    X(failures) \
    X(steps) \
    X(acts) \
    X(frames) \
    X(bytes_scanned) \
    X(batches) \
    X(verified) \
    X(quiet_most_ms) \
    X(trace_hash) \
    X(cpu_us) \
    X(simulated_ms)

static void read_field(struct swarm *swarm, const char *name, uint64_t value)
{
    struct totals *totals = &swarm->before;
#define READ(field) \
    if (strcmp(name, #field) == 0) { \
        totals->field = value; \
    }
    FIELDS(READ)
#undef READ
    for (size_t i = 0; i < MARK_COUNT; i++) {
        if (strncmp(name, "coverage.", 9) == 0 && strcmp(name + 9, mark_name(i)) == 0) {
            totals->marks[i] = value;
        }
    }
    if (strcmp(name, "next") == 0) {
        swarm->next_seed = value;
    }
}

/* False: there is none. */
static bool read_state(struct swarm *swarm, const char *path)
{
    char name[128];
    uint64_t value;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        if (errno != ENOENT) {
            give_up("cannot read", path);
        }
        return false;
    }
    while (fscanf(file, "%127s %" SCNu64, name, &value) == 2) {
        read_field(swarm, name, value);
    }
    fclose(file);
    return true;
}

/* Whole or not at all: a swarm that is killed here goes on from the slice before. */
static void write_file(
    const char *path, void (*fill)(const struct swarm *, FILE *), const struct swarm *swarm)
{
    char fresh[600];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (file == NULL) {
        give_up("cannot write", fresh);
    }
    fill(swarm, file);
    if (fflush(file) != 0 || fsync(fileno(file)) != 0 || fclose(file) != 0
        || rename(fresh, path) != 0) {
        give_up("cannot write", path);
    }
}

static void fill_state(const struct swarm *swarm, FILE *file)
{
    const struct totals *totals = &swarm->before;
    fprintf(file, "next %" PRIu64 "\n", swarm->next_seed);
#define WRITE(field) fprintf(file, #field " %" PRIu64 "\n", totals->field);
    FIELDS(WRITE)
#undef WRITE
    for (size_t i = 0; i < MARK_COUNT; i++) {
        fprintf(file, "coverage.%s %" PRIu64 "\n", mark_name(i), totals->marks[i]);
    }
}

static void fill_next(const struct swarm *swarm, FILE *file)
{
    fprintf(file, "next %" PRIu64 "\n", swarm->next_seed);
}

/* Another commit begins with counts of its own, at seeds that none before has seen. */
static void open_folder(struct swarm *swarm, uint64_t first_seed)
{
    uint64_t settings = swarm->plan.limits;
    for (size_t i = 0; i < swarm->plan.setting_count; i++) {
        const struct plan_setting *setting = &swarm->plan.settings[i];
        settings = bytes_mix(settings ^ setting->value, quire_bytes_of_text(setting->name));
    }
    char suffix[32] = "";
    if (swarm->plan.setting_count > 0 || swarm->plan.limits) {
        snprintf(suffix, sizeof suffix, "-set%08" PRIx32, (uint32_t)settings);
    }
    if (mkdir(swarm->folder, 0777) != 0 && errno != EEXIST) {
        give_up("cannot make the folder", swarm->folder);
    }
    snprintf(swarm->state_path, sizeof swarm->state_path, "%s/state-%s-%s%s", swarm->folder,
        program_invocation_short_name, QUIRE_COMMIT, suffix);
    snprintf(swarm->next_path, sizeof swarm->next_path, "%s/next-%s", swarm->folder,
        program_invocation_short_name);
    swarm->next_seed = first_seed;
    (void)read_state(swarm, swarm->state_path);
    (void)read_state(swarm, swarm->next_path); /* the seed alone */
}

static void keep_state(struct swarm *swarm)
{
    write_file(swarm->state_path, fill_state, swarm);
    write_file(swarm->next_path, fill_next, swarm);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* In a process of its own, since the world may kill it or never end. */
static void shrink_apart(
    const struct swarm *swarm, const struct run_result *result, FILE *file, const char *report_path)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct options options;
        alarm(SHRINK_S);
        plan_options(&swarm->plan, result->seed, &options);
        (void)plan_report(
            &swarm->plan, result->seed, &options, report_path); /* the text is there without it */
        shrink(result->seed, &options, &swarm->plan.skips, result, file);
        fflush(file);
        _exit(0);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    fseek(file, 0, SEEK_END);
    if (child < 0 || status != 0) {
        fputs("smallest: not found in time\n", file);
    }
}

static void keep_failure(struct swarm *swarm, const struct run_result *result, const char *report)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%" PRIu64 "-%s-%s.txt", swarm->folder, result->seed,
        program_invocation_short_name, QUIRE_COMMIT);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        give_up("cannot write", path);
    }
    fprintf(file, "commit %s\n", QUIRE_COMMIT);
    plan_print_failure(&swarm->plan, result, file);
    if (strcmp(result->claim, "died") != 0 && strcmp(result->claim, "hung") != 0) {
        char report_path[sizeof path + 8];
        snprintf(report_path, sizeof report_path, "%s.html", path);
        shrink_apart(swarm, result, file, report_path);
    }
    fprintf(file, "\nthe end of its trace:\n%s", report);
    fclose(file);
    printf("\nFAILED %s, seed %" PRIu64 ": %s\n  kept in %s\n", result->claim, result->seed,
        result->text, path);
}

static bool take(void *context, const struct run_result *result, const char *report)
{
    struct swarm *swarm = context;
    totals_add(&swarm->slice, result);
    if (result->failed && swarm->kept++ < FAILURES_KEPT) {
        keep_failure(swarm, result, report);
    } else if (result->failed) {
        printf("\nFAILED %s, seed %" PRIu64 "\n", result->claim, result->seed);
    }
    return !interrupted;
}

/* ---- slices ---------------------------------------------------------------------------------- */

static void add_totals(struct totals *to, const struct totals *from)
{
    uint64_t quiet_most_ms =
        to->quiet_most_ms > from->quiet_most_ms ? to->quiet_most_ms : from->quiet_most_ms;
#define ADD(field) to->field += from->field;
    FIELDS(ADD)
#undef ADD
    to->quiet_most_ms = quiet_most_ms;
    for (size_t i = 0; i < MARK_COUNT; i++) {
        to->marks[i] += from->marks[i];
    }
}

static void print_progress(const struct swarm *swarm, double left_s)
{
    const struct totals *totals = &swarm->before;
    double cpu_s = (double)(swarm->slice.cpu_us + 1) / 1e6;
    printf("%s%" PRIu64 " runs of this commit, %" PRIu64 " failed; next seed %" PRIu64
           "; %.0f runs/s by processor time; %.0f min left%s",
        isatty(1) ? "\r\033[K" : "", totals->runs, totals->failures, swarm->next_seed,
        (double)swarm->slice.runs / cpu_s, left_s / 60, isatty(1) ? "" : "\n");
    fflush(stdout);
}

/* Returns how many runs this call has done. */
static uint64_t run_slices(struct swarm *swarm)
{
    double begin_s = real_seconds(), end_s = begin_s + 60 * (double)swarm->minutes;
    uint64_t done = 0, size = SLICE_FIRST;
    while (!interrupted && real_seconds() < end_s && done < swarm->runs_most) {
        double slice_begin_s = real_seconds();
        uint64_t most = swarm->runs_most - done;
        swarm->plan.first_seed = swarm->next_seed;
        swarm->plan.run_count = size < most ? size : most;
        memset(&swarm->slice, 0, sizeof swarm->slice);
        jobs_each(&swarm->plan, PATIENCE_S, take, swarm);
        if (swarm->slice.runs < swarm->plan.run_count) {
            break; /* a slice that is not whole has not been */
        }
        done += swarm->slice.runs;
        swarm->next_seed += swarm->plan.run_count;
        add_totals(&swarm->before, &swarm->slice);
        keep_state(swarm);
        print_progress(swarm, end_s > real_seconds() ? end_s - real_seconds() : 0);
        double seconds = real_seconds() - slice_begin_s, left_s = end_s - real_seconds();
        double next = (double)size * (left_s < SLICE_S ? left_s : SLICE_S) / (seconds + 0.001);
        size = next < 1 ? 1 : next > SLICE_MAX ? SLICE_MAX : (uint64_t)next;
    }
    return done;
}

/* ---- the command ----------------------------------------------------------------------------- */

static void parse(int count, char **words, struct swarm *swarm)
{
    const struct argument known[] = {
        {"--minutes", .number = &swarm->minutes},
        {"--runs", .number = &swarm->runs_most},
        {"--jobs", .number = &swarm->plan.job_count},
        {"--folder", .text = &swarm->folder},
        {"--seed", .number = &swarm->plan.first_seed},
        {"--rare", .number = &swarm->rare},
        {"--set", .take = plan_take_setting, .context = &swarm->plan},
        {"--limits", .flag = &swarm->plan.limits},
    };
    arguments_read("quire-sim swarm", usage, known, sizeof known / sizeof *known, count, words);
    if (strlen(swarm->folder) > FOLDER_NAME_MAX) {
        fputs("quire-sim swarm: the folder's name is too long\n", stderr);
        exit(2);
    }
}

static bool rare_states_reached(const struct swarm *swarm)
{
    bool all = true;
    for (size_t i = 0; i < MARK_COUNT && swarm->before.runs >= swarm->rare; i++) {
        if (swarm->before.marks[i] == 0) {
            printf("FAILED coverage: no run of %" PRIu64
                   " reached \"%s\": the simulation has a gap\n",
                swarm->before.runs, mark_name(i));
            all = false;
        }
    }
    return all;
}

int command_swarm(int count, char **words)
{
    static struct swarm swarm = {.plan = {.first_seed = 1, .job_count = 1, .minutes = 30},
        .folder = "swarm",
        .minutes = 10,
        .runs_most = UINT64_MAX,
        .rare = RARE_RUNS};
    parse(count, words, &swarm);
    open_folder(&swarm, swarm.plan.first_seed);
    const struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    printf("%s, commit %s: from seed %" PRIu64 " on, for %" PRIu64 " minutes; %" PRIu64
           " runs of it were done before\n",
        program_invocation_short_name, QUIRE_COMMIT, swarm.next_seed, swarm.minutes,
        swarm.before.runs);
    double begin_s = real_seconds();
    uint64_t before = swarm.before.runs, done = run_slices(&swarm);
    double seconds = real_seconds() - begin_s;
    printf("\n%" PRIu64 " runs now, %" PRIu64 " before; all runs of this commit:\n", done, before);
    totals_print(&swarm.before, seconds + 0.001, false);
    bool all = rare_states_reached(&swarm);
    return swarm.before.failures > 0 || swarm.kept > 0 || !all ? 1 : interrupted ? 3 : 0;
}
