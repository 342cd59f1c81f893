/*
 * How a device comes to be: with a new account, by an old device's code, by the recovery kit, or out
 * of its records.
 */
#include "sync/device/actions.h"
#include "sync/device/load.h"
#include "sync/device/records.h"
#include "sync/device/roster_sign.h"
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

static enum quire_status make(
    const struct quire_device_options *options, struct quire_device **out_device)
{
    struct quire_device *device = malloc(sizeof *device);
    enum quire_status status = device == NULL ? QUIRE_ENOMEM
        : qr_crypto_init()                    ? QUIRE_OK
                                              : QUIRE_ECRYPTO;
    if (status != QUIRE_OK) {
        free(device);
        return status;
    }
    memset(device, 0, offsetof(struct quire_device, space));
    device->reader = options->reader;
    device->fold = options->fold;
    device->step.wall_ms = options->wall_ms;
    device->link.resub_delay_ms = DEVICE_RESUB_FIRST_MS;
    device->format = QR_BATCH_VERSION;
    device->receive.credit = QR_CREDIT_INITIAL;
    memcpy(device->profile_key, options->profile_key, sizeof device->profile_key);
    qr_local_key(options->profile_key, device->local_key);
    memcpy(device->step.entropy, options->entropy, sizeof device->step.entropy);
    uint8_t replica[QR_ENTROPY_SIZE];
    device_random(device, replica);
    memcpy(device->replica.id, replica, QR_REPLICA_SIZE);
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
        status = quire_buffer_append(&device->enrolment.name, name.data, name.size);
    }
    if (status != QUIRE_OK) {
        quire_device_destroy(device);
        return status;
    }
    *out_device = device;
    return QUIRE_OK;
}

/* The first record: a function of the kit alone, so that the kit alone finds its account again. */
static enum quire_status append_genesis(
    struct quire_device *device, const struct qr_kit *kit, struct qr_roster *roster)
{
    uint8_t salt[QR_KIT_SALT_SIZE];
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE];
    struct qr_record record = {.kind = QR_RECORD_GENESIS};
    qr_kit_public(kit, root, recovery);
    qr_kit_salt(kit, salt);
    record.genesis.root = root;
    record.genesis.recovery = recovery;
    record.genesis.salt = salt;
    enum quire_status status = device_sign_record(device, roster, kit, &record);
    if (status == QUIRE_OK) {
        qr_vault_set_user(device->vault, roster->user);
        memcpy(device->user, roster->user, QR_USER_SIZE);
    }
    return status;
}

static enum quire_status make_account(
    struct quire_device *device, char out_kit[QUIRE_KIT_TEXT_SIZE])
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
        status = device_sign_epoch(device, &device->roster, kit);
    }
    if (status == QUIRE_OK) {
        status = device_sign_add(device, &device->roster, kit, self.sign_public, self.box_public,
            quire_buffer_bytes(&device->enrolment.name));
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
        device->enrolment.role = ROLE_MEMBER;
        device_write_all(device);
        status = device->step.failure;
    }
    if (status == QUIRE_OK) {
        status = device_end_step(device, out_actions);
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
    device->enrolment.role = ROLE_JOINING;
    status = qr_pair_parse(code, entropy, &device->pairing.secret);
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
    device->enrolment.role = ROLE_RECOVERING;
    device->recovery.revoke_others = options->revoke_others;
    status = qr_kit_parse(kit, &device->enrolment.kit);
    if (status == QUIRE_OK) {
        /* Only for the user it names; the server's roster is the one that counts. */
        struct qr_roster genesis = {0};
        status = append_genesis(device, device->enrolment.kit, &genesis);
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
    if (listed == NULL
        || qr_record_read(qr_roster_record(&device->roster, listed->added_seq), &record)
            != QUIRE_OK) {
        return QUIRE_ESTATE;
    }
    quire_buffer_clear(&device->enrolment.name);
    return qr_vault_open_name(
        device->vault, record.add.epoch, self, record.add.name, &device->enrolment.name);
}

enum quire_status quire_device_rejoin(
    struct quire_device *device, struct quire_bytes code, const uint8_t entropy[QUIRE_ENTROPY_SIZE])
{
    if (device->enrolment.role != ROLE_MEMBER || device->revoked || device->link.state != LINK_NONE
        || device->pairing.secret != NULL) {
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
    device->pairing.secret = pair;
    device->enrolment.rejoining = true;
    return QUIRE_OK;
}

enum quire_status quire_device_open(
    const struct quire_device_options *options, struct quire_device **out_device)
{
    struct quire_device *device = NULL;
    enum quire_status status = make(options, &device);
    if (status != QUIRE_OK) {
        return status;
    }
    status = device_load(device, options->replica_record);
    if (status == QUIRE_OK) {
        memcpy(device->user, device->roster.user, QR_USER_SIZE);
        device->revoked = !qr_roster_active(&device->roster, qr_vault_public(device->vault).device);
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
    device_cache_finish(&device->cache);
    device_output_finish(&device->out);
    quire_buffer_finish(&device->scratch);
    qr_vault_destroy(device->vault);
    qr_pair_destroy(device->pairing.secret);
    quire_buffer_finish(&device->pairing.request);
    qr_kit_destroy(device->enrolment.kit);
    device_recovery_clear(&device->recovery);
    quire_buffer_finish(&device->enrolment.name);
    quire_buffer_finish(&device->enrolment.heads);
    qr_roster_finish(&device->roster);
    qr_roster_finish(&device->append.roster);
    device_audit_finish(&device->audit);
    device_lost_ops_finish(&device->lost_ops);
    device_rebased_finish(&device->rebased);
    device_unread_finish(&device->unread);
    device_link_finish(&device->link);
    device_chains_finish(&device->chains);
    device_pending_finish(&device->pending);
    qr_wipe(device, offsetof(struct quire_device, space));
    free(device);
}
