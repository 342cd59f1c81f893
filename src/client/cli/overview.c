/*
 * The journal as a whole: tags and stats.
 */
#define _GNU_SOURCE
#include "client/cli/journals.h"
#include "client/fold.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * 3600 * INT64_C(1000))

/** Entries that are not deleted, in order of ids. */
struct entries {
    struct overview_entry {
        uint8_t id[QUIRE_ENTRY_SIZE];
        bool has_date;
        int64_t day; /* since 1970, of its date */
        uint64_t length;
    } * items;
    size_t count, capacity;
    bool failed;
};

static bool add_entry(void *context, const struct quire_summary *summary)
{
    struct entries *entries = context;
    if (summary->deleted) {
        return true;
    }
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity == 0 ? 256 : entries->capacity * 2;
        void *items = realloc(entries->items, capacity * sizeof *entries->items);
        if (items == NULL) {
            entries->failed = true;
            return false;
        }
        entries->items = items;
        entries->capacity = capacity;
    }
    struct overview_entry *entry = &entries->items[entries->count++];
    *entry = (struct overview_entry){.has_date = summary->has_date,
        .length = summary->text_length,
        .day = summary->date / DAY_MS - (summary->date % DAY_MS < 0)};
    memcpy(entry->id, summary->entry, sizeof entry->id);
    return true;
}

static enum quire_status keep_journal(
    struct qr_cli *cli, const char *journal, struct entries *entries)
{
    enum quire_status status = QUIRE_OK;
    size_t kept = 0;
    for (size_t i = 0; status == QUIRE_OK && i < entries->count; i++) {
        struct quire_document *document = NULL;
        bool is = false;
        status = quire_client_document(cli->client, entries->items[i].id, false, &document);
        if (status == QUIRE_OK) {
            status = qr_cli_journal_is(qr_cli_journal_of(document), journal, &is);
        }
        status = status == QUIRE_ECORRUPT ? QUIRE_OK : status; /* one damaged entry */
        if (is) {
            entries->items[kept++] = entries->items[i];
        }
    }
    entries->count = kept;
    return status;
}

/* Of --journal, if that is given. */
static enum quire_status read_entries(struct qr_cli *cli, struct entries *out_entries)
{
    const char *journal = qr_cli_value(&cli->args, "journal");
    enum quire_status status = quire_client_each_entry(cli->client, add_entry, out_entries);
    status = status == QUIRE_OK && out_entries->failed ? QUIRE_ENOMEM : status;
    return status == QUIRE_OK && journal != NULL ? keep_journal(cli, journal, out_entries) : status;
}

/* ---- tags ------------------------------------------------------------------------------------- */

/** Tags that fold alike are one, shown as it stands in the first entry. */
struct tags {
    struct overview_tag {
        struct quire_buffer folded, shown;
        uint64_t count;
    } * items;
    size_t count, capacity;
};

static void tags_finish(struct tags *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        quire_buffer_finish(&tags->items[i].folded);
        quire_buffer_finish(&tags->items[i].shown);
    }
    free(tags->items);
}

static enum quire_status count_tag(struct tags *tags, struct quire_bytes name)
{
    struct quire_buffer folded = {0};
    enum quire_status status = qr_client_fold_terms(name, &folded);
    if (status == QUIRE_OK && folded.size == 0) {
        status = quire_buffer_append(&folded, name.data, name.size);
    }
    for (size_t i = 0; status == QUIRE_OK && i < tags->count; i++) {
        if (quire_bytes_equal(
                quire_buffer_bytes(&tags->items[i].folded), quire_buffer_bytes(&folded))) {
            tags->items[i].count++;
            quire_buffer_finish(&folded);
            return QUIRE_OK;
        }
    }
    if (status == QUIRE_OK && tags->count == tags->capacity) {
        size_t capacity = tags->capacity == 0 ? 64 : tags->capacity * 2;
        void *items = realloc(tags->items, capacity * sizeof *tags->items);
        if (items == NULL) {
            status = QUIRE_ENOMEM;
        } else {
            tags->items = items;
            tags->capacity = capacity;
        }
    }
    if (status != QUIRE_OK) {
        quire_buffer_finish(&folded);
        return status;
    }
    struct overview_tag *tag = &tags->items[tags->count++];
    *tag = (struct overview_tag){.folded = folded, .count = 1};
    return quire_buffer_append(&tag->shown, name.data, name.size);
}

