#include "account.h"
#include "codec/roster.h"
#include "sync/transcript.h"
#include "sync/roster.h"
#include <stdlib.h>

static const uint8_t *draw(struct load_account *account, uint8_t out[QR_ENTROPY_SIZE])
{
    qr_entropy_expand(out, account->seed, account->drawn++);
    return out;
}

/* Who signs a record: the kit where vault is NULL. */
struct signer {
    const struct qr_kit *kit;
    const struct qr_vault *vault;
};

static enum quire_status add_record(
    struct load_account *account, struct qr_record *record, struct signer signer)
{
    static const uint8_t zeros[QR_HASH_SIZE];
    uint8_t signature[QR_SIGNATURE_SIZE];
    struct quire_buffer *buffer = &account->records[account->record_count];
    record->seq = account->record_count;
    record->prev = account->record_count == 0 ? zeros : account->roster_head;
    record->signer = signer.vault == NULL ? zeros : qr_vault_public(signer.vault).device;
    enum quire_status status = qr_record_write(record, buffer);
    if (status != QUIRE_OK) {
        return status;
    }
    if (record->kind == QR_RECORD_GENESIS) {
        qr_record_user(quire_buffer_bytes(buffer), account->user);
    }
    qr_record_hash(quire_buffer_bytes(buffer), account->roster_head);
    struct quire_bytes hash = {account->roster_head, QR_HASH_SIZE};
    if (signer.vault == NULL) {
        qr_kit_sign(signer.kit, QR_CONTEXT_ROSTER_SIGN, &hash, 1, signature);
    } else {
        qr_vault_sign(signer.vault, QR_CONTEXT_ROSTER_SIGN, &hash, 1, signature);
    }
    account->record_count++;
    return quire_buffer_append(buffer, signature, sizeof signature);
}

static enum quire_status add_genesis(struct load_account *account, const struct qr_kit *kit)
{
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE], salt[QR_ENTROPY_SIZE];
    qr_kit_public(kit, root, recovery);
    struct qr_record record = {.kind = QR_RECORD_GENESIS};
    record.genesis.root = root;
    record.genesis.recovery = recovery;
    record.genesis.salt = draw(account, salt);
    return add_record(account, &record, (struct signer){.kit = kit});
}

static enum quire_status add_epoch(struct load_account *account, const struct qr_kit *kit)
{
    static const uint8_t zeros[QR_DEVICE_SIZE];
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE], random[QR_ENTROPY_SIZE];
    uint8_t commitment[QR_HASH_SIZE], seal[QR_SEAL_SIZE];
    struct qr_vault *vault = account->devices[0].vault;
    qr_kit_public(kit, root, recovery);
    enum quire_status status = qr_vault_new_epoch(vault, 1, draw(account, random));
    if (status == QUIRE_OK) {
        status = qr_vault_commitment(vault, 1, commitment);
    }
    if (status == QUIRE_OK) {
        status = qr_vault_seal_epoch(vault, 1, recovery, draw(account, random), seal);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_record record = {.kind = QR_RECORD_EPOCH};
    record.epoch.epoch = 1;
    record.epoch.commitment = commitment;
    record.epoch.seal_count = 1;
    record.epoch.seals[0].device = zeros;
    record.epoch.seals[0].seal = seal;
    return add_record(account, &record, (struct signer){.kit = kit});
}

