/*
 * Reading: show, list.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include "client/files.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- show ------------------------------------------------------------------------------------ */

static json_t *json_value(enum quire_register field, const struct quire_value *value)
{
    return field == QUIRE_REGISTER_TITLE ? qr_cli_json_bytes(value->text)
                                         : json_integer(value->number);
}

static void add_register(json_t *object, const struct quire_document *document,
    enum quire_register field, const char *name)
{
    struct quire_value value;
    json_t *others = json_array();
    char others_name[32];
    snprintf(others_name, sizeof others_name, "also_%s", name);
    json_object_set_new(object, name,
        quire_document_register(document, field, 0, &value) == QUIRE_OK ? json_value(field, &value)
                                                                        : json_null());
    for (size_t i = 1; quire_document_register(document, field, i, &value) == QUIRE_OK; i++) {
        json_array_append_new(others, json_value(field, &value));
    }
    if (json_array_size(others) > 0) {
        json_object_set_new(object, others_name, others);
    } else {
        json_decref(others);
    }
}

static json_t *json_document(const uint8_t *entry, const struct quire_document *document,
    struct quire_bytes text)
{
    uint8_t digest[32];
    char digest_text[65];
    struct quire_element element;
    json_t *object = json_object(), *tags = json_array(), *emotions = json_object();
    json_object_set_new(object, "entry", qr_cli_json_id(entry));
    add_register(object, document, QUIRE_REGISTER_TITLE, "title");
    add_register(object, document, QUIRE_REGISTER_DATE, "date");
    add_register(object, document, QUIRE_REGISTER_MOOD, "mood");
    for (size_t i = 0;
         quire_document_set_element(document, QUIRE_SET_TAGS, i, &element) == QUIRE_OK; i++) {
        json_array_append_new(tags, qr_cli_json_bytes(element.name));
    }
    for (size_t i = 0;
         quire_document_set_element(document, QUIRE_SET_EMOTIONS, i, &element) == QUIRE_OK; i++) {
        char name[QUIRE_ELEMENT_MAX + 1];
        memcpy(name, element.name.data, element.name.size);
        name[element.name.size] = 0;
        json_object_set_new(emotions, name, json_integer(element.value));
    }
    json_object_set_new(object, "tags", tags);
    json_object_set_new(object, "emotions", emotions);
    json_object_set_new(object, "deleted", json_boolean(quire_document_deleted(document)));
    json_object_set_new(object, "length",
        json_integer((json_int_t)quire_document_text_length(document)));
    json_object_set_new(object, "text", qr_cli_json_bytes(text));
    if (quire_document_digest(document, digest) == QUIRE_OK) {
        for (size_t i = 0; i < sizeof digest; i++) {
            snprintf(digest_text + 2 * i, 3, "%02x", digest[i]);
        }
        json_object_set_new(object, "digest", json_string(digest_text));
    }
    return object;
}

static void print_value(const struct qr_cli *cli, enum quire_register field,
    const struct quire_value *value)
{
    char date[48];
    if (field == QUIRE_REGISTER_TITLE) {
        qr_cli_print_text(cli, stdout, value->text);
    } else if (field == QUIRE_REGISTER_DATE) {
        qr_cli_date_text(value->number, date);
        fputs(date, stdout);
    } else {
        printf("%" PRId64, value->number);
    }
}

static void print_register(const struct qr_cli *cli, const struct quire_document *document,
    enum quire_register field, const char *name)
{
    struct quire_value value;
    for (size_t i = 0; quire_document_register(document, field, i, &value) == QUIRE_OK; i++) {
        printf("%s%s%s ", qr_cli_dim(cli), i == 0 ? name : "also wrote", qr_cli_plain(cli));
        print_value(cli, field, &value);
        fputc('\n', stdout);
    }
}

static void print_set(const struct qr_cli *cli, const struct quire_document *document,
    enum quire_set set, const char *name)
{
    struct quire_element element;
    if (quire_document_set_count(document, set) == 0) {
        return;
    }
    printf("%s%s%s ", qr_cli_dim(cli), name, qr_cli_plain(cli));
    for (size_t i = 0; quire_document_set_element(document, set, i, &element) == QUIRE_OK; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        qr_cli_print_text(cli, stdout, element.name);
        if (set == QUIRE_SET_EMOTIONS) {
            printf(" %" PRId64, element.value);
        }
    }
    fputc('\n', stdout);
}

static void print_document(const struct qr_cli *cli, const struct quire_document *document,
    const uint8_t *entry, struct quire_bytes text)
{
    char id[33];
    qr_cli_id_text(entry, id);
    printf("%sentry%s %s%s\n", qr_cli_dim(cli), qr_cli_plain(cli), id,
        quire_document_deleted(document) ? " (deleted)" : "");
    print_register(cli, document, QUIRE_REGISTER_TITLE, "title");
    print_register(cli, document, QUIRE_REGISTER_DATE, "date");
    print_register(cli, document, QUIRE_REGISTER_MOOD, "mood");
    print_set(cli, document, QUIRE_SET_TAGS, "tags");
    print_set(cli, document, QUIRE_SET_EMOTIONS, "emotions");
    fputc('\n', stdout);
    qr_cli_print_text(cli, stdout, text);
    if (text.size > 0 && text.data[text.size - 1] != '\n') {
        fputc('\n', stdout);
    }
}

