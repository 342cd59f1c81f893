/*
 * The simulated world: virtual time, one queue of things to happen, a trace of what did, and the one
 * failure that ends a run. Everything else hangs on struct world.
 *
 * Order: what is due at the same millisecond happens in the order in which it was asked for.
 */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include "observer.h"
#include "options.h"
#include "prng.h"
#include <quire/bytes.h>

#define WALL_START_MS INT64_C(1767225600000) /* 2026-01-01: what a right wall clock says at 0 */
#define TRACE_TAIL 40
#define SKIPS_MAX 512u
#define STEPS_MAX 3000000u
#define PHONES_MAX 48u
#define OBSERVERS_MAX 16u

/* States that a run should reach now and then; one that no run of many reaches is a gap. */
#define COVERAGE_MARKS(X) \
    X(connected) \
    X(dial_found_nobody) \
    X(connection_cut) \
    X(direction_stalled) \
    X(frame_late) \
    X(frame_lost) \
    X(frame_twice) \
    X(batch_withheld) \
    X(frame_overtook) \
    X(phone_offline) \
    X(phone_killed) \
    X(phone_killed_while_writing_to_disk) \
    X(phone_lost_unsynced_writes) \
    X(phone_rebooted) \
    X(profile_restored) \
    X(profile_restored_losing_saved_edits) \
    X(profile_cloned) \
    X(joined_by_code) \
    X(joined_by_kit) \
    X(pairing_failed) \
    X(revoked) \
    X(revoke_failed) \
    X(wrote_while_offline) \
    X(paste) \
    X(delete_of_entry) \
    X(edit_after_delete) \
    X(register_with_rival_values) \
    X(letter_erased_twice) \
    X(entry_made_on_two_phones) \
    X(server_killed) \
    X(server_killed_during_commit) \
    X(server_lost_uncommitted) \
    X(server_kept_unreported_commit) \
    X(server_drained) \
    X(server_disk_full) \
    X(server_record_damaged) \
    X(server_forgot) \
    X(server_restored) \
    X(server_restored_losing_acknowledged) \
    X(server_wiped) \
    X(roster_contradicted) \
    X(rejoined) \
    X(record_made_again) \
    X(sent_again_after_server_loss) \
    X(batch_rejected) \
    X(refused_by_server) \
    X(clock_jumped) \
    X(alarm_expected) \
    X(acknowledged) \
    X(uploaded) \
    X(phone_lost_at_end) \
    X(last_phone_joined) \
    X(phone_paused) \
    X(server_paused) \
    X(world_slept) \
    X(world_slept_for_months) \
    X(server_restored_from_hours_ago) \
    X(server_restored_from_a_month_ago) \
    X(line_flapped) \
    X(line_one_way) \
    X(server_disk_slow) \
    X(server_write_failed) \
    X(phone_write_failed) \
    X(frame_of_unknown_type) \
    X(batch_of_later_version_unread) \
    X(batch_of_later_version_read_later) \
    X(field_of_later_version) \
    X(field_written_over) \
    X(reader_said_what_it_has) \
    X(roster_full) \
    X(same_batches_compared) \
    X(write_refused_at_limit) \
    X(eight_phones) \
    X(four_users)

enum mark {
#define ONE(name) MARK_##name,
    COVERAGE_MARKS(ONE)
#undef ONE
        MARK_COUNT
};
const char *mark_name(size_t index);

struct world;

/** Something that will happen. act() is called at its time; the bytes are freed after it. */
struct event {
    uint64_t at_ms; /* told to act(): while it waits, the queue knows */
    void (*act)(struct world *world, const struct event *event);
    uint32_t actor;  /* a phone, a link … */
    uint64_t ticket; /* the actor's life when this was asked for: a past life's is ignored */
    uint64_t number;
    uint8_t *bytes;
    size_t size;
};

/** When a event is due, and where it waits: all that a heap has to move. */
struct due {
    uint64_t at_ms;
    uint64_t order;
    uint32_t place; /* in the world's events */
};

/** Operations that are left out, to find out which ones matter: ranges of their numbers, ascending. */
struct skips {
    struct {
        uint64_t from, to; /* both included; the first operation is 1 */
    } ranges[SKIPS_MAX];
    size_t count;
};

struct trace_line {
    uint64_t at_ms;
    const char *format;
    uint64_t numbers[4];
};

