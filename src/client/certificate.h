/*
 * May a server's certificate be used? With a pin: the pinned certificate, its key, or a new certificate of
 * its authority. Without one: what the system's authorities vouch for, else one that the user trusts.
 */
#ifndef QR_CLIENT_CERTIFICATE_H
#define QR_CLIENT_CERTIFICATE_H

#include "client/url.h"
#include <openssl/x509.h>
#include <quire/status.h>

/** SHA-256 in hex, each ""  if there is none. Without a certificate the others are "". */
struct qr_client_pin {
    char certificate[QR_CLIENT_FINGERPRINT_HEX + 1];
    char key[QR_CLIENT_FINGERPRINT_HEX + 1]; /* of the certificate's public key (SPKI) */
    char authority[QR_CLIENT_FINGERPRINT_HEX
        + 1]; /* of the public key of the last one shown above it */
};

struct qr_client_verdict {
    bool accepted;
    bool
        may_ask; /* refused, but only since no known authority vouches for it: the user may trust it */
    struct qr_client_pin shown;
    char why[384];      /* refused: what is wrong, in a sentence without an end */
    const char *advice; /* refused: what to do, in sentences */
};

/** `chain` as OpenSSL hands it to a verification callback; its own result is not looked at. */
struct qr_client_verdict qr_client_certificate_judge(
    X509_STORE_CTX *chain, const struct qr_client_url *url, const struct qr_client_pin *pin);

/** SHA-256 of the certificate, in hex. False: it cannot be encoded. */
QUIRE_CHECKED bool qr_client_certificate_fingerprint(
    const X509 *certificate, char out_text[QR_CLIENT_FINGERPRINT_HEX + 1]);

#endif
