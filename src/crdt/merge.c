/*
 * Joins a delta or state into a document. All that can fail is done before the first change.
 */
#include "base/failpoint.h"
#include "crdt/payload.h"
#include "crdt/undo.h"
#include "crdt/utf8.h"
#include <stdlib.h>
#include <string.h>

/** A view is told of so many runs, stretches or erased ranges of a payload. */
#define VIEW_RUNS_MAX 64

/** What the merge needs at hand when it can no longer fail. */
struct plan {
    struct quire_document *document;
    const struct qr_payload *payload;
    bool first;    /* the first text that there is: its letters are as they stand in it */
    size_t pieces; /* items that the new characters will make, cuts apart */
    size_t splits; /* items that cutting may add, at most */
    struct qr_dot **added;
    size_t added_count;
    uint64_t *kept;    /* sorted ids of the payload's dots */
    uint64_t *removed; /* sorted ids of dots that it names as removed */
    bool news;         /* it holds edits of others that were not seen here */
};

/** A stretch that is known or new throughout. */
struct part {
    struct qr_run run;
    struct quire_bytes letters; /* empty: it is dead */
    bool known;
};

/** Cuts the payload's stretches where what was seen here ends, and shows them one after another. */
static void each_part(struct plan *plan, void (*visit)(struct plan *plan, const struct part *part))
{
    struct quire_document *document = plan->document;
    const uint8_t *letters = plan->payload->letters.data;
    struct qr_stretch stretch;
    for (struct qr_stretch_walk walk = qr_stretch_walk_from(plan->payload);
         qr_stretch_walk_on(&walk, &stretch);) {
        struct qr_run rest = stretch.run;
        uint32_t replica = qr_id_replica(rest.id);
        uint64_t seen =
            replica <= document->replicas.count ? document->replicas.at[replica].seen : 0;
        while (rest.length > 0) {
            struct part part = {rest, {letters, 0}, qr_id_counter(rest.id) <= seen};
            uint64_t old = part.known ? seen - qr_id_counter(rest.id) + 1 : rest.length;
            part.run.length = (uint32_t)(rest.length < old ? rest.length : old);
            if (rest.turn % 2 == 0 && plan->first) {
                part.letters.size = part.run.length; /* not read */
            } else if (rest.turn % 2 == 0) {
                part.letters.size = qr_utf8_size(letters, part.run.length);
                letters += part.letters.size;
            }
            visit(plan, &part);
            rest.length -= part.run.length;
            rest.id += part.run.length;
            rest.parent = rest.id - 1;
        }
    }
}

static void count_part(struct plan *plan, const struct part *part)
{
    const struct qr_run *run = &part->run;
    if (!part->known) {
        plan->pieces += run->turn % 2 != 0 ? 1 : qr_text_pieces(run->length);
        plan->splits += 2;
    } else if (qr_text_any_before(&plan->document->text, run->id, run->length, run->turn)) {
        plan->splits += 2;
    }
}

static void count_items(struct plan *plan)
{
    each_part(plan, count_part);
    plan->splits += 2 * (plan->payload->erased_count + plan->payload->turned_count);
}

static void join_part(struct plan *plan, const struct part *part)
{
    struct quire_document *document = plan->document;
    if (!part->known) {
        struct quire_bytes letters =
            plan->first ? part->letters : qr_text_add_letters(&document->text, part->letters);
        qr_text_integrate(&document->text, &document->replicas, &part->run, letters);
    } else if (part->run.turn > 0) {
        qr_text_raise(
            &document->text, part->run.id, part->run.length, part->run.turn, part->letters);
    }
}

