/*
 * bench-insight: how often the insight core says something where there is nothing, and how often it finds
 * what is there, over simulated diaries; and how long a report takes.
 *
 * usage: bench-insight [--long | --short] [null] [planted] [year] [speed]
 */
#include "insight/findings.h"
#include "insight/number.h"
#include "insight/themes.h"
#include <quire/insight.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define FACTORS 30
#define WORDS 140
#define YEAR 364

/** A world without anything to find. Shares and SDs in 1/1,000. */
struct world {
    const char *name;
    int32_t days, persistence, noise, season, missing;
    bool persistent; /* φ > .7: the wider bar */
};

static const struct world worlds[] = {
    {"60 days, φ .5", 60, 500, 0, 0, 0, false},
    {"90 days, φ 0", 90, 0, 0, 0, 0, false},
    {"90 days, φ .7", 90, 700, 0, 0, 0, false},
    {"180 days, φ 0", 180, 0, 0, 0, 0, false},
    {"180 days, φ .3", 180, 300, 0, 0, 0, false},
    {"180 days, φ .5, season .5 SD", 180, 500, 0, 500, 0, false},
    {"180 days, φ .7, 20 % missing", 180, 700, 0, 0, 200, false},
    {"180 days, φ .85 + half noise", 180, 850, 500, 0, 0, true},
    {"180 days, φ .9 + .6 noise, 40 % missing", 180, 900, 600, 0, 400, true},
    {"365 days, φ .5, 60 % missing", 364, 500, 0, 0, 600, false},
    {"365 days, φ .7", 364, 700, 0, 0, 0, false},
    {"365 days, φ .9 + noise", 364, 900, 500, 0, 0, true},
};

/** What is planted. SDs in 1/1,000. */
struct plant {
    const char *name;
    int32_t factor, step, monday, word; /* word: share in the last month, 1/1,000 */
    double bars[4];                     /* of the four worlds below */
};

static const struct world plant_worlds[] = {
    {"180 d φ .3", 180, 300, 0, 0, 0, false},
    {"180 d φ .5", 180, 500, 0, 0, 0, false},
    {"180 d φ .5 noise season 30 % missing", 180, 500, 500, 500, 300, false},
    {"365 d the same", 364, 500, 500, 500, 300, false},
};

static const struct plant plants[] = {
    {"a tag on 25 % of days, 1 SD", 1000, 0, 0, 0, {.84, .88, .75, .99}},
    {"the same, .8 SD", 800, 0, 0, 0, {.66, .70, .54, .94}},
    {"a step of 1.5 SD", 0, 1500, 0, 0, {.87, .67, .61, .94}},
    {"a step of 1 SD", 0, 1000, 0, 0, {.59, .37, .32, .75}},
    {"Mondays −.8 SD", 0, 0, -800, 0, {.45, .54, .65, .92}},
    {"a word from 5 % to 60 %", 0, 0, 0, 600, {.92, .93, .68, .84}},
};

struct diary {
    int32_t days;
    int32_t moods[YEAR]; /* hundredths; −1: no entry */
    uint8_t factors[FACTORS][YEAR];
    uint8_t words[WORDS][YEAR];
    uint64_t seeds[WORDS];
};

/* About normal: 12 uniform numbers. SD 1,000. */
static int32_t normal(uint64_t *state)
{
    int64_t sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += qr_draw_below(state, 100001);
    }
    return (int32_t)((sum - 600000) / 100);
}

static bool happens(uint64_t *state, uint32_t per_mille)
{
    return qr_draw_below(state, 1000) < per_mille;
}

/* Ones with a share and a mean length of their runs. */
static void draw_runs(uint64_t *state, uint8_t *out, int32_t n, uint32_t share, uint32_t length)
{
    bool now = happens(state, share);
    uint32_t end = 1000 / length, begin = share * end / (1000 - share);
    for (int32_t i = 0; i < n; i++) {
        out[i] = now;
        now = now ? !happens(state, end) : happens(state, begin);
    }
}

