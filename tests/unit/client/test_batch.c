/*
 * Many entries in one transaction, and the ids of imported entries.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <quire/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64], profile[96], key_file[96];

static void begin(void)
{
    strcpy(folder, "/tmp/quire-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    snprintf(profile, sizeof profile, "%s/journal", folder);
    snprintf(key_file, sizeof key_file, "%s/key", folder);
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(batch, .init = begin, .fini = end);

static struct quire_client *start(const char *path)
{
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_client_options options = {
        .profile = path, .key_file = key_file, .lock_wait_ms = 100};
    struct quire_client *client = NULL;
    cr_assert_eq(quire_client_create(&options, &client), QUIRE_OK);
    cr_assert_eq(quire_client_start_account(client, "test", kit), QUIRE_OK, "%s",
        quire_client_error(client));
    return client;
}

static void write_entry(struct quire_client *client, uint8_t number)
{
    uint8_t entry[QUIRE_ENTRY_SIZE] = {number, 1};
    cr_assert_eq(
        quire_client_edit_text(client, entry, quire_bytes_of_text("Some words.")), QUIRE_OK);
    cr_assert_eq(quire_client_save(client, entry), QUIRE_OK, "%s", quire_client_error(client));
}

static bool count_entry(void *context, const struct quire_summary *summary)
{
    (void)summary;
    ++*(size_t *)context;
    return true;
}

static size_t count_entries(struct quire_client *client)
{
    size_t count = 0;
    cr_assert_eq(quire_client_each_entry(client, count_entry, &count), QUIRE_OK);
    return count;
}

Test(batch, a_batch_is_seen_at_once_and_stands_when_committed)
{
    struct quire_client *client = start(profile);
    write_entry(client, 1);
    cr_assert_eq(quire_client_begin(client), QUIRE_OK);
    for (uint8_t i = 2; i < 200; i++) {
        write_entry(client, i);
    }
    cr_assert_eq(count_entries(client), 199);
    cr_assert_eq(quire_client_commit(client), QUIRE_OK);
    quire_client_close(client);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_eq(count_entries(client), 199);
    write_entry(client, 200);
    quire_client_destroy(client);
}

Test(batch, a_batch_that_is_not_committed_leaves_nothing)
{
    struct quire_client *client = start(profile);
    write_entry(client, 1);
    cr_assert_eq(quire_client_begin(client), QUIRE_OK);
    write_entry(client, 2);
    quire_client_close(client);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_eq(count_entries(client), 1);
    write_entry(client, 3); /* the chain goes on */
    cr_assert_eq(count_entries(client), 2);
    quire_client_destroy(client);
}

Test(batch, batches_do_not_nest_and_nothing_is_sent_in_one)
{
    struct quire_client *client = start(profile);
    cr_assert_eq(quire_client_commit(client), QUIRE_ESTATE);
    cr_assert_eq(quire_client_begin(client), QUIRE_OK);
    cr_assert_eq(quire_client_begin(client), QUIRE_ESTATE);
    cr_assert_eq(quire_client_sync(client, 1000), QUIRE_ESTATE);
    cr_assert_eq(quire_client_commit(client), QUIRE_OK);
    quire_client_close(client);
    cr_assert_eq(quire_client_begin(client), QUIRE_ESTATE);
    quire_client_destroy(client);
}

Test(batch, ids_of_imports_are_the_same_on_one_profile_alone)
{
    uint8_t first[QUIRE_ENTRY_SIZE], again[QUIRE_ENTRY_SIZE], other[QUIRE_ENTRY_SIZE];
    char second_profile[128];
    struct quire_client *client = start(profile);
    struct quire_bytes source = quire_bytes_of_text("dayone ABC");
    cr_assert_eq(quire_client_import_id(client, source, first), QUIRE_OK);
    cr_assert_eq(
        quire_client_import_id(client, quire_bytes_of_text("dayone ABD"), other), QUIRE_OK);
    cr_assert(memcmp(first, other, sizeof first) != 0);
    quire_client_close(client);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_eq(quire_client_import_id(client, source, again), QUIRE_OK);
    cr_assert(memcmp(first, again, sizeof first) == 0);
    quire_client_destroy(client);
    snprintf(second_profile, sizeof second_profile, "%s/second", folder);
    snprintf(key_file, sizeof key_file, "%s/second-key", folder);
    client = start(second_profile);
    cr_assert_eq(quire_client_import_id(client, source, other), QUIRE_OK);
    cr_assert(memcmp(first, other, sizeof first) != 0, "another profile's ids can be told");
    quire_client_destroy(client);
}
