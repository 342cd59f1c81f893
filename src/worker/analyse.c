/*
 * The insight core on one text, without memory of the one before.
 */
#include "worker/analyse.h"
#include "base/writer.h"
#include "insight/inner.h"
#include <stdlib.h>

#define VERSION 1
#define PASSAGES_MOST 0xffff

struct qr_analyser {
    struct quire_insight *insight;
    size_t size;
    _Alignas(16) uint8_t arena[];
};

enum quire_status qr_analyser_create(
    const struct quire_bytes *bundles, size_t count, struct qr_analyser **out_analyser)
{
    struct quire_insight_options options = {.bundle_count = count};
    size_t size = quire_insight_size(0, 0, 0);
    if (count > QUIRE_INSIGHT_BUNDLES_MAX) {
        return QUIRE_EINVALID;
    }
    struct qr_analyser *analyser = malloc(sizeof *analyser + size);
    if (analyser == NULL) {
        return QUIRE_ENOMEM;
    }
    analyser->size = size;
    for (size_t i = 0; i < count; i++) {
        options.bundles[i] = bundles[i];
    }
    enum quire_status status =
        quire_insight_begin(analyser->arena, size, &options, &analyser->insight);
    if (status != QUIRE_OK) {
        free(analyser);
        return status;
    }
    *out_analyser = analyser;
    return QUIRE_OK;
}

/* Features are hashes of words: they tell whether a word was there. */
static void forget(struct qr_analyser *analyser)
{
    memset(&analyser->insight->features, 0, sizeof analyser->insight->features);
    analyser->insight->last_language = QR_LANGUAGE_UNKNOWN;
}

void qr_analyser_destroy(struct qr_analyser *analyser)
{
    if (analyser != NULL) {
        forget(analyser);
        free(analyser);
    }
}

static uint32_t count_passages(struct quire_bytes text)
{
    struct qr_segments segments = {.text = text};
    struct quire_bytes passage;
    uint32_t count = 0;
    while (count < PASSAGES_MOST && qr_segments_next(&segments, &passage)) {
        count++;
    }
    return count;
}

static void write_name(struct qr_writer *writer, struct quire_bytes name)
{
    qr_write_u8(writer, (uint8_t)name.size);
    qr_write_bytes(writer, name.data, name.size);
}

static void write_label(
    struct qr_writer *writer, struct quire_bytes text, const struct quire_insight_suggestion *found)
{
    uint8_t reasons = 0;
    while (reasons < 3 && found->reasons[reasons].size > 0) {
        reasons++;
    }
    write_name(writer, found->label);
    qr_write_u16(writer, (uint16_t)found->probability);
    qr_write_u8(writer, found->one_kind_of_text);
    qr_write_u8(writer, reasons);
    for (uint8_t i = 0; i < reasons; i++) {
        qr_write_u32(writer, (uint32_t)(found->reasons[i].data - text.data));
        qr_write_u16(writer, (uint16_t)found->reasons[i].size);
    }
}

enum quire_status qr_analyser_read(
    struct qr_analyser *analyser, struct quire_bytes text, struct quire_buffer *out_reading)
{
    struct quire_insight *insight = analyser->insight;
    struct quire_insight_suggestion found[QR_READING_LABELS_MAX] = {0};
    struct qr_writer writer = qr_writer_onto(out_reading);
    enum qr_language language = qr_language_of(insight->has_languages ? &insight->languages : NULL,
        &insight->features, text, QR_LANGUAGE_UNKNOWN);
    size_t count = quire_insight_suggest(insight, text, found, QR_READING_LABELS_MAX);
    qr_write_u8(&writer, VERSION);
    write_name(&writer, quire_bytes_of_text(qr_language_code(language)));
    qr_write_u16(&writer, (uint16_t)count_passages(text));
    qr_write_u8(&writer, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        write_label(&writer, text, &found[i]);
    }
    forget(analyser);
    return qr_writer_end(&writer);
}
