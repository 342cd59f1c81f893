/*
 * train-emotion: trains, checks and measures bundles.
 */
#include "train.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: train-emotion train RECIPE DATA BUNDLE   trains on all data, writes the bundle\n"
    "       train-emotion figures DATA [RECIPE …]    trains without the development texts, measures on them\n"
    "       train-emotion evaluate BUNDLE FILE …     measures a bundle on labelled texts (.tsv, .csv, .gz)\n"
    "       train-emotion check BUNDLE …             checks bundles, prints their cards\n"
    "       train-emotion read BUNDLE                reads passages from standard input, one a line\n\n"
    "RECIPE: en, en-small, es, de, zh, id, fr, language. DATA: a folder with the files that\n"
    "docs/decisions/0017-emotion-models.md names. The same data gives the same bytes.\n";

static bool read_bytes(const char *path, struct quire_bytes *out)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = must(QR_BUNDLE_SIZE_MAX + 1);
    size_t size = file == NULL ? 0 : fread(bytes, 1, QR_BUNDLE_SIZE_MAX + 1, file);
    if (file == NULL || ferror(file)) {
        fprintf(stderr, "train-emotion: %s cannot be read.\n", path);
        return false;
    }
    fclose(file);
    *out = (struct quire_bytes){bytes, size};
    return true;
}

static bool open_bundle(const char *path, struct qr_bundle *out)
{
    struct quire_bytes bytes;
    if (!read_bytes(path, &bytes)) {
        return false;
    }
    enum quire_status status = qr_bundle_open(bytes, out);
    if (status != QUIRE_OK) {
        fprintf(stderr, "train-emotion: %s is not used: %s.\n", path,
            status == QUIRE_EUNSUPPORTED ? "a later version of Quire made it"
                                         : "it is cut, altered, or no bundle");
        return false;
    }
    return true;
}

static void name_labels(const struct recipe *recipe, struct qr_label *labels)
{
    for (uint32_t k = 0; k < name_count(recipe); k++) {
        labels[k].name = quire_bytes_of_text(recipe->names[k]);
    }
}

/* Trains, sets thresholds from held-out scores, packs. held_out: figures over the training texts. */
static bool make(const struct recipe *recipe, const char *folder, const struct samples *samples,
    struct quire_bytes *out_bytes, struct figures *held_out)
{
    struct learned learned = {0};
    struct held_out scores;
    struct samples second = {0};
    struct qr_label labels[NAMES_MAX] = {{0}};
    struct qr_bundle bundle;
    if (!read_second_kind(recipe, folder, &second)) {
        return false;
    }
    learn(recipe, samples, &learned, &scores);
    calibrate(recipe, samples, scores.logits, NULL, NULL, labels);
    name_labels(recipe, labels);
    measure(recipe, labels, samples, scores.logits, held_out);
    struct quire_bytes bytes = pack(recipe, &learned, labels, samples, held_out);
    if (second.count > 0) { /* what is shown must hold in both kinds of text */
        if (qr_bundle_open(bytes, &bundle) != QUIRE_OK) {
            return false;
        }
        int32_t *logits = score(&bundle, &second);
        calibrate(recipe, samples, scores.logits, &second, logits, labels);
        measure(recipe, labels, samples, scores.logits, held_out);
        free((void *)(uintptr_t)bytes.data);
        bytes = pack(recipe, &learned, labels, samples, held_out);
        free(logits);
    }
    *out_bytes = bytes;
    learned_finish(&learned);
    free(scores.logits);
    free(second.rows);
    if (qr_bundle_open(bytes, &bundle) != QUIRE_OK) {
        fprintf(stderr, "train-emotion: The bundle made of %s does not open.\n", recipe->name);
        return false;
    }
    return true;
}

