/*
 * The library as an app uses it, without a server.
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

TestSuite(client, .init = begin, .fini = end);

static struct quire_client *make(void)
{
    struct quire_client_options options = {
        .profile = profile, .key_file = key_file, .lock_wait_ms = 100};
    struct quire_client *client = NULL;
    cr_assert_eq(quire_client_create(&options, &client), QUIRE_OK);
    return client;
}

static struct quire_client *start(void)
{
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_client *client = make();
    cr_assert_eq(quire_client_start_account(client, "test", kit), QUIRE_OK, "%s",
        quire_client_error(client));
    cr_assert_eq(strlen(kit), QUIRE_KIT_TEXT_SIZE - 1);
    return client;
}

static void expect_text(struct quire_client *client, const uint8_t *entry, const char *text)
{
    struct quire_document *document = NULL;
    struct quire_buffer found = {0};
    cr_assert_eq(quire_client_document(client, entry, false, &document), QUIRE_OK);
    cr_assert_eq(quire_document_text(document, &found), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&found), quire_bytes_of_text(text)), "%.*s",
        (int)found.size, (const char *)found.data);
    quire_buffer_finish(&found);
}

static void edit(struct quire_client *client, const uint8_t *entry, const char *text)
{
    cr_assert_eq(quire_client_edit_text(client, entry, quire_bytes_of_text(text)), QUIRE_OK, "%s",
        quire_client_error(client));
}

Test(client, nothing_works_without_an_open_profile)
{
    struct quire_client *client = make();
    uint8_t id[QUIRE_ENTRY_SIZE] = {0}, before[QUIRE_ENTRY_SIZE] = {0};
    struct quire_document *document = NULL;
    struct quire_buffer snapshot = {0};
    struct quire_device_state state;
    struct quire_bytes text = quire_bytes_of_text("x");
    cr_assert_eq(quire_client_new_entry(client, id), QUIRE_ESTATE);
    cr_assert_eq(quire_client_find_entry(client, "0000", id), QUIRE_ESTATE);
    cr_assert_eq(quire_client_find_device(client, "0000", id), QUIRE_ESTATE);
    cr_assert_eq(quire_client_document(client, id, true, &document), QUIRE_ESTATE);
    cr_assert_eq(quire_client_edit_text(client, id, text), QUIRE_ESTATE);
    cr_assert_eq(quire_client_snapshot(client, id, &snapshot), QUIRE_ESTATE);
    cr_assert_eq(quire_client_edit_text_since(client, id, text, text), QUIRE_ESTATE);
    cr_assert_eq(quire_client_save(client, id), QUIRE_ESTATE);
    cr_assert_eq(quire_client_each_entry(client, NULL, NULL), QUIRE_ESTATE);
    cr_assert_eq(quire_client_each_device(client, NULL, NULL), QUIRE_ESTATE);
    cr_assert_eq(quire_client_set_server(client, "wss://a", NULL), QUIRE_ESTATE);
    cr_assert_eq(quire_client_sync(client, 1000), QUIRE_ESTATE);
    cr_assert_eq(quire_client_follow(client), QUIRE_ESTATE);
    cr_assert_eq(quire_client_pair(client, 1000, id), QUIRE_ESTATE);
    cr_assert_eq(quire_client_revoke(client, id, 1000), QUIRE_ESTATE);
    cr_assert_eq(quire_client_open(client), QUIRE_ENOTFOUND);
    cr_assert_str_not_empty(quire_client_error(client));
    quire_client_each_rejection(client, NULL, NULL);
    quire_client_state(client, &state);
    cr_assert_not(state.joined);
    cr_assert_eq(memcmp(id, before, sizeof id), 0);
    cr_assert_null(document);
    quire_client_close(client);
    quire_client_destroy(client);
    quire_client_destroy(NULL);
}

Test(client, an_account_is_not_made_twice_nor_opened_twice)
{
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_client *client = start();
    cr_assert_eq(quire_client_open(client), QUIRE_ESTATE);
    cr_assert_eq(quire_client_start_account(client, "again", kit), QUIRE_ESTATE);
    struct quire_client *other = make();
    cr_assert_eq(quire_client_open(other), QUIRE_ELOCKED);
    quire_client_close(client);
    cr_assert_eq(quire_client_start_account(other, "again", kit), QUIRE_ECONFLICT);
    cr_assert_eq(quire_client_open(other), QUIRE_OK, "%s", quire_client_error(other));
    cr_assert_eq(quire_client_open(client), QUIRE_ELOCKED);
    quire_client_destroy(other);
    quire_client_destroy(client);
}

Test(client, a_name_of_no_or_too_many_bytes_is_refused_and_leaves_nothing)
{
    char kit[QUIRE_KIT_TEXT_SIZE], name[QUIRE_NAME_MAX + 2];
    struct quire_client *client = make();
    memset(name, 'n', sizeof name);
    name[QUIRE_NAME_MAX + 1] = 0;
    cr_assert_eq(quire_client_start_account(client, "", kit), QUIRE_EINVALID);
    cr_assert_eq(quire_client_start_account(client, name, kit), QUIRE_EINVALID);
    cr_assert_eq(quire_client_start_account(client, "\xff", kit), QUIRE_EINVALID);
    cr_assert_eq(quire_client_open(client), QUIRE_ENOTFOUND);
    name[QUIRE_NAME_MAX] = 0;
    cr_assert_eq(quire_client_start_account(client, name, kit), QUIRE_OK);
    quire_client_destroy(client);
}

Test(client, what_was_saved_is_there_again_and_what_was_not_is_not)
{
    struct quire_client *client = start();
    uint8_t saved[QUIRE_ENTRY_SIZE], unsaved[QUIRE_ENTRY_SIZE];
    cr_assert_eq(quire_client_new_entry(client, saved), QUIRE_OK);
    cr_assert_eq(quire_client_new_entry(client, unsaved), QUIRE_OK);
    edit(client, saved, "one\ntwo\n");
    cr_assert_eq(quire_client_save(client, saved), QUIRE_OK);
    edit(client, saved, "one\ntwo and a half\n");
    edit(client, unsaved, "gone");
    quire_client_close(client);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    expect_text(client, saved, "one\ntwo\n");
    struct quire_document *document = NULL;
    cr_assert_eq(quire_client_document(client, unsaved, false, &document), QUIRE_ENOTFOUND);
    quire_client_destroy(client);
}

Test(client, text_that_an_entry_cannot_hold_is_refused_whole)
{
    struct quire_client *client = start();
    uint8_t entry[QUIRE_ENTRY_SIZE];
    cr_assert_eq(quire_client_new_entry(client, entry), QUIRE_OK);
    edit(client, entry, "before");
    char *large = malloc(QUIRE_TEXT_MAX + 1);
    cr_assert_not_null(large);
    memset(large, 'x', QUIRE_TEXT_MAX + 1);
    struct quire_bytes text = {(const uint8_t *)large, QUIRE_TEXT_MAX + 1};
    cr_assert_eq(quire_client_edit_text(client, entry, text), QUIRE_ELIMIT);
    cr_assert_eq(
        quire_client_edit_text(client, entry, quire_bytes_of_text("\xc3")), QUIRE_EINVALID);
    expect_text(client, entry, "before");
    text.size--;
    cr_assert_eq(quire_client_edit_text(client, entry, text), QUIRE_OK);
    /* From one full text to another without ever being longer. */
    memset(large, 'y', QUIRE_TEXT_MAX / 2);
    cr_assert_eq(
        quire_client_edit_text(client, entry, text), QUIRE_OK, "%s", quire_client_error(client));
    cr_assert_eq(quire_client_save(client, entry), QUIRE_OK);
    free(large);
    quire_client_destroy(client);
}

