/*
 * A hash, shown as six words that two people, or one with two screens, compare by eye or aloud.
 */
#ifndef QR_CRYPTO_WORDS_H
#define QR_CRYPTO_WORDS_H

#include "base/ids.h"

#define QR_WORDS_COUNT 6
#define QR_WORDS_SIZE (QR_WORDS_COUNT * 8) /* words of at most 7 letters, spaces, and a zero */

/**
 * The first 48 bits of a hash, each byte as one of 256 words, with a space between two. Meant for
 * hashes under QR_CONTEXT_WORDS. Enough to notice a difference that happened; an attacker with years
 * of computing could make a difference that does not show, so nothing relies on it alone.
 */
void qr_words(const uint8_t hash[QR_HASH_SIZE], char out_words[QR_WORDS_SIZE]);

#endif
