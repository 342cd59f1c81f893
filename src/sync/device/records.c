/*
 * What a profile keeps, under which key. All values but those of 'b' are sealed under the profile's
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
 *   g device:16             a record that the server forgot and this device makes again
 *   q n:8                   a change out of a dropped batch, to be sealed anew: entry ‖ delta
 *   x n:1                   the other side of a fork, as it came: the last 64
 *   a                       when our batches were acknowledged: version, replica, marks
 */
#include "sync/device/state.h"

#define STATE_VERSION 2 /* 1 had no news_wall_ms */
#define EVIDENCE_MAX 64
#define SEALED_KEPT_MAX (64 * 1024) /* bytes of memory kept for the next record that is read */
#define ACKS_VERSION 1
#define CHAIN_RECORD_SIZE (QR_DEVICE_SIZE + 8 + QR_HASH_SIZE + 4 + 8 + 8 + 8 + 8 + 1)

struct device_key device_key(char kind, const uint8_t *id, size_t id_size)
{
    struct device_key key = {.size = 1 + id_size};
    key.bytes[0] = (uint8_t)kind;
    if (id_size > 0) {
        memcpy(key.bytes + 1, id, id_size);
    }
    return key;
}

struct device_key device_key_number(char kind, const uint8_t *id, size_t id_size, uint64_t number,
    size_t number_size)
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

void device_put_sealed(struct quire_device *device, const struct device_key *key,
    struct quire_bytes value)
{
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct quire_buffer *out = &device->out.bytes;
    size_t offset = out->size;
    device_random(device, entropy);
    if (device_ok(device, qr_local_seal_under(device->local_key, device_key_bytes(key), value, entropy, out))) {
        device_put_made(device, device_key_bytes(key), offset);
    }
}

enum quire_status device_open_sealed(const struct quire_device *device, struct quire_bytes key,
    struct quire_bytes value, struct quire_buffer *out_value)
{
    /* The vault has opened under this key: what does not is damaged. */
    enum quire_status status = qr_local_open_under(device->local_key, key, value, out_value);
    return status == QUIRE_EMALFORMED || status == QUIRE_ECRYPTO ? QUIRE_ECORRUPT : status;
}

enum quire_status device_get_sealed(struct quire_device *device, const struct device_key *key,
    struct quire_buffer *out_value)
{
    quire_buffer_clear(&device->sealed);
    enum quire_status status =
        device->reader.get(device->reader.context, device_key_bytes(key), &device->sealed);
    if (status == QUIRE_OK) {
        status = device_open_sealed(device, device_key_bytes(key),
            quire_buffer_bytes(&device->sealed), out_value);
    }
    if (device->sealed.capacity > SEALED_KEPT_MAX) {
        quire_buffer_finish(&device->sealed);
    }
    return status;
}

/* ---- writing ---------------------------------------------------------------------------------- */

void device_put_vault(struct quire_device *device)
{
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct quire_buffer sealed = {0};
    struct device_key key = device_key('v', NULL, 0);
    device_random(device, entropy);
    if (device_ok(device, qr_vault_save(device->vault, device->profile_key, device_key_bytes(&key),
                              entropy, &sealed))) {
        device_put(device, device_key_bytes(&key), quire_buffer_bytes(&sealed));
    }
    quire_buffer_finish(&sealed);
}

