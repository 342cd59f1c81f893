/*
 * Logistic regression for each label over sparse features, by Adagrad (Duchi, Hazan, Singer, 2011) with
 * one accumulator a feature; then the features that matter most are kept and trained anew.
 */
#include "train.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FOLDS 5

double own_exp(double x)
{
    if (x < -700) {
        return 0;
    }
    x = x > 700 ? 700 : x;
    int n = (int)(x * 1.4426950408889634 + (x < 0 ? -.5 : .5));
    double r = x - n * .6931471805599453, term = 1, sum = 1;
    for (int i = 1; i < 14; i++) {
        term *= r / i;
        sum += term;
    }
    double power = 1, base = n < 0 ? .5 : 2;
    for (int left = n < 0 ? -n : n; left > 0; left >>= 1, base *= base) {
        power = left & 1 ? power * base : power;
    }
    return sum * power;
}

double own_log(double x)
{
    double y = 0;
    for (int i = 0; i < 60; i++) { /* Newton: y + x/e^y − 1 */
        y += x / own_exp(y) - 1;
    }
    return y;
}

struct matrix {
    uint32_t feature_count, outputs;
    size_t row_count;
    size_t *begins;     /* row_count + 1 */
    uint32_t *features; /* ids */
    uint8_t *weights;
    uint64_t *hashes; /* of ids */
    uint32_t *frequencies;
};

/* Ids for hashes, in order of coming. */
struct ids {
    uint64_t *hashes;
    uint32_t *numbers;
    size_t size, count;
};

static uint32_t id_of(struct ids *ids, uint64_t hash)
{
    if (ids->count * 2 >= ids->size) {
        struct ids grown = {.size = ids->size == 0 ? 1 << 16 : ids->size * 2, .count = ids->count};
        grown.hashes = must(grown.size * sizeof *grown.hashes);
        grown.numbers = must(grown.size * sizeof *grown.numbers);
        for (size_t i = 0; i < ids->size; i++) {
            if (ids->numbers[i] != 0) {
                size_t slot = ids->hashes[i] & (grown.size - 1);
                while (grown.numbers[slot] != 0) {
                    slot = (slot + 1) & (grown.size - 1);
                }
                grown.hashes[slot] = ids->hashes[i];
                grown.numbers[slot] = ids->numbers[i];
            }
        }
        free(ids->hashes);
        free(ids->numbers);
        *ids = grown;
    }
    size_t slot = hash & (ids->size - 1);
    while (ids->numbers[slot] != 0 && ids->hashes[slot] != hash) {
        slot = (slot + 1) & (ids->size - 1);
    }
    if (ids->numbers[slot] == 0) {
        ids->hashes[slot] = hash;
        ids->numbers[slot] = (uint32_t)++ids->count;
    }
    return ids->numbers[slot] - 1;
}

static void build(struct matrix *matrix, const struct recipe *recipe, const struct samples *samples)
{
    struct qr_features *set = must(sizeof *set);
    struct ids ids = {0};
    size_t capacity = 1 << 20, size = 0;
    matrix->outputs = name_count(recipe);
    matrix->row_count = samples->count;
    matrix->begins = must((samples->count + 1) * sizeof *matrix->begins);
    matrix->features = must(capacity * sizeof *matrix->features);
    matrix->weights = must(capacity);
    for (size_t row = 0; row < samples->count; row++) {
        qr_features_clear(set);
        qr_features_add(set, recipe->language, samples->rows[row].text);
        if (size + set->count > capacity) {
            uint32_t *features = must(capacity * 2 * sizeof *features);
            uint8_t *weights = must(capacity * 2);
            memcpy(features, matrix->features, size * sizeof *features);
            memcpy(weights, matrix->weights, size);
            free(matrix->features);
            free(matrix->weights);
            matrix->features = features;
            matrix->weights = weights;
            capacity *= 2;
        }
        for (uint32_t i = 0; i < set->count; i++) {
            matrix->features[size] = id_of(&ids, set->hashes[set->slots[i]]);
            matrix->weights[size++] = set->weights[set->slots[i]];
        }
        matrix->begins[row + 1] = size;
    }
    matrix->feature_count = (uint32_t)ids.count;
    matrix->hashes = must(ids.count * sizeof *matrix->hashes);
    matrix->frequencies = must(ids.count * sizeof *matrix->frequencies);
    for (size_t i = 0; i < ids.size; i++) {
        if (ids.numbers[i] != 0) {
            matrix->hashes[ids.numbers[i] - 1] = ids.hashes[i];
        }
    }
    for (size_t i = 0; i < size; i++) {
        matrix->frequencies[matrix->features[i]]++;
    }
    free(ids.hashes);
    free(ids.numbers);
    free(set);
}

