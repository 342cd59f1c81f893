/*
 * Any bytes as a diary: the first bytes of each piece are a date, a mood and names, the rest a text. A
 * report is made, and says nothing of what is not there.
 */
#include <assert.h>
#include <quire/insight.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
#define DAY_MS INT64_C(86400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quire_insight_options options = {
        .today = 2000, .from = 1900, .to = 2000, .repetition = true};
    struct quire_insight *insight;
    const struct quire_insight_report *report;
    size_t arena_size = quire_insight_size(ENTRIES_MAX, size, ENTRIES_MAX);
    void *arena = malloc(arena_size);
    int64_t day = 0;
    uint32_t added = 0;
    if (arena == NULL) {
        return 0;
    }
    enum quire_status status = quire_insight_begin(arena, arena_size, &options, &insight);
    assert(status == QUIRE_OK);
    struct quire_bytes names[ENTRIES_MAX];
    for (size_t at = 0; at + 4 <= size && added < ENTRIES_MAX;) {
        size_t length = data[at] < size - at - 4 ? data[at] : size - at - 4;
        day += data[at + 1];
        names[added] = (struct quire_bytes){data + at + 3, 1};
        struct quire_insight_entry entry = {
            .date_ms = day * DAY_MS + data[at + 3] * INT64_C(300000),
            .mood = data[at + 2] % 102 - 1,
            .text = {data + at + 4, length},
            .tags = &names[added],
            .tag_count = data[at + 3] & 1,
            .emotions = &names[added],
            .emotion_count = data[at + 3] >> 1 & 1};
        status = quire_insight_add(insight, &entry);
        assert(status == QUIRE_OK);
        added++;
        at += 4 + length;
    }
    status = quire_insight_finish(insight, &report);
    assert(status == QUIRE_OK);
    assert(report->entries + report->later_entries == added);
    for (size_t i = 0; i < report->item_count; i++) {
        assert(report->items[i].template_id <= QUIRE_INSIGHT_REPEATS);
    }
    free(arena);
    return 0;
}
