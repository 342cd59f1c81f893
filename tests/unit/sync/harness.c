/*
 * A hub and devices in one process.
 */
#include "harness.h"
#include "kit/need.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const struct quire_bytes host = {(const uint8_t *)"localhost:7433", 14};

/* ---- lines ------------------------------------------------------------------------------------ */

void line_put(struct line *line, struct quire_bytes bytes)
{
    struct message *message = calloc(1, sizeof *message);
    cr_assert_eq(quire_buffer_append(&message->bytes, bytes.data, bytes.size), QUIRE_OK);
    if (line->last == NULL) {
        line->first = message;
    } else {
        line->last->next = message;
    }
    line->last = message;
}

struct message *line_take(struct line *line)
{
    struct message *message = line->first;
    if (message != NULL) {
        line->first = message->next;
        line->last = line->first == NULL ? NULL : line->last;
    }
    return message;
}

void message_free(struct message *message)
{
    quire_buffer_finish(&message->bytes);
    free(message);
}

void line_clear(struct line *line)
{
    struct message *message;
    while ((message = line_take(line)) != NULL) {
        message_free(message);
    }
}

static void enter_core(const struct world *world, bool inside)
{
    if (world->core != NULL) {
        world->core(inside);
    }
}

/* ---- the hub's shell --------------------------------------------------------------------------- */

static struct person *person_of(struct world *world, uint64_t connection)
{
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        if (world->people[i].connection == connection) {
            return &world->people[i];
        }
    }
    return NULL;
}

static struct stranger *stranger_of(struct world *world, uint64_t connection)
{
    for (size_t i = 0; i < world->stranger_count; i++) {
        if (connection != 0 && world->strangers[i].connection == connection) {
            return &world->strangers[i];
        }
    }
    return NULL;
}

static void hang_up(struct world *world, struct person *person)
{
    uint64_t connection = person->connection;
    person->connection = 0;
    line_clear(&person->to_hub);
    line_clear(&person->to_device);
    world_hub_step(world, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = connection});
    if (person->shell.device != NULL) {
        world_step(world, (size_t)(person - world->people),
            (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
    }
}

/* What the server stores, an attacker who has its disk reads. */
static void keep_seen(struct world *world, const struct qr_hub_action *action)
{
    for (size_t i = 0; i < action->record_count; i++) {
        KIT_OK(quire_buffer_append(
            &world->seen, action->records[i].bytes.data, action->records[i].bytes.size));
    }
}

/* Feeds the answers that the shell has, now that it may give them. */
static void answer(struct world *world)
{
    struct qr_hub_event event;
    while (world->server.hub != NULL && kit_hub_answer(&world->server, &event)) {
        world_hub_step(world, event);
    }
}

void world_hub_step(struct world *world, struct qr_hub_event event)
{
    struct person *closed[WORLD_DEVICES];
    size_t closed_count = 0;
    struct stranger *turned_away[WORLD_STRANGERS];
    size_t turned_away_count = 0;
    struct qr_hub_actions actions;
    if (world->server.hub == NULL) {
        return;
    }
    event.now_ms = world->now_ms;
    event.wall_ms = (uint64_t)world->wall_ms;
    kit_random_fill(&world->random, event.entropy, sizeof event.entropy);
    enter_core(world, true);
    enum quire_status status = qr_hub_step(world->server.hub, &event, &actions);
    enter_core(world, false);
    if (status == QUIRE_ENOMEM && world->core != NULL) {
        world->restarts++;
        world_restart_hub(world, world->server.log.durable);
        return;
    }
    cr_assert_eq(status, QUIRE_OK);
    for (size_t i = 0; i < actions.count; i++) {
        const struct qr_hub_action *action = &actions.items[i];
        struct person *person = person_of(world, action->connection);
        struct stranger *stranger = stranger_of(world, action->connection);
        switch (action->kind) {
        case QR_HUB_SEND:
            if (person != NULL) {
                line_put(&person->to_device, action->bytes);
            } else if (stranger != NULL) {
                line_put(&stranger->from_hub, action->bytes);
            }
            break;
        case QR_HUB_CLOSE:
            if (person != NULL) {
                closed[closed_count++] = person;
            } else if (stranger != NULL) {
                stranger->closed = action->code;
                turned_away[turned_away_count++] = stranger;
            }
            break;
        default: KIT_NEED(kit_hub_carry_out(&world->server, action)); keep_seen(world, action);
        }
    }
    answer(world);
    for (size_t i = 0; i < turned_away_count; i++) {
        uint64_t connection = turned_away[i]->connection;
        turned_away[i]->connection = 0; /* what was said before can still be read */
        world_hub_step(
            world, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = connection});
    }
    for (size_t i = 0; i < closed_count; i++) {
        /* What was sent before the close still arrives. */
        closed[i]->closed++;
        struct message *message;
        while (closed[i]->connection != 0 && (message = line_take(&closed[i]->to_device)) != NULL) {
            world_step(world, (size_t)(closed[i] - world->people),
                (struct quire_event){
                    .kind = QUIRE_EVENT_FRAME, .bytes = quire_buffer_bytes(&message->bytes)});
            message_free(message);
        }
        if (closed[i]->connection != 0) {
            hang_up(world, closed[i]);
        }
    }
}

