/*
 * Frames: what a replica is refused, and the form check by itself.
 */
#include "base/reader.h"
#include "codec/frame_fields.h"
#include "codec/frame.h"
#include "codec/msgpack_check.h"
#include "match.h"
#include <msgpack.h>
#include <signal.h>

static const uint8_t some[QR_BATCH_MAX + 1] = {1, 2, 3};

static void refused(const struct qr_frame *frame, enum quire_status status)
{
    struct quire_buffer written = {0};
    cr_assert_eq(quire_buffer_append(&written, "before", 6), QUIRE_OK);
    enum quire_status actual = qr_frame_write(frame, &written);
    cr_assert_eq(actual, status, "type %d: %s", (int)frame->type, quire_status_text(actual));
    cr_assert_eq(written.size, 6);
    quire_buffer_finish(&written);
}

Test(frame, what_reading_would_refuse_is_not_written)
{
    const struct quire_bytes nothing = {some, 0};
    const struct quire_bytes record = {some, 100};
    const struct quire_bytes records[QR_APPEND_MAX + 1] = {
        record, record, record, record, record, record, record, record, record};
    const struct qr_frame_position at_zero = {some, 0, some};
    const struct qr_frame_range backwards = {some, 2, 1};
    const struct {
        struct qr_frame frame;
        enum quire_status status;
    } cases[] = {
        {{.type = QR_FRAME_SKIP}, QUIRE_EINVALID},
        {{.type = 30}, QUIRE_EINVALID},
        {{.type = QR_FRAME_HELLO, .hello = {2, 1, 0, 0, some, some, some}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_HELLO, .hello = {1, 1, 0, 0, NULL, some, some}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_HELLO, .hello = {1, 1, 0, QR_RECORDS_MAX + 1, some, some, some}},
            QUIRE_ELIMIT},
        {{.type = QR_FRAME_AUTH, .auth = {some, &nothing, 1}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_SUB, .sub = {0, NULL, &at_zero, 1}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_WANT, .want = {&backwards, 1}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_PUSH, .push = {NULL, 0}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_PUSH, .push = {&nothing, 1}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_PUSH, .push = {&(struct quire_bytes){some, sizeof some}, 1}},
            QUIRE_ELIMIT},
        {{.type = QR_FRAME_ROSTER_APPEND, .roster_append = {some, NULL, 0}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_ROSTER_APPEND, .roster_append = {some, records, QR_APPEND_MAX + 1}},
            QUIRE_ELIMIT},
        {{.type = QR_FRAME_ROSTER_RECORDS, .roster_records = {QR_RECORDS_MAX, records, 1}},
            QUIRE_ELIMIT},
        {{.type = QR_FRAME_PAIR, .pair = {QR_PAIR_OPEN, some, record}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_PAIR, .pair = {QR_PAIR_REQUEST, some, nothing}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_CREDIT, .credit = {0}}, QUIRE_EINVALID},
        {{.type = QR_FRAME_CREDIT, .credit = {QR_CREDIT_MAX + 1}}, QUIRE_ELIMIT},
        {{.type = QR_FRAME_ERROR, .error = {.code = QR_ERROR_GAP, .seq = 1, .data = nothing}},
            QUIRE_EINVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refused(&cases[i].frame, cases[i].status);
    }
}

Test(frame, a_frame_that_would_be_too_large_is_not_written)
{
    const size_t rest = QR_FRAME_MAX - 3 - 2 * 5 - QR_BATCH_MAX;
    struct quire_bytes batches[2] = {{some, QR_BATCH_MAX}, {some, rest}};
    struct qr_frame frame = {.type = QR_FRAME_DELTA, .delta = {batches, 2}};
    struct quire_buffer written = {0};
    cr_assert_eq(qr_frame_write(&frame, &written), QUIRE_OK);
    cr_assert_eq(written.size, QR_FRAME_MAX);
    cr_assert_eq(qr_msgpack_check(quire_buffer_bytes(&written)), QUIRE_OK);
    quire_buffer_finish(&written);
    batches[1].size++;
    refused(&frame, QUIRE_ELIMIT);
}

Test(frame, the_densest_frames_that_are_written_pass_the_form_check)
{
    static struct qr_frame_range ranges[QR_FRAME_ITEMS_MAX + 1];
    static struct qr_frame_position positions[QR_FRAME_ITEMS_MAX];
    static struct quire_bytes records[QR_RECORDS_MAX];
    for (size_t i = 0; i < QR_FRAME_ITEMS_MAX; i++) {
        ranges[i] = (struct qr_frame_range){some, 1, 1};
        positions[i] = (struct qr_frame_position){some, 1, some};
        records[i] = (struct quire_bytes){some, 1};
    }
    for (size_t count = 0; count <= QR_FRAME_ITEMS_MAX; count++) {
        const struct qr_frame frames[] = {
            {.type = QR_FRAME_WANT, .want = {ranges, count}},
            {.type = QR_FRAME_ACK, .ack = {ranges, count}},
            {.type = QR_FRAME_SUB, .sub = {0, NULL, positions, count}},
            {.type = QR_FRAME_AUTH, .auth = {some, records, count}},
            {.type = QR_FRAME_ROSTER_RECORDS, .roster_records = {0, records, count}},
        };
        for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
            struct quire_buffer written = {0};
            cr_assert_eq(qr_frame_write(&frames[i], &written), QUIRE_OK);
            cr_assert_eq(qr_msgpack_check(quire_buffer_bytes(&written)), QUIRE_OK,
                "type %d with %zu", (int)frames[i].type, count);
            quire_buffer_finish(&written);
        }
    }
    refused(&(struct qr_frame){.type = QR_FRAME_WANT, .want = {ranges, QR_FRAME_ITEMS_MAX + 1}},
        QUIRE_ELIMIT);
}

