/*
 * The records of a profile and their keys. All values but those of 'b' are sealed under the profile's
 * key and bound to their own.
 *
 *   v                       the vault
 *   s                       state: version, replica and its stamp, alarms, last caught up, name
 *   r seq:4                 a roster record
 *   c replica:8              a chain
 *   b replica:8 seq:8        a batch: hash 32 ‖ the bytes as signed (what the server has, too)
 *   e entry:16              a document's state
 *   t entry:16 n:4          deltas merged since that state, in order
 *   l entry:16              edits that are not sealed yet
 *   m entry:16              what a list shows
 *   f entry:16              its words, to be found by; not there: they are to be gathered again
 *   g device:16             a record that the server lost and this device re-applies
 *   q n:8                   a change out of a dropped batch, to be sealed anew: entry ‖ delta
 *   x n:1                   the other side of a fork, as it came: the last 64
 *   a                       when our batches were acknowledged: version, replica, marks
 */
#include "sync/device/records.h"
#include "base/reader.h"
#include "base/writer.h"
#include "sync/device/actions.h"

#define EVIDENCE_MAX 64
#define SEALED_KEPT_MAX (64 * 1024) /* bytes of memory kept for the next record that is read */

struct device_key device_key(char kind, const uint8_t *id, size_t id_size)
{
    struct device_key key = {.size = 1 + id_size};
    key.bytes[0] = (uint8_t)kind;
    if (id_size > 0) {
        memcpy(key.bytes + 1, id, id_size);
    }
    return key;
}

struct device_key device_key_number(
    char kind, const uint8_t *id, size_t id_size, uint64_t number, size_t number_size)
{
    struct device_key key = device_key(kind, id, id_size);
    uint8_t bytes[8];
    qr_store_u64(bytes, number);
    memcpy(key.bytes + key.size, bytes + 8 - number_size, number_size);
    key.size += number_size;
    return key;
}

struct quire_bytes device_key_bytes(const struct device_key *key)
{
    return (struct quire_bytes){key->bytes, key->size};
}

void device_write_sealed(
    struct quire_device *device, const struct device_key *key, struct quire_bytes value)
{
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct quire_buffer *out = &device->out.bytes;
    size_t offset = out->size;
    device_random(device, entropy);
    if (device_ok(device,
            qr_local_seal_under(device->local_key, device_key_bytes(key), value, entropy, out))) {
        device_write_made(device, device_key_bytes(key), offset);
    }
}

enum quire_status device_open_sealed(const struct quire_device *device, struct quire_bytes key,
    struct quire_bytes value, struct quire_buffer *out_value)
{
    /* The vault has opened under this key: what does not is damaged. */
    enum quire_status status = qr_local_open_under(device->local_key, key, value, out_value);
    return status == QUIRE_EMALFORMED || status == QUIRE_ECRYPTO ? QUIRE_ECORRUPT : status;
}

enum quire_status device_read_sealed(
    struct quire_device *device, const struct device_key *key, struct quire_buffer *out_value)
{
    quire_buffer_clear(&device->scratch);
    enum quire_status status =
        device->reader.get(device->reader.context, device_key_bytes(key), &device->scratch);
    if (status == QUIRE_OK) {
        status = device_open_sealed(
            device, device_key_bytes(key), quire_buffer_bytes(&device->scratch), out_value);
    }
    if (device->scratch.capacity > SEALED_KEPT_MAX) {
        quire_buffer_finish(&device->scratch);
    }
    return status;
}

void device_erase_record(struct quire_device *device, const struct device_key *key)
{
    device_erase(device, device_key_bytes(key));
}

/* ---- writing ---------------------------------------------------------------------------------- */

void device_write_vault(struct quire_device *device)
{
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct quire_buffer sealed = {0};
    struct device_key key = device_key('v', NULL, 0);
    device_random(device, entropy);
    if (device_ok(device,
            qr_vault_save(
                device->vault, device->profile_key, device_key_bytes(&key), entropy, &sealed))) {
        device_write(device, device_key_bytes(&key), quire_buffer_bytes(&sealed));
    }
    quire_buffer_finish(&sealed);
}

