/*
 * What a batch says, opened and merged. What a later version of Quire wrote is kept unread until this
 * program is of that version, too: then it is opened, and so is what stands on it.
 */
#include "sync/device/merge.h"
#include "sync/device/actions.h"
#include "sync/device/entries.h"
#include "sync/device/rebase_list.h"
#include "sync/device/records.h"

bool device_can_read(const struct quire_device *device, const struct qr_batch *batch)
{
    return batch->version <= device->format && !batch->reserved;
}

enum quire_status device_open_change(const struct quire_device *device,
    const struct qr_batch *batch, size_t index, struct quire_buffer *out_plaintext)
{
    const struct qr_change *change = &batch->changes[index];
    struct qr_change_place place = {
        .seq = batch->seq, .index = (uint32_t)index, .kind = change->kind, .epoch = batch->epoch};
    memcpy(place.replica, batch->replica, QR_REPLICA_SIZE);
    memcpy(place.entry, change->entry, QR_ENTRY_SIZE);
    return qr_vault_open_change(
        device->vault, &place, change->nonce, change->ciphertext, out_plaintext);
}

/* EUNSUPPORTED: a later version. Otherwise what is wrong with it, unless the step has failed. */
static enum quire_status merge_change(
    struct quire_device *device, const struct qr_batch *batch, size_t index)
{
    const struct qr_change *change = &batch->changes[index];
    struct quire_buffer plaintext = {0};
    struct device_entry *entry = NULL;
    enum quire_status status = device_open_change(device, batch, index, &plaintext);
    if (status == QUIRE_OK) {
        status = device_entry_get(device, change->entry, true, &entry);
        if (status == QUIRE_OK) {
            status = device_entry_accept(device, entry, quire_buffer_bytes(&plaintext));
            if (status == QUIRE_OK) {
                device_rebase_came(device, change->entry, quire_buffer_bytes(&plaintext));
            }
        } else {
            device_ok(device, status);
        }
    }
    if (status == QUIRE_ENOMEM) {
        device_ok(device, status);
    }
    quire_buffer_finish(&plaintext);
    return status;
}

/* Merges what can be. OK; EUNSUPPORTED: a later version has written it or a part of it; EMALFORMED: a
 * part does not merge with what is here. Of anything else there was an alarm. */
static enum quire_status merge_all(struct quire_device *device, const struct qr_batch *batch)
{
    enum quire_status worst = device_can_read(device, batch) ? QUIRE_OK : QUIRE_EUNSUPPORTED;
    for (size_t i = 0;
         i < batch->change_count && worst != QUIRE_EUNSUPPORTED && device->step.failure == QUIRE_OK;
         i++) {
        if (batch->changes[i].kind != QR_CHANGE_OPS) {
            continue;
        }
        enum quire_status status = merge_change(device, batch, i);
        if (status == QUIRE_EUNSUPPORTED || status == QUIRE_EMALFORMED) {
            worst = status;
        } else if (status != QUIRE_OK && device->step.failure == QUIRE_OK
            && !QR_FAILPOINT_ON(NO_UNREADABLE_ALARM)) {
            device_alarm(device, QUIRE_ALARM_UNREADABLE);
        }
    }
    return worst;
}

/* ---- unread ----------------------------------------------------------------------------------- */

static struct device_key unread_key(const struct device_unread *unread)
{
    return device_key_number('u', unread->replica, QR_REPLICA_SIZE, unread->seq, 8);
}

static void note_unread(struct quire_device *device, const struct qr_batch *batch)
{
    bool all_tried = device->unread.next == device->unread.count;
    if (!QR_FAILPOINT_ON(UNREAD_FORGOTTEN)
        && device_ok(device, device_unread_add(&device->unread, batch->replica, batch->seq))) {
        struct device_key key = unread_key(&device->unread.items[device->unread.count - 1]);
        device_write_sealed(device, &key, (struct quire_bytes){0});
        device->unread.next += all_tried;
    }
}

static void forget_unread(struct quire_device *device, size_t index)
{
    struct device_key key = unread_key(&device->unread.items[index]);
    device_erase(device, device_key_bytes(&key));
    device_unread_remove(&device->unread, index);
}

void device_unread_drop(struct quire_device *device)
{
    for (size_t i = device->unread.count; i-- > 0;) {
        const struct device_chain *chain =
            device_chain_find(device, device->unread.items[i].replica);
        if (chain == NULL || chain->head < device->unread.items[i].seq) {
            forget_unread(device, i);
        }
    }
    device->unread.next = 0;
}

void device_merge(struct quire_device *device, const struct qr_batch *batch)
{
    enum quire_status status = merge_all(device, batch);
    if (device->step.failure != QUIRE_OK || status == QUIRE_OK) {
        return;
    }
    /* What does not merge may stand on something unread. */
    if (status == QUIRE_EUNSUPPORTED || device->unread.count > 0) {
        note_unread(device, batch);
    } else if (!QR_FAILPOINT_ON(NO_UNREADABLE_ALARM)) {
        device_alarm(device, QUIRE_ALARM_UNREADABLE);
    }
}

/* True: it is read now, or never will be. */
static bool read_one(struct quire_device *device, const struct device_unread *unread)
{
    struct quire_buffer value = {0};
    struct qr_batch batch;
    enum quire_status status = device_read_batch(device, unread->replica, unread->seq, &value);
    if (status == QUIRE_OK) {
        status = qr_batch_read_any(
            (struct quire_bytes){value.data + QR_HASH_SIZE, value.size - QR_HASH_SIZE}, &batch);
    }
    bool read = status != QUIRE_OK; /* damaged: the upload that wants it raises the alarm */
    if (status == QUIRE_OK) {
        status = merge_all(device, &batch);
        read = status == QUIRE_OK;
        device->unread.later |= status == QUIRE_EUNSUPPORTED;
    } else if (status == QUIRE_ENOMEM || status == QUIRE_EIO) {
        device_ok(device, status);
    }
    quire_buffer_finish(&value);
    return read;
}

void device_unread_read(struct quire_device *device)
{
    if (!device_unread_due(&device->unread)) {
        return;
    }
    for (size_t tries = 0; tries < DEVICE_UNREAD_AT_ONCE && device_unread_due(&device->unread)
         && device->step.failure == QUIRE_OK;
         tries++) {
        if (read_one(device, &device->unread.items[device->unread.next])) {
            forget_unread(device, device->unread.next);
            device->unread.progress = true;
        } else {
            device->unread.next++;
        }
    }
    if (!device_unread_due(&device->unread) && device->step.failure == QUIRE_OK) {
        if (device->unread.progress) {
            device->unread.next = 0; /* what stands on what was read may be read now */
        } else if (!device->unread.later && device->unread.count > 0) {
            device_alarm(
                device, QUIRE_ALARM_UNREADABLE); /* there is nothing that they could wait for */
            while (device->unread.count > 0) {
                forget_unread(device, device->unread.count - 1);
            }
            device->unread.next = 0;
        }
        device->unread.progress = device->unread.later = false;
    }
    device_entries_settle(device);
}
