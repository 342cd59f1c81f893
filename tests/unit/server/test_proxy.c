/*
 * PROXY headers, as proxies write them and as they must not.
 */
#include "server/proxy.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

static enum qr_proxy_result parse(const void *data, size_t size, struct qr_proxy_header *out_header)
{
    return qr_proxy_parse(data, size, out_header);
}

static uint64_t bits_of(const char *text)
{
    return qr_address_of_text(text).bits;
}

/* Done with exactly these bytes, more with each beginning of them. */
static void accepts(const void *data, size_t size, const char *client)
{
    struct qr_proxy_header header = {0};
    for (size_t cut = 0; cut < size; cut++) {
        cr_assert_eq(parse(data, cut, &header), QR_PROXY_MORE, "cut at %zu", cut);
    }
    uint8_t longer[1024];
    memcpy(longer, data, size);
    memcpy(longer + size, "GET /", 5);
    cr_assert_eq(parse(longer, size + 5, &header), QR_PROXY_DONE);
    cr_assert_eq(header.size, size);
    cr_assert_eq(header.address.bits, client == NULL ? 0 : bits_of(client));
    cr_assert_not(header.address.loopback);
}

static void refuses(const void *data, size_t size)
{
    struct qr_proxy_header header = {.size = 99};
    cr_assert_eq(parse(data, size, &header), QR_PROXY_BAD);
    cr_assert_eq(header.size, 99);
}

Test(proxy, lines_of_version_1)
{
    static const struct {
        const char *line, *client;
    } good[] = {
        {"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n", "203.0.113.7"},
        {"PROXY TCP4 127.0.0.1 127.0.0.1 0 65535\r\n", "127.0.0.1"},
        {"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7"},
        {"PROXY UNKNOWN\r\n", NULL},
        {"PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n", NULL},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        accepts(good[i].line, strlen(good[i].line), good[i].client);
    }
    static const char *const bad[] = {"GET / HTTP/1.1\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n", "PROXY TCP4 203.0.113.7 192.0.2.1 1\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 1 65536\r\n", "PROXY TCP4 203.0.113.7 192.0.2.1 01 2\r\n",
        "PROXY TCP4 203.0.113.7  192.0.2.1 1 2\r\n", "PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n",
        "PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n", "PROXY TCP5 203.0.113.7 192.0.2.1 1 2\r\n",
        "PROXY TCP4 a.example b.example 1 2\r\n", "PROXY UNKNOWNS\r\n", "PROXY \r\n",
        "PROXY TCP4\r\n", "proxy TCP4 203.0.113.7 192.0.2.1 1 2\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuses(bad[i], strlen(bad[i]));
    }
    char endless[200] = "PROXY UNKNOWN ";
    memset(endless + 14, 'a', sizeof endless - 14);
    struct qr_proxy_header header;
    cr_assert_eq(parse(endless, 106, &header), QR_PROXY_MORE);
    cr_assert_eq(parse(endless, 107, &header), QR_PROXY_BAD);
    refuses("PROXY UNKNOWN \0\r\n", 17);
}

/* The fixed part, then `size` bytes that begin with `addresses`. */
static size_t version_2(
    uint8_t *out, uint8_t command, uint8_t family, size_t size, const void *addresses)
{
    memcpy(out, "\r\n\r\n\0\r\nQUIT\n", 12);
    out[12] = command;
    out[13] = family;
    out[14] = (uint8_t)(size >> 8);
    out[15] = (uint8_t)size;
    memset(out + 16, 0, size);
    memcpy(out + 16, addresses, size < 36 ? size : 36);
    return 16 + size;
}

Test(proxy, headers_of_version_2)
{
    uint8_t addresses[36] = {203, 0, 113, 7, 192, 0, 2, 1, 1, 2, 3, 4};
    uint8_t data[1024];
    accepts(data, version_2(data, 0x21, 0x11, 12, addresses), "203.0.113.7");
    accepts(data, version_2(data, 0x21, 0x11, 520, addresses), "203.0.113.7"); /* with TLVs */
    accepts(data, version_2(data, 0x20, 0x00, 0, addresses), NULL);
    accepts(data, version_2(data, 0x20, 0x11, 12, addresses), NULL);
    accepts(data, version_2(data, 0x21, 0x00, 0, addresses), NULL);
    refuses(data, version_2(data, 0x21, 0x11, 11, addresses));
    refuses(data, version_2(data, 0x21, 0x11, 521, addresses));
    refuses(data, version_2(data, 0x21, 0x12, 12, addresses));  /* UDP */
    refuses(data, version_2(data, 0x21, 0x31, 216, addresses)); /* a UNIX socket */
    refuses(data, version_2(data, 0x22, 0x11, 12, addresses));
    refuses(data, version_2(data, 0x11, 0x11, 12, addresses));
    inet_pton(AF_INET6, "2001:db8::7", addresses);
    accepts(data, version_2(data, 0x21, 0x21, 36, addresses), "2001:db8::7");
    refuses(data, version_2(data, 0x21, 0x21, 35, addresses));
}

Test(proxy, a_proxy_is_known_by_its_whole_address)
{
    struct qr_proxies proxies = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    inet_pton(AF_INET, "192.0.2.9", &v4.sin_addr);
    cr_assert_not(qr_proxies_know(&proxies, (struct sockaddr *)&v4));
    cr_assert(qr_proxies_add(&proxies, "192.0.2.9"));
    cr_assert(qr_proxies_add(&proxies, "2001:db8::9"));
    cr_assert_not(qr_proxies_add(&proxies, "proxy.example"));
    cr_assert(qr_proxies_know(&proxies, (struct sockaddr *)&v4));
    inet_pton(AF_INET6, "::ffff:192.0.2.9", &v6.sin6_addr);
    cr_assert(qr_proxies_know(&proxies, (struct sockaddr *)&v6));
    inet_pton(AF_INET6, "2001:db8::8", &v6.sin6_addr);
    cr_assert_not(qr_proxies_know(&proxies, (struct sockaddr *)&v6));
    for (unsigned i = 2; i < QR_PROXIES_MAX; i++) {
        cr_assert(qr_proxies_add(&proxies, "192.0.2.9"));
    }
    cr_assert_not(qr_proxies_add(&proxies, "192.0.2.9"));
}
