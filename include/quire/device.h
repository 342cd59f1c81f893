/*
 * A device of one user: keys, roster, chains, entries, and its side of the sync, as one state
 * machine. Events go in, actions come out; it does no input or output of its own.
 *
 * The shell (an app, the quire command, the simulation) owns a place for key-value records, a
 * connection and the clocks:
 *
 *     open or init ──► device ──► actions: PERSIST records, SEND a frame, CLOSE, NOTICE …
 *          ▲                         │
 *          └── events: CONNECTED, FRAME, PERSISTED, TICK, SAVE …
 *
 * Order: actions are carried out in their order. Whatever must be durable before it is sent is only
 *        sent after the PERSISTED event of that PERSIST. The records of a PERSIST are visible to
 *        `reader` before the next step, durable before its PERSISTED event.
 * Fault: if records cannot be made durable, destroy the device and open it again: what was durable
 *        before is whole, and nothing else was sent.
 * Time:  now_ms is a monotonic clock, never going back while the device lives; wall_ms is the wall
 *        clock and may be anything.
 * Disk:  every record is encrypted under profile_key, but for batches, which are as the server
 *        sees them.
 * Threads: one device on one thread at a time; devices are independent.
 * Source: protocol/README.md.
 */
#ifndef QUIRE_DEVICE_H
#define QUIRE_DEVICE_H

#include <quire/document.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_USER_SIZE 32
#define QUIRE_DEVICE_SIZE 16
#define QUIRE_ENTRY_SIZE 16
#define QUIRE_ENTROPY_SIZE 32
#define QUIRE_PROFILE_KEY_SIZE 32
#define QUIRE_REPLICA_RECORD_SIZE 48 /* replica 8, seq 8, stamp 32 */
#define QUIRE_NAME_MAX 63            /* bytes of a device's name, UTF-8 */
#define QUIRE_KIT_TEXT_SIZE 70       /* recovery kit in characters, with the final zero */
#define QUIRE_PAIR_CODE_SIZE 25      /* pairing code in characters, with the final zero */
#define QUIRE_WORDS_SIZE 96

/** How the device reads what its PERSIST actions wrote. Both functions run inside calls of it. */
struct quire_reader {
    void *context;
    /** Appends the value of `key` to out_value. ENOTFOUND, EIO, ENOMEM. */
    enum quire_status (*get)(void *context, struct quire_bytes key, struct quire_buffer *out_value);
    /** Visits each record whose key starts with `prefix`, in byte order of the keys, until visit
     * returns false. The bytes are borrowed for the visit, which may call get but not scan. */
    enum quire_status (*scan)(void *context, struct quire_bytes prefix,
        bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
        void *visit_context);
};

/**
 * How texts and queries become the terms of the search index. The core has folding of its own for Latin, Greek,
 * Cyrillic and Armenian; a host with Unicode's data at hand brings a better one. The index of a device is
 * its own, so devices of one account may fold differently.
 */
struct quire_fold {
    uint32_t version; /* another one: the index is made anew, by INDEX */
    /** Appends the terms of well-formed UTF-8, each followed by a line feed, none with one inside. Must be a pure
     * function, on any thread. ENOMEM. NULL: the core's own folding. */
    enum quire_status (*terms)(struct quire_bytes text, struct quire_buffer *out_terms);
};

struct quire_device_options {
    struct quire_fold fold; /* all zeros: the core's own */
    struct quire_reader reader;
    uint8_t profile_key[QUIRE_PROFILE_KEY_SIZE]; /* the device keeps a copy, wiped at the end */
    uint8_t entropy[QUIRE_ENTROPY_SIZE];         /* fresh random bytes for this call */
    int64_t wall_ms;
    /** Content of the last REPLICA action, from a place that a backup of the profile does not hold
     * and that does not outlive a reboot; size 0 if there is none. With it a short-lived process
     * goes on with the chain of the one before; without it, or with one that is not of exactly the
     * profile's last save, it begins a new chain: so a restored or copied profile never writes twice
     * at one place. */
    struct quire_bytes replica_record;
    /** quire_device_recover alone: the recovery revokes every other device in the same append. For a
     * stolen device: until it is revoked it can revoke the recovered one. */
    bool revoke_others;
};

