/*
 * Which message is which: the dispatch over the messages' files, and what is common to all.
 */
#include "base/failpoint.h"
#include "codec/frame.h"
#include "codec/frame_fields.h"
#include "codec/msgpack_check.h"

struct message {
    size_t value_count; /* the type included */
    void (*read)(
        struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame);
    void (*write)(struct qr_packer *packer, const struct qr_frame *frame);
};

static const struct message messages[] = {
    [QR_FRAME_HELLO] = {8, qr_hello_read, qr_hello_write},
    [QR_FRAME_CHALLENGE] = {8, qr_challenge_read, qr_challenge_write},
    [QR_FRAME_AUTH] = {3, qr_auth_read, qr_auth_write},
    [QR_FRAME_WELCOME] = {4, qr_welcome_read, qr_welcome_write},
    [QR_FRAME_SUB] = {4, qr_sub_read, qr_sub_write},
    [QR_FRAME_WANT] = {2, qr_want_read, qr_want_write},
    [QR_FRAME_DELTA] = {2, qr_delta_read, qr_delta_write},
    [QR_FRAME_CAUGHT_UP] = {2, qr_caught_up_read, qr_caught_up_write},
    [QR_FRAME_PUSH] = {2, qr_push_read, qr_push_write},
    [QR_FRAME_ACK] = {2, qr_ack_read, qr_ack_write},
    [QR_FRAME_ROSTER_APPEND] = {3, qr_roster_append_read, qr_roster_append_write},
    [QR_FRAME_ROSTER_RECORDS] = {3, qr_roster_records_read, qr_roster_records_write},
    [QR_FRAME_ROSTER_DONE] = {3, qr_roster_done_read, qr_roster_done_write},
    [QR_FRAME_CHAINS] = {4, qr_chains_read, qr_chains_write},
    [QR_FRAME_PAIR] = {4, qr_pair_read, qr_pair_write},
    [QR_FRAME_CREDIT] = {2, qr_credit_read, qr_credit_write},
    [QR_FRAME_PING] = {3, qr_ping_read, qr_ping_write},
    [QR_FRAME_GOAWAY] = {3, qr_goaway_read, qr_goaway_write},
    [QR_FRAME_ERROR] = {7, qr_error_read, qr_error_write},
    [QR_FRAME_PRESENCE] = {2, qr_presence_read, qr_presence_write},
};

/* The message of a type, or NULL for one that this version does not know. */
static const struct message *message_of(uint64_t type)
{
    bool known = type < sizeof(messages) / sizeof(messages[0]) && messages[type].read != NULL;
    return known ? &messages[type] : NULL;
}

static enum quire_status read_values(
    const msgpack_object *root, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    if (root->type != MSGPACK_OBJECT_ARRAY) {
        return QUIRE_EMALFORMED;
    }
    enum quire_status status = QUIRE_OK;
    struct qr_fields fields = {root->via.array.ptr, root->via.array.size, &status};
    uint64_t type = qr_take_u64(&fields);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_frame frame = {.type = QR_FRAME_SKIP};
    if (type < QR_FRAME_SKIP) {
        const struct message *message = message_of(type);
        if (message == NULL || root->via.array.size != message->value_count) {
            return QUIRE_EMALFORMED;
        }
        frame.type = (enum qr_frame_type)type;
        message->read(&fields, space, &frame);
    }
    if (status == QUIRE_OK) {
        *out_frame = frame;
    }
    return status;
}

enum quire_status qr_frame_read(
    struct quire_bytes bytes, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    size_t value_count;
    enum quire_status status = qr_msgpack_measure(bytes, &value_count);
    if (status != QUIRE_OK && QR_FAILPOINT_ON(NO_FRAME_CHECK)) {
        value_count = 64;
    } else if (status != QUIRE_OK) {
        return status;
    }
    /* One chunk that holds every value: unpacking asks for memory once, and never for more. */
    msgpack_zone zone;
    if (!msgpack_zone_init(&zone, value_count * sizeof(msgpack_object))) {
        return QUIRE_ENOMEM;
    }
    msgpack_object root;
    size_t offset = 0;
    switch (msgpack_unpack((const char *)bytes.data, bytes.size, &offset, &zone, &root)) {
    case MSGPACK_UNPACK_SUCCESS: status = read_values(&root, space, out_frame); break;
    case MSGPACK_UNPACK_NOMEM_ERROR: status = QUIRE_ENOMEM; break;
    default: status = QUIRE_EMALFORMED;
    }
    msgpack_zone_destroy(&zone);
    return status;
}

enum quire_status qr_frame_write(const struct qr_frame *frame, struct quire_buffer *out_bytes)
{
    const struct message *message = message_of(frame->type);
    if (message == NULL) {
        return QUIRE_EINVALID;
    }
    struct qr_packer packer;
    qr_packer_init(&packer, out_bytes);
    qr_put_array(&packer, message->value_count, message->value_count);
    qr_put_uint(&packer, frame->type);
    message->write(&packer, frame);
    return qr_packer_end(&packer);
}

const char *qr_error_name(uint32_t code)
{
    static const char *const names[QR_ERROR_CODE_COUNT] = {
        [QR_ERROR_PROTO] = "proto",
        [QR_ERROR_VERSION] = "version",
        [QR_ERROR_AUTH] = "auth",
        [QR_ERROR_REVOKED] = "revoked",
        [QR_ERROR_STALE_ROSTER] = "stale_roster",
        [QR_ERROR_GAP] = "gap",
        [QR_ERROR_MISSING_DEPS] = "missing_deps",
        [QR_ERROR_FORK] = "fork",
        [QR_ERROR_BAD_SIG] = "bad_sig",
        [QR_ERROR_TOO_LARGE] = "too_large",
        [QR_ERROR_RATE] = "rate",
        [QR_ERROR_QUOTA] = "quota",
        [QR_ERROR_BLOB_MISSING] = "blob_missing",
        [QR_ERROR_OVERLOADED] = "overloaded",
        [QR_ERROR_MOVED] = "moved",
        [QR_ERROR_UPGRADE_NEEDED] = "upgrade_needed",
        [QR_ERROR_UNKNOWN_USER] = "unknown_user",
        [QR_ERROR_REGISTRATION] = "registration",
        [QR_ERROR_UNKNOWN_DEVICE] = "unknown_device",
        [QR_ERROR_CHAINS] = "chains",
        [QR_ERROR_STORE_FULL] = "store_full",
    };
    return code < QR_ERROR_CODE_COUNT && names[code] != NULL ? names[code] : "unknown";
}