/* √2 / (16·S^¼) over the features that are used; 0: there is none. */
static double norm_of(const struct matrix *matrix, size_t row, const uint8_t *used)
{
    double squares = 0;
    for (size_t i = matrix->begins[row]; i < matrix->begins[row + 1]; i++) {
        double weight = matrix->weights[i];
        squares += used[matrix->features[i]] ? weight * weight : 0;
    }
    return squares == 0 ? 0 : sqrt(2) / (16 * sqrt(sqrt(squares)));
}

static void score_row(const struct matrix *matrix, size_t row, const uint8_t *used, double norm,
    const float *weights, const double *biases, double *out_logits)
{
    uint32_t outputs = matrix->outputs;
    for (uint32_t k = 0; k < outputs; k++) {
        out_logits[k] = biases[k];
    }
    for (size_t i = matrix->begins[row]; i < matrix->begins[row + 1]; i++) {
        if (used[matrix->features[i]]) {
            const float *of_feature = weights + (size_t)matrix->features[i] * outputs;
            double x = matrix->weights[i] * norm;
            for (uint32_t k = 0; k < outputs; k++) {
                out_logits[k] += (double)of_feature[k] * x;
            }
        }
    }
}

static bool in_fold(size_t row, int fold)
{
    return fold >= 0 && (int)(qr_mix(row * UINT64_C(2654435761)) % FOLDS) == fold;
}

/* Trains on the rows that are not in `fold`. weights: all zero. */
static void train(const struct recipe *recipe, const struct samples *samples,
    const struct matrix *matrix, const uint8_t *used, int fold, float *weights, double *biases)
{
    uint32_t outputs = matrix->outputs;
    double *sums = must(matrix->feature_count * sizeof *sums);
    size_t *order = must(matrix->row_count * sizeof *order), count = 0;
    uint64_t state = UINT64_C(88172645463325252);
    double positives[NAMES_MAX] = {0};
    for (size_t row = 0; row < matrix->row_count; row++) {
        if (!in_fold(row, fold)) {
            order[count++] = row;
            for (uint32_t k = 0; k < outputs; k++) {
                positives[k] += samples->rows[row].labels >> k & 1;
            }
        }
    }
    for (uint32_t k = 0; k < outputs; k++) {
        biases[k] = own_log((positives[k] + 1) / ((double)count - positives[k] + 1));
    }
    for (size_t i = 0; i < matrix->feature_count; i++) {
        sums[i] = .001;
    }
    for (uint32_t epoch = 0; epoch < recipe->epochs; epoch++) {
        double rate = .3 * .5 * (1 - .9 * epoch / recipe->epochs);
        for (size_t i = count; i > 1; i--) { /* Fisher–Yates by xorshift64 (Marsaglia, 2003) */
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            size_t j = state % i, moved = order[i - 1];
            order[i - 1] = order[j];
            order[j] = moved;
        }
        for (size_t i = 0; i < count; i++) {
            size_t row = order[i];
            double gradients[NAMES_MAX], square = 0, norm = norm_of(matrix, row, used);
            score_row(matrix, row, used, norm, weights, biases, gradients);
            for (uint32_t k = 0; k < outputs; k++) {
                gradients[k] =
                    1 / (1 + own_exp(-gradients[k])) - (samples->rows[row].labels >> k & 1);
                square += gradients[k] * gradients[k];
                biases[k] -= .002 * gradients[k];
            }
            square /= outputs;
            for (size_t at = matrix->begins[row]; at < matrix->begins[row + 1]; at++) {
                uint32_t feature = matrix->features[at];
                if (used[feature]) {
                    double x = matrix->weights[at] * norm;
                    sums[feature] += square * x * x;
                    double step = rate * x / sqrt(sums[feature]);
                    float *of_feature = weights + (size_t)feature * outputs;
                    for (uint32_t k = 0; k < outputs; k++) {
                        of_feature[k] = (float)((double)of_feature[k] - step * gradients[k]);
                    }
                }
            }
        }
    }
    free(sums);
    free(order);
}

struct scored {
    double score;
    uint32_t feature;
};

static int greatest_first(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    return a->score != b->score ? (a->score < b->score ? 1 : -1) : a->feature < b->feature ? -1 : 1;
}

