/*
 * An allocator that fails when it is told to.
 */
#include "allocator.h"
#include <stdint.h>
#include <stdlib.h>

size_t allocations_left = SIZE_MAX;
bool allocations_fail_on = true;
size_t allocations_failed;
size_t allocations_live;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static bool allowed(void)
{
    if (allocations_left == 0) {
        allocations_left = allocations_fail_on ? 0 : SIZE_MAX;
        allocations_failed++;
        return false;
    }
    allocations_left -= allocations_left == SIZE_MAX ? 0 : 1;
    return true;
}

static void *counted(void *memory)
{
    allocations_live += memory != NULL ? 1 : 0;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return allowed() ? counted(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allowed() ? counted(__real_calloc(count, size)) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (!allowed()) {
        return NULL;
    }
    return memory == NULL ? counted(__real_malloc(size)) : __real_realloc(memory, size);
}

void __wrap_free(void *memory)
{
    allocations_live -= memory != NULL ? 1 : 0;
    __real_free(memory);
}
