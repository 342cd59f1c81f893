/*
 * What the enrolled devices of each account really signed, kept beside Mallory and never shown to
 * her. Every batch that a phone writes down, and every roster record that it takes, is looked up
 * here: nothing of this asks the code that is judged whether it was right.
 */
#include "base/writer.h"
#include "mallory.h"

#include "checkers/checkers.h"
#include "crypto/aead.h"
#include "crypto/vault_inner.h"
#include "people/model.h"
#include "sync/device/state.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST_CONTENT 64u /* bytes; protocol/crypto.md */

struct set {
    uint64_t *keys; /* 0: free */
    size_t count, size;
};

struct truth {
    struct set batches, records;
    struct set devices;               /* of all phones that ever tried to join */
    struct set held[PHONES_MAX];      /* (replica, seq, hash) that a phone wrote down */
    struct set nonces;                /* (epoch, entry, nonce) of all changes ever sealed */
    uint64_t roster_seen[PHONES_MAX]; /* of its head, when it was looked through */
};

/* ---- sets of 64-bit keys --------------------------------------------------------------------- */

static bool set_add(struct set *set, uint64_t key); /* false: it was there */

static void set_grow(struct set *set)
{
    struct set larger = {.size = set->size == 0 ? 64 : 2 * set->size};
    larger.keys = sim_alloc(larger.size * sizeof *larger.keys);
    for (size_t i = 0; i < set->size; i++) {
        if (set->keys[i] != 0) {
            (void)set_add(&larger, set->keys[i]);
        }
    }
    free(set->keys);
    *set = larger;
}

static size_t set_place(const struct set *set, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (set->size - 1);
    while (set->keys[at] != 0 && set->keys[at] != key) {
        at = (at + 1) & (set->size - 1);
    }
    return at;
}

static bool set_add(struct set *set, uint64_t key)
{
    if (2 * (set->count + 1) > set->size) {
        set_grow(set);
    }
    key += key == 0;
    size_t at = set_place(set, key);
    bool fresh = set->keys[at] == 0;
    set->keys[at] = key;
    set->count += fresh;
    return fresh;
}

static bool set_has(const struct set *set, uint64_t key)
{
    key += key == 0;
    return set->size > 0 && set->keys[set_place(set, key)] != 0;
}

static uint64_t key_of(uint32_t user, struct quire_bytes bytes)
{
    return bytes_mix(UINT64_C(0x51ab) + user, bytes);
}

static uint64_t key_of_place(const uint8_t *replica, uint64_t seq, const uint8_t *hash)
{
    uint64_t key = bytes_mix(seq + 1, (struct quire_bytes){replica, QR_REPLICA_SIZE});
    return bytes_mix(key, (struct quire_bytes){hash, QR_HASH_SIZE});
}

struct truth *truth_create(void)
{
    return sim_alloc(sizeof(struct truth));
}

void truth_destroy(struct truth *truth)
{
    free(truth->batches.keys);
    free(truth->records.keys);
    free(truth->devices.keys);
    free(truth->nonces.keys);
    for (size_t i = 0; i < PHONES_MAX; i++) {
        free(truth->held[i].keys);
    }
    free(truth);
}

/* ---- what was signed ------------------------------------------------------------------------- */

/* A revoked device must not be able to read what devices write that know of its revocation. */
static void check_unreadable(
    struct world *world, const struct phone *author, const struct qr_batch *batch)
{
    const struct qr_roster *roster = &author->device->roster;
    for (uint32_t i = 0; i < world->phone_count; i++) {
        const struct phone *other = &world->phones[i];
        if (other->user != author->user || other->device == NULL || other == author) {
            continue;
        }
        const struct qr_vault *vault = other->device->vault;
        const struct qr_roster_device *listed =
            qr_roster_find(roster, qr_vault_public(vault).device);
        if (listed == NULL || listed->revoked_seq == 0 || batch->roster_seq < listed->revoked_seq) {
            continue;
        }
        for (size_t c = 0; c < batch->change_count; c++) {
            const struct qr_change *change = &batch->changes[c];
            struct qr_change_place place = {.seq = batch->seq,
                .index = (uint32_t)c,
                .kind = change->kind,
                .epoch = batch->epoch};
            struct quire_buffer text = {0};
            memcpy(place.replica, batch->replica, QR_REPLICA_SIZE);
            memcpy(place.entry, change->entry, QR_ENTRY_SIZE);
            if (change->kind == QR_CHANGE_OPS
                && qr_vault_open_change(vault, &place, change->nonce, change->ciphertext, &text)
                    == QUIRE_OK) {
                mallory_breach(world,
                    "the revoked phone %u can read what phone %u wrote "
                    "after it knew of the revocation",
                    other->number, author->number);
            }
            quire_buffer_finish(&text);
        }
    }
}

