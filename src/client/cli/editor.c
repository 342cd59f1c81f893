/*
 * Running an editor, with the terminal's signals where they belong (as git and crontab do).
 */
#define _GNU_SOURCE
#include "client/cli/editor.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 3000 /* for an editor to save after SIGHUP or SIGTERM */
#define LOOK_MS 1000

extern char **environ;

const char *qr_cli_editor(void)
{
    const char *visual = getenv("VISUAL");
    const char *plain = getenv("EDITOR");
    return visual != NULL && visual[0] != 0 ? visual
        : plain != NULL && plain[0] != 0    ? plain
                                            : "vi";
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/** The signals as they were before the editor began. */
struct signals {
    struct sigaction interrupt, quit;
    sigset_t mask;
};

static void set_signals(struct signals *out_before, sigset_t *out_waited)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ignore, &out_before->interrupt);
    sigaction(SIGQUIT, &ignore, &out_before->quit);
    sigemptyset(out_waited);
    sigaddset(out_waited, SIGCHLD);
    sigaddset(out_waited, SIGHUP);
    sigaddset(out_waited, SIGTERM);
    sigprocmask(SIG_BLOCK, out_waited, &out_before->mask);
}

static void restore_signals(const struct signals *before)
{
    sigaction(SIGINT, &before->interrupt, NULL);
    sigaction(SIGQUIT, &before->quit, NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* $EDITOR may hold options ("code --wait"), so a shell takes it apart; the path goes as $1. The editor
 * takes the shell's place (exec), or signals would end the shell and not the editor; not where the first
 * word is an assignment ("LANG=C vi"). What this process ignores or blocks is as before in the child. */
static pid_t start(const char *path, const struct signals *before)
{
    char command[512];
    const char *editor = qr_cli_editor();
    const char *exec = memchr(editor, '=', strcspn(editor, " ")) == NULL ? "exec " : "";
    if (snprintf(command, sizeof command, "%s%s \"$1\"", exec, editor) >= (int)sizeof command) {
        return -1;
    }
    char name[] = "sh", flag[] = "-c", zero[] = "quire";
    char *file = strdup(path);
    char *arguments[] = {name, flag, command, zero, file, NULL};
    posix_spawnattr_t attributes;
    sigset_t defaults;
    pid_t child = -1;
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    if (before->interrupt.sa_handler != SIG_IGN) {
        sigaddset(&defaults, SIGINT);
    }
    if (before->quit.sa_handler != SIG_IGN) {
        sigaddset(&defaults, SIGQUIT);
    }
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &before->mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (file == NULL
        || posix_spawn(&child, "/bin/sh", NULL, &attributes, arguments, environ) != 0) {
        child = -1;
    }
    posix_spawnattr_destroy(&attributes);
    free(file);
    return child;
}

static bool has_changed(const char *path, struct timespec *last)
{
    struct stat info;
    if (stat(path, &info) != 0
        || (info.st_mtim.tv_sec == last->tv_sec && info.st_mtim.tv_nsec == last->tv_nsec)) {
        return false;
    }
    *last = info.st_mtim;
    return true;
}

enum qr_cli_editor_end qr_cli_editor_run(struct qr_cli_editor_run *run)
{
    struct signals before;
    sigset_t waited;
    struct timespec written = {0};
    uint64_t began_ms = now_ms(), stop_ms = 0;
    int status = -1;
    bool stopped = false;
    has_changed(run->path, &written);
    set_signals(&before, &waited);
    pid_t child = start(run->path, &before);
    while (child > 0) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) {
            break;
        }
        struct timespec wait = {.tv_sec = LOOK_MS / 1000};
        int number = sigtimedwait(&waited, NULL, &wait);
        if (number == SIGHUP || number == SIGTERM) {
            stopped = true;
            stop_ms = stop_ms == 0 ? now_ms() + GRACE_MS : stop_ms;
            kill(child, number);
        }
        if (stop_ms != 0 && now_ms() >= stop_ms) {
            kill(child, SIGKILL);
        }
        if (has_changed(run->path, &written) && run->on_change != NULL) {
            run->on_change(run->context);
        }
    }
    restore_signals(&before);
    run->took_ms = now_ms() - began_ms;
    if (stopped) {
        return QR_CLI_EDITOR_STOPPED;
    }
    bool absent = child <= 0
        || (WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127));
    return absent ? QR_CLI_EDITOR_ABSENT : status == 0 ? QR_CLI_EDITOR_DONE : QR_CLI_EDITOR_FAILED;
}
