/*
 * Well-formed UTF-8 (Unicode 15, table 3-7).
 */
#include "crdt/utf8.h"
#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define LOW_BITS UINT64_C(0x0101010101010101)
#define EVEN_LANES UINT64_C(0x00ff00ff00ff00ff)

static uint64_t eight(const uint8_t *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/** Bytes of the sequence that starts here, or 0 if it is ill-formed. */
static size_t sequence_size(const uint8_t *text, size_t left)
{
    uint8_t lead = text[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || size > left) {
        return 0;
    }
    /* Only the second byte's range depends on the first. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

bool qr_utf8_count(struct quire_bytes text, size_t *out_count)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size;) {
        if (text.size - at >= 8 && (eight(text.data + at) & HIGH_BITS) == 0) {
            at += 8;
            count += 8;
            continue;
        }
        if (text.data[at] < 0x80) {
            at++;
            count++;
            continue;
        }
        size_t size = sequence_size(text.data + at, text.size - at);
        if (size == 0) {
            return false;
        }
        at += size;
        count++;
    }
    *out_count = count;
    return true;
}

/** How many of eight bytes begin a code point: all but 10xxxxxx. */
static size_t starts_in(uint64_t bytes)
{
    uint64_t continues = bytes >> 7 & ~bytes >> 6 & LOW_BITS;
    return 8 - (size_t)((continues * LOW_BITS) >> 56);
}

size_t qr_utf8_size(const uint8_t *text, size_t count)
{
    size_t size = 0;
    while (count >= 8) { /* so at least eight bytes follow */
        count -= starts_in(eight(text + size));
        size += 8;
    }
    if (size > 0) { /* the last one that began may go on: look at it again */
        do {
            size--;
        } while ((text[size] & 0xc0) == 0x80);
        count++;
    }
    while (count > 0) {
        uint8_t lead = text[size];
        size += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        count--;
    }
    return size;
}

size_t qr_utf8_size_back(const uint8_t *end, size_t count)
{
    const uint8_t *at = end;
    for (; count >= 8; at -= 8) { /* so at least eight bytes stand before */
        count -= starts_in(eight(at - 8));
    }
    if (count == 0) {
        for (; at < end && (*at & 0xc0) == 0x80;) {
            at++; /* of one that begins further back */
        }
    }
    while (count > 0) {
        at--;
        count -= (*at & 0xc0) != 0x80;
    }
    return (size_t)(end - at);
}

/* Bytes that continue a sequence, 10xxxxxx, are counted in eight lanes, and the lanes added up before
 * they overflow: -O2 makes no vectors of a plain loop. */
size_t qr_utf8_points(const uint8_t *text, size_t size)
{
    size_t count = size;
    size_t at = 0;
    while (size - at >= 8) {
        uint64_t lanes = 0;
        size_t end = size - at > 8 * 255 ? at + 8 * 255 : size - (size - at) % 8;
        for (; at < end; at += 8) {
            uint64_t bytes = eight(text + at);
            lanes += bytes >> 7 & ~bytes >> 6 & LOW_BITS;
        }
        lanes = (lanes & EVEN_LANES) + (lanes >> 8 & EVEN_LANES);
        count -= (size_t)((lanes * (EVEN_LANES / 255)) >> 48);
    }
    for (; at < size; at++) {
        count -= (text[at] & 0xc0) == 0x80;
    }
    return count;
}

size_t qr_utf8_wide(const uint8_t *text, size_t size)
{
    size_t count = 0;
    size_t at = 0;
    for (; size - at >= 8; at += 8) { /* 1111xxxx in each of eight lanes */
        uint64_t bytes = eight(text + at);
        uint64_t wide = bytes >> 7 & bytes >> 6 & bytes >> 5 & bytes >> 4 & LOW_BITS;
        count += (size_t)((wide * LOW_BITS) >> 56);
    }
    for (; at < size; at++) {
        count += text[at] >= 0xf0;
    }
    return count;
}
