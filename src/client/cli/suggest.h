/*
 * What a mistyped word was meant to be.
 */
#ifndef QR_CLIENT_CLI_SUGGEST_H
#define QR_CLIENT_CLI_SUGGEST_H

#include <stddef.h>

/**
 * How many letters must be added, left out, replaced or swapped with their neighbour to turn one word
 * into the other (optimal string alignment distance), or `limit` + 1 if that is more than `limit`.
 * Words of more than 63 bytes count as too far.
 */
size_t qr_cli_distance(const char *left, const char *right, size_t limit);

/** Collects the nearest of several candidates. Zero-initialise. */
struct qr_cli_suggestion {
    const char *best; /* NULL: none is near enough */
    size_t distance;
};

/** Looks at one candidate; borrowed. A third of the word's letters may be wrong, at most 2. */
void qr_cli_suggest(struct qr_cli_suggestion *suggestion, const char *word, const char *candidate);

#endif
