/*
 * What /healthz says.
 */
#ifndef QR_SERVER_HEALTH_H
#define QR_SERVER_HEALTH_H

#include <stdbool.h>

#define QR_HEALTH_MAX 2048

struct qr_server;

/** The body of /healthz; without details only the status. */
void qr_server_health(struct qr_server *server, bool details, char out_body[QR_HEALTH_MAX]);

#endif
