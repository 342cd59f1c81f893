/*
 * Reading entries out of a profile and writing entries into it.
 */
#define _GNU_SOURCE
#include "client/moving/apply.h"
#include "client/files.h"
#include "client/moving/ids.h"
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* ---- reading --------------------------------------------------------------------------------- */

static enum quire_status read_set(
    const struct quire_document *document, enum quire_set set, struct qr_moving_set *out_set)
{
    struct quire_element element;
    enum quire_status status = QUIRE_OK;
    size_t count = quire_document_set_count(document, set);
    out_set->items = count == 0 ? NULL : calloc(count, sizeof *out_set->items);
    if (count > 0 && out_set->items == NULL) {
        return QUIRE_ENOMEM;
    }
    out_set->capacity = count;
    for (size_t i = 0; status == QUIRE_OK && i < count
         && quire_document_set_element(document, set, i, &element) == QUIRE_OK;
         i++) {
        out_set->items[i].value = element.value;
        status = qr_moving_put(&out_set->items[i].name, element.name);
        out_set->count++;
    }
    return status;
}

enum quire_status qr_moving_read_document(const uint8_t id[QUIRE_ENTRY_SIZE],
    const struct quire_document *document, struct qr_moving_entry *out_entry, size_t *out_also)
{
    struct quire_value value;
    enum quire_status status = QUIRE_OK;
    *out_entry = (struct qr_moving_entry){.has_id = true};
    memcpy(out_entry->id, id, sizeof out_entry->id);
    *out_also = 0;
    for (int field = 0; field < QUIRE_REGISTER_COUNT; field++) {
        size_t count = quire_document_register_count(document, (enum quire_register)field);
        *out_also += count > 1 ? count - 1 : 0;
    }
    if (quire_document_register(document, QUIRE_REGISTER_TITLE, 0, &value) == QUIRE_OK) {
        out_entry->has_title = true;
        status = qr_moving_put(&out_entry->title, value.text);
    }
    if (quire_document_register(document, QUIRE_REGISTER_DATE, 0, &value) == QUIRE_OK) {
        out_entry->has_date = true;
        out_entry->date_ms = value.number;
    }
    if (quire_document_register(document, QUIRE_REGISTER_MOOD, 0, &value) == QUIRE_OK) {
        out_entry->has_mood = true;
        out_entry->mood = value.number;
    }
    out_entry->deleted = quire_document_deleted(document);
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &out_entry->text);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&out_entry->journal, quire_document_journal(document));
    }
    if (status == QUIRE_OK) {
        status = read_set(document, QUIRE_SET_TAGS, &out_entry->tags);
    }
    if (status == QUIRE_OK) {
        status = read_set(document, QUIRE_SET_EMOTIONS, &out_entry->emotions);
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(out_entry);
    }
    return status;
}

/* ---- what is there already ------------------------------------------------------------------- */

/** Title, date and text of an entry of the profile, as a hash. */
struct seen {
    UT_hash_handle hh;
    uint8_t hash[SHA256_DIGEST_LENGTH];
};

static void hash_entry(const struct qr_moving_entry *entry, uint8_t out_hash[SHA256_DIGEST_LENGTH])
{
    uint64_t sizes[3] = {entry->title.size, entry->has_date ? (uint64_t)entry->date_ms : UINT64_MAX,
        entry->text.size};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    memset(out_hash, 0, SHA256_DIGEST_LENGTH);
    if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1) {
        EVP_DigestUpdate(context, sizes, sizeof sizes);
        EVP_DigestUpdate(context, entry->title.data, entry->title.size);
        EVP_DigestUpdate(context, entry->text.data, entry->text.size);
        EVP_DigestFinal_ex(context, out_hash, NULL);
    }
    EVP_MD_CTX_free(context);
}

static void forget(struct seen *all)
{
    struct seen *item, *next;
    HASH_ITER (hh, all, item, next) {
        HASH_DEL(all, item);
        free(item);
    }
}

static bool is_alive(const void *context, const struct quire_summary *summary)
{
    (void)context;
    return !summary->deleted;
}

