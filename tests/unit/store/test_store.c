/*
 * The store: what was appended is there, in order, after closing and after a crash.
 */
#include "helpers.h"

#include "store/record.h"
#include "store/store.h"
#include "store/inner.h"
#include <criterion/criterion.h>
#include <fcntl.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256];

static void set_up(void)
{
    make_folder(folder);
}
static void tear_down(void)
{
    remove_folder(folder);
}
TestSuite(store, .init = set_up, .fini = tear_down);

Test(store, a_new_store_is_empty_and_keeps_its_first_name)
{
    uint8_t name[16];
    struct qr_store *store = open_store(folder);
    uint64_t lsn[4];
    struct quire_bytes bytes;
    struct qr_log_reader reader = qr_store_reader(store);
    cr_assert_eq(qr_store_last_lsn(store), 0);
    cr_assert_eq(entries_of(store, 1, lsn, 4), 0);
    cr_assert_eq(reader.read(reader.context, 1, &bytes), QUIRE_ENOTFOUND);
    cr_assert_eq(reader.read(reader.context, 0, &bytes), QUIRE_ENOTFOUND);
    qr_store_close(store);

    struct qr_store_options other = {
        .path = folder, .map_size = 1 << 20, .map_size_max = 1 << 28, .log_id = "another name..."};
    cr_assert_eq(qr_store_open(&other, &store), QUIRE_OK);
    qr_store_log_id(store, name);
    cr_assert_arr_eq(name, "a name of a log", 16);
    qr_store_close(store);
}

Test(store, records_come_back_as_they_were_written_also_after_reopening)
{
    static const unsigned users[] = {1, 2, 1, 3, 2, 1};
    uint64_t lsn[8];
    struct qr_store *store = open_store(folder);
    cr_assert_eq(append_for(store, users, 6, 100), QUIRE_OK);
    cr_assert_eq(append_for(store, users, 6, 0), QUIRE_OK);
    cr_assert_eq(append_for(store, users, 6, RECORD_MAX), QUIRE_OK);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(qr_store_last_lsn(store), 18);
        for (unsigned i = 0; i < 6; i++) {
            cr_assert(reads_as_known(store, users[i], i + 1, 100));
            cr_assert(reads_as_known(store, users[i], i + 7, 0));
            cr_assert(reads_as_known(store, users[i], i + 13, RECORD_MAX));
        }
        cr_assert_eq(entries_of(store, 1, lsn, 8), 9);
        cr_assert_eq(lsn[1], 3);
        cr_assert_eq(entries_of(store, 3, lsn, 8), 3);
        cr_assert_eq(entries_of(store, 4, lsn, 8), 0);
        qr_store_close(store);
        store = open_store(folder);
    }
    qr_store_close(store);
}

/* Users of very different activity, an index that moves to the disk all the time. */
static void append_many(struct qr_store *store, size_t commits, size_t per_commit)
{
    unsigned users[256];
    uint32_t state = 5;
    for (size_t i = 0; i < commits; i++) {
        for (size_t j = 0; j < per_commit; j++) {
            state = state * 1664525u + 1013904223u;
            uint32_t draw = state >> 16;
            users[j] = draw % 2 == 0 ? 0 : draw % 100;
        }
        cr_assert_eq(append_for(store, users, per_commit, 40), QUIRE_OK);
    }
}

static void expect_every_entry(struct qr_store *store, uint64_t count)
{
    static uint64_t lsn[20000];
    uint64_t total = 0;
    for (unsigned user = 0; user < 100; user++) {
        size_t of_user = entries_of(store, user, lsn, 20000);
        for (size_t i = 0; i < of_user; i++) {
            cr_assert(reads_as_known(store, user, lsn[i], 40));
        }
        total += of_user;
    }
    cr_assert_eq(total, count);
}

Test(store, entries_come_from_disk_and_memory_in_one_order)
{
    struct qr_store *store = open_store_sized(folder, 1 << 20, 1 << 28, 500);
    struct qr_store_stats stats;
    append_many(store, 60, 100);
    qr_store_stats(store, &stats);
    cr_assert_leq(stats.tail_entries, 600, "the tail has %lu", (unsigned long)stats.tail_entries);
    cr_assert_gt(stats.tail_entries, 0);
    expect_every_entry(store, 6000);
    qr_store_close(store);
    store = open_store_sized(folder, 1 << 20, 1 << 28, 500);
    qr_store_stats(store, &stats);
    cr_assert_eq(stats.tail_entries, 0, "closing writes the whole index");
    expect_every_entry(store, 6000);
    qr_store_close(store);
}

/* Runs `work` in a process that ends without closing anything. */
static void in_a_process_that_dies(void (*work)(struct qr_store *store))
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        work(open_store_sized(folder, 1 << 20, 1 << 28, 500));
        _exit(7);
    }
    int code = 0;
    cr_assert_eq(waitpid(child, &code, 0), child);
    cr_assert(WIFEXITED(code) && WEXITSTATUS(code) == 7);
}

