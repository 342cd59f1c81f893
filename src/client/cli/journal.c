/*
 * Entries: write, edit.
 */
#define _GNU_SOURCE
#include "client/cli/journals.h"
#include "client/cli/draft.h"
#include "client/cli/emotions.h"
#include "client/files.h"
#include <string.h>
#include <unistd.h>

static enum qr_cli_exit input_failure(struct qr_cli *cli, enum quire_status status)
{
    char text[128];
    if (status == QUIRE_ELIMIT) {
        snprintf(text, sizeof text,
            "The text is longer than %d bytes, which is what an entry holds. "
            "Nothing was changed.",
            QUIRE_TEXT_MAX);
    } else {
        snprintf(text, sizeof text, "Standard input cannot be read. Nothing was changed.");
    }
    qr_cli_error(cli, status, QR_CLI_FAILED, text, NULL);
    return QR_CLI_FAILED;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static enum quire_status set_number(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_register field, int64_t number)
{
    struct quire_value value = {.number = number};
    return quire_document_set_register(document, stamp, field, &value);
}

/* What an option needs besides being there, checked before anything is edited. */
static enum qr_cli_exit check_option(struct qr_cli *cli, const struct qr_cli_given *given)
{
    const char *name = given->option->name;
    int64_t number = 0, count = 0;
    size_t size = 0;
    if (strcmp(name, "mood") == 0 && !qr_cli_number(given->values[0], 0, QUIRE_MOOD_MAX, &number)) {
        return qr_cli_usage(cli, "--mood takes a whole number, 0 to %d.", QUIRE_MOOD_MAX);
    }
    char error[256];
    if (strcmp(name, "date") == 0
        && !qr_cli_moment(given->values[0], &number, error, sizeof error)) {
        return qr_cli_usage(cli, "%s", error);
    }
    if (strcmp(name, "emotion") == 0
        && !qr_cli_pair(given->values[0], 0, QUIRE_INTENSITY_MAX, &size, &number)) {
        return qr_cli_usage(cli, "--emotion takes a name and an intensity, as in joy=70 (0 to %d).",
            QUIRE_INTENSITY_MAX);
    }
    if (strcmp(name, "insert") == 0
        && !qr_cli_number(given->values[0], 0, QUIRE_TEXT_MAX, &number)) {
        return qr_cli_usage(cli, "--insert takes a position and a text.");
    }
    if (strcmp(name, "erase") == 0
        && (!qr_cli_number(given->values[0], 0, QUIRE_TEXT_MAX, &number)
            || !qr_cli_number(given->values[1], 1, QUIRE_TEXT_MAX, &count))) {
        return qr_cli_usage(cli, "--erase takes a position and a count of at least 1.");
    }
    return QR_CLI_DONE;
}

static enum qr_cli_exit check_options(struct qr_cli *cli)
{
    enum qr_cli_exit exit = QR_CLI_DONE;
    for (size_t i = 0; exit == QR_CLI_DONE && i < cli->args.given_count; i++) {
        exit = check_option(cli, &cli->args.given[i]);
    }
    return exit;
}

/* One option that changes an entry; options that name no change are ignored. Its values passed check_option. */
static enum quire_status apply_option(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_cli_given *given)
{
    const char *name = given->option->name;
    struct quire_bytes text =
        given->values[0] != NULL ? quire_bytes_of_text(given->values[0]) : (struct quire_bytes){0};
    int64_t number = 0, count = 0;
    size_t size = 0;
    if (strcmp(name, "title") == 0) {
        struct quire_value value = {.text = text};
        return quire_document_set_register(document, stamp, QUIRE_REGISTER_TITLE, &value);
    }
    char error[256];
    if (strcmp(name, "date") == 0
        && qr_cli_moment(given->values[0], &number, error, sizeof error)) {
        return set_number(document, stamp, QUIRE_REGISTER_DATE, number);
    }
    if (strcmp(name, "mood") == 0 && qr_cli_number(given->values[0], 0, QUIRE_MOOD_MAX, &number)) {
        return set_number(document, stamp, QUIRE_REGISTER_MOOD, number);
    }
    if (strcmp(name, "tag") == 0) {
        return quire_document_add_element(document, stamp, QUIRE_SET_TAGS, text, 0);
    }
    if (strcmp(name, "journal") == 0) {
        return qr_cli_journal_set(document, stamp, given->values[0]);
    }
    if (strcmp(name, "untag") == 0) {
        return quire_document_remove_element(document, stamp, QUIRE_SET_TAGS, text);
    }
    if (strcmp(name, "emotion") == 0
        && qr_cli_pair(given->values[0], 0, QUIRE_INTENSITY_MAX, &size, &number)) {
        text.size = size;
        return quire_document_add_element(document, stamp, QUIRE_SET_EMOTIONS, text, number);
    }
    if (strcmp(name, "unemotion") == 0) {
        return quire_document_remove_element(document, stamp, QUIRE_SET_EMOTIONS, text);
    }
    if (strcmp(name, "no-title") == 0) {
        return quire_document_clear_register(document, stamp, QUIRE_REGISTER_TITLE);
    }
    if (strcmp(name, "no-date") == 0) {
        return quire_document_clear_register(document, stamp, QUIRE_REGISTER_DATE);
    }
    if (strcmp(name, "no-mood") == 0) {
        return quire_document_clear_register(document, stamp, QUIRE_REGISTER_MOOD);
    }
    if (strcmp(name, "insert") == 0
        && qr_cli_number(given->values[0], 0, QUIRE_TEXT_MAX, &number)) {
        return quire_document_insert(
            document, stamp, (size_t)number, quire_bytes_of_text(given->values[1]));
    }
    if (strcmp(name, "erase") == 0 && qr_cli_number(given->values[0], 0, QUIRE_TEXT_MAX, &number)
        && qr_cli_number(given->values[1], 1, QUIRE_TEXT_MAX, &count)) {
        return quire_document_erase(document, stamp, (size_t)number, (size_t)count);
    }
    if (strcmp(name, "clear") == 0) {
        size_t length = quire_document_text_length(document);
        return length == 0 ? QUIRE_OK : quire_document_erase(document, stamp, 0, length);
    }
    return QUIRE_OK;
}

static bool changes_entry(const struct qr_cli_given *given)
{
    static const char *const names[] = {"title", "date", "mood", "journal", "tag", "untag",
        "emotion", "unemotion", "no-title", "no-date", "no-mood", "insert", "erase", "clear"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(given->option->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* All options in their order; the first that fails ends it, and nothing was saved. */
static enum qr_cli_exit apply_options(struct qr_cli *cli, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    struct quire_document *document = NULL;
    enum quire_status status = quire_client_document(cli->client, entry, true, &document);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    struct quire_stamp stamp = quire_client_stamp(cli->client);
    for (size_t i = 0; i < cli->args.given_count; i++) {
        const struct qr_cli_given *given = &cli->args.given[i];
        status = apply_option(document, &stamp, given);
        if (status != QUIRE_OK) {
            char text[256];
            const char *why = status == QUIRE_EINVALID
                ? "it is outside of the text, empty or not UTF-8"
                : status == QUIRE_ELIMIT ? "it is too long, or there are too many"
                                         : quire_status_text(status);
            snprintf(text, sizeof text, "--%s %.60s cannot be done: %s. Nothing was changed.",
                given->option->name, given->values[0] != NULL ? given->values[0] : "", why);
            qr_cli_error(cli, status, QR_CLI_USAGE, text, NULL);
            return QR_CLI_USAGE;
        }
    }
    return QR_CLI_DONE;
}

static enum qr_cli_exit save(struct qr_cli *cli, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    enum quire_status status = quire_client_save(cli->client, entry);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "entry", qr_cli_json_id(entry)));
    }
    char id[33];
    qr_cli_id_text(entry, id);
    printf("%s\n", id);
    return QR_CLI_DONE;
}

/* ---- write ----------------------------------------------------------------------------------- */

static bool has_changes(const struct qr_cli_args *args)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (changes_entry(&args->given[i])) {
            return true;
        }
    }
    return false;
}

