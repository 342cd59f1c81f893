/*
 * The committer: groups, order, and what happens when the disk refuses.
 */
#include "disk.h"

#include "server/committer.h"
#include <criterion/criterion.h>

static struct disk disk;
static struct qr_committer *committer;

static void start(uint32_t window_us)
{
    struct qr_committer_options options = {disk_append, &disk, disk_ready, &disk, window_us, 0};
    disk_init(&disk);
    cr_assert_eq(qr_committer_create(&options, &committer), QUIRE_OK);
}

static void stop(void)
{
    qr_committer_destroy(committer);
    cr_assert_not(disk.out_of_order);
    disk_finish(&disk);
}

static void submit(uint64_t first, uint64_t last)
{
    for (uint64_t lsn = first; lsn <= last; lsn++) {
        uint8_t bytes[8];
        struct qr_log_record record = disk_record(lsn, bytes);
        cr_assert_eq(qr_committer_submit(committer, &record, 1), QUIRE_OK);
    }
}

Test(committer, records_become_durable_in_order_and_are_told_once)
{
    struct qr_committed committed = {0};
    start(0);
    submit(1, 1000);
    for (unsigned news = 1; committed.durable_lsn < 1000; news++) {
        struct qr_committed before = committed;
        disk_wait_news(&disk, news);
        if (qr_committer_take(committer, &committed)) {
            cr_assert_not(committed.failed);
            cr_assert_gt(committed.durable_lsn, before.durable_lsn);
        }
    }
    cr_assert_not(qr_committer_take(committer, &committed));
    cr_assert_eq(qr_committer_backlog(committer), 0);
    cr_assert_eq(disk.last_lsn, 1000);
    stop();
}

Test(committer, what_comes_while_the_disk_is_busy_is_one_group)
{
    start(0);
    disk_hold(&disk, true);
    submit(1, 1);
    disk_wait_held(&disk);
    submit(2, 500);
    cr_assert_eq(qr_committer_backlog(committer), 500 * 8);
    disk_hold(&disk, false);
    disk_wait_news(&disk, 2);
    cr_assert_eq(disk.group_count, 2);
    cr_assert_eq(disk.largest_group, 499);
    stop();
}

Test(committer, the_window_gathers_records_that_come_one_by_one)
{
    start(100000);
    submit(1, 1); /* at once */
    disk_wait_news(&disk, 1);
    submit(2, 200);
    disk_wait_news(&disk, 2);
    cr_assert_eq(disk.group_count, 2);
    cr_assert_eq(disk.last_lsn, 200);
    stop();
}

Test(committer, nothing_is_committed_between_a_failure_and_its_being_told)
{
    struct qr_committed committed;
    start(0);
    submit(1, 3);
    disk_wait_lsn(&disk, 3);
    disk_hold(&disk, true);
    submit(4, 4);
    disk_wait_held(&disk);
    submit(5, 6); /* void once 4 has failed */
    disk_fail(&disk, QUIRE_EFULL);
    unsigned news = disk_news(&disk);
    disk_hold(&disk, false);
    disk_wait_news(&disk, news + 1);
    disk_fail(&disk, QUIRE_OK); /* the disk would take them now */
    submit(7, 8);
    cr_assert(qr_committer_take(committer, &committed));
    cr_assert(committed.failed);
    cr_assert_eq(committed.failed_lsn, 4);
    cr_assert_eq(committed.durable_lsn, 3);
    cr_assert_eq(committed.status, QUIRE_EFULL);
    cr_assert_eq(disk.last_lsn, 3);
    submit(4, 5); /* the hub begins there again */
    disk_wait_news(&disk, news + 2);
    cr_assert(qr_committer_take(committer, &committed));
    cr_assert_not(committed.failed);
    qr_committer_destroy(committer);
    cr_assert_eq(disk.last_lsn, 5);
    cr_assert_not(disk.out_of_order);
    disk_finish(&disk);
}

Test(committer, destroying_it_commits_what_was_submitted)
{
    start(50000);
    submit(1, 300);
    qr_committer_destroy(committer);
    cr_assert_eq(disk.last_lsn, 300);
    cr_assert_not(disk.out_of_order);
    disk_finish(&disk);
    qr_committer_destroy(NULL);
}
