/*
 * What the model reads: passages, thresholds from the person's own picks, counts, suggestions.
 */
#include "insight/inner.h"
#include "insight/number.h"
#include <string.h>

#define LOGIT_MAX 32767
#define CALIBRATE_ENTRIES_MIN 10
#define PICKS_MANY 30
#define PICKS_PRIOR 10
#define SUGGEST_PASSAGES_MAX 2000

int qr_readings_label_of(const struct qr_bundle *bundle, struct quire_bytes emotion)
{
    static const char *const synonyms[][2] = {{"happy", "joy"}, {"happiness", "joy"},
        {"joyful", "joy"}, {"sad", "sadness"}, {"angry", "anger"}, {"afraid", "fear"},
        {"scared", "fear"}, {"anxious", "fear"}, {"grateful", "gratitude"},
        {"thankful", "gratitude"}, {"loved", "love"}, {"loving", "love"}, {"surprised", "surprise"},
        {"disgusted", "disgust"}, {"excited", "excitement"}, {"curious", "curiosity"},
        {"hopeful", "optimism"}, {"annoyed", "annoyance"}, {"disappointed", "disappointment"},
        {"confused", "confusion"}, {"amused", "amusement"}};
    struct qr_tokens tokens = {.text = emotion};
    struct qr_token token;
    char name[32];
    if (!qr_tokens_next(&tokens, &token) || token.count >= sizeof name) {
        return -1;
    }
    for (uint32_t i = 0; i < token.count; i++) {
        name[i] = token.points[i] < 0x80 ? (char)token.points[i] : '?';
    }
    name[token.count] = 0;
    if (qr_tokens_next(&tokens, &token)) {
        return -1; /* more than a word */
    }
    const char *label = name;
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        label = strcmp(name, synonyms[i][0]) == 0 ? synonyms[i][1] : label;
    }
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        if (quire_bytes_equal(bundle->labels[k].name, quire_bytes_of_text(label))) {
            return (int)k;
        }
    }
    return -1;
}

static uint32_t bundle_of(const struct quire_insight *insight, enum qr_language language)
{
    for (uint32_t i = 0; i < insight->bundle_count; i++) {
        if (insight->bundles[i].language == language
            && (language != QR_LANGUAGE_FR || insight->options.weak_languages)) {
            return i;
        }
    }
    return QR_NO_BUNDLE;
}

static int16_t half(int32_t logit)
{
    int32_t value = (logit < 0 ? logit - 1 : logit) / 2; /* rounded down */
    return (int16_t)(value > LOGIT_MAX ? LOGIT_MAX : value < -LOGIT_MAX ? -LOGIT_MAX : value);
}

static void read_passage(struct quire_insight *insight, const struct qr_bundle *bundle,
    struct quire_bytes text, struct qr_reading *out_reading)
{
    qr_features_clear(&insight->features);
    qr_features_add(&insight->features, bundle->language, text);
    qr_model_score(bundle, &insight->features, out_reading);
    qr_features_clear(&insight->features);
}

enum quire_status qr_readings_read(struct quire_insight *insight, struct qr_entry *entry)
{
    struct qr_segments segments = {.text = entry->text};
    struct quire_bytes text;
    enum qr_language language = qr_language_of(insight->has_languages ? &insight->languages : NULL,
        &insight->features, entry->text, insight->last_language);
    uint32_t before = insight->passage_count;
    entry->language = (uint8_t)language;
    uint32_t bundle = bundle_of(insight, language);
    insight->last_language = language == QR_LANGUAGE_UNKNOWN ? insight->last_language : language;
    entry->bundle = (uint8_t)bundle;
    while (bundle != QR_NO_BUNDLE && qr_segments_next(&segments, &text)) {
        struct qr_reading reading;
        struct qr_passage *passage = qr_passage_at(insight, insight->passage_count);
        if ((uint8_t *)passage < (uint8_t *)(insight->entries + insight->entry_count)) {
            insight->passage_count = before;
            insight->passages = (struct qr_passage *)(void *)insight->end - before;
            return QUIRE_ENOMEM;
        }
        read_passage(insight, &insight->bundles[bundle], text, &reading);
        *passage = (struct qr_passage){.entry = (uint32_t)(entry - insight->entries),
            .begin = (uint32_t)(text.data - entry->text.data),
            .size = (uint32_t)text.size};
        for (uint32_t k = 0; k < insight->bundles[bundle].outputs; k++) {
            passage->logits[k] = half(reading.logits[k]);
        }
        insight->passage_count++;
        insight->passages = passage;
        entry->passages++;
    }
    return QUIRE_OK;
}