/* Text on standard input without `-` is not read, for it may be a loop's; nor is it passed over. */
static enum qr_cli_exit refuse_input(struct qr_cli *cli)
{
    return qr_cli_usage(cli,
        "Standard input may hold a text, and it is not clear what it is for. "
        "To take it: add \"-\". To leave it alone: < /dev/null. Nothing was changed.");
}

static void wipe(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_client_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

static enum quire_status join_operands(
    const struct qr_cli_args *args, struct quire_buffer *out_text)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < args->operand_count; i++) {
        if (i > 0) {
            status = quire_buffer_append(out_text, " ", 1);
        }
        if (status == QUIRE_OK) {
            status = quire_buffer_append(out_text, args->operands[i], strlen(args->operands[i]));
        }
    }
    return status;
}

static enum qr_cli_exit make_entry(struct qr_cli *cli, struct quire_bytes text)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    if (text.size == 0 && !has_changes(&cli->args)) {
        return qr_cli_usage(cli, "There is nothing to write: the text is empty.");
    }
    enum quire_status status = QUIRE_OK;
    enum qr_cli_exit exit = QR_CLI_DONE;
    if (cli->client == NULL) {
        exit = qr_cli_open_to_write(cli);
    } else {
        status =
            quire_client_open_to_write(cli->client); /* it was closed while the editor was open */
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    if (status == QUIRE_OK) {
        status = quire_client_new_entry(cli->client, entry);
    }
    if (status == QUIRE_OK) {
        status = quire_client_edit_text(cli->client, entry, text);
    }
    if (status == QUIRE_OK && !qr_cli_has(&cli->args, "date")) {
        struct quire_document *document = NULL;
        struct quire_stamp stamp = quire_client_stamp(cli->client);
        status = quire_client_document(cli->client, entry, true, &document);
        if (status == QUIRE_OK) {
            status = set_number(document, &stamp, QUIRE_REGISTER_DATE, qr_cli_local_now());
        }
    }
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    exit = apply_options(cli, entry);
    exit = exit == QR_CLI_DONE ? save(cli, entry) : exit;
    if (exit == QR_CLI_DONE) {
        qr_cli_offer_emotions(cli, entry, text);
    }
    return exit;
}

