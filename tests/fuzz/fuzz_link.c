/*
 * Any bytes between gate and core: refused, or a message that is written again as it came.
 */
#include "worker/link.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_link message, before;
    struct quire_buffer again = {0};
    memset(&message, 0x5a, sizeof message);
    memcpy(&before, &message, sizeof message);
    enum quire_status status = qr_link_read((struct quire_bytes){data, size}, &message);
    if (status != QUIRE_OK) {
        assert(status == QUIRE_EMALFORMED);
        assert(memcmp(&message, &before, sizeof message) == 0);
        return 0;
    }
    assert(qr_link_write(&message, &again) == QUIRE_OK);
    assert(again.size == size && memcmp(again.data, data, size) == 0);
    quire_buffer_finish(&again);
    return 0;
}
