/*
 * Any bytes: a bundle is refused, or it reads texts and reasons without leaving its bytes. The checksum is
 * mended first, so that what lies behind it is reached.
 */
#include "insight/language.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_texts(const struct qr_bundle *bundle)
{
    static const char *const texts[] = {"", "I am not happy, no!", "我不高兴。", "\xff\xc3 aaa"};
    static struct qr_features features;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct quire_bytes text = quire_bytes_of_text(texts[i]);
        struct qr_reading reading;
        struct qr_reason reasons[QR_REASONS_MAX];
        qr_features_clear(&features);
        qr_features_add(&features, bundle->language, text);
        qr_model_score(bundle, &features, &reading);
        for (uint32_t k = 0; k < bundle->outputs; k++) {
            assert(qr_model_probability(&bundle->labels[k], reading.logits[k]) <= 10000);
            uint32_t count = qr_model_reasons(bundle, &features, text, k, reasons);
            for (uint32_t j = 0; j < count; j++) {
                assert(reasons[j].begin < reasons[j].end && reasons[j].end <= text.size);
            }
        }
        if (bundle->purpose == QR_BUNDLE_LANGUAGES) {
            assert(
                qr_language_of(bundle, &features, text, QR_LANGUAGE_UNKNOWN) < QR_LANGUAGE_COUNT);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bundle bundle, before;
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    if (bytes == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    if (size >= 16) {
        uint64_t sum = qr_bundle_checksum((struct quire_bytes){bytes, size});
        for (int i = 0; i < 8; i++) {
            bytes[8 + i] = (uint8_t)(sum >> 8 * (7 - i));
        }
    }
    memset(&bundle, 0x5a, sizeof bundle);
    memcpy(&before, &bundle, sizeof bundle);
    enum quire_status status = qr_bundle_open((struct quire_bytes){bytes, size}, &bundle);
    if (status == QUIRE_OK) {
        read_texts(&bundle);
    } else {
        assert(status == QUIRE_EMALFORMED || status == QUIRE_EUNSUPPORTED);
        assert(memcmp(&bundle, &before, sizeof bundle) == 0);
    }
    free(bytes);
    return 0;
}
