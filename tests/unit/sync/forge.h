/*
 * Batches, roster records and signatures made by hand, right in everything but where a test says
 * otherwise: what an attacker with real keys can send. No test framework in here, so
 * that the fuzz targets may use it.
 */
#ifndef QR_TESTS_SYNC_FORGE_H
#define QR_TESTS_SYNC_FORGE_H

#include "codec/roster.h"
#include "crypto/vault.h"
#include "sync/roster.h"

/** Keys, the roster they stand on, and the chain that is written. */
struct forger {
    const struct qr_vault *vault;   /* borrowed */
    const struct qr_roster *roster; /* borrowed */
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq; /* of the head; 0: nothing written yet */
    uint8_t head[QR_HASH_SIZE];
    uint64_t random;
};

/** What a batch says, and what its hash and its ciphertext are made for. */
struct plan {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t roster_seq, epoch;
    uint64_t caught_up_at;
    uint8_t prev[QR_HASH_SIZE];
    struct qr_dep deps[QR_DEPS_MAX]; /* in any order; sorted before they are written */
    size_t dep_count;
    uint8_t user[QR_USER_SIZE];
    uint8_t entry[QR_ENTRY_SIZE];
    const char *text;         /* NULL: a HEADS batch, unless there is a delta */
    struct quire_bytes delta; /* instead of one that types text */
    uint8_t version;          /* 0: the lowest that holds it */
    uint8_t kind;             /* 0: OPS or HEADS; else `clear` is its content, in clear text */
    struct quire_bytes clear;
    size_t padding; /* random bytes after the text's ciphertext: it does not open then */
    bool moved;     /* the text is sealed for `place` instead of where it stands */
    struct qr_change_place place;
};

struct forger forger_of(
    const struct qr_vault *vault, const struct qr_roster *roster, uint8_t replica_name);
/** 32 bytes that no two calls share. */
void forge_random(struct forger *forger, uint8_t out[QR_ENTROPY_SIZE]);
/** The next batch of the forger's chain, right in everything. */
struct plan forge_plan(const struct forger *forger, const uint8_t *entry, const char *text);
/** Appends the batch, signed by the forger's device. out_hash may be NULL. */
void forge_batch(struct forger *forger, const struct plan *plan, struct quire_buffer *out_batch,
    uint8_t *out_hash);
/** The same, of the forger's own plan, and the chain goes on from it. */
void forge_next(
    struct forger *forger, const uint8_t *entry, const char *text, struct quire_buffer *out_batch);
/** Hashes and signs a batch's bytes again, after they were changed. */
void forge_sign(const struct forger *forger, const uint8_t *user, struct quire_buffer *batch);

/** Appends a record after the roster's last, signed by the forger's device; seq, prev and signer
 * are filled in unless prev is set already. */
void forge_record(
    const struct forger *forger, struct qr_record *record, struct quire_buffer *out_record);
/** AUTH's signature over what was said. */
void forge_auth(const struct forger *forger, const char *host, struct quire_bytes hello,
    struct quire_bytes challenge, uint8_t out_signature[QR_SIGNATURE_SIZE]);

#endif
