/*
 * What the sandbox forbids ends the process, and what the core needs works. Each try is a process of its own. With
 * --no-filter the filter is left out, and the tries must be noticed to succeed: that the test can fail.
 */
#define _GNU_SOURCE
#include "worker/sandbox.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTOR 3

static void say(void)
{
    (void)!write(STDERR_FILENO, "leak", 4);
}

static void open_file(void)
{
    (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void open_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void run_program(void)
{
    char *none[] = {NULL};
    (void)execve("/does-not-exist", none, none);
}

static void begin_process(void)
{
    if (fork() == 0) {
        _exit(0);
    }
}

static void map_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void map_shared(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

static void be_dumpable(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void read_a_process(void)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {&byte, 1};
    (void)process_vm_readv(getppid(), &local, 1, &remote, 1, 0);
}

static void trace_parent(void)
{
    (void)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static void allow_cores(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_CORE, &limit);
}

static void send_elsewhere(void)
{
    (void)!send(DESCRIPTOR, "x", 1, 0); /* write is the one way */
}

static void fail_an_assertion(void)
{
    abort();
}

static const struct {
    const char *name;
    void (*attempt)(void);
} forbidden[] = {{"standard error", say}, {"open", open_file}, {"socket", open_socket},
    {"execve", run_program}, {"fork", begin_process}, {"executable mmap", map_code},
    {"shared mmap", map_shared}, {"mprotect", make_code}, {"prctl", be_dumpable},
    {"process_vm_readv", read_a_process}, {"ptrace", trace_parent}, {"setrlimit", allow_cores},
    {"sendto", send_elsewhere}, {"abort", fail_an_assertion}};

/* All that the core does; 0 if all of it worked. */
static int work(void)
{
    char byte = 0;
    struct timespec now;
    bool good = read(DESCRIPTOR, &byte, 1) == 1 && byte == 'a'
        && clock_gettime(CLOCK_REALTIME, &now) == 0 && getrandom(&byte, 1, 0) == 1;
    for (size_t size = 16; size <= (8u << 20); size *= 4) {
        char *memory = malloc(size);
        good = good && memory != NULL;
        if (memory != NULL) {
            memset(memory, 1, size);
            memory = realloc(memory, 2 * size);
        }
        free(memory);
    }
    qr_sandbox_clear_stack();
    return good && write(DESCRIPTOR, "b", 1) == 1 ? 0 : 1;
}

/* The status of a process that entered the sandbox and did one thing. */
static int try_one(void (*attempt)(void), bool no_filter, int *out_end)
{
    int ends[2], status = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
        exit(99);
    }
    pid_t process = fork();
    if (process == 0) {
        char error[512];
        struct qr_sandbox_options options = {DESCRIPTOR, true, no_filter};
        if (dup2(ends[1], DESCRIPTOR) != DESCRIPTOR
            || qr_sandbox_enter(&options, error, sizeof error) != QUIRE_OK) {
            _exit(98);
        }
        if (attempt == NULL) {
            _exit(work());
        }
        attempt();
        _exit(0);
    }
    (void)close(ends[1]);
    *out_end = ends[0];
    if (attempt == NULL) {
        (void)!write(ends[0], "a", 1);
    }
    (void)waitpid(process, &status, 0);
    return status;
}

/* A process that waits inside the sandbox: another process of the same user may not look into it. */
static bool is_closed_to_others(void)
{
    int ends[2];
    char byte, path[64], error[512];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
        return false;
    }
    pid_t process = fork();
    if (process == 0) {
        struct qr_sandbox_options options = {DESCRIPTOR, true, false};
        if (dup2(ends[1], DESCRIPTOR) == DESCRIPTOR
            && qr_sandbox_enter(&options, error, sizeof error) == QUIRE_OK) {
            (void)!write(DESCRIPTOR, "r", 1);
            (void)!read(DESCRIPTOR, &byte, 1);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    bool ready = read(ends[0], &byte, 1) == 1;
    struct rlimit core = {1, 1};
    bool no_core = prlimit(process, RLIMIT_CORE, NULL, &core) == 0 && core.rlim_max == 0;
    bool refused = true;
    if (getuid() == 0) { /* without root's privileges */
        pid_t other = fork();
        if (other == 0) {
            bool dropped = setgid(65534) == 0 && setuid(65534) == 0;
            (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)process);
            _exit(dropped && open(path, O_RDONLY | O_CLOEXEC) < 0
                        && ptrace(PTRACE_ATTACH, process, NULL, NULL) != 0
                    ? 0
                    : 1);
        }
        int status = 1;
        (void)waitpid(other, &status, 0);
        refused = status == 0;
    } else {
        refused = ptrace(PTRACE_ATTACH, process, NULL, NULL) != 0;
    }
    (void)close(ends[0]);
    (void)waitpid(process, NULL, 0);
    return ready && no_core && refused;
}

int main(int count, char **arguments)
{
    bool no_filter = count > 1 && strcmp(arguments[1], "--no-filter") == 0;
    size_t tries = sizeof forbidden / sizeof *forbidden;
    int end, failed = 0;
    printf("TAP version 13\n1..%zu\n", tries + 2);
    int status = try_one(NULL, no_filter, &end);
    char byte = 0;
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && read(end, &byte, 1) == 1;
    printf("%s 1 - what the core needs works\n", good ? "ok" : "not ok");
    failed += !good;
    (void)close(end);
    for (size_t i = 0; i < tries; i++) {
        (void)fflush(stdout);
        status = try_one(forbidden[i].attempt, no_filter, &end);
        good = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS && !WCOREDUMP(status);
        good = good != no_filter;
        printf("%s %zu - %s %s\n", good ? "ok" : "not ok", i + 2, forbidden[i].name,
            no_filter ? "without the filter is noticed to succeed" : "ends the core");
        failed += !good;
        (void)close(end);
    }
    good = is_closed_to_others();
    printf("%s %zu - its memory and a core dump are refused\n", good ? "ok" : "not ok", tries + 2);
    failed += !good;
    return failed > 0;
}
