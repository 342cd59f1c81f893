/*
 * Comparing the server's roster with ours, after the two contradicted each other.
 */
#ifndef QR_SYNC_DEVICE_PARTS_AUDIT_H
#define QR_SYNC_DEVICE_PARTS_AUDIT_H

#include "sync/roster.h"

#define DEVICE_AUDIT_FIRST_MS 1000  /* the next connection after a contradiction … */
#define DEVICE_AUDIT_LAST_MS 300000 /* … twice as late each time, up to this */

struct device_audit {
    bool auditing;      /* the next connection reads the server's whole roster */
    bool offer_refused; /* our roster revokes a device of which the server has later batches */
    uint32_t offer_end; /* AUTH may bring our records up to here; meant only when offer_refused */
    bool must_conform;  /* a new record excludes batches that are here */
    struct qr_roster server_roster;    /* as far as it came */
    uint8_t server_head[QR_HASH_SIZE]; /* of the whole roster, as WELCOME said */
    uint64_t delay_ms;
};

/** How long to wait before the next audit; twice as long each time. */
uint32_t device_audit_delay_ms(struct device_audit *audit);
void device_audit_check(const struct device_audit *audit);
void device_audit_finish(struct device_audit *audit);

#endif
