/*
 * The client behind a command: made from options and environment, its callbacks printed for the user.
 */
#define _GNU_SOURCE
#include "client/cli/profiles.h"
#include "client/url.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void qr_cli_clear_progress(struct qr_cli *cli)
{
    if (cli->progress_shown) {
        fputs("\r\x1b[K", stderr);
        fflush(stderr);
        cli->progress_shown = false;
    }
}

/* ---- events of a sync ----------------------------------------------------------------------- */

static void print_event(struct qr_cli *cli, const char *what, const char *text)
{
    qr_cli_clear_progress(cli);
    if (!cli->following) {
        return;
    }
    if (cli->watch != NULL) {
        cli->watch(cli, what, text);
    }
    if (cli->json) {
        qr_cli_print_json(cli, json_pack("{s:s, s:s}", "event", what, "text", text));
        return;
    }
    char when[48];
    qr_cli_time_text((int64_t)time(NULL) * 1000, when);
    printf("%s%s%s  %s\n", qr_cli_dim(cli), when, qr_cli_plain(cli), text);
    qr_cli_flush();
}

static void print_id_event(
    struct qr_cli *cli, const char *what, const uint8_t *id, const char *text)
{
    if (!cli->following) {
        return;
    }
    if (cli->json) {
        qr_cli_print_json(cli,
            json_pack("{s:s, s:o, s:s}", "event", what, "id", qr_cli_json_id(id), "text", text));
        return;
    }
    char id_text[33], line[128];
    qr_cli_id_text(id, id_text);
    snprintf(line, sizeof line, "%s %.8s", text, id_text);
    print_event(cli, what, line);
}

struct named_device {
    const uint8_t *device;
    char *name;
};

static bool find_name(void *context, const struct quire_device_info *info)
{
    struct named_device *named = context;
    if (memcmp(info->device, named->device, QUIRE_DEVICE_SIZE) != 0) {
        return true;
    }
    snprintf(named->name, QR_CLI_NAME_SIZE, "%.*s", (int)info->name.size,
        info->name.size > 0 ? (const char *)info->name.data : "");
    return false;
}

void qr_cli_device_name(struct qr_cli *cli, const uint8_t *device, char out_name[QR_CLI_NAME_SIZE])
{
    char id[33];
    struct named_device named = {device, out_name};
    out_name[0] = 0;
    if (quire_client_each_device(cli->client, find_name, &named) != QUIRE_OK || out_name[0] == 0) {
        qr_cli_id_text(device, id);
        snprintf(out_name, QR_CLI_NAME_SIZE, "%.8s", id);
    }
}

/* By its name, which people know; its id in JSON. */
static void print_device_event(
    struct qr_cli *cli, const char *what, const uint8_t *device, const char *text)
{
    char name[QR_CLI_NAME_SIZE], line[160];
    if (!cli->following) {
        return;
    }
    qr_cli_device_name(cli, device, name);
    snprintf(line, sizeof line, "%s: %s", text, name);
    if (cli->json) {
        print_id_event(cli, what, device, line);
        return;
    }
    print_event(cli, what, line);
}

static void warn(struct qr_cli *cli, const char *what, const char *text)
{
    if (cli->following && cli->json) {
        print_event(cli, what, text);
        return;
    }
    qr_cli_clear_progress(cli);
    if (cli->watch != NULL) {
        cli->watch(cli, what, text);
    }
    if (!cli->json) {
        fprintf(stderr, "quire: warning: %s\n", text);
    }
}

static void show_code(struct qr_cli *cli, const char *code)
{
    const char *server = quire_client_server(cli->client);
    const char *pinned = quire_client_fingerprint(cli->client);
    qr_cli_clear_progress(cli);
    if (cli->json) {
        bool following = cli->following;
        cli->following = true; /* on one line, as what follows is another object */
        qr_cli_print_json(cli,
            json_pack("{s:s, s:s, s:s?}", "code", code, "server", server, "fingerprint",
                pinned[0] != 0 ? pinned : NULL));
        cli->following = following;
        return;
    }
    printf("On the new device:\n\n    %squire join --server %s%s%s%s\n\nIt asks for the code:\n\n"
           "    %s%s%s\n\nThe code is a secret until it is used. Waiting for the new device …\n",
        qr_cli_bold(cli), server, pinned[0] != 0 ? " \\\n        --fingerprint " : "", pinned,
        qr_cli_plain(cli), qr_cli_bold(cli), code, qr_cli_plain(cli));
    qr_cli_flush();
}

