/*
 * Each invariant of a device, violated on purpose: the assertion that names it must fire.
 */
#include "harness.h"
#include "sync/device/state.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {7};

/** A violation of a device that is connected, caught up, and has chains of two devices. */
struct violation {
    const char *assertion; /* a part of the expression that must fail */
    void (*plant)(struct quire_device *device);
};

#define VIOLATION(name, statement) \
    static void name(struct quire_device *device) \
    { \
        statement; \
    }

VIOLATION(
    durable_beyond_head, device->chains.items[0].disk.durable = device->chains.items[0].head + 1)
VIOLATION(
    pending_beyond_head, device->chains.items[0].disk.pending = device->chains.items[0].head + 1)
VIOLATION(token_of_the_future,
    (device->chains.items[0].disk.pending = 1,
        device->chains.items[0].disk.pending_token = device->chains.token + 1))
VIOLATION(sent_beyond_head, device->chains.items[0].link.sent = device->chains.items[0].head + 1)
VIOLATION(acked_beyond_head, device->chains.items[0].acked = device->chains.items[0].head + 1)
VIOLATION(damage_beyond_head, device->chains.items[0].damage.seq = device->chains.items[0].head + 1)
VIOLATION(empty_chain, device->chains.items[0].head = 0)
VIOLATION(too_many_chains, device->chains.count = device->chains.capacity + 1)
VIOLATION(caught_up_while_connecting, device->link.state = LINK_HELLO)
VIOLATION(hello_without_deadline, (device->link.state = LINK_HELLO, device->link.caught_up = false))
VIOLATION(deadline_without_connection,
    (device->link.state = LINK_NONE, device->link.caught_up = false, device->link.deadline_ms = 1))
VIOLATION(resubscription_without_connection,
    (device->link.state = LINK_NONE, device->link.caught_up = false, device->link.deadline_ms = 0,
        device->link.resub_at_ms = 1))
VIOLATION(presence_without_connection,
    (device->link.state = LINK_NONE, device->link.caught_up = false, device->link.deadline_ms = 0,
        device->link.resub_at_ms = 0, device->link.presence = 1))
VIOLATION(more_consumed_than_credited, device->receive.consumed = device->receive.credit + 1)
VIOLATION(too_many_shut_out, device->receive.shut_out_count = DEVICE_SHUT_OUT_MAX + 1)
VIOLATION(too_many_in_flight, device->upload.inflight_count = DEVICE_INFLIGHT_COUNT + 1)
VIOLATION(too_much_in_flight, device->upload.inflight_size = QR_UNACKED_MAX + 1)
VIOLATION(sizes_in_flight_differ, device->upload.inflight_size += 1)
VIOLATION(unread_beyond_count, device->unread.next = device->unread.count + 1)
VIOLATION(unread_beyond_capacity,
    device->unread.count = device->unread.next = device->unread.capacity + 1)
VIOLATION(touched_between_steps, device->cache.recent->touched = true)
VIOLATION(state_due_between_steps, device->cache.recent->state_due = true)
VIOLATION(cache_miscounted, device->cache.count += 1)
VIOLATION(pending_beyond_capacity, device->pending.count = device->pending.capacity + 1)
VIOLATION(last_edit_before_first,
    (device->pending.first_ms = 2, device->pending.last_ms = 1, device->pending.count = 1))
VIOLATION(edit_without_size, (device->pending.items[0].size = 0, device->pending.count = 1))
VIOLATION(append_sent_of_nothing, device->append.sent = true)
VIOLATION(append_of_no_kind, device->append.kind = APPEND_KIND_COUNT)
VIOLATION(append_without_records, (device->append.kind = APPEND_REVOKE, device->append.sent = true))
VIOLATION(audit_too_late, device->audit.delay_ms = DEVICE_AUDIT_LAST_MS + 1)
VIOLATION(audit_roster_too_long, device->audit.server_roster.count = QR_RECORDS_MAX + 1)
VIOLATION(too_many_lost_ops, device->lost_ops.count = DEVICE_LOST_OPS_MAX + 1)
VIOLATION(answers_not_asked_for, device->recovery.count = 1)
VIOLATION(too_many_answers, device->recovery.count = QR_DEVICES_MAX + 1)
VIOLATION(open_without_secret, (device->pairing.open = true, device->pairing.secret = NULL))
VIOLATION(answered_without_open, (device->pairing.open = false, device->pairing.until_ms = 1))
VIOLATION(member_with_a_kit, device->enrolment.role = ROLE_RECOVERING)
VIOLATION(member_without_roster, device->roster.count = 0)
VIOLATION(stranger_with_chains,
    (device->enrolment.role = ROLE_JOINING, device->link.state = LINK_ROSTER,
        device->link.caught_up = false))
VIOLATION(recovery_by_a_member, device->append.kind = APPEND_RECOVER)
VIOLATION(in_flight_without_connection,
    (device->link.state = LINK_NONE, device->link.caught_up = false, device->link.presence = 0,
        device->upload.got_want = false, device->upload.inflight_count = 1,
        device->upload.inflight[0].size = 0))
VIOLATION(wanted_without_connection,
    (device->link.state = LINK_NONE, device->link.caught_up = false, device->link.presence = 0))
VIOLATION(persist_not_first,
    (device->out.count = 1, device->out.write_count = 0,
        device->out.items[0].kind = QUIRE_ACTION_PERSIST))
