/*
 * The numbers of protocol/document.md. Merging stays within these; local edits within lower ones,
 * so that what is written here can be merged everywhere.
 */
#ifndef QR_CRDT_LIMITS_H
#define QR_CRDT_LIMITS_H

#define QR_DOCUMENT_VERSION 1
#define QR_PAYLOAD_MAX (4 * 1024 * 1024) /* bytes of one delta */
#define QR_STATE_MAX (64 * 1024 * 1024)  /* and of a state: more than any within these limits has */
#define QR_MERGED_TEXT_MAX (8 * 1024 * 1024) /* bytes of visible text that merging makes */
#define QR_REPLICAS_MAX 4096             /* of one document */
#define QR_COUNTER_MAX ((UINT64_C(1) << 48) - 1)
#define QR_RUN_MAX (UINT32_C(1) << 30)   /* code points of one run on the wire */
#define QR_ITEMS_MAX (512 * 1024)        /* pieces of text that a document keeps apart */
#define QR_ITEMS_LOCAL_MAX (128 * 1024)  /* past this, nothing more is inserted here */
#define QR_STROKES_MAX (32 * 1024)       /* kept apart from the items before the oldest are settled */
#define QR_STROKES_BATCH 64              /* that are settled then, so that no key waits for all */
#define QR_STROKE_LENGTH_MAX 1024        /* code points of one that grows */
#define QR_CHILDREN_MAX QR_REPLICAS_MAX  /* of one character, left or right: one of each replica */
#define QR_DOTS_MAX (16 * 1024)          /* values of registers and elements together */
#define QR_PLACES_MAX 4                  /* places in the text that one value names */
#define QR_FIELD_LAST 127                /* a value of a later field cannot be kept unread */
#define QR_UNREAD_MAX 1024               /* bytes of a value that only later versions can read */
#define QR_UNDO_TOLD_MAX 4096            /* erased ranges of a delta, and dots, that steps are searched for */
#define QR_DELTA_MIN 4096                /* a delta's max_size is at least this */

#endif
