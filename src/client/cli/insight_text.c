/*
 * The sentences of a report, and charts for a terminal.
 */
#define _GNU_SOURCE
#include "client/cli/insights.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 10
#define COLUMNS 80
#define CHART_ROWS 9
#define CHART_WEEKS_MIN 3

const char *const qr_insights_footer[2] = {
    "All of this was computed on this device; nothing was sent.",
    "What goes together need not be a cause."};

static const char *const weekdays[] = {"Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays",
    "Saturdays", "Sundays", "weekends"};
static const char *const times[] = {
    "at night (0 to 6)", "in the morning", "in the afternoon", "in the evening"};
static const char *const needs[] = {[QUIRE_INSIGHT_NEED_MEAN] = "the average mood of this period",
    [QUIRE_INSIGHT_NEED_COMPARE] = "a comparison with the time before",
    [QUIRE_INSIGHT_NEED_FACTORS] = "what goes together with moods",
    [QUIRE_INSIGHT_NEED_CHANGE] = "change over time",
    [QUIRE_INSIGHT_NEED_WEEKDAYS] = "weekdays"};

static const struct {
    const char *name;
    enum qr_insights_heading heading;
} templates[] = {
    [QUIRE_INSIGHT_NOTHING] = {"nothing", QR_INSIGHTS_MOOD},
    [QUIRE_INSIGHT_MOOD_MEAN] = {"mood_mean", QR_INSIGHTS_MOOD},
    [QUIRE_INSIGHT_MOOD_BEFORE] = {"mood_before", QR_INSIGHTS_MOOD},
    [QUIRE_INSIGHT_MOOD_EQUAL] = {"mood_equal", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_PICKED] = {"picked", QR_INSIGHTS_PICKED},
    [QUIRE_INSIGHT_READ] = {"read", QR_INSIGHTS_READ},
    [QUIRE_INSIGHT_TAG_WITH] = {"tag_with", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_EMOTION_WITH] = {"emotion_with", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_TIME_WITH] = {"time_with", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_LENGTH_WITH] = {"length_with", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_WEEKDAY] = {"weekday", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_CHANGE] = {"change", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_SLOPE] = {"slope", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_THEME_UP] = {"theme_up", QR_INSIGHTS_THEMES},
    [QUIRE_INSIGHT_THEME_DOWN] = {"theme_down", QR_INSIGHTS_THEMES},
    [QUIRE_INSIGHT_WATCHING] = {"watching", QR_INSIGHTS_FINDINGS},
    [QUIRE_INSIGHT_NEED_MOODS] = {"need_moods", QR_INSIGHTS_NOT_YET},
    [QUIRE_INSIGHT_NEED_ENTRIES] = {"need_entries", QR_INSIGHTS_NOT_YET},
    [QUIRE_INSIGHT_NEED_LOOKS] = {"need_looks", QR_INSIGHTS_NOT_YET},
    [QUIRE_INSIGHT_NO_MODEL] = {"no_model", QR_INSIGHTS_READ},
    [QUIRE_INSIGHT_AFTER_TODAY] = {"after_today", QR_INSIGHTS_NOT_YET},
    [QUIRE_INSIGHT_REPEATS] = {"repeats", QR_INSIGHTS_THEMES},
};

const char *qr_insights_template_name(enum quire_insight_template template_id)
{
    return templates[template_id].name;
}

const char *qr_insights_heading_text(enum qr_insights_heading heading)
{
    static const char *const texts[] = {"Mood", "Picked", "Read", "Findings", "Themes", "Not yet"};
    return texts[heading];
}

void qr_insights_iso_text(int32_t day, char out_text[16])
{
    int64_t year;
    int month, day_of_month;
    qr_client_civil(day, &year, &month, &day_of_month);
    snprintf(out_text, 16, "%04d-%02d-%02d", (int)(year % 10000), month, day_of_month);
}

void qr_insights_day_text(int32_t day, char out_text[32])
{
    static const char *const months[] = {"January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December"};
    int64_t year;
    int month, day_of_month;
    qr_client_civil(day, &year, &month, &day_of_month);
    snprintf(out_text, 32, "%d %s %" PRId64, day_of_month, months[(month - 1) % 12], year);
}

void qr_insights_print_period(const struct qr_insights *insights, FILE *file)
{
    const struct quire_insight_report *report = insights->report;
    char from[32], to[32];
    qr_insights_day_text(insights->options.from, from);
    qr_insights_day_text(insights->options.to, to);
    fprintf(file, "%s to %s: %u %s on %u %s", from, to, report->period_entries,
        report->period_entries == 1 ? "entry" : "entries", report->period_days,
        report->period_days == 1 ? "day" : "days");
}

