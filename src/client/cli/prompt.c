/*
 * Questions on the terminal. Whatever ends the program meanwhile, the terminal is left as it was.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---- the terminal's echo ---------------------------------------------------------------------- */

static struct termios shown; /* how the terminal was */
static int terminal = STDIN_FILENO;
static volatile sig_atomic_t echo_hidden;

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define ENDING_COUNT (sizeof ending / sizeof ending[0])
static struct sigaction before[ENDING_COUNT];

/* Gives the echo back, then lets the signal do what it did before (tcsetattr is async-signal-safe). */
static void on_ending(int signal_number)
{
    int code = errno;
    if (echo_hidden) {
        tcsetattr(terminal, TCSANOW, &shown);
    }
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        if (ending[i] == signal_number) {
            sigaction(signal_number, &before[i], NULL);
        }
    }
    raise(signal_number);
    errno = code;
}

static bool hide_echo(void)
{
    struct sigaction action = {.sa_handler = on_ending};
    if (!isatty(terminal) || tcgetattr(terminal, &shown) != 0) {
        return false;
    }
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        sigaction(ending[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            sigaction(ending[i], &action, NULL);
        }
    }
    struct termios hidden = shown;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    echo_hidden = 1;
    tcsetattr(terminal, TCSAFLUSH, &hidden); /* first, so that no answer is shown or lost */
    return true;
}

static void show_echo(void)
{
    tcsetattr(terminal, TCSAFLUSH, &shown);
    echo_hidden = 0;
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        sigaction(ending[i], &before[i], NULL);
    }
}

/* ---- secrets ---------------------------------------------------------------------------------- */

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
    bool hidden = hide_echo();
    if (hidden) {
        fprintf(stderr, "%s", prompt);
        fflush(stderr);
    }
    bool good = read_letters(wanted, out_text, size);
    if (hidden) {
        show_echo();
        fputc('\n', stderr);
    }
    return good ? QUIRE_OK : QUIRE_EMALFORMED;
}

bool qr_cli_read_line(int file, char *out_text, size_t size)
{
    size_t used = 0;
    bool any = false;
    for (;;) {
        char c;
        ssize_t got = read(file, &c, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || c == '\n') {
            any |= got > 0;
            break;
        }
        any = true;
        if (c == 0 || used + 1 >= size) {
            return false;
        }
        out_text[used++] = c;
    }
    out_text[used] = 0;
    return any;
}

int qr_cli_begin_hidden(void)
{
    int file = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (file < 0) { /* a terminal, perhaps, but not the session's own */
        file = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    }
    terminal = file;
    if (file >= 0 && hide_echo()) {
        return file;
    }
    terminal = STDIN_FILENO;
    if (file >= 0) {
        close(file);
    }
    return -1;
}

void qr_cli_end_hidden(int file)
{
    show_echo();
    terminal = STDIN_FILENO;
    close(file);
}

bool qr_cli_read_hidden(int file, const char *prompt, char *out_text, size_t size)
{
    fprintf(stderr, "%s", prompt);
    fflush(stderr);
    bool good = qr_cli_read_line(file, out_text, size);
    fputc('\n', stderr);
    return good;
}

bool qr_cli_ask_hidden(const char *prompt, char *out_text, size_t size)
{
    int file = qr_cli_begin_hidden();
    if (file < 0) {
        return false;
    }
    bool good = qr_cli_read_hidden(file, prompt, out_text, size);
    qr_cli_end_hidden(file);
    return good;
}

/* ---- yes or no -------------------------------------------------------------------------------- */

bool qr_cli_can_ask(const struct qr_cli *cli)
{
    return isatty(STDIN_FILENO) && cli->error_terminal && !cli->json;
}

bool qr_cli_confirm(const char *question, bool otherwise)
{
    char answer[16] = "";
    fprintf(stderr, "%s %s ", question, otherwise ? "[Y/n]" : "[y/N]");
    fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        return false;
    }
    return answer[0] == '\n' ? otherwise
                             : strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0;
}