void device_write_state(struct quire_device *device)
{
    struct quire_buffer value = {0};
    struct qr_writer writer = qr_writer_onto(&value);
    qr_write_u8(&writer, DEVICE_STATE_VERSION);
    qr_write_bytes(&writer, device->replica.id, QR_REPLICA_SIZE);
    qr_write_bytes(&writer, device->replica.stamp, QR_HASH_SIZE);
    qr_write_u64(&writer, (uint64_t)device->receipt.caught_up_wall_ms);
    qr_write_u8(&writer, QUIRE_ALARM_COUNT);
    for (size_t i = 0; i < QUIRE_ALARM_COUNT; i++) {
        qr_write_u64(&writer, device->alarms[i]);
    }
    qr_write_u64(&writer, (uint64_t)device->receipt.news_wall_ms);
    if (device->enrolment.role == ROLE_MEMBER && device_ok(device, qr_writer_end(&writer))) {
        struct device_key key = device_key('s', NULL, 0);
        device_write_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_write_record(struct quire_device *device, uint32_t seq)
{
    struct device_key key = device_key_number('r', NULL, 0, seq, 4);
    device_write_sealed(device, &key, qr_roster_record(&device->roster, seq));
}

void device_write_chain(struct quire_device *device, const struct device_chain *chain)
{
    uint8_t value[DEVICE_CHAIN_RECORD_SIZE];
    uint8_t *next = value;
    memcpy(next, chain->device, QR_DEVICE_SIZE), next += QR_DEVICE_SIZE;
    qr_store_u64(next, chain->head), next += 8;
    memcpy(next, chain->hash, QR_HASH_SIZE), next += QR_HASH_SIZE;
    qr_store_u32(next, chain->roster_seq), next += 4;
    qr_store_u64(next, chain->caught_up_at), next += 8;
    qr_store_u64(next, chain->acked), next += 8;
    qr_store_u64(next, chain->acked_wall_ms), next += 8;
    qr_store_u64(next, chain->sees_own), next += 8;
    *next = chain->covered;
    struct device_key key = device_key('c', chain->replica, QR_REPLICA_SIZE);
    device_write_sealed(device, &key, (struct quire_bytes){value, sizeof value});
}

void device_write_batch(struct quire_device *device, const uint8_t *replica, uint64_t seq,
    const uint8_t *hash, struct quire_bytes bytes)
{
    struct device_key key = device_key_number('b', replica, QR_REPLICA_SIZE, seq, 8);
    struct quire_buffer value = {0};
    if (device_ok(device, quire_buffer_append(&value, hash, QR_HASH_SIZE))
        && device_ok(device, quire_buffer_append(&value, bytes.data, bytes.size))) {
        device_write(device, device_key_bytes(&key), quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_write_evidence(struct quire_device *device, struct quire_bytes bytes)
{
    if (bytes.size > 0) {
        uint64_t place = device->alarms[QUIRE_ALARM_FORK] % EVIDENCE_MAX;
        struct device_key key = device_key_number('x', NULL, 0, place, 1);
        device_write(device, device_key_bytes(&key), bytes);
    }
}

void device_write_acks(struct quire_device *device)
{
    struct quire_buffer value = {0};
    struct qr_writer writer = qr_writer_onto(&value);
    qr_write_u8(&writer, DEVICE_ACKS_VERSION);
    qr_write_bytes(&writer, device->replica.id, QR_REPLICA_SIZE);
    qr_write_u8(&writer, (uint8_t)device->replica.acks.count);
    for (size_t i = 0; i < device->replica.acks.count; i++) {
        qr_write_u64(&writer, device->replica.acks.items[i].seq);
        qr_write_u64(&writer, device->replica.acks.items[i].last);
        qr_write_u64(&writer, device->replica.acks.items[i].first);
    }
    if (device_ok(device, qr_writer_end(&writer))) {
        struct device_key key = device_key('a', NULL, 0);
        device_write_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_write_lost_op(struct quire_device *device, const struct device_lost_op *op)
{
    struct quire_buffer value = {0};
    if (device_ok(device, device_lost_op_encode(op, &value))) {
        struct device_key key = device_key('g', op->device, QR_DEVICE_SIZE);
        device_write_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_erase_lost_op(struct quire_device *device, struct device_lost_op *op)
{
    struct device_key key = device_key('g', op->device, QR_DEVICE_SIZE);
    device_erase_record(device, &key);
    device_lost_ops_remove(&device->lost_ops, op);
}

void device_emit_replica(struct quire_device *device)
{
    if (!QR_FAILPOINT_ON(STAMP_KEPT)) {
        device_random(device, device->replica.stamp);
    }
    device_write_state(device);
    const struct device_chain *chain = device_chain_find(device, device->replica.id);
    uint8_t record[QUIRE_REPLICA_RECORD_SIZE];
    memcpy(record, device->replica.id, QR_REPLICA_SIZE);
    qr_store_u64(record + QR_REPLICA_SIZE, chain == NULL ? 0 : chain->head);
    memcpy(record + QR_REPLICA_SIZE + 8, device->replica.stamp, QR_HASH_SIZE);
    struct quire_bytes kept =
        device_output_keep(&device->out, (struct quire_bytes){record, sizeof record});
    struct quire_action *action = device_output_add(&device->out, QUIRE_ACTION_REPLICA);
    if (action != NULL) {
        action->bytes = kept;
    }
}

void device_alarm(struct quire_device *device, enum quire_alarm_kind alarm)
{
    device->alarms[alarm]++;
    device_write_state(device);
    device_notice(device, QUIRE_NOTICE_ALARM, alarm);
}

void device_write_all(struct quire_device *device)
{
    device_write_vault(device);
    for (uint32_t seq = 0; seq < device->roster.count; seq++) {
        device_write_record(device, seq);
    }
    device_emit_replica(device);
}

/* ---- reading ---------------------------------------------------------------------------------- */

enum quire_status device_read_batch(const struct quire_device *device, const uint8_t *replica,
    uint64_t seq, struct quire_buffer *out_value)
{
    struct device_key key = device_key_number('b', replica, QR_REPLICA_SIZE, seq, 8);
    size_t before = out_value->size;
    enum quire_status status =
        device->reader.get(device->reader.context, device_key_bytes(&key), out_value);
    if (status == QUIRE_OK && out_value->size - before <= QR_HASH_SIZE) {
        status = QUIRE_ECORRUPT;
    }
    return status;
}