struct quire_device;

/* ---- events ---------------------------------------------------------------------------------- */

enum quire_event_kind {
    QUIRE_EVENT_TICK,         /* time went by (quire_device_wake_ms says when it is wanted) */
    QUIRE_EVENT_CONNECTED,    /* a connection is up; bytes: the host[:port] that was dialled */
    QUIRE_EVENT_DISCONNECTED, /* it ended, by either side */
    QUIRE_EVENT_FRAME,        /* bytes: one WebSocket binary message */
    QUIRE_EVENT_PERSISTED,    /* token: that of the PERSIST that is durable now, and all before */
    QUIRE_EVENT_SAVE,         /* entry: keep the pending edits of its document */
    QUIRE_EVENT_FLUSH,        /* seal everything pending now, waiting for no idle time */
    QUIRE_EVENT_PAIR_OPEN,    /* show a code to a new device (connected only) */
    QUIRE_EVENT_PAIR_CLOSE,   /* no longer */
    QUIRE_EVENT_REVOKE,       /* device: revoke it and change the epoch key (connected only) */
    QUIRE_EVENT_INDEX, /* gather the index terms of entries that cannot be searched yet: a bounded
                                 piece of that work, then NOTICE_INDEXED */
};

struct quire_event {
    enum quire_event_kind kind;
    uint64_t now_ms;
    int64_t wall_ms;
    uint8_t entropy[QUIRE_ENTROPY_SIZE]; /* 32 fresh random bytes with every event */
    struct quire_bytes bytes;
    uint64_t token;
    uint8_t entry[QUIRE_ENTRY_SIZE];
    uint8_t device[QUIRE_DEVICE_SIZE];
};

/* ---- actions --------------------------------------------------------------------------------- */

enum quire_action_kind {
    QUIRE_ACTION_PERSIST, /* write records atomically; then PERSISTED with token */
    QUIRE_ACTION_SEND,    /* bytes: one WebSocket binary message, on the present connection */
    QUIRE_ACTION_CLOSE,   /* close the connection; the next one not before retry_ms */
    QUIRE_ACTION_REPLICA, /* bytes: replace the replica record (see quire_device_options) */
    QUIRE_ACTION_NOTICE,  /* something that a user or an app wants to know */
};

struct quire_write {
    struct quire_bytes key;   /* 1 … 64 bytes */
    struct quire_bytes value; /* unused when erase */
    bool erase;               /* of a key that may be absent */
};

enum quire_notice_kind {
    QUIRE_NOTICE_READY,          /* the server knows us; sync begins */
    QUIRE_NOTICE_CAUGHT_UP,      /* everything the server had is here */
    QUIRE_NOTICE_UPLOADED,       /* everything sealed here is durable on the server */
    QUIRE_NOTICE_ENTRY,          /* entry: it changed through a sync */
    QUIRE_NOTICE_PAIR_CODE,      /* text: the code to show */
    QUIRE_NOTICE_PAIRED,         /* device: it is enrolled (old device's side) */
    QUIRE_NOTICE_JOINED,         /* this device is enrolled (new device's side) */
    QUIRE_NOTICE_PAIR_FAILED,    /* code: enum quire_status; nothing has changed */
    QUIRE_NOTICE_DEVICE_ADDED,   /* device */
    QUIRE_NOTICE_DEVICE_REVOKED, /* device: also our own */
    QUIRE_NOTICE_REVOKE_FAILED,  /* code: enum quire_status; nothing has changed */
    QUIRE_NOTICE_REJECTED, /* a batch was refused; code: protocol error; it stays in the outbox */
    QUIRE_NOTICE_REFUSED,  /* the server ended the connection; code: protocol error; text of `auth`:
                              the Host header that the server saw */
    QUIRE_NOTICE_ALARM,    /* code: enum quire_alarm_kind */
    QUIRE_NOTICE_PRESENCE, /* code: how many other devices are connected now */
    QUIRE_NOTICE_INDEXED,  /* code: how many entries still wait for INDEX */
};

