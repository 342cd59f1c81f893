/*
 * What an operator may set. One table gives the flags, the environment variables and --help.
 */
#ifndef QR_SERVER_OPTIONS_H
#define QR_SERVER_OPTIONS_H

#include "server/log.h"
#include "server/proxy.h"
#include "sync/hub/hub.h"
#include <stdio.h>

#define QR_HOSTS_MAX 32
#define QR_LISTENS_MAX 8

enum qr_registration {
    QR_REGISTRATION_OPEN,
    QR_REGISTRATION_INVITE, /* those that DATA/invitations lists */
    QR_REGISTRATION_CLOSED,
};

struct qr_options {
    char listens[QR_LISTENS_MAX][QR_HOST_MAX + 1];
    uint32_t listen_count; /* at least 1 */
    const char *data;
    char hosts[QR_HOSTS_MAX][QR_HOST_MAX + 1];
    uint32_t host_count;
    bool no_tls;
    const char *cert, *key;
    uint32_t workers;
    uint32_t commit_window_us;
    uint32_t connections_per_minute;
    bool limit_loopback;
    bool trust_forwarded;
    char proxies[QR_PROXIES_MAX][QR_PROXY_TEXT_MAX + 1]; /* whose PROXY headers count */
    uint32_t proxy_count;
    uint64_t store_max;
    uint64_t reader_growth_max;
    uint32_t log_level, log_format; /* enum qr_log_level, enum qr_log_format */
    struct qr_hub_limits limits;
    uint32_t registration; /* enum qr_registration */
    bool check, version, help;
};

/**
 * Defaults, then the environment, then the arguments. Texts are borrowed from both. EINVALID: the
 * reason, with what to do, is in out_error (a sentence or two).
 * get_environment: getenv, or a test's own.
 */
QUIRE_CHECKED enum quire_status qr_options_read(int argc, char *const *argv,
    const char *(*get_environment)(const char *name), struct qr_options *out_options,
    char *out_error, size_t error_size);

void qr_options_help(FILE *out);

/** Splits "host:port" or "[address]:port" into its parts; false: it is not that. */
bool qr_options_address(const char *text, char *out_host, size_t host_size, uint16_t *out_port);

#endif