static enum quire_status look_at_profile(
    struct quire_client *client, bool contents, uint64_t *out_entries, struct seen **out_seen)
{
    struct qr_moving_ids ids = {0};
    enum quire_status status = qr_moving_ids_gather(&ids, client, is_alive, NULL);
    for (size_t i = 0; contents && status == QUIRE_OK && i < ids.count; i++) {
        struct quire_document *document = NULL;
        struct qr_moving_entry entry;
        size_t also;
        status = quire_client_document(client, ids.items[i], false, &document);
        if (status == QUIRE_ECORRUPT) {
            status = QUIRE_OK; /* one damaged entry is no reason to refuse others */
            continue;
        }
        if (status == QUIRE_OK) {
            status = qr_moving_read_document(ids.items[i], document, &entry, &also);
        }
        struct seen *item = status == QUIRE_OK ? calloc(1, sizeof *item) : NULL;
        if (item != NULL) {
            struct seen *same = NULL;
            hash_entry(&entry, item->hash);
            HASH_FIND(hh, *out_seen, item->hash, sizeof item->hash, same);
            if (same == NULL) {
                HASH_ADD(hh, *out_seen, hash, sizeof item->hash, item);
            } else {
                free(item);
            }
            qr_moving_entry_finish(&entry);
        } else if (status == QUIRE_OK) {
            qr_moving_entry_finish(&entry);
            status = QUIRE_ENOMEM;
        }
    }
    *out_entries = ids.count;
    qr_moving_ids_finish(&ids);
    return status;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool is_empty(const struct qr_moving_entry *entry)
{
    return !entry->has_title && !entry->has_date && !entry->has_mood && entry->text.size == 0
        && entry->tags.count == 0 && entry->emotions.count == 0 && !entry->deleted;
}

static enum quire_status name_entry(
    struct quire_client *client, const char *format, struct qr_moving_entry *entry)
{
    struct quire_buffer source = {0};
    enum quire_status status = quire_buffer_append(&source, format, strlen(format) + 1);
    if (status == QUIRE_OK && entry->source.size > 0) {
        status = quire_buffer_append(&source, entry->source.data, entry->source.size);
    }
    if (status == QUIRE_OK) {
        status = quire_client_import_id(client, quire_buffer_bytes(&source), entry->id);
    }
    quire_buffer_finish(&source);
    return status;
}

static enum quire_status compare_one(struct quire_client *client, struct qr_moving_entry *entry,
    const struct seen *seen, bool update, enum qr_moving_fate *out_fate)
{
    struct quire_document *document = NULL;
    struct qr_moving_entry present;
    size_t also;
    enum quire_status status = quire_client_document(client, entry->id, false, &document);
    if (status == QUIRE_ENOTFOUND) {
        uint8_t hash[SHA256_DIGEST_LENGTH];
        const struct seen *same = NULL;
        if (!entry->has_id && seen != NULL) {
            hash_entry(entry, hash);
            HASH_FIND(hh, seen, hash, sizeof hash, same);
        }
        *out_fate = is_empty(entry) ? QR_MOVING_EMPTY
            : same != NULL          ? QR_MOVING_THERE
                                    : QR_MOVING_NEW;
        return QUIRE_OK;
    }
    if (status == QUIRE_ECORRUPT) {
        *out_fate = QR_MOVING_DIFFERS;
        return QUIRE_OK;
    }
    if (status == QUIRE_OK) {
        status = qr_moving_read_document(entry->id, document, &present, &also);
    }
    if (status == QUIRE_OK) {
        *out_fate = qr_moving_same(&present, entry) ? QR_MOVING_THERE
            : !update                               ? QR_MOVING_DIFFERS
            : entry->deleted && !present.deleted    ? QR_MOVING_DELETED
                                                    : QR_MOVING_CHANGED;
        qr_moving_entry_finish(&present);
    }
    return status;
}

enum quire_status qr_moving_compare(struct quire_client *client, const char *format,
    struct qr_moving_journal *journal, bool update, struct qr_moving_plan *out_plan)
{
    struct qr_moving_plan plan = {.fates = calloc(journal->count + 1, sizeof *plan.fates)};
    struct seen *seen = NULL;
    bool foreign = false;
    for (size_t i = 0; i < journal->count; i++) {
        foreign |= !journal->entries[i].has_id;
    }
    enum quire_status status =
        plan.fates == NULL ? QUIRE_ENOMEM : look_at_profile(client, foreign, &plan.entries, &seen);
    for (size_t i = 0; status == QUIRE_OK && i < journal->count; i++) {
        struct qr_moving_entry *entry = &journal->entries[i];
        if (!entry->has_id) {
            status = name_entry(client, format, entry);
        }
        if (status == QUIRE_OK) {
            status = compare_one(client, entry, seen, update, &plan.fates[i]);
            plan.counts[plan.fates[i]]++;
        }
    }
    forget(seen);
    if (status != QUIRE_OK) {
        free(plan.fates);
        return status;
    }
    *out_plan = plan;
    return QUIRE_OK;
}

bool qr_moving_brakes(const struct qr_moving_plan *plan)
{
    return (plan->counts[QR_MOVING_CHANGED] + plan->counts[QR_MOVING_DELETED]) * 10 > plan->entries;
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum quire_status write_registers(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_moving_entry *entry)
{
    struct quire_value value = {.text = quire_buffer_bytes(&entry->title)}, present;
    const bool wanted[QUIRE_REGISTER_COUNT] = {entry->has_title, entry->has_date, entry->has_mood};
    enum quire_status status = QUIRE_OK;
    for (int i = 0; status == QUIRE_OK && i < QUIRE_REGISTER_COUNT; i++) {
        enum quire_register field = (enum quire_register)i;
        value.number = field == QUIRE_REGISTER_DATE ? entry->date_ms : entry->mood;
        bool there = quire_document_register(document, field, 0, &present) == QUIRE_OK;
        bool same = there && quire_document_register_count(document, field) == 1
            && (field == QUIRE_REGISTER_TITLE ? quire_bytes_equal(present.text, value.text)
                                              : present.number == value.number);
        if (wanted[i] && !same) {
            status = quire_document_set_register(document, stamp, field, &value);
        } else if (!wanted[i] && there) {
            status = quire_document_clear_register(document, stamp, field);
        }
    }
    return status;
}

static bool has(const struct qr_moving_set *set, struct quire_bytes name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (quire_bytes_equal(quire_buffer_bytes(&set->items[i].name), name)) {
            return true;
        }
    }
    return false;
}

static enum quire_status write_set(struct quire_document *document, const struct quire_stamp *stamp,
    enum quire_set set, const struct qr_moving_set *wanted)
{
    struct qr_moving_set present = {0};
    enum quire_status status = read_set(document, set, &present);
    for (size_t i = 0; status == QUIRE_OK && i < present.count; i++) {
        struct quire_bytes name = quire_buffer_bytes(&present.items[i].name);
        if (!has(wanted, name)) {
            status = quire_document_remove_element(document, stamp, set, name);
        }
    }
    for (size_t i = 0; status == QUIRE_OK && i < wanted->count; i++) {
        const struct qr_moving_element *element = &wanted->items[i];
        bool same = false;
        for (size_t j = 0; j < present.count; j++) {
            same |= present.items[j].value == element->value
                && quire_bytes_equal(
                    quire_buffer_bytes(&present.items[j].name), quire_buffer_bytes(&element->name));
        }
        if (!same) {
            status = quire_document_add_element(
                document, stamp, set, quire_buffer_bytes(&element->name), element->value);
        }
    }
    for (size_t i = 0; i < present.count; i++) {
        quire_buffer_finish(&present.items[i].name);
    }
    free(present.items);
    return status;
}

static enum quire_status write_entry(
    struct quire_client *client, const struct qr_moving_entry *entry, enum qr_moving_fate fate)
{
    struct quire_document *document = NULL;
    enum quire_status status = quire_client_document(client, entry->id, true, &document);
    struct quire_stamp stamp = quire_client_stamp(client);
    if (status == QUIRE_OK && fate != QR_MOVING_DELETED) {
        status = write_registers(document, &stamp, entry);
        if (status == QUIRE_OK) {
            status = write_set(document, &stamp, QUIRE_SET_TAGS, &entry->tags);
        }
        if (status == QUIRE_OK) {
            status = write_set(document, &stamp, QUIRE_SET_EMOTIONS, &entry->emotions);
        }
        if (status == QUIRE_OK
            && !quire_bytes_equal(
                quire_document_journal(document), quire_buffer_bytes(&entry->journal))) {
            status =
                quire_document_set_journal(document, &stamp, quire_buffer_bytes(&entry->journal));
        }
        if (status == QUIRE_OK
            && (entry->text.size > 0 || quire_document_text_size(document) > 0)) {
            status = quire_client_edit_text(client, entry->id, quire_buffer_bytes(&entry->text));
        }
    }
    if (status == QUIRE_OK && entry->deleted) {
        status = quire_document_delete(document, &stamp);
    }
    return status == QUIRE_OK ? quire_client_save(client, entry->id) : status;
}

enum quire_status qr_moving_apply(struct quire_client *client,
    const struct qr_moving_journal *journal, const struct qr_moving_plan *plan,
    bool (*progress)(void *context, uint64_t done, uint64_t all), void *context,
    uint64_t *out_written)
{
    uint64_t all = plan->counts[QR_MOVING_NEW] + plan->counts[QR_MOVING_CHANGED]
        + plan->counts[QR_MOVING_DELETED];
    uint64_t pending = 0;
    size_t bytes = 0;
    bool more = true, open = false;
    enum quire_status status = QUIRE_OK;
    *out_written = 0;
    for (size_t i = 0; more && status == QUIRE_OK && i < journal->count; i++) {
        enum qr_moving_fate fate = plan->fates[i];
        if (fate != QR_MOVING_NEW && fate != QR_MOVING_CHANGED && fate != QR_MOVING_DELETED) {
            continue;
        }
        if (!open) {
            status = quire_client_begin(client);
            open = status == QUIRE_OK;
        }
        if (status == QUIRE_OK) {
            status = write_entry(client, &journal->entries[i], fate);
            pending++;
            bytes += journal->entries[i].text.size;
        }
        if (status == QUIRE_OK && (pending == QR_MOVING_BATCH || bytes >= QR_MOVING_BATCH_BYTES)) {
            status = quire_client_commit(client);
            open = false;
            if (status == QUIRE_OK) {
                *out_written += pending;
                more = progress == NULL || progress(context, *out_written, all);
            }
            pending = 0;
            bytes = 0;
        }
    }
    if (open && status == QUIRE_OK) {
        status = quire_client_commit(client);
        *out_written += status == QUIRE_OK ? pending : 0;
    } else if (open) {
        quire_client_close(client); /* the batch is dropped with the profile */
    }
    return status;
}
