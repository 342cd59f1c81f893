/*
 * The analyser of this release: all bundles that ship with Quire. A consent names it by its hash
 * (protocol/lane.md), so a release with other bundles is another analyser and needs another consent.
 */
#ifndef QR_WORKER_MODELS_H
#define QR_WORKER_MODELS_H

#include <quire/insight.h>

/** The bundles, in the order that the hash is over; how many. */
size_t qr_models(struct quire_bytes out_bundles[QUIRE_INSIGHT_BUNDLES_MAX]);

#endif