/* ---- sentences -------------------------------------------------------------------------------- */

/* Hundredths as whole points. */
static int points(int32_t hundredths)
{
    return hundredths >= 0 ? (hundredths + 50) / 100 : -((50 - hundredths) / 100);
}

static const char *plural(int32_t count, const char *one, const char *more)
{
    return count == 1 ? one : more;
}

static void print_chance(FILE *out, int32_t chance)
{
    if (chance <= 10) {
        fprintf(out, "by luck: at most 1 in 1,000");
    } else {
        int one_in = 10000 / chance;
        fprintf(out, "by luck: about 1 in %d", one_in >= 100 ? one_in / 10 * 10 : one_in);
    }
}

/* "went together with days 7 points higher (3 to 11; 38 days with, 96 without)" */
static void print_effect(FILE *out, const struct quire_insight_item *item)
{
    const int32_t *n = item->numbers;
    bool higher = n[0] >= 0;
    int low = points(higher ? n[1] : -n[2]), high = points(higher ? n[2] : -n[1]);
    fprintf(out, "went together with days about %d points %s (%d to %d; %d days with, %d without; ",
        points(higher ? n[0] : -n[0]), higher ? "higher" : "lower", low, high, n[3], n[4]);
    print_chance(out, n[5]);
    fprintf(out, ").");
}

static void print_change(FILE *out, const struct quire_insight_item *item)
{
    const int32_t *n = item->numbers;
    char day[32], from[32], to[32];
    bool higher = n[0] >= 0;
    qr_insights_day_text(n[6], day);
    qr_insights_day_text(n[7], from);
    qr_insights_day_text(n[8], to);
    fprintf(out,
        "Since about %s (between %s and %s) your mood is about %d points %s (%d to %d; %d days before, "
        "%d since; ",
        day, from, to, points(higher ? n[0] : -n[0]), higher ? "higher" : "lower",
        points(higher ? n[1] : -n[2]), points(higher ? n[2] : -n[1]), n[4], n[3]);
    print_chance(out, n[5]);
    fprintf(out, "). A slow drift can look the same.");
}

static void print_theme(
    FILE *out, const struct qr_insights *insights, const struct quire_insight_item *item)
{
    const int32_t *n = item->numbers;
    char day[32];
    qr_insights_day_text(insights->report->last_look, day);
    fprintf(out, "\"");
    qr_cli_print_name(out, item->name);
    fprintf(out,
        "\" came up in %d of your %d entries in the four weeks before %s, in %d of %d earlier ones (",
        n[0], n[1], day, n[2], n[3]);
    print_chance(out, n[4]);
    fprintf(out, ").%s",
        n[5] != 0 ? " Words of Chinese and Japanese are guessed: may be a part of one." : "");
}

static void print_finding(FILE *out, const struct quire_insight_item *item)
{
    const int32_t *n = item->numbers;
    if (item->template_id == QUIRE_INSIGHT_TAG_WITH
        || item->template_id == QUIRE_INSIGHT_EMOTION_WITH) {
        fprintf(out, item->template_id == QUIRE_INSIGHT_TAG_WITH ? "The tag \"" : "The emotion \"");
        qr_cli_print_name(out, item->name);
        fprintf(out, "\" ");
        print_effect(out, item);
    } else if (item->template_id == QUIRE_INSIGHT_TIME_WITH) {
        fprintf(out, "Writing %s ", times[item->flags % 4]);
        print_effect(out, item);
    } else if (item->template_id == QUIRE_INSIGHT_LENGTH_WITH) {
        fprintf(out, "Writing more than you usually do ");
        print_effect(out, item);
    } else if (item->template_id == QUIRE_INSIGHT_WEEKDAY) {
        bool higher = n[0] >= 0;
        fprintf(out,
            "On %s your mood was about %d points %s than on other days (%d to %d; %d days; ",
            weekdays[item->flags % 8], points(higher ? n[0] : -n[0]), higher ? "higher" : "lower",
            points(higher ? n[1] : -n[2]), points(higher ? n[2] : -n[1]), n[3]);
        print_chance(out, n[5]);
        fprintf(out, ").");
    } else if (item->template_id == QUIRE_INSIGHT_SLOPE) {
        bool higher = n[0] >= 0;
        fprintf(out, "Your mood went slowly %s, by about %d points in 30 days (%d to %d; %d days; ",
            higher ? "up" : "down", points(higher ? n[0] : -n[0]), points(higher ? n[1] : -n[2]),
            points(higher ? n[2] : -n[1]), n[3]);
        print_chance(out, n[5]);
        fprintf(out, ").");
    }
}