static int append(void *buffer, const char *data, size_t size)
{
    return quire_buffer_append(buffer, data, size) == QUIRE_OK ? 0 : -1;
}

/* msgpack-c reads all of it and would write the very same bytes: there is one form of a value. */
static void check_canonical(struct quire_bytes bytes)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    cr_assert_eq(msgpack_unpack_next(&unpacked, (const char *)bytes.data, bytes.size, &offset),
        MSGPACK_UNPACK_SUCCESS);
    cr_assert_eq(offset, bytes.size);
    struct quire_buffer packed = {0};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packed, append);
    cr_assert_eq(msgpack_pack_object(&packer, unpacked.data), 0);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&packed), bytes));
    quire_buffer_finish(&packed);
    msgpack_unpacked_destroy(&unpacked);
}

Test(msgpack_check, of_all_inputs_up_to_three_bytes_the_canonical_ones_pass)
{
    size_t passed = 0;
    for (size_t size = 1; size <= 3; size++) {
        for (uint32_t number = 0; number < 1u << (8 * size); number++) {
            uint8_t data[3] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16)};
            struct quire_bytes bytes = {data, size};
            if (qr_msgpack_check(bytes) == QUIRE_OK) {
                check_canonical(bytes);
                passed++;
            }
        }
    }
    /* One byte: 128 numbers, nil, false, true, empty text, empty array: 133. Two bytes: an array of
     * one of those, 128 numbers in uint8, 256 texts of a byte, empty bin: 518. Three bytes: an array
     * of one of those 518 or of two of the 133, 65280 numbers in uint16, 65536 texts of two bytes,
     * 256 bins of a byte. */
    cr_assert_eq(passed, 133 + 518 + 518 + 133 * 133 + 65280 + 65536 + 256);
}

Test(frame, every_error_code_has_its_name_of_messages_json)
{
    json_t *root = vectors_load("../messages.json");
    const json_t *error;
    size_t i;
    json_array_foreach(json_object_get(root, "errors"), i, error)
    {
        cr_assert_str_eq(
            qr_error_name((uint32_t)vector_number(error, "code")), vector_text(error, "name"));
    }
    cr_assert_eq(i, QR_ERROR_CODE_COUNT - 1);
    cr_assert_str_eq(qr_error_name(0), "unknown");
    cr_assert_str_eq(qr_error_name(QR_ERROR_CODE_COUNT), "unknown");
    cr_assert_str_eq(qr_error_name(UINT32_MAX), "unknown");
    json_decref(root);
}

Test(frame, a_packer_whose_buffer_shrank_fires, .signal = SIGABRT)
{
    struct quire_buffer buffer = {0};
    struct qr_packer packer;
    cr_assert_eq(quire_buffer_append(&buffer, "before", 6), QUIRE_OK);
    qr_packer_init(&packer, &buffer);
    buffer.size = 3;
    cr_assert_neq(qr_packer_end(&packer), QUIRE_OK);
}

Test(frame, a_reader_beyond_its_end_fires, .signal = SIGABRT)
{
    struct qr_reader reader = qr_reader_over(quire_bytes_of_text("four"));
    reader.next += 5;
    (void)qr_reader_left(&reader);
}