static void draw_diary(
    struct diary *diary, const struct world *world, const struct plant *plant, uint64_t state)
{
    static const int32_t seasons[7] = {-1000, -600, 0, 0, 600, 1200, 800};
    int32_t n = world->days, latent = normal(&state);
    uint8_t missing[YEAR] = {0};
    /* √(1 − φ²), and the whole at SD 1,000 */
    int64_t fresh = (int64_t)qr_root((uint64_t)(1000000 - world->persistence * world->persistence));
    int64_t whole = (int64_t)qr_root((uint64_t)(1000000 + world->noise * world->noise));
    diary->days = n;
    if (world->missing > 0) {
        draw_runs(&state, missing, n, (uint32_t)world->missing, 3);
    }
    for (int j = 0; j < FACTORS; j++) {
        if (j % 3 == 0) {
            draw_runs(&state, diary->factors[j], n, 250, 1);
        } else if (j % 3 == 1) {
            draw_runs(&state, diary->factors[j], n, 150 + 10 * (uint32_t)j, 5);
        } else {
            for (int32_t i = 0; i < n; i++) {
                diary->factors[j][i] = happens(&state, i % 7 >= 5 ? 700 : 100);
            }
        }
    }
    for (int32_t i = 0; i < n && plant != NULL && plant->factor != 0; i++) {
        diary->factors[0][i] = happens(&state, 250); /* on single days */
    }
    for (int j = 0; j < WORDS; j++) {
        uint32_t share = 40 + 360 * (uint32_t)(j / 2) / WORDS;
        draw_runs(&state, diary->words[j], n, share, j % 2 == 0 ? 1 : 3);
        diary->seeds[j] = qr_mix((uint64_t)j + 1);
        if (j % 2 == 0) {
            for (int32_t i = 0; i < n; i++) {
                diary->words[j][i] = happens(&state, share);
            }
        }
    }
    for (int32_t i = 0; i < n && plant != NULL && plant->word != 0; i++) {
        diary->words[0][i] = happens(&state, i >= n - 28 ? (uint32_t)plant->word : 50);
    }
    for (int32_t i = 0; i < n; i++) {
        int64_t mood = (latent + (int64_t)world->noise * normal(&state) / 1000) * 1000 / whole;
        latent = (int32_t)((world->persistence * (int64_t)latent + fresh * normal(&state)) / 1000);
        mood += (int64_t)world->season * seasons[i % 7] / 1000;
        if (plant != NULL) {
            mood += diary->factors[0][i] ? plant->factor : 0;
            mood += i >= n / 2 ? plant->step : 0;
            mood += i % 7 == 0 ? plant->monday : 0;
        }
        int64_t level = qr_divide(mood + 2000, 1000); /* five points */
        level = level < 0 ? 0 : level > 4 ? 4 : level;
        diary->moods[i] = missing[i] ? -1 : (int32_t)level * 2500;
    }
}

struct outcome {
    struct qr_finding findings[QR_FINDINGS_MAX];
    uint32_t finding_count;
    struct qr_theme themes[QR_THEMES_WORDS_MAX];
    uint32_t theme_count;
};

