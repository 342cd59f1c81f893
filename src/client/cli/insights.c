/*
 * quire insights: all entries through the insight core, on this device.
 */
#define _GNU_SOURCE
#include "client/cli/insights.h"
#include "client/files.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERIOD_DAYS 30

/** An entry as it is read: ranges are offsets into `bytes` until all of them are there. */
struct row {
    uint8_t id[QUIRE_ENTRY_SIZE];
    int64_t date;
    int32_t mood;
    size_t text, text_size;
    size_t first_name, tag_count, emotion_count;
};

struct name {
    size_t begin, size;
};

struct diary {
    struct row *rows;
    size_t count, capacity;
    struct name *names;
    size_t name_count, name_capacity;
    struct quire_buffer bytes;
    struct quire_bytes *ranges; /* of names */
    void *arena;
    size_t arena_size;
    bool no_memory;
};

static bool keep_row(void *context, const struct quire_summary *summary)
{
    struct diary *diary = context;
    if (summary->deleted) {
        return true;
    }
    if (diary->count == diary->capacity) {
        size_t capacity = diary->capacity == 0 ? 256 : diary->capacity * 2;
        struct row *rows = realloc(diary->rows, capacity * sizeof *rows);
        if (rows == NULL) {
            diary->no_memory = true;
            return false;
        }
        diary->rows = rows;
        diary->capacity = capacity;
    }
    struct row *row = &diary->rows[diary->count++];
    *row = (struct row){
        .date = summary->has_date ? summary->date : qr_client_local_ms(summary->changed_wall_ms),
        .mood = summary->has_mood ? (int32_t)summary->mood : QUIRE_INSIGHT_NO_MOOD};
    memcpy(row->id, summary->entry, sizeof row->id);
    return true;
}

static enum quire_status add_names(struct diary *diary, const struct quire_document *document,
    enum quire_set set, size_t *out_count)
{
    struct quire_element element;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; quire_document_set_element(document, set, i, &element) == QUIRE_OK; i++) {
        if (diary->name_count == diary->name_capacity) {
            size_t capacity = diary->name_capacity == 0 ? 256 : diary->name_capacity * 2;
            struct name *names = realloc(diary->names, capacity * sizeof *names);
            if (names == NULL) {
                return QUIRE_ENOMEM;
            }
            diary->names = names;
            diary->name_capacity = capacity;
        }
        diary->names[diary->name_count++] = (struct name){diary->bytes.size, element.name.size};
        status = quire_buffer_append(&diary->bytes, element.name.data, element.name.size);
        if (status != QUIRE_OK) {
            return status;
        }
        (*out_count)++;
    }
    return status;
}

static enum quire_status read_row(struct qr_cli *cli, struct diary *diary, struct row *row)
{
    struct quire_document *document;
    enum quire_status status = quire_client_document(cli->client, row->id, false, &document);
    if (status != QUIRE_OK) {
        return status;
    }
    row->text = diary->bytes.size;
    status = quire_document_text(document, &diary->bytes);
    row->text_size = diary->bytes.size - row->text;
    row->first_name = diary->name_count;
    if (status == QUIRE_OK) {
        status = add_names(diary, document, QUIRE_SET_TAGS, &row->tag_count);
    }
    if (status == QUIRE_OK) {
        status = add_names(diary, document, QUIRE_SET_EMOTIONS, &row->emotion_count);
    }
    return status;
}

static int oldest_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->date != b->date) {
        return a->date < b->date ? -1 : 1;
    }
    return memcmp(a->id, b->id, sizeof a->id);
}

static enum quire_status gather(struct qr_cli *cli, struct diary *diary)
{
    enum quire_status status = quire_client_each_entry(cli->client, keep_row, diary);
    if (status == QUIRE_OK && diary->no_memory) {
        status = QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK && diary->count > 0) {
        qsort(diary->rows, diary->count, sizeof *diary->rows, oldest_first);
    }
    for (size_t i = 0; i < diary->count && status == QUIRE_OK; i++) {
        status = read_row(cli, diary, &diary->rows[i]);
    }
    if (status == QUIRE_OK) {
        diary->ranges = malloc((diary->name_count + 1) * sizeof *diary->ranges);
        status = diary->ranges == NULL ? QUIRE_ENOMEM : QUIRE_OK;
    }
    for (size_t i = 0; i < diary->name_count && status == QUIRE_OK; i++) {
        diary->ranges[i] =
            (struct quire_bytes){diary->bytes.data + diary->names[i].begin, diary->names[i].size};
    }
    return status;
}

