#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void stop(const char *what)
{
    perror(what);
    exit(2);
}

void harness_init(struct harness *harness, const char *workload, const char *recorder)
{
    struct stat about;
    *harness = (struct harness){.workload = workload, .recorder = recorder};
    const char *memory = stat("/dev/shm", &about) == 0 ? "/dev/shm" : "/tmp";
    snprintf(harness->base, sizeof harness->base, "%s/quire-crash-XXXXXX", memory);
    if (mkdtemp(harness->base) == NULL) {
        stop(harness->base);
    }
    snprintf(harness->live, sizeof harness->live, "%s/live", harness->base);
    snprintf(harness->state, sizeof harness->state, "%s/state", harness->base);
    snprintf(harness->trace, sizeof harness->trace, "%s/trace", harness->base);
    if (mkdir(harness->live, 0700) != 0 || mkdir(harness->state, 0700) != 0) {
        stop(harness->base);
    }
}

void harness_empty_folder(const char *folder)
{
    DIR *open = opendir(folder);
    if (open == NULL) {
        stop(folder);
    }
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(open), entry->d_name, 0);
        }
    }
    closedir(open);
}

void harness_clear(struct harness *harness)
{
    harness_empty_folder(harness->live);
    (void)unlink(harness->trace);
}

void harness_finish(struct harness *harness)
{
    harness_clear(harness);
    harness_empty_folder(harness->state);
    (void)rmdir(harness->live);
    (void)rmdir(harness->state);
    (void)rmdir(harness->base);
}

bool harness_run(const struct harness *harness, const struct harness_run *run)
{
    char seed[24];
    char session[16];
    char exit_at[24];
    const char *arguments[] = {harness->workload, harness->live, seed, session, NULL, NULL, NULL};
    size_t count = 4;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
    snprintf(session, sizeof session, "%u", run->session);
    snprintf(exit_at, sizeof exit_at, "%lu", run->exit_at);
    if (run->mistake != NULL) {
        arguments[count++] = run->mistake;
    }
    if (run->faults) {
        arguments[count++] = "--faults";
    }
    pid_t child = fork();
    if (child < 0) {
        stop("fork");
    }
    if (child == 0) {
        setenv("LD_PRELOAD", harness->recorder, 1);
        setenv(TRACE_ENV_FOLDER, harness->live, 1);
        setenv(TRACE_ENV_FILE, harness->trace, 1);
        setenv(TRACE_ENV_EXIT, exit_at, 1);
        if (run->fail != NULL) {
            setenv(TRACE_ENV_FAIL, run->fail, 1);
        }
        execv(harness->workload, (char **)(uintptr_t)arguments);
        _exit(127);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        stop("waitpid");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    fprintf(stderr, "the workload ended with %s %d\n", WIFEXITED(status) ? "status" : "signal",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return false;
}

uint8_t *harness_trace(const struct harness *harness, size_t *out_size)
{
    struct stat about;
    int file = open(harness->trace, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) != 0) {
        stop(harness->trace);
    }
    uint8_t *trace = malloc((size_t)about.st_size + 1);
    if (trace == NULL || read(file, trace, (size_t)about.st_size) != about.st_size) {
        stop(harness->trace);
    }
    close(file);
    *out_size = (size_t)about.st_size;
    return trace;
}

bool harness_next(const uint8_t *trace, size_t size, size_t *at, struct trace_event *out_event,
    const uint8_t **out_bytes)
{
    if (size - *at < sizeof *out_event) {
        return false;
    }
    memcpy(out_event, trace + *at, sizeof *out_event);
    if (size - *at - sizeof *out_event < out_event->size) {
        return false;
    }
    *out_bytes = trace + *at + sizeof *out_event;
    *at += sizeof *out_event + (size_t)out_event->size;
    return true;
}

double harness_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *harness_text(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return NULL;
}

uint64_t harness_number(int argc, char **argv, const char *name, uint64_t otherwise)
{
    const char *text = harness_text(argc, argv, name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}
