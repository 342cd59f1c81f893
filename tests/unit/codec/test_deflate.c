/*
 * Deflate and inflate: protocol/vectors/history.json, and beside zlib.
 */
#define ZLIB_CONST
#include "codec/deflate.h"
#include "codec/huffman.h"
#include "../vectors.h"
#include "kit/random.h"
#include <sodium.h>
#include <zlib.h>

static struct quire_buffer inflated_by_zlib(
    struct quire_bytes deflated, size_t size, bool *out_well)
{
    struct quire_buffer out = {0};
    z_stream stream = {.next_in = deflated.data, .avail_in = (uInt)deflated.size};
    cr_assert_eq(quire_buffer_reserve(&out, size + 1), QUIRE_OK);
    cr_assert_eq(inflateInit2(&stream, -15), Z_OK);
    stream.next_out = out.data;
    stream.avail_out = (uInt)size + 1;
    *out_well = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0
        && stream.total_out == size;
    out.size = stream.total_out;
    inflateEnd(&stream);
    return out;
}

static struct quire_buffer deflated_by_zlib(struct quire_bytes plain, int level, int strategy)
{
    struct quire_buffer out = {0};
    z_stream stream = {.next_in = plain.data, .avail_in = (uInt)plain.size};
    cr_assert_eq(deflateInit2(&stream, level, Z_DEFLATED, -15, 9, strategy), Z_OK);
    cr_assert_eq(quire_buffer_reserve(&out, deflateBound(&stream, plain.size) + 1), QUIRE_OK);
    stream.next_out = out.data;
    stream.avail_out = (uInt)out.capacity;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

/* Random bytes of an alphabet with repetitions: what matches, and what does not. */
static void draw_plain(struct kit_random *random, struct quire_buffer *out)
{
    size_t size = kit_random_below(random, kit_random_below(random, 8) == 0 ? 200000 : 3000);
    size_t alphabet = 1 + kit_random_below(random, kit_random_below(random, 2) == 0 ? 4 : 256);
    quire_buffer_clear(out);
    cr_assert_eq(quire_buffer_reserve(out, size + 512), QUIRE_OK);
    while (out->size < size) {
        if (out->size > 0 && kit_random_below(random, 3) == 0) {
            size_t distance = 1 + kit_random_below(random, out->size);
            for (size_t length = 1 + kit_random_below(random, 300); length > 0; length--) {
                out->data[out->size] = out->data[out->size - distance];
                out->size++;
                if (out->size == out->capacity) {
                    break;
                }
            }
        } else {
            out->data[out->size++] = (uint8_t)kit_random_below(random, alphabet);
        }
        cr_assert_eq(quire_buffer_reserve(out, 512), QUIRE_OK);
    }
}

Test(deflate, code_lengths_are_those_of_the_vectors)
{
    json_t *root = vectors_load("history.json");
    const json_t *vector, *value;
    size_t i, symbol;
    json_array_foreach(json_object_get(root, "codes"), i, vector)
    {
        uint32_t counts[QR_HUFFMAN_SYMBOLS_MAX];
        uint8_t lengths[QR_HUFFMAN_SYMBOLS_MAX];
        size_t count = json_array_size(json_object_get(vector, "counts"));
        json_array_foreach(json_object_get(vector, "counts"), symbol, value)
        {
            counts[symbol] = (uint32_t)json_integer_value(value);
        }
        qr_huffman_lengths(counts, count, (unsigned)vector_number(vector, "limit"), lengths);
        cr_assert_eq(json_array_size(json_object_get(vector, "lengths")), count);
        json_array_foreach(json_object_get(vector, "lengths"), symbol, value)
        {
            cr_assert_eq(lengths[symbol], json_integer_value(value), "%s: symbol %zu",
                vector_text(vector, "name"), symbol);
        }
    }
    cr_assert_gt(i, 5);
    json_decref(root);
}

Test(deflate, bytes_are_those_of_the_vectors)
{
    json_t *root = vectors_load("history.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "deflate"), i, vector)
    {
        const char *name = vector_text(vector, "name");
        struct quire_buffer plain = vector_bytes(vector, "plain"), deflated = {0}, back = {0};
        uint8_t hash[32];
        cr_assert_eq(qr_deflate(quire_buffer_bytes(&plain), &deflated), QUIRE_OK);
        if (json_object_get(vector, "deflated") != NULL) {
            cr_assert(vector_is(vector, "deflated", deflated.data, deflated.size), "%s", name);
        } else {
            cr_assert_eq(deflated.size, vector_number(vector, "deflated_size"), "%s", name);
            crypto_generichash(hash, sizeof hash, deflated.data, deflated.size, NULL, 0);
            cr_assert(vector_is(vector, "deflated_hash", hash, sizeof hash), "%s", name);
        }
        if (plain.size <= deflated.size * QR_INFLATE_RATIO) {
            cr_assert_eq(qr_inflate(quire_buffer_bytes(&deflated), plain.size, &back), QUIRE_OK);
            cr_assert(quire_bytes_equal(quire_buffer_bytes(&plain), quire_buffer_bytes(&back)));
        }
        quire_buffer_finish(&plain);
        quire_buffer_finish(&deflated);
        quire_buffer_finish(&back);
    }
    cr_assert_gt(i, 10);
    json_decref(root);
}

Test(deflate, streams_of_other_programs_are_read_and_damaged_ones_refused)
{
    json_t *root = vectors_load("history.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "inflate"), i, vector)
    {
        const char *name = vector_text(vector, "name");
        struct quire_buffer deflated = vector_bytes(vector, "deflated"), plain = {0};
        cr_assert_eq(quire_buffer_append(&plain, "before", 6), QUIRE_OK);
        size_t capacity = plain.capacity;
        enum quire_status status =
            qr_inflate(quire_buffer_bytes(&deflated), vector_number(vector, "size"), &plain);
        if (json_object_get(vector, "status") == NULL) {
            cr_assert_eq(status, QUIRE_OK, "%s: %s", name, quire_status_text(status));
            cr_assert(vector_is(vector, "plain", plain.data + 6, plain.size - 6), "%s", name);
        } else {
            cr_assert_eq(status, vector_status(vector), "%s: %s", name, quire_status_text(status));
            cr_assert_eq(plain.size, 6);
            cr_assert(status != QUIRE_ELIMIT || plain.capacity == capacity, "allocated");
        }
        quire_buffer_finish(&deflated);
        quire_buffer_finish(&plain);
    }
    cr_assert_gt(i, 20);
    json_decref(root);
}

Test(deflate, what_is_deflated_here_is_read_by_zlib_and_hardly_larger_than_its_own)
{
    struct kit_random random = {.state = 7};
    struct quire_buffer plain = {0};
    size_t ours = 0, theirs = 0;
    for (int round = 0; round < 200; round++) {
        struct quire_buffer deflated = {0}, again = {0};
        bool well;
        draw_plain(&random, &plain);
        cr_assert_eq(qr_deflate(quire_buffer_bytes(&plain), &deflated), QUIRE_OK);
        cr_assert_leq(deflated.size, plain.size + plain.size / 8 + 16);
        struct quire_buffer back =
            inflated_by_zlib(quire_buffer_bytes(&deflated), plain.size, &well);
        cr_assert(well);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&plain), quire_buffer_bytes(&back)));
        cr_assert_eq(qr_deflate(quire_buffer_bytes(&plain), &again), QUIRE_OK);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&deflated), quire_buffer_bytes(&again)));
        struct quire_buffer default_level =
            deflated_by_zlib(quire_buffer_bytes(&plain), 6, Z_DEFAULT_STRATEGY);
        ours += deflated.size;
        theirs += default_level.size;
        quire_buffer_finish(&deflated);
        quire_buffer_finish(&again);
        quire_buffer_finish(&back);
        quire_buffer_finish(&default_level);
    }
    cr_assert_leq(ours, theirs + theirs / 33, "%zu bytes, zlib has %zu", ours, theirs);
    quire_buffer_finish(&plain);
}

