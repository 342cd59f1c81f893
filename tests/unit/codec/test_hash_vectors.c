/*
 * The hashes and signatures of protocol/vectors: batches, records, the opening of a connection.
 */
#include "crypto/sign.h"
#include "match.h"
#include "sync/roster.h"
#include "sync/transcript.h"

static void copy_bytes(const json_t *object, const char *key, uint8_t *out, size_t size)
{
    struct quire_buffer bytes = vector_bytes(object, key);
    cr_assert_eq(bytes.size, size, "%s", key);
    memcpy(out, bytes.data, size);
    quire_buffer_finish(&bytes);
}

static bool signed_by(const json_t *root, const char *key, enum qr_context context,
    const uint8_t hash[QR_HASH_SIZE], const uint8_t *signature)
{
    uint8_t public_key[QR_KEY_SIZE];
    copy_bytes(root, key, public_key, sizeof public_key);
    struct quire_bytes message = {hash, QR_HASH_SIZE};
    return qr_verify(public_key, context, &message, 1, signature);
}

Test(hash_vectors, batches_hash_and_verify_as_written_down)
{
    cr_assert(qr_crypto_init());
    json_t *root = vectors_load("batches.json");
    uint8_t user[QR_USER_SIZE], roster_hash[QR_HASH_SIZE];
    copy_bytes(root, "user", user, sizeof user);
    copy_bytes(root, "roster_hash", roster_hash, sizeof roster_hash);
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        struct qr_batch batch;
        uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE];
        cr_assert_eq(qr_batch_read(bytes, &batch), QUIRE_OK);
        qr_batch_signed(&batch, user, roster_hash, signed_hash);
        qr_batch_hash(signed_hash, batch.signature, hash);
        cr_assert(vector_is(vector, "signed_hash", signed_hash, sizeof signed_hash), "%s",
            vector_text(vector, "name"));
        cr_assert(vector_is(vector, "hash", hash, sizeof hash), "%s", vector_text(vector, "name"));
        cr_assert(
            signed_by(root, "sign_public", QR_CONTEXT_BATCH_SIGN, signed_hash, batch.signature));
        free_copy(bytes);
    }
    cr_assert_gt(i, 0);
    json_decref(root);
}

Test(hash_vectors, batches_of_later_versions_have_the_same_hashes)
{
    cr_assert(qr_crypto_init());
    json_t *root = vectors_load("batches.json");
    uint8_t user[QR_USER_SIZE], roster_hash[QR_HASH_SIZE];
    copy_bytes(root, "user", user, sizeof user);
    copy_bytes(root, "roster_hash", roster_hash, sizeof roster_hash);
    const json_t *vector;
    size_t i, later = 0;
    json_array_foreach(json_object_get(root, "invalid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        struct qr_batch batch;
        uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE];
        enum quire_status wanted = vector_status(vector);
        enum quire_status status = qr_batch_read_any(bytes, &batch);
        cr_assert_eq(status, wanted == QUIRE_EUNSUPPORTED ? QUIRE_OK : wanted, "%s",
            vector_text(vector, "name"));
        if (status == QUIRE_OK) {
            later++;
            cr_assert(batch.reserved || batch.version > QR_BATCH_VERSION);
            qr_batch_signed(&batch, user, roster_hash, signed_hash);
            qr_batch_hash(signed_hash, batch.signature, hash);
            cr_assert(vector_is(vector, "signed_hash", signed_hash, sizeof signed_hash));
            cr_assert(vector_is(vector, "hash", hash, sizeof hash));
            cr_assert(signed_by(
                root, "sign_public", QR_CONTEXT_BATCH_SIGN, signed_hash, batch.signature));
        }
        free_copy(bytes);
    }
    cr_assert_geq(later, 6);
    json_decref(root);
}

Test(hash_vectors, records_hash_and_verify_as_written_down)
{
    static struct qr_record record;
    cr_assert(qr_crypto_init());
    json_t *root = vectors_load("records.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        uint8_t hash[QR_HASH_SIZE];
        cr_assert_eq(qr_record_read(bytes, &record), QUIRE_OK);
        qr_record_hash(record.signed_bytes, hash);
        cr_assert(vector_is(vector, "hash", hash, sizeof hash), "%s", vector_text(vector, "name"));
        bool by_root = qr_is_zero(record.signer, QR_DEVICE_SIZE);
        cr_assert(signed_by(root, by_root ? "root_public" : "sign_public", QR_CONTEXT_ROSTER_SIGN,
            hash, record.signature));
        if (record.kind == QR_RECORD_GENESIS) {
            uint8_t user[QR_USER_SIZE];
            qr_record_user(record.signed_bytes, user);
            cr_assert(vector_is(vector, "user", user, sizeof user));
        }
        free_copy(bytes);
    }
    cr_assert_gt(i, 0);
    json_decref(root);
}

Test(hash_vectors, authentication_signs_host_and_transcript_as_written_down)
{
    cr_assert(qr_crypto_init());
    json_t *root = vectors_load("frames.json");
    const json_t *vector = json_object_get(root, "authentication");
    struct quire_buffer hello = vector_bytes(vector, "hello");
    struct quire_buffer challenge = vector_bytes(vector, "challenge");
    uint8_t digest[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    qr_auth_digest(quire_bytes_of_text(vector_text(vector, "host")), quire_buffer_bytes(&hello),
        quire_buffer_bytes(&challenge), digest);
    cr_assert(vector_is(vector, "digest", digest, sizeof digest));
    copy_bytes(vector, "signature", signature, sizeof signature);
    cr_assert(signed_by(vector, "sign_public", QR_CONTEXT_AUTH, digest, signature));
    quire_buffer_finish(&hello);
    quire_buffer_finish(&challenge);
    json_decref(root);
}