static void print_labels(const struct qr_bundle *bundle, const struct figures *figures)
{
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        const struct qr_label *label = &bundle->labels[k];
        printf("  %-15.*s", (int)label->name.size, (const char *)label->name.data);
        if (!(label->flags & QR_BUNDLE_FINER)) {
            printf(" F1 %.3f", figures->labels[k].f1);
        } else {
            printf("         ");
        }
        if (label->show == QR_BUNDLE_NEVER) {
            printf("  not shown\n");
        } else {
            printf("  shown %5u of %5zu, right %.2f%s\n", figures->labels[k].shown, figures->texts,
                figures->labels[k].precision,
                label->flags & QR_BUNDLE_ONE_KIND ? "  (tested on one kind of text)" : "");
        }
    }
}

static int run_train(const char *name, const char *folder, const char *path)
{
    const struct recipe *recipe = find_recipe(name);
    struct samples samples = {0};
    struct quire_bytes bytes;
    struct figures figures;
    struct qr_bundle bundle;
    if (recipe == NULL) {
        fputs(usage, stderr);
        return 2;
    }
    if (!read_training(recipe, folder, &samples)
        || (recipe->language != QR_LANGUAGE_FR && !read_development(recipe, folder, &samples))
        || !make(recipe, folder, &samples, &bytes, &figures)
        || qr_bundle_open(bytes, &bundle) != QUIRE_OK) {
        return 1;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.data, 1, bytes.size, file) != bytes.size
        || fclose(file) != 0) {
        fprintf(stderr, "train-emotion: %s cannot be written.\n", path);
        return 1;
    }
    printf("%s: %zu texts, %zu bytes; held out by folds: F1 %.3f [%.3f–%.3f]\n", name,
        samples.count, bytes.size, figures.f1, figures.low, figures.high);
    print_labels(&bundle, &figures);
    return 0;
}

static bool run_figures_of(const struct recipe *recipe, const char *folder, bool details)
{
    struct samples samples = {0}, development = {0};
    struct quire_bytes bytes;
    struct figures folds, held_out;
    struct qr_bundle bundle;
    if (!read_training(recipe, folder, &samples) || !read_development(recipe, folder, &development)
        || !make(recipe, folder, &samples, &bytes, &folds)
        || qr_bundle_open(bytes, &bundle) != QUIRE_OK) {
        return false;
    }
    int32_t *logits = score(&bundle, &development);
    measure(recipe, bundle.labels, &development, logits, &held_out);
    char bar[16] = "none";
    if (recipe->bar_f1 > 0) {
        snprintf(bar, sizeof bar, "%.2f", recipe->bar_f1);
    }
    printf("%-9s %7zu %6zu %6zu  %.3f [%.3f–%.3f] %5s %6.3f", recipe->name, bytes.size,
        samples.count, held_out.texts, held_out.f1, held_out.low, held_out.high, bar, folds.f1);
    if (recipe->purpose == QR_BUNDLE_EMOTIONS) {
        printf("  %.3f %4.0f%%  %.3f", held_out.precision, held_out.coverage * 100, held_out.ece);
    }
    printf("\n");
    if (details) {
        print_labels(&bundle, &held_out);
    }
    fflush(stdout);
    free(logits);
    return true;
}

static int run_figures(int count, char **arguments)
{
    printf(
        "recipe      bytes  train    dev  F1 on dev (95 %%)    bar  folds  shown: right, texts, ECE\n");
    for (const struct recipe *recipe = recipes; recipe->name != NULL; recipe++) {
        bool wanted = count == 1;
        for (int i = 1; i < count; i++) {
            wanted |= strcmp(arguments[i], recipe->name) == 0;
        }
        if (wanted && !run_figures_of(recipe, arguments[0], count > 1)) {
            return 1;
        }
    }
    printf(
        "ja        none: no free set with people's labels was found\n"
        "F1: macro over the main labels; for `language` the share of right answers. shown: texts with a label\n"
        "whose precision was at least the target on held-out training texts. bar: docs/insight.md.\n");
    return 0;
}