/* The options that a draft of a new entry was begun with, for when it is saved. */
static enum quire_status pack_options(
    const struct qr_cli_args *args, struct quire_buffer *out_options)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < args->given_count; i++) {
        const struct qr_cli_given *given = &args->given[i];
        if (!changes_entry(given)) {
            continue;
        }
        status = quire_buffer_append(out_options, "--", 2);
        if (status == QUIRE_OK) {
            status = quire_buffer_append(
                out_options, given->option->name, strlen(given->option->name) + 1);
        }
        for (size_t j = 0; status == QUIRE_OK && j < QR_CLI_VALUES_MAX && given->values[j] != NULL;
             j++) {
            status =
                quire_buffer_append(out_options, given->values[j], strlen(given->values[j]) + 1);
        }
    }
    return status;
}

/* Reads them again, as on the command line of `write`; they borrow from the draft. */
static enum qr_cli_exit unpack_options(struct qr_cli *cli, struct quire_buffer *options)
{
    char *arguments[QR_CLI_GIVEN_MAX];
    char error[256];
    int count = 0, used = 0;
    for (size_t i = 0; i < options->size && count < QR_CLI_GIVEN_MAX;) {
        arguments[count] = (char *)options->data + i;
        i += strlen(arguments[count++]) + 1;
    }
    enum quire_status status = qr_cli_parse(qr_cli_find_command("write")->options, NULL, count,
        arguments, false, &cli->args, &used, error, sizeof error);
    return status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
}

static enum qr_cli_exit write_in_editor(struct qr_cli *cli)
{
    struct qr_cli_draft draft = {.is_new = true};
    bool found = false, edited = false;
    /* Before anybody writes a page: is there a journal to put it into? Closed again meanwhile. */
    enum qr_cli_exit exit = qr_cli_open_to_write(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    quire_client_close(cli->client);
    exit = qr_cli_draft_offer(cli, NULL, &draft, &found);
    if (exit == QR_CLI_DONE && !found) {
        draft.is_new = true;
        exit = pack_options(&cli->args, &draft.options) == QUIRE_OK
            ? qr_cli_draft_begin(cli, &draft)
            : qr_cli_no_memory(cli);
    }
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_draft_edit(cli, &draft, &edited);
    }
    if (exit == QR_CLI_DONE && edited) {
        exit = make_entry(cli, quire_buffer_bytes(&draft.text));
        if (exit == QR_CLI_DONE) {
            qr_cli_draft_remove(cli, &draft);
        } else {
            qr_cli_draft_print_kept(cli);
        }
    }
    qr_cli_draft_finish(&draft);
    return exit;
}

