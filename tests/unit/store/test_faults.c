/*
 * The store when the disk is full, fails or decays: nothing wrong is served, nothing durable lost.
 */
#include "helpers.h"

#include "store/record.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256];
static const unsigned six_users[] = {1, 2, 1, 3, 2, 1};

static void set_up(void)
{
    make_folder(folder);
}
static void tear_down(void)
{
    remove_folder(folder);
}
TestSuite(store_faults, .init = set_up, .fini = tear_down);

Test(store_faults, the_map_grows_while_it_may_and_then_writes_are_refused_and_reads_go_on)
{
    struct qr_store_stats stats;
    struct qr_store *store = open_store_sized(folder, 1 << 20, 4 << 20, 0);
    enum quire_status status;
    uint64_t durable = 0;
    while ((status = append_for(store, six_users, 6, RECORD_MAX)) == QUIRE_OK) {
        durable = qr_store_last_lsn(store);
    }
    cr_assert_eq(status, QUIRE_EFULL);
    cr_assert_eq(qr_store_last_lsn(store), durable);
    qr_store_stats(store, &stats);
    cr_assert_eq(stats.map_size, 4 << 20);
    cr_assert_gt(durable, 300);
    for (uint64_t lsn = 1; lsn <= durable; lsn++) {
        cr_assert(reads_as_known(store, six_users[(lsn - 1) % 6], lsn, RECORD_MAX));
    }
    cr_assert_eq(append_for(store, six_users, 6, RECORD_MAX), QUIRE_EFULL);
    qr_store_close(store);

    store = open_store_sized(folder, 1 << 20, 16 << 20, 0);
    cr_assert_eq(qr_store_last_lsn(store), durable);
    cr_assert_eq(append_for(store, six_users, 6, RECORD_MAX), QUIRE_OK);
    uint64_t lsn[2000];
    cr_assert_eq(entries_of(store, 1, lsn, 2000), durable / 2 + 3);
    qr_store_close(store);
}

static void expect_refusal_then_recovery(int *fault, int error, enum quire_status wanted)
{
    uint64_t lsn[16];
    struct qr_store *store = open_store(folder);
    cr_assert_eq(append_for(store, six_users, 6, 100), QUIRE_OK);
    for (int round = 0; round < 3; round++) {
        *fault = error;
        cr_assert_eq(append_for(store, six_users, 6, 200), wanted);
        cr_assert_eq(qr_store_last_lsn(store), 6);
        cr_assert(reads_as_known(store, 1, 1, 100), "reading goes on");
        cr_assert_eq(entries_of(store, 1, lsn, 16), 3);
        *fault = 0;
        cr_assert(reads_as_known(store, 1, 1, 100));
    }
    cr_assert_eq(append_for(store, six_users, 6, 300), QUIRE_OK);
    cr_assert_eq(entries_of(store, 1, lsn, 16), 6);
    cr_assert(reads_as_known(store, 1, 7, 300));
    qr_store_close(store);
    store = open_store(folder);
    cr_assert_eq(qr_store_last_lsn(store), 12);
    cr_assert(reads_as_known(store, 1, 7, 300));
    qr_store_close(store);
}

Test(store_faults, a_full_disk_refuses_the_append_and_a_later_one_works)
{
    expect_refusal_then_recovery(&disk_faults.write_error, ENOSPC, QUIRE_EFULL);
}

Test(store_faults, a_failing_disk_refuses_the_append_and_a_later_one_works)
{
    expect_refusal_then_recovery(&disk_faults.write_error, EIO, QUIRE_EIO);
}

Test(store_faults, a_failing_sync_refuses_the_append_and_a_later_one_works)
{
    expect_refusal_then_recovery(&disk_faults.sync_error, EIO, QUIRE_EIO);
}

Test(store_faults, a_failing_last_page_refuses_the_append_and_a_later_one_works)
{
    expect_refusal_then_recovery(&disk_faults.meta_error, EIO, QUIRE_EIO);
}

