/*
 * A lying server with the keys of other devices of the user, or with copies of this device's own:
 * frames are well formed and well signed, and wrong in what the script chooses. The device keeps its
 * promises, its state adds up, and its profile opens after all of it.
 */
#include "device_box.h"
#include "recipe.h"
#include "sync/device/state.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(struct device_box *box, const struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    if (qr_frame_write(frame, &bytes) == QUIRE_OK) {
        struct script_step step = {.what = DEVICE_BOX_FRAME, .bytes = quire_buffer_bytes(&bytes)};
        device_box_run(box, &step);
    }
    quire_buffer_finish(&bytes);
}

/* What an honest server says next, or with a flaw that `how` chooses. */
static void shake_hands(struct device_box *box, uint8_t how)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {1}, log[QR_LOG_SIZE] = {1};
    const struct qr_roster *roster = &device_box_device(box)->roster;
    uint8_t head[QR_HASH_SIZE];
    uint32_t count = roster->count - (how & 3);
    memcpy(head, qr_roster_head(roster), sizeof head);
    if (count > 0 && count <= roster->count) {
        memcpy(head, roster->entries[count - 1].hash, sizeof head);
    }
    head[0] ^= (how & 4) != 0;
    count += (how & 8) != 0;
    struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
    frame.challenge.version = 1;
    frame.challenge.nonce = nonce;
    frame.challenge.log = log;
    frame.challenge.time_ms = 1700000000000;
    frame.challenge.roster_count = count;
    frame.challenge.roster_head = head;
    if (device_box_device(box)->link.state == LINK_AUTH) {
        frame = (struct qr_frame){.type = QR_FRAME_WELCOME};
        frame.welcome.roster_count = count;
        frame.welcome.roster_head = head;
    }
    say(box, &frame);
}

static void tell_records(struct device_box *box, struct recipe *recipe, struct quire_bytes script)
{
    struct quire_buffer record = {0};
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
    struct quire_bytes items[2];
    struct quire_bytes rest = {script.data + 1, script.size - 1};
    uint8_t how = recipe_byte(script, 0);
    if (script.size < 3 || !recipe_record(recipe, rest, &record)) {
        quire_buffer_finish(&record);
        return;
    }
    frame.roster_records.first_seq = recipe->roster->count + (how & 3) - (how >> 2 & 3);
    items[0] = quire_buffer_bytes(&record);
    items[1] = items[0];
    frame.roster_records.records = items;
    frame.roster_records.record_count = 1 + (how >> 4 & 1);
    if (how & 32 && recipe->roster->count > 0) { /* behind the one that is known */
        frame.roster_records.first_seq = recipe->roster->count - 1;
        items[0] = qr_roster_record(recipe->roster, recipe->roster->count - 1);
        frame.roster_records.record_count = 2;
    }
    say(box, &frame);
    quire_buffer_finish(&record);
}

static void tell_done(struct device_box *box)
{
    const struct quire_device *device = device_box_device(box);
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_DONE};
    const struct qr_roster *roster =
        device->append.roster.count > 0 ? &device->append.roster : &device->roster;
    frame.roster_done.roster_count = roster->count;
    frame.roster_done.roster_head = qr_roster_head(roster);
    say(box, &frame);
}

static void reconnect(struct device_box *box)
{
    device_box_run(box, &(struct script_step){.what = DEVICE_BOX_DISCONNECT});
    device_box_run(box, &(struct script_step){.what = DEVICE_BOX_CONNECT});
}

/* A server whose roster leaves the device's some records before its end, and goes on otherwise: the
 * device contradicts, audits, and adopts it if every record of it holds. */
static void part_ways(struct device_box *box, struct recipe *recipe, struct quire_bytes script)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {1}, log[QR_LOG_SIZE] = {1};
    const struct qr_roster *ours = recipe->roster;
    struct quire_bytes items[QR_RECORDS_MAX];
    struct qr_roster line = {0};
    uint8_t how = recipe_byte(script, 0);
    uint32_t back = how & 3;
    for (uint32_t seq = 0; seq + back < ours->count; seq++) {
        assert(qr_roster_append(&line, qr_roster_record(ours, seq)) == QUIRE_OK);
    }
    recipe->roster = &line;
    for (size_t i = 0; i < RECIPE_CHAINS; i++) {
        recipe->chains[i].roster = &line;
    }
    for (int i = 0; i < (how >> 2 & 3) && line.count > 0; i++) {
        struct quire_buffer record = {0};
        size_t at = 1 + 2 * (size_t)i;
        struct quire_bytes rest = {script.data + at, script.size > at ? script.size - at : 0};
        if (recipe_record(recipe, rest, &record)) {
            (void)!qr_roster_append(
                &line, quire_buffer_bytes(&record)); /* most that are made up hold */
        }
        quire_buffer_finish(&record);
    }
    recipe->roster = ours;
    for (size_t i = 0; i < RECIPE_CHAINS; i++) {
        recipe->chains[i].roster = ours;
    }
    for (int round = 0; round < 2 && line.count > 1; round++) { /* contradicts, then looks */
        struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
        frame.challenge.version = 1;
        frame.challenge.nonce = nonce;
        frame.challenge.log = log;
        frame.challenge.time_ms = 1700000000000;
        frame.challenge.roster_count = line.count;
        frame.challenge.roster_head = qr_roster_head(&line);
        reconnect(box);
        say(box, &frame);
        frame = (struct qr_frame){.type = how & 16 ? QR_FRAME_ERROR : QR_FRAME_WELCOME};
        if (how & 16) { /* the records that AUTH brought shut out what others built on, it says */
            frame.error.code = QR_ERROR_FORK;
            frame.error.fatal = true;
            how &= (uint8_t)~16;
        } else {
            frame.welcome.roster_count = line.count;
            frame.welcome.roster_head = qr_roster_head(&line);
        }
        say(box, &frame);
        uint32_t first = device_box_device(box)->audit.auditing ? 1 : line.count - 1;
        frame = (struct qr_frame){.type = QR_FRAME_ROSTER_RECORDS};
        frame.roster_records.first_seq = first;
        frame.roster_records.records = items;
        for (uint32_t seq = first; seq < line.count; seq++) {
            items[frame.roster_records.record_count++] = qr_roster_record(&line, seq);
        }
        say(box, &frame);
    }
    qr_roster_finish(&line);
}

