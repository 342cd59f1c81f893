/*
 * Reads a recovery kit as people type it: line by line, and says which line is wrong.
 */
#define _GNU_SOURCE
#include "client/cli/kit.h"
#include "client/files.h"
#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256
#define LINES_MOST 64 /* of input, empty ones included */

/* A character of the kit, capitals; 0: none. As protocol/crypto.md says, O is read as 0, I and L as 1. */
static char read_letter(char c)
{
    int upper = toupper((unsigned char)c);
    if (upper == 'O') {
        return '0';
    }
    if (upper == 'I' || upper == 'L') {
        return '1';
    }
    return strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", upper) != NULL && upper != 0 ? (char)upper
                                                                                   : 0;
}

/* "3.", "3:" or "3)" before a line of a page is its number. */
static const char *skip_number(const char *line)
{
    const char *cursor = line + strspn(line, " \t");
    if (cursor[0] >= '1' && cursor[0] <= '7' && strchr(".:)", cursor[1]) != NULL
        && cursor[1] != 0) {
        return cursor + 2;
    }
    return line;
}

static bool fail(struct qr_cli_kit_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct qr_cli_kit_reader *reader, const char *format, ...)
{
    va_list arguments;
    int size = snprintf(reader->error, sizeof reader->error, "Line %u ", reader->lines + 1);
    va_start(arguments, format);
    vsnprintf(reader->error + size, sizeof reader->error - (size_t)size, format, arguments);
    va_end(arguments);
    return false;
}

static bool take_checked(struct qr_cli_kit_reader *reader, const char letters[])
{
    char check[QR_CLI_KIT_CHECK + 1];
    qr_cli_kit_line_check(letters, reader->lines + 1, check);
    if (memcmp(check, letters + QR_CLI_KIT_LINE, QR_CLI_KIT_CHECK) != 0) {
        return fail(reader, "is not right: a character of it is wrong, or it is another line's.");
    }
    memcpy(reader->letters + reader->count, letters, QR_CLI_KIT_LINE);
    reader->count += QR_CLI_KIT_LINE;
    reader->lines++;
    reader->checked = true;
    return true;
}

bool qr_cli_kit_read_line(struct qr_cli_kit_reader *reader, const char *line)
{
    char letters[LINE_MAX_BYTES] = "";
    size_t count = 0;
    reader->error[0] = 0;
    bool good = true;
    for (const char *cursor = skip_number(line); good && *cursor != 0; cursor++) {
        if (*cursor == '-' || isspace((unsigned char)*cursor)) {
            continue;
        }
        char letter = read_letter(*cursor);
        if (letter == 0) {
            good = isprint((unsigned char)*cursor)
                ? fail(reader, "has a '%c': no kit has one.", *cursor)
                : fail(reader, "has a character that no kit has.");
        } else if (count < sizeof letters) {
            letters[count++] = letter;
        }
    }
    const size_t page_line = QR_CLI_KIT_LINE + QR_CLI_KIT_CHECK;
    if (good && count == page_line + 1 && letters[0] == (char)('1' + reader->lines)) {
        memmove(letters, letters + 1, page_line); /* the line's number, typed as well */
        count = page_line;
    }
    if (good && count == page_line && reader->count % QR_CLI_KIT_LINE == 0
        && (reader->checked || reader->lines == 0)) {
        good = take_checked(reader, letters);
    } else if (good && reader->checked && count > 0) {
        good = fail(reader,
            "has %zu characters; a line of the page has %zu, the two at its end "
            "included.",
            count, page_line);
    } else if (good && reader->count + count > QR_CLI_KIT_LETTERS) {
        good = fail(reader, "is too long: a kit has %d characters.", QR_CLI_KIT_LETTERS);
    } else if (good && count > 0) {
        memcpy(reader->letters + reader->count, letters, count);
        reader->count += count;
        reader->lines++;
    }
    reader->letters[reader->count] = 0;
    qr_client_wipe(letters, sizeof letters);
    return good;
}

static bool next_line(int hidden, const struct qr_cli_kit_reader *reader, char line[LINE_MAX_BYTES])
{
    char prompt[80];
    if (hidden < 0) {
        return qr_cli_read_line(STDIN_FILENO, line, LINE_MAX_BYTES);
    }
    if (reader->lines == 0) {
        snprintf(prompt, sizeof prompt, "Recovery kit (it is not shown): ");
    } else if (reader->checked) {
        snprintf(prompt, sizeof prompt, "Line %u of %d: ", reader->lines + 1, QR_CLI_KIT_LINES);
    } else {
        snprintf(prompt, sizeof prompt,
            "Line %u (%zu of %d characters so far): ", reader->lines + 1, reader->count,
            QR_CLI_KIT_LETTERS);
    }
    return qr_cli_read_hidden(hidden, prompt, line, LINE_MAX_BYTES);
}

enum qr_cli_exit qr_cli_read_kit(struct qr_cli *cli, char *out_text, size_t size)
{
    struct qr_cli_kit_reader reader = {0};
    char line[LINE_MAX_BYTES] = "";
    int hidden = isatty(STDIN_FILENO) ? qr_cli_begin_hidden() : -1;
    enum qr_cli_exit exit = QR_CLI_DONE;
    for (int i = 0; exit == QR_CLI_DONE && reader.count < QR_CLI_KIT_LETTERS && i < LINES_MOST;
         i++) {
        if (!next_line(hidden, &reader, line) || (hidden >= 0 && line[0] == 0)) {
            break;
        }
        if (!qr_cli_kit_read_line(&reader, line) && hidden >= 0) {
            fprintf(stderr, "%s Once more:\n", reader.error);
        } else if (reader.error[0] != 0 && hidden < 0) {
            exit = qr_cli_usage(cli, "%s Nothing was changed.", reader.error);
        }
    }
    if (hidden >= 0) {
        qr_cli_end_hidden(hidden);
    }
    if (exit == QR_CLI_DONE && reader.count < QR_CLI_KIT_LETTERS) {
        exit = reader.count == 0
            ? qr_cli_usage(cli, "No recovery kit was given.")
            : qr_cli_usage(cli,
                "This is not a recovery kit: it ends after %zu of %d characters, in line %u. "
                "Nothing was changed.",
                reader.count, QR_CLI_KIT_LETTERS, reader.lines);
    }
    if (exit == QR_CLI_DONE) {
        snprintf(out_text, size, "%s", reader.letters);
    }
    qr_client_wipe(&reader, sizeof reader);
    qr_client_wipe(line, sizeof line);
    return exit;
}
