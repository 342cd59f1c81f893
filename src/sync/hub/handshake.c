/*
 * HELLO, CHALLENGE, AUTH, WELCOME: which device is there.
 *
 * Work for a stranger is ordered by what it costs. Nothing is verified before the form of a frame
 * and the claimed device are checked; then the AUTH signature alone; then the records that AUTH
 * brings, in a queue that waits behind every member. The whole transcript is signed, so that nothing
 * of it can be changed or relayed to another host.
 */
#include "sync/hub/handshake.h"
#include "sync/hub/append.h"
#include "sync/hub/member.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include "sync/hub/stream.h"
#include "sync/hub/user.h"
#include "sync/transcript.h"
#include <assert.h>
#include <stdlib.h>

#define RETRY_LOAD_MS 1000
#define RETRY_BUSY_MS 5000
#define RETRY_FULL_MS 60000

/* A connection that fails too often is told to wait; but a good proof is accepted at any time, or
 * anyone who knows a user's id could keep its devices out. What trying costs is bounded by address. */
static void fail_authentication(struct qr_hub *hub, struct hub_connection *connection,
    struct hub_user *user, enum qr_error_code code, const char *cause)
{
    uint32_t wait_ms = 0;
    struct quire_bytes data = {0};
    hub->counters.auth_failures++;
    if (user != NULL) {
        wait_ms = hub_bucket_take(&user->failures, hub->now_ms, 1,
            (struct hub_rate){hub->limits.auth_failures_per_hour, HUB_HOUR_MS,
                hub->limits.auth_failures_per_hour});
    }
    if (wait_ms > 0) {
        hub->counters.rate_limited++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_RATE,
                .fatal = true,
                .retry_ms = wait_ms,
                .cause = "too many failed authentications"});
        return;
    }
    if (code == QR_ERROR_AUTH) { /* a proxy may have changed it: the client compares */
        data = (struct quire_bytes){connection->host, connection->host_size};
    }
    hub_refuse(hub, connection,
        &(struct hub_refusal){.code = code, .fatal = true, .data = data, .cause = cause});
}

static void come_back(
    struct qr_hub *hub, struct hub_connection *connection, uint32_t retry_ms, const char *cause)
{
    hub_refuse(hub, connection,
        &(struct hub_refusal){
            .code = QR_ERROR_OVERLOADED, .fatal = true, .retry_ms = retry_ms, .cause = cause});
}

/* The user that the connection claims to be; NULL: the log has nothing of it. False: the connection
 * was told to come back later. */
static bool load_claimed(
    struct qr_hub *hub, struct hub_connection *connection, struct hub_user **out_user)
{
    *out_user = NULL;
    enum quire_status status = hub_user_get(hub, connection->handshake.claimed_user, out_user);
    if (status == QUIRE_ENOMEM) {
        hub->out.failed = true;
    } else if (status != QUIRE_OK && status != QUIRE_ENOTFOUND) {
        come_back(hub, connection, RETRY_LOAD_MS,
            status == QUIRE_ESTATE ? "the account's index was evicted meanwhile"
                                   : "the account's index cannot be read");
    } else {
        return true;
    }
    return false;
}

/* ---- HELLO ----------------------------------------------------------------------------------- */

static bool may_register(const struct qr_hub_limits *limits, const uint8_t user[QR_USER_SIZE])
{
    return limits->open_registration
        || (limits->may_register != NULL && limits->may_register(limits->register_context, user));
}

static void challenge(struct qr_hub *hub, struct hub_connection *connection,
    const struct hub_user *user, struct quire_bytes hello)
{
    static const struct qr_roster none;
    const struct qr_roster *roster = user == NULL ? &none : &user->roster;
    struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
    if (user == NULL && connection->handshake.hello_count == 0) {
        hub->counters.auth_failures++;
        hub_fatal(hub, connection, QR_ERROR_UNKNOWN_USER, "the account is not on this server");
        return;
    }
    if (user == NULL && !may_register(&hub->limits, connection->handshake.claimed_user)) {
        hub->counters.accounts_refused++;
        hub_fatal(hub, connection, QR_ERROR_REGISTRATION, "registration is not open");
        return;
    }
    frame.challenge.version = QR_PROTOCOL_VERSION;
    frame.challenge.nonce = connection->nonce;
    frame.challenge.time_ms = hub->wall_ms;
    frame.challenge.roster_count = roster->count;
    frame.challenge.roster_head = qr_roster_head(roster);
    frame.challenge.log = hub->log;
    size_t start = hub->out.bytes.size;
    hub_send(hub, connection, &frame);
    if (hub->out.failed || connection->state == HUB_CLOSING) {
        return;
    }
    qr_auth_digest((struct quire_bytes){connection->host, connection->host_size}, hello,
        (struct quire_bytes){hub->out.bytes.data + start, hub->out.bytes.size - start},
        connection->handshake.auth_digest);
    connection->handshake.challenged_count = roster->count;
    hub_set_state(hub, connection, HUB_CHALLENGED);
}

