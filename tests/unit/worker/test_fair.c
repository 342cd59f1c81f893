/*
 * The queue of the gate: one consent cannot hold up another.
 */
#include "worker/fair.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const uint8_t text[65536];

static void push(struct qr_fair *fair, uint8_t consent, uint64_t lease, size_t size)
{
    uint8_t id[QR_KEY_SIZE] = {consent};
    struct qr_job *job = qr_job_create(id, (struct quire_bytes){text, size});
    cr_assert_not_null(job);
    job->lease = lease;
    cr_assert_eq(qr_fair_push(fair, job), QUIRE_OK);
}

static uint64_t pop(struct qr_fair *fair)
{
    struct qr_job *job = qr_fair_pop(fair);
    uint64_t lease = job == NULL ? 0 : job->lease;
    free(job);
    return lease;
}

Test(fair, one_who_floods_delays_another_by_a_turn)
{
    struct qr_fair *fair = qr_fair_create();
    for (uint64_t i = 1; i <= 10000; i++) {
        push(fair, 1, i, 4096);
    }
    push(fair, 2, 20000, 4096);
    size_t before = 0;
    while (pop(fair) != 20000) {
        before++;
    }
    cr_assert_leq(before, 2 * QR_FAIR_QUANTUM / 4096, "%zu came before", before);
    qr_fair_destroy(fair);
}

Test(fair, bytes_are_shared_not_copies)
{
    struct qr_fair *fair = qr_fair_create();
    for (uint64_t i = 0; i < 100; i++) {
        push(fair, 1, 1, 65536); /* large ones */
        push(fair, 2, 2, 1024);
    }
    size_t counts[3] = {0};
    for (size_t i = 0; i < 80; i++) {
        counts[pop(fair)]++;
    }
    cr_assert_leq(counts[1], 3, "%zu large ones to %zu small", counts[1], counts[2]);
    cr_assert_geq(counts[1], 1, "the large ones are not starved");
    qr_fair_destroy(fair);
}

Test(fair, a_consent_keeps_its_order_and_urgent_goes_first)
{
    struct qr_fair *fair = qr_fair_create();
    uint8_t id[QR_KEY_SIZE] = {9};
    for (uint64_t i = 1; i <= 3; i++) {
        push(fair, 1, i, 10);
    }
    struct qr_job *job = qr_job_create(id, (struct quire_bytes){text, 5});
    job->lease = 9;
    qr_fair_push_urgent(fair, job);
    cr_assert_eq(qr_fair_count(fair), 4);
    cr_assert_eq(qr_fair_bytes(fair), 35);
    cr_assert_eq(pop(fair), 9);
    cr_assert_eq(pop(fair), 1);
    cr_assert_eq(pop(fair), 2);
    cr_assert_eq(pop(fair), 3);
    cr_assert_eq(pop(fair), 0);
    cr_assert_eq(qr_fair_bytes(fair), 0);
    qr_fair_destroy(fair);
}

static void count_dropped(void *context, const struct qr_job *job)
{
    *(uint64_t *)context += job->lease;
}

Test(fair, what_is_dropped_leaves_the_others_in_turn)
{
    for (uint8_t gone = 1; gone <= 4; gone++) {
        for (size_t taken = 0; taken < 4; taken++) {
            struct qr_fair *fair = qr_fair_create();
            uint8_t id[QR_KEY_SIZE] = {gone};
            uint64_t dropped = 0, rest = 0, all = 0;
            for (uint8_t consent = 1; consent <= 3; consent++) {
                push(fair, consent, consent, 20000);
                push(fair, consent, consent, 10);
            }
            for (size_t i = 0; i < taken; i++) {
                all += pop(fair);
            }
            qr_fair_drop(fair, id, count_dropped, &dropped);
            while (qr_fair_count(fair) > 0) {
                uint64_t lease = pop(fair);
                cr_assert_neq(lease, gone);
                rest += lease;
            }
            cr_assert_eq(all + dropped + rest, 12);
            cr_assert_null(qr_fair_pop(fair));
            qr_fair_destroy(fair);
        }
    }
}

Test(fair, hundred_thousand_consents_are_served)
{
    struct qr_fair *fair = qr_fair_create();
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t id[QR_KEY_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
        struct qr_job *job = qr_job_create(id, (struct quire_bytes){text, 1});
        cr_assert_eq(qr_fair_push(fair, job), QUIRE_OK);
    }
    size_t count = 0;
    struct qr_job *job;
    while ((job = qr_fair_pop(fair)) != NULL) {
        free(job);
        count++;
    }
    cr_assert_eq(count, 100000);
    qr_fair_destroy(fair);
}
