/*
 * The names that a client may have dialled. A client signs the name it dialled; a server that took
 * any name would let a machine in between relay a signature that was made for another server.
 */
#ifndef QR_SERVER_HOSTS_H
#define QR_SERVER_HOSTS_H

#include "server/options.h"

struct qr_hosts {
    char names[QR_HOSTS_MAX + 4][QR_HOST_MAX + 1];
    size_t count;
};

/** localhost, the loopback addresses, the machine's own name, and those of --host. */
void qr_hosts_init(struct qr_hosts *hosts, const struct qr_options *options);

/** True if `dialled`, with or without a port, is one of the names; case does not matter. */
bool qr_hosts_admit(const struct qr_hosts *hosts, const char *dialled);

#endif
