/*
 * A report as one page: sentences, and charts in SVG. No script, no font, no address: it opens offline.
 */
#define _GNU_SOURCE
#include "client/cli/insights.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 720
#define LEFT 36
#define CHART_HEIGHT 200

static const char style[] =
    ":root{color-scheme:light dark;--ink:#22262b;--soft:#697078;--paper:#fff;--band:#dfe6ee;--line:#2a5d9f;--none:#eef0f2}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e6e8;--soft:#98a0a8;--paper:#16181b;--band:#2a323c;"
    "--line:#7fb0ec;--none:#23272c}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1rem;margin:1.6rem 0 .3rem}"
    "p{margin:.3rem 0}.soft,figcaption,text{color:var(--soft);fill:var(--soft);font-size:.85rem}text{font-size:11px}"
    "figure{margin:1.6rem 0}svg{width:100%;height:auto;display:block}";

static void put_escaped(FILE *file, const char *text)
{
    for (; *text != 0; text++) {
        switch (*text) {
        case '&': fputs("&amp;", file); break;
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '"': fputs("&quot;", file); break;
        default: fputc(*text, file);
        }
    }
}

static void put_name(FILE *file, struct quire_bytes name)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) {
        qr_cli_print_name(out, name);
        fclose(out);
        put_escaped(file, text);
        free(text);
    }
}

static double x_of(const struct quire_insight_report *report, size_t week)
{
    size_t last = report->week_count > 1 ? report->week_count - 1 : 1;
    return LEFT + 8 + (double)(WIDTH - LEFT - 16) * (double)week / (double)last;
}

static double y_of(int32_t mood)
{
    return 10 + (CHART_HEIGHT - 20) * (1 - mood / 10000.);
}

/* Runs of weeks that have a band, each as an area. */
static void put_band(FILE *file, const struct quire_insight_report *report)
{
    for (size_t i = 0, end; i < report->week_count; i = end + 1) {
        for (end = i; end < report->week_count && report->weeks[end].low >= 0; end++) {
        }
        if (end == i) {
            continue;
        }
        fputs("<path fill=\"var(--band)\" d=\"M", file);
        for (size_t j = i; j < end; j++) {
            fprintf(file, "%.1f %.1fL", x_of(report, j), y_of(report->weeks[j].high));
        }
        for (size_t j = end; j > i; j--) {
            fprintf(file, "%.1f %.1f%s", x_of(report, j - 1), y_of(report->weeks[j - 1].low),
                j - 1 > i ? "L" : "Z");
        }
        fputs("\"/>\n", file);
    }
}

static void put_weeks(FILE *file, const struct quire_insight_report *report)
{
    size_t with_mood = 0;
    for (size_t i = 0; i < report->week_count; i++) {
        with_mood += report->weeks[i].mood >= 0;
    }
    if (with_mood < 2) {
        return;
    }
    fprintf(file, "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Mood by week\">\n",
        WIDTH, CHART_HEIGHT + 16);
    put_band(file, report);
    for (int mood = 0; mood <= 100; mood += 25) {
        fprintf(file,
            "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"var(--none)\"/>"
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n",
            LEFT, WIDTH, y_of(mood * 100), y_of(mood * 100), LEFT - 6, y_of(mood * 100) + 4, mood);
    }
    fputs("<path fill=\"none\" stroke=\"var(--line)\" stroke-width=\"1.5\" d=\"", file);
    bool on = false;
    for (size_t i = 0; i < report->week_count; i++) {
        if (report->weeks[i].mood >= 0) {
            fprintf(
                file, "%s%.1f %.1f", on ? "L" : "M", x_of(report, i), y_of(report->weeks[i].mood));
        }
        on = report->weeks[i].mood >= 0;
    }
    fputs("\"/>\n", file);
    for (size_t i = 0; i < report->week_count; i++) {
        const struct quire_insight_week *week = &report->weeks[i];
        char day[32];
        qr_insights_day_text(week->day, day);
        if (week->mood >= 0) {
            fprintf(file,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"var(--line)\"><title>Week of %s: %d "
                "(%u days)</title></circle>\n",
                x_of(report, i), y_of(week->mood), day, (week->mood + 50) / 100, week->mood_days);
        }
        if (i == 0 || i + 1 == report->week_count) {
            fprintf(file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
                x_of(report, i), CHART_HEIGHT + 12, i == 0 ? "start" : "end", day);
        }
    }
    fputs(
        "</svg><figcaption>Mood by week. Shaded: where 19 of 20 weeks would be if nothing changes.</figcaption>"
        "</figure>\n",
        file);
}

