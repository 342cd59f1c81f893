/*
 * The gate's end of the core: starts it, sends to it, hears from it, and notices when it dies.
 */
#ifndef QR_WORKER_CORE_LINK_H
#define QR_WORKER_CORE_LINK_H

#include "worker/link.h"
#include <sys/types.h>

struct qr_core_link {
    pid_t process;  /* 0: none */
    int descriptor; /* −1: none */
    char *const *arguments;
};

/** Starts this program once more, with the core's end as descriptor 3. arguments: of main. EIO. */
QUIRE_CHECKED enum quire_status qr_core_link_start(
    struct qr_core_link *link, char *const *arguments);

/** Sends one message. EIO: the core is gone, or as good as. */
QUIRE_CHECKED enum quire_status qr_core_link_send(
    struct qr_core_link *link, const struct qr_link *message);

/** The next message, borrowing from `room` of QR_LINK_MAX + 1 bytes. ENOTFOUND: none is there now. EIO: the core is
 * gone. EMALFORMED: it sent what is no message; treat it as gone. */
QUIRE_CHECKED enum quire_status qr_core_link_receive(
    struct qr_core_link *link, uint8_t *room, struct qr_link *out_message);

/** Ends it, with SIGKILL if it does not by itself at once, and waits. The signal that ended it, or 0; its exit
 * status in out_code, or −1. */
int qr_core_link_stop(struct qr_core_link *link, bool kill_it, int *out_code);

#endif
