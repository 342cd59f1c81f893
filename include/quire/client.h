/*
 * The client library: a private journal in a folder of this machine, that syncs when it is asked to.
 *
 * Everything but quire_client_sync, _follow, _pair, _join, _rejoin, _recover and _revoke works offline. What
 * was saved is on the disk, encrypted, before the call returns; a process may be killed at any time.
 *
 *     struct quire_client_options options = {.profile = "/home/ada/journal"};
 *     struct quire_client *client = NULL;
 *     if (quire_client_create(&options, &client) != QUIRE_OK) {
 *         return 1; // no memory
 *     }
 *     enum quire_status status = quire_client_open(client);
 *     uint8_t entry[QUIRE_ENTRY_SIZE];
 *     if (status == QUIRE_OK) {
 *         status = quire_client_new_entry(client, entry);
 *     }
 *     if (status == QUIRE_OK) {
 *         status = quire_client_edit_text(client, entry, quire_bytes_of_text("It rained all day."));
 *     }
 *     if (status == QUIRE_OK) {
 *         status = quire_client_save(client, entry); // on the disk now
 *     }
 *     if (status == QUIRE_OK) {
 *         status = quire_client_sync(client, 30000); // and on the server
 *     }
 *     if (status != QUIRE_OK) {
 *         fprintf(stderr, "%s\n", quire_client_error(client));
 *     }
 *     quire_client_destroy(client);
 *
 * Profile: a folder (mode 0700): `records.mdb` (encrypted records), `config` (server, fingerprint,
 *          name of the key), `lock` and `waiting` (see Turns), `inbox` and `drafts` (encrypted). The key that opens it is a file
 *          outside of the folder, so that a backup of the folder alone tells nothing; it may be sealed by a
 *          passphrase (quire_client_set_passphrase).
 * Turns:   one process at a time may write a profile; open waits for its turn. open_to_read takes no
 *          turn, open_to_write does without one if it has to. quire_client_follow
 *          gives way to processes that wait, and opens the profile again when they are done.
 * Threads: a client is used by one thread at a time and blocks; clients are independent of each
 *          other. quire_client_stop may be called from any thread and from a signal handler.
 * Errors:  calls return a status; quire_client_error has the sentences for a person: what happened,
 *          what is safe, what to do. On anything but QUIRE_OK outputs are untouched. Every call
 *          that needs an open profile returns ESTATE without one. ENOMEM, EIO, EFULL and ECORRUPT
 *          from a call that reads or saves close the profile, since memory and disk may differ then:
 *          what was saved before is whole; open it again.
 * Owner:   strings and structs given to a call are borrowed for the call, but for the pointers in
 *          quire_client_options.callbacks. What a call lends says until when.
 * Units:   ids are binary; times are milliseconds; text is UTF-8, its positions are code points.
 */
#ifndef QUIRE_CLIENT_H
#define QUIRE_CLIENT_H

#include <quire/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_CLIENT_FINGERPRINT_SIZE 65 /* SHA-256 of a certificate in hex, with the final zero */
#define QUIRE_CLIENT_PREFIX_MIN 4        /* characters of an id that may stand for it */

#define QUIRE_PASSPHRASE_MIN 8    /* characters of a new passphrase */
#define QUIRE_PASSPHRASE_MAX 1024 /* bytes of one */
#define QUIRE_PASSPHRASE_ATTEMPTS 3
/* Memory that one guess costs, in MiB: the default, and what may be asked for. */
#define QUIRE_PASSPHRASE_MEMORY 256
#define QUIRE_PASSPHRASE_MEMORY_MIN 8
#define QUIRE_PASSPHRASE_MEMORY_MAX 4096

struct quire_client;

/** Something that a person or an app wants to know. Borrowed for the call. */
struct quire_client_notice {
    enum quire_notice_kind kind;
    uint32_t code;         /* see enum quire_notice_kind */
    const uint8_t *entry;  /* QUIRE_ENTRY_SIZE; meaningful for NOTICE_ENTRY */
    const uint8_t *device; /* QUIRE_DEVICE_SIZE; meaningful where the kind says so */
    const char *text;      /* NOTICE_PAIR_CODE: the code; else "" */
};

enum quire_client_connection {
    QUIRE_CLIENT_DIALLING, /* detail: the server's URL */
    QUIRE_CLIENT_ONLINE,   /* the server knows us */
    QUIRE_CLIENT_OFFLINE,  /* detail: why, a sentence */
    QUIRE_CLIENT_YIELDED,  /* another process has the profile for a while */
};