static const char *language_name(struct quire_bytes code)
{
    static const char *const names[][2] = {{"ja", "Japanese"}, {"fr", "French"}, {"en", "English"},
        {"es", "Spanish"}, {"de", "German"}, {"zh", "Chinese"}, {"id", "Indonesian"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (quire_bytes_equal(code, quire_bytes_of_text(names[i][0]))) {
            return names[i][1];
        }
    }
    return NULL;
}

static void print_no_model(FILE *out, const struct quire_insight_item *item)
{
    const char *name = language_name(item->name);
    const char *entries = plural(item->numbers[0], "entry", "entries");
    if (name == NULL) {
        fprintf(
            out, "%d %s in a language that is not known: no reading.", item->numbers[0], entries);
    } else if (strcmp(name, "Japanese") == 0) {
        fprintf(out,
            "%d %s in Japanese: no reading, since there is no good free data to learn from.",
            item->numbers[0], entries);
    } else if (strcmp(name, "French") == 0) {
        fprintf(out,
            "%d %s in French: not read, since its model is weak (--weak-languages reads them).",
            item->numbers[0], entries);
    } else {
        fprintf(out, "%d %s in %s: no reading.", item->numbers[0], entries, name);
    }
}

static void print_item(
    FILE *out, const struct qr_insights *insights, const struct quire_insight_item *item)
{
    const int32_t *n = item->numbers;
    switch (item->template_id) {
    case QUIRE_INSIGHT_NOTHING: fprintf(out, "Nothing was written in this time."); break;
    case QUIRE_INSIGHT_MOOD_MEAN:
        fprintf(out, "%d on average (%d days; the middle half %d to %d).", points(n[0]), n[3],
            points(n[1]), points(n[2]));
        break;
    case QUIRE_INSIGHT_MOOD_BEFORE:
        fprintf(out,
            "In the time of the same length before: %d (%d days; the middle half %d to %d).",
            points(n[0]), n[3], points(n[1]), points(n[2]));
        break;
    case QUIRE_INSIGHT_MOOD_EQUAL:
        fprintf(out, "None: the mood is %d on all days.", points(n[0]));
        break;
    case QUIRE_INSIGHT_PICKED:
        qr_cli_print_name(out, item->name);
        fprintf(out, " in %d %s", n[0], plural(n[0], "entry", "entries"));
        break;
    case QUIRE_INSIGHT_READ:
        qr_cli_print_name(out, item->name);
        fprintf(out, " in %d of %d passages (%d %s)%s", n[0], n[1], n[2],
            plural(n[2], "entry", "entries"),
            item->flags & 1 ? "; tested on one kind of text" : "");
        break;
    case QUIRE_INSIGHT_CHANGE: print_change(out, item); break;
    case QUIRE_INSIGHT_THEME_UP:
    case QUIRE_INSIGHT_THEME_DOWN: print_theme(out, insights, item); break;
    case QUIRE_INSIGHT_WATCHING:
        fprintf(out, "%d %s at the last look alone, and will be told if %s at the next one.", n[0],
            plural(n[0], "statement held", "statements held"),
            plural(n[0], "it holds", "they hold"));
        break;
    case QUIRE_INSIGHT_NEED_MOODS:
        fprintf(out, "%s: needs %d more %s with a mood.", needs[item->flags % 5], n[0],
            plural(n[0], "day", "days"));
        break;
    case QUIRE_INSIGHT_NEED_ENTRIES:
        fprintf(out, "themes: need %d more %s in four weeks, and %d more before them.", n[0],
            plural(n[0], "entry", "entries"), n[1]);
        break;
    case QUIRE_INSIGHT_NEED_LOOKS:
        fprintf(out, "findings: must hold at two looks, four weeks apart; the second is in %d %s.",
            n[0], plural(n[0], "day", "days"));
        break;
    case QUIRE_INSIGHT_NO_MODEL: print_no_model(out, item); break;
    case QUIRE_INSIGHT_AFTER_TODAY:
        fprintf(out, "%d %s dated after today: not looked at.", n[0],
            plural(n[0], "entry is", "entries are"));
        break;
    case QUIRE_INSIGHT_REPEATS:
        fprintf(out, "Your last %d entries with \"", n[0]);
        qr_cli_print_name(out, item->name);
        fprintf(out,
            "\" are much alike. If you like, write of it in another way: what would you tell a friend?");
        break;
    default: print_finding(out, item);
    }
}

static bool has_template(
    const struct quire_insight_report *report, enum quire_insight_template template_id)
{
    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].template_id == template_id) {
            return true;
        }
    }
    return false;
}

