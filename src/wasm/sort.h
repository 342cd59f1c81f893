/*
 * Sorting, in place of the C library's.
 */
#ifndef QUIRE_WASM_SORT_H
#define QUIRE_WASM_SORT_H

#include <stddef.h>

/** As qsort; in place, and O(n log n) for whatever it is given. */
void sort(void *array, size_t count, size_t size, int (*compare)(const void *a, const void *b));

#endif