Test(client, an_old_text_brought_back_is_merged_and_not_put_over)
{
    struct quire_client *client = start();
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_buffer snapshot = {0};
    cr_assert_eq(quire_client_new_entry(client, entry), QUIRE_OK);
    edit(client, entry, "The tram was late.");
    cr_assert_eq(quire_client_save(client, entry), QUIRE_OK);
    cr_assert_eq(quire_client_snapshot(client, entry, &snapshot), QUIRE_OK);
    edit(client, entry, "Today the tram was late."); /* by the same process, too */
    cr_assert_eq(quire_client_save(client, entry), QUIRE_OK);
    quire_client_close(client);

    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    edit(client, entry, "Today the tram was late. Again.");
    cr_assert_eq(quire_client_edit_text_since(client, entry, quire_buffer_bytes(&snapshot),
                     quire_bytes_of_text("The tram was very late.")),
        QUIRE_OK, "%s", quire_client_error(client));
    expect_text(client, entry, "Today the tram was very late. Again.");
    /* An edit after it, and all of it is saved. */
    edit(client, entry, "Today the tram was very late. Again!");
    cr_assert_eq(quire_client_save(client, entry), QUIRE_OK);
    quire_client_close(client);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    expect_text(client, entry, "Today the tram was very late. Again!");

    cr_assert_neq(quire_client_edit_text_since(
                      client, entry, quire_bytes_of_text("nonsense"), quire_bytes_of_text("x")),
        QUIRE_OK);
    cr_assert_str_not_empty(quire_client_error(client));
    expect_text(client, entry, "Today the tram was very late. Again!");
    quire_buffer_finish(&snapshot);
    quire_client_destroy(client);
}