/**
 * Called from inside of blocking calls, on the same thread. Each may be NULL. They may read, edit and
 * save entries (save before returning: another process may get the profile); they must not
 * call sync, follow, pair, revoke, join, recover, close or destroy.
 */
struct quire_client_callbacks {
    void *context;
    void (*notice)(void *context, const struct quire_client_notice *notice);
    void (*connection)(void *context, enum quire_client_connection state, const char *detail);
    /** Bytes that came and went on this connection, at most a few times a second. */
    void (*progress)(void *context, uint64_t received, uint64_t sent);
    /**
     * The server shows a certificate that no authority vouches for, and none is pinned. True pins it
     * in the profile. Must not call the client. Without this callback it is refused.
     */
    bool (*trust)(
        void *context, const char *host, const char fingerprint[QUIRE_CLIENT_FINGERPRINT_SIZE]);
    /**
     * The key file is sealed by a passphrase, and no agent has the key: writes the passphrase, ended by a
     * zero, and returns true; false: there is none. attempt counts from 0; after QUIRE_PASSPHRASE_ATTEMPTS
     * wrong ones opening fails. Called by open, before any lock is taken. Must not call the client.
     */
    bool (*passphrase)(
        void *context, unsigned attempt, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1]);
};

/** Zero-initialise, then set what differs. Strings are copied. */
struct quire_client_options {
    const char *profile;     /* folder; NULL: $QUIRE_PROFILE, else $XDG_DATA_HOME/quire/default,
                             else ~/.local/share/quire/default */
    const char *key_file;    /* NULL: $QUIRE_KEY_FILE, else $XDG_CONFIG_HOME/quire/keys/<name>.key,
                             else below ~/.config */
    const char *server;      /* wss://host[:port] for a new profile; NULL: none yet */
    const char *fingerprint; /* of the server's certificate, hex, to pin; NULL: none */
    uint32_t lock_wait_ms;   /* how long open waits for its turn; 0: 5000 */
    uint32_t deadline_ms;    /* a blocking call, but for follow, ends after so long whatever moves;
                                0: an hour, or the call's timeout_ms if that is longer */
    bool insecure;           /* let ws:// leave this machine: for tests behind a proxy */
    bool ask_passphrase;     /* ask for the passphrase even where an agent has the key */
    struct quire_client_callbacks callbacks;
};

/* ---- life ------------------------------------------------------------------------------------ */

/** A client with no profile open; touches no file. EINVALID: server or fingerprint is not one. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_create(
    const struct quire_client_options *options, struct quire_client **out_client);

/** Closes and frees; accepts NULL. Edits that were not saved are gone. */
QUIRE_API void quire_client_destroy(struct quire_client *client);

/** The last failure in sentences, for a person; "" if nothing failed. Until the next call. */
QUIRE_API const char *quire_client_error(const struct quire_client *client);