/* ---- the person's own picks ------------------------------------------------------------------- */

/* The entry's greatest logit of label k, Q12; its passages begin with number `first`. */
static int32_t top_of(
    const struct quire_insight *insight, const struct qr_entry *entry, uint32_t first, uint32_t k)
{
    int32_t top = -2 * LOGIT_MAX;
    for (uint32_t i = 0; i < entry->passages; i++) {
        int32_t logit = 2 * qr_passage_at(insight, first + i)->logits[k];
        top = logit > top ? logit : top;
    }
    return top;
}

static bool picks(const struct qr_bundle *bundle, const struct qr_entry *entry, uint32_t k)
{
    for (uint32_t i = 0; i < entry->emotion_count; i++) {
        if (qr_readings_label_of(bundle, entry->emotions[i]) == (int)k) {
            return true;
        }
    }
    return false;
}

static bool picks_any(const struct qr_bundle *bundle, const struct qr_entry *entry)
{
    for (uint32_t i = 0; i < entry->emotion_count; i++) {
        if (qr_readings_label_of(bundle, entry->emotions[i]) >= 0) {
            return true;
        }
    }
    return false;
}

/* The threshold with the best F1 on the entries with picks: `numbers` are 2·logit + picked, ascending. A
 * label that was never picked is shown for none of them. */
static int32_t best_threshold(const int64_t *numbers, uint32_t count, uint32_t picked)
{
    int64_t best = 0, hits = 0;
    int32_t threshold = (int32_t)qr_divide(numbers[count - 1] - (numbers[count - 1] & 1), 2);
    for (uint32_t i = count; i > 0; i--) {
        hits += numbers[i - 1] & 1;
        int64_t f1 = 20000 * hits / ((int64_t)(count - i + 1) + picked);
        if (f1 > best) {
            best = f1;
            threshold = (int32_t)qr_divide(numbers[i - 1] - (numbers[i - 1] & 1), 2) - 1;
        }
    }
    return threshold;
}

/*
 * With few picks: the label is shown as often as the person picks it, shrunk towards the bundle's own rate
 * by ten entries. With many: towards the threshold that would have been best so far.
 */
static void calibrate(struct quire_insight *insight, uint32_t b, uint32_t k, int64_t *numbers)
{
    const struct qr_bundle *bundle = &insight->bundles[b];
    uint32_t read = 0, first = 0, with_picks = 0, picked = 0, shown = 0;
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        const struct qr_entry *entry = &insight->entries[i];
        if (entry->bundle == b && entry->passages > 0) {
            int32_t top = top_of(insight, entry, first, k);
            numbers[read++] = top;
            shown += top > bundle->labels[k].show;
            with_picks += picks_any(bundle, entry);
            picked += picks(bundle, entry, k);
        }
        first += entry->passages;
    }
    if (read < CALIBRATE_ENTRIES_MIN || with_picks == 0) {
        return;
    }
    qr_sort_numbers(numbers, read);
    /* of the entries read: (picked + 10·shown/read) / (with_picks + 10) */
    uint64_t wanted =
        ((uint64_t)picked * read + PICKS_PRIOR * (uint64_t)shown) / (with_picks + PICKS_PRIOR);
    int64_t threshold = wanted >= read ? numbers[0] - 1 : numbers[read - 1 - wanted];
    if (with_picks >= PICKS_MANY) {
        uint32_t count = 0;
        first = 0;
        for (uint32_t i = 0; i < insight->entry_count; i++) {
            const struct qr_entry *entry = &insight->entries[i];
            if (entry->bundle == b && entry->passages > 0 && picks_any(bundle, entry)) {
                numbers[count++] =
                    2 * (int64_t)top_of(insight, entry, first, k) + picks(bundle, entry, k);
            }
            first += entry->passages;
        }
        qr_sort_numbers(numbers, count);
        threshold = qr_divide(
            count * (int64_t)best_threshold(numbers, count, picked) + PICKS_PRIOR * threshold,
            count + PICKS_PRIOR);
    }
    insight->shows[b][k] = (int32_t)threshold;
}

