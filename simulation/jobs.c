/*
 * Each process takes every J-th seed and writes its results into a pipe; the order of the summary
 * depends on nothing but the seeds.
 */
#include "jobs.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORTS_MAX 20u /* failures that are printed in full */

struct message {
    struct run_result result;
    uint32_t report_size; /* bytes that follow */
};

struct totals {
    uint64_t runs, failures, steps, acts, frames, bytes_scanned, batches, verified;
    uint64_t quiet_most_ms, trace_hash;
    uint64_t sometimes[SOMETIMES_COUNT];
};

void jobs_options(const struct jobs_plan *plan, uint64_t seed, struct options *out_options)
{
    options_draw(out_options, seed, plan->minutes);
    if (plan->exact) {
        *out_options = (struct options){.minutes = plan->minutes};
    }
    for (size_t i = 0; i < plan->setting_count; i++) {
        (void)options_set(out_options, plan->settings[i].name, plan->settings[i].value);
    }
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

static void work(const struct jobs_plan *plan, uint64_t job, int file)
{
    uint64_t count = plan->known_count + plan->run_count;
    for (uint64_t i = job; i < count; i += plan->job_count) {
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
        run_once(seed_at(plan, i), &options, false, stream, &message.result);
        fclose(stream);
        message.report_size = (uint32_t)report_size;
        write_all(file, &message, sizeof message);
        write_all(file, report, report_size);
        free(report);
    }
}

/* ---- the summary ----------------------------------------------------------------------------- */

void jobs_print_failure(const struct jobs_plan *plan, const struct run_result *result, FILE *out)
{
    fprintf(out, "FAILED %s, seed %" PRIu64 ": %s\n", result->claim, result->seed, result->text);
    fprintf(out, "again: quire-sim --seed %" PRIu64, result->seed);
    for (size_t i = 0; i < plan->known_count; i++) {
        if (plan->known[i].seed == result->seed && plan->known[i].exact) {
            struct options options = plan->known[i].options;
            fputs(" --exact", out);
            for (size_t j = 0; j < options_count(); j++) {
                if (*options_at(&options, j) != 0) {
                    fprintf(out, " --set %s=%" PRIu64, options_name(j), *options_at(&options, j));
                }
            }
            fputs(" --trace\n", out);
            return;
        }
    }
    fprintf(out, " --minutes-simulated %" PRIu64 "%s", plan->minutes, plan->exact ? " --exact" : "");
    for (size_t i = 0; i < plan->setting_count; i++) {
        fprintf(out, " --set %s=%" PRIu64, plan->settings[i].name, plan->settings[i].value);
    }
    fputs(" --trace\n", out);
}

void jobs_print_one(const struct run_result *result, bool json)
{
    if (json) {
        printf("{\"seed\": %" PRIu64 ", \"ok\": %s, \"steps\": %" PRIu64 ", \"edits\": %" PRIu64
               ", \"frames\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"quiet_after_ms\": %" PRIu64
               "}\n",
            result->seed, result->failed ? "false" : "true", result->steps, result->acts,
            result->frames, result->batches, result->quiet_after_ms);
        return;
    }
    printf("ok: %" PRIu64 " things happened, %" PRIu64 " edits, %" PRIu64 " frames, %" PRIu64
           " records at the server; quiet %" PRIu64 " ms after the faults\n",
        result->steps, result->acts, result->frames, result->batches, result->quiet_after_ms);
    for (size_t i = 0; i < SOMETIMES_COUNT; i++) {
        if (result->sometimes[i] > 0) {
            printf("  %8" PRIu64 "  %s\n", result->sometimes[i], sometimes_name(i));
        }
    }
}

static void add(struct totals *totals, const struct run_result *result)
{
    totals->runs++;
    totals->failures += result->failed;
    totals->steps += result->steps;
    totals->acts += result->acts;
    totals->frames += result->frames;
    totals->bytes_scanned += result->bytes_scanned;
    totals->batches += result->batches;
    totals->verified += result->verified;
    totals->trace_hash += result->trace_hash * (2 * result->seed + 1); /* in any order */
    if (result->quiet_after_ms > totals->quiet_most_ms) {
        totals->quiet_most_ms = result->quiet_after_ms;
    }
    for (size_t i = 0; i < SOMETIMES_COUNT; i++) {
        totals->sometimes[i] += result->sometimes[i];
    }
}

static void print_totals(const struct totals *totals, double seconds, bool json)
{
    double runs = (double)totals->runs;
    if (json) {
        printf("{\"runs\": %" PRIu64 ", \"failures\": %" PRIu64 ", \"seconds\": %.3f, "
               "\"runs_per_second\": %.2f, \"events_per_second\": %.0f, \"edits\": %" PRIu64
               ", \"frames\": %" PRIu64 ", \"records\": %" PRIu64 ", \"bytes_scanned\": %" PRIu64
               ", \"quiet_most_ms\": %" PRIu64 ", \"trace\": \"%016" PRIx64 "\", \"sometimes\": {",
            totals->runs, totals->failures, seconds, runs / seconds,
            (double)totals->steps / seconds, totals->acts, totals->frames, totals->batches,
            totals->bytes_scanned, totals->quiet_most_ms, totals->trace_hash);
        for (size_t i = 0; i < SOMETIMES_COUNT; i++) {
            printf("%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", sometimes_name(i),
                totals->sometimes[i]);
        }
        puts("}}");
        return;
    }
    printf("%" PRIu64 " runs, %" PRIu64 " failed", totals->runs, totals->failures);
    if (totals->failures == 0 && totals->runs > 0) {
        printf(" (so a run fails with p < %.2g, 95 %% sure)", 3.0 / runs);
    }
    printf("; %.1f s, %.1f runs/s, %.0f events/s\n", seconds, runs / seconds,
        (double)totals->steps / seconds);
    printf("%" PRIu64 " edits, %" PRIu64 " frames, %" PRIu64 " records, %" PRIu64
           " signature checks, %" PRIu64 " bytes looked through; quiet at most %" PRIu64
           " ms after the faults\n",
        totals->acts, totals->frames, totals->batches, totals->verified, totals->bytes_scanned,
        totals->quiet_most_ms);
    puts("sometimes:");
    for (size_t i = 0; i < SOMETIMES_COUNT; i++) {
        printf("  %10" PRIu64 "  %s%s\n", totals->sometimes[i], sometimes_name(i),
            totals->sometimes[i] == 0 ? "   <- never" : "");
    }
    printf("trace %016" PRIx64 "\n", totals->trace_hash);
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

/* False: this process will say no more, or nobody wants to hear it. */
static bool take(const struct jobs_plan *plan, int file, struct totals *totals)
{
    struct message message;
    if (!read_all(file, &message, sizeof message)) {
        return false;
    }
    char *report = sim_alloc(message.report_size + 1u);
    bool whole = read_all(file, report, message.report_size);
    if (whole) {
        add(totals, &message.result);
        if (message.result.failed && totals->failures <= REPORTS_MAX) {
            fputs(report, stdout);
            jobs_print_failure(plan, &message.result, stdout);
            putchar('\n');
            fflush(stdout);
        }
    }
    free(report);
    return whole && !(plan->stop_at_failure && message.result.failed);
}

int jobs_run(const struct jobs_plan *given, bool json)
{
    struct jobs_plan plan = *given;
    struct pollfd files[JOBS_MAX];
    pid_t children[JOBS_MAX];
    uint64_t done[JOBS_MAX] = {0};
    struct totals totals = {0};
    struct timespec begin, end;
    uint64_t count = plan.known_count + plan.run_count;
    plan.job_count = plan.job_count < 1 || plan.stop_at_failure ? 1 : plan.job_count > JOBS_MAX ? JOBS_MAX : plan.job_count;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    fflush(stdout);
    for (uint64_t job = 0; job < plan.job_count; job++) {
        int ends[2];
        if (pipe(ends) != 0 || (children[job] = fork()) < 0) {
            perror("quire-sim");
            return 2;
        }
        if (children[job] == 0) {
            close(ends[0]);
            work(&plan, job, ends[1]);
            exit(0);
        }
        close(ends[1]);
        files[job] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    }
    for (uint64_t open = plan.job_count; open > 0;) {
        if (poll(files, (nfds_t)plan.job_count, -1) <= 0) {
            break;
        }
        for (uint64_t job = 0; job < plan.job_count; job++) {
            if (files[job].fd < 0 || files[job].revents == 0) {
                continue;
            }
            if (take(&plan, files[job].fd, &totals)) {
                done[job]++;
                continue;
            }
            close(files[job].fd);
            files[job].fd = -1;
            open--;
        }
    }
    bool died = false;
    for (uint64_t job = 0; job < plan.job_count; job++) {
        int status = 0;
        if (plan.stop_at_failure && totals.failures > 0) {
            kill(children[job], SIGKILL);
            waitpid(children[job], &status, 0);
        } else if (waitpid(children[job], &status, 0) < 0 || status != 0) {
            died = true;
            uint64_t index = job + done[job] * plan.job_count;
            if (index < count) {
                printf("FAILED: a process died in seed %" PRIu64 "\n", seed_at(&plan, index));
            }
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    if (plan.stop_at_failure) {
        printf("%s after %" PRIu64 " seeds\n", totals.failures > 0 || died ? "found" : "not found",
            totals.runs + died);
        return totals.failures > 0 || died ? 1 : 0;
    }
    print_totals(&totals, seconds > 0 ? seconds : 1e-9, json);
    if (died || totals.runs != count) {
        printf("%" PRIu64 " runs have no verdict\n", count - totals.runs);
        return 1;
    }
    return totals.failures > 0 ? 1 : 0;
}
