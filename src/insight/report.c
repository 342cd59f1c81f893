/*
 * Entries in, report out: means, weeks and counts.
 */
#include "insight/inner.h"
#include "insight/number.h"
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define MEAN_DAYS_MIN 7
#define COMPARE_DAYS_MIN 14
#define PASSAGE_BYTES_MIN 12 /* six tokens of a letter each, and what separates them */

size_t quire_insight_size(size_t entries, size_t text_size, size_t elements)
{
    (void)elements; /* borrowed where they stand */
    size_t passages = text_size / PASSAGE_BYTES_MIN + entries + 1;
    return sizeof(struct quire_insight) + sizeof(struct qr_finish_work)
        + entries * (sizeof(struct qr_entry) + sizeof(int64_t))
        + passages * sizeof(struct qr_passage) + 256;
}

static uint8_t *aligned(uint8_t *place)
{
    return place + (16 - (uintptr_t)place % 16) % 16;
}

static enum quire_status open_bundles(struct quire_insight *insight)
{
    const struct quire_insight_options *options = &insight->options;
    for (size_t i = 0; i < options->bundle_count; i++) {
        struct qr_bundle bundle;
        enum quire_status status = qr_bundle_open(options->bundles[i], &bundle);
        if (status != QUIRE_OK) {
            return status;
        }
        if (bundle.purpose == QR_BUNDLE_LANGUAGES) {
            if (insight->has_languages) {
                return QUIRE_EINVALID;
            }
            insight->languages = bundle;
            insight->has_languages = true;
            continue;
        }
        for (uint32_t j = 0; j < insight->bundle_count; j++) {
            if (insight->bundles[j].language == bundle.language) {
                return QUIRE_EINVALID;
            }
        }
        insight->bundles[insight->bundle_count++] = bundle;
    }
    return QUIRE_OK;
}

enum quire_status quire_insight_begin(void *arena, size_t size,
    const struct quire_insight_options *options, struct quire_insight **out_insight)
{
    if (options->bundle_count > QUIRE_INSIGHT_BUNDLES_MAX || options->from > options->to) {
        return QUIRE_EINVALID;
    }
    uint8_t *begin = aligned(arena), *end = (uint8_t *)arena + size;
    if (size < quire_insight_size(0, 0, 0)) {
        return QUIRE_ENOMEM;
    }
    struct quire_insight *insight = (struct quire_insight *)(void *)begin;
    memset(insight, 0, sizeof *insight);
    insight->options = *options;
    enum quire_status status = open_bundles(insight);
    if (status != QUIRE_OK) {
        return status;
    }
    for (uint32_t i = 0; i < insight->bundle_count; i++) {
        for (uint32_t k = 0; k < insight->bundles[i].outputs; k++) {
            insight->shows[i][k] = insight->bundles[i].labels[k].show;
        }
    }
    insight->entries = (struct qr_entry *)(void *)aligned(begin + sizeof *insight);
    insight->end = end - (uintptr_t)end % 16;
    insight->passages = (struct qr_passage *)(void *)insight->end;
    *out_insight = insight;
    return QUIRE_OK;
}

struct qr_passage *qr_passage_at(const struct quire_insight *insight, uint32_t i)
{
    return (struct qr_passage *)(void *)insight->end - 1 - i;
}

