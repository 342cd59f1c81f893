/*
 * Anchors: u8 1 ‖ u8 side, or 2 + side at an end of the text ‖ replica ‖ u48 counter, big-endian.
 */
#include "crdt/inner.h"
#include <string.h>

#define ANCHOR_VERSION 1
#define AT_END 2 /* added to the side: it holds on to the start or the end of the text */

static void write_counter(uint8_t *out, uint64_t counter)
{
    for (size_t i = 6; i > 0; i--) {
        out[i - 1] = (uint8_t)counter;
        counter >>= 8;
    }
}

static uint64_t read_counter(const uint8_t *bytes)
{
    uint64_t counter = 0;
    for (size_t i = 0; i < 6; i++) {
        counter = counter << 8 | bytes[i];
    }
    return counter;
}

enum quire_status quire_document_anchor(const struct quire_document *document, size_t position,
    enum quire_side side, uint8_t out_anchor[QUIRE_ANCHOR_SIZE])
{
    size_t length = quire_document_text_length(document);
    if (position > length
        || ((unsigned)side != QUIRE_SIDE_LEFT && (unsigned)side != QUIRE_SIDE_RIGHT)) {
        return QUIRE_EINVALID;
    }
    enum quire_status status = qr_document_settle(document);
    if (status != QUIRE_OK) {
        return status;
    }
    memset(out_anchor, 0, QUIRE_ANCHOR_SIZE);
    out_anchor[0] = ANCHOR_VERSION;
    out_anchor[1] = (uint8_t)side;
    if (position == (side == QUIRE_SIDE_LEFT ? 0 : length)) {
        out_anchor[1] += AT_END;
        return QUIRE_OK;
    }
    uint32_t offset;
    uint32_t item = qr_tree_at(
        &document->self->text.order, side == QUIRE_SIDE_LEFT ? position - 1 : position, &offset);
    uint64_t id = document->text.items[item].id + offset;
    memcpy(out_anchor + 2, document->replicas.at[qr_id_replica(id)].name, QUIRE_REPLICA_SIZE);
    write_counter(out_anchor + 2 + QUIRE_REPLICA_SIZE, qr_id_counter(id));
    return QUIRE_OK;
}

enum quire_status quire_document_resolve(const struct quire_document *document,
    const uint8_t anchor[QUIRE_ANCHOR_SIZE], size_t *out_position)
{
    static const uint8_t nothing[QUIRE_REPLICA_SIZE + 6];
    unsigned kind = anchor[1];
    uint64_t counter = read_counter(anchor + 2 + QUIRE_REPLICA_SIZE);
    bool empty = memcmp(anchor + 2, nothing, sizeof nothing) == 0;
    if (anchor[0] != ANCHOR_VERSION || kind > AT_END + QUIRE_SIDE_RIGHT
        || (kind >= AT_END ? !empty : counter == 0)) {
        return QUIRE_EMALFORMED;
    }
    if (kind >= AT_END) {
        *out_position = kind == AT_END + QUIRE_SIDE_LEFT ? 0 : quire_document_text_length(document);
        return QUIRE_OK;
    }
    enum quire_status status = qr_document_settle(document);
    if (status != QUIRE_OK) {
        return status;
    }
    uint32_t offset;
    uint32_t replica = qr_replicas_find(&document->replicas, anchor + 2);
    bool possible = replica != 0 && counter <= QR_COUNTER_MAX;
    uint32_t index =
        !possible ? QR_NONE : qr_text_find(&document->text, qr_id(replica, counter), &offset);
    if (index == QR_NONE) {
        return QUIRE_ENOTFOUND;
    }
    const struct qr_item *item = &document->text.items[index];
    size_t position = qr_tree_position(&document->text.order, index);
    if (item->size > 0) {
        position += offset + (kind == QUIRE_SIDE_LEFT ? 1 : 0);
    }
    *out_position = position;
    return QUIRE_OK;
}
