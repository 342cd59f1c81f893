/*
 * Rows of entries: list, search.
 */
#define _GNU_SOURCE
#include "client/cli/period.h"
#include "client/cli/draft.h"
#include "client/cli/filter.h"
#include "client/cli/query.h"
#include "client/files.h"
#include "client/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct row {
    uint8_t entry[QUIRE_ENTRY_SIZE];
    char *line; /* title, else snippet */
    size_t line_size;
    bool titled, has_date, has_mood, deleted, unsent;
    int64_t date, mood, changed_ms, created_ms;
    uint64_t length;
};

struct rows {
    struct row *items;
    size_t count, capacity;
    bool all, only_deleted, same_day, oldest_first, failed;
    struct qr_cli_filter filter;
    json_t *left_out; /* words of the query that no index holds; NULL: none */
    struct qr_cli_period period;
};

/* The same day and month as today, of an earlier year. */
static bool is_this_day(const struct quire_summary *summary)
{
    char today[48], then[48];
    if (!summary->has_date) {
        return false;
    }
    qr_cli_date_text(qr_cli_local_now(), today);
    qr_cli_date_text(summary->date, then);
    return strncmp(then + 4, today + 4, 6) == 0 && strncmp(then, today, 4) < 0;
}

static bool add_row(void *context, const struct quire_summary *summary)
{
    struct rows *rows = context;
    if ((summary->deleted ? !rows->all : rows->only_deleted)
        || !qr_cli_in_period(&rows->period, summary)
        || !qr_cli_filter_summary(&rows->filter, summary)
        || (rows->same_day && !is_this_day(summary))) {
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
    struct quire_bytes line = titled ? summary->title : summary->snippet;
    struct row row = {.titled = titled,
        .has_date = summary->has_date,
        .has_mood = summary->has_mood,
        .deleted = summary->deleted,
        .date = summary->date,
        .mood = summary->mood,
        .changed_ms = summary->changed_wall_ms,
        .created_ms = summary->created_wall_ms,
        .length = summary->text_length,
        .line = malloc(line.size + 1),
        .line_size = line.size};
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

/* Rows are in order of ids still, as what is unsent comes. */
struct marking {
    struct rows *rows;
    size_t next;
};

static bool mark_unsent(void *context, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    struct marking *marking = context;
    struct rows *rows = marking->rows;
    while (marking->next < rows->count
        && memcmp(rows->items[marking->next].entry, entry, QUIRE_ENTRY_SIZE) < 0) {
        marking->next++;
    }
    if (marking->next < rows->count
        && memcmp(rows->items[marking->next].entry, entry, QUIRE_ENTRY_SIZE) == 0) {
        rows->items[marking->next].unsent = true;
    }
    return marking->next < rows->count;
}

/* One total order, stable under edits and the same in every time zone: by the entry's date, those without
 * one last; then by when it was first here; then by its id. */
static int newest_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->has_date != b->has_date) {
        return a->has_date ? -1 : 1;
    }
    if (a->has_date && a->date != b->date) {
        return a->date > b->date ? -1 : 1;
    }
    if (a->created_ms != b->created_ms) {
        return a->created_ms > b->created_ms ? -1 : 1;
    }
    return memcmp(a->entry, b->entry, sizeof a->entry);
}

/* A title may have line feeds in it; a row has none. */
static void print_line(const struct qr_cli *cli, const struct row *row)
{
    for (size_t i = 0; i < row->line_size; i++) {
        if (row->line[i] == '\n' || row->line[i] == '\r' || row->line[i] == '\t') {
            row->line[i] = ' ';
        }
    }
    qr_cli_print_text(
        cli, stdout, (struct quire_bytes){(const uint8_t *)row->line, row->line_size});
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
    print_line(cli, row);
    printf("%s%s%s%s\n", row->deleted ? "  (deleted)" : "", row->unsent ? qr_cli_warn(cli) : "",
        row->unsent ? "  (not sent yet)" : "", row->unsent ? qr_cli_plain(cli) : "");
}