/** What does not hold, or did not once. Alarms never lock anybody out. */
enum quire_alarm_kind {
    QUIRE_ALARM_BAD_SIGNATURE = 1, /* bytes that no device of this user signed */
    QUIRE_ALARM_FORK = 2,          /* two batches at one place of a chain */
    QUIRE_ALARM_ROSTER = 3, /* the server's roster contradicts ours; see protocol/roster.md */
    QUIRE_ALARM_SERVER_BEHIND = 4, /* the server lost what it had acknowledged; it was sent again */
    QUIRE_ALARM_WITHHELD = 5,      /* another device was kept from seeing our writes */
    QUIRE_ALARM_UNREADABLE = 6,    /* a signed change that does not open or does not merge */
    QUIRE_ALARM_CLOCK = 7,         /* our clock and the server's differ by more than two minutes */
    QUIRE_ALARM_REVOKED_WRITE = 8, /* a batch from a revoked device, after its revocation */
    QUIRE_ALARM_DAMAGED = 9,       /* a batch that was kept here cannot be read back */
    QUIRE_ALARM_COUNT
};

struct quire_action {
    enum quire_action_kind kind;
    enum quire_notice_kind notice;
    uint64_t token;                   /* PERSIST */
    const struct quire_write *writes; /* PERSIST */
    size_t write_count;
    struct quire_bytes bytes; /* SEND, REPLICA; text of a NOTICE */
    uint32_t code;
    uint32_t retry_ms; /* CLOSE */
    uint8_t entry[QUIRE_ENTRY_SIZE];
    uint8_t device[QUIRE_DEVICE_SIZE];
};

/** Borrowed from the device until its next step or destroy. */
struct quire_actions {
    const struct quire_action *items;
    size_t count;
};

/* ---- life ------------------------------------------------------------------------------------ */

/**
 * Makes a new account with this as its first device. The actions hold its first records; the device
 * works offline at once. out_kit is the recovery kit: show it, then wipe it; it is kept nowhere.
 * ECONFLICT: the reader already holds a profile. ELIMIT: name too long. EINVALID: empty name or not
 * UTF-8. ENOMEM, EIO.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_init(
    const struct quire_device_options *options, struct quire_bytes name,
    char out_kit[QUIRE_KIT_TEXT_SIZE], struct quire_device **out_device,
    struct quire_actions *out_actions);

/**
 * A new device that joins an account by the code that an old device shows. It has no user and no
 * entries until NOTICE_JOINED; connect it. Nothing is kept before that. Errors as init; EMALFORMED:
 * not a code.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_join(
    const struct quire_device_options *options, struct quire_bytes name, struct quire_bytes code,
    struct quire_device **out_device);

/**
 * A new device that joins by the recovery kit alone: it signs as the root once, to add itself. If the
 * account has as many active devices as it may have, the one that wrote least recently is revoked in
 * the same append; with options->revoke_others all of them are. NOTICE_DEVICE_REVOKED names each.
 * As join. EMALFORMED: not a kit.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_recover(
    const struct quire_device_options *options, struct quire_bytes name, struct quire_bytes kit,
    struct quire_device **out_device);

/**
 * A device that the server does not know any more (REFUSED with `auth`: the server lost its
 * enrolment, and so did everybody who knew of it) asks to be enrolled again by the code that another
 * device shows. Not connected; connect it then. Keys, entries and all that was written stay. Ends
 * with NOTICE_JOINED or PAIR_FAILED. entropy: 32 fresh random bytes. EMALFORMED: not a code. ESTATE:
 * connected, not a member, or revoked: a revoked device joins with a new profile.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_rejoin(struct quire_device *device,
    struct quire_bytes code, const uint8_t entropy[QUIRE_ENTROPY_SIZE]);

/** Opens the profile that the reader holds. ENOTFOUND: there is none. ECRYPTO: another key.
 * ECORRUPT, EUNSUPPORTED, ENOMEM, EIO. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_open(
    const struct quire_device_options *options, struct quire_device **out_device);

/** Wipes and frees; accepts NULL. Pending edits that were not saved are gone. */
QUIRE_API void quire_device_destroy(struct quire_device *device);

