/*
 * What may look on at a world. The parts of a world call these hooks and do not know what is behind
 * them: checkers, the model of all edits, the adversary, a story, a report. So each part stands on
 * what is below it alone.
 *
 * Order: observers are called in the order of their registration (run.c registers those of every
 * world). Hooks may be NULL. What a hook gets is borrowed for the call.
 */
#ifndef SIMULATION_OBSERVER_H
#define SIMULATION_OBSERVER_H

#include <quire/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct phone;
struct qr_log_record;
struct quire_action;
struct quire_write;
struct server;
struct trace_line;
struct world;

/** One copy of a frame on its way. */
struct frame_copy {
    uint64_t number; /* from 1 in the order of sending; 0: it has none */
    uint64_t link;
    uint32_t phone;
    bool upwards, again; /* again: a second copy of the one before */
    struct quire_bytes bytes;
};

struct observer {
    /** world: a line of the trace. */
    void (*line)(struct world *world, const struct trace_line *line);

    /** network: a copy leaves; it arrives, or is known to be lost. */
    void (*frame_sent)(struct world *world, const struct frame_copy *copy);
    void (*frame_ended)(struct world *world, const struct frame_copy *copy, bool arrived);

    /** Bytes that the server sees or keeps, or that are on a phone's disk in the clear. */
    void (*bytes_exposed)(struct world *world, const char *where, struct quire_bytes bytes);

    /** phones: the device asks for a transaction, before the disk takes it. */
    void (*phone_writes)(
        struct world *world, struct phone *phone, const struct quire_write *writes, size_t count);
    /** … for a frame to be sent. */
    void (*phone_sends)(struct world *world, struct phone *phone, struct quire_bytes bytes);
    /** … for its user to be told. Nothing may be stepped. */
    void (*phone_notice)(
        struct world *world, struct phone *phone, const struct quire_action *action);
    /** After each step, with phone->state as it is now. */
    void (*phone_state)(struct world *world, struct phone *phone);
    /** The disk is durable up to disk.durable_version. */
    void (*phone_synced)(struct world *world, struct phone *phone);
    /** The process is gone, and what was not durable. */
    void (*phone_killed)(struct world *world, struct phone *phone);
    /** It was killed since its disk failed: something has to start it again. */
    void (*phone_disk_failed)(struct world *world, struct phone *phone);

    /** server: the hub began with what is durable. */
    void (*server_started)(struct world *world, struct server *server);
    /** A frame of a phone or of a guest, before the hub gets it. */
    void (*server_hears)(struct world *world, uint64_t link, struct quire_bytes bytes);
    /** A frame of the hub, before the network gets it; and when the network has it. */
    void (*server_sends)(struct world *world, uint64_t link, struct quire_bytes bytes);
    void (*server_sent)(struct world *world, uint64_t link);
    /** After each step of the hub. */
    void (*server_stepped)(struct world *world, struct server *server);
    /** A record is written, and not durable yet. */
    void (*server_writes)(struct world *world, const struct qr_log_record *record);
    void (*server_committed)(struct world *world, struct server *server);
    /** Records from lsn on are gone: of that user, as the hub asked; NULL: of everybody. */
    void (*server_lost)(struct world *world, const uint8_t *user, uint64_t lsn);
};

/** Calls a hook of every observer that has it. */
#define OBSERVE(world, hook, ...) \
    do { \
        for (size_t observe_i = 0; observe_i < (world)->observer_count; observe_i++) { \
            if ((world)->observers[observe_i]->hook != NULL) { \
                (world)->observers[observe_i]->hook((world), __VA_ARGS__); \
            } \
        } \
    } while (0)

#endif