static enum quire_status add_device(
    struct load_account *account, const struct qr_kit *kit, size_t at)
{
    uint8_t random[QR_ENTROPY_SIZE], seal[QR_SEAL_SIZE], name[QR_NAME_SIZE];
    const struct qr_vault *first = account->devices[0].vault;
    struct qr_vault_public public = qr_vault_public(account->devices[at].vault);
    enum quire_status status =
        qr_vault_seal_epoch(first, 1, public.box_public, draw(account, random), seal);
    if (status == QUIRE_OK) {
        status = qr_vault_seal_name(
            first, 1, public.device, quire_bytes_of_text("load"), draw(account, random), name);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_record record = {.kind = QR_RECORD_ADD};
    record.add.sign_public = public.sign_public;
    record.add.box_public = public.box_public;
    record.add.epoch = 1;
    record.add.name = name;
    record.add.seal = seal;
    return add_record(
        account, &record, (struct signer){.kit = kit, .vault = at == 0 ? NULL : first});
}

enum quire_status load_account_init(
    struct load_account *account, const uint8_t seed[QR_ENTROPY_SIZE], size_t device_count)
{
    *account = (struct load_account){0};
    if (device_count == 0 || device_count > LOAD_DEVICES_MAX) {
        return QUIRE_EINVALID;
    }
    memcpy(account->seed, seed, sizeof account->seed);
    uint8_t random[QR_ENTROPY_SIZE];
    struct qr_kit *kit = NULL;
    enum quire_status status = qr_kit_create(draw(account, random), &kit);
    if (status == QUIRE_OK) {
        status = add_genesis(account, kit);
    }
    for (size_t i = 0; i < device_count && status == QUIRE_OK; i++) {
        struct load_device *device = &account->devices[account->device_count];
        status = qr_vault_create(draw(account, random), &device->vault);
        if (status == QUIRE_OK) {
            account->device_count++;
            qr_vault_set_user(device->vault, account->user);
            memcpy(device->replica, draw(account, random), QR_REPLICA_SIZE);
            status = i == 0 ? add_epoch(account, kit) : QUIRE_OK;
        }
        if (status == QUIRE_OK) {
            status = add_device(account, kit, i);
        }
    }
    memcpy(account->entry, draw(account, random), QR_ENTRY_SIZE);
    qr_kit_destroy(kit);
    return status;
}

void load_account_finish(struct load_account *account)
{
    for (size_t i = 0; i < account->device_count; i++) {
        qr_vault_destroy(account->devices[i].vault);
    }
    for (uint32_t i = 0; i < account->record_count; i++) {
        quire_buffer_finish(&account->records[i]);
    }
    *account = (struct load_account){0};
}

/* One sealed change in the form that a batch carries, appended to out_bytes. */
static enum quire_status seal(struct load_account *account, const struct load_device *device,
    size_t size, uint8_t out_nonce[QR_NONCE_SIZE], struct quire_buffer *out_ciphertext)
{
    uint8_t random[QR_ENTROPY_SIZE];
    struct qr_change_place place = {.seq = device->seq + 1, .kind = QR_CHANGE_OPS, .epoch = 1};
    memcpy(place.replica, device->replica, sizeof place.replica);
    memcpy(place.entry, account->entry, sizeof place.entry);
    uint8_t *noise = calloc(1, size + 1);
    if (noise == NULL) {
        return QUIRE_ENOMEM;
    }
    enum quire_status status = qr_vault_seal_change(account->devices[0].vault, &place,
        (struct quire_bytes){noise, size}, draw(account, random), out_nonce, out_ciphertext);
    free(noise);
    return status;
}

enum quire_status load_account_batch(
    struct load_account *account, size_t at, size_t size, struct quire_buffer *out_batch)
{
    struct load_device *device = &account->devices[at];
    uint8_t nonce[QR_NONCE_SIZE], signed_hash[QR_HASH_SIZE];
    uint8_t signature[QR_SIGNATURE_SIZE] = {0};
    struct quire_buffer ciphertext = {0};
    struct qr_batch batch = {.replica = device->replica, .seq = device->seq + 1, .epoch = 1};
    size_t start = out_batch->size;

    enum quire_status status = seal(account, device, size, nonce, &ciphertext);
    if (status != QUIRE_OK) {
        goto out;
    }
    batch.device = qr_vault_public(device->vault).device;
    batch.roster_seq = account->record_count - 1;
    batch.prev = device->head;
    batch.change_count = 1;
    batch.changes[0] = (struct qr_change){.kind = QR_CHANGE_OPS,
        .entry = account->entry,
        .nonce = nonce,
        .ciphertext = quire_buffer_bytes(&ciphertext)};
    status = qr_batch_write(&batch, out_batch);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(out_batch, signature, sizeof signature);
    }
    if (status == QUIRE_OK) {
        status = qr_batch_read(
            (struct quire_bytes){out_batch->data + start, out_batch->size - start}, &batch);
    }
    if (status != QUIRE_OK) {
        goto out;
    }
    qr_batch_signed(&batch, account->user, account->roster_head, signed_hash);
    qr_vault_sign(device->vault, QR_CONTEXT_BATCH_SIGN,
        &(struct quire_bytes){signed_hash, sizeof signed_hash}, 1,
        out_batch->data + out_batch->size - QR_SIGNATURE_SIZE);
    qr_batch_hash(signed_hash, out_batch->data + out_batch->size - QR_SIGNATURE_SIZE, device->head);
    device->seq++;
out:
    quire_buffer_finish(&ciphertext);
    return status;
}
