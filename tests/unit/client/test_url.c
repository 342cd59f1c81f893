/*
 * Addresses, fingerprints and the config file.
 */
#include "client/config.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(url, host_is_what_is_dialled)
{
    static const struct {
        const char *text, *address, *host;
        uint16_t port;
        bool tls, loopback;
    } good[] = {
        {"wss://quire.example:7443", "quire.example", "quire.example:7443", 7443, true, false},
        {"wss://quire.example", "quire.example", "quire.example", 443, true, false},
        {"wss://quire.example:443", "quire.example", "quire.example:443", 443, true, false},
        {"WSS://Quire.Example:7443/", "quire.example", "quire.example:7443", 7443, true, false},
        {"wss://quire.example/quire", "quire.example", "quire.example", 443, true, false},
        {"ws://127.0.0.1:80", "127.0.0.1", "127.0.0.1:80", 80, false, true},
        {"ws://127.1.2.3", "127.1.2.3", "127.1.2.3", 80, false, true},
        {"ws://localhost:1", "localhost", "localhost:1", 1, false, true},
        {"wss://[::1]:65535", "::1", "[::1]:65535", 65535, true, true},
        {"wss://[2001:DB8::7]", "2001:db8::7", "[2001:db8::7]", 443, true, false},
        {"ws://127.0.0.1.example", "127.0.0.1.example", "127.0.0.1.example", 80, false, false},
        {"ws://localhost.example", "localhost.example", "localhost.example", 80, false, false},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct qr_client_url url;
        cr_assert_eq(qr_client_url_parse(good[i].text, &url), QUIRE_OK, "%s", good[i].text);
        cr_assert_str_eq(url.address, good[i].address);
        cr_assert_str_eq(url.host, good[i].host);
        cr_assert_eq(url.port, good[i].port);
        cr_assert_eq(url.tls, good[i].tls);
        cr_assert_eq(url.loopback, good[i].loopback, "%s", good[i].text);
        char text[QR_CLIENT_URL_MAX + 1];
        struct qr_client_url again;
        qr_client_url_text(&url, text);
        cr_assert_eq(qr_client_url_parse(text, &again), QUIRE_OK);
        cr_assert_str_eq(again.host, url.host);
    }
}

Test(url, what_is_no_address_is_refused)
{
    static const char *const bad[] = {"", "quire.example", "http://quire.example", "wss://",
        "wss://:443", "wss://a:", "wss://a:0", "wss://a:65536", "wss://a:1234567", "wss://a:01",
        "wss://a:-1", "wss://a b", "wss://a/b", "wss://a?x", "wss://user@a", "wss://[::1",
        "wss://::1", "wss://a\nHost: b", "wss://a:80:80", "wss:/a", "wss://a\"", "wss://é"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct qr_client_url url;
        memset(&url, 7, sizeof url);
        struct qr_client_url before = url;
        cr_assert_eq(qr_client_url_parse(bad[i], &url), QUIRE_EINVALID, "%s", bad[i]);
        cr_assert_eq(memcmp(&before, &url, sizeof url), 0, "output touched");
    }
    char longest[600];
    memset(longest, 'a', sizeof longest - 1);
    memcpy(longest, "wss://", 6);
    struct qr_client_url url;
    for (size_t size = 200; size < 599; size++) {
        longest[size] = 0;
        bool taken = qr_client_url_parse(longest, &url) == QUIRE_OK;
        cr_assert(!taken || size - 6 <= QR_CLIENT_HOST_MAX - 8);
        longest[size] = 'a';
    }
}