/**
 * Makes a new account with this device as its first, in a new profile, and opens it. out_kit is the
 * recovery kit, the only way back in if all devices are lost: show it once, wipe it, it is kept
 * nowhere. name: of this device, 1 … QUIRE_NAME_MAX bytes. Offline.
 * ECONFLICT: there is a profile in the folder already; it is untouched.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_start_account(
    struct quire_client *client, const char *name, char out_kit[QUIRE_KIT_TEXT_SIZE]);

/**
 * Joins an account, in a new profile, by the code that another device shows (quire_client_pair),
 * and opens it. Needs options.server. Blocks until joined and in sync; timeout_ms as in sync.
 * EMALFORMED: not a code. ECONFLICT: as start_account. Else as quire_client_sync. When it fails the
 * folder holds no profile.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_join(
    struct quire_client *client, const char *name, const char *code, uint32_t timeout_ms);

/** The same by the recovery kit. If the account has as many active devices as it may have, the one that
 * wrote least recently is revoked; with revoke_others every other device is. EMALFORMED: not a kit. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_recover(struct quire_client *client,
    const char *name, const char *kit, bool revoke_others, uint32_t timeout_ms);

/**
 * Opens the profile. ENOTFOUND: there is none, or its key file is missing. ECRYPTO: the key is
 * another's, or the passphrase is wrong. ESTATE: the key file is sealed by a passphrase and there is no
 * agent and no callback that gives it, or a profile is open. ELOCKED: another process had it for all of lock_wait_ms. EUNSUPPORTED: a newer Quire
 * wrote it. EIO, EFULL, ECORRUPT, ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_open(struct quire_client *client);

/**
 * Opens the profile to read it, as it is at this moment: takes no lock and waits for no process, works
 * on a read-only disk, and writes nothing (an index that a search has to complete is completed in memory).
 * A call that would change the profile returns ESTATE. Errors as open, but never ELOCKED.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_open_to_read(struct quire_client *client);

/**
 * Opens the profile to read and edit entries. Where another process holds it, on the network or for all
 * of lock_wait_ms, the profile is *detached*: quire_client_save makes the edits durable, encrypted, in the
 * profile's inbox, the process that holds the profile or opens it next merges them, and readers see them at once.
 * Calls that need the profile itself (sync, pair, revoke, set_server …) return ESTATE then, and a restore
 * makes no version of the state before. Errors as open, but never ELOCKED.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_open_to_write(struct quire_client *client);

/**
 * Seals the key file by a passphrase, or changes the one that it has; NULL: takes it away, the key is
 * plain from then on. The key stays the same. memory_mib: what one guess costs, 0: the default. Whenever
 * the process dies, the key file opens with the old passphrase or with the new one. EINVALID: too short,
 * too long, not UTF-8. ENOMEM: there is not so much memory. EIO, EFULL: nothing has changed.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_set_passphrase(
    struct quire_client *client, const char *passphrase, uint32_t memory_mib);

/** The key file of the open profile is sealed by a passphrase. */
QUIRE_API bool quire_client_has_passphrase(const struct quire_client *client);

/** Gives the profile back for other processes; nothing happens if none is open. */
QUIRE_API void quire_client_close(struct quire_client *client);

/* ---- entries: all of it offline -------------------------------------------------------------- */

/** A fresh random id. Nothing exists under it until something is edited and saved. EIO. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_new_entry(
    struct quire_client *client, uint8_t out_entry[QUIRE_ENTRY_SIZE]);

/**
 * The entry whose id in hex starts with `prefix` (QUIRE_CLIENT_PREFIX_MIN … 32 characters; deleted
 * ones count). EINVALID: not such a prefix. ENOTFOUND. ECONFLICT: more than one does.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_find_entry(
    struct quire_client *client, const char *prefix, uint8_t out_entry[QUIRE_ENTRY_SIZE]);

/**
 * An entry's document, to read or edit with the functions of document.h and quire_client_stamp.
 * Borrowed until the next call that saves or syncs, or the 64th other call of this function; ask
 * again, it is cheap. ENOTFOUND: no such entry and not `create`.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_document(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], bool create, struct quire_document **out_document);

/** Who and when, for edits made now. Needs an open profile, else all zeros. Edits up to the next save, made
 * within two seconds, have one time: they are one version. */
QUIRE_API struct quire_stamp quire_client_stamp(struct quire_client *client);