static void on_notice(void *context, const struct quire_client_notice *notice)
{
    struct qr_cli *cli = context;
    char text[64];
    switch (notice->kind) {
    case QUIRE_NOTICE_ENTRY:
        cli->changed++;
        print_id_event(cli, "entry", notice->entry, "changed elsewhere: entry");
        break;
    case QUIRE_NOTICE_CAUGHT_UP: print_event(cli, "caught_up", "up to date with the server"); break;
    case QUIRE_NOTICE_UPLOADED:
        print_event(cli, "uploaded", "everything written here is on the server");
        break;
    case QUIRE_NOTICE_PAIR_CODE: show_code(cli, notice->text); break;
    case QUIRE_NOTICE_DEVICE_ADDED:
        print_device_event(cli, "device_added", notice->device, "new device in the account");
        break;
    case QUIRE_NOTICE_DEVICE_REVOKED:
        print_device_event(cli, "device_revoked", notice->device, "a device was revoked");
        break;
    case QUIRE_NOTICE_REJECTED:
        cli->rejected++;
        warn(cli, "rejected", quire_error_text(notice->code));
        break;
    case QUIRE_NOTICE_ALARM: warn(cli, "alarm", quire_alarm_text(notice->code)); break;
    case QUIRE_NOTICE_PRESENCE:
        snprintf(text, sizeof text, "other devices connected: %" PRIu32, notice->code);
        print_event(cli, "presence", text);
        break;
    default: break;
    }
}

static void on_connection(void *context, enum quire_client_connection state, const char *detail)
{
    struct qr_cli *cli = context;
    char text[512];
    switch (state) {
    case QUIRE_CLIENT_DIALLING: break;
    case QUIRE_CLIENT_ONLINE: print_event(cli, "online", "connected"); break;
    case QUIRE_CLIENT_OFFLINE:
        snprintf(text, sizeof text, "not connected: %s", detail);
        print_event(cli, "offline", text);
        break;
    case QUIRE_CLIENT_YIELDED: break; /* for a moment, as a rule: brief: not worth a line */
    }
}

static void on_progress(void *context, uint64_t received, uint64_t sent)
{
    struct qr_cli *cli = context;
    struct quire_device_state state;
    struct timespec now;
    quire_client_state(cli->client, &state);
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    uint64_t waiting = state.unacknowledged_count;
    qr_cli_progress_look(&cli->progress, received, sent, waiting, now_ms);
    if (!cli->error_terminal || cli->json || cli->following || received + sent < 65536) {
        return;
    }
    char text[256];
    qr_cli_progress_text(&cli->progress, waiting, now_ms, text, sizeof text);
    fprintf(stderr, "\r\x1b[Ksyncing: %s", text);
    fflush(stderr);
    cli->progress_shown = true;
}

static bool on_trust(void *context, const char *host, const char *fingerprint)
{
    struct qr_cli *cli = context;
    qr_cli_clear_progress(cli);
    if (qr_cli_has(&cli->args, "trust-first-use")) {
        if (!cli->json) {
            fprintf(stderr, "quire: %s is trusted from now on by its fingerprint\n       %s\n",
                host, fingerprint);
        }
        return true;
    }
    if (!qr_cli_can_ask(cli)) {
        return false;
    }
    fprintf(stderr,
        "This is the first contact with %s. Its certificate has the fingerprint\n\n"
        "    %s\n\n",
        host, fingerprint);
    return qr_cli_confirm("Did the server print the same one when it started?", false);
}

/* ---- the client ------------------------------------------------------------------------------ */

static struct quire_client *volatile stoppable;

