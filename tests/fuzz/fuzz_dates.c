/*
 * Any text as a date: it is refused with a sentence, or is a span of the years 1 to 9999.
 */
#include "client/dates.h"
#include "client/moving/journal.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[201], error[256] = "", written[40];
    struct qr_client_span span;
    int64_t ms = 0, again = 0;
    size = size < 200 ? size : 200;
    memcpy(text, data, size);
    text[size] = 0;
    for (int order = QR_CLIENT_ORDER_UNKNOWN; order <= QR_CLIENT_ORDER_MONTH_FIRST; order++) {
        enum quire_status status = qr_client_date_read(text, INT64_C(1772634600000),
            (enum qr_client_date_order)order, &span, error, sizeof error);
        if (status == QUIRE_OK) {
            assert(span.from_ms < span.until_ms && span.from_ms >= QR_CLIENT_DATE_MIN
                && span.until_ms <= QR_CLIENT_DATE_END);
        } else {
            assert(status == QUIRE_EINVALID && error[0] != 0);
        }
    }
    if (qr_moving_date_read((struct quire_bytes){data, size}, "UTC", &ms)) {
        assert(ms >= QR_CLIENT_DATE_MIN && ms < QR_CLIENT_DATE_END);
        assert(qr_moving_date_text(ms, written));
        assert(qr_moving_date_read(quire_bytes_of_text(written), "UTC", &again) && again == ms);
    }
    return 0;
}
