/*
 * What libsodium asks of the system, where there is none. In the module only: natively libsodium
 * has its own. Of libsodium's parts none needs choosing at run time (each begins with its portable
 * form), and none may draw randomness: the core is given all that it uses, and the functions that
 * would draw some are never called.
 */
#include <assert.h>
#include <sodium.h>

int sodium_init(void)
{
    return 0;
}

void sodium_misuse(void)
{
    assert(!"libsodium is called as its manual says");
    __builtin_unreachable();
}

void randombytes_buf(void *const buffer, const size_t size)
{
    (void)buffer;
    (void)size;
    assert(!"the core is given its randomness");
}

uint32_t randombytes_random(void)
{
    assert(!"the core is given its randomness");
    return 0;
}
