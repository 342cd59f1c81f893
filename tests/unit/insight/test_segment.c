#include "base/fold.h"
#include "insight/language.h"
#include "insight/number.h"
#include "support.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The tokens of a text, folded, with a bar between them. */
static const char *tokens_of(const char *text)
{
    static char out[4096];
    struct qr_tokens tokens = {.text = quire_bytes_of_text(text)};
    struct qr_token token;
    size_t size = 0;
    while (qr_tokens_next(&tokens, &token)) {
        out[size++] = '|';
        for (uint32_t i = 0; i < token.count; i++) {
            uint32_t point = token.points[i];
            if (point < 0x80) {
                out[size++] = (char)point;
            } else {
                size += (size_t)sprintf(out + size, "<%x>", point);
            }
        }
    }
    out[size] = 0;
    return out;
}

static const struct {
    const char *text, *tokens;
} vectors[] = {
    {"", ""},
    {"a", "|a"},
    {"Hello, World", "|hello|,|world"},
    {"Café cafe\xcc\x81 CAFÉ", "|cafe|cafe|cafe"},
    {"don't don\xe2\x80\x99t 'tis dogs'", "|don't|don't|'|tis|dogs|'"},
    {"sooooo goood", "|soo|good"},
    {"!!!!!! ?? !?", "|!!!|??|!|?"},
    {"Straße ŁÓDŹ Đ", "|stra<df>e|lodz|d"},
    {"ＦＵＬＬ　ｗｉｄｔｈ", "|full|width"},
    {"ｶﾞｷﾞ か\xe3\x82\x99", "|<30ac><30ae>|<304c>"},
    {"我很高兴。 今天", "|<6211><5f88><9ad8><5174>|<3002>|<4eca><5929>"},
    {"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbf", "|<1f44d><1f44d>"},
    {"Ё Й", "|<435>|<438>"},
    {"Ὀδυσσεύς", "|<3bf><3b4><3c5><3c3><3c3><3b5><3c5><3c3>"},
    {"a\xff"
     "b\xc3 c\xed\xa0\x80"
     "d",
        "|a|<fffd>|b|<fffd>|c|<fffd><fffd><fffd>|d"},
    {"क़लम", "|<915><93c><932><92e>"},
};

Test(segment, tokens_are_folded)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        cr_expect_str_eq(tokens_of(vectors[i].text), vectors[i].tokens, "%s: %s, not %s",
            vectors[i].text, tokens_of(vectors[i].text), vectors[i].tokens);
    }
}

Test(segment, both_normal_forms_of_kana_are_one)
{
    cr_assert_eq(qr_fold_voiced(0x30cf, 0x309a), 0x30d1); /* HA, PA */
    cr_assert_eq(qr_fold_voiced(0x306f, 0x3099), 0x3070);
    cr_assert_eq(qr_fold_voiced(0x3046, 0x3099), 0x3094);
    cr_assert_eq(qr_fold_voiced(0x3064, 0x3099), 0x3065); /* TSU, DU */
    cr_assert_eq(qr_fold_voiced(0x3042, 0x3099), 0);      /* A has none */
    cr_assert_eq(qr_fold_voiced(0x3070, 0x3099), 0);
}

Test(segment, segments_cover_all_tokens_in_order_and_none_is_too_long)
{
    static char text[100000];
    uint64_t state = 5;
    for (int round = 0; round < 200; round++) {
        size_t size = draw_text(&state, 1 + qr_draw_below(&state, 400), text, sizeof text);
        struct quire_bytes bytes = {(uint8_t *)text, size}, segment;
        struct qr_segments segments = {.text = bytes};
        struct qr_tokens tokens = {.text = bytes};
        struct qr_token token;
        const uint8_t *last = bytes.data;
        while (qr_segments_next(&segments, &segment)) {
            uint32_t weight = 0;
            cr_assert(segment.data >= last && segment.size > 0);
            while (tokens.position < (size_t)(segment.data + segment.size - bytes.data)) {
                cr_assert(qr_tokens_next(&tokens, &token));
                cr_assert(bytes.data + token.begin >= segment.data);
                weight += qr_token_weight(&token);
            }
            cr_assert_leq(weight, QR_SEGMENT_TOKENS_MAX);
            last = segment.data + segment.size;
        }
        cr_assert_not(qr_tokens_next(&tokens, &token));
    }
}

static size_t count_segments(const char *text)
{
    struct qr_segments segments = {.text = quire_bytes_of_text(text)};
    struct quire_bytes segment;
    size_t count = 0;
    while (qr_segments_next(&segments, &segment)) {
        count++;
    }
    return count;
}

Test(segment, sentences_and_lines_end_segments)
{
    cr_assert_eq(count_segments(""), 0);
    cr_assert_eq(count_segments(" \n "), 0);
    cr_assert_eq(
        count_segments("One two three four five six. One two three four five six seven."), 2);
    cr_assert_eq(
        count_segments("One two three four five six\nOne two three four five six seven"), 2);
    cr_assert_eq(count_segments("Short. Also short. Too short."), 1);
    cr_assert_eq(count_segments("It was 3.5 miles and about 2.5 hours, as it is"), 1);
}

Test(segment, a_megabyte_of_one_letter_is_one_word_and_one_segment)
{
    size_t size = 1 << 20;
    char *text = malloc(size + 1);
    memset(text, 'a', size);
    text[size] = 0;
    cr_assert_eq(count_segments(text), 1);
    memset(text, '!', size);
    cr_assert_eq(count_segments(text), 1);
    free(text);
}

static enum qr_language language_of(const char *text, enum qr_language last)
{
    static struct qr_features scratch;
    struct qr_bundle bundle;
    cr_assert_eq(qr_bundle_open(quire_insight_builtin("language"), &bundle), QUIRE_OK);
    return qr_language_of(&bundle, &scratch, quire_bytes_of_text(text), last);
}

Test(language, each_of_ours_is_known)
{
    cr_expect_eq(
        language_of("Today I went to the garden and talked with my sister.", 0), QR_LANGUAGE_EN);
    cr_expect_eq(
        language_of("Hoy fui al jardín y hablé con mi hermana toda la tarde.", 0), QR_LANGUAGE_ES);
    cr_expect_eq(language_of("Heute war ich im Garten und habe mit meiner Schwester geredet.", 0),
        QR_LANGUAGE_DE);
    cr_expect_eq(language_of("Aujourd'hui je suis allé au jardin et j'ai parlé avec ma sœur.", 0),
        QR_LANGUAGE_FR);
    cr_expect_eq(
        language_of("Hari ini aku pergi ke kebun dan berbicara dengan adikku.", 0), QR_LANGUAGE_ID);
    cr_expect_eq(language_of("今天我去了花园，和妹妹聊了很久。", 0), QR_LANGUAGE_ZH);
    cr_expect_eq(language_of("今日は庭に行って、妹と話しました。", 0), QR_LANGUAGE_JA);
}

Test(language, other_scripts_and_short_texts_are_not_guessed)
{
    cr_expect_eq(language_of("Сегодня я был в саду и говорил с сестрой.", QR_LANGUAGE_EN),
        QR_LANGUAGE_UNKNOWN);
    cr_expect_eq(language_of("ok", QR_LANGUAGE_UNKNOWN), QR_LANGUAGE_UNKNOWN);
    cr_expect_eq(language_of("ok", QR_LANGUAGE_DE), QR_LANGUAGE_DE);
    cr_expect_eq(language_of("", QR_LANGUAGE_JA), QR_LANGUAGE_UNKNOWN);
}