/** Of characters that were sent before. */
static void join_turns(struct plan *plan)
{
    const struct qr_payload *payload = plan->payload;
    const uint8_t *letters = payload->revived.data;
    for (size_t i = 0; i < payload->turned_count; i++) {
        const struct qr_turned *turned = &payload->turned[i];
        struct quire_bytes part = {letters, 0};
        if (turned->covered) {
            continue;
        }
        if (turned->turn % 2 == 0) {
            part.size = qr_utf8_size(letters, (size_t)turned->length);
            letters += part.size;
        }
        qr_text_raise(&plan->document->text, turned->id, turned->length, turned->turn, part);
    }
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static bool holds(const uint64_t *sorted, size_t count, uint64_t id)
{
    return count > 0 && bsearch(&id, sorted, count, sizeof id, compare_ids) != NULL;
}

static bool is_gone(const void *context, const struct qr_dot *dot)
{
    const struct plan *plan = context;
    const struct qr_payload *payload = plan->payload;
    for (size_t i = 0; i < plan->added_count && QR_FAILPOINT_ON(MERGE_OVERWRITES); i++) {
        if (dot->field < QUIRE_REGISTER_COUNT && plan->added[i]->field == dot->field) {
            return true;
        }
    }
    uint64_t counter = qr_id_counter(dot->id);
    uint32_t rank = payload->by_number[qr_id_replica(dot->id)];
    bool covered = rank != QR_NONE && counter >= payload->replicas[rank].first
        && counter <= payload->replicas[rank].last;
    return (covered && !holds(plan->kept, payload->put_count, dot->id))
        || holds(plan->removed, payload->removed_count, dot->id);
}

static enum quire_status prepare_dots(struct plan *plan)
{
    const struct qr_payload *payload = plan->payload;
    const struct quire_document *document = plan->document;
    if (payload->put_count + payload->removed_count == 0) {
        return QUIRE_OK;
    }
    plan->added = qr_arena_take(payload->arena, payload->put_count, sizeof(struct qr_dot *));
    plan->kept = qr_arena_take(payload->arena, payload->put_count, sizeof *plan->kept);
    plan->removed = qr_arena_take(payload->arena, payload->removed_count, sizeof *plan->removed);
    if (plan->added == NULL || plan->kept == NULL || plan->removed == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < payload->removed_count; i++) {
        plan->removed[i] = payload->removed[i];
    }
    qsort(plan->removed, payload->removed_count, sizeof *plan->removed, compare_ids);
    for (size_t i = 0; i < payload->put_count; i++) {
        const struct qr_put *put = &payload->puts[i];
        uint32_t replica = qr_id_replica(put->id);
        plan->kept[i] = put->id;
        if ((replica <= document->replicas.count
                && qr_id_counter(put->id) <= document->replicas.at[replica].seen)
            || holds(plan->removed, payload->removed_count, put->id)) {
            continue; /* seen: it is here, or was removed since */
        }
        struct qr_dot *dot = qr_dot_create(put);
        if (dot == NULL) {
            return QUIRE_ENOMEM;
        }
        plan->added[plan->added_count++] = dot;
    }
    qsort(plan->kept, payload->put_count, sizeof *plan->kept, compare_ids);
    return QUIRE_OK;
}

static enum quire_status prepare(struct plan *plan)
{
    struct quire_document *document = plan->document;
    count_items(plan);
    enum quire_status status = prepare_dots(plan);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(&document->text, plan->pieces + plan->splits,
            plan->payload->letters.size + plan->payload->revived.size);
    }
    if (status == QUIRE_OK) {
        status = qr_cells_reserve(&document->cells, plan->added_count);
    }
    if (status == QUIRE_OK) {
        status = qr_replicas_reserve(&document->replicas, plan->payload->new_replicas);
    }
    return status;
}

/** The view follows a few changes; after many it is made anew by who needs it. */
static bool show_changes(struct plan *plan)
{
    struct qr_typing *typing = &plan->document->typing;
    if (!typing->has_view || plan->first || plan->payload->turned_count > 0
        || plan->payload->run_count > VIEW_RUNS_MAX || plan->payload->erased_count > VIEW_RUNS_MAX
        || plan->payload->liveness_count > VIEW_RUNS_MAX
        || qr_rope_reserve(&typing->view, plan->payload->letters.size, plan->pieces) != QUIRE_OK) {
        return false;
    }
    plan->document->text.view = &typing->view;
    return true;
}

