/*
 * Drafts: keeping them, finding them again, and the command.
 */
#define _GNU_SOURCE
#include "client/cli/drafts.h"
#include "client/cli/editor.h"
#include "client/runtime.h"
#include "client/text.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUICK_MS 1500 /* an editor that changes nothing in so short a time has perhaps only begun */
#define LINE_POINTS 50
#define DETACHED_MS (24 * 3600 * INT64_C(1000)) /* how long an unchanged one waits for its window */

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wipe(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_client_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

void qr_cli_draft_finish(struct qr_cli_draft *draft)
{
    wipe(&draft->before);
    wipe(&draft->snapshot);
    wipe(&draft->text);
    wipe(&draft->options);
}

/* ---- on the disk: u8 tag ‖ u64 size (host order, it never leaves this machine) ‖ bytes, repeated ----- */

static enum quire_status add_part(struct quire_buffer *buffer, char tag, const void *data, uint64_t size)
{
    enum quire_status status = quire_buffer_append(buffer, &tag, 1);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(buffer, &size, sizeof size);
    }
    return status == QUIRE_OK && size > 0 ? quire_buffer_append(buffer, data, (size_t)size) : status;
}

static enum quire_status write_draft(struct qr_cli *cli, const struct qr_cli_draft *draft)
{
    struct quire_buffer content = {0};
    uint8_t flags = (uint8_t)(draft->is_new | draft->detached << 1);
    const struct {
        char tag;
        const void *data;
        size_t size;
    } parts[] = {{'f', &flags, 1}, {'e', draft->entry, sizeof draft->entry},
        {'w', &draft->started_ms, sizeof draft->started_ms},
        {'b', draft->before.data, draft->before.size}, {'s', draft->snapshot.data, draft->snapshot.size},
        {'t', draft->text.data, draft->text.size}, {'o', draft->options.data, draft->options.size}};
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < sizeof parts / sizeof parts[0]; i++) {
        status = add_part(&content, parts[i].tag, parts[i].data, parts[i].size);
    }
    if (status == QUIRE_OK) {
        status = qr_client_draft_write(cli->client, draft->name, quire_buffer_bytes(&content));
    }
    wipe(&content);
    return status;
}

static enum quire_status read_part(struct qr_cli_draft *draft, char tag, struct quire_bytes bytes)
{
    uint8_t flags = 0;
    switch (tag) {
    case 'f':
        memcpy(&flags, bytes.data, bytes.size > 0);
        draft->is_new = flags & 1;
        draft->detached = (flags & 2) != 0;
        return QUIRE_OK;
    case 'e':
        memcpy(draft->entry, bytes.data, bytes.size < QUIRE_ENTRY_SIZE ? bytes.size : QUIRE_ENTRY_SIZE);
        return QUIRE_OK;
    case 'w':
        memcpy(&draft->started_ms, bytes.data, bytes.size < 8 ? bytes.size : 8);
        return QUIRE_OK;
    case 'b':
        return quire_buffer_append(&draft->before, bytes.data, bytes.size);
    case 's':
        return quire_buffer_append(&draft->snapshot, bytes.data, bytes.size);
    case 't':
        return quire_buffer_append(&draft->text, bytes.data, bytes.size);
    case 'o':
        return quire_buffer_append(&draft->options, bytes.data, bytes.size);
    default:
        return QUIRE_OK; /* of a later version */
    }
}

static enum quire_status read_draft(struct qr_cli *cli, const char *name, struct qr_cli_draft *out_draft)
{
    struct quire_buffer content = {0};
    struct qr_cli_draft draft = {0};
    enum quire_status status = qr_client_draft_read(cli->client, name, &content);
    size_t offset = 0;
    while (status == QUIRE_OK && content.size - offset > sizeof(uint64_t)) {
        uint64_t size = 0;
        char tag = (char)content.data[offset];
        memcpy(&size, content.data + offset + 1, sizeof size);
        offset += 1 + sizeof size;
        if (size > content.size - offset) {
            status = QUIRE_ECORRUPT;
        } else if (size > 0) {
            status = read_part(&draft, tag, (struct quire_bytes){content.data + offset, (size_t)size});
        }
        offset += size > content.size - offset ? 0 : (size_t)size;
    }
    wipe(&content);
    if (status != QUIRE_OK) {
        qr_cli_draft_finish(&draft);
        return status;
    }
    snprintf(draft.name, sizeof draft.name, "%s", name);
    *out_draft = draft;
    return QUIRE_OK;
}

/* ---- the editor's file ------------------------------------------------------------------------ */

