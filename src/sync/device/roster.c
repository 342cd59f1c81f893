/*
 * The roster as a device follows and extends it: records checked and kept, epoch keys opened,
 * devices enrolled and revoked. An append is tried on a copy, sent with the head it stands on, and
 * taken over when the server says that it is the next.
 */
#include "sync/device/state.h"
#include <stdlib.h>

#define RETRY_APPEND_MS 300
#define RETRY_ALARM_MS 60000

/* ---- making records --------------------------------------------------------------------------- */

enum quire_status device_record_append(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit, struct qr_record *record)
{
    static const uint8_t root[QR_DEVICE_SIZE];
    uint8_t prev[QR_HASH_SIZE], hash[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct quire_buffer bytes = {0};
    memcpy(prev, qr_roster_head(roster), sizeof prev);
    record->seq = roster->count;
    record->prev = prev;
    record->signer = kit != NULL ? root : qr_vault_public(device->vault).device;
    enum quire_status status = qr_record_write(record, &bytes);
    if (status == QUIRE_OK) {
        qr_record_hash(quire_buffer_bytes(&bytes), hash);
        struct quire_bytes message = {hash, sizeof hash};
        if (kit != NULL) {
            qr_kit_sign(kit, QR_CONTEXT_ROSTER_SIGN, &message, 1, signature);
        } else {
            qr_vault_sign(device->vault, QR_CONTEXT_ROSTER_SIGN, &message, 1, signature);
        }
        status = quire_buffer_append(&bytes, signature, sizeof signature);
    }
    if (status == QUIRE_OK) {
        status = qr_roster_append(roster, quire_buffer_bytes(&bytes));
    }
    quire_buffer_finish(&bytes);
    return status;
}

enum quire_status device_append_add(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit, const uint8_t *sign_public, const uint8_t *box_public,
    struct quire_bytes name)
{
    uint8_t id[QR_DEVICE_SIZE], sealed_name[QR_NAME_SIZE], seal[QR_SEAL_SIZE];
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct qr_record record = {.kind = QR_RECORD_ADD};
    qr_device_id(id, sign_public, box_public);
    device_random(device, entropy);
    enum quire_status status =
        qr_vault_seal_name(device->vault, roster->epoch, id, name, entropy, sealed_name);
    device_random(device, entropy);
    if (status == QUIRE_OK) {
        status = qr_vault_seal_epoch(device->vault, roster->epoch, box_public, entropy, seal);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    record.add.sign_public = sign_public;
    record.add.box_public = box_public;
    record.add.epoch = roster->epoch;
    record.add.name = sealed_name;
    record.add.seal = seal;
    return device_record_append(device, roster, kit, &record);
}

/* The active devices in order of their ids. */
static size_t active_devices(const struct qr_roster *roster,
    const struct qr_roster_device *out_devices[QR_DEVICES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < roster->device_count && count < QR_DEVICES_MAX; i++) {
        const struct qr_roster_device *found = &roster->devices[i];
        if (found->revoked_seq != 0) {
            continue;
        }
        size_t place = count++;
        while (place > 0 &&
            memcmp(out_devices[place - 1]->device, found->device, QR_DEVICE_SIZE) > 0) {
            out_devices[place] = out_devices[place - 1];
            place--;
        }
        out_devices[place] = found;
    }
    return count;
}

enum quire_status device_append_epoch(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit)
{
    static const uint8_t recovery[QR_DEVICE_SIZE];
    const struct qr_roster_device *active[QR_DEVICES_MAX];
    size_t count = active_devices(roster, active);
    uint8_t seals[QR_DEVICES_MAX + 1][QR_SEAL_SIZE];
    uint8_t commitment[QR_HASH_SIZE], wrap[QR_WRAP_SIZE], entropy[QR_ENTROPY_SIZE];
    uint32_t epoch = roster->epoch + 1;
    struct qr_record record = {.kind = QR_RECORD_EPOCH};

