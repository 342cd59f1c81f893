/*
 * export: the journal as files that other programs read.
 */
#define _GNU_SOURCE
#include "client/cli/journals.h"
#include "client/cli/cli.h"
#include "client/cli/moving.h"
#include "client/cli/period.h"
#include "client/files.h"
#include "client/moving/apply.h"
#include "client/moving/format.h"
#include "client/moving/ids.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

enum export_format {
    EXPORT_MARKDOWN,
    EXPORT_JSON,
    EXPORT_HTML,
};

/** One export: what is in `part` becomes `target` by one rename at the end. */
struct export
{
    struct qr_cli *cli;
    enum export_format format;
    struct qr_cli_period period;
    bool deleted;
    const char *tag, *of_journal; /* or NULL */
    struct qr_moving_journal journal;
    uint64_t also, damaged;
    char target[PATH_SIZE], folder[PATH_SIZE], part[2 * PATH_SIZE];
    bool to_stdout;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    interrupted = signal_number;
}

void qr_cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool qr_cli_interrupted(void)
{
    return interrupted != 0;
}

void qr_cli_show_progress(struct qr_cli *cli, const char *what, uint64_t done, uint64_t all)
{
    if (cli->error_terminal && !cli->json) {
        fprintf(stderr, "\r\x1b[K%s: %" PRIu64 " of %" PRIu64 " entries", what, done, all);
        fflush(stderr);
        cli->progress_shown = true;
    }
}

/* ---- options --------------------------------------------------------------------------------- */

static enum qr_cli_exit read_options(struct qr_cli *cli, struct export *export)
{
    static const char *const names[] = {"markdown", "json", "html"};
    const char *path = cli->args.operands[0], *name = qr_cli_value(&cli->args, "format");
    const char *dot = strrchr(path, '.');
    if (name == NULL) {
        name = dot == NULL || strchr(dot, '/') != NULL ? "markdown"
            : strcmp(dot, ".json") == 0                ? "json"
            : strcmp(dot, ".html") == 0                ? "html"
                                                       : "markdown";
        if (strcmp(path, "-") == 0) {
            return qr_cli_usage(
                cli, "Say what to write to standard output: --format json or html.");
        }
    }
    size_t i = 0;
    while (i < 3 && strcmp(names[i], name) != 0) {
        i++;
    }
    if (i == 3) {
        return qr_cli_usage(cli, "There is no format \"%.40s\": markdown, json or html.", name);
    }
    export->format = (enum export_format)i;
    export->to_stdout = strcmp(path, "-") == 0;
    export->tag = qr_cli_value(&cli->args, "tag");
    export->of_journal = qr_cli_value(&cli->args, "journal");
    export->deleted = qr_cli_has(&cli->args, "deleted");
    if (export->to_stdout && (export->format == EXPORT_MARKDOWN || cli->json)) {
        return qr_cli_usage(cli,
            cli->json
                ? "Standard output cannot take the export and a report: leave out --json, or name a file."
                : "Markdown is a folder of files: name one.");
    }
    return qr_cli_read_period(cli, &export->period);
}

/* ---- gathering ------------------------------------------------------------------------------- */

static bool is_wanted(const void *context, const struct quire_summary *summary)
{
    const struct export *export = context;
    return (!summary->deleted || export->deleted) && qr_cli_in_period(&export->period, summary);
}

static enum quire_status is_of_journal(
    const struct qr_moving_entry *entry, const char *journal, bool *out_is)
{
    struct quire_bytes name = quire_buffer_bytes(&entry->journal);
    return qr_cli_journal_is(
        name.size > 0 ? name : quire_bytes_of_text(QR_CLI_JOURNAL_DEFAULT), journal, out_is);
}

static bool has_tag(const struct qr_moving_entry *entry, const char *tag)
{
    for (size_t i = 0; i < entry->tags.count; i++) {
        if (qr_moving_is(quire_buffer_bytes(&entry->tags.items[i].name), tag)) {
            return true;
        }
    }
    return false;
}

