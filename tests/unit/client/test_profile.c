/*
 * Key file, records and the profile's folder, on a real file system.
 */
#define _GNU_SOURCE
#include "client/keyfile.h"
#include "client/profile.h"
#include "client/records.h"
#include "client/runtime.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct qr_client_error error;
static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/quire-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

TestSuite(keyfile, .init = make_folder, .fini = remove_folder);
TestSuite(records, .init = make_folder, .fini = remove_folder);
TestSuite(profile, .init = make_folder, .fini = remove_folder);

static void write_text(const char *path, const char *text, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(file, mode), 0);
    close(file);
}

Test(keyfile, a_new_key_is_random_private_and_stays)
{
    uint8_t key[32], again[32], other[32];
    struct stat info;
    const char *path = in_folder("a/b/one.key");
    cr_assert_eq(qr_client_key_make(path, key, &error), QUIRE_OK, "%s", error.text);
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    cr_assert_eq(stat(in_folder("a/b"), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0700);
    cr_assert_eq(qr_client_key_make(path, again, &error), QUIRE_OK);
    cr_assert_eq(memcmp(key, again, 32), 0);
    cr_assert_eq(qr_client_key_read(path, again, &error), QUIRE_OK);
    cr_assert_eq(memcmp(key, again, 32), 0);
    cr_assert_eq(qr_client_key_make(in_folder("two.key"), other, &error), QUIRE_OK);
    cr_assert_neq(memcmp(key, other, 32), 0);
}

Test(keyfile, a_key_that_others_may_read_is_refused)
{
    uint8_t key[32];
    const char *path = in_folder("key");
    cr_assert_eq(qr_client_key_make(path, key, &error), QUIRE_OK);
    for (int bit = 0; bit < 6; bit++) {
        cr_assert_eq(chmod(path, 0600 | 1u << bit), 0);
        cr_assert_eq(qr_client_key_read(path, key, &error), QUIRE_EINVALID);
        cr_assert_not_null(strstr(error.text, "chmod 600"));
    }
}

Test(keyfile, what_is_no_key_is_refused_and_kept)
{
    uint8_t key[32];
    const char *path = in_folder("key");
    static const char *const bad[] = {"", "abc\n", "zz",
        "0123456789012345678901234567890123456789012345678901234567890123x",
        "012345678901234567890123456789012345678901234567890123456789012",
        "01234567890123456789012345678901 3456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_text(path, bad[i], 0600);
        cr_assert_eq(qr_client_key_read(path, key, &error), QUIRE_EMALFORMED, "%s", bad[i]);
        cr_assert_eq(qr_client_key_make(path, key, &error), QUIRE_EMALFORMED);
        struct quire_buffer kept = {0};
        cr_assert_eq(qr_client_read_file(path, 1000, &kept, &error), QUIRE_OK);
        cr_assert_eq(kept.size, strlen(bad[i]));
        quire_buffer_finish(&kept);
    }
    cr_assert_eq(qr_client_key_read(in_folder("none"), key, &error), QUIRE_ENOTFOUND);
}

/* ---- records --------------------------------------------------------------------------------- */

static struct quire_write put(const char *key, const char *value)
{
    return (struct quire_write){quire_bytes_of_text(key), quire_bytes_of_text(value), false};
}

static bool append_keys(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct quire_buffer *keys = context;
    cr_assert_gt(value.size, 0);
    cr_assert_eq(quire_buffer_append(keys, key.data, key.size), QUIRE_OK);
    cr_assert_eq(quire_buffer_append(keys, " ", 1), QUIRE_OK);
    return key.data[key.size - 1] != '!';
}

Test(records, are_read_as_written_after_opening_again)
{
    struct qr_client_records *records = NULL;
    const char *path = in_folder("records");
    bool empty = false;
    cr_assert_eq(qr_client_records_open(path, 1 << 20, 1 << 22, &records, &error), QUIRE_OK);
    cr_assert_eq(qr_client_records_empty(records, &empty), QUIRE_OK);
    cr_assert(empty);
    struct quire_write writes[] = {put("b/2", "two"), put("a/1", "one"), put("b/1", "one"),
        put("c", "see"), {quire_bytes_of_text("never"), {0}, true}};
    cr_assert_eq(qr_client_records_write(records, writes, 5, &error), QUIRE_OK);
    writes[0] = (struct quire_write){quire_bytes_of_text("c"), {0}, true};
    cr_assert_eq(qr_client_records_write(records, writes, 1, &error), QUIRE_OK);
    qr_client_records_close(records);

    cr_assert_eq(qr_client_records_open(path, 1 << 20, 1 << 22, &records, &error), QUIRE_OK);
    struct quire_reader reader = qr_client_records_reader(records);
    struct quire_buffer value = {0};
    cr_assert_eq(reader.get(reader.context, quire_bytes_of_text("b/2"), &value), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&value), quire_bytes_of_text("two")));
    cr_assert_eq(reader.get(reader.context, quire_bytes_of_text("c"), &value), QUIRE_ENOTFOUND);
    cr_assert_eq(value.size, 3);
    struct quire_buffer keys = {0};
    cr_assert_eq(
        reader.scan(reader.context, quire_bytes_of_text("b/"), append_keys, &keys), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&keys), quire_bytes_of_text("b/1 b/2 ")));
    quire_buffer_clear(&keys);
    cr_assert_eq(
        reader.scan(reader.context, (struct quire_bytes){0}, append_keys, &keys), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&keys), quire_bytes_of_text("a/1 b/1 b/2 ")));
    quire_buffer_finish(&keys);
    quire_buffer_finish(&value);
    qr_client_records_close(records);
}