    device_random(device, entropy);
    enum quire_status status = qr_vault_new_epoch(device->vault, epoch, entropy);
    if (status != QUIRE_OK) {
        return status;
    }
    status = qr_vault_commitment(device->vault, epoch, commitment);
    if (status == QUIRE_OK && epoch > 1) {
        device_random(device, entropy);
        status = qr_vault_wrap_previous(device->vault, epoch, entropy, wrap);
        record.epoch.wrap = wrap;
    }
    for (size_t i = 0; i <= count && status == QUIRE_OK; i++) {
        const uint8_t *box = i == 0 ? roster->recovery : active[i - 1]->box_public;
        device_random(device, entropy);
        status = qr_vault_seal_epoch(device->vault, epoch, box, entropy, seals[i]);
        record.epoch.seals[i].device = i == 0 ? recovery : active[i - 1]->device;
        record.epoch.seals[i].seal = seals[i];
    }
    if (status == QUIRE_OK) {
        record.epoch.epoch = epoch;
        record.epoch.commitment = commitment;
        record.epoch.seal_count = count + 1;
        status = device_record_append(device, roster, kit, &record);
    }
    if (status != QUIRE_OK) {
        qr_vault_forget_epoch(device->vault, epoch);
    }
    return status;
}

static int compare_pins(const void *a, const void *b)
{
    return memcmp(((const struct qr_dep *)a)->replica, ((const struct qr_dep *)b)->replica,
        QR_REPLICA_SIZE);
}

static enum quire_status append_revoke(struct quire_device *device, struct qr_roster *roster,
    const uint8_t *who)
{
    struct qr_record record = {.kind = QR_RECORD_REVOKE};
    record.revoke.device = who;
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        if (chain->head > 0 && memcmp(chain->device, who, QR_DEVICE_SIZE) == 0) {
            struct qr_dep *pin = &record.revoke.pins[record.revoke.pin_count++];
            memcpy(pin->replica, chain->replica, QR_REPLICA_SIZE);
            memcpy(pin->hash, chain->hash, QR_HASH_SIZE);
            pin->seq = chain->head;
        }
    }
    qsort(record.revoke.pins, record.revoke.pin_count, sizeof *record.revoke.pins, compare_pins);
    return device_record_append(device, roster, NULL, &record);
}

/* ---- keys ------------------------------------------------------------------------------------- */

static enum quire_status commitment_of(const struct quire_device *device, uint32_t epoch,
    uint8_t out_commitment[QR_HASH_SIZE])
{
    struct qr_record record;
    enum quire_status status = qr_roster_epoch_record(&device->roster, epoch, &record);
    if (status == QUIRE_OK) {
        memcpy(out_commitment, record.epoch.commitment, QR_HASH_SIZE);
    }
    return status;
}

/* The key of one epoch out of the seals of its record. */
static enum quire_status open_seals(struct quire_device *device, uint32_t epoch)
{
    struct qr_record record;
    enum quire_status status = qr_roster_epoch_record(&device->roster, epoch, &record);
    if (status != QUIRE_OK) {
        return status;
    }
    if (device->kit != NULL) {
        return qr_vault_recover_epoch(device->vault, device->kit, epoch,
            record.epoch.seals[0].seal, record.epoch.commitment);
    }
    const uint8_t *self = qr_vault_public(device->vault).device;
    for (size_t i = 1; i < record.epoch.seal_count; i++) {
        if (memcmp(record.epoch.seals[i].device, self, QR_DEVICE_SIZE) == 0) {
            return qr_vault_open_epoch(device->vault, epoch, record.epoch.seals[i].seal,
                record.epoch.commitment);
        }
    }
    return QUIRE_ENOTFOUND;
}

/* The key that came with this device's own enrolment. */
static enum quire_status open_enrolment(struct quire_device *device)
{
    const struct qr_roster_device *self =
        qr_roster_find(&device->roster, qr_vault_public(device->vault).device);
    struct qr_record record;
    uint8_t commitment[QR_HASH_SIZE];
    if (self == NULL) {
        return QUIRE_ENOTFOUND;
    }
    enum quire_status status =
        qr_record_read(qr_roster_record(&device->roster, self->added_seq), &record);
    if (status == QUIRE_OK) {
        status = commitment_of(device, record.add.epoch, commitment);
    }
    if (status == QUIRE_OK && !qr_vault_has_epoch(device->vault, record.add.epoch)) {
        status = qr_vault_open_epoch(device->vault, record.add.epoch, record.add.seal, commitment);
    }
    return status;
}

enum quire_status device_take_keys(struct quire_device *device)
{
    uint32_t epoch = device->roster.epoch;
    if (!qr_vault_has_epoch(device->vault, epoch)) {
        enum quire_status status = open_seals(device, epoch);
        if (status == QUIRE_ENOTFOUND) {
            status = open_enrolment(device);
        }
        if (status != QUIRE_OK) {
            return status;
        }
    }
    /* Each key wraps the one before it: all history with one key. */
    for (; epoch > 1; epoch--) {
        struct qr_record record;
        uint8_t commitment[QR_HASH_SIZE];
        if (qr_vault_has_epoch(device->vault, epoch - 1)) {
            continue;
        }
        enum quire_status status = qr_roster_epoch_record(&device->roster, epoch, &record);
        if (status == QUIRE_OK) {
            status = commitment_of(device, epoch - 1, commitment);
        }
        if (status == QUIRE_OK) {
            status = qr_vault_unwrap_previous(device->vault, epoch, record.epoch.wrap, commitment);
        }
        if (status != QUIRE_OK) {
            return status;
        }
    }
    return QUIRE_OK;
}

/* ---- records that come ------------------------------------------------------------------------ */

/* Does this revocation shut out something that is here? */
static bool shuts_out(const struct quire_device *device, const uint8_t *who)
{
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        if (memcmp(chain->device, who, QR_DEVICE_SIZE) == 0 &&
            !qr_roster_admits(&device->roster, who, chain->replica, chain->head, chain->hash)) {
            return true;
        }
    }
    return false;
}

