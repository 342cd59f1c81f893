/*
 * A story of four devices that sync through the real hub, made up from a seed. Every call of the
 * exports is written down with all that goes in and comes out, for the module to be held against:
 *
 *   <call> <person> <arguments…> = <status> <results…>
 *
 *   init p entropy wall record name = s kit actions        open p entropy wall record = s
 *   join p entropy wall name code = s                      recover p entropy wall name kit = s
 *   rejoin p entropy wall code = s
 *   step p kind now wall entropy bytes token id = s actions wake
 *   insert p entry wall position text = s                  erase p entry wall position count = s
 *   title p entry wall text = s                            tag p entry wall name = s
 *   rows p entries|devices|rejections|state = s rows       look p entry = s canonical digest
 *   destroy p =
 *
 * The profile's key is the byte 7, 32 times; records are what the actions of that person persist.
 */
#include "crypto/sign.h"
#include "kit/hub.h"
#include "kit/random.h"
#include "kit/table.h"
#include "native.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE 4
#define MESSAGES_MAX 4096
#define ENTRIES 4

struct message {
    uint32_t person;
    bool to_hub;
    uint64_t connection;
    struct quire_buffer bytes;
};

struct person {
    struct quire_device *device;
    struct kit_table table;
    struct quire_buffer replica;
    uint64_t connection; /* 0: offline */
    struct quire_buffer code;
};

struct world {
    struct person people[PEOPLE];
    struct kit_hub server;
    struct message *line; /* a ring of MESSAGES_MAX: everything on its way, in order */
    size_t first, last;
    uint64_t now_ms, next_connection;
    struct kit_random random;
    struct quire_buffer kit;
    struct quire_buffer *out;
};

static struct world world;
static const struct quire_bytes host = {(const uint8_t *)"localhost:7433", 14};
static uint8_t profile_key[QUIRE_PROFILE_KEY_SIZE];

#define OK(call) need((call) == QUIRE_OK, #call)

static uint64_t drawn(void)
{
    return kit_random_next(&world.random);
}

static void entropy(uint8_t out[QUIRE_ENTROPY_SIZE])
{
    kit_random_fill(&world.random, out, QUIRE_ENTROPY_SIZE);
}

static int64_t wall(void)
{
    return 1700000000000 + (int64_t)world.now_ms;
}

static struct quire_bytes held(const struct quire_buffer *buffer)
{
    return quire_buffer_bytes(buffer);
}

static void set(struct quire_buffer *buffer, struct quire_bytes bytes)
{
    quire_buffer_clear(buffer);
    OK(quire_buffer_append(buffer, bytes.data, bytes.size));
}

static void say(struct quire_bytes bytes)
{
    putchar(' ');
    put_hex(bytes);
}

#define SAY(data, size) say((struct quire_bytes){(const uint8_t *)(data), (size)})

/* ---- records ---------------------------------------------------------------------------------- */

int quire_host_get(
    uint32_t reader, const uint8_t *key, size_t key_size, struct quire_buffer *out_value)
{
    struct quire_reader table = kit_table_reader(&world.people[reader].table);
    return (int)table.get(table.context, (struct quire_bytes){key, key_size}, out_value);
}

static bool visit_record(void *scan, struct quire_bytes key, struct quire_bytes value)
{
    return quire_wasm_scan_visit(scan, key.data, key.size, value.data, value.size) != 0;
}

int quire_host_scan(
    uint32_t reader, const uint8_t *prefix, size_t prefix_size, struct quire_wasm_scan *scan)
{
    struct quire_reader table = kit_table_reader(&world.people[reader].table);
    return (int)table.scan(
        table.context, (struct quire_bytes){prefix, prefix_size}, visit_record, scan);
}

