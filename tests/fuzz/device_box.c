#include "device_box.h"
#include "crypto/sign.h"
#include "kit/device.h"
#include <assert.h>
#include <stdlib.h>

#define RECORDS_MAX 3500 /* a longer script ends here: it would show nothing new */

struct device_box {
    struct kit_device shell;
    uint64_t now_ms, drawn;
    bool connected;
    void (*sent)(void *context, struct quire_bytes message);
    void *context;
};

/* ---- the device -------------------------------------------------------------------------------- */

static void draw(struct device_box *box, uint8_t out[QUIRE_ENTROPY_SIZE])
{
    static const uint8_t seed[QUIRE_ENTROPY_SIZE] = "device";
    qr_entropy_expand(out, seed, box->drawn++);
}

static struct quire_device_options options_of(struct device_box *box)
{
    uint8_t entropy[QUIRE_ENTROPY_SIZE];
    draw(box, entropy);
    return kit_device_options(&box->shell, entropy, 1700000000000 + (int64_t)box->now_ms);
}

static void reopen(struct device_box *box)
{
    quire_device_destroy(box->shell.device);
    box->shell.device = NULL;
    box->connected = false;
    struct quire_device_options options = options_of(box);
    enum quire_status status = quire_device_open(&options, &box->shell.device);
    assert(status == QUIRE_OK); /* whatever a server sends, the profile stays whole */
}

static void carry_out(struct device_box *box, const struct quire_actions *actions);

static void feed(struct device_box *box, struct quire_event event)
{
    struct quire_actions actions;
    event.now_ms = box->now_ms;
    event.wall_ms = 1700000000000 + (int64_t)box->now_ms;
    draw(box, event.entropy);
    enum quire_status status = quire_device_step(box->shell.device, &event, &actions);
    if (status == QUIRE_OK) {
        carry_out(box, &actions);
    } else {
        assert(status == QUIRE_ESTATE);
    }
}

static void send_message(void *context, struct quire_bytes message)
{
    struct device_box *box = context;
    if (box->sent != NULL) {
        box->sent(box->context, message);
    }
}

static void carry_out(struct device_box *box, const struct quire_actions *actions)
{
    struct kit_outcome outcome = kit_device_carry_out(&box->shell, actions, send_message, box);
    if (outcome.persisted > 0) {
        feed(box, (struct quire_event){.kind = QUIRE_EVENT_PERSISTED, .token = outcome.persisted});
    }
    if (outcome.close && box->connected) {
        box->connected = false;
        feed(box, (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
    }
}

struct device_box *device_box_create(
    void (*sent)(void *context, struct quire_bytes message), void *context)
{
    struct device_box *box = calloc(1, sizeof *box);
    struct quire_actions actions;
    char kit[QUIRE_KIT_TEXT_SIZE];
    bool begun = qr_crypto_init();
    assert(box != NULL && begun);
    box->sent = sent;
    box->context = context;
    box->now_ms = 1000;
    struct quire_device_options options = options_of(box);
    enum quire_status status = quire_device_init(
        &options, quire_bytes_of_text("fuzzed"), kit, &box->shell.device, &actions);
    assert(status == QUIRE_OK);
    carry_out(box, &actions);
    return box;
}

void device_box_destroy(struct device_box *box)
{
    kit_device_finish(&box->shell);
    free(box);
}

const struct quire_device *device_box_device(const struct device_box *box)
{
    return box->shell.device;
}

static void type(struct device_box *box, const struct script_step *step)
{
    static const uint8_t diary[4][QUIRE_ENTRY_SIZE] = {"one", "two", "three", "four"};
    struct quire_document *document = NULL;
    struct quire_event save = {.kind = QUIRE_EVENT_SAVE};
    struct quire_stamp stamp = quire_device_stamp(box->shell.device, (int64_t)box->now_ms);
    memcpy(save.entry, diary[step->which], sizeof save.entry);
    if (step->bytes.size > 0 && step->bytes.size < 256
        && quire_device_document(box->shell.device, save.entry, true, &document) == QUIRE_OK
        && quire_document_insert(document, &stamp, 0, step->bytes) == QUIRE_OK) {
        feed(box, save);
        feed(box, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    }
}

void device_box_run(struct device_box *box, const struct script_step *step)
{
    struct quire_event event = {.bytes = step->bytes};
    if (box->shell.table.count >= RECORDS_MAX) {
        return;
    }
    switch (step->what) {
    case DEVICE_BOX_FRAME:
        event.kind = QUIRE_EVENT_FRAME;
        if (!box->connected) {
            return;
        }
        break;
    case DEVICE_BOX_CONNECT:
        if (box->connected) {
            return;
        }
        box->connected = true;
        event.kind = QUIRE_EVENT_CONNECTED;
        event.bytes = quire_bytes_of_text("localhost:7433");
        break;
    case DEVICE_BOX_DISCONNECT:
        if (!box->connected) {
            return;
        }
        box->connected = false;
        event.kind = QUIRE_EVENT_DISCONNECTED;
        break;
    case DEVICE_BOX_TICK:
        box->now_ms += 100 * step->bytes.size;
        event.kind = QUIRE_EVENT_TICK;
        break;
    case DEVICE_BOX_WRITE: type(box, step); return;
    case DEVICE_BOX_PAIR: event.kind = QUIRE_EVENT_PAIR_OPEN; break;
    case DEVICE_BOX_RESTART: reopen(box); return;
    default: return;
    }
    feed(box, event);
}
