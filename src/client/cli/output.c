/*
 * What the program says: plain in a pipe, pleasant in a terminal, an object with --json.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include "client/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* ---- errors ---------------------------------------------------------------------------------- */

static const char *status_name(enum quire_status status)
{
    static const char *const names[QUIRE_STATUS_COUNT] = {
        [QUIRE_OK] = "ok",
        [QUIRE_ENOMEM] = "no_memory",
        [QUIRE_EMALFORMED] = "malformed",
        [QUIRE_ELIMIT] = "limit",
        [QUIRE_EINVALID] = "invalid",
        [QUIRE_ENOTFOUND] = "not_found",
        [QUIRE_ECRYPTO] = "crypto",
        [QUIRE_ESTATE] = "state",
        [QUIRE_ECONFLICT] = "conflict",
        [QUIRE_EIO] = "io",
        [QUIRE_EFULL] = "full",
        [QUIRE_ECORRUPT] = "corrupt",
        [QUIRE_ELOCKED] = "locked",
        [QUIRE_EUNSUPPORTED] = "unsupported",
    };
    return (unsigned)status < QUIRE_STATUS_COUNT ? names[status] : "unknown";
}

/* Of the terminal behind standard error; 0 where it does not say, or is too narrow for words. */
static size_t columns_of_errors(const struct qr_cli *cli)
{
    struct winsize size = {0};
    bool known = cli->error_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    return known && size.ws_col >= 20 ? size.ws_col : 0;
}

/* Puts line ends in place of spaces, so that words stay whole. Columns are characters. */
static void wrap(char *text, size_t column, size_t columns)
{
    char *space = NULL;
    size_t after_space = 0;
    for (char *byte = text; *byte != 0; byte++) {
        if (*byte == '\n') {
            space = NULL;
            column = 0;
            continue;
        }
        column += ((unsigned char)*byte & 0xc0) != 0x80;
        if (*byte == ' ') {
            space = byte;
            after_space = column;
        } else if (column > columns && space != NULL) {
            *space = '\n';
            space = NULL;
            column -= after_space;
        }
    }
}

static void print_error_text(const struct qr_cli *cli, const char *text)
{
    struct qr_cli to_stderr = {.terminal = cli->error_terminal};
    size_t columns = columns_of_errors(cli);
    char *wrapped = columns > 0 ? strdup(text) : NULL;
    if (wrapped != NULL) {
        wrap(wrapped, strlen("quire: "), columns);
    }
    qr_cli_print_text(&to_stderr, stderr, quire_bytes_of_text(wrapped != NULL ? wrapped : text));
    free(wrapped);
}

void qr_cli_error(struct qr_cli *cli, enum quire_status status, enum qr_cli_exit exit,
    const char *text, const char *hint)
{
    qr_cli_clear_progress(cli);
    if (cli->json) {
        json_t *error = json_pack("{s:{s:s, s:s, s:i}}", "error", "status", status_name(status),
            "text", text, "exit", (int)exit);
        if (error != NULL && hint != NULL) {
            json_object_set_new(json_object_get(error, "error"), "hint", json_string(hint));
        }
        if (error != NULL) {
            qr_cli_print_json(cli, error);
            return;
        }
    }
    bool colour = cli->error_colour;
    fprintf(stderr, "%squire:%s ", colour ? "\x1b[31m" : "", colour ? "\x1b[0m" : "");
    print_error_text(cli, text);
    fputc('\n', stderr);
    if (hint != NULL) {
        fprintf(stderr, "  %s\n", hint);
    }
}