void quire_host_failed(const char *file, uint32_t line)
{
    fprintf(stderr, "%s:%u: an assertion does not hold\n", file, line);
    abort();
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void send(uint32_t person, bool to_hub, struct quire_bytes bytes)
{
    struct message *message = &world.line[world.last++ % MESSAGES_MAX];
    need(world.last - world.first < MESSAGES_MAX, "too many messages on their way");
    *message = (struct message){person, to_hub, world.people[person].connection, {0}};
    set(&message->bytes, bytes);
}

static void step(
    uint32_t person, uint32_t kind, struct quire_bytes bytes, uint64_t token, const uint8_t *id);
static void hub_step(struct qr_hub_event event);

static void hang_up(uint32_t index)
{
    uint64_t connection = world.people[index].connection;
    if (connection != 0) {
        world.people[index].connection = 0;
        hub_step((struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = connection});
        step(index, QUIRE_EVENT_DISCONNECTED, (struct quire_bytes){0}, 0, NULL);
    }
}

/* ---- the hub ---------------------------------------------------------------------------------- */

static void hub_step(struct qr_hub_event event)
{
    size_t closed_count = 0;
    uint32_t closed[PEOPLE];
    struct qr_hub_actions actions;
    event.now_ms = world.now_ms;
    event.wall_ms = (uint64_t)wall();
    entropy(event.entropy);
    OK(qr_hub_step(world.server.hub, &event, &actions));
    for (size_t i = 0; i < actions.count; i++) {
        const struct qr_hub_action *action = &actions.items[i];
        uint32_t person = 0;
        while (person < PEOPLE && world.people[person].connection != action->connection) {
            person++;
        }
        if (action->kind == QR_HUB_SEND && person < PEOPLE) {
            send(person, false, action->bytes);
        } else if (action->kind == QR_HUB_CLOSE && person < PEOPLE) {
            closed[closed_count++] = person;
        } else {
            kit_hub_carry_out(&world.server, action);
        }
    }
    while (kit_hub_answer(&world.server, &event)) {
        hub_step(event);
    }
    for (size_t i = 0; i < closed_count; i++) {
        hang_up(closed[i]);
    }
}

/* ---- the devices ------------------------------------------------------------------------------ */

/* Reads the rows of exports.h: so they are tested as what they are for. */
static uint64_t take(struct quire_bytes *rows, size_t size)
{
    uint64_t value = 0;
    need(rows->size >= size, "a row ends early");
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | rows->data[i];
    }
    *rows = (struct quire_bytes){rows->data + size, rows->size - size};
    return value;
}

static struct quire_bytes take_bytes(struct quire_bytes *rows)
{
    struct quire_bytes bytes = {NULL, (size_t)take(rows, 4)};
    need(rows->size >= bytes.size, "a row ends early");
    bytes.data = rows->data;
    *rows = (struct quire_bytes){rows->data + bytes.size, rows->size - bytes.size};
    return bytes;
}

static void carry_out(uint32_t index, struct quire_bytes rows)
{
    struct person *person = &world.people[index];
    struct quire_buffer copy = {0}; /* the steps that follow use the same buffer */
    uint64_t persisted = 0;
    bool close = false;
    set(&copy, rows);
    rows = held(&copy);
    while (rows.size > 0) {
        uint64_t kind = take(&rows, 1), notice = take(&rows, 1);
        take(&rows, 8); /* code, retry_ms */
        uint64_t token = take(&rows, 8);
        for (size_t i = 0; i < 4; i++) { /* entry, device */
            take(&rows, 8);
        }
        struct quire_bytes bytes = take_bytes(&rows);
        for (uint64_t left = take(&rows, 4); left > 0; left--) {
            struct quire_write write = {.erase = take(&rows, 1) != 0};
            write.key = take_bytes(&rows);
            write.value = take_bytes(&rows);
            kit_table_write(&person->table, &write);
        }
        if (kind == QUIRE_ACTION_PERSIST) {
            persisted = token;
        } else if (kind == QUIRE_ACTION_SEND && person->connection != 0) {
            send(index, true, bytes);
        } else if (kind == QUIRE_ACTION_CLOSE) {
            close = true;
        } else if (kind == QUIRE_ACTION_REPLICA) {
            set(&person->replica, bytes);
        } else if (kind == QUIRE_ACTION_NOTICE && notice == QUIRE_NOTICE_PAIR_CODE) {
            set(&person->code, bytes);
        }
    }
    quire_buffer_finish(&copy);
    if (persisted > 0) {
        step(index, QUIRE_EVENT_PERSISTED, (struct quire_bytes){0}, persisted, NULL);
    }
    if (close) {
        hang_up(index);
    }
}

