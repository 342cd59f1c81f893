/*
 * prctl, rlimits, mlockall and a filter by libseccomp.
 */
#define _GNU_SOURCE
#include "worker/sandbox.h"
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_CLEARED ((size_t)256 << 10) /* deeper than any call of the core goes */

static enum quire_status fail(char *out_error, size_t size, const char *what, const char *remedy)
{
    (void)snprintf(out_error, size, "%s: %s. %s", what, strerror(errno), remedy);
    return QUIRE_EIO;
}

static bool set_limit(int which, rlim_t value)
{
    struct rlimit limit = {value, value};
    return setrlimit((__rlimit_resource_t)which, &limit) == 0;
}

/* One rule each; a call without a rule kills. */
static int fill(scmp_filter_ctx filter, int descriptor)
{
    static const int plain[] = {SCMP_SYS(munmap), SCMP_SYS(brk), SCMP_SYS(poll),
        SCMP_SYS(clock_gettime), SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group)};
    int failed = 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    }
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1,
        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)descriptor, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)descriptor, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
        SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS | MAP_SHARED, MAP_ANONYMOUS));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mremap), 0);
    return failed;
}

static enum quire_status filter_calls(int descriptor, char *out_error, size_t size)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int failed = filter == NULL ? -ENOMEM : fill(filter, descriptor);
    if (failed == 0) {
        failed = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (failed != 0) {
        errno = -failed;
        return fail(out_error, size, "The filter of system calls cannot be set",
            "Quire reads no shared entry without it. A container must allow seccomp.");
    }
    return QUIRE_OK;
}

enum quire_status qr_sandbox_enter(
    const struct qr_sandbox_options *options, char *out_error, size_t error_size)
{
    if ((options->descriptor > 3 && close_range(3, (unsigned)options->descriptor - 1, 0) != 0)
        || close_range((unsigned)options->descriptor + 1, ~0u, 0) != 0) {
        return fail(out_error, error_size, "Open files cannot be closed", "It needs Linux 5.9.");
    }
    (void)close(STDIN_FILENO);
    (void)close(STDOUT_FILENO);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(out_error, error_size, "Memory dumps cannot be turned off", "It needs Linux.");
    }
    if (!set_limit(RLIMIT_CORE, 0) || !set_limit(RLIMIT_NPROC, 0) || !set_limit(RLIMIT_FSIZE, 0)) {
        return fail(out_error, error_size, "Limits cannot be set", "See setrlimit(2).");
    }
    /* On fault: what is never touched needs no memory, and what is touched is locked from then on. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0 && !options->allow_unlocked) {
        return fail(out_error, error_size, "Memory cannot be locked, so text could reach the swap",
            "Raise the limit (ulimit -l, LimitMEMLOCK=64M), or give --allow-unlocked if the machine "
            "has no swap or an encrypted one.");
    }
    return options->no_filter ? QUIRE_OK : filter_calls(options->descriptor, out_error, error_size);
}

__attribute__((noinline)) void qr_sandbox_clear_stack(void)
{
    volatile char room[STACK_CLEARED];
    for (size_t i = 0; i < sizeof room; i++) {
        room[i] = 0;
    }
}