static void write_6000(struct qr_store *store)
{
    append_many(store, 60, 100);
}

Test(store, a_crash_loses_nothing_and_the_index_is_rebuilt)
{
    in_a_process_that_dies(write_6000);
    struct qr_store *store = open_store_sized(folder, 1 << 20, 1 << 28, 500);
    cr_assert_eq(qr_store_last_lsn(store), 6000);
    expect_every_entry(store, 6000);
    append_many(store, 10, 100);
    expect_every_entry(store, 7000);
    qr_store_close(store);
}

static uint8_t user_name[QR_USER_SIZE];

static void name_user(unsigned user)
{
    struct known known;
    make_known(&known, user, 1, 0);
    memcpy(user_name, known.record.user, QR_USER_SIZE);
}

static void write_and_forget(struct qr_store *store)
{
    static const unsigned users[] = {1, 2, 1, 2, 1, 2};
    name_user(1);
    cr_assert_eq(append_for(store, users, 6, 40), QUIRE_OK);
    cr_assert_eq(qr_store_forget(store, user_name, 3), QUIRE_OK);
    cr_assert_eq(append_for(store, users, 2, 40), QUIRE_OK);
}

Test(store, what_is_forgotten_stays_forgotten_after_a_crash_and_what_comes_later_is_there)
{
    uint64_t lsn[8];
    in_a_process_that_dies(write_and_forget);
    struct qr_store *store = open_store(folder);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(entries_of(store, 1, lsn, 8), 2);
        cr_assert_eq(lsn[0], 1);
        cr_assert_eq(lsn[1], 7);
        cr_assert_eq(entries_of(store, 2, lsn, 8), 4);
        qr_store_close(store);
        store = open_store(folder);
    }
    qr_store_close(store);
}

Test(store, forgetting_reaches_what_is_on_the_disk)
{
    static uint64_t lsn[20000];
    struct qr_store *store = open_store_sized(folder, 1 << 20, 1 << 28, 500);
    append_many(store, 60, 100);
    name_user(0);
    size_t before = entries_of(store, 0, lsn, 20000);
    uint64_t from = lsn[before / 3];
    cr_assert_eq(qr_store_forget(store, user_name, from), QUIRE_OK);
    cr_assert_eq(entries_of(store, 0, lsn, 20000), before / 3);
    qr_store_close(store);
    store = open_store(folder);
    cr_assert_eq(entries_of(store, 0, lsn, 20000), before / 3);
    qr_store_close(store);
}

Test(store, the_last_room_is_for_roster_records)
{
    static const unsigned user = 1;
    struct qr_store *store = open_store_sized(folder, 1 << 20, 4 << 20, 0);
    enum quire_status status = QUIRE_OK;
    while (status == QUIRE_OK) {
        status = append_for(store, &user, 1, 4096);
    }
    cr_assert_eq(status, QUIRE_EFULL);
    uint64_t last = qr_store_last_lsn(store);
    for (int i = 0; i < 20; i++) {
        struct known known;
        make_known(&known, user, ++last, 1000);
        known.record.entry.kind = QR_LOG_ROSTER;
        cr_assert_eq(qr_store_append(store, &known.record, 1), QUIRE_OK, "record %d", i);
    }
    cr_assert_eq(append_for(store, &user, 1, 4096), QUIRE_EFULL);
    qr_store_close(store);
}

Test(store, a_reader_that_makes_the_file_grow_is_told_of_and_ended)
{
    static const unsigned user = 1;
    char path[300];
    int ready[2];
    snprintf(path, sizeof path, "%s/log.mdb", folder);
    struct qr_store_options options = {
        .path = folder, .map_size = 1 << 20, .map_size_max = 1 << 28, .reader_growth_max = 1 << 20};
    struct qr_store *store = NULL;
    cr_assert_eq(qr_store_open(&options, &store), QUIRE_OK);
    cr_assert_eq(append_for(store, &user, 1, 4096), QUIRE_OK);
    cr_assert_eq(pipe(ready), 0);
    pid_t backup = fork();
    if (backup == 0) { /* a backup that stands still */
        MDB_env *env = NULL;
        MDB_txn *txn = NULL;
        signal(SIGTERM, SIG_DFL);
        bool open = mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 1 << 28) == 0
            && mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY, 0600) == 0
            && mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0;
        (void)!write(ready[1], open ? "y" : "n", 1);
        pause();
        _exit(0);
    }
    char answer = 0;
    cr_assert_eq(read(ready[0], &answer, 1), 1);
    cr_assert_eq(answer, 'y');
    struct qr_store_stats stats = {0};
    uint64_t growth = 0;
    for (int i = 0; i < 1000 && stats.readers_ended == 0; i++) {
        store->swept_ms = 0; /* as if five seconds went by */
        cr_assert_eq(append_for(store, &user, 1, 4096), QUIRE_OK);
        qr_store_stats(store, &stats);
        growth = stats.reader_growth > growth ? stats.reader_growth : growth;
        cr_assert(stats.reader_process == (uint64_t)backup);
    }
    cr_assert_gt(growth, 1 << 20);
    cr_assert_lt(growth, 2 << 20);
    int status = 0;
    cr_assert_eq(waitpid(backup, &status, 0), backup);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    store->swept_ms = 0;
    cr_assert_eq(append_for(store, &user, 1, 100), QUIRE_OK);
    qr_store_stats(store, &stats);
    cr_assert_eq(stats.reader_process, 0);
    cr_assert_eq(stats.reader_growth, 0);
    qr_store_close(store);
}

