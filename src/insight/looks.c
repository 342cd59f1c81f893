/*
 * Looks: every 28 days from the first entry on, at what is dated before. What holds at two in a row is
 * said, so the answer does not depend on how often a person asks.
 */
#include "insight/inner.h"
#include "insight/number.h"
#include <string.h>

#define LOOK_DAYS 28
#define LOOKS_MIN 2

/* Ids of factors: of names their index, then these. */
enum { TIME_OF_DAY = QUIRE_INSIGHT_NAMES_MAX, LONG_TEXT = TIME_OF_DAY + 4, FACTOR_IDS };

/* ---- one look --------------------------------------------------------------------------------- */

static bool in_look(const struct qr_entry *entry, int32_t look)
{
    return entry->day < look && entry->day >= look - QR_DAYS_MAX;
}

/* The days with moods before a look; out_index: of each entry its day's index, or n. */
static void collect_days(const struct quire_insight *insight, int32_t look, struct qr_days *days)
{
    days->n = 0;
    for (uint32_t i = 0, next; i < insight->entry_count; i = next) {
        int64_t sum = 0, moods = 0;
        const struct qr_entry *entries = insight->entries;
        for (next = i; next < insight->entry_count && entries[next].day == entries[i].day; next++) {
            if (entries[next].mood >= 0) {
                sum += 100 * entries[next].mood;
                moods++;
            }
        }
        if (moods > 0 && in_look(&entries[i], look)) {
            days->days[days->n] = entries[i].day;
            days->moods[days->n++] = (int32_t)qr_divide(sum, moods);
        }
    }
}

static uint32_t name_of(struct qr_finish_work *work, struct quire_bytes name, bool emotion)
{
    for (uint32_t i = 0; i < work->name_count; i++) {
        if (work->names[i].emotion == emotion && quire_bytes_equal(work->names[i].name, name)) {
            return i;
        }
    }
    if (work->name_count == QUIRE_INSIGHT_NAMES_MAX) {
        return QUIRE_INSIGHT_NAMES_MAX;
    }
    work->names[work->name_count] =
        (struct qr_names){.name = name, .emotion = emotion, .last_day = INT32_MIN};
    return work->name_count++;
}

static void count_names(struct qr_finish_work *work, const struct qr_entry *entry)
{
    for (uint32_t j = 0; j < entry->tag_count + entry->emotion_count; j++) {
        bool emotion = j >= entry->tag_count;
        uint32_t at = emotion ? name_of(work, entry->emotions[j - entry->tag_count], true)
                              : name_of(work, entry->tags[j], false);
        if (at < QUIRE_INSIGHT_NAMES_MAX && work->names[at].last_day != entry->day) {
            work->names[at].last_day = entry->day;
            work->names[at].days++;
        }
    }
}

static void mark(struct qr_factor *factor, uint32_t day)
{
    factor->count += factor->present[day] == 0;
    factor->present[day] = 1;
}

/* What an entry gives to its day. */
static void mark_entry(struct qr_finish_work *work, uint32_t factor_count,
    const struct qr_entry *entry, uint32_t day, uint32_t median)
{
    for (uint32_t f = 0; f < factor_count; f++) {
        struct qr_factor *factor = &work->factors[f];
        if (factor->id >= TIME_OF_DAY) {
            bool has = factor->id == LONG_TEXT
                ? entry->tokens > median
                : entry->hour >= 0 && (uint32_t)entry->hour / 6 == factor->id - TIME_OF_DAY;
            if (has) {
                mark(factor, day);
            }
            continue;
        }
        const struct qr_names *name = &work->names[factor->id];
        const struct quire_bytes *list = name->emotion ? entry->emotions : entry->tags;
        uint32_t count = name->emotion ? entry->emotion_count : entry->tag_count;
        for (uint32_t j = 0; j < count; j++) {
            if (quire_bytes_equal(list[j], name->name)) {
                mark(factor, day);
            }
        }
    }
}

