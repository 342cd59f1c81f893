/*
 * What gate and core say to each other, one message a datagram of a socketpair (SOCK_SEQPACKET).
 *
 *   message = u8 type ‖ fields. Integers are big-endian; `bytes16` is a u16 size and so many bytes.
 *
 *   to the core                                          to the gate
 *   1 AUTH        bytes16 host, hello, challenge         65 READY    grantee 32, instance 16, analyser 32, u32 roster records
 *   2 COPY        u64 lease, bytes16 grant, copy         66 SIGNED   signature 64
 *   3 WITHDRAWAL  u64 lease, bytes16 grant, withdrawal   67 KEYS     u8 n ≤ 8, n × bytes16 lane key
 *   4 GIVE_UP     u64 lease, bytes16 grant, copy         68 RESULT   u64 lease, u8 outcome, result
 *   5 TICK                                               69 REFUSED  u64 lease, u8 why
 *
 * The last field of COPY, WITHDRAWAL, GIVE_UP and RESULT is the rest of the datagram. Each message to the core
 * has one answer: AUTH 66, COPY and GIVE_UP 68 or 69, WITHDRAWAL 68 or 69, TICK 67. The core says READY first.
 * There is one form of each message; anything else is EMALFORMED. No message has text or a secret key in it.
 */
#ifndef QR_WORKER_LINK_H
#define QR_WORKER_LINK_H

#include "base/ids.h"
#include <quire/bytes.h>

#define QR_LINK_MAX (96u << 10) /* bytes of a datagram: a copy is at most 64 KiB, its head 2 KiB */
#define QR_LINK_KEYS_MAX 8
#define QR_LINK_HOST_MAX 255
#define QR_LINK_FRAME_MAX 512 /* of HELLO and CHALLENGE */
#define QR_LINK_GRANT_MAX 1024
#define QR_LINK_KEY_MAX 512

enum qr_link_type {
    QR_LINK_AUTH = 1,
    QR_LINK_COPY = 2,
    QR_LINK_WITHDRAWAL = 3,
    QR_LINK_GIVE_UP = 4,
    QR_LINK_TICK = 5,
    QR_LINK_READY = 65,
    QR_LINK_SIGNED = 66,
    QR_LINK_KEYS = 67,
    QR_LINK_RESULT = 68,
    QR_LINK_REFUSED = 69,
};

/** Why the core gives no result: no consent vouches for what it was sent, so there is none to answer to. */
enum qr_link_why {
    QR_LINK_BAD_GRANT = 1,    /* it is none, or its signature is not its own */
    QR_LINK_OTHER_WORKER = 2, /* of another grantee, purpose or analyser */
    QR_LINK_BAD_COPY = 3,     /* it is none, or not signed by the grant's key */
    QR_LINK_BAD_WITHDRAWAL = 4,
    QR_LINK_FULL = 5, /* the core remembers as many consents as it can */
    QR_LINK_WHY_COUNT
};

/** A message; ranges borrow from the datagram. */
struct qr_link {
    enum qr_link_type type;
    union {
        struct {
            struct quire_bytes host, hello, challenge;
        } auth;
        struct {
            uint64_t lease;
            struct quire_bytes grant, object;
        } work; /* COPY, WITHDRAWAL, GIVE_UP */
        struct {
            const uint8_t *grantee, *instance, *analyser;
            uint32_t records;
        } ready;
        struct {
            const uint8_t *signature;
        } proof;
        struct {
            uint8_t count;
            struct quire_bytes items[QR_LINK_KEYS_MAX];
        } keys;
        struct {
            uint64_t lease;
            uint8_t outcome; /* also in the result; for the gate's counts */
            struct quire_bytes result;
        } done;
        struct {
            uint64_t lease;
            enum qr_link_why why;
        } refused;
    };
};

/** EMALFORMED: it is no message, or not in its one form. On failure out_message is untouched. */
QUIRE_CHECKED enum quire_status qr_link_read(struct quire_bytes bytes, struct qr_link *out_message);

/** Appends one. EINVALID: reading would refuse it. ENOMEM. In each: the buffer has not changed. */
QUIRE_CHECKED enum quire_status qr_link_write(
    const struct qr_link *message, struct quire_buffer *out_bytes);

/** Is it one that goes to the core? */
static inline bool qr_link_is_request(enum qr_link_type type)
{
    return type < QR_LINK_READY;
}

#endif
