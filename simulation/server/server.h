/*
 * The server: the shipping hub, a log on a disk that commits in groups, fills up and rots, and a
 * process that is killed, restarted, restored from an old copy or begun again with nothing.
 */
#ifndef SIMULATION_SERVER_H
#define SIMULATION_SERVER_H

#include "log.h"

struct network_server;

void server_create(struct world *world);
void server_destroy(struct world *world);
void server_start(struct world *world);
/** It starts after a while, unless it is up by then. */
void server_start_later(struct world *world, uint64_t after_ms);
void server_kill(struct world *world);
/** Kills it while a commit is under way, now or at the next one; it starts again by itself. */
void server_kill_in_commit(struct world *world);
void server_drain(struct world *world);

/** Its end of the network. */
extern const struct network_server server_network;

/** True: the server stands still, and the event comes again when it does not. */
bool server_waits(struct world *world, const struct event *event);
bool server_up(const struct world *world);
uint64_t server_life(const struct world *world);
int64_t server_wall_ms(const struct world *world);

void server_opened(struct world *world, uint64_t link);
void server_frame(struct world *world, uint64_t link, struct quire_bytes bytes);
void server_closed(struct world *world, uint64_t link);
void server_sent(struct world *world, uint64_t link, uint64_t size);

#endif