/** Where the plain text is while an editor has it. */
struct paths {
    struct qr_client_path folder, file;
};

static enum quire_status find_paths(const char *name, struct paths *out_paths,
    struct qr_client_error *error)
{
    struct qr_client_path runtime;
    enum quire_status status = qr_client_runtime_folder(&runtime, error);
    if (status == QUIRE_OK) {
        status = qr_client_path(&out_paths->folder, error, "%s/draft-%s", runtime.text, name);
    }
    return status == QUIRE_OK
        ? qr_client_path(&out_paths->file, error, "%s/entry.txt", out_paths->folder.text)
        : status;
}

/* The folder is held while an editor runs in it. −1: it is not there, or it is held. */
static int hold(const struct paths *paths)
{
    int folder = open(paths->folder.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) != 0) {
        close(folder);
        return -1;
    }
    return folder;
}

static void remove_files(const struct paths *paths)
{
    struct qr_client_error ignored;
    enum quire_status removed = qr_client_remove_folder(paths->folder.text, &ignored);
    (void)removed; /* it is in memory, and tried again by the next command */
}

static bool same(const struct quire_buffer *a, const struct quire_buffer *b)
{
    return quire_bytes_equal(quire_buffer_bytes(a), quire_buffer_bytes(b));
}

/* Reads what the editor wrote; true: it is something else than before, and in draft->text now. */
static bool take_in(struct qr_cli_draft *draft, const struct paths *paths)
{
    struct qr_client_error ignored;
    struct quire_buffer written = {0};
    bool differs = false;
    if (qr_client_read_file(paths->file.text, QR_CLIENT_SEALED_MAX / 2, &written, &ignored) == QUIRE_OK
        && !same(&written, &draft->text)) {
        struct quire_buffer old = draft->text;
        draft->text = written;
        written = old;
        differs = true;
    }
    wipe(&written);
    return differs;
}

/* A draft whose editor and command are gone: what the file holds goes into it, and the file away. */
static void absorb(struct qr_cli *cli, struct qr_cli_draft *draft)
{
    struct paths paths;
    struct qr_client_error ignored;
    if (find_paths(draft->name, &paths, &ignored) != QUIRE_OK) {
        return;
    }
    int folder = hold(&paths);
    if (folder < 0) {
        return;
    }
    bool kept = !take_in(draft, &paths) || write_draft(cli, draft) == QUIRE_OK;
    if (kept && !draft->detached) {
        remove_files(&paths);
    }
    close(folder);
}

static bool is_open(const struct qr_cli_draft *draft)
{
    struct paths paths;
    struct qr_client_error ignored;
    struct stat info;
    if (find_paths(draft->name, &paths, &ignored) != QUIRE_OK || stat(paths.folder.text, &info) != 0) {
        return false;
    }
    int folder = hold(&paths);
    if (folder >= 0) {
        close(folder);
    }
    return folder < 0;
}

/* ---- editing ---------------------------------------------------------------------------------- */

enum qr_cli_exit qr_cli_draft_begin(struct qr_cli *cli, struct qr_cli_draft *draft)
{
    enum quire_status status = qr_client_draft_name(cli->client, draft->name);
    draft->started_ms = wall_ms();
    if (status == QUIRE_OK && draft->text.size == 0) {
        status = quire_buffer_append(&draft->text, draft->before.data, draft->before.size);
    }
    if (status == QUIRE_OK) {
        status = write_draft(cli, draft);
    }
    return status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
}

struct session {
    struct qr_cli *cli;
    struct qr_cli_draft *draft;
    const struct paths *paths;
};

static void on_change(void *context)
{
    struct session *session = context;
    if (take_in(session->draft, session->paths)) {
        /* A failure is no harm yet: the file has it, and the end tries again. */
        enum quire_status ignored = write_draft(session->cli, session->draft);
        (void)ignored;
    }
}

