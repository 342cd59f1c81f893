/*
 * The connection to the server: which step of the handshake it is in, and its clocks.
 *
 *   NONE ──► PAIRING ──► HELLO ──► AUTH ──► ROSTER ──► READY
 *
 * Every state goes back to NONE when the connection ends. docs/state-machines.md draws it; the table
 * in link.c is what the code allows.
 */
#ifndef QR_SYNC_DEVICE_PARTS_LINK_H
#define QR_SYNC_DEVICE_PARTS_LINK_H

#include "codec/frame.h"

#define DEVICE_ANSWER_MS 20000 /* for a step of the handshake or of pairing */
#define DEVICE_RESUB_FIRST_MS 1000
#define DEVICE_RESUB_LAST_MS 60000

enum device_link_state {
    LINK_NONE,
    LINK_PAIRING, /* pairing request sent; the user is not known yet */
    LINK_HELLO,   /* HELLO sent */
    LINK_AUTH,    /* AUTH sent */
    LINK_ROSTER,  /* WELCOME came; records are still to come, or a recovery's own record */
    LINK_READY,   /* SUB sent */
    LINK_STATE_COUNT,
};

/** Invariant: in LINK_NONE no deadline, no resubscription, no presence; `caught_up` only in
 * LINK_READY; PAIRING and HELLO have a deadline. In AUTH a revoked device waits without one for the
 * server's ERROR. */
struct device_link {
    enum device_link_state state;    /* changed by device_link_set alone */
    struct quire_buffer host, hello; /* as dialled; as sent */
    uint8_t hello_nonce[QR_FRAME_NONCE_SIZE];
    int64_t hello_wall_ms;    /* when HELLO was sent */
    uint32_t expected_roster; /* records the server has, as WELCOME said */
    uint64_t heard_ms, said_ms;
    uint64_t deadline_ms; /* an answer is due; 0: none */
    bool pinged;          /* since heard_ms */
    bool caught_up;       /* CAUGHT_UP came for the last SUB */
    uint64_t resub_at_ms; /* SUB again then; 0: not wanted */
    uint64_t resub_delay_ms;
    uint32_t refused_ms; /* the last wait after a server refused this device */
    uint32_t presence;   /* other devices of the user that are connected */
};

/** Changes the state. Asserts that the table allows it. */
void device_link_set(struct device_link *link, enum device_link_state state);
/** The server must answer within DEVICE_ANSWER_MS. */
void device_link_await(struct device_link *link, uint64_t now_ms);
/** SUB again after a delay that doubles each time; has no effect while one is planned. */
void device_link_resubscribe_later(struct device_link *link, uint64_t now_ms);
/** When the next PING is due, or, after a PING, when the connection counts as dead. */
uint64_t device_link_ping_ms(const struct device_link *link);
/** The earliest of ping, deadline and resubscription; UINT64_MAX in LINK_NONE. */
uint64_t device_link_due_ms(const struct device_link *link);
void device_link_check(const struct device_link *link);
void device_link_finish(struct device_link *link);

#endif
