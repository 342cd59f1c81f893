/*
 * The core's decisions, in the order of W1 to W4.
 */
#include "worker/core.h"
#include "base/reader.h"
#include "base/writer.h"
#include "sync/transcript.h"
#include "worker/failpoints.h"
#include <assert.h>
#include <stdlib.h>

#define SLOTS (2 * QR_CORE_CONSENTS_MAX)
#define SEAL_ROW (QR_LANE_KEY_ID_SIZE + QR_SEAL_SIZE)

struct lane_key {
    bool used;
    struct qr_lane_box box;
    uint8_t id[QR_LANE_KEY_ID_SIZE];
    int64_t made_ms, seal_until, open_until;
    struct quire_buffer bytes; /* signed, for devices */
};

struct consent {
    bool used, withdrawn;
    uint8_t sign[QR_KEY_SIZE];
    uint64_t seq;
    uint8_t prev[QR_HASH_SIZE];
};

struct qr_worker_core {
    struct qr_worker_core_options options;
    struct qr_analyser *analyser;
    uint8_t analyser_id[QR_HASH_SIZE];
    struct lane_key keys[QR_CORE_KEYS_MAX];
    uint32_t period;
    uint8_t anchor[QR_HASH_SIZE]; /* of this core's first lane key: where its receipts begin */
    struct consent *consents;     /* SLOTS of them, by the bytes of their key */
    size_t consent_count;
    int64_t now_ms;
    struct quire_buffer content; /* of a result, before it is sealed */
    uint8_t text[QR_COPY_TEXT_MAX];
};

enum quire_status qr_worker_core_create(
    const struct qr_worker_core_options *options, struct qr_worker_core **out_core)
{
    struct qr_worker_core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        return QUIRE_ENOMEM;
    }
    core->options = *options;
    core->consents = calloc(SLOTS, sizeof *core->consents);
    enum quire_status status = core->consents == NULL
        ? QUIRE_ENOMEM
        : quire_buffer_reserve(&core->content, QR_READING_MAX);
    if (status == QUIRE_OK) {
        memset(core->content.data, 0, core->content.capacity);
        status = qr_analyser_create(options->bundles, options->bundle_count, &core->analyser);
    }
    if (status != QUIRE_OK) {
        qr_worker_core_destroy(core);
        return status;
    }
    qr_analyser_id(options->bundles, options->bundle_count, core->analyser_id);
    *out_core = core;
    return QUIRE_OK;
}

static void wipe_key(struct lane_key *key)
{
    quire_buffer_finish(&key->bytes);
    qr_wipe(key, sizeof *key);
}

void qr_worker_core_destroy(struct qr_worker_core *core)
{
    if (core == NULL) {
        return;
    }
    for (size_t i = 0; i < QR_CORE_KEYS_MAX; i++) {
        wipe_key(&core->keys[i]);
    }
    qr_analyser_destroy(core->analyser);
    if (core->content.data != NULL) {
        qr_wipe(core->content.data, core->content.capacity);
    }
    quire_buffer_finish(&core->content);
    free(core->consents);
    qr_wipe(core, sizeof *core);
    free(core);
}

enum quire_status qr_worker_core_ready(
    const struct qr_worker_core *core, struct quire_buffer *out_message)
{
    struct qr_link ready = {.type = QR_LINK_READY};
    ready.ready.grantee = core->options.grantee;
    ready.ready.instance = qr_vault_public(core->options.vault).device;
    ready.ready.analyser = core->analyser_id;
    ready.ready.records = core->options.roster_count;
    return qr_link_write(&ready, out_message);
}

bool qr_worker_core_is_clean(const struct qr_worker_core *core)
{
    return qr_is_zero(core->text, sizeof core->text) && core->content.size == 0
        && qr_is_zero(core->content.data, core->content.capacity);
}

/* ---- lane keys -------------------------------------------------------------------------------- */

