/*
 * malloc for quire-sim-stub, in place of libc's: lists of free blocks by size, and nothing ever goes
 * back. A run takes and gives back memory some twenty thousand times, which with libc's is an eighth
 * of its time. One thread only. A block that is freed twice, or never was one, ends the program; what
 * else can go wrong with memory is looked for in the builds with sanitizers, which do without this.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define OURS __attribute__((visibility("default"))) /* libc's own calls come here too */

#define STEP 16u /* sizes differ by as much up to SMALL; beyond, there are four to each doubling */
#define SMALL 1024u
#define SMALL_CLASSES (SMALL / STEP + 1)
#define CLASSES (SMALL_CLASSES + 4 * 40)
#define CHUNK ((size_t)1 << 20) /* bytes asked of the system at once, at least */
#define TAKEN 0x51a7u
#define FREE 0xf4eeu

struct block {   /* its 16 bytes are followed by what malloc gave */
    size_t size; /* of that */
    uint32_t class;
    uint32_t mark;
};
static_assert(sizeof(struct block) == STEP, "what follows is aligned for anything");

struct free_block {
    struct block block;
    struct free_block *next;
};

static struct free_block *free_blocks[CLASSES];
static uint8_t *fresh;
static size_t fresh_size;

/* Rounds the size up to that of its class. */
static uint32_t class_of(size_t *size)
{
    if (*size <= SMALL) {
        uint32_t class = (uint32_t)((*size + STEP - 1) / STEP);
        class += class == 0; /* a free block has room for a pointer */
        *size = class * STEP;
        return class;
    }
    unsigned bits = 63 - (unsigned)__builtin_clzll(*size - 1); /* 2^bits < size <= 2^(bits + 1) */
    size_t quarter = (size_t)1 << (bits - 2);
    size_t quarters = (*size - 1) / quarter - 4; /* 0 … 3 */
    *size = (quarters + 5) * quarter;
    return SMALL_CLASSES + 4 * (bits - 10) + (uint32_t)quarters;
}

static void *take_fresh(size_t size, uint32_t class)
{
    size_t whole = sizeof(struct block) + size;
    if (whole > fresh_size) {
        size_t chunk = whole > CHUNK ? whole : CHUNK;
        void *map = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED) {
            errno = ENOMEM;
            return NULL;
        }
        fresh = map; /* the rest of the one before is lost */
        fresh_size = chunk;
    }
    struct block *block = (struct block *)(void *)fresh;
    fresh += whole;
    fresh_size -= whole;
    *block = (struct block){size, class, TAKEN};
    return block + 1;
}

static struct block *block_of(void *memory)
{
    struct block *block = (struct block *)memory - 1;
    if (block->mark != TAKEN) {
        abort();
    }
    return block;
}

/* Not malloc by name: compilers know what that does, and make one of the others out of it. */
static void *take(size_t size)
{
    if (size > (size_t)1 << 48) {
        errno = ENOMEM;
        return NULL;
    }
    uint32_t class = class_of(&size);
    struct free_block *found = free_blocks[class];
    if (found == NULL) {
        return take_fresh(size, class);
    }
    free_blocks[class] = found->next;
    found->block.mark = TAKEN;
    return &found->block + 1;
}

OURS void *malloc(size_t size)
{
    return take(size);
}

OURS void free(void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct free_block *block = (struct free_block *)(void *)block_of(memory);
    block->block.mark = FREE;
    block->next = free_blocks[block->block.class];
    free_blocks[block->block.class] = block;
}

OURS void *calloc(size_t count, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    void *memory = take(whole);
    return memory == NULL ? NULL : memset(memory, 0, whole);
}

OURS void *realloc(void *memory, size_t size)
{
    if (memory == NULL) {
        return take(size);
    }
    size_t old_size = block_of(memory)->size;
    if (size <= old_size) {
        return memory;
    }
    void *larger = take(size);
    if (larger != NULL) {
        memcpy(larger, memory, old_size);
        free(memory);
    }
    return larger;
}

/* No caller asks for more than malloc's own alignment; if one does, the run says so. */
OURS void *aligned_alloc(size_t alignment, size_t size)
{
    if (alignment > STEP) {
        abort();
    }
    return take(size);
}

OURS int posix_memalign(void **out_memory, size_t alignment, size_t size)
{
    *out_memory = aligned_alloc(alignment, size);
    return *out_memory == NULL ? ENOMEM : 0;
}