static bool is_blank(const struct quire_buffer *text)
{
    for (size_t i = 0; i < text->size; i++) {
        if (strchr(" \t\r\n", text->data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

void qr_cli_draft_remove(struct qr_cli *cli, const struct qr_cli_draft *draft)
{
    struct paths paths;
    struct qr_client_error ignored;
    if (find_paths(draft->name, &paths, &ignored) == QUIRE_OK) {
        remove_files(&paths);
    }
    qr_client_draft_remove(cli->client, draft->name);
}

void qr_cli_draft_print_kept(struct qr_cli *cli)
{
    if (!cli->json) {
        fprintf(stderr, "  What you wrote is kept, encrypted: quire drafts\n");
    }
}

/* The editor is gone, and what it wrote is in draft->text: what is to be done with it? */
static enum qr_cli_exit judge(struct qr_cli *cli, struct qr_cli_draft *draft,
    enum qr_cli_editor_end end, uint64_t took_ms, bool *out_edited)
{
    bool changed = !same(&draft->text, &draft->before);
    char text[512];
    switch (end) {
    case QR_CLI_EDITOR_ABSENT:
        qr_cli_draft_remove(cli, draft);
        snprintf(text, sizeof text, "The editor (%.200s) cannot be started. Nothing was changed.",
            qr_cli_editor());
        qr_cli_error(cli, QUIRE_EIO, QR_CLI_FAILED, text, "Set EDITOR to one that is there.");
        return QR_CLI_FAILED;
    case QR_CLI_EDITOR_FAILED:
    case QR_CLI_EDITOR_STOPPED:
        snprintf(text, sizeof text, end == QR_CLI_EDITOR_FAILED
                ? "The editor (%.200s) ended with an error. Nothing was saved."
                : "This command was asked to end while the editor (%.200s) was open. Nothing was saved.",
            qr_cli_editor());
        qr_cli_error(cli, QUIRE_EIO, QR_CLI_FAILED, text, NULL);
        if (changed) {
            qr_cli_draft_print_kept(cli);
        } else {
            qr_cli_draft_remove(cli, draft);
        }
        return QR_CLI_FAILED;
    case QR_CLI_EDITOR_DONE:
        break;
    }
    if (!changed && took_ms < QUICK_MS) {
        draft->detached = true;
        enum quire_status status = write_draft(cli, draft);
        if (status != QUIRE_OK) {
            return qr_cli_failure(cli, status);
        }
        snprintf(text, sizeof text, "The editor (%.200s) came back at once, and nothing was written. "
            "Nothing was changed.", qr_cli_editor());
        qr_cli_error(cli, QUIRE_ESTATE, QR_CLI_FAILED, text,
            "If its window is still open, save there, then: quire drafts save\n"
            "  So that quire waits for it, set EDITOR with its option for that, as \"code --wait\" or "
            "\"gvim -f\".");
        return QR_CLI_FAILED;
    }
    if (!changed) {
        qr_cli_draft_remove(cli, draft);
        if (!cli->json) {
            fprintf(stderr, "Nothing was changed.\n");
        }
        return QR_CLI_DONE;
    }
    if (is_blank(&draft->text) && !is_blank(&draft->before) && !qr_cli_has(&cli->args, "allow-empty")) {
        qr_cli_draft_remove(cli, draft);
        qr_cli_error(cli, QUIRE_EINVALID, QR_CLI_FAILED,
            "The text came back empty, as from an editor that failed. Nothing was changed.",
            "To empty an entry: quire edit ENTRY --clear, or --allow-empty with the editor.");
        return QR_CLI_FAILED;
    }
    *out_edited = true;
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_draft_edit(struct qr_cli *cli, struct qr_cli_draft *draft, bool *out_edited)
{
    struct qr_client_error error = {""};
    struct paths paths;
    int folder = -1;
    *out_edited = false;
    enum quire_status status = find_paths(draft->name, &paths, &error);
    if (status == QUIRE_OK) {
        status = qr_client_make_folders(paths.folder.text, &error);
    }
    if (status == QUIRE_OK && (folder = hold(&paths)) < 0) {
        status = qr_client_fail(&error, QUIRE_ELOCKED, "This draft is open in an editor already.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_write_file(paths.file.text, quire_buffer_bytes(&draft->text), QR_CLIENT_ATOMIC,
            &error);
    }
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        if (folder >= 0) {
            close(folder);
        }
        return QR_CLI_FAILED;
    }
    draft->detached = false;
    struct session session = {cli, draft, &paths};
    struct qr_cli_editor_run run = {.path = paths.file.text, .on_change = on_change, .context = &session};
    enum qr_cli_editor_end end = qr_cli_editor_run(&run);
    bool kept = !take_in(draft, &paths) || write_draft(cli, draft) == QUIRE_OK;
    enum qr_cli_exit exit = judge(cli, draft, end, run.took_ms, out_edited);
    if (kept && !draft->detached) {
        remove_files(&paths); /* it is in the draft, which is durable */
    }
    close(folder);
    return exit;
}

/* ---- finding them again ----------------------------------------------------------------------- */

struct list {
    struct qr_cli_draft *items;
    size_t count, total;
};

static void list_finish(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        qr_cli_draft_finish(&list->items[i]);
    }
    free(list->items);
}

static int oldest_first(const void *left, const void *right)
{
    const struct qr_cli_draft *a = left, *b = right;
    return a->started_ms != b->started_ms ? (a->started_ms > b->started_ms) - (a->started_ms < b->started_ms)
                                          : strcmp(a->name, b->name);
}

/* Those that are in no editor now, with all that their editors wrote. One that does not open is left out. */
static enum quire_status list_drafts(struct qr_cli *cli, struct list *out_list)
{
    char (*names)[QR_CLIENT_SEALED_NAME] = calloc(QR_CLIENT_DRAFTS_MAX, sizeof *names);
    struct list list = {.items = calloc(QR_CLIENT_DRAFTS_MAX, sizeof *list.items)};
    size_t count = 0;
    enum quire_status status = names == NULL || list.items == NULL
        ? QUIRE_ENOMEM
        : qr_client_draft_list(cli->client, names, QR_CLIENT_DRAFTS_MAX, &count);
    list.total = count;
    for (size_t i = 0; status == QUIRE_OK && i < count && i < QR_CLIENT_DRAFTS_MAX; i++) {
        struct qr_cli_draft *draft = &list.items[list.count];
        if (read_draft(cli, names[i], draft) != QUIRE_OK) {
            continue;
        }
        if (is_open(draft)) {
            qr_cli_draft_finish(draft);
            continue;
        }
        absorb(cli, draft);
        bool unchanged = same(&draft->text, &draft->before);
        if (unchanged && wall_ms() - draft->started_ms > DETACHED_MS) {
            qr_cli_draft_remove(cli, draft);
        }
        if (unchanged) { /* its window has saved nothing yet */
            qr_cli_draft_finish(draft);
            continue;
        }
        list.count++;
    }
    free(names);
    if (status != QUIRE_OK) {
        list_finish(&list);
        return status;
    }
    qsort(list.items, list.count, sizeof *list.items, oldest_first);
    *out_list = list;
    return QUIRE_OK;
}

size_t qr_cli_draft_count(struct qr_cli *cli)
{
    struct list list = {0};
    if (list_drafts(cli, &list) != QUIRE_OK) {
        return 0;
    }
    size_t count = list.count;
    list_finish(&list);
    return count;
}

void qr_cli_draft_print_notice(struct qr_cli *cli)
{
    size_t count = cli->json ? 0 : qr_cli_draft_count(cli);
    if (count > 0) {
        fprintf(stderr, "%s%zu %s not saved yet: quire drafts%s\n", cli->error_colour ? "\x1b[33m" : "", count,
            count == 1 ? "draft is" : "drafts are", cli->error_colour ? "\x1b[0m" : "");
    }
}

/* The first line of a draft, short. */
static struct quire_bytes first_line(const struct qr_cli_draft *draft)
{
    struct quire_bytes line = quire_buffer_bytes(&draft->text);
    size_t size = 0, points = 0;
    while (size < line.size && line.data[size] != '\n' && points < LINE_POINTS) {
        size++;
        while (size < line.size && (line.data[size] & 0xc0) == 0x80) {
            size++;
        }
        points++;
    }
    return (struct quire_bytes){line.data, size};
}

enum qr_cli_exit qr_cli_draft_offer(struct qr_cli *cli, const uint8_t *entry,
    struct qr_cli_draft *out_draft, bool *out_found)
{
    struct list list = {0};
    *out_found = false;
    enum quire_status status = list_drafts(cli, &list);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    for (size_t i = list.count; i > 0 && !*out_found; i--) {
        struct qr_cli_draft *draft = &list.items[i - 1];
        bool fits = entry == NULL
            ? draft->is_new
            : !draft->is_new && memcmp(draft->entry, entry, QUIRE_ENTRY_SIZE) == 0;
        if (!fits) {
            continue;
        }
        char when[48];
        qr_cli_time_text(draft->started_ms, when);
        fprintf(stderr, "A draft of %s was not saved: ", when);
        qr_cli_print_name(stderr, first_line(draft));
        fputc('\n', stderr);
        if (!qr_cli_can_ask(cli)) {
            fprintf(stderr, "  To go on with it: quire drafts resume %.8s\n", draft->name);
            break;
        }
        if (!qr_cli_confirm("Go on with it?", true)) {
            break;
        }
        *out_draft = *draft;
        *draft = (struct qr_cli_draft){0};
        *out_found = true;
    }
    list_finish(&list);
    return QR_CLI_DONE;
}

/* ---- the command ------------------------------------------------------------------------------ */

static json_t *json_draft(const struct qr_cli_draft *draft)
{
    struct quire_bytes text = quire_buffer_bytes(&draft->text);
    json_t *shown = qr_client_text_valid(text, NULL) ? qr_cli_json_bytes(text) : json_null();
    return json_pack("{s:s, s:o, s:I, s:o}", "draft", draft->name, "entry",
        draft->is_new ? json_null() : qr_cli_json_id(draft->entry), "started_ms",
        (json_int_t)draft->started_ms, "text", shown);
}

static enum qr_cli_exit print_drafts(struct qr_cli *cli, const struct list *list)
{
    json_t *array = cli->json ? json_array() : NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct qr_cli_draft *draft = &list->items[i];
        char when[48], entry[33] = "new";
        if (cli->json) {
            json_array_append_new(array, json_draft(draft));
            continue;
        }
        qr_cli_time_text(draft->started_ms, when);
        if (!draft->is_new) {
            qr_cli_id_text(draft->entry, entry);
        }
        printf("%s%.8s%s  %s%s  %-8.8s%s  ", qr_cli_bold(cli), draft->name, qr_cli_plain(cli), qr_cli_dim(cli),
            when, entry, qr_cli_plain(cli));
        qr_cli_print_name(stdout, first_line(draft));
        fputc('\n', stdout);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "drafts", array));
    }
    if (list->total > QR_CLIENT_DRAFTS_MAX) {
        printf("… and %zu more, once some of these are saved or discarded.\n",
            list->total - QR_CLIENT_DRAFTS_MAX);
    }
    if (cli->terminal) {
        printf(list->count == 0 ? "There are no drafts.\n"
                                : "\nGo on with one, save it as it is, or throw it away:\n"
                                  "  quire drafts resume|save|discard [DRAFT]\n");
    }
    return QR_CLI_DONE;
}