enum qr_cli_exit qr_cli_write(struct qr_cli *cli)
{
    struct quire_buffer text = {0};
    bool dash = cli->args.operand_count == 1 && strcmp(cli->args.operands[0], "-") == 0;
    bool on_line = cli->args.operand_count > 0 && !dash;
    enum qr_cli_exit exit = check_options(cli);
    if (exit == QR_CLI_DONE && cli->args.operand_count == 0 && isatty(STDIN_FILENO)) {
        return write_in_editor(cli);
    }
    if (exit == QR_CLI_DONE && on_line && join_operands(&cli->args, &text) != QUIRE_OK) {
        exit = qr_cli_no_memory(cli);
    } else if (exit == QR_CLI_DONE && !on_line && !dash && has_changes(&cli->args)) {
        exit = qr_cli_input_is_unread() ? refuse_input(cli) : QR_CLI_DONE;
    } else if (exit == QR_CLI_DONE && !on_line) {
        enum quire_status status = qr_cli_read_input(QUIRE_TEXT_MAX, &text);
        exit = status == QUIRE_OK ? QR_CLI_DONE : input_failure(cli, status);
    }
    if (exit == QR_CLI_DONE) {
        exit = make_entry(cli, quire_buffer_bytes(&text));
    }
    wipe(&text);
    return exit;
}

/* ---- append ---------------------------------------------------------------------------------- */

/* On a line of its own at the end. */
static enum quire_status append_text(
    struct qr_cli *cli, const uint8_t *entry, struct quire_bytes text)
{
    struct quire_document *document = NULL;
    struct quire_buffer present = {0};
    enum quire_status status = quire_client_begin_version(cli->client, entry);
    if (status == QUIRE_OK) {
        status = quire_client_document(cli->client, entry, false, &document);
    }
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &present);
    }
    if (status == QUIRE_OK && present.size > 0 && present.data[present.size - 1] != '\n') {
        status = quire_buffer_append(&present, "\n", 1);
    }
    if (status == QUIRE_OK) {
        status = quire_buffer_append(&present, text.data, text.size);
    }
    if (status == QUIRE_OK) {
        status = quire_client_edit_text(cli->client, entry, quire_buffer_bytes(&present));
    }
    wipe(&present);
    return status;
}

enum qr_cli_exit qr_cli_append(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_buffer text = {0};
    bool dash = cli->args.operand_count == 1 && strcmp(cli->args.operands[0], "-") == 0;
    enum quire_status status = QUIRE_OK;
    if (cli->args.operand_count == 0 && !qr_cli_input_is_text()) {
        return qr_cli_usage(
            cli, "What is to be added? For example: quire append \"Home at last.\"");
    }
    status = cli->args.operand_count > 0 && !dash ? join_operands(&cli->args, &text)
                                                  : qr_cli_read_input(QUIRE_TEXT_MAX, &text);
    enum qr_cli_exit exit = status != QUIRE_OK ? input_failure(cli, status)
        : text.size == 0 ? qr_cli_usage(cli, "There is nothing to add: the text is empty.")
                         : qr_cli_open_to_write(cli);
    if (exit == QR_CLI_DONE) {
        status = qr_cli_find_today(cli, entry);
        if (status == QUIRE_ENOTFOUND) {
            quire_client_close(cli->client);
            exit = make_entry(cli, quire_buffer_bytes(&text));
        } else {
            status =
                status == QUIRE_OK ? append_text(cli, entry, quire_buffer_bytes(&text)) : status;
            exit = status == QUIRE_OK ? save(cli, entry) : qr_cli_failure(cli, status);
        }
    }
    wipe(&text);
    return exit;
}

/* ---- edit ------------------------------------------------------------------------------------ */

/* What was written since the draft's snapshot joins the entry as it is now. */
static enum qr_cli_exit merge_draft(struct qr_cli *cli, const struct qr_cli_draft *draft)
{
    enum quire_status status = quire_client_open_to_write(cli->client);
    if (status == QUIRE_OK) {
        status = quire_client_begin_version(cli->client, draft->entry);
    }
    if (status == QUIRE_OK) {
        status = quire_client_edit_text_since(cli->client, draft->entry,
            quire_buffer_bytes(&draft->snapshot), quire_buffer_bytes(&draft->text));
    }
    return status == QUIRE_OK ? save(cli, draft->entry) : qr_cli_failure(cli, status);
}