/**
 * What was saved of this entry before, and is in no version yet, becomes a version: it is sealed. Call it
 * before the first edit of what is to be a version of its own; an app that saves as its user types need not.
 * As save.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_begin_version(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE]);

/**
 * Makes the entry's text equal to `text`, by as few edits as are found in bounded time, so that it
 * merges with what other devices write at the same time. An unknown entry is made. Then save.
 * EINVALID: not UTF-8. ELIMIT: longer than QUIRE_TEXT_MAX. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_edit_text(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_bytes text);

/**
 * For an editor that holds a text while other processes, or a sync, go on with the entry: take a
 * snapshot, close the profile if you like, and bring the edited text back later; what has happened
 * since is merged, not overwritten. A snapshot holds the text: wipe it. Errors as above, and
 * EMALFORMED, EUNSUPPORTED: not a snapshot that this version can read.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_snapshot(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_buffer *out_snapshot);
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_edit_text_since(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_bytes snapshot, struct quire_bytes text);

/** Keeps the pending edits of an entry; durable when it returns QUIRE_OK. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_save(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE]);

/**
 * Between begin and commit, saving is fast and not durable: commit makes all of it durable, in one
 * transaction, or none of it. Meant for about a hundred entries at a time. A profile that is closed
 * before commit keeps nothing of the batch. ESTATE: a batch is open; of commit: none is; blocking calls
 * give it while one is open. EIO, EFULL, ENOMEM: the profile is closed, as by quire_client_save.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_begin(struct quire_client *client);
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_commit(struct quire_client *client);

/**
 * The id for an entry that comes from elsewhere and is called `source` there: the same each time on this
 * profile, another one on every other profile, and a random one for who does not have the profile's key.
 * Nothing exists under it until something is saved. ESTATE: no profile is open.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_import_id(
    struct quire_client *client, struct quire_bytes source, uint8_t out_entry[QUIRE_ENTRY_SIZE]);

/** Visits a summary of every entry, deleted ones too, in order of ids, until visit returns false. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_each_entry(struct quire_client *client,
    bool (*visit)(void *context, const struct quire_summary *summary), void *context);

/** Visits the entries that the server does not have all of: see quire_device_each_unsent. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_each_unsent(struct quire_client *client,
    bool (*visit)(void *context, const uint8_t entry[QUIRE_ENTRY_SIZE]), void *context);

/**
 * Visits every entry, deleted ones too, whose title, text, tags and emotions hold each word of `query`
 * (UTF-8, at most QUIRE_QUERY_MAX bytes), in order of ids, until visit returns false. Capitals and the
 * accents of Latin letters do not matter, and a word may be a part of a longer one. Saved edits count.
 * The first search after much came in at once takes longer, and keeps what it gathered, encrypted.
 * EINVALID: no word, or not UTF-8. ELIMIT: too many.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_search(struct quire_client *client,
    struct quire_bytes query, bool (*visit)(void *context, const struct quire_summary *summary),
    void *context);

/* ---- history: all of it offline --------------------------------------------------------------- */

/**
 * Visits the versions of an entry, oldest first: see quire_device_each_version, whose rules hold. What
 * this device keeps is every batch since the account began; checkpoints, which are to drop the oldest,
 * are not made yet. Errors as there, and ENOTFOUND: no such entry.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_each_version(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE],
    bool (*visit)(
        void *context, const struct quire_version *version, const struct quire_document *document),
    void *context, uint64_t *out_unreadable);

/**
 * A copy of the entry as it was in a version: the one whose id in hex starts with `name`
 * (QUIRE_CLIENT_PREFIX_MIN … 64 characters); or the one of that number ("3", "#1234": with the sign from
 * four digits on); or, with "now", as it is, unsealed edits included.
 * out_document is the caller's: quire_document_destroy. out_id: of the version; zeros for "now".
 * EINVALID: not such a name. ENOTFOUND, ECONFLICT: no version, or more than one.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_version(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], const char *name, struct quire_document **out_document,
    uint8_t out_id[QUIRE_VERSION_SIZE]);

/** The same of the last version, in their order, that was written at wall_ms (ms since 1970, UTC) or
 * before. ENOTFOUND: the entry is younger. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_version_at(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], int64_t wall_ms, struct quire_document **out_document,
    uint8_t out_id[QUIRE_VERSION_SIZE]);

/**
 * Makes the entry show what `document` shows (text, fields, tags, emotions, deleted or not), by as few
 * ordinary edits as are found in bounded time, and saves: it merges with what other devices write meanwhile,
 * and restoring the version before it takes it back. What was not sealed is sealed first, so that the
 * state before is a version too: out_before has its id (zeros: none can be read). out_changed: anything
 * differed, so something was edited. Errors as edit_text and save.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_restore(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], const struct quire_document *document, bool *out_changed,
    uint8_t out_before[QUIRE_VERSION_SIZE]);

/**
 * A deleted entry comes back, with all that was in it, and is saved: by an edit that shows nothing, but that
 * the delete has not seen. EINVALID: it is not deleted. Else as save.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_undelete(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE]);

/** A copy of the entry as it was before its last version; what is saved and not sealed yet counts as one.
 * The caller's: quire_document_destroy. ENOTFOUND: there is none. Else as each_version. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_before_last(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_document **out_document);

/** One difference between two texts; positions and counts are code points. Borrowed for the visit. */
struct quire_hunk {
    size_t old_position, new_position;
    struct quire_bytes erased;   /* of the old text; may be empty */
    struct quire_bytes inserted; /* of the new text; may be empty */
};

/**
 * Visits what turns one text into another, from front to back, until visit returns false. Needs no
 * client. The hunks are few, found in bounded time, and always right. EINVALID: not UTF-8. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_text_diff(struct quire_bytes old_text,
    struct quire_bytes new_text, bool (*visit)(void *context, const struct quire_hunk *hunk),
    void *context);

/* ---- the account ----------------------------------------------------------------------------- */

