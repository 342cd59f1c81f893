/*
 * Weights as whole numbers, a place for each feature, and the bytes of a bundle.
 */
#include "train.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FREQUENT_WORDS 200
#define SECTIONS 7

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

static void put(struct bytes *out, uint64_t value, int size)
{
    if (out->size + 8 > out->capacity) {
        size_t capacity = out->capacity == 0 ? 4096 : out->capacity * 2;
        uint8_t *data = must(capacity);
        if (out->size > 0) {
            memcpy(data, out->data, out->size);
        }
        free(out->data);
        out->data = data;
        out->capacity = capacity;
    }
    for (int i = size - 1; i >= 0; i--) {
        out->data[out->size++] = (uint8_t)(value >> 8 * i);
    }
}

static void put_text(struct bytes *out, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (const char *letter = text; *letter != 0; letter++) {
        put(out, (uint8_t)*letter, 1);
    }
}

static int64_t nearest(double x)
{
    return (int64_t)(x < 0 ? x - .5 : x + .5);
}

/* ---- a place for each feature ----------------------------------------------------------------- */

struct bucket {
    uint32_t number, count;
};

static int largest_first(const void *left, const void *right)
{
    const struct bucket *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : a->number < b->number ? -1 : 1;
}

/* Tries displacements for one bucket; false: none below 2^16 fits. */
static bool displace(const struct learned *learned, const uint32_t *members, uint32_t count,
    uint32_t *slots, uint32_t slot_count, uint16_t *out_displacement)
{
    uint32_t chosen[256];
    for (uint32_t displacement = 0; count <= 256 && displacement < 65536; displacement++) {
        uint32_t fits = 0;
        for (; fits < count; fits++) {
            uint32_t slot =
                qr_bundle_slot(learned->hashes[members[fits]], displacement, slot_count);
            bool taken = slots[slot] != 0;
            for (uint32_t i = 0; i < fits; i++) {
                taken |= chosen[i] == slot;
            }
            if (taken) {
                break;
            }
            chosen[fits] = slot;
        }
        if (fits == count) {
            for (uint32_t i = 0; i < count; i++) {
                slots[chosen[i]] = members[i] + 1;
            }
            *out_displacement = (uint16_t)displacement;
            return true;
        }
    }
    return false;
}

/* slots: 1 + the feature in each; false: this many slots are too few. */
static bool place_all(const struct learned *learned, uint32_t bucket_count, uint32_t slot_count,
    uint32_t *slots, uint16_t *displacements)
{
    struct bucket *buckets = must(bucket_count * sizeof *buckets);
    uint32_t *members = must(learned->count * sizeof *members),
             *begins = must(bucket_count * 4 + 4);
    bool done = true;
    memset(slots, 0, slot_count * sizeof *slots);
    for (uint32_t i = 0; i < learned->count; i++) {
        begins[qr_bundle_bucket(learned->hashes[i], bucket_count) + 1]++;
    }
    for (uint32_t i = 0; i < bucket_count; i++) {
        buckets[i] = (struct bucket){i, begins[i + 1]};
        begins[i + 1] += begins[i];
    }
    for (uint32_t i = learned->count; i > 0; i--) {
        members[--begins[qr_bundle_bucket(learned->hashes[i - 1], bucket_count) + 1]] = i - 1;
    }
    qsort(buckets, bucket_count, sizeof *buckets, largest_first);
    for (uint32_t i = 0; i < bucket_count && done; i++) {
        done = displace(learned, members + begins[buckets[i].number + 1], buckets[i].count, slots,
            slot_count, &displacements[buckets[i].number]);
    }
    free(buckets);
    free(members);
    free(begins);
    return done;
}

/* ---- frequent words --------------------------------------------------------------------------- */

struct word {
    uint64_t hash, last; /* last: 1 + the text that had it last */
    uint32_t texts;
};

static int most_frequent_first(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    return a->texts != b->texts ? (a->texts < b->texts ? 1 : -1)
        : a->hash < b->hash     ? -1
                                : a->hash > b->hash;
}