VIOLATION(output_out_of_memory, device->out.failed = true)

static void rebased_out_of_order(struct quire_device *device)
{
    uint8_t hash[QR_HASH_SIZE] = {0};
    cr_assert_eq(device_rebased_append(&device->rebased, 2, hash), QUIRE_OK);
    cr_assert_eq(device_rebased_append(&device->rebased, 1, hash), QUIRE_OK);
}

static void two_lost_ops_of_one_device(struct quire_device *device)
{
    struct device_lost_op *op;
    cr_assert_eq(
        device_lost_ops_get(&device->lost_ops, (const uint8_t[QR_DEVICE_SIZE]){1}, &op), QUIRE_OK);
    cr_assert_eq(
        device_lost_ops_get(&device->lost_ops, (const uint8_t[QR_DEVICE_SIZE]){2}, &op), QUIRE_OK);
    memcpy(op->device, device->lost_ops.items[0].device, QR_DEVICE_SIZE);
}

/* A transition that the connection's table does not have. */
static void from_ready_to_hello(struct quire_device *device)
{
    device_link_set(&device->link, LINK_HELLO);
}

static const struct violation violations[] = {
    {"chain->disk.durable <= chain->head", durable_beyond_head},
    {"chain->disk.pending <= chain->head", pending_beyond_head},
    {"chain->disk.pending_token <= chains->token", token_of_the_future},
    {"chain->link.sent <= chain->head", sent_beyond_head},
    {"chain->acked <= chain->head", acked_beyond_head},
    {"chain->damage.seq <= chain->head", damage_beyond_head},
    {"chain->head > 0", empty_chain},
    {"chains->count <= chains->capacity", too_many_chains},
    {"!link->caught_up", caught_up_while_connecting},
    {"!shakes || link->deadline_ms > 0", hello_without_deadline},
    {"!none || link->deadline_ms == 0", deadline_without_connection},
    {"!none || link->resub_at_ms == 0", resubscription_without_connection},
    {"!none || link->presence == 0", presence_without_connection},
    {"may_follow[link->state][state]", from_ready_to_hello},
    {"receive->consumed <= receive->credit", more_consumed_than_credited},
    {"receive->shut_out_count", too_many_shut_out},
    {"upload->inflight_count <=", too_many_in_flight},
    {"upload->inflight_size <=", too_much_in_flight},
    {"size == upload->inflight_size", sizes_in_flight_differ},
    {"list->next <= list->count", unread_beyond_count},
    {"list->count <= list->capacity", unread_beyond_capacity},
    {"!entry->touched", touched_between_steps},
    {"!entry->state_due", state_due_between_steps},
    {"count == cache->count", cache_miscounted},
    {"list->count <= list->capacity", pending_beyond_capacity},
    {"list->first_ms <= list->last_ms", last_edit_before_first},
    {"list->items[i].size > 0", edit_without_size},
    {"!append->sent || append->kind", append_sent_of_nothing},
    {"append->kind < APPEND_KIND_COUNT", append_of_no_kind},
    {"append->sent == (append->roster.count > 0)", append_without_records},
    {"audit->delay_ms", audit_too_late},
    {"audit->server_roster.count", audit_roster_too_long},
    {"ops->count <=", too_many_lost_ops},
    {"device_lost_ops_find", two_lost_ops_of_one_device},
    {"rebased->items[i - 1].number", rebased_out_of_order},
    {"recovery->asked || recovery->count == 0", answers_not_asked_for},
    {"recovery->count <=", too_many_answers},
    {"device->pairing.secret != NULL", open_without_secret},
    {"device->pairing.until_ms == 0", answered_without_open},
    {"device->enrolment.kit != NULL", member_with_a_kit},
    {"device->roster.count > 0", member_without_roster},
    {"device->chains.count == 0", stranger_with_chains},
    {"device->append.kind != APPEND_RECOVER", recovery_by_a_member},
    {"device->upload.inflight_count == 0", in_flight_without_connection},
    {"!device->upload.got_want", wanted_without_connection},
    {"persists == ", persist_not_first},
    {"!output->failed", output_out_of_memory},
};

/* Breaks and checks in a child process; what it said on its standard error. */
static bool dies_with(
    struct quire_device *device, const struct violation *violation, char *out_said, size_t size)
{
    int ends[2], status = 0;
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        violation->plant(device);
        device_check(device);
        _exit(0);
    }
    close(ends[1]);
    size_t said = 0;
    for (ssize_t got;
         said + 1 < size && (got = read(ends[0], out_said + said, size - said - 1)) > 0;) {
        said += (size_t)got;
    }
    out_said[said] = 0;
    close(ends[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

Test(invariants, each_violation_fires_the_assertion_that_names_it)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_type(&world, 0, diary, "one ");
    world_run(&world, 3000);
    world_type(&world, 1, diary, "two ");
    world_run(&world, 3000);
    struct quire_device *device = world.people[0].shell.device;
    device_check(device);
    for (size_t i = 0; i < sizeof violations / sizeof *violations; i++) {
        char said[1024];
        cr_expect(dies_with(device, &violations[i], said, sizeof said), "%s: the check passed",
            violations[i].assertion);
        cr_expect_not_null(strstr(said, violations[i].assertion), "%s: another one fired: %s",
            violations[i].assertion, said);
    }
    world_finish(&world);
}
