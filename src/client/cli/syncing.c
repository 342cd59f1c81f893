/*
 * sync and status.
 */
#include "client/cli/daemon.h"
#include "client/cli/draft.h"
#include "client/cli/moving.h"
#include <inttypes.h>

/* ---- sync ------------------------------------------------------------------------------------ */

static enum qr_cli_exit follow(struct qr_cli *cli)
{
    cli->following = true;
    enum qr_cli_exit exit = qr_cli_open(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_follow(cli->client);
    return status == QUIRE_OK ? QR_CLI_DONE : qr_cli_online_failure(cli, status);
}

enum qr_cli_exit qr_cli_sync(struct qr_cli *cli)
{
    uint32_t timeout_ms = 0;
    if (qr_cli_has(&cli->args, "follow")) {
        return qr_cli_has(&cli->args, "timeout") || qr_cli_has(&cli->args, "deadline")
            ? qr_cli_usage(cli,
                "--follow stays until it is interrupted; --timeout and --deadline do not "
                "go with it.")
            : follow(cli);
    }
    enum qr_cli_exit exit = qr_cli_timeout(cli, QR_CLI_TIMEOUT_S, &timeout_ms);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open(cli);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_sync(cli->client, timeout_ms);
    qr_cli_clear_progress(cli);
    if (status != QUIRE_OK) {
        return qr_cli_online_failure(cli, status);
    }
    if (cli->json) {
        struct quire_device_state state;
        quire_client_state(cli->client, &state);
        return qr_cli_print_json(cli,
            json_pack("{s:b, s:I, s:I, s:s}", "synced", 1, "changed", (json_int_t)cli->changed,
                "batches", (json_int_t)state.batch_count, "words", state.words));
    }
    printf("In sync: all that was written here is on the server");
    if (cli->changed > 0) {
        printf(", and %" PRIu64 " %s from elsewhere", cli->changed,
            cli->changed == 1 ? "change came" : "changes came");
    }
    printf(".\n");
    return QR_CLI_DONE;
}

/* ---- status ---------------------------------------------------------------------------------- */

static bool json_rejection(void *context, const struct quire_rejection *rejection)
{
    json_array_append_new(context,
        json_pack("{s:I, s:i, s:s, s:s}", "seq", (json_int_t)rejection->seq, "code",
            (int)rejection->code, "name", rejection->name, "text",
            quire_error_text(rejection->code)));
    return true;
}

static bool print_rejection(void *context, const struct quire_rejection *rejection)
{
    const struct qr_cli *cli = context;
    printf(
        "%srefused by the server (%s): %s%s\n  It is safe here, and is sent again when the cause "
        "is gone.\n",
        qr_cli_warn(cli), rejection->name, quire_error_text(rejection->code), qr_cli_plain(cli));
    return true;
}

static enum qr_cli_exit print_status_json(
    struct qr_cli *cli, const struct quire_device_state *state, uint64_t unsent)
{
    json_t *rejections = json_array(), *alarms = json_array();
    uint64_t acknowledged[QUIRE_ALARM_COUNT];
    quire_client_acknowledged(cli->client, acknowledged);
    quire_client_each_rejection(cli->client, json_rejection, rejections);
    for (uint32_t alarm = 1; alarm < QUIRE_ALARM_COUNT; alarm++) {
        if (state->alarms[alarm] > 0) {
            json_array_append_new(alarms,
                json_pack("{s:i, s:I, s:I, s:s}", "code", (int)alarm, "count",
                    (json_int_t)state->alarms[alarm], "acknowledged",
                    (json_int_t)acknowledged[alarm], "text", quire_alarm_text(alarm)));
        }
    }
    const char *server = quire_client_server(cli->client);
    json_t *object = json_pack("{s:o, s:s?, s:b, s:b, s:i, s:i, s:I, s:I, s:I, s:I, s:o, s:s}",
        "device", qr_cli_json_id(state->device), "server", server[0] != 0 ? server : NULL, "joined",
        (int)state->joined, "revoked", (int)state->revoked, "epoch", (int)state->epoch, "roster",
        (int)state->roster_count, "batches", (json_int_t)state->batch_count, "chains",
        (json_int_t)state->chain_count, "unsealed", (json_int_t)state->unsealed_count,
        "unacknowledged", (json_int_t)state->unacknowledged_count, "caught_up_ms",
        qr_cli_json_time(state->caught_up_ms), "words", state->words);
    if (object != NULL) {
        json_object_set_new(object, "rejections", rejections);
        json_object_set_new(object, "alarms", alarms);
        json_object_set_new(object, "unsent", json_integer((json_int_t)unsent));
        json_object_set_new(object, "drafts", json_integer((json_int_t)qr_cli_draft_count(cli)));
        json_object_set_new(
            object, "roster_fullness", json_integer((json_int_t)state->roster_fullness));
        struct qr_client_daemon_state daemon = {0};
        bool runs = qr_cli_daemon_state(cli, &daemon);
        json_object_set_new(object, "daemon", qr_cli_daemon_json(runs, &daemon));
        json_object_set_new(object, "unread", json_integer((json_int_t)state->unread_count));
    }
    return qr_cli_print_json(cli, object);
}

static bool count_entry(void *context, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    (void)entry;
    ++*(uint64_t *)context;
    return true;
}

/* Those that were raised since the user acknowledged them. */
static void print_alarms(const struct qr_cli *cli, const struct quire_device_state *state)
{
    uint64_t acknowledged[QUIRE_ALARM_COUNT];
    bool any = false;
    quire_client_acknowledged(cli->client, acknowledged);
    for (uint32_t alarm = 1; alarm < QUIRE_ALARM_COUNT; alarm++) {
        uint64_t count = state->alarms[alarm] - acknowledged[alarm];
        if (state->alarms[alarm] > acknowledged[alarm]) {
            printf("%swarning%s      %s (%" PRIu64 " %s)\n", qr_cli_warn(cli), qr_cli_plain(cli),
                quire_alarm_text(alarm), count, count == 1 ? "time" : "times");
            any = true;
        }
    }
    if (any && cli->terminal) {
        printf("             read and understood: quire status --acknowledge\n");
    }
}

enum qr_cli_exit qr_cli_status(struct qr_cli *cli)
{
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    struct quire_device_state state;
    uint64_t unsent = 0;
    quire_client_state(cli->client, &state);
    enum quire_status status = quire_client_each_unsent(cli->client, count_entry, &unsent);
    if (status == QUIRE_OK && qr_cli_has(&cli->args, "acknowledge")) {
        status = quire_client_acknowledge(cli->client);
    }
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return print_status_json(cli, &state, unsent);
    }
    const char *server = quire_client_server(cli->client);
    char when[48] = "never";
    if (state.caught_up_ms != 0) {
        qr_cli_time_text(state.caught_up_ms, when);
    }
    if (state.revoked) {
        printf("%sThis device was revoked. What was written here is still here.%s\n",
            qr_cli_warn(cli), qr_cli_plain(cli));
    }
    printf(
        "server       %s\n", server[0] != 0 ? server : "none yet (quire server wss://host:port)");
    struct qr_client_daemon_state daemon;
    if (qr_cli_daemon_state(cli, &daemon)) {
        printf("syncs        ");
        qr_cli_daemon_print(&daemon);
    }
    printf("last sync    %s\n", when);
    if (unsent == 0) {
        printf("not sent     nothing\n");
    } else {
        printf("not sent     %s%" PRIu64 " %s%s\n", qr_cli_warn(cli), unsent,
            unsent == 1 ? "entry" : "entries", qr_cli_plain(cli));
    }
    if (state.roster_fullness >= 80) {
        printf("%sdevices%s      the account's list of devices is %" PRIu32
               " %% full; when it is full, only "
               "the recovery kit can add a device. Revoking always works\n",
            qr_cli_warn(cli), qr_cli_plain(cli), state.roster_fullness);
    }
    if (state.unread_count > 0) {
        printf("%sunread%s       %" PRIu64
               " %s: another device has a later version of Quire; they are kept, "
               "and shown after an upgrade of this one\n",
            qr_cli_warn(cli), qr_cli_plain(cli), state.unread_count,
            state.unread_count == 1 ? "batch" : "batches");
    }
    printf("state digest %s\n", state.words);
    quire_client_each_rejection(cli->client, print_rejection, cli);
    print_alarms(cli, &state);
    qr_cli_print_import_mark(cli);
    qr_cli_draft_print_notice(cli);
    return QR_CLI_DONE;
}