/* The most frequent names, the times of day, and the length. */
static uint32_t choose_factors(struct qr_finish_work *work)
{
    uint32_t count = 0;
    memset(work->factors, 0, sizeof work->factors);
    for (uint32_t id = TIME_OF_DAY; id < FACTOR_IDS; id++) {
        work->factors[count++].id = id;
    }
    while (count < QR_FACTORS_MAX) {
        uint32_t best = QUIRE_INSIGHT_NAMES_MAX;
        for (uint32_t i = 0; i < work->name_count; i++) {
            if (work->names[i].days >= QR_FACTOR_DAYS_MIN
                && (best == QUIRE_INSIGHT_NAMES_MAX
                    || work->names[i].days > work->names[best].days)) {
                best = i;
            }
        }
        if (best == QUIRE_INSIGHT_NAMES_MAX) {
            break;
        }
        work->names[best].days = 0;
        work->factors[count++].id = best;
    }
    return count;
}

static uint32_t median_tokens(
    const struct quire_insight *insight, int32_t look, int64_t *numbers, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = insight->entry_count; i > 0 && count < max; i--) {
        if (in_look(&insight->entries[i - 1], look) && insight->entries[i - 1].mood >= 0) {
            numbers[count++] = insight->entries[i - 1].tokens;
        }
    }
    qr_sort_numbers(numbers, count);
    return count == 0 ? 0 : (uint32_t)numbers[count / 2];
}

/* Names keep their index from one look to the next, so that findings of two looks can be compared. */
static void look_at_moods(
    struct quire_insight *insight, struct qr_finish_work *work, int32_t look, uint32_t which)
{
    struct qr_days *days = &work->days;
    collect_days(insight, look, days);
    uint32_t median = median_tokens(insight, look, work->numbers, QR_DAYS_MAX), day = 0;
    for (uint32_t i = 0; i < work->name_count; i++) {
        work->names[i].days = 0;
        work->names[i].last_day = INT32_MIN;
    }
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        if (in_look(&insight->entries[i], look)) {
            count_names(work, &insight->entries[i]);
        }
    }
    uint32_t factor_count = choose_factors(work);
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        const struct qr_entry *entry = &insight->entries[i];
        while (day < days->n && days->days[day] < entry->day) {
            day++;
        }
        if (in_look(entry, look) && day < days->n && days->days[day] == entry->day) {
            mark_entry(work, factor_count, entry, day, median);
        }
    }
    work->found_count[which] =
        qr_findings_look(&work->findings, days, work->factors, factor_count, work->found[which]);
}

/* ---- what is said ----------------------------------------------------------------------------- */

static void add_finding(struct quire_insight *insight, const struct qr_finish_work *work,
    const struct qr_finding *finding)
{
    static const enum quire_insight_template templates[] = {
        [QR_FINDING_FACTOR] = QUIRE_INSIGHT_TAG_WITH,
        [QR_FINDING_WEEKDAY] = QUIRE_INSIGHT_WEEKDAY,
        [QR_FINDING_CHANGE] = QUIRE_INSIGHT_CHANGE,
        [QR_FINDING_SLOPE] = QUIRE_INSIGHT_SLOPE};
    struct quire_insight_item *item = qr_item_add(insight, templates[finding->kind]);
    if (item == NULL) {
        return;
    }
    int32_t numbers[QUIRE_INSIGHT_NUMBERS] = {finding->effect, finding->low, finding->high,
        (int32_t)finding->with, (int32_t)finding->without, (int32_t)finding->chance, finding->which,
        finding->from, finding->to};
    memcpy(item->numbers, numbers, sizeof numbers);
    if (finding->kind == QR_FINDING_WEEKDAY) {
        item->flags = (uint32_t)finding->which;
    } else if (finding->kind == QR_FINDING_FACTOR && finding->which < TIME_OF_DAY) {
        item->name = work->names[finding->which].name;
        item->template_id = work->names[finding->which].emotion ? QUIRE_INSIGHT_EMOTION_WITH
                                                                : QUIRE_INSIGHT_TAG_WITH;
    } else if (finding->kind == QR_FINDING_FACTOR && finding->which < LONG_TEXT) {
        item->template_id = QUIRE_INSIGHT_TIME_WITH;
        item->flags = (uint32_t)(finding->which - TIME_OF_DAY);
    } else if (finding->kind == QR_FINDING_FACTOR) {
        item->template_id = QUIRE_INSIGHT_LENGTH_WITH;
    }
}

