/*
 * Messages between gate and core: read and written side by side.
 */
#include "worker/link.h"
#include "base/reader.h"
#include "base/writer.h"

#define OUTCOMES 7

static struct quire_bytes read_sized(struct qr_reader *reader, size_t max)
{
    size_t size = qr_read_u16(reader);
    reader->failed |= size == 0 || size > max;
    return qr_read_bytes(reader, size);
}

/* What is left, at least one byte. */
static struct quire_bytes read_rest(struct qr_reader *reader)
{
    size_t size = qr_reader_left(reader);
    reader->failed |= size == 0;
    return qr_read_bytes(reader, size);
}

enum quire_status qr_link_read(struct quire_bytes bytes, struct qr_link *out_message)
{
    if (bytes.size == 0 || bytes.size > QR_LINK_MAX) {
        return QUIRE_EMALFORMED;
    }
    struct qr_reader reader = qr_reader_over(bytes);
    struct qr_link message = {.type = (enum qr_link_type)qr_read_u8(&reader)};
    switch (message.type) {
    case QR_LINK_AUTH:
        message.auth.host = read_sized(&reader, QR_LINK_HOST_MAX);
        message.auth.hello = read_sized(&reader, QR_LINK_FRAME_MAX);
        message.auth.challenge = read_sized(&reader, QR_LINK_FRAME_MAX);
        break;
    case QR_LINK_COPY:
    case QR_LINK_WITHDRAWAL:
    case QR_LINK_GIVE_UP:
        message.work.lease = qr_read_u64(&reader);
        message.work.grant = read_sized(&reader, QR_LINK_GRANT_MAX);
        message.work.object = read_rest(&reader);
        break;
    case QR_LINK_TICK: break;
    case QR_LINK_READY:
        message.ready.grantee = qr_read_bytes(&reader, QR_USER_SIZE).data;
        message.ready.instance = qr_read_bytes(&reader, QR_DEVICE_SIZE).data;
        message.ready.analyser = qr_read_bytes(&reader, QR_HASH_SIZE).data;
        message.ready.records = qr_read_u32(&reader);
        break;
    case QR_LINK_SIGNED:
        message.proof.signature = qr_read_bytes(&reader, QR_SIGNATURE_SIZE).data;
        break;
    case QR_LINK_KEYS:
        message.keys.count = qr_read_u8(&reader);
        reader.failed |= message.keys.count > QR_LINK_KEYS_MAX;
        for (size_t i = 0; !reader.failed && i < message.keys.count; i++) {
            message.keys.items[i] = read_sized(&reader, QR_LINK_KEY_MAX);
        }
        break;
    case QR_LINK_RESULT:
        message.done.lease = qr_read_u64(&reader);
        message.done.outcome = qr_read_u8(&reader);
        message.done.result = read_rest(&reader);
        reader.failed |= message.done.outcome >= OUTCOMES;
        break;
    case QR_LINK_REFUSED:
        message.refused.lease = qr_read_u64(&reader);
        message.refused.why = (enum qr_link_why)qr_read_u8(&reader);
        reader.failed |= message.refused.why == 0 || message.refused.why >= QR_LINK_WHY_COUNT;
        break;
    default: return QUIRE_EMALFORMED;
    }
    if (!qr_reader_done(&reader)) {
        return QUIRE_EMALFORMED;
    }
    *out_message = message;
    return QUIRE_OK;
}

static void write_sized(struct qr_writer *writer, struct quire_bytes bytes)
{
    qr_write_u16(writer, (uint16_t)bytes.size);
    qr_write_bytes(writer, bytes.data, bytes.size);
}

static bool fits(struct quire_bytes bytes, size_t max)
{
    return bytes.size > 0 && bytes.size <= max;
}

static void write_body(struct qr_writer *writer, const struct qr_link *message)
{
    switch (message->type) {
    case QR_LINK_AUTH:
        write_sized(writer, message->auth.host);
        write_sized(writer, message->auth.hello);
        write_sized(writer, message->auth.challenge);
        break;
    case QR_LINK_COPY:
    case QR_LINK_WITHDRAWAL:
    case QR_LINK_GIVE_UP:
        qr_write_u64(writer, message->work.lease);
        write_sized(writer, message->work.grant);
        qr_write_bytes(writer, message->work.object.data, message->work.object.size);
        break;
    case QR_LINK_TICK: break;
    case QR_LINK_READY:
        qr_write_bytes(writer, message->ready.grantee, QR_USER_SIZE);
        qr_write_bytes(writer, message->ready.instance, QR_DEVICE_SIZE);
        qr_write_bytes(writer, message->ready.analyser, QR_HASH_SIZE);
        qr_write_u32(writer, message->ready.records);
        break;
    case QR_LINK_SIGNED: qr_write_bytes(writer, message->proof.signature, QR_SIGNATURE_SIZE); break;
    case QR_LINK_KEYS:
        qr_write_u8(writer, message->keys.count);
        for (size_t i = 0; i < message->keys.count; i++) {
            write_sized(writer, message->keys.items[i]);
        }
        break;
    case QR_LINK_RESULT:
        qr_write_u64(writer, message->done.lease);
        qr_write_u8(writer, message->done.outcome);
        qr_write_bytes(writer, message->done.result.data, message->done.result.size);
        break;
    case QR_LINK_REFUSED:
        qr_write_u64(writer, message->refused.lease);
        qr_write_u8(writer, (uint8_t)message->refused.why);
        break;
    }
}

static bool is_valid(const struct qr_link *message)
{
    switch (message->type) {
    case QR_LINK_AUTH:
        return fits(message->auth.host, QR_LINK_HOST_MAX)
            && fits(message->auth.hello, QR_LINK_FRAME_MAX)
            && fits(message->auth.challenge, QR_LINK_FRAME_MAX);
    case QR_LINK_COPY:
    case QR_LINK_WITHDRAWAL:
    case QR_LINK_GIVE_UP:
        return fits(message->work.grant, QR_LINK_GRANT_MAX)
            && fits(message->work.object, QR_LINK_MAX);
    case QR_LINK_TICK:
    case QR_LINK_READY:
    case QR_LINK_SIGNED: return true;
    case QR_LINK_KEYS:
        for (size_t i = 0; i < message->keys.count && i < QR_LINK_KEYS_MAX; i++) {
            if (!fits(message->keys.items[i], QR_LINK_KEY_MAX)) {
                return false;
            }
        }
        return message->keys.count <= QR_LINK_KEYS_MAX;
    case QR_LINK_RESULT:
        return message->done.outcome < OUTCOMES && fits(message->done.result, QR_LINK_MAX);
    case QR_LINK_REFUSED:
        return message->refused.why > 0 && message->refused.why < QR_LINK_WHY_COUNT;
    }
    return false;
}

enum quire_status qr_link_write(const struct qr_link *message, struct quire_buffer *out_bytes)
{
    if (!is_valid(message)) {
        return QUIRE_EINVALID;
    }
    size_t before = out_bytes->size;
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, (uint8_t)message->type);
    write_body(&writer, message);
    enum quire_status status = qr_writer_end(&writer);
    if (status == QUIRE_OK && out_bytes->size - before > QR_LINK_MAX) {
        out_bytes->size = before;
        return QUIRE_EINVALID;
    }
    return status;
}
