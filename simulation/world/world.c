/*
 * Time, the queue and the trace. The trace's hash is what two builds compare: it takes in every
 * line and every byte that was sent, nothing of addresses or of memory that was never written.
 */
#include "world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_STREAMS (UINT64_C(1) << 32) /* of the seed: one for each operation */

static const char *const mark_names[] = {
#define ONE(name) #name,
    COVERAGE_MARKS(ONE)
#undef ONE
};

const char *mark_name(size_t index)
{
    return mark_names[index];
}

void *sim_room(size_t size)
{
    void *memory = malloc(size + 1); /* one more: nothing is a place, too */
    if (memory == NULL) {
        fputs("quire-sim: no memory\n", stderr);
        exit(2);
    }
    return memory;
}

void *sim_alloc(size_t size)
{
    return memset(sim_room(size), 0, size); /* faster than calloc for what is small */
}

void *sim_copy(struct quire_bytes bytes)
{
    void *memory = sim_room(bytes.size);
    if (bytes.size > 0) {
        memcpy(memory, bytes.data, bytes.size);
    }
    return memory;
}

void *sim_grow(void *array, size_t *capacity, size_t count, size_t item_size)
{
    if (count < *capacity) {
        return array;
    }
    size_t larger = *capacity == 0 ? 64 : *capacity * 2;
    uint8_t *grown = sim_room(larger * item_size);
    if (count > 0) {
        memcpy(grown, array, count * item_size);
    }
    memset(grown + count * item_size, 0, (larger - count) * item_size);
    free(array);
    *capacity = larger;
    return grown;
}

void world_observe(struct world *world, const struct observer *observer)
{
    assert(world->observer_count < OBSERVERS_MAX);
    world->observers[world->observer_count++] = observer;
}

/* ---- the queue ------------------------------------------------------------------------------- */

static bool sooner(const struct due *a, const struct due *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static uint32_t take_place(struct world *world)
{
    if (world->schedule.free_place != 0) {
        uint32_t place = world->schedule.free_place - 1;
        world->schedule.free_place = world->schedule.events[place].actor;
        return place;
    }
    world->schedule.events = sim_grow(world->schedule.events, &world->schedule.event_capacity,
        world->schedule.event_count, sizeof *world->schedule.events);
    return (uint32_t)world->schedule.event_count++;
}

static void queue_add(struct world *world, const struct event *event)
{
    struct due due = {event->at_ms, world->schedule.queue_order++, take_place(world)};
    world->schedule.events[due.place] = *event;
    world->schedule.queue = sim_grow(world->schedule.queue, &world->schedule.queue_capacity,
        world->schedule.queue_count, sizeof *world->schedule.queue);
    size_t i = world->schedule.queue_count++;
    for (; i > 0 && sooner(&due, &world->schedule.queue[(i - 1) / 2]); i = (i - 1) / 2) {
        world->schedule.queue[i] = world->schedule.queue[(i - 1) / 2];
    }
    world->schedule.queue[i] = due;
}

static struct event queue_take(struct world *world)
{
    struct due first = world->schedule.queue[0];
    struct due last = world->schedule.queue[--world->schedule.queue_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= world->schedule.queue_count) {
            break;
        }
        child += child + 1 < world->schedule.queue_count
            && sooner(&world->schedule.queue[child + 1], &world->schedule.queue[child]);
        if (!sooner(&world->schedule.queue[child], &last)) {
            break;
        }
        world->schedule.queue[i] = world->schedule.queue[child];
        i = child;
    }
    if (world->schedule.queue_count > 0) {
        world->schedule.queue[i] = last;
    }
    struct event *place = &world->schedule.events[first.place];
    struct event event = *place;
    event.at_ms = first.at_ms; /* all may have slept meanwhile */
    place->actor = world->schedule.free_place;
    world->schedule.free_place = first.place + 1;
    return event;
}

static uint64_t not_before_now(const struct world *world, uint64_t at_ms)
{
    return at_ms < world->now_ms ? world->now_ms : at_ms;
}

void world_later(struct world *world, uint64_t at_ms,
    void (*act)(struct world *, const struct event *), uint32_t actor, uint64_t ticket,
    uint64_t number, struct quire_bytes bytes)
{
    struct event event = {
        .at_ms = not_before_now(world, at_ms),
        .act = act,
        .actor = actor,
        .ticket = ticket,
        .number = number,
        .bytes = bytes.size > 0 ? sim_copy(bytes) : NULL,
        .size = bytes.size,
    };
    queue_add(world, &event);
}

void world_beat(struct world *world, uint64_t at_ms,
    void (*act)(struct world *, const struct event *), uint64_t ticket)
{
    struct event event = {.at_ms = not_before_now(world, at_ms), .act = act, .ticket = ticket};
    if (world->schedule.has_beat) { /* another one's, or of a life before */
        queue_add(world, &event);
        return;
    }
    world->schedule.beat = event;
    world->schedule.beat_order = world->schedule.queue_order++;
    world->schedule.has_beat = true;
}

/* Of all that waits, the beat is the soonest. */
static bool beat_is_next(const struct world *world)
{
    if (!world->schedule.has_beat || world->schedule.queue_count == 0) {
        return world->schedule.has_beat;
    }
    const struct due beat = {
        .at_ms = world->schedule.beat.at_ms, .order = world->schedule.beat_order};
    return sooner(&beat, &world->schedule.queue[0]);
}

static struct event take_soonest(struct world *world)
{
    if (beat_is_next(world)) {
        world->schedule.has_beat = false;
        return world->schedule.beat;
    }
    return queue_take(world);
}

