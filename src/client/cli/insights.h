/*
 * What `quire insights` shows: a report as sentences, charts, JSON, CSV and a page.
 */
#ifndef QR_CLIENT_CLI_INSIGHTS_H
#define QR_CLIENT_CLI_INSIGHTS_H

#include "client/cli/cli.h"
#include <quire/insight.h>

/** A report and what it was asked for. */
struct qr_insights {
    const struct quire_insight_report *report;
    struct quire_insight_options options;
};

/** Under which heading a statement stands, in this order. */
enum qr_insights_heading {
    QR_INSIGHTS_MOOD,
    QR_INSIGHTS_PICKED,
    QR_INSIGHTS_READ,
    QR_INSIGHTS_FINDINGS,
    QR_INSIGHTS_THEMES,
    QR_INSIGHTS_NOT_YET,
    QR_INSIGHTS_HEADINGS
};

const char *qr_insights_heading_text(enum qr_insights_heading heading);

/** "1–30 November 2026, 26 entries on 22 days" */
void qr_insights_print_period(const struct qr_insights *insights, FILE *file);

/** The statements under a heading, one paragraph each, in a new text that the caller frees; NULL: no memory.
 * Each ends in a line feed. Names are printed as names from other devices are. */
char *qr_insights_sentences(const struct qr_insights *insights, enum qr_insights_heading heading);

/** "9 March 2026" */
void qr_insights_day_text(int32_t day, char out_text[32]);
/** "2026-03-09" */
void qr_insights_iso_text(int32_t day, char out_text[16]);
/** The JSON name of a template, as in docs/insight.md. */
const char *qr_insights_template_name(enum quire_insight_template template_id);

/** Sentences, then charts of 80 columns. */
void qr_insights_print(const struct qr_cli *cli, const struct qr_insights *insights);
/** The last two sentences: where it was computed, and what it does not say. */
extern const char *const qr_insights_footer[2];

/** The same as one page of HTML with SVG, which needs nothing else. False: not all could be written. */
bool qr_insights_write_page(const struct qr_insights *insights, FILE *file);

/** An entry as it was given to the report. */
struct qr_insights_row {
    const uint8_t *id;
    struct quire_insight_entry entry;
};

/** Prints the entries, oldest first, that the report's first statement of that name rests on. */
enum qr_cli_exit qr_insights_why(struct qr_cli *cli, const struct qr_insights *insights,
    const struct qr_insights_row *rows, size_t count, const char *name);

#endif
