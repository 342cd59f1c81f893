/*
 * Connections between phones and the server: delay, loss, repetition, overtaking, directions that
 * stand still, cuts that each side notices in its own time, slow readers.
 */
#ifndef SIMULATION_NETWORK_H
#define SIMULATION_NETWORK_H

#include "world/world.h"

#define SERVER_HOST "journal.example:8443"

/** One direction of a connection. */
struct way {
    uint64_t last_arrival_ms; /* nothing later arrives before, unless it overtakes */
    uint64_t last_word_ms;    /* the last frame that is no PING arrives then */
    uint64_t busy_until_ms;   /* the sender's line is taken until then */
    uint64_t stalled_until_ms;
};

struct link {
    uint32_t phone;
    uint64_t phone_life;
    bool phone_open;  /* the phone believes that it is connected */
    bool phone_told;  /* its device was fed CONNECTED and not yet DISCONNECTED */
    bool server_open; /* the hub was fed OPEN and not yet CLOSED */
    bool cut;         /* what is under way is lost */
    uint64_t server_life;
    struct way up, down;
    uint64_t unsent; /* bytes handed out by the hub and not yet SENT */
};

/** The phones' end of the connections; calls of a past life are for the phone to ignore. */
struct network_phones {
    /** True: the phone stands still, and the event comes again when it does not. */
    bool (*waits)(struct world *world, uint32_t phone, const struct event *event);
    /** False: it does not want that connection any more. */
    bool (*connected)(struct world *world, uint32_t phone, uint64_t life, uint64_t link);
    void (*feed_connected)(struct world *world, uint32_t phone);
    void (*disconnected)(struct world *world, uint32_t phone, uint64_t life, uint64_t link);
    void (*frame)(struct world *world, uint32_t phone, uint64_t life, struct quire_bytes bytes);
    /** No connection comes about before then. */
    uint64_t (*no_dial_until_ms)(const struct world *world, uint32_t phone);
    /** It is of a later version. */
    bool (*is_later)(const struct world *world, uint32_t phone);
};

/** The server's end of the connections. */
struct network_server {
    bool (*waits)(struct world *world, const struct event *event);
    bool (*is_up)(const struct world *world);
    uint64_t (*life)(const struct world *world);
    void (*opened)(struct world *world, uint64_t link);
    void (*frame)(struct world *world, uint64_t link, struct quire_bytes bytes);
    void (*closed)(struct world *world, uint64_t link);
    void (*sent)(struct world *world, uint64_t link, uint64_t size);
    bool (*is_later)(const struct world *world);
};

struct network {
    const struct network_phones *phones;
    const struct network_server *server;
    uint64_t copies;    /* of frames, sent so far */
    struct link *links; /* the hub's name for a connection is its index + 1, never reused */
    size_t count, capacity;
};

struct network *network_create(
    const struct network_phones *phones, const struct network_server *server);
void network_destroy(struct network *network);

/** The phone dials in that life; either CONNECTED or DISCONNECTED will be fed to it. */
void network_dial(struct world *world, uint32_t phone, uint64_t life);
/** Both ends of it live, and nothing is cut. */
bool network_alive(const struct world *world, uint64_t link);
/** Nothing but PINGs is under way on it: with many slow lines one of those always is. */
bool network_still(const struct world *world, uint64_t link);
/** A frame on its way. Nothing happens if that side has closed. */
void network_send_up(struct world *world, uint64_t link, struct quire_bytes bytes);
void network_send_down(struct world *world, uint64_t link, struct quire_bytes bytes);
/** One side closes in an orderly way: what it sent before still arrives. */
void network_close_by_phone(struct world *world, uint64_t link);
void network_close_by_server(struct world *world, uint64_t link);
/** The line is gone; both notice at some time. */
void network_cut(struct world *world, uint64_t link);
/** One side's process is gone. */
void network_phone_died(struct world *world, uint64_t link, bool power_too);
void network_server_died(struct world *world);
/** One direction stands still for a while. */
void network_stall(struct world *world, uint64_t link, bool upwards, uint64_t length_ms);
/** Everything flows from here on. */
void network_heal(struct world *world);

#endif