static void check_nonces(
    struct world *world, struct truth *truth, const struct qr_batch *batch, uint32_t phone)
{
    for (size_t c = 0; c < batch->change_count; c++) {
        const struct qr_change *change = &batch->changes[c];
        if (change->kind != QR_CHANGE_OPS) {
            continue;
        }
        uint64_t key =
            bytes_mix(batch->epoch + 1, (struct quire_bytes){change->entry, QR_ENTRY_SIZE});
        key = bytes_mix(key, (struct quire_bytes){change->nonce, QR_NONCE_SIZE});
        if (!set_add(&truth->nonces, key)) {
            mallory_breach(world, "phone %u sealed two changes of one entry with one nonce", phone);
        }
    }
}

/* What a content weighs must tell little of how long it is: only sizes whose low bits are zero, as many
 * as Padmé says (PETS 2019), reckoned here once more. */
static void check_weights(struct world *world, const struct qr_batch *batch, uint32_t phone)
{
    for (size_t c = 0; c < batch->change_count; c++) {
        size_t size = batch->changes[c].ciphertext.size - QR_TAG_SIZE;
        unsigned bits = 0, kept = 0;
        while (size >> bits > 1) {
            bits++;
        }
        while (bits >> kept > 0) {
            kept++;
        }
        bool padded =
            size >= SMALLEST_CONTENT && bits >= kept && size % (UINT64_C(1) << (bits - kept)) == 0;
        if (batch->changes[c].kind == QR_CHANGE_OPS && !padded) {
            mallory_breach(
                world, "phone %u seals a content of %zu bytes, which is not padded", phone, size);
        }
    }
}

void truth_batch(struct world *world, uint32_t user, struct quire_bytes bytes)
{
    (void)set_add(&world->mallory->truth->batches, key_of(user, bytes));
}

void truth_record(struct world *world, uint32_t user, struct quire_bytes record)
{
    (void)set_add(&world->mallory->truth->records, key_of(user, record));
}

static uint64_t key_of_device(uint32_t user, const uint8_t *sign_public, const uint8_t *box_public)
{
    uint64_t key = bytes_mix(user + 1, (struct quire_bytes){sign_public, QR_KEY_SIZE});
    return bytes_mix(key, (struct quire_bytes){box_public, QR_KEY_SIZE});
}

void truth_appended(struct world *world, uint32_t user, struct quire_bytes bytes)
{
    struct qr_record *record = sim_alloc(sizeof *record);
    if (qr_record_read(bytes, record) == QUIRE_OK && record->kind == QR_RECORD_ADD) {
        uint64_t key = key_of_device(user, record->add.sign_public, record->add.box_public);
        if (!set_has(&world->mallory->truth->devices, key)) {
            mallory_breach(world, "a phone enrols keys that are no phone's of its user");
        }
    }
    free(record);
    truth_record(world, user, bytes);
}

void truth_stored(struct world *world, const uint8_t *user, struct quire_bytes batch)
{
    for (uint32_t i = 0; i < world->options.users; i++) {
        if (memcmp(world->model->users[i].id, user, QR_USER_SIZE) == 0
            && set_has(&world->mallory->truth->batches, key_of(i, batch))) {
            return;
        }
    }
    mallory_breach(world, "the server stores a batch that no device of that user signed");
}

/* ---- what a phone writes down ---------------------------------------------------------------- */

/* Beyond what the revocation of its author pins, by a roster that knows of it. */
static bool is_too_late(
    const struct qr_roster *roster, const struct qr_batch *batch, const uint8_t *hash)
{
    const struct qr_roster_device *author = qr_roster_find(roster, batch->device);
    struct qr_record *record = sim_alloc(sizeof *record);
    bool late = author != NULL && author->revoked_seq != 0;
    if (late && qr_record_read(qr_roster_record(roster, author->revoked_seq), record) == QUIRE_OK) {
        for (size_t i = 0; i < record->revoke.pin_count; i++) {
            const struct qr_dep *pin = &record->revoke.pins[i];
            if (memcmp(pin->replica, batch->replica, QR_REPLICA_SIZE) == 0) {
                late = batch->seq > pin->seq
                    || (batch->seq == pin->seq && memcmp(pin->hash, hash, QR_HASH_SIZE) != 0);
            }
        }
    }
    free(record);
    return late;
}

static bool is_on_disk(struct phone *phone, struct quire_bytes key)
{
    struct quire_reader reader = disk_reader(&phone->disk);
    struct quire_buffer value = {0};
    enum quire_status status = reader.get(reader.context, key, &value);
    quire_buffer_finish(&value);
    return status == QUIRE_OK;
}