Test(store_faults, a_refused_append_that_reached_the_disk_all_the_same_is_taken_back)
{
    static const unsigned others[] = {5, 5, 5};
    uint64_t lsn[16];
    struct qr_store *store = open_store_sized(folder, 1 << 20, 1 << 28, 1);
    cr_assert_eq(append_for(store, six_users, 6, 100), QUIRE_OK);
    disk_faults.meta_error = EIO;
    disk_faults.meta_lies = 1;
    cr_assert_eq(append_for(store, six_users, 6, 200), QUIRE_EIO);
    disk_faults.meta_error = 0;
    cr_assert_eq(qr_store_last_lsn(store), 6);
    cr_assert_eq(entries_of(store, 1, lsn, 16), 3);
    cr_assert_eq(append_for(store, others, 3, 50), QUIRE_OK);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(qr_store_last_lsn(store), 9);
        cr_assert_eq(entries_of(store, 1, lsn, 16), 3);
        cr_assert_eq(entries_of(store, 5, lsn, 16), 3);
        cr_assert(reads_as_known(store, 5, 7, 50));
        qr_store_close(store);
        store = open_store(folder);
    }
    qr_store_close(store);
}

Test(store_faults, a_flipped_bit_anywhere_in_a_record_is_never_served)
{
    struct known known;
    struct qr_store *store = open_store(folder);
    cr_assert_eq(append_for(store, six_users, 6, 100), QUIRE_OK);
    qr_store_close(store);
    make_known(&known, 3, 4, 100);
    for (long offset = -(long)QR_STORED_HEADER_SIZE; offset < 100; offset++) {
        uint8_t mask = (uint8_t)(1u << ((unsigned)(offset + 200) % 8));
        /* The bytes are random enough to be found by their last 50, or by their first. */
        const uint8_t *pattern = offset < 50 ? known.bytes + 50 : known.bytes;
        long shift = offset < 50 ? -50 : 0;
        cr_assert_geq(flip_in_file(folder, pattern, 50, offset + shift, mask), 1);

        struct quire_bytes bytes = {NULL, 7};
        uint64_t lsn[8];
        store = open_store(folder);
        struct qr_log_reader reader = qr_store_reader(store);
        cr_assert_eq(reader.read(reader.context, 4, &bytes), QUIRE_ECORRUPT, "offset %ld", offset);
        cr_assert_eq(bytes.size, 7, "outputs are untouched");
        cr_assert(reads_as_known(store, 1, 3, 100));
        cr_assert(reads_as_known(store, 2, 5, 100));
        cr_assert_eq(entries_of(store, 3, lsn, 8), 1);
        qr_store_close(store);

        cr_assert_geq(flip_in_file(folder, pattern, 50, offset + shift, mask), 1);
    }
    store = open_store(folder);
    cr_assert(reads_as_known(store, 3, 4, 100));
    qr_store_close(store);
}

Test(store_faults, a_decayed_entry_of_the_index_is_taken_from_the_log)
{
    struct known known;
    uint8_t key[QR_INDEX_KEY_SIZE];
    uint64_t lsn[8];
    struct qr_store *store = open_store(folder);
    cr_assert_eq(append_for(store, six_users, 6, 100), QUIRE_OK);
    qr_store_close(store);
    make_known(&known, 3, 4, 0);
    qr_index_key(key, known.record.user, 4);
    for (long offset = 0; offset < QR_INDEX_VALUE_SIZE; offset++) {
        cr_assert_geq(flip_in_file(folder, key, sizeof key, QR_INDEX_KEY_SIZE + offset, 0x10), 1);
        store = open_store(folder);
        cr_assert_eq(entries_of(store, 3, lsn, 8), 1, "offset %ld", offset);
        cr_assert_eq(lsn[0], 4);
        qr_store_close(store);
        cr_assert_geq(flip_in_file(folder, key, sizeof key, QR_INDEX_KEY_SIZE + offset, 0x10), 1);
    }
}

