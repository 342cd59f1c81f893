#define _GNU_SOURCE
#include "insight/model.h"
#include "support.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct quire_bytes copy_of(const char *name)
{
    struct quire_bytes from = quire_insight_builtin(name);
    uint8_t *bytes = malloc(from.size);
    memcpy(bytes, from.data, from.size);
    return (struct quire_bytes){bytes, from.size};
}

static void seal(uint8_t *bytes, size_t size)
{
    uint64_t sum = qr_bundle_checksum((struct quire_bytes){bytes, size});
    for (int i = 0; i < 8; i++) {
        bytes[8 + i] = (uint8_t)(sum >> 8 * (7 - i));
    }
}

Test(bundle, all_that_ship_open_with_their_cards)
{
    static const char *const names[] = {"language", "en", "es", "de", "zh", "id", "fr"};
    size_t all = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct qr_bundle bundle;
        struct quire_bytes bytes = quire_insight_builtin(names[i]);
        cr_assert_eq(qr_bundle_open(bytes, &bundle), QUIRE_OK, "%s", names[i]);
        cr_assert_not_null(memmem(bundle.card.data, bundle.card.size, "CC BY 4.0", 9)
                ? bundle.card.data
                : memmem(bundle.card.data, bundle.card.size, "Apache-2.0", 10));
        all += bytes.size;
    }
    cr_assert_lt(all, 1 << 20);
    cr_assert_eq(quire_insight_builtin("ja").size, 0);
}

Test(bundle, cut_anywhere_is_malformed)
{
    struct quire_bytes bytes = copy_of("es");
    struct qr_bundle bundle, before;
    memset(&bundle, 0x5a, sizeof bundle);
    before = bundle;
    for (size_t size = 0; size < bytes.size; size += 1 + size / 50) {
        cr_assert_eq(
            qr_bundle_open((struct quire_bytes){bytes.data, size}, &bundle), QUIRE_EMALFORMED);
    }
    cr_assert_eq(memcmp(&bundle, &before, sizeof bundle), 0);
    free((void *)(uintptr_t)bytes.data);
}

Test(bundle, altered_in_any_byte_is_refused)
{
    struct quire_bytes bytes = copy_of("es");
    uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
    struct qr_bundle bundle;
    for (size_t at = 0; at < bytes.size; at += 97) {
        data[at] ^= 0x20;
        enum quire_status status = qr_bundle_open(bytes, &bundle);
        cr_assert(status == QUIRE_EMALFORMED || (at == 3 && status == QUIRE_EUNSUPPORTED),
            "byte %zu", at);
        data[at] ^= 0x20;
    }
    free(data);
}

Test(bundle, of_a_later_version_is_told_apart)
{
    struct quire_bytes bytes = copy_of("es");
    uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
    struct qr_bundle bundle;
    data[3] = 2;
    seal(data, bytes.size);
    cr_assert_eq(qr_bundle_open(bytes, &bundle), QUIRE_EUNSUPPORTED);
    data[3] = 0;
    cr_assert_eq(qr_bundle_open(bytes, &bundle), QUIRE_EMALFORMED);
    free(data);
}

/* Each field of the tables beyond what it may be, under a checksum that holds. */
Test(bundle, sections_beyond_the_bytes_are_refused)
{
    struct quire_bytes bytes = copy_of("es");
    uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
    struct qr_bundle bundle;
    for (size_t at = 16; at < 18 + 70; at++) { /* the table of sections */
        for (int value = 0; value < 2; value++) {
            uint8_t before = data[at];
            data[at] = value == 0 ? 0xff : (uint8_t)(before + 1);
            seal(data, bytes.size);
            enum quire_status status = qr_bundle_open(bytes, &bundle);
            if (status
                == QUIRE_OK) { /* a section that moved by a little: it stays within the bytes */
                cr_assert(bundle.slots.data + bundle.slots.size <= data + bytes.size);
            }
            data[at] = before;
        }
    }
    seal(data, bytes.size);
    cr_assert_eq(qr_bundle_open(bytes, &bundle), QUIRE_OK);
    free(data);
}

