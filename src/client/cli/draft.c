/*
 * One draft: on the disk, in the editor, and what becomes of it.
 */
#define _GNU_SOURCE
#include "client/cli/draft.h"
#include "client/cli/editor.h"
#include "client/runtime.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUICK_MS 1500 /* an editor that changes nothing in so short a time has perhaps only begun */

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

static enum quire_status add_part(
    struct quire_buffer *buffer, char tag, const void *data, uint64_t size)
{
    enum quire_status status = quire_buffer_append(buffer, &tag, 1);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(buffer, &size, sizeof size);
    }
    return status == QUIRE_OK && size > 0 ? quire_buffer_append(buffer, data, (size_t)size)
                                          : status;
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
        {'b', draft->before.data, draft->before.size},
        {'s', draft->snapshot.data, draft->snapshot.size},
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
        flags = bytes.size > 0 ? bytes.data[0] : 0;
        draft->is_new = flags & 1;
        draft->detached = (flags & 2) != 0;
        return QUIRE_OK;
    case 'e':
        memcpy(draft->entry, bytes.data,
            bytes.size < QUIRE_ENTRY_SIZE ? bytes.size : QUIRE_ENTRY_SIZE);
        return QUIRE_OK;
    case 'w':
        memcpy(&draft->started_ms, bytes.data, bytes.size < 8 ? bytes.size : 8);
        return QUIRE_OK;
    case 'b': return quire_buffer_append(&draft->before, bytes.data, bytes.size);
    case 's': return quire_buffer_append(&draft->snapshot, bytes.data, bytes.size);
    case 't': return quire_buffer_append(&draft->text, bytes.data, bytes.size);
    case 'o': return quire_buffer_append(&draft->options, bytes.data, bytes.size);
    default: return QUIRE_OK; /* of a later version */
    }
}

enum quire_status qr_cli_draft_read(
    struct qr_cli *cli, const char *name, struct qr_cli_draft *out_draft)
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
            status =
                read_part(&draft, tag, (struct quire_bytes){content.data + offset, (size_t)size});
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

static enum quire_status find_paths(
    const char *name, struct paths *out_paths, struct qr_client_error *error)
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

bool qr_cli_draft_is_changed(const struct qr_cli_draft *draft)
{
    return !same(&draft->text, &draft->before);
}

/* Reads what the editor wrote; true: it is something else than before, and in draft->text now. */
static bool take_in(struct qr_cli_draft *draft, const struct paths *paths)
{
    struct qr_client_error ignored;
    struct quire_buffer written = {0};
    bool differs = false;
    if (qr_client_read_file(paths->file.text, QR_CLIENT_SEALED_MAX / 2, &written, &ignored)
            == QUIRE_OK
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
void qr_cli_draft_absorb(struct qr_cli *cli, struct qr_cli_draft *draft)
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

bool qr_cli_draft_is_open(const struct qr_cli_draft *draft)
{
    struct paths paths;
    struct qr_client_error ignored;
    struct stat info;
    if (find_paths(draft->name, &paths, &ignored) != QUIRE_OK
        || stat(paths.folder.text, &info) != 0) {
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
    draft->started_ms = qr_cli_wall_ms();
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
    bool changed = qr_cli_draft_is_changed(draft);
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
        snprintf(text, sizeof text,
            end == QR_CLI_EDITOR_FAILED
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
    case QR_CLI_EDITOR_DONE: break;
    }
    if (!changed && took_ms < QUICK_MS) {
        draft->detached = true;
        enum quire_status status = write_draft(cli, draft);
        if (status != QUIRE_OK) {
            return qr_cli_failure(cli, status);
        }
        snprintf(text, sizeof text,
            "The editor (%.200s) came back at once, and nothing was written. "
            "Nothing was changed.",
            qr_cli_editor());
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
    if (is_blank(&draft->text) && !is_blank(&draft->before)
        && !qr_cli_has(&cli->args, "allow-empty")) {
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
        status = qr_client_write_file(
            paths.file.text, quire_buffer_bytes(&draft->text), QR_CLIENT_ATOMIC, &error);
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
    struct qr_cli_editor_run run = {
        .path = paths.file.text, .on_change = on_change, .context = &session};
    enum qr_cli_editor_end end = qr_cli_editor_run(&run);
    bool kept = !take_in(draft, &paths) || write_draft(cli, draft) == QUIRE_OK;
    enum qr_cli_exit exit = judge(cli, draft, end, run.took_ms, out_edited);
    if (kept && !draft->detached) {
        remove_files(&paths); /* it is in the draft, which is durable */
    }
    close(folder);
    return exit;
}
