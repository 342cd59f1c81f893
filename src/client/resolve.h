/*
 * Looking up a host's name without waiting for it: the system's resolver may take half a minute and
 * more, and cannot be interrupted, so it has a thread of its own, which may outlive the caller.
 */
#ifndef QR_CLIENT_RESOLVE_H
#define QR_CLIENT_RESOLVE_H

#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>

#define QR_CLIENT_ADDRESSES_MAX 16
#define QR_CLIENT_ADDRESS_SIZE 46 /* of an IPv6 address as text, with the final zero */

struct qr_client_addresses {
    char text[QR_CLIENT_ADDRESSES_MAX][QR_CLIENT_ADDRESS_SIZE];
    size_t count;
    int error; /* of getaddrinfo; 0: count ≥ 1 */
};

struct qr_client_resolve;

/** What looks a name up; blocks. qr_client_look_up asks the system. */
typedef void qr_client_look_up_function(
    const char *host, struct qr_client_addresses *out_addresses);
void qr_client_look_up(const char *host, struct qr_client_addresses *out_addresses);

/**
 * The order to try them in (RFC 8305): the families take turns, the first one of the resolver first; before
 * them all `worked`, if it is among them. "" if none worked yet.
 */
void qr_client_addresses_arrange(struct qr_client_addresses *addresses, const char *worked);

/** Begins. NULL: no memory, or no thread. */
struct qr_client_resolve *qr_client_resolve_start(
    const char *host, qr_client_look_up_function *look_up);
/** True: done, and out_addresses is set. */
bool qr_client_resolve_done(
    struct qr_client_resolve *resolve, struct qr_client_addresses *out_addresses);
/** Forgets it, done or not, without waiting; accepts NULL. */
void qr_client_resolve_drop(struct qr_client_resolve *resolve);

#endif