/* What stands where nothing was found. */
static void print_none(
    FILE *out, const struct qr_insights *insights, enum qr_insights_heading heading)
{
    const struct quire_insight_report *report = insights->report;
    char day[32];
    qr_insights_day_text(report->last_look, day);
    if (report->entries == 0) {
        return;
    }
    if (heading == QR_INSIGHTS_FINDINGS && !(insights->options.without & QUIRE_INSIGHT_FINDINGS)) {
        if (has_template(report, QUIRE_INSIGHT_NEED_LOOKS) || report->last_look == 0) {
            fprintf(out, "none yet.\n");
        } else {
            fprintf(out, "none at the last look, at what is dated before %s.\n", day);
        }
    }
    if (heading == QR_INSIGHTS_THEMES && !(insights->options.without & QUIRE_INSIGHT_THEMES)
        && !has_template(report, QUIRE_INSIGHT_NEED_ENTRIES) && report->last_look != 0) {
        fprintf(out, "none at the last look, at what is dated before %s.\n", day);
    }
    if (heading == QR_INSIGHTS_READ && report->period_entries > 0
        && !(insights->options.without & QUIRE_INSIGHT_READINGS)) {
        fprintf(out, "nothing that the model is sure of.\n");
    }
}

char *qr_insights_sentences(const struct qr_insights *insights, enum qr_insights_heading heading)
{
    const struct quire_insight_report *report = insights->report;
    char *text = NULL;
    size_t size = 0, count = 0, readings = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < report->item_count; i++) {
        const struct quire_insight_item *item = &report->items[i];
        if (templates[item->template_id].heading == heading) {
            print_item(out, insights, item);
            fputc('\n', out);
            count++;
            readings += item->template_id == QUIRE_INSIGHT_READ;
        }
    }
    if (count == 0) {
        print_none(out, insights, heading);
    }
    if (readings > 0) {
        fprintf(out,
            "Read by a model that counts words. It is wrong in about one of five, and is never counted as "
            "your own pick.\n");
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- the terminal ----------------------------------------------------------------------------- */

/* Columns that a character takes, nearly: wide ones are two. */
static int width_of(const char *word, size_t size)
{
    int width = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)word[i];
        width += byte < 0x80 || (byte >= 0xc0 && byte < 0xe3) ? 1 : byte >= 0xe3 ? 2 : 0;
    }
    return width;
}

static void print_wrapped(const char *heading, const char *text)
{
    int column = MARGIN;
    printf("%-*s", MARGIN, heading);
    for (const char *word = text; *word != 0;) {
        size_t size = strcspn(word, " \n");
        int width = width_of(word, size);
        if (column > MARGIN && column + 1 + width > COLUMNS) {
            printf("\n%*s", MARGIN, "");
            column = MARGIN;
        } else if (column > MARGIN) {
            putchar(' ');
            column++;
        }
        fwrite(word, 1, size, stdout);
        column += width;
        word += size;
        if (*word == '\n') {
            putchar('\n');
            if (word[1] != 0) {
                printf("%*s", MARGIN, "");
            }
            column = MARGIN;
        }
        word += *word != 0;
    }
}

/* The mean of each week, in the band that chance alone would fill. */
static void print_weeks(const struct qr_cli *cli, const struct quire_insight_report *report)
{
    size_t with_mood = 0, first = report->week_count > 60 ? report->week_count - 60 : 0;
    int32_t low = 10000, high = 0;
    bool banded = false;
    for (size_t i = first; i < report->week_count; i++) {
        const struct quire_insight_week *week = &report->weeks[i];
        if (week->mood >= 0) {
            with_mood++;
            low = week->mood < low ? week->mood : low;
            high = week->mood > high ? week->mood : high;
        }
        if (week->low >= 0) {
            banded = true;
            low = week->low < low ? week->low : low;
            high = week->high > high ? week->high : high;
        }
    }
    if (with_mood < CHART_WEEKS_MIN) {
        return;
    }
    low = low / 500 * 500;
    high = (high + 499) / 500 * 500;
    int32_t step =
        (high - low) / CHART_ROWS < 100 ? 100 : (high - low + CHART_ROWS - 1) / CHART_ROWS;
    char day[32], last[32];
    printf("\n%sMood by week%s%s\n", qr_cli_bold(cli), qr_cli_plain(cli),
        banded ? ": ● the mean, ░ where 19 of 20 weeks would be if nothing changes"
               : ": ● the mean");
    for (int row = CHART_ROWS - 1; row >= 0; row--) {
        int32_t bottom = low + row * step;
        printf("%7d %s│%s", bottom / 100, qr_cli_dim(cli), qr_cli_plain(cli));
        for (size_t i = first; i < report->week_count; i++) {
            const struct quire_insight_week *week = &report->weeks[i];
            bool here = week->mood >= bottom
                && (week->mood < bottom + step || (row == CHART_ROWS - 1 && week->mood >= bottom));
            bool band = week->low >= 0 && week->low < bottom + step && week->high >= bottom;
            if (here) {
                printf("%s●%s", qr_cli_bold(cli), qr_cli_plain(cli));
            } else if (band) {
                printf("%s░%s", qr_cli_dim(cli), qr_cli_plain(cli));
            } else {
                putchar(' ');
            }
        }
        putchar('\n');
    }
    qr_insights_day_text(report->weeks[first].day, day);
    qr_insights_day_text(report->weeks[report->week_count - 1].day, last);
    printf("%*s %s to %s, %zu weeks\n", 8, "", day, last, report->week_count - first);
}

