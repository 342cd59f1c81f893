/*
 * The version of the library that runs; quire/version.h has that of the headers.
 */
#include <quire/version.h>

const char *quire_version(void)
{
    return QUIRE_VERSION;
}

uint32_t quire_version_number(void)
{
    return QUIRE_VERSION_NUMBER;
}