static json_t *json_row(const struct row *row)
{
    struct quire_bytes line = {(const uint8_t *)row->line, row->line_size};
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:I}", "entry",
        qr_cli_json_id(row->entry), "title", row->titled ? qr_cli_json_bytes(line) : json_null(),
        "snippet", row->titled ? json_null() : qr_cli_json_bytes(line), "date",
        row->has_date ? json_integer(row->date) : json_null(), "mood",
        row->has_mood ? json_integer(row->mood) : json_null(), "length", (json_int_t)row->length,
        "deleted", (int)row->deleted, "unsent", (int)row->unsent, "changed_ms",
        (json_int_t)row->changed_ms);
}

/* Prints the rows. */
static enum qr_cli_exit print_rows(
    struct qr_cli *cli, struct rows *rows, int64_t limit, const char *nothing)
{
    json_t *array = cli->json ? json_array() : NULL;
    if (rows->count > 0) {
        qsort(rows->items, rows->count, sizeof *rows->items, newest_first);
    }
    for (size_t i = 0; i < rows->count && (int64_t)i < limit; i++) {
        const struct row *row = &rows->items[rows->oldest_first ? rows->count - 1 - i : i];
        if (cli->json) {
            json_array_append_new(array, json_row(row));
        } else {
            print_row(cli, row);
        }
    }
    if (cli->json) {
        return qr_cli_print_json(
            cli, json_pack("{s:o, s:O*}", "entries", array, "left_out", rows->left_out));
    }
    if (rows->count == 0 && cli->terminal) {
        printf("%s\n", nothing);
    }
    return QR_CLI_DONE;
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        qr_client_wipe(rows->items[i].line, rows->items[i].line_size);
        free(rows->items[i].line);
    }
    free(rows->items);
    qr_cli_filter_finish(&rows->filter);
    json_decref(rows->left_out);
}

/* The options that list and search share; then the profile is open. */
static enum qr_cli_exit begin(struct qr_cli *cli, struct rows *rows, int64_t *out_limit)
{
    const char *limit_text = qr_cli_value(&cli->args, "limit");
    *out_limit = INT64_MAX;
    rows->all = qr_cli_has(&cli->args, "all");
    rows->oldest_first = qr_cli_has(&cli->args, "oldest-first");
    if (qr_cli_has(&cli->args, "deleted")) {
        rows->all = rows->only_deleted = true;
    }
    if (limit_text != NULL && !qr_cli_number(limit_text, 1, INT64_MAX, out_limit)) {
        return qr_cli_usage(cli, "--limit takes a whole number of at least 1.");
    }
    enum qr_cli_exit exit = qr_cli_read_period(cli, &rows->period);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_read_filter(cli, &rows->filter);
    }
    return exit == QR_CLI_DONE ? qr_cli_open_to_read(cli) : exit;
}

/* Tags and emotions stand in the documents: opened for what passed all else. */
static enum quire_status filter_documents(struct qr_cli *cli, struct rows *rows)
{
    enum quire_status status = QUIRE_OK;
    size_t kept = 0;
    for (size_t i = 0; rows->filter.has_elements && i < rows->count; i++) {
        struct quire_document *document = NULL;
        bool passes = false;
        if (status == QUIRE_OK) {
            status = quire_client_document(cli->client, rows->items[i].entry, false, &document);
            status = status == QUIRE_OK ? qr_cli_filter_document(&rows->filter, document, &passes)
                                        : status;
            status = status == QUIRE_ECORRUPT ? QUIRE_OK
                                              : status; /* one damaged entry: it has no tags */
        }
        if (passes) {
            struct row row = rows->items[kept];
            rows->items[kept++] = rows->items[i];
            rows->items[i] = row;
        }
    }
    for (size_t i = kept; rows->filter.has_elements && i < rows->count; i++) {
        qr_client_wipe(rows->items[i].line, rows->items[i].line_size);
        free(rows->items[i].line);
    }
    rows->count = rows->filter.has_elements ? kept : rows->count;
    return status;
}

static enum qr_cli_exit finish(struct qr_cli *cli, enum quire_status status, struct rows *rows,
    int64_t limit, const char *nothing)
{
    if (status == QUIRE_OK && rows->failed) {
        status = QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK) {
        status = filter_documents(cli, rows);
    }
    if (status == QUIRE_OK) {
        struct marking marking = {.rows = rows};
        status = quire_client_each_unsent(cli->client, mark_unsent, &marking);
    }
    enum qr_cli_exit exit =
        status == QUIRE_OK ? print_rows(cli, rows, limit, nothing) : qr_cli_failure(cli, status);
    free_rows(rows);
    return exit;
}