static void append_in_a_process_that_dies(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct qr_store *store = open_store(folder);
        _exit(append_for(store, six_users, 6, 100) == QUIRE_OK ? 0 : 1);
    }
    int code = 1;
    cr_assert_eq(waitpid(child, &code, 0), child);
    cr_assert_eq(code, 0);
}

Test(store_faults, a_damaged_tail_is_forgotten_from_there_on_for_its_user_alone)
{
    struct known known;
    uint64_t lsn[8];
    append_in_a_process_that_dies();
    make_known(&known, 1, 3, 100);
    cr_assert_geq(flip_in_file(folder, known.bytes, 50, 7, 1), 1);
    for (int round = 0; round < 2; round++) {
        struct qr_store *store = open_store(folder);
        struct qr_store_stats stats;
        qr_store_stats(store, &stats);
        cr_assert_eq(stats.damaged, round == 0 ? 1 : 0);
        cr_assert_eq(qr_store_last_lsn(store), 6 + (uint64_t)round);
        cr_assert_eq(entries_of(store, 1, lsn, 8), 1 + (size_t)round);
        cr_assert_eq(lsn[0], 1);
        cr_assert_eq(entries_of(store, 2, lsn, 8), 2);
        cr_assert_eq(entries_of(store, 3, lsn, 8), 1);
        if (round == 0) {
            const unsigned again = 1;
            cr_assert_eq(append_for(store, &again, 1, 100), QUIRE_OK);
            cr_assert_eq(entries_of(store, 1, lsn, 8), 2);
            cr_assert_eq(lsn[1], 7);
        }
        qr_store_close(store);
    }
}

Test(store_faults, a_file_that_lost_its_end_ends_no_process)
{
    char path[300];
    struct quire_bytes bytes;
    struct qr_store *store = open_store(folder);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(append_for(store, six_users, 6, RECORD_MAX), QUIRE_OK);
    }
    qr_store_close(store);
    snprintf(path, sizeof path, "%s/log.mdb", folder);
    size_t whole = file_size(folder), refused = 0;
    for (size_t size = whole; size > 4 * 4096; size -= 4096) {
        cr_assert_eq(truncate(path, (off_t)size), 0);
        uint64_t missing = 0;
        struct qr_store_options options = {.path = folder,
            .map_size = 1 << 20,
            .map_size_max = 1 << 28,
            .out_missing_bytes = &missing};
        enum quire_status status = qr_store_open(&options, &store);
        if (status != QUIRE_OK) {
            cr_assert_eq(status, QUIRE_ECORRUPT, "%s", quire_status_text(status));
            cr_assert_eq(file_size(folder), size, "it is left as it is");
            refused += missing == whole - size;
            continue;
        }
        cr_assert_eq(size, whole, "a file that was cut is no store");
        struct qr_log_reader reader = qr_store_reader(store);
        for (uint64_t lsn = 1; lsn <= 120; lsn++) {
            if (reader.read(reader.context, lsn, &bytes) == QUIRE_OK) {
                cr_assert(reads_as_known(store, six_users[(lsn - 1) % 6], lsn, RECORD_MAX));
            }
        }
        qr_store_close(store);
    }
    cr_assert_gt(refused, 20);
}

Test(store_faults, a_large_group_writes_little_more_than_its_records)
{
    static unsigned users[4096];
    struct qr_store *store = open_store_sized(folder, 64 << 20, 1 << 30, 0);
    uint32_t state = 9;
    disk_faults.written = 0;
    for (int i = 0; i < 40; i++) {
        for (int j = 0; j < 4096; j++) {
            state = state * 1664525u + 1013904223u;
            users[j] = (state >> 16) % 500;
        }
        cr_assert_eq(append_for(store, users, 4096, 128), QUIRE_OK);
    }
    double per_record = (double)disk_faults.written / (40 * 4096);
    cr_log_info("bytes written per record of 128: %.0f", per_record);
    cr_assert_lt(per_record, 614, "%.0f bytes are written per record of 128", per_record);
    qr_store_close(store);
}
