/*
 * Any bytes: a roster record is refused, or it is written back to the very same bytes.
 */
#include "codec/roster.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qr_record record, before;
    struct quire_bytes bytes = {data, size};
    memset(&record, 0xa5, sizeof record);
    memcpy(&before, &record, sizeof record);

    enum quire_status status = qr_record_read(bytes, &record);
    if (status != QUIRE_OK) {
        assert(
            status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT || status == QUIRE_EUNSUPPORTED);
        assert(memcmp(&record, &before, sizeof record) == 0);
        return 0;
    }
    struct quire_buffer written = {0};
    status = qr_record_write(&record, &written);
    assert(status == QUIRE_OK);
    assert(quire_bytes_equal(quire_buffer_bytes(&written), record.signed_bytes));
    status = quire_buffer_append(&written, record.signature, QR_SIGNATURE_SIZE);
    assert(status == QUIRE_OK);
    assert(quire_bytes_equal(quire_buffer_bytes(&written), bytes));
    quire_buffer_finish(&written);
    return 0;
}