void world_commit(struct world *world)
{
    bool held = world->server.hold_commits;
    world->server.hold_commits = false;
    answer(world);
    world->server.hold_commits = held;
}

void world_fail_commits(struct world *world)
{
    bool held = world->server.hold_commits;
    world->server.hold_commits = false;
    world->server.refuse_commits = QUIRE_EIO;
    answer(world);
    world->server.refuse_commits = QUIRE_OK;
    world->server.hold_commits = held;
}

void world_verify(struct world *world)
{
    world->server.hold_verify = false;
    answer(world);
}

struct stranger *world_stranger(struct world *world, const char *host_name)
{
    cr_assert_lt(world->stranger_count, WORLD_STRANGERS);
    struct stranger *stranger = &world->strangers[world->stranger_count++];
    *stranger = (struct stranger){.connection = world->next_connection++};
    world_hub_step(world,
        (struct qr_hub_event){.kind = QR_HUB_OPEN,
            .connection = stranger->connection,
            .address = world->address,
            .bytes = quire_bytes_of_text(host_name)});
    return stranger;
}

/* ---- a device's shell -------------------------------------------------------------------------- */

struct sender {
    struct world *world;
    struct person *person;
};

static void send_to_hub(void *context, struct quire_bytes message)
{
    struct sender *sender = context;
    if (sender->person->connection != 0) {
        line_put(&sender->person->to_hub, message);
        bool pushes = message.size > 1 && message.data[1] == QR_FRAME_PUSH;
        sender->person->pushed += pushes ? message.size : 0;
        KIT_OK(quire_buffer_append(&sender->world->seen, message.data, message.size));
    }
}

static void perform(struct world *world, struct person *person, struct quire_actions actions)
{
    struct sender sender = {world, person};
    struct kit_outcome outcome =
        kit_device_carry_out(&person->shell, &actions, send_to_hub, &sender);
    if (outcome.persisted > 0 && !world->hold_persisted) {
        world_step(world, (size_t)(person - world->people),
            (struct quire_event){.kind = QUIRE_EVENT_PERSISTED, .token = outcome.persisted});
    }
    if (outcome.close) {
        person->retry_ms = outcome.retry_ms;
        if (person->connection != 0) {
            hang_up(world, person);
        }
    }
}

void world_step(struct world *world, size_t index, struct quire_event event)
{
    struct person *person = &world->people[index];
    struct quire_actions actions;
    event.now_ms = world->now_ms;
    event.wall_ms = world->wall_ms;
    kit_random_fill(&world->random, event.entropy, sizeof event.entropy);
    enter_core(world, true);
    enum quire_status status = quire_device_step(person->shell.device, &event, &actions);
    enter_core(world, false);
    if (status == QUIRE_ENOMEM && world->core != NULL) {
        world->restarts++;
        if (person->shell.table.count > 0) {
            world_restart(world, index, true);
        } else {
            world_drop(world, index); /* a device without an account yet */
        }
        return;
    }
    cr_assert_eq(status, QUIRE_OK, "a step of device %zu: %s", index, quire_status_text(status));
    perform(world, person, actions);
}