static int by_low_half(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    uint32_t x = (uint32_t)a->hash, y = (uint32_t)b->hash;
    return x < y ? -1 : x > y;
}

static void count_word(struct word *words, size_t size, uint64_t hash, size_t text)
{
    size_t slot = hash & (size - 1);
    while (words[slot].texts != 0 && words[slot].hash != hash) {
        slot = (slot + 1) & (size - 1);
    }
    words[slot].hash = hash;
    words[slot].texts += words[slot].last != text + 1;
    words[slot].last = text + 1;
}

static void put_frequent(struct bytes *out, const struct samples *samples)
{
    size_t size = 1 << 21; /* more than the words and pairs of any of the data */
    struct word *words = must(size * sizeof *words);
    for (size_t i = 0; i < samples->count; i++) {
        struct qr_tokens tokens = {.text = samples->rows[i].text};
        struct qr_token token;
        while (qr_tokens_next(&tokens, &token)) {
            if (token.kind == QR_TOKEN_WORD) {
                count_word(words, size, qr_hash_points(token.points, token.count, 1), i);
            }
            for (uint32_t j = 0; token.kind == QR_TOKEN_CJK && j + 2 <= token.count; j++) {
                count_word(words, size, qr_hash_points(token.points + j, 2, 7), i);
            }
        }
    }
    qsort(words, size, sizeof *words, most_frequent_first);
    qsort(words, FREQUENT_WORDS, sizeof *words, by_low_half);
    for (int i = 0; i < FREQUENT_WORDS && words[i].texts > 0; i++) {
        put(out, (uint32_t)words[i].hash, 4);
    }
    free(words);
}

/* ---- the card --------------------------------------------------------------------------------- */

/* Canonical JSON: keys ascend, no spaces. */
static void put_card(struct bytes *out, const struct recipe *recipe, const struct qr_label *labels,
    const struct figures *figures)
{
    put_text(out,
        "{\"attribution\":\"%s\",\"figures\":{\"coverage_permille\":%d,\"ece_permille\":%d,"
        "\"f1_permille\":[%d,%d,%d],\"held_out_texts\":%zu,\"shown_precision_permille\":%d},"
        "\"labels\":[",
        recipe->licence, (int)nearest(figures->coverage * 1000), (int)nearest(figures->ece * 1000),
        (int)nearest(figures->f1 * 1000), (int)nearest(figures->low * 1000),
        (int)nearest(figures->high * 1000), figures->texts,
        (int)nearest(figures->precision * 1000));
    for (uint32_t k = 0; k < name_count(recipe); k++) {
        put_text(out,
            "%s{\"f1_permille\":%d,\"name\":\"%s\",\"one_kind_of_text\":%s,\"shown\":%s,"
            "\"shown_precision_permille\":%d}",
            k == 0 ? "" : ",", (int)nearest(figures->labels[k].f1 * 1000), recipe->names[k],
            labels[k].flags & QR_BUNDLE_ONE_KIND ? "true" : "false",
            labels[k].show == QR_BUNDLE_NEVER ? "false" : "true",
            (int)nearest(figures->labels[k].precision * 1000));
    }
    put_text(out,
        "],\"name\":\"quire-%s\",\"not_for\":\"diagnosis, risk, advice, or any reading of a "
        "text that its author did not ask for\",\"version\":1}",
        recipe->name);
}

/* ---- all of it -------------------------------------------------------------------------------- */