/** What will happen. */
struct schedule {
    struct due *queue; /* a heap, soonest first */
    size_t queue_count, queue_capacity;
    uint64_t queue_order;
    struct event *events; /* in no order; free slots are a list */
    size_t event_count, event_capacity;
    uint32_t free_place; /* + 1; 0: none. The next one is the place's `actor` */
    struct event beat;   /* beside the heap: most of what happens is the server's next tick */
    uint64_t beat_order;
    bool has_beat;
};

struct world {
    struct options options;
    uint64_t seed;
    uint64_t now_ms;
    uint64_t skipped_ms; /* of it: slept through */
    uint64_t steps;
    bool healed; /* no new faults, no new edits: all must become quiet */
    bool failed;
    bool tracing; /* print each line as it happens */
    /* rhythm: when the next operation is; people: what it is, anew for each operation, so that leaving one out
     * changes none of the others */
    struct prng people, rhythm, network_chance, disk_chance, entropy;

    struct schedule schedule;

    struct trace_line tail[TRACE_TAIL];
    uint64_t trace_count;
    uint64_t trace_hash;

    char failure_claim[32];
    char failure_text[1536];

    uint64_t marks[MARK_COUNT];
    uint64_t bytes_scanned, frames, acts, batches_verified;

    const struct skips *skips; /* NULL: none */
    uint64_t operations;       /* so far: edits and faults, one by one */

    const char *phone_names[PHONES_MAX]; /* NULL: its number will do */
    const struct observer *observers[OBSERVERS_MAX];
    size_t observer_count;

    /* What hangs on a world: each is made, known and freed by the part of that name. */
    struct recording *recording;     /* for a report, or NULL */
    struct interpreter *interpreter; /* the story that is told, or NULL */

    struct network *network;
    struct server *server;
    struct mallory *mallory; /* in the server's place; NULL: an honest one */
    struct model *model;
    struct phone *phones; /* PHONES_MAX */
    uint32_t phone_count;
};

/** Never returns NULL: the simulation gives up when there is no memory. Zeroed. */
void *sim_alloc(size_t size);
/** The same, as it comes: to be written over. */
void *sim_room(size_t size);
void *sim_copy(struct quire_bytes bytes);
/** Room for one more item: what is behind `count` is zero in a grown array. */
void *sim_grow(void *array, size_t *capacity, size_t count, size_t item_size);

/** From now on it is called; it must outlive the world. */
void world_observe(struct world *world, const struct observer *observer);

/** Asks for something; `bytes` are copied. */
void world_later(struct world *world, uint64_t at_ms,
    void (*act)(struct world *, const struct event *), uint32_t actor, uint64_t ticket,
    uint64_t number, struct quire_bytes bytes);
/** The same for what asks for itself again and again, which costs less. */
void world_beat(struct world *world, uint64_t at_ms,
    void (*act)(struct world *, const struct event *), uint64_t ticket);
/** Nothing will happen any more: at the world's end. */
void world_forget_all(struct world *world);
/** True: it is not yet that late, and the event comes again then, after what waits already. */
bool world_wait(struct world *world, const struct event *event, uint64_t until_ms);
/** Time goes on, and everything that is to happen happens that much later. */
void world_skip(struct world *world, uint64_t length_ms);
/** One more edit or fault would happen now. False: not after all has healed, nor if it is skipped. */
bool world_operation(struct world *world);
/** Lets everything happen that is due until then. */
void world_run(struct world *world, uint64_t until_ms);

/** One line: '#' is the next number in decimal, '$' in hexadecimal. The format must be a literal. */
void trace_numbers(struct world *world, const char *format, const uint64_t numbers[4]);
#define TRACE(world, format, ...) trace_numbers(world, format, (const uint64_t[4]){__VA_ARGS__})
/** Mixes bytes into the hash of the trace. */
void trace_bytes(struct world *world, struct quire_bytes bytes);
/** One line as words, without its time. */
void trace_print_line(const struct world *world, const struct trace_line *line, FILE *out);
void trace_print_tail(const struct world *world, FILE *out);

/** The first failure counts. `claim` names the checker. */
void world_fail(struct world *world, const char *claim, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline void mark(struct world *world, enum mark which)
{
    world->marks[which]++;
}

/** 32 fresh bytes for an event. */
void world_entropy(struct world *world, uint8_t out[32]);
uint64_t bytes_mix(uint64_t hash, struct quire_bytes bytes);

#endif
