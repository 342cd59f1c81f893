/*
 * A batch named by replica, seq and hash.
 */
#include "codec/dep.h"

void qr_read_dep(struct qr_reader *reader, struct qr_dep *out_dep)
{
    qr_read_copy(reader, out_dep->replica, QR_REPLICA_SIZE);
    out_dep->seq = qr_read_u64(reader);
    qr_read_copy(reader, out_dep->hash, QR_HASH_SIZE);
}

void qr_write_dep(struct qr_writer *writer, const struct qr_dep *dep)
{
    qr_write_bytes(writer, dep->replica, QR_REPLICA_SIZE);
    qr_write_u64(writer, dep->seq);
    qr_write_bytes(writer, dep->hash, QR_HASH_SIZE);
}

bool qr_deps_ascend(const struct qr_dep *deps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (deps[i].seq == 0) {
            return false;
        }
        if (i > 0 && memcmp(deps[i - 1].replica, deps[i].replica, QR_REPLICA_SIZE) >= 0) {
            return false;
        }
    }
    return true;
}
