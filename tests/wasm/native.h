/*
 * The native half of the tests of the WebAssembly module: the same exports, called in the same way.
 */
#ifndef QUIRE_TESTS_WASM_NATIVE_H
#define QUIRE_TESTS_WASM_NATIVE_H

#include "wasm/exports.h"

/** Ends the program if something that the test itself needs does not hold. */
void need(bool condition, const char *what);

/** Writes bytes in hex to stdout; nothing at all is "-". */
void put_hex(struct quire_bytes bytes);

/** Plays a story of devices and a hub, made up from the seed, and writes down every call. */
void record_session(uint64_t seed);

/** Runs a hub for a server in JavaScript, until standard input ends (hub.c). */
void serve_hub(void);

#endif
