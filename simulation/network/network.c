/*
 * A connection keeps the order of its frames unless the run's options break what WebSocket
 * promises; a lost packet shows as a late frame that holds up the ones behind it.
 */
#include "network.h"

#include "codec/frame.h"

#include <stdlib.h>

#define LATE_MIN_MS 200
#define LATE_MAX_MS 4000
#define NOTICED_WITHIN_MS 40000 /* until a side sees that the line is gone */
#define DIAL_TIMEOUT_MS 10000
#define STALL_ENDS_SPREAD_MS 50
/* of the frames of a later version, in a story: one follows that this one does not know */
#define LATER_UNKNOWN_PPM 300000

struct network *network_create(
    const struct network_phones *phones, const struct network_server *server)
{
    struct network *network = sim_alloc(sizeof *network);
    network->phones = phones;
    network->server = server;
    return network;
}

void network_destroy(struct network *network)
{
    if (network != NULL) {
        free(network->links);
        free(network);
    }
}

static struct link *link_of(struct world *world, uint64_t number)
{
    return &world->network->links[number - 1];
}

static uint64_t life_of_server(const struct world *world)
{
    return world->network->server->life(world);
}

static bool server_waits(struct world *world, const struct event *event)
{
    return world->network->server->waits(world, event);
}

static bool phone_waits(struct world *world, const struct link *link, const struct event *event)
{
    return world->network->phones->waits(world, link->phone, event);
}

bool network_alive(const struct world *world, uint64_t number)
{
    if (number == 0) {
        return false;
    }
    const struct link *link = &world->network->links[number - 1];
    return !link->cut && link->phone_open && link->server_open
        && link->server_life == life_of_server(world);
}

bool network_still(const struct world *world, uint64_t number)
{
    const struct link *link = &world->network->links[number - 1];
    return link->up.last_word_ms <= world->now_ms && link->down.last_word_ms <= world->now_ms;
}

static uint64_t delay_ms(struct world *world)
{
    return world->options.delay_ms
        + prng_below(&world->network_chance, world->options.jitter_ms + 1);
}

static void later(struct world *world, uint64_t after_ms,
    void (*act)(struct world *, const struct event *), uint64_t link)
{
    world_later(world, world->now_ms + after_ms, act, 0, 0, link, (struct quire_bytes){NULL, 0});
}

/* ---- closing --------------------------------------------------------------------------------- */

static void tell_phone_gone(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (phone_waits(world, link, event)) {
        return;
    }
    if (link->phone_told) {
        link->phone_open = link->phone_told = false;
        world->network->phones->disconnected(world, link->phone, link->phone_life, event->number);
    }
}

static void tell_server_gone(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (server_waits(world, event)) {
        return;
    }
    if (link->server_open && link->server_life == life_of_server(world)) {
        link->server_open = false;
        world->network->server->closed(world, event->number);
    }
}

/* After everything that this side sent before. */
static uint64_t after_the_last(const struct world *world, const struct way *way, uint64_t delay)
{
    uint64_t at = world->now_ms + delay;
    return (at < way->last_arrival_ms ? way->last_arrival_ms : at) - world->now_ms;
}

void network_close_by_phone(struct world *world, uint64_t number)
{
    struct link *link = link_of(world, number);
    if (!link->phone_open) {
        return;
    }
    link->phone_open = false;
    later(world, 1, tell_phone_gone, number);
    later(world, after_the_last(world, &link->up, delay_ms(world)), tell_server_gone, number);
}

void network_close_by_server(struct world *world, uint64_t number)
{
    struct link *link = link_of(world, number);
    if (!link->server_open) {
        return;
    }
    later(world, 1, tell_server_gone, number);
    later(world, after_the_last(world, &link->down, delay_ms(world)) + 1, tell_phone_gone, number);
}

