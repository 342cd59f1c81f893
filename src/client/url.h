/*
 * A server's address: ws:// or wss://, a host, perhaps a port, nothing else.
 */
#ifndef QR_CLIENT_URL_H
#define QR_CLIENT_URL_H

#include <quire/status.h>
#include <stdbool.h>
#include <stdint.h>

#define QR_CLIENT_URL_MAX 280  /* characters, without the final zero */
#define QR_CLIENT_HOST_MAX 255 /* of host[:port], as in the protocol */
#define QR_CLIENT_FINGERPRINT_HEX 64

struct qr_client_url {
    bool tls;
    bool loopback; /* localhost, 127.0.0.0/8 or [::1]: cannot be overheard */
    uint16_t port;
    char address[QR_CLIENT_HOST_MAX + 1]; /* what to connect to, without brackets and port */
    char host[QR_CLIENT_HOST_MAX + 1];    /* host[:port] as dialled: the Host header, and what is
                                             signed; lower case, the port as in the URL */
};

/** Reads "wss://host[:port][/]"; a trailing slash or "/quire" is allowed. EINVALID: anything else. */
QUIRE_CHECKED enum quire_status qr_client_url_parse(
    const char *text, struct qr_client_url *out_url);

/** Writes it again in one form. out_text holds QR_CLIENT_URL_MAX + 1 characters. */
void qr_client_url_text(const struct qr_client_url *url, char *out_text);

/** SHA-256 in hex, any case, ':' between bytes or not, to 64 lower-case digits and a zero. EINVALID. */
QUIRE_CHECKED enum quire_status qr_client_fingerprint_parse(
    const char *text, char out_fingerprint[QR_CLIENT_FINGERPRINT_HEX + 1]);

#endif
