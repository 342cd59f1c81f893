/*
 * The server's life: it opens everything, runs, and closes everything.
 */
#ifndef QR_SERVER_SERVER_H
#define QR_SERVER_SERVER_H

#include "server/state.h"

/** Opens everything and prints the ready line. The exit code of the process, 0 to go on; a
 * sentence for the operator is in out_error. */
int qr_server_start(
    struct qr_server *server, const struct qr_options *options, char *out_error, size_t error_size);
/** Runs until it is told to end, and closes everything; the exit code. */
int qr_server_run(struct qr_server *server);

#endif