void network_cut(struct world *world, uint64_t number)
{
    struct link *link = link_of(world, number);
    if (link->cut || (!link->phone_told && !link->server_open)) {
        return;
    }
    link->cut = true;
    mark(world, MARK_connection_cut);
    TRACE(world, "connection # is cut", number);
    later(world, prng_below(&world->network_chance, NOTICED_WITHIN_MS), tell_phone_gone, number);
    later(world, prng_below(&world->network_chance, NOTICED_WITHIN_MS), tell_server_gone, number);
}

void network_phone_died(struct world *world, uint64_t number, bool power_too)
{
    struct link *link = link_of(world, number);
    link->phone_open = link->phone_told = false;
    if (power_too) {
        link->cut = true;
    }
    later(world,
        power_too ? prng_below(&world->network_chance, 2 * NOTICED_WITHIN_MS)
                  : after_the_last(world, &link->up, delay_ms(world)),
        tell_server_gone, number);
}

void network_server_died(struct world *world)
{
    for (uint64_t number = 1; number <= world->network->count; number++) {
        struct link *link = link_of(world, number);
        link->server_open = false;
        if (link->phone_told) {
            link->cut = true;
            later(world, prng_below(&world->network_chance, NOTICED_WITHIN_MS / 4), tell_phone_gone,
                number);
        }
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static void dial_failed(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (phone_waits(world, link, event)) {
        return;
    }
    link->phone_open = link->phone_told = false;
    world->network->phones->disconnected(world, link->phone, link->phone_life, event->number);
}

static void phone_up(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (phone_waits(world, link, event)) {
        return;
    }
    if (!link->server_open || link->server_life != life_of_server(world) || link->cut) {
        dial_failed(world, event);
        return;
    }
    if (world->network->phones->connected(world, link->phone, link->phone_life, event->number)) {
        link->phone_told = link->phone_open = true;
        world->network->phones->feed_connected(world, link->phone);
    } else {
        network_phone_died(world, event->number, false);
    }
}

static void reaches_server(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (server_waits(world, event)) {
        return;
    }
    if (world->now_ms < world->network->phones->no_dial_until_ms(world, link->phone)) {
        later(
            world, prng_below(&world->network_chance, DIAL_TIMEOUT_MS), dial_failed, event->number);
        return;
    }
    if (!world->network->server->is_up(world)) {
        mark(world, MARK_dial_found_nobody);
        later(
            world, prng_below(&world->network_chance, DIAL_TIMEOUT_MS), dial_failed, event->number);
        return;
    }
    link->server_open = true;
    link->server_life = life_of_server(world);
    /* The hub speaks only after HELLO, but nothing may arrive before the phone knows. */
    link->down.last_arrival_ms = world->now_ms + delay_ms(world);
    world_later(world, link->down.last_arrival_ms, phone_up, 0, 0, event->number,
        (struct quire_bytes){NULL, 0});
    world->network->server->opened(world, event->number);
}

void network_dial(struct world *world, uint32_t phone, uint64_t life)
{
    struct network *network = world->network;
    network->links =
        sim_grow(network->links, &network->capacity, network->count, sizeof *network->links);
    network->links[network->count++] = (struct link){.phone = phone, .phone_life = life};
    TRACE(world, "phone # dials: connection #", phone, network->count);
    later(world, delay_ms(world), reaches_server, network->count);
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* When a frame sent now arrives, or 0: never. */
static uint64_t arrival_of(struct world *world, struct way *way, uint64_t leaves_ms)
{
    struct options *options = &world->options;
    struct prng *prng = &world->network_chance;
    uint64_t at =
        (leaves_ms < way->stalled_until_ms ? way->stalled_until_ms : leaves_ms) + delay_ms(world);
    if (!world->healed) {
        if (prng_chance(prng, options->drop_ppm)) {
            mark(world, MARK_frame_lost);
            return 0;
        }
        if (prng_chance(prng, options->retransmit_ppm)) {
            mark(world, MARK_frame_late);
            at += prng_range(prng, LATE_MIN_MS, LATE_MAX_MS);
        }
        if (prng_chance(prng, options->reorder_ppm)) {
            mark(world, MARK_frame_overtook);
            return at; /* perhaps before what was sent before */
        }
    }
    if (at < way->last_arrival_ms) {
        at = way->last_arrival_ms;
    }
    way->last_arrival_ms = at;
    return at;
}

static void arrives_up(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (server_waits(world, event)) {
        return;
    }
    struct quire_bytes bytes = {event->bytes, event->size};
    bool arrives = !link->cut && link->server_open && link->server_life == life_of_server(world);
    struct frame_copy copy = {event->ticket, event->number, link->phone, true, false, bytes};
    OBSERVE(world, frame_ended, &copy, arrives);
    if (arrives) {
        world->network->server->frame(world, event->number, bytes);
    }
}

static void arrives_down(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (phone_waits(world, link, event)) {
        return;
    }
    struct quire_bytes bytes = {event->bytes, event->size};
    bool arrives = !link->cut && link->phone_open;
    struct frame_copy copy = {event->ticket, event->number, link->phone, false, false, bytes};
    OBSERVE(world, frame_ended, &copy, arrives);
    if (arrives) {
        world->network->phones->frame(world, link->phone, link->phone_life, bytes);
    }
}

/* Takes one batch out of a PUSH or DELTA, as a careless client or a server with something to hide
 * would. Appends the rest to out_bytes; nothing if there is no such batch. */
static void withhold(struct world *world, struct quire_bytes bytes, struct quire_buffer *out_bytes)
{
    struct qr_frame_space *space = sim_room(sizeof *space);
    struct qr_frame frame;
    bool carries = qr_frame_read(bytes, space, &frame) == QUIRE_OK
        && (frame.type == QR_FRAME_PUSH || frame.type == QR_FRAME_DELTA);
    if (carries && frame.push.batch_count > 1) { /* delta has the same fields */
        size_t gone = prng_below(&world->network_chance, --frame.push.batch_count);
        for (size_t i = gone; i < frame.push.batch_count; i++) {
            space->items[i] = space->items[i + 1];
        }
        if (qr_frame_write(&frame, out_bytes) == QUIRE_OK) {
            mark(world, MARK_batch_withheld);
            TRACE(world, "batch # of that frame is withheld", gone);
        }
    }
    free(space);
}

/* What a newer version on the other side would say beside: to be passed over. */
static void send_unknown(struct world *world, uint64_t number, uint64_t at_ms,
    void (*arrives)(struct world *, const struct event *))
{
    static const uint8_t frames[][12] = {
        {0x91, 0xcc, 0x80},                                  /* [128] */
        {0x93, 0xcd, 0x01, 0x00, 0xc4, 0x03, 1, 2, 3, 0xc3}, /* [256, h'010203', true] */
        {0x92, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x90}, /* [2^64 − 1, []] */
    };
    static const size_t sizes[] = {3, 10, 11};
    size_t which = prng_below(&world->network_chance, 3);
    mark(world, MARK_frame_of_unknown_type);
    TRACE(world, "connection #: a frame of an unknown type follows", number);
    world_later(
        world, at_ms, arrives, 0, 0, number, (struct quire_bytes){frames[which], sizes[which]});
}

static void send(struct world *world, uint64_t number, struct way *way, uint64_t leaves_ms,
    void (*arrives)(struct world *, const struct event *), struct quire_bytes bytes)
{
    world->frames++;
    trace_bytes(world, bytes);
    TRACE(world, "connection #, upwards: #, frame of type #, # bytes", number,
        arrives == arrives_up, bytes.size > 1 ? bytes.data[1] : 0, bytes.size);
    bool twice =
        !world->healed && prng_chance(&world->network_chance, world->options.duplicate_ppm);
    uint64_t at = arrival_of(world, way, leaves_ms);
    if (at > way->last_word_ms && !(bytes.size > 1 && bytes.data[1] == QR_FRAME_PING)) {
        way->last_word_ms = at;
    }
    struct quire_buffer rest = {0};
    if (!world->healed && prng_chance(&world->network_chance, world->options.withhold_ppm)) {
        withhold(world, bytes, &rest);
        bytes = rest.size > 0 ? quire_buffer_bytes(&rest) : bytes;
    }
    uint32_t phone = link_of(world, number)->phone;
    struct frame_copy copy = {
        ++world->network->copies, number, phone, arrives == arrives_up, false, bytes};
    OBSERVE(world, frame_sent, &copy);
    if (at != 0) {
        world_later(world, at, arrives, 0, copy.number, number, bytes);
    } else {
        OBSERVE(world, frame_ended, &copy, false);
    }
    if (at != 0 && twice) {
        mark(world, MARK_frame_twice);
        copy.number = ++world->network->copies;
        copy.again = true;
        OBSERVE(world, frame_sent, &copy);
        world_later(world, at + prng_below(&world->network_chance, 2000), arrives, 0, copy.number,
            number, bytes);
    }
    bool later = arrives == arrives_up ? world->network->phones->is_later(world, phone)
                                       : world->network->server->is_later(world);
    uint64_t unknown_ppm = later ? LATER_UNKNOWN_PPM : world->options.unknown_ppm;
    if (at != 0 && !world->healed && unknown_ppm > 0
        && prng_chance(&world->network_chance, unknown_ppm)) {
        send_unknown(world, number, at, arrives);
    }
    quire_buffer_finish(&rest);
}

void network_send_up(struct world *world, uint64_t number, struct quire_bytes bytes)
{
    struct link *link = link_of(world, number);
    if (link->phone_open) {
        send(world, number, &link->up, world->now_ms, arrives_up, bytes);
    }
}

static void has_left(struct world *world, const struct event *event)
{
    struct link *link = link_of(world, event->number);
    if (server_waits(world, event)) {
        return;
    }
    if (link->server_open && link->server_life == life_of_server(world)) {
        link->unsent -= event->ticket; /* here: bytes */
        world->network->server->sent(world, event->number, event->ticket);
    }
}

void network_send_down(struct world *world, uint64_t number, struct quire_bytes bytes)
{
    struct link *link = link_of(world, number);
    if (!link->server_open) {
        return;
    }
    struct way *way = &link->down;
    uint64_t begins = world->now_ms > way->busy_until_ms ? world->now_ms : way->busy_until_ms;
    if (begins < way->stalled_until_ms) {
        begins = way->stalled_until_ms;
    }
    way->busy_until_ms = begins + bytes.size / world->options.bytes_per_ms;
    link->unsent += bytes.size;
    world_later(
        world, way->busy_until_ms, has_left, 0, bytes.size, number, (struct quire_bytes){NULL, 0});
    send(world, number, way, way->busy_until_ms, arrives_down, bytes);
}

void network_stall(struct world *world, uint64_t number, bool upwards, uint64_t length_ms)
{
    struct link *link = link_of(world, number);
    struct way *way = upwards ? &link->up : &link->down;
    mark(world, MARK_direction_stalled);
    TRACE(world, "connection # stands still, upwards: #, for # ms", number, upwards, length_ms);
    way->stalled_until_ms =
        world->now_ms + length_ms + prng_below(&world->network_chance, STALL_ENDS_SPREAD_MS);
}

void network_heal(struct world *world)
{
    const struct options *options = &world->options;
    /* A stream that was broken owes us nothing until it begins anew. */
    bool cuts = options->heal_cuts != 0 || options->drop_ppm != 0 || options->reorder_ppm != 0
        || options->duplicate_ppm != 0 || options->withhold_ppm != 0;
    for (uint64_t number = 1; number <= world->network->count; number++) {
        struct link *link = link_of(world, number);
        link->up.stalled_until_ms = link->down.stalled_until_ms = 0;
        if (cuts && (link->phone_told || link->server_open)) {
            network_cut(world, number);
        }
    }
}
