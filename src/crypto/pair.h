/*
 * Adding a device: a secret of 100 bits, shown on the old device and typed into the new one.
 *
 * new → old   request = ephemeral X25519 public key ‖ nonce ‖ AEAD(key of secret; new device's
 *             public keys and name). Only who knows the secret can make or read it.
 * old → new   reply = ephemeral X25519 public key ‖ nonce ‖ AEAD(key of secret, both ephemeral keys
 *             and their Diffie–Hellman; user, roster head, heads). The server can neither read it,
 *             nor join the new device to another account, nor show it an older state.
 * Content is padded, so that a message does not tell the length of a name. A secret is for one
 * pairing: destroy it when that is done or given up.
 */
#ifndef QR_CRYPTO_PAIR_H
#define QR_CRYPTO_PAIR_H

#include "crypto/vault.h"

#define QR_PAIR_CODE_SIZE (20 + 4 + 1) /* xxxx-xxxx-xxxx-xxxx-xxxx and a zero */
#define QR_MAILBOX_SIZE 16
#define QR_PAIR_REQUEST_MAX 1024 /* bytes of content */
#define QR_PAIR_REPLY_MAX 16384

struct qr_pair; /* owns the secret and this side's ephemeral key */

/** The old device: a fresh secret. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_pair_create(
    const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_pair **out_pair);
/** The new device: the code as typed (case, spaces, '-' ignored; O is 0; I, L are 1). EMALFORMED. */
QUIRE_CHECKED enum quire_status qr_pair_parse(
    struct quire_bytes code, const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_pair **out_pair);
/** Wipes and frees; accepts NULL. */
void qr_pair_destroy(struct qr_pair *pair);

/** The code to show; the caller wipes it. */
void qr_pair_code(const struct qr_pair *pair, char out_code[QR_PAIR_CODE_SIZE]);
/** Where the two meet on the server: says nothing about the secret. */
void qr_pair_mailbox(const struct qr_pair *pair, uint8_t out_mailbox[QR_MAILBOX_SIZE]);

/** New device: appends a request. ELIMIT: content above QR_PAIR_REQUEST_MAX. ESTATE: on the old
 * device. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_pair_seal_request(struct qr_pair *pair,
    struct quire_bytes content, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_request);
/** Old device: opens it and appends the content; the reply will be for the last one that opened.
 * ECRYPTO: not made with this secret. EMALFORMED. EUNSUPPORTED. ESTATE: on the new device. */
QUIRE_CHECKED enum quire_status qr_pair_open_request(
    struct qr_pair *pair, struct quire_bytes request, struct quire_buffer *out_content);
/** Old device: appends a reply. ESTATE: no request was opened. ELIMIT: content above
 * QR_PAIR_REPLY_MAX. ECRYPTO: the request's ephemeral key is a degenerate one. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_pair_seal_reply(struct qr_pair *pair, struct quire_bytes content,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct quire_buffer *out_reply);
/** New device: opens the reply and appends the content. ECRYPTO: not made with this secret for this
 * side's request. EMALFORMED. EUNSUPPORTED. ESTATE: on the old device. */
QUIRE_CHECKED enum quire_status qr_pair_open_reply(
    struct qr_pair *pair, struct quire_bytes reply, struct quire_buffer *out_content);

#endif