void hub_on_hello(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    struct hub_handshake *handshake = &connection->handshake;
    struct hub_user *user = NULL;
    memcpy(handshake->claimed_user, frame->hello.user, QR_USER_SIZE);
    memcpy(connection->device, frame->hello.device, QR_DEVICE_SIZE);
    if (frame->hello.min > QR_PROTOCOL_VERSION || frame->hello.max < QR_PROTOCOL_VERSION) {
        hub_fatal(hub, connection, QR_ERROR_VERSION, "no common version of the protocol");
        return;
    }
    connection->roster_count = handshake->hello_count = frame->hello.roster_count;
    enum quire_status status = hub_user_get(hub, handshake->claimed_user, &user);
    if (status == QUIRE_ESTATE) {
        if (quire_buffer_append(&handshake->hello, bytes.data, bytes.size) != QUIRE_OK) {
            hub->out.failed = true;
            return;
        }
        hub_set_state(hub, connection, HUB_LOADING);
    } else if (status == QUIRE_OK || status == QUIRE_ENOTFOUND) {
        challenge(hub, connection, user, bytes);
    } else if (status == QUIRE_ENOMEM) {
        hub->out.failed = true;
    } else {
        come_back(hub, connection, RETRY_LOAD_MS, "the account's index cannot be read");
    }
}

void hub_handshake_leave(struct qr_hub *hub, struct hub_connection *connection)
{
    struct hub_handshake *handshake = &connection->handshake;
    if (handshake->strangers_jobs) {
        hub->counters.pending_stranger_jobs -= handshake->job_count;
        handshake->strangers_jobs = false;
    }
    if (handshake->has_offer) {
        qr_roster_finish(&handshake->offered);
        handshake->has_offer = false;
    }
    free(handshake->jobs);
    handshake->jobs = NULL;
    quire_buffer_finish(&handshake->hello);
}

void hub_handshakes_go_on(struct qr_hub *hub)
{
    struct hub_connection *connection, *next;
    DL_FOREACH_SAFE2(hub->loading, connection, next, next_loading)
    {
        struct hub_user *user = NULL;
        enum quire_status status = hub_user_get(hub, connection->handshake.claimed_user, &user);
        if (status == QUIRE_ESTATE) {
            continue;
        }
        struct quire_buffer hello = connection->handshake.hello;
        connection->handshake.hello = (struct quire_buffer){0};
        if (status == QUIRE_OK || status == QUIRE_ENOTFOUND) {
            challenge(hub, connection, user, quire_buffer_bytes(&hello));
        } else {
            hub->out.failed |= status == QUIRE_ENOMEM;
            come_back(hub, connection, RETRY_LOAD_MS, "the account's index cannot be read");
        }
        quire_buffer_finish(&hello);
    }
}

/* ---- AUTH ------------------------------------------------------------------------------------ */

/* The roster is not what CHALLENGE said: another connection brought records, or they were rolled
 * back. The client looks again. */
static void grew_meanwhile(struct qr_hub *hub, struct hub_connection *connection)
{
    hub_refuse(hub, connection,
        &(struct hub_refusal){.code = QR_ERROR_STALE_ROSTER, .fatal = true, .retry_ms = 100});
}

static struct qr_verify_job verify_job(enum qr_context context, const uint8_t key[QR_KEY_SIZE],
    const uint8_t message[QR_HASH_SIZE], const uint8_t signature[QR_SIGNATURE_SIZE])
{
    struct qr_verify_job job = {.context = (uint8_t)context};
    memcpy(job.public_key, key, QR_KEY_SIZE);
    memcpy(job.message, message, QR_HASH_SIZE);
    memcpy(job.signature, signature, QR_SIGNATURE_SIZE);
    return job;
}

/* The server's roster with the records of AUTH, their signatures unproved; out_jobs gets one for
 * each. False: a record is malformed, or not of this user. */
