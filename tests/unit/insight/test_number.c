#include "insight/number.h"
#include <criterion/criterion.h>
#include <stdio.h>

Test(number, roots_are_rounded_down)
{
    for (uint64_t x = 0; x < 70000; x++) {
        uint64_t root = qr_root(x);
        cr_assert(root * root <= x && (root + 1) * (root + 1) > x, "%llu", (unsigned long long)x);
    }
    cr_assert_eq(qr_root(UINT64_MAX), UINT32_MAX);
}

Test(number, halves_are_rounded_away_from_zero)
{
    cr_assert_eq(qr_divide(5, 2), 3);
    cr_assert_eq(qr_divide(-5, 2), -3);
    cr_assert_eq(qr_divide(-7, 3), -2);
    cr_assert_eq(qr_divide(0, 9), 0);
}

Test(number, draws_below_n_reach_all_and_no_more)
{
    uint64_t state = 7;
    int counts[5] = {0};
    for (int i = 0; i < 5000; i++) {
        uint32_t drawn = qr_draw_below(&state, 5);
        cr_assert_lt(drawn, 5);
        counts[drawn]++;
    }
    for (int i = 0; i < 5; i++) {
        cr_assert(counts[i] > 850 && counts[i] < 1150);
    }
}

Test(number, sorting_sorts)
{
    int64_t numbers[257];
    uint64_t state = 1;
    for (size_t count = 0; count <= 257; count++) {
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (int64_t)qr_draw_below(&state, 100) - 50;
        }
        qr_sort_numbers(numbers, count);
        for (size_t i = 1; i < count; i++) {
            cr_assert_leq(numbers[i - 1], numbers[i]);
        }
    }
}