Test(store, a_second_opening_is_refused_while_the_first_lives)
{
    struct qr_store *first = open_store(folder);
    struct qr_store_options options = {
        .path = folder, .map_size = 1 << 20, .map_size_max = 1 << 28};
    struct qr_store *second = NULL;
    cr_assert_eq(qr_store_open(&options, &second), QUIRE_ELOCKED);
    cr_assert_null(second);
    pid_t child = fork();
    if (child == 0) {
        _exit(qr_store_open(&options, &second) == QUIRE_ELOCKED ? 0 : 1);
    }
    int code = 1;
    cr_assert_eq(waitpid(child, &code, 0), child);
    cr_assert_eq(code, 0);
    qr_store_close(first);
    first = open_store(folder);
    qr_store_close(first);
}

Test(store, a_folder_of_something_else_is_refused_and_left_as_it_is)
{
    char path[300];
    char text[32] = {0};
    struct qr_store_options options = {
        .path = folder, .map_size = 1 << 20, .map_size_max = 1 << 28};
    struct qr_store *store = NULL;
    snprintf(path, sizeof path, "%s/log.mdb", folder);
    FILE *file = fopen(path, "w");
    fputs("a shopping list", file);
    fclose(file);
    cr_assert_eq(qr_store_open(&options, &store), QUIRE_ECORRUPT);
    file = fopen(path, "r");
    cr_assert_not_null(fgets(text, sizeof text, file));
    fclose(file);
    cr_assert_str_eq(text, "a shopping list");
}

Test(store, a_newer_format_is_told_apart_from_damage)
{
    struct qr_store_options options = {
        .path = folder, .map_size = 1 << 20, .map_size_max = 1 << 28};
    struct qr_store *store = open_store(folder);
    qr_store_close(store);
    /* the meta record: key "format", value 0 0 0 1 */
    static const uint8_t pattern[] = {'f', 'o', 'r', 'm', 'a', 't', 0, 0, 0, 1};
    cr_assert_geq(flip_in_file(folder, pattern, sizeof pattern, 9, 3), 1);
    cr_assert_eq(qr_store_open(&options, &store), QUIRE_EUNSUPPORTED);
}

Test(store, what_is_left_of_an_interrupted_creation_is_no_hindrance)
{
    char path[300];
    snprintf(path, sizeof path, "%s/new.mdb", folder);
    FILE *file = fopen(path, "w");
    fputs("half a store", file);
    fclose(file);
    struct qr_store *store = open_store(folder);
    qr_store_close(store);
    cr_assert_neq(access(path, F_OK), 0);
}

Test(store, files_are_for_their_owner_alone)
{
    char path[300];
    struct stat about;
    qr_store_close(open_store(folder));
    snprintf(path, sizeof path, "%s/log.mdb", folder);
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_eq(about.st_mode & 0777, 0600);
}

struct reading {
    struct qr_store *store;
    _Atomic bool stop;
};

static void *read_all_the_time(void *context)
{
    struct reading *reading = context;
    static uint64_t lsn[20000];
    while (!reading->stop) {
        uint64_t last = qr_store_last_lsn(reading->store);
        size_t total = 0;
        for (unsigned user = 0; user < 100; user++) {
            size_t count = entries_of(reading->store, user, lsn, 20000);
            for (size_t i = 0; i < count; i += 50) {
                cr_assert(reads_as_known(reading->store, user, lsn[i], 40));
            }
            total += count;
        }
        cr_assert_geq(total, last);
        struct known stranger;
        make_known(&stranger, 777, 1, 0);
        cr_assert_eq(qr_store_forget(reading->store, stranger.record.user, 1), QUIRE_OK);
    }
    return NULL;
}

Test(store, reading_and_forgetting_go_on_while_another_thread_appends_and_the_map_grows)
{
    pthread_t thread;
    struct reading reading = {open_store_sized(folder, 1 << 20, 1 << 28, 500), false};
    cr_assert_eq(pthread_create(&thread, NULL, read_all_the_time, &reading), 0);
    append_many(reading.store, 120, 100);
    reading.stop = true;
    pthread_join(thread, NULL);
    struct qr_store_stats stats;
    qr_store_stats(reading.store, &stats);
    cr_assert_gt(stats.map_size, 1 << 20, "the map did not grow");
    qr_store_close(reading.store);
}