static enum quire_status make_key(struct qr_worker_core *core, const uint8_t *entropy)
{
    struct lane_key *key = core->keys;
    uint8_t fresh[QR_ENTROPY_SIZE];
    for (size_t i = 0; i < QR_CORE_KEYS_MAX; i++) { /* a free place, or that of the oldest */
        bool better =
            !core->keys[i].used ? key->used : key->used && core->keys[i].made_ms < key->made_ms;
        key = better ? &core->keys[i] : key;
    }
    struct lane_key made = {.used = true,
        .made_ms = core->now_ms,
        .seal_until = core->now_ms + QR_CORE_SEAL_MS,
        .open_until = core->now_ms + QR_CORE_OPEN_MS};
    qr_entropy_expand(fresh, entropy, 1);
    qr_lane_box_make(&made.box, fresh);
    qr_wipe(fresh, sizeof fresh);
    struct qr_lane_key object = {.instance = qr_vault_public(core->options.vault).device,
        .box = made.box.box_public,
        .build = core->options.build,
        .period = core->period + 1,
        .seal_until = (uint64_t)made.seal_until,
        .open_until = (uint64_t)made.open_until,
        .policy = core->options.policy};
    enum quire_status status = qr_lane_key_write(&object, core->options.vault, &made.bytes);
    if (status == QUIRE_OK) {
        qr_lane_key_id(quire_buffer_bytes(&made.bytes), made.id);
        core->period++;
        if (core->period == 1) {
            qr_result_hash(quire_buffer_bytes(&made.bytes), core->anchor);
        }
        wipe_key(key);
        *key = made;
    }
    qr_wipe(&made.box, sizeof made.box);
    return status;
}

/* Wipes what is over, and makes a new key in time. */
static enum quire_status turn_keys(struct qr_worker_core *core, const uint8_t *entropy)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < QR_CORE_KEYS_MAX; i++) {
        struct lane_key *key = &core->keys[i];
        if (key->used && core->now_ms >= key->open_until && !QR_CORE_WITHOUT(NO_KEY_END)) {
            wipe_key(key);
        }
        newest = key->used && key->made_ms > newest ? key->made_ms : newest;
    }
    return newest == INT64_MIN || core->now_ms - newest >= core->options.rotate_ms
        ? make_key(core, entropy)
        : QUIRE_OK;
}

static enum quire_status say_keys(struct qr_worker_core *core, struct quire_buffer *out_answer)
{
    struct qr_link keys = {.type = QR_LINK_KEYS};
    for (size_t i = 0; i < QR_CORE_KEYS_MAX; i++) {
        if (core->keys[i].used && core->now_ms < core->keys[i].seal_until) {
            keys.keys.items[keys.keys.count++] = quire_buffer_bytes(&core->keys[i].bytes);
        }
    }
    return qr_link_write(&keys, out_answer);
}

/* ---- consents --------------------------------------------------------------------------------- */

/* The consent's place, its own or a free one; NULL: there is no room for another. */
static struct consent *consent_of(struct qr_worker_core *core, const uint8_t *sign)
{
    size_t at = qr_load_u32(sign) % SLOTS;
    while (core->consents[at].used && memcmp(core->consents[at].sign, sign, QR_KEY_SIZE) != 0) {
        at = (at + 1) % SLOTS;
    }
    struct consent *consent = &core->consents[at];
    if (!consent->used && core->consent_count < QR_CORE_CONSENTS_MAX) {
        consent->used = true;
        memcpy(consent->sign, sign, QR_KEY_SIZE);
        memcpy(consent->prev, core->anchor, QR_HASH_SIZE);
        core->consent_count++;
    }
    return consent->used ? consent : NULL;
}

static enum quire_status refuse(
    uint64_t lease, enum qr_link_why why, struct quire_buffer *out_answer)
{
    struct qr_link refused = {.type = QR_LINK_REFUSED, .refused = {lease, why}};
    return qr_link_write(&refused, out_answer);
}

/* W1, but for the time. 0: it vouches. */
static enum qr_link_why judge_grant(
    const struct qr_worker_core *core, struct quire_bytes bytes, struct qr_grant *out_grant)
{
    enum quire_status status = qr_grant_open(bytes, out_grant);
    if (status == QUIRE_ECRYPTO && QR_CORE_WITHOUT(NO_GRANT)) {
        status = qr_grant_read(bytes, out_grant);
    }
    if (status != QUIRE_OK) {
        return QR_LINK_BAD_GRANT;
    }
    bool ours = memcmp(out_grant->grantee, core->options.grantee, QR_USER_SIZE) == 0
        && out_grant->purpose == QR_PURPOSE_INSIGHT
        && memcmp(out_grant->analyser, core->analyser_id, QR_HASH_SIZE) == 0;
    return ours || QR_CORE_WITHOUT(NO_GRANT) ? (enum qr_link_why)0 : QR_LINK_OTHER_WORKER;
}

/* ---- one copy --------------------------------------------------------------------------------- */

/* The key of the copy, out of the first seal that is for a lane key that is left. */
static bool unseal(
    const struct qr_worker_core *core, const struct qr_copy *copy, uint8_t out_key[QR_KEY_SIZE])
{
    for (size_t i = 0; i < copy->seal_count; i++) {
        const uint8_t *row = copy->seals + i * SEAL_ROW;
        for (size_t j = 0; j < QR_CORE_KEYS_MAX; j++) {
            const struct lane_key *key = &core->keys[j];
            if (key->used && memcmp(key->id, row, QR_LANE_KEY_ID_SIZE) == 0
                && qr_lane_open_key(&key->box, row + QR_LANE_KEY_ID_SIZE, out_key)) {
                return true;
            }
        }
    }
    return false;
}

