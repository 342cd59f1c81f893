/*
 * HELLO, CHALLENGE, AUTH, WELCOME: who is there. Cheap checks come before any signature, and the
 * whole transcript is signed, so that nothing of it can be changed or relayed to another host.
 */
#include "sync/hub/handshake.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include "sync/hub/stream.h"
#include "sync/hub/user.h"
#include "sync/transcript.h"
#include <stdlib.h>

#define RETRY_LOAD_MS 1000

/* Whoever fails too often is told to wait; but a good proof is taken at any time, or everybody who
 * knows a user's id could keep its devices out. What trying costs us is bounded by address. */
static void fail_authentication(struct qr_hub *hub, struct hub_connection *connection,
    struct hub_user *user)
{
    uint32_t wait_ms = 0;
    hub->counters.auth_failures++;
    if (user != NULL) {
        wait_ms = hub_bucket_take(&user->failures, hub->now_ms, 1, hub->limits.auth_failures_per_hour,
            HUB_HOUR_MS, hub->limits.auth_failures_per_hour);
    }
    if (wait_ms > 0) {
        hub->counters.rate_limited++;
        hub_error(hub, connection, QR_ERROR_RATE, true, wait_ms, NULL, 0, (struct quire_bytes){0});
        return;
    }
    hub_fatal(hub, connection, QR_ERROR_AUTH);
}

/* The user that the connection claims to be; NULL: the log has nothing of it. False: it was told
 * to come back later. */
static bool load_claimed(struct qr_hub *hub, struct hub_connection *connection,
    struct hub_user **out_user)
{
    *out_user = NULL;
    enum quire_status status = hub_user_get(hub, connection->claimed_user, out_user);
    if (status == QUIRE_ENOMEM) {
        hub->out.failed = true;
    } else if (status != QUIRE_OK && status != QUIRE_ENOTFOUND) {
        hub_error(hub, connection, QR_ERROR_OVERLOADED, true, RETRY_LOAD_MS, NULL, 0,
            (struct quire_bytes){0});
    } else {
        return true;
    }
    return false;
}

void hub_on_hello(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    if (frame->hello.min > QR_PROTOCOL_VERSION || frame->hello.max < QR_PROTOCOL_VERSION) {
        hub_fatal(hub, connection, QR_ERROR_VERSION);
        return;
    }
    memcpy(connection->claimed_user, frame->hello.user, QR_USER_SIZE);
    memcpy(connection->device, frame->hello.device, QR_DEVICE_SIZE);
    connection->roster_count = frame->hello.roster_count;
    struct hub_user *user;
    if (!load_claimed(hub, connection, &user)) {
        return;
    }
    if (user == NULL && (!hub->limits.open_registration || frame->hello.roster_count == 0)) {
        hub->counters.auth_failures++;
        hub_fatal(hub, connection, QR_ERROR_AUTH);
        return;
    }
    static const struct qr_roster none;
    const struct qr_roster *roster = user == NULL ? &none : &user->roster;
    struct qr_frame challenge = {.type = QR_FRAME_CHALLENGE};
    challenge.challenge.version = QR_PROTOCOL_VERSION;
    challenge.challenge.nonce = connection->nonce;
    challenge.challenge.time_ms = hub->wall_ms;
    challenge.challenge.roster_count = roster->count;
    challenge.challenge.roster_head = qr_roster_head(roster);
    challenge.challenge.log = hub->log;
    size_t start = hub->out.bytes.size;
    hub_send(hub, connection, &challenge);
    if (hub->out.failed || connection->state == HUB_CLOSING) {
        return;
    }
    qr_auth_digest((struct quire_bytes){connection->host, connection->host_size}, bytes,
        (struct quire_bytes){hub->out.bytes.data + start, hub->out.bytes.size - start},
        connection->auth_digest);
    connection->challenged_count = roster->count;
    connection->state = HUB_CHALLENGED;
}

/* The roster is not what CHALLENGE said: somebody else brought records, or they were rolled back. It
 * is nobody's fault; let the client look again. */