static void let_go(struct diary *diary)
{
    if (diary->bytes.data != NULL) {
        qr_client_wipe(diary->bytes.data, diary->bytes.capacity);
    }
    if (diary->arena != NULL) {
        qr_client_wipe(diary->arena, diary->arena_size);
    }
    quire_buffer_finish(&diary->bytes);
    free(diary->arena);
    free(diary->rows);
    free(diary->names);
    free(diary->ranges);
}

static struct quire_insight_entry entry_of(const struct diary *diary, const struct row *row)
{
    return (struct quire_insight_entry){.date_ms = row->date,
        .mood = row->mood,
        .text = {diary->bytes.data + row->text, row->text_size},
        .tags = diary->ranges + row->first_name,
        .tag_count = row->tag_count,
        .emotions = diary->ranges + row->first_name + row->tag_count,
        .emotion_count = row->emotion_count};
}

static enum quire_status compute(struct diary *diary, struct qr_insights *insights)
{
    struct quire_insight *insight = NULL;
    diary->arena_size = quire_insight_size(diary->count, diary->bytes.size, diary->name_count);
    diary->arena = malloc(diary->arena_size);
    if (diary->arena == NULL) {
        return QUIRE_ENOMEM;
    }
    enum quire_status status =
        quire_insight_begin(diary->arena, diary->arena_size, &insights->options, &insight);
    for (size_t i = 0; i < diary->count && status == QUIRE_OK; i++) {
        struct quire_insight_entry entry = entry_of(diary, &diary->rows[i]);
        status = quire_insight_add(insight, &entry);
    }
    return status == QUIRE_OK ? quire_insight_finish(insight, &insights->report) : status;
}

/* ---- options ---------------------------------------------------------------------------------- */

static const char *const bundle_names[] = {"language", "en", "es", "de", "zh", "id", "fr"};

static bool read_without(struct qr_cli *cli, uint32_t *out_without)
{
    static const char *const kinds[] = {"readings", "findings", "themes"};
    for (size_t i = 0; i < cli->args.given_count; i++) {
        if (strcmp(cli->args.given[i].option->name, "without") != 0) {
            continue;
        }
        uint32_t bit = 0;
        for (uint32_t j = 0; j < 3; j++) {
            bit |= strcmp(cli->args.given[i].values[0], kinds[j]) == 0 ? 1u << j : 0;
        }
        if (bit == 0) {
            return false;
        }
        *out_without |= bit;
    }
    return true;
}

static int32_t day_of(int64_t ms)
{
    return (int32_t)(ms / QR_CLIENT_DAY_MS - (ms % QR_CLIENT_DAY_MS < 0));
}

static enum qr_cli_exit read_options(struct qr_cli *cli, struct quire_insight_options *options)
{
    char error[256], period[256] = "";
    struct qr_client_span span;
    options->today = day_of(qr_cli_local_now());
    options->from = options->today - PERIOD_DAYS + 1;
    options->to = options->today;
    options->weak_languages = qr_cli_has(&cli->args, "weak-languages");
    options->repetition = qr_cli_has(&cli->args, "repetition");
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        size_t used = strlen(period);
        snprintf(
            period + used, sizeof period - used, "%s%s", i > 0 ? " " : "", cli->args.operands[i]);
    }
    if (period[0] != 0) {
        if (qr_cli_when(period, &span, error, sizeof error) != QUIRE_OK) {
            return qr_cli_usage(cli, "%s", error);
        }
        options->from = day_of(span.from_ms);
        options->to = day_of(span.until_ms - 1);
    }
    if (!read_without(cli, &options->without)) {
        return qr_cli_usage(cli, "--without takes readings, findings or themes.");
    }
    for (size_t i = 0; i < sizeof bundle_names / sizeof *bundle_names; i++) {
        options->bundles[options->bundle_count++] = quire_insight_builtin(bundle_names[i]);
    }
    return QR_CLI_DONE;
}

