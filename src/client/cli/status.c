/*
 * status: how the journal stands, in words a person uses.
 */
#define _GNU_SOURCE
#include "client/agent/agent.h"
#include "client/cli/daemon.h"
#include "client/cli/draft.h"
#include "client/cli/keyring.h"
#include "client/cli/moving.h"
#include "client/lock.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

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
        struct qr_client_path key_file;
        bool sealed = quire_client_has_passphrase(cli->client);
        uint32_t unlocked_s =
            sealed && qr_client_profile_key_path(cli->client, &key_file) == QUIRE_OK
            ? qr_client_agent_seconds(key_file.text)
            : 0;
        json_object_set_new(object, "passphrase", json_boolean(sealed));
        json_object_set_new(object, "unlocked_s", json_integer((json_int_t)unlocked_s));
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

/* ---- for a person ---------------------------------------------------------------------------- */

void qr_cli_ago_text(int64_t wall_ms, int64_t now_ms, char out_text[48])
{
    char when[48];
    int64_t ago_s = (now_ms - wall_ms) / 1000;
    time_t then = (time_t)(wall_ms / 1000), now = (time_t)(now_ms / 1000);
    struct tm at, today, yesterday;
    localtime_r(&then, &at);
    localtime_r(&now, &today);
    yesterday = today;
    yesterday.tm_mday--;
    yesterday.tm_hour = 12;
    mktime(&yesterday);
    qr_cli_time_text(wall_ms, when);
    bool same_day = at.tm_year == today.tm_year && at.tm_yday == today.tm_yday;
    bool day_before = at.tm_year == yesterday.tm_year && at.tm_yday == yesterday.tm_yday;
    if (ago_s < 0) {
        snprintf(out_text, 48, "%.16s", when);
    } else if (ago_s < 90) {
        snprintf(out_text, 48, "just now");
    } else if (ago_s < 5400) {
        snprintf(out_text, 48, "%d minutes ago", (int)((ago_s + 30) / 60));
    } else if (same_day || day_before) {
        snprintf(out_text, 48, "%s at %02d:%02d", same_day ? "today" : "yesterday", at.tm_hour,
            at.tm_min);
    } else {
        snprintf(out_text, 48, "%.16s", when);
    }
}

struct device_names {
    bool others;
    unsigned count;
};

static bool print_device(void *context, const struct quire_device_info *info)
{
    struct device_names *names = context;
    if (info->active && info->self != names->others) {
        printf("%s", names->count == 0 ? "" : ", ");
        qr_cli_print_name(stdout,
            info->name.size > 0 ? info->name : quire_bytes_of_text("(no name that can be read)"));
        names->count++;
    }
    return true;
}

static void print_devices(struct qr_cli *cli)
{
    struct device_names self = {.others = false}, others = {.others = true};
    printf("device       ");
    if (quire_client_each_device(cli->client, print_device, &self) == QUIRE_OK) {
        printf("\nothers       ");
        if (quire_client_each_device(cli->client, print_device, &others) == QUIRE_OK
            && others.count == 0) {
            printf("none (quire pair)");
        }
    }
    printf("\n");
}

static void print_sync(struct qr_cli *cli, const struct quire_device_state *state, uint64_t unsent)
{
    struct qr_client_daemon_state daemon;
    char when[48] = "";
    if (state->caught_up_ms != 0) {
        qr_cli_ago_text(state->caught_up_ms, qr_cli_wall_ms(), when);
    }
    printf("synced       ");
    if (quire_client_server(cli->client)[0] == 0) {
        printf(unsent == 1 ? "never; %" PRIu64 " entry is on this machine alone\n"
                           : "never; %" PRIu64 " entries are on this machine alone\n",
            unsent);
        return;
    }
    if (unsent > 0) {
        printf("%s%" PRIu64 " %s not on the server yet%s; last sync: ", qr_cli_warn(cli), unsent,
            unsent == 1 ? "entry is" : "entries are", qr_cli_plain(cli));
    } else if (state->caught_up_ms != 0) {
        printf("everything is on the server; last sync: ");
    }
    printf("%s\n", when[0] != 0 ? when : "never");
    if (qr_cli_daemon_state(cli, &daemon)) {
        printf("syncs        ");
        qr_cli_daemon_print(&daemon);
    }
}

static void print_lock(struct qr_cli *cli)
{
    struct qr_client_path key_file;
    uint32_t seconds = 0;
    bool sealed = quire_client_has_passphrase(cli->client);
    if (sealed && qr_client_profile_key_path(cli->client, &key_file) == QUIRE_OK) {
        seconds = qr_client_agent_seconds(key_file.text);
    }
    if (!sealed) {
        printf("lock         no passphrase (quire passphrase set)\n");
    } else if (seconds == 0 && qr_cli_keyring_is_used(key_file.text)) {
        printf("lock         a passphrase; the keyring has it\n");
    } else if (seconds == 0) {
        printf("lock         a passphrase; each command asks for it (quire unlock)\n");
    } else {
        printf("lock         a passphrase; unlocked, until no command is used for %" PRIu32 " %s\n",
            seconds < 120 ? seconds : (seconds + 59) / 60, seconds < 120 ? "s" : "min");
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
    if (state.revoked) {
        printf("%sThis device was revoked. What was written here is still here.%s\n",
            qr_cli_warn(cli), qr_cli_plain(cli));
    }
    print_devices(cli);
    const char *server = quire_client_server(cli->client);
    printf(
        "server       %s\n", server[0] != 0 ? server : "none yet (quire server wss://host:port)");
    print_sync(cli, &state, unsent);
    print_lock(cli);
    if (state.roster_fullness >= 80) {
        printf("%sdevices%s      the account's list of devices is %" PRIu32
               " %% full; when it is full, only "
               "the recovery kit can add a device. Revoking always works\n",
            qr_cli_warn(cli), qr_cli_plain(cli), state.roster_fullness);
    }
    if (state.unread_count > 0) {
        printf("%sunread%s       %" PRIu64
               " %s of a device with a later version of Quire: kept, and "
               "shown once this one is upgraded\n",
            qr_cli_warn(cli), qr_cli_plain(cli), state.unread_count,
            state.unread_count == 1 ? "change" : "changes");
    }
    printf("state digest %s\n", state.words);
    quire_client_each_rejection(cli->client, print_rejection, cli);
    print_alarms(cli, &state);
    qr_cli_print_import_mark(cli);
    qr_cli_draft_print_notice(cli);
    return QR_CLI_DONE;
}
