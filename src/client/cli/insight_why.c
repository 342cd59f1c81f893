/*
 * quire insights --why NAME: the entries that a statement rests on.
 */
#include "client/cli/insights.h"
#include "client/files.h"
#include <stdlib.h>
#include <string.h>

#define SUGGESTIONS_MAX 16
#define DAY_MS INT64_C(86400000)

struct why {
    struct qr_cli *cli;
    const struct qr_insights *insights;
    struct quire_bytes name;
    const struct quire_insight_item *item;
    struct quire_insight *reader; /* of a label */
    json_t *rows;                 /* NULL: print */
    const uint8_t (*found)[QUIRE_ENTRY_SIZE];
    size_t found_count, shown;
};

struct found {
    uint8_t (*ids)[QUIRE_ENTRY_SIZE];
    size_t count, capacity;
    bool no_memory;
};

static bool keep(void *context, const struct quire_summary *summary)
{
    struct found *found = context;
    if (found->count == found->capacity) {
        size_t capacity = found->capacity == 0 ? 64 : 2 * found->capacity;
        void *ids = realloc(found->ids, capacity * sizeof *found->ids);
        found->no_memory = ids == NULL;
        if (ids == NULL) {
            return false;
        }
        found->ids = ids;
        found->capacity = capacity;
    }
    memcpy(found->ids[found->count++], summary->entry, QUIRE_ENTRY_SIZE);
    return true;
}

/* The first statement about a name. */
static const struct quire_insight_item *item_of(
    const struct quire_insight_report *report, struct quire_bytes name)
{
    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].template_id != QUIRE_INSIGHT_NO_MODEL
            && quire_bytes_equal(report->items[i].name, name)) {
            return &report->items[i];
        }
    }
    return NULL;
}

static bool is_among(const struct quire_bytes *list, size_t count, struct quire_bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (quire_bytes_equal(list[i], name)) {
            return true;
        }
    }
    return false;
}

/* Does the entry bear the statement? The words that speak for a label go to out_reading. */
static bool bears(const struct why *why, const struct qr_insights_row *row,
    struct quire_insight_suggestion *out_reading)
{
    struct quire_insight_suggestion readings[SUGGESTIONS_MAX];
    switch (why->item->template_id) {
    case QUIRE_INSIGHT_TAG_WITH: return is_among(row->entry.tags, row->entry.tag_count, why->name);
    case QUIRE_INSIGHT_PICKED:
    case QUIRE_INSIGHT_EMOTION_WITH:
        return is_among(row->entry.emotions, row->entry.emotion_count, why->name);
    case QUIRE_INSIGHT_READ:
        for (size_t i =
                 quire_insight_suggest(why->reader, row->entry.text, readings, SUGGESTIONS_MAX);
             i > 0; i--) {
            if (quire_bytes_equal(readings[i - 1].label, why->name)) {
                *out_reading = readings[i - 1];
                return true;
            }
        }
        return false;
    default:
        for (size_t i = 0; i < why->found_count; i++) {
            if (memcmp(why->found[i], row->id, QUIRE_ENTRY_SIZE) == 0) {
                return true;
            }
        }
        return false;
    }
}

static void show(struct why *why, const struct qr_insights_row *row,
    const struct quire_insight_suggestion *reading)
{
    char day[16], id[33];
    qr_insights_iso_text(
        (int32_t)(row->entry.date_ms / DAY_MS - (row->entry.date_ms % DAY_MS < 0)), day);
    qr_cli_id_text(row->id, id);
    why->shown++;
    if (why->rows != NULL) {
        json_t *words = json_array();
        for (size_t i = 0; i < 3 && reading->reasons[i].size > 0; i++) {
            json_array_append_new(words, qr_cli_json_bytes(reading->reasons[i]));
        }
        json_array_append_new(why->rows,
            json_pack("{s:o, s:s, s:o, s:o}", "entry", qr_cli_json_id(row->id), "day", day, "mood",
                row->entry.mood < 0 ? json_null() : json_integer(row->entry.mood), "words", words));
        return;
    }
    printf("  %.8s  %s", id, day);
    if (row->entry.mood >= 0) {
        printf("  mood %d", row->entry.mood);
    }
    for (size_t i = 0; i < 3 && reading->reasons[i].size > 0; i++) {
        printf("%s", i == 0 ? "  (" : ", ");
        qr_cli_print_name(stdout, reading->reasons[i]);
    }
    printf("%s\n", reading->reasons[0].size > 0 ? ")" : "");
}

