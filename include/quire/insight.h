/*
 * Insight: what a diary shows about itself. Computed on the device from all entries; nothing is sent.
 *
 * Give the entries in order of their dates, then ask for the report. It says what was picked and read,
 * what goes together with moods, since when they changed, and which words come up more than before. What
 * it says about moods over time is checked against chance and must hold at two looks, 28 days apart, in
 * a row. Where there is too little, it says how much is missing. It names no causes and gives no advice.
 *
 * The report is a list of template ids with numbers: the program that shows them has the sentences.
 *
 * Memory:  one arena from the caller; no allocation, no floating point, no clock, no randomness. The
 *          same entries give the same bytes from every compiler and machine.
 * Units:   moods are 0 … 100, in reports hundredths of a point; days count from 1970-01-01; chances
 *          and probabilities are in 1/10,000.
 * Threads: one insight on one thread at a time; insights are independent.
 */
#ifndef QUIRE_INSIGHT_H
#define QUIRE_INSIGHT_H

#include <quire/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_INSIGHT_BUNDLES_MAX 8
#define QUIRE_INSIGHT_NO_MOOD (-1)
#define QUIRE_INSIGHT_ENTRIES_MAX 200000
/* different tags and emotions that are told apart; later ones are not */
#define QUIRE_INSIGHT_NAMES_MAX 1024
#define QUIRE_INSIGHT_LABELS_MAX 64

/** Kinds of statement that can be left out: bits of `without`. */
enum quire_insight_kind {
    QUIRE_INSIGHT_READINGS = 1, /* of the model */
    QUIRE_INSIGHT_FINDINGS = 2,
    QUIRE_INSIGHT_THEMES = 4
};

struct quire_insight_options {
    /* The first may be of languages, the others of emotions, one a language (quire_insight_builtin).
     * Borrowed until the report is no longer used. */
    struct quire_bytes bundles[QUIRE_INSIGHT_BUNDLES_MAX];
    size_t bundle_count;
    int32_t today; /* entries dated later are counted, and not looked at */
    int32_t from,
        to; /* the days that are reported on, both included; looks do not depend on them */
    uint32_t without;    /* bits of quire_insight_kind */
    bool weak_languages; /* read those, too, whose model is weak (French) */
    bool repetition;     /* say where entries of a rising theme are much alike */
};

/** One entry. All ranges are borrowed until the report is no longer used. */
struct quire_insight_entry {
    int64_t date_ms;         /* its own date: milliseconds since 1970-01-01, no zone */
    int32_t mood;            /* 0 … 100, or QUIRE_INSIGHT_NO_MOOD */
    struct quire_bytes text; /* any bytes; ill-formed UTF-8 separates words */
    const struct quire_bytes *tags, *emotions;
    size_t tag_count, emotion_count;
};

/** What a sentence is to say. The numbers are in `numbers`, words in `name`. */
enum quire_insight_template {
    QUIRE_INSIGHT_NOTHING = 0, /* there are no entries in the period */
    QUIRE_INSIGHT_MOOD_MEAN,   /* mean, lower quartile, upper quartile, days */
    QUIRE_INSIGHT_MOOD_BEFORE, /* the same of the period before, of equal length */
    QUIRE_INSIGHT_MOOD_EQUAL,  /* the mood of all days: no finding is possible */
    QUIRE_INSIGHT_PICKED,      /* name; entries of the period with the emotion */
    QUIRE_INSIGHT_READ,        /* name; passages, of how many, entries; flags 1: one kind of text */
    QUIRE_INSIGHT_TAG_WITH, /* name = tag, went together with: effect, low, high, days with, without, chance */
    QUIRE_INSIGHT_EMOTION_WITH, /* the same, name = emotion */
    QUIRE_INSIGHT_TIME_WITH, /* the same; flags: 0 night (0–5), 1 morning, 2 afternoon, 3 evening */
    QUIRE_INSIGHT_LENGTH_WITH, /* the same, of days with more words than most */
    QUIRE_INSIGHT_WEEKDAY,     /* the same; flags: 0 Monday … 6 Sunday, 7 weekends */
    QUIRE_INSIGHT_CHANGE,   /* the same; then the day, and the 90 % of days it may be: from, to */
    QUIRE_INSIGHT_SLOPE,    /* effect in 30 days, low, high, days, 0, chance */
    QUIRE_INSIGHT_THEME_UP, /* name = word; recent with, recent, before with, before, chance, beta */
    QUIRE_INSIGHT_THEME_DOWN,   /* the same */
    QUIRE_INSIGHT_WATCHING,     /* statements that held at the last look alone */
    QUIRE_INSIGHT_NEED_MOODS,   /* flags: quire_insight_need; days with a mood that are missing */
    QUIRE_INSIGHT_NEED_ENTRIES, /* recent, earlier entries that are missing for themes */
    QUIRE_INSIGHT_NEED_LOOKS,   /* days until there have been two looks */
    QUIRE_INSIGHT_NO_MODEL,     /* name = language code, "" unknown; entries of the period */
    QUIRE_INSIGHT_AFTER_TODAY,  /* entries dated after today */
    QUIRE_INSIGHT_REPEATS /* name = word of a rising theme; entries, mean cosine in 1/10,000. No claim */
};