void device_put_state(struct quire_device *device)
{
    struct quire_buffer value = {0};
    struct qr_writer writer = qr_writer_onto(&value);
    qr_write_u8(&writer, STATE_VERSION);
    qr_write_bytes(&writer, device->replica, QR_REPLICA_SIZE);
    qr_write_bytes(&writer, device->replica_stamp, QR_HASH_SIZE);
    qr_write_u64(&writer, (uint64_t)device->caught_up_wall_ms);
    qr_write_u8(&writer, QUIRE_ALARM_COUNT);
    for (size_t i = 0; i < QUIRE_ALARM_COUNT; i++) {
        qr_write_u64(&writer, device->alarms[i]);
    }
    qr_write_u64(&writer, (uint64_t)device->news_wall_ms);
    if (device->role == ROLE_MEMBER && device_ok(device, qr_writer_end(&writer))) {
        struct device_key key = device_key('s', NULL, 0);
        device_put_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_put_record(struct quire_device *device, uint32_t seq)
{
    struct device_key key = device_key_number('r', NULL, 0, seq, 4);
    device_put_sealed(device, &key, qr_roster_record(&device->roster, seq));
}

void device_put_chain(struct quire_device *device, const struct device_chain *chain)
{
    uint8_t value[CHAIN_RECORD_SIZE];
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
    device_put_sealed(device, &key, (struct quire_bytes){value, sizeof value});
}

void device_put_batch(struct quire_device *device, const uint8_t *replica, uint64_t seq,
    const uint8_t *hash, struct quire_bytes bytes)
{
    struct device_key key = device_key_number('b', replica, QR_REPLICA_SIZE, seq, 8);
    struct quire_buffer value = {0};
    if (device_ok(device, quire_buffer_append(&value, hash, QR_HASH_SIZE)) &&
        device_ok(device, quire_buffer_append(&value, bytes.data, bytes.size))) {
        device_put(device, device_key_bytes(&key), quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_put_evidence(struct quire_device *device, struct quire_bytes bytes)
{
    if (bytes.size > 0) {
        uint64_t place = device->alarms[QUIRE_ALARM_FORK] % EVIDENCE_MAX;
        struct device_key key = device_key_number('x', NULL, 0, place, 1);
        device_put(device, device_key_bytes(&key), bytes);
    }
}

void device_put_acks(struct quire_device *device)
{
    struct quire_buffer value = {0};
    struct qr_writer writer = qr_writer_onto(&value);
    qr_write_u8(&writer, ACKS_VERSION);
    qr_write_bytes(&writer, device->replica, QR_REPLICA_SIZE);
    qr_write_u8(&writer, (uint8_t)device->acks.count);
    for (size_t i = 0; i < device->acks.count; i++) {
        qr_write_u64(&writer, device->acks.items[i].seq);
        qr_write_u64(&writer, device->acks.items[i].last);
        qr_write_u64(&writer, device->acks.items[i].first);
    }
    if (device_ok(device, qr_writer_end(&writer))) {
        struct device_key key = device_key('a', NULL, 0);
        device_put_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

void device_put_all(struct quire_device *device)
{
    device_put_vault(device);
    for (uint32_t seq = 0; seq < device->roster.count; seq++) {
        device_put_record(device, seq);
    }
    device_emit_replica(device);
}

/* ---- reading ---------------------------------------------------------------------------------- */

enum quire_status device_get_batch(const struct quire_device *device, const uint8_t *replica,
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

static enum quire_status read_state(struct quire_device *device, struct quire_bytes replica_record)
{
    struct device_key key = device_key('s', NULL, 0);
    struct quire_buffer value = {0};
    enum quire_status status = device_get_sealed(device, &key, &value);
    if (status == QUIRE_OK) {
        struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&value));
        uint8_t version = qr_read_u8(&reader);
        qr_read_copy(&reader, device->replica, QR_REPLICA_SIZE);
        qr_read_copy(&reader, device->replica_stamp, QR_HASH_SIZE);
        device->caught_up_wall_ms = (int64_t)qr_read_u64(&reader);
        uint8_t count = qr_read_u8(&reader);
        for (size_t i = 0; i < count; i++) {
            uint64_t raised = qr_read_u64(&reader);
            if (i < QUIRE_ALARM_COUNT) {
                device->alarms[i] = raised;
            }
        }
        if (version >= 2) {
            device->news_wall_ms = (int64_t)qr_read_u64(&reader);
        }
        status = version > STATE_VERSION ? QUIRE_EUNSUPPORTED
            : qr_reader_done(&reader)    ? QUIRE_OK
                                         : QUIRE_ECORRUPT;
    }
    quire_buffer_finish(&value);
    bool same = replica_record.size == QUIRE_REPLICA_RECORD_SIZE &&
        memcmp(replica_record.data, device->replica, QR_REPLICA_SIZE) == 0 &&
        memcmp(replica_record.data + QR_REPLICA_SIZE + 8, device->replica_stamp, QR_HASH_SIZE) == 0;
    if (status == QUIRE_OK && !same && !QR_FAILPOINT_ON(ONE_CHAIN)) {
        uint8_t fresh[QR_ENTROPY_SIZE];
        device_random(device, fresh);
        memcpy(device->replica, fresh, QR_REPLICA_SIZE);
    }
    return status;
}

/* Of another replica, or of a newer version: as if there were none, which only makes us quieter. */
static enum quire_status read_acks(struct quire_device *device)
{
    struct device_key key = device_key('a', NULL, 0);
    struct quire_buffer value = {0};
    enum quire_status status = device_get_sealed(device, &key, &value);
    if (status != QUIRE_OK) {
        quire_buffer_finish(&value);
        return status == QUIRE_ENOTFOUND ? QUIRE_OK : status;
    }
    struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&value));
    uint8_t replica[QR_REPLICA_SIZE];
    bool known = qr_read_u8(&reader) == ACKS_VERSION;
    qr_read_copy(&reader, replica, sizeof replica);
    size_t count = qr_read_u8(&reader);
    if (known && memcmp(replica, device->replica, sizeof replica) == 0 && count <= DEVICE_MARKS_MAX) {
        for (size_t i = 0; i < count; i++) {
            device->acks.items[i].seq = qr_read_u64(&reader);
            device->acks.items[i].last = qr_read_u64(&reader);
            device->acks.items[i].first = qr_read_u64(&reader);
        }
        device->acks.count = qr_reader_done(&reader) ? count : 0;
    }
    quire_buffer_finish(&value);
    return QUIRE_OK;
}

struct load {
    struct quire_device *device;
    enum quire_status status;
};

static bool load_record(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    struct quire_buffer record = {0};
    load->status = device_open_sealed(load->device, key, value, &record);
    if (load->status == QUIRE_OK) {
        load->status = qr_roster_append(&load->device->roster, quire_buffer_bytes(&record));
        if (load->status != QUIRE_OK && load->status != QUIRE_ENOMEM) {
            load->status = QUIRE_ECORRUPT;
        }
    }
    quire_buffer_finish(&record);
    return load->status == QUIRE_OK;
}

static bool load_chain(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    struct quire_buffer plain = {0};
    load->status = device_open_sealed(load->device, key, value, &plain);
    if (load->status == QUIRE_OK &&
        (plain.size != CHAIN_RECORD_SIZE || key.size != 1 + QR_REPLICA_SIZE)) {
        load->status = QUIRE_ECORRUPT;
    }
    if (load->status == QUIRE_OK) {
        struct device_chain *chain = device_chain_get(load->device, key.data + 1, plain.data);
        if (chain == NULL) {
            load->status = QUIRE_ENOMEM;
        } else {
            struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&plain));
            (void)qr_read_bytes(&reader, QR_DEVICE_SIZE);
            chain->head = chain->durable = qr_read_u64(&reader);
            qr_read_copy(&reader, chain->hash, QR_HASH_SIZE);
            chain->roster_seq = qr_read_u32(&reader);
            chain->caught_up_at = qr_read_u64(&reader);
            chain->acked = qr_read_u64(&reader);
            chain->acked_wall_ms = qr_read_u64(&reader);
            chain->sees_own = qr_read_u64(&reader);
            chain->covered = qr_read_u8(&reader) != 0;
        }
    }
    quire_buffer_finish(&plain);
    return load->status == QUIRE_OK;
}

static bool load_pending(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    if (key.size != 1 + QR_ENTRY_SIZE || value.size < QR_LOCAL_OVERHEAD) {
        load->status = QUIRE_ECORRUPT;
        return false;
    }
    device_pending_set(load->device, key.data + 1, value.size - QR_LOCAL_OVERHEAD);
    load->status = load->device->failure;
    return load->status == QUIRE_OK;
}

static bool load_again(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    struct quire_buffer plain = {0};
    load->status = device_open_sealed(load->device, key, value, &plain);
    if (load->status == QUIRE_OK && key.data[0] == 'g') {
        load->status = key.size == 1 + QR_DEVICE_SIZE
            ? device_redo_load(load->device, key.data + 1, quire_buffer_bytes(&plain))
            : QUIRE_ECORRUPT;
    } else if (load->status == QUIRE_OK) {
        load->status = key.size == 1 + 8
            ? device_carried_load(load->device, qr_load_u64(key.data + 1), quire_buffer_bytes(&plain))
            : QUIRE_ECORRUPT;
    }
    quire_buffer_finish(&plain);
    return load->status == QUIRE_OK;
}

static bool load_unread(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    (void)value;
    load->status = key.size != 1 + QR_REPLICA_SIZE + 8 ? QUIRE_ECORRUPT
        : device_unread_load(load->device, key.data + 1, qr_load_u64(key.data + 1 + QR_REPLICA_SIZE));
    return load->status == QUIRE_OK;
}

static enum quire_status scan(struct quire_device *device, const char *prefix,
    bool (*visit)(void *, struct quire_bytes, struct quire_bytes))
{
    struct load load = {device, QUIRE_OK};
    enum quire_status status =
        device->reader.scan(device->reader.context, quire_bytes_of_text(prefix), visit, &load);
    return status == QUIRE_OK ? load.status : status;
}

enum quire_status device_load(struct quire_device *device, struct quire_bytes replica_record)
{
    struct device_key key = device_key('v', NULL, 0);
    struct quire_buffer sealed = {0};
    enum quire_status status =
        device->reader.get(device->reader.context, device_key_bytes(&key), &sealed);
    if (status == QUIRE_OK) {
        status = qr_vault_load(device->profile_key, device_key_bytes(&key),
            quire_buffer_bytes(&sealed), &device->vault);
    }
    quire_buffer_finish(&sealed);
    if (status == QUIRE_OK) {
        status = read_state(device, replica_record);
    }
    if (status == QUIRE_OK) {
        status = read_acks(device);
    }
    if (status == QUIRE_OK) {
        status = scan(device, "r", load_record);
    }
    if (status == QUIRE_OK) {
        status = scan(device, "c", load_chain);
    }
    if (status == QUIRE_OK && device_chain_find(device, device->replica) == NULL) {
        device_forget_withheld(device); /* what others saw was a chain of another process */
    }
    if (status == QUIRE_OK) {
        status = scan(device, "l", load_pending);
    }
    if (status == QUIRE_OK) {
        status = scan(device, "g", load_again);
    }
    if (status == QUIRE_OK) {
        status = scan(device, "q", load_again);
    }
    if (status == QUIRE_OK) {
        status = scan(device, "u", load_unread);
    }
    if (status == QUIRE_OK && device->roster.count == 0) {
        status = QUIRE_ECORRUPT;
    }
    return status;
}
