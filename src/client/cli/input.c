/*
 * Where text comes from: a pipe, a prompt, an editor.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include "client/runtime.h"
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

enum quire_status qr_cli_read_input(size_t max_size, struct quire_buffer *out_text)
{
    for (;;) {
        if (quire_buffer_reserve(out_text, 16384) != QUIRE_OK) {
            return QUIRE_ENOMEM;
        }
        ssize_t size = read(STDIN_FILENO, out_text->data + out_text->size, 16384);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size == 0 ? QUIRE_OK : QUIRE_EIO;
        }
        out_text->size += (size_t)size;
        if (out_text->size > max_size) {
            return QUIRE_ELIMIT;
        }
    }
}

/* Lines until there are `wanted` letters and digits, an empty line or the end: what was copied from two
 * lines may come as two. */
static bool read_letters(size_t wanted, char *out_text, size_t size)
{
    size_t used = 0, letters = 0, line_size = 0;
    bool too_long = false;
    for (;;) {
        char c;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || (c == '\n' && (letters >= wanted || line_size == 0))) {
            break;
        }
        line_size = c == '\n' ? 0 : line_size + 1;
        letters += isalnum((unsigned char)c) != 0;
        if (used + 1 < size) {
            out_text[used++] = c == '\n' ? ' ' : c;
        } else {
            too_long = true;
        }
    }
    out_text[used] = 0;
    return !too_long && letters > 0;
}

enum quire_status qr_cli_read_secret(const char *prompt, size_t wanted, char *out_text, size_t size)
{
    struct termios before, hidden;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        hidden = before;
        hidden.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden); /* first, so that no answer is shown or lost */
        fprintf(stderr, "%s", prompt);
        fflush(stderr);
    }
    bool good = read_letters(wanted, out_text, size);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return good ? QUIRE_OK : QUIRE_EMALFORMED;
}

static const char *editor(void)
{
    const char *visual = getenv("VISUAL");
    const char *plain = getenv("EDITOR");
    return visual != NULL && visual[0] != 0 ? visual
        : plain != NULL && plain[0] != 0    ? plain
                                            : "vi";
}

/* $EDITOR may hold options ("code --wait"), so a shell takes it apart; the path goes as $1. */
static int run_editor(const char *path)
{
    char command[512];
    if (snprintf(command, sizeof command, "%s \"$1\"", editor()) >= (int)sizeof command) {
        return -1;
    }
    char name[] = "sh", flag[] = "-c", zero[] = "quire";
    char *file = strdup(path);
    char *arguments[] = {name, flag, command, zero, file, NULL};
    pid_t child;
    int status = -1;
    if (file != NULL && posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
            continue;
        }
    }
    free(file);
    return status;
}

enum quire_status qr_cli_edit(struct quire_bytes text, struct quire_buffer *out_text,
    char *out_path, size_t path_size, char *error, size_t error_size)
{
    struct qr_client_error cause = {""};
    struct qr_client_path folder, path;
    char name[17];
    uint8_t random[8];
    out_path[0] = 0;
    enum quire_status status = qr_client_runtime_folder(&folder, &cause);
    if (status == QUIRE_OK) {
        status = qr_client_random(random, sizeof random, &cause);
    }
    if (status == QUIRE_OK) {
        for (size_t i = 0; i < sizeof random; i++) {
            snprintf(name + 2 * i, 3, "%02x", random[i]);
        }
        status = qr_client_path(&path, &cause, "%s/entry-%s.txt", folder.text, name);
    }
    if (status == QUIRE_OK && strlen(path.text) >= path_size) {
        status = qr_client_fail(&cause, QUIRE_ELIMIT, "The runtime folder's path is too long.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_write_file(path.text, text, QR_CLIENT_ATOMIC, &cause);
    }
    if (status != QUIRE_OK) {
        snprintf(error, error_size, "%s", cause.text);
        return status;
    }
    snprintf(out_path, path_size, "%s", path.text);
    int result = run_editor(path.text);
    if (result != 0) {
        snprintf(error, error_size,
            "The editor (%s) ended with an error. Nothing was saved; what you wrote is in %s until "
            "the next reboot.",
            editor(), path.text);
        return QUIRE_EIO;
    }
    status = qr_client_read_file(path.text, (size_t)QUIRE_TEXT_MAX + 1, out_text, &cause);
    if (status != QUIRE_OK) {
        snprintf(error, error_size, "%s Nothing was saved.", cause.text);
    }
    return status;
}

void qr_cli_edit_done(const char *path)
{
    if (path[0] != 0) {
        unlink(path);
    }
}