static bool read_offer(struct qr_hub *hub, struct hub_connection *connection,
    const struct hub_user *user, const struct qr_frame *frame, struct qr_verify_job *out_jobs)
{
    struct qr_roster *offered = &connection->handshake.offered;
    *offered = (struct qr_roster){0};
    enum quire_status status = user == NULL ? QUIRE_OK : qr_roster_copy(&user->roster, offered);
    connection->handshake.has_offer = true;
    for (size_t i = 0; i < frame->auth.record_count && status == QUIRE_OK; i++) {
        struct qr_roster_proof proof;
        status = qr_roster_append_unproved(offered, frame->auth.records[i], &proof);
        if (status == QUIRE_OK) {
            out_jobs[i] =
                verify_job(QR_CONTEXT_ROSTER_SIGN, proof.public_key, proof.hash, proof.signature);
        }
    }
    if (status == QUIRE_ENOMEM) {
        hub->out.failed = true;
    }
    return status == QUIRE_OK && offered->count > 0
        && memcmp(offered->user, connection->handshake.claimed_user, QR_USER_SIZE) == 0;
}

/* Public key of the claimed device in the offered roster; NULL if it is not listed. */
static const uint8_t *claimed_key(struct hub_connection *connection)
{
    const struct qr_roster *offered = &connection->handshake.offered;
    if (qr_is_zero(connection->device, QR_DEVICE_SIZE)) {
        return offered->root;
    }
    const struct qr_roster_device *device = qr_roster_find(offered, connection->device);
    connection->handshake.revoked = device != NULL && device->revoked_seq != 0;
    return device == NULL ? NULL : device->sign_public;
}

static bool is_member(const struct hub_user *user, const uint8_t device[QR_DEVICE_SIZE])
{
    return user != NULL
        && (qr_is_zero(device, QR_DEVICE_SIZE) || qr_roster_active(&user->roster, device));
}

void hub_on_auth(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    struct hub_handshake *handshake = &connection->handshake;
    struct hub_user *user;
    (void)bytes;
    if (!load_claimed(hub, connection, &user)) {
        return;
    }
    if (frame->auth.record_count > 0
        && (user == NULL ? 0 : user->roster.count) != handshake->challenged_count) {
        grew_meanwhile(hub, connection);
        return;
    }
    handshake->jobs = calloc(1 + frame->auth.record_count, sizeof *handshake->jobs);
    if (handshake->jobs == NULL) {
        hub->out.failed = true;
        return;
    }
    handshake->job_count = frame->auth.record_count;
    if (!read_offer(hub, connection, user, frame, handshake->jobs)) {
        fail_authentication(
            hub, connection, user, QR_ERROR_AUTH, "a roster record of its AUTH does not hold");
        return;
    }
    const uint8_t *key = claimed_key(connection);
    if (key == NULL) {
        fail_authentication(hub, connection, user, QR_ERROR_UNKNOWN_DEVICE,
            "the device is not on the account's roster");
        return;
    }
    struct qr_verify_job own =
        verify_job(QR_CONTEXT_AUTH, key, handshake->auth_digest, frame->auth.signature);
    hub_set_state(hub, connection, HUB_AUTHENTICATING);
    hub_verify(hub, HUB_AUTH_TOKEN | connection->id, &own, 1, !is_member(user, connection->device));
}

/* The device signed AUTH. Next are the records that it brings, if any, behind all other work. */
static void check_offer(
    struct qr_hub *hub, struct hub_connection *connection, const struct hub_user *user)
{
    struct hub_handshake *handshake = &connection->handshake;
    bool stranger = !is_member(user, connection->device);
    if (stranger
        && hub->counters.pending_stranger_jobs + handshake->job_count > hub->limits.stranger_jobs) {
        come_back(hub, connection, RETRY_BUSY_MS + connection->nonce[0] * 40u,
            "too many records of strangers wait to be checked");
        return;
    }
    hub_set_state(hub, connection, HUB_OFFERING);
    hub_verify(
        hub, HUB_AUTH_TOKEN | connection->id, handshake->jobs, handshake->job_count, stranger);
    handshake->strangers_jobs = stranger;
    hub->counters.pending_stranger_jobs += stranger ? handshake->job_count : 0;
    free(handshake->jobs);
    handshake->jobs = NULL;
}