static enum quire_status gather(struct export *export)
{
    struct qr_moving_ids ids = {0};
    struct quire_client *client = export->cli->client;
    enum quire_status status = qr_moving_ids_gather(&ids, client, is_wanted, export);
    for (size_t i = 0; status == QUIRE_OK && i < ids.count && !interrupted; i++) {
        struct quire_document *document = NULL;
        struct qr_moving_entry entry = {0};
        size_t also = 0;
        bool wanted = true;
        status = quire_client_document(client, ids.items[i], false, &document);
        if (status == QUIRE_ECORRUPT) {
            export->damaged++;
            status = QUIRE_OK;
            continue;
        }
        if (status == QUIRE_OK) {
            status = qr_moving_read_document(ids.items[i], document, &entry, &also);
        }
        if (status == QUIRE_OK && export->of_journal != NULL) {
            status = is_of_journal(&entry, export->of_journal, &wanted);
        }
        if (status != QUIRE_OK || !wanted
            || (export->tag != NULL && !has_tag(&entry, export->tag))) {
            qr_moving_entry_finish(&entry);
            continue;
        }
        export->also += also > 0;
        status = qr_moving_add(&export->journal, &entry);
        if (i % 256 == 255) {
            qr_cli_show_progress(export->cli, "reading", i + 1, ids.count);
        }
    }
    qr_moving_ids_finish(&ids);
    qr_moving_sort(&export->journal);
    return status;
}

/* ---- where it goes --------------------------------------------------------------------------- */

