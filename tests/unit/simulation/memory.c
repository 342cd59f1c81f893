/*
 * The malloc of quire-sim-stub, which this program has too: what it gives is aligned, apart and kept, and
 * what is freed twice, or was never given, ends the process.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 4096u

static int failures;

static void check(int number, const char *name, int well)
{
    printf("%s %d - %s\n", well ? "ok" : "not ok", number, name);
    failures += !well;
}

static int is_filled(const uint8_t *data, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != with) {
            return 0;
        }
    }
    return 1;
}

static size_t size_of(size_t round, size_t i)
{
    return i % 64 == 63 ? (round + i) * 97 % 300000 : (round * 31 + i) % 1500;
}

/* Each block has its own filling, from round to round with other sizes. */
static int blocks_are_kept(void)
{
    static uint8_t *blocks[BLOCKS];
    int well = 1;
    for (size_t round = 0; round < 8; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            if (round > 0) {
                size_t before = size_of(round - 1, i), now = size_of(round, i);
                well &= is_filled(blocks[i], before, (uint8_t)i);
                if (i % 2 == 0) {
                    blocks[i] = realloc(blocks[i], now);
                    well &= is_filled(blocks[i], before < now ? before : now, (uint8_t)i);
                } else {
                    free(blocks[i]);
                    blocks[i] = NULL;
                }
            }
            if (blocks[i] == NULL) {
                blocks[i] = malloc(size_of(round, i));
            }
            well &= blocks[i] != NULL && (uintptr_t)blocks[i] % 16 == 0;
            memset(blocks[i], (int)i, size_of(round, i));
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    return well;
}

static int calloc_gives_zeros(void)
{
    int well = 1;
    for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
        uint8_t *dirty = malloc(size);
        memset(dirty, 0xa5, size);
        free(dirty);
        uint8_t *clean = calloc(size, 1);
        well &=
            clean == dirty && is_filled(clean, size, 0); /* the same place: else it shows nothing */
        free(clean);
    }
    volatile size_t many = SIZE_MAX / 2;
    return well && calloc(many, 3) == NULL && malloc(many) == NULL;
}

static int ends_when(void (*wrong)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        wrong();
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status)
        && WTERMSIG(status) == SIGABRT;
}

static void *volatile place; /* so that no compiler sees through it */

static void frees_twice(void)
{
    place = malloc(40);
    free(place);
    free(place);
}

static void frees_what_is_none(void)
{
    static uint64_t never[8];
    place = never + 4;
    free(place);
}

int main(void)
{
    puts("1..4");
    fflush(stdout);
    check(1, "blocks_are_aligned_apart_and_kept", blocks_are_kept());
    check(2, "calloc_gives_zeros_and_too_much_is_refused", calloc_gives_zeros());
    fflush(stdout);
    check(3, "freeing_twice_ends_the_process", ends_when(frees_twice));
    check(4, "freeing_what_was_never_given_ends_the_process", ends_when(frees_what_is_none));
    return failures > 0;
}
