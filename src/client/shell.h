/*
 * Inside of struct quire_client: a device, its records, and perhaps a connection.
 */
#ifndef QR_CLIENT_SHELL_H
#define QR_CLIENT_SHELL_H

#include "client/profile.h"
#include "client/records.h"
#include "client/sealed.h"
#include "client/connection.h"
#include <quire/client.h>
#include <stdatomic.h>

/** A notice on its way to the callback: kept until the step that raised it is carried out. */
struct qr_client_notice {
    enum quire_notice_kind kind;
    uint32_t code;
    uint8_t entry[QUIRE_ENTRY_SIZE];
    uint8_t device[QUIRE_DEVICE_SIZE];
    char text[64];
};

/** What the present blocking call waits for, as the notices told it. */
struct qr_client_run {
    bool ready, joined, paired, pair_failed, revoke_failed, refused;
    uint32_t
        failure; /* of pair_failed or revoke_failed: enum quire_status; of refused: error code */
    char host_seen[256]; /* of refused by `auth`: the Host header that the server saw; "" none */
    uint32_t retry_ms;   /* of the last CLOSE */
    bool closed_here;    /* the device asked for it */
    bool down;
    enum qr_client_down down_reason;
    char why[512];
    uint64_t moved_ms;                 /* when a message came last */
    uint64_t excused_ms;               /* spent by a person on a question */
    uint8_t device[QUIRE_DEVICE_SIZE]; /* paired */
    uint32_t unindexed;                /* entries that still wait for INDEX */
};

/** An entry's document while the profile is detached: a copy whose edits go into the inbox. */
struct qr_client_copy {
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document;
    struct qr_client_copy *next;
};

/** Invariant: device and records are there together or not at all, and with them the profile's lock,
 * unless `reading`. */
struct quire_client {
    struct quire_client_callbacks callbacks;
    char *profile_option, *key_option;         /* or NULL */
    char server_option[QR_CLIENT_URL_MAX + 1]; /* "" none */
    char fingerprint_option[QR_CLIENT_FINGERPRINT_HEX + 1];
    uint32_t lock_wait_ms, deadline_ms;
    bool insecure, ask_passphrase;
    struct qr_client_held *held; /* the profile's key, once it was found (lock.h); NULL: not yet */

    struct qr_client_profile profile; /* its config is meaningful while device is not NULL */
    struct qr_client_records *records;
    struct quire_device *device;
    bool reading;  /* opened without the lock: what is written stays in memory */
    bool detached; /* reading, and what is saved goes into the inbox */
    struct qr_client_copy *copies;
    uint8_t detached_replica[QUIRE_REPLICA_SIZE]; /* of the edits in copies */
    int64_t edit_wall_ms; /* of the edits since the last save; 0: none yet */
    uint64_t edit_ms;     /* the same, monotonic */

    struct qr_client_connection *connection; /* only during a blocking call */
    struct qr_client_run run;
    enum quire_status failed; /* of a step inside a callback of the connection */
    bool unreachable;         /* the last failure was the server's absence */
    bool batch;               /* between begin and commit: what is saved is not durable yet */
    bool delivering;          /* a notice is being delivered */
    struct qr_client_notice *notices;
    size_t notice_count, notice_capacity;
    atomic_bool stop;
    uint8_t import_key[32]; /* follows from the profile's key; of the ids of imported entries */
    struct qr_client_error error;
};

/** Monotonic and wall clock, milliseconds. */
uint64_t qr_client_now_ms(void);
int64_t qr_client_wall_ms(void);

/** Where encrypted files of the profile go; borrows client and key_file. ESTATE: none was opened yet. */
QUIRE_CHECKED enum quire_status qr_client_find_sealed(struct quire_client *client,
    struct qr_client_path *key_file, struct qr_client_sealed *out_sealed);

/** ESTATE with its sentence unless a profile is open. Also forgets the last failure. */
QUIRE_CHECKED enum quire_status qr_client_needs_profile(struct quire_client *client);

/** ESTATE with its sentence when the profile is open without the lock. */
QUIRE_CHECKED enum quire_status qr_client_needs_lock(struct quire_client *client);

/** The clock for edits: the same from the first edit to the save, for up to two seconds. */
int64_t qr_client_edit_wall_ms(struct quire_client *client);

/** Has an entry edits that are in no version yet? (entries.c) */
struct qr_client_unsealed {
    const uint8_t *entry;
    bool found;
};
QUIRE_CHECKED enum quire_status qr_client_find_unsealed(
    struct quire_client *client, struct qr_client_unsealed *unsealed);

/** Frees the copies. (entries.c) */
void qr_client_copies_finish(struct quire_client *client);

/** Feeds one event (kind and operands; the clocks and the entropy are filled in here) and carries
 * out what follows, PERSISTED included. ENOMEM, EIO, EFULL, ECORRUPT close the profile, though not
 * the connection. ESTATE: not now. */
QUIRE_CHECKED enum quire_status qr_client_feed(
    struct quire_client *client, struct quire_event event);

/** Carries out the actions of a step or of quire_device_init, and what follows. As feed. */
QUIRE_CHECKED enum quire_status qr_client_carry_out(
    struct quire_client *client, const struct quire_actions *actions);

/** Closes the profile when `status` says that memory and disk may differ. Gives it back. */
enum quire_status qr_client_settle(
    struct quire_client *client, enum quire_status status, const char *what);

/** Opens device and records of the profile whose lock is held. */
QUIRE_CHECKED enum quire_status qr_client_load(struct quire_client *client);

/** Options for the device, with key and entropy in them: wipe it. replica_record borrows `record`. */
QUIRE_CHECKED enum quire_status qr_client_device_options(struct quire_client *client, bool make_key,
    struct quire_buffer *record, struct quire_device_options *out_options);

/** Makes a document's text another by few edits. When they break off halfway the profile is closed, with
 * every unsaved edit. (entries.c) */
QUIRE_CHECKED enum quire_status qr_client_change_text(struct quire_client *client,
    struct quire_document *document, const struct quire_stamp *stamp, struct quire_bytes text);

/** Indexes entries that came in large numbers, for about time_ms at most. As feed. (search.c) */
QUIRE_CHECKED enum quire_status qr_client_index(struct quire_client *client, uint32_t time_ms);

/** The key of quire_client_import_id, from the profile's key. (batch.c) */
void qr_client_import_key(const uint8_t profile_key[QUIRE_PROFILE_KEY_SIZE], uint8_t out_key[32]);

/* The blocking calls' engine (run.c). */
enum qr_client_goal {
    QR_CLIENT_GOAL_SYNC,
    QR_CLIENT_GOAL_JOIN,
    QR_CLIENT_GOAL_PAIR,
    QR_CLIENT_GOAL_REVOKE,
    QR_CLIENT_GOAL_FOLLOW,
};
QUIRE_CHECKED enum quire_status qr_client_run(struct quire_client *client, enum qr_client_goal goal,
    const uint8_t device[QUIRE_DEVICE_SIZE], uint32_t timeout_ms);

#endif
