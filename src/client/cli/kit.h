/*
 * The recovery kit for people: on the screen, as a QR code, on a page to print, and typed in again.
 *
 * On paper a kit has seven lines of two groups, each with two check characters, so that a line that was
 * typed wrongly can be named. They are the first ten bits of BLAKE2b, 32 bytes, over "quire/kitline/1",
 * a zero byte, the line's number (1 to 7) as a byte, and its eight characters in capitals. They are no part of the kit.
 */
#ifndef QR_CLIENT_CLI_KIT_H
#define QR_CLIENT_CLI_KIT_H

#include "client/cli/cli.h"

#define QR_CLI_KIT_LETTERS 56 /* besides the dashes */
#define QR_CLI_KIT_LINES 7
#define QR_CLI_KIT_LINE 8  /* characters of a line, without its check */
#define QR_CLI_KIT_CHECK 2 /* check characters of a line */

/** The check of one line, ended by a zero. number: from 1. */
void qr_cli_kit_line_check(
    const char letters[QR_CLI_KIT_LINE], unsigned number, char out_check[QR_CLI_KIT_CHECK + 1]);

/** What the user typed for a kit, line by line. */
struct qr_cli_kit_reader {
    char letters[QR_CLI_KIT_LETTERS + 1]; /* capitals, without dashes; wipe it */
    size_t count;
    unsigned lines;  /* that had something in them */
    bool checked;    /* lines with checks, as on a page */
    char error[160]; /* why the last line was not taken; names it */
};

/** Takes one line. False: it is wrong, `error` says how, and it may be typed again. */
bool qr_cli_kit_read_line(struct qr_cli_kit_reader *reader, const char *line);

/** Asks for a kit on the terminal, line by line, or reads it from standard input. out_text is as
 * quire_client_recover wants it; the caller wipes it. A usage error is said. */
enum qr_cli_exit qr_cli_read_kit(struct qr_cli *cli, char *out_text, size_t size);

/** Prints a new kit, and on a terminal has two of its groups typed back. `page` (may be NULL) is where
 * a page to print goes; it must not exist. QR_CLI_FAILED: the page could not be written, and why was said; the
 * kit was printed all the same. */
enum qr_cli_exit qr_cli_show_kit(struct qr_cli *cli, const char *kit, const char *page, bool qr);

#endif
