/*
 * The recovery kit: the account's root, 32 bytes that a person keeps on paper.
 */
#ifndef QR_CRYPTO_KIT_H
#define QR_CRYPTO_KIT_H

#include "crypto/sign.h"

/* 52 characters of Crockford's base32 hold 256 bits (the last one 1 bit, the rest zero), then 4
 * characters of checksum (20 bits of BLAKE2b); in groups of four, separated by '-'. */
#define QR_KIT_TEXT_SIZE (56 + 13 + 1)

#define QR_KIT_SALT_SIZE 16

struct qr_kit; /* owns the root's secret keys */

/** ENOMEM. The seed stays the caller's to wipe. */
QUIRE_CHECKED enum quire_status qr_kit_create(
    const uint8_t seed[QR_KEY_SIZE], struct qr_kit **out_kit);
/** Wipes and frees; accepts NULL. */
void qr_kit_destroy(struct qr_kit *kit);

/** The characters to write down, ending in zero; the caller wipes them. */
void qr_kit_text(const struct qr_kit *kit, char out_text[QR_KIT_TEXT_SIZE]);
/** Reads characters back: case, spaces and '-' are ignored, O is 0, I and L are 1. EMALFORMED:
 * wrong length, a strange character, non-zero padding bits or a wrong checksum. */
QUIRE_CHECKED enum quire_status qr_kit_parse(struct quire_bytes text, struct qr_kit **out_kit);

/** The public halves: Ed25519 root, X25519 recovery box. */
void qr_kit_public(
    const struct qr_kit *kit, uint8_t out_root[QR_KEY_SIZE], uint8_t out_recovery[QR_KEY_SIZE]);
/** The salt of the genesis record: public, and of the seed, so that the kit alone makes that record. */
void qr_kit_salt(const struct qr_kit *kit, uint8_t out_salt[QR_KIT_SALT_SIZE]);
/** Signs as the root, as qr_verify checks. */
void qr_kit_sign(const struct qr_kit *kit, enum qr_context context, const struct quire_bytes *parts,
    size_t part_count, uint8_t out_signature[QR_SIGNATURE_SIZE]);

#endif
