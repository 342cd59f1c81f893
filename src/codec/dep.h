/*
 * A batch named by replica, seq and hash: a batch's dependencies and a revocation's pins.
 */
#ifndef QR_CODEC_DEP_H
#define QR_CODEC_DEP_H

#include "base/reader.h"
#include "base/writer.h"
#include "codec/batch.h"

void qr_read_dep(struct qr_reader *reader, struct qr_dep *out_dep);
void qr_write_dep(struct qr_writer *writer, const struct qr_dep *dep);
/** Each seq ≥ 1, replicas strictly ascending as bytes. */
bool qr_deps_ascend(const struct qr_dep *deps, size_t count);

#endif
