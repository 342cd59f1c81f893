/*
 * Any bytes: what passes the form check is read whole by msgpack-c, and packed again it gives the
 * very same bytes: of every value there is one form.
 */
#include "codec/frame.h"
#include "codec/msgpack_check.h"
#include <assert.h>
#include <msgpack.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int append(void *buffer, const char *data, size_t size)
{
    return quire_buffer_append(buffer, data, size) == QUIRE_OK ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quire_bytes bytes = {data, size};
    enum quire_status status = qr_msgpack_check(bytes);
    if (status != QUIRE_OK) {
        assert(status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT);
        return 0;
    }
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    msgpack_unpack_return result =
        msgpack_unpack_next(&unpacked, (const char *)data, size, &offset);
    assert(result == MSGPACK_UNPACK_SUCCESS && offset == size);
    struct quire_buffer packed = {0};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packed, append);
    int packed_all = msgpack_pack_object(&packer, unpacked.data);
    assert(packed_all == 0);
    assert(quire_bytes_equal(quire_buffer_bytes(&packed), bytes));
    quire_buffer_finish(&packed);
    msgpack_unpacked_destroy(&unpacked);
    return 0;
}