struct quire_insight_item *qr_item_add(
    struct quire_insight *insight, enum quire_insight_template template_id)
{
    if (insight->report.item_count == QR_ITEMS_MAX) {
        return NULL;
    }
    struct quire_insight_item *item = &insight->items[insight->report.item_count++];
    *item = (struct quire_insight_item){.template_id = template_id};
    return item;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static uint32_t count_tokens(struct quire_bytes text)
{
    struct qr_tokens tokens = {.text = text};
    struct qr_token token;
    uint32_t count = 0;
    while (qr_tokens_next(&tokens, &token)) {
        count += token.kind == QR_TOKEN_SYMBOL ? 0 : qr_token_weight(&token);
    }
    return count;
}

enum quire_status quire_insight_add(
    struct quire_insight *insight, const struct quire_insight_entry *entry)
{
    int64_t day = floor_divide(entry->date_ms, DAY_MS);
    if (insight->finished || entry->mood > 100 || entry->mood < QUIRE_INSIGHT_NO_MOOD
        || (insight->entry_count > 0 && day < insight->entries[insight->entry_count - 1].day)) {
        return QUIRE_EINVALID;
    }
    if (insight->entry_count == QUIRE_INSIGHT_ENTRIES_MAX) {
        return QUIRE_ELIMIT;
    }
    if (day > insight->options.today || day < INT32_MIN / 2) {
        insight->later++;
        return QUIRE_OK;
    }
    struct qr_entry *added = &insight->entries[insight->entry_count];
    if ((uint8_t *)(added + 1) > (uint8_t *)insight->passages) {
        return QUIRE_ENOMEM;
    }
    int64_t in_day = entry->date_ms - day * DAY_MS;
    *added = (struct qr_entry){.day = (int32_t)day,
        .hour = in_day == 0 ? -1 : (int16_t)(in_day / 3600000),
        .mood = (int16_t)entry->mood,
        .text = entry->text,
        .tags = entry->tags,
        .emotions = entry->emotions,
        .tag_count = (uint32_t)entry->tag_count,
        .emotion_count = (uint32_t)entry->emotion_count,
        .bundle = QR_NO_BUNDLE};
    insight->entry_count++;
    bool in_window = added->day > insight->options.today - QR_DAYS_MAX;
    bool in_period = added->day >= insight->options.from && added->day <= insight->options.to;
    added->tokens = in_window ? count_tokens(added->text) : 0;
    if (insight->options.without & QUIRE_INSIGHT_READINGS
        || (!in_period && !(in_window && added->emotion_count > 0))) {
        return QUIRE_OK;
    }
    enum quire_status status = qr_readings_read(insight, added);
    if (status != QUIRE_OK) {
        insight->entry_count--;
    }
    return status;
}

/* ---- means ------------------------------------------------------------------------------------ */

/* Means of the days from … to, hundredths, into `numbers` (at most max); how many days. */
static uint32_t daily_moods(
    const struct quire_insight *insight, int32_t from, int32_t to, int64_t *numbers, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0, next; i < insight->entry_count; i = next) {
        int64_t sum = 0, moods = 0;
        const struct qr_entry *entries = insight->entries;
        for (next = i; next < insight->entry_count && entries[next].day == entries[i].day; next++) {
            if (entries[next].mood >= 0) {
                sum += 100 * entries[next].mood;
                moods++;
            }
        }
        if (moods > 0 && entries[i].day >= from && entries[i].day <= to && count < max) {
            numbers[count++] = qr_divide(sum, moods);
        }
    }
    return count;
}

static void add_mean(struct quire_insight *insight, enum quire_insight_template template_id,
    int64_t *numbers, uint32_t count)
{
    int64_t sum = 0;
    struct quire_insight_item *item = qr_item_add(insight, template_id);
    for (uint32_t i = 0; i < count; i++) {
        sum += numbers[i];
    }
    qr_sort_numbers(numbers, count);
    if (item != NULL) {
        item->numbers[0] = (int32_t)qr_divide(sum, count);
        item->numbers[1] = (int32_t)numbers[count / 4];
        item->numbers[2] = (int32_t)numbers[count - 1 - count / 4];
        item->numbers[3] = (int32_t)count;
    }
}

static void add_need(struct quire_insight *insight, enum quire_insight_need need, uint32_t missing)
{
    struct quire_insight_item *item = qr_item_add(insight, QUIRE_INSIGHT_NEED_MOODS);
    if (item != NULL) {
        item->flags = need;
        item->numbers[0] = (int32_t)missing;
    }
}

