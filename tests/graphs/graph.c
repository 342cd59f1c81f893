/*
 * Random graphs of edits.
 */
#include "graph_inner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t graph_roll(struct graph *graph)
{
    return kit_random_next(&graph->random);
}

size_t graph_pick(struct graph *graph, uint64_t below)
{
    return (size_t)kit_random_below(&graph->random, below);
}

void graph_fail(struct graph *graph, const char *what)
{
    if (!graph->failed) {
        snprintf(graph->result->failure, sizeof graph->result->failure, "%s", what);
    }
    graph->failed = true;
}

void graph_need(struct graph *graph, bool holds, const char *what)
{
    if (!holds) {
        graph_fail(graph, what);
    }
}

void graph_ok(struct graph *graph, enum quire_status status, const char *what)
{
    if (status != QUIRE_OK && !graph->failed) {
        snprintf(graph->result->failure, sizeof graph->result->failure, "%s: %s", what,
            quire_status_text(status));
        graph->failed = true;
    }
}

uint64_t graph_digest(uint64_t digest, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    digest ^= size;
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ at[i]) * UINT64_C(0x100000001b3);
        digest ^= digest >> 29;
    }
    return digest;
}

static uint64_t digest_of(struct graph *graph, const struct quire_document *document)
{
    struct quire_buffer bytes = {0};
    graph_ok(graph, quire_document_encode(document, &bytes), "encode");
    graph_ok(graph, quire_document_canonical(document, &bytes), "canonical");
    uint64_t digest = graph_digest(0, bytes.data, bytes.size);
    quire_buffer_finish(&bytes);
    return digest;
}

/* ---- devices ------------------------------------------------------------------------------ */

static struct quire_document *new_document(struct graph *graph)
{
    struct quire_document *document = NULL;
    graph_ok(graph, quire_document_create(&document), "create");
    return document;
}

/** Names that differ early, late, and by their last bit. False: there are enough replicas. */
static bool new_replica(struct graph *graph, struct device *device)
{
    if (graph->replica_count == REPLICAS_MAX) {
        return false;
    }
    uint8_t *name = graph->names[graph->replica_count];
    bool taken;
    do {
        taken = false;
        bool close = graph->replica_count > 0 && graph_pick(graph, 4) == 0;
        for (size_t i = 0; i < QUIRE_REPLICA_SIZE && !close; i++) {
            name[i] = (uint8_t)graph_roll(graph);
        }
        if (close) {
            memcpy(name, graph->names[graph_pick(graph, graph->replica_count)], QUIRE_REPLICA_SIZE);
            name[QUIRE_REPLICA_SIZE - 1 - graph_pick(graph, 2)] ^=
                (uint8_t)(1 + graph_pick(graph, 255));
        }
        for (unsigned i = 0; i < graph->replica_count; i++) {
            taken = taken || memcmp(name, graph->names[i], QUIRE_REPLICA_SIZE) == 0;
        }
    } while (taken);
    device->replica = graph->replica_count++;
    device->own |= UINT64_C(1) << device->replica;
    return true;
}

static bool add_device(struct graph *graph)
{
    struct device *device = &graph->devices[graph->device_count];
    if (graph->device_count == DEVICES_MAX || !new_replica(graph, device)) {
        return false;
    }
    device->diligence = 1 + (unsigned)graph_pick(graph, 8);
    device->document = new_document(graph);
    graph_undo_begin(graph, device);
    graph->device_count++;
    return !graph->failed;
}

static void mark(struct graph *graph, struct device *device, size_t message)
{
    if (message >= device->has_capacity) {
        size_t capacity = 2 * message + 64;
        uint8_t *has = realloc(device->has, capacity);
        if (has == NULL) {
            graph_fail(graph, "no memory");
            return;
        }
        memset(has + device->has_capacity, 0, capacity - device->has_capacity);
        device->has = has;
        device->has_capacity = capacity;
    }
    device->has_count += device->has[message] == 0 ? 1 : 0;
    device->has[message] = 1;
}

static bool has(const struct device *device, size_t message)
{
    return message < device->has_capacity && device->has[message] != 0;
}

static void learn(struct clock *clock, const struct clock *other)
{
    for (size_t i = 0; i < REPLICAS_MAX; i++) {
        clock->seen[i] = other->seen[i] > clock->seen[i] ? other->seen[i] : clock->seen[i];
    }
}