/* ---- counts ----------------------------------------------------------------------------------- */

static bool is_told(
    struct quire_insight *insight, uint32_t b, uint32_t k, int32_t logit, struct quire_bytes text)
{
    struct qr_reason reasons[QR_REASONS_MAX];
    if (logit <= insight->shows[b][k]) {
        return false;
    }
    uint32_t count = qr_model_reasons(&insight->bundles[b], &insight->features, text, k, reasons);
    return count > 0 && !reasons[0].negated;
}

static struct quire_insight_item *item_of(
    struct quire_insight *insight, size_t first, struct quire_bytes name)
{
    for (size_t i = first; i < insight->report.item_count; i++) {
        if (insight->items[i].template_id == QUIRE_INSIGHT_READ
            && quire_bytes_equal(insight->items[i].name, name)) {
            return &insight->items[i];
        }
    }
    struct quire_insight_item *item = qr_item_add(insight, QUIRE_INSIGHT_READ);
    if (item != NULL) {
        item->name = name;
    }
    return item;
}

static void count_entry(struct quire_insight *insight, const struct qr_entry *entry,
    uint32_t first_passage, size_t first_item)
{
    const struct qr_bundle *bundle = &insight->bundles[entry->bundle];
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        uint32_t told = 0;
        for (uint32_t i = 0; bundle->labels[k].show != QR_BUNDLE_NEVER && i < entry->passages;
             i++) {
            const struct qr_passage *passage = qr_passage_at(insight, first_passage + i);
            struct quire_bytes text = {entry->text.data + passage->begin, passage->size};
            told += is_told(insight, entry->bundle, k, 2 * passage->logits[k], text);
        }
        struct quire_insight_item *item =
            told == 0 ? NULL : item_of(insight, first_item, bundle->labels[k].name);
        if (item != NULL) {
            item->numbers[0] += (int32_t)told;
            item->numbers[2]++;
            item->flags |= bundle->labels[k].flags & QR_BUNDLE_ONE_KIND;
        }
    }
}

static void add_no_model(struct quire_insight *insight, const uint32_t counts[QR_LANGUAGE_COUNT])
{
    for (int language = 0; language < QR_LANGUAGE_COUNT; language++) {
        struct quire_insight_item *item =
            counts[language] == 0 ? NULL : qr_item_add(insight, QUIRE_INSIGHT_NO_MODEL);
        if (item != NULL) {
            item->name = quire_bytes_of_text(qr_language_code((enum qr_language)language));
            item->numbers[0] = (int32_t)counts[language];
        }
    }
}

