/*
 * Options, host names, addresses and log lines.
 */
#include "server/addresses.h"
#include "server/hosts.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static const char *some_environment(const char *name)
{
    return strcmp(name, "QUIRED_IDLE_MS") == 0 ? "5000"
        : strcmp(name, "QUIRED_HOST") == 0     ? "a.example,b.example"
        : strcmp(name, "QUIRED_NO_TLS") == 0   ? "1"
                                               : NULL;
}

static enum quire_status read_options(struct qr_options *options, char error[200],
    const char *(*environment)(const char *), const char *first, const char *second)
{
    char name[] = "quired";
    char one[200] = "", two[200] = "";
    int count = 1 + (first != NULL) + (second != NULL);
    snprintf(one, sizeof one, "%s", first != NULL ? first : "");
    snprintf(two, sizeof two, "%s", second != NULL ? second : "");
    char *const arguments[] = {name, one, two, NULL};
    error[0] = 0;
    return qr_options_read(count, arguments, environment, options, error, 200);
}

Test(options, without_arguments_they_are_those_of_the_protocol)
{
    struct qr_options options;
    struct qr_hub_limits limits;
    char error[200];
    qr_hub_limits_default(&limits);
    cr_assert_eq(read_options(&options, error, no_environment, NULL, NULL), QUIRE_OK);
    cr_assert_eq(options.limits.connections, limits.connections);
    cr_assert_eq(options.limits.connections_per_user, limits.connections_per_user);
    cr_assert_eq(options.limits.users_loaded, limits.users_loaded);
    cr_assert_eq(options.limits.handshake_ms, limits.handshake_ms);
    cr_assert_eq(options.limits.idle_ms, limits.idle_ms);
    cr_assert_eq(options.limits.stalled_ms, limits.stalled_ms);
    cr_assert_eq(options.limits.pushes_per_second, limits.pushes_per_second);
    cr_assert_eq(options.limits.pushes_burst, limits.pushes_burst);
    cr_assert_eq(options.limits.push_bytes_per_second, limits.push_bytes_per_second);
    cr_assert_eq(options.limits.push_bytes_burst, limits.push_bytes_burst);
    cr_assert_eq(options.limits.subs_per_minute, limits.subs_per_minute);
    cr_assert_eq(options.limits.subs_burst, limits.subs_burst);
    cr_assert_eq(options.limits.roster_appends_per_hour, limits.roster_appends_per_hour);
    cr_assert_eq(options.limits.auth_failures_per_hour, limits.auth_failures_per_hour);
    cr_assert_eq(options.limits.user_bytes, limits.user_bytes);
    cr_assert_eq(options.limits.open_registration, limits.open_registration);
    cr_assert_str_eq(options.listens[0], "127.0.0.1:7433");
    cr_assert_not(options.no_tls);
}

Test(options, flags_win_over_the_environment)
{
    struct qr_options options;
    char error[200];
    cr_assert_eq(read_options(&options, error, some_environment, NULL, NULL), QUIRE_OK);
    cr_assert_eq(options.limits.idle_ms, 5000);
    cr_assert(options.no_tls);
    cr_assert_eq(options.host_count, 2);
    cr_assert_str_eq(options.hosts[1], "b.example");
    cr_assert_eq(
        read_options(&options, error, some_environment, "--idle-ms=7000", "--no-tls=0"), QUIRE_OK);
    cr_assert_eq(options.limits.idle_ms, 7000);
    cr_assert_not(options.no_tls);
}

Test(options, sizes_may_have_a_suffix_and_numbers_may_not)
{
    struct qr_options options;
    char error[200];
    cr_assert_eq(read_options(&options, error, no_environment, "--user-bytes", "3M"), QUIRE_OK);
    cr_assert_eq(options.limits.user_bytes, 3 << 20);
    cr_assert_eq(read_options(&options, error, no_environment, "--idle-ms", "3M"), QUIRE_EINVALID);
    cr_assert_eq(
        read_options(&options, error, no_environment, "--user-bytes", "3MB"), QUIRE_EINVALID);
    cr_assert_eq(
        read_options(&options, error, no_environment, "--user-bytes", "99999999999999999T"),
        QUIRE_EINVALID);
}

Test(options, an_error_names_the_option_and_what_it_may_be)
{
    struct qr_options options;
    char error[200];
    cr_assert_eq(read_options(&options, error, no_environment, "--idle-ms", "-3"), QUIRE_EINVALID);
    cr_assert_str_eq(error, "--idle-ms is to be a number from 1000 to 86400000 in ms, not \"-3\".");
    cr_assert_eq(
        read_options(&options, error, no_environment, "--registration", "maybe"), QUIRE_EINVALID);
    cr_assert_str_eq(error, "--registration is to be one of open invite closed");
    cr_assert_eq(read_options(&options, error, no_environment, "--cert", "x"), QUIRE_EINVALID);
    cr_assert_eq(read_options(&options, error, no_environment, "stray", NULL), QUIRE_EINVALID);
    cr_assert_eq(read_options(&options, error, no_environment, "--", NULL), QUIRE_EINVALID);
    cr_assert_eq(read_options(&options, error, no_environment, "--listen", NULL), QUIRE_EINVALID);
    cr_assert_eq(read_options(&options, error, no_environment, "--host", "a b"), QUIRE_EINVALID);
}

