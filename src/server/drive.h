/*
 * Events into the hub, actions out of it.
 */
#ifndef QR_SERVER_DRIVE_H
#define QR_SERVER_DRIVE_H

#include <uv.h>

struct qr_hub_event;
struct qr_server;

/** Feeds an event (its times are filled in here) and carries out what the hub asks for. Never
 * inside another one. */
void qr_server_feed(struct qr_server *server, struct qr_hub_event *event);
/** Feeds what the committer and the verifier have. */
void qr_server_take_news(struct qr_server *server);
/** Goes down: no new connections, acknowledgements for what is committed, at most ten seconds. */
void qr_server_drain(struct qr_server *server);
/** While going down, in each round of the loop: ends it when no connection is left, or it took too
 * long. */
void qr_server_end_if_drained(struct qr_server *server);
/** Once a second: time for the hub; ends guests that dawdle and connections that do not close. */
void qr_server_tick(struct qr_server *server);
/** One slice of the hub's work; the callback of server->work. */
void qr_server_work(uv_idle_t *handle);

#endif