static bool covers(const struct clock *clock, const struct clock *needed)
{
    for (size_t i = 0; i < REPLICAS_MAX; i++) {
        if (needed->seen[i] > clock->seen[i]) {
            return false;
        }
    }
    return true;
}

void graph_check(struct graph *graph, const struct device *device)
{
    char reason[100];
    if (graph->reference != NULL && !graph->failed) {
        graph->result->checks++;
        if (!reference_compare(
                graph->reference, &device->clock, device->document, reason, sizeof reason)) {
            graph_fail(graph, reason);
        }
    }
}

/* ---- edits -------------------------------------------------------------------------------- */

struct quire_stamp graph_stamp(struct graph *graph, const struct device *device)
{
    struct quire_stamp stamp;
    memcpy(stamp.replica, graph->names[device->replica], sizeof stamp.replica);
    /* Clocks agree now and then, go back, or are years off. */
    graph->now_ms += (int64_t)graph_pick(graph, 5) - 1;
    stamp.wall_ms = graph_pick(graph, 50) == 0 ? (int64_t)graph_roll(graph) : graph->now_ms;
    return stamp;
}

/** The reference has counted already; without one it is done here. */
static void made(struct graph *graph, struct device *device, bool referred, uint64_t ticks)
{
    graph->result->ops++;
    if (graph->reference == NULL) {
        device->clock.seen[device->replica] += ticks;
    } else {
        graph_need(graph, referred, "no memory for the reference");
    }
}

static size_t random_text(
    struct graph *graph, size_t count, uint32_t *out_points, uint8_t *out_utf8)
{
    static const struct {
        uint32_t point;
        const char *utf8;
    } others[] = {{0xe9, "\xc3\xa9"}, {0x7ff, "\xdf\xbf"}, {0x4e2d, "\xe4\xb8\xad"},
        {0xfffd, "\xef\xbf\xbd"}, {0x1f600, "\xf0\x9f\x98\x80"}, {0x10ffff, "\xf4\x8f\xbf\xbf"},
        {0x301, "\xcc\x81"}};
    bool foreign = graph_pick(graph, 6) == 0;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (foreign && graph_pick(graph, 2) == 0) {
            size_t which = graph_pick(graph, sizeof others / sizeof others[0]);
            out_points[i] = others[which].point;
            size_t width = strlen(others[which].utf8);
            memcpy(out_utf8 + size, others[which].utf8, width);
            size += width;
        } else {
            out_points[i] = 'a' + (uint32_t)graph_pick(graph, 26);
            out_utf8[size++] = (uint8_t)out_points[i];
        }
    }
    return size;
}

#ifdef QR_LIMITS_TINY
#define LIMITS_ARE_TINY true
#else
#define LIMITS_ARE_TINY false
#endif

#define TYPED_MAX 2100 /* code points at once: above what one item of the text holds */

static void insert(struct graph *graph, struct device *device, size_t position, size_t count)
{
    static uint32_t points[TYPED_MAX];
    static uint8_t utf8[4 * TYPED_MAX];
    struct quire_stamp stamp = graph_stamp(graph, device);
    struct author author = {device->replica, &device->clock, stamp.wall_ms};
    size_t size = random_text(graph, count, points, utf8);
    enum quire_status status =
        quire_document_insert(device->document, &stamp, position, (struct quire_bytes){utf8, size});
    if (LIMITS_ARE_TINY && status == QUIRE_ELIMIT) {
        graph->result->ops++;
        graph->result->refusals++;
        return;
    }
    graph_ok(graph, status, "insert");
    made(graph, device,
        graph->reference == NULL
            || reference_insert(graph->reference, &author, position, points, count),
        count);
    graph->result->letters += count;
    device->caret = position + count;
}

static void erase(struct graph *graph, struct device *device, size_t position, size_t count)
{
    struct quire_stamp stamp = graph_stamp(graph, device);
    struct author author = {device->replica, &device->clock, stamp.wall_ms};
    graph_ok(graph, quire_document_erase(device->document, &stamp, position, count), "erase");
    made(graph, device,
        graph->reference == NULL || reference_erase(graph->reference, &author, position, count), 1);
    device->caret = position;
}

