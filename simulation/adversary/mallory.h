/*
 * Mallory: a server that keeps everything, checks nothing that she does not like to, and tells each
 * phone what she wants. She takes the place of the hub in a run whose option `mallory` is not 0.
 * When the faults end she becomes honest: whatever she did must then heal, unless her strategy says
 * that it cannot.
 *
 *   archive.c      what she was given
 *   serve.c        her side of the protocol, honest but for the strategy's hooks
 *   truth.c        what honest devices really made, never shown to her; judges every write of a phone
 *   forge.c        batches and records made by hand
 *   strategies.c   the table; one idea in each function of withholding.c, altering.c, …
 *   rows.c         what stands for which class of attack, and its mutation checks
 */
#ifndef SIMULATION_MALLORY_H
#define SIMULATION_MALLORY_H

#include "codec/frame.h"
#include "codec/roster.h"
#include "crypto/vault.h"
#include "people/phone.h"
#include "sync/roster.h"
#include "world/world.h"

#define MALLORY_SCRATCH_MAX 64u
#define MALLORY_PHONES_MAX 32u /* masks of phones have that many bits */
#define NAMED_LISTS 8u
#define NAMED_CHAINS 64u

/** One batch that came up, or that she made. */
struct given {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    uint8_t hash[QR_HASH_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t roster_seq;
    uint32_t phone;       /* that brought it */
    uint64_t link;        /* over which */
    uint32_t hidden_from; /* mask of phones */
    uint64_t at_ms;
    uint8_t *bytes; /* owned */
    size_t size;
};

struct account {
    uint8_t id[QR_USER_SIZE];
    uint32_t user; /* the model's number */
    struct qr_roster roster;
    struct given *items; /* in order of arrival, deps before effects */
    size_t count, capacity;
};

enum session_stage { SESSION_NEW, SESSION_HELLO, SESSION_READY, SESSION_CLOSED };

/** What a CAUGHT_UP named. */
struct named {
    struct {
        uint8_t replica[QR_REPLICA_SIZE];
        uint64_t seq;
    } chains[NAMED_CHAINS];
    size_t count;
};

struct session {
    enum session_stage stage;
    uint64_t link;
    uint32_t phone;
    struct account *account; /* NULL before HELLO */
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t roster_count; /* records that it has */
    bool subscribed, caught_up;
    size_t position; /* in the account's items */
    int64_t credit;
    struct qr_dep known[256]; /* by its SUB; hash unused */
    size_t known_count;
    uint8_t mailbox[QR_FRAME_MAILBOX_SIZE];
    uint32_t left_out;               /* records */
    uint8_t said[2][512];            /* HELLO and CHALLENGE, where a strategy wants them */
    size_t said_size[2];             /* 0: not known */
    bool waits;                      /* at the mailbox */
    uint64_t peer;                   /* link of the other side of a pairing; 0 none */
    struct named named[NAMED_LISTS]; /* of the last CAUGHT_UPs: one may still be on its way */
    size_t named_count;
};

struct server_front;
struct server_guest;
struct strategy;

struct mallory {
    const struct strategy *strategy;
    struct prng chance;
    struct account accounts[USERS_MAX];
    size_t account_count;
    struct session **sessions; /* by link − 1; NULL: none */
    size_t session_count, session_capacity;
    struct qr_vault *own; /* a device of hers that was never enrolled */
    uint32_t target;      /* mask of phones; drawn */
    uint64_t begin_ms;    /* of her misdeeds; UINT64_MAX: honest until a story says otherwise */
    uint64_t turn;        /* how often a story made her begin */
    uint64_t rate_ppm;    /* how often, where that makes sense; drawn */
    bool struck_once;
    size_t cut; /* rollback: items from here on are gone */
    bool has_cut;
    uint32_t roster_cut;              /* shown: records before this one; 0: all */
    uint8_t replica[QR_REPLICA_SIZE]; /* of her traitor's second chain */
    uint32_t traitor;                 /* a phone whose keys she has; PHONES_MAX: none */
    struct quire_buffer scratch[MALLORY_SCRATCH_MAX]; /* what a hook made, until the frame is out */
    size_t scratch_count;
    struct qr_frame_space *space;
    uint64_t strikes;  /* misdeeds that reached a phone and that its device must name */
    uint64_t misdeeds; /* all */
    uint64_t alarms[QUIRE_ALARM_COUNT];
    uint64_t refused;     /* NOTICE_REFUSED */
    uint64_t append_link; /* of the phone that appended to the roster last; 0: none */
    bool counting;        /* breaches are counted and end nothing: mutation/modelled.c */
    uint64_t breaches;
    uint64_t named; /* alarms of the kinds that her strikes ask for */
    struct intruder *intruder;
    struct truth *truth;
};

/** One way to be evil. Hooks may be NULL. All but `end` are only called between begin_ms and healing. */
struct strategy {
    const char *name;
    const char *rows; /* of docs/reliability.md's table */
    const char *text;
    uint32_t must; /* alarms: one of these is raised if she struck, 1 << kind; 0: nothing need be */
    uint32_t may;  /* alarms that are no false ones besides */
    bool refused;  /* instead of an alarm: the device says that it left the server */
    bool stays_apart; /* what she did does not heal: only safety is demanded */
    bool through_hub; /* she is no server but a device at an honest one: intruder.c */
    bool poses;       /* … in another user's name */
    bool needs_traitor, needs_others, needs_revocation, needs_late_phone;
    uint64_t minutes;      /* of a run; 0: the usual */
    uint64_t limit_chains; /* lowered for it; 0: as shipped */
    uint64_t phones_least;
    void (*begin)(struct world *world); /* at begin_ms */
    /** A batch came up. */
    void (*given)(struct world *world, struct account *account, struct given *given);
    /** A frame goes down; false: it does not. The frame may be changed, see mallory_scratch. */
    bool (*frame)(struct world *world, struct session *session, struct qr_frame *frame);
    /** Now and then. */
    void (*moment)(struct world *world);
    /** Whether a session is to see a batch at all. */
    bool (*shows)(
        const struct world *world, const struct session *session, const struct given *given);
    /** A frame came up; false: she ignores it. */
    bool (*heard)(struct world *world, struct session *session, const struct qr_frame *frame,
        struct quire_bytes bytes);
};

extern const struct strategy strategies[];
extern const size_t
    strategy_count; /* number i is strategies[i − 1]; simulation/seeds.txt keeps numbers,
                                       so new ones come last */
#define STRATEGY_HONEST 1u
/** Its number, from 1; 0: there is none of that name. */
uint32_t strategy_by_name(const char *name);
/** She serves by it and does something, so that a story can let her begin. */
bool strategy_fits_stories(uint32_t number);

/** options_range, and how many strategies there are. */
void mallory_option_range(size_t index, uint64_t *out_least, uint64_t *out_most);
/** Fits the options of a run to a strategy: what else goes wrong must not blur the verdict. */
void mallory_prepare(struct options *options, uint64_t strategy, uint64_t seed);

/** Every class of attack, and what stands for it. False: one that could be tried is not tested. */
bool mallory_print_rows(void);
/** Besides QR_DEFENCES, which name one strategy each. */
#define MALLORY_MORE_DEFENCES(X) \
    X(NO_SIGNATURE, "flip", "a batch is signed by its author") \
    X(NO_SIGNATURE, "mixed", "a batch is signed by its author")

/* ---- the world's side ------------------------------------------------------------------------ */

/** After the server was created; her observer is the world's by then. */
void mallory_create(struct world *world);
void mallory_destroy(struct world *world);
/** What devices tell their people, write and send, and what an honest server gets: judged by truth.c. */
extern const struct observer mallory_observer;
/** She becomes honest. */
void mallory_repents(struct world *world);
/** In a story: she begins, with all of her might; traitor PHONES_MAX: none. And she is honest again. */
void mallory_turn(struct world *world, uint64_t strategy, uint32_t target, uint32_t traitor);
void mallory_turns_honest(struct world *world);
/** At the end of a run: what had to be named was. */
void mallory_check_end(struct world *world);
/** Whether phones must agree in the end. */
bool mallory_heals(const struct world *world);

/** Something that must never be: ends the run, or is counted. */
void mallory_breach(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- archive.c ------------------------------------------------------------------------------- */

struct account *archive_account(struct world *world, const uint8_t *user, bool create);
/** The greatest seq of a chain, and its hash (out_hash may be NULL). */
uint64_t archive_head(
    const struct account *account, const uint8_t *replica, const uint8_t **out_hash);
const struct given *archive_find(
    const struct account *account, const uint8_t *replica, uint64_t seq);
/** Puts a batch in; hash by the account's roster. The item stays in place until the next one. */
struct given *archive_put(
    struct world *world, struct account *account, const struct qr_batch *batch, uint32_t phone);
/** What its author signed, and its hash, by the account's roster. */
void archive_signed(
    const struct account *account, const struct qr_batch *batch, uint8_t out_signed[QR_HASH_SIZE]);
void archive_hash(
    const struct account *account, const struct qr_batch *batch, uint8_t out_hash[QR_HASH_SIZE]);
/** A revocation pins the chains where the archive has them. */
bool archive_pins_are_current(const struct account *account, const struct qr_record *record);
void archive_finish(struct account *account);

/* ---- serve.c --------------------------------------------------------------------------------- */

bool mallory_is_evil(const struct world *world);
struct session *mallory_session_of(struct world *world, uint32_t phone);
/** Sends, after the strategy's frame hook. */
void mallory_send(struct world *world, struct session *session, struct qr_frame *frame);
/** Sends without asking the hook. */
void mallory_send_raw(struct world *world, struct session *session, const struct qr_frame *frame);
void mallory_send_bytes(struct world *world, struct session *session, struct quire_bytes bytes);
/** A buffer that lives until the next frame is out. */
struct quire_buffer *mallory_scratch(struct world *world);
struct quire_bytes mallory_copy(struct world *world, struct quire_bytes bytes);
/** Tells every session of the account what it has not been told. */
void mallory_pump(struct world *world, struct account *account);
/** One DELTA of one batch, at once. */
void mallory_deliver(struct world *world, struct session *session, struct quire_bytes batch);
void mallory_misdeed(struct world *world, const char *format, uint64_t a, uint64_t b);
/** A misdeed whose victim must name it. */
void mallory_strike(struct world *world);

/** Her in the hub's place. */
extern const struct server_front mallory_front;

/* ---- intruder.c ------------------------------------------------------------------------------ */

struct intruder;
void intruder_finish(struct intruder *intruder);
/** Her connections to an honest server. */
extern const struct server_guest intruder_guest;
/** She comes no more. */
void intruder_leave(struct world *world);

/* ---- forge.c --------------------------------------------------------------------------------- */

/** What a made batch says; begin with forge_draft. */
struct draft {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t roster_seq, epoch;
    uint64_t caught_up_at;
    uint8_t prev[QR_HASH_SIZE];
    struct qr_dep dep;
    bool has_dep;
    struct qr_change change; /* HEADS at first */
};
/** The next of a chain after its head in the archive, by `device`. */
struct draft forge_draft(
    const struct account *account, const uint8_t *replica, const uint8_t *device);
/** Fills the buffer with the batch, signed by the vault. */
void forge_batch(const struct account *account, const struct draft *draft,
    const struct qr_vault *vault, struct quire_buffer *out_batch, uint8_t out_hash[QR_HASH_SIZE]);
/** Fills the buffer with a record, signed by the vault; seq, prev and signer are the caller's. */
void forge_record(
    const struct qr_vault *vault, const struct qr_record *record, struct quire_buffer *out_record);

/* ---- truth.c --------------------------------------------------------------------------------- */

struct truth *truth_create(void);
void truth_destroy(struct truth *truth);
/** An enrolled device signed this, honest or not. */
void truth_batch(struct world *world, uint32_t user, struct quire_bytes bytes);
void truth_record(struct world *world, uint32_t user, struct quire_bytes record);
/** The same of a record that a phone appends: it enrols only phones of the user. */
void truth_appended(struct world *world, uint32_t user, struct quire_bytes record);
/** Nothing that a phone sends holds a key. */
void truth_check_secrets(struct world *world, const struct phone *phone, struct quire_bytes bytes);
/** A phone is back to what its disk holds now. */
void truth_restored(struct world *world, struct phone *phone);
/** What is in the log of a server was made by an enrolled device of its user. */
void truth_stored(struct world *world, const uint8_t *user, struct quire_bytes batch);
/** What a phone is about to write, before it does. */
void truth_check_writes(
    struct world *world, struct phone *phone, const struct quire_write *writes, size_t count);
/** After each step of a phone. */
void truth_check_roster(struct world *world, struct phone *phone);

#endif