/* Was anything asked for? An empty journal is no failure, a filter that nothing passes is as for grep. */
static bool has_filters(const struct qr_cli *cli)
{
    static const char *const names[] = {"from", "to", "on", "journal", "tag", "emotion", "mood",
        "title", "changed-since", "deleted"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found = found || qr_cli_has(&cli->args, names[i]);
    }
    return found;
}

enum qr_cli_exit qr_cli_list(struct qr_cli *cli)
{
    struct rows rows = {0};
    int64_t limit = 0;
    enum qr_cli_exit exit = begin(cli, &rows, &limit);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    bool filtered = has_filters(cli);
    exit = finish(cli, quire_client_each_entry(cli->client, add_row, &rows), &rows, limit,
        filtered ? "No entry is as was asked for."
                 : "Nothing is written yet. Begin: quire write \"…\"");
    exit = exit == QR_CLI_DONE && filtered && rows.count == 0 ? QR_CLI_NONE_FOUND : exit;
    qr_cli_draft_print_notice(cli);
    return exit;
}

enum qr_cli_exit qr_cli_on_this_day(struct qr_cli *cli)
{
    struct rows rows = {.same_day = true};
    int64_t limit = 0;
    enum qr_cli_exit exit = begin(cli, &rows, &limit);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    return finish(cli, quire_client_each_entry(cli->client, add_row, &rows), &rows, limit,
        "Nothing was written on this day of an earlier year.");
}

/* "last" is @1, the newest; @2 the one before it; @-1 the oldest. */
enum quire_status qr_cli_find_entry(
    struct qr_cli *cli, const char *name, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    struct rows rows = {.filter = {.args = &cli->args, .changed_since_ms = INT64_MIN}};
    int64_t number = 1;
    if (strcmp(name, "last") != 0
        && (name[0] != '@' || !qr_cli_number(name + 1, -1000000, 1000000, &number)
            || number == 0)) {
        return quire_client_find_entry(cli->client, name, out_entry);
    }
    enum quire_status status = quire_client_each_entry(cli->client, add_row, &rows);
    status = status == QUIRE_OK && rows.failed ? QUIRE_ENOMEM : status;
    uint64_t wanted = (uint64_t)(number > 0 ? number : -number);
    if (status == QUIRE_OK && wanted <= rows.count) {
        qsort(rows.items, rows.count, sizeof *rows.items, newest_first);
        memcpy(out_entry, rows.items[number > 0 ? wanted - 1 : rows.count - wanted].entry,
            QUIRE_ENTRY_SIZE);
    } else if (status == QUIRE_OK) { /* has its own sentence: there are not so many */
        status =
            quire_client_find_entry(cli->client, "00000000000000000000000000000000", out_entry);
    }
    free_rows(&rows);
    return status;
}

enum quire_status qr_cli_find_today(struct qr_cli *cli, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    const int64_t day_ms = 24 * 3600 * INT64_C(1000);
    int64_t today_ms = qr_cli_local_now() / day_ms * day_ms;
    struct rows rows = {.filter = {.args = &cli->args, .changed_since_ms = INT64_MIN},
        .period = {.limited = true, .from_ms = today_ms, .until_ms = today_ms + day_ms}};
    enum quire_status status = quire_client_each_entry(cli->client, add_row, &rows);
    status = status == QUIRE_OK && rows.failed ? QUIRE_ENOMEM : status;
    if (status == QUIRE_OK && rows.count == 0) {
        status = QUIRE_ENOTFOUND;
    } else if (status == QUIRE_OK) {
        qsort(rows.items, rows.count, sizeof *rows.items, newest_first);
        memcpy(out_entry, rows.items[0].entry, QUIRE_ENTRY_SIZE);
    }
    free_rows(&rows);
    return status;
}

enum qr_cli_exit qr_cli_trash(struct qr_cli *cli)
{
    struct rows rows = {0};
    int64_t limit = 0;
    enum qr_cli_exit exit = begin(cli, &rows, &limit);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    rows.all = rows.only_deleted = true;
    return finish(cli, quire_client_each_entry(cli->client, add_row, &rows), &rows, limit,
        "No entry is deleted.");
}

