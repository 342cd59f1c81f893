/*
 * Any bytes: a frame is refused, or it is written back to the very same bytes.
 */
#include "codec/frame.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qr_frame_space space;
    struct quire_bytes bytes = {data, size};
    struct qr_frame frame, before;
    memset(&frame, 0xa5, sizeof frame);
    memcpy(&before, &frame, sizeof frame);

    enum quire_status status = qr_frame_read(bytes, &space, &frame);
    if (status != QUIRE_OK) {
        assert(status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT);
        assert(memcmp(&frame, &before, sizeof frame) == 0);
        return 0;
    }
    struct quire_buffer written = {0};
    status = qr_frame_write(&frame, &written);
    if (frame.type == QR_FRAME_SKIP) {
        assert(status == QUIRE_EINVALID);
    } else {
        assert(status == QUIRE_OK);
        assert(quire_bytes_equal(quire_buffer_bytes(&written), bytes));
    }
    quire_buffer_finish(&written);
    return 0;
}
