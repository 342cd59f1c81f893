/*
 * Days and moods: calendar, moods.
 */
#define _GNU_SOURCE
#include "client/cli/journals.h"
#include "client/cli/period.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define DAYS_MAX 366 /* of a year */
#define BANDS 5      /* of moods: 0 to 19, 20 to 39 … 80 to 100 */
#define BAR_MAX 40

/** Entries of a period that are not deleted, in order of ids. */
struct entries {
    struct calendar_entry {
        uint8_t id[QUIRE_ENTRY_SIZE];
        int64_t date, mood;
        bool has_mood;
    } * items;
    size_t count, capacity;
    bool failed, only_moods;
    struct qr_cli_period period;
};

static bool add_entry(void *context, const struct quire_summary *summary)
{
    struct entries *entries = context;
    if (summary->deleted || !qr_cli_in_period(&entries->period, summary)
        || (entries->only_moods && !summary->has_mood)) {
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
    struct calendar_entry *entry = &entries->items[entries->count++];
    *entry = (struct calendar_entry){
        .date = summary->date, .has_mood = summary->has_mood, .mood = summary->mood};
    memcpy(entry->id, summary->entry, sizeof entry->id);
    return true;
}

/* Those of the period, and of --journal if that is given. */
static enum quire_status read_entries(struct qr_cli *cli, struct entries *entries)
{
    const char *journal = qr_cli_value(&cli->args, "journal");
    enum quire_status status = quire_client_each_entry(cli->client, add_entry, entries);
    status = status == QUIRE_OK && entries->failed ? QUIRE_ENOMEM : status;
    size_t kept = 0;
    for (size_t i = 0; journal != NULL && status == QUIRE_OK && i < entries->count; i++) {
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
    entries->count = journal != NULL ? kept : entries->count;
    return status;
}

static size_t band_of(int64_t mood)
{
    int64_t band = mood < 0 ? 0 : mood * BANDS / QUIRE_MOOD_MAX;
    return (size_t)(band < BANDS ? band : BANDS - 1);
}

/* A sign for each band, lowest first: it tells as much as the colour does. */
static const char *const band_signs[BANDS] = {"▁", "▃", "▄", "▆", "█"};
static const char *const band_colours[BANDS] = {
    "\x1b[31m", "\x1b[33m", "\x1b[37m", "\x1b[36m", "\x1b[32m"};

/* ---- calendar --------------------------------------------------------------------------------- */

struct day {
    uint64_t entries, moods;
    int64_t mood_sum;
};

struct calendar {
    int64_t first, today; /* days since 1970 */
    size_t count;
    struct day days[DAYS_MAX];
};

static void print_sign(const struct qr_cli *cli, const struct day *day)
{
    if (day->moods == 0) {
        printf("%s", day->entries > 0 ? "·" : " ");
        return;
    }
    size_t band = band_of(day->mood_sum / (int64_t)day->moods);
    printf("%s%s%s", cli->colour ? band_colours[band] : "", band_signs[band], qr_cli_plain(cli));
}

static void print_legend(const struct qr_cli *cli)
{
    printf("\n· written   mood:");
    for (size_t i = 0; i < BANDS; i++) {
        printf(" %s%s%s", cli->colour ? band_colours[i] : "", band_signs[i], qr_cli_plain(cli));
    }
    printf(" low to high\n");
}

static const char *month_name(int month)
{
    static const char *const names[] = {"January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December"};
    return names[month - 1];
}

/* Weeks begin on Monday; 1970 began on a Thursday. */
static int weekday(int64_t day)
{
    return (int)(((day + 3) % 7 + 7) % 7);
}

static void print_month(const struct qr_cli *cli, const struct calendar *calendar)
{
    int64_t year;
    int month, number;
    qr_client_civil(calendar->first, &year, &month, &number);
    printf("%s%s %" PRId64 "%s\n Mo  Tu  We  Th  Fr  Sa  Su\n%*s", qr_cli_bold(cli),
        month_name(month), year, qr_cli_plain(cli), weekday(calendar->first) * 4, "");
    for (size_t i = 0; i < calendar->count; i++) {
        int64_t day = calendar->first + (int64_t)i;
        bool today = day == calendar->today;
        printf("%s%3zu%s", today ? qr_cli_bold(cli) : "", i + 1, today ? qr_cli_plain(cli) : "");
        print_sign(cli, &calendar->days[i]);
        if (weekday(day) == 6 || i + 1 == calendar->count) {
            fputc('\n', stdout);
        }
    }
}

/* A row for each month, a sign for each day. */
static void print_year(const struct qr_cli *cli, const struct calendar *calendar)
{
    int64_t year;
    int month, number, last_month = 0;
    qr_client_civil(calendar->first, &year, &month, &number);
    printf("%s%" PRId64 "%s\n    ", qr_cli_bold(cli), year, qr_cli_plain(cli));
    for (int i = 1; i <= 31; i++) {
        printf(i % 5 == 0 || i == 1 ? "%2d" : "  ", i);
    }
    for (size_t i = 0; i < calendar->count; i++) {
        qr_client_civil(calendar->first + (int64_t)i, &year, &month, &number);
        if (month != last_month) {
            printf("\n%.3s ", month_name(month));
            last_month = month;
        }
        fputc(' ', stdout);
        print_sign(cli, &calendar->days[i]);
    }
    fputc('\n', stdout);
}

/* The month or the year that the operands name, or this month. */
static enum qr_cli_exit read_span(struct qr_cli *cli, struct calendar *out_calendar)
{
    char text[128] = "", error[256];
    size_t size = 0;
    int64_t year;
    int month, number;
    struct qr_client_span span = {.from_ms = qr_cli_local_now()};
    span.until_ms = span.from_ms;
    for (size_t i = 0; i < cli->args.operand_count && size < sizeof text; i++) {
        size += (size_t)snprintf(
            text + size, sizeof text - size, "%s%s", i > 0 ? " " : "", cli->args.operands[i]);
    }
    if (size > 0 && qr_cli_when(text, &span, error, sizeof error) != QUIRE_OK) {
        return qr_cli_usage(cli, "%s", error);
    }
    bool whole_year = span.until_ms - span.from_ms > 31 * DAY_MS;
    int64_t day = span.from_ms / DAY_MS - (span.from_ms % DAY_MS < 0);
    out_calendar->today = qr_cli_local_now() / DAY_MS;
    qr_client_civil(day, &year, &month, &number);
    if (year < 1 || year > 9998) {
        return qr_cli_usage(cli, "A calendar is of the years 1 to 9998.");
    }
    day -= number - 1;
    for (int wanted = month; whole_year && wanted > 1;) { /* back to January */
        day--;
        qr_client_civil(day, &year, &wanted, &number);
        day -= number - 1;
    }
    out_calendar->first = day;
    for (int next = month, first = whole_year ? 1 : month;; out_calendar->count++) {
        int64_t its_year;
        qr_client_civil(day + (int64_t)out_calendar->count, &its_year, &next, &number);
        if (its_year != year || (!whole_year && next != first)) {
            break;
        }
    }
    return QR_CLI_DONE;
}

static json_t *json_days(const struct calendar *calendar)
{
    json_t *array = json_array();
    for (size_t i = 0; i < calendar->count; i++) {
        const struct day *day = &calendar->days[i];
        if (day->entries > 0) {
            json_array_append_new(array,
                json_pack("{s:I, s:I, s:o}", "date",
                    (json_int_t)((calendar->first + (int64_t)i) * DAY_MS), "entries",
                    (json_int_t)day->entries, "mood",
                    day->moods > 0 ? json_integer(day->mood_sum / (int64_t)day->moods)
                                   : json_null()));
        }
    }
    return array;
}

enum qr_cli_exit qr_cli_calendar(struct qr_cli *cli)
{
    struct calendar calendar = {0};
    enum qr_cli_exit exit = read_span(cli, &calendar);
    exit = exit == QR_CLI_DONE ? qr_cli_open_to_read(cli) : exit;
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    struct entries entries = {.period = {.limited = true,
                                  .from_ms = calendar.first * DAY_MS,
                                  .until_ms = (calendar.first + (int64_t)calendar.count) * DAY_MS}};
    enum quire_status status = read_entries(cli, &entries);
    for (size_t i = 0; status == QUIRE_OK && i < entries.count; i++) {
        const struct calendar_entry *entry = &entries.items[i];
        struct day *day = &calendar.days[(entry->date - entries.period.from_ms) / DAY_MS];
        day->entries++;
        day->moods += entry->has_mood;
        day->mood_sum += entry->has_mood ? entry->mood : 0;
    }
    free(entries.items);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "days", json_days(&calendar)));
    }
    if (calendar.count > 31) {
        print_year(cli, &calendar);
    } else {
        print_month(cli, &calendar);
    }
    print_legend(cli);
    return QR_CLI_DONE;
}

