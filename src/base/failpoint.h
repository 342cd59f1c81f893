/*
 * Deliberate bugs that can be switched on and defences that can be taken out, to see that the tests notice. In what
 * ships, each condition is the constant false and leaves no code behind. A core that is built with
 * QR_FAILPOINTS_BUILT asks an array of the program instead, so that one program has all of them: quire-sim-mutants.
 */
#ifndef QR_BASE_FAILPOINT_H
#define QR_BASE_FAILPOINT_H

#include <stdbool.h>

/* Bugs such as anybody might write; fresh seeds must find each. */
#define QR_DELIBERATE_BUGS(X) \
    X(ACK_BEFORE_COMMIT, "hub: acknowledges what the disk does not have yet") \
    X(ACK_ONE_TOO_MANY, "hub: a commit counts for one record more than it wrote") \
    X(HUB_NO_DEPS_CHECK, "hub: takes a batch whose deps it lacks") \
    X(ONE_CHAIN, "device: every process goes on with the profile's chain") \
    X(STAMP_KEPT, "device: an old backup's stamp still fits") \
    X(NO_DEPS_CHECK, "device: applies a batch whose deps it lacks") \
    X(SENT_BEFORE_DURABLE, "device: sends what its own disk does not have yet") \
    X(CREDIT_ONCE, "device: what it took in is never given back as credit") \
    X(UNREAD_FORGOTTEN, "device: what a later version wrote is never opened") \
    X(SAVED_ONCE, "device: of several saves before a seal only the first is kept") \
    X(WANT_LOSES_LAST, "codec: the last range of a WANT is not read") \
    X(MISSING_AAD, "crypto: the entry is missing from key and associated data") \
    X(MERGE_OVERWRITES, "crdt: the register that is merged last wins") \
    X(TIE_BY_ARRIVAL, "crdt: letters typed at one place stand in order of arrival") \
    X(ERASE_STOPS, "crdt: an erasure ends at the first cut in the text") \
    X(MERGE_LIMITED, "crdt: a merge that goes beyond a limit of writing is left out")

/* Defences against a hostile server, or a hostile device, taken out; the strategy of simulation/adversary/
 * that must succeed then. */
#define QR_DEFENCES(X) \
    X(NO_SIGNATURE, "forge", "a batch is signed by its author") \
    X(NO_SIGNATURE_IN_HASH, "flip", "the hash of a batch stands for its signature, too") \
    X(NO_AUTHOR, "ghost-batch", "the author is on the roster") \
    X(NO_ROSTER_SIGNATURE, "ghost", "a roster record is signed by a member or the root") \
    X(NO_ROSTER_CHAIN, "roster-hole", "roster records follow each other") \
    X(NO_ROSTER_MEMORY, "old-roster", "the server's roster never goes back") \
    X(NO_PAIR_SECRET, "guessed-code", "a pairing is under a secret that the server does not see") \
    X(NO_COMMITMENT, "wrong-key", "an epoch key is the one that was committed to") \
    X(NO_NEW_EPOCH, "hide-revocation", "a revocation changes the epoch key") \
    X(NO_REVOCATION, "late-writes", "a revoked device writes nothing more") \
    X(NO_SERVER_MEMORY, "rollback", "what was acknowledged stays acknowledged") \
    X(NO_PAIRED_HEADS, "old-log", "a pairing tells how far the log has come") \
    X(NO_OMISSION_RULE, "partition", "a device that is caught up has what was acknowledged") \
    X(NO_DEPENDENCIES, "drop", "no effect without its deps") \
    X(NO_AGREEMENT, "boast", "caught up is who has all that the server names") \
    X(NO_GAP_CHECK, "reorder", "chains have no gaps") \
    X(NO_REPEAT_CHECK, "replay", "a batch is applied once") \
    X(NO_PLACE, "moved", "a ciphertext is bound to its place") \
    X(NO_UNREADABLE_ALARM, "moved", "what does not open is said") \
    X(NO_PREV_CHECK, "other-branch", "a batch names the one before it by hash") \
    X(NO_FORK_CHECK, "twice", "two batches at one place are noticed") \
    X(NO_VERSION_CHECK, "downgrade", "the version is one that was offered") \
    X(NO_FRAME_CHECK, "garbage", "frames are bounded before they are unpacked") \
    X(NO_CLOCK_CHECK, "clock", "a server's wrong time is noticed") \
    X(NO_CONTEXTS, "other-use", "a key, hash or signature is for one purpose") \
    X(NO_HEDGE, "same-dice", "a nonce rests on the content and its place, not on dice alone") \
    X(NO_PADDING, "weigh", "contents are padded") \
    X(CLOCK_WINS, "end-of-time", "what was seen is overwritten, whatever its clock said") \
    X(HUB_NO_SIGNATURE, "hub-forge", "the hub checks signatures") \
    X(HUB_NO_AUTHOR, "hub-ghost", "the hub knows who is on the roster") \
    X(HUB_NO_OWNER, "hub-chain", "a chain has one device") \
    X(HUB_NO_DEPENDENCIES, "hub-effect", "the hub takes no effect without its deps") \
    X(HUB_NO_FORK_CHECK, "hub-twice", "the hub compares what it has with what comes again") \
    X(HUB_NO_RATE, "hub-flood", "the hub takes so much a second from a user") \
    X(HUB_NO_AUTH, "hub-pose", "a connection proves whose it is") \
    X(HUB_ONE_BUDGET, "hub-appends", "each device has a budget of its own for roster records") \
    X(HUB_NO_CHAIN_RESERVE, "hub-chains", "the last chains are for devices that have few")

#define QR_FAILPOINTS(X) QR_DELIBERATE_BUGS(X) QR_DEFENCES(X)

enum qr_failpoint {
#define QR_FAILPOINT_ONE(name, ...) QR_FAILPOINT_##name,
    QR_FAILPOINTS(QR_FAILPOINT_ONE)
#undef QR_FAILPOINT_ONE
        QR_FAILPOINT_COUNT
};

#ifdef QR_FAILPOINTS_BUILT
extern bool
    qr_failpoints[QR_FAILPOINT_COUNT]; /* of the program; all false until it says otherwise */
#define QR_FAILPOINT_ON(name) (qr_failpoints[QR_FAILPOINT_##name])
#else
#define QR_FAILPOINT_ON(name) false
#endif

#endif