/* A key that was made here for this epoch, for an append that somebody else was before. */
static void forget_own_key(struct quire_device *device, const struct qr_record *record)
{
    uint8_t held[QR_HASH_SIZE];
    if (qr_vault_commitment(device->vault, record->epoch.epoch, held) == QUIRE_OK &&
        memcmp(held, record->epoch.commitment, QR_HASH_SIZE) != 0) {
        qr_vault_forget_epoch(device->vault, record->epoch.epoch);
    }
}

/* What a new record means here and now. */
void device_take_record(struct quire_device *device, uint32_t seq)
{
    struct qr_record record;
    if (qr_record_read(qr_roster_record(&device->roster, seq), &record) != QUIRE_OK) {
        return; /* cannot be: it was read before */
    }
    if (device->role != ROLE_MEMBER) {
        return; /* kept and told as a whole once this device belongs */
    }
    const uint8_t *self = qr_vault_public(device->vault).device;
    device_put_record(device, seq);
    switch (record.kind) {
    case QR_RECORD_ADD: {
        uint8_t id[QR_DEVICE_SIZE];
        qr_device_id(id, record.add.sign_public, record.add.box_public);
        device_notice_device(device, QUIRE_NOTICE_DEVICE_ADDED, id);
        break;
    }
    case QR_RECORD_REVOKE:
        device->revoked |= memcmp(record.revoke.device, self, QR_DEVICE_SIZE) == 0;
        device->must_conform |= shuts_out(device, record.revoke.device);
        device_notice_device(device, QUIRE_NOTICE_DEVICE_REVOKED, record.revoke.device);
        break;
    case QR_RECORD_EPOCH:
        forget_own_key(device, &record);
        /* A revoked device gets no seal, and needs none. */
        if (!device->revoked && qr_roster_active(&device->roster, self)) {
            enum quire_status status = device_take_keys(device);
            if (status == QUIRE_ENOMEM) {
                device_ok(device, status);
            } else if (status != QUIRE_OK) {
                device_alarm(device, QUIRE_ALARM_ROSTER);
            }
            device_put_vault(device);
        }
        break;
    default:
        break;
    }
}

/* The first record makes the account: it must be the one that the code or the kit led to. */
static bool is_our_genesis(const struct quire_device *device, struct quire_bytes bytes)
{
    struct qr_record record;
    uint8_t user[QR_USER_SIZE];
    if (qr_record_read(bytes, &record) != QUIRE_OK) {
        return false;
    }
    qr_record_user(record.signed_bytes, user);
    return memcmp(user, device->pair_user, QR_USER_SIZE) == 0;
}

void device_on_roster_records(struct quire_device *device, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->roster_records.record_count; i++) {
        uint32_t seq = frame->roster_records.first_seq + (uint32_t)i;
        struct quire_bytes bytes = frame->roster_records.records[i];
        if (seq < device->roster.count) {
            if (!quire_bytes_equal(bytes, qr_roster_record(&device->roster, seq))) {
                device_contradicted(device);
                return;
            }
            continue;
        }
        bool fits = seq == device->roster.count && (seq > 0 || is_our_genesis(device, bytes));
        enum quire_status status =
            fits ? qr_roster_append(&device->roster, bytes) : QUIRE_ECONFLICT;
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
            return;
        }
        if (status != QUIRE_OK) {
            device_contradicted(device);
            return;
        }
        device_take_record(device, seq);
    }
    device_conform(device);
}