/** A person types: on where the caret is, backspaces, jumps, pastes, cuts, writes backwards. */
static void edit_text(struct graph *graph, struct device *device)
{
    size_t length = quire_document_text_length(device->document);
    device->caret = device->caret > length ? length : device->caret;
    if (graph_pick(graph, 10) == 0) {
        device->caret = graph_pick(graph, length + 1);
    } else if (graph_pick(graph, 10)
        < graph->crowding) { /* the start, the end, a spot that all know */
        size_t spots[] = {0, 1, length, length / 2, length < 7 ? length : 7};
        device->caret = length == 0 ? 0 : spots[graph_pick(graph, 5)];
    }
    size_t action = length > TEXT_LENGTH_MAX ? 6 + graph_pick(graph, 3) : graph_pick(graph, 9);
    size_t position = device->caret;
    if (action >= 6 && length > 0) {
        size_t count = 1 + (graph_pick(graph, 4) == 0 ? graph_pick(graph, 12) : 0);
        if (action == 8 && graph_pick(graph, 10) == 0) {
            count = 1 + graph_pick(graph, length / 4 + 1);
        }
        count = count > length ? length : count;
        position = action == 7 ? position
            : position > count ? position - count
                               : 0; /* Delete, Backspace */
        position = position > length - count ? length - count : position;
        erase(graph, device, position, count);
    } else if (graph_pick(graph, 400) == 0 && graph->options->ops >= 200) {
        insert(graph, device, position, 1000 + graph_pick(graph, 1100));
    } else {
        insert(graph, device, position, graph_pick(graph, 3) == 0 ? 1 + graph_pick(graph, 7) : 1);
        if (graph_pick(graph, 10) < graph->backwards) {
            device->caret = position;
        }
    }
}

static void edit_cell(struct graph *graph, struct device *device)
{
    struct quire_document *document = device->document;
    struct quire_stamp stamp = graph_stamp(graph, device);
    struct author author = {device->replica, &device->clock, stamp.wall_ms};
    unsigned field = (unsigned)graph_pick(graph, QUIRE_REGISTER_COUNT + QUIRE_SET_COUNT);
    bool removes = graph_pick(graph, 3) == 0;
    bool is_register = field < QUIRE_REGISTER_COUNT;
    char name = is_register ? 0 : (char)('a' + graph_pick(graph, 3));
    char title = (char)('a' + graph_pick(graph, 26));
    int64_t number =
        field == QUIRE_REGISTER_DATE ? (int64_t)graph_roll(graph) : (int64_t)graph_pick(graph, 101);
    enum quire_set set = (enum quire_set)(is_register ? 0 : field - QUIRE_REGISTER_COUNT);
    struct quire_bytes bytes = {(const uint8_t *)(is_register ? &title : &name), 1};
    number = is_register || set == QUIRE_SET_EMOTIONS ? number : 0;
    number = field == QUIRE_REGISTER_TITLE ? title : number;
    if (removes) { /* nothing happens where nothing is */
        size_t before = is_register
            ? quire_document_register_count(document, (enum quire_register)field)
            : quire_document_set_count(document, set);
        if (is_register) {
            graph_ok(graph,
                quire_document_clear_register(document, &stamp, (enum quire_register)field),
                "clear");
        } else {
            graph_ok(graph, quire_document_remove_element(document, &stamp, set, bytes), "remove");
        }
        if (before == (is_register ? 0 : quire_document_set_count(document, set))) {
            return;
        }
    } else if (is_register) {
        struct quire_value value = {.text = bytes, .number = number};
        graph_ok(graph,
            quire_document_set_register(document, &stamp, (enum quire_register)field, &value),
            "set");
    } else {
        enum quire_status status = quire_document_add_element(document, &stamp, set, bytes, number);
        if (LIMITS_ARE_TINY && status == QUIRE_ELIMIT) {
            graph->result->refusals++;
            return;
        }
        graph_ok(graph, status, "add");
    }
    made(graph, device,
        graph->reference == NULL
            || reference_write(graph->reference, &author, field, name, removes ? NULL : &number),
        1);
}

static void edit(struct graph *graph, struct device *device)
{
    size_t kind = graph_pick(graph, 110);
    if (kind >= 100) {
        for (size_t steps = 1 + graph_pick(graph, 3); steps > 0 && !graph->failed; steps--) {
            graph_undo_replay(graph, device, kind >= 106);
        }
        return;
    }
    graph_undo_before(graph, device, kind == 0);
    if (kind == 0) {
        struct quire_stamp stamp = graph_stamp(graph, device);
        struct author author = {device->replica, &device->clock, stamp.wall_ms};
        graph_ok(graph, quire_document_delete(device->document, &stamp), "delete");
        made(graph, device, graph->reference == NULL || reference_delete(graph->reference, &author),
            1);
    } else if (kind < 15) {
        edit_cell(graph, device);
    } else {
        edit_text(graph, device);
    }
    graph_undo_after(graph, device);
}