/* Fields of the plaintext, ascending; W2 for what is inside. */
static enum qr_outcome read_fields(
    const struct qr_copy *copy, struct quire_bytes plain, struct quire_bytes *out_text)
{
    struct qr_reader reader = qr_reader_over(plain);
    unsigned last = 0;
    bool outside = false;
    while (qr_reader_left(&reader) > 0 && !reader.failed) {
        uint8_t field = qr_read_u8(&reader);
        struct quire_bytes value = qr_read_bytes(&reader, qr_read_u32(&reader));
        reader.failed |= field > 6 || field + 1u <= last;
        outside |= (copy->fields >> (field & 15) & 1) == 0;
        if (1u << field == QR_FIELD_TEXT) {
            *out_text = value;
        }
        last = field + 1u;
    }
    return reader.failed                       ? QR_OUTCOME_CLOSED
        : outside && !QR_CORE_WITHOUT(NO_MASK) ? QR_OUTCOME_OUTSIDE
                                               : QR_OUTCOME_DONE;
}

/* Opens, reads, wipes. The content of the result is in core->content if it is done. */
static enum quire_status read_copy(
    struct qr_worker_core *core, const struct qr_copy *copy, enum qr_outcome *out_outcome)
{
    uint8_t key[QR_KEY_SIZE], place[QR_HASH_SIZE], commitment[QR_HASH_SIZE];
    struct quire_bytes plain, text = {0};
    enum quire_status status = QUIRE_OK;
    *out_outcome = QR_OUTCOME_CLOSED;
    if (!unseal(core, copy, key)) {
        return QUIRE_OK;
    }
    qr_lane_copy_place(copy->head, core->options.grantee, place);
    memcpy(commitment, copy->commitment, sizeof commitment);
    if (QR_CORE_WITHOUT(NO_COMMITMENT)) {
        qr_lane_copy_commitment(key, place, commitment);
    }
    if (qr_lane_open_copy(key, place, copy->nonce, commitment, copy->ciphertext, core->text, &plain)
        == QUIRE_OK) {
        *out_outcome = read_fields(copy, plain, &text);
    }
    qr_wipe(key, sizeof key);
    if (*out_outcome == QR_OUTCOME_DONE) {
        status = qr_analyser_read(core->analyser, text, &core->content);
    }
    if (!QR_CORE_WITHOUT(NO_WIPE)) {
        qr_wipe(core->text, copy->ciphertext.size);
    }
    return status;
}

static enum quire_status answer(struct qr_worker_core *core, const struct qr_grant *grant,
    const uint8_t *copy_id, struct consent *consent, uint64_t lease, enum qr_outcome outcome,
    const uint8_t *entropy, struct quire_buffer *out_answer)
{
    struct quire_buffer sealed = {0}, bytes = {0};
    uint8_t fresh[QR_ENTROPY_SIZE];
    struct qr_result result = {.copy = copy_id,
        .sign = grant->sign,
        .instance = qr_vault_public(core->options.vault).device,
        .analyser = core->analyser_id,
        .prev = consent->prev,
        .read_at = (uint64_t)core->now_ms,
        .seq = consent->seq + 1,
        .outcome = outcome};
    enum quire_status status = QUIRE_OK;
    qr_entropy_expand(fresh, entropy, 2);
    if (outcome == QR_OUTCOME_DONE) {
        status =
            qr_lane_seal_result(grant->box, quire_buffer_bytes(&core->content), fresh, &sealed);
        result.sealed = quire_buffer_bytes(&sealed);
    }
    if (core->content.size > 0) {
        qr_wipe(core->content.data, core->content.size);
        quire_buffer_clear(&core->content);
    }
    if (status
        == QUIRE_ECRYPTO) { /* the consent's own box key is none: there is no one to answer to */
        quire_buffer_finish(&sealed);
        return refuse(lease, QR_LINK_BAD_GRANT, out_answer);
    }
    if (status == QUIRE_OK) {
        status = qr_result_write(&result, core->options.vault, &bytes);
    }
    struct qr_link done = {
        .type = QR_LINK_RESULT, .done = {lease, (uint8_t)outcome, quire_buffer_bytes(&bytes)}};
    if (status == QUIRE_OK) {
        status = qr_link_write(&done, out_answer);
    }
    if (status == QUIRE_OK) {
        consent->seq++;
        qr_result_hash(quire_buffer_bytes(&bytes), consent->prev);
    }
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&bytes);
    return status;
}

