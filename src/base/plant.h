/*
 * Bugs that can be planted and defences that can be taken out, to see that the tests notice. In what
 * ships, each condition is the constant false and leaves no code behind. A core that is built with
 * QR_TEETH asks an array of the program instead, so that one program has all of them: quire-sim-teeth.
 */
#ifndef QR_BASE_PLANT_H
#define QR_BASE_PLANT_H

#include <stdbool.h>

/* Bugs such as anybody might write; fresh seeds must find each. */
#define QR_PLANTED_BUGS(X)                                                                         \
    X(ACK_BEFORE_COMMIT, "hub: acknowledges what the disk does not have yet")                      \
    X(ACK_ONE_TOO_MANY, "hub: a commit counts for one record more than it wrote")                  \
    X(HUB_NO_DEPS_CHECK, "hub: takes a batch whose causes it lacks")                               \
    X(ONE_CHAIN, "device: every process goes on with the profile's chain")                         \
    X(STAMP_KEPT, "device: an old backup's stamp still fits")                                      \
    X(NO_DEPS_CHECK, "device: applies a batch whose causes it lacks")                              \
    X(SENT_BEFORE_DURABLE, "device: sends what its own disk does not have yet")                    \
    X(SAVED_ONCE, "device: of several saves before a seal only the first is kept")                 \
    X(WANT_LOSES_LAST, "codec: the last range of a WANT is not read")                              \
    X(MISSING_AAD, "crypto: the entry is missing from key and associated data")                    \
    X(MERGE_OVERWRITES, "crdt: the register that is merged last wins")                             \
    X(TIE_BY_ARRIVAL, "crdt: letters typed at one place stand in order of arrival")                \
    X(ERASE_STOPS, "crdt: an erasure ends at the first cut in the text")

#define QR_PLANTS(X) QR_PLANTED_BUGS(X)

enum qr_plant {
#define QR_PLANT_ONE(name, text) QR_PLANT_##name,
    QR_PLANTS(QR_PLANT_ONE)
#undef QR_PLANT_ONE
        QR_PLANT_COUNT
};

#ifdef QR_TEETH
extern bool qr_planted[QR_PLANT_COUNT]; /* of the program; all false until it says otherwise */
#define QR_PLANTED(name) (qr_planted[QR_PLANT_##name])
#else
#define QR_PLANTED(name) false
#endif

#endif