/* ---- messages ----------------------------------------------------------------------------- */

static void send(struct graph *graph, struct device *device)
{
    if (quire_document_pending_size(device->document) == 0 || graph->failed) {
        return;
    }
    if (graph->message_count == graph->message_capacity) {
        size_t capacity = 2 * graph->message_capacity + 64;
        struct message *messages = realloc(graph->messages, capacity * sizeof *messages);
        if (messages == NULL) {
            graph_fail(graph, "no memory");
            return;
        }
        graph->messages = messages;
        graph->message_capacity = capacity;
    }
    struct message message = {.needs = device->clock, .brings = device->clock, .own = device->own};
    device->pending.seen[device->replica] = device->clock.seen[device->replica];
    for (unsigned i = 0; i < REPLICAS_MAX;
         i++) { /* after a crash, more may have come back than is pending */
        if ((device->own >> i & 1) != 0 && device->pending.seen[i] == device->clock.seen[i]) {
            message.needs.seen[i] = device->taken.seen[i];
        }
    }
    size_t max_size = graph_pick(graph, 2) == 0 ? 4096 : 1 << 20;
    while (!graph->failed && quire_document_pending_size(device->document) > 0) {
        struct quire_buffer *parts =
            realloc(message.parts, (message.part_count + 1) * sizeof *parts);
        if (parts == NULL) {
            graph_fail(graph, "no memory");
            break;
        }
        message.parts = parts;
        parts[message.part_count] = (struct quire_buffer){0};
        graph_ok(graph,
            quire_document_take_delta(device->document, max_size, &parts[message.part_count]),
            "take_delta");
        graph_need(graph, parts[message.part_count].size <= max_size, "a delta above its bound");
        message.part_count++;
    }
    device->taken = device->clock;
    mark(graph, device, graph->message_count);
    graph->messages[graph->message_count++] = message;
}

static void merge(struct graph *graph, struct device *device, size_t index)
{
    const struct message *message = &graph->messages[index];
    bool news = !has(device, index);
    for (unsigned i = 0; i < REPLICAS_MAX; i++) {
        news = news
            && (message->brings.seen[i] == message->needs.seen[i]
                || device->clock.seen[i] <= message->needs.seen[i]);
    }
    if (news && graph->reference != NULL && device >= graph->devices
        && device < graph->devices + DEVICES_MAX) {
        reference_told(graph->reference, (unsigned)(device - graph->devices), message->own,
            &message->needs, &message->brings);
    }
    for (size_t i = 0; i < message->part_count && !graph->failed; i++) {
        graph_ok(graph,
            quire_document_merge(device->document, quire_buffer_bytes(&message->parts[i])),
            "merging a delta");
        graph->result->merges++;
    }
    learn(&device->clock, &message->brings);
    mark(graph, device, index);
    graph_undo_news(device);
}

/** The next message for a device: one of the `window` oldest that it lacks, if it may have it now;
 * else the oldest. SIZE_MAX: it has all. */
static size_t choose(struct graph *graph, struct device *device, size_t window)
{
    while (has(device, device->oldest_missing)) {
        device->oldest_missing++;
    }
    if (device->oldest_missing >= graph->message_count) {
        return SIZE_MAX;
    }
    size_t rest = graph->message_count - device->oldest_missing;
    size_t index = device->oldest_missing + graph_pick(graph, rest < window ? rest : window);
    return !has(device, index) && covers(&device->clock, &graph->messages[index].needs)
        ? index
        : device->oldest_missing;
}

/** A device merges all that it lacks. */
static void catch_up(struct graph *graph, struct device *device, size_t window)
{
    size_t index;
    while (!graph->failed && (index = choose(graph, device, window)) != SIZE_MAX) {
        merge(graph, device, index);
    }
}

static void receive(struct graph *graph, struct device *device)
{
    size_t window = graph_pick(graph, 4) == 0 ? SIZE_MAX : 1 + graph_pick(graph, 32);
    size_t many = graph_pick(graph, 12) == 0 ? SIZE_MAX : 1 + graph_pick(graph, 30);
    for (size_t i = 0; i < many && !graph->failed; i++) {
        size_t index = choose(graph, device, window);
        if (index == SIZE_MAX) {
            break;
        }
        merge(graph, device, index);
        if (graph_pick(graph, 10) == 0) { /* once more, or one from long ago */
            size_t again = graph_pick(graph, index + 1);
            merge(graph, device, has(device, again) ? again : index);
        }
    }
}