static void grew_meanwhile(struct qr_hub *hub, struct hub_connection *connection)
{
    hub_error(hub, connection, QR_ERROR_STALE_ROSTER, true, 100, NULL, 0, (struct quire_bytes){0});
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

/* The server's roster with the records of AUTH after it, in connection->offered; their signatures are
 * in out_jobs, one for each. Anybody may offer many, so they are not checked in this step. */
static bool take_offer(struct qr_hub *hub, struct hub_connection *connection,
    const struct hub_user *user, const struct qr_frame *frame, struct qr_verify_job *out_jobs)
{
    struct qr_roster *offered = &connection->offered;
    enum quire_status status = QUIRE_OK;
    if (user != NULL) {
        status = qr_roster_copy(&user->roster, offered);
    } else {
        *offered = (struct qr_roster){0};
    }
    connection->has_offer = status == QUIRE_OK;
    for (size_t i = 0; i < frame->auth.record_count && status == QUIRE_OK; i++) {
        struct qr_roster_proof proof;
        status = qr_roster_append_unproved(offered, frame->auth.records[i], &proof);
        if (status == QUIRE_OK) {
            out_jobs[i] = verify_job(QR_CONTEXT_ROSTER_SIGN, proof.public_key, proof.hash, proof.signature);
        }
    }
    if (status == QUIRE_ENOMEM) {
        hub->out.failed = true;
    }
    return status == QUIRE_OK && offered->count > 0 &&
        memcmp(offered->user, connection->claimed_user, QR_USER_SIZE) == 0;
}

/* With what it signs who claims to be here, by the roster as offered. NULL: nobody in it. */
static const uint8_t *claimed_key(struct hub_connection *connection)
{
    if (qr_is_zero(connection->device, QR_DEVICE_SIZE)) {
        return connection->offered.root;
    }
    const struct qr_roster_device *device =
        qr_roster_find(&connection->offered, connection->device);
    connection->auth_revoked = device != NULL && device->revoked_seq != 0;
    return device == NULL ? NULL : device->sign_public;
}

void hub_on_auth(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame)
{
    struct hub_user *user;
    if (!load_claimed(hub, connection, &user)) {
        return;
    }
    if (frame->auth.record_count > 0 &&
        (user == NULL ? 0 : user->roster.count) != connection->challenged_count) {
        grew_meanwhile(hub, connection);
        return;
    }
    struct qr_verify_job *jobs = calloc(1 + frame->auth.record_count, sizeof *jobs);
    if (jobs == NULL) {
        hub->out.failed = true;
        return;
    }
    const uint8_t *key = NULL;
    if (take_offer(hub, connection, user, frame, jobs + 1)) {
        key = claimed_key(connection);
    }
    if (key == NULL) {
        fail_authentication(hub, connection, user);
    } else {
        /* Who it is comes first: a stranger's records are looked at no further. */
        jobs[0] = verify_job(QR_CONTEXT_AUTH, key, connection->auth_digest, frame->auth.signature);
        connection->auth_jobs = 1 + frame->auth.record_count;
        connection->state = HUB_AUTHENTICATING; /* once in a connection's life */
        hub_verify(hub, HUB_AUTH_TOKEN | connection->id, jobs, connection->auth_jobs);
    }
    free(jobs);
}

/* The user, made if this is its first connection, with the offered records on their way to disk. */
static bool adopt_offer(struct qr_hub *hub, struct hub_connection *connection,
    struct hub_user **inout_user)
{
    struct hub_user *user = *inout_user;
    if (user != NULL && user->roster.count >= connection->offered.count) {
        return true;
    }
    if (user != NULL && user->roster.count != connection->challenged_count) {
        grew_meanwhile(hub, connection);
        return false;
    }
    enum quire_status status = QUIRE_OK;
    if (user != NULL) {
        status = hub_roster_admissible(hub, user, &connection->offered, user->roster.count);
    }
    if (status == QUIRE_ECONFLICT) {
        hub_fatal(hub, connection, QR_ERROR_FORK);
        return false;
    }
    if (user == NULL) {
        status = hub_user_new(hub, connection->claimed_user, &user);
    }
    if (status == QUIRE_OK) {
        status = hub_roster_take(hub, user, &connection->offered, connection->id);
    }
    if (status != QUIRE_OK) {
        hub->out.failed = true;
        return false;
    }
    *inout_user = user;
    return true;
}

void hub_on_auth_verified(struct qr_hub *hub, struct hub_connection *connection, bool valid)
{
    struct hub_user *user;
    if (!load_claimed(hub, connection, &user)) {
        return;
    }
    if (!valid && !QR_FAILPOINT_ON(HUB_NO_AUTH)) {
        fail_authentication(hub, connection, user);
        return;
    }
    if (!adopt_offer(hub, connection, &user)) {
        return;
    }
    qr_roster_finish(&connection->offered);
    connection->has_offer = false;
    if (user->connection_count >= hub->limits.connections_per_user) {
        hub_error(hub, connection, QR_ERROR_OVERLOADED, true, 10000, NULL, 0,
            (struct quire_bytes){0});
        return;
    }

    if (user->idle) {
        DL_DELETE(hub->idle_users, user);
        hub->idle_count--;
        user->idle = false;
    }
    connection->user = user;
    connection->state = HUB_READY;
    connection->credit = hub->limits.credit;
    DL_APPEND(user->connections, connection);
    user->connection_count++;
    hub->counters.connections_ready++;

    struct qr_frame welcome = {.type = QR_FRAME_WELCOME};
    welcome.welcome.roster_count = user->roster.count;
    welcome.welcome.roster_head = qr_roster_head(&user->roster);
    welcome.welcome.session = connection->id;
    hub_send(hub, connection, &welcome);
    hub_send_roster(hub, connection, connection->roster_count);
    if (connection->auth_revoked ||
        (!qr_is_zero(connection->device, QR_DEVICE_SIZE) &&
            !qr_roster_active(&user->roster, connection->device))) {
        hub_fatal(hub, connection, QR_ERROR_REVOKED);
        return;
    }
    hub_presence(hub, user);
}