static void forge(struct device_box *box, struct recipe *recipe, const struct script_step *step)
{
    struct qr_frame frame = {.type = QR_FRAME_SKIP};
    struct quire_bytes items[64], rest = {step->bytes.data + 1, step->bytes.size - 1};
    if (step->bytes.size == 0) {
        shake_hands(box, 0);
        return;
    }
    /* The device's own chain is the first one of the recipe's. */
    const struct quire_device *device = device_box_device(box);
    const struct device_chain *own = device_chain_find(device, device->replica.id);
    if (own != NULL && step->which == 3) {
        memcpy(recipe->chains[0].replica, own->replica, QR_REPLICA_SIZE);
        memcpy(recipe->chains[0].head, own->hash, QR_HASH_SIZE);
        recipe->chains[0].seq = own->head;
    }
    if (step->bytes.data[0] == 255) {
        part_ways(box, recipe, rest);
        return;
    }
    switch (step->bytes.data[0] % 9) {
    case 0: shake_hands(box, recipe_byte(rest, 0)); return;
    case 1:
        frame.type = QR_FRAME_DELTA;
        frame.delta.batches = items;
        if (!recipe_batches(recipe, rest, items, &frame.delta.batch_count)) {
            return;
        }
        break;
    case 2: tell_records(box, recipe, rest); return;
    case 3:
        frame.type = QR_FRAME_WANT;
        frame.want.range_count = recipe_ranges(recipe, rest);
        frame.want.ranges = recipe->space.ranges;
        break;
    case 4:
        frame.type = QR_FRAME_ACK;
        frame.ack.range_count = recipe_ranges(recipe, rest);
        frame.ack.ranges = recipe->space.ranges;
        break;
    case 5:
        frame.type = QR_FRAME_CAUGHT_UP;
        frame.caught_up.position_count = recipe_positions(recipe, rest);
        frame.caught_up.positions = recipe->space.positions;
        break;
    case 6:
        frame.type = QR_FRAME_ERROR;
        frame.error.code = recipe_byte(rest, 0) & 31;
        frame.error.fatal = recipe_byte(rest, 0) & 32;
        frame.error.retry_ms = recipe_byte(rest, 1) * 1000u;
        if (recipe_ranges(
                recipe, (struct quire_bytes){rest.data + 2, rest.size > 2 ? rest.size - 2 : 0})
            > 0) {
            frame.error.replica = recipe->space.ranges[0].replica;
            frame.error.seq = recipe->space.ranges[0].to;
        }
        break;
    case 7: tell_done(box); return;
    default:
        frame.type = QR_FRAME_PRESENCE;
        frame.presence.others = recipe_byte(rest, 0);
        break;
    }
    say(box, &frame);
}

static void check(const struct quire_device *device)
{
    size_t inflight = 0;
    assert(device->chains.count <= QR_CHAINS_MAX);
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        assert(chain->disk.durable <= chain->head && chain->link.sent <= chain->head);
        assert(chain->acked <= chain->head);
        assert(device_chain_find(device, chain->replica) == chain);
    }
    for (size_t i = 0; i < device->upload.inflight_count; i++) {
        inflight += device->upload.inflight[i].size;
    }
    assert(device->lost_ops.count <= DEVICE_LOST_OPS_MAX
        && device->audit.server_roster.count <= QR_RECORDS_MAX);
    for (size_t i = 1; i < device->rebased.count; i++) {
        assert(device->rebased.items[i - 1].number < device->rebased.items[i].number);
    }
    assert(inflight == device->upload.inflight_size && inflight <= QR_UNACKED_MAX);
    assert(device->receive.consumed <= QR_CREDIT_INITIAL);
    assert(device->cache.count <= DEVICE_CACHE_MAX + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct recipe recipe; /* large */
    struct quire_bytes script = {data, size};
    struct script_step step;
    struct device_box *box = device_box_create(NULL, NULL);
    recipe_init(&recipe, device_box_device(box)->vault, &device_box_device(box)->roster);
    for (int i = 0; i < SCRIPT_STEPS_MAX && script_next(&script, &step); i++) {
        if (step.what == DEVICE_BOX_FORGE) {
            forge(box, &recipe, &step);
        } else {
            device_box_run(box, &step);
        }
        if (step.what == DEVICE_BOX_RESTART) { /* another struct, the same device */
            recipe.vaults[0] = device_box_device(box)->vault;
            recipe.roster = &device_box_device(box)->roster;
            for (size_t c = 0; c < RECIPE_CHAINS; c++) {
                recipe.chains[c].roster = recipe.roster;
                recipe.chains[c].vault = recipe.vaults[c % RECIPE_VAULTS];
            }
        }
        check(device_box_device(box));
    }
    step = (struct script_step){.what = DEVICE_BOX_RESTART};
    device_box_run(box, &step);
    check(device_box_device(box));
    recipe_finish(&recipe);
    device_box_destroy(box);
    return 0;
}
