/*
 * Looking up names without waiting.
 */
#include "client/resolve.h"
#include <criterion/criterion.h>
#include <netdb.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

static sem_t go, gone;

/* As a resolver that does not answer: until the test says so. */
static void never(const char *host, struct qr_client_addresses *out_addresses)
{
    (void)host;
    sem_wait(&go);
    out_addresses->error = EAI_AGAIN;
    sem_post(&gone);
}

static void wait_for(struct qr_client_resolve *resolve, struct qr_client_addresses *out_addresses)
{
    for (int i = 0; i < 10000 && !qr_client_resolve_done(resolve, out_addresses); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    cr_assert(qr_client_resolve_done(resolve, out_addresses));
    qr_client_resolve_drop(resolve);
}

static bool has(const struct qr_client_addresses *addresses, const char *text)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (strcmp(addresses->text[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* A machine without a file of hosts knows no name, not even its own. */
Test(resolve, a_name_has_the_addresses_that_the_machine_gives_it)
{
    struct qr_client_addresses addresses = {.count = 0};
    wait_for(qr_client_resolve_start("127.0.0.1", qr_client_look_up), &addresses);
    cr_assert_eq(addresses.error, 0);
    cr_assert(has(&addresses, "127.0.0.1"));
    struct addrinfo *list = NULL;
    int error =
        getaddrinfo("localhost", NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &list);
    addresses = (struct qr_client_addresses){.count = 0};
    wait_for(qr_client_resolve_start("localhost", qr_client_look_up), &addresses);
    cr_assert_eq(addresses.error, error);
    cr_assert(error != 0 || has(&addresses, "127.0.0.1") || has(&addresses, "::1"));
    if (list != NULL) {
        freeaddrinfo(list);
    }
}

Test(resolve, families_take_turns_behind_the_address_that_worked)
{
    struct qr_client_addresses addresses = {.count = 5,
        .text = {"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"}};
    static const char *const turns[] = {
        "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"};
    static const char *const worked[] = {
        "192.0.2.2", "2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"};
    struct qr_client_addresses again = addresses;
    qr_client_addresses_arrange(&addresses, "198.51.100.1");
    qr_client_addresses_arrange(&again, "192.0.2.2");
    for (size_t i = 0; i < 5; i++) {
        cr_assert_str_eq(addresses.text[i], turns[i]);
        cr_assert_str_eq(again.text[i], worked[i]);
    }
    struct qr_client_addresses none = {.count = 0};
    qr_client_addresses_arrange(&none, "");
    cr_assert_eq(none.count, 0);
}

Test(resolve, a_name_that_is_none_is_an_error)
{
    struct qr_client_addresses addresses = {.count = 0};
    wait_for(qr_client_resolve_start("no such name", qr_client_look_up), &addresses);
    cr_assert_neq(addresses.error, 0);
    cr_assert_eq(addresses.count, 0);
}

Test(resolve, who_asked_never_waits_and_what_comes_too_late_is_freed)
{
    struct qr_client_addresses addresses = {.count = 7};
    sem_init(&go, 0, 0);
    sem_init(&gone, 0, 0);
    struct qr_client_resolve *first = qr_client_resolve_start("slow.example", never);
    struct qr_client_resolve *second = qr_client_resolve_start("slow.example", never);
    cr_assert_not(qr_client_resolve_done(first, &addresses));
    cr_assert_eq(addresses.count, 7, "untouched");
    qr_client_resolve_drop(first);
    sem_post(&go);
    sem_post(&go);
    sem_wait(&gone);
    sem_wait(&gone);
    wait_for(second, &addresses);
    cr_assert_eq(addresses.error, EAI_AGAIN);
    qr_client_resolve_drop(NULL);
}

Test(resolve, a_name_longer_than_any_is_refused)
{
    char host[300];
    memset(host, 'a', sizeof host);
    host[299] = 0;
    cr_assert_null(qr_client_resolve_start(host, never));
}