static void step(
    uint32_t index, uint32_t kind, struct quire_bytes bytes, uint64_t token, const uint8_t *id)
{
    struct person *person = &world.people[index];
    uint8_t fresh[QUIRE_ENTROPY_SIZE];
    entropy(fresh);
    printf("step %u %u %" PRIu64 " %" PRId64, index, kind, world.now_ms, wall());
    SAY(fresh, sizeof fresh);
    say(bytes);
    printf(" %" PRIu64, token);
    SAY(id, id == NULL ? 0 : 16);
    int status = quire_wasm_device_step(person->device, kind, world.now_ms, wall(), fresh,
        bytes.data, bytes.size, token, id, world.out);
    printf(" = %d", status);
    say(held(world.out));
    printf(" %" PRIu64 "\n", quire_wasm_device_wake_ms(person->device));
    carry_out(index, held(world.out));
}

static void begin(const char *call, uint32_t index, uint8_t fresh[QUIRE_ENTROPY_SIZE])
{
    entropy(fresh);
    printf("%s %u", call, index);
    SAY(fresh, QUIRE_ENTROPY_SIZE);
    printf(" %" PRId64, wall());
}

static void init(uint32_t index, const char *name)
{
    uint8_t fresh[QUIRE_ENTROPY_SIZE];
    struct quire_bytes text = quire_bytes_of_text(name);
    begin("init", index, fresh);
    say((struct quire_bytes){0});
    say(text);
    int status = quire_wasm_device_init(index, profile_key, fresh, wall(), NULL, 0, text.data,
        text.size, &world.kit, world.out, &world.people[index].device);
    printf(" = %d", status);
    say(held(&world.kit));
    say(held(world.out));
    putchar('\n');
    OK(status);
    carry_out(index, held(world.out));
}

static void come(const char *call, uint32_t index, const char *name, struct quire_bytes secret)
{
    uint8_t fresh[QUIRE_ENTROPY_SIZE];
    struct quire_bytes text = quire_bytes_of_text(name);
    begin(call, index, fresh);
    say(text);
    say(secret);
    int status = (call[0] == 'j' ? quire_wasm_device_join : quire_wasm_device_recover)(index,
        profile_key, fresh, wall(), text.data, text.size, secret.data, secret.size,
        &world.people[index].device);
    printf(" = %d\n", status);
    OK(status);
}

static void rejoin(uint32_t index, struct quire_bytes code, enum quire_status expected)
{
    uint8_t fresh[QUIRE_ENTROPY_SIZE];
    begin("rejoin", index, fresh);
    say(code);
    int status = quire_wasm_device_rejoin(world.people[index].device, code.data, code.size, fresh);
    printf(" = %d\n", status);
    need(status == (int)expected, "a device asks to be enrolled again where it may");
}

static void restart(uint32_t index, bool with_replica)
{
    struct person *person = &world.people[index];
    uint8_t fresh[QUIRE_ENTROPY_SIZE];
    struct quire_bytes replica = with_replica ? held(&person->replica) : (struct quire_bytes){0};
    hang_up(index);
    quire_wasm_device_destroy(person->device);
    printf("destroy %u =\n", index);
    begin("open", index, fresh);
    say(replica);
    int status = quire_wasm_device_open(
        index, profile_key, fresh, wall(), replica.data, replica.size, &person->device);
    printf(" = %d\n", status);
    OK(status);
}

static void connect(uint32_t index)
{
    if (world.people[index].connection == 0) {
        uint64_t connection = world.people[index].connection = ++world.next_connection;
        hub_step(
            (struct qr_hub_event){.kind = QR_HUB_OPEN, .connection = connection, .bytes = host});
        step(index, QUIRE_EVENT_CONNECTED, host, 0, NULL);
    }
}

static void deliver(struct message *message)
{
    struct quire_bytes bytes = held(&message->bytes);
    if (message->connection == world.people[message->person].connection
        && message->connection != 0) {
        if (message->to_hub) {
            hub_step((struct qr_hub_event){
                .kind = QR_HUB_FRAME, .connection = message->connection, .bytes = bytes});
        } else {
            hub_step((struct qr_hub_event){
                .kind = QR_HUB_SENT, .connection = message->connection, .size = bytes.size});
            step(message->person, QUIRE_EVENT_FRAME, bytes, 0, NULL);
        }
    }
}