static void add_means(struct quire_insight *insight, int64_t *numbers, uint32_t max)
{
    int32_t from = insight->options.from, to = insight->options.to, length = to - from + 1;
    uint32_t now = daily_moods(insight, from, to, numbers, max);
    if (now < MEAN_DAYS_MIN) {
        add_need(insight, QUIRE_INSIGHT_NEED_MEAN, MEAN_DAYS_MIN - now);
        return;
    }
    add_mean(insight, QUIRE_INSIGHT_MOOD_MEAN, numbers, now);
    if (length > QR_DAYS_MAX) {
        return; /* all of the diary: there is nothing before */
    }
    uint32_t before = daily_moods(insight, from - length, from - 1, numbers, max);
    uint32_t fewer = now < before ? now : before;
    if (fewer >= COMPARE_DAYS_MIN) {
        add_mean(insight, QUIRE_INSIGHT_MOOD_BEFORE, numbers, before);
    } else {
        add_need(insight, QUIRE_INSIGHT_NEED_COMPARE, COMPARE_DAYS_MIN - fewer);
    }
}

/* ---- days and weeks --------------------------------------------------------------------------- */

static void add_days(struct quire_insight *insight)
{
    struct quire_insight_report *report = &insight->report;
    int32_t first = insight->options.today - QR_DAYS_MAX + 1;
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        const struct qr_entry *entry = &insight->entries[i];
        if (entry->day < first) {
            continue;
        }
        struct quire_insight_day *day = &insight->days[report->day_count];
        if (report->day_count == 0 || day[-1].day != entry->day) {
            *day = (struct quire_insight_day){entry->day, QUIRE_INSIGHT_NO_MOOD, 0};
            report->day_count++;
        }
        insight->days[report->day_count - 1].entries++;
    }
    for (size_t i = 0; i < report->day_count; i++) {
        int64_t mood;
        int32_t day = insight->days[i].day;
        if (daily_moods(insight, day, day, &mood, 1) == 1) {
            insight->days[i].mood = (int32_t)mood;
        }
    }
    report->days = insight->days;
}

static void add_weeks(struct quire_insight *insight, struct qr_finish_work *work)
{
    struct quire_insight_report *report = &insight->report;
    struct qr_days *days = &work->days;
    struct qr_sieve *sieve = &work->findings.sieve;
    int64_t sum = 0;
    days->n = 0;
    for (size_t i = 0; i < report->day_count; i++) {
        if (report->days[i].mood >= 0) {
            days->days[days->n] = report->days[i].day;
            days->moods[days->n++] = report->days[i].mood;
            sum += report->days[i].mood;
        }
    }
    qr_findings_centre(days, work->numbers);
    bool fitted = days->n >= QR_FINDING_DAYS_MIN && qr_sieve_fit(sieve, work->numbers, days->n, 3);
    int32_t mean = days->n == 0 ? 0 : (int32_t)qr_divide(sum, days->n);
    if (report->day_count == 0) {
        return;
    }
    int32_t monday = report->days[0].day - (int32_t)(((report->days[0].day + 3) % 7 + 7) % 7);
    size_t next = 0;
    for (; monday <= insight->options.today && report->week_count < QR_WEEKS_MAX; monday += 7) {
        struct quire_insight_week *week = &insight->weeks[report->week_count++];
        *week = (struct quire_insight_week){.day = monday,
            .mood = QUIRE_INSIGHT_NO_MOOD,
            .low = QUIRE_INSIGHT_NO_MOOD,
            .high = QUIRE_INSIGHT_NO_MOOD};
        int64_t moods = 0;
        for (; next < report->day_count && report->days[next].day < monday + 7; next++) {
            week->entries += report->days[next].entries;
            if (report->days[next].mood >= 0) {
                moods += report->days[next].mood;
                week->mood_days++;
            }
        }
        if (week->mood_days > 0) {
            week->mood = (int32_t)qr_divide(moods, week->mood_days);
        }
        if (fitted && week->mood_days > 0) {
            int32_t half = qr_findings_band(sieve, week->mood_days);
            week->low = mean - half < 0 ? 0 : mean - half;
            week->high = mean + half > 10000 ? 10000 : mean + half;
        }
    }
    report->weeks = insight->weeks;
}

