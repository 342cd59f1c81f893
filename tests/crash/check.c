#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ATTEMPTS 256
#define ADDED 3 /* records that the check appends */
#define ADDED_ATTEMPT 255u

/* A record is made once and kept: it is compared with in every state. */
struct known {
    struct known *next;
    unsigned attempt;
    struct qr_log_record *record;
};

struct check {
    struct script script;
    struct known *known[MODEL_LSN_MAX + ADDED + 1];
    const struct qr_log_record *found[MODEL_LSN_MAX + ADDED + 1]; /* what the log has, by lsn */
    char text[256];
};

struct check *check_create(const struct script *script)
{
    struct check *check = calloc(1, sizeof *check);
    if (check == NULL) {
        abort();
    }
    check->script = *script;
    return check;
}

void check_destroy(struct check *check)
{
    for (size_t lsn = 0; lsn < sizeof check->known / sizeof check->known[0]; lsn++) {
        while (check->known[lsn] != NULL) {
            struct known *known = check->known[lsn];
            check->known[lsn] = known->next;
            free(known->record);
            free(known);
        }
    }
    free(check);
}

static const struct qr_log_record *known_record(struct check *check, uint64_t lsn, unsigned attempt)
{
    struct known *known = check->known[lsn];
    while (known != NULL && known->attempt != attempt) {
        known = known->next;
    }
    if (known == NULL) {
        known = malloc(sizeof *known);
        if (known == NULL) {
            abort();
        }
        *known =
            (struct known){check->known[lsn], attempt, script_record(&check->script, lsn, attempt)};
        check->known[lsn] = known;
    }
    return known->record;
}

__attribute__((format(printf, 2, 3))) static const char *wrong(
    struct check *check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->text, sizeof check->text, format, arguments);
    va_end(arguments);
    return check->text;
}

/* The last lsn that is right, and the attempt that sent what is not acknowledged of it. */
static const char *check_last(
    struct check *check, const struct debts *debts, uint64_t last, unsigned *out_attempt)
{
    *out_attempt = 0;
    if (debts->impossible) {
        return wrong(check, "a store had opened with records that were never sent");
    }
    if (last < debts->acked) {
        return wrong(check, "the log ends at %llu, acknowledged is %llu", (unsigned long long)last,
            (unsigned long long)debts->acked);
    }
    if (last == debts->acked) {
        return NULL;
    }
    for (size_t i = 0; i < debts->group_count; i++) {
        if (debts->groups[i].to == last) {
            *out_attempt = debts->groups[i].attempt; /* that it is this one is seen by its bytes */
            return NULL;
        }
    }
    return wrong(check,
        "the log ends at %llu: acknowledged is %llu, and no group that was sent ends there",
        (unsigned long long)last, (unsigned long long)debts->acked);
}

static bool is_sent(const struct debts *debts, uint64_t last, unsigned attempt)
{
    for (size_t i = 0; i < debts->group_count; i++) {
        if (debts->groups[i].to == last && debts->groups[i].attempt == attempt) {
            return true;
        }
    }
    return false;
}

/* Up to `own` they are the story's, then the check's. */
static const char *check_records(struct check *check, const struct debts *debts,
    struct qr_store *store, uint64_t last, uint64_t own, unsigned beyond)
{
    struct qr_log_reader reader = qr_store_reader(store);
    for (uint64_t lsn = 1; lsn <= last; lsn++) {
        struct quire_bytes bytes;
        enum quire_status status = reader.read(reader.context, lsn, &bytes);
        if (status != QUIRE_OK || bytes.size == 0) {
            return wrong(check, "record %llu of %llu: %s", (unsigned long long)lsn,
                (unsigned long long)last, quire_status_text(status));
        }
        unsigned attempt = lsn <= debts->acked ? debts->attempt_of[lsn] : beyond;
        if (lsn > own) {
            attempt = ADDED_ATTEMPT;
        } else if (lsn == debts->acked + 1 && is_sent(debts, own, bytes.data[0])) {
            attempt = beyond = bytes.data[0];
        }
        const struct qr_log_record *record = known_record(check, lsn, attempt);
        if (!quire_bytes_equal(bytes, record->bytes)) {
            return wrong(check, "record %llu of %llu is not what was sent", (unsigned long long)lsn,
                (unsigned long long)last);
        }
        check->found[lsn] = record;
    }
    return NULL;
}

struct list {
    struct check *check;
    const struct debts *debts;
    unsigned user;
    uint64_t last, next; /* the first lsn that no entry was compared with */
    int maybe;    /* entries of a part that may be forgotten: -1 not seen yet, 0 gone, 1 there */
    bool several; /* several such parts: each entry may be there or not */
    bool failed;
};

static bool same_entry(const struct qr_log_entry *a, const struct qr_log_entry *b)
{
    return a->lsn == b->lsn && a->seq == b->seq && a->size == b->size && a->kind == b->kind
        && memcmp(a->replica, b->replica, QR_REPLICA_SIZE) == 0
        && memcmp(a->device, b->device, QR_DEVICE_SIZE) == 0
        && memcmp(a->hash, b->hash, QR_HASH_SIZE) == 0;
}

enum forgotten { KEPT, MAYBE, GONE };