/** One device gives another, or itself grown anew, its whole state. */
static void merge_state(struct graph *graph, struct device *to, struct device *from)
{
    struct quire_buffer state = {0};
    send(graph, from); /* so that some message holds all that anybody knows */
    graph_ok(graph, quire_document_encode(from->document, &state), "encode");
    graph_ok(
        graph, quire_document_merge(to->document, quire_buffer_bytes(&state)), "merging a state");
    graph->result->merges++;
    learn(&to->clock, &from->clock);
    graph_undo_news(to);
    for (size_t i = 0; i < graph->message_count; i++) {
        if (has(from, i)) {
            mark(graph, to, i);
        }
    }
    quire_buffer_finish(&state);
}

/* ---- crashes ------------------------------------------------------------------------------ */

static void keep(struct graph *graph, struct device *device)
{
    quire_buffer_clear(&device->kept_state);
    quire_buffer_clear(&device->kept_pending);
    graph_ok(graph, quire_document_encode(device->document, &device->kept_state), "encode");
    graph_ok(graph, quire_document_encode_pending(device->document, &device->kept_pending),
        "encode_pending");
    device->pending.seen[device->replica] = device->clock.seen[device->replica];
    device->kept_clock = device->clock;
    device->kept_taken = device->taken;
    device->kept_pending_to = device->pending;
}

/** The process dies. What was sent since comes back from the others, as from anybody. */
static void crash(struct graph *graph, struct device *device)
{
    if (device->kept_state.size == 0 || !new_replica(graph, device)) {
        return;
    }
    quire_document_destroy(device->document);
    device->document = new_document(graph);
    graph_undo_begin(graph, device);
    graph_ok(graph, quire_document_merge(device->document, quire_buffer_bytes(&device->kept_state)),
        "merging what was kept");
    if (device->kept_pending.size > 0) {
        graph_ok(graph,
            quire_document_restore_pending(
                device->document, quire_buffer_bytes(&device->kept_pending)),
            "restore_pending");
    }
    device->clock = device->kept_clock;
    device->taken = device->kept_taken;
    device->pending = device->kept_pending_to;
    for (size_t i = 0; i < graph->message_count; i++) {
        if (has(device, i) && !covers(&device->clock, &graph->messages[i].brings)) {
            device->has[i] = 0;
            device->has_count--;
        }
    }
    device->oldest_missing = 0;
    graph_check(graph, device);
}

/* ---- a graph ------------------------------------------------------------------------------ */

static void step(struct graph *graph)
{
    struct device *device = &graph->devices[graph_pick(graph, graph->device_count)];
    if (graph_pick(graph, 8) >= device->diligence) {
        return;
    }
    size_t kind = graph_pick(graph, 64);
    if (kind < 38) {
        for (size_t burst = 1 + graph_pick(graph, 12); burst > 0 && !graph->failed; burst--) {
            edit(graph, device);
        }
    } else if (kind < 48) {
        send(graph, device);
    } else if (kind < 60) {
        receive(graph, device);
    } else if (kind == 60) {
        if (graph_pick(graph, 2) == 0) {
            keep(graph, device);
        } else {
            graph_undo_reopen(graph, device);
        }
    } else if (kind == 61 && graph_pick(graph, 8) == 0) {
        crash(graph, device);
    } else if (kind == 62 && graph_pick(graph, 8) == 0 && add_device(graph)) {
        merge_state(graph, &graph->devices[graph->device_count - 1], device);
        device = &graph->devices[graph->device_count - 1];
    } else if (kind == 63 && graph_pick(graph, 4) == 0) {
        merge_state(graph, device, &graph->devices[graph_pick(graph, graph->device_count)]);
    }
    if (graph->options->check_every > 0
        && graph->result->ops - graph->checked_at >= graph->options->check_every) {
        graph->checked_at = graph->result->ops;
        graph_check(graph, device);
    }
}

/** Whether the document is the same, to the last id, as all others that hold all edits. */
static void arrived(struct graph *graph, const struct device *device, const char *how)
{
    uint64_t digest = digest_of(graph, device->document);
    if (graph->result->orders++ == 0) {
        graph->result->digest = digest;
        graph_check(graph, device);
    }
    graph_need(graph, digest == graph->result->digest, how);
}

