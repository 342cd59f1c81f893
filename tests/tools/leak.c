/*
 * A test that leaks and passes: tools/test must see the sanitizer's report of it, or would see none.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(canary, leaks)
{
    char *volatile lost = malloc(7);
    cr_assert(lost != NULL);
    lost = NULL;
}
