/*
 * Each process takes every J-th seed and writes its results into a pipe; the order of the summary
 * depends on nothing but the seeds. A process that dies takes one seed along, and another goes on.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "jobs.h"

#include "real_time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void work(const struct plan *plan, uint64_t from, int file)
{
    uint64_t count = plan_count(plan);
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
        plan_options_at(plan, i, &options);
        uint64_t begin_us = processor_us();
        run_without(plan_seed_at(plan, i), &options, &plan->skips, false, stream, &message.result);
        message.result.cpu_us = processor_us() - begin_us;
        fclose(stream);
        message.report_size = (uint32_t)report_size;
        write_all(file, &message, sizeof message);
        write_all(file, report, report_size);
        free(report);
    }
}

/* Nothing, when there is no seed of that index. */
static void begin(const struct plan *plan, struct job *job, uint64_t index)
{
    int ends[2];
    *job = (struct job){.index = index, .heard_of_s = real_seconds()};
    if (index >= plan_count(plan)) {
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

/* A result has come. 1: taken, 0: this process will say no more, −1: no more are wanted. */
static int hear(const struct plan *plan, struct job *job, const struct taker *taker)
{
    struct message message;
    if (!read_all(job->pipe, &message, sizeof message)) {
        return 0;
    }
    char *report = sim_alloc(message.report_size + 1u);
    int code = 0;
    if (read_all(job->pipe, report, message.report_size)) {
        job->index += plan->job_count;
        job->heard_of_s = real_seconds();
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
static bool bury(const struct plan *plan, struct job *job, bool hung, const struct taker *taker)
{
    uint64_t count = plan_count(plan);
    uint64_t index = job->index;
    int status = end(job, hung);
    if (!hung && status == 0 && index >= count) {
        return true; /* all done */
    }
    struct run_result result = {
        .seed = plan_seed_at(plan, index < count ? index : count - 1), .failed = true};
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

/** No process was listened to for so long. */
static void excuse(struct job *jobs, uint64_t count, double seconds)
{
    for (uint64_t i = 0; i < count; i++) {
        jobs[i].heard_of_s += seconds;
    }
}

static bool any_works(const struct job *jobs, uint64_t count)
{
    uint64_t i = 0;
    while (i < count && jobs[i].process == 0) {
        i++;
    }
    return i < count;
}

void jobs_each(const struct plan *given, uint64_t patience_s,
    bool (*take)(void *context, const struct run_result *result, const char *report), void *context)
{
    struct plan plan = *given;
    struct taker taker = {take, context};
    struct job jobs[JOBS_MAX];
    struct pollfd files[JOBS_MAX];
    bool more = true;
    plan.job_count = plan.job_count < 1 ? 1 : plan.job_count > JOBS_MAX ? JOBS_MAX : plan.job_count;
    for (uint64_t i = 0; i < plan.job_count; i++) {
        begin(&plan, &jobs[i], i);
    }
    while (more && any_works(jobs, plan.job_count)) {
        for (uint64_t i = 0; i < plan.job_count; i++) {
            files[i] =
                (struct pollfd){.fd = jobs[i].process == 0 ? -1 : jobs[i].pipe, .events = POLLIN};
        }
        if (poll(files, (nfds_t)plan.job_count, POLL_MS) < 0 && errno != EINTR) {
            break;
        }
        for (uint64_t i = 0; i < plan.job_count && more; i++) {
            struct job *job = &jobs[i];
            if (job->process == 0) {
                continue;
            }
            bool silent = files[i].revents == 0;
            double before_s = real_seconds();
            int code = silent ? 1 : hear(&plan, job, &taker);
            excuse(jobs, plan.job_count, real_seconds() - before_s);
            bool hung = silent && real_seconds() - job->heard_of_s > (double)patience_s;
            if (code <= 0 || hung) {
                more = code >= 0 && bury(&plan, job, hung, &taker);
            }
        }
    }
    for (uint64_t i = 0; i < plan.job_count; i++) {
        if (jobs[i].process != 0) {
            (void)end(&jobs[i], true);
        }
    }
}
