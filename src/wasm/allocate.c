/*
 * What the core asks of a C library and gets here instead, because it is small and compiles fast in
 * a browser: memory (heap.h), and sorting.
 */
#include "wasm/heap.h"
#include "wasm/sort.h"
#include <stdlib.h>
#include <string.h>

#define PAGE 65536u

extern uint8_t __heap_base; /* where the linker's data ends */

/** No other code makes the module's memory larger (exports.h), so what was added follows what was there. */
static uint32_t grow(struct heap *heap, uint32_t size)
{
    uint32_t have = (uint32_t)__builtin_wasm_memory_size(0) * PAGE;
    uint32_t spare = have - (uint32_t)(uintptr_t)heap->base - heap->end;
    if (heap->end > 0 && spare != 0) {
        return 0; /* other code did, and owns what is behind */
    }
    if (spare >= size) {
        return spare; /* the rest of the page that the data ends in */
    }
    uint32_t pages = (size - spare + PAGE - 1) / PAGE;
    return __builtin_wasm_memory_grow(0, pages) == SIZE_MAX ? 0 : spare + pages * PAGE;
}

static struct heap heap; /* all zeros, which no module has to bring */

/** What malloc is. calloc must not say malloc: compilers make calloc of that. */
static void *take(size_t size)
{
    if (heap.base == NULL) {
        heap.base = (uint8_t *)(((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15);
        heap.grow = grow;
    }
    return heap_take(&heap, size);
}

void *malloc(size_t size)
{
    return take(size);
}

void *calloc(size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *memory = take(count * size);
    return memory == NULL ? NULL : memset(memory, 0, count * size);
}

void *realloc(void *memory, size_t size)
{
    return memory == NULL ? take(size) : heap_resize(&heap, memory, size);
}

void free(void *memory)
{
    heap_give(&heap, memory);
}

void qsort(void *array, size_t count, size_t size, int (*compare)(const void *a, const void *b))
{
    sort(array, count, size, compare);
}