/* A recipe with the bundle's labels, to read files by. */
static struct recipe recipe_of(const struct qr_bundle *bundle)
{
    struct recipe recipe = {
        .name = "bundle", .purpose = bundle->purpose, .language = bundle->language};
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        char *name = must(bundle->labels[k].name.size + 1);
        memcpy(name, bundle->labels[k].name.data, bundle->labels[k].name.size);
        recipe.names[k] = name;
        recipe.main_count += !(bundle->labels[k].flags & QR_BUNDLE_FINER);
    }
    return recipe;
}

static int run_evaluate(int count, char **arguments)
{
    struct qr_bundle bundle;
    if (count < 2 || !open_bundle(arguments[0], &bundle)) {
        return count < 2 ? 2 : 1;
    }
    struct recipe recipe = recipe_of(&bundle);
    for (int i = 1; i < count; i++) {
        struct samples samples = {0};
        struct figures figures;
        if (!read_labelled(&recipe, arguments[i], &samples) || samples.count == 0) {
            return 1;
        }
        int32_t *logits = score(&bundle, &samples);
        measure(&recipe, bundle.labels, &samples, logits, &figures);
        printf(
            "%s: %zu texts, F1 %.3f [%.3f–%.3f], shown right %.3f in %.0f%% of texts, ECE %.3f\n",
            arguments[i], samples.count, figures.f1, figures.low, figures.high, figures.precision,
            figures.coverage * 100, figures.ece);
        print_labels(&bundle, &figures);
        free(logits);
    }
    return 0;
}

static int run_check(int count, char **arguments)
{
    bool all = count > 0;
    for (int i = 0; i < count; i++) {
        struct qr_bundle bundle;
        if (open_bundle(arguments[i], &bundle)) {
            printf("%.*s\n", (int)bundle.card.size, (const char *)bundle.card.data);
        } else {
            all = false;
        }
    }
    return all ? 0 : 1;
}

static int run_read(const char *path)
{
    struct qr_bundle bundle;
    struct qr_features *features = must(sizeof *features);
    char line[65536];
    if (!open_bundle(path, &bundle)) {
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct qr_reading reading;
        struct quire_bytes text = quire_bytes_of_text(line);
        qr_features_clear(features);
        qr_features_add(features, bundle.language, text);
        qr_model_score(&bundle, features, &reading);
        for (uint32_t k = 0; k < bundle.outputs; k++) {
            const struct qr_label *label = &bundle.labels[k];
            if (reading.logits[k] > label->best) {
                struct qr_reason reasons[QR_REASONS_MAX];
                uint32_t n = qr_model_reasons(&bundle, features, text, k, reasons);
                printf("%.*s %u%s", (int)label->name.size, (const char *)label->name.data,
                    qr_model_probability(label, reading.logits[k]) / 100,
                    reading.logits[k] <= label->show  ? " (unsure)"
                        : n > 0 && reasons[0].negated ? " (negated)"
                                                      : "");
                for (uint32_t i = 0; i < n; i++) {
                    printf(
                        " %.*s", (int)(reasons[i].end - reasons[i].begin), line + reasons[i].begin);
                }
                printf("; ");
            }
        }
        printf("\n");
    }
    free(features);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 5 && strcmp(arguments[1], "train") == 0) {
        return run_train(arguments[2], arguments[3], arguments[4]);
    }
    if (count >= 3 && strcmp(arguments[1], "figures") == 0) {
        return run_figures(count - 2, arguments + 2);
    }
    if (count >= 4 && strcmp(arguments[1], "evaluate") == 0) {
        return run_evaluate(count - 2, arguments + 2);
    }
    if (count >= 3 && strcmp(arguments[1], "check") == 0) {
        return run_check(count - 2, arguments + 2);
    }
    if (count == 3 && strcmp(arguments[1], "read") == 0) {
        return run_read(arguments[2]);
    }
    fputs(usage, stderr);
    return 2;
}
