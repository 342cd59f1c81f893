/*
 * Each process takes every J-th seed and writes its results into a pipe; the order of the summary
 * depends on nothing but the seeds. A process that dies takes one seed along, and another goes on.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "jobs.h"

#include "commit.h"
#include "mallory/mallory.h"
#include "totals.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORTS_MAX 20u    /* failures that are printed in full */
#define PATIENCE_S 600u    /* for one run */
#define POLL_MS 1000

struct message {
    struct run_result result;
    uint32_t report_size; /* bytes that follow */
};

struct job {
    pid_t process; /* 0: none */
    int pipe;
    uint64_t index;    /* of the seed that it is at */
    double heard_of_s; /* by the clock on the wall */
};

static double wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- which seeds ----------------------------------------------------------------------------- */

void jobs_options(const struct jobs_plan *plan, uint64_t seed, struct options *out_options)
{
    options_draw(out_options, seed, plan->minutes);
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

const char *jobs_take_setting(void *context, const char *text)
{
    static const char wrong[] = "takes name=value; quire-sim --options lists the names";
    struct jobs_plan *plan = context;
    struct options probe;
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals[1] < '0' || equals[1] > '9'
        || plan->setting_count == JOBS_SETTINGS_MAX
        || (size_t)(equals - text) >= sizeof plan->settings[0].name) {
        return wrong;
    }
    struct jobs_setting *setting = &plan->settings[plan->setting_count];
    char *end = NULL;
    *setting = (struct jobs_setting){.value = strtoull(equals + 1, &end, 10)};
    memcpy(setting->name, text, (size_t)(equals - text));
    if (*end != 0 || !options_set(&probe, setting->name, 0)) {
        return wrong;
    }
    plan->setting_count++;
    return NULL;
}

/* A name and a value at the start of the words: true, and *words is behind them. */
static bool take_setting(struct options *options, const char **words)
{
    char name[sizeof ((struct jobs_setting *)0)->name];
    size_t size = strcspn(*words, "= \n");
    if ((*words)[size] != '=' || size >= sizeof name) {
        return false;
    }
    memcpy(name, *words, size);
    name[size] = 0;
    char *end = NULL;
    uint64_t value = strtoull(*words + size + 1, &end, 10);
    if (!options_set(options, name, value)) {
        return false;
    }
    *words = end + strspn(end, " ");
    return true;
}

bool jobs_add_known(struct jobs_plan *plan, const char *line)
{
    if (line[0] < '0' || line[0] > '9') {
        return true;
    }
    if (plan->known_count == JOBS_KNOWN_MAX) {
        return false;
    }
    plan->known = sim_grow(plan->known, &plan->known_capacity, plan->known_count,
        sizeof *plan->known);
    struct jobs_known *known = &plan->known[plan->known_count++];
    char *end = NULL;
    known->seed = strtoull(line, &end, 10);
    const char *words = end + strspn(end, " ");
    while (take_setting(&known->options, &words)) {
        known->exact = true;
    }
    return true;
}

static uint64_t seed_at(const struct jobs_plan *plan, uint64_t index)
{
    return index < plan->known_count ? plan->known[index].seed
                                     : plan->first_seed + (index - plan->known_count);
}

static void options_at_index(const struct jobs_plan *plan, uint64_t index,
    struct options *out_options)
{
    if (index < plan->known_count && plan->known[index].exact) {
        *out_options = plan->known[index].options;
    } else {
        jobs_options(plan, seed_at(plan, index), out_options);
    }
}

