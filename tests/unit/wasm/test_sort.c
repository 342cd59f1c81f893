/*
 * The module's sort, beside the C library's.
 */
#include "kit/random.h"
#include "wasm/sort.h"
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 300

struct thing {
    uint32_t key;
    uint8_t rest[9];
};

static size_t compared;

static int compare(const void *a, const void *b)
{
    compared++;
    return memcmp(a, b, sizeof(struct thing));
}

Test(sort, orders_as_the_c_library_does)
{
    struct kit_random random = {7};
    for (size_t count = 0; count < COUNT_MAX; count++) {
        struct thing ours[COUNT_MAX] = {0}, theirs[COUNT_MAX];
        for (size_t i = 0; i < count; i++) {
            ours[i].key = (uint32_t)kit_random_below(&random, count % 3 == 0 ? 5 : UINT32_MAX);
            memcpy(ours[i].rest, &ours[i].key, 4);
            ours[i].rest[8] = (uint8_t)i;
        }
        memcpy(theirs, ours, sizeof ours);
        sort(ours, count, sizeof *ours, compare);
        qsort(theirs, count, sizeof *theirs, compare);
        cr_assert_arr_eq(ours, theirs, sizeof ours);
    }
}

Test(sort, no_order_is_quadratic)
{
    static struct thing things[20000];
    for (int kind = 0; kind < 3; kind++) { /* ascending, descending, all equal */
        for (uint32_t i = 0; i < 20000; i++) {
            things[i].key = __builtin_bswap32(kind == 0 ? i : kind == 1 ? 20000 - i : 1);
        }
        compared = 0;
        sort(things, 20000, sizeof *things, compare);
        cr_assert_lt(compared, 2 * 15 * 20000);
        for (uint32_t i = 1; i < 20000; i++) {
            cr_assert_leq(compare(&things[i - 1], &things[i]), 0);
        }
    }
}
