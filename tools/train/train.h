/*
 * train-emotion: makes bundles from labelled texts. The same data gives the same bytes: one thread,
 * no clock, no randomness, an exp and a log of its own, and no contraction of floating-point operations.
 */
#ifndef TRAIN_H
#define TRAIN_H

#include "insight/bundle.h"
#include "insight/language.h"
#include "insight/model.h"
#include "insight/number.h"

#define NAMES_MAX QR_BUNDLE_OUTPUTS_MAX

struct sample {
    struct quire_bytes text; /* of the file's bytes, which stay */
    uint32_t labels;         /* bit k: label k */
};

struct samples {
    struct sample *rows;
    size_t count, capacity;
};

/** How a bundle is made. */
struct recipe {
    const char *name;
    enum qr_bundle_purpose purpose;
    enum qr_language language;
    const char *names[NAMES_MAX]; /* of the labels */
    uint32_t main_count;          /* the first ones; the rest are finer labels */
    uint32_t features;            /* kept */
    uint32_t fingerprint;         /* bytes */
    uint32_t epochs;
    double target;       /* precision of what is shown */
    double bar_f1;       /* insight.md, 8; 0: none */
    const char *licence; /* for the card */
};

/* ---- data.c ---------------------------------------------------------------------------------- */

extern const struct recipe recipes[];
const struct recipe *find_recipe(const char *name);
uint32_t name_count(const struct recipe *recipe);

/** The training texts, then the development texts; false and a message if a file is missing. */
bool read_training(const struct recipe *recipe, const char *folder, struct samples *out);
bool read_development(const struct recipe *recipe, const char *folder, struct samples *out);
/** Texts of a second kind with labels, scored by a model that has not seen them; none for most. */
bool read_second_kind(const struct recipe *recipe, const char *folder, struct samples *out);
/** A file that ends in .csv, .tsv, or one of them with .gz, by its columns. */
bool read_labelled(const struct recipe *recipe, const char *path, struct samples *out);
/** An allocation that does not fail: the program ends instead. */
void *must(size_t size);

/* ---- learn.c --------------------------------------------------------------------------------- */

/** What was learned: a weight for each kept feature and label. */
struct learned {
    uint32_t outputs, count;
    uint64_t *hashes; /* count, ascending */
    float *weights;   /* count × outputs */
    double biases[NAMES_MAX];
};

/** Logits from models that did not see the text, rows × outputs, Q12. */
struct held_out {
    int32_t *logits;
};

/** Trains on all samples; and, if out_held_out is not NULL, five times on four fifths. */
void learn(const struct recipe *recipe, const struct samples *samples, struct learned *out,
    struct held_out *out_held_out);
void learned_finish(struct learned *learned);

/* ---- figures.c ------------------------------------------------------------------------------- */

/** Of one label over scored texts. */
struct label_figures {
    double f1, precision; /* precision of what is shown */
    uint32_t positives, shown;
};

struct figures {
    size_t texts;
    double f1, low, high; /* of the main labels, macro; 95 % by bootstrap */
    double precision, coverage, ece;
    struct label_figures labels[NAMES_MAX];
};

/** Sets best, show and knots of each label from held-out logits; second may be NULL, its logits with it. */
void calibrate(const struct recipe *recipe, const struct samples *samples, const int32_t *logits,
    const struct samples *second, const int32_t *second_logits, struct qr_label *labels);
void measure(const struct recipe *recipe, const struct qr_label *labels,
    const struct samples *samples, const int32_t *logits, struct figures *out);
/** Scores texts with a bundle by the shipped core: rows × outputs. */
int32_t *score(const struct qr_bundle *bundle, const struct samples *samples);

/* ---- pack.c ---------------------------------------------------------------------------------- */

/** Makes the bytes of a bundle; freed by the caller. */
struct quire_bytes pack(const struct recipe *recipe, const struct learned *learned,
    const struct qr_label *labels, const struct samples *samples, const struct figures *held_out);

/* ---- arithmetic ------------------------------------------------------------------------------ */

double own_exp(double x);
double own_log(double x);

#endif
