/*
 * The version of the library, and what may change from one version to the next.
 *
 * A version is MAJOR.MINOR.PATCH. While MAJOR is 0 the interface is not settled: a new MINOR may
 * change anything in include/quire, and a new PATCH changes nothing there but comments.
 * From 1.0.0 on:
 *
 *   PATCH  Code changes where it broke a promise of a header. No header changes, but for comments.
 *   MINOR  The headers grow, and a program that compiled before compiles and works as before:
 *          - new functions, macros and types;
 *          - new enum values, never with the number of an old one: a program skips notices, alarms
 *            and codes that it does not know, and never relies on a *_COUNT;
 *          - new fields at the end of a struct that the library fills and lends by pointer, and of
 *            one whose first field is its `size`. Zero in a new field means what happened without
 *            it. Any other struct keeps its size.
 *          A program built with an older MINOR runs with a newer library without a new build; the
 *          other direction is not promised, and quire_version_number tells.
 *   MAJOR  Anything may change. The shared library gets another soname, so that programs built for
 *          the old one do not load it.
 *
 * Data outlives the library: every version opens the profiles and stores of all earlier releases
 * from 1.0.0 on. A profile is not promised to open with an older version than the last one that
 * saved it; that attempt ends with QUIRE_EUNSUPPORTED and changes nothing.
 * The protocol and the WebAssembly exports have numbers of their own (protocol/README.md,
 * QUIRE_WASM_VERSION). What is below src/ is private.
 */
#ifndef QUIRE_VERSION_H
#define QUIRE_VERSION_H

#include <quire/status.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of these headers: what a program is compiled with. */
#define QUIRE_VERSION_MAJOR 0
#define QUIRE_VERSION_MINOR 1
#define QUIRE_VERSION_PATCH 0
#define QUIRE_VERSION "0.1.0"

/** A version as one number, to compare: MAJOR · 1,000,000 + MINOR · 1,000 + PATCH. */
#define QUIRE_VERSION_NUMBER_OF(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define QUIRE_VERSION_NUMBER \
    QUIRE_VERSION_NUMBER_OF(QUIRE_VERSION_MAJOR, QUIRE_VERSION_MINOR, QUIRE_VERSION_PATCH)

/** The version of the library that runs, "MAJOR.MINOR.PATCH"; static storage. Any thread. */
QUIRE_API const char *quire_version(void);

/** The same as a number: at least QUIRE_VERSION_NUMBER if this library may run the program. */
QUIRE_API uint32_t quire_version_number(void);

#ifdef __cplusplus
}
#endif
#endif
