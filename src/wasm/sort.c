/*
 * See sort.h. Heapsort.
 */
#include "wasm/sort.h"
#include <stdint.h>

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

void sort(void *array, size_t count, size_t size, int (*compare)(const void *a, const void *b))
{
    uint8_t *at = array;
    size_t unordered = count / 2; /* from here on, parents are not less than their children */
    while (count > 1) {
        size_t parent = unordered;
        if (unordered > 0) {
            parent = --unordered;
        } else {
            count--;
            swap(at, at + count * size, size);
        }
        for (size_t child; (child = 2 * parent + 1) < count; parent = child) {
            if (child + 1 < count && compare(at + child * size, at + (child + 1) * size) < 0) {
                child++;
            }
            if (compare(at + parent * size, at + child * size) >= 0) {
                break;
            }
            swap(at + parent * size, at + child * size, size);
        }
    }
}