/* One hue, from dark to light: it can be told without seeing colours. */
static void put_colour(FILE *file, int32_t mood)
{
    fprintf(file, "hsl(212 50%% %d%%)", 22 + mood * 60 / 10000);
}

static void put_days(FILE *file, const struct quire_insight_report *report)
{
    static const char *const names[] = {"Mon", "", "Wed", "", "Fri", "", "Sun"};
    if (report->day_count == 0) {
        return;
    }
    size_t next = 0,
           width = LEFT + 13 * report->week_count; /* a year of weeks is wider than the rest */
    fprintf(file, "<figure><svg viewBox=\"0 0 %zu 100\" role=\"img\" aria-label=\"Days\">\n",
        width > WIDTH ? width : WIDTH);
    for (int weekday = 0; weekday < 7; weekday++) {
        fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 6,
            11 + 13 * weekday, names[weekday]);
    }
    for (size_t week = 0; week < report->week_count; week++) {
        for (int32_t weekday = 0; weekday < 7; weekday++) {
            int32_t day = report->weeks[week].day + weekday;
            while (next < report->day_count && report->days[next].day < day) {
                next++;
            }
            bool written = next < report->day_count && report->days[next].day == day;
            const struct quire_insight_day *found = &report->days[next];
            char text[32];
            qr_insights_day_text(day, text);
            fprintf(file, "<rect x=\"%zu\" y=\"%d\" width=\"11\" height=\"11\" rx=\"2\" ",
                LEFT + 13 * week, 2 + 13 * weekday);
            if (!written) {
                fputs("fill=\"var(--none)\"/>\n", file);
            } else if (found->mood < 0) {
                fprintf(file,
                    "fill=\"var(--none)\" stroke=\"var(--soft)\"><title>%s: %u without a mood</title></rect>\n",
                    text, found->entries);
            } else {
                fputs("fill=\"", file);
                put_colour(file, found->mood);
                fprintf(file, "\"><title>%s: %d</title></rect>\n", text, (found->mood + 50) / 100);
            }
        }
    }
    fputs(
        "</svg><figcaption>Days. Dark: a low mood; light: a high one; outlined: written without a mood."
        "</figcaption></figure>\n",
        file);
}

static void put_bars(FILE *file, const struct quire_insight_report *report,
    enum quire_insight_template template_id, const char *caption)
{
    int32_t most = 0, row = 0, rows = 0;
    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].template_id == template_id) {
            most = report->items[i].numbers[0] > most ? report->items[i].numbers[0] : most;
            rows++;
        }
    }
    if (rows == 0) {
        return;
    }
    fprintf(file, "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH,
        20 * rows + 4, caption);
    for (size_t i = 0; i < report->item_count; i++) {
        const struct quire_insight_item *item = &report->items[i];
        if (item->template_id == template_id) {
            fprintf(file, "<text x=\"150\" y=\"%d\" text-anchor=\"end\">", 20 * row + 14);
            put_name(file, item->name);
            fprintf(file,
                "</text><rect x=\"158\" y=\"%d\" width=\"%d\" height=\"13\" rx=\"2\" fill=\"var(--line)\"/>"
                "<text x=\"%d\" y=\"%d\">%d</text>\n",
                20 * row + 3, 1 + 480 * item->numbers[0] / most,
                166 + 480 * item->numbers[0] / most, 20 * row + 14, item->numbers[0]);
            row++;
        }
    }
    fprintf(file, "</svg><figcaption>%s</figcaption></figure>\n", caption);
}

bool qr_insights_write_page(const struct qr_insights *insights, FILE *file)
{
    fprintf(file,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Insights</title>\n"
        "<style>%s</style></head>\n<body><h1>Insights</h1>\n<p class=\"soft\">",
        style);
    qr_insights_print_period(insights, file);
    fputs("</p>\n", file);
    for (int heading = 0; heading < QR_INSIGHTS_HEADINGS; heading++) {
        char *text = qr_insights_sentences(insights, (enum qr_insights_heading)heading);
        if (text != NULL && text[0] != 0) {
            fprintf(
                file, "<h2>%s</h2>\n", qr_insights_heading_text((enum qr_insights_heading)heading));
            for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
                fputs("<p>", file);
                put_escaped(file, line);
                fputs("</p>\n", file);
            }
        }
        free(text);
    }
    put_weeks(file, insights->report);
    put_days(file, insights->report);
    put_bars(file, insights->report, QUIRE_INSIGHT_PICKED, "Picked, in entries");
    put_bars(file, insights->report, QUIRE_INSIGHT_READ, "Read by the model, in passages");
    fprintf(file, "<p class=\"soft\">%s %s This file is not encrypted.</p>\n</body></html>\n",
        qr_insights_footer[0], qr_insights_footer[1]);
    return ferror(file) == 0;
}