/* The user, made if this is its first connection, with the offered records on their way to disk. */
static bool accept_offer(
    struct qr_hub *hub, struct hub_connection *connection, struct hub_user **inout_user)
{
    struct hub_handshake *handshake = &connection->handshake;
    struct hub_user *user = *inout_user;
    if (user != NULL && user->roster.count >= handshake->offered.count) {
        return true;
    }
    if (user != NULL && user->roster.count != handshake->challenged_count) {
        grew_meanwhile(hub, connection);
        return false;
    }
    enum quire_status status = QUIRE_OK;
    if (user != NULL) {
        /* A device whose offer has too many unknown pins uploads those chains first, and revokes
         * again. */
        status = hub_roster_pins_known(user, &handshake->offered, user->roster.count)
            ? hub_roster_admissible(hub, user, &handshake->offered, user->roster.count)
            : QUIRE_ECONFLICT;
    } else {
        status = hub_birth(hub, connection, &user);
    }
    if (status == QUIRE_ECONFLICT) {
        hub_fatal(hub, connection, QR_ERROR_FORK,
            "its roster revokes batches that other devices depend on");
        return false;
    }
    if (status == QUIRE_ESTATE) {
        if (connection->state != HUB_CLOSING) {
            come_back(hub, connection, RETRY_LOAD_MS, "the log is being searched for a revocation");
        }
        return false;
    }
    if (status == QUIRE_OK) {
        status = hub_roster_take(hub, user, &handshake->offered, connection->id);
    }
    if (status != QUIRE_OK) {
        hub->out.failed = true;
        return false;
    }
    *inout_user = user;
    return true;
}

enum quire_status hub_birth(
    struct qr_hub *hub, struct hub_connection *connection, struct hub_user **out_user)
{
    if (hub->now_ms < hub->full_until_ms) { /* what room is left is for those that are here */
        hub->counters.accounts_refused++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_STORE_FULL,
                .fatal = true,
                .retry_ms = RETRY_FULL_MS,
                .cause = "the store is full"});
        return QUIRE_ESTATE;
    }
    if (hub->births == NULL && connection->address != 0) {
        hub->births = calloc(1, sizeof *hub->births);
        if (hub->births == NULL) {
            return QUIRE_ENOMEM;
        }
    }
    uint32_t wait_ms = connection->address == 0
        ? 0
        : hub_birth_admit(
            hub->births, hub->now_ms, connection->address, hub->limits.accounts_per_hour);
    if (wait_ms > 0) {
        hub->counters.accounts_refused++;
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_RATE,
                .fatal = true,
                .retry_ms = wait_ms,
                .cause = "too many new accounts from this address"});
        return QUIRE_ESTATE;
    }
    enum quire_status status = hub_user_new(hub, connection->handshake.claimed_user, out_user);
    if (status == QUIRE_OK) {
        hub->counters.accounts_made++;
        (*out_user)->birth = (struct hub_birth){connection->address, hub->now_ms};
    }
    return status;
}

/* ---- WELCOME --------------------------------------------------------------------------------- */

static void welcome(struct qr_hub *hub, struct hub_connection *connection, struct hub_user *user)
{
    struct hub_member *member = hub_member_of(user, connection->device);
    if (member == NULL) {
        hub->out.failed = true;
        return;
    }
    hub_handshake_leave(hub, connection);
    hub_make_slot(hub, user, member);
    hub_user_wake(hub, user);
    connection->user = user;
    connection->member = member;
    connection->reader.credit = hub->limits.credit;
    DL_APPEND(user->connections, connection);
    hub_set_state(hub, connection, HUB_READY);

    struct qr_frame frame = {.type = QR_FRAME_WELCOME};
    frame.welcome.roster_count = user->roster.count;
    frame.welcome.roster_head = qr_roster_head(&user->roster);
    frame.welcome.session = connection->id;
    hub_send(hub, connection, &frame);
    hub_send_roster(hub, connection, connection->roster_count);
    if (connection->handshake.revoked
        || (!qr_is_zero(connection->device, QR_DEVICE_SIZE)
            && !qr_roster_active(&user->roster, connection->device))) {
        hub_fatal(hub, connection, QR_ERROR_REVOKED, "the device is revoked");
        return;
    }
    hub_presence(hub, user);
}

void hub_on_auth_verified(struct qr_hub *hub, struct hub_connection *connection, size_t valid)
{
    struct hub_handshake *handshake = &connection->handshake;
    struct hub_user *user;
    bool offering = connection->state == HUB_OFFERING;
    bool holds = valid == (offering ? handshake->job_count : 1) || QR_FAILPOINT_ON(HUB_NO_AUTH);
    if (handshake->strangers_jobs) {
        hub->counters.pending_stranger_jobs -= handshake->job_count;
        handshake->strangers_jobs = false;
    }
    if (!load_claimed(hub, connection, &user)) {
        return;
    }
    if (!holds) {
        fail_authentication(hub, connection, user, QR_ERROR_AUTH,
            offering ? "a signature of its roster does not hold" : "its signature does not hold");
    } else if (!offering && handshake->job_count > 0) {
        check_offer(hub, connection, user);
    } else if (accept_offer(hub, connection, &user)) {
        welcome(hub, connection, user);
    }
}
