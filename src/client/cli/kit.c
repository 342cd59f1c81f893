/*
 * Shows a new recovery kit: in groups, as a QR code, and as a page to print; and has it typed back.
 */
#define _GNU_SOURCE
#include "client/cli/kit.h"
#include "client/files.h"
#include <ctype.h>
#include <qrencode.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define GROUPS 14
#define GROUP 4
#define QUIET 4 /* light modules round a code, as its standard wants */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void qr_cli_kit_line_check(
    const char letters[QR_CLI_KIT_LINE], unsigned number, char out_check[QR_CLI_KIT_CHECK + 1])
{
    static const char context[] = "quire/kitline/1"; /* with its zero byte */
    uint8_t text[sizeof context + 1 + QR_CLI_KIT_LINE], hash[32];
    memcpy(text, context, sizeof context);
    text[sizeof context] = (uint8_t)number;
    memcpy(text + sizeof context + 1, letters, QR_CLI_KIT_LINE);
    crypto_generichash(hash, sizeof hash, text, sizeof text, NULL, 0);
    out_check[0] = alphabet[hash[0] >> 3];
    out_check[1] = alphabet[(hash[0] & 7) << 2 | hash[1] >> 6];
    out_check[2] = 0;
    qr_client_wipe(text, sizeof text);
}

/* "ABCD-EFGH XY" of line `number`, from 1. */
static void line_text(const char *kit, unsigned number, char out_text[16])
{
    const char *groups = kit + (size_t)(number - 1) * 2 * (GROUP + 1);
    char letters[QR_CLI_KIT_LINE], check[QR_CLI_KIT_CHECK + 1];
    memcpy(letters, groups, GROUP);
    memcpy(letters + GROUP, groups + GROUP + 1, GROUP);
    qr_cli_kit_line_check(letters, number, check);
    snprintf(out_text, 16, "%.4s-%.4s %s", letters, letters + GROUP, check);
    qr_client_wipe(letters, sizeof letters);
}

/* ---- the QR code ------------------------------------------------------------------------------ */

static QRcode *encode(const char *kit)
{
    return QRcode_encodeString(kit, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
}

static bool is_dark(const QRcode *code, int row, int column)
{
    return row >= 0 && column >= 0 && row < code->width && column < code->width
        && (code->data[row * code->width + column] & 1) != 0;
}

/* Two rows of modules a line of text; light is drawn, so that it is right on a dark terminal, and with
 * colours set also on a light one. */
static void print_qr(const struct qr_cli *cli, const QRcode *code)
{
    static const char *const blocks[2][2] = {{"█", "▀"}, {"▄", " "}}; /* [upper dark][lower dark] */
    for (int row = -QUIET; row < code->width + QUIET; row += 2) {
        printf("    %s", cli->colour ? "\x1b[97;40m" : "");
        for (int column = -QUIET; column < code->width + QUIET; column++) {
            bool below = row + 1 < code->width + QUIET;
            printf("%s",
                blocks[is_dark(code, row, column)][below ? is_dark(code, row + 1, column) : true]);
        }
        printf("%s\n", cli->colour ? "\x1b[0m" : "");
    }
    printf("\n");
}

/* ---- the page --------------------------------------------------------------------------------- */

static bool put(struct quire_buffer *page, const char *text)
{
    return quire_buffer_append(page, text, strlen(text)) == QUIRE_OK;
}

static bool put_qr(struct quire_buffer *page, const QRcode *code)
{
    char text[160];
    int size = code->width + 2 * QUIET;
    snprintf(text, sizeof text,
        "<svg viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\"><rect width=\"%d\" height=\"%d\" "
        "fill=\"#fff\"/><path d=\"",
        size, size, size, size);
    bool good = put(page, text);
    for (int row = 0; good && row < code->width; row++) {
        for (int column = 0; good && column < code->width; column++) {
            if (is_dark(code, row, column)) {
                snprintf(text, sizeof text, "M%d %dh1v1h-1z", column + QUIET, row + QUIET);
                good = put(page, text);
            }
        }
    }
    return good && put(page, "\"/></svg>\n");
}

static bool build_page(const char *kit, const QRcode *code, struct quire_buffer *page)
{
    bool good = put(page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<title>Recovery kit</title>\n<style>\n"
        "body{font:12pt/1.5 serif;max-width:16cm;margin:2cm auto;color:#000;background:#fff}\n"
        "pre{font:16pt/1.7 monospace;letter-spacing:.05em}pre i{color:#666;font-style:normal}\n"
        "svg{width:6cm;height:6cm;float:right}\n.write{border-bottom:1px solid #000;height:1cm}\n"
        "</style></head><body>\n<h1>Recovery kit of a Quire journal</h1>\n");
    good = good && put_qr(page, code) && put(page, "<pre>");
    for (unsigned number = 1; good && number <= QR_CLI_KIT_LINES; number++) {
        char line[16], row[64];
        line_text(kit, number, line);
        snprintf(row, sizeof row, "<i>%u.</i> %.9s <i>%s</i>\n", number, line, line + 10);
        good = put(page, row);
        qr_client_wipe(line, sizeof line);
        qr_client_wipe(row, sizeof row);
    }
    return good
        && put(page,
            "</pre>\n<p>A person who has this page can read the whole journal. Without it, and without "
            "a device, no one can. Keep it where you keep a passport; not in a photo, not in a cloud.</p>\n"
            "<p>To come back: <code>quire recover --server wss://…</code>, then type the seven lines. The two "
            "characters at the end of a line tell which one was typed wrongly. 0 is a zero; there is no "
            "letter O, I, L or U.</p>\n<p>Server:</p><div class=\"write\"></div>\n"
            "<p>Whose, and since when:</p><div class=\"write\"></div>\n"
            "<p>Delete the file of this page once it is printed.</p>\n</body></html>\n");
}

static enum qr_cli_exit write_page(
    struct qr_cli *cli, const char *path, const char *kit, const QRcode *code)
{
    struct quire_buffer page = {0};
    struct qr_client_error error = {0};
    enum quire_status status = build_page(kit, code, &page)
        ? qr_client_write_file(path, quire_buffer_bytes(&page), QR_CLIENT_NEW, &error)
        : qr_client_fail(&error, QUIRE_ENOMEM, "There is not enough memory.");
    if (page.data != NULL) {
        qr_client_wipe(page.data, page.capacity);
    }
    quire_buffer_finish(&page);
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text,
            "The account is made, and the kit is the one shown: write it down by hand.");
        return QR_CLI_FAILED;
    }
    if (!cli->json) {
        printf("The page to print is %s (yours alone). Delete it once it is printed.\n\n", path);
    }
    return QR_CLI_DONE;
}

