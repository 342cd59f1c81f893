/*
 * Padmé (Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: Reducing Metadata Leakage from Encrypted
 * Files and Communication with PURBs, PETS 2019).
 */
#include "crypto/padding.h"
#include "base/failpoint.h"
#include "base/writer.h"
#include <assert.h>

#define CODEC 1

static unsigned log2_floor(size_t value)
{
    unsigned log2 = 0;
    while (value >>= 1) {
        log2++;
    }
    return log2;
}

size_t qr_padme(size_t size)
{
    if (size < 2) {
        return size; /* the paper's logarithms begin at 2 */
    }
    assert(size <= SIZE_MAX / 2);
    unsigned exponent = log2_floor(size);
    unsigned kept = log2_floor(exponent) + 1; /* bits of the length that stay visible */
    size_t mask = ((size_t)1 << (exponent - kept)) - 1;
    return (size + mask) & ~mask;
}

size_t qr_padded_size(size_t size, size_t minimum)
{
    assert(size <= QR_PLAINTEXT_MAX);
    size_t used = QR_PADDING_HEADER + size;
    size_t least = used < minimum ? minimum : used;
    return QR_FAILPOINT_ON(NO_PADDING) ? least : qr_padme(least);
}

void qr_pad(uint8_t *out, struct quire_bytes plaintext, size_t minimum)
{
    size_t used = QR_PADDING_HEADER + plaintext.size;
    out[0] = CODEC;
    qr_store_u32(out + 1, (uint32_t)plaintext.size);
    if (plaintext.size > 0) {
        memcpy(out + QR_PADDING_HEADER, plaintext.data, plaintext.size);
    }
    memset(out + used, 0, qr_padded_size(plaintext.size, minimum) - used);
}

enum quire_status qr_unpad(
    struct quire_bytes padded, size_t minimum, struct quire_bytes *out_plaintext)
{
    if (padded.size < QR_PADDING_HEADER) {
        return QUIRE_EMALFORMED;
    }
    if (padded.data[0] != CODEC) {
        return QUIRE_EUNSUPPORTED;
    }
    size_t size = qr_load_u32(padded.data + 1);
    if (size > QR_PLAINTEXT_MAX || qr_padded_size(size, minimum) != padded.size) {
        return QUIRE_EMALFORMED;
    }
    size_t used = QR_PADDING_HEADER + size;
    if (!qr_is_zero(padded.data + used, padded.size - used)) {
        return QUIRE_EMALFORMED;
    }
    *out_plaintext = (struct quire_bytes){padded.data + QR_PADDING_HEADER, size};
    return QUIRE_OK;
}
