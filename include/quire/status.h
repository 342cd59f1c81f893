/*
 * Every error that Quire's functions return, once: name, number, sentence.
 * A status says what happened to the call; on anything but QUIRE_OK outputs are untouched.
 */
#ifndef QUIRE_STATUS_H
#define QUIRE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_CHECKED __attribute__((warn_unused_result))
#define QUIRE_API __attribute__((visibility("default")))

enum quire_status {
    QUIRE_OK = 0,
    QUIRE_ENOMEM = 1,     /* no memory; the same call may be made again */
    QUIRE_EMALFORMED = 2, /* a stranger's bytes are not what they claim to be */
    QUIRE_ELIMIT = 3,     /* a limit of protocol/limits.md was reached */
    QUIRE_EINVALID = 4,   /* an argument is outside of what the header allows */
    QUIRE_ENOTFOUND = 5,  /* there is no such thing */
    QUIRE_ECRYPTO = 6,    /* a signature, seal or commitment does not hold */
    QUIRE_ESTATE = 7,     /* not now: the object is in another state (offline, closed, revoked) */
    QUIRE_ECONFLICT = 8,  /* another process or device was first; read again and retry */
    QUIRE_EIO = 9,        /* the disk or the network failed */
    QUIRE_EFULL = 10,     /* the disk or the map is full; what was stored is safe */
    QUIRE_ECORRUPT = 11,  /* stored bytes do not match their hash */
    QUIRE_ELOCKED = 12,   /* another process holds it */
    QUIRE_EUNSUPPORTED = 13, /* a newer version wrote this */
    QUIRE_STATUS_COUNT
};

/** The status in one English sentence without a full stop; never NULL, static storage. */
QUIRE_API const char *quire_status_text(enum quire_status status);

#ifdef __cplusplus
}
#endif
#endif