/**
 * Feeds one event and collects what is to be done about it.
 * Errors: ENOMEM, EIO (of the reader), ECORRUPT: destroy and open again. ESTATE: not now (pair and
 *         revoke while not connected). A peer's malformed bytes are no error: they become CLOSE.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_step(struct quire_device *device,
    const struct quire_event *event, struct quire_actions *out_actions);

/** When the next TICK is wanted, on the clock of now_ms; UINT64_MAX: not at all. */
QUIRE_API uint64_t quire_device_wake_ms(const struct quire_device *device);

/* ---- entries --------------------------------------------------------------------------------- */

/**
 * The document of an entry, to read or to edit; then step with SAVE. It rests until it is edited
 * (quire_document_open): to open an entry is to decrypt it. Borrowed until the next step or
 * the 64th other call of this function. A document of an unknown id is made when `create`, else
 * ENOTFOUND. ENOMEM, EIO, ECORRUPT. ESTATE: not joined yet.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_document(struct quire_device *device,
    const uint8_t entry[QUIRE_ENTRY_SIZE], bool create, struct quire_document **out_document);

/** The stamp for edits made now by this process. */
QUIRE_API struct quire_stamp quire_device_stamp(const struct quire_device *device, int64_t wall_ms);

/** What a list shows of an entry, without opening it. Borrowed for the visit. */
struct quire_summary {
    const uint8_t *entry;       /* QUIRE_ENTRY_SIZE */
    struct quire_bytes title;   /* shown value, or empty */
    struct quire_bytes snippet; /* the first 80 code points of the text, one line */
    bool has_date, has_mood;
    int64_t date;
    int64_t mood;
    int64_t changed_wall_ms; /* when it last changed on this device, by its wall clock */
    int64_t created_wall_ms; /* when it was first on this device, by its wall clock */
    uint64_t text_length;    /* code points */
    bool deleted;
    bool unsealed; /* has edits that are only on this device and not sealed yet */
};

/** Visits every entry, deleted ones too, in order of ids, until visit returns false. EIO, ECORRUPT. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_each_entry(struct quire_device *device,
    bool (*visit)(void *context, const struct quire_summary *summary), void *context);

/**
 * Visits the entries that the server does not have all of, as far as it has said so: with edits that are
 * unsealed, that wait to be sealed anew, or that are sealed and not acknowledged. In order of ids, each
 * once, until visit returns false; visit may call the device. Reads each unacknowledged batch. ENOMEM, EIO.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_each_unsent(struct quire_device *device,
    bool (*visit)(void *context, const uint8_t entry[QUIRE_ENTRY_SIZE]), void *context);

/**
 * Visits every entry, deleted ones too, whose title, text, tags and emotions hold each word of `query`
 * (well-formed UTF-8, at most QUIRE_QUERY_MAX bytes), in order of ids, until visit returns false.
 * Both are folded (quire_device_options.fold); a word may be a part of a longer one.
 * Works on what is kept encrypted on this device alone, saved edits included.
 * ESTATE: some entries cannot be searched yet, nothing was visited: step with INDEX, then ask again.
 * EINVALID: no word in it. ELIMIT. ENOMEM, EIO, ECORRUPT.
 */
#define QUIRE_QUERY_MAX 1024
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_search(struct quire_device *device,
    struct quire_bytes query, bool (*visit)(void *context, const struct quire_summary *summary),
    void *context);

/** One version of an entry: how it was after what one batch did to it. Borrowed for the visit. */
struct quire_version {
    const uint8_t *id;     /* QUIRE_VERSION_SIZE: the same for the same batch, on every device */
    const uint8_t *device; /* QUIRE_DEVICE_SIZE: who wrote it */
    uint64_t number;       /* from 1 on; later ones move on when an earlier one comes in */
    int64_t wall_ms;       /* when its last edit was made, by the author's clock */
};
#define QUIRE_VERSION_SIZE 32

