/*
 * Reads one shared text with the bundles that ship with Quire, and says what it read as bytes.
 *
 * reading = u8 version 1 ‖ u8 size ‖ language code ("" unknown) ‖ u16 passages ‖ u8 n ≤ 8
 *           ‖ n × (u8 size ‖ label ‖ u16 probability, 1/10,000 ‖ u8 flags (1: tested on one kind of text)
 *                  ‖ u8 r ≤ 3 ‖ r × (u32 offset in the text ‖ u16 size))                        protocol/lane.md
 * Integers are big-endian; labels come with the most probable first. Pure: the same text gives the same bytes.
 */
#ifndef QR_WORKER_ANALYSE_H
#define QR_WORKER_ANALYSE_H

#include "base/ids.h"
#include <quire/bytes.h>

#define QR_READING_LABELS_MAX 8
#define QR_READING_MAX 1024

struct qr_analyser;

/** Opens the bundles; about 4 MB. EMALFORMED, EUNSUPPORTED, EINVALID: of a bundle. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_analyser_create(
    const struct quire_bytes *bundles, size_t count, struct qr_analyser **out_analyser);
/** Wipes and frees; accepts NULL. */
void qr_analyser_destroy(struct qr_analyser *analyser);

/** Appends the reading of a text; what was remembered of the text is wiped. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_analyser_read(
    struct qr_analyser *analyser, struct quire_bytes text, struct quire_buffer *out_reading);

#endif