static void check_batch(struct world *world, struct phone *phone, const struct record *record,
    const struct qr_batch *batch, struct quire_bytes bytes)
{
    struct truth *truth = world->mallory->truth;
    struct set *held = &truth->held[phone->number];
    const uint8_t *hash = record->value.data;
    unsigned long long seq = batch->seq;
    bool own = memcmp(batch->device, phone->state.device, QUIRE_DEVICE_SIZE) == 0
        && memcmp(batch->replica, phone->device->replica.id, QR_REPLICA_SIZE) == 0;
    if (own && !set_has(&truth->batches, key_of(phone->user, bytes))) {
        truth_batch(world, phone->user, bytes);
        check_nonces(world, truth, batch, phone->number);
        check_weights(world, batch, phone->number);
        check_unreadable(world, phone, batch);
    }
    if (!set_has(&truth->batches, key_of(phone->user, bytes))) {
        mallory_breach(world,
            "phone %u applies batch %llu of a chain, which no device of "
            "its user signed",
            phone->number, seq);
    } else if (!own && is_too_late(&phone->device->roster, batch, hash)) {
        mallory_breach(world,
            "phone %u applies batch %llu of a chain, written after a "
            "revocation that it knows of",
            phone->number, seq);
    } else if (is_on_disk(phone, record->key)) {
        mallory_breach(
            world, "phone %u applies batch %llu of a chain, which it has", phone->number, seq);
    }
    bool well =
        batch->seq == 1 || set_has(held, key_of_place(batch->replica, batch->seq - 1, batch->prev));
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct qr_dep *dep = &batch->deps[i];
        well = well && set_has(held, key_of_place(dep->replica, dep->seq, dep->hash));
    }
    if (!well) {
        mallory_breach(
            world, "phone %u applies batch %llu of a chain without its deps", phone->number, seq);
    }
    (void)set_add(held, key_of_place(batch->replica, batch->seq, hash));
}

/* A profile that was copied or put back holds what it holds. */
static void learn_disk(struct world *world, struct phone *phone)
{
    struct set *held = &world->mallory->truth->held[phone->number];
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    for (size_t i = 0; i < phone->disk.visible.count; i++) {
        const struct record *record = &phone->disk.visible.records[i];
        struct quire_bytes bytes;
        if (batch_on_disk(record, batch, &bytes)) {
            (void)set_add(held, key_of_place(batch->replica, batch->seq, record->value.data));
        }
    }
    free(batch);
}

void truth_restored(struct world *world, struct phone *phone)
{
    struct set *held = &world->mallory->truth->held[phone->number];
    free(held->keys);
    *held = (struct set){0};
    learn_disk(world, phone);
}

void truth_check_writes(
    struct world *world, struct phone *phone, const struct quire_write *writes, size_t count)
{
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    if (phone->clone && world->mallory->truth->held[phone->number].count == 0) {
        learn_disk(world, phone);
    }
    for (size_t i = 0; i < count && !world->failed && phone->device != NULL; i++) {
        /* The checker of disks knows which records are batches. */
        struct record record = {.key = writes[i].key, .value = writes[i].value};
        struct quire_bytes bytes;
        if (!writes[i].erase && batch_on_disk(&record, batch, &bytes)) {
            check_batch(world, phone, &record, batch, bytes);
        }
    }
    free(batch);
}

static bool contains(struct quire_bytes bytes, const uint8_t *secret)
{
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.size;
    while (end - at >= QR_KEY_SIZE
        && (at = memchr(at, secret[0], (size_t)(end - at) - QR_KEY_SIZE + 1)) != NULL) {
        if (memcmp(at, secret, QR_KEY_SIZE) == 0) {
            return true;
        }
        at++;
    }
    return false;
}

/* Her eyes never rest on a key. */
void truth_check_secrets(struct world *world, const struct phone *phone, struct quire_bytes bytes)
{
    const struct qr_vault *vault = phone->device->vault;
    const uint8_t *epoch = qr_vault_key(vault, phone->device->roster.epoch);
    const uint8_t *secrets[] = {vault->seed, phone->profile_key, epoch};
    for (size_t i = 0; i < 3; i++) {
        if (secrets[i] != NULL && contains(bytes, secrets[i])) {
            world_fail(
                world, "canary", "phone %u sends a key of its own in the clear", phone->number);
        }
    }
}

void truth_check_roster(struct world *world, struct phone *phone)
{
    struct truth *truth = world->mallory->truth;
    const struct qr_roster *roster = &phone->device->roster;
    uint64_t *seen = &truth->roster_seen[phone->number];
    struct qr_vault_public self = qr_vault_public(phone->device->vault);
    (void)set_add(&truth->devices, key_of_device(phone->user, self.sign_public, self.box_public));
    if (phone->stage != PHONE_JOINED) {
        *seen = 0;
        return;
    }
    /* The one that made the account: it has heard of no other yet. */
    if (phone->ordinal == 0 && !phone->clone && *seen == 0 && phone->state.batch_count == 0) {
        for (uint32_t i = 0; i < roster->count; i++) {
            truth_record(world, phone->user, qr_roster_record(roster, i));
        }
    }
    uint64_t head =
        bytes_mix(roster->count, (struct quire_bytes){qr_roster_head(roster), QR_HASH_SIZE});
    if (*seen == head) {
        return;
    }
    *seen = head;
    for (uint32_t i = 0; i < roster->count; i++) {
        struct quire_bytes bytes = qr_roster_record(roster, i);
        if (!set_has(&truth->records, key_of(phone->user, bytes))) {
            mallory_breach(world,
                "phone %u takes roster record %u, which no device of its "
                "user made",
                phone->number, i);
            return;
        }
        if (qr_load_u32(bytes.data + 1) != i) { /* after the version: what place it was made for */
            mallory_breach(world,
                "phone %u takes as roster record %u what was made for another "
                "place",
                phone->number, i);
            return;
        }
    }
}