/**
 * Visits the versions of an entry, oldest first, until visit returns false: all that the batches kept on
 * this device tell. `document` is the entry as it was then, with all that came before in this order, to
 * be read; borrowed for the visit, which calls no function of the device. Order: by the authors' clocks,
 * as far as deps allow. Edits that are not sealed yet are in no version. An entry without
 * a sealed edit has none.
 * out_unreadable: batches that say something of the entry, but could not be opened or merged; not
 * counted to the end if visit ended it. ENOMEM, EIO. Takes time and memory with all that is kept.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_device_each_version(struct quire_device *device,
    const uint8_t entry[QUIRE_ENTRY_SIZE],
    bool (*visit)(
        void *context, const struct quire_version *version, const struct quire_document *document),
    void *context, uint64_t *out_unreadable);

/* ---- devices and state ----------------------------------------------------------------------- */

/** One device of the roster. Borrowed for the visit. */
struct quire_device_info {
    const uint8_t *device;   /* QUIRE_DEVICE_SIZE */
    struct quire_bytes name; /* empty if it cannot be read */
    bool self;
    bool active;      /* not revoked */
    uint64_t batches; /* of its chains, here */
    int64_t
        last_heard_ms; /* the newest caught_up_at in its batches: its clock, or ours when they came if it was over a day ahead; 0 never */
};

QUIRE_API QUIRE_CHECKED enum quire_status quire_device_each_device(struct quire_device *device,
    bool (*visit)(void *context, const struct quire_device_info *info), void *context);

/** One chain that the server refuses to go on with. */
struct quire_rejection {
    const uint8_t *replica;
    uint64_t seq;
    uint32_t code;    /* protocol error code */
    const char *name; /* of the code, static */
};
QUIRE_API void quire_device_each_rejection(const struct quire_device *device,
    bool (*visit)(void *context, const struct quire_rejection *rejection), void *context);

struct quire_device_state {
    uint8_t user[QUIRE_USER_SIZE];
    uint8_t device[QUIRE_DEVICE_SIZE];
    bool joined;    /* has a user and its keys */
    bool revoked;   /* this device is */
    bool connected; /* authenticated, subscribed */
    bool caught_up; /* on this connection */
    uint32_t epoch;
    uint32_t roster_count;
    uint32_t
        roster_fullness; /* percent of the room for enrolments that is used; 80: warn the user */
    uint32_t
        lost_op_count; /* roster operations that the server lost and this device has yet to re-apply */
    uint64_t batch_count; /* all that are held */
    uint64_t chain_count;
    uint64_t unsealed_count; /* entries with edits not sealed, and changes to be sealed anew */
    uint64_t unacknowledged_count; /* own batches not yet durable on the server */
    uint64_t not_on_server_count;  /* batches of anybody that the server lacks, while connected */
    uint64_t unread_count; /* batches that a later version of Quire wrote: kept, and read by that */
    int64_t caught_up_ms;  /* wall clock of the last CAUGHT_UP; 0 never */
    uint64_t alarms[QUIRE_ALARM_COUNT]; /* how often each was raised, ever */
    uint32_t presence;                  /* other devices connected now */
    char words[QUIRE_WORDS_SIZE]; /* digest of roster and heads, to compare by eye; ends in zero */
};
QUIRE_API void quire_device_state(
    struct quire_device *device, struct quire_device_state *out_state);

/** BLAKE2b-256 of the document's canonical visible state. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_digest(
    const struct quire_document *document, uint8_t out_digest[32]);

/** The sentence for an alarm, for a person; static, never NULL. */
QUIRE_API const char *quire_alarm_text(uint32_t alarm);
/** The sentence for a protocol error code, for a person; static, never NULL. */
QUIRE_API const char *quire_error_text(uint32_t code);

#ifdef __cplusplus
}
#endif
#endif