struct quire_device_options world_options(struct world *world, struct person *person)
{
    uint8_t entropy[QUIRE_ENTROPY_SIZE];
    kit_random_fill(&world->random, entropy, sizeof entropy);
    return kit_device_options(&person->shell, entropy, world->wall_ms);
}

void world_account(struct world *world, size_t index)
{
    struct person *person = &world->people[index];
    struct quire_device_options options = world_options(world, person);
    struct quire_actions actions;
    cr_assert_eq(quire_device_init(&options, quire_bytes_of_text("phone"), person->kit,
                     &person->shell.device, &actions),
        QUIRE_OK);
    perform(world, person, actions);
}

void world_join(struct world *world, size_t index, const char *code)
{
    struct person *person = &world->people[index];
    struct quire_device_options options = world_options(world, person);
    cr_assert_eq(quire_device_join(&options, quire_bytes_of_text("laptop"),
                     quire_bytes_of_text(code), &person->shell.device),
        QUIRE_OK);
}

void world_pair(struct world *world, size_t old, size_t new)
{
    world_connect(world, old);
    world_run(world, 100);
    world_step(world, old, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    world_run(world, 100);
    world_join(world, new, world->people[old].shell.code);
    world_connect(world, new);
    world_run(world, 2000);
}

void world_recover(struct world *world, size_t index, const char *kit)
{
    struct person *person = &world->people[index];
    struct quire_device_options options = world_options(world, person);
    cr_assert_eq(quire_device_recover(&options, quire_bytes_of_text("new phone"),
                     quire_bytes_of_text(kit), &person->shell.device),
        QUIRE_OK);
}

void world_connect(struct world *world, size_t index)
{
    struct person *person = &world->people[index];
    if (person->connection != 0) {
        return;
    }
    person->connection = world->next_connection++;
    world_hub_step(world,
        (struct qr_hub_event){.kind = QR_HUB_OPEN,
            .connection = person->connection,
            .address = world->address,
            .bytes = host});
    world_step(world, index, (struct quire_event){.kind = QUIRE_EVENT_CONNECTED, .bytes = host});
}

void world_disconnect(struct world *world, size_t index)
{
    if (world->people[index].connection != 0) {
        hang_up(world, &world->people[index]);
    }
}

void world_drop(struct world *world, size_t index)
{
    struct person *person = &world->people[index];
    struct quire_device *old = person->shell.device;
    person->shell.device = NULL;
    world_disconnect(world, index);
    quire_device_destroy(old);
}

void world_restart(struct world *world, size_t index, bool with_replica_record)
{
    struct person *person = &world->people[index];
    world_drop(world, index);
    struct quire_device_options options = world_options(world, person);
    if (!with_replica_record) {
        options.replica_record = (struct quire_bytes){0};
    }
    enum quire_status status;
    do {
        enter_core(world, true);
        status = quire_device_open(&options, &person->shell.device);
        enter_core(world, false);
    } while (status == QUIRE_ENOMEM && world->core != NULL);
    cr_assert_eq(status, QUIRE_OK);
}

static void start_hub(struct world *world)
{
    static const uint8_t log_id[QR_LOG_SIZE] = {1, 2, 3};
    uint8_t entropy[QR_ENTROPY_SIZE];
    kit_random_fill(&world->random, entropy, sizeof entropy);
    kit_hub_start(&world->server, log_id, entropy);
}

void world_restart_hub(struct world *world, size_t keep)
{
    struct qr_hub *old = world->server.hub;
    world->server.hub = NULL; /* it hears no more */
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        world_disconnect(world, i);
    }
    for (size_t i = 0; i < world->stranger_count; i++) {
        world->strangers[i].connection = 0;
    }
    world->server.hub = old;
    kit_log_cut(
        &world->server.log, keep < world->server.log.durable ? keep : world->server.log.durable);
    start_hub(world);
}

