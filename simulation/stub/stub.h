/*
 * The mark of a program with a stub of cryptography: no program that ships may have this symbol.
 */
#ifndef SIMULATION_STUB_H
#define SIMULATION_STUB_H

extern const char quire_stub_crypto[];

#endif