void device_joined(struct quire_device *device)
{
    const struct qr_roster *roster = &device->roster;
    bool holds = roster->count >= device->pair_roster_count && device->pair_roster_count > 0 &&
        memcmp(roster->entries[device->pair_roster_count - 1].hash, device->pair_roster_head,
            QR_HASH_SIZE) == 0 &&
        qr_roster_active(roster, qr_vault_public(device->vault).device);
    enum quire_status status = holds ? device_take_keys(device) : QUIRE_ECRYPTO;
    if (status != QUIRE_OK) {
        device_notice(device, QUIRE_NOTICE_PAIR_FAILED, status);
        device_close(device, RETRY_ALARM_MS);
        return;
    }
    device->role = ROLE_MEMBER;
    qr_pair_destroy(device->pair); /* a secret is for one pairing */
    device->pair = NULL;
    device_put_all(device);
    device_notice(device, QUIRE_NOTICE_JOINED, 0);
}

/* ---- appending -------------------------------------------------------------------------------- */

static bool revokes(const struct quire_device *device)
{
    return device->append == APPEND_REVOKE || device->append == APPEND_REVOKE_AGAIN;
}

static bool again(const struct quire_device *device)
{
    return device->append == APPEND_ADD_AGAIN || device->append == APPEND_REVOKE_AGAIN;
}

void device_append_failed(struct quire_device *device, enum quire_status status)
{
    bool revoking = revokes(device), redoing = again(device);
    device->append = APPEND_NONE;
    device->append_sent = false;
    device->append_at_ms = 0;
    device->deadline_ms = 0;
    qr_roster_finish(&device->append_roster);
    if (redoing) {
        device_redo_failed(device);
        return;
    }
    device_notice(device, revoking ? QUIRE_NOTICE_REVOKE_FAILED : QUIRE_NOTICE_PAIR_FAILED, status);
}

/* What the append in hand wants is so already, perhaps by our own hand before a connection broke. */
static bool already_so(const struct quire_device *device)
{
    const struct qr_roster_device *found = qr_roster_find(&device->roster, device->append_device);
    return revokes(device) ? found != NULL && found->revoked_seq != 0
        : again(device)    ? found != NULL
                           : found != NULL && found->revoked_seq == 0;
}

static void append_done(struct quire_device *device)
{
    int what = device->append;
    device->append = APPEND_NONE;
    device->append_sent = false;
    device->append_at_ms = 0;
    device->deadline_ms = 0;
    device->append_epoch = 0;
    qr_roster_finish(&device->append_roster);
    if (what == APPEND_REVOKE_AGAIN || what == APPEND_ADD_AGAIN) {
        device_redo_done(device);
    } else if (what == APPEND_PAIR) {
        device_pair_reply(device);
    } else if (what == APPEND_RECOVER) {
        /* The roster may have gone on, to an epoch whose key nobody has taken yet. */
        enum quire_status status = device_take_keys(device);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
        } else if (status != QUIRE_OK) {
            device_alarm(device, QUIRE_ALARM_ROSTER);
        }
        qr_kit_destroy(device->kit);
        device->kit = NULL;
        device->role = ROLE_MEMBER;
        device_put_all(device);
        device_notice(device, QUIRE_NOTICE_JOINED, 0);
        device_close(device, 0); /* the next connection is the device's own */
    }
}

static enum quire_status make_records(struct quire_device *device, struct qr_roster *roster)
{
    struct qr_vault_public self = qr_vault_public(device->vault);
    if (device->append == APPEND_RECOVER) {
        return device_append_add(device, roster, device->kit, self.sign_public, self.box_public,
            quire_buffer_bytes(&device->name));
    }
    if (device->append == APPEND_PAIR) {
        struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&device->pair_request));
        struct quire_bytes sign_public = qr_read_bytes(&reader, QR_KEY_SIZE);
        struct quire_bytes box_public = qr_read_bytes(&reader, QR_KEY_SIZE);
        struct quire_bytes name = qr_read_bytes(&reader, qr_reader_left(&reader));
        return device_append_add(device, roster, NULL, sign_public.data, box_public.data, name);
    }
    if (device->append == APPEND_ADD_AGAIN) {
        return device_redo_append(device, roster);
    }
    enum quire_status status = append_revoke(device, roster, device->append_device);
    if (status == QUIRE_OK) {
        device->append_epoch = roster->epoch + 1;
        status = QR_FAILPOINT_ON(NO_NEW_EPOCH) ? QUIRE_OK : device_append_epoch(device, roster, NULL);
    }
    return status;
}