/* Which entries the statement is about: the period, or the year up to the last look. */
static bool is_in_range(const struct why *why, const struct qr_insights_row *row)
{
    int64_t day = row->entry.date_ms / DAY_MS - (row->entry.date_ms % DAY_MS < 0);
    const struct quire_insight_options *options = &why->insights->options;
    if (why->item->template_id == QUIRE_INSIGHT_PICKED
        || why->item->template_id == QUIRE_INSIGHT_READ) {
        return day >= options->from && day <= options->to;
    }
    int32_t look = why->insights->report->last_look;
    look = look == 0 ? options->today + 1 : look;
    return day < look && day >= look - 364;
}

static const char *what_of(const struct quire_insight_item *item)
{
    switch (item->template_id) {
    case QUIRE_INSIGHT_READ: return "was read in these entries of the period, by these words";
    case QUIRE_INSIGHT_PICKED: return "was picked in these entries of the period";
    case QUIRE_INSIGHT_TAG_WITH:
        return "is a tag of these entries, of the year before the last look";
    case QUIRE_INSIGHT_EMOTION_WITH:
        return "was picked in these entries, of the year before the last look";
    default: return "stands in these entries, of the year before the last look";
    }
}

enum qr_cli_exit qr_insights_why(struct qr_cli *cli, const struct qr_insights *insights,
    const struct qr_insights_row *rows, size_t count, const char *name)
{
    struct why why = {.cli = cli, .insights = insights, .name = quire_bytes_of_text(name)};
    struct found found = {0};
    void *arena = NULL;
    enum quire_status status = QUIRE_OK;
    enum qr_cli_exit exit = QR_CLI_DONE;
    why.item = item_of(insights->report, why.name);
    if (why.item == NULL) {
        return qr_cli_usage(cli,
            "The report says nothing of \"%.60s\". --why takes a tag, an emotion, a theme or a reading as "
            "`quire insights` names it.",
            name);
    }
    bool reads = why.item->template_id == QUIRE_INSIGHT_READ;
    if (reads) {
        size_t size = quire_insight_size(0, 0, 0);
        arena = malloc(size);
        status = arena == NULL ? QUIRE_ENOMEM
                               : quire_insight_begin(arena, size, &insights->options, &why.reader);
    } else {
        status = quire_client_search(cli->client, why.name, keep, &found);
    }
    if (status != QUIRE_OK || found.no_memory) {
        exit = status == QUIRE_ENOMEM || found.no_memory ? qr_cli_no_memory(cli)
                                                         : qr_cli_failure(cli, status);
        goto out;
    }
    why.found = (const uint8_t(*)[QUIRE_ENTRY_SIZE])found.ids;
    why.found_count = found.count;
    why.rows = cli->json ? json_array() : NULL;
    if (!cli->json) {
        qr_cli_print_name(stdout, why.name);
        printf(" %s:\n", what_of(why.item));
    }
    for (size_t i = 0; i < count; i++) {
        struct quire_insight_suggestion reading = {0};
        if (is_in_range(&why, &rows[i]) && bears(&why, &rows[i], &reading)) {
            show(&why, &rows[i], &reading);
        }
    }
    if (cli->json) {
        exit = qr_cli_print_json(cli,
            json_pack("{s:s, s:s, s:o}", "name", name, "template",
                qr_insights_template_name(why.item->template_id), "entries", why.rows));
    } else if (why.shown == 0) {
        printf("  none any more: they were changed since.\n");
    }
out:
    if (arena != NULL) {
        qr_client_wipe(arena, quire_insight_size(0, 0, 0));
    }
    free(arena);
    free(found.ids);
    return exit;
}
