/*
 * Payloads that an input draws, nearly always in form: their replicas go on where they stopped, their
 * references name characters that there are, or, now and then, ones that there are not.
 */
#ifndef QR_TESTS_FUZZ_DRAWER_H
#define QR_TESTS_FUZZ_DRAWER_H

#include <quire/document.h>

#define REPLICAS 4   /* named 1, 2, 3, 4 */
#define COUNTERS 512 /* of one replica */

struct drawer {
    const uint8_t *next;
    size_t left;
    unsigned seen[REPLICAS];
    bool is_character[REPLICAS][COUNTERS + 1];
};

void check(bool condition, const char *what);
#define OK(call) check((call) == QUIRE_OK, #call)

/** 0 … below - 1; 0 once the input ends. */
unsigned draw(struct drawer *drawer, unsigned below);

/** Each replica's first words, so that everybody has been seen. */
void begin(struct drawer *drawer, struct quire_document *document);

/** Merges one. What is refused changes nothing, and what is taken in changes nothing more the second
 * time. False: it was refused. */
bool merge_drawn(struct drawer *drawer, struct quire_document *document);

/** Written, opened encoded, decoded by merging what it already knows; and merged into an empty document. */
void check_travels(const struct quire_document *document);

#endif
