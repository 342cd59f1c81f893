/*
 * The agent: a process of the user that has a profile's key for a while, in locked memory.
 *
 * It listens on a socket in the runtime folder (mode 0600), named by the key file, and answers processes
 * of the same user alone (SO_PEERCRED). It ends when its time is over, when it is told to forget, or when
 * its socket is gone. The time counts while the machine sleeps (CLOCK_BOOTTIME).
 *
 *     request:  u8 'k' the key, which begins the time anew | 's' the state | 'f' forget
 *     reply:    u8 1 ‖ u32 seconds left ‖ key 32, zeros but for 'k'     (of this machine: native order)
 */
#ifndef QR_CLIENT_AGENT_H
#define QR_CLIENT_AGENT_H

#include "client/error.h"
#include "client/keybox.h"

#define QR_CLIENT_AGENT_SECONDS 900 /* unless the user says otherwise */
#define QR_CLIENT_AGENT_SECONDS_MAX (7 * 86400)

enum qr_client_agent_request {
    QR_CLIENT_AGENT_KEY = 'k',
    QR_CLIENT_AGENT_STATE = 's',
    QR_CLIENT_AGENT_FORGET = 'f',
};

struct qr_client_agent_reply {
    uint8_t good;
    uint32_t seconds;
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
};

/** Asks the agent of a key file for the key. False: there is none, or it has another key than the one with
 * that check. The caller wipes out_key. */
bool qr_client_agent_key(const char *key_file, const uint8_t check[QR_CLIENT_KEYBOX_CHECK],
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE]);

/** For how long the agent still has the key if no process asks for it; 0: there is none. */
uint32_t qr_client_agent_seconds(const char *key_file);

/** Makes it forget the key, and waits until it has. False: there was none. */
bool qr_client_agent_forget(const char *key_file);

/**
 * Starts one, in the place of the one that there is. out_locked: its memory never goes to the swap.
 * Forks: call it in a process with one thread, no profile open, and no other copy of the key; the agent
 * wipes its copy of `key`. EIO.
 */
QUIRE_CHECKED enum quire_status qr_client_agent_start(const char *key_file,
    uint8_t key[QUIRE_PROFILE_KEY_SIZE], uint32_t seconds, bool *out_locked,
    struct qr_client_error *error);

/** Of a socket in the runtime folder, named by the real path of `path` and by `kind`. Errors as below. (ask.c) */
struct sockaddr_un;
QUIRE_CHECKED enum quire_status qr_client_socket_address(const char *path, const char *kind,
    struct sockaddr_un *out_address, struct qr_client_error *error);

/** The path of the socket. ELIMIT: longer than an address may be. EIO: no runtime folder. (ask.c) */
QUIRE_CHECKED enum quire_status qr_client_agent_address(
    const char *key_file, struct sockaddr_un *out_address, struct qr_client_error *error);

/** The other end is a process of this user. (ask.c) */
bool qr_client_agent_is_ours(int connection);

#endif