Test(client, an_entry_is_found_by_the_start_of_its_id)
{
    struct quire_client *client = start();
    uint8_t one[QUIRE_ENTRY_SIZE] = {0xab, 0xcd, 0xe1}, two[QUIRE_ENTRY_SIZE] = {0xab, 0xcd, 0xe2};
    uint8_t found[QUIRE_ENTRY_SIZE] = {0};
    edit(client, one, "1");
    edit(client, two, "2");
    cr_assert_eq(quire_client_save(client, one), QUIRE_OK);
    cr_assert_eq(quire_client_save(client, two), QUIRE_OK);
    cr_assert_eq(quire_client_find_entry(client, "abcde1", found), QUIRE_OK);
    cr_assert_eq(memcmp(found, one, sizeof one), 0);
    cr_assert_eq(quire_client_find_entry(client, "ABCDE2", found), QUIRE_OK);
    cr_assert_eq(memcmp(found, two, sizeof two), 0);
    cr_assert_eq(quire_client_find_entry(client, "abcd", found), QUIRE_ECONFLICT);
    cr_assert_eq(quire_client_find_entry(client, "abce", found), QUIRE_ENOTFOUND);
    cr_assert_eq(quire_client_find_entry(client, "abc", found), QUIRE_EINVALID);
    cr_assert_eq(quire_client_find_entry(client, "abcg", found), QUIRE_EINVALID);
    cr_assert_eq(quire_client_find_entry(client, "", found), QUIRE_EINVALID);
    cr_assert_eq(memcmp(found, two, sizeof two), 0);
    cr_assert_eq(quire_client_find_device(client, "test", found), QUIRE_OK);
    cr_assert_eq(quire_client_find_device(client, "unknown", found), QUIRE_ENOTFOUND);
    quire_client_destroy(client);
}

struct dials {
    unsigned dialled, offline;
    struct quire_client *client;
};

static void on_connection(void *context, enum quire_client_connection state, const char *detail)
{
    struct dials *dials = context;
    cr_assert_not_null(detail);
    dials->dialled += state == QUIRE_CLIENT_DIALLING;
    dials->offline += state == QUIRE_CLIENT_OFFLINE;
    if (dials->offline == 2) {
        quire_client_stop(dials->client);
    }
}

Test(client, a_server_that_is_not_there_is_said_and_followed_until_stopped)
{
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct dials dials = {0};
    struct quire_client_options options = {.profile = profile,
        .key_file = key_file,
        .server = "ws://127.0.0.1:1",
        .callbacks = {.context = &dials, .connection = on_connection}};
    cr_assert_eq(quire_client_create(&options, &dials.client), QUIRE_OK);
    cr_assert_eq(quire_client_start_account(dials.client, "test", kit), QUIRE_OK);
    cr_assert_eq(quire_client_sync(dials.client, 5000), QUIRE_EIO);
    cr_assert(quire_client_unreachable(dials.client));
    cr_assert_eq(dials.dialled, 1);
    cr_assert_eq(
        quire_client_follow(dials.client), QUIRE_OK, "%s", quire_client_error(dials.client));
    cr_assert_eq(dials.dialled, 2);
    quire_client_destroy(dials.client);
    struct quire_client *bad = NULL;
    options.server = "not a server";
    cr_assert_eq(quire_client_create(&options, &bad), QUIRE_EINVALID);
    cr_assert_null(bad);
}