/* A word in which there is nothing that an index holds is no part of the search: the user is told. */
static void tell_left_out(struct qr_cli *cli, const struct qr_cli_query *query, struct rows *rows)
{
    struct quire_bytes rest = quire_buffer_bytes(&query->left_out);
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        struct quire_bytes word = {rest.data, (size_t)(end - rest.data)};
        rows->left_out = rows->left_out != NULL ? rows->left_out : json_array();
        json_array_append_new(rows->left_out, qr_cli_json_bytes(word));
        if (!cli->json) {
            fprintf(stderr, "\"%.*s\" was left out: there is nothing in it to search for.\n",
                (int)word.size, (const char *)word.data);
        }
        rest = (struct quire_bytes){end + 1, rest.size - word.size - 1};
    }
}

static void drop_row(struct rows *rows, size_t index)
{
    struct row dropped = rows->items[index];
    qr_client_wipe(dropped.line, dropped.line_size);
    free(dropped.line);
    memmove(&rows->items[index], &rows->items[index + 1],
        (rows->count - index - 1) * sizeof *rows->items);
    rows->count--;
}

/* Adds the entries of one alternative. */
static enum quire_status search_one(
    struct qr_cli *cli, const struct qr_cli_alternative *alternative, struct rows *rows)
{
    size_t begin = rows->count;
    enum quire_status status =
        quire_client_search(cli->client, quire_buffer_bytes(&alternative->words), add_row, rows);
    if (!qr_cli_query_needs_document(alternative)) {
        return status;
    }
    for (size_t i = rows->count; status == QUIRE_OK && i-- > begin;) {
        struct quire_document *document = NULL;
        bool holds = false;
        status = quire_client_document(cli->client, rows->items[i].entry, false, &document);
        if (status == QUIRE_OK) {
            status = qr_cli_query_holds(alternative, document, &holds);
        }
        status = status == QUIRE_ECORRUPT ? QUIRE_OK : status; /* one damaged entry */
        if (!holds) {
            drop_row(rows, i);
        }
    }
    return status;
}

static int by_id(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return memcmp(a->entry, b->entry, sizeof a->entry);
}

static enum quire_status search_all(
    struct qr_cli *cli, const struct qr_cli_query *query, struct rows *rows)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < query->count; i++) {
        status = search_one(cli, &query->alternatives[i], rows);
    }
    if (query->count > 1 && rows->count > 1) {
        qsort(rows->items, rows->count, sizeof *rows->items, by_id);
        for (size_t i = rows->count - 1; i > 0; i--) {
            if (by_id(&rows->items[i - 1], &rows->items[i]) == 0) {
                drop_row(rows, i);
            }
        }
    }
    return status;
}

enum qr_cli_exit qr_cli_search(struct qr_cli *cli)
{
    char text[QUIRE_QUERY_MAX + 2], error[128] = "";
    size_t size = 0;
    struct rows rows = {0};
    struct qr_cli_query query = {0};
    int64_t limit = 0;
    for (size_t i = 0; i < cli->args.operand_count && size <= QUIRE_QUERY_MAX; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s ", cli->args.operands[i]);
    }
    if (size > QUIRE_QUERY_MAX) {
        return qr_cli_usage(
            cli, "That is too much to search for: %d bytes at most.", QUIRE_QUERY_MAX);
    }
    if (!qr_client_text_valid((struct quire_bytes){(const uint8_t *)text, size}, NULL)) {
        return qr_cli_usage(cli, "What to search for is not UTF-8.");
    }
    enum quire_status status = qr_cli_query_read(text, &query, error, sizeof error);
    enum qr_cli_exit exit = status == QUIRE_OK ? begin(cli, &rows, &limit)
        : status == QUIRE_ENOMEM               ? qr_cli_no_memory(cli)
                                               : qr_cli_usage(cli, "%s", error);
    if (exit == QR_CLI_DONE) {
        tell_left_out(cli, &query, &rows);
        exit = finish(cli, search_all(cli, &query, &rows), &rows, limit,
            "No entry holds what was asked for.");
        exit = exit == QR_CLI_DONE && rows.count == 0 ? QR_CLI_NONE_FOUND : exit;
    }
    qr_cli_query_finish(&query);
    return exit;
}
