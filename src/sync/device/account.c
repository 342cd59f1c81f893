/*
 * How a device comes to be: with a new account, by an old device's code, by the recovery kit, or out
 * of its records.
 */
#include "sync/device/state.h"
#include <stdlib.h>

static enum quire_status check_name(struct quire_bytes name)
{
    if (name.size == 0) {
        return QUIRE_EINVALID;
    }
    if (name.size > QUIRE_NAME_MAX) {
        return QUIRE_ELIMIT;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return QUIRE_EINVALID;
        }
    }
    return QUIRE_OK;
}

static enum quire_status make(const struct quire_device_options *options,
    struct quire_device **out_device)
{
    struct quire_device *device = malloc(sizeof *device);
    struct device_worded *worded = calloc(1, sizeof *worded);
    enum quire_status status = device == NULL || worded == NULL ? QUIRE_ENOMEM
        : qr_crypto_init()                                       ? QUIRE_OK
                                                                 : QUIRE_ECRYPTO;
    if (status != QUIRE_OK) {
        free(device);
        free(worded);
        return status;
    }
    memset(device, 0, offsetof(struct quire_device, inflight));
    device->worded = worded;
    device->reader = options->reader;
    device->wall_ms = options->wall_ms;
    device->resub_delay_ms = DEVICE_RESUB_FIRST_MS;
    device->format = QR_BATCH_VERSION;
    device->credit = QR_CREDIT_INITIAL;
    memcpy(device->profile_key, options->profile_key, sizeof device->profile_key);
    qr_local_key(options->profile_key, device->local_key);
    memcpy(device->entropy, options->entropy, sizeof device->entropy);
    uint8_t replica[QR_ENTROPY_SIZE];
    device_random(device, replica);
    memcpy(device->replica, replica, QR_REPLICA_SIZE);
    *out_device = device;
    return QUIRE_OK;
}

/* A device with new keys, where no profile is yet. */
static enum quire_status make_new(const struct quire_device_options *options,
    struct quire_bytes name, struct quire_device **out_device)
{
    struct quire_device *device = NULL;
    enum quire_status status = check_name(name);
    if (status == QUIRE_OK) {
        status = make(options, &device);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct quire_buffer there = {0};
    struct device_key key = device_key('v', NULL, 0);
    status = device->reader.get(device->reader.context, device_key_bytes(&key), &there);
    quire_buffer_finish(&there);
    status = status == QUIRE_OK ? QUIRE_ECONFLICT : status == QUIRE_ENOTFOUND ? QUIRE_OK : status;
    if (status == QUIRE_OK) {
        uint8_t entropy[QR_ENTROPY_SIZE];
        device_random(device, entropy);
        status = qr_vault_create(entropy, &device->vault);
        qr_wipe(entropy, sizeof entropy);
    }
    if (status == QUIRE_OK) {
        status = quire_buffer_append(&device->name, name.data, name.size);
    }
    if (status != QUIRE_OK) {
        quire_device_destroy(device);
        return status;
    }
    *out_device = device;
    return QUIRE_OK;
}

/* The first record: a function of the kit alone, so that the kit alone finds its account again. */
static enum quire_status append_genesis(struct quire_device *device, const struct qr_kit *kit,
    struct qr_roster *roster)
{
    uint8_t salt[QR_KIT_SALT_SIZE];
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE];
    struct qr_record record = {.kind = QR_RECORD_GENESIS};
    qr_kit_public(kit, root, recovery);
    qr_kit_salt(kit, salt);
    record.genesis.root = root;
    record.genesis.recovery = recovery;
    record.genesis.salt = salt;
    enum quire_status status = device_record_append(device, roster, kit, &record);
    if (status == QUIRE_OK) {
        qr_vault_set_user(device->vault, roster->user);
        memcpy(device->pair_user, roster->user, QR_USER_SIZE);
    }
    return status;
}

static enum quire_status make_account(struct quire_device *device,
    char out_kit[QUIRE_KIT_TEXT_SIZE])
{
    uint8_t seed[QR_ENTROPY_SIZE];
    struct qr_kit *kit = NULL;
    struct qr_vault_public self = qr_vault_public(device->vault);
    device_random(device, seed);
    enum quire_status status = qr_kit_create(seed, &kit);
    qr_wipe(seed, sizeof seed);
    if (status == QUIRE_OK) {
        status = append_genesis(device, kit, &device->roster);
    }
    if (status == QUIRE_OK) {
        status = device_append_epoch(device, &device->roster, kit);
    }
    if (status == QUIRE_OK) {
        status = device_append_add(device, &device->roster, kit, self.sign_public, self.box_public,
            quire_buffer_bytes(&device->name));
    }
    if (status == QUIRE_OK) {
        _Static_assert(QUIRE_KIT_TEXT_SIZE == QR_KIT_TEXT_SIZE, "the kit's text fits");
        qr_kit_text(kit, out_kit);
    }
    qr_kit_destroy(kit);
    return status;
}

