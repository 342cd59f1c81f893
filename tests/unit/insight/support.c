#include "support.h"
#include "insight/number.h"
#include <stdlib.h>
#include <string.h>

void diary_add(struct diary *diary, int32_t day, int32_t mood, const char *text, const char *tag,
    const char *emotion)
{
    size_t i = diary->count++, size = strlen(text);
    size = size < DIARY_TEXT ? size : DIARY_TEXT;
    memcpy(diary->texts[i], text, size);
    diary->names[i][0] = quire_bytes_of_text(tag == NULL ? "" : tag);
    diary->names[i][1] = quire_bytes_of_text(emotion == NULL ? "" : emotion);
    diary->text_size += size;
    diary->entries[i] = (struct quire_insight_entry){.date_ms = day * DAY_MS + DAY_MS / 2,
        .mood = mood,
        .text = {(const uint8_t *)diary->texts[i], size},
        .tags = &diary->names[i][0],
        .tag_count = tag != NULL,
        .emotions = &diary->names[i][1],
        .emotion_count = emotion != NULL};
}

struct quire_insight_options options_of(int32_t today)
{
    static const char *const names[] = {"language", "en", "es", "de", "zh", "id", "fr"};
    struct quire_insight_options options = {.today = today, .from = today - 29, .to = today};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        options.bundles[options.bundle_count++] = quire_insight_builtin(names[i]);
    }
    return options;
}

const struct quire_insight_report *report_of(
    const struct diary *diary, const struct quire_insight_options *options, void **out_arena)
{
    size_t size = quire_insight_size(diary->count, diary->text_size, 2 * diary->count);
    struct quire_insight *insight;
    const struct quire_insight_report *report = NULL;
    *out_arena = malloc(size);
    enum quire_status status = quire_insight_begin(*out_arena, size, options, &insight);
    for (size_t i = 0; i < diary->count && status == QUIRE_OK; i++) {
        status = quire_insight_add(insight, &diary->entries[i]);
    }
    status = status == QUIRE_OK ? quire_insight_finish(insight, &report) : status;
    return status == QUIRE_OK ? report : NULL;
}

const struct quire_insight_item *item_at(
    const struct quire_insight_report *report, enum quire_insight_template template_id, size_t n)
{
    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].template_id == template_id && n-- == 0) {
            return &report->items[i];
        }
    }
    return NULL;
}

static uint64_t mixed(uint64_t hash, int64_t value)
{
    return qr_mix(hash ^ (uint64_t)value) * UINT64_C(0x100000001b3);
}

uint64_t report_hash(const struct quire_insight_report *report)
{
    uint64_t hash = report->item_count;
    for (size_t i = 0; i < report->item_count; i++) {
        const struct quire_insight_item *item = &report->items[i];
        hash = mixed(mixed(hash, item->template_id), item->flags);
        for (size_t j = 0; j < QUIRE_INSIGHT_NUMBERS; j++) {
            hash = mixed(hash, item->numbers[j]);
        }
        for (size_t j = 0; j < item->name.size; j++) {
            hash = mixed(hash, item->name.data[j]);
        }
    }
    for (size_t i = 0; i < report->week_count; i++) {
        const struct quire_insight_week *week = &report->weeks[i];
        hash = mixed(mixed(mixed(mixed(hash, week->day), week->mood), week->low), week->high);
    }
    for (size_t i = 0; i < report->day_count; i++) {
        hash = mixed(mixed(hash, report->days[i].day), report->days[i].mood);
    }
    return hash;
}

size_t draw_text(uint64_t *state, uint32_t words, char *out, size_t size)
{
    static const char *const pieces[] = {"happy", "sad", "not", "garden", "running", "I", "was",
        "so", "tired", "today", "and", "the", "miedo", "alegría", "nicht", "fröhlich", "glücklich",
        "traurig", "senang", "takut", "joie", "我很高兴", "不", "难过", "今天", "うれしい",
        "悲しい", "ｶﾞｯｺｳ", "Ёлка", "Ὀδυσσεύς", "क़लम", "שָׁלוֹם", "مَرْحَبًا", "행복",
        "👍🏽👍🏽👍🏽👍🏽", "❤️", "...", "!!", "?", "\n", "don’t", "cooool",
        "3.5", "#tag", "\xff\xfe", "\xc3", "\xed\xa0\x80", "\xf0\x9f"};
    size_t used = 0;
    for (uint32_t i = 0; i < words; i++) {
        const char *piece = pieces[qr_draw_below(state, sizeof pieces / sizeof *pieces)];
        size_t length = strlen(piece);
        if (used + length + 2 > size) {
            break;
        }
        memcpy(out + used, piece, length);
        used += length;
        out[used++] = ' ';
    }
    out[used] = 0;
    return used;
}
