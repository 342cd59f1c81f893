/*
 * Offsets into the text, in the units of an editor.
 */
#include "crdt/inner.h"

static size_t in_unit(const struct qr_offsets *place, enum quire_unit unit)
{
    return unit == QUIRE_UNIT_POINTS ? place->points
        : unit == QUIRE_UNIT_UTF8    ? place->bytes
                                     : place->units;
}

enum quire_status quire_document_offset(const struct quire_document *document, enum quire_unit from,
    size_t offset, enum quire_unit to, size_t *out_offset)
{
    size_t length = quire_document_text_length(document);
    size_t size = quire_document_text_size(document);
    if ((unsigned)from > QUIRE_UNIT_UTF16 || (unsigned)to > QUIRE_UNIT_UTF16 || offset > size
        || (from == QUIRE_UNIT_POINTS && offset > length)) {
        return QUIRE_EINVALID;
    }
    if (size == length
        || (from == QUIRE_UNIT_POINTS && to == from)) { /* ASCII: all units are one */
        *out_offset = offset;
        return QUIRE_OK;
    }
    enum quire_status status = qr_document_wake(document->self);
    if (status == QUIRE_OK) {
        status = qr_document_need_view(document->self);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    const struct qr_rope *view = &document->typing.view;
    struct qr_offsets place;
    bool found = true;
    if (from == QUIRE_UNIT_POINTS) {
        place = qr_rope_at_point(view, offset);
    } else {
        found = from == QUIRE_UNIT_UTF8 ? qr_rope_at_byte(view, offset, &place)
                                        : qr_rope_at_unit(view, offset, &place);
    }
    if (!found) {
        return QUIRE_EINVALID;
    }
    *out_offset = in_unit(&place, to);
    return QUIRE_OK;
}