struct quire_bytes pack(const struct recipe *recipe, const struct learned *learned,
    const struct qr_label *labels, const struct samples *samples, const struct figures *held_out)
{
    struct bytes sections[SECTIONS + 1] = {{0}}, out = {0};
    uint32_t outputs = learned->outputs, slot_count = learned->count * 100 / 97 + 1;
    uint32_t bucket_count = learned->count / 4 + 1, stride = outputs + recipe->fingerprint;
    uint32_t *slots = must(((size_t)slot_count * 2) * sizeof *slots);
    uint16_t *displacements = must(bucket_count * sizeof *displacements);
    double steps[NAMES_MAX];
    while (!place_all(learned, bucket_count, slot_count, slots, displacements)) {
        slot_count += slot_count / 200 + 1;
    }
    for (uint32_t k = 0; k < outputs; k++) {
        double greatest = 1e-9;
        for (uint32_t i = 0; i < learned->count; i++) {
            double weight = fabs((double)learned->weights[(size_t)i * outputs + k]);
            greatest = weight > greatest ? weight : greatest;
        }
        steps[k] = greatest / 127;
    }
    put_card(&sections[1], recipe, labels, held_out);
    put(&sections[2], recipe->purpose, 1);
    put(&sections[2], recipe->language, 1);
    put(&sections[2], outputs, 2);
    put(&sections[2], learned->count, 4);
    put(&sections[2], slot_count, 4);
    put(&sections[2], bucket_count, 4);
    put(&sections[2], stride, 2);
    put(&sections[2], recipe->fingerprint, 2);
    for (uint32_t k = 0; k < outputs; k++) {
        put(&sections[3], (uint64_t)nearest(learned->biases[k] * 4096), 4);
        put(&sections[3], (uint64_t)nearest(16 * sqrt(2) * 65536 * steps[k]), 4);
        put(&sections[3], (uint32_t)labels[k].best, 4);
        put(&sections[3], (uint32_t)labels[k].show, 4);
        put(&sections[3], labels[k].knots, 4);
        for (int i = 0; i < QR_BUNDLE_KNOTS_MAX; i++) {
            put(&sections[3], (uint32_t)labels[k].logits[i], 4);
        }
        for (int i = 0; i < QR_BUNDLE_KNOTS_MAX; i++) {
            put(&sections[3], (uint32_t)labels[k].probabilities[i], 4);
        }
        put(&sections[7], labels[k].flags, 1);
        put(&sections[7], strlen(recipe->names[k]), 1);
        put_text(&sections[7], "%s", recipe->names[k]);
    }
    for (uint32_t i = 0; i < bucket_count; i++) {
        put(&sections[4], displacements[i], 2);
    }
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        for (uint32_t k = 0; k < outputs; k++) {
            double weight = slots[slot] == 0
                ? 0
                : (double)learned->weights[(size_t)(slots[slot] - 1) * outputs + k];
            put(&sections[5], (uint64_t)nearest(weight / steps[k]), 1);
        }
        uint64_t hash = slots[slot] == 0 ? 0 : learned->hashes[slots[slot] - 1];
        for (uint32_t i = 0; i < recipe->fingerprint; i++) {
            put(&sections[5], hash >> 8 * i, 1);
        }
    }
    put_frequent(&sections[6], samples);
    size_t size = 18 + 10 * SECTIONS;
    put_text(&out, "QIB");
    put(&out, 1, 1);
    for (int i = 1; i <= SECTIONS; i++) {
        size += sections[i].size;
    }
    put(&out, size, 4);
    put(&out, 0, 8);
    put(&out, SECTIONS, 2);
    size_t offset = 18 + 10 * SECTIONS;
    for (int i = 1; i <= SECTIONS; i++) {
        put(&out, (uint64_t)i, 2);
        put(&out, offset, 4);
        put(&out, sections[i].size, 4);
        offset += sections[i].size;
    }
    for (int i = 1; i <= SECTIONS; i++) {
        for (size_t at = 0; at < sections[i].size; at++) {
            put(&out, sections[i].data[at], 1);
        }
        free(sections[i].data);
    }
    struct quire_bytes bytes = {out.data, out.size};
    uint64_t sum = qr_bundle_checksum(bytes);
    for (int i = 0; i < 8; i++) {
        out.data[8 + i] = (uint8_t)(sum >> 8 * (7 - i));
    }
    free(slots);
    free(displacements);
    return bytes;
}
