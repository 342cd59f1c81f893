/*
 * Objects of the lane, read and written.
 */
#include "worker/objects.h"
#include "base/reader.h"
#include "base/writer.h"

#define VERSION 1
#define SEAL_ROW (QR_LANE_KEY_ID_SIZE + QR_SEAL_SIZE)

/* The bytes without the signature, which is then at their end. */
static struct quire_bytes body_of(struct quire_bytes bytes)
{
    size_t size = bytes.size < QR_SIGNATURE_SIZE ? 0 : bytes.size - QR_SIGNATURE_SIZE;
    return (struct quire_bytes){bytes.data, size};
}

static enum quire_status prove(const uint8_t *public_key, enum qr_context context,
    struct quire_bytes body, const uint8_t *signature)
{
    uint8_t hash[QR_HASH_SIZE];
    const struct quire_bytes part = {hash, sizeof hash};
    qr_hash(hash, context, &body, 1);
    return qr_verify(public_key, context, &part, 1, signature) ? QUIRE_OK : QUIRE_ECRYPTO;
}

enum quire_status qr_grant_read(struct quire_bytes bytes, struct qr_grant *out_grant)
{
    struct quire_bytes body = body_of(bytes);
    struct qr_reader reader = qr_reader_over(body);
    struct qr_grant grant = {0};
    uint8_t version = qr_read_u8(&reader);
    grant.sign = qr_read_bytes(&reader, QR_KEY_SIZE).data;
    grant.grantee = qr_read_bytes(&reader, QR_USER_SIZE).data;
    grant.purpose = qr_read_u8(&reader);
    grant.mode = qr_read_u8(&reader);
    grant.fields = qr_read_u16(&reader);
    grant.not_after = qr_read_u64(&reader);
    grant.per_day = qr_read_u32(&reader);
    grant.analyser = qr_read_bytes(&reader, QR_HASH_SIZE).data;
    grant.words = qr_read_bytes(&reader, QR_HASH_SIZE).data;
    grant.locale = qr_read_bytes(&reader, 8).data;
    grant.box = qr_read_bytes(&reader, QR_KEY_SIZE).data;
    if (!qr_reader_done(&reader) || version != VERSION || grant.fields == 0
        || (grant.fields & ~QR_FIELDS_ALL) != 0) {
        return QUIRE_EMALFORMED;
    }
    *out_grant = grant;
    return QUIRE_OK;
}

enum quire_status qr_grant_open(struct quire_bytes bytes, struct qr_grant *out_grant)
{
    struct quire_bytes body = body_of(bytes);
    struct qr_grant grant;
    enum quire_status status = qr_grant_read(bytes, &grant);
    if (status == QUIRE_OK) {
        status = prove(grant.sign, QR_CONTEXT_GRANT, body, body.data + body.size);
    }
    if (status == QUIRE_OK) {
        *out_grant = grant;
    }
    return status;
}

enum quire_status qr_copy_read(struct quire_bytes bytes, struct qr_copy *out_copy)
{
    struct quire_bytes body = body_of(bytes);
    struct qr_reader reader = qr_reader_over(body);
    struct qr_copy copy = {0};
    uint8_t version = qr_read_u8(&reader);
    copy.sign = qr_read_bytes(&reader, QR_KEY_SIZE).data;
    copy.subject = qr_read_bytes(&reader, QR_SUBJECT_SIZE).data;
    copy.rev = qr_read_u64(&reader);
    copy.tag = qr_read_bytes(&reader, 16).data;
    copy.fields = qr_read_u16(&reader);
    copy.made_at = qr_read_u64(&reader);
    copy.seal_count = qr_read_u8(&reader);
    if (copy.seal_count > QR_COPY_SEALS_MAX) {
        return QUIRE_ELIMIT;
    }
    copy.seals = qr_read_bytes(&reader, (size_t)copy.seal_count * SEAL_ROW).data;
    copy.head = (struct quire_bytes){body.data, body.size - qr_reader_left(&reader)};
    copy.nonce = qr_read_bytes(&reader, QR_NONCE_SIZE).data;
    copy.commitment = qr_read_bytes(&reader, QR_HASH_SIZE).data;
    size_t size = qr_read_u32(&reader);
    if (!reader.failed && size > QR_COPY_TEXT_MAX) {
        return QUIRE_ELIMIT;
    }
    copy.ciphertext = qr_read_bytes(&reader, size);
    if (!qr_reader_done(&reader) || version != VERSION || copy.fields == 0) {
        return QUIRE_EMALFORMED;
    }
    qr_hash(copy.id, QR_CONTEXT_COPY, &body, 1);
    *out_copy = copy;
    return QUIRE_OK;
}

