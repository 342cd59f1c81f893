/*
 * Checks of what a test itself relies on, for programs with and without criterion: a failure is
 * printed and ends the program.
 */
#ifndef QR_TESTS_KIT_NEED_H
#define QR_TESTS_KIT_NEED_H

#include <quire/status.h>
#include <stdbool.h>

void kit_need(bool holds, const char *what, const char *file, int line);

#define KIT_NEED(condition) kit_need((condition), #condition, __FILE__, __LINE__)
#define KIT_OK(call) kit_need((call) == QUIRE_OK, #call " == QUIRE_OK", __FILE__, __LINE__)

#endif
