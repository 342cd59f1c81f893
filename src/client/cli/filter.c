/*
 * Filters of lists.
 */
#define _GNU_SOURCE
#include "client/cli/filter.h"
#include "client/fold.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "40", "40..60", "40..", "..60". */
static bool read_range(
    const char *text, int64_t min, int64_t max, int64_t *out_from, int64_t *out_to)
{
    char from[24] = "";
    const char *dots = strstr(text, "..");
    if (dots == NULL) {
        *out_to = 0;
        bool whole = qr_cli_number(text, min, max, out_from);
        *out_to = *out_from;
        return whole;
    }
    if (dots - text >= (ptrdiff_t)sizeof from || (dots == text && dots[2] == 0)) {
        return false;
    }
    memcpy(from, text, (size_t)(dots - text));
    *out_from = min;
    *out_to = max;
    return (from[0] == 0 || qr_cli_number(from, min, max, out_from))
        && (dots[2] == 0 || qr_cli_number(dots + 2, min, max, out_to)) && *out_from <= *out_to;
}

/* The begin of a day or minute of the local calendar, by the wall clock. */
static bool wall_of(const char *text, int64_t *out_wall_ms)
{
    int64_t civil_ms = 0;
    struct tm parts;
    if (!qr_cli_date(text, &civil_ms)) {
        return false;
    }
    time_t seconds = (time_t)(civil_ms / 1000);
    if (gmtime_r(&seconds, &parts) == NULL) {
        return false;
    }
    parts.tm_isdst = -1;
    time_t moment = mktime(&parts);
    *out_wall_ms = (int64_t)moment * 1000;
    return moment != (time_t)-1;
}

enum qr_cli_exit qr_cli_read_filter(struct qr_cli *cli, struct qr_cli_filter *out_filter)
{
    struct qr_cli_filter filter = {.args = &cli->args, .changed_since_ms = INT64_MIN};
    const char *mood = qr_cli_value(&cli->args, "mood"), *title = qr_cli_value(&cli->args, "title");
    const char *since = qr_cli_value(&cli->args, "changed-since");
    filter.has_mood = mood != NULL;
    filter.has_elements = qr_cli_has(&cli->args, "tag") || qr_cli_has(&cli->args, "emotion")
        || qr_cli_has(&cli->args, "journal");
    if (mood != NULL && !read_range(mood, 0, QUIRE_MOOD_MAX, &filter.mood_min, &filter.mood_max)) {
        return qr_cli_usage(cli,
            "--mood takes a mood or a range, 0 to %d: 40, 40..60, 40.. or ..60.", QUIRE_MOOD_MAX);
    }
    if (since != NULL && !wall_of(since, &filter.changed_since_ms)) {
        return qr_cli_usage(cli,
            "\"%.60s\" is not a date: it should look like 2024-03-01 or 2024-03-01T12:30.", since);
    }
    if (title != NULL) {
        filter.has_title = true;
        if (qr_client_fold_terms(quire_bytes_of_text(title), &filter.title) != QUIRE_OK) {
            return qr_cli_no_memory(cli);
        }
    }
    *out_filter = filter;
    return QR_CLI_DONE;
}

void qr_cli_filter_finish(struct qr_cli_filter *filter)
{
    quire_buffer_finish(&filter->title);
}

/* Each term of `wanted` is a part of a term of `text`. */
static bool holds_terms(struct quire_bytes text, struct quire_bytes wanted)
{
    while (wanted.size > 0) {
        const uint8_t *end = memchr(wanted.data, '\n', wanted.size);
        size_t size = end == NULL ? wanted.size : (size_t)(end - wanted.data);
        if (size > 0
            && (text.size == 0 || memmem(text.data, text.size, wanted.data, size) == NULL)) {
            return false;
        }
        size += end != NULL;
        wanted = (struct quire_bytes){wanted.data + size, wanted.size - size};
    }
    return true;
}

bool qr_cli_filter_summary(const struct qr_cli_filter *filter, const struct quire_summary *summary)
{
    if (filter->has_mood
        && (!summary->has_mood || summary->mood < filter->mood_min
            || summary->mood > filter->mood_max)) {
        return false;
    }
    if (summary->changed_wall_ms < filter->changed_since_ms) {
        return false;
    }
    if (filter->has_title) {
        struct quire_buffer terms = {0};
        bool holds = qr_client_fold_terms(summary->title, &terms) == QUIRE_OK
            && holds_terms(quire_buffer_bytes(&terms), quire_buffer_bytes(&filter->title));
        quire_buffer_finish(&terms);
        return holds;
    }
    return true;
}

static enum quire_status has_element(const struct quire_document *document, enum quire_set set,
    struct quire_bytes name, bool *out_has)
{
    struct quire_element element;
    struct quire_buffer wanted = {0}, found = {0};
    enum quire_status status = qr_client_fold_terms(name, &wanted);
    *out_has = false;
    for (size_t i = 0; status == QUIRE_OK && !*out_has
         && quire_document_set_element(document, set, i, &element) == QUIRE_OK;
         i++) {
        quire_buffer_clear(&found);
        status = qr_client_fold_terms(element.name, &found);
        *out_has = quire_bytes_equal(element.name, name)
            || (wanted.size > 0
                && quire_bytes_equal(quire_buffer_bytes(&wanted), quire_buffer_bytes(&found)));
    }
    quire_buffer_finish(&wanted);
    quire_buffer_finish(&found);
    return status;
}

enum quire_status qr_cli_filter_document(
    const struct qr_cli_filter *filter, const struct quire_document *document, bool *out_passes)
{
    enum quire_status status = QUIRE_OK;
    *out_passes = true;
    for (size_t i = 0; status == QUIRE_OK && *out_passes && i < filter->args->given_count; i++) {
        const struct qr_cli_given *given = &filter->args->given[i];
        bool tag = strcmp(given->option->name, "tag") == 0;
        if (strcmp(given->option->name, "journal") == 0) {
            status = qr_cli_journal_is(qr_cli_journal_of(document), given->values[0], out_passes);
        }
        if (tag || strcmp(given->option->name, "emotion") == 0) {
            status = has_element(document, tag ? QUIRE_SET_TAGS : QUIRE_SET_EMOTIONS,
                quire_bytes_of_text(given->values[0]), out_passes);
        }
    }
    return status;
}