static struct qr_reading read_with(const char *name, const char *text, struct qr_bundle *bundle)
{
    static struct qr_features features;
    struct qr_reading reading;
    cr_assert_eq(qr_bundle_open(quire_insight_builtin(name), bundle), QUIRE_OK);
    qr_features_clear(&features);
    qr_features_add(&features, bundle->language, quire_bytes_of_text(text));
    qr_model_score(bundle, &features, &reading);
    return reading;
}

static const char *best_label(const char *name, const char *text)
{
    static char label[32];
    struct qr_bundle bundle;
    struct qr_reading reading = read_with(name, text, &bundle);
    uint32_t best = 0;
    for (uint32_t k = 1; k < bundle.outputs; k++) {
        best =
            reading.logits[k] > reading.logits[best] && !(bundle.labels[k].flags & QR_BUNDLE_FINER)
            ? k
            : best;
    }
    snprintf(label, sizeof label, "%.*s", (int)bundle.labels[best].name.size,
        (const char *)bundle.labels[best].name.data);
    return label;
}

Test(model, plain_sentences_read_as_what_they_say)
{
    cr_expect_str_eq(best_label("en", "I am so happy and glad that you came, thank you!"), "joy");
    cr_expect_str_eq(best_label("en", "I feel so sad and lonely, I cried all evening."), "sadness");
    cr_expect_str_eq(best_label("en", "I was terrified, so scared that I could not move."), "fear");
    cr_expect_str_eq(best_label("es", "Tengo mucho miedo de lo que pueda pasar."), "fear");
    cr_expect_str_eq(best_label("de", "Ich bin so wütend, das ist eine Frechheit!"), "anger");
    cr_expect_str_eq(best_label("id", "Aku sangat takut dan khawatir malam ini."), "fear");
    cr_expect_str_eq(best_label("zh", "今天真的太开心了，哈哈！"), "joy");
}

static size_t suggest(const char *text, struct quire_insight_suggestion *out)
{
    struct quire_insight_options options = options_of(FIRST_DAY);
    size_t size = quire_insight_size(0, 0, 0);
    void *arena = malloc(size);
    struct quire_insight *insight;
    cr_assert_eq(quire_insight_begin(arena, size, &options, &insight), QUIRE_OK);
    size_t count = quire_insight_suggest(insight, quire_bytes_of_text(text), out, 3);
    free(arena);
    return count;
}

static bool suggests(const char *text, const char *label)
{
    struct quire_insight_suggestion found[3];
    size_t count = suggest(text, found);
    for (size_t i = 0; i < count; i++) {
        if (quire_bytes_equal(found[i].label, quire_bytes_of_text(label))) {
            return true;
        }
    }
    return false;
}

Test(model, a_negated_or_wished_word_is_no_suggestion)
{
    cr_expect(suggests("I felt so happy today, it was wonderful and I love this!", "joy"));
    cr_expect_not(suggests("I did not feel happy at all today", "joy"));
    cr_expect_not(suggests("I wish I could be happy like them", "joy"));
}

Test(model, suggestions_name_words_of_the_text)
{
    struct quire_insight_suggestion found[3];
    const char *text = "Thanks so much, I am happy, this is awesome and wonderful!";
    size_t count = suggest(text, found);
    cr_assert_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        cr_assert_gt(found[i].reasons[0].size, 0);
        cr_assert(i == 0 || found[i].probability <= found[i - 1].probability);
    }
}

Test(model, nothing_is_suggested_where_no_model_is)
{
    struct quire_insight_suggestion found[3];
    cr_expect_eq(suggest("今日はとても嬉しいです。ありがとう！", found), 0); /* ja: none */
    cr_expect_eq(
        suggest("Je suis tellement heureux aujourd'hui, merci beaucoup !", found), 0); /* fr: off */
    cr_expect_eq(suggest("Сегодня я очень счастлив, спасибо!", found), 0);
    cr_expect_eq(suggest("", found), 0);
    cr_expect_eq(suggest("\xff\xff\xff", found), 0);
}