Test(options, an_address_is_a_host_and_a_port)
{
    char host[32];
    uint16_t port = 0;
    cr_assert(qr_options_address("127.0.0.1:7433", host, sizeof host, &port));
    cr_assert_str_eq(host, "127.0.0.1");
    cr_assert_eq(port, 7433);
    cr_assert(qr_options_address("[::1]:0", host, sizeof host, &port));
    cr_assert_str_eq(host, "::1");
    cr_assert_eq(port, 0);
    static const char *const wrong[] = {"", ":", ":1", "a", "a:", "a:x", "a:65536", "::1:5", "[]:5",
        "a:-1", "a: 5", "a-name-that-is-much-too-long-for-its-place:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_not(qr_options_address(wrong[i], host, sizeof host, &port), "%s", wrong[i]);
    }
}

Test(hosts, a_name_is_admitted_with_and_without_a_port_and_nothing_like_it)
{
    struct qr_options options;
    struct qr_hosts hosts;
    char error[200];
    cr_assert_eq(
        read_options(&options, error, no_environment, "--host", "journal.example"), QUIRE_OK);
    qr_hosts_init(&hosts, &options);
    static const char *const right[] = {
        "journal.example", "JOURNAL.example:1", "localhost:65535", "[::1]", "[::1]:8", "127.0.0.1"};
    static const char *const wrong[] = {"", ":", ":1", "journal.example:", "journal.example:1x",
        "journal.example:123456", "journal.example.", "xjournal.example", "::1", "[::1", "]:1",
        "localhost:1:2"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        cr_assert(qr_hosts_admit(&hosts, right[i]), "%s", right[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_not(qr_hosts_admit(&hosts, wrong[i]), "%s", wrong[i]);
    }
}

static struct qr_address address_of(int family, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    cr_assert_eq(
        inet_pton(family, text, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr),
        1);
    return qr_address_of(family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6);
}

Test(addresses, a_minute_s_worth_is_admitted_and_comes_back_with_time)
{
    static const uint8_t key[16] = {1};
    struct qr_addresses *addresses = qr_addresses_create(10, false, key);
    struct qr_address home = address_of(AF_INET, "192.0.2.7");
    for (int i = 0; i < 10; i++) {
        cr_assert(qr_addresses_admit(addresses, home, 1000));
    }
    cr_assert_not(qr_addresses_admit(addresses, home, 1000));
    cr_assert_not(qr_addresses_admit(addresses, home, 6999));
    cr_assert(qr_addresses_admit(addresses, home, 7000), "a tenth of a minute later");
    cr_assert_not(qr_addresses_admit(addresses, home, 7000));
    qr_addresses_return(addresses, home, 7000);
    cr_assert(qr_addresses_admit(addresses, home, 7000), "one had proved who it is");
    cr_assert(qr_addresses_admit(addresses, address_of(AF_INET, "192.0.2.8"), 7000));
    cr_assert(qr_addresses_admit(addresses, home, 1000000000));
    qr_addresses_destroy(addresses);
}

Test(addresses, loopback_is_exempt_and_a_mapped_address_is_the_one_it_maps)
{
    static const uint8_t key[16] = {1};
    struct qr_addresses *addresses = qr_addresses_create(1, false, key);
    for (int i = 0; i < 5; i++) {
        cr_assert(qr_addresses_admit(addresses, address_of(AF_INET, "127.3.2.1"), 1));
        cr_assert(qr_addresses_admit(addresses, address_of(AF_INET6, "::1"), 1));
        cr_assert(qr_addresses_admit(addresses, address_of(AF_INET6, "::ffff:127.0.0.1"), 1));
    }
    cr_assert(qr_addresses_admit(addresses, address_of(AF_INET, "192.0.2.7"), 1));
    cr_assert_not(qr_addresses_admit(addresses, address_of(AF_INET6, "::ffff:192.0.2.7"), 1));
    cr_assert(qr_addresses_admit(addresses, address_of(AF_INET6, "2001:db8::1"), 1));
    cr_assert_not(qr_addresses_admit(addresses, address_of(AF_INET6, "2001:db8::2"), 1), "one /64");
    cr_assert(qr_addresses_admit(addresses, address_of(AF_INET6, "2001:db8:0:1::1"), 1));
    qr_addresses_destroy(addresses);
}

#define FIELDS(...) \
    (const struct qr_field[]) \
    { \
        __VA_ARGS__ \
    }

Test(log, a_line_is_one_line_whatever_is_in_it)
{
    static const uint8_t name[32] = {0xde, 0xad, 0xbe, 0xef, 0x55};
    char line[256];
    qr_log_line(line, sizeof line, QR_LOG_LOGFMT, "now", QR_LOG_WARN,
        FIELDS(QR_EVENT("x"), QR_TEXT("text", "a\"b\\c\nd\x1b[31m"), QR_NUMBER("n", 7),
            QR_NAME("user", name), QR_TEXT("empty", "")),
        5);
    cr_assert_str_eq(line,
        "time=now level=warn event=x text=\"a\\\"b\\\\c\\u000ad\\u001b[31m\" n=7 "
        "user=deadbeef empty=\"\"");
    qr_log_line(line, sizeof line, QR_LOG_JSON, "now", QR_LOG_INFO,
        FIELDS(QR_EVENT("x"), QR_NUMBER("n", 7), QR_NAME("user", name)), 3);
    cr_assert_str_eq(line,
        "{\"time\":\"now\",\"level\":\"info\",\"event\":\"x\",\"n\":7,\"user\":\"deadbeef\"}");
}

Test(log, a_line_that_is_too_long_is_cut)
{
    char line[32];
    size_t length = qr_log_line(line, sizeof line, QR_LOG_LOGFMT, "now", QR_LOG_INFO,
        FIELDS(QR_EVENT("something"), QR_TEXT("text", "which goes on for longer than that")), 2);
    cr_assert_eq(length, sizeof line - 1);
    cr_assert_eq(strlen(line), length);
}