static int most_used_first(const void *left, const void *right)
{
    const struct overview_tag *a = left, *b = right;
    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }
    size_t common = a->folded.size < b->folded.size ? a->folded.size : b->folded.size;
    int order = memcmp(a->folded.data, b->folded.data, common);
    return order != 0 ? order
                      : (a->folded.size > b->folded.size) - (a->folded.size < b->folded.size);
}

static enum quire_status count_tags(
    struct qr_cli *cli, const struct entries *entries, struct tags *tags)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < entries->count; i++) {
        struct quire_document *document = NULL;
        struct quire_element element;
        status = quire_client_document(cli->client, entries->items[i].id, false, &document);
        for (size_t j = 0; status == QUIRE_OK
             && quire_document_set_element(document, QUIRE_SET_TAGS, j, &element) == QUIRE_OK;
             j++) {
            status = count_tag(tags, element.name);
        }
        status = status == QUIRE_ECORRUPT ? QUIRE_OK : status; /* one damaged entry */
    }
    return status;
}

enum qr_cli_exit qr_cli_tags(struct qr_cli *cli)
{
    struct entries entries = {0};
    struct tags tags = {0};
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = read_entries(cli, &entries);
    if (status == QUIRE_OK) {
        status = count_tags(cli, &entries, &tags);
    }
    if (status == QUIRE_OK && tags.count > 0) {
        qsort(tags.items, tags.count, sizeof *tags.items, most_used_first);
    }
    json_t *array = cli->json ? json_array() : NULL;
    for (size_t i = 0; status == QUIRE_OK && i < tags.count; i++) {
        struct quire_bytes shown = quire_buffer_bytes(&tags.items[i].shown);
        if (cli->json) {
            json_array_append_new(array,
                json_pack("{s:o, s:I}", "tag", qr_cli_json_bytes(shown), "entries",
                    (json_int_t)tags.items[i].count));
        } else {
            printf("%5" PRIu64 "  ", tags.items[i].count);
            qr_cli_print_name(stdout, shown);
            fputc('\n', stdout);
        }
    }
    free(entries.items);
    tags_finish(&tags);
    if (status != QUIRE_OK) {
        json_decref(array);
        return qr_cli_failure(cli, status);
    }
    return cli->json ? qr_cli_print_json(cli, json_pack("{s:o}", "tags", array)) : QR_CLI_DONE;
}

/* ---- stats ------------------------------------------------------------------------------------ */

static int by_day(const void *left, const void *right)
{
    const struct overview_entry *a = left, *b = right;
    return a->has_date != b->has_date ? (a->has_date ? -1 : 1)
                                      : (a->day > b->day) - (a->day < b->day);
}

enum qr_cli_exit qr_cli_stats(struct qr_cli *cli)
{
    struct entries entries = {0};
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = read_entries(cli, &entries);
    if (status != QUIRE_OK) {
        free(entries.items);
        return qr_cli_failure(cli, status);
    }
    if (entries.count > 0) {
        qsort(entries.items, entries.count, sizeof *entries.items, by_day);
    }
    uint64_t characters = 0, days = 0, run = 0, longest = 0;
    int64_t last_day = 0;
    for (size_t i = 0; i < entries.count; i++) {
        const struct overview_entry *entry = &entries.items[i];
        characters += entry->length;
        if (entry->has_date && (days == 0 || entry->day != last_day)) {
            run = days > 0 && entry->day == last_day + 1 ? run + 1 : 1;
            longest = run > longest ? run : longest;
            last_day = entry->day;
            days++;
        }
    }
    int64_t today = qr_cli_local_now() / DAY_MS;
    uint64_t present = days > 0 && last_day >= today - 1 ? run : 0;
    char first[48] = "", last[48] = "";
    if (days > 0) {
        qr_cli_date_text(entries.items[0].day * DAY_MS, first);
        qr_cli_date_text(last_day * DAY_MS, last);
    }
    free(entries.items);
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)entries.count,
                "characters", (json_int_t)characters, "days", (json_int_t)days, "longest_run",
                (json_int_t)longest, "present_run", (json_int_t)present));
    }
    printf("entries      %zu\ncharacters   %" PRIu64 "\ndays         %" PRIu64 "\n", entries.count,
        characters, days);
    if (days > 0) {
        printf("from, to     %.10s, %.10s\nlongest run  %" PRIu64 " %s in a row\n", first, last,
            longest, longest == 1 ? "day" : "days");
    }
    if (present > 1) {
        printf("this run     %" PRIu64 " days\n", present);
    }
    return QR_CLI_DONE;
}
