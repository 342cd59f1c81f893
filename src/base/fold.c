/*
 * Look-ups in the generated tables, and reading UTF-8 that may be ill-formed.
 */
#include "base/fold.h"
#include "base/fold_table.h"

#define REPLACEMENT 0xfffd

const char *qr_fold_unicode(void)
{
    return QR_FOLD_UNICODE;
}

uint32_t qr_fold_point(uint32_t point)
{
    if (point < 0x80) {
        return point >= 'A' && point <= 'Z' ? point + 0x20 : point;
    }
    if (point < 0x10000) {
        size_t block = fold_stage[point / QR_FOLD_BLOCK];
        return (point + fold_deltas[block * QR_FOLD_BLOCK + point % QR_FOLD_BLOCK]) & 0xffff;
    }
    for (size_t i = 0; i < sizeof fold_far / sizeof *fold_far; i++) {
        if (point < fold_far[i].first) {
            break;
        }
        if (point <= fold_far[i].last) {
            return (uint32_t)((int32_t)point + fold_far[i].delta);
        }
    }
    return point;
}

enum qr_fold_kind qr_fold_kind_of(uint32_t point)
{
    if (point >= 'a' && point <= 'z') {
        return QR_FOLD_WORD;
    }
    if (point <= ' ') {
        return QR_FOLD_SEPARATOR;
    }
    if (point > 0x10ffff) {
        return QR_FOLD_SEPARATOR;
    }
    size_t low = 0, high = sizeof fold_kinds / sizeof *fold_kinds;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (fold_kinds[middle] >> 3 <= point) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (enum qr_fold_kind)(fold_kinds[low] & 7);
}

uint32_t qr_fold_voiced(uint32_t kana, uint32_t mark)
{
    uint32_t base = kana >= 0x30a0 ? kana - 0x60 : kana;
    bool to_ha = base >= 0x306f && base <= 0x307b && base % 3 == 0; /* HA, HI, FU, HE, HO */
    if (mark == 0x309a) {
        return to_ha ? kana + 2 : 0;
    }
    if (mark != 0x3099 || kana < 0x3041 || kana > 0x30fa) {
        return 0;
    }
    if (base == 0x3046) { /* U */
        return kana == base ? 0x3094 : 0x30f4;
    }
    bool odd = base >= 0x304b && base <= 0x3061 && base % 2 == 1;   /* KA … CHI */
    bool even = base == 0x3064 || base == 0x3066 || base == 0x3068; /* TSU, TE, TO */
    return to_ha || odd || even ? kana + 1 : 0;
}

uint32_t qr_fold_next(const uint8_t *text, size_t left, size_t *out_size)
{
    uint8_t first = text[0];
    *out_size = 1;
    if (first < 0x80) {
        return first;
    }
    if (first < 0xc2 || first > 0xf4) {
        return REPLACEMENT;
    }
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    uint32_t point = first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (i >= left || text[i] < low || text[i] > high) {
            *out_size = i;
            return REPLACEMENT;
        }
        point = point << 6 | (text[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *out_size = size;
    return point;
}