/* Carries everything to where it goes, and lets time go by. */
static void run(uint64_t milliseconds)
{
    for (uint64_t end = world.now_ms + milliseconds; world.now_ms < end; world.now_ms += 250) {
        for (size_t moved = 0; world.first < world.last; moved++) {
            need(moved < 4000, "it comes to rest");
            struct message message = world.line[world.first++ % MESSAGES_MAX];
            deliver(&message);
            quire_buffer_finish(&message.bytes);
        }
        hub_step((struct qr_hub_event){.kind = QR_HUB_TICK});
        for (uint32_t i = 0; i < PEOPLE; i++) {
            if (world.people[i].device != NULL
                && quire_wasm_device_wake_ms(world.people[i].device) <= world.now_ms) {
                step(i, QUIRE_EVENT_TICK, (struct quire_bytes){0}, 0, NULL);
            }
        }
    }
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void said(const char *call, uint32_t index, const uint8_t *entry)
{
    printf("%s %u", call, index);
    SAY(entry, QUIRE_ENTRY_SIZE);
    printf(" %" PRId64, wall());
}

static void type(uint32_t index)
{
    static const char *const words[] = {
        "rain ", "Grün ", "日記 ", "🙂", "and then we ", "walked\n", "é", "\t"};
    struct quire_device *device = world.people[index].device;
    uint8_t entry[QUIRE_ENTRY_SIZE] = {(uint8_t)(drawn() % ENTRIES), 0xee},
            session[QUIRE_REPLICA_SIZE];
    for (size_t i = drawn() % 12; i > 0; i--) {
        struct quire_document *document;
        OK(quire_wasm_device_document(device, entry, 1, &document));
        quire_wasm_device_replica(device, session);
        size_t length = quire_wasm_document_text_length(document),
               position = drawn() % (length + 1);
        struct quire_bytes word = quire_bytes_of_text(words[drawn() % 8]);
        uint64_t what = drawn() % 8;
        if (what == 0 && length > 0) {
            position = drawn() % length;
            size_t count = 1 + drawn() % (length - position);
            said("erase", index, entry);
            printf(" %zu %zu = %d\n", position, count,
                quire_wasm_document_erase(document, session, wall(), position, count));
        } else if (what == 1) {
            said("title", index, entry);
            say(word);
            printf(" = %d\n",
                quire_wasm_document_set_register(
                    document, session, wall(), QUIRE_REGISTER_TITLE, word.data, word.size, 0));
        } else if (what == 2) {
            said("tag", index, entry);
            say(word);
            printf(" = %d\n",
                quire_wasm_document_add_element(
                    document, session, wall(), QUIRE_SET_TAGS, word.data, word.size, 0));
        } else {
            said("insert", index, entry);
            printf(" %zu", position);
            say(word);
            printf(" = %d\n",
                quire_wasm_document_insert(
                    document, session, wall(), position, word.data, word.size));
        }
    }
    step(index, QUIRE_EVENT_SAVE, (struct quire_bytes){0}, 0, entry);
}

static void rows(uint32_t index, const char *what, int status)
{
    printf("rows %u %s = %d", index, what, status);
    say(held(world.out));
    putchar('\n');
}

/* Everything that can be seen of a device. */
static void look(uint32_t index)
{
    struct quire_device *device = world.people[index].device;
    rows(index, "entries", quire_wasm_device_entries(device, world.out));
    rows(index, "devices", quire_wasm_device_devices(device, world.out));
    rows(index, "rejections", quire_wasm_device_rejections(device, world.out));
    rows(index, "state", quire_wasm_device_state(device, world.out));
    for (uint8_t i = 0; i < ENTRIES; i++) {
        uint8_t entry[QUIRE_ENTRY_SIZE] = {i, 0xee};
        struct quire_document *document;
        int status = quire_wasm_device_document(device, entry, 0, &document);
        printf("look %u", index);
        SAY(entry, sizeof entry);
        printf(" = %d", status);
        if (status == QUIRE_OK) {
            OK(quire_wasm_document_canonical(document, world.out));
            say(held(world.out));
            OK(quire_wasm_document_digest(document, world.out));
            say(held(world.out));
        }
        putchar('\n');
    }
}

static void live(size_t rounds, uint32_t people)
{
    for (size_t i = 0; i < rounds; i++) {
        uint32_t person = (uint32_t)(drawn() % people);
        switch (drawn() % 8) {
        case 0: hang_up(person); break;
        case 1: connect(person); break;
        case 2: restart(person, drawn() % 2 == 0); break;
        case 3: step(person, QUIRE_EVENT_FLUSH, (struct quire_bytes){0}, 0, NULL); break;
        case 4: run(1000 + drawn() % 40000); break;
        default: type(person);
        }
    }
    for (uint32_t i = 0; i < people; i++) {
        connect(i);
        step(i, QUIRE_EVENT_FLUSH, (struct quire_bytes){0}, 0, NULL);
    }
    run(40000);
    for (uint32_t i = 0; i < people; i++) {
        look(i);
    }
}

static void start_hub(void)
{
    uint8_t log_id[QR_LOG_SIZE] = {9}, fresh[QUIRE_ENTROPY_SIZE];
    entropy(fresh);
    kit_hub_start(&world.server, log_id, fresh);
}

/* The server's disk is put back to when its log had so many records. */
static void put_back(size_t log_count)
{
    for (uint32_t i = 0; i < PEOPLE; i++) {
        hang_up(i);
    }
    for (; world.first < world.last; world.first++) {
        quire_buffer_finish(&world.line[world.first % MESSAGES_MAX].bytes);
    }
    kit_log_cut(&world.server.log, log_count);
    start_hub();
}

static void pair(uint32_t old, uint32_t index, const char *name)
{
    connect(old);
    run(2000);
    step(old, QUIRE_EVENT_PAIR_OPEN, (struct quire_bytes){0}, 0, NULL);
    run(1000);
    come("join", index, name, held(&world.people[old].code));
    connect(index);
    run(5000);
    connect(index); /* the first connection was for joining */
    run(2000);
}

/* The second device enrols a fourth, the server loses that record, and the second, which knew, is lost and revoked. */
static void join_and_be_lost(uint32_t index)
{
    uint8_t second[QUIRE_DEVICE_SIZE];
    OK(quire_wasm_device_state(world.people[1].device, world.out));
    memcpy(second, quire_wasm_buffer_data(world.out) + QUIRE_USER_SIZE, sizeof second);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        hang_up(i);
    }
    size_t log_count = world.server.log.count;
    pair(1, index, "tablet");
    type(index);
    rejoin(index, held(&world.people[1].code), QUIRE_ESTATE); /* connected: the server knows it */
    put_back(log_count);
    connect(0);
    run(2000);
    step(0, QUIRE_EVENT_REVOKE, (struct quire_bytes){0}, 0,
        second); /* in the place of the enrolment */
    run(30000);
    connect(index);
    run(1000);
    need(world.people[index].connection == 0, "a server refuses a device that it does not know");
    step(0, QUIRE_EVENT_PAIR_OPEN, (struct quire_bytes){0}, 0, NULL);
    run(1000);
    rejoin(index, quire_bytes_of_text("no code"), QUIRE_EMALFORMED);
    rejoin(index, held(&world.people[0].code), QUIRE_OK);
    connect(index);
    run(5000);
    connect(index);
    run(2000);
    need(world.people[index].connection != 0, "the device is enrolled again");
}

