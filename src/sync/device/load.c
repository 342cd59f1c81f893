/*
 * Reading a profile back: state, roster, chains, and what waits.
 */
#include "sync/device/load.h"
#include "base/reader.h"
#include "base/writer.h"
#include "sync/device/chains.h"
#include "sync/device/rebase_list.h"
#include "sync/device/records.h"
#include "sync/device/withheld.h"

static enum quire_status read_state(struct quire_device *device, struct quire_bytes replica_record)
{
    struct device_key key = device_key('s', NULL, 0);
    struct quire_buffer value = {0};
    enum quire_status status = device_read_sealed(device, &key, &value);
    if (status == QUIRE_OK) {
        struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&value));
        uint8_t version = qr_read_u8(&reader);
        qr_read_copy(&reader, device->replica.id, QR_REPLICA_SIZE);
        qr_read_copy(&reader, device->replica.stamp, QR_HASH_SIZE);
        device->receipt.caught_up_wall_ms = (int64_t)qr_read_u64(&reader);
        uint8_t count = qr_read_u8(&reader);
        for (size_t i = 0; i < count; i++) {
            uint64_t raised = qr_read_u64(&reader);
            if (i < QUIRE_ALARM_COUNT) {
                device->alarms[i] = raised;
            }
        }
        if (version >= 2) {
            device->receipt.news_wall_ms = (int64_t)qr_read_u64(&reader);
        }
        status = version > DEVICE_STATE_VERSION ? QUIRE_EUNSUPPORTED
            : qr_reader_done(&reader)           ? QUIRE_OK
                                                : QUIRE_ECORRUPT;
    }
    quire_buffer_finish(&value);
    bool same = replica_record.size == QUIRE_REPLICA_RECORD_SIZE
        && memcmp(replica_record.data, device->replica.id, QR_REPLICA_SIZE) == 0
        && memcmp(replica_record.data + QR_REPLICA_SIZE + 8, device->replica.stamp, QR_HASH_SIZE)
            == 0;
    if (status == QUIRE_OK && !same && !QR_FAILPOINT_ON(ONE_CHAIN)) {
        uint8_t fresh[QR_ENTROPY_SIZE];
        device_random(device, fresh);
        memcpy(device->replica.id, fresh, QR_REPLICA_SIZE);
    }
    return status;
}

/* Of another replica, or of a newer version: as if there were none, which only makes us quieter. */
static enum quire_status read_acks(struct quire_device *device)
{
    struct device_key key = device_key('a', NULL, 0);
    struct quire_buffer value = {0};
    enum quire_status status = device_read_sealed(device, &key, &value);
    if (status != QUIRE_OK) {
        quire_buffer_finish(&value);
        return status == QUIRE_ENOTFOUND ? QUIRE_OK : status;
    }
    struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&value));
    uint8_t replica[QR_REPLICA_SIZE];
    bool known = qr_read_u8(&reader) == DEVICE_ACKS_VERSION;
    qr_read_copy(&reader, replica, sizeof replica);
    size_t count = qr_read_u8(&reader);
    if (known && memcmp(replica, device->replica.id, sizeof replica) == 0
        && count <= DEVICE_MARKS_MAX) {
        for (size_t i = 0; i < count; i++) {
            device->replica.acks.items[i].seq = qr_read_u64(&reader);
            device->replica.acks.items[i].last = qr_read_u64(&reader);
            device->replica.acks.items[i].first = qr_read_u64(&reader);
        }
        device->replica.acks.count = qr_reader_done(&reader) ? count : 0;
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
    if (load->status == QUIRE_OK
        && (plain.size != DEVICE_CHAIN_RECORD_SIZE || key.size != 1 + QR_REPLICA_SIZE)) {
        load->status = QUIRE_ECORRUPT;
    }
    if (load->status == QUIRE_OK) {
        struct device_chain *chain = device_chain_get(load->device, key.data + 1, plain.data);
        if (chain == NULL) {
            load->status = QUIRE_ENOMEM;
        } else {
            struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&plain));
            (void)qr_read_bytes(&reader, QR_DEVICE_SIZE);
            chain->head = chain->disk.durable = qr_read_u64(&reader);
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
    load->status = device_pending_set(&load->device->pending, key.data + 1,
        value.size - QR_LOCAL_OVERHEAD, load->device->step.now_ms);
    return load->status == QUIRE_OK;
}

static enum quire_status load_lost_op(
    struct quire_device *device, const uint8_t *subject, struct quire_bytes value)
{
    struct device_lost_op *op = NULL;
    enum quire_status status = device_lost_ops_get(&device->lost_ops, subject, &op);
    return status == QUIRE_OK ? device_lost_op_decode(value, op) : status;
}

static bool load_again(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    struct quire_buffer plain = {0};
    load->status = device_open_sealed(load->device, key, value, &plain);
    if (load->status == QUIRE_OK && key.data[0] == 'g') {
        load->status = key.size == 1 + QR_DEVICE_SIZE
            ? load_lost_op(load->device, key.data + 1, quire_buffer_bytes(&plain))
            : QUIRE_ECORRUPT;
    } else if (load->status == QUIRE_OK) {
        load->status = key.size == 1 + 8 ? device_rebase_load(
                           load->device, qr_load_u64(key.data + 1), quire_buffer_bytes(&plain))
                                         : QUIRE_ECORRUPT;
    }
    quire_buffer_finish(&plain);
    return load->status == QUIRE_OK;
}

static bool load_unread(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct load *load = context;
    (void)value;
    load->status = key.size != 1 + QR_REPLICA_SIZE + 8
        ? QUIRE_ECORRUPT
        : device_unread_add(
            &load->device->unread, key.data + 1, qr_load_u64(key.data + 1 + QR_REPLICA_SIZE));
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
    if (status == QUIRE_OK && device_chain_find(device, device->replica.id) == NULL) {
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
