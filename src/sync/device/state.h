/*
 * What the device's files share.
 *
 *   device.c            life, step, time, state
 *   device_account.c    init, join, recover: how a device comes to be
 *   device_out.c        the actions of a step, and its one transaction
 *   device_records.c    what is kept: keys and layouts of the profile's records
 *   device_chains.c     replica chains and their frontier
 *   device_entries.c    documents: loaded, changed, let go
 *   device_history.c    an entry's versions, from the batches that are kept
 *   device_search.c     the words of entries, and finding by them
 *   device_seal.c       pending edits become signed batches
 *   device_heads.c      once a day, who only reads says what it has
 *   device_connect.c    HELLO … SUB … CAUGHT_UP, and who gets which frame
 *   device_receive.c    DELTA: what is accepted, and applied
 *   device_merge.c      what a batch says: opened and merged, or kept unread for a later version
 *   device_upload.c     WANT, PUSH, ACK, refusals
 *   device_roster.c     roster records, epoch keys, enrolling and revoking
 *   device_follow.c     a roster that contradicts ours: over to it, and what it forgot made again
 *   device_carry.c      batches that a roster no longer admits: dropped, their content carried along
 *   device_pair.c       both sides of pairing
 *   device_text.c       sentences
 */
#ifndef QR_SYNC_DEVICE_INTERNAL_H
#define QR_SYNC_DEVICE_INTERNAL_H

#include "base/failpoint.h"
#include "base/reader.h"
#include "base/writer.h"
#include "codec/frame.h"
#include "crypto/pair.h"
#include "crypto/sign.h"
#include "sync/roster.h"
#include "sync/table.h"
#include "sync/transcript.h"
#include <quire/device.h>
#include <utlist.h>

#define DEVICE_CACHE_MAX 64             /* documents kept open between steps */
#define DEVICE_SEAL_SIZE 2048           /* bytes of pending edits that are sealed at once */
#define DEVICE_SEAL_IDLE_MS 1000        /* somebody watches: when nothing was typed for so long … */
#define DEVICE_SEAL_LATEST_MS 10000     /* … or this long after the first pending edit */
#define DEVICE_SEAL_ALONE_MS 30000      /* no other device is connected, or we are not */
#define DEVICE_DELTA_MAX (24 * 1024)    /* plaintext of one change */
#define DEVICE_INFLIGHT_COUNT 512
#define DEVICE_PUSH_MAX (32 * 1024)     /* bytes of batches in one PUSH: half a minute at 1 KB/s */
#define DEVICE_PUSH_COUNT 64
#define DEVICE_CREDIT_STEPS 4           /* a quarter of it is taken in before credit is given back */
#define DEVICE_ANSWER_MS 20000          /* for a step of the handshake or of pairing */
#define DEVICE_PAIR_AGAIN_MS (2 * 60 * 1000) /* a reply that was lost is given again */
#define DEVICE_UNANSWERED_MS 60000      /* pushed, and no ACK or ERROR of anything since */
#define DEVICE_RESUB_FIRST_MS 1000
#define DEVICE_RESUB_LAST_MS 60000
#define DEVICE_STATE_SMALL (16 * 1024)  /* bytes of a state that is written again for any change */
#define DEVICE_WORDS_AT_ONCE (32 * 1024) /* bytes of text whose words are gathered at each save */
#define DEVICE_WORDS_ENTRIES 4          /* entries of one DELTA whose words are gathered at once */
#define DEVICE_INDEX_COUNT 1024         /* entries of one INDEX … */
#define DEVICE_INDEX_SIZE (4 * 1024 * 1024) /* … and bytes of text */
#define DEVICE_UNREAD_AT_ONCE 256       /* unread batches that are tried again in one step */
#define DEVICE_WITHHELD_MS (10 * 60 * 1000)
#define DEVICE_MARKS_MAX 32              /* of when our batches were acknowledged, or seen by whom */
#define DEVICE_ACK_SPAN_MS (60 * 1000)  /* acknowledgements that share a mark, at first */
#define DEVICE_CLOCK_MS (2 * 60 * 1000)
#define DEVICE_HEADS_MS (24 * 60 * 60 * 1000) /* who only reads says once in so long what it has */
#define DEVICE_HEADS_AGAIN_MS 60000     /* a clock that stands still is looked at no sooner */
#define DEVICE_PAIR_TRIES 5
#define DEVICE_SHUT_OUT_MAX 64
#define DEVICE_REDO_MAX 1024            /* one for each record that a roster may have */
#define DEVICE_REDO_RETRY_MS 60000
#define DEVICE_LOOK_FIRST_MS 1000       /* after a contradiction the server's roster is read … */
#define DEVICE_LOOK_LAST_MS 300000      /* … later each time, if there is no end to them */
#define DEVICE_RETRY_MAX_MS (60 * 60 * 1000) /* no server sends a device away for longer */