static void finish(void)
{
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct person *person = &world.people[i];
        quire_wasm_device_destroy(person->device);
        kit_table_finish(&person->table);
        quire_buffer_finish(&person->replica);
        quire_buffer_finish(&person->code);
    }
    for (; world.first < world.last; world.first++) {
        quire_buffer_finish(&world.line[world.first % MESSAGES_MAX].bytes);
    }
    free(world.line);
    kit_hub_finish(&world.server);
    quire_buffer_finish(&world.kit);
    quire_wasm_buffer_destroy(world.out);
}

void record_session(uint64_t seed)
{
    need(qr_crypto_init(), "libsodium works");
    memset(profile_key, 7, sizeof profile_key);
    world.random = (struct kit_random){seed};
    world.out = quire_wasm_buffer_create();
    world.line = calloc(MESSAGES_MAX, sizeof *world.line);
    qr_hub_limits_default(&world.server.limits);
    start_hub();

    init(0, "phone");
    live(12, 1);
    step(0, QUIRE_EVENT_PAIR_OPEN, (struct quire_bytes){0}, 0, NULL);
    run(1000);
    come("join", 1, "laptop", held(&world.people[0].code));
    connect(1);
    run(5000);
    live(30, 2);
    come("recover", 2, "new phone", held(&world.kit));
    connect(2);
    run(5000);
    live(40, 3);
    join_and_be_lost(3);
    live(10, PEOPLE);
    finish();
}