/* Σ w² · (Σ x²)^¾ of each feature; the greatest stay in `used`. */
static void prune(const struct recipe *recipe, const struct matrix *matrix, uint8_t *used, int fold,
    const float *weights)
{
    double *squares = must(matrix->feature_count * sizeof *squares);
    struct scored *scored = must(matrix->feature_count * sizeof *scored);
    for (size_t row = 0; row < matrix->row_count; row++) {
        double norm = in_fold(row, fold) ? 0 : norm_of(matrix, row, used);
        for (size_t i = matrix->begins[row]; i < matrix->begins[row + 1]; i++) {
            double x = matrix->weights[i] * norm;
            squares[matrix->features[i]] += x * x;
        }
    }
    for (uint32_t feature = 0; feature < matrix->feature_count; feature++) {
        double sum = 0;
        for (uint32_t k = 0; k < matrix->outputs && used[feature]; k++) {
            double weight = (double)weights[(size_t)feature * matrix->outputs + k];
            sum += (k < recipe->main_count ? 2 : 1) * weight * weight;
        }
        double root = sqrt(squares[feature]);
        scored[feature] = (struct scored){sum * root * sqrt(root), feature};
    }
    qsort(scored, matrix->feature_count, sizeof *scored, greatest_first);
    memset(used, 0, matrix->feature_count);
    for (uint32_t i = 0; i < matrix->feature_count && i < recipe->features; i++) {
        used[scored[i].feature] = scored[i].score > 0;
    }
    free(squares);
    free(scored);
}

/* Both trainings; `used` says afterwards what was kept. */
static void train_pruned(const struct recipe *recipe, const struct samples *samples,
    const struct matrix *matrix, int fold, uint8_t *used, float *weights, double *biases)
{
    size_t size = (size_t)matrix->feature_count * matrix->outputs * sizeof *weights;
    for (uint32_t feature = 0; feature < matrix->feature_count; feature++) {
        used[feature] = matrix->frequencies[feature] >= 2;
    }
    memset(weights, 0, size);
    train(recipe, samples, matrix, used, fold, weights, biases);
    prune(recipe, matrix, used, fold, weights);
    memset(weights, 0, size);
    train(recipe, samples, matrix, used, fold, weights, biases);
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static void keep(
    const struct matrix *matrix, const uint8_t *used, const float *weights, struct learned *out)
{
    struct pair {
        uint64_t hash;
        uint32_t feature;
    } *pairs = must(matrix->feature_count * sizeof *pairs);
    out->outputs = matrix->outputs;
    out->count = 0;
    for (uint32_t feature = 0; feature < matrix->feature_count; feature++) {
        if (used[feature]) {
            pairs[out->count++] = (struct pair){matrix->hashes[feature], feature};
        }
    }
    qsort(pairs, out->count, sizeof *pairs, ascending);
    out->hashes = must(out->count * sizeof *out->hashes);
    out->weights = must((size_t)out->count * out->outputs * sizeof *out->weights);
    for (uint32_t i = 0; i < out->count; i++) {
        out->hashes[i] = pairs[i].hash;
        memcpy(out->weights + (size_t)i * out->outputs,
            weights + (size_t)pairs[i].feature * out->outputs, out->outputs * sizeof *weights);
    }
    free(pairs);
}

void learn(const struct recipe *recipe, const struct samples *samples, struct learned *out,
    struct held_out *out_held_out)
{
    struct matrix matrix = {0};
    build(&matrix, recipe, samples);
    uint8_t *used = must(matrix.feature_count);
    float *weights = must((size_t)matrix.feature_count * matrix.outputs * sizeof *weights);
    double biases[NAMES_MAX], logits[NAMES_MAX];
    if (out_held_out != NULL) {
        out_held_out->logits = must(samples->count * matrix.outputs * sizeof *out_held_out->logits);
        for (int fold = 0; fold < FOLDS; fold++) {
            train_pruned(recipe, samples, &matrix, fold, used, weights, biases);
            for (size_t row = 0; row < samples->count; row++) {
                if (in_fold(row, fold)) {
                    score_row(
                        &matrix, row, used, norm_of(&matrix, row, used), weights, biases, logits);
                    for (uint32_t k = 0; k < matrix.outputs; k++) {
                        out_held_out->logits[row * matrix.outputs + k] =
                            (int32_t)(logits[k] * 4096 + (logits[k] < 0 ? -.5 : .5));
                    }
                }
            }
        }
    }
    train_pruned(recipe, samples, &matrix, -1, used, weights, biases);
    keep(&matrix, used, weights, out);
    memcpy(out->biases, biases, sizeof out->biases);
    free(used);
    free(weights);
    free(matrix.begins);
    free(matrix.features);
    free(matrix.weights);
    free(matrix.hashes);
    free(matrix.frequencies);
}

void learned_finish(struct learned *learned)
{
    free(learned->hashes);
    free(learned->weights);
}
