/*
 * Written against the layouts, with libsodium alone where keys are secret.
 */
#include "person.h"
#include "base/reader.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/padding.h"
#include <sodium.h>
#include <stdlib.h>

void person_make(struct person *person, uint8_t seed)
{
    uint8_t bytes[32] = {seed, 1};
    crypto_sign_seed_keypair(person->sign_public, person->sign_secret, bytes);
    bytes[1] = 2;
    crypto_box_seed_keypair(person->box_public, person->box_secret, bytes);
}

static void sign(const struct person *person, enum qr_context context, struct quire_buffer *out)
{
    uint8_t hash[32], message[128], signature[64];
    struct quire_bytes body = quire_buffer_bytes(out);
    const char *text = qr_context_text(context);
    size_t size = strlen(text) + 1;
    qr_hash(hash, context, &body, 1);
    memcpy(message, text, size);
    memcpy(message + size, hash, 32);
    crypto_sign_detached(signature, NULL, message, size + 32, person->sign_secret);
    (void)!quire_buffer_append(out, signature, sizeof signature);
}

void person_grant(
    const struct person *person, const struct grant_plan *plan, struct quire_buffer *out)
{
    static const uint8_t words[32] = {5}, locale[8] = "en";
    struct qr_writer writer = qr_writer_onto(out);
    qr_write_u8(&writer, 1);
    qr_write_bytes(&writer, person->sign_public, 32);
    qr_write_bytes(&writer, plan->grantee, 32);
    qr_write_u8(&writer, plan->purpose);
    qr_write_u8(&writer, 1);
    qr_write_u16(&writer, plan->fields);
    qr_write_u64(&writer, plan->not_after);
    qr_write_u32(&writer, 100);
    qr_write_bytes(&writer, plan->analyser, 32);
    qr_write_bytes(&writer, words, 32);
    qr_write_bytes(&writer, locale, 8);
    qr_write_bytes(&writer, person->box_public, 32);
    sign(person, QR_CONTEXT_GRANT, out);
}

void person_withdraw(const struct person *person, struct quire_buffer *out)
{
    struct qr_writer writer = qr_writer_onto(out);
    qr_write_u8(&writer, 1);
    qr_write_bytes(&writer, person->sign_public, 32);
    qr_write_u64(&writer, 77);
    sign(person, QR_CONTEXT_WITHDRAWAL, out);
}

static size_t write_text(const struct copy_plan *plan, uint8_t **out_padded)
{
    struct quire_buffer plain = {0};
    struct qr_writer writer = qr_writer_onto(&plain);
    for (int i = 0; i < (plan->fault == 4 ? 2 : 1); i++) {
        qr_write_u8(&writer, plan->inner_field);
        qr_write_u32(&writer, (uint32_t)strlen(plan->text));
        qr_write_bytes(&writer, plan->text, strlen(plan->text));
    }
    size_t size = qr_padded_size(plain.size, QR_COPY_PADDING);
    *out_padded = malloc(size + QR_TAG_SIZE);
    qr_pad(*out_padded, quire_buffer_bytes(&plain), QR_COPY_PADDING);
    quire_buffer_finish(&plain);
    return size;
}

void person_copy(
    const struct person *person, const struct copy_plan *plan, struct quire_buffer *out)
{
    static const uint8_t zeros[16], entropy[32] = {3};
    uint8_t key[32] = {1, (uint8_t)plan->rev}, seal[80], id[8], place[32], commitment[32],
            nonce[24];
    uint8_t *padded;
    struct qr_aad aad;
    size_t size = write_text(plan, &padded), before = out->size;
    struct qr_writer writer = qr_writer_onto(out);
    qr_write_u8(&writer, 1);
    qr_write_bytes(&writer, person->sign_public, 32);
    qr_write_bytes(&writer, zeros, 16);
    qr_write_u64(&writer, plan->rev);
    qr_write_bytes(&writer, zeros, 16);
    qr_write_u16(&writer, plan->fields);
    qr_write_u64(&writer, 1);
    qr_write_u8(&writer, 1);
    crypto_box_seal(seal, key, sizeof key, plan->lane_key.data + 21);
    qr_lane_key_id(plan->lane_key, id);
    qr_write_bytes(&writer, id, 8);
    qr_write_bytes(&writer, seal, 80);
    qr_lane_copy_place(
        (struct quire_bytes){out->data + before, out->size - before}, plan->grantee, place);
    qr_lane_copy_commitment(key, place, commitment);
    qr_aad_init(&aad, QR_CONTEXT_COPY_TEXT);
    qr_aad_bytes(&aad, place, 32);
    qr_aead_encrypt(padded, size, key, &aad, entropy, nonce);
    commitment[0] ^= plan->fault == 2;
    padded[0] ^= plan->fault == 3;
    qr_write_bytes(&writer, nonce, 24);
    qr_write_bytes(&writer, commitment, 32);
    qr_write_u32(&writer, (uint32_t)(size + QR_TAG_SIZE));
    qr_write_bytes(&writer, padded, size + QR_TAG_SIZE);
    free(padded);
    sign(person, QR_CONTEXT_COPY, out);
    out->data[out->size - 64] ^= plan->fault == 1;
}

bool person_open(
    const struct person *person, struct quire_bytes sealed, struct quire_buffer *out_content)
{
    if (sealed.size < QR_RESULT_SEAL_OVERHEAD + 4) {
        return false;
    }
    size_t size = sealed.size - QR_RESULT_SEAL_OVERHEAD;
    uint8_t *plain = malloc(size);
    bool good = crypto_box_seal_open(
                    plain, sealed.data, sealed.size, person->box_public, person->box_secret)
        == 0;
    good = good && quire_buffer_append(out_content, plain + 4, qr_load_u32(plain)) == QUIRE_OK;
    free(plain);
    return good;
}
