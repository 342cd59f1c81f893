/*
 * What connections tell the server, and ask of it; drive.c carries it out.
 */
#ifndef QR_SERVER_TOLD_H
#define QR_SERVER_TOLD_H

#include <quire/bytes.h>

struct qr_connection;
struct qr_server;

uint64_t qr_server_now_ms(void);

void qr_server_opened(struct qr_server *server, struct qr_connection *connection, const char *host);
void qr_server_received(
    struct qr_server *server, struct qr_connection *connection, struct quire_bytes message);
void qr_server_sent(struct qr_server *server, struct qr_connection *connection, size_t size);
void qr_server_closed(struct qr_server *server, struct qr_connection *connection, uint64_t id);
/** More waits for the disk or the checkers than is good; reading should pause. */
bool qr_server_congested(struct qr_server *server);

/** Is a connection free, and may this address have one? Called when the request is known. */
bool qr_server_admit_upgrade(struct qr_server *server, struct qr_connection *connection);
/** One line for a refused connection, at a bounded rate; connection may be NULL. */
void qr_server_log_refusal(
    struct qr_server *server, const struct qr_connection *connection, const char *cause);

#endif
