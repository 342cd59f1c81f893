/*
 * The limit of connections per address.
 */
#include "server/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 16384
#define MINUTE_MS 60000

struct slot {
    uint64_t bits;
    uint64_t seen_ms;
    uint64_t level; /* connections × MINUTE_MS that are counted; runs off with time */
};

struct qr_addresses {
    uint32_t per_minute;
    bool limit_loopback;
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct slot slots[SLOTS];
};

static uint64_t bits_of(uint32_t address_v4)
{
    return 0xffff00000000ull | ntohl(address_v4);
}

struct qr_address qr_address_of(const struct sockaddr *address)
{
    struct qr_address out = {0};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        out.bits = bits_of(v4.sin_addr.s_addr);
        out.loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            uint32_t v4;
            memcpy(&v4, v6.sin6_addr.s6_addr + 12, sizeof v4);
            out.bits = bits_of(v4);
            out.loopback = (ntohl(v4) >> 24) == 127;
        } else {
            memcpy(&out.bits, v6.sin6_addr.s6_addr, sizeof out.bits);
            out.bits |= 1; /* never 0, and never an IPv4 address on this little scale */
            out.loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
        }
    }
    return out;
}

struct qr_address qr_address_of_text(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return qr_address_of((const struct sockaddr *)&v4);
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        return qr_address_of((const struct sockaddr *)&v6);
    }
    return (struct qr_address){0};
}

struct qr_addresses *qr_addresses_create(
    uint32_t per_minute, bool limit_loopback, const uint8_t key[16])
{
    struct qr_addresses *addresses = calloc(1, sizeof *addresses);
    if (addresses != NULL) {
        addresses->per_minute = per_minute;
        addresses->limit_loopback = limit_loopback;
        memcpy(addresses->key, key, sizeof addresses->key);
    }
    return addresses;
}

void qr_addresses_destroy(struct qr_addresses *addresses)
{
    free(addresses);
}

static bool exempt(const struct qr_addresses *addresses, struct qr_address address)
{
    return addresses->per_minute == 0 || address.bits == 0
        || (address.loopback && !addresses->limit_loopback);
}

static struct slot *slot_of(
    struct qr_addresses *addresses, struct qr_address address, uint64_t now_ms)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t number;
    crypto_shorthash(hash, (const uint8_t *)&address.bits, sizeof address.bits, addresses->key);
    memcpy(&number, hash, sizeof number);
    struct slot *slot = &addresses->slots[number % SLOTS];
    if (slot->bits != address.bits) {
        *slot = (struct slot){.bits = address.bits, .seen_ms = now_ms};
    }
    uint64_t gone = (now_ms - slot->seen_ms) * addresses->per_minute;
    slot->level -= gone < slot->level ? gone : slot->level;
    slot->seen_ms = now_ms;
    return slot;
}

bool qr_addresses_count(const struct qr_addresses *addresses, struct qr_address address)
{
    return address.bits != 0 && (!address.loopback || addresses->limit_loopback);
}

bool qr_addresses_admit(struct qr_addresses *addresses, struct qr_address address, uint64_t now_ms)
{
    if (exempt(addresses, address)) {
        return true;
    }
    struct slot *slot = slot_of(addresses, address, now_ms);
    if (slot->level + MINUTE_MS > (uint64_t)addresses->per_minute * MINUTE_MS) {
        return false;
    }
    slot->level += MINUTE_MS;
    return true;
}

void qr_addresses_return(struct qr_addresses *addresses, struct qr_address address, uint64_t now_ms)
{
    if (!exempt(addresses, address)) {
        struct slot *slot = slot_of(addresses, address, now_ms);
        slot->level -= slot->level < MINUTE_MS ? slot->level : MINUTE_MS;
    }
}