enum quire_status qr_copy_open(struct quire_bytes bytes, struct qr_copy *out_copy)
{
    struct qr_copy copy;
    enum quire_status status = qr_copy_read(bytes, &copy);
    if (status == QUIRE_OK) {
        const struct quire_bytes part = {copy.id, sizeof copy.id};
        struct quire_bytes body = body_of(bytes);
        status = qr_verify(copy.sign, QR_CONTEXT_COPY, &part, 1, body.data + body.size)
            ? QUIRE_OK
            : QUIRE_ECRYPTO;
    }
    if (status == QUIRE_OK) {
        *out_copy = copy;
    }
    return status;
}

enum quire_status qr_withdrawal_open(struct quire_bytes bytes, const uint8_t **out_sign)
{
    struct quire_bytes body = body_of(bytes);
    struct qr_reader reader = qr_reader_over(body);
    uint8_t version = qr_read_u8(&reader);
    const uint8_t *sign = qr_read_bytes(&reader, QR_KEY_SIZE).data;
    (void)qr_read_u64(&reader);
    if (!qr_reader_done(&reader) || version != VERSION) {
        return QUIRE_EMALFORMED;
    }
    enum quire_status status = prove(sign, QR_CONTEXT_WITHDRAWAL, body, body.data + body.size);
    if (status == QUIRE_OK) {
        *out_sign = sign;
    }
    return status;
}

/* Signs what was appended since `start`, and appends the signature. */
static enum quire_status finish(struct qr_writer *writer, enum qr_context context,
    const struct qr_vault *instance, size_t start)
{
    enum quire_status status = qr_writer_end(writer);
    if (status == QUIRE_OK) {
        uint8_t hash[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
        struct quire_buffer *bytes = writer->buffer;
        const struct quire_bytes body = {bytes->data + start, bytes->size - start};
        const struct quire_bytes part = {hash, sizeof hash};
        qr_hash(hash, context, &body, 1);
        qr_vault_sign(instance, context, &part, 1, signature);
        status = quire_buffer_append(bytes, signature, sizeof signature);
        bytes->size = status == QUIRE_OK ? bytes->size : start;
    }
    return status;
}

enum quire_status qr_lane_key_write(
    const struct qr_lane_key *key, const struct qr_vault *instance, struct quire_buffer *out_bytes)
{
    size_t start = out_bytes->size;
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, VERSION);
    qr_write_bytes(&writer, key->instance, QR_DEVICE_SIZE);
    qr_write_u32(&writer, key->period);
    qr_write_bytes(&writer, key->box, QR_KEY_SIZE);
    qr_write_u64(&writer, key->seal_until);
    qr_write_u64(&writer, key->open_until);
    qr_write_bytes(&writer, key->build, QR_HASH_SIZE);
    qr_write_u16(&writer, key->policy);
    return finish(&writer, QR_CONTEXT_LANE_KEY, instance, start);
}

enum quire_status qr_result_write(
    const struct qr_result *result, const struct qr_vault *instance, struct quire_buffer *out_bytes)
{
    size_t start = out_bytes->size;
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, VERSION);
    qr_write_bytes(&writer, result->copy, QR_HASH_SIZE);
    qr_write_bytes(&writer, result->sign, QR_KEY_SIZE);
    qr_write_bytes(&writer, result->instance, QR_DEVICE_SIZE);
    qr_write_bytes(&writer, result->analyser, QR_HASH_SIZE);
    qr_write_u64(&writer, result->read_at);
    qr_write_u64(&writer, result->seq);
    qr_write_bytes(&writer, result->prev, QR_HASH_SIZE);
    qr_write_u8(&writer, (uint8_t)result->outcome);
    qr_write_u32(&writer, (uint32_t)result->sealed.size);
    qr_write_bytes(&writer, result->sealed.data, result->sealed.size);
    return finish(&writer, QR_CONTEXT_RESULT, instance, start);
}

void qr_lane_key_id(struct quire_bytes key, uint8_t out_id[QR_LANE_KEY_ID_SIZE])
{
    uint8_t hash[QR_HASH_SIZE];
    qr_hash(hash, QR_CONTEXT_LANE_KEY, &key, 1);
    memcpy(out_id, hash, QR_LANE_KEY_ID_SIZE);
}

void qr_result_hash(struct quire_bytes result, uint8_t out_hash[QR_HASH_SIZE])
{
    qr_hash(out_hash, QR_CONTEXT_RESULT, &result, 1);
}

void qr_analyser_id(const struct quire_bytes *bundles, size_t count, uint8_t out_id[QR_HASH_SIZE])
{
    struct qr_hasher hasher;
    qr_hasher_init(&hasher, QR_CONTEXT_ANALYSER);
    for (size_t i = 0; i < count; i++) {
        uint8_t hash[QR_HASH_SIZE];
        qr_hash(hash, QR_CONTEXT_BUNDLE, &bundles[i], 1);
        qr_hasher_add(&hasher, hash, sizeof hash);
    }
    qr_hasher_finish(&hasher, out_id);
}
