/*
 * Readers and replicas: what is written is read again, and nothing is read past the end.
 */
#include "base/reader.h"
#include "base/writer.h"
#include <criterion/criterion.h>

Test(bytes, integers_are_read_as_written)
{
    struct quire_buffer buffer = {0};
    struct qr_writer writer = qr_writer_onto(&buffer);
    qr_write_u8(&writer, 7);
    qr_write_u16(&writer, 0x1234);
    qr_write_u32(&writer, 0x12345678);
    qr_write_u64(&writer, 0x123456789abcdef0);
    qr_write_varint(&writer, UINT64_MAX);
    qr_write_varint(&writer, 127);
    cr_assert_eq(qr_writer_end(&writer), QUIRE_OK);

    struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&buffer));
    cr_assert_eq(qr_read_u8(&reader), 7);
    cr_assert_eq(qr_read_u16(&reader), 0x1234);
    cr_assert_eq(qr_read_u32(&reader), 0x12345678);
    cr_assert_eq(qr_read_u64(&reader), 0x123456789abcdef0);
    cr_assert_eq(qr_read_varint(&reader), UINT64_MAX);
    cr_assert_eq(qr_read_varint(&reader), 127);
    cr_assert(qr_reader_done(&reader));
    quire_buffer_finish(&buffer);
}

Test(bytes, reading_past_the_end_fails_and_gives_zeros)
{
    const uint8_t three[3] = {1, 2, 3};
    struct qr_reader reader = qr_reader_over((struct quire_bytes){three, 3});
    cr_assert_eq(qr_read_u32(&reader), 0);
    cr_assert_eq(qr_read_u8(&reader), 0);
    cr_assert_not(qr_reader_done(&reader));
}

Test(bytes, a_varint_that_is_not_minimal_or_too_large_is_refused)
{
    const uint8_t padded[2] = {0x81, 0x00};
    const uint8_t huge[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    struct qr_reader reader = qr_reader_over((struct quire_bytes){padded, 2});
    qr_read_varint(&reader);
    cr_assert_not(qr_reader_done(&reader));
    reader = qr_reader_over((struct quire_bytes){huge, 10});
    qr_read_varint(&reader);
    cr_assert(reader.failed);
}

Test(bytes, every_status_has_a_sentence)
{
    for (int status = 0; status < QUIRE_STATUS_COUNT; status++) {
        cr_assert_not_null(quire_status_text((enum quire_status)status));
    }
    cr_assert_str_eq(quire_status_text((enum quire_status)999), "an unknown status");
}