static enum forgotten forgotten(const struct debts *debts, unsigned user, uint64_t lsn)
{
    enum forgotten verdict = KEPT;
    for (size_t i = 0; i < debts->forget_count; i++) {
        const struct model_forget *part = &debts->forgets[i];
        if (part->user == user && part->from <= lsn && lsn <= part->until) {
            if (part->done) {
                return GONE;
            }
            verdict = MAYBE;
        }
    }
    return verdict;
}

/* Is it right that there is (or is not) an entry for this lsn? */
static bool may_be(struct list *list, uint64_t lsn, bool there)
{
    const struct qr_log_record *record = list->check->found[lsn];
    if (script_user_number(record->user) != list->user) {
        return !there;
    }
    switch (forgotten(list->debts, list->user, lsn)) {
    case KEPT: return there;
    case GONE: return !there;
    default:
        if (list->maybe < 0 || list->several) {
            list->maybe = there;
        }
        return list->maybe == (int)there;
    }
}

static enum quire_status visit(void *context, const struct qr_log_entry *entry)
{
    struct list *list = context;
    if (entry->lsn < list->next || entry->lsn > list->last) {
        list->failed = true;
        return QUIRE_OK;
    }
    while (list->next < entry->lsn) {
        list->failed |= !may_be(list, list->next++, false);
    }
    list->failed |= !may_be(list, list->next++, true)
        || !same_entry(entry, &list->check->found[entry->lsn]->entry);
    return QUIRE_OK;
}

static const char *check_index(
    struct check *check, const struct debts *debts, struct qr_store *store, uint64_t last)
{
    struct qr_log_reader reader = qr_store_reader(store);
    for (unsigned number = 0; number < check->script.users; number++) {
        uint8_t user[QR_USER_SIZE];
        struct list list = {check, debts, number, last, 1, -1, false, false};
        size_t parts = 0;
        for (size_t i = 0; i < debts->forget_count; i++) {
            parts += debts->forgets[i].user == number && !debts->forgets[i].done;
        }
        list.several = parts > 1;
        script_user(number, user);
        enum quire_status status = reader.each(reader.context, user, visit, &list);
        if (status != QUIRE_OK) {
            return wrong(check, "entries of user %u: %s", number, quire_status_text(status));
        }
        while (list.next <= last) {
            list.failed |= !may_be(&list, list.next++, false);
        }
        if (list.failed) {
            return wrong(check, "the entries of user %u are not those of the log", number);
        }
    }
    return NULL;
}

static const char *append_more(struct check *check, struct qr_store *store, uint64_t last)
{
    struct qr_log_record records[ADDED];
    for (size_t i = 0; i < ADDED; i++) {
        check->found[last + 1 + i] = known_record(check, last + 1 + i, ADDED_ATTEMPT);
        records[i] = *check->found[last + 1 + i];
    }
    enum quire_status status = qr_store_append(store, records, ADDED);
    return status == QUIRE_OK ? NULL
                              : wrong(check, "appending afterwards: %s", quire_status_text(status));
}

static const char *check_open(
    struct check *check, const struct debts *debts, struct qr_store *store, uint64_t added_from)
{
    struct qr_store_stats stats;
    uint8_t log_id[16];
    uint64_t last = qr_store_last_lsn(store);
    uint64_t own = added_from <= last ? added_from - 1 : last;
    unsigned beyond;
    const char *text = check_last(check, debts, own, &beyond);
    if (text == NULL && added_from != UINT64_MAX && last != added_from + ADDED - 1) {
        text = wrong(check, "what was appended afterwards is gone");
    }
    if (text == NULL) {
        text = check_records(check, debts, store, last, own, beyond);
    }
    if (text == NULL) {
        text = check_index(check, debts, store, last);
    }
    qr_store_stats(store, &stats);
    if (text == NULL && stats.damaged > 0) {
        text = wrong(check, "%llu records count as damaged", (unsigned long long)stats.damaged);
    }
    qr_store_log_id(store, log_id);
    struct qr_store_options options = script_options(&check->script, "");
    if (text == NULL && memcmp(log_id, options.log_id, sizeof log_id) != 0) {
        text = wrong(check, "the log has another name");
    }
    return text;
}

const char *check_store(
    struct check *check, const struct debts *debts, const char *folder, bool again)
{
    struct qr_store *store = NULL;
    struct qr_store_options options = script_options(&check->script, folder);
    enum quire_status status = qr_store_open(&options, &store);
    if (status != QUIRE_OK) {
        return wrong(check, "it does not open: %s", quire_status_text(status));
    }
    uint64_t last = qr_store_last_lsn(store);
    const char *text = check_open(check, debts, store, UINT64_MAX);
    if (text == NULL) {
        text = append_more(check, store, last);
    }
    if (text == NULL) {
        text = check_index(check, debts, store, last + ADDED);
    }
    qr_store_close(store);
    if (text != NULL || !again) {
        return text;
    }
    status = qr_store_open(&options, &store);
    if (status != QUIRE_OK) {
        return wrong(check, "it does not open again: %s", quire_status_text(status));
    }
    text = check_open(check, debts, store, last + 1);
    qr_store_close(store);
    return text;
}
