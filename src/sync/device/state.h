/*
 * struct quire_device: the parts of a device, and what each flow may use.
 *
 * parts/ holds structs with the functions that keep their invariants; a part knows itself alone. A
 * flow (receive, upload, pairing …) joins parts; it includes this header and those of flows below it.
 * docs/architecture.md has the order; tools/check-layers.py proves that there is no circle.
 */
#ifndef QR_SYNC_DEVICE_STATE_H
#define QR_SYNC_DEVICE_STATE_H

#include "base/failpoint.h"
#include "codec/frame.h"
#include "crypto/sign.h"
#include "crypto/vault.h"
#include "sync/device/parts/append.h"
#include "sync/device/parts/audit.h"
#include "sync/device/parts/cache.h"
#include "sync/device/parts/chain.h"
#include "sync/device/parts/enrolment.h"
#include "sync/device/parts/link.h"
#include "sync/device/parts/lost_ops.h"
#include "sync/device/parts/output.h"
#include "sync/device/parts/pairing.h"
#include "sync/device/parts/pending.h"
#include "sync/device/parts/rebased.h"
#include "sync/device/parts/receive.h"
#include "sync/device/parts/recovery.h"
#include "sync/device/parts/replica.h"
#include "sync/device/parts/step.h"
#include "sync/device/parts/unread.h"
#include "sync/device/parts/upload.h"
#include "sync/roster.h"
#include "sync/transcript.h"
#include <quire/device.h>

struct quire_device {
    struct quire_fold fold;
    struct quire_reader reader;
    uint8_t profile_key[QR_KEY_SIZE];
    uint8_t local_key[QR_KEY_SIZE]; /* derived from it; seals the records */
    struct qr_vault *vault;         /* owned */
    struct qr_roster roster;
    uint8_t user[QR_USER_SIZE]; /* known before the roster is, when a code or a kit names it */
    bool revoked;
    uint8_t format;      /* the greatest version of batches that this program reads */
    uint8_t ops_version; /* that OPS need; 0: the lowest. A simulated later program needs its own */
    uint64_t alarms[QUIRE_ALARM_COUNT]; /* how often each was raised, ever */
    struct quire_buffer scratch;        /* of the record that is read just now */

    struct device_step step;
    struct device_output out;
    struct device_enrolment enrolment;
    struct device_recovery recovery;
    struct device_replica replica;
    struct device_receipt receipt;
    struct device_chains chains;
    struct device_unread_list unread;
    struct device_cache cache;
    struct device_pending_list pending;
    struct device_rebased rebased;
    struct device_link link;
    struct device_receive receive;
    struct device_upload upload;
    struct device_audit audit;
    struct device_lost_ops lost_ops;
    struct device_pairing pairing;
    struct device_append append;
    struct device_digest digest;

    /* Last: large, valid only within one frame, and without secrets; so neither initialised nor wiped. */
    struct qr_frame_space space;
};

/** Notes that the step has failed; the first failure stays. True if status is OK. */
bool device_ok(struct quire_device *device, enum quire_status status);
/** 32 fresh bytes of the step's entropy. */
void device_random(struct quire_device *device, uint8_t out[QR_ENTROPY_SIZE]);
/** The id of this device; borrowed from the vault. */
const uint8_t *device_self(const struct quire_device *device);
/** NULL: there is no such chain. */
struct device_chain *device_chain_find(const struct quire_device *device, const uint8_t *replica);
/** Is it the chain that this process writes. */
bool device_chain_is_ours(const struct quire_device *device, const struct device_chain *chain);

/**
 * Asserts the invariants of every part and those between parts, at the end of each step that did not
 * fail. Builds with QR_CHECK_FULL (tests and simulation) check the costly ones, too; builds with
 * failpoints check nothing, since a failpoint breaks them on purpose.
 */
void device_check(const struct quire_device *device);

#endif