void world_forget_all(struct world *world)
{
    for (size_t i = 0; i < world->schedule.queue_count; i++) {
        free(world->schedule.events[world->schedule.queue[i].place].bytes);
    }
    free(world->schedule.queue);
    free(world->schedule.events);
}

bool world_wait(struct world *world, const struct event *event, uint64_t until_ms)
{
    if (world->now_ms >= until_ms) {
        return false;
    }
    world_later(world, until_ms, event->act, event->actor, event->ticket, event->number,
        (struct quire_bytes){event->bytes, event->size});
    return true;
}

void world_skip(struct world *world, uint64_t length_ms)
{
    for (size_t i = 0; i < world->schedule.queue_count; i++) {
        world->schedule.queue[i].at_ms += length_ms; /* the heap stays one */
    }
    world->schedule.beat.at_ms += length_ms;
    world->now_ms += length_ms;
    world->skipped_ms += length_ms;
}

/* Lets the soonest thing happen; there is one. */
static void step(struct world *world)
{
    struct event event = take_soonest(world);
    world->now_ms = event.at_ms;
    if (++world->steps > STEPS_MAX) {
        world_fail(world, "bounded", "%u things happened and it goes on: a loop", STEPS_MAX);
    }
    event.act(world, &event);
    if (event.size > 0) {
        free(event.bytes);
    }
}

bool world_operation(struct world *world)
{
    uint64_t number = ++world->operations;
    prng_seed(&world->people, world->seed, OPERATION_STREAMS + number);
    for (size_t i = 0; world->skips != NULL && i < world->skips->count; i++) {
        if (number >= world->skips->ranges[i].from && number <= world->skips->ranges[i].to) {
            return false;
        }
    }
    return !world->healed;
}

static bool is_due(const struct world *world, uint64_t until_ms)
{
    return (world->schedule.has_beat && world->schedule.beat.at_ms <= until_ms)
        || (world->schedule.queue_count > 0 && world->schedule.queue[0].at_ms <= until_ms);
}

void world_run(struct world *world, uint64_t until_ms)
{
    while (!world->failed && is_due(world, until_ms)) {
        step(world);
    }
    if (world->now_ms < until_ms) {
        world->now_ms = until_ms;
    }
}

/* ---- the trace ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash ^= word;
    hash *= 0x9fb21c651e98df25u;
    return hash ^ (hash >> 32);
}

uint64_t bytes_mix(uint64_t hash, struct quire_bytes bytes)
{
    hash = mix(hash, bytes.size);
    size_t i = 0;
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "else a seed has another hash here");
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes.data + i, sizeof word);
        hash = mix(hash, word);
    }
    for (; i < bytes.size; i++) {
        hash = mix(hash, bytes.data[i]);
    }
    return hash;
}

void trace_bytes(struct world *world, struct quire_bytes bytes)
{
    world->trace_hash = bytes_mix(world->trace_hash, bytes);
}

void trace_print_line(const struct world *world, const struct trace_line *line, FILE *out)
{
    size_t next = 0;
    for (const char *c = line->format; *c != 0; c++) {
        bool phone = strncmp(c, "phone #", 7) == 0 && next < 4 && line->numbers[next] < PHONES_MAX;
        const char *name = phone ? world->phone_names[line->numbers[next]] : NULL;
        if (name != NULL) {
            fputs(name, out); /* in the place of "phone #" */
            c += 6;
            next++;
        } else if (*c == '#' && next < 4) {
            fprintf(out, "%" PRIu64, line->numbers[next++]);
        } else if (*c == '$' && next < 4) {
            fprintf(out, "%016" PRIx64, line->numbers[next++]);
        } else {
            fputc(*c, out);
        }
    }
}

static void print_line(const struct world *world, const struct trace_line *line, FILE *out)
{
    fprintf(out, "%7" PRIu64 ".%03" PRIu64 "  ", line->at_ms / 1000, line->at_ms % 1000);
    trace_print_line(world, line, out);
    fputc('\n', out);
}

void trace_numbers(struct world *world, const char *format, const uint64_t numbers[4])
{
    struct trace_line *line = &world->tail[world->trace_count++ % TRACE_TAIL];
    line->at_ms = world->now_ms;
    line->format = format;
    world->trace_hash = mix(world->trace_hash, world->now_ms);
    for (size_t i = 0; i < 4; i++) {
        line->numbers[i] = numbers[i];
        world->trace_hash = mix(world->trace_hash, numbers[i]);
    }
    for (const char *c = format; *c != 0; c++) {
        world->trace_hash = (world->trace_hash ^ (uint8_t)*c) * 0x100000001b3u;
    }
    OBSERVE(world, line, line);
    if (world->tracing) {
        print_line(world, line, stdout);
    }
}

void trace_print_tail(const struct world *world, FILE *out)
{
    uint64_t from = world->trace_count > TRACE_TAIL ? world->trace_count - TRACE_TAIL : 0;
    for (uint64_t i = from; i < world->trace_count; i++) {
        print_line(world, &world->tail[i % TRACE_TAIL], out);
    }
}

void world_fail(struct world *world, const char *claim, const char *format, ...)
{
    if (world->failed) {
        return;
    }
    world->failed = true;
    snprintf(world->failure_claim, sizeof world->failure_claim, "%s", claim);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->failure_text, sizeof world->failure_text, format, arguments);
    va_end(arguments);
    TRACE(world, "FAILED after # things that happened", world->steps);
}

void world_entropy(struct world *world, uint8_t out[32])
{
    prng_bytes(&world->entropy, out, 32);
}