/** What is known of this device, its account and its sync. All zeros without an open profile. */
QUIRE_API void quire_client_state(
    const struct quire_client *client, struct quire_device_state *out_state);

/** How many of each alarm's raisings (quire_device_state.alarms) the user has acknowledged; zeros if none. */
QUIRE_API void quire_client_acknowledged(
    struct quire_client *client, uint64_t out_counts[QUIRE_ALARM_COUNT]);

/** Acknowledges all that were raised so far: kept in the profile, encrypted. EIO, EFULL, ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_acknowledge(struct quire_client *client);

/** Visits every device of the account, revoked ones too, until visit returns false. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_each_device(struct quire_client *client,
    bool (*visit)(void *context, const struct quire_device_info *info), void *context);

/** Visits what the server refused and why; it is kept here and sent again. */
QUIRE_API void quire_client_each_rejection(const struct quire_client *client,
    bool (*visit)(void *context, const struct quire_rejection *rejection), void *context);

/**
 * The device whose id in hex starts with `name`, or whose name it is: one name space, so that a device named as
 * another's id is ambiguous and not taken for it. "id:…" and "name:…" say which is meant. Revoked devices
 * count only where no active one is meant. ENOTFOUND. ECONFLICT: several; the error lists them.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_find_device(
    struct quire_client *client, const char *name, uint8_t out_device[QUIRE_DEVICE_SIZE]);

/** The server's URL and the pinned fingerprint; "" if there is none. Until it is changed. */
QUIRE_API const char *quire_client_server(const struct quire_client *client);
QUIRE_API const char *quire_client_fingerprint(const struct quire_client *client);

/** Sets both in the profile, durably. fingerprint NULL: none is pinned. EINVALID: not a URL that
 * Quire can use, or not a fingerprint. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_set_server(
    struct quire_client *client, const char *url, const char *fingerprint);

/* ---- the server ------------------------------------------------------------------------------ */

/**
 * Seals and sends everything saved here and takes in everything that the server has, then hangs up.
 * Gives up after timeout_ms in which it got nowhere: nothing new came in (a slow line counts as long
 * as it brings 1 KiB in that time) and nothing more was acknowledged, however often the server came
 * back or talked of other things; and after options.deadline_ms in any case. What came is kept, and
 * the next sync goes on from there.
 * EIO: no server, or it cannot be reached, stopped answering or got nowhere. ECRYPTO: its certificate is not
 * trusted. ESTATE: no server is set, or this device is not welcome (revoked). ECONFLICT: the server
 * refused something of ours (quire_client_each_rejection); the rest went through. Whatever it
 * returns, everything saved here is still here.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_sync(
    struct quire_client *client, uint32_t timeout_ms);

/** Stays in sync until quire_client_stop, connecting again whenever the line is cut, and giving the
 * profile to other processes that wait for it. QUIRE_OK: stopped, with the profile closed if another
 * process had it just then. ECRYPTO, ESTATE: as sync. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_follow(struct quire_client *client);

/** Ends the present blocking call soon, in good order; without one, the next. */
QUIRE_API void quire_client_stop(struct quire_client *client);

/**
 * Lets a new device join: NOTICE_PAIR_CODE brings the code to show, then this waits until the new
 * device has used it. out_device: who joined. EIO: no device did in timeout_ms, or as sync.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_pair(
    struct quire_client *client, uint32_t timeout_ms, uint8_t out_device[QUIRE_DEVICE_SIZE]);

/**
 * For a device that the server does not know any more, though it was not revoked: the server was put
 * back to a backup older than its enrolment, and other devices were added or revoked since. Enrols
 * this device again, with all it has, by the code that another one shows (quire_client_pair), then
 * syncs. EMALFORMED: not a code. ESTATE: revoked. As sync.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_rejoin(
    struct quire_client *client, const char *code, uint32_t timeout_ms);

/** The last blocking call failed because there was no server to talk to, now: try again later. */
QUIRE_API bool quire_client_unreachable(const struct quire_client *client);

/** Revokes a device and changes the epoch key: it reads and writes nothing new from now on.
 * EINVALID: it is this device, which another one has to revoke. ENOTFOUND: no such device. As sync. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_client_revoke(
    struct quire_client *client, const uint8_t device[QUIRE_DEVICE_SIZE], uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
