/*
 * UTF-8, by the table of RFC 3629.
 */
#include "client/text.h"

static size_t sequence_size(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

uint32_t qr_client_text_next(struct quire_bytes text, size_t *out_size)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    *out_size = 0;
    size_t size = sequence_size(text.data[0]);
    if (size == 0 || size > text.size) {
        return 0;
    }
    uint32_t point = size == 1 ? text.data[0] : (uint32_t)(text.data[0] & (0x7f >> size));
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (text.data[i] & 0x3f);
    }
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < smallest[size] || surrogate || point > 0x10ffff) {
        return 0;
    }
    *out_size = size;
    return point;
}

bool qr_client_text_valid(struct quire_bytes text, size_t *out_offset)
{
    size_t offset = 0;
    while (offset < text.size) {
        size_t size = 0;
        qr_client_text_next((struct quire_bytes){text.data + offset, text.size - offset}, &size);
        if (size == 0) {
            if (out_offset != NULL) {
                *out_offset = offset;
            }
            return false;
        }
        offset += size;
    }
    return true;
}

size_t qr_client_text_length(struct quire_bytes text)
{
    size_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        length += (text.data[i] & 0xc0) != 0x80;
    }
    return length;
}