static void add_findings(struct quire_insight *insight, const struct qr_finish_work *work)
{
    uint32_t watching = 0;
    for (uint32_t i = 0; i < work->found_count[1]; i++) {
        bool holds = false;
        for (uint32_t j = 0; j < work->found_count[0]; j++) {
            holds |= qr_finding_holds(&work->found[0][j], &work->found[1][i]);
        }
        if (holds) {
            add_finding(insight, work, &work->found[1][i]);
        }
        watching += !holds;
    }
    struct quire_insight_item *item =
        watching == 0 ? NULL : qr_item_add(insight, QUIRE_INSIGHT_WATCHING);
    if (item != NULL) {
        item->numbers[0] = (int32_t)watching;
    }
}

static void add_need(
    struct quire_insight *insight, enum quire_insight_need need, uint32_t have, uint32_t wanted)
{
    struct quire_insight_item *item =
        have >= wanted ? NULL : qr_item_add(insight, QUIRE_INSIGHT_NEED_MOODS);
    if (item != NULL) {
        item->flags = need;
        item->numbers[0] = (int32_t)(wanted - have);
    }
}

/* What is missing today for a look at moods. */
static void add_needs(struct quire_insight *insight, struct qr_finish_work *work, int32_t looks)
{
    struct qr_days *days = &work->days;
    bool equal = true;
    collect_days(insight, insight->options.today + 1, days);
    for (uint32_t i = 1; i < days->n; i++) {
        equal &= days->moods[i] == days->moods[0];
    }
    if (days->n >= QR_FINDING_DAYS_MIN && equal) {
        struct quire_insight_item *item = qr_item_add(insight, QUIRE_INSIGHT_MOOD_EQUAL);
        if (item != NULL) {
            item->numbers[0] = days->moods[0];
        }
        return;
    }
    add_need(insight, QUIRE_INSIGHT_NEED_FACTORS, days->n, QR_FINDING_DAYS_MIN);
    add_need(insight, QUIRE_INSIGHT_NEED_CHANGE, days->n, QR_CHANGE_DAYS_MIN);
    add_need(insight, QUIRE_INSIGHT_NEED_WEEKDAYS, days->n, QR_WEEKDAY_DAYS_MIN);
    struct quire_insight_item *item =
        looks >= LOOKS_MIN ? NULL : qr_item_add(insight, QUIRE_INSIGHT_NEED_LOOKS);
    if (item != NULL) {
        item->numbers[0] =
            insight->report.first_day + LOOKS_MIN * LOOK_DAYS - insight->options.today;
    }
}

/* ---- themes ----------------------------------------------------------------------------------- */

/* The bundles whose language a tenth of the entries read is in; all of them if none was read. */
static size_t languages_in_use(
    const struct quire_insight *insight, const struct qr_bundle **out_bundles)
{
    uint32_t counts[QR_LANGUAGE_COUNT] = {0}, read = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        counts[insight->entries[i].language]++;
        read += insight->entries[i].language != QR_LANGUAGE_UNKNOWN;
    }
    for (uint32_t i = 0; i < insight->bundle_count; i++) {
        if (read == 0 || counts[insight->bundles[i].language] * 10 >= read) {
            out_bundles[count++] = &insight->bundles[i];
        }
    }
    return count;
}

/* The last entries with a word of a rising theme, if they are much alike and the mood does not rise. first:
 * the window's first entry. */
static void add_repetition(struct quire_insight *insight, struct qr_finish_work *work,
    const struct qr_theme *theme, uint32_t first, uint32_t count)
{
    struct quire_bytes texts[QR_REPEAT_ENTRIES];
    int32_t moods[QR_REPEAT_ENTRIES];
    uint32_t found = 0;
    for (uint32_t i = count; i > 0 && found < QR_REPEAT_ENTRIES; i--) {
        if (work->words.bits[theme->word][(i - 1) / 8] >> ((i - 1) & 7) & 1) {
            found++;
            texts[QR_REPEAT_ENTRIES - found] = work->texts[i - 1];
            moods[QR_REPEAT_ENTRIES - found] = insight->entries[first + i - 1].mood;
        }
    }
    if (found < QR_REPEAT_ENTRIES || qr_repeat_is_rising(moods, QR_REPEAT_ENTRIES)) {
        return;
    }
    memset(&work->other, 0, sizeof work->other);
    uint32_t alike = qr_repeat_alike(&insight->features, &work->other, texts, QR_REPEAT_ENTRIES);
    struct quire_insight_item *item =
        alike < QR_REPEAT_ALIKE_MIN ? NULL : qr_item_add(insight, QUIRE_INSIGHT_REPEATS);
    if (item != NULL) {
        item->name = quire_bytes_of_text(work->words.names[theme->word]);
        item->numbers[0] = QR_REPEAT_ENTRIES;
        item->numbers[1] = (int32_t)alike;
    }
}