/** Something that rises along a chain: up to `seq` it is at most `last`, and was `first` when the mark
 * began. */
struct device_mark {
    uint64_t seq, first, last;
};

/** Ascending. */
struct device_marks {
    struct device_mark items[DEVICE_MARKS_MAX];
    size_t count;
};

/** One replica chain. Invariant: 0 ≤ durable ≤ head; batches 1 … head are in the records. */
struct device_chain {
    uint8_t replica[QR_REPLICA_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    uint64_t head;
    uint8_t hash[QR_HASH_SIZE]; /* of the head */
    uint32_t roster_seq;        /* of the head */
    uint64_t caught_up_at;      /* greatest in it */
    uint64_t acked;             /* the server had it: it acknowledged, named or gave it */
    uint64_t acked_wall_ms;     /* when it said so of that one */
    uint64_t sees_own;          /* others': greatest seq of our present chain in its past, or more */
    bool covered;               /* another batch that is here depends on the head */
    bool own;                   /* written by this device */
    bool worded;                /* the words of the state were last made with worded_hash … */
    uint8_t worded_hash[QR_HASH_SIZE]; /* … as its head */

    /* of this run or connection; not kept */
    struct device_marks *sights; /* owned; how sees_own rose; NULL: not known */
    uint64_t durable; /* up to here the records are on disk */
    uint64_t pending; /* up to here once `pending_token` is durable; 0 none */
    uint64_t pending_token;
    uint64_t sent;    /* the server has it, or it is on its way there */
    uint64_t blocked_until_ms; /* refused: not sent before */
    uint32_t refusal; /* why; 0 not refused */
    uint64_t refused_seq;
    uint64_t broken; /* the batch that cannot be read back, and that the server lacks; 0 none */
    uint8_t before_broken[QR_HASH_SIZE]; /* the hash of the batch before it */
    bool knows_before;                   /* it can be told */

    /* while a DELTA is looked at: where the chain would stand */
    uint64_t next_head;
    uint8_t next_hash[QR_HASH_SIZE];
    uint32_t next_roster_seq;
    size_t last_item; /* 1 + its index in the frame's items; 0 none */

    /* while a roster decides what stays: up to here it does, up to there its content is drafted */
    uint64_t kept, drafted;
};

/** What a server forgot of the roster and this device knows: to be made again. */
struct device_redo {
    uint8_t device[QR_DEVICE_SIZE];
    bool revoke; /* else it is enrolled again, with these */
    uint8_t sign_public[QR_KEY_SIZE], box_public[QR_KEY_SIZE];
    uint8_t name[QUIRE_NAME_MAX];
    uint8_t name_size;
    uint8_t failures;
};

/** A change that was in a dropped batch and is to be sealed anew: in the records, under `number`. */
struct device_carried {
    uint64_t number;
    uint8_t hash[QR_HASH_SIZE]; /* of entry and plaintext */
};


/** A batch that is here and that a later version of Quire wrote, or that stands on such a one. */
struct device_unread {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
};

/** A document in memory. */
struct device_entry {
    UT_hash_handle hh;
    struct device_entry *next, *prev; /* least recently used first */
    uint8_t entry[QR_ENTRY_SIZE];
    struct quire_document *document;
    uint32_t tail_count; /* deltas kept beside the state */
    size_t tail_size;
    size_t state_size;
    bool touched; /* by a merge in this step: summary and notice are due */
    bool fresh;   /* nothing of it is kept yet */
    bool state_due; /* what was merged is in no record yet: its state is to be kept in this step */
};

/** An entry with edits that are not sealed. */
struct device_pending {
    uint8_t entry[QR_ENTRY_SIZE];
    size_t size;
};

/** In the order in which they were sent. */
struct device_inflight {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    size_t size;
};

enum device_link {
    LINK_NONE,
    LINK_PAIRING,    /* request sent, no user yet */
    LINK_HELLO,      /* HELLO sent */
    LINK_AUTH,       /* AUTH sent */
    LINK_ROSTER,     /* welcome; records are still to come */
    LINK_READY,      /* subscribed */
};

enum device_role {
    ROLE_MEMBER,  /* enrolled */
    ROLE_JOINING, /* by code */
    ROLE_RECOVERING, /* by kit */
};

struct device_out {
    struct quire_action *items;
    size_t count, capacity;
    struct quire_write *writes;
    size_t write_count, write_capacity;
    struct quire_buffer bytes;
    bool failed;
};

/** The words of the state. They are asked for after each step and seldom change. */
struct device_worded {
    char words[QUIRE_WORDS_SIZE]; /* empty: not made yet */
    uint8_t roster_head[QR_HASH_SIZE];
    size_t chain_count; /* of those that they were made with; each is marked `worded` */
};

struct quire_device {
    struct quire_reader reader;
    uint8_t profile_key[QR_KEY_SIZE];
    uint8_t local_key[QR_KEY_SIZE]; /* made of it; seals the records */
    struct qr_vault *vault;
    struct qr_roster roster;
    enum device_role role;
    bool revoked;