static void look(struct qr_findings_work *work, const struct diary *diary, int32_t end,
    bool with_themes, struct outcome *out)
{
    static struct qr_days days;
    static struct qr_factor factors[QR_FACTORS_MAX];
    static uint8_t bits[QR_THEMES_WORDS_MAX][(YEAR + 7) / 8];
    uint64_t seeds[QR_THEMES_WORDS_MAX];
    uint32_t entries = 0, recent = 0, kept = 0;
    memset(factors, 0, sizeof factors);
    memset(bits, 0, sizeof bits);
    days.n = 0;
    for (int32_t i = 0; i < end; i++) {
        if (diary->moods[i] >= 0) {
            days.days[days.n] = i + 4; /* day 4 of 1970 was a Monday */
            days.moods[days.n] = diary->moods[i];
            for (int j = 0; j < FACTORS; j++) {
                factors[j].id = (uint32_t)j;
                factors[j].present[days.n] = diary->factors[j][i];
                factors[j].count += diary->factors[j][i];
            }
            recent += i >= end - QR_THEMES_RECENT_DAYS;
            days.n++;
        }
    }
    out->finding_count = qr_findings_look(work, &days, factors, FACTORS, out->findings);
    out->theme_count = 0;
    for (int j = 0; with_themes && j < WORDS && kept < QR_THEMES_WORDS_MAX; j++) {
        uint32_t with = 0;
        memset(bits[kept], 0, sizeof bits[kept]);
        entries = 0;
        for (int32_t i = 0; i < end; i++) {
            if (diary->moods[i] >= 0) {
                bits[kept][entries / 8] |= (uint8_t)(diary->words[j][i] << entries % 8);
                with += diary->words[j][i];
                entries++;
            }
        }
        seeds[kept] = diary->seeds[j];
        kept += with >= QR_THEMES_WITH_MIN && with * 10 <= entries * 6;
    }
    if (with_themes) {
        struct qr_presence presence = {.entries = entries,
            .recent = recent,
            .words = kept,
            .seeds = seeds,
            .bits = &bits[0][0],
            .stride = sizeof bits[0]};
        out->theme_count = qr_themes_look(&presence, out->themes);
    }
}

static bool finds(const struct outcome *outcome, const struct plant *plant)
{
    for (uint32_t i = 0; i < outcome->finding_count; i++) {
        const struct qr_finding *finding = &outcome->findings[i];
        if ((plant->factor != 0 && finding->kind == QR_FINDING_FACTOR && finding->which == 0)
            || (plant->step != 0 && finding->kind == QR_FINDING_CHANGE)
            || (plant->monday != 0 && finding->kind == QR_FINDING_WEEKDAY && finding->which == 0)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < outcome->theme_count; i++) {
        if (plant->word != 0 && outcome->themes[i].word == 0 && outcome->themes[i].rising) {
            return true;
        }
    }
    return false;
}

/* Findings that are false: in a world with a season, weekdays are not. */
static uint32_t false_findings(const struct outcome *outcome, const struct world *world)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < outcome->finding_count; i++) {
        count += world->season == 0 || outcome->findings[i].kind != QR_FINDING_WEEKDAY;
    }
    return count;
}

static int failed;

static void judge(bool good)
{
    printf("%s\n", good ? "" : "  OUTSIDE THE BAR");
    failed |= !good;
    fflush(stdout);
}

/* The bar, and two standard errors: a run of few diaries is not held against the core. */
static bool is_within(double rate, double bar, int count)
{
    double spread = 4 * bar * (1 - bar) / count;
    double over = rate - bar;
    return over <= 0 || over * over <= spread;
}

static void run_null(struct qr_findings_work *work, struct diary *diary, int count)
{
    printf(
        "Diaries with nothing in them, %d a world: share with any false statement in one report\n",
        count);
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
        int any = 0, findings = 0, themes = 0;
        for (int i = 0; i < count; i++) {
            static struct outcome outcome;
            draw_diary(diary, &worlds[w], NULL, qr_mix(1000 * w + (uint64_t)i + 1));
            look(work, diary, worlds[w].days, true, &outcome);
            uint32_t wrong = false_findings(&outcome, &worlds[w]);
            findings += wrong > 0;
            themes += outcome.theme_count > 0;
            any += wrong + outcome.theme_count > 0;
        }
        double bar = worlds[w].persistent ? .10 : .06;
        printf("  %-42s any %5.1f %%  moods %5.1f %%  themes %5.1f %%  bar %2.0f %%",
            worlds[w].name, 100. * any / count, 100. * findings / count, 100. * themes / count,
            100 * bar);
        judge(is_within(1. * any / count, bar, count));
    }
}

