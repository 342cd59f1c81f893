/*
 * The profile's `config` file: lines "key = value", '#' begins a comment. Holds no secret.
 */
#ifndef QR_CLIENT_CONFIG_H
#define QR_CLIENT_CONFIG_H

#include "client/certificate.h"
#include "client/resolve.h"
#include "client/url.h"
#include <quire/bytes.h>

#define QR_CLIENT_CONFIG_MAX (16 * 1024) /* bytes of the file */
#define QR_CLIENT_KEY_NAME_SIZE 17       /* sixteen hex digits and a zero */

/** What a profile is before it is one: a process was killed while it made it. */
enum qr_client_stage {
    QR_CLIENT_STAGE_READY,
    QR_CLIENT_STAGE_STARTING, /* an account was being made: its kit was not shown yet */
    QR_CLIENT_STAGE_JOINING,
};

struct qr_client_config {
    enum qr_client_stage stage;
    char
        key_name[QR_CLIENT_KEY_NAME_SIZE]; /* of the default key file; says nothing about the key */
    char server[QR_CLIENT_URL_MAX + 1];    /* "" none; in the form of qr_client_url_text */
    struct qr_client_pin pin;
    char address
        [QR_CLIENT_ADDRESS_SIZE]; /* of the server's several, the one that worked last; "" none */
};

/** EMALFORMED: out_line says where, from 1 (0: no "format" line). EUNSUPPORTED: a newer format. */
QUIRE_CHECKED enum quire_status qr_client_config_parse(
    struct quire_bytes text, struct qr_client_config *out_config, unsigned *out_line);

/** Appends the file's text. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_config_text(
    const struct qr_client_config *config, struct quire_buffer *out_text);

#endif