enum quire_insight_need {
    QUIRE_INSIGHT_NEED_MEAN,    /* a mean of moods */
    QUIRE_INSIGHT_NEED_COMPARE, /* a comparison with the period before */
    QUIRE_INSIGHT_NEED_FACTORS, /* what goes together */
    QUIRE_INSIGHT_NEED_CHANGE,  /* change over time */
    QUIRE_INSIGHT_NEED_WEEKDAYS
};

#define QUIRE_INSIGHT_NUMBERS 9

struct quire_insight_item {
    enum quire_insight_template template_id;
    uint32_t flags;
    struct quire_bytes name; /* folded, of a theme; as written, of a tag; may be empty */
    int32_t numbers[QUIRE_INSIGHT_NUMBERS];
};

/** A day that has entries. */
struct quire_insight_day {
    int32_t day;
    int32_t mood; /* hundredths, or QUIRE_INSIGHT_NO_MOOD */
    uint32_t entries;
};

/** A week, Monday to Sunday, of the window up to today. */
struct quire_insight_week {
    int32_t day;       /* its Monday */
    int32_t mood;      /* mean of its days, hundredths; NO_MOOD: it has none */
    int32_t low, high; /* 95 % of such weeks are within this if nothing changes; NO_MOOD: unknown */
    uint32_t mood_days, entries;
};

struct quire_insight_report {
    const struct quire_insight_item *items;
    size_t item_count;
    const struct quire_insight_day *days; /* the last 364 days up to today that have entries */
    size_t day_count;
    const struct quire_insight_week *weeks; /* the same time, without gaps */
    size_t week_count;
    uint32_t entries, period_entries, period_days,
        later_entries; /* all, of the period, dated after today */
    int32_t first_day,
        last_look; /* last_look: entries before it were looked at; 0: there was none yet */
};

struct quire_insight;

/** Bytes of arena for so many entries, bytes of all texts, and tags and emotions of all entries. */
QUIRE_API size_t quire_insight_size(size_t entries, size_t text_size, size_t elements);

/**
 * Begins in an arena, which stays the caller's and is not freed before the report is done with.
 * EMALFORMED, EUNSUPPORTED: a bundle is cut or altered, or of a later version. EINVALID: two bundles of
 * one language, or too many. ENOMEM: the arena is too small.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_insight_begin(void *arena, size_t size,
    const struct quire_insight_options *options, struct quire_insight **out_insight);

/** Adds an entry, not dated before the one added last. EINVALID: it is, or its mood is beyond 100.
 * ELIMIT: QUIRE_INSIGHT_ENTRIES_MAX. ENOMEM: the arena is full. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_insight_add(
    struct quire_insight *insight, const struct quire_insight_entry *entry);

/** Computes the report, which stands in the arena. Afterwards nothing can be added. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_insight_finish(
    struct quire_insight *insight, const struct quire_insight_report **out_report);

/** A label that the model would suggest for one text. */
struct quire_insight_suggestion {
    struct quire_bytes label; /* in the bundle */
    uint32_t probability;
    bool one_kind_of_text;         /* its precision was measured on one kind of text alone */
    struct quire_bytes reasons[3]; /* words of the text that speak for it most; of size 0: none */
};

/**
 * The emotions to suggest for one text, the most probable first, at most max. Returns how many; 0 where the
 * language is not known, has no model, or the model is not sure. The arena and options as for a report.
 */
QUIRE_API size_t quire_insight_suggest(struct quire_insight *insight, struct quire_bytes text,
    struct quire_insight_suggestion *out_suggestions, size_t max);

/**
 * A bundle that ships with Quire: "language", or a language's code: "en", "es", "de", "zh", "id", "fr".
 * Empty: there is none. In programs only; the module for browsers is given its bundles.
 */
QUIRE_API struct quire_bytes quire_insight_builtin(const char *name);

/** The card of a bundle: canonical JSON with figures and attribution. EMALFORMED, EUNSUPPORTED. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_insight_card(
    struct quire_bytes bundle, struct quire_bytes *out_card);

#ifdef __cplusplus
}
#endif
#endif
