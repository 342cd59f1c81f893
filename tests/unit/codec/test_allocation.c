/*
 * What reading and writing allocates. malloc and its kin are wrapped in this program, msgpack-c
 * (linked statically for that) included.
 */
#include "codec/frame.h"
#include "codec/msgpack_check.h"
#include "codec/roster.h"
#include "match.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static struct {
    bool on;
    size_t count, bytes, freed;
    size_t fail_at; /* the how-manieth fails, from 1; 0 none */
} watch;

static bool allowed(size_t size)
{
    if (!watch.on) {
        return true;
    }
    watch.count++;
    watch.bytes += size;
    return watch.count != watch.fail_at;
}

void *__wrap_malloc(size_t size)
{
    return allowed(size) ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allowed(count * size) ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return allowed(size) ? __real_realloc(memory, size) : NULL;
}

void __wrap_free(void *memory)
{
    watch.freed += watch.on && memory != NULL;
    __real_free(memory);
}

static void watch_begin(size_t fail_at)
{
    memset(&watch, 0, sizeof watch);
    watch.fail_at = fail_at;
    watch.on = true;
}

static void watch_end(void)
{
    watch.on = false;
}

static struct qr_frame_space space;

static void check_frame(const char *name, struct quire_bytes bytes)
{
    struct qr_frame frame;
    watch_begin(0);
    enum quire_status status = qr_frame_read(bytes, &space, &frame);
    watch_end();
    cr_assert_leq(watch.count, 1, "%s: %zu allocations", name, watch.count);
    cr_assert_eq(watch.count, watch.freed, "%s", name);
    cr_assert_leq(watch.bytes, 8 * bytes.size + 512, "%s: %zu bytes for a frame of %zu", name,
        watch.bytes, bytes.size);
    cr_assert_leq(watch.bytes, 24 * QR_MSGPACK_VALUES_MAX + 64, "%s", name);
    if (watch.count == 0) {
        cr_assert_neq(status, QUIRE_OK);
        return;
    }
    struct qr_frame untouched;
    memset(&untouched, 0xa5, sizeof untouched);
    watch_begin(1);
    status = qr_frame_read(bytes, &space, &untouched);
    watch_end();
    cr_assert_eq(status, QUIRE_ENOMEM, "%s", name);
    for (size_t i = 0; i < sizeof untouched; i++) {
        cr_assert_eq(((const uint8_t *)&untouched)[i], 0xa5, "%s", name);
    }
}

Test(allocation, reading_a_frame_allocates_once_and_at_most_eight_times_its_size)
{
    const char *const groups[] = {"valid", "invalid"};
    json_t *root = vectors_load("frames.json");
    for (size_t group = 0; group < 2; group++) {
        const json_t *vector;
        size_t i;
        json_array_foreach(json_object_get(root, groups[group]), i, vector)
        {
            struct quire_bytes bytes = vector_exact(vector);
            check_frame(vector_text(vector, "name"), bytes);
            free_copy(bytes);
        }
    }
    json_decref(root);
}

/* Rows of one-byte numbers and a filling that pays for them: the most values that bytes can buy. */
Test(allocation, the_densest_frame_allocates_no_more)
{
    struct quire_buffer bytes = {0};
    vector_parse("94 ccc8 94 dc0400 00*1024 dc0400 00*1024 dc0400 00*1024 dc03e8 00*1000 "
                 "90 c5ffff 00*65535",
        &bytes);
    cr_assert_eq(qr_msgpack_check(quire_buffer_bytes(&bytes)), QUIRE_OK);
    check_frame("dense", quire_buffer_bytes(&bytes));
    cr_assert_gt(watch.bytes, 24 * 4000);
    quire_buffer_finish(&bytes);
}

Test(allocation, reading_batches_and_records_allocates_nothing)
{
    static struct qr_batch batch;
    static struct qr_record record;
    const char *const files[] = {"batches.json", "records.json"};
    for (size_t file = 0; file < 2; file++) {
        json_t *root = vectors_load(files[file]);
        const json_t *vector;
        size_t i;
        json_array_foreach(json_object_get(root, "valid"), i, vector)
        {
            struct quire_bytes bytes = vector_exact(vector);
            watch_begin(0);
            enum quire_status status =
                file == 0 ? qr_batch_read(bytes, &batch) : qr_record_read(bytes, &record);
            watch_end();
            cr_assert_eq(status, QUIRE_OK);
            cr_assert_eq(watch.count, 0);
            free_copy(bytes);
        }
        json_decref(root);
    }
}

Test(allocation, writing_without_memory_leaves_the_buffer_as_it_was)
{
    static const uint8_t content[2000] = {1};
    static struct qr_batch batch;
    static const struct quire_bytes item = {content, sizeof content};
    const struct qr_frame frame = {.type = QR_FRAME_PUSH, .push = {&item, 1}};
    json_t *root = vectors_load("batches.json");
    struct quire_bytes bytes = vector_exact(json_array_get(json_object_get(root, "valid"), 1));
    cr_assert_eq(qr_batch_read(bytes, &batch), QUIRE_OK);

    for (size_t replica = 0; replica < 2; replica++) {
        enum quire_status status = QUIRE_ENOMEM;
        size_t fail_at = 0;
        while (status != QUIRE_OK) {
            struct quire_buffer written = {0};
            cr_assert_eq(quire_buffer_append(&written, "before", 6), QUIRE_OK);
            watch_begin(++fail_at);
            status =
                replica == 0 ? qr_frame_write(&frame, &written) : qr_batch_write(&batch, &written);
            watch_end();
            cr_assert(status == QUIRE_OK || (status == QUIRE_ENOMEM && written.size == 6));
            quire_buffer_finish(&written);
        }
        cr_assert_gt(fail_at, 1, "nothing was made to fail");
    }
    free_copy(bytes);
    json_decref(root);
}
