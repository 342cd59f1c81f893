/*
 * Whole-number helpers.
 */
#include "insight/number.h"

uint64_t qr_hash_points(const uint32_t *points, size_t count, uint64_t seed)
{
    uint64_t hash = qr_hash_begin(seed);
    for (size_t i = 0; i < count; i++) {
        hash = qr_hash_step(hash, points[i]);
    }
    return qr_mix(hash);
}

uint64_t qr_draw(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return qr_mix(*state);
}

uint32_t qr_draw_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((qr_draw(state) >> 32) * n >> 32);
}

uint64_t qr_root(uint64_t x)
{
    uint64_t root = 0, bit = UINT64_C(1) << 62;
    while (bit > x) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

int64_t qr_divide(int64_t a, int64_t b)
{
    return a >= 0 ? (a + b / 2) / b : -((-a + b / 2) / b);
}

static void sift(int64_t *numbers, size_t root, size_t count)
{
    int64_t moved = numbers[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && numbers[child + 1] > numbers[child];
        if (numbers[child] <= moved) {
            break;
        }
        numbers[root] = numbers[child];
    }
    numbers[root] = moved;
}

void qr_sort_numbers(int64_t *numbers, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sift(numbers, i - 1, count);
    }
    for (size_t left = count; left > 1; left--) {
        int64_t greatest = numbers[0];
        numbers[0] = numbers[left - 1];
        numbers[left - 1] = greatest;
        sift(numbers, 0, left - 1);
    }
}