static void add_themes(struct quire_insight *insight, struct qr_finish_work *work, int32_t look)
{
    const struct qr_bundle *bundles[QUIRE_INSIGHT_BUNDLES_MAX];
    uint32_t count = 0, recent = 0, first = insight->entry_count;
    while (first > 0 && insight->entries[first - 1].day >= look - QR_DAYS_MAX) {
        first--;
    }
    uint32_t end = first;
    while (end < insight->entry_count && insight->entries[end].day < look) {
        end++;
    }
    first = end - first > QR_THEMES_ENTRIES_MAX ? end - QR_THEMES_ENTRIES_MAX : first;
    for (uint32_t i = first; i < end; i++) {
        work->texts[count++] = insight->entries[i].text;
        recent += insight->entries[i].day >= look - QR_THEMES_RECENT_DAYS;
    }
    uint32_t before = count - recent;
    if (recent < QR_THEMES_RECENT_MIN || before < QR_THEMES_BEFORE_MIN) {
        struct quire_insight_item *item = qr_item_add(insight, QUIRE_INSIGHT_NEED_ENTRIES);
        if (item != NULL) {
            item->numbers[0] =
                recent < QR_THEMES_RECENT_MIN ? (int32_t)(QR_THEMES_RECENT_MIN - recent) : 0;
            item->numbers[1] =
                before < QR_THEMES_BEFORE_MIN ? (int32_t)(QR_THEMES_BEFORE_MIN - before) : 0;
        }
        return;
    }
    size_t bundle_count = languages_in_use(insight, bundles);
    struct qr_words *words = &work->words;
    qr_words_gather(words, &insight->features, work->texts, count, bundles, bundle_count);
    struct qr_presence presence = {.entries = count,
        .recent = recent,
        .words = words->count,
        .seeds = words->seeds,
        .bits = &words->bits[0][0],
        .stride = sizeof words->bits[0]};
    uint32_t found = qr_themes_look(&presence, work->themes);
    for (uint32_t i = 0; i < found; i++) {
        const struct qr_theme *theme = &work->themes[i];
        struct quire_insight_item *item =
            qr_item_add(insight, theme->rising ? QUIRE_INSIGHT_THEME_UP : QUIRE_INSIGHT_THEME_DOWN);
        if (item != NULL) {
            int32_t numbers[] = {(int32_t)theme->recent_with, (int32_t)theme->recent,
                (int32_t)theme->before_with, (int32_t)theme->before, (int32_t)theme->chance,
                words->cjk[theme->word]};
            memcpy(item->numbers, numbers, sizeof numbers);
            item->name = quire_bytes_of_text(words->names[theme->word]);
        }
    }
    for (uint32_t i = 0; i < found && insight->options.repetition; i++) {
        if (work->themes[i].rising) {
            add_repetition(insight, work, &work->themes[i], first, count);
        }
    }
}

void qr_looks_add(struct quire_insight *insight, struct qr_finish_work *work)
{
    int32_t first = insight->report.first_day;
    int64_t past = (int64_t)insight->options.today - first;
    int32_t looks = (int32_t)(past / LOOK_DAYS),
            last = (int32_t)(first + (int64_t)LOOK_DAYS * looks);
    work->name_count = 0;
    memset(work->found_count, 0, sizeof work->found_count);
    insight->report.last_look = looks == 0 ? 0 : last;
    if (!(insight->options.without & QUIRE_INSIGHT_FINDINGS)) {
        add_needs(insight, work, looks);
        if (looks >= LOOKS_MIN) {
            look_at_moods(insight, work, last - LOOK_DAYS, 0);
        }
        if (looks >= 1) {
            look_at_moods(insight, work, last, 1);
        }
        add_findings(insight, work);
    }
    if (!(insight->options.without & QUIRE_INSIGHT_THEMES)) {
        add_themes(insight, work, looks == 0 ? insight->options.today + 1 : last);
    }
}
