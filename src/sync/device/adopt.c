/*
 * The server's roster is the one that counts. A server that forgot records and took others in their
 * place has a roster that contradicts ours: then this device reads the whole of it, goes over to it,
 * and makes again what was forgotten: whom ours revokes is revoked there, whom ours enrolled is
 * enrolled. Nothing is sealed before that is done. docs/decisions/0012 says why it is this way round.
 */
#include "sync/device/state.h"
#include <stdlib.h>

#define RETRY_ALARM_MS 60000
#define RETRY_AT_ONCE_MS 100

/* ---- what the server forgot ------------------------------------------------------------------- */

static struct device_redo *find_redo(struct quire_device *device, const uint8_t *who)
{
    for (size_t i = 0; i < device->redo_count; i++) {
        if (memcmp(device->redos[i].device, who, QR_DEVICE_SIZE) == 0) {
            return &device->redos[i];
        }
    }
    return NULL;
}

/* NULL: no memory, or too many. */
static struct device_redo *get_redo(struct quire_device *device, const uint8_t *who)
{
    struct device_redo *redo = find_redo(device, who);
    if (redo != NULL || device->redo_count >= DEVICE_REDO_MAX) {
        return redo;
    }
    struct device_redo *redos =
        realloc(device->redos, (device->redo_count + 1) * sizeof *redos);
    if (redos == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return NULL;
    }
    device->redos = redos;
    redo = &redos[device->redo_count++];
    *redo = (struct device_redo){0};
    memcpy(redo->device, who, QR_DEVICE_SIZE);
    return redo;
}

static void put_redo(struct quire_device *device, const struct device_redo *redo)
{
    struct quire_buffer value = {0};
    struct qr_writer writer = qr_writer_onto(&value);
    qr_write_u8(&writer, redo->revoke);
    qr_write_bytes(&writer, redo->sign_public, QR_KEY_SIZE);
    qr_write_bytes(&writer, redo->box_public, QR_KEY_SIZE);
    qr_write_bytes(&writer, redo->name, redo->name_size);
    if (device_ok(device, qr_writer_end(&writer))) {
        struct device_key key = device_key('g', redo->device, QR_DEVICE_SIZE);
        device_put_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&value);
}

enum quire_status device_redo_load(struct quire_device *device, const uint8_t id[QR_DEVICE_SIZE],
    struct quire_bytes value)
{
    struct qr_reader reader = qr_reader_over(value);
    struct device_redo *redo = get_redo(device, id);
    if (redo == NULL) {
        return QUIRE_ENOMEM;
    }
    redo->revoke = qr_read_u8(&reader) != 0;
    qr_read_copy(&reader, redo->sign_public, QR_KEY_SIZE);
    qr_read_copy(&reader, redo->box_public, QR_KEY_SIZE);
    struct quire_bytes name = qr_read_bytes(&reader, qr_reader_left(&reader));
    if (!qr_reader_done(&reader) || name.size > QUIRE_NAME_MAX) {
        return QUIRE_ECORRUPT;
    }
    redo->name_size = (uint8_t)name.size;
    if (name.size > 0) {
        memcpy(redo->name, name.data, name.size);
    }
    return QUIRE_OK;
}

static void erase_redo(struct quire_device *device, struct device_redo *redo)
{
    struct device_key key = device_key('g', redo->device, QR_DEVICE_SIZE);
    device_erase(device, device_key_bytes(&key));
    *redo = device->redos[--device->redo_count];
}

static bool is_revoked(struct quire_device *device, const uint8_t *who)
{
    const struct qr_roster_device *found = qr_roster_find(&device->roster, who);
    const struct device_redo *redo = find_redo(device, who);
    return (found != NULL && found->revoked_seq != 0) || (redo != NULL && redo->revoke);
}

static void note_revoked(struct quire_device *device, const uint8_t *who)
{
    if (qr_roster_active(&device->line, who) &&
        memcmp(who, qr_vault_public(device->vault).device, QR_DEVICE_SIZE) != 0) {
        struct device_redo *redo = get_redo(device, who);
        if (redo != NULL) {
            redo->revoke = true;
            put_redo(device, redo);
        }
    }
}

/* Whoever enrolled it must not have been shut out on the other side meanwhile. */
static bool vouched_for(struct quire_device *device, const uint8_t *signer)
{
    const struct device_redo *redo = find_redo(device, signer);
    return qr_is_zero(signer, QR_DEVICE_SIZE) ||
        (redo != NULL ? !redo->revoke : qr_roster_active(&device->line, signer));
}

static void note_added(struct quire_device *device, const struct qr_record *record)
{
    uint8_t who[QR_DEVICE_SIZE];
    struct quire_buffer name = {0};
    qr_device_id(who, record->add.sign_public, record->add.box_public);
    if (qr_roster_find(&device->line, who) != NULL || !qr_roster_active(&device->roster, who) ||
        is_revoked(device, who) || !vouched_for(device, record->signer)) {
        return;
    }
    struct device_redo *redo = get_redo(device, who);
    enum quire_status status = qr_vault_open_name(device->vault, record->add.epoch, who,
        record->add.name, &name);
    if (redo != NULL && status == QUIRE_OK && name.size <= QUIRE_NAME_MAX) {
        memcpy(redo->sign_public, record->add.sign_public, QR_KEY_SIZE);
        memcpy(redo->box_public, record->add.box_public, QR_KEY_SIZE);
        memcpy(redo->name, name.data, name.size);
        redo->name_size = (uint8_t)name.size;
        put_redo(device, redo);
    } else if (redo != NULL) {
        erase_redo(device, redo); /* nobody could tell who that is */
    }
    quire_buffer_finish(&name);
}