    /* this step */
    uint64_t now_ms;
    int64_t wall_ms;
    uint8_t entropy[QR_ENTROPY_SIZE];
    uint64_t entropy_count;
    struct device_out out;
    enum quire_status failure; /* the step's; QUIRE_OK while all goes well */

    /* chains */
    struct device_chain *chains;
    size_t chain_count, chain_capacity;
    uint8_t replica[QR_REPLICA_SIZE]; /* of this process, and its session for op ids */
    struct device_marks acks; /* of it: our wall clock when it was acknowledged */
    uint64_t token;                 /* of the last PERSIST */
    uint64_t durable_token;
    uint8_t replica_stamp[QR_HASH_SIZE]; /* random, new whenever this replica saved or sealed */
    bool replica_moved;                  /* in this step: a new stamp is due */

    struct quire_buffer sealed; /* of the record that is read just now */

    /* later versions */
    uint8_t format;              /* of the batches that this program writes, the greatest that it reads */
    struct device_unread *unread; /* in the records, too */
    size_t unread_count, unread_capacity;
    size_t unread_next;                 /* of them: the next to be tried */
    bool unread_progress, unread_later; /* since the first of them was tried */

    /* entries */
    struct device_entry *entries;
    struct device_entry *recent;
    size_t entry_count;
    struct device_pending *pending;
    size_t pending_count, pending_capacity;
    uint64_t pending_first_ms, pending_last_ms; /* of the oldest, newest pending edit */
    bool flush;

    /* connection */
    enum device_link link;
    struct quire_buffer host, hello;
    uint8_t hello_nonce[QR_FRAME_NONCE_SIZE];
    uint32_t expected_roster; /* records the server has, as WELCOME said */
    uint64_t heard_ms, said_ms, deadline_ms; /* deadline 0: none */
    bool pinged;
    bool caught_up, got_want;
    uint64_t resub_at_ms, resub_delay_ms; /* at 0: none wanted */
    uint8_t shut_out[DEVICE_SHUT_OUT_MAX][QR_REPLICA_SIZE]; /* chains that the server has more of than
                                                              a revocation lets us take */
    size_t shut_out_count;
    bool looking;          /* the next connection reads the server's whole roster, to compare */
    bool offer_refused;    /* ours revokes a device of which the server has later batches */
    bool must_conform;     /* a new record shuts out what is here */
    uint32_t offer_end;    /* records that AUTH may bring; meant only when offer_refused */
    struct qr_roster line; /* the server's roster while looking, as far as it came */
    uint8_t line_head[QR_HASH_SIZE]; /* what WELCOME says of it */
    uint64_t look_delay_ms;
    uint32_t refused_ms; /* the next wait after the server did not want us */
    struct device_redo *redos; /* DEVICE_REDO_MAX at most */
    size_t redo_count;
    uint64_t redo_at_ms; /* not before */
    struct device_carried *carried; /* by number; nothing is sealed before them */
    size_t carried_count;
    size_t credit;   /* bytes of DELTA that a server may have sent; fewer only in tests */
    size_t consumed; /* of them, not yet given back */
    size_t inflight_count, inflight_size;
    uint64_t answered_ms; /* when something was last pushed, acknowledged or refused */
    bool upload_owed; /* something of ours was on its way: UPLOADED is due when it is there */
    uint32_t presence;
    int64_t caught_up_wall_ms;
    int64_t hello_wall_ms; /* when it said HELLO, on its wall clock */
    int64_t news_wall_ms; /* since when others' edits are here that no batch of ours names; 0: none */
    uint64_t alarms[QUIRE_ALARM_COUNT];

