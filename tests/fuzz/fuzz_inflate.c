/*
 * Any bytes: refused, or inflated to what deflate and inflate give back.
 */
#include "base/writer.h"
#include "codec/deflate.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    struct quire_buffer plain = {0}, deflated = {0}, back = {0};
    size_t plain_size = qr_load_u32(data);
    enum quire_status status =
        qr_inflate((struct quire_bytes){data + 4, size - 4}, plain_size, &plain);
    if (status != QUIRE_OK) {
        assert(status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT);
        assert(plain.size == 0 && (status != QUIRE_ELIMIT || plain.capacity == 0));
        quire_buffer_finish(&plain);
        return 0;
    }
    assert(plain.size == plain_size);
    status = qr_deflate(quire_buffer_bytes(&plain), &deflated);
    assert(status == QUIRE_OK);
    if (plain_size <= deflated.size * QR_INFLATE_RATIO) {
        status = qr_inflate(quire_buffer_bytes(&deflated), plain_size, &back);
        assert(status == QUIRE_OK);
        assert(quire_bytes_equal(quire_buffer_bytes(&plain), quire_buffer_bytes(&back)));
    }
    quire_buffer_finish(&plain);
    quire_buffer_finish(&deflated);
    quire_buffer_finish(&back);
    return 0;
}