static struct quire_reader nested;

static bool get_inside(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct quire_buffer copy = {0};
    cr_assert_eq(nested.get(nested.context, key, &copy), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&copy), value));
    quire_buffer_finish(&copy);
    ++*(int *)context;
    return true;
}

Test(records, a_visit_may_get)
{
    struct qr_client_records *records = NULL;
    cr_assert_eq(
        qr_client_records_open(in_folder("r"), 1 << 20, 1 << 22, &records, &error), QUIRE_OK);
    struct quire_write writes[] = {put("x1", "1"), put("x2", "2")};
    cr_assert_eq(qr_client_records_write(records, writes, 2, &error), QUIRE_OK);
    nested = qr_client_records_reader(records);
    int visits = 0;
    cr_assert_eq(
        nested.scan(nested.context, quire_bytes_of_text("x"), get_inside, &visits), QUIRE_OK);
    cr_assert_eq(visits, 2);
    qr_client_records_close(records);
}

Test(records, the_map_grows_and_a_full_one_refuses_and_loses_nothing)
{
    struct qr_client_records *records = NULL;
    static char large[100000];
    memset(large, 'x', sizeof large);
    cr_assert_eq(
        qr_client_records_open(in_folder("r"), 1 << 18, 1 << 22, &records, &error), QUIRE_OK);
    unsigned stored = 0;
    enum quire_status status = QUIRE_OK;
    while (status == QUIRE_OK && stored < 1000) {
        char key[16];
        snprintf(key, sizeof key, "k%04u", stored);
        struct quire_write writes[] = {
            {quire_bytes_of_text(key), {(uint8_t *)large, sizeof large}, false}, put("last", key)};
        status = qr_client_records_write(records, writes, 2, &error);
        stored += status == QUIRE_OK;
    }
    cr_assert_eq(status, QUIRE_EFULL);
    cr_assert_gt(stored, 20); /* far more than the first map held */
    cr_assert_not_null(strstr(error.text, "is safe"));
    struct quire_reader reader = qr_client_records_reader(records);
    struct quire_buffer value = {0};
    char last[16];
    snprintf(last, sizeof last, "k%04u", stored - 1);
    cr_assert_eq(reader.get(reader.context, quire_bytes_of_text("last"), &value), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&value), quire_bytes_of_text(last)));
    /* Smaller things still go: it is not stuck. */
    struct quire_write small = put("small", "yes");
    cr_assert_eq(qr_client_records_write(records, &small, 1, &error), QUIRE_OK);
    quire_buffer_finish(&value);
    qr_client_records_close(records);
    cr_assert_eq(
        qr_client_records_open(in_folder("r"), 1 << 18, 1 << 22, &records, &error), QUIRE_OK);
    qr_client_records_close(records);
}

/* ---- the folder ------------------------------------------------------------------------------ */

