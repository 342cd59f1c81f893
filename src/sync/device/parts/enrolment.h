/*
 * How a device that is not a member yet becomes one: by an old device's code, or by the recovery kit.
 */
#ifndef QR_SYNC_DEVICE_PARTS_ENROLMENT_H
#define QR_SYNC_DEVICE_PARTS_ENROLMENT_H

#include "crypto/kit.h"

enum device_role {
    ROLE_MEMBER,     /* enrolled */
    ROLE_JOINING,    /* by code */
    ROLE_RECOVERING, /* by kit */
};

/** Invariant: a kit only while recovering. */
struct device_enrolment {
    enum device_role role;
    struct quire_buffer name;          /* of this device */
    struct qr_kit *kit;                /* owned; recovering */
    uint32_t roster_count;             /* joining: the reply says that the roster holds … */
    uint8_t roster_head[QR_HASH_SIZE]; /* … this head at this count; 0: no reply yet */
    struct quire_buffer heads; /* chains that the old device had: the server must have them, too */
    bool rejoining; /* a member that the server does not know asks to be enrolled again */
};

#endif