static enum qr_cli_exit fail(struct export *export, enum quire_status status, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static enum qr_cli_exit fail(
    struct export *export, enum quire_status status, const char *format, ...)
{
    char text[PATH_SIZE + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    qr_cli_error(export->cli, status, QR_CLI_FAILED, text, NULL);
    return QR_CLI_FAILED;
}

static enum qr_cli_exit write_failure(struct export *export, int code)
{
    bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return fail(export, full ? QUIRE_EFULL : QUIRE_EIO,
        "The export cannot be written to %s: %s. Nothing of it was left there; the journal is as it was.",
        export->to_stdout ? "standard output" : export->folder,
        code != 0 ? strerror(code) : "the disk took less than all of it");
}

/* The target and, beside it, a name for the part. */
static enum qr_cli_exit place(struct export *export)
{
    struct stat info;
    char *path = export->target;
    snprintf(path, PATH_SIZE, "%s", export->cli->args.operands[0]);
    size_t size = strlen(path);
    if (size + 1 >= PATH_SIZE || size == 0) {
        return qr_cli_usage(export->cli, "The path is empty or too long.");
    }
    while (size > 1 && path[size - 1] == '/') {
        path[--size] = 0;
    }
    if (lstat(path, &info) == 0) {
        return fail(export, QUIRE_ECONFLICT,
            "%s is there already. It was not touched: name another, or move it away.", path);
    }
    const char *slash = strrchr(path, '/');
    int folder_size = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    snprintf(export->folder, PATH_SIZE, "%.*s", folder_size, slash == NULL ? "." : path);
    snprintf(export->part, sizeof export->part, "%s/.%.200s.quire-part-XXXXXX", export->folder,
        slash == NULL ? path : slash + 1);
    return QR_CLI_DONE;
}

static bool sync_path(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 && fsync(file) == 0;
    if (file >= 0) {
        close(file);
    }
    return good;
}

/* Does not replace what another process put there meanwhile. */
static bool publish(const struct export *export)
{
    return renameat2(AT_FDCWD, export->part, AT_FDCWD, export->target, RENAME_NOREPLACE) == 0
        && sync_path(export->folder);
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool write_page(struct export *export, FILE *file)
{
    const struct qr_moving_journal *journal = &export->journal;
    bool json = export->format == EXPORT_JSON;
    bool good = json ? qr_moving_json_begin(file) : qr_moving_html_begin(file, journal->count);
    for (size_t i = 0; good && i < journal->count && !interrupted; i++) {
        good = json ? qr_moving_json_entry(file, &journal->entries[i], i == 0)
                    : qr_moving_html_entry(file, &journal->entries[i]);
        if (i % 256 == 255) {
            qr_cli_show_progress(export->cli, "writing", i + 1, journal->count);
        }
    }
    return good && (json ? qr_moving_json_end(file) : qr_moving_html_end(file));
}

/* Closes the file whatever happens. errno says why it failed. */
static bool close_synced(FILE *file, bool good)
{
    good = good && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int code = errno;
    good = fclose(file) == 0 && good;
    errno = good ? 0 : code;
    return good;
}

static enum qr_cli_exit interrupted_exit(struct export *export)
{
    qr_cli_error(export->cli, QUIRE_ESTATE, QR_CLI_FAILED,
        "Interrupted: nothing was exported, and no part of it was left behind.", NULL);
    return QR_CLI_FAILED;
}

static enum qr_cli_exit write_file(struct export *export)
{
    int descriptor = mkostemp(export->part, O_CLOEXEC); /* mode 0600 */
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL) {
        int code = errno;
        if (descriptor >= 0) {
            close(descriptor);
            unlink(export->part);
        }
        return write_failure(export, code);
    }
    errno = 0;
    bool good = write_page(export, file);
    good = close_synced(file, good) && !interrupted && publish(export);
    if (good) {
        return QR_CLI_DONE;
    }
    int code = errno;
    unlink(export->part);
    return interrupted ? interrupted_exit(export) : write_failure(export, code);
}

static bool write_note(int folder, const struct qr_moving_entry *entry)
{
    char name[64];
    qr_moving_markdown_name(entry, false, name);
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST) { /* the start of another id is the same */
        qr_moving_markdown_name(entry, true, name);
        file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    FILE *stream = file < 0 ? NULL : fdopen(file, "w");
    if (stream == NULL) {
        return false;
    }
    errno = 0;
    bool good = qr_moving_markdown_entry(stream, entry) && fflush(stream) == 0;
    int code = errno;
    good = fclose(stream) == 0 && good;
    errno = good ? errno : code;
    return good;
}

/* Removes the folder that mkdtemp made and the files in it; there are no folders in it. */
static void remove_part(const char *path)
{
    DIR *list = opendir(path);
    for (struct dirent *item = list == NULL ? NULL : readdir(list); item != NULL;
         item = readdir(list)) {
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
            unlinkat(dirfd(list), item->d_name, 0);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
    rmdir(path);
}

static enum qr_cli_exit write_folder(struct export *export)
{
    if (mkdtemp(export->part) == NULL) { /* mode 0700 */
        return write_failure(export, errno);
    }
    const struct qr_moving_journal *journal = &export->journal;
    int folder = open(export->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0;
    for (size_t i = 0; good && i < journal->count && !interrupted; i++) {
        good = write_note(folder, &journal->entries[i]);
        if (i % 256 == 255) {
            qr_cli_show_progress(export->cli, "writing", i + 1, journal->count);
        }
    }
    good = good && !interrupted && syncfs(folder) == 0;
    int code = errno;
    if (folder >= 0) {
        close(folder);
    }
    if (good && publish(export)) {
        return QR_CLI_DONE;
    }
    code = good ? errno : code;
    remove_part(export->part);
    return interrupted ? interrupted_exit(export) : write_failure(export, code);
}

static enum qr_cli_exit report(struct export *export)
{
    struct qr_cli *cli = export->cli;
    static const char *const names[] = {"markdown", "json", "html"};
    uint64_t count = export->journal.count;
    qr_cli_clear_progress(cli);
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:s, s:s, s:I, s:I, s:I}", "export", export->target, "format",
                names[export->format], "entries", (json_int_t)count, "entries_with_other_values",
                (json_int_t) export->also, "damaged", (json_int_t) export->damaged));
    }
    FILE *out = export->to_stdout ? stderr : stdout;
    fprintf(out, "%" PRIu64 " %s exported%s%s. The export is not encrypted.\n", count,
        count == 1 ? "entry" : "entries", export->to_stdout ? "" : " to ", export->target);
    if (export->also > 0) {
        fprintf(stderr,
            "quire: warning: %" PRIu64 " entries have a title, date or mood that devices wrote "
            "differently at the same time; the export has what `show` shows first.\n",
            export->also);
    }
    if (export->damaged > 0) {
        fprintf(stderr,
            "quire: warning: the records of %" PRIu64 " entries are damaged: these are not in "
            "the export.\n",
            export->damaged);
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_export(struct qr_cli *cli)
{
    struct export *export = calloc(1, sizeof *export);
    if (export == NULL) {
        return qr_cli_no_memory(cli);
    }
    export->cli = cli;
    enum qr_cli_exit exit = read_options(cli, export);
    if (exit == QR_CLI_DONE && !export->to_stdout) {
        exit = place(export);
    }
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open_to_read(cli);
    }
    if (exit == QR_CLI_DONE) {
        qr_cli_catch_interrupts();
        enum quire_status status = gather(export);
        exit = status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
        quire_client_close(cli->client);
    }
    if (exit == QR_CLI_DONE && export->to_stdout) {
        exit = write_page(export, stdout) && qr_cli_flush() ? QR_CLI_DONE
                                                            : write_failure(export, errno);
    } else if (exit == QR_CLI_DONE) {
        exit = export->format == EXPORT_MARKDOWN ? write_folder(export) : write_file(export);
    }
    if (exit == QR_CLI_DONE) {
        exit = report(export);
    }
    qr_moving_journal_finish(&export->journal);
    free(export);
    return exit;
}
