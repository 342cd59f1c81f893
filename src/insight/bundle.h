/*
 * A bundle: one linear model with its card, as bytes. Read in place and checked whole before use.
 *
 * bundle = "QIB" ‖ u8 version 1 ‖ u32 size of all ‖ u64 checksum of what follows ‖ u16 n
 *          ‖ n × (u16 kind ‖ u32 offset ‖ u32 size) ‖ sections.            Numbers are big-endian.
 * kind 1 card     canonical JSON, ≤ 16 KiB, for people
 *      2 head     u8 purpose (1 emotions, 2 languages) ‖ u8 language ‖ u16 outputs ‖ u32 features
 *                 ‖ u32 slots ‖ u32 buckets ‖ u16 stride ‖ u16 fingerprint bytes
 *      3 labels   outputs × 101 × i32: bias, scale, best, show, knots, 48 × logit, 48 × probability
 *      4 displacements   buckets × u16
 *      5 slots    slots × stride: outputs × i8 weight ‖ low bytes of the feature's hash, the lowest first
 *      6 frequent words  n × u32: the low half of each one's hash, ascending
 *      7 names    outputs × (u8 flags ‖ u8 size ‖ name)
 *
 * The checksum finds damage, not malice: a bundle from a stranger is judged by a cryptographic hash first.
 * Hash and displace: Belazzougui, Botelho, Dietzfelbinger: "Hash, displace, and compress", 2009.
 */
#ifndef QR_INSIGHT_BUNDLE_H
#define QR_INSIGHT_BUNDLE_H

#include "insight/features.h"

#define QR_BUNDLE_SIZE_MAX (4u << 20)
#define QR_BUNDLE_CARD_MAX (16u << 10)
#define QR_BUNDLE_OUTPUTS_MAX 32
#define QR_BUNDLE_KNOTS_MAX 48
#define QR_BUNDLE_LABEL_NUMBERS 101
#define QR_BUNDLE_NEVER INT32_MAX /* as `show`: the label is never shown */

enum qr_bundle_purpose { QR_BUNDLE_EMOTIONS = 1, QR_BUNDLE_LANGUAGES = 2 };

enum qr_bundle_flag {
    QR_BUNDLE_ONE_KIND = 1, /* its precision was measured on one kind of text alone */
    QR_BUNDLE_FINER = 2,    /* beside the main labels, as gratitude beside joy */
    QR_BUNDLE_NEUTRAL = 4,  /* stands for none of the others */
};

struct qr_label {
    int32_t bias, scale; /* Q12; what 1/r is multiplied by (model.c) */
    int32_t best, show; /* thresholds, Q12: greatest F1; the label is told to a person above this */
    uint32_t knots;     /* 2 … QR_BUNDLE_KNOTS_MAX, or 0: no probability */
    int32_t logits[QR_BUNDLE_KNOTS_MAX], probabilities[QR_BUNDLE_KNOTS_MAX]; /* Q12; 1/10,000 */
    uint8_t flags;
    struct quire_bytes name; /* in the bundle's bytes */
};

/** A bundle that was checked. Borrows the bytes. */
struct qr_bundle {
    enum qr_bundle_purpose purpose;
    enum qr_language language; /* UNKNOWN for a bundle of purpose LANGUAGES */
    uint32_t outputs, features, slot_count, bucket_count, stride, fingerprint;
    struct qr_label labels[QR_BUNDLE_OUTPUTS_MAX];
    struct quire_bytes card, displacements, slots, frequent;
};

/**
 * Checks bytes as a bundle. EMALFORMED: cut, altered, or never one. EUNSUPPORTED: a bundle of a later
 * version. On failure out_bundle is untouched.
 */
QUIRE_CHECKED enum quire_status qr_bundle_open(
    struct quire_bytes bytes, struct qr_bundle *out_bundle);

/** The checksum over the bytes of a bundle from offset 16 on. */
uint64_t qr_bundle_checksum(struct quire_bytes bytes);

/** The slot of a feature, as if it were one of the bundle's. */
uint32_t qr_bundle_slot(uint64_t hash, uint32_t displacement, uint32_t slot_count);
/** The bucket, likewise. */
uint32_t qr_bundle_bucket(uint64_t hash, uint32_t bucket_count);

/** The weights of a feature, `outputs` of them; NULL if it is not one of the bundle's. */
const int8_t *qr_bundle_find(const struct qr_bundle *bundle, uint64_t hash);

/** Is a word, by its hash of seed 1, one of the language's most frequent? */
bool qr_bundle_is_frequent(const struct qr_bundle *bundle, uint64_t hash);

#endif