/* What ours says from `fork` on and the line does not. A device that ours revokes may have enrolled
 * others on the line: they go with it. */
static void note_redos(struct quire_device *device, uint32_t fork)
{
    struct qr_record *record = malloc(sizeof *record);
    if (record == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    const struct qr_roster *ours = &device->roster, *line = &device->line;
    for (uint32_t seq = fork; seq < ours->count; seq++) {
        if (qr_record_read(qr_roster_record(ours, seq), record) == QUIRE_OK &&
            record->kind == QR_RECORD_REVOKE) {
            note_revoked(device, record->revoke.device);
        }
    }
    for (uint32_t seq = fork; seq < line->count; seq++) {
        if (qr_record_read(qr_roster_record(line, seq), record) == QUIRE_OK &&
            record->kind == QR_RECORD_ADD && !qr_is_zero(record->signer, QR_DEVICE_SIZE) &&
            is_revoked(device, record->signer)) {
            uint8_t who[QR_DEVICE_SIZE];
            qr_device_id(who, record->add.sign_public, record->add.box_public);
            note_revoked(device, who);
        }
    }
    for (uint32_t seq = fork; seq < ours->count; seq++) {
        if (qr_record_read(qr_roster_record(ours, seq), record) == QUIRE_OK &&
            record->kind == QR_RECORD_ADD) {
            note_added(device, record);
        }
    }
    free(record);
}

/* ---- making it again -------------------------------------------------------------------------- */

void device_redo_next(struct quire_device *device)
{
    if (device->append != APPEND_NONE || device->link != LINK_READY || !device->caught_up ||
        device->now_ms < device->redo_at_ms) {
        return;
    }
    while (device->redo_count > 0) {
        struct device_redo *redo = &device->redos[0];
        const struct qr_roster_device *found = qr_roster_find(&device->roster, redo->device);
        bool wanted = redo->revoke ? found != NULL && found->revoked_seq == 0 : found == NULL;
        if (wanted) {
            device->append = redo->revoke ? APPEND_REVOKE_AGAIN : APPEND_ADD_AGAIN;
            device->append_tries = 0;
            device->append_at_ms = 0;
            memcpy(device->append_device, redo->device, QR_DEVICE_SIZE);
            return;
        }
        erase_redo(device, redo); /* somebody else was first */
    }
}

enum quire_status device_redo_append(struct quire_device *device, struct qr_roster *roster)
{
    const struct device_redo *redo = find_redo(device, device->append_device);
    if (redo == NULL) {
        return QUIRE_ENOTFOUND;
    }
    return device_append_add(device, roster, NULL, redo->sign_public, redo->box_public,
        (struct quire_bytes){redo->name, redo->name_size});
}

void device_redo_done(struct quire_device *device)
{
    struct device_redo *redo = find_redo(device, device->append_device);
    if (redo != NULL) {
        erase_redo(device, redo);
    }
}

void device_redo_failed(struct quire_device *device)
{
    struct device_redo *redo = find_redo(device, device->append_device);
    device->redo_at_ms = device->now_ms + DEVICE_REDO_RETRY_MS;
    if (redo != NULL && !redo->revoke && ++redo->failures == DEVICE_PAIR_TRIES) {
        erase_redo(device, redo); /* there is no place for it: a person must pair it anew */
    }
}

/* ---- going over ------------------------------------------------------------------------------- */

static void forget_epochs(struct quire_device *device, uint32_t after)
{
    for (uint32_t epoch = qr_vault_epoch(device->vault); epoch > after; epoch--) {
        qr_vault_forget_epoch(device->vault, epoch);
    }
}

static void go_over(struct quire_device *device, uint32_t fork)
{
    const uint8_t *self = qr_vault_public(device->vault).device;
    note_redos(device, fork);
    (void)device_drop(device, &device->line, fork);
    if (device->failure != QUIRE_OK) {
        return;
    }
    struct qr_roster old = device->roster;
    forget_epochs(device, old.entries[fork - 1].epoch);
    device->roster = device->line;
    device->line = (struct qr_roster){0};
    for (uint32_t seq = fork; seq < device->roster.count; seq++) {
        device_take_record(device, seq);
    }
    for (uint32_t seq = device->roster.count; seq < old.count; seq++) {
        struct device_key key = device_key_number('r', NULL, 0, seq, 4);
        device_erase(device, device_key_bytes(&key));
    }
    qr_roster_finish(&old);
    device->must_conform = false;
    device->revoked = !qr_roster_active(&device->roster, self);
    if (!device->revoked) {
        enum quire_status status = device_take_keys(device);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
        }
    }
    device_put_vault(device);
    device_put_state(device);
}