static void finish_device(struct device *device)
{
    quire_undo_destroy(device->undoer.undo);
    quire_document_destroy(device->document);
    quire_buffer_finish(&device->kept_state);
    quire_buffer_finish(&device->kept_pending);
    free(device->has);
    *device = (struct device){0};
}

/** All deltas once more, in another order, into a document that knows nothing. */
static void replay(struct graph *graph, size_t round)
{
    static const size_t windows[] = {1, SIZE_MAX, 4, 64};
    struct device fresh = {.document = new_document(graph)};
    struct device half = {.document = new_document(graph)};
    /* Two take the halves that come to them, and then each other's state: every other time. */
    for (size_t i = 0; round % 2 == 1 && i < graph->message_count / 2 && !graph->failed; i++) {
        merge(graph, &half, choose(graph, &half, SIZE_MAX));
        merge(graph, &fresh, choose(graph, &fresh, SIZE_MAX));
    }
    if (round % 2 == 1) {
        struct quire_buffer state = {0};
        graph_ok(graph, quire_document_encode(half.document, &state), "encode");
        graph_ok(graph, quire_document_merge(fresh.document, quire_buffer_bytes(&state)),
            "merging the other half");
        learn(&fresh.clock, &half.clock);
        quire_buffer_finish(&state);
        graph->result->merges++;
    }
    catch_up(graph, &fresh, windows[round % 4]);
    arrived(graph, &fresh, "the same deltas in another order end in another state");
    finish_device(&fresh);
    finish_device(&half);
}

static void finish(struct graph *graph)
{
    for (size_t i = 0; i < graph->device_count; i++) {
        send(graph, &graph->devices[i]);
    }
    struct device joined = {.document = new_document(graph)};
    size_t first = graph_pick(graph, graph->device_count);
    for (size_t i = 0; i < graph->device_count; i++) {
        merge_state(graph, &joined, &graph->devices[(first + i) % graph->device_count]);
    }
    catch_up(graph, &joined, 1); /* a device may have crashed and forgotten what it alone had */
    arrived(graph, &joined, "");
    struct device copy = {.document = new_document(graph)};
    merge_state(graph, &copy, &joined);
    merge_state(graph, &copy, &joined); /* the first one is kept as it is */
    arrived(graph, &copy, "a state was read as another one");
    finish_device(&copy);
    finish_device(&joined);
    for (size_t i = 0; i < graph->device_count && !graph->failed; i++) {
        struct device *device = &graph->devices[i];
        catch_up(graph, device, 16);
        arrived(graph, device, "a device that has merged all ended in another state");
    }
    for (size_t round = 0; round < graph->options->orders && !graph->failed; round++) {
        replay(graph, round);
    }
}

bool graph_run(const struct graph_options *options, struct graph_result *out_result)
{
    struct graph *graph = calloc(1, sizeof *graph);
    *out_result = (struct graph_result){0};
    if (graph == NULL) {
        snprintf(out_result->failure, sizeof out_result->failure, "no memory");
        return false;
    }
    graph->options = options;
    graph->result = out_result;
    graph->random = (struct kit_random){options->seed};
    if (options->check_every > 0) {
        graph->reference = reference_create(graph->names);
        graph_need(graph, graph->reference != NULL, "no memory");
    }
    graph->crowding = graph_pick(graph, 2) == 0 ? 1 : (unsigned)graph_pick(graph, 11);
    graph->backwards = graph_pick(graph, 2) == 0 ? 1 : (unsigned)graph_pick(graph, 10);
    for (size_t count = 2 + graph_pick(graph, 5); count > 0; count--) {
        graph_need(graph, add_device(graph), "no device");
    }
    while (!graph->failed && out_result->ops < options->ops) {
        step(graph);
    }
    if (!graph->failed) {
        finish(graph);
    }
    for (size_t i = 0; i < graph->device_count; i++) {
        finish_device(&graph->devices[i]);
    }
    for (size_t i = 0; i < graph->message_count; i++) {
        for (size_t j = 0; j < graph->messages[i].part_count; j++) {
            quire_buffer_finish(&graph->messages[i].parts[j]);
        }
        free(graph->messages[i].parts);
    }
    free(graph->messages);
    reference_destroy(graph->reference);
    bool failed = graph->failed;
    free(graph);
    return !failed;
}