Test(profile, is_made_once_and_opened_again)
{
    struct qr_client_profile made, opened;
    struct stat info;
    const char *path = in_folder("journal");
    cr_assert_eq(qr_client_profile_open(path, 10, &opened, &error), QUIRE_ENOTFOUND);
    cr_assert_eq(
        qr_client_profile_make(path, 10, QR_CLIENT_STAGE_STARTING, &made, &error), QUIRE_OK);
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0700);
    made.config.stage = QR_CLIENT_STAGE_READY;
    cr_assert_eq(qr_client_profile_save(&made, &error), QUIRE_OK);
    qr_client_profile_close(&made);
    cr_assert_eq(qr_client_profile_open(path, 10, &opened, &error), QUIRE_OK);
    cr_assert_str_eq(opened.config.key_name, made.config.key_name);
    qr_client_profile_close(&opened);
    cr_assert_eq(
        qr_client_profile_make(path, 10, QR_CLIENT_STAGE_STARTING, &made, &error), QUIRE_ECONFLICT);
}

Test(profile, one_that_was_never_finished_is_begun_anew)
{
    struct qr_client_profile made;
    const char *path = in_folder("journal");
    cr_assert_eq(
        qr_client_profile_make(path, 10, QR_CLIENT_STAGE_JOINING, &made, &error), QUIRE_OK);
    qr_client_profile_close(&made);
    write_text(in_folder("journal/records.mdb"), "half", 0600);
    cr_assert_eq(
        qr_client_profile_make(path, 10, QR_CLIENT_STAGE_STARTING, &made, &error), QUIRE_OK);
    cr_assert_eq(access(in_folder("journal/records.mdb"), F_OK), -1);
    qr_client_profile_unmake(&made);
    cr_assert_eq(access(path, F_OK), -1, "an empty folder stays behind");
}

Test(profile, records_without_a_config_are_not_overwritten)
{
    struct qr_client_profile made;
    cr_assert_eq(mkdir(in_folder("journal"), 0700), 0);
    write_text(in_folder("journal/records.mdb"), "precious", 0600);
    cr_assert_eq(
        qr_client_profile_make(in_folder("journal"), 10, QR_CLIENT_STAGE_STARTING, &made, &error),
        QUIRE_ECONFLICT);
    cr_assert_eq(access(in_folder("journal/records.mdb"), F_OK), 0);
}

Test(profile, a_second_one_waits_then_says_who_has_it)
{
    struct qr_client_profile first, second;
    const char *path = in_folder("journal");
    cr_assert_eq(
        qr_client_profile_make(path, 10, QR_CLIENT_STAGE_STARTING, &first, &error), QUIRE_OK);
    cr_assert_not(qr_client_profile_wanted(&first));
    cr_assert_eq(qr_client_profile_open(path, 50, &second, &error), QUIRE_ELOCKED);
    char pid[32];
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    cr_assert_not_null(strstr(error.text, pid), "%s", error.text);

    pid_t child = fork();
    if (child == 0) {
        struct qr_client_profile mine;
        qr_client_profile_close(&first); /* inherited: the lock goes when both let it go */
        _exit(qr_client_profile_open(path, 20000, &mine, &error) == QUIRE_OK ? 0 : 1);
    }
    while (!qr_client_profile_wanted(&first)) {
        usleep(1000);
    }
    qr_client_profile_close(&first);
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(qr_client_profile_open(path, 1000, &second, &error), QUIRE_OK);
    qr_client_profile_close(&second);
}

Test(profile, the_replica_record_is_kept_outside)
{
    struct quire_buffer record = {0};
    cr_assert_eq(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    qr_client_replica_read("/some/profile", &record);
    cr_assert_eq(record.size, 0);
    qr_client_replica_write("/some/profile", quire_bytes_of_text("one"));
    qr_client_replica_write("/some/profile", quire_bytes_of_text("three"));
    qr_client_replica_write("/other/profile", quire_bytes_of_text("2"));
    qr_client_replica_read("/some/profile", &record);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&record), quire_bytes_of_text("three")));
    quire_buffer_finish(&record);
}

Test(profile, a_runtime_folder_that_others_may_enter_is_not_used)
{
    struct qr_client_path path;
    cr_assert_eq(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    cr_assert_eq(mkdir(in_folder("quire"), 0777), 0);
    cr_assert_eq(chmod(in_folder("quire"), 0777), 0);
    if (qr_client_runtime_folder(&path, &error) == QUIRE_OK) {
        cr_assert_neq(strncmp(path.text, folder, strlen(folder)), 0);
    }
    cr_assert_eq(rmdir(in_folder("quire")), 0);
    cr_assert_eq(symlink("/tmp", in_folder("quire")), 0);
    if (qr_client_runtime_folder(&path, &error) == QUIRE_OK) {
        cr_assert_neq(strncmp(path.text, folder, strlen(folder)), 0);
    }
}