void device_conform(struct quire_device *device)
{
    if (device->must_conform && device->role == ROLE_MEMBER && device->failure == QUIRE_OK) {
        device->must_conform = false;
        if (device_drop(device, &device->roster, UINT32_MAX)) {
            device_close(device, RETRY_AT_ONCE_MS); /* what is here is another thing now */
        }
    }
}

/* ---- looking ---------------------------------------------------------------------------------- */

/* Not enrolled yet: nothing of ours is worth keeping. */
static void forget_roster(struct quire_device *device)
{
    forget_epochs(device, 0);
    qr_roster_finish(&device->roster);
}

static void look_again(struct quire_device *device)
{
    uint64_t delay = device->look_delay_ms < DEVICE_LOOK_FIRST_MS ? DEVICE_LOOK_FIRST_MS
                                                                  : device->look_delay_ms;
    device->look_delay_ms = 2 * delay < DEVICE_LOOK_LAST_MS ? 2 * delay : DEVICE_LOOK_LAST_MS;
    device->looking = device->role == ROLE_MEMBER && !device->revoked;
    device_close(device, device->revoked ? RETRY_ALARM_MS : (uint32_t)delay);
}

void device_contradicted(struct quire_device *device)
{
    device_alarm(device, QUIRE_ALARM_ROSTER);
    if (device->role != ROLE_MEMBER) {
        forget_roster(device);
    }
    look_again(device);
}

void device_offer_refused(struct quire_device *device)
{
    struct qr_record *record = malloc(sizeof *record);
    if (record == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    /* Up to the first revocation that it lacks, it may have ours: it must know this device. */
    uint32_t seq = device->expected_roster;
    while (seq < device->roster.count &&
        (qr_record_read(qr_roster_record(&device->roster, seq), record) != QUIRE_OK ||
            record->kind != QR_RECORD_REVOKE)) {
        seq++;
    }
    free(record);
    device_alarm(device, QUIRE_ALARM_ROSTER);
    device->offer_refused = true;
    device->offer_end = seq;
    look_again(device);
}

void device_look_begin(struct quire_device *device, const struct qr_frame *welcome)
{
    qr_roster_finish(&device->line);
    device->expected_roster = welcome->welcome.roster_count;
    memcpy(device->line_head, welcome->welcome.roster_head, QR_HASH_SIZE);
    device->link = LINK_ROSTER;
    device->deadline_ms = device->now_ms + DEVICE_ANSWER_MS;
    device_ok(device, qr_roster_append(&device->line, qr_roster_record(&device->roster, 0)));
}

/* Who shut us out must not be somebody of whom we know that he was shut out himself. */
static bool shut_out_by_the_revoked(struct quire_device *device)
{
    const struct qr_roster_device *self =
        qr_roster_find(&device->line, qr_vault_public(device->vault).device);
    struct qr_record *record = malloc(sizeof *record);
    bool is = false;
    if (record == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return true;
    }
    if (self != NULL && self->revoked_seq != 0 &&
        qr_record_read(qr_roster_record(&device->line, self->revoked_seq), record) == QUIRE_OK) {
        is = !qr_is_zero(record->signer, QR_DEVICE_SIZE) && is_revoked(device, record->signer);
    }
    free(record);
    return is;
}

static void compare(struct quire_device *device)
{
    const struct qr_roster *ours = &device->roster, *line = &device->line;
    uint32_t fork = 0;
    while (fork < ours->count && fork < line->count &&
        memcmp(ours->entries[fork].hash, line->entries[fork].hash, QR_HASH_SIZE) == 0) {
        fork++;
    }
    bool lacks = fork == line->count && fork < ours->count;
    device->looking = false;
    if (fork < ours->count && (!lacks || device->offer_refused)) {
        if (shut_out_by_the_revoked(device)) {
            look_again(device);
            return;
        }
        go_over(device, fork);
    }
    /* Else nothing contradicts: one side has more, which the next login passes on. */
    device->offer_refused = false;
    device_close(device, RETRY_AT_ONCE_MS);
}

void device_look_records(struct quire_device *device, const struct qr_frame *frame)
{
    struct qr_roster *line = &device->line;
    for (size_t i = 0; i < frame->roster_records.record_count; i++) {
        uint32_t seq = frame->roster_records.first_seq + (uint32_t)i;
        struct quire_bytes bytes = frame->roster_records.records[i];
        enum quire_status status = seq < line->count
            ? quire_bytes_equal(bytes, qr_roster_record(line, seq)) ? QUIRE_OK : QUIRE_ECONFLICT
            : seq > line->count ? QUIRE_ECONFLICT
                                : qr_roster_append(line, bytes);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
            return;
        }
        if (status != QUIRE_OK) {
            device_contradicted(device);
            return;
        }
    }
    if (line->count < device->expected_roster) {
        return;
    }
    if (line->count > device->expected_roster ||
        memcmp(qr_roster_head(line), device->line_head, QR_HASH_SIZE) != 0) {
        look_again(device); /* it grew meanwhile, or frames were lost */
        return;
    }
    compare(device);
}