Test(url, a_fingerprint_is_64_digits_with_colons_or_without)
{
    char out[QR_CLIENT_FINGERPRINT_HEX + 1];
    char plain[65], colons[128] = "";
    for (int i = 0; i < 32; i++) {
        sprintf(plain + 2 * i, "%02X", i * 7 % 256);
        sprintf(colons + strlen(colons), i == 0 ? "%02X" : ":%02X", i * 7 % 256);
    }
    cr_assert_eq(qr_client_fingerprint_parse(plain, out), QUIRE_OK);
    cr_assert_eq(strspn(out, "0123456789abcdef"), 64);
    char again[QR_CLIENT_FINGERPRINT_HEX + 1];
    cr_assert_eq(qr_client_fingerprint_parse(colons, again), QUIRE_OK);
    cr_assert_str_eq(out, again);
    plain[63] = 0;
    cr_assert_eq(qr_client_fingerprint_parse(plain, out), QUIRE_EINVALID);
    cr_assert_eq(qr_client_fingerprint_parse("", out), QUIRE_EINVALID);
    strcat(colons, ":");
    cr_assert_eq(qr_client_fingerprint_parse(colons, out), QUIRE_EINVALID);
    cr_assert_str_eq(out, again);
}

static enum quire_status parse(const char *text, struct qr_client_config *config, unsigned *line)
{
    return qr_client_config_parse(quire_bytes_of_text(text), config, line);
}

Test(config, what_is_written_is_read_again)
{
    struct qr_client_config config = {.stage = QR_CLIENT_STAGE_JOINING}, again;
    strcpy(config.key_name, "0123456789abcdef");
    strcpy(config.server, "wss://quire.example:7443");
    memset(config.pin.certificate, 'a', 64);
    struct quire_buffer text = {0};
    unsigned line = 99;
    cr_assert_eq(qr_client_config_text(&config, &text), QUIRE_OK);
    cr_assert_eq(qr_client_config_parse(quire_buffer_bytes(&text), &again, &line), QUIRE_OK);
    cr_assert_eq(again.stage, config.stage);
    cr_assert_str_eq(again.key_name, config.key_name);
    cr_assert_str_eq(again.server, config.server);
    cr_assert_str_eq(again.pin.certificate, config.pin.certificate);
    quire_buffer_finish(&text);
}

Test(config, a_hand_may_have_edited_it)
{
    struct qr_client_config config;
    unsigned line = 0;
    cr_assert_eq(parse("\n  # mine\r\nformat=1\r\n\tkey =0123456789abcdef  \nserver= WSS://A:1/",
                     &config, &line),
        QUIRE_OK);
    cr_assert_str_eq(config.server, "wss://a:1");
    cr_assert_eq(config.stage, QR_CLIENT_STAGE_READY);
}

Test(config, a_wrong_line_is_named)
{
    struct qr_client_config config = {.stage = QR_CLIENT_STAGE_JOINING};
    unsigned line = 0;
    cr_assert_eq(parse("format = 1\nkey = 0123456789abcdef\nserver = http://a\n", &config, &line),
        QUIRE_EMALFORMED);
    cr_assert_eq(line, 3);
    cr_assert_eq(parse("format = 1\nno equals\n", &config, &line), QUIRE_EMALFORMED);
    cr_assert_eq(line, 2);
    cr_assert_eq(parse("format = 1\nwhat = this\n", &config, &line), QUIRE_EMALFORMED);
    cr_assert_eq(parse("format = 1\nkey = ../../etc/x\n", &config, &line), QUIRE_EMALFORMED);
    cr_assert_eq(parse("format = 1\nfingerprint = abc\n", &config, &line), QUIRE_EMALFORMED);
    cr_assert_eq(parse("format = 1\nstage = dancing\n", &config, &line), QUIRE_EMALFORMED);
    cr_assert_eq(parse("format = 3\n", &config, &line), QUIRE_EUNSUPPORTED);
    cr_assert_eq(parse("", &config, &line), QUIRE_EMALFORMED);
    cr_assert_eq(line, 0);
    cr_assert_eq(parse("format = 1\n", &config, &line), QUIRE_EMALFORMED);
    const uint8_t zero[] = "format = 1\0\n";
    cr_assert_eq(
        qr_client_config_parse((struct quire_bytes){zero, 12}, &config, &line), QUIRE_EMALFORMED);
    char longest[2000];
    memset(longest, 'x', sizeof longest);
    cr_assert_eq(
        qr_client_config_parse((struct quire_bytes){(uint8_t *)longest, 2000}, &config, &line),
        QUIRE_EMALFORMED);
    cr_assert_eq(config.stage, QR_CLIENT_STAGE_JOINING, "output touched");
}