/* The one that is named, or the only one. */
static struct qr_cli_draft *find_draft(struct qr_cli *cli, const struct list *list, enum qr_cli_exit *out_exit)
{
    const char *name = cli->args.operand_count > 1 ? cli->args.operands[1] : "";
    struct qr_cli_draft *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i].name, name, strlen(name)) == 0) {
            found = &list->items[i];
            count++;
        }
    }
    if (count == 1) {
        return found;
    }
    const char *text = list->count == 0 ? "There are no drafts."
        : count == 0                    ? "No draft has a name that begins so; nothing was changed."
        : name[0] == 0                  ? "There is more than one draft: say which."
                                        : "More than one draft has a name that begins so: give more of it.";
    enum quire_status status = count == 0 ? QUIRE_ENOTFOUND : QUIRE_ECONFLICT;
    qr_cli_error(cli, status, QR_CLI_FAILED, text, list->count == 0 ? NULL : "See: quire drafts");
    *out_exit = QR_CLI_FAILED;
    return NULL;
}

static enum qr_cli_exit act_on(struct qr_cli *cli, const char *verb, struct qr_cli_draft *draft)
{
    bool edited = true;
    if (strcmp(verb, "discard") == 0) {
        qr_cli_draft_remove(cli, draft);
        return cli->json ? qr_cli_print_json(cli, json_pack("{s:s}", "discarded", draft->name)) : QR_CLI_DONE;
    }
    enum qr_cli_exit exit =
        strcmp(verb, "resume") == 0 ? qr_cli_draft_edit(cli, draft, &edited) : QR_CLI_DONE;
    return exit == QR_CLI_DONE && edited ? qr_cli_save_draft(cli, draft) : exit;
}

enum qr_cli_exit qr_cli_drafts(struct qr_cli *cli)
{
    struct list list = {0};
    const char *verb = cli->args.operand_count > 0 ? cli->args.operands[0] : NULL;
    if (verb != NULL && strcmp(verb, "resume") != 0 && strcmp(verb, "save") != 0
        && strcmp(verb, "discard") != 0) {
        return qr_cli_usage(cli, "With a draft one can: resume, save, discard.");
    }
    enum qr_cli_exit exit = qr_cli_open(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    quire_client_close(cli->client); /* drafts lie beside it, and the editor may take long */
    enum quire_status status = list_drafts(cli, &list);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (verb == NULL) {
        exit = print_drafts(cli, &list);
    } else {
        struct qr_cli_draft *draft = find_draft(cli, &list, &exit);
        exit = draft != NULL ? act_on(cli, verb, draft) : exit;
    }
    list_finish(&list);
    return exit;
}
