/*
 * A key sealed by a passphrase: its file, the client that opens it, and the agent that keeps the key.
 */
#define _GNU_SOURCE
#include "client/agent/agent.h"
#include "client/keyfile.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHEAP QUIRE_PASSPHRASE_MEMORY_MIN
#define WORDS "seven wet boots by the door"

static struct qr_client_error error;
static char folder[64], profile[96], key_file[96];

static void make_folder(void)
{
    strcpy(folder, "/tmp/quire-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(profile, sizeof profile, "%s/profile", folder);
    snprintf(key_file, sizeof key_file, "%s/key", folder);
    setenv("XDG_RUNTIME_DIR", folder, 1);
}

static void remove_folder(void)
{
    char command[128];
    qr_client_agent_forget(key_file);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(lock, .init = make_folder, .fini = remove_folder);

static void make_key(uint8_t out_key[32])
{
    for (size_t i = 0; i < 32; i++) {
        out_key[i] = (uint8_t)(i * 7 + 1);
    }
}

static struct quire_buffer text_of(const struct qr_client_keybox *box)
{
    struct quire_buffer text = {0};
    cr_assert_eq(qr_client_keybox_text(box, &text), QUIRE_OK);
    return text;
}

Test(lock, a_sealed_key_opens_with_its_passphrase_alone)
{
    uint8_t key[32], opened[32] = {0};
    struct qr_client_keybox box, again;
    make_key(key);
    cr_assert_eq(qr_client_keybox_seal(key, WORDS, CHEAP, &box, &error), QUIRE_OK);
    struct quire_buffer text = text_of(&box);
    cr_assert(qr_client_keybox_is(quire_buffer_bytes(&text)));
    cr_assert_eq(qr_client_keybox_parse(quire_buffer_bytes(&text), &again), QUIRE_OK);
    cr_assert_eq(qr_client_keybox_open(&again, WORDS, opened, &error), QUIRE_OK);
    cr_assert_eq(memcmp(opened, key, 32), 0);
    static const char *const wrong[] = {"", "seven wet boots by the Door", WORDS " ", "\xff\xfe"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(opened, 9, sizeof opened);
        cr_assert_eq(qr_client_keybox_open(&again, wrong[i], opened, &error), QUIRE_ECRYPTO);
        cr_assert_eq(opened[0], 9);
        cr_assert_not_null(strstr(error.text, "Nothing was changed"));
    }
    quire_buffer_finish(&text);
}

Test(lock, the_same_passphrase_typed_as_other_code_points_opens_it)
{
    uint8_t key[32], opened[32];
    struct qr_client_keybox box;
    make_key(key);
    cr_assert_eq(qr_client_keybox_seal(key, "caf\xc3\xa9 noir", CHEAP, &box, &error), QUIRE_OK);
    cr_assert_eq(qr_client_keybox_open(&box, "cafe\xcc\x81 noir", opened, &error), QUIRE_OK);
    cr_assert_eq(memcmp(opened, key, 32), 0);
}

Test(lock, any_byte_of_a_sealed_key_that_differs_is_noticed)
{
    uint8_t key[32], opened[32];
    struct qr_client_keybox box, changed;
    make_key(key);
    cr_assert_eq(qr_client_keybox_seal(key, WORDS, CHEAP, &box, &error), QUIRE_OK);
    struct quire_buffer text = text_of(&box);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t kept = text.data[i];
        text.data[i] = kept == '1' ? '2' : '1';
        if (qr_client_keybox_parse(quire_buffer_bytes(&text), &changed) == QUIRE_OK
            && changed.memory_kib <= 16 * 1024 && changed.operations <= 4) {
            cr_assert_neq(
                qr_client_keybox_open(&changed, WORDS, opened, &error), QUIRE_OK, "%zu", i);
        }
        text.data[i] = kept;
        struct quire_bytes cut = {text.data, i};
        cr_assert_neq(qr_client_keybox_parse(cut, &changed), QUIRE_OK, "%zu", i);
    }
    quire_buffer_finish(&text);
}

Test(lock, a_key_file_does_not_choose_a_cost_beyond_the_limits)
{
    uint8_t key[32];
    struct qr_client_keybox box, again;
    make_key(key);
    cr_assert_eq(qr_client_keybox_seal(key, WORDS, CHEAP, &box, &error), QUIRE_OK);
    static const struct {
        uint64_t operations, memory_kib;
        enum quire_status status;
    } rows[] = {
        {QR_CLIENT_KEYBOX_OPERATIONS_MAX, 8192, QUIRE_OK},
        {QR_CLIENT_KEYBOX_OPERATIONS_MAX + 1, 8192, QUIRE_EMALFORMED},
        {0, 8192, QUIRE_EMALFORMED},
        {3, (uint64_t)QUIRE_PASSPHRASE_MEMORY_MAX * 1024, QUIRE_OK},
        {3, (uint64_t)QUIRE_PASSPHRASE_MEMORY_MAX * 1024 + 1, QUIRE_EMALFORMED},
        {3, (uint64_t)QUIRE_PASSPHRASE_MEMORY_MIN * 1024 - 1, QUIRE_EMALFORMED},
        {3, UINT64_MAX, QUIRE_EMALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        box.operations = rows[i].operations;
        box.memory_kib = rows[i].memory_kib;
        struct quire_buffer text = text_of(&box);
        cr_assert_eq(
            qr_client_keybox_parse(quire_buffer_bytes(&text), &again), rows[i].status, "%zu", i);
        quire_buffer_finish(&text);
    }
}

Test(lock, a_passphrase_has_eight_characters_and_is_text)
{
    char long_one[QUIRE_PASSPHRASE_MAX + 2];
    memset(long_one, 'a', sizeof long_one);
    long_one[sizeof long_one - 1] = 0;
    cr_assert_eq(qr_client_passphrase_check(long_one, &error), QUIRE_EINVALID);
    long_one[QUIRE_PASSPHRASE_MAX] = 0;
    cr_assert_eq(qr_client_passphrase_check(long_one, &error), QUIRE_OK);
    cr_assert_eq(qr_client_passphrase_check("1234567", &error), QUIRE_EINVALID);
    cr_assert_eq(qr_client_passphrase_check("12345678", &error), QUIRE_OK);
    cr_assert_eq(qr_client_passphrase_check("äöüäöüä", &error), QUIRE_EINVALID); /* 14 bytes */
    cr_assert_eq(qr_client_passphrase_check("1234567\xff", &error), QUIRE_EINVALID);
}

/* ---- the client ------------------------------------------------------------------------------ */

struct typist {
    const char *words[4]; /* what is typed at each attempt; NULL: nothing */
    unsigned asked;
};

static bool type(void *context, unsigned attempt, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    struct typist *typist = context;
    cr_assert_eq(attempt, typist->asked % QUIRE_PASSPHRASE_ATTEMPTS);
    const char *word = typist->words[typist->asked++];
    if (word == NULL) {
        return false;
    }
    strcpy(out_passphrase, word);
    return true;
}

static struct quire_client *client_of(struct typist *typist)
{
    struct quire_client *client = NULL;
    struct quire_client_options options = {
        .profile = profile, .key_file = key_file, .lock_wait_ms = 100};
    if (typist != NULL) {
        options.callbacks = (struct quire_client_callbacks){.context = typist, .passphrase = type};
    }
    cr_assert_eq(quire_client_create(&options, &client), QUIRE_OK);
    return client;
}

static void make_profile(const char *passphrase)
{
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_client *client = client_of(NULL);
    cr_assert_eq(quire_client_start_account(client, "laptop", kit), QUIRE_OK);
    cr_assert_not(quire_client_has_passphrase(client));
    cr_assert_eq(quire_client_set_passphrase(client, passphrase, CHEAP), QUIRE_OK, "%s",
        quire_client_error(client));
    cr_assert(quire_client_has_passphrase(client));
    quire_client_destroy(client);
}

Test(lock, a_profile_with_a_passphrase_opens_by_it_and_asks_three_times)
{
    make_profile(WORDS);
    struct typist good = {{"no", "not it", WORDS}, 0};
    struct quire_client *client = client_of(&good);
    cr_assert_eq(quire_client_open(client), QUIRE_OK, "%s", quire_client_error(client));
    cr_assert_eq(good.asked, 3);
    quire_client_close(client);
    cr_assert_eq(quire_client_open_to_read(client), QUIRE_OK); /* held: not asked again */
    cr_assert_eq(good.asked, 3);
    quire_client_destroy(client);

    struct typist bad = {{"no", "not it", "not that", WORDS}, 0};
    client = client_of(&bad);
    cr_assert_eq(quire_client_open_to_write(client), QUIRE_ECRYPTO);
    cr_assert_eq(bad.asked, QUIRE_PASSPHRASE_ATTEMPTS);
    quire_client_destroy(client);

    client = client_of(NULL);
    cr_assert_eq(quire_client_open(client), QUIRE_ESTATE);
    cr_assert_not_null(strstr(quire_client_error(client), "quire unlock"));
    quire_client_destroy(client);
}

Test(lock, a_passphrase_is_changed_and_taken_away)
{
    make_profile(WORDS);
    struct typist typist = {{WORDS}, 0};
    struct quire_client *client = client_of(&typist);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_eq(quire_client_set_passphrase(client, "short", CHEAP), QUIRE_EINVALID);
    cr_assert_eq(quire_client_set_passphrase(client, "another one", 1), QUIRE_EINVALID);
    cr_assert_eq(quire_client_set_passphrase(client, "another one", CHEAP), QUIRE_OK);
    quire_client_destroy(client);

    struct typist old_then_new = {{WORDS, "another one"}, 0};
    client = client_of(&old_then_new);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_eq(old_then_new.asked, 2);
    cr_assert_eq(quire_client_set_passphrase(client, NULL, 0), QUIRE_OK);
    quire_client_destroy(client);

    client = client_of(NULL);
    cr_assert_eq(quire_client_open(client), QUIRE_OK, "%s", quire_client_error(client));
    quire_client_destroy(client);
}

Test(lock, what_a_killed_process_left_beside_the_key_is_removed)
{
    char left[128], other[128];
    make_profile(WORDS);
    snprintf(left, sizeof left, "%s.new-aBc123", key_file);
    snprintf(other, sizeof other, "%s.newer", key_file);
    close(open(left, O_CREAT | O_WRONLY, 0600));
    close(open(other, O_CREAT | O_WRONLY, 0600));
    struct typist typist = {{WORDS}, 0};
    struct quire_client *client = client_of(&typist);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_neq(access(left, F_OK), 0, "it may be the plain key of a removal that was killed");
    close(open(left, O_CREAT | O_WRONLY, 0600));
    cr_assert_eq(quire_client_set_passphrase(client, "another one", CHEAP), QUIRE_OK);
    quire_client_destroy(client);
    cr_assert_neq(access(left, F_OK), 0);
    cr_assert_eq(access(other, F_OK), 0);
}

Test(lock, a_key_file_behind_a_link_stays_where_it_is)
{
    char target[128];
    struct stat info;
    make_profile(WORDS);
    snprintf(target, sizeof target, "%s/elsewhere", folder);
    cr_assert_eq(rename(key_file, target), 0);
    cr_assert_eq(symlink(target, key_file), 0);
    struct typist typist = {{WORDS}, 0};
    struct quire_client *client = client_of(&typist);
    cr_assert_eq(quire_client_open(client), QUIRE_OK);
    cr_assert_eq(quire_client_set_passphrase(client, NULL, 0), QUIRE_OK);
    quire_client_destroy(client);
    cr_assert_eq(lstat(key_file, &info), 0);
    cr_assert(S_ISLNK(info.st_mode));
    cr_assert_eq(stat(target, &info), 0);
    cr_assert_eq(info.st_size, 65);
}

/* ---- the agent ------------------------------------------------------------------------------- */

static void start_agent(uint8_t key[32], uint32_t seconds)
{
    bool locked = false;
    cr_assert_eq(
        qr_client_agent_start(key_file, key, seconds, &locked, &error), QUIRE_OK, "%s", error.text);
}

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

Test(lock, the_agent_gives_the_key_until_it_forgets)
{
    uint8_t key[32], check[QR_CLIENT_KEYBOX_CHECK], got[32];
    make_key(key);
    qr_client_keybox_check(key, check);
    cr_assert_not(qr_client_agent_key(key_file, check, got));
    cr_assert_eq(qr_client_agent_seconds(key_file), 0);
    start_agent(key, 600);
    cr_assert(qr_client_agent_key(key_file, check, got));
    cr_assert_eq(memcmp(got, key, 32), 0);
    cr_assert_geq(qr_client_agent_seconds(key_file), 590);
    check[0] ^= 1; /* the key file is another one now */
    cr_assert_not(qr_client_agent_key(key_file, check, got));
    check[0] ^= 1;
    cr_assert(qr_client_agent_forget(key_file));
    cr_assert_not(qr_client_agent_key(key_file, check, got));
    cr_assert_not(qr_client_agent_forget(key_file));
}

Test(lock, the_agent_of_a_socket_is_private_and_takes_turns)
{
    uint8_t key[32], check[QR_CLIENT_KEYBOX_CHECK], got[32];
    struct sockaddr_un address;
    struct stat info;
    make_key(key);
    start_agent(key, 600);
    cr_assert_eq(qr_client_agent_address(key_file, &address, &error), QUIRE_OK);
    cr_assert_eq(stat(address.sun_path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    /* A connection that says nothing, and one that says nonsense, keep no other waiting for long. */
    int silent = socket(AF_UNIX, SOCK_STREAM, 0), rude = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(silent, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(connect(rude, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(send(rude, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    qr_client_keybox_check(key, check);
    cr_assert(qr_client_agent_key(key_file, check, got));
    close(silent);
    close(rude);
    key[0] ^= 1; /* a second one takes the place of the first */
    start_agent(key, 600);
    cr_assert_not(qr_client_agent_key(key_file, check, got));
    qr_client_keybox_check(key, check);
    cr_assert(qr_client_agent_key(key_file, check, got));
}

Test(lock, the_time_of_the_agent_ends_and_a_question_begins_it_anew)
{
    uint8_t key[32], check[QR_CLIENT_KEYBOX_CHECK], got[32];
    make_key(key);
    qr_client_keybox_check(key, check);
    start_agent(key, 3);
    for (int i = 0; i < 5; i++) { /* longer than its time, in all */
        wait_ms(1000);
        cr_assert(qr_client_agent_key(key_file, check, got), "%d", i);
    }
    struct sockaddr_un address;
    cr_assert_eq(qr_client_agent_address(key_file, &address, &error), QUIRE_OK);
    for (int i = 0; i < 100 && access(address.sun_path, F_OK) == 0; i++) {
        wait_ms(100);
        qr_client_agent_seconds(key_file); /* asking for the state does not */
    }
    cr_assert_neq(access(address.sun_path, F_OK), 0);
    cr_assert_not(qr_client_agent_key(key_file, check, got));
}

Test(lock, a_runtime_folder_with_too_long_a_path_is_said)
{
    char path[200];
    struct sockaddr_un address;
    snprintf(path, sizeof path, "%s/%0100d", folder, 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    setenv("XDG_RUNTIME_DIR", path, 1);
    cr_assert_eq(qr_client_agent_address(key_file, &address, &error), QUIRE_ELIMIT);
    cr_assert_not_null(strstr(error.text, "XDG_RUNTIME_DIR"));
    setenv("XDG_RUNTIME_DIR", folder, 1);
}