/* ---- typing it back --------------------------------------------------------------------------- */

static bool ask_group(const char *kit, unsigned group, bool *out_skipped)
{
    char answer[64] = "";
    *out_skipped = false;
    fprintf(stderr, "Group %u of the kit, as you wrote it down: ", group + 1);
    fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL || answer[strspn(answer, " \t\r\n")] == 0) {
        *out_skipped = true;
        return false;
    }
    const char *begin = answer + strspn(answer, " \t");
    bool same = strncasecmp(begin, kit + (size_t)group * (GROUP + 1), GROUP) == 0
        && begin[GROUP + strspn(begin + GROUP, " \t\r\n")] == 0;
    qr_client_wipe(answer, sizeof answer);
    return same;
}

/* One group of each half: that both lines were copied, and are read as they were meant. */
static void confirm(const char *kit)
{
    struct qr_client_error ignored;
    uint8_t chance[2] = {0};
    bool skipped = false;
    if (qr_client_random(chance, sizeof chance, &ignored) != QUIRE_OK) {
        chance[0] = 3;
    }
    const unsigned groups[] = {chance[0] % (GROUPS / 2), GROUPS / 2 + chance[1] % (GROUPS / 2)};
    fflush(stdout);
    fprintf(stderr, "Written down? Then type two groups of it (Enter alone skips this).\n");
    for (size_t i = 0; i < 2 && !skipped;) {
        if (ask_group(kit, groups[i], &skipped)) {
            i++;
        } else if (!skipped) {
            fprintf(stderr, "That is not group %u: compare your paper with the kit above.\n",
                groups[i] + 1);
        }
    }
    fprintf(stderr, "%s\n\n",
        skipped ? "Not confirmed. The kit is above; when this window is closed it is nowhere."
                : "Right. Keep the paper where no one else finds it.");
}

/* ---- all of it -------------------------------------------------------------------------------- */

static void print_groups(const struct qr_cli *cli, const char *kit)
{
    /* Two lines of seven groups are easier to copy by hand than one of fourteen. */
    size_t half = strlen(kit) / 2;
    printf(
        "Your journal is ready. This is its recovery kit:\n\n    %s%.*s\n    %s%s\n\n"
        "Write it down on paper, in one piece, and keep it in a safe place. Anyone who has it "
        "can\nread everything; without it, and without a device, no one can, not even you. It is "
        "shown\nonly this once and kept nowhere.\n\n",
        qr_cli_bold(cli), (int)half, kit, kit + half + (kit[half] == '-'), qr_cli_plain(cli));
}

enum qr_cli_exit qr_cli_show_kit(struct qr_cli *cli, const char *kit, const char *page, bool qr)
{
    QRcode *code = qr || page != NULL ? encode(kit) : NULL;
    enum qr_cli_exit exit = QR_CLI_DONE;
    if (!cli->json) {
        print_groups(cli, kit);
    }
    if ((qr || page != NULL) && code == NULL) {
        exit = qr_cli_no_memory(cli);
    }
    if (code != NULL && qr && !cli->json) {
        print_qr(cli, code);
    }
    if (code != NULL && page != NULL) {
        exit = write_page(cli, page, kit, code);
    }
    if (code != NULL) {
        qr_client_wipe(code->data, (size_t)code->width * (size_t)code->width);
        QRcode_free(code);
    }
    if (cli->terminal && qr_cli_can_ask(cli)) {
        confirm(kit);
    }
    return exit;
}
