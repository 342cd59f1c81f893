/*
 * What the server's disk holds, for server.c: records that are written and those of them that are durable.
 */
#ifndef SIMULATION_SERVER_LOG_H
#define SIMULATION_SERVER_LOG_H

#include "state.h"

/** An empty one, in the world's server; the world fails if the store beside it cannot be opened. */
void server_log_create(struct world *world);
void server_log_destroy(struct server *server);
/** Written, and not durable yet. */
void server_log_add(struct server *server, const struct qr_log_record *record);
/** The first `count` records are durable. */
void server_log_commit(struct world *world, size_t count);
/** What is behind the first `count` records is gone. */
void server_log_cut(struct server *server, size_t count);
/** As the hub asks: nothing of that user from lsn on is there any more. */
void server_log_forget(struct world *world, const uint8_t user[QR_USER_SIZE], uint64_t lsn);
/** What the hub reads it by, for as long as the server is there. */
struct qr_log_reader server_log_reader(struct world *world);
/** The process is gone, and another one opens what lies on the disk. */
void server_log_killed(struct world *world);

/** The durable batch at that place of that chain, or NULL; user NULL: whosever. */
const struct stored *server_find(const struct server *server, const uint8_t user[QR_USER_SIZE],
    const uint8_t replica[QR_REPLICA_SIZE], uint64_t seq);

/** While it is down: keep a copy; put it back; begin again with nothing. */
void server_copy(struct world *world);
void server_restore(struct world *world, bool new_log_id);
void server_wipe(struct world *world);

#endif
