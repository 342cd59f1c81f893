/*
 * The worker's reading of a text: the same bytes whatever was read before, and nothing kept.
 */
#include "base/reader.h"
#include "worker/analyse.h"
#include "worker/models.h"
#include <criterion/criterion.h>

static struct qr_analyser *make(void)
{
    struct quire_bytes bundles[QUIRE_INSIGHT_BUNDLES_MAX];
    struct qr_analyser *analyser;
    size_t count = qr_models(bundles);
    cr_assert_eq(qr_analyser_create(bundles, count, &analyser), QUIRE_OK);
    return analyser;
}

static struct quire_buffer read(struct qr_analyser *analyser, const char *text)
{
    struct quire_buffer out = {0};
    cr_assert_eq(qr_analyser_read(analyser, quire_bytes_of_text(text), &out), QUIRE_OK);
    cr_assert_leq(out.size, QR_READING_MAX);
    return out;
}

static const char happy[] = "I am so happy today, thank you all, this was wonderful and I love it!";

Test(analyse, a_happy_text_reads_as_joy_with_its_words)
{
    struct qr_analyser *analyser = make();
    struct quire_buffer out = read(analyser, happy);
    struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&out));
    cr_assert_eq(qr_read_u8(&reader), 1);
    cr_assert(
        quire_bytes_equal(qr_read_bytes(&reader, qr_read_u8(&reader)), quire_bytes_of_text("en")));
    cr_assert_eq(qr_read_u16(&reader), 1);
    size_t count = qr_read_u8(&reader);
    bool joy = false;
    cr_assert_geq(count, 1);
    for (size_t i = 0; i < count; i++) {
        joy |= quire_bytes_equal(
            qr_read_bytes(&reader, qr_read_u8(&reader)), quire_bytes_of_text("joy"));
        cr_assert_leq(qr_read_u16(&reader), 10000);
        cr_assert_leq(qr_read_u8(&reader), 1);
        size_t reasons = qr_read_u8(&reader);
        cr_assert(reasons >= 1 && reasons <= 3);
        for (size_t j = 0; j < reasons; j++) {
            size_t begin = qr_read_u32(&reader);
            cr_assert_leq(begin + qr_read_u16(&reader), strlen(happy));
        }
    }
    cr_assert(joy);
    cr_assert(qr_reader_done(&reader));
    quire_buffer_finish(&out);
    qr_analyser_destroy(analyser);
}

Test(analyse, what_was_read_before_changes_nothing)
{
    struct qr_analyser *analyser = make();
    const char *before[] = {"Hoy estoy muy contento con todos mis amigos de la escuela.",
        "Ich bin heute sehr traurig, weil mein Hund gestorben ist.", "\xff\xfe", ""};
    const char *texts[] = {"ok", happy, "estoy muy feliz", "今天我很高兴。"};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct qr_analyser *fresh = make();
            struct quire_buffer ignored = read(analyser, before[i]);
            struct quire_buffer one = read(analyser, texts[j]), other = read(fresh, texts[j]);
            cr_assert(quire_bytes_equal(quire_buffer_bytes(&one), quire_buffer_bytes(&other)));
            quire_buffer_finish(&ignored);
            quire_buffer_finish(&one);
            quire_buffer_finish(&other);
            qr_analyser_destroy(fresh);
        }
    }
    qr_analyser_destroy(analyser);
}
