/*
 * Asks secret-tool, as a process: no library is needed, and a keyring that hangs is left after a while.
 */
#define _GNU_SOURCE
#include "client/cli/keyring.h"
#include "client/files.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum action { STORE, LOOKUP, CLEAR };

static bool mark_path(const char *key_file, struct qr_client_path *out_path)
{
    struct qr_client_error ignored;
    return qr_client_path(out_path, &ignored, "%s.keyring", key_file) == QUIRE_OK;
}

bool qr_cli_keyring_is_used(const char *key_file)
{
    struct qr_client_path mark;
    return mark_path(key_file, &mark) && access(mark.text, F_OK) == 0;
}

/* In the child. */
_Noreturn static void become_tool(enum action action, const char *key_file, int in, int out)
{
    int nothing = open("/dev/null", O_RDWR);
    dup2(in >= 0 ? in : nothing, STDIN_FILENO);
    dup2(out >= 0 ? out : nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    close_range(3, ~0U, 0);
    signal(SIGPIPE, SIG_DFL);
    if (action == STORE) {
        execlp("secret-tool", "secret-tool", "store", "--label=Quire: passphrase of a journal",
            "application", "quire", "key", key_file, NULL);
    } else {
        execlp("secret-tool", "secret-tool", action == LOOKUP ? "lookup" : "clear", "application",
            "quire", "key", key_file, NULL);
    }
    _exit(127);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Its exit code, or −1: it was ended, as it took too long. */
static int wait_for(pid_t child, int64_t deadline_ms)
{
    int state = 0;
    while (waitpid(child, &state, WNOHANG) == 0) {
        if (now_ms() >= deadline_ms) {
            kill(child, SIGKILL);
            while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
            }
            return -1;
        }
        poll(NULL, 0, 5);
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

/* What it prints, up to its end. False: too long, or not in time. */
static bool read_all(int file, int64_t deadline_ms, char out_text[QUIRE_PASSPHRASE_MAX + 1])
{
    size_t used = 0;
    for (;;) {
        struct pollfd ready = {file, POLLIN, 0};
        int64_t left = deadline_ms - now_ms();
        if (left <= 0 || poll(&ready, 1, (int)left) != 1) {
            return false;
        }
        ssize_t size = read(file, out_text + used, QUIRE_PASSPHRASE_MAX + 1 - used);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            break;
        }
        used += (size_t)size;
        if (used > QUIRE_PASSPHRASE_MAX) {
            return false;
        }
    }
    while (used > 0 && out_text[used - 1] == '\n') {
        used--;
    }
    out_text[used] = 0;
    return used > 0;
}

static bool run(enum action action, const char *key_file, const char *passphrase,
    char out_passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    int pipe_ends[2];
    int64_t deadline_ms = now_ms() + QR_CLI_KEYRING_WAIT_S * INT64_C(1000);
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        become_tool(action, key_file, action == STORE ? pipe_ends[0] : -1,
            action == LOOKUP ? pipe_ends[1] : -1);
    }
    close(pipe_ends[action == STORE ? 0 : 1]);
    int mine = pipe_ends[action == STORE ? 1 : 0];
    bool good = child > 0;
    if (good && action == STORE) {
        good = write(mine, passphrase, strlen(passphrase)) == (ssize_t)strlen(passphrase);
    } else if (good && action == LOOKUP) {
        good = read_all(mine, deadline_ms, out_passphrase);
    }
    close(mine);
    return child > 0 && wait_for(child, good ? deadline_ms : 0) == 0 && good;
}

bool qr_cli_keyring_read(const char *key_file, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    return run(LOOKUP, key_file, NULL, out_passphrase);
}

enum qr_cli_exit qr_cli_keyring_write(
    struct qr_cli *cli, const char *key_file, const char *passphrase)
{
    struct qr_client_path mark;
    struct qr_client_error error = {0};
    char again[QUIRE_PASSPHRASE_MAX + 1] = "";
    bool good = run(STORE, key_file, passphrase, NULL) && qr_cli_keyring_read(key_file, again)
        && strcmp(passphrase, again) == 0;
    qr_client_wipe(again, sizeof again);
    if (!good) {
        qr_cli_error(cli, QUIRE_EIO, QR_CLI_FAILED,
            "The keyring did not take the passphrase: secret-tool is not installed (libsecret-tools), no "
            "keyring runs, or it stayed locked. The profile is as it was.",
            NULL);
        return QR_CLI_FAILED;
    }
    enum quire_status status = QUIRE_EIO;
    if (mark_path(key_file, &mark)) {
        status =
            qr_client_write_file(mark.text, (struct quire_bytes){0}, QR_CLIENT_DURABLE, &error);
    }
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    return QR_CLI_DONE;
}

void qr_cli_keyring_forget(const char *key_file)
{
    struct qr_client_path mark;
    if (qr_cli_keyring_is_used(key_file) && mark_path(key_file, &mark)) {
        unlink(mark.text);
        run(CLEAR, key_file, NULL, NULL);
    }
}
