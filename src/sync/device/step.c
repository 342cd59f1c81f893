/*
 * A device's step, its time and its state.
 */
#include "sync/device/state.h"
#include "crypto/words.h"
#include <stdlib.h>

static void give_credit(struct quire_device *device)
{
    bool due = device->consumed > 0 && device->consumed >= device->credit / DEVICE_CREDIT_STEPS;
    if (device->link == LINK_READY && due && !QR_FAILPOINT_ON(CREDIT_ONCE)) {
        struct qr_frame frame = {.type = QR_FRAME_CREDIT};
        frame.credit.bytes = device->consumed;
        device->consumed = 0;
        device_send(device, &frame);
    }
}

static void take_event(struct quire_device *device, const struct quire_event *event)
{
    switch (event->kind) {
    case QUIRE_EVENT_TICK:
        break;
    case QUIRE_EVENT_CONNECTED:
        device_connected(device, event->bytes);
        break;
    case QUIRE_EVENT_DISCONNECTED:
        device_disconnected(device);
        break;
    case QUIRE_EVENT_FRAME:
        device_frame(device, event->bytes);
        break;
    case QUIRE_EVENT_PERSISTED:
        device_chains_persisted(device, event->token);
        give_credit(device);
        break;
    case QUIRE_EVENT_SAVE:
        if (device->role == ROLE_MEMBER) {
            device_save(device, event->entry);
        }
        break;
    case QUIRE_EVENT_INDEX:
        device_index(device);
        break;
    case QUIRE_EVENT_FLUSH:
        device->flush = true;
        break;
    case QUIRE_EVENT_PAIR_OPEN:
        device_pair_open(device);
        break;
    case QUIRE_EVENT_PAIR_CLOSE:
        device_pair_close(device);
        break;
    case QUIRE_EVENT_REVOKE:
        device_revoke(device, event->device);
        break;
    }
}

enum quire_status quire_device_step(struct quire_device *device, const struct quire_event *event,
    struct quire_actions *out_actions)
{
    device_out_clear(&device->out);
    device->failure = QUIRE_OK;
    device->now_ms = event->now_ms;
    device->wall_ms = event->wall_ms;
    memcpy(device->entropy, event->entropy, sizeof device->entropy);
    device->entropy_count = 0;
    if (device->pending_count > 0 && device->pending_first_ms == 0) {
        device->pending_first_ms = device->pending_last_ms = device->now_ms; /* found at open */
    }

    device_unread_read(device);
    if (device->failure == QUIRE_OK) {
        take_event(device, event);
    }
    if (device->failure == QUIRE_OK) {
        device_connection_tick(device);
        device_seal(device);
        device_append_try(device);
        device_upload(device);
        device_entries_trim(device);
        if (device->replica_moved) {
            device->replica_moved = false;
            device_emit_replica(device);
        }
        if (device->out.write_count == 0) {
            give_credit(device); /* no PERSISTED will follow to give it */
        }
    }
    qr_wipe(device->entropy, sizeof device->entropy);
    if (device->failure == QUIRE_ESTATE) {
        *out_actions = (struct quire_actions){0};
        return device->failure;
    }
    return device->failure != QUIRE_OK ? device->failure : device_out_end(device, out_actions);
}

uint64_t quire_device_wake_ms(const struct quire_device *device)
{
    uint64_t due[] = {device_connection_due_ms(device), device_seal_due_ms(device),
        device_upload_due_ms(device), device_append_due_ms(device)};
    uint64_t first = device_unread_due(device) ? device->now_ms : UINT64_MAX;
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        first = due[i] < first ? due[i] : first;
    }
    return first;
}

/* ---- state ------------------------------------------------------------------------------------ */

static int compare_chains(const void *a, const void *b)
{
    const struct device_chain *const *left = a;
    const struct device_chain *const *right = b;
    return memcmp((*left)->replica, (*right)->replica, QR_REPLICA_SIZE);
}

/* The last words are those of what is here now: their chains have the heads that they had, and there are
 * as many. */
static bool words_hold(const struct quire_device *device, const uint8_t *roster_head)
{
    size_t count = 0;
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        if (chain->head > 0) {
            if (!chain->worded || memcmp(chain->hash, chain->worded_hash, QR_HASH_SIZE) != 0) {
                return false;
            }
            count++;
        }
    }
    const struct device_worded *worded = device->worded;
    return worded->words[0] != 0 && worded->chain_count == count
        && memcmp(worded->roster_head, roster_head, QR_HASH_SIZE) == 0;
}

/* A digest of the roster's and all chains' heads: equal on devices that have the same. */
static void heads_in_words(const struct quire_device *device, char out_words[QUIRE_WORDS_SIZE])
{
    struct device_worded *worded = device->worded;
    const uint8_t *roster_head = qr_roster_head(&device->roster);
    uint8_t hash[QR_HASH_SIZE];
    if (words_hold(device, roster_head)) {
        memcpy(out_words, worded->words, QUIRE_WORDS_SIZE);
        return;
    }
    const struct device_chain **order = malloc((device->chain_count + 1) * sizeof *order);
    out_words[0] = 0;
    if (order == NULL) {
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < device->chain_count; i++) {
        struct device_chain *chain = &device->chains[i];
        chain->worded = chain->head > 0;
        if (chain->worded) {
            memcpy(chain->worded_hash, chain->hash, QR_HASH_SIZE);
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
    memcpy(worded->words, out_words, QUIRE_WORDS_SIZE);
    memcpy(worded->roster_head, roster_head, QR_HASH_SIZE);
    worded->chain_count = count;
}

void quire_device_state(const struct quire_device *device, struct quire_device_state *out_state)
{
    struct quire_device_state state = {.joined = device->role == ROLE_MEMBER,
        .revoked = device->revoked,
        .connected = device->link == LINK_READY,
        .caught_up = device->caught_up,
        .epoch = device->roster.epoch,
        .roster_count = device->roster.count,
        .unsealed_count = device->pending_count + device->carried_count,
        .redo_count = (uint32_t)device->redo_count,
        .caught_up_ms = device->caught_up_wall_ms,
        .presence = device->presence};
    memcpy(state.user, device->pair_user, QR_USER_SIZE);
    memcpy(state.device, qr_vault_public(device->vault).device, QR_DEVICE_SIZE);
    memcpy(state.alarms, device->alarms, sizeof state.alarms);
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        state.chain_count += chain->head > 0;
        state.batch_count += chain->head;
        state.unacknowledged_count += chain->own ? chain->head - chain->acked : 0;
        if (device->link == LINK_READY) {
            state.not_on_server_count += chain->head - chain->sent;
        }
    }
    state.not_on_server_count += device->inflight_count;
    state.unread_count = device->unread_count;
    heads_in_words(device, state.words);
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
        if (qr_record_read(qr_roster_record(&device->roster, listed->added_seq), &record) ==
                QUIRE_OK &&
            qr_vault_open_name(device->vault, record.add.epoch, listed->device, record.add.name,
                &name) == QUIRE_OK) {
            info.name = quire_buffer_bytes(&name);
        }
        for (size_t c = 0; c < device->chain_count; c++) {
            const struct device_chain *chain = &device->chains[c];
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
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        if (chain->refusal != 0) {
            struct quire_rejection rejection = {chain->replica, chain->refused_seq, chain->refusal,
                qr_error_name(chain->refusal)};
            if (!visit(context, &rejection)) {
                return;
            }
        }
    }
}