/* ---- moods ------------------------------------------------------------------------------------ */

static enum qr_cli_exit print_moods(
    struct qr_cli *cli, const uint64_t counts[BANDS], uint64_t total, int64_t sum)
{
    uint64_t most = 1;
    for (size_t i = 0; i < BANDS; i++) {
        most = counts[i] > most ? counts[i] : most;
    }
    for (size_t i = BANDS; i-- > 0;) {
        size_t from = i * QUIRE_MOOD_MAX / BANDS;
        size_t to = i + 1 == BANDS ? QUIRE_MOOD_MAX : (i + 1) * QUIRE_MOOD_MAX / BANDS - 1;
        printf("%3zu to %3zu  %6" PRIu64 "  %s", from, to, counts[i],
            cli->colour ? band_colours[i] : "");
        for (uint64_t bar = 0; bar < (counts[i] * BAR_MAX + most - 1) / most; bar++) {
            printf("█");
        }
        printf("%s\n", qr_cli_plain(cli));
    }
    if (total > 0) {
        printf("mean %" PRId64 ", of %" PRIu64 " %s with a mood\n",
            (sum + (int64_t)(total / 2)) / (int64_t)total, total, total == 1 ? "entry" : "entries");
    } else {
        printf("No entry has a mood. One is set by: quire edit last --mood 70\n");
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_moods(struct qr_cli *cli)
{
    struct entries entries = {.only_moods = true};
    uint64_t counts[BANDS] = {0};
    int64_t sum = 0;
    enum qr_cli_exit exit = qr_cli_read_period(cli, &entries.period);
    exit = exit == QR_CLI_DONE ? qr_cli_open_to_read(cli) : exit;
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = read_entries(cli, &entries);
    for (size_t i = 0; status == QUIRE_OK && i < entries.count; i++) {
        counts[band_of(entries.items[i].mood)]++;
        sum += entries.items[i].mood;
    }
    uint64_t total = entries.count;
    free(entries.items);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (!cli->json) {
        return print_moods(cli, counts, total, sum);
    }
    json_t *array = json_array();
    for (size_t i = 0; i < BANDS; i++) {
        json_array_append_new(array, json_integer((json_int_t)counts[i]));
    }
    return qr_cli_print_json(cli,
        json_pack("{s:I, s:o, s:o}", "entries", (json_int_t)total, "mean",
            total > 0 ? json_real((double)sum / (double)total) : json_null(), "bands", array));
}
