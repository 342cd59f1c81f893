/*
 * Messages between gate and core: one form each.
 */
#include "worker/link.h"
#include <criterion/criterion.h>

static const uint8_t bytes[QR_LINK_MAX + 1] = {7, 8, 9};

static struct quire_bytes first(size_t size)
{
    return (struct quire_bytes){bytes, size};
}

static size_t make_all(struct qr_link out_messages[16])
{
    size_t n = 0;
    out_messages[n++] =
        (struct qr_link){.type = QR_LINK_AUTH, .auth = {first(1), first(2), first(3)}};
    out_messages[n++] =
        (struct qr_link){.type = QR_LINK_COPY, .work = {1, first(300), first(70000)}};
    out_messages[n++] =
        (struct qr_link){.type = QR_LINK_WITHDRAWAL, .work = {2, first(1), first(1)}};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_GIVE_UP, .work = {3, first(2), first(2)}};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_TICK};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_READY, .ready = {bytes, bytes, bytes, 4}};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_SIGNED, .proof = {bytes}};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_KEYS, .keys = {2, {first(3), first(4)}}};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_KEYS, .keys = {0, {{0}}}};
    out_messages[n++] = (struct qr_link){.type = QR_LINK_RESULT, .done = {5, 6, first(9)}};
    out_messages[n++] =
        (struct qr_link){.type = QR_LINK_REFUSED, .refused = {6, QR_LINK_BAD_GRANT}};
    return n;
}

Test(link, what_is_written_is_read_and_written_alike)
{
    struct qr_link messages[16], read;
    size_t count = make_all(messages);
    for (size_t i = 0; i < count; i++) {
        struct quire_buffer once = {0}, again = {0};
        cr_assert_eq(qr_link_write(&messages[i], &once), QUIRE_OK);
        cr_assert_eq(qr_link_read(quire_buffer_bytes(&once), &read), QUIRE_OK, "message %zu", i);
        cr_assert_eq(read.type, messages[i].type);
        cr_assert_eq(qr_link_write(&read, &again), QUIRE_OK);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&once), quire_buffer_bytes(&again)));
        quire_buffer_finish(&once);
        quire_buffer_finish(&again);
    }
}

Test(link, a_message_that_is_cut_is_none_and_changes_nothing)
{
    struct qr_link messages[16];
    size_t count = make_all(messages);
    for (size_t i = 0; i < count; i++) {
        struct quire_buffer whole = {0};
        cr_assert_eq(qr_link_write(&messages[i], &whole), QUIRE_OK);
        bool open = messages[i].type == QR_LINK_COPY || messages[i].type == QR_LINK_WITHDRAWAL
            || messages[i].type == QR_LINK_GIVE_UP || messages[i].type == QR_LINK_RESULT;
        for (size_t size = 0; size < whole.size; size += size < 400 ? 1 : 997) {
            struct qr_link read = {.type = QR_LINK_TICK, .work = {77, {0}, {0}}};
            enum quire_status status = qr_link_read((struct quire_bytes){whole.data, size}, &read);
            if (status == QUIRE_OK) { /* the last field is the rest, whatever its size */
                cr_assert(open && read.type == messages[i].type, "message %zu at %zu", i, size);
                continue;
            }
            cr_assert_eq(status, QUIRE_EMALFORMED);
            cr_assert(read.type == QR_LINK_TICK && read.work.lease == 77);
        }
        quire_buffer_finish(&whole);
    }
}

Test(link, one_byte_more_or_another_type_is_refused)
{
    struct qr_link read;
    cr_assert_eq(qr_link_read((struct quire_bytes){(const uint8_t *)"\x05", 1}, &read), QUIRE_OK);
    cr_assert_eq(
        qr_link_read((struct quire_bytes){(const uint8_t *)"\x05x", 2}, &read), QUIRE_EMALFORMED);
    for (unsigned type = 0; type < 256; type++) {
        uint8_t byte = (uint8_t)type;
        cr_assert_eq(qr_link_read((struct quire_bytes){&byte, 1}, &read) == QUIRE_OK, type == 5);
    }
}

Test(link, each_limit_holds_one_above_it)
{
    struct quire_buffer out = {0};
    struct qr_link message = {
        .type = QR_LINK_COPY, .work = {1, first(QR_LINK_GRANT_MAX), first(70000)}};
    cr_assert_eq(qr_link_write(&message, &out), QUIRE_OK);
    message.work.grant.size++;
    cr_assert_eq(qr_link_write(&message, &out), QUIRE_EINVALID);
    message.work.grant.size = 1;
    message.work.object.size = QR_LINK_MAX - 12;
    quire_buffer_clear(&out);
    cr_assert_eq(qr_link_write(&message, &out), QUIRE_OK);
    cr_assert_eq(out.size, QR_LINK_MAX);
    message.work.object.size++;
    cr_assert_eq(qr_link_write(&message, &out), QUIRE_EINVALID);
    cr_assert_eq(out.size, QR_LINK_MAX);
    message = (struct qr_link){.type = QR_LINK_KEYS, .keys = {QR_LINK_KEYS_MAX + 1, {{0}}}};
    cr_assert_eq(qr_link_write(&message, &out), QUIRE_EINVALID);
    message = (struct qr_link){.type = QR_LINK_RESULT, .done = {1, 7, first(1)}};
    cr_assert_eq(qr_link_write(&message, &out), QUIRE_EINVALID);
    cr_assert_eq(
        qr_link_read((struct quire_bytes){bytes, QR_LINK_MAX + 1}, &message), QUIRE_EMALFORMED);
    quire_buffer_finish(&out);
}

/* A message with one sized field of so many bytes after `skipped` zeros, and `tail` bytes behind it. */
static enum quire_status read_sized(uint8_t type, size_t skipped, size_t size, size_t tail)
{
    static uint8_t room[4096];
    struct qr_link message;
    memset(room, 0, sizeof room);
    room[0] = type;
    room[1 + skipped] = (uint8_t)(size >> 8);
    room[2 + skipped] = (uint8_t)size;
    return qr_link_read((struct quire_bytes){room, 3 + skipped + size + tail}, &message);
}

Test(link, a_sized_field_above_its_limit_or_empty_is_not_read)
{
    cr_assert_eq(read_sized(QR_LINK_COPY, 8, QR_LINK_GRANT_MAX, 1), QUIRE_OK);
    cr_assert_eq(read_sized(QR_LINK_COPY, 8, QR_LINK_GRANT_MAX + 1, 1), QUIRE_EMALFORMED);
    cr_assert_eq(read_sized(QR_LINK_COPY, 8, 0, 1), QUIRE_EMALFORMED);
    cr_assert_eq(read_sized(QR_LINK_GIVE_UP, 8, 5, 0), QUIRE_EMALFORMED, "no object");
    uint8_t keys[600] = {QR_LINK_KEYS, 1, 2, 1};
    struct qr_link message;
    cr_assert_eq(qr_link_read((struct quire_bytes){keys, 4 + 513}, &message), QUIRE_EMALFORMED);
    uint8_t many[2 + 9 * 3] = {QR_LINK_KEYS, 9};
    for (size_t i = 0; i < 9; i++) {
        many[2 + 3 * i + 1] = 1;
    }
    cr_assert_eq(qr_link_read((struct quire_bytes){many, sizeof many}, &message), QUIRE_EMALFORMED);
    many[1] = 8;
    cr_assert_eq(qr_link_read((struct quire_bytes){many, sizeof many - 3}, &message), QUIRE_OK);
}
