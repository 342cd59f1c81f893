/*
 * The insight core gives the same bytes from every compiler and machine: one hash over the readings of
 * 5,000 texts and the reports of 40 diaries. Prints it; with no argument, it must be the one below.
 */
#include "insight/model.h"
#include "insight/number.h"
#include "support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED UINT64_C(0xee6d4e64967f6cc7)

static uint64_t hash_readings(void)
{
    static const char *const names[] = {"language", "en", "es", "de", "zh", "id", "fr"};
    static struct qr_features features;
    uint64_t state = 1, hash = 0;
    char text[2048];
    for (int i = 0; i < 5000; i++) {
        struct qr_bundle bundle;
        struct qr_reading reading;
        if (qr_bundle_open(quire_insight_builtin(names[i % 7]), &bundle) != QUIRE_OK) {
            return 0;
        }
        size_t size = draw_text(&state, 1 + qr_draw_below(&state, 40), text, sizeof text);
        qr_features_clear(&features);
        qr_features_add(&features, bundle.language, (struct quire_bytes){(uint8_t *)text, size});
        qr_model_score(&bundle, &features, &reading);
        for (uint32_t k = 0; k < bundle.outputs; k++) {
            hash = qr_mix(hash ^ (uint64_t)(int64_t)reading.logits[k]) + k;
        }
    }
    return hash;
}

static uint64_t hash_reports(void)
{
    struct diary *diary = calloc(1, sizeof *diary);
    uint64_t state = 2, hash = 0;
    for (int i = 0; i < 40; i++) {
        char text[DIARY_TEXT];
        int32_t days = 20 + 20 * (i % 16), mood = 50;
        diary->count = diary->text_size = 0;
        for (int32_t day = 0; day < days; day++) {
            bool tagged = qr_draw_below(&state, 4) == 0;
            draw_text(&state, 30, text, sizeof text);
            mood = (mood + 50 + (int32_t)qr_draw_below(&state, 60) - 30) / 2
                + (day * 2 > days ? 12 : 0);
            mood += tagged ? 15 : 0;
            mood = mood < 0 ? 0 : mood > 100 ? 100 : mood;
            mood = qr_draw_below(&state, 5) == 0 ? -1 : mood;
            bool picked = qr_draw_below(&state, 5) == 0;
            diary_add(diary, FIRST_DAY + day, mood, text, tagged ? "friends" : NULL,
                picked ? "happy" : NULL);
        }
        struct quire_insight_options options = options_of(FIRST_DAY + days);
        void *arena;
        const struct quire_insight_report *report = report_of(diary, &options, &arena);
        hash = qr_mix(hash ^ (report == NULL ? 0 : report_hash(report)));
        free(arena);
    }
    free(diary);
    return hash;
}

int main(int count, char **arguments)
{
    (void)arguments;
    uint64_t hash = qr_mix(hash_readings() ^ hash_reports());
    printf("%016llx\n", (unsigned long long)hash);
    return count == 1 && hash != EXPECTED;
}