static void run_planted(struct qr_findings_work *work, struct diary *diary, int count)
{
    printf(
        "Diaries with one thing in them, %d each: found in one report (bar: the table less .07)\n",
        count);
    for (size_t p = 0; p < sizeof plants / sizeof *plants; p++) {
        printf("  %s\n", plants[p].name);
        for (size_t w = 0; w < 4; w++) {
            int found = 0;
            for (int i = 0; i < count; i++) {
                static struct outcome outcome;
                draw_diary(diary, &plant_worlds[w], &plants[p],
                    qr_mix(7000 * p + 100 * w + (uint64_t)i + 9));
                look(work, diary, plant_worlds[w].days, plants[p].word != 0, &outcome);
                found += finds(&outcome, &plants[p]);
            }
            double bar = plants[p].bars[w] - .07;
            printf("    %-40s %.2f  bar %.2f", plant_worlds[w].name, 1. * found / count, bar);
            judge(is_within(1 - 1. * found / count, 1 - bar, count));
        }
    }
}

static void run_year(struct qr_findings_work *work, struct diary *diary, int count)
{
    printf("A year of 12 looks at diaries with nothing in them, %d a world: any statement ever\n",
        count);
    for (size_t w = 9; w < sizeof worlds / sizeof *worlds; w++) {
        int once = 0, twice = 0, themes = 0;
        for (int i = 0; i < count; i++) {
            static struct outcome outcomes[2];
            bool any_once = false, any_twice = false, any_theme = false;
            memset(outcomes, 0, sizeof outcomes);
            draw_diary(diary, &worlds[w], NULL, qr_mix(50000 + 1000 * w + (uint64_t)i));
            for (int l = 2; l <= 13; l++) {
                struct outcome *now = &outcomes[l & 1], *before = &outcomes[(l & 1) ^ 1];
                look(work, diary, l * 28, true, now);
                any_once |= now->finding_count > 0;
                any_theme |= now->theme_count > 0;
                for (uint32_t a = 0; a < now->finding_count; a++) {
                    for (uint32_t b = 0; b < before->finding_count; b++) {
                        any_twice |= qr_finding_holds(&before->findings[b], &now->findings[a]);
                    }
                }
            }
            once += any_once;
            twice += any_twice;
            themes += any_theme;
        }
        double bar = worlds[w].persistent ? .104 : .10;
        printf("  %-42s at one look %5.1f %%  at two %5.1f %%  themes %5.1f %%  bar %4.1f %%",
            worlds[w].name, 100. * once / count, 100. * twice / count, 100. * themes / count,
            100 * bar);
        judge(is_within(1. * twice / count, bar, count));
    }
}

/* ---- speed ------------------------------------------------------------------------------------ */

#define SPEED_ENTRIES 1000
#define SPEED_TEXT 1550

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Words as a person has them: few are frequent, most are rare. */
static size_t speed_text(uint64_t *state, char *out)
{
    static const char *const frequent[] = {"the", "and", "was", "I", "to", "a", "of", "in", "it",
        "my", "that", "we", "with", "for", "so", "but", "happy", "not", "sad", "really", "today",
        "work", "garden", "friend"};
    size_t size = 0, in_sentence = 0;
    while (size < SPEED_TEXT - 20) {
        if (qr_draw_below(state, 10) < 6) {
            size += (size_t)sprintf(out + size, "%s", frequent[qr_draw_below(state, 24)]);
        } else {
            uint32_t octave = qr_draw_below(state, 13),
                     word = (1u << octave) + qr_draw_below(state, 1u << octave);
            for (; word > 0; word /= 21) {
                out[size++] = "bcdfghklmnprstvw"[word % 16];
                out[size++] = "aeiou"[word % 5];
            }
        }
        bool ends = ++in_sentence > 8 && qr_draw_below(state, 8) == 0;
        in_sentence = ends ? 0 : in_sentence;
        size += (size_t)sprintf(out + size, ends ? ". " : " ");
    }
    return size;
}

