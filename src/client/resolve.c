/*
 * A thread for one lookup. The last to finish, the thread or its caller, frees what they share.
 */
#define _GNU_SOURCE
#include "client/resolve.h"
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct qr_client_resolve {
    pthread_mutex_t lock;
    bool done, dropped;
    qr_client_look_up_function *look_up;
    struct qr_client_addresses addresses;
    char host[256];
};

void qr_client_look_up(const char *host, struct qr_client_addresses *out_addresses)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    out_addresses->count = 0;
    out_addresses->error = getaddrinfo(host, NULL, &hints, &found);
    for (const struct addrinfo *info = found;
         info != NULL && out_addresses->count < QR_CLIENT_ADDRESSES_MAX; info = info->ai_next) {
        out_addresses->count +=
            getnameinfo(info->ai_addr, info->ai_addrlen, out_addresses->text[out_addresses->count],
                QR_CLIENT_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST)
            == 0;
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    if (out_addresses->error == 0 && out_addresses->count == 0) {
        out_addresses->error = EAI_NONAME;
    }
}

static bool is_v6(const char *address)
{
    return strchr(address, ':') != NULL;
}

/* Moves the address at `from` forward to `to`; those between keep their order. */
static void move_forward(struct qr_client_addresses *addresses, size_t from, size_t to)
{
    char moved[QR_CLIENT_ADDRESS_SIZE];
    memcpy(moved, addresses->text[from], sizeof moved);
    memmove(addresses->text[to + 1], addresses->text[to], (from - to) * sizeof moved);
    memcpy(addresses->text[to], moved, sizeof moved);
}

void qr_client_addresses_arrange(struct qr_client_addresses *addresses, const char *worked)
{
    for (size_t to = 1; to < addresses->count; to++) {
        size_t from = to;
        while (from < addresses->count
            && is_v6(addresses->text[from]) == is_v6(addresses->text[to - 1])) {
            from++;
        }
        if (from < addresses->count) {
            move_forward(addresses, from, to);
        }
    }
    for (size_t i = 0; i < addresses->count; i++) {
        if (strcmp(addresses->text[i], worked) == 0) {
            move_forward(addresses, i, 0);
            return;
        }
    }
}

static void destroy(struct qr_client_resolve *resolve)
{
    pthread_mutex_destroy(&resolve->lock);
    free(resolve);
}

static void *run(void *argument)
{
    struct qr_client_resolve *resolve = argument;
    struct qr_client_addresses addresses = {.count = 0};
    resolve->look_up(resolve->host, &addresses);
    pthread_mutex_lock(&resolve->lock);
    resolve->addresses = addresses;
    resolve->done = true;
    bool dropped = resolve->dropped;
    pthread_mutex_unlock(&resolve->lock);
    if (dropped) {
        destroy(resolve);
    }
    return NULL;
}

struct qr_client_resolve *qr_client_resolve_start(
    const char *host, qr_client_look_up_function *look_up)
{
    struct qr_client_resolve *resolve = calloc(1, sizeof *resolve);
    pthread_attr_t attributes;
    pthread_t thread;
    if (resolve == NULL || strlen(host) >= sizeof resolve->host) {
        free(resolve);
        return NULL;
    }
    memcpy(resolve->host, host, strlen(host) + 1);
    resolve->look_up = look_up;
    pthread_mutex_init(&resolve->lock, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int code = pthread_create(&thread, &attributes, run, resolve);
    pthread_attr_destroy(&attributes);
    if (code != 0) {
        destroy(resolve);
        return NULL;
    }
    return resolve;
}

bool qr_client_resolve_done(
    struct qr_client_resolve *resolve, struct qr_client_addresses *out_addresses)
{
    pthread_mutex_lock(&resolve->lock);
    bool done = resolve->done;
    if (done) {
        *out_addresses = resolve->addresses;
    }
    pthread_mutex_unlock(&resolve->lock);
    return done;
}

void qr_client_resolve_drop(struct qr_client_resolve *resolve)
{
    if (resolve == NULL) {
        return;
    }
    pthread_mutex_lock(&resolve->lock);
    bool done = resolve->done;
    resolve->dropped = true;
    pthread_mutex_unlock(&resolve->lock);
    if (done) {
        destroy(resolve);
    }
}
