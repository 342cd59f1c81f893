/*
 * BLAKE2b (RFC 7693), always with a context, so that no hash is ever good for two purposes.
 */
#ifndef QR_CRYPTO_HASH_H
#define QR_CRYPTO_HASH_H

#include "base/ids.h"
#include <quire/bytes.h>

/**
 * The context of every hash, signature and derived key; the strings are in context.c and in
 * protocol/crypto.md. A test checks that no string is a prefix of another.
 */
enum qr_context {
    QR_CONTEXT_USER,            /* "quire/user/1"       user_id of a genesis record */
    QR_CONTEXT_DEVICE,          /* "quire/device/1"     device_id of two public keys */
    QR_CONTEXT_ROSTER,          /* "quire/roster/1"     hash of a roster record */
    QR_CONTEXT_ROSTER_SIGN,     /* "quire/rosig/1"      signature of a roster record */
    QR_CONTEXT_CHANGE_HASH,     /* "quire/chhash/1"     hash of one change's bytes */
    QR_CONTEXT_BATCH_CONTENT,   /* "quire/content/1"    ch of a batch */
    QR_CONTEXT_BATCH_SIGNED,    /* "quire/signed/1"     sh, what a batch's signature signs */
    QR_CONTEXT_BATCH,           /* "quire/batch/1"      bh, the chain's head */
    QR_CONTEXT_BATCH_SIGN,      /* "quire/batsig/1"     signature of a batch */
    QR_CONTEXT_CHANGE,          /* "quire/chg/1"        AAD of a change */
    QR_CONTEXT_NONCE,           /* "quire/nonce/1"      hedged nonce */
    QR_CONTEXT_COMMITMENT,      /* "quire/vkc/1"        commitment of an epoch key */
    QR_CONTEXT_ENTRY,           /* "quire/entry/1"      entry key of an epoch key */
    QR_CONTEXT_WRAP,            /* "quire/wrap/1"       previous epoch key under the next */
    QR_CONTEXT_NAME,            /* "quire/name/1"       device name under an epoch key */
    QR_CONTEXT_AUTH_TRANSCRIPT, /* "quire/hello/1"      hash of HELLO and CHALLENGE */
    QR_CONTEXT_AUTH,            /* "quire/auth/1"       signature of a connection */
    QR_CONTEXT_KIT_SIGN,        /* "quire/kitsig/1"     root signing key of the kit's seed */
    QR_CONTEXT_KIT_BOX,         /* "quire/kitbox/1"     recovery box key of the kit's seed */
    QR_CONTEXT_KIT_CHECK,       /* "quire/kitsum/1"     checksum of the kit's characters */
    QR_CONTEXT_DEVICE_SIGN,     /* "quire/devsig/1"     device signing key of its seed */
    QR_CONTEXT_DEVICE_BOX,      /* "quire/devbox/1"     device box key of its seed */
    QR_CONTEXT_PAIR_MAILBOX,    /* "quire/pairbox/1"    mailbox name of a pairing secret */
    QR_CONTEXT_PAIR_REQUEST,    /* "quire/pairreq/1"    key of the new device's request */
    QR_CONTEXT_PAIR_REPLY,      /* "quire/pairrep/1"    key of the old device's reply */
    QR_CONTEXT_LOCAL,           /* "quire/local/1"      records of a profile */
    QR_CONTEXT_ENTROPY,         /* "quire/entropy/1"    random bytes of an event, expanded */
    QR_CONTEXT_WORDS,           /* "quire/words/1"      digest of heads, to compare by eye */
    QR_CONTEXT_DIGEST,          /* "quire/digest/1"     what a document shows */
    QR_CONTEXT_EPOCH,        /* "quire/epoch/1"      a new epoch key, of fresh bytes and the seed */
    QR_CONTEXT_SEAL,         /* "quire/seal/1"       ephemeral key of a seal */
    QR_CONTEXT_KIT_SALT,     /* "quire/kitsalt/1"    genesis record's salt of the kit's seed */
    QR_CONTEXT_OBJECT,       /* "quire/object/1"     an object: its key and associated data */
    QR_CONTEXT_OBJECT_NONCE, /* "quire/objnonce/1"   nonce of an object */
    QR_CONTEXT_OBJECT_ADDRESS, /* "quire/address/1"    what names an object */
    QR_CONTEXT_GRANT,          /* "quire/grant/1"      grant of a consent: hash and signature */
    QR_CONTEXT_COPY,           /* "quire/copy/1"       id of a copy, and its signature */
    QR_CONTEXT_COPY_PLACE,     /* "quire/coplace/1"    what the encryption of a copy is bound to */
    QR_CONTEXT_COPY_KEY,       /* "quire/copykey/1"    commitment to the key of a copy */
    QR_CONTEXT_COPY_TEXT,      /* "quire/cotext/1"     AAD of a copy */
    QR_CONTEXT_WITHDRAWAL, /* "quire/withdraw/1"   withdrawal of a consent: hash and signature */
    QR_CONTEXT_LANE_BOX,   /* "quire/lanebox/1"    secret of a lane key, of fresh bytes */
    QR_CONTEXT_LANE_KEY,   /* "quire/lanekey/1"    id of a lane key, and its signature */
    QR_CONTEXT_RESULT,     /* "quire/result/1"     result of a worker: hash and signature */
    QR_CONTEXT_BUNDLE,     /* "quire/bundle/1"     id of a bundle */
    QR_CONTEXT_ANALYSER,   /* "quire/analyser/1"   id of an analyser, by its bundles */
    QR_CONTEXT_BUILD,      /* "quire/build/1"      a program's file */
    QR_CONTEXT_COUNT
};

/** The context's string, never NULL. */
const char *qr_context_text(enum qr_context context);

/**
 * BLAKE2b-256 of the context's string, a zero byte, then the parts one after another. Nothing marks
 * where a part ends: at most one of them may vary in size, or they say their sizes themselves.
 */
void qr_hash(uint8_t out_hash[QR_HASH_SIZE], enum qr_context context,
    const struct quire_bytes *parts, size_t part_count);

/** The same, keyed with 32 bytes; size 16 … 64 bytes of output (each size is another hash). */
void qr_keyed_hash(uint8_t *out, size_t size, const uint8_t key[QR_KEY_SIZE],
    enum qr_context context, const struct quire_bytes *parts, size_t part_count);

/** qr_hash in pieces, for what does not lie in one place. Not for secrets: nothing is wiped. */
struct qr_hasher {
    _Alignas(64) uint8_t opaque[384];
};
void qr_hasher_init(struct qr_hasher *hasher, enum qr_context context);
void qr_hasher_add(struct qr_hasher *hasher, const void *data, size_t size);
void qr_hasher_finish(struct qr_hasher *hasher, uint8_t out_hash[QR_HASH_SIZE]);

#endif
