/*
 * The head of a payload: version, parts, time.
 */
#include "crdt/written.h"
#include "base/reader.h"
#include "crdt/limits.h"

enum quire_status qr_payload_written(struct quire_bytes payload, int64_t *out_wall_ms)
{
    struct qr_reader reader = qr_reader_over(payload);
    uint8_t version = qr_read_u8(&reader);
    (void)qr_read_u8(&reader);
    uint64_t zigzag = qr_read_varint(&reader);
    if (reader.failed || version == 0) {
        return QUIRE_EMALFORMED;
    }
    if (version > QR_DOCUMENT_VERSION) {
        return QUIRE_EUNSUPPORTED;
    }
    *out_wall_ms = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
    return QUIRE_OK;
}