Test(deflate, what_zlib_deflates_is_read_in_every_strategy)
{
    struct kit_random random = {.state = 11};
    struct quire_buffer plain = {0};
    for (int round = 0; round < 300; round++) {
        static const int strategies[] = {
            Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED};
        struct quire_buffer back = {0};
        draw_plain(&random, &plain);
        struct quire_buffer deflated =
            deflated_by_zlib(quire_buffer_bytes(&plain), round % 10, strategies[round % 5]);
        enum quire_status wanted =
            plain.size > deflated.size * QR_INFLATE_RATIO ? QUIRE_ELIMIT : QUIRE_OK;
        cr_assert_eq(qr_inflate(quire_buffer_bytes(&deflated), plain.size, &back), wanted);
        cr_assert(wanted != QUIRE_OK
            || quire_bytes_equal(quire_buffer_bytes(&plain), quire_buffer_bytes(&back)));
        quire_buffer_finish(&deflated);
        quire_buffer_finish(&back);
    }
    quire_buffer_finish(&plain);
}

Test(deflate, what_is_read_of_damaged_streams_zlib_reads_too)
{
    struct kit_random random = {.state = 13};
    struct quire_buffer plain = {0};
    size_t read = 0;
    for (int round = 0; round < 4000; round++) {
        struct quire_buffer back = {0};
        if (round % 40 == 0) {
            do {
                draw_plain(&random, &plain);
            } while (plain.size > 3000);
        }
        struct quire_buffer deflated =
            deflated_by_zlib(quire_buffer_bytes(&plain), 6, Z_DEFAULT_STRATEGY);
        size_t place = kit_random_below(&random, deflated.size);
        deflated.data[place] ^= (uint8_t)(1 << kit_random_below(&random, 8));
        if (qr_inflate(quire_buffer_bytes(&deflated), plain.size, &back) == QUIRE_OK) {
            bool well;
            struct quire_buffer theirs =
                inflated_by_zlib(quire_buffer_bytes(&deflated), plain.size, &well);
            cr_assert(well);
            cr_assert(quire_bytes_equal(quire_buffer_bytes(&theirs), quire_buffer_bytes(&back)));
            quire_buffer_finish(&theirs);
            read++;
        }
        quire_buffer_finish(&deflated);
        quire_buffer_finish(&back);
    }
    cr_assert_gt(read, 10);
    quire_buffer_finish(&plain);
}