enum qr_cli_exit qr_cli_show(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document = NULL;
    struct quire_buffer buffer = {0};
    enum qr_cli_exit exit = qr_cli_open(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_find_entry(cli->client, cli->args.operands[0], entry);
    if (status == QUIRE_OK) {
        status = quire_client_document(cli->client, entry, false, &document);
    }
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &buffer);
    }
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    struct quire_bytes text = quire_buffer_bytes(&buffer);
    if (cli->json) {
        exit = qr_cli_print_json(cli, json_document(entry, document, text));
    } else if (qr_cli_has(&cli->args, "text")) {
        if (text.size > 0) {
            fwrite(text.data, 1, text.size, stdout);
        }
    } else {
        print_document(cli, document, entry, text);
    }
    if (buffer.data != NULL) {
        qr_client_wipe(buffer.data, buffer.capacity);
    }
    quire_buffer_finish(&buffer);
    return exit;
}

/* ---- list ------------------------------------------------------------------------------------ */

struct row {
    uint8_t entry[QUIRE_ENTRY_SIZE];
    char *line; /* title, else excerpt */
    size_t line_size;
    bool titled, has_date, has_mood, deleted, unsealed;
    int64_t date, mood, changed_ms;
    uint64_t length;
};

struct rows {
    struct row *items;
    size_t count, capacity;
    bool all, failed;
};

static bool keep_row(void *context, const struct quire_summary *summary)
{
    struct rows *rows = context;
    if (summary->deleted && !rows->all) {
        return true;
    }
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 64 : rows->capacity * 2;
        struct row *items = realloc(rows->items, capacity * sizeof *items);
        if (items == NULL) {
            rows->failed = true;
            return false;
        }
        rows->items = items;
        rows->capacity = capacity;
    }
    bool titled = summary->title.size > 0;
    struct quire_bytes line = titled ? summary->title : summary->excerpt;
    struct row row = {.titled = titled, .has_date = summary->has_date,
        .has_mood = summary->has_mood, .deleted = summary->deleted, .unsealed = summary->unsealed,
        .date = summary->date, .mood = summary->mood, .changed_ms = summary->changed_wall_ms,
        .length = summary->text_length, .line = malloc(line.size + 1), .line_size = line.size};
    if (row.line == NULL) {
        rows->failed = true;
        return false;
    }
    if (line.size > 0) {
        memcpy(row.line, line.data, line.size);
    }
    memcpy(row.entry, summary->entry, sizeof row.entry);
    rows->items[rows->count++] = row;
    return true;
}

static int newest_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    int64_t when_a = a->has_date ? a->date : a->changed_ms;
    int64_t when_b = b->has_date ? b->date : b->changed_ms;
    if (when_a != when_b) {
        return when_a > when_b ? -1 : 1;
    }
    if (a->changed_ms != b->changed_ms) {
        return a->changed_ms > b->changed_ms ? -1 : 1;
    }
    return memcmp(a->entry, b->entry, sizeof a->entry);
}

static void print_row(const struct qr_cli *cli, const struct row *row)
{
    char id[33], date[48] = "";
    qr_cli_id_text(row->entry, id);
    if (row->has_date) {
        qr_cli_date_text(row->date, date);
    }
    printf("%s%.8s%s  %s%-16s%s  ", qr_cli_bold(cli), id, qr_cli_plain(cli), qr_cli_dim(cli), date,
        qr_cli_plain(cli));
    qr_cli_print_text(cli, stdout,
        (struct quire_bytes){(const uint8_t *)row->line, row->line_size});
    printf("%s%s%s%s\n", row->deleted ? "  (deleted)" : "", row->unsealed ? qr_cli_warn(cli) : "",
        row->unsealed ? "  (not sent yet)" : "", row->unsealed ? qr_cli_plain(cli) : "");
}

static json_t *json_row(const struct row *row)
{
    struct quire_bytes line = {(const uint8_t *)row->line, row->line_size};
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:I}", "entry",
        qr_cli_json_id(row->entry), "title", row->titled ? qr_cli_json_bytes(line) : json_null(),
        "excerpt", row->titled ? json_null() : qr_cli_json_bytes(line), "date",
        row->has_date ? json_integer(row->date) : json_null(), "mood",
        row->has_mood ? json_integer(row->mood) : json_null(), "length", (json_int_t)row->length,
        "deleted", (int)row->deleted, "unsealed", (int)row->unsealed, "changed_ms",
        (json_int_t)row->changed_ms);
}

enum qr_cli_exit qr_cli_list(struct qr_cli *cli)
{
    int64_t limit = INT64_MAX;
    const char *limit_text = qr_cli_value(&cli->args, "limit");
    struct rows rows = {.all = qr_cli_has(&cli->args, "all")};
    if (limit_text != NULL && !qr_cli_number(limit_text, 1, INT64_MAX, &limit)) {
        return qr_cli_usage(cli, "--limit takes a whole number of at least 1.");
    }
    enum qr_cli_exit exit = qr_cli_open(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    json_t *array = cli->json ? json_array() : NULL;
    enum quire_status status = quire_client_each_entry(cli->client, keep_row, &rows);
    if (status == QUIRE_OK && rows.failed) {
        status = QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK) {
        if (rows.count > 0) {
            qsort(rows.items, rows.count, sizeof *rows.items, newest_first);
        }
        for (size_t i = 0; i < rows.count && (int64_t)i < limit; i++) {
            if (cli->json) {
                json_array_append_new(array, json_row(&rows.items[i]));
            } else {
                print_row(cli, &rows.items[i]);
            }
        }
        if (cli->json) {
            exit = qr_cli_print_json(cli, json_pack("{s:o}", "entries", array));
        } else if (rows.count == 0 && cli->terminal) {
            printf("Nothing is written yet. Begin: quire write \"…\"\n");
        }
    } else {
        json_decref(array);
        exit = qr_cli_failure(cli, status);
    }
    for (size_t i = 0; i < rows.count; i++) {
        qr_client_wipe(rows.items[i].line, rows.items[i].line_size);
        free(rows.items[i].line);
    }
    free(rows.items);
    return exit;
}