void jobs_print_again(const struct jobs_plan *plan, uint64_t seed, FILE *out)
{
    fprintf(out, "%s --seed %" PRIu64, program_invocation_short_name, seed);
    for (size_t i = 0; i < plan->known_count; i++) {
        if (plan->known[i].seed == seed && plan->known[i].exact) {
            struct options options = plan->known[i].options;
            fputs(" --exact", out);
            for (size_t j = 0; j < options_count(); j++) {
                if (*options_at(&options, j) != 0) {
                    fprintf(out, " --set %s=%" PRIu64, options_name(j), *options_at(&options, j));
                }
            }
            fputs(" --trace", out);
            return;
        }
    }
    fprintf(out, " --minutes-simulated %" PRIu64 "%s", plan->minutes, plan->exact ? " --exact" : "");
    for (size_t i = 0; i < plan->setting_count; i++) {
        fprintf(out, " --set %s=%" PRIu64, plan->settings[i].name, plan->settings[i].value);
    }
    fputs(" --trace", out);
}

void jobs_print_failure(const struct jobs_plan *plan, const struct run_result *result, FILE *out)
{
    fprintf(out, "FAILED %s, seed %" PRIu64 ": %s\nagain: ", result->claim, result->seed,
        result->text);
    jobs_print_again(plan, result->seed, out);
    fprintf(out, "   (build %s)\n", QUIRE_COMMIT);
}

/* ---- one process ----------------------------------------------------------------------------- */

static void write_all(int file, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t done = write(file, at, size);
        if (done <= 0) {
            _exit(3);
        }
        at += done;
        size -= (size_t)done;
    }
}

static void work(const struct jobs_plan *plan, uint64_t from, int file)
{
    uint64_t count = plan->known_count + plan->run_count;
    for (uint64_t i = from; i < count; i += plan->job_count) {
        struct message message;
        struct options options;
        char *report = NULL;
        size_t report_size = 0;
        memset(&message, 0, sizeof message);
        FILE *stream = open_memstream(&report, &report_size);
        if (stream == NULL) {
            _exit(3);
        }
        options_at_index(plan, i, &options);
        uint64_t begin_us = cpu_us();
        run_once(seed_at(plan, i), &options, false, stream, &message.result);
        message.result.cpu_us = cpu_us() - begin_us;
        fclose(stream);
        message.report_size = (uint32_t)report_size;
        write_all(file, &message, sizeof message);
        write_all(file, report, report_size);
        free(report);
    }
}

/* Nothing, when there is no seed of that index. */
static void begin(const struct jobs_plan *plan, struct job *job, uint64_t index)
{
    int ends[2];
    *job = (struct job){.index = index, .heard_of_s = wall_s()};
    if (index >= plan->known_count + plan->run_count) {
        return;
    }
    fflush(stdout);
    if (pipe(ends) != 0 || (job->process = fork()) < 0) {
        perror(program_invocation_short_name);
        exit(2);
    }
    if (job->process == 0) {
        close(ends[0]);
        work(plan, index, ends[1]);
        exit(0);
    }
    close(ends[1]);
    job->pipe = ends[0];
}

/* ---- all processes --------------------------------------------------------------------------- */

static bool read_all(int file, void *data, size_t size)
{
    char *at = data;
    while (size > 0) {
        ssize_t done = read(file, at, size);
        if (done <= 0) {
            return false;
        }
        at += done;
        size -= (size_t)done;
    }
    return true;
}

struct taker {
    bool (*take)(void *context, const struct run_result *result, const char *report);
    void *context;
};

/* A result has come. 1: taken, 0: this process will say no more, −1: nobody wants to hear more. */
static int hear(const struct jobs_plan *plan, struct job *job, const struct taker *taker)
{
    struct message message;
    if (!read_all(job->pipe, &message, sizeof message)) {
        return 0;
    }
    char *report = sim_alloc(message.report_size + 1u);
    int code = 0;
    if (read_all(job->pipe, report, message.report_size)) {
        job->index += plan->job_count;
        job->heard_of_s = wall_s();
        code = taker->take(taker->context, &message.result, report) ? 1 : -1;
    }
    free(report);
    return code;
}

static int end(struct job *job, bool kill_it)
{
    int status = 0;
    if (kill_it) {
        kill(job->process, SIGKILL);
    }
    while (waitpid(job->process, &status, 0) < 0 && errno == EINTR) {
    }
    close(job->pipe);
    job->process = 0;
    return status;
}

