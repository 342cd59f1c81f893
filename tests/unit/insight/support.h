/*
 * Simulated diaries and texts for the tests of insight.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <quire/insight.h>

#define DIARY_MAX 2000
#define DIARY_TEXT 4096

struct diary {
    struct quire_insight_entry entries[DIARY_MAX];
    size_t count, text_size;
    char texts[DIARY_MAX][DIARY_TEXT];
    struct quire_bytes names[DIARY_MAX][2]; /* a tag, an emotion */
};

#define DAY_MS INT64_C(86400000)
#define FIRST_DAY 20000 /* 2024-10-04 */

/** Adds an entry at noon; tag and emotion may be NULL. The text is copied, cut at DIARY_TEXT. */
void diary_add(struct diary *diary, int32_t day, int32_t mood, const char *text, const char *tag,
    const char *emotion);

/** All built-in bundles, and a period: the last 30 days up to today. */
struct quire_insight_options options_of(int32_t today);

/** The report of a diary; *out_arena is freed by the caller after use. NULL: a status that is not OK. */
const struct quire_insight_report *report_of(
    const struct diary *diary, const struct quire_insight_options *options, void **out_arena);

/** The n-th item with a template; NULL: there is none. */
const struct quire_insight_item *item_at(
    const struct quire_insight_report *report, enum quire_insight_template template_id, size_t n);

/** A hash of all that a report says. */
uint64_t report_hash(const struct quire_insight_report *report);

/** A text of about n words in many scripts, with emoji and ill-formed bytes; writes and returns bytes. */
size_t draw_text(uint64_t *state, uint32_t words, char *out, size_t size);

#endif
