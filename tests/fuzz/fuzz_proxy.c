/*
 * Any bytes as a PROXY header: what is read depends on its own bytes alone, and each beginning of it is
 * the beginning of a header.
 */
#include "server/proxy.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_proxy_header header, before, again = {0};
    memset(&header, 0xa5, sizeof header);
    memcpy(&before, &header, sizeof header);
    enum qr_proxy_result result = qr_proxy_parse(data, size, &header);
    if (result != QR_PROXY_DONE) {
        assert(memcmp(&header, &before, sizeof header) == 0);
        assert(result == QR_PROXY_BAD || size < QR_PROXY_HEADER_MAX);
        return 0;
    }
    assert(header.size <= size && header.size <= QR_PROXY_HEADER_MAX);
    assert(!header.address.loopback && !header.address.counted);
    for (size_t cut = 0; cut < header.size; cut++) {
        result = qr_proxy_parse(data, cut, &again);
        assert(result == QR_PROXY_MORE);
    }
    result = qr_proxy_parse(data, header.size, &again);
    assert(result == QR_PROXY_DONE && again.size == header.size);
    assert(again.address.bits == header.address.bits);
    return 0;
}
