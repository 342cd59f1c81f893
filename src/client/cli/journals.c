/*
 * journals: the list, and what the other commands need of a journal's name.
 */
#include "client/cli/journals.h"
#include "client/fold.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct quire_bytes qr_cli_journal_of(const struct quire_document *document)
{
    struct quire_bytes name = quire_document_journal(document);
    return name.size > 0 ? name : quire_bytes_of_text(QR_CLI_JOURNAL_DEFAULT);
}

enum quire_status qr_cli_journal_is(struct quire_bytes journal, const char *wanted, bool *out_is)
{
    struct quire_buffer left = {0}, right = {0};
    struct quire_bytes other = quire_bytes_of_text(wanted);
    enum quire_status status = qr_client_fold_terms(journal, &left);
    if (status == QUIRE_OK) {
        status = qr_client_fold_terms(other, &right);
    }
    *out_is = status == QUIRE_OK
        && (quire_bytes_equal(journal, other)
            || (left.size > 0
                && quire_bytes_equal(quire_buffer_bytes(&left), quire_buffer_bytes(&right))));
    quire_buffer_finish(&left);
    quire_buffer_finish(&right);
    return status;
}

enum quire_status qr_cli_journal_set(
    struct quire_document *document, const struct quire_stamp *stamp, const char *name)
{
    bool is_default = false;
    if (name[0] == 0) {
        return QUIRE_EINVALID;
    }
    enum quire_status status =
        qr_cli_journal_is(quire_bytes_of_text(QR_CLI_JOURNAL_DEFAULT), name, &is_default);
    return status == QUIRE_OK ? quire_document_set_journal(
               document, stamp, is_default ? (struct quire_bytes){0} : quire_bytes_of_text(name))
                              : status;
}

/* ---- the list --------------------------------------------------------------------------------- */

/** Names that fold alike are one, shown as found first. */
struct journals {
    struct qr_cli *cli;
    struct journal_row {
        char *name;
        uint64_t entries;
    } * rows;
    size_t count;
    enum quire_status status;
    uint8_t (*ids)[QUIRE_ENTRY_SIZE];
    size_t id_count, id_capacity;
};

static bool add_id(void *context, const struct quire_summary *summary)
{
    struct journals *all = context;
    if (summary->deleted) {
        return true;
    }
    if (all->id_count == all->id_capacity) {
        size_t capacity = all->id_capacity == 0 ? 256 : all->id_capacity * 2;
        void *ids = realloc(all->ids, capacity * sizeof *all->ids);
        if (ids == NULL) {
            all->status = QUIRE_ENOMEM;
            return false;
        }
        all->ids = ids;
        all->id_capacity = capacity;
    }
    memcpy(all->ids[all->id_count++], summary->entry, QUIRE_ENTRY_SIZE);
    return true;
}

static enum quire_status count_name(struct journals *all, struct quire_bytes name)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < all->count; i++) {
        bool same = false;
        status = qr_cli_journal_is(name, all->rows[i].name, &same);
        if (same) {
            all->rows[i].entries++;
            return QUIRE_OK;
        }
    }
    struct journal_row *rows = realloc(all->rows, (all->count + 1) * sizeof *rows);
    if (status != QUIRE_OK || rows == NULL) {
        return rows == NULL ? QUIRE_ENOMEM : status;
    }
    all->rows = rows;
    char *copy = strndup((const char *)name.data, name.size);
    if (copy == NULL) {
        return QUIRE_ENOMEM;
    }
    rows[all->count++] = (struct journal_row){copy, 1};
    return QUIRE_OK;
}

static enum quire_status read_journals(struct qr_cli *cli, struct journals *all)
{
    enum quire_status status = quire_client_each_entry(cli->client, add_id, all);
    status = status == QUIRE_OK ? all->status : status;
    for (size_t i = 0; status == QUIRE_OK && i < all->id_count; i++) {
        struct quire_document *document = NULL;
        status = quire_client_document(cli->client, all->ids[i], false, &document);
        if (status == QUIRE_OK) {
            status = count_name(all, qr_cli_journal_of(document));
        }
        status = status == QUIRE_ECORRUPT ? QUIRE_OK : status; /* one damaged entry */
    }
    return status;
}

static int most_used_first(const void *left, const void *right)
{
    const struct journal_row *a = left, *b = right;
    return a->entries != b->entries ? (a->entries > b->entries ? -1 : 1) : strcmp(a->name, b->name);
}

enum qr_cli_exit qr_cli_journals(struct qr_cli *cli)
{
    struct journals all = {.cli = cli};
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = read_journals(cli, &all);
    json_t *array = cli->json ? json_array() : NULL;
    if (all.count > 0) {
        qsort(all.rows, all.count, sizeof *all.rows, most_used_first);
    }
    for (size_t i = 0; i < all.count; i++) {
        struct quire_bytes name = quire_bytes_of_text(all.rows[i].name);
        if (status == QUIRE_OK && cli->json) {
            json_array_append_new(array,
                json_pack("{s:o, s:I}", "journal", qr_cli_json_bytes(name), "entries",
                    (json_int_t)all.rows[i].entries));
        } else if (status == QUIRE_OK) {
            printf("%5" PRIu64 "  ", all.rows[i].entries);
            qr_cli_print_name(stdout, name);
            fputc('\n', stdout);
        }
        free(all.rows[i].name);
    }
    free(all.rows);
    free(all.ids);
    if (status != QUIRE_OK) {
        json_decref(array);
        return qr_cli_failure(cli, status);
    }
    return cli->json ? qr_cli_print_json(cli, json_pack("{s:o}", "journals", array)) : QR_CLI_DONE;
}
