/*
 * The newest part of the index, in memory.
 */
#include "store/tail.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define BUCKETS_AT_FIRST 1024

static size_t bucket_of(const struct qr_tail *tail, const uint8_t *user)
{
    uint8_t hash[crypto_shorthash_BYTES];
    size_t bucket;
    crypto_shorthash(hash, user, QR_USER_SIZE, tail->key);
    memcpy(&bucket, hash, sizeof bucket);
    return bucket & (tail->bucket_count - 1);
}

enum quire_status qr_tail_init(struct qr_tail *tail, const uint8_t key[16])
{
    struct qr_tail_user **buckets = calloc(BUCKETS_AT_FIRST, sizeof *buckets);
    if (buckets == NULL) {
        return QUIRE_ENOMEM;
    }
    *tail = (struct qr_tail){.buckets = buckets, .bucket_count = BUCKETS_AT_FIRST};
    memcpy(tail->key, key, sizeof tail->key);
    return QUIRE_OK;
}

static struct qr_tail_user **slot_of(const struct qr_tail *tail, const uint8_t *user)
{
    struct qr_tail_user **slot = &tail->buckets[bucket_of(tail, user)];
    while (*slot != NULL && memcmp((*slot)->user, user, QR_USER_SIZE) != 0) {
        slot = &(*slot)->bucket_next;
    }
    return slot;
}

static void forget_user(struct qr_tail *tail, struct qr_tail_user *node)
{
    struct qr_tail_user **slot = slot_of(tail, node->user);
    assert(*slot == node);
    *slot = node->bucket_next;
    if (node->older != NULL) {
        node->older->younger = node->younger;
    } else {
        tail->oldest = node->younger;
    }
    if (node->younger != NULL) {
        node->younger->older = node->older;
    } else {
        tail->youngest = node->older;
    }
    tail->user_count--;
    free(node->entries);
    free(node);
}

void qr_tail_finish(struct qr_tail *tail)
{
    while (tail->oldest != NULL) {
        forget_user(tail, tail->oldest);
    }
    free(tail->buckets);
    *tail = (struct qr_tail){0};
}

/* A table that cannot grow still works, only slower. */
static void widen(struct qr_tail *tail)
{
    size_t count = tail->bucket_count * 2;
    struct qr_tail_user **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return;
    }
    free(tail->buckets);
    tail->buckets = buckets;
    tail->bucket_count = count;
    for (struct qr_tail_user *node = tail->oldest; node != NULL; node = node->younger) {
        struct qr_tail_user **bucket = &buckets[bucket_of(tail, node->user)];
        node->bucket_next = *bucket;
        *bucket = node;
    }
}

static struct qr_tail_user *new_user(struct qr_tail *tail, const uint8_t *user)
{
    struct qr_tail_user *node = calloc(1, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    memcpy(node->user, user, QR_USER_SIZE);
    if (tail->user_count >= tail->bucket_count) {
        widen(tail);
    }
    struct qr_tail_user **bucket = &tail->buckets[bucket_of(tail, user)];
    node->bucket_next = *bucket;
    *bucket = node;
    node->older = tail->youngest;
    if (tail->youngest != NULL) {
        tail->youngest->younger = node;
    } else {
        tail->oldest = node;
    }
    tail->youngest = node;
    tail->user_count++;
    return node;
}

static enum quire_status make_room(struct qr_tail_user *node)
{
    if (node->first + node->count < node->capacity) {
        return QUIRE_OK;
    }
    if (node->first > node->count) { /* at least half is free in front: cheap when amortised */
        memmove(node->entries, node->entries + node->first, node->count * sizeof *node->entries);
        node->first = 0;
        return QUIRE_OK;
    }
    size_t capacity = node->capacity == 0 ? 2 : node->capacity * 2;
    struct qr_log_entry *entries = realloc(node->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return QUIRE_ENOMEM;
    }
    node->entries = entries;
    node->capacity = capacity;
    return QUIRE_OK;
}

enum quire_status qr_tail_add(
    struct qr_tail *tail, const uint8_t user[QR_USER_SIZE], const struct qr_log_entry *entry)
{
    struct qr_tail_user *node = *slot_of(tail, user);
    if (node == NULL) {
        node = new_user(tail, user);
        if (node == NULL) {
            return QUIRE_ENOMEM;
        }
    }
    enum quire_status status = make_room(node);
    if (status != QUIRE_OK) {
        if (node->count == 0) {
            forget_user(tail, node);
        }
        return status;
    }
    assert(node->count == 0 || node->entries[node->first + node->count - 1].lsn < entry->lsn);
    node->entries[node->first + node->count++] = *entry;
    tail->entry_count++;
    return QUIRE_OK;
}

const struct qr_tail_user *qr_tail_find(
    const struct qr_tail *tail, const uint8_t user[QR_USER_SIZE])
{
    return *slot_of(tail, user);
}

void qr_tail_drop(struct qr_tail *tail, size_t count)
{
    while (count > 0) {
        struct qr_tail_user *node = tail->oldest;
        assert(node != NULL);
        size_t part = count < node->count ? count : node->count;
        node->first += part;
        node->count -= part;
        tail->entry_count -= part;
        count -= part;
        if (node->count == 0) {
            forget_user(tail, node);
        }
    }
}

void qr_tail_cut(struct qr_tail *tail, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    struct qr_tail_user *node = *slot_of(tail, user);
    if (node == NULL) {
        return;
    }
    while (node->count > 0 && node->entries[node->first + node->count - 1].lsn >= lsn) {
        node->count--;
        tail->entry_count--;
    }
    if (node->count == 0) {
        forget_user(tail, node);
    }
}

uint64_t qr_tail_lowest(const struct qr_tail *tail, size_t dropped, uint64_t otherwise)
{
    const struct qr_tail_user *node = tail->oldest;
    while (node != NULL && dropped >= node->count) {
        dropped -= node->count;
        node = node->younger;
    }
    if (node == NULL) {
        return otherwise;
    }
    uint64_t lowest = node->entries[node->first + dropped].lsn;
    if (node->younger != NULL && node->younger->entries[node->younger->first].lsn < lowest) {
        lowest = node->younger->entries[node->younger->first].lsn;
    }
    return lowest;
}