/** Nothing in here fails. */
static void commit(struct plan *plan)
{
    struct quire_document *document = plan->document;
    const struct qr_payload *payload = plan->payload;
    uint32_t known = document->replicas.count;
    for (size_t i = 0; i < payload->replica_count; i++) {
        if (payload->replicas[i].number > known) {
            qr_replicas_append(&document->replicas, payload->replicas[i].name);
        }
    }
    qr_replicas_sort_appended(&document->replicas, known);
    bool shown = show_changes(plan);
    document->text.letters_later = plan->first;
    each_part(plan, join_part);
    document->text.letters_later = false;
    if (plan->first) {
        qr_text_deal(&document->text, qr_text_add_letters(&document->text, payload->letters));
    }
    for (size_t i = 0; i < payload->erased_count; i++) {
        qr_text_raise(&document->text, payload->erased[i].id, payload->erased[i].length, 1,
            (struct quire_bytes){NULL, 0});
    }
    join_turns(plan);
    document->text.view = NULL;
    if (!shown) {
        qr_rope_finish(&document->typing.view);
        document->typing.has_view = false;
    }
    size_t told = plan->news ? QR_UNDO_TOLD_MAX : 0;
    for (size_t i = 0; i < payload->removed_count && i < told; i++) {
        qr_undo_removed_elsewhere(document, payload->removed[i]);
    }
    qr_cells_change(&document->cells, is_gone, plan, plan->added, plan->added_count);
    plan->added_count = 0;
    for (size_t i = 0; i < payload->replica_count; i++) {
        const struct qr_payload_replica *from = &payload->replicas[i];
        if (from->number != 0 && from->last > document->replicas.at[from->number].seen) {
            document->replicas.at[from->number].seen = from->last;
        }
    }
    for (size_t i = 0; i < payload->deleted_count; i++) {
        struct qr_replica *replica = &document->replicas.at[qr_id_replica(payload->deleted[i])];
        uint64_t counter = qr_id_counter(payload->deleted[i]);
        replica->deleted = counter > replica->deleted ? counter : replica->deleted;
    }
    if (payload->wall_ms > document->wall_ms) {
        document->wall_ms = payload->wall_ms;
    }
}

/* ---- making pending again ----------------------------------------------------------------- */

static enum quire_status reserve_pending(
    struct quire_document *document, const struct qr_payload *payload)
{
    size_t turned = payload->turned_count;
    for (size_t i = 0; i < payload->turned_count; i++) {
        turned += (size_t)(payload->turned[i].length / QR_REVIVED_MAX);
    }
    return qr_pending_reserve(&document->pending,
        payload->erased_count + payload->removed_count + payload->deleted_count + payload->run_count
            + payload->replica_count + turned);
}

static void push_span(
    struct quire_document *document, struct qr_payload_replica *replica, uint64_t last)
{
    if (last >= replica->first) {
        qr_pending_push(&document->pending, QR_PENDING_SPAN, qr_id(replica->number, replica->first),
            last - replica->first + 1);
        replica->first = last + 1;
    }
}

/** Whether a replica has edits pending that are older than the payload's. */
static bool is_newer(const struct quire_document *document, const struct qr_payload *payload)
{
    for (size_t i = 0; i < payload->replica_count; i++) {
        const struct qr_payload_replica *from = &payload->replicas[i];
        if (from->number != 0 && from->last >= from->first) {
            uint64_t first = document->replicas.at[from->number].pending_first;
            if (first != 0 && first < from->first) {
                return true;
            }
        }
    }
    return false;
}

/** The payload's order is causal, so spans in that order may be cut anywhere. As a rule they are
 * older than what is pending already, so they go before it. */
static void make_pending(struct quire_document *document, struct qr_payload *payload)
{
    struct qr_pending *pending = &document->pending;
    size_t newer_count = is_newer(document, payload) ? 0 : pending->count;
    struct qr_pending_record *newer = NULL;
    if (newer_count > 0) {
        newer = pending->memory + pending->capacity - newer_count;
        memmove(newer, pending->records, newer_count * sizeof *newer);
    }
    pending->count -= newer_count;
    for (size_t i = 0; i < payload->replica_count; i++) {
        const struct qr_payload_replica *from = &payload->replicas[i];
        if (from->number == 0 || from->last < from->first) {
            continue;
        }
        struct qr_replica *replica = &document->replicas.at[from->number];
        if (replica->pending_first == 0 || from->first < replica->pending_first) {
            replica->pending_first = from->first;
        }
        if (from->last > replica->pending_last) {
            replica->pending_last = from->last;
        }
    }
    for (size_t i = 0; i < payload->erased_count; i++) {
        qr_pending_push(
            pending, QR_PENDING_ERASE, payload->erased[i].id, payload->erased[i].length);
    }
    for (size_t i = 0; i < payload->turned_count; i++) {
        const struct qr_turned *turned = &payload->turned[i];
        if (!turned->covered) {
            qr_pending_push_turned(pending, turned->id, turned->length, turned->turn % 2 == 0);
        }
    }
    for (size_t i = 0; i < payload->removed_count; i++) {
        qr_pending_push(pending, QR_PENDING_REMOVE, payload->removed[i], 1);
    }
    for (size_t i = 0; i < payload->run_count; i++) {
        const struct qr_run *run = &payload->runs[i];
        push_span(document, &payload->replicas[payload->by_number[qr_id_replica(run->id)]],
            qr_id_counter(run->id) + run->length - 1);
    }
    for (size_t i = 0; i < payload->replica_count; i++) {
        push_span(document, &payload->replicas[i], payload->replicas[i].last);
    }
    for (size_t i = 0; i < payload->deleted_count; i++) {
        qr_pending_push(pending, QR_PENDING_DELETED, payload->deleted[i], 1);
    }
    if (newer_count > 0) {
        memmove(pending->records + pending->count, newer, newer_count * sizeof *newer);
    }
    pending->count += newer_count;
    pending->content_size += payload->letters.size + payload->revived.size;
    for (size_t i = 0; i < payload->put_count; i++) {
        pending->content_size += qr_put_size(&payload->puts[i]);
    }
    if (payload->wall_ms > pending->wall_ms) {
        pending->wall_ms = payload->wall_ms;
    }
}

