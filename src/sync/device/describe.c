/*
 * What a device says of itself: its state and the state digest, its roster, what the server refuses.
 */
#include "crypto/words.h"
#include "sync/device/state.h"
#include <stdlib.h>

static int compare_chains(const void *a, const void *b)
{
    const struct device_chain *const *left = a;
    const struct device_chain *const *right = b;
    return memcmp((*left)->replica, (*right)->replica, QR_REPLICA_SIZE);
}

/* Is the cached digest still that of what is here: the same roster, as many chains, the same heads. */
static bool digest_holds(const struct quire_device *device, const uint8_t *roster_head)
{
    size_t count = 0;
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (chain->head > 0) {
            if (!chain->in_digest || memcmp(chain->hash, chain->digest_hash, QR_HASH_SIZE) != 0) {
                return false;
            }
            count++;
        }
    }
    const struct device_digest *digest = &device->digest;
    return digest->words[0] != 0 && digest->chain_count == count
        && memcmp(digest->roster_head, roster_head, QR_HASH_SIZE) == 0;
}

/* A digest of the roster's and all chains' heads: equal on devices that have the same. */
static void state_digest(struct quire_device *device, char out_words[QUIRE_WORDS_SIZE])
{
    struct device_digest *digest = &device->digest;
    const uint8_t *roster_head = qr_roster_head(&device->roster);
    uint8_t hash[QR_HASH_SIZE];
    if (digest_holds(device, roster_head)) {
        memcpy(out_words, digest->words, QUIRE_WORDS_SIZE);
        return;
    }
    const struct device_chain **order = malloc((device->chains.count + 1) * sizeof *order);
    out_words[0] = 0;
    if (order == NULL) {
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < device->chains.count; i++) {
        struct device_chain *chain = &device->chains.items[i];
        chain->in_digest = chain->head > 0;
        if (chain->in_digest) {
            memcpy(chain->digest_hash, chain->hash, QR_HASH_SIZE);
            order[count++] = chain;
        }
    }
    qsort(order, count, sizeof *order, compare_chains);
    struct qr_hasher hasher;
    qr_hasher_init(&hasher, QR_CONTEXT_WORDS);
    qr_hasher_add(&hasher, roster_head, QR_HASH_SIZE);
    for (size_t i = 0; i < count; i++) {
        qr_hasher_add(&hasher, order[i]->replica, QR_REPLICA_SIZE);
        qr_hasher_add(&hasher, order[i]->hash, QR_HASH_SIZE);
    }
    qr_hasher_finish(&hasher, hash);
    free(order);
    _Static_assert(QUIRE_WORDS_SIZE >= QR_WORDS_SIZE, "the words fit");
    qr_words(hash, out_words);
    memcpy(digest->words, out_words, QUIRE_WORDS_SIZE);
    memcpy(digest->roster_head, roster_head, QR_HASH_SIZE);
    digest->chain_count = count;
}

void quire_device_state(struct quire_device *device, struct quire_device_state *out_state)
{
    struct quire_device_state state = {.joined = device->enrolment.role == ROLE_MEMBER,
        .revoked = device->revoked,
        .connected = device->link.state == LINK_READY,
        .caught_up = device->link.caught_up,
        .epoch = device->roster.epoch,
        .roster_count = device->roster.count,
        .roster_fullness = qr_roster_fullness(&device->roster),
        .unsealed_count = device->pending.count + device->rebased.count,
        .lost_op_count = (uint32_t)device->lost_ops.count,
        .caught_up_ms = device->receipt.caught_up_wall_ms,
        .presence = device->link.presence};
    memcpy(state.user, device->user, QR_USER_SIZE);
    memcpy(state.device, qr_vault_public(device->vault).device, QR_DEVICE_SIZE);
    memcpy(state.alarms, device->alarms, sizeof state.alarms);
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        state.chain_count += chain->head > 0;
        state.batch_count += chain->head;
        state.unacknowledged_count += chain->own ? chain->head - chain->acked : 0;
        if (device->link.state == LINK_READY) {
            state.not_on_server_count += chain->head - chain->link.sent;
        }
    }
    state.not_on_server_count += device->upload.inflight_count;
    state.unread_count = device->unread.count;
    state_digest(device, state.words);
    *out_state = state;
}

enum quire_status quire_device_each_device(struct quire_device *device,
    bool (*visit)(void *context, const struct quire_device_info *info), void *context)
{
    const uint8_t *self = qr_vault_public(device->vault).device;
    struct quire_buffer name = {0};
    bool more = true;
    for (size_t i = 0; i < device->roster.device_count && more; i++) {
        const struct qr_roster_device *listed = &device->roster.devices[i];
        struct qr_record record;
        struct quire_device_info info = {.device = listed->device,
            .self = memcmp(listed->device, self, QR_DEVICE_SIZE) == 0,
            .active = listed->revoked_seq == 0};
        quire_buffer_clear(&name);
        if (qr_record_read(qr_roster_record(&device->roster, listed->added_seq), &record)
                == QUIRE_OK
            && qr_vault_open_name(
                   device->vault, record.add.epoch, listed->device, record.add.name, &name)
                == QUIRE_OK) {
            info.name = quire_buffer_bytes(&name);
        }
        for (size_t c = 0; c < device->chains.count; c++) {
            const struct device_chain *chain = &device->chains.items[c];
            if (memcmp(chain->device, listed->device, QR_DEVICE_SIZE) == 0) {
                info.batches += chain->head;
                info.last_heard_ms = (int64_t)chain->caught_up_at > info.last_heard_ms
                    ? (int64_t)chain->caught_up_at
                    : info.last_heard_ms;
            }
        }
        more = visit(context, &info);
    }
    quire_buffer_finish(&name);
    return QUIRE_OK;
}

void quire_device_each_rejection(const struct quire_device *device,
    bool (*visit)(void *context, const struct quire_rejection *rejection), void *context)
{
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (chain->link.refusal != 0) {
            struct quire_rejection rejection = {chain->replica, chain->link.refused_seq,
                chain->link.refusal, qr_error_name(chain->link.refusal)};
            if (!visit(context, &rejection)) {
                return;
            }
        }
    }
}
