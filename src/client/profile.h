/*
 * A profile's folder: its lock, its turns and its config.
 *
 * A process that wants the profile holds a shared lock on `waiting` until it has the exclusive one on
 * `lock`. A process that stays for long (quire_client_follow) sees that lock and gives way.
 */
#ifndef QR_CLIENT_PROFILE_H
#define QR_CLIENT_PROFILE_H

#include "client/config.h"
#include "client/files.h"

struct qr_client_profile {
    struct qr_client_path path; /* real path */
    int lock;                   /* descriptor; −1: not held */
    struct qr_client_config config;
};

/** Where it is: `option`, else $QUIRE_PROFILE, else <data home>/quire/default. */
QUIRE_CHECKED enum quire_status qr_client_profile_path(
    const char *option, struct qr_client_path *out_path, struct qr_client_error *error);

/** Takes the lock and reads the config. ENOTFOUND, ELOCKED, EUNSUPPORTED, EMALFORMED, EIO. */
QUIRE_CHECKED enum quire_status qr_client_profile_open(const char *path, uint32_t wait_ms,
    struct qr_client_profile *out_profile, struct qr_client_error *error);

/** The same without the lock, to read: profile->lock stays −1. The folder may be read-only. */
QUIRE_CHECKED enum quire_status qr_client_profile_look(
    const char *path, struct qr_client_profile *out_profile, struct qr_client_error *error);

/** The process that holds the lock waits on the network: it goes on for long, and merges the inbox. */
void qr_client_profile_set_online(const struct qr_client_profile *profile, bool online);
/** The lock is held by such a process. */
bool qr_client_profile_is_online(const char *path);

/**
 * Makes the folder, takes the lock and writes a config of that stage with a key name of its own.
 * A profile that was never finished is begun anew. ECONFLICT: there is one; it is untouched.
 */
QUIRE_CHECKED enum quire_status qr_client_profile_make(const char *path, uint32_t wait_ms,
    enum qr_client_stage stage, struct qr_client_profile *out_profile,
    struct qr_client_error *error);

/** Writes the config, durably. */
QUIRE_CHECKED enum quire_status qr_client_profile_save(
    const struct qr_client_profile *profile, struct qr_client_error *error);

/** Removes what make made; the folder too if nothing else is in it. The lock is given back. */
void qr_client_profile_unmake(struct qr_client_profile *profile);

/** Another process waits for it. */
bool qr_client_profile_wanted(const struct qr_client_profile *profile);

/** Gives the lock back; the path stays for open. */
void qr_client_profile_close(struct qr_client_profile *profile);

/** Where the records are. */
QUIRE_CHECKED enum quire_status qr_client_profile_records(const struct qr_client_profile *profile,
    struct qr_client_path *out_path, struct qr_client_error *error);

#endif