/* A report over 1,000 entries of 1.55 KB, all of them read. */
static void run_speed(void)
{
    static const char *const names[] = {"language", "en", "es", "de", "zh", "id", "fr"};
    static struct quire_insight_entry entries[SPEED_ENTRIES];
    static struct quire_bytes tags[2];
    char *texts = malloc(SPEED_ENTRIES * (SPEED_TEXT + 64));
    struct quire_insight_options options = {.today = 1000, .from = 0, .to = 1000};
    size_t arena_size =
        quire_insight_size(SPEED_ENTRIES, SPEED_ENTRIES * SPEED_TEXT, SPEED_ENTRIES);
    void *arena = malloc(arena_size);
    uint64_t state = 1;
    if (texts == NULL || arena == NULL) {
        exit(1);
    }
    tags[0] = quire_bytes_of_text("running");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        options.bundles[options.bundle_count++] = quire_insight_builtin(names[i]);
    }
    for (size_t i = 0; i < SPEED_ENTRIES; i++) {
        char *text = texts + i * (SPEED_TEXT + 64);
        size_t size = speed_text(&state, text);
        bool tagged = qr_draw_below(&state, 4) == 0;
        entries[i] = (struct quire_insight_entry){.date_ms = (int64_t)i * 86400000 + 43200000,
            .mood = 30 + (int32_t)qr_draw_below(&state, 40),
            .text = {(uint8_t *)text, size},
            .tags = tags,
            .tag_count = tagged};
    }
    struct quire_insight *insight;
    const struct quire_insight_report *report = NULL;
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    enum quire_status status = quire_insight_begin(arena, arena_size, &options, &insight);
    for (size_t i = 0; i < SPEED_ENTRIES && status == QUIRE_OK; i++) {
        status = quire_insight_add(insight, &entries[i]);
    }
    double read = seconds(CLOCK_PROCESS_CPUTIME_ID);
    status = status == QUIRE_OK ? quire_insight_finish(insight, &report) : status;
    double end = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "1,000 entries of 1.55 KB: %.0f ms reading, %.0f ms means, looks and themes (processor time); "
        "%ld KB resident, 1,550 of it the texts",
        (read - begin) * 1000, (end - read) * 1000, usage.ru_maxrss);
    judge(status == QUIRE_OK && end - begin <= .5);
    free(arena);
    free(texts);
}

int main(int argument_count, char **arguments)
{
    struct qr_findings_work *work = malloc(sizeof *work);
    struct diary *diary = malloc(sizeof *diary);
    int count = 100, chosen = 0;
    bool null = false, planted = false, year = false, speed = false;
    for (int i = 1; i < argument_count; i++) {
        count = strcmp(arguments[i], "--long") == 0 ? 400
            : strcmp(arguments[i], "--short") == 0  ? 20
                                                    : count;
        null |= strcmp(arguments[i], "null") == 0;
        planted |= strcmp(arguments[i], "planted") == 0;
        year |= strcmp(arguments[i], "year") == 0;
        speed |= strcmp(arguments[i], "speed") == 0;
    }
    for (int i = 1; i < argument_count; i++) {
        if (strstr(" --long --short null planted year speed ", arguments[i]) == NULL
            || arguments[i][0] == 0) {
            fprintf(stderr,
                "usage: bench-insight [--long | --short] [null] [planted] [year] [speed]\n");
            return 2;
        }
    }
    chosen = null || planted || year || speed;
    if (work == NULL || diary == NULL) {
        return 1;
    }
    if (null || !chosen) {
        run_null(work, diary, count);
    }
    if (planted || !chosen) {
        run_planted(work, diary, count);
    }
    if (year || !chosen) {
        run_year(work, diary, count < 100 ? count : count / 2);
    }
    free(work);
    free(diary);
    if (speed || !chosen) {
        run_speed();
    }
    return failed;
}
