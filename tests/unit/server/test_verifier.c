/*
 * The verifier: right answers, to the right questions.
 */
#include "disk.h"
#include "signed.h"

#include "server/verifier.h"
#include <criterion/criterion.h>

static void answers_are_right(unsigned workers)
{
    enum { TASKS = 200, JOBS = 4 };
    struct disk news;
    struct qr_verifier *verifier = NULL;
    struct qr_verified verified[64];
    bool answered[TASKS] = {false};
    size_t total = 0;
    disk_init(&news);
    cr_assert_eq(qr_verifier_create(workers, disk_ready, &news, &verifier), QUIRE_OK);
    for (uint64_t token = 0; token < TASKS; token++) {
        struct qr_verify_job jobs[JOBS];
        for (size_t i = 0; i < JOBS; i++) {
            signed_job(&jobs[i], token * JOBS + i);
        }
        if (token % 5 < JOBS) { /* one bad, or none */
            jobs[token % 5].signature[token % 64] ^= 1;
        }
        cr_assert_eq(qr_verifier_submit(verifier, token, jobs, JOBS, false), QUIRE_OK);
    }
    while (total < TASKS) {
        disk_wait_news(&news, 1);
        size_t count = qr_verifier_take(verifier, verified, 64);
        for (size_t i = 0; i < count; i++) {
            cr_assert_lt(verified[i].token, TASKS);
            cr_assert_not(answered[verified[i].token], "answered twice");
            answered[verified[i].token] = true;
            cr_assert_eq(verified[i].valid, verified[i].token % 5);
        }
        total += count;
    }
    cr_assert_eq(qr_verifier_backlog(verifier), 0);
    qr_verifier_destroy(verifier);
    disk_finish(&news);
}

Test(verifier, one_worker_counts_valid_signatures_up_to_the_first_bad_one)
{
    answers_are_right(1);
}

Test(verifier, several_workers_do_the_same)
{
    answers_are_right(4);
}

Test(verifier, it_ends_with_work_undone)
{
    struct disk news;
    struct qr_verifier *verifier = NULL;
    struct qr_verify_job job;
    disk_init(&news);
    signed_job(&job, 1);
    cr_assert_eq(qr_verifier_create(2, disk_ready, &news, &verifier), QUIRE_OK);
    for (uint64_t token = 0; token < 2000; token++) {
        cr_assert_eq(qr_verifier_submit(verifier, token, &job, 1, false), QUIRE_OK);
    }
    qr_verifier_destroy(verifier);
    qr_verifier_destroy(NULL);
    disk_finish(&news);
}

Test(verifier, a_number_of_workers_out_of_range_is_refused)
{
    struct qr_verifier *verifier = NULL;
    cr_assert_eq(qr_verifier_create(0, disk_ready, NULL, &verifier), QUIRE_EINVALID);
    cr_assert_eq(qr_verifier_create(65, disk_ready, NULL, &verifier), QUIRE_EINVALID);
    cr_assert_null(verifier);
}

Test(verifier, members_are_answered_before_strangers_who_came_first)
{
    enum { LONG = 1000, MEMBERS = 50 };
    static struct qr_verify_job jobs[LONG];
    struct disk news;
    struct qr_verifier *verifier = NULL;
    struct qr_verified verified[64];
    size_t before = 0, total = 0;
    bool stranger = false;
    disk_init(&news);
    for (size_t i = 0; i < LONG; i++) {
        signed_job(&jobs[i], i);
    }
    cr_assert_eq(qr_verifier_create(1, disk_ready, &news, &verifier), QUIRE_OK);
    cr_assert_eq(qr_verifier_submit(verifier, MEMBERS, jobs, LONG, true), QUIRE_OK);
    for (uint64_t token = 0; token < MEMBERS; token++) {
        cr_assert_eq(qr_verifier_submit(verifier, token, jobs, 4, false), QUIRE_OK);
    }
    while (total < MEMBERS + 1) {
        disk_wait_news(&news, 1);
        size_t count = qr_verifier_take(verifier, verified, 64);
        for (size_t i = 0; i < count; i++) {
            stranger |= verified[i].token == MEMBERS;
            before += !stranger;
            cr_assert_eq(verified[i].valid, verified[i].token == MEMBERS ? LONG : 4);
        }
        total += count;
    }
    cr_assert_eq(before, MEMBERS, "all members but %zu were first", MEMBERS - before);
    cr_assert_eq(qr_verifier_backlog(verifier), 0);
    qr_verifier_destroy(verifier);
    disk_finish(&news);
}
