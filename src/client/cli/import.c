/*
 * import: entries from other programs' files.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include "client/cli/moving.h"
#include "client/files.h"
#include "client/moving/apply.h"
#include "client/moving/format.h"
#include "client/moving/mark.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTES_SHOWN 20 /* in words; --json lists all */
#define PASSWORD_SIZE 1024

struct import {
    struct qr_cli *cli;
    const struct qr_moving_format *format;
    struct qr_moving_bundle bundle;
    struct qr_moving_journal journal;
    struct qr_moving_plan plan;
    struct qr_client_error error;
    char password[PASSWORD_SIZE];
    bool dry_run, update, force;
    uint64_t written;
};

/* ---- reading --------------------------------------------------------------------------------- */

static enum qr_cli_exit fail(struct import *import, enum quire_status status)
{
    enum qr_cli_exit exit = QR_CLI_FAILED;
    const char *text = import->error.text[0] != 0 ? import->error.text : quire_status_text(status);
    qr_cli_error(import->cli, status, exit, text, NULL);
    return exit;
}

static enum qr_cli_exit read_password_file(struct import *import, const char *path)
{
    struct quire_buffer content = {0};
    struct qr_client_error error = {""};
    enum quire_status status = qr_client_read_file(path, PASSWORD_SIZE - 1, &content, &error);
    if (status != QUIRE_OK) {
        qr_cli_error(import->cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    size_t size = 0;
    while (size < content.size && content.data[size] != '\n' && content.data[size] != '\r') {
        size++;
    }
    memcpy(import->password, content.data, size);
    import->password[size] = 0;
    qr_client_wipe(content.data, content.capacity);
    quire_buffer_finish(&content);
    return QR_CLI_DONE;
}

static void list_formats(char *out_text, size_t size)
{
    size_t used = 0;
    const struct qr_moving_format *const *formats = qr_moving_all();
    for (size_t i = 0; formats[i] != NULL && used < size; i++) {
        used += (size_t)snprintf(
            out_text + used, size - used, "%s%s", i > 0 ? ", " : "", formats[i]->name);
    }
}

static enum qr_cli_exit read_options(struct import *import)
{
    struct qr_cli *cli = import->cli;
    char formats[256];
    const char *name = qr_cli_value(&cli->args, "format");
    const char *password = qr_cli_value(&cli->args, "password-file");
    import->dry_run = qr_cli_has(&cli->args, "dry-run");
    import->update = qr_cli_has(&cli->args, "update");
    import->force = qr_cli_has(&cli->args, "force");
    if (name != NULL) {
        import->format = qr_moving_format_named(name);
        list_formats(formats, sizeof formats);
        if (import->format == NULL) {
            return qr_cli_usage(cli, "There is no format \"%.40s\". There are: %s.", name, formats);
        }
    }
    return password == NULL ? QR_CLI_DONE : read_password_file(import, password);
}

/* Everything is read and checked before the profile is opened. */
static enum qr_cli_exit read_all(struct import *import)
{
    struct qr_cli *cli = import->cli;
    enum quire_status status = qr_moving_bundle_open(
        cli->args.operands[0], &import->bundle, &import->journal, &import->error);
    if (status != QUIRE_OK) {
        return fail(import, status);
    }
    if (import->format == NULL) {
        import->format = qr_moving_format_of(&import->bundle);
    }
    if (import->format == NULL) {
        char formats[256], text[512];
        list_formats(formats, sizeof formats);
        snprintf(text, sizeof text,
            "What is in it is not recognised, so nothing was imported. If you "
            "know what it is, say --format NAME: %s.",
            formats);
        qr_cli_error(cli, QUIRE_EMALFORMED, QR_CLI_FAILED, text, NULL);
        return QR_CLI_FAILED;
    }
    struct qr_moving_reading reading = {.bundle = &import->bundle,
        .journal = &import->journal,
        .password = import->password[0] != 0 ? import->password : NULL,
        .order = qr_client_locale_order(),
        .error = &import->error};
    status = import->format->read(&reading);
    if (status == QUIRE_ECRYPTO && reading.password == NULL && isatty(STDIN_FILENO) && !cli->json
        && qr_cli_read_secret("Its password: ", 1, import->password, sizeof import->password)
            == QUIRE_OK) {
        import->error.text[0] = 0;
        reading.password = import->password;
        status = import->format->read(&reading);
    }
    return status == QUIRE_OK ? QR_CLI_DONE : fail(import, status);
}

/* ---- the report ------------------------------------------------------------------------------ */

static json_t *json_report(const struct import *import)
{
    const uint64_t *counts = import->plan.counts;
    json_t *notes = json_array();
    for (size_t i = 0; notes != NULL && i < import->journal.note_count; i++) {
        const struct qr_moving_note *note = &import->journal.notes[i];
        json_array_append_new(notes,
            json_pack("{s:s, s:s, s:s}", "kind", qr_moving_kind_name(note->kind), "where",
                note->where, "text", note->what));
    }
    uint64_t all = 0;
    for (int kind = 0; kind < QR_MOVING_KIND_COUNT; kind++) {
        all += import->journal.counts[kind];
    }
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "format",
        import->format->name, "dry_run", (int)import->dry_run, "read",
        (json_int_t)import->journal.count, "new", (json_int_t)counts[QR_MOVING_NEW], "there",
        (json_int_t)counts[QR_MOVING_THERE], "differ", (json_int_t)counts[QR_MOVING_DIFFERS],
        "changed", (json_int_t)counts[QR_MOVING_CHANGED], "deleted",
        (json_int_t)counts[QR_MOVING_DELETED], "empty", (json_int_t)counts[QR_MOVING_EMPTY],
        "written", (json_int_t)import->written, "note_count", (json_int_t)all, "notes", notes);
}

static void print_count(const char *what, uint64_t count)
{
    if (count > 0) {
        printf("%8" PRIu64 "  %s\n", count, what);
    }
}

static enum qr_cli_exit report(struct import *import)
{
    struct qr_cli *cli = import->cli;
    const uint64_t *counts = import->plan.counts;
    const uint64_t *notes = import->journal.counts;
    qr_cli_clear_progress(cli);
    if (cli->json) {
        return qr_cli_print_json(cli, json_report(import));
    }
    printf("%s: %zu %s read%s.\n", import->format->summary, import->journal.count,
        import->journal.count == 1 ? "entry" : "entries",
        import->dry_run ? "; a dry run, nothing was written" : "");
    print_count(import->dry_run ? "would be new" : "new", counts[QR_MOVING_NEW]);
    print_count("here already", counts[QR_MOVING_THERE]);
    print_count("here, but not the same: left as they are (--update takes the file's)",
        counts[QR_MOVING_DIFFERS]);
    print_count(import->dry_run ? "would be changed" : "changed", counts[QR_MOVING_CHANGED]);
    print_count(import->dry_run ? "would be deleted" : "deleted", counts[QR_MOVING_DELETED]);
    print_count("empty: not taken", counts[QR_MOVING_EMPTY]);
    print_count("entries not taken", notes[QR_MOVING_ENTRY_SKIPPED]);
    print_count("files not taken", notes[QR_MOVING_FILE_SKIPPED]);
    print_count("photos and other attachments not taken", notes[QR_MOVING_ATTACHMENT]);
    print_count(
        "titles, dates, tags and such that were changed or not taken", notes[QR_MOVING_FIELD]);
    for (size_t i = 0; i < import->journal.note_count && i < NOTES_SHOWN; i++) {
        const struct qr_moving_note *note = &import->journal.notes[i];
        fputs(i == 0 ? "\n" : "", stdout);
        qr_cli_print_name(stdout, quire_bytes_of_text(note->where));
        fputs(": ", stdout);
        qr_cli_print_name(stdout, quire_bytes_of_text(note->what));
        fputc('\n', stdout);
    }
    if (import->journal.note_count > NOTES_SHOWN) {
        printf("… and %zu more: --json lists them.\n", import->journal.note_count - NOTES_SHOWN);
    }
    return QR_CLI_DONE;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool on_progress(void *context, uint64_t done, uint64_t all)
{
    struct import *import = context;
    qr_cli_show_progress(import->cli, "importing", done, all);
    return !qr_cli_interrupted();
}

static enum qr_cli_exit stopped(struct import *import, enum quire_status status, const char *why)
{
    char text[QR_CLIENT_ERROR_SIZE + 256];
    uint64_t all = import->plan.counts[QR_MOVING_NEW] + import->plan.counts[QR_MOVING_CHANGED]
        + import->plan.counts[QR_MOVING_DELETED];
    snprintf(text, sizeof text,
        "%s %" PRIu64 " of %" PRIu64 " entries are imported and safe. Importing "
        "the same again goes on with the rest.",
        why, import->written, all);
    qr_cli_error(import->cli, status, QR_CLI_FAILED, text, NULL);
    return QR_CLI_FAILED;
}

static enum qr_cli_exit write_all(struct import *import)
{
    struct qr_cli *cli = import->cli;
    char text[256];
    if (qr_moving_brakes(&import->plan) && !import->force) {
        uint64_t changes =
            import->plan.counts[QR_MOVING_CHANGED] + import->plan.counts[QR_MOVING_DELETED];
        snprintf(text, sizeof text,
            "This would change or delete %" PRIu64 " of %" PRIu64
            " entries, more than a tenth of the journal. Nothing was imported.",
            changes, import->plan.entries);
        qr_cli_error(cli, QUIRE_ECONFLICT, QR_CLI_REFUSED, text,
            "Look first: --dry-run. If that is what you want: --force");
        return QR_CLI_REFUSED;
    }
    qr_cli_catch_interrupts();
    qr_moving_mark_set(cli->client, import->format->name);
    enum quire_status status = qr_moving_apply(
        cli->client, &import->journal, &import->plan, on_progress, import, &import->written);
    if (status != QUIRE_OK) {
        return stopped(import, status, quire_client_error(cli->client));
    }
    if (qr_cli_interrupted()) {
        return stopped(import, QUIRE_ESTATE, "Interrupted.");
    }
    qr_moving_mark_clear(cli->client, import->format->name);
    return QR_CLI_DONE;
}

void qr_cli_print_import_mark(const struct qr_cli *cli)
{
    char format[QR_MOVING_MARK_SIZE];
    qr_moving_mark_get(cli->client, format);
    if (format[0] != 0) {
        printf(
            "%simport%s       one of \"%s\" broke off; what it wrote is whole. Import the same again, and it "
            "goes on\n",
            qr_cli_warn(cli), qr_cli_plain(cli), format);
    }
}

enum qr_cli_exit qr_cli_import(struct qr_cli *cli)
{
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) {
        return qr_cli_no_memory(cli);
    }
    import->cli = cli;
    enum qr_cli_exit exit = read_options(import);
    if (exit == QR_CLI_DONE) {
        exit = read_all(import);
    }
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open(cli);
    }
    if (exit == QR_CLI_DONE) {
        enum quire_status status = qr_moving_compare(
            cli->client, import->format->name, &import->journal, import->update, &import->plan);
        exit = status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
    }
    if (exit == QR_CLI_DONE && !import->dry_run) {
        exit = write_all(import);
    }
    if (exit == QR_CLI_DONE) {
        exit = report(import);
    }
    qr_client_wipe(import->password, sizeof import->password);
    free(import->plan.fates);
    qr_moving_bundle_finish(&import->bundle);
    qr_moving_journal_finish(&import->journal);
    free(import);
    return exit;
}
