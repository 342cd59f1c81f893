/*
 * The inside of struct quire_insight: one arena, entries from its front, passages from its end, and what
 * finish makes between them.
 */
#ifndef QR_INSIGHT_INNER_H
#define QR_INSIGHT_INNER_H

#include "insight/findings.h"
#include "insight/language.h"
#include "insight/repeat.h"
#include "insight/words.h"
#include <quire/insight.h>

#define QR_ITEMS_MAX 512
#define QR_NO_BUNDLE 0xff
#define QR_WEEKS_MAX (QR_DAYS_MAX / 7 + 2)

struct qr_entry {
    int32_t day;
    int16_t hour; /* −1: the entry has a date alone */
    int16_t mood;
    struct quire_bytes text;
    const struct quire_bytes *tags, *emotions;
    uint32_t tag_count, emotion_count, tokens, passages;
    uint8_t language, bundle;
};

/** A passage that was read. The passages of an entry follow each other. */
struct qr_passage {
    uint32_t entry, begin, size;
    int16_t logits[QR_BUNDLE_OUTPUTS_MAX]; /* Q11, at most ± 16 */
};

struct quire_insight {
    struct quire_insight_options options;
    struct qr_bundle bundles[QUIRE_INSIGHT_BUNDLES_MAX]; /* of emotions */
    uint32_t bundle_count;
    struct qr_bundle languages;
    bool has_languages, finished, full;
    enum qr_language last_language;
    uint32_t later;
    struct qr_features features; /* scratch */
    struct qr_entry *entries;    /* ascending by day */
    uint32_t entry_count;
    struct qr_passage *passages; /* the first one added is at the highest address */
    uint32_t passage_count;
    uint8_t *end; /* of the arena */
    struct quire_insight_report report;
    struct quire_insight_item items[QR_ITEMS_MAX];
    struct quire_insight_day days[QR_DAYS_MAX];
    struct quire_insight_week weeks[QR_WEEKS_MAX];
    int32_t shows[QUIRE_INSIGHT_BUNDLES_MAX]
                 [QR_BUNDLE_OUTPUTS_MAX]; /* thresholds for this person, Q12 */
};

/** Memory of finish, between entries and passages. */
struct qr_finish_work {
    struct qr_findings_work findings;
    struct qr_words words;
    struct qr_days days;
    struct qr_factor factors[QR_FACTORS_MAX];
    struct qr_names {
        struct quire_bytes name;
        bool emotion;
        uint16_t days; /* of the window */
        int32_t last_day;
    } names[QUIRE_INSIGHT_NAMES_MAX];
    uint32_t name_count;
    struct qr_finding found[2][QR_FINDINGS_MAX];
    uint32_t found_count[2];
    struct qr_features other; /* scratch, where repetition is asked for */
    struct qr_theme themes[QR_THEMES_WORDS_MAX];
    struct quire_bytes texts[QR_THEMES_ENTRIES_MAX];
    int64_t numbers[QR_DAYS_MAX];
};

/** The i-th passage, in order of adding. */
struct qr_passage *qr_passage_at(const struct quire_insight *insight, uint32_t i);

/** A new item of the report; NULL: there is no room. */
struct quire_insight_item *qr_item_add(
    struct quire_insight *insight, enum quire_insight_template template_id);

/** Looks at the diary, twice; adds findings, themes, and what is missing for them. */
void qr_looks_add(struct quire_insight *insight, struct qr_finish_work *work);

/** Sets the thresholds from the person's own picks, and adds what the model read in the period.
 * numbers: as many as there are entries. */
void qr_readings_add(struct quire_insight *insight, int64_t *numbers);

/** Reads an entry's text; ENOMEM: no room for its passages. */
QUIRE_CHECKED enum quire_status qr_readings_read(
    struct quire_insight *insight, struct qr_entry *entry);

/** The label's output in the bundle that a picked emotion means; −1: none. */
int qr_readings_label_of(const struct qr_bundle *bundle, struct quire_bytes emotion);

#endif