void qr_readings_add(struct quire_insight *insight, int64_t *numbers)
{
    uint32_t passages = 0, without_model[QR_LANGUAGE_COUNT] = {0}, first = 0;
    size_t first_item = insight->report.item_count;
    if (insight->options.without & QUIRE_INSIGHT_READINGS) {
        return;
    }
    for (uint32_t b = 0; b < insight->bundle_count; b++) {
        for (uint32_t k = 0; k < insight->bundles[b].outputs; k++) {
            if (insight->bundles[b].labels[k].show != QR_BUNDLE_NEVER) {
                calibrate(insight, b, k, numbers);
            }
        }
    }
    for (uint32_t i = 0; i < insight->entry_count; i++) {
        const struct qr_entry *entry = &insight->entries[i];
        bool in_period = entry->day >= insight->options.from && entry->day <= insight->options.to;
        if (in_period && entry->bundle == QR_NO_BUNDLE) {
            without_model[entry->language] += entry->text.size > 0;
        } else if (in_period && !picks_any(&insight->bundles[entry->bundle], entry)) {
            count_entry(
                insight, entry, first, first_item); /* what a person picked outranks the model */
            passages += entry->passages;
        }
        first += entry->passages;
    }
    for (size_t i = first_item; i < insight->report.item_count; i++) {
        insight->items[i].numbers[1] = (int32_t)passages;
    }
    for (size_t i = first_item + 1; i < insight->report.item_count;
         i++) { /* the most frequent first */
        struct quire_insight_item moved = insight->items[i];
        size_t at = i;
        for (; at > first_item && insight->items[at - 1].numbers[0] < moved.numbers[0]; at--) {
            insight->items[at] = insight->items[at - 1];
        }
        insight->items[at] = moved;
    }
    add_no_model(insight, without_model);
}

/* ---- one text --------------------------------------------------------------------------------- */

static void suggest_from(struct quire_insight *insight, uint32_t b, struct quire_bytes text,
    struct quire_insight_suggestion *suggestions, size_t *count, size_t max)
{
    const struct qr_bundle *bundle = &insight->bundles[b];
    struct qr_reading reading;
    read_passage(insight, bundle, text, &reading);
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        const struct qr_label *label = &bundle->labels[k];
        struct qr_reason reasons[QR_REASONS_MAX];
        uint32_t n = label->show == QR_BUNDLE_NEVER || reading.logits[k] <= insight->shows[b][k]
            ? 0
            : qr_model_reasons(bundle, &insight->features, text, k, reasons);
        if (n == 0 || reasons[0].negated) {
            continue;
        }
        struct quire_insight_suggestion found = {.label = label->name,
            .probability = qr_model_probability(label, reading.logits[k]),
            .one_kind_of_text = (label->flags & QR_BUNDLE_ONE_KIND) != 0};
        for (uint32_t i = 0; i < n; i++) {
            found.reasons[i] = (struct quire_bytes){
                text.data + reasons[i].begin, reasons[i].end - reasons[i].begin};
        }
        size_t at = 0;
        while (at < *count && !quire_bytes_equal(suggestions[at].label, found.label)) {
            at++;
        }
        if (at < *count && suggestions[at].probability >= found.probability) {
            continue;
        }
        if (at == *count) {
            if (*count == max && suggestions[max - 1].probability >= found.probability) {
                continue;
            }
            *count += *count < max;
            at = *count - 1;
        }
        for (; at > 0 && suggestions[at - 1].probability < found.probability; at--) {
            suggestions[at] = suggestions[at - 1];
        }
        suggestions[at] = found;
    }
}

size_t quire_insight_suggest(struct quire_insight *insight, struct quire_bytes text,
    struct quire_insight_suggestion *out_suggestions, size_t max)
{
    struct qr_segments segments = {.text = text};
    struct quire_bytes passage;
    size_t count = 0;
    enum qr_language language = qr_language_of(insight->has_languages ? &insight->languages : NULL,
        &insight->features, text, insight->last_language);
    uint32_t bundle = bundle_of(insight, language);
    for (uint32_t i = 0; bundle != QR_NO_BUNDLE && max > 0 && i < SUGGEST_PASSAGES_MAX; i++) {
        if (!qr_segments_next(&segments, &passage)) {
            break;
        }
        suggest_from(insight, bundle, passage, out_suggestions, &count, max);
    }
    return count;
}
