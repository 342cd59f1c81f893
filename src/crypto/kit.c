/*
 * The recovery kit: a seed, its keys, and its characters.
 */
#include "crypto/kit.h"
#include "crypto/kit_inner.h"
#include "crypto/base32.h"
#include <sodium.h>
#include <stdlib.h>

#define SEED_VALUES 52
#define CHECK_VALUES 4
#define ALL_VALUES (SEED_VALUES + CHECK_VALUES)

enum quire_status qr_kit_create(const uint8_t seed[QR_KEY_SIZE], struct qr_kit **out_kit)
{
    struct qr_kit *kit = malloc(sizeof *kit);
    if (kit == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(kit->seed, seed, QR_KEY_SIZE);
    qr_keys_derive(&kit->keys, seed, QR_CONTEXT_KIT_SIGN, QR_CONTEXT_KIT_BOX);
    *out_kit = kit;
    return QUIRE_OK;
}

void qr_kit_destroy(struct qr_kit *kit)
{
    if (kit != NULL) {
        qr_wipe(kit, sizeof *kit);
        free(kit);
    }
}

/* The seed's values and those of its checksum; the caller wipes them. */
static void values_of(uint8_t out_values[ALL_VALUES], const uint8_t seed[QR_KEY_SIZE])
{
    const struct quire_bytes part = {seed, QR_KEY_SIZE};
    uint8_t check[QR_HASH_SIZE];
    qr_hash(check, QR_CONTEXT_KIT_CHECK, &part, 1);
    qr_bits_split(out_values, SEED_VALUES, seed, QR_KEY_SIZE);
    qr_bits_split(out_values + SEED_VALUES, CHECK_VALUES, check, sizeof check);
    qr_wipe(check, sizeof check);
}

void qr_kit_text(const struct qr_kit *kit, char out_text[QR_KIT_TEXT_SIZE])
{
    uint8_t values[ALL_VALUES];
    values_of(values, kit->seed);
    qr_base32_write(out_text, values, ALL_VALUES);
    qr_wipe(values, sizeof values);
}

enum quire_status qr_kit_parse(struct quire_bytes text, struct qr_kit **out_kit)
{
    enum quire_status status = QUIRE_EMALFORMED;
    uint8_t values[ALL_VALUES], expected[ALL_VALUES], seed[QR_KEY_SIZE];
    if (!qr_base32_read(text, values, ALL_VALUES)) {
        goto out;
    }
    /* One comparison covers both the checksum and the four padding bits, which the seed's own
     * characters have as zero. */
    qr_bits_join(seed, sizeof seed, values, SEED_VALUES);
    values_of(expected, seed);
    if (sodium_memcmp(values, expected, ALL_VALUES) == 0) {
        status = qr_kit_create(seed, out_kit);
    }
    qr_wipe(expected, sizeof expected);
    qr_wipe(seed, sizeof seed);
out:
    qr_wipe(values, sizeof values);
    return status;
}

void qr_kit_public(
    const struct qr_kit *kit, uint8_t out_root[QR_KEY_SIZE], uint8_t out_recovery[QR_KEY_SIZE])
{
    memcpy(out_root, kit->keys.sign_public, QR_KEY_SIZE);
    memcpy(out_recovery, kit->keys.box_public, QR_KEY_SIZE);
}

void qr_kit_salt(const struct qr_kit *kit, uint8_t out_salt[QR_KIT_SALT_SIZE])
{
    qr_keyed_hash(out_salt, QR_KIT_SALT_SIZE, kit->seed, QR_CONTEXT_KIT_SALT, NULL, 0);
}

void qr_kit_sign(const struct qr_kit *kit, enum qr_context context, const struct quire_bytes *parts,
    size_t part_count, uint8_t out_signature[QR_SIGNATURE_SIZE])
{
    qr_keys_sign(&kit->keys, context, parts, part_count, out_signature);
}
