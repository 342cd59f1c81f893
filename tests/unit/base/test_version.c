/*
 * The version is one number wherever it is written: the build, the headers, the library.
 */
#include <criterion/criterion.h>
#include <quire/version.h>
#include <stdio.h>

Test(version, headers_library_and_build_have_the_same_version)
{
    char text[32];
    snprintf(text, sizeof(text), "%d.%d.%d", QUIRE_VERSION_MAJOR, QUIRE_VERSION_MINOR,
        QUIRE_VERSION_PATCH);
    cr_assert_str_eq(text, QUIRE_VERSION);
    cr_assert_str_eq(quire_version(), QUIRE_VERSION);
    cr_assert_eq(quire_version_number(), QUIRE_VERSION_NUMBER);
    cr_assert_str_eq(PROJECT_VERSION, QUIRE_VERSION, "meson.build says %s", PROJECT_VERSION);
}

Test(version, numbers_ascend_as_versions_do)
{
    cr_assert_lt(QUIRE_VERSION_NUMBER_OF(0, 1, 999), QUIRE_VERSION_NUMBER_OF(0, 2, 0));
    cr_assert_lt(QUIRE_VERSION_NUMBER_OF(0, 999, 999), QUIRE_VERSION_NUMBER_OF(1, 0, 0));
    cr_assert_eq(QUIRE_VERSION_NUMBER_OF(1, 2, 3), 1002003);
#if QUIRE_VERSION_NUMBER < QUIRE_VERSION_NUMBER_OF(0, 1, 0)
#error "the preprocessor can compare versions"
#endif
}
