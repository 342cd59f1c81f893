/*
 * Crockford's base32: no I, L, O (read as 1, 1, 0) and no U.
 */
#include "crypto/base32.h"
#include <assert.h>
#include <string.h>

static const char alphabet[33] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void qr_base32_write(char *out, const uint8_t *values, size_t count)
{
    assert(count > 0 && count % 4 == 0);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && i % 4 == 0) {
            *out++ = '-';
        }
        *out++ = alphabet[values[i]];
    }
    *out = '\0';
}

/* The value of a character, or −1. */
static int value_of(uint8_t character)
{
    if (character >= 'a' && character <= 'z') {
        character = (uint8_t)(character - 'a' + 'A');
    }
    if (character == 'O') {
        return 0;
    }
    if (character == 'I' || character == 'L') {
        return 1;
    }
    const char *found = character == '\0' ? NULL : strchr(alphabet, character);
    return found == NULL ? -1 : (int)(found - alphabet);
}

bool qr_base32_read(struct quire_bytes text, uint8_t *out_values, size_t count)
{
    size_t found = 0;
    if (text.size > QR_TYPED_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        if (character == '-' || character == ' ' || (character >= '\t' && character <= '\r')) {
            continue;
        }
        int value = value_of(character);
        if (value < 0 || found == count) {
            return false;
        }
        out_values[found++] = (uint8_t)value;
    }
    return found == count;
}

void qr_bits_split(uint8_t *out_values, size_t count, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        size_t bit = i * 5;
        unsigned high = bit / 8 < size ? bytes[bit / 8] : 0;
        unsigned low = bit / 8 + 1 < size ? bytes[bit / 8 + 1] : 0;
        out_values[i] = (high << 8 | low) >> (11 - bit % 8) & 31;
    }
}

void qr_bits_join(uint8_t *out_bytes, size_t size, const uint8_t *values, size_t count)
{
    memset(out_bytes, 0, size);
    for (size_t i = 0; i < count * 5 && i / 8 < size; i++) {
        unsigned bit = values[i / 5] >> (4 - i % 5) & 1;
        out_bytes[i / 8] = (uint8_t)(out_bytes[i / 8] | bit << (7 - i % 8));
    }
}