static enum quire_status on_copy(struct qr_worker_core *core, const struct qr_link *message,
    const uint8_t *entropy, struct quire_buffer *out_answer)
{
    struct qr_grant grant;
    struct qr_copy copy;
    uint64_t lease = message->work.lease;
    enum qr_outcome outcome;
    enum qr_link_why why = judge_grant(core, message->work.grant, &grant);
    if (why != 0) {
        return refuse(lease, why, out_answer);
    }
    enum quire_status status = qr_copy_open(message->work.object, &copy);
    if (status != QUIRE_OK || memcmp(copy.sign, grant.sign, QR_KEY_SIZE) != 0) {
        return refuse(lease, QR_LINK_BAD_COPY, out_answer);
    }
    struct consent *consent = consent_of(core, grant.sign);
    if (consent == NULL) {
        return refuse(lease, QR_LINK_FULL, out_answer);
    }
    if (consent->withdrawn && !QR_CORE_WITHOUT(NO_WITHDRAWAL)) {
        outcome = QR_OUTCOME_WITHDRAWN;
    } else if ((uint64_t)core->now_ms > grant.not_after && !QR_CORE_WITHOUT(NO_EXPIRY)) {
        outcome = QR_OUTCOME_EXPIRED;
    } else if ((copy.fields & ~grant.fields) != 0 && !QR_CORE_WITHOUT(NO_MASK)) {
        outcome = QR_OUTCOME_OUTSIDE;
    } else if (message->type == QR_LINK_GIVE_UP) {
        outcome = QR_OUTCOME_GAVE_UP;
    } else {
        status = read_copy(core, &copy, &outcome);
    }
    return status == QUIRE_OK
        ? answer(core, &grant, copy.id, consent, lease, outcome, entropy, out_answer)
        : status;
}

static enum quire_status on_withdrawal(struct qr_worker_core *core, const struct qr_link *message,
    const uint8_t *entropy, struct quire_buffer *out_answer)
{
    static const uint8_t no_copy[QR_HASH_SIZE];
    struct qr_grant grant;
    const uint8_t *sign;
    uint64_t lease = message->work.lease;
    if (qr_withdrawal_open(message->work.object, &sign) != QUIRE_OK) {
        return refuse(lease, QR_LINK_BAD_WITHDRAWAL, out_answer);
    }
    struct consent *consent = consent_of(core, sign);
    if (consent == NULL) {
        return refuse(lease, QR_LINK_FULL, out_answer);
    }
    consent->withdrawn = true; /* whatever the grant is worth */
    enum qr_link_why why = judge_grant(core, message->work.grant, &grant);
    if (why != 0 || memcmp(grant.sign, sign, QR_KEY_SIZE) != 0) {
        return refuse(lease, why != 0 ? why : QR_LINK_BAD_WITHDRAWAL, out_answer);
    }
    return answer(core, &grant, no_copy, consent, lease, QR_OUTCOME_WITHDRAWN, entropy, out_answer);
}

static enum quire_status on_auth(const struct qr_worker_core *core, const struct qr_link *message,
    struct quire_buffer *out_answer)
{
    uint8_t digest[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    const struct quire_bytes part = {digest, sizeof digest};
    qr_auth_digest(message->auth.host, message->auth.hello, message->auth.challenge, digest);
    qr_vault_sign(core->options.vault, QR_CONTEXT_AUTH, &part, 1, signature);
    struct qr_link proof = {.type = QR_LINK_SIGNED, .proof = {signature}};
    return qr_link_write(&proof, out_answer);
}

enum quire_status qr_worker_core_step(struct qr_worker_core *core,
    const struct qr_worker_event *event, struct quire_buffer *out_answer)
{
    struct qr_link message;
    enum quire_status status = qr_link_read(event->bytes, &message);
    if (status != QUIRE_OK || !qr_link_is_request(message.type)) {
        return QUIRE_EMALFORMED;
    }
    core->now_ms = event->wall_ms > core->now_ms ? event->wall_ms : core->now_ms;
    status = turn_keys(core, event->entropy);
    if (status != QUIRE_OK) {
        return status;
    }
    switch (message.type) {
    case QR_LINK_AUTH: return on_auth(core, &message, out_answer);
    case QR_LINK_TICK: return say_keys(core, out_answer);
    case QR_LINK_WITHDRAWAL: return on_withdrawal(core, &message, event->entropy, out_answer);
    default: return on_copy(core, &message, event->entropy, out_answer);
    }
}