enum qr_cli_exit qr_cli_usage(struct qr_cli *cli, const char *format, ...)
{
    char text[512], hint[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(hint, sizeof hint, "See: quire %s%s--help",
        cli->command != NULL ? cli->command->name : "", cli->command != NULL ? " " : "");
    qr_cli_error(cli, QUIRE_EINVALID, QR_CLI_USAGE, text, hint);
    return QR_CLI_USAGE;
}

enum qr_cli_exit qr_cli_no_memory(struct qr_cli *cli)
{
    qr_cli_error(cli, QUIRE_ENOMEM, QR_CLI_FAILED, "There is not enough memory.", NULL);
    return QR_CLI_FAILED;
}

static const char *text_of(struct qr_cli *cli, enum quire_status status)
{
    const char *text = cli->client != NULL ? quire_client_error(cli->client) : "";
    return text[0] != 0 ? text : quire_status_text(status);
}

enum qr_cli_exit qr_cli_failure(struct qr_cli *cli, enum quire_status status)
{
    const char *text = text_of(cli, status);
    const char *hint = NULL;
    if (status == QUIRE_ENOTFOUND && strstr(text, "There is no profile") != NULL) {
        hint = "Make an account: quire init. Or join yours: quire join CODE --server URL";
    } else if (status == QUIRE_ECONFLICT && strstr(text, "There is a profile") != NULL) {
        hint = "For another one beside it: --profile NAME";
    }
    enum qr_cli_exit exit =
        status == QUIRE_EINVALID || status == QUIRE_EMALFORMED ? QR_CLI_USAGE : QR_CLI_FAILED;
    qr_cli_error(cli, status, exit, text, hint);
    return exit;
}

enum qr_cli_exit qr_cli_online_failure(struct qr_cli *cli, enum quire_status status)
{
    if (quire_client_unreachable(cli->client)) {
        bool unset = quire_client_server(cli->client)[0] == 0;
        qr_cli_error(cli, status, QR_CLI_OFFLINE, text_of(cli, status),
            unset ? "Set one: quire server wss://HOST:PORT" : NULL);
        return QR_CLI_OFFLINE;
    }
    if (status == QUIRE_ECRYPTO || status == QUIRE_ECONFLICT || status == QUIRE_ESTATE) {
        const char *hint = NULL;
        if (strstr(text_of(cli, status), "not the pinned one") != NULL) {
            hint = "Ask its operator, then: --fingerprint HEX with join, recover or server";
        } else if (strstr(text_of(cli, status), "fingerprint") != NULL) {
            hint = "Pin it: --fingerprint HEX with init, join, recover or server; or, to take what "
                   "is shown: --trust-first-use";
        }
        qr_cli_error(cli, status, QR_CLI_REFUSED, text_of(cli, status), hint);
        return QR_CLI_REFUSED;
    }
    return qr_cli_failure(cli, status);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

enum qr_cli_exit qr_cli_print_json(struct qr_cli *cli, json_t *object)
{
    if (object == NULL) {
        cli->json = false; /* no memory for an object: say so in words */
        return qr_cli_no_memory(cli);
    }
    size_t flags = cli->terminal && !cli->following ? JSON_INDENT(2) : JSON_COMPACT;
    bool good = json_dumpf(object, stdout, flags) == 0 && fputc('\n', stdout) != EOF;
    json_decref(object);
    return good && qr_cli_flush() ? QR_CLI_DONE : QR_CLI_FAILED;
}

json_t *qr_cli_json_bytes(struct quire_bytes text)
{
    return json_stringn(text.size == 0 ? "" : (const char *)text.data, text.size);
}

json_t *qr_cli_json_id(const uint8_t *id)
{
    char text[33];
    qr_cli_id_text(id, text);
    return json_string(text);
}

json_t *qr_cli_json_time(int64_t ms)
{
    return ms == 0 ? json_null() : json_integer(ms);
}

/* ---- text ------------------------------------------------------------------------------------ */

void qr_cli_id_text(const uint8_t *id, char out_text[33])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < QUIRE_ENTRY_SIZE; i++) {
        out_text[2 * i] = digits[id[i] >> 4];
        out_text[2 * i + 1] = digits[id[i] & 15];
    }
    out_text[32] = 0;
}

static bool steers_terminal(uint32_t point)
{
    bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    bool direction = (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    return control || direction;
}

/* Of what steers a terminal, only what `kept` names goes out. */
static void print_harmless(FILE *file, struct quire_bytes text, const char *kept)
{
    size_t offset = 0;
    while (offset < text.size) {
        size_t size = 0;
        uint32_t point = qr_client_text_next(
            (struct quire_bytes){text.data + offset, text.size - offset}, &size);
        bool hidden = size == 0
            || (steers_terminal(point)
                && (point == 0 || point > 0x7f || strchr(kept, (int)point) == NULL));
        bool line_end = point == '\r' && kept[0] == '\n' && offset + 1 < text.size
            && text.data[offset + 1] == '\n';
        size = size == 0 ? 1 : size;
        if (line_end) { /* CR LF: a line of another system's text */
            offset++;
            continue;
        }
        if (hidden) {
            fputs("\xef\xbf\xbd", file);
        } else {
            fwrite(text.data + offset, 1, size, file);
        }
        offset += size;
    }
}

void qr_cli_print_text(const struct qr_cli *cli, FILE *file, struct quire_bytes text)
{
    if (cli->terminal) {
        print_harmless(file, text, "\n\t");
    } else if (text.size > 0) {
        fwrite(text.data, 1, text.size, file);
    }
}

void qr_cli_print_name(FILE *file, struct quire_bytes name)
{
    print_harmless(file, name, "");
}

const char *qr_cli_bold(const struct qr_cli *cli)
{
    return cli->colour ? "\x1b[1m" : "";
}

const char *qr_cli_dim(const struct qr_cli *cli)
{
    return cli->colour ? "\x1b[2m" : "";
}

const char *qr_cli_warn(const struct qr_cli *cli)
{
    return cli->colour ? "\x1b[33m" : "";
}

const char *qr_cli_plain(const struct qr_cli *cli)
{
    return cli->colour ? "\x1b[0m" : "";
}

void qr_cli_time_text(int64_t wall_ms, char out_text[48])
{
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (localtime_r(&seconds, &parts) == NULL
        || strftime(out_text, 32, "%Y-%m-%d %H:%M", &parts) == 0) {
        snprintf(out_text, 32, "?");
    }
}

int64_t qr_cli_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t qr_cli_local_now(void)
{
    struct tm parts;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t zone_s = localtime_r(&now.tv_sec, &parts) == NULL ? 0 : parts.tm_gmtoff;
    return ((int64_t)now.tv_sec + zone_s) * 1000 + now.tv_nsec / 1000000;
}

bool qr_cli_wants_colour(void)
{
    const char *terminal = getenv("TERM"), *refused = getenv("NO_COLOR");
    return (refused == NULL || refused[0] == 0) && terminal != NULL && terminal[0] != 0
        && strcmp(terminal, "dumb") != 0;
}

bool qr_cli_flush(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}