bool world_carry(struct world *world)
{
    bool moved = false;
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        struct person *person = &world->people[i];
        struct message *message = line_take(&person->to_hub);
        if (message != NULL) {
            cr_assert_eq(
                quire_buffer_append(&world->seen, message->bytes.data, message->bytes.size),
                QUIRE_OK);
            world_hub_step(world,
                (struct qr_hub_event){.kind = QR_HUB_FRAME,
                    .connection = person->connection,
                    .bytes = quire_buffer_bytes(&message->bytes)});
            message_free(message);
            moved = true;
        }
        message = line_take(&person->to_device);
        if (message != NULL) {
            size_t size = message->bytes.size;
            world_hub_step(world,
                (struct qr_hub_event){
                    .kind = QR_HUB_SENT, .connection = person->connection, .size = size});
            world_step(world, i,
                (struct quire_event){
                    .kind = QUIRE_EVENT_FRAME, .bytes = quire_buffer_bytes(&message->bytes)});
            message_free(message);
            moved = true;
        }
    }
    return moved;
}

void world_run(struct world *world, uint64_t idle_ms)
{
    uint64_t quiet = 0;
    for (size_t turn = 0; quiet < idle_ms && turn < 200000; turn++) {
        if (world_carry(world)) {
            continue;
        }
        world->now_ms += 50;
        world->wall_ms += 50;
        quiet += 50;
        for (size_t i = 0; i < WORLD_DEVICES; i++) {
            if (world->people[i].shell.device != NULL
                && quire_device_wake_ms(world->people[i].shell.device) <= world->now_ms) {
                world_step(world, i, (struct quire_event){.kind = QUIRE_EVENT_TICK});
            }
        }
        if (world->now_ms % 1000 == 0) {
            world_hub_step(world, (struct qr_hub_event){.kind = QR_HUB_TICK});
        }
    }
}

void world_init(struct world *world)
{
    cr_assert(qr_crypto_init());
    *world = (struct world){.now_ms = 1000, .wall_ms = 1700000000000, .next_connection = 1};
    qr_hub_limits_default(&world->server.limits);
    world->server.limits.check_all = true;
    world->server.limits.pushes_per_second = 1000;
    world->server.limits.pushes_burst = 100000;
    start_hub(world);
}

void world_finish(struct world *world)
{
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        struct person *person = &world->people[i];
        kit_device_finish(&person->shell);
        line_clear(&person->to_hub);
        line_clear(&person->to_device);
    }
    for (size_t i = 0; i < world->stranger_count; i++) {
        line_clear(&world->strangers[i].from_hub);
        quire_buffer_finish(&world->strangers[i].last);
    }
    kit_hub_finish(&world->server);
    quire_buffer_finish(&world->seen);
}

bool world_keep(struct world *world, size_t index, const uint8_t *entry, const char *text)
{
    struct quire_document *document;
    struct quire_device *device = world->people[index].shell.device;
    struct quire_stamp stamp = quire_device_stamp(device, world->wall_ms);
    struct quire_event save = {.kind = QUIRE_EVENT_SAVE};
    uint64_t restarts = world->restarts;
    memcpy(save.entry, entry, QUIRE_ENTRY_SIZE);
    enter_core(world, true);
    enum quire_status status = quire_device_document(device, entry, true, &document);
    if (status == QUIRE_OK) {
        status = quire_document_insert(
            document, &stamp, quire_document_text_length(document), quire_bytes_of_text(text));
    }
    enter_core(world, false);
    if (status == QUIRE_ENOMEM && world->core != NULL) {
        return false;
    }
    cr_assert_eq(status, QUIRE_OK);
    world_step(world, index, save);
    return world->restarts == restarts;
}

bool world_type(struct world *world, size_t index, const uint8_t *entry, const char *text)
{
    bool kept = world_keep(world, index, entry, text);
    world_step(world, index, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    return kept;
}

const char *world_text(struct world *world, size_t index, const uint8_t *entry)
{
    static char text[65536];
    struct quire_document *document;
    struct quire_buffer buffer = {0};
    if (quire_device_document(world->people[index].shell.device, entry, false, &document)
        != QUIRE_OK) {
        return "(no such entry)";
    }
    cr_assert_eq(quire_document_text(document, &buffer), QUIRE_OK);
    cr_assert_lt(buffer.size, sizeof text);
    if (buffer.size > 0) {
        memcpy(text, buffer.data, buffer.size);
    }
    text[buffer.size] = 0;
    quire_buffer_finish(&buffer);
    return text;
}

struct quire_device_state world_state(struct world *world, size_t index)
{
    struct quire_device_state state;
    quire_device_state(world->people[index].shell.device, &state);
    return state;
}
