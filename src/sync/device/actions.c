/*
 * The actions of a step.
 */
#include "sync/device/actions.h"

void device_write(struct quire_device *device, struct quire_bytes key, struct quire_bytes value)
{
    device_output_write(&device->out, key, device_output_keep(&device->out, value), false);
}

void device_write_made(struct quire_device *device, struct quire_bytes key, size_t offset)
{
    device_output_write(&device->out, key, device_output_from(&device->out, offset), false);
}

void device_erase(struct quire_device *device, struct quire_bytes key)
{
    device_output_write(&device->out, key, (struct quire_bytes){0}, true);
}

void device_send(struct quire_device *device, const struct qr_frame *frame)
{
    if (device->link.state == LINK_NONE) {
        return;
    }
    struct device_output *out = &device->out;
    size_t offset = out->bytes.size;
    device->link.said_ms = device->step.now_ms;
    if (!device_ok(device, qr_frame_write(frame, &out->bytes))) {
        return;
    }
    struct quire_action *action = device_output_add(out, QUIRE_ACTION_SEND);
    if (action != NULL) {
        action->bytes = device_output_from(out, offset);
    }
}

void device_notice(struct quire_device *device, enum quire_notice_kind notice, uint32_t code)
{
    struct quire_action *action = device_output_add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = notice;
        action->code = code;
    }
}

void device_notice_refused(struct quire_device *device, uint32_t code, struct quire_bytes data)
{
    struct device_output *out = &device->out;
    size_t offset = out->bytes.size;
    if (!device_ok(device, quire_buffer_append(&out->bytes, data.data, data.size))) {
        return;
    }
    struct quire_action *action = device_output_add(out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = QUIRE_NOTICE_REFUSED;
        action->code = code;
        action->bytes = device_output_from(out, offset);
    }
}

void device_notice_entry(struct quire_device *device, const uint8_t *entry)
{
    struct quire_action *action = device_output_add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = QUIRE_NOTICE_ENTRY;
        memcpy(action->entry, entry, QR_ENTRY_SIZE);
    }
}

void device_notice_device(
    struct quire_device *device, enum quire_notice_kind notice, const uint8_t *subject)
{
    struct quire_action *action = device_output_add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = notice;
        memcpy(action->device, subject, QR_DEVICE_SIZE);
    }
}

void device_notice_text(
    struct quire_device *device, enum quire_notice_kind notice, const char *text)
{
    struct quire_bytes kept = device_output_keep(&device->out, quire_bytes_of_text(text));
    struct quire_action *action = device_output_add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = notice;
        action->bytes = kept;
    }
}

enum quire_status device_end_step(struct quire_device *device, struct quire_actions *out_actions)
{
    bool persists = device->out.write_count > 0 && !device->out.failed;
    enum quire_status status =
        device_output_end(&device->out, device->chains.token + persists, out_actions);
    if (status == QUIRE_OK && persists) {
        device->chains.token++;
        device_chains_persisting(&device->chains, device->chains.token);
    }
    return status;
}
