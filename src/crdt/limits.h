/*
 * The numbers of protocol/document.md. Limits hold for what a device writes, and for the size of one
 * payload, whichever device reads it. What a document holds limits no merge: devices that merge the same
 * payloads in another order would end with other entries.
 */
#ifndef QR_CRDT_LIMITS_H
#define QR_CRDT_LIMITS_H

#include "base/limit.h"

#define QR_DOCUMENT_VERSION 1
#define QR_PAYLOAD_MAX (4 * 1024 * 1024) /* bytes of one delta */
#define QR_STATE_MAX UINT32_MAX          /* bytes of a state: offsets into it have 32 bits */
#define QR_COUNTER_BITS 40 /* of an id; 23 more are the replica's number, one a slot's side */
#define QR_COUNTER_MAX ((UINT64_C(1) << QR_COUNTER_BITS) - 1)
/* of one document: 75 MB of names; beyond it as without memory */
#define QR_REPLICAS_MAX ((1 << 23) - 1)
#define QR_TURN_MAX INT32_MAX          /* odd: what is dead for the last time is not revived */
#define QR_RUN_MAX (UINT32_C(1) << 30) /* code points of one run on the wire */
#define QR_STROKES_MAX (32 * 1024)     /* kept apart from the items before the oldest are settled */
#define QR_STROKES_BATCH 64            /* that are settled then, so that no key waits for all */
#define QR_STROKE_LENGTH_MAX 1024      /* code points of one that grows */
#define QR_PLACES_MAX 4                /* places in the text that one value names */
#define QR_FIELD_LAST 127              /* a value of a later field cannot be kept unread */
#define QR_UNREAD_MAX 1024             /* bytes of a value that only later versions can read */
#define QR_UNDO_TOLD_MAX 4096 /* erased ranges of a delta, and dots, that steps are searched for */
#define QR_REVIVED_MAX 512    /* code points of one pending record: they fit in any delta */
#define QR_DELTA_MIN 4096     /* a delta's max_size is at least this */

/* What an edit here may leave. With QR_LIMITS_TINY (tests/graphs) random edits meet them all the time. */
#ifdef QR_LIMITS_TINY
#define QR_WRITTEN_TEXT_MAX 64
#define QR_WRITTEN_ELEMENTS_MAX 2
#else
#define QR_WRITTEN_TEXT_MAX QR_LIMIT(TEXT, QUIRE_TEXT_MAX)
#define QR_WRITTEN_ELEMENTS_MAX QR_LIMIT(ELEMENTS, QUIRE_ELEMENTS_MAX)
#endif

#endif