/* ---- output ----------------------------------------------------------------------------------- */

static json_t *json_mood(int32_t hundredths)
{
    return hundredths == QUIRE_INSIGHT_NO_MOOD ? json_null() : json_integer(hundredths);
}

static json_t *json_day(int32_t day)
{
    char text[16];
    qr_insights_iso_text(day, text);
    return json_string(text);
}

static enum qr_cli_exit print_json(struct qr_cli *cli, const struct qr_insights *insights)
{
    const struct quire_insight_report *report = insights->report;
    json_t *items = json_array(), *days = json_array(), *weeks = json_array();
    for (size_t i = 0; i < report->item_count; i++) {
        const struct quire_insight_item *item = &report->items[i];
        json_t *numbers = json_array();
        for (size_t j = 0; j < QUIRE_INSIGHT_NUMBERS; j++) {
            json_array_append_new(numbers, json_integer(item->numbers[j]));
        }
        json_array_append_new(items,
            json_pack("{s:s, s:o, s:I, s:o}", "template",
                qr_insights_template_name(item->template_id), "name",
                item->name.size == 0 ? json_null() : qr_cli_json_bytes(item->name), "flags",
                (json_int_t)item->flags, "numbers", numbers));
    }
    for (size_t i = 0; i < report->day_count; i++) {
        json_array_append_new(days,
            json_pack("{s:o, s:o, s:I}", "day", json_day(report->days[i].day), "mood",
                json_mood(report->days[i].mood), "entries", (json_int_t)report->days[i].entries));
    }
    for (size_t i = 0; i < report->week_count; i++) {
        const struct quire_insight_week *week = &report->weeks[i];
        json_array_append_new(weeks,
            json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "monday", json_day(week->day), "mood",
                json_mood(week->mood), "low", json_mood(week->low), "high", json_mood(week->high),
                "mood_days", (json_int_t)week->mood_days, "entries", (json_int_t)week->entries));
    }
    return qr_cli_print_json(cli,
        json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "from",
            json_day(insights->options.from), "to", json_day(insights->options.to), "entries",
            (json_int_t)report->entries, "period_entries", (json_int_t)report->period_entries,
            "period_days", (json_int_t)report->period_days, "last_look",
            report->last_look == 0 ? json_null() : json_day(report->last_look), "items", items,
            "days", days, "weeks", weeks));
}

static void print_csv(const struct quire_insight_report *report)
{
    printf("day,entries,mood\r\n"); /* RFC 4180 */
    for (size_t i = 0; i < report->day_count; i++) {
        const struct quire_insight_day *day = &report->days[i];
        char text[16];
        qr_insights_iso_text(day->day, text);
        printf("%s,%u,", text, day->entries);
        if (day->mood >= 0) {
            printf("%d.%02d", day->mood / 100, day->mood % 100);
        }
        printf("\r\n");
    }
}

/* Written beside, then moved over: a page that is there stays whole. Only the owner can read it. */
static enum qr_cli_exit write_page(
    struct qr_cli *cli, const struct qr_insights *insights, const char *path)
{
    char beside[4096], text[4352];
    bool good = snprintf(beside, sizeof beside, "%s.new", path) < (int)sizeof beside;
    errno = good ? 0 : ENAMETOOLONG;
    int number =
        good ? open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    FILE *file = number < 0 ? NULL : fdopen(number, "w");
    good = file != NULL && qr_insights_write_page(insights, file);
    good &= file == NULL || fclose(file) == 0;
    good = good && rename(beside, path) == 0;
    if (!good) {
        int reason = errno;
        if (number >= 0) {
            (void)unlink(beside);
        }
        snprintf(text, sizeof text, "%.4000s could not be written: %s.", path, strerror(reason));
        qr_cli_error(cli, QUIRE_EIO, QR_CLI_FAILED, text, "Your entries are untouched.");
        return QR_CLI_FAILED;
    }
    if (!cli->json) {
        printf(
            "%s is written, not encrypted: programs and people who can read your files can read it.\n",
            path);
        return QR_CLI_DONE;
    }
    return qr_cli_print_json(cli, json_pack("{s:s}", "html", path));
}

