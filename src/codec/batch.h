/*
 * A batch: what one replica did, sealed and signed. Fixed layout, big-endian (protocol/batch.md):
 *
 *   u8 version | replica 8 | u64 seq ≥ 1 | device 16 | u32 roster_seq | u32 epoch ≥ 1
 *   u64 caught_up_at | u8 n | n × (replica 8 | u64 seq ≥ 1 | hash 32) | u8 m
 *   prev 32
 *   m × (u8 kind | entry 16 | u8 b | b × address 32 | nonce 24 | u32 size | ciphertext)
 *   signature 64
 *
 * "head" is everything before prev. Dependencies ascend by replica, without repeats, and never
 * name the batch's own replica. prev is zeros for seq 1 and for no other. m ≥ 1; b is 0 (blobs are
 * reserved). device is never zeros: the root writes no batch. HEADS, MANIFEST and VERDICT stand
 * alone in their batch. Sign, store and forward the same bytes.
 *
 * A batch has the lowest version that has its kinds of changes, so that a device of an earlier
 * version reads all that it can. A greater version has the same layout, with changes of any kind: a
 * program that does not know it can do everything with it but open its changes.
 */
#ifndef QR_CODEC_BATCH_H
#define QR_CODEC_BATCH_H

#include "base/ids.h"
#include "codec/dep.h"
#include "codec/limits.h"
#include <quire/bytes.h>

#define QR_BATCH_VERSION 2 /* the greatest that this program reads */

enum qr_change_kind {
    QR_CHANGE_OPS = 1,      /* a document's delta */
    QR_CHANGE_CKPT = 2,     /* reserved: a document's state, as a blob */
    QR_CHANGE_TOMB = 3,     /* version 2, reserved: an entry's erasure */
    QR_CHANGE_MANIFEST = 4, /* version 2: every entry's state at one cut, in clear text */
    QR_CHANGE_COPY = 5,     /* reserved */
    QR_CHANGE_HEADS = 6,    /* nothing but dependencies: empty entry id, nonce and ciphertext */
    QR_CHANGE_VERDICT = 7,  /* version 2: what a device says of a manifest, in clear text */
    QR_CHANGE_KEY = 8,      /* version 2, reserved: an entry's secret */
};

/** One change; the pointers borrow from the batch's bytes. */
struct qr_change {
    uint8_t kind;
    uint8_t blob_count;
    const uint8_t *entry;          /* QR_ENTRY_SIZE */
    const uint8_t *blobs;          /* blob_count × QR_HASH_SIZE */
    const uint8_t *nonce;          /* 24 bytes */
    struct quire_bytes ciphertext; /* empty for HEADS only */
    struct quire_bytes bytes;      /* the whole change, as hashed */
};

/** A parsed batch; the pointers borrow from the bytes it was read from. About 7 KB. */
struct qr_batch {
    uint8_t version; /* to be written: 0 is the lowest that has its changes */
    bool reserved;   /* has a kind or blobs that are reserved */
    const uint8_t *replica;
    uint64_t seq;
    const uint8_t *device;
    uint32_t roster_seq;
    uint32_t epoch;
    uint64_t caught_up_at; /* ms since 1970 of the author's clock; 0 never */
    const uint8_t *prev;
    size_t dep_count;
    size_t change_count;
    const uint8_t *signature;
    struct quire_bytes head;  /* what is before prev */
    struct quire_bytes bytes; /* all of it */
    struct qr_dep deps[QR_DEPS_MAX];
    struct qr_change changes[QR_CHANGES_MAX];
};

/** Reads and checks the form of a batch. EMALFORMED (also an unknown kind, trailing bytes), ELIMIT,
 * EUNSUPPORTED (version, reserved kind, blobs: a newer Quire wrote it). No allocation. Of deps and
 * changes only the first dep_count and change_count are written. */
QUIRE_CHECKED enum quire_status qr_batch_read(struct quire_bytes bytes, struct qr_batch *out_batch);

/** The same, also of a batch that a newer Quire wrote (greater version, or `reserved`), to be checked,
 * kept and passed on. Its changes are not for us. EMALFORMED, ELIMIT. */
QUIRE_CHECKED enum quire_status qr_batch_read_any(
    struct quire_bytes bytes, struct qr_batch *out_batch);

/** Appends head, prev and changes of a batch, everything but the signature, from the same struct
 * (reserved, bytes, head, change.bytes and signature are not read). ELIMIT, EINVALID (reading would
 * refuse it), ENOMEM. */
QUIRE_CHECKED enum quire_status qr_batch_write(
    const struct qr_batch *batch, struct quire_buffer *out_bytes);

/** Only replica and seq, of bytes that passed qr_batch_read_any once. */
uint64_t qr_batch_seq(struct quire_bytes bytes, const uint8_t **out_replica);

#endif