static bool holds_news(const struct quire_document *document, const struct qr_payload *payload)
{
    for (size_t i = 0; i < payload->replica_count; i++) {
        const struct qr_payload_replica *from = &payload->replicas[i];
        if (from->last >= from->first
            && (from->number == 0 || from->number > document->replicas.count
                || from->last > document->replicas.at[from->number].seen)) {
            return true;
        }
    }
    return false;
}

/** What was read joins what is there; it is let go. */
static enum quire_status join(
    struct quire_document *document, struct qr_payload *payload, bool pending)
{
    struct plan plan = {.document = document,
        .payload = payload,
        .first = payload->state && document->text.item_count == 1};
    enum quire_status status = plan.first ? QUIRE_OK : qr_payload_arrange(payload);
    if (status == QUIRE_OK) {
        status = prepare(&plan);
    }
    if (status == QUIRE_OK && pending) {
        status = payload->state ? QUIRE_EMALFORMED : reserve_pending(document, payload);
    }
#ifdef QR_FAILPOINT_LIMIT_AT_MERGE /* a deliberate bug, which tests/graphs must find */
    if (document->text.visible_size + payload->letters.size > QR_WRITTEN_TEXT_MAX) {
        status = QUIRE_ELIMIT;
    }
#endif
    bool left_out = QR_FAILPOINT_ON(MERGE_LIMITED) && !pending
        && document->text.visible_size + payload->letters.size > QR_WRITTEN_TEXT_MAX;
    if (status == QUIRE_OK && !left_out) {
        plan.news = !pending && holds_news(document, payload);
        commit(&plan);
        if (pending) {
            make_pending(document, payload);
        }
    }
    for (size_t i = 0; plan.added != NULL && i < plan.added_count; i++) {
        free(plan.added[i]);
    }
    qr_payload_finish(payload);
    return status;
}

enum quire_status qr_document_build(
    struct quire_document *document, struct quire_bytes state, bool sound)
{
    struct qr_payload payload;
    enum quire_status status = qr_payload_read(document, state, sound, &payload);
    return status == QUIRE_OK ? join(document, &payload, false) : status;
}

/** A state in an empty document is retained as it is: it was checked. */
static enum quire_status keep(
    struct quire_document *document, struct qr_payload *payload, struct quire_bytes bytes)
{
    struct quire_buffer copy = {0};
    qr_payload_finish(payload);
    enum quire_status status = quire_buffer_append(&copy, bytes.data, bytes.size);
    return status == QUIRE_OK ? qr_document_retain(document, &copy) : status;
}

static enum quire_status merge(
    struct quire_document *document, struct quire_bytes bytes, bool pending)
{
    struct qr_payload payload;
    enum quire_status status = qr_document_settle(document);
    if (status == QUIRE_OK) {
        status = qr_payload_read(document, bytes, false, &payload);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    bool empty = document->replicas.count == 0 && document->undo == NULL
        && document->wall_ms == INT64_MIN; /* a delta without replicas may have brought a time */
    return payload.state && empty && !pending ? keep(document, &payload, bytes)
                                              : join(document, &payload, pending);
}

enum quire_status quire_document_merge(struct quire_document *document, struct quire_bytes bytes)
{
    return merge(document, bytes, false);
}

enum quire_status quire_document_restore_pending(
    struct quire_document *document, struct quire_bytes delta)
{
    return merge(document, delta, true);
}