/* What the models are, and whose texts they learned from. */
static enum qr_cli_exit print_cards(struct qr_cli *cli)
{
    json_t *cards = json_array();
    for (size_t i = 0; i < sizeof bundle_names / sizeof *bundle_names; i++) {
        struct quire_bytes card = {0};
        if (quire_insight_card(quire_insight_builtin(bundle_names[i]), &card) != QUIRE_OK) {
            continue;
        }
        json_array_append_new(cards, json_loadb((const char *)card.data, card.size, 0, NULL));
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "models", cards));
    }
    printf(
        "The models that read passages, and whose texts they learned from. F1 and precision were\n"
        "measured on comments, tweets and stories that they had not seen; a diary is neither.\n");
    size_t i;
    json_t *card;
    json_array_foreach(cards, i, card)
    {
        json_t *figures = json_object_get(card, "figures");
        json_int_t f1 =
            json_integer_value(json_array_get(json_object_get(figures, "f1_permille"), 0));
        printf("\n%s%s%s\n  learned from: %s\n", qr_cli_bold(cli),
            json_string_value(json_object_get(card, "name")), qr_cli_plain(cli),
            json_string_value(json_object_get(card, "attribution")));
        if (i == 0) {
            printf("  right language: %.1f %%\n", (double)f1 / 10);
            continue;
        }
        printf(
            "  F1 %.3f; what is told is right in %.0f %%; %.0f %% of the texts were told something\n",
            (double)f1 / 1000,
            (double)json_integer_value(json_object_get(figures, "shown_precision_permille")) / 10,
            (double)json_integer_value(json_object_get(figures, "coverage_permille")) / 10);
    }
    printf("\nJapanese: no model. No free texts with labels by people were found.\n");
    json_decref(cards);
    return QR_CLI_DONE;
}

static enum qr_cli_exit print_why(struct qr_cli *cli, const struct diary *diary,
    const struct qr_insights *insights, const char *name)
{
    struct qr_insights_row *rows = malloc((diary->count + 1) * sizeof *rows);
    if (rows == NULL) {
        return qr_cli_no_memory(cli);
    }
    for (size_t i = 0; i < diary->count; i++) {
        rows[i] = (struct qr_insights_row){diary->rows[i].id, entry_of(diary, &diary->rows[i])};
    }
    enum qr_cli_exit exit = qr_insights_why(cli, insights, rows, diary->count, name);
    free(rows);
    return exit;
}

enum qr_cli_exit qr_cli_insights(struct qr_cli *cli)
{
    struct qr_insights insights = {0};
    struct diary diary = {0};
    const char *page = qr_cli_value(&cli->args, "html"), *why = qr_cli_value(&cli->args, "why");
    bool csv = qr_cli_has(&cli->args, "csv");
    if (qr_cli_has(&cli->args, "about")) {
        return print_cards(cli);
    }
    if ((page != NULL) + csv + (cli->json && page == NULL) > 1
        || (why != NULL && (page != NULL || csv))) {
        return qr_cli_usage(
            cli, "One of --json, --csv and --html at a time; --why with --json alone.");
    }
    enum qr_cli_exit exit = read_options(cli, &insights.options);
    exit = exit == QR_CLI_DONE ? qr_cli_open(cli) : exit;
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = gather(cli, &diary);
    if (status != QUIRE_OK) {
        exit = qr_cli_failure(cli, status);
    } else {
        status = compute(&diary, &insights);
        if (status == QUIRE_ENOMEM) {
            exit = qr_cli_no_memory(cli);
        } else if (status != QUIRE_OK) {
            qr_cli_error(cli, status, QR_CLI_FAILED,
                status == QUIRE_ELIMIT
                    ? "There are more entries than insights can take in: 200,000."
                    : "Insights could not be computed from these entries.",
                "Your entries are untouched.");
            exit = QR_CLI_FAILED;
        } else if (why != NULL) {
            exit = print_why(cli, &diary, &insights, why);
        } else if (page != NULL) {
            exit = write_page(cli, &insights, page);
        } else if (csv) {
            print_csv(insights.report);
        } else if (cli->json) {
            exit = print_json(cli, &insights);
        } else {
            qr_insights_print(cli, &insights);
        }
    }
    let_go(&diary);
    return exit;
}
