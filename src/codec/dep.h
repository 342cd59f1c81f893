/*
 * A batch named by replica, seq and hash: a batch's dependencies and a revocation's pins.
 */
#ifndef QR_CODEC_DEP_H
#define QR_CODEC_DEP_H

#include "base/ids.h"
#include "base/reader.h"
#include "base/writer.h"

#define QR_DEP_SIZE (QR_REPLICA_SIZE + 8 + QR_HASH_SIZE)

struct qr_dep {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    uint8_t hash[QR_HASH_SIZE];
};

void qr_read_dep(struct qr_reader *reader, struct qr_dep *out_dep);
void qr_write_dep(struct qr_writer *writer, const struct qr_dep *dep);
/** Each seq ≥ 1, replicas strictly ascending as bytes. */
bool qr_deps_ascend(const struct qr_dep *deps, size_t count);

#endif