enum qr_cli_exit qr_cli_save_draft(struct qr_cli *cli, struct qr_cli_draft *draft)
{
    enum qr_cli_exit exit = QR_CLI_DONE;
    if (draft->is_new) {
        exit = unpack_options(cli, &draft->options);
        exit = exit == QR_CLI_DONE ? make_entry(cli, quire_buffer_bytes(&draft->text)) : exit;
    } else {
        exit = merge_draft(cli, draft);
    }
    if (exit == QR_CLI_DONE) {
        qr_cli_draft_remove(cli, draft);
    } else {
        qr_cli_draft_print_kept(cli);
    }
    return exit;
}

static enum qr_cli_exit begin_draft(
    struct qr_cli *cli, const uint8_t entry[QUIRE_ENTRY_SIZE], struct qr_cli_draft *draft)
{
    struct quire_document *document = NULL;
    memcpy(draft->entry, entry, sizeof draft->entry);
    enum quire_status status = quire_client_document(cli->client, entry, false, &document);
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &draft->before);
    }
    if (status == QUIRE_OK) {
        status = quire_client_snapshot(cli->client, entry, &draft->snapshot);
    }
    return status == QUIRE_OK ? qr_cli_draft_begin(cli, draft) : qr_cli_failure(cli, status);
}

/* The profile is closed while the editor is open, so that sync and other commands may go on. */
static enum qr_cli_exit edit_in_editor(struct qr_cli *cli, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    struct qr_cli_draft draft = {0};
    bool found = false, edited = false;
    enum qr_cli_exit exit = qr_cli_draft_offer(cli, entry, &draft, &found);
    if (exit == QR_CLI_DONE && !found) {
        exit = begin_draft(cli, entry, &draft);
    }
    quire_client_close(cli->client);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_draft_edit(cli, &draft, &edited);
    }
    if (exit == QR_CLI_DONE && edited) {
        exit = qr_cli_save_draft(cli, &draft);
    }
    qr_cli_draft_finish(&draft);
    return exit;
}

static enum qr_cli_exit edit_here(struct qr_cli *cli, const uint8_t entry[QUIRE_ENTRY_SIZE],
    bool from_input, struct quire_bytes text)
{
    enum quire_status status = quire_client_begin_version(cli->client, entry);
    if (status == QUIRE_OK && from_input) {
        status = quire_client_edit_text(cli->client, entry, text);
    }
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    enum qr_cli_exit exit = apply_options(cli, entry);
    return exit == QR_CLI_DONE ? save(cli, entry) : exit;
}

/* Standard input is read before the profile is opened: other processes need not wait for a slow pipe. */
static enum qr_cli_exit read_new_text(struct qr_cli *cli, struct quire_buffer *out_text)
{
    enum quire_status status = qr_cli_read_input(QUIRE_TEXT_MAX, out_text);
    if (status != QUIRE_OK) {
        return input_failure(cli, status);
    }
    if (out_text->size == 0 && !qr_cli_has(&cli->args, "allow-empty")) {
        return qr_cli_usage(
            cli, "Standard input is empty, so nothing was changed; --clear takes the text away.");
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_do_edit(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_buffer text = {0};
    bool dash = cli->args.operand_count == 2;
    if (dash && strcmp(cli->args.operands[1], "-") != 0) {
        return qr_cli_usage(cli,
            "After the entry only \"-\" may stand: the text comes through a pipe or an editor.");
    }
    bool fields = has_changes(&cli->args);
    bool in_editor = !fields && !dash && isatty(STDIN_FILENO);
    bool from_input = !in_editor && (dash || !fields);
    enum qr_cli_exit exit = check_options(cli);
    if (exit == QR_CLI_DONE && from_input) {
        exit = read_new_text(cli, &text);
    } else if (exit == QR_CLI_DONE && fields && qr_cli_input_is_unread()) {
        exit = refuse_input(cli);
    }
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open_to_write(cli);
    }
    if (exit == QR_CLI_DONE) {
        enum quire_status status = qr_cli_find_entry(cli, cli->args.operands[0], entry);
        exit = status != QUIRE_OK ? qr_cli_failure(cli, status)
            : in_editor           ? edit_in_editor(cli, entry)
                                  : edit_here(cli, entry, from_input, quire_buffer_bytes(&text));
    }
    wipe(&text);
    return exit;
}