    /* enrolling, pairing, revoking */
    struct quire_buffer name; /* of a device that joins */
    struct qr_pair *pair;
    struct qr_kit *kit; /* recovering */
    struct quire_buffer pair_request; /* content of it, old device's side */
    uint8_t pair_user[QR_USER_SIZE];
    uint32_t pair_roster_count; /* the roster must hold this head, from the reply */
    uint8_t pair_roster_head[QR_HASH_SIZE];
    bool pair_open;
    uint64_t pair_until_ms; /* it has answered, and answers the same device again until then; or 0 */
    uint8_t pair_device[QR_DEVICE_SIZE]; /* whom it answers */
    bool rejoining; /* a member that the server does not know asks to be enrolled again */
    enum {
        APPEND_NONE,
        APPEND_PAIR,
        APPEND_REVOKE,
        APPEND_RECOVER,
        APPEND_REVOKE_AGAIN, /* the first redo */
        APPEND_ADD_AGAIN,
    } append;
    bool append_sent;
    unsigned append_tries;
    uint8_t append_device[QR_DEVICE_SIZE];
    uint32_t append_epoch; /* key made for it; forgotten if the append fails */
    struct qr_roster append_roster; /* ours with the records sent */
    uint64_t append_at_ms;          /* not before */
    struct quire_buffer pair_heads; /* what the old device had: the server must have it too */

    struct device_worded *worded;

