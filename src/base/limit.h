/*
 * Limits that a simulated world may lower, so that its devices meet in minutes what takes a user
 * months. In the shipping build QR_LIMIT is the shipped number and leaves no code behind. A core that
 * is built with QR_LIMITS_LOWERED asks an array of the program instead: quire-sim, where all devices
 * and the server of a world share it.
 */
#ifndef QR_BASE_LIMIT_H
#define QR_BASE_LIMIT_H

#include <stdint.h>

enum qr_limit {
    QR_LIMIT_DEVICES,  /* active devices of a user */
    QR_LIMIT_RECORDS,  /* records of a roster */
    QR_LIMIT_CHAINS,   /* replica chains of a user */
    QR_LIMIT_TEXT,     /* bytes of visible text to which a device lets an entry grow */
    QR_LIMIT_ELEMENTS, /* elements of a set, as far as a device adds them */
    QR_LIMIT_COUNT
};

#ifdef QR_LIMITS_LOWERED
extern uint32_t qr_limits_lowered[QR_LIMIT_COUNT]; /* of the program; 0: as shipped */
#define QR_LIMIT(name, shipped) \
    (qr_limits_lowered[QR_LIMIT_##name] != 0 ? qr_limits_lowered[QR_LIMIT_##name] \
                                             : (uint32_t)(shipped))
#else
#define QR_LIMIT(name, shipped) (shipped)
#endif

#endif