static void on_signal(int signal_number)
{
    (void)signal_number;
    struct quire_client *client = stoppable;
    if (client != NULL) {
        quire_client_stop(client);
    }
}

enum qr_cli_exit qr_cli_check_address(struct qr_cli *cli, const char *server)
{
    struct qr_client_url url = {0};
    if (server != NULL && qr_client_url_parse(server, &url) != QUIRE_OK) {
        return qr_cli_usage(cli,
            "%.200s is not an address of a server: it should look like wss://host:port.", server);
    }
    if (server != NULL && !url.tls && !url.loopback && !qr_cli_has(&cli->args, "insecure")) {
        return qr_cli_usage(cli,
            "%.200s would leave this machine without TLS. Use wss://, or say "
            "--insecure here and with each sync. Nothing was changed.",
            server);
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_client(struct qr_cli *cli)
{
    char fingerprint[QR_CLIENT_FINGERPRINT_HEX + 1];
    int64_t wait_s = 0, deadline_s = 0;
    const char *deadline = qr_cli_value(&cli->args, "deadline");
    const char *wait = qr_cli_value(&cli->args, "lock-wait");
    struct quire_client_options options = {
        .key_file = qr_cli_value(&cli->args, "key-file"),
        .server = qr_cli_value(&cli->args, "server"),
        .fingerprint = qr_cli_value(&cli->args, "fingerprint"),
        .insecure = qr_cli_has(&cli->args, "insecure"),
        .ask_passphrase = cli->ask_passphrase,
        .callbacks = {cli, on_notice, on_connection, on_progress, on_trust, qr_cli_on_passphrase},
    };
    enum qr_cli_exit exit = qr_cli_check_address(cli, options.server);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_find_profile(cli, &options.profile);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    if (options.fingerprint != NULL
        && qr_client_fingerprint_parse(options.fingerprint, fingerprint) != QUIRE_OK) {
        return qr_cli_usage(cli,
            "%.200s is not a fingerprint: it should be the 64 hex digits that the server printed.",
            options.fingerprint);
    }
    if (wait != NULL && !qr_cli_number(wait, 0, 86400, &wait_s)) {
        return qr_cli_usage(cli, "--lock-wait takes whole seconds, 0 to 86400.");
    }
    if (wait != NULL) {
        options.lock_wait_ms = wait_s == 0 ? 1 : (uint32_t)wait_s * 1000;
    }
    if (deadline != NULL && !qr_cli_number(deadline, 1, 86400, &deadline_s)) {
        return qr_cli_usage(cli, "--deadline takes whole seconds, 1 to 86400.");
    }
    options.deadline_ms = (uint32_t)deadline_s * 1000;
    enum quire_status status = quire_client_create(&options, &cli->client);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    stoppable = cli->client;
    struct sigaction action = {.sa_handler = on_signal};
    if (cli->following) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
    }
    return QR_CLI_DONE;
}

static enum qr_cli_exit open_by(
    struct qr_cli *cli, enum quire_status (*open)(struct quire_client *client))
{
    enum qr_cli_exit exit = qr_cli_client(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = open(cli->client);
    return status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
}

enum qr_cli_exit qr_cli_open(struct qr_cli *cli)
{
    return open_by(cli, quire_client_open);
}

enum qr_cli_exit qr_cli_open_to_read(struct qr_cli *cli)
{
    return open_by(cli, quire_client_open_to_read);
}

enum qr_cli_exit qr_cli_open_to_write(struct qr_cli *cli)
{
    return open_by(cli, quire_client_open_to_write);
}

enum qr_cli_exit qr_cli_timeout(struct qr_cli *cli, uint32_t default_s, uint32_t *out_ms)
{
    int64_t seconds = default_s;
    const char *text = qr_cli_value(&cli->args, "timeout");
    if (text != NULL && !qr_cli_number(text, 1, 86400, &seconds)) {
        return qr_cli_usage(cli, "--timeout takes whole seconds, 1 to 86400.");
    }
    *out_ms = (uint32_t)seconds * 1000;
    return QR_CLI_DONE;
}
