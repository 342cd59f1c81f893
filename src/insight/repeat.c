/*
 * How alike texts are, by the cosine of their features.
 */
#include "insight/repeat.h"
#include "insight/number.h"

static uint64_t squares(const struct qr_features *features)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < features->count; i++) {
        uint32_t weight = features->weights[features->slots[i]];
        sum += (uint64_t)weight * weight;
    }
    return sum;
}

static uint64_t product(const struct qr_features *a, const struct qr_features *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t hash = a->hashes[a->slots[i]];
        uint8_t weight = qr_features_weight(b, hash);
        sum += (uint64_t)weight * a->weights[a->slots[i]];
    }
    return sum;
}

uint32_t qr_repeat_alike(struct qr_features *last, struct qr_features *other,
    const struct quire_bytes *texts, uint32_t count)
{
    uint64_t sum = 0;
    qr_features_clear(last);
    qr_features_add(last, QR_LANGUAGE_UNKNOWN, texts[count - 1]);
    uint64_t own = qr_root(squares(last) << 20); /* Q10 */
    for (uint32_t i = 0; i + 1 < count; i++) {
        qr_features_clear(other);
        qr_features_add(other, QR_LANGUAGE_UNKNOWN, texts[i]);
        uint64_t lengths = (own * qr_root(squares(other) << 20)) >> 20;
        sum += lengths == 0 ? 0 : product(last, other) * 10000 / lengths;
    }
    qr_features_clear(last);
    qr_features_clear(other);
    uint64_t mean = sum / (count - 1);
    return mean > 10000 ? 10000 : (uint32_t)mean;
}

bool qr_repeat_is_rising(const int32_t *moods, uint32_t count)
{
    int64_t sums[2] = {0};
    int32_t days[2] = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (moods[i] >= 0) {
            sums[i >= count / 2] += moods[i];
            days[i >= count / 2]++;
        }
    }
    return days[0] > 0 && days[1] > 0 && sums[1] * days[0] > sums[0] * days[1];
}