/* ---- picked emotions -------------------------------------------------------------------------- */

static bool in_period(const struct quire_insight *insight, const struct qr_entry *entry)
{
    return entry->day >= insight->options.from && entry->day <= insight->options.to;
}

static void add_picked(struct quire_insight *insight, struct qr_finish_work *work)
{
    struct qr_names *names = work->names;
    uint32_t count = 0;
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        const struct qr_entry *entry = &insight->entries[i];
        for (uint32_t j = 0; in_period(insight, entry) && j < entry->emotion_count; j++) {
            uint32_t at = 0;
            while (at < count && !quire_bytes_equal(names[at].name, entry->emotions[j])) {
                at++;
            }
            if (at == count && count < QUIRE_INSIGHT_NAMES_MAX) {
                names[count++] = (struct qr_names){.name = entry->emotions[j]};
            }
            if (at < count && names[at].days < UINT16_MAX) {
                names[at].days++;
            }
        }
    }
    for (int shown = 0; shown < 12; shown++) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < count; i++) {
            best = names[i].days > names[best].days ? i : best;
        }
        struct quire_insight_item *item =
            count == 0 || names[best].days == 0 ? NULL : qr_item_add(insight, QUIRE_INSIGHT_PICKED);
        if (item == NULL) {
            return;
        }
        item->name = names[best].name;
        item->numbers[0] = names[best].days;
        names[best].days = 0;
    }
}

static void count_entries(struct quire_insight *insight)
{
    struct quire_insight_report *report = &insight->report;
    int32_t last_day = 0;
    report->entries = insight->entry_count;
    report->later_entries = insight->later;
    report->first_day = insight->entry_count > 0 ? insight->entries[0].day : 0;
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        if (in_period(insight, &insight->entries[i])) {
            report->period_days +=
                report->period_entries == 0 || insight->entries[i].day != last_day;
            last_day = insight->entries[i].day;
            report->period_entries++;
        }
    }
}

enum quire_status quire_insight_finish(
    struct quire_insight *insight, const struct quire_insight_report **out_report)
{
    uint8_t *place = aligned((uint8_t *)(insight->entries + insight->entry_count));
    struct qr_finish_work *work = (struct qr_finish_work *)(void *)place;
    int64_t *numbers = (int64_t *)(void *)aligned((uint8_t *)(work + 1));
    if (insight->finished) {
        return QUIRE_EINVALID;
    }
    if ((uint8_t *)(numbers + insight->entry_count) > (uint8_t *)insight->passages) {
        return QUIRE_ENOMEM;
    }
    insight->finished = true;
    count_entries(insight);
    add_days(insight);
    memset(work->names, 0, sizeof work->names);
    add_weeks(insight, work);
    struct quire_insight_item *item;
    if (insight->report.period_entries == 0) {
        (void)qr_item_add(insight, QUIRE_INSIGHT_NOTHING);
    } else {
        add_means(insight, numbers, insight->entry_count);
        add_picked(insight, work);
        qr_readings_add(insight, numbers);
    }
    if (insight->entry_count > 0) {
        qr_looks_add(insight, work);
    }
    if (insight->later > 0 && (item = qr_item_add(insight, QUIRE_INSIGHT_AFTER_TODAY)) != NULL) {
        item->numbers[0] = (int32_t)insight->later;
    }
    insight->report.items = insight->items;
    *out_report = &insight->report;
    return QUIRE_OK;
}

enum quire_status quire_insight_card(struct quire_bytes bundle, struct quire_bytes *out_card)
{
    struct qr_bundle opened;
    enum quire_status status = qr_bundle_open(bundle, &opened);
    if (status == QUIRE_OK) {
        *out_card = opened.card;
    }
    return status;
}
