/*
 * Suspects, counters, options.
 */
#include "worker/counters.h"
#include "worker/options.h"
#include "worker/suspects.h"
#include <criterion/criterion.h>

Test(suspects, the_third_death_of_one_content_is_the_last)
{
    struct qr_suspects suspects = {0};
    uint8_t one[QR_SUSPECT_NAME_SIZE] = {1}, other[QR_SUSPECT_NAME_SIZE] = {2};
    qr_suspects_add(&suspects, one);
    qr_suspects_add(&suspects, other);
    qr_suspects_add(&suspects, one);
    cr_assert_not(qr_suspects_is_poison(&suspects, one));
    qr_suspects_add(&suspects, one);
    cr_assert(qr_suspects_is_poison(&suspects, one));
    cr_assert_not(qr_suspects_is_poison(&suspects, other));
}

Test(suspects, the_list_stays_short_and_the_oldest_makes_room)
{
    struct qr_suspects suspects = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t name[QR_SUSPECT_NAME_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8)};
        qr_suspects_add(&suspects, name);
        qr_suspects_add(&suspects, name);
        qr_suspects_add(&suspects, name);
        cr_assert(qr_suspects_is_poison(&suspects, name));
    }
    cr_assert_eq(suspects.count, QR_SUSPECTS_MAX);
    uint8_t first[QR_SUSPECT_NAME_SIZE] = {0};
    cr_assert_not(qr_suspects_is_poison(&suspects, first));
}

Test(counters, the_text_fits_with_the_greatest_numbers)
{
    struct qr_counters counters;
    char text[4096];
    memset(&counters, 0xff, sizeof counters);
    counters.connected = true;
    size_t size = qr_counters_text(&counters, text, sizeof text);
    cr_assert_lt(size, sizeof text - 1);
    cr_assert_eq(text[size - 1], '\n');
    cr_assert_not_null(
        strstr(text, "quire_insight_results_total{outcome=\"done\"} 18446744073709551615\n"));
}

static enum quire_status read(
    struct qr_worker_options *options, const char *first, const char *second)
{
    char error[512] = "", name[] = "quire-insight", one[64], two[64];
    char *arguments[] = {name, one, second != NULL ? two : NULL, NULL};
    (void)snprintf(one, sizeof one, "%s", first);
    (void)snprintf(two, sizeof two, "%s", second != NULL ? second : "");
    enum quire_status status =
        qr_worker_options_read(second != NULL ? 3 : 2, arguments, options, error, sizeof error);
    cr_assert_eq(status == QUIRE_OK, error[0] == 0);
    return status;
}

Test(options, each_is_read_within_its_range_alone)
{
    struct qr_worker_options options;
    cr_assert_eq(read(&options, "--credit-kib", "128"), QUIRE_OK);
    cr_assert(options.credit_kib == 128 && options.rotate_hours == 144 && options.as_core == -1);
    cr_assert_eq(read(&options, "--credit-kib=4096", NULL), QUIRE_OK);
    cr_assert_eq(read(&options, "--allow-unlocked", NULL), QUIRE_OK);
    cr_assert(options.allow_unlocked && !options.check);
    const char *wrong[][2] = {{"--credit-kib", "127"}, {"--credit-kib", "4097"},
        {"--credit-kib", "1x"}, {"--credit-kib", "-1"}, {"--rotate-hours", "161"},
        {"--profile", NULL}, {"--check=1", NULL}, {"--nonsense", NULL}, {"profile", NULL},
        {"--", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(read(&options, wrong[i][0], wrong[i][1]), QUIRE_EINVALID, "%s", wrong[i][0]);
    }
}
