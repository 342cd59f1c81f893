/*
 * Prints each code point's folding and kind, for fold_check.py.
 */
#include "base/fold.h"
#include <stdio.h>

int main(void)
{
    printf("%s\n", qr_fold_unicode());
    for (uint32_t point = 0; point < 0x110000; point++) {
        printf("%x %d\n", qr_fold_point(point), qr_fold_kind_of(point));
    }
    return 0;
}
