/*
 * Encoded documents: reads come straight from the encoded state. A state that is merged into an empty
 * document stays encoded. The first edit or other merge builds the text's items (wakes the document).
 */
#include "crdt/payload.h"
#include <assert.h>
#include <stdlib.h>

/** Replicas are numbered as a merge of the same bytes into an empty document numbers them. */
static enum quire_status take_replicas(
    struct quire_document *document, const struct qr_payload *payload)
{
    enum quire_status status =
        qr_replicas_reserve(&document->replicas, (uint32_t)payload->replica_count);
    for (size_t rank = 0; rank < payload->replica_count && status == QUIRE_OK; rank++) {
        uint32_t number = qr_replicas_add(&document->replicas, payload->replicas[rank].name);
        document->replicas.at[number].seen = payload->replicas[rank].last;
    }
    for (size_t i = 0; i < payload->deleted_count && status == QUIRE_OK; i++) {
        struct qr_replica *replica = &document->replicas.at[qr_id_replica(payload->deleted[i])];
        replica->deleted = qr_id_counter(payload->deleted[i]);
        status = replica->deleted > replica->seen ? QUIRE_EMALFORMED : QUIRE_OK;
    }
    return status;
}

static bool none_is_gone(const void *context, const struct qr_dot *dot)
{
    (void)context, (void)dot;
    return false;
}

static enum quire_status take_values(
    struct quire_document *document, const struct qr_payload *payload)
{
    size_t count = 0;
    if (payload->put_count == 0) {
        return QUIRE_OK;
    }
    struct qr_dot **dots = malloc(payload->put_count * sizeof(struct qr_dot *));
    enum quire_status status =
        dots == NULL ? QUIRE_ENOMEM : qr_cells_reserve(&document->cells, payload->put_count);
    while (count < payload->put_count && status == QUIRE_OK) {
        dots[count] = qr_dot_create(&payload->puts[count]);
        if (dots[count] == NULL) {
            status = QUIRE_ENOMEM;
        } else {
            count++;
        }
    }
    if (status == QUIRE_OK) {
        qr_cells_change(&document->cells, none_is_gone, NULL, dots, count);
        count = 0;
    }
    while (count > 0) {
        free(dots[--count]);
    }
    free(dots);
    return status;
}

enum quire_status quire_document_open(
    struct quire_buffer *state, struct quire_document **out_document)
{
    struct qr_payload payload = {0};
    struct quire_document *document = qr_document_alloc();
    if (document == NULL) {
        return QUIRE_ENOMEM;
    }
    enum quire_status status = qr_payload_read_shown(document, quire_buffer_bytes(state), &payload);
    if (status == QUIRE_OK) {
        status = take_replicas(document, &payload);
    }
    if (status == QUIRE_OK) {
        status = take_values(document, &payload);
    }
    if (status == QUIRE_OK) {
        document->wall_ms = payload.wall_ms;
        document->encoded = (struct qr_encoded){.state = *state, .text = payload.letters};
        *state = (struct quire_buffer){0};
        *out_document = document;
    }
    qr_payload_finish(&payload);
    qr_arena_finish(&document->arena);
    if (status != QUIRE_OK) {
        quire_document_destroy(document);
    }
    return status;
}

/** What it was is destroyed. */
static void become(struct quire_document *document, struct quire_document *other)
{
    struct quire_document before = *document;
    *document = *other;
    document->self = document;
    *other = before;
    quire_document_destroy(other);
}

enum quire_status qr_document_retain(struct quire_document *document, struct quire_buffer *state)
{
    struct quire_document *encoded;
    enum quire_status status = quire_document_open(state, &encoded);
    if (status == QUIRE_OK) {
        encoded->encoded.sound = true;
        become(document, encoded);
    }
    quire_buffer_finish(state);
    return status;
}

enum quire_status qr_document_wake(struct quire_document *document)
{
    struct quire_document *awake;
    if (!qr_document_is_encoded(document)) {
        return QUIRE_OK;
    }
    enum quire_status status = quire_document_create(&awake);
    if (status == QUIRE_OK) {
        status = qr_document_build(
            awake, quire_buffer_bytes(&document->encoded.state), document->encoded.sound);
        if (status == QUIRE_OK) {
            assert(awake->replicas.count == document->replicas.count);
            struct qr_text text = document->text;
            document->text = awake->text;
            awake->text = text;
            quire_buffer_finish(&document->encoded.state);
            document->encoded = (struct qr_encoded){0};
        }
        quire_document_destroy(awake);
    }
    return status;
}

enum quire_status quire_document_evict(struct quire_document *document)
{
    struct quire_buffer state = {0};
    if (qr_document_is_encoded(document) || document->undo != NULL
        || quire_document_pending_size(document) > 0) {
        return QUIRE_OK;
    }
    enum quire_status status = quire_document_encode(document, &state);
    if (status == QUIRE_OK) {
        status = qr_document_retain(document, &state);
    }
    quire_buffer_finish(&state);
    return status;
}
