/*
 * Defences of the core that a test build can take out, to see that the tests notice. In what ships each is the
 * constant false.
 */
#ifndef QR_WORKER_FAILPOINTS_H
#define QR_WORKER_FAILPOINTS_H

#include <stdbool.h>

enum qr_core_failpoint {
    QR_CORE_NO_GRANT,      /* W1 */
    QR_CORE_NO_EXPIRY,     /* W1 */
    QR_CORE_NO_MASK,       /* W2 */
    QR_CORE_NO_WITHDRAWAL, /* W3 */
    QR_CORE_NO_COMMITMENT, /* W4 */
    QR_CORE_NO_KEY_END,    /* W4 */
    QR_CORE_NO_WIPE,       /* W4 */
    QR_CORE_FAILPOINT_COUNT
};

#ifdef QR_CORE_FAILPOINTS_BUILT
extern bool qr_core_failpoints[QR_CORE_FAILPOINT_COUNT];
#define QR_CORE_WITHOUT(name) (qr_core_failpoints[QR_CORE_##name])
#else
#define QR_CORE_WITHOUT(name) false
#endif

#endif
