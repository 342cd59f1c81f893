/*
 * One blocking call at work: what it wants, how far it is, and when it gives up.
 *
 * dialling.c connects and decides what follows when the connection goes down, goal.c knows what each
 * call waits for, run.c is the loop around them, online.c has the calls themselves.
 */
#ifndef QR_CLIENT_WORK_H
#define QR_CLIENT_WORK_H

#include "client/patience.h"
#include "client/shell.h"

#define QR_CLIENT_BACKOFF_FIRST_MS 500 /* between attempts, doubling, half of it at random */

struct qr_client_work {
    struct quire_client *client;
    enum qr_client_goal goal;
    uint8_t device[QUIRE_DEVICE_SIZE]; /* REVOKE */
    struct qr_client_patience patience;
    uint64_t received_before; /* bytes of the connections before this one */
    bool asked;               /* PAIR_OPEN or REVOKE was fed */
    bool flushed;
    uint64_t
        achieved_ms; /* when PAIR or REVOKE itself came about: what fails after it is no failure of it */
    bool was_ready; /* at least once */
    unsigned cuts;
    uint32_t backoff_ms;
    uint64_t dial_ms; /* when the next attempt is due */
    uint64_t waiting_looked_ms;
    uint64_t inbox_looked_ms;
    uint64_t progress_ms;
    uint64_t stop_ms; /* when to give up flushing; 0: not stopping */
};

/** What is not on the server, as a sentence without its end. */
struct qr_client_unsent {
    char text[192];
};
struct qr_client_unsent qr_client_unsent(const struct quire_client *client);
/** The same when nothing is missing. */
extern const char *const qr_client_all_safe;

/** Calls callbacks.connection, if there is one. */
void qr_client_report_connection(
    struct quire_client *client, enum quire_client_connection state, const char *detail);

/** Makes client->connection, for the server of the profile. Dials nothing yet. */
QUIRE_CHECKED enum quire_status qr_client_work_connect(struct quire_client *client);
void qr_client_work_dial(struct qr_client_work *work);
/** The connection is down. QUIRE_OK: dial again at work->dial_ms; else the call ends with this. */
QUIRE_CHECKED enum quire_status qr_client_work_after_down(struct qr_client_work *work);

#define QR_CLIENT_LINGER_MS 5000 /* what else is to be sent after PAIR or REVOKE has so long */

/** One step towards the goal, after something happened. True: the call is over, with *out_result. */
bool qr_client_work_advance(struct qr_client_work *work, enum quire_status *out_result);

struct qr_client_found_device {
    bool active, self;
};
/** Both false if there is no such device. (online.c) */
QUIRE_CHECKED enum quire_status qr_client_find_active(struct quire_client *client,
    const uint8_t device[QUIRE_DEVICE_SIZE], struct qr_client_found_device *out_found);

#endif