static const char *level_of(int32_t mood)
{
    static const char *const levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int32_t level = mood * 8 / 10001;
    return levels[level < 0 ? 0 : level > 7 ? 7 : level];
}

/* Seven rows of weekdays, a column a week. */
static void print_days(const struct qr_cli *cli, const struct quire_insight_report *report)
{
    static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    size_t first = report->week_count > 60 ? report->week_count - 60 : 0;
    if (report->day_count < 2) {
        return;
    }
    printf("\n%sDays%s: ▁ a low mood … █ a high one, · written without a mood\n", qr_cli_bold(cli),
        qr_cli_plain(cli));
    for (int weekday = 0; weekday < 7; weekday++) {
        size_t next = 0;
        printf("%7s  ", names[weekday]);
        for (size_t week = first; week < report->week_count; week++) {
            int32_t day = report->weeks[week].day + weekday;
            while (next < report->day_count && report->days[next].day < day) {
                next++;
            }
            bool written = next < report->day_count && report->days[next].day == day;
            fputs(!written                        ? " "
                    : report->days[next].mood < 0 ? "·"
                                                  : level_of(report->days[next].mood),
                stdout);
        }
        putchar('\n');
    }
}

static void print_bars(const struct qr_cli *cli, const struct quire_insight_report *report,
    enum quire_insight_template template_id, const char *title)
{
    int32_t most = 0;
    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].template_id == template_id && report->items[i].numbers[0] > most) {
            most = report->items[i].numbers[0];
        }
    }
    if (most == 0) {
        return;
    }
    printf("\n%s%s%s\n", qr_cli_bold(cli), title, qr_cli_plain(cli));
    for (size_t i = 0; i < report->item_count; i++) {
        const struct quire_insight_item *item = &report->items[i];
        if (item->template_id != template_id) {
            continue;
        }
        char *name = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&name, &size);
        if (out == NULL) {
            return;
        }
        qr_cli_print_name(out, item->name);
        fclose(out);
        int pad = 16 - width_of(name, size);
        printf("  %s%*s ", name, pad > 0 ? pad : 0, "");
        free(name);
        int bar = item->numbers[0] * 40 / most;
        for (int j = 0; j < (bar > 0 ? bar : 1); j++) {
            fputs("█", stdout);
        }
        printf(" %d\n", item->numbers[0]);
    }
}

void qr_insights_print(const struct qr_cli *cli, const struct qr_insights *insights)
{
    printf("%sInsights%s  ", qr_cli_bold(cli), qr_cli_plain(cli));
    qr_insights_print_period(insights, stdout);
    printf("\n\n");
    for (int heading = 0; heading < QR_INSIGHTS_HEADINGS; heading++) {
        char *text = qr_insights_sentences(insights, (enum qr_insights_heading)heading);
        if (text != NULL && text[0] != 0) {
            print_wrapped(qr_insights_heading_text((enum qr_insights_heading)heading), text);
        }
        free(text);
    }
    print_weeks(cli, insights->report);
    print_days(cli, insights->report);
    print_bars(cli, insights->report, QUIRE_INSIGHT_PICKED, "Picked, in entries");
    print_bars(cli, insights->report, QUIRE_INSIGHT_READ, "Read, in passages");
    printf("\n%s%s\n%s%s\n", qr_cli_dim(cli), qr_insights_footer[0], qr_insights_footer[1],
        qr_cli_plain(cli));
}
