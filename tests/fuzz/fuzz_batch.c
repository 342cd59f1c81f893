/*
 * Any bytes: a batch is refused, or it is written back to the very same bytes.
 */
#include "codec/batch.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quire_bytes bytes = {data, size};
    struct qr_batch batch, before;
    memset(&batch, 0xa5, sizeof batch);
    memcpy(&before, &batch, sizeof batch);

    enum quire_status status = qr_batch_read(bytes, &batch);
    if (status != QUIRE_OK) {
        assert(
            status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT || status == QUIRE_EUNSUPPORTED);
        assert(memcmp(&batch, &before, sizeof batch) == 0);
        return 0;
    }
    struct quire_buffer written = {0};
    status = qr_batch_write(&batch, &written);
    assert(status == QUIRE_OK);
    status = quire_buffer_append(&written, batch.signature, QR_SIGNATURE_SIZE);
    assert(status == QUIRE_OK);
    assert(quire_bytes_equal(quire_buffer_bytes(&written), bytes));
    quire_buffer_finish(&written);
    return 0;
}