static bool append_ready(const struct quire_device *device)
{
    return device->append == APPEND_RECOVER ? device->link == LINK_ROSTER
        : revokes(device) ? device->link == LINK_READY && device->caught_up
                          : device->link == LINK_READY;
}

uint64_t device_append_due_ms(const struct quire_device *device)
{
    bool waits = device->append != APPEND_NONE && !device->append_sent && append_ready(device) &&
        device->append_at_ms > device->now_ms;
    bool redoes = device->append == APPEND_NONE && device->redo_count > 0 &&
        device->link == LINK_READY && device->caught_up && device->redo_at_ms > device->now_ms;
    return waits ? device->append_at_ms : redoes ? device->redo_at_ms : UINT64_MAX;
}

void device_append_try(struct quire_device *device)
{
    device_redo_next(device);
    if (device->append == APPEND_NONE || device->append_sent || !append_ready(device) ||
        device->now_ms < device->append_at_ms) {
        return;
    }
    if (already_so(device)) {
        append_done(device);
        return;
    }
    if (device->append_tries++ >= DEVICE_PAIR_TRIES) {
        device_append_failed(device, QUIRE_ECONFLICT);
        return;
    }
    struct qr_roster *tried = &device->append_roster;
    qr_roster_finish(tried);
    enum quire_status status = qr_roster_copy(&device->roster, tried);
    if (status == QUIRE_OK) {
        status = make_records(device, tried);
    }
    if (status != QUIRE_OK) {
        device_append_failed(device, status);
        return;
    }
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_APPEND};
    struct quire_bytes records[QR_APPEND_MAX];
    for (uint32_t seq = device->roster.count; seq < tried->count; seq++) {
        records[frame.roster_append.record_count++] = qr_roster_record(tried, seq);
    }
    frame.roster_append.prev_head = qr_roster_head(&device->roster);
    frame.roster_append.records = records;
    device->append_sent = true;
    device->deadline_ms = device->now_ms + DEVICE_ANSWER_MS;
    device_send(device, &frame);
}

void device_on_roster_done(struct quire_device *device, const struct qr_frame *frame)
{
    const struct qr_roster *tried = &device->append_roster;
    if (!device->append_sent || tried->count <= device->roster.count ||
        frame->roster_done.roster_count != tried->count ||
        memcmp(frame->roster_done.roster_head, qr_roster_head(tried), QR_HASH_SIZE) != 0) {
        return; /* the roster went on meanwhile; already_so finds out */
    }
    for (uint32_t seq = device->roster.count; seq < tried->count; seq++) {
        if (!device_ok(device, qr_roster_append(&device->roster, qr_roster_record(tried, seq)))) {
            return;
        }
        device_take_record(device, seq);
    }
    append_done(device);
    device_conform(device); /* what came since the append was sent */
}

void device_append_refused(struct quire_device *device, uint32_t code)
{
    if (device->append == APPEND_NONE || !device->append_sent) {
        return;
    }
    if (device->append_epoch > 0 && device->append_epoch > device->roster.epoch) {
        qr_vault_forget_epoch(device->vault, device->append_epoch);
    }
    device->append_epoch = 0;
    device->append_sent = false;
    device->append_at_ms = device->now_ms + RETRY_APPEND_MS;
    device->deadline_ms = 0;
    qr_roster_finish(&device->append_roster);
    if (code == 0 || code == QR_ERROR_OVERLOADED) {
        return; /* the connection broke, or the disk did: again later */
    }
    if (code != QR_ERROR_STALE_ROSTER) {
        device_append_failed(device, code == QR_ERROR_RATE ? QUIRE_ELIMIT : QUIRE_EINVALID);
    } else if (revokes(device)) {
        device_resubscribe_later(device); /* its chains may have grown */
    }
}

void device_revoke(struct quire_device *device, const uint8_t *who)
{
    if (device->append != APPEND_NONE || device->link != LINK_READY) {
        device_ok(device, QUIRE_ESTATE);
        return;
    }
    if (!qr_roster_active(&device->roster, who) ||
        memcmp(who, qr_vault_public(device->vault).device, QR_DEVICE_SIZE) == 0) {
        device_notice(device, QUIRE_NOTICE_REVOKE_FAILED, QUIRE_ENOTFOUND);
        return;
    }
    device->append = APPEND_REVOKE;
    device->append_tries = 0;
    memcpy(device->append_device, who, QR_DEVICE_SIZE);
}