/* Its process is gone, or gone silent: a failure, and another process goes on behind that seed. */
static bool bury(const struct jobs_plan *plan, struct job *job, bool hung, const struct taker *taker)
{
    uint64_t count = plan->known_count + plan->run_count;
    uint64_t index = job->index;
    int status = end(job, hung);
    if (!hung && status == 0 && index >= count) {
        return true; /* all done */
    }
    struct run_result result = {.seed = seed_at(plan, index < count ? index : count - 1),
        .failed = true};
    snprintf(result.claim, sizeof result.claim, "%s", hung ? "hung" : "died");
    snprintf(result.text, sizeof result.text,
        hung ? "the run goes on and on" : "its process ended with %s %d%s",
        WIFSIGNALED(status) ? "signal" : "status",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
        index < count ? "" : ", after its last seed");
    if (!taker->take(taker->context, &result, "")) {
        return false;
    }
    begin(plan, job, index + plan->job_count);
    return true;
}

void jobs_each(const struct jobs_plan *given, uint64_t patience_s,
    bool (*take)(void *context, const struct run_result *result, const char *report), void *context)
{
    struct jobs_plan plan = *given;
    struct taker taker = {take, context};
    struct job jobs[JOBS_MAX];
    struct pollfd files[JOBS_MAX];
    bool more = true;
    plan.job_count = plan.job_count < 1          ? 1
                     : plan.job_count > JOBS_MAX ? JOBS_MAX
                                                 : plan.job_count;
    for (uint64_t i = 0; i < plan.job_count; i++) {
        begin(&plan, &jobs[i], i);
    }
    for (bool working = true; working && more;) {
        working = false;
        for (uint64_t i = 0; i < plan.job_count; i++) {
            files[i] = (struct pollfd){.fd = jobs[i].process == 0 ? -1 : jobs[i].pipe,
                .events = POLLIN};
        }
        if (poll(files, (nfds_t)plan.job_count, POLL_MS) < 0 && errno != EINTR) {
            break;
        }
        for (uint64_t i = 0; i < plan.job_count && more; i++) {
            struct job *job = &jobs[i];
            if (job->process == 0) {
                continue;
            }
            working = true;
            bool hung = wall_s() - job->heard_of_s > (double)patience_s;
            int code = files[i].revents != 0 ? hear(&plan, job, &taker) : 1;
            if (code <= 0 || hung) {
                more = code >= 0 && bury(&plan, job, hung && code == 1, &taker);
            }
        }
    }
    for (uint64_t i = 0; i < plan.job_count; i++) {
        if (jobs[i].process != 0) {
            (void)end(&jobs[i], true);
        }
    }
}

/* ---- the command without a name --------------------------------------------------------------- */

struct summary {
    const struct jobs_plan *plan;
    struct totals totals;
};

static bool take_one(void *context, const struct run_result *result, const char *report)
{
    struct summary *summary = context;
    totals_add(&summary->totals, result);
    if (result->failed && summary->totals.failures <= REPORTS_MAX) {
        fputs(report, stdout);
        jobs_print_failure(summary->plan, result, stdout);
        putchar('\n');
        fflush(stdout);
    }
    return !(summary->plan->stop_at_failure && result->failed);
}

int jobs_run(const struct jobs_plan *given, bool json)
{
    struct jobs_plan plan = *given;
    struct summary summary = {.plan = &plan};
    plan.job_count = plan.stop_at_failure ? 1 : plan.job_count;
    double begin_s = wall_s();
    jobs_each(&plan, PATIENCE_S, take_one, &summary);
    const struct totals *totals = &summary.totals;
    if (plan.stop_at_failure) {
        printf("%s after %" PRIu64 " seeds\n", totals->failures > 0 ? "found" : "not found",
            totals->runs);
        return totals->failures > 0 ? 1 : 0;
    }
    double seconds = wall_s() - begin_s;
    totals_print(totals, seconds > 0 ? seconds : 1e-9, json);
    return totals->failures > 0 || totals->runs != plan.known_count + plan.run_count ? 1 : 0;
}