enum quire_status quire_device_init(const struct quire_device_options *options,
    struct quire_bytes name, char out_kit[QUIRE_KIT_TEXT_SIZE], struct quire_device **out_device,
    struct quire_actions *out_actions)
{
    struct quire_device *device = NULL;
    char kit[QUIRE_KIT_TEXT_SIZE];
    enum quire_status status = make_new(options, name, &device);
    if (status != QUIRE_OK) {
        return status;
    }
    status = make_account(device, kit);
    if (status == QUIRE_OK) {
        device->role = ROLE_MEMBER;
        device_put_all(device);
        status = device->failure;
    }
    if (status == QUIRE_OK) {
        status = device_out_end(device, out_actions);
    }
    if (status == QUIRE_OK) {
        memcpy(out_kit, kit, sizeof kit);
        *out_device = device;
    } else {
        quire_device_destroy(device);
    }
    qr_wipe(kit, sizeof kit);
    return status;
}

enum quire_status quire_device_join(const struct quire_device_options *options,
    struct quire_bytes name, struct quire_bytes code, struct quire_device **out_device)
{
    struct quire_device *device = NULL;
    enum quire_status status = make_new(options, name, &device);
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t entropy[QR_ENTROPY_SIZE];
    device_random(device, entropy);
    device->role = ROLE_JOINING;
    status = qr_pair_parse(code, entropy, &device->pair);
    qr_wipe(entropy, sizeof entropy);
    if (status == QUIRE_OK) {
        *out_device = device;
    } else {
        quire_device_destroy(device);
    }
    return status;
}

enum quire_status quire_device_recover(const struct quire_device_options *options,
    struct quire_bytes name, struct quire_bytes kit, struct quire_device **out_device)
{
    struct quire_device *device = NULL;
    enum quire_status status = make_new(options, name, &device);
    if (status != QUIRE_OK) {
        return status;
    }
    device->role = ROLE_RECOVERING;
    memcpy(device->append_device, qr_vault_public(device->vault).device, QR_DEVICE_SIZE);
    status = qr_kit_parse(kit, &device->kit);
    if (status == QUIRE_OK) {
        /* Only for the user it names; the server's roster is the one that counts. */
        struct qr_roster genesis = {0};
        status = append_genesis(device, device->kit, &genesis);
        qr_roster_finish(&genesis);
    }
    if (status == QUIRE_OK) {
        *out_device = device;
    } else {
        quire_device_destroy(device);
    }
    return status;
}

/* The name it was enrolled with. */
static enum quire_status own_name(struct quire_device *device)
{
    const uint8_t *self = qr_vault_public(device->vault).device;
    const struct qr_roster_device *listed = qr_roster_find(&device->roster, self);
    struct qr_record record;
    if (listed == NULL ||
        qr_record_read(qr_roster_record(&device->roster, listed->added_seq), &record) != QUIRE_OK) {
        return QUIRE_ESTATE;
    }
    quire_buffer_clear(&device->name);
    return qr_vault_open_name(device->vault, record.add.epoch, self, record.add.name, &device->name);
}

enum quire_status quire_device_rejoin(struct quire_device *device, struct quire_bytes code,
    const uint8_t entropy[QUIRE_ENTROPY_SIZE])
{
    if (device->role != ROLE_MEMBER || device->revoked || device->link != LINK_NONE ||
        device->pair != NULL) {
        return QUIRE_ESTATE;
    }
    struct qr_pair *pair = NULL;
    enum quire_status status = qr_pair_parse(code, entropy, &pair);
    if (status == QUIRE_OK) {
        status = own_name(device);
    }
    if (status != QUIRE_OK) {
        qr_pair_destroy(pair);
        return status;
    }
    device->pair = pair;
    device->rejoining = true;
    return QUIRE_OK;
}

enum quire_status quire_device_open(const struct quire_device_options *options,
    struct quire_device **out_device)
{
    struct quire_device *device = NULL;
    enum quire_status status = make(options, &device);
    if (status != QUIRE_OK) {
        return status;
    }
    status = device_load(device, options->replica_record);
    if (status == QUIRE_OK) {
        memcpy(device->pair_user, device->roster.user, QR_USER_SIZE);
        device->revoked =
            !qr_roster_active(&device->roster, qr_vault_public(device->vault).device);
        *out_device = device;
    } else {
        quire_device_destroy(device);
    }
    return status;
}

void quire_device_destroy(struct quire_device *device)
{
    if (device == NULL) {
        return;
    }
    device_entries_finish(device);
    device_out_finish(&device->out);
    quire_buffer_finish(&device->sealed);
    qr_vault_destroy(device->vault);
    qr_pair_destroy(device->pair);
    qr_kit_destroy(device->kit);
    qr_roster_finish(&device->roster);
    qr_roster_finish(&device->append_roster);
    qr_roster_finish(&device->line);
    free(device->redos);
    free(device->carried);
    free(device->unread);
    quire_buffer_finish(&device->host);
    quire_buffer_finish(&device->hello);
    quire_buffer_finish(&device->name);
    quire_buffer_finish(&device->pair_request);
    quire_buffer_finish(&device->pair_heads);
    for (size_t i = 0; i < device->chain_count; i++) {
        device_forget_sights(&device->chains[i]);
    }
    free(device->chains);
    free(device->pending);
    free(device->worded);
    qr_wipe(device, offsetof(struct quire_device, inflight));
    free(device);
}
