/*
 * The example of quire/client.h, as an app would have it: this header, this library, nothing else.
 * Its profile is argv[1], and there is no server, which is no reason to lose anything.
 */
#include <quire/client.h>
#include <stdio.h>
#include <string.h>

static bool print_title(void *context, const struct quire_summary *summary)
{
    ++*(int *)context;
    printf("# %.*s\n", (int)summary->snippet.size, (const char *)summary->snippet.data);
    return true;
}

static enum quire_status make_account(const char *profile, const char *key_file)
{
    struct quire_client_options options = {.profile = profile, .key_file = key_file};
    struct quire_client *client = NULL;
    char kit[QUIRE_KIT_TEXT_SIZE];
    enum quire_status status = quire_client_create(&options, &client);
    if (status == QUIRE_OK) {
        status = quire_client_start_account(client, "example", kit);
    }
    quire_client_destroy(client);
    return status;
}

static int expect(bool good, int number, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", number, what);
    return good ? 0 : 1;
}

int main(int count, char **arguments)
{
    char key_file[4096];
    if (count != 2) {
        return 2;
    }
    snprintf(key_file, sizeof key_file, "%s.key", arguments[1]);
    printf("1..3\n");
    int failed = expect(make_account(arguments[1], key_file) == QUIRE_OK, 1, "an_account_is_made");

    struct quire_client_options options = {.profile = arguments[1], .key_file = key_file};
    struct quire_client *client = NULL;
    if (quire_client_create(&options, &client) != QUIRE_OK) {
        return 1; /* no memory */
    }
    enum quire_status status = quire_client_open(client);
    uint8_t entry[QUIRE_ENTRY_SIZE];
    if (status == QUIRE_OK) {
        status = quire_client_new_entry(client, entry);
    }
    if (status == QUIRE_OK) {
        status = quire_client_edit_text(client, entry, quire_bytes_of_text("It rained all day."));
    }
    if (status == QUIRE_OK) {
        status = quire_client_save(client, entry); /* on the disk now */
    }
    failed += expect(status == QUIRE_OK, 2, "an_entry_is_saved");
    if (status == QUIRE_OK) {
        status = quire_client_sync(client, 30000);
    }
    int entries = 0;
    bool listed = quire_client_each_entry(client, print_title, &entries) == QUIRE_OK;
    printf("# %s\n", quire_client_error(client));
    failed +=
        expect(status == QUIRE_ESTATE && listed && entries == 1, 3, "without_a_server_it_stays");
    quire_client_destroy(client);
    return failed;
}
