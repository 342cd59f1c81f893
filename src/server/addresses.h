/*
 * How many connections an address may open that do not prove who they are. The table has a fixed
 * size: where two addresses meet at one slot, the younger takes it, which errs towards admitting.
 */
#ifndef QR_SERVER_ADDRESSES_H
#define QR_SERVER_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct qr_addresses;

/** An address as the table knows it: IPv4, or the first half of IPv6; 0: none. */
struct qr_address {
    uint64_t bits;
    bool loopback;
    bool counted; /* limits count it; see qr_addresses_count */
};
struct qr_address qr_address_of(const struct sockaddr *address);
/** An address in text, as a proxy writes it; bits 0: it is none. */
struct qr_address qr_address_of_text(const char *text);

/** per_minute 0: everything is admitted. NULL: no memory. */
struct qr_addresses *qr_addresses_create(
    uint32_t per_minute, bool limit_loopback, const uint8_t key[16]);
void qr_addresses_destroy(struct qr_addresses *addresses);

/** Counts a new connection; false: too many. */
bool qr_addresses_admit(struct qr_addresses *addresses, struct qr_address address, uint64_t now_ms);
/** Do the limits count this address? */
bool qr_addresses_count(const struct qr_addresses *addresses, struct qr_address address);
/** That connection has proved who it is: it does not count. */
void qr_addresses_return(
    struct qr_addresses *addresses, struct qr_address address, uint64_t now_ms);

#endif
