/*
 * The server's certificate: the operator's, or a self-signed one that is made on the first start
 * and kept. Clients of a self-signed one know it by its fingerprint.
 */
#ifndef QR_SERVER_TLS_H
#define QR_SERVER_TLS_H

#include "server/hosts.h"

#define QR_FINGERPRINT_TEXT_SIZE 65 /* SHA-256 of the certificate in hex, with the final zero */
#define QR_TLS_PATH_MAX 4352

struct qr_tls {
    char cert_path[QR_TLS_PATH_MAX];
    char key_path[QR_TLS_PATH_MAX];
    char fingerprint[QR_FINGERPRINT_TEXT_SIZE];
    bool made; /* just now */
};

/**
 * Finds the certificate of --cert and --key, or the one in the data folder, or makes it there
 * (ECDSA P-256, 10 years, names: `hosts`; files readable by their owner alone).
 * Errors: the sentence for the operator is in out_error. EIO, EFULL, EINVALID (files that are not
 * a certificate with its key).
 */
QUIRE_CHECKED enum quire_status qr_tls_prepare(const struct qr_options *options,
    const struct qr_hosts *hosts, struct qr_tls *out_tls, char *out_error, size_t error_size);

#endif