    /* Last: large, meant only as far as counts say, and without secrets; so neither initialised nor wiped. */
    struct device_inflight inflight[DEVICE_INFLIGHT_COUNT];
    struct qr_frame_space space;
};

/* ---- device_out.c ---------------------------------------------------------------------------- */
void device_out_clear(struct device_out *out);
void device_out_finish(struct device_out *out);
/** Puts the step's transaction first, then the other actions. */
QUIRE_CHECKED enum quire_status device_out_end(struct quire_device *device,
    struct quire_actions *out_actions);
void device_put(struct quire_device *device, struct quire_bytes key, struct quire_bytes value);
/** The value is what device->out.bytes has from `offset` on. */
void device_put_made(struct quire_device *device, struct quire_bytes key, size_t offset);
void device_erase(struct quire_device *device, struct quire_bytes key);
void device_send(struct quire_device *device, const struct qr_frame *frame);
/** Closes the connection and forgets what belongs to it. */
void device_close(struct quire_device *device, uint32_t retry_ms);
/** A new stamp for the replica, in the profile and in the record outside of it. */
void device_emit_replica(struct quire_device *device);
void device_notice(struct quire_device *device, enum quire_notice_kind notice, uint32_t code);
void device_notice_entry(struct quire_device *device, const uint8_t *entry);
void device_notice_device(struct quire_device *device, enum quire_notice_kind notice,
    const uint8_t *who);
void device_notice_text(struct quire_device *device, enum quire_notice_kind notice, const char *text);
void device_alarm(struct quire_device *device, enum quire_alarm_kind alarm);
/** 32 fresh bytes of the step's entropy. */
void device_random(struct quire_device *device, uint8_t out[QR_ENTROPY_SIZE]);
/** Notes that the step has failed; the first failure stays. True if status is OK. */
bool device_ok(struct quire_device *device, enum quire_status status);

/* ---- device_records.c ------------------------------------------------------------------------ */
struct device_key {
    uint8_t bytes[64];
    size_t size;
};
struct device_key device_key(char kind, const uint8_t *id, size_t id_size);
struct device_key device_key_number(char kind, const uint8_t *id, size_t id_size, uint64_t number,
    size_t number_size);
struct quire_bytes device_key_bytes(const struct device_key *key);
/** Sealed under the profile's key. */
void device_put_sealed(struct quire_device *device, const struct device_key *key,
    struct quire_bytes value);
QUIRE_CHECKED enum quire_status device_get_sealed(struct quire_device *device,
    const struct device_key *key, struct quire_buffer *out_value);
/** Opens a sealed value that a scan gave. */
QUIRE_CHECKED enum quire_status device_open_sealed(const struct quire_device *device,
    struct quire_bytes key, struct quire_bytes value, struct quire_buffer *out_value);
void device_put_vault(struct quire_device *device);
void device_put_record(struct quire_device *device, uint32_t seq);
void device_put_state(struct quire_device *device);
void device_put_chain(struct quire_device *device, const struct device_chain *chain);
void device_put_batch(struct quire_device *device, const uint8_t *replica, uint64_t seq,
    const uint8_t *hash, struct quire_bytes bytes);
/** Keeps the other side of a fork. */
void device_put_evidence(struct quire_device *device, struct quire_bytes bytes);
/** A kept batch: its hash, and its bytes after it. out_value holds QR_HASH_SIZE + batch. */
QUIRE_CHECKED enum quire_status device_get_batch(const struct quire_device *device,
    const uint8_t *replica, uint64_t seq, struct quire_buffer *out_value);
/** Everything that `open` needs. ENOTFOUND: no profile. */
QUIRE_CHECKED enum quire_status device_load(struct quire_device *device,
    struct quire_bytes replica_record);
/** Every record that a device of a new account, or one that has just joined, begins with. */
void device_put_all(struct quire_device *device);
/** When our batches were acknowledged, for whoever goes on with this chain. */
void device_put_acks(struct quire_device *device);

/* ---- device_chains.c ------------------------------------------------------------------------- */
struct device_chain *device_chain_find(const struct quire_device *device, const uint8_t *replica);
/** Finds or makes. NULL: out of memory or too many (device->failure says ENOMEM, or is OK). */
struct device_chain *device_chain_get(struct quire_device *device, const uint8_t *replica,
    const uint8_t *author);
/** The hash of a batch that is here. ENOTFOUND. */
QUIRE_CHECKED enum quire_status device_chain_hash(struct quire_device *device,
    const struct device_chain *chain, uint64_t seq, uint8_t out_hash[QR_HASH_SIZE]);
/** Is this the batch that was here and cannot be read back? Then it is kept again. */
bool device_chain_mend(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash);
/** A batch was added to a chain: its head moves, what it depends on is covered. */
void device_chain_advance(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash);
/** What a PERSIST will make durable, and what a PERSISTED has made so. */
void device_chains_persisting(struct quire_device *device, uint64_t token);
void device_chains_persisted(struct quire_device *device, uint64_t token);

/* ---- device_entries.c ------------------------------------------------------------------------ */
QUIRE_CHECKED enum quire_status device_entry_get(struct quire_device *device, const uint8_t *entry,
    bool create, struct device_entry **out_entry);
/** Merges a delta that came or was sealed here and keeps it beside the state, or has the state kept
 * by device_entry_settle, which must follow in the same step. */
QUIRE_CHECKED enum quire_status device_entry_keep(struct quire_device *device,
    struct device_entry *entry, struct quire_bytes delta);
/** Keeps its state, if that is due: once, after all that merged into it. */
void device_entry_settle(struct quire_device *device, struct device_entry *entry);
/** What a list shows; and its words if `words` and the text is short, else they are to be gathered. */
void device_entry_put_summary(struct quire_device *device, struct device_entry *entry, bool words);
/** Reads a summary that was kept. The borrowed parts point into `plain` and `entry`. */
QUIRE_CHECKED enum quire_status device_summary_read(const struct quire_device *device,
    const uint8_t *entry, struct quire_bytes plain, struct quire_summary *out_summary);
/** Lets go of an entry that was got to read it alone, with no step to follow. */
void device_entry_let_go(struct quire_device *device, struct device_entry *entry);
/** Summaries and notices of what was merged in this step. */
void device_entries_settle(struct quire_device *device);
void device_entries_trim(struct quire_device *device);
void device_entries_finish(struct quire_device *device);
/** SAVE. */
void device_save(struct quire_device *device, const uint8_t *entry);
struct device_pending *device_pending_find(const struct quire_device *device, const uint8_t *entry);
void device_pending_set(struct quire_device *device, const uint8_t *entry, size_t size);

/* ---- device_search.c ------------------------------------------------------------------------- */
/** Gathers and keeps the words of an entry. */
void device_put_words(struct quire_device *device, const struct device_entry *entry);
void device_erase_words(struct quire_device *device, const uint8_t *entry);
/** INDEX. */
void device_index(struct quire_device *device);

/* ---- device_seal.c --------------------------------------------------------------------------- */
uint64_t device_seal_due_ms(const struct quire_device *device);
/** Seals what is due. */
void device_seal(struct quire_device *device);
/** Nothing speaks against a batch of ours, now. */
bool device_may_seal(const struct quire_device *device);
/** HEADS batches, which have nothing but deps: all that is here. False: the step failed. */
bool device_seal_heads(struct quire_device *device);

/* ---- device_heads.c -------------------------------------------------------------------------- */
/** A batch of somebody else was taken in. */
void device_heads_came(struct quire_device *device, const struct qr_batch *batch);
/** When to SUB again, so that a device that only reads can say what it has. */
uint64_t device_heads_due_ms(const struct quire_device *device);
/** CAUGHT_UP: says it, if it is time. */
void device_heads_caught_up(struct quire_device *device);

/* ---- device_connect.c ------------------------------------------------------------------------ */
void device_connected(struct quire_device *device, struct quire_bytes host);
void device_disconnected(struct quire_device *device);
void device_frame(struct quire_device *device, struct quire_bytes bytes);
void device_hello(struct quire_device *device);
void device_subscribe(struct quire_device *device);
/** Something does not match: SUB again soon, later each time. */
void device_resubscribe_later(struct quire_device *device);
void device_connection_tick(struct quire_device *device);
uint64_t device_connection_due_ms(const struct quire_device *device);

/* ---- device_receive.c, device_upload.c ------------------------------------------------------- */
void device_on_delta(struct quire_device *device, const struct qr_frame *frame, size_t frame_size);
/** A batch of a revoked device came, later than its revocation allows. */
void device_shut_out(struct quire_device *device, const uint8_t *replica);
void device_upload_reset(struct quire_device *device);
void device_on_want(struct quire_device *device, const struct qr_frame *frame);
/** The server has this batch of a chain that is here, and all before it, durably. What is in flight
 * stays there: its PUSH is still to be answered, and an ERROR speaks for what is behind it. */
void device_is_on_server(struct quire_device *device, struct device_chain *chain, uint64_t seq);
void device_on_ack(struct quire_device *device, const struct qr_frame *frame);
void device_on_batch_error(struct quire_device *device, const struct qr_frame *frame);
void device_on_caught_up(struct quire_device *device, const struct qr_frame *frame);
void device_upload(struct quire_device *device);
uint64_t device_upload_due_ms(const struct quire_device *device);

/* ---- device_withheld.c ------------------------------------------------------------------------ */
/** The present chain is acknowledged up to seq, now; back to less after a loss. */
void device_note_ack(struct quire_device *device, uint64_t seq);
/** A batch is about to be the head of its chain: what its past holds of our present chain. */
void device_note_sight(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch);
/** Says so if the server kept our writes from the author of the chain. A hint, since it rests on clocks. */
void device_check_withheld(struct quire_device *device, const struct device_chain *chain);
/** Frees what is known of a chain that goes, or does not stay as it is. */
void device_forget_sights(struct device_chain *chain);
/** Our present chain is a new one. */
void device_forget_withheld(struct quire_device *device);

/* ---- device_merge.c -------------------------------------------------------------------------- */
/** Nothing in it is of a later version, as far as can be told before it is opened. */
bool device_can_read(const struct quire_device *device, const struct qr_batch *batch);
/** Appends the plaintext of a batch's change. Errors as qr_vault_open_change. */
QUIRE_CHECKED enum quire_status device_open_change(const struct quire_device *device,
    const struct qr_batch *batch, size_t index, struct quire_buffer *out_plaintext);
/** Merges what an accepted batch says, or notes that it is unread. device_entries_settle must follow. */
void device_merge(struct quire_device *device, const struct qr_batch *batch);
/** One of the records says so. ENOMEM. */
QUIRE_CHECKED enum quire_status device_unread_load(struct quire_device *device,
    const uint8_t *replica, uint64_t seq);
/** Tries unread batches again, some in each step; each is due once in the life of a process. */
void device_unread_read(struct quire_device *device);
bool device_unread_due(const struct quire_device *device);
/** Chains became shorter. */
void device_unread_drop(struct quire_device *device);

/* ---- device_roster.c, device_pair.c ---------------------------------------------------------- */
/** Signs (as the device, or the root of `kit`) and appends a record to `roster`. */
QUIRE_CHECKED enum quire_status device_record_append(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit, struct qr_record *record);
/** Makes the records of an enrolment, an epoch, a revocation on a copy of the roster. */
QUIRE_CHECKED enum quire_status device_append_add(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit, const uint8_t *sign_public,
    const uint8_t *box_public, struct quire_bytes name);
QUIRE_CHECKED enum quire_status device_append_epoch(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit);
void device_on_roster_records(struct quire_device *device, const struct qr_frame *frame);
void device_on_roster_done(struct quire_device *device, const struct qr_frame *frame);
/** The append in hand was refused. */
void device_append_refused(struct quire_device *device, uint32_t code);
/** Makes and sends the append in hand, if there is one and the time is right. */
void device_append_try(struct quire_device *device);
uint64_t device_append_due_ms(const struct quire_device *device);
/** A record that is new in the roster: kept, told, and its key taken. */
void device_take_record(struct quire_device *device, uint32_t seq);
/** Opens every epoch key that the roster gives this device, or the kit. */
QUIRE_CHECKED enum quire_status device_take_keys(struct quire_device *device);
void device_revoke(struct quire_device *device, const uint8_t *who);
/** Enrolled now: keeps everything and says so. */
void device_joined(struct quire_device *device);

/* ---- device_follow.c ------------------------------------------------------------------------- */
/** The server's roster does not go together with ours: an alarm, and on the next connection the
 * whole of it is read. */
void device_contradicted(struct quire_device *device);
/** WELCOME, and records, while looking. */
void device_look_begin(struct quire_device *device, const struct qr_frame *welcome);
void device_look_records(struct quire_device *device, const struct qr_frame *frame);
/** The server has later batches of a device that our records revoke. */
void device_offer_refused(struct quire_device *device);
/** Drops what the roster, which grew, no longer admits. */
void device_conform(struct quire_device *device);
/** Takes the next redo into hand as the append, if the time is right. */
void device_redo_next(struct quire_device *device);
QUIRE_CHECKED enum quire_status device_redo_append(struct quire_device *device,
    struct qr_roster *roster);
void device_redo_done(struct quire_device *device);
void device_redo_failed(struct quire_device *device);
/** Loads one of the redos. EMALFORMED, ENOMEM. */
QUIRE_CHECKED enum quire_status device_redo_load(struct quire_device *device,
    const uint8_t id[QR_DEVICE_SIZE], struct quire_bytes value);

/* ---- device_carry.c -------------------------------------------------------------------------- */
/** Drops every batch that stands on a record from `fork` on or that `line` does not admit, and what
 * is built on such a one; the content joins the carried changes. Keys must still be those that it
 * was sealed with. True: there was any. */
bool device_drop(struct quire_device *device, const struct qr_roster *line, uint32_t fork);
/** A change of this content came from elsewhere: it is not carried any longer. */
void device_carried_came(struct quire_device *device, const uint8_t *entry,
    struct quire_bytes plaintext);
/** A carried change: appends entry and plaintext. */
QUIRE_CHECKED enum quire_status device_carried_get(struct quire_device *device, size_t index,
    struct quire_buffer *out_change);
/** They are in batches now. */
void device_carried_forget(struct quire_device *device, size_t first, size_t count);
QUIRE_CHECKED enum quire_status device_carried_load(struct quire_device *device, uint64_t number,
    struct quire_bytes value);

void device_pair_open(struct quire_device *device);
void device_pair_close(struct quire_device *device);
void device_pair_request(struct quire_device *device);
void device_on_pair(struct quire_device *device, const struct qr_frame *frame);
void device_pair_reply(struct quire_device *device);
void device_append_failed(struct quire_device *device, enum quire_status status);

#endif
