#include "device_box.h"
#include "crypto/sign.h"
#include <assert.h>
#include <stdlib.h>

#define RECORDS_MAX 4096

struct record {
    struct quire_buffer key, value;
};

struct device_box {
    struct quire_device *device; /* NULL: it gave up, and its profile cannot be opened */
    struct record records[RECORDS_MAX];
    size_t record_count;
    struct quire_buffer replica_record;
    uint64_t now_ms, drawn;
    bool connected;
    void (*sent)(void *context, struct quire_bytes message);
    void *context;
};

/* ---- records ----------------------------------------------------------------------------------- */

static int compare(struct quire_bytes a, struct quire_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* The first record whose key is not less. */
static size_t place(const struct device_box *box, struct quire_bytes key)
{
    size_t low = 0, high = box->record_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(quire_buffer_bytes(&box->records[middle].key), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct device_box *box, size_t at, struct quire_bytes key)
{
    return at < box->record_count && compare(quire_buffer_bytes(&box->records[at].key), key) == 0;
}

static void write_record(struct device_box *box, const struct quire_write *write)
{
    size_t at = place(box, write->key);
    bool there = is_at(box, at, write->key);
    struct record *record = &box->records[at];
    enum quire_status status = QUIRE_OK;
    if (write->erase) {
        if (there) {
            quire_buffer_finish(&record->key);
            quire_buffer_finish(&record->value);
            box->record_count--;
            memmove(record, record + 1, (box->record_count - at) * sizeof *record);
        }
        return;
    }
    if (!there) {
        assert(box->record_count < RECORDS_MAX);
        memmove(record + 1, record, (box->record_count - at) * sizeof *record);
        box->record_count++;
        *record = (struct record){0};
        status = quire_buffer_append(&record->key, write->key.data, write->key.size);
    }
    quire_buffer_clear(&record->value);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(&record->value, write->value.data, write->value.size);
    }
    assert(status == QUIRE_OK);
}

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    struct device_box *box = context;
    size_t at = place(box, key);
    if (!is_at(box, at, key)) {
        return QUIRE_ENOTFOUND;
    }
    return quire_buffer_append(out_value, box->records[at].value.data, box->records[at].value.size);
}

static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    struct device_box *box = context;
    for (size_t at = place(box, prefix); at < box->record_count; at++) {
        struct quire_bytes key = quire_buffer_bytes(&box->records[at].key);
        if (key.size < prefix.size || compare((struct quire_bytes){key.data, prefix.size}, prefix) != 0 ||
            !visit(visit_context, key, quire_buffer_bytes(&box->records[at].value))) {
            break;
        }
    }
    return QUIRE_OK;
}

/* ---- the device -------------------------------------------------------------------------------- */

static void draw(struct device_box *box, uint8_t out[QUIRE_ENTROPY_SIZE])
{
    static const uint8_t seed[QUIRE_ENTROPY_SIZE] = "device";
    qr_entropy_expand(out, seed, box->drawn++);
}

static struct quire_device_options options_of(struct device_box *box)
{
    struct quire_device_options options = {.reader = {.context = box, .get = get, .scan = scan},
        .wall_ms = 1700000000000 + (int64_t)box->now_ms};
    memset(options.profile_key, 7, sizeof options.profile_key);
    draw(box, options.entropy);
    options.replica_record = quire_buffer_bytes(&box->replica_record);
    return options;
}

static void reopen(struct device_box *box)
{
    quire_device_destroy(box->device);
    box->device = NULL;
    box->connected = false;
    struct quire_device_options options = options_of(box);
    enum quire_status status = quire_device_open(&options, &box->device);
    assert(status == QUIRE_OK); /* whatever a server sends, the profile stays whole */
}

static void carry_out(struct device_box *box, const struct quire_actions *actions);

static void feed(struct device_box *box, struct quire_event event)
{
    struct quire_actions actions;
    event.now_ms = box->now_ms;
    event.wall_ms = 1700000000000 + (int64_t)box->now_ms;
    draw(box, event.entropy);
    enum quire_status status = quire_device_step(box->device, &event, &actions);
    if (status == QUIRE_OK) {
        carry_out(box, &actions);
    } else {
        assert(status == QUIRE_ESTATE);
    }
}

static void carry_out(struct device_box *box, const struct quire_actions *actions)
{
    uint64_t token = 0;
    bool persisted = false, closed = false;
    for (size_t i = 0; i < actions->count; i++) {
        const struct quire_action *action = &actions->items[i];
        enum quire_status status = QUIRE_OK;
        switch (action->kind) {
        case QUIRE_ACTION_PERSIST:
            for (size_t k = 0; k < action->write_count; k++) {
                write_record(box, &action->writes[k]);
            }
            token = action->token;
            persisted = true;
            break;
        case QUIRE_ACTION_SEND:
            if (box->sent != NULL) {
                box->sent(box->context, action->bytes);
            }
            break;
        case QUIRE_ACTION_CLOSE:
            closed = true;
            break;
        case QUIRE_ACTION_REPLICA:
            quire_buffer_clear(&box->replica_record);
            status = quire_buffer_append(&box->replica_record, action->bytes.data, action->bytes.size);
            assert(status == QUIRE_OK);
            break;
        case QUIRE_ACTION_NOTICE:
            break;
        }
    }
    if (persisted) {
        feed(box, (struct quire_event){.kind = QUIRE_EVENT_PERSISTED, .token = token});
    }
    if (closed && box->connected) {
        box->connected = false;
        feed(box, (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
    }
}

struct device_box *device_box_create(void (*sent)(void *context, struct quire_bytes message),
    void *context)
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
    enum quire_status status =
        quire_device_init(&options, quire_bytes_of_text("fuzzed"), kit, &box->device, &actions);
    assert(status == QUIRE_OK);
    carry_out(box, &actions);
    return box;
}

void device_box_destroy(struct device_box *box)
{
    quire_device_destroy(box->device);
    for (size_t i = 0; i < box->record_count; i++) {
        quire_buffer_finish(&box->records[i].key);
        quire_buffer_finish(&box->records[i].value);
    }
    quire_buffer_finish(&box->replica_record);
    free(box);
}

const struct quire_device *device_box_device(const struct device_box *box)
{
    return box->device;
}

static void type(struct device_box *box, const struct script_step *step)
{
    static const uint8_t diary[4][QUIRE_ENTRY_SIZE] = {"one", "two", "three", "four"};
    struct quire_document *document = NULL;
    struct quire_event save = {.kind = QUIRE_EVENT_SAVE};
    struct quire_stamp stamp = quire_device_stamp(box->device, (int64_t)box->now_ms);
    memcpy(save.entry, diary[step->which], sizeof save.entry);
    if (step->bytes.size > 0 && step->bytes.size < 256 &&
        quire_device_document(box->device, save.entry, true, &document) == QUIRE_OK &&
        quire_document_insert(document, &stamp, 0, step->bytes) == QUIRE_OK) {
        feed(box, save);
        feed(box, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    }
}

void device_box_run(struct device_box *box, const struct script_step *step)
{
    struct quire_event event = {.bytes = step->bytes};
    if (box->record_count + 600 > RECORDS_MAX) {
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
    case DEVICE_BOX_WRITE:
        type(box, step);
        return;
    case DEVICE_BOX_PAIR:
        event.kind = QUIRE_EVENT_PAIR_OPEN;
        break;
    case DEVICE_BOX_RESTART:
        reopen(box);
        return;
    default:
        return;
    }
    feed(box, event);
}
