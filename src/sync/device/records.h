/*
 * The records of the profile: keys, layouts, written and read. Also what is written with them: the
 * replica's stamp and the alarms.
 */
#ifndef QR_SYNC_DEVICE_RECORDS_H
#define QR_SYNC_DEVICE_RECORDS_H

#include "sync/device/state.h"

#define DEVICE_STATE_VERSION 2 /* 1 had no news_wall_ms */
#define DEVICE_ACKS_VERSION 1
#define DEVICE_CHAIN_RECORD_SIZE (QR_DEVICE_SIZE + 8 + QR_HASH_SIZE + 4 + 8 + 8 + 8 + 8 + 1)

struct device_key {
    uint8_t bytes[64];
    size_t size;
};
struct device_key device_key(char kind, const uint8_t *id, size_t id_size);
/** `number` big-endian in number_size bytes, after the id. */
struct device_key device_key_number(
    char kind, const uint8_t *id, size_t id_size, uint64_t number, size_t number_size);
struct quire_bytes device_key_bytes(const struct device_key *key);

/** Sealed under the profile's key and bound to the record's key. */
void device_write_sealed(
    struct quire_device *device, const struct device_key *key, struct quire_bytes value);
/** ENOTFOUND, ECORRUPT, EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status device_read_sealed(
    struct quire_device *device, const struct device_key *key, struct quire_buffer *out_value);
/** Opens a sealed value that a scan gave. ECORRUPT, ENOMEM. */
QUIRE_CHECKED enum quire_status device_open_sealed(const struct quire_device *device,
    struct quire_bytes key, struct quire_bytes value, struct quire_buffer *out_value);
void device_erase_record(struct quire_device *device, const struct device_key *key);

void device_write_vault(struct quire_device *device);
void device_write_record(struct quire_device *device, uint32_t seq);
void device_write_state(struct quire_device *device);
void device_write_chain(struct quire_device *device, const struct device_chain *chain);
void device_write_batch(struct quire_device *device, const uint8_t *replica, uint64_t seq,
    const uint8_t *hash, struct quire_bytes bytes);
/** Retains the other side of a fork; nothing for no bytes. */
void device_write_evidence(struct quire_device *device, struct quire_bytes bytes);
/** When our batches were acknowledged, for the next process that goes on with this chain. */
void device_write_acks(struct quire_device *device);
void device_write_lost_op(struct quire_device *device, const struct device_lost_op *op);
/** Removes the operation and its record. */
void device_erase_lost_op(struct quire_device *device, struct device_lost_op *op);
/** Every record that a new account, or a device that has just joined, begins with. */
void device_write_all(struct quire_device *device);

/** A batch in the records: out_value holds its hash (QR_HASH_SIZE) and its bytes. ENOTFOUND,
 * ECORRUPT, EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status device_read_batch(const struct quire_device *device,
    const uint8_t *replica, uint64_t seq, struct quire_buffer *out_value);

/** A new stamp for the replica, in the profile and in the record outside of it. */
void device_emit_replica(struct quire_device *device);
/** Counts an alarm and says so. */
void device_alarm(struct quire_device *device, enum quire_alarm_kind alarm);

#endif
