/*
 * The account: init, join, rejoin, recover, pair, devices, revoke, server.
 */
#define _GNU_SOURCE
#include "client/cli/kit.h"
#include "client/files.h"
#include "client/text.h"
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define PAIR_TIMEOUT_S 600
#define CLOCK_AHEAD_MS (24 * 3600 * INT64_C(1000))
#define SECRET_MAX 256
#define CODE_LETTERS 16 /* the same of a pairing code, at least */

static const char *device_name(struct qr_cli *cli, char *buffer, size_t size)
{
    const char *name = qr_cli_value(&cli->args, "name");
    if (name != NULL) {
        return name;
    }
    if (gethostname(buffer, size - 1) != 0 || buffer[0] == 0
        || !qr_client_text_valid(quire_bytes_of_text(buffer), NULL)) {
        snprintf(buffer, size, "device");
    }
    return buffer;
}

/* ---- new profiles ---------------------------------------------------------------------------- */

static enum qr_cli_exit print_kit(struct qr_cli *cli, const char *kit)
{
    struct quire_device_state state;
    quire_client_state(cli->client, &state);
    const char *page = qr_cli_value(&cli->args, "kit-page");
    enum qr_cli_exit exit = qr_cli_show_kit(cli, kit, page, qr_cli_has(&cli->args, "qr"));
    if (cli->json) {
        enum qr_cli_exit printed = qr_cli_print_json(
            cli, json_pack("{s:s, s:o}", "kit", kit, "device", qr_cli_json_id(state.device)));
        return exit == QR_CLI_DONE ? printed : exit;
    }
    printf("Next: quire write \"…\", and %s.\nTo lock the journal: quire passphrase set\n",
        quire_client_server(cli->client)[0] != 0
            ? "quire sync"
            : "when you have a server, quire server wss://host:port");
    return exit;
}

enum qr_cli_exit qr_cli_init(struct qr_cli *cli)
{
    char host[QUIRE_NAME_MAX + 1] = "";
    char kit[QUIRE_KIT_TEXT_SIZE];
    const char *page = qr_cli_value(&cli->args, "kit-page");
    if (page != NULL && access(page, F_OK) == 0) {
        return qr_cli_usage(cli, "%.200s exists already; nothing was made or changed.", page);
    }
    if (qr_cli_has(&cli->args, "fingerprint") && !qr_cli_has(&cli->args, "server")) {
        return qr_cli_usage(cli, "A fingerprint goes with an address: --server wss://host:port.");
    }
    enum qr_cli_exit exit = qr_cli_client(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status =
        quire_client_start_account(cli->client, device_name(cli, host, sizeof host), kit);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    exit = print_kit(cli, kit);
    qr_client_wipe(kit, sizeof kit);
    return exit;
}

static bool count_entry(void *context, const struct quire_summary *summary)
{
    *(uint64_t *)context += !summary->deleted;
    return true;
}

static enum qr_cli_exit after_join(struct qr_cli *cli, enum quire_status status)
{
    struct quire_device_state state;
    quire_client_state(cli->client, &state);
    if (status == QUIRE_ECONFLICT && !state.joined) {
        return qr_cli_failure(cli, status); /* there is a profile already */
    }
    if (status != QUIRE_OK) { /* joined or not, the error says so */
        return qr_cli_online_failure(cli, status);
    }
    uint64_t entries = 0;
    status = quire_client_each_entry(cli->client, count_entry, &entries);
    if (status != QUIRE_OK) {
        return qr_cli_online_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:o, s:I, s:b}", "device", qr_cli_json_id(state.device), "entries",
                (json_int_t)entries, "joined", 1));
    }
    printf("This device has joined the account; %" PRIu64 " %s here now.\n", entries,
        entries == 1 ? "entry is" : "entries are");
    return QR_CLI_DONE;
}

static enum qr_cli_exit join_with(struct qr_cli *cli, const char *secret, bool by_kit)
{
    char host[QUIRE_NAME_MAX + 1] = "";
    uint32_t timeout_ms = 0;
    if (qr_cli_value(&cli->args, "server") == NULL) {
        return qr_cli_usage(cli, "Where is the account? Say it with --server wss://host:port.");
    }
    enum qr_cli_exit exit = qr_cli_timeout(cli, QR_CLI_TIMEOUT_S, &timeout_ms);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_client(cli);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    const char *name = device_name(cli, host, sizeof host);
    return after_join(cli,
        by_kit ? quire_client_recover(
            cli->client, name, secret, qr_cli_has(&cli->args, "revoke-others"), timeout_ms)
               : quire_client_join(cli->client, name, secret, timeout_ms));
}

/* The code from the terminal or standard input, where no other user of the machine sees it; or the
 * operands as one code: it is typed in groups, perhaps. */
static enum qr_cli_exit join_code(struct qr_cli *cli, char code[SECRET_MAX])
{
    code[0] = 0;
    if (cli->args.operand_count == 0) {
        return qr_cli_read_secret(
                   "Pairing code (it is not shown): ", CODE_LETTERS, code, SECRET_MAX)
                == QUIRE_OK
            ? QR_CLI_DONE
            : qr_cli_usage(cli, "No pairing code was given, or it is far too long.");
    }
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        if (strlen(code) + strlen(cli->args.operands[i]) >= SECRET_MAX) {
            return qr_cli_usage(cli, "This is far too long for a pairing code.");
        }
        strcat(code, cli->args.operands[i]);
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_join(struct qr_cli *cli)
{
    char code[SECRET_MAX];
    enum qr_cli_exit exit = join_code(cli, code);
    if (exit == QR_CLI_DONE) {
        exit = join_with(cli, code, false);
    }
    qr_client_wipe(code, sizeof code);
    return exit;
}

enum qr_cli_exit qr_cli_rejoin(struct qr_cli *cli)
{
    char code[SECRET_MAX];
    uint32_t timeout_ms = 0;
    enum qr_cli_exit exit = join_code(cli, code);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_timeout(cli, QR_CLI_TIMEOUT_S, &timeout_ms);
    }
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open(cli);
    }
    if (exit == QR_CLI_DONE) {
        enum quire_status status = quire_client_rejoin(cli->client, code, timeout_ms);
        exit = status != QUIRE_OK ? qr_cli_online_failure(cli, status)
            : cli->json           ? qr_cli_print_json(cli, json_pack("{s:b}", "rejoined", 1))
                                  : QR_CLI_DONE;
        if (exit == QR_CLI_DONE && !cli->json) {
            printf("This device is in the account again, with all that was written on it.\n");
        }
    }
    qr_client_wipe(code, sizeof code);
    return exit;
}

enum qr_cli_exit qr_cli_recover(struct qr_cli *cli)
{
    char kit[SECRET_MAX];
    if (qr_cli_value(&cli->args, "server") == NULL) {
        return qr_cli_usage(cli, "Where is the account? Say it with --server wss://host:port.");
    }
    enum qr_cli_exit exit = qr_cli_read_kit(cli, kit, sizeof kit);
    if (exit == QR_CLI_DONE) {
        exit = join_with(cli, kit, true);
    }
    qr_client_wipe(kit, sizeof kit);
    return exit;
}

/* ---- pairing --------------------------------------------------------------------------------- */

enum qr_cli_exit qr_cli_do_pair(struct qr_cli *cli)
{
    uint8_t device[QUIRE_DEVICE_SIZE];
    uint32_t timeout_ms = 0;
    if (cli->args.operand_count > 0) {
        return qr_cli_join(cli);
    }
    if (qr_cli_has(&cli->args, "name") || qr_cli_has(&cli->args, "server")
        || qr_cli_has(&cli->args, "fingerprint")) {
        return qr_cli_usage(cli, "--name, --server and --fingerprint go with a CODE.");
    }
    enum qr_cli_exit exit = qr_cli_timeout(cli, PAIR_TIMEOUT_S, &timeout_ms);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open(cli);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_pair(cli->client, timeout_ms, device);
    if (status != QUIRE_OK) {
        return qr_cli_online_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "paired", qr_cli_json_id(device)));
    }
    char name[QR_CLI_NAME_SIZE];
    qr_cli_device_name(cli, device, name);
    printf("The new device, ");
    qr_cli_print_name(stdout, quire_bytes_of_text(name));
    printf(", is in the account now.\n");
    return QR_CLI_DONE;
}

/* ---- devices --------------------------------------------------------------------------------- */

struct device_list {
    struct qr_cli *cli;
    json_t *array;
};

static bool visit_device(void *context, const struct quire_device_info *info)
{
    struct device_list *list = context;
    struct qr_cli *cli = list->cli;
    if (cli->json) {
        json_array_append_new(list->array,
            json_pack("{s:o, s:o, s:b, s:b, s:I, s:o}", "id", qr_cli_json_id(info->device), "name",
                qr_cli_json_bytes(info->name), "self", (int)info->self, "active", (int)info->active,
                "batches", (json_int_t)info->batches, "last_heard_ms",
                qr_cli_json_time(info->last_heard_ms)));
        return true;
    }
    char id[33], heard[48] = "never";
    qr_cli_id_text(info->device, id);
    if (info->last_heard_ms != 0) {
        qr_cli_time_text(info->last_heard_ms, heard);
    }
    printf("%s%.8s%s  ", qr_cli_bold(cli), id, qr_cli_plain(cli));
    qr_cli_print_name(stdout,
        info->name.size > 0 ? info->name : quire_bytes_of_text("(no name that can be read)"));
    if (info->self) {
        printf("  this device\n");
    } else if (info->last_heard_ms > qr_cli_wall_ms() + CLOCK_AHEAD_MS) {
        printf("  %sits clock was ahead when it was heard: %s%s%s\n", qr_cli_dim(cli), heard,
            info->active ? "" : "; revoked", qr_cli_plain(cli));
    } else {
        printf("  %slast heard %s%s%s\n", qr_cli_dim(cli), heard, info->active ? "" : "; revoked",
            qr_cli_plain(cli));
    }
    return true;
}

enum qr_cli_exit qr_cli_devices(struct qr_cli *cli)
{
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    struct device_list list = {cli, cli->json ? json_array() : NULL};
    if (cli->json && list.array == NULL) {
        return qr_cli_no_memory(cli);
    }
    enum quire_status status = quire_client_each_device(cli->client, visit_device, &list);
    if (status != QUIRE_OK) {
        json_decref(list.array);
        return qr_cli_failure(cli, status);
    }
    return cli->json ? qr_cli_print_json(cli, json_pack("{s:o}", "devices", list.array))
                     : QR_CLI_DONE;
}

struct shown_device {
    const uint8_t *device;
    struct qr_cli *cli;
};

static bool show_device(void *context, const struct quire_device_info *info)
{
    const struct shown_device *shown = context;
    char id[33], heard[48] = "never";
    if (memcmp(info->device, shown->device, QUIRE_DEVICE_SIZE) != 0) {
        return true;
    }
    qr_cli_id_text(info->device, id);
    if (info->last_heard_ms != 0) {
        qr_cli_time_text(info->last_heard_ms, heard);
    }
    fprintf(stderr, "%.8s  ", id);
    qr_cli_print_name(stderr,
        info->name.size > 0 ? info->name : quire_bytes_of_text("(no name that can be read)"));
    fprintf(stderr, "  last heard %s%s%s\n", heard, info->active ? "" : "; revoked already",
        info->self ? "  this device" : "");
    return false;
}

/* On a terminal: which device it is, and whether it is meant. */
static bool is_meant(struct qr_cli *cli, const uint8_t *device)
{
    struct shown_device shown = {device, cli};
    if (qr_cli_has(&cli->args, "yes") || !qr_cli_can_ask(cli)) {
        return true;
    }
    return quire_client_each_device(cli->client, show_device, &shown) == QUIRE_OK
        && qr_cli_confirm("Revoke this device? It cannot be taken back.", false);
}

enum qr_cli_exit qr_cli_revoke(struct qr_cli *cli)
{
    uint8_t device[QUIRE_DEVICE_SIZE];
    uint32_t timeout_ms = 0;
    enum qr_cli_exit exit = qr_cli_timeout(cli, QR_CLI_TIMEOUT_S, &timeout_ms);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open(cli);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_find_device(cli->client, cli->args.operands[0], device);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (!is_meant(cli, device)) {
        fprintf(stderr, "Nothing was changed.\n");
        return QR_CLI_FAILED;
    }
    status = quire_client_revoke(cli->client, device, timeout_ms);
    if (status != QUIRE_OK) {
        return qr_cli_online_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "revoked", qr_cli_json_id(device)));
    }
    printf(
        "Revoked. It keeps what it had; nothing written from now on can be read with its keys.\n");
    return QR_CLI_DONE;
}

/* ---- the server's address -------------------------------------------------------------------- */

enum qr_cli_exit qr_cli_server(struct qr_cli *cli)
{
    enum qr_cli_exit exit =
        qr_cli_check_address(cli, cli->args.operand_count == 1 ? cli->args.operands[0] : NULL);
    if (exit == QR_CLI_DONE) {
        exit = cli->args.operand_count == 0 && !qr_cli_has(&cli->args, "fingerprint")
            ? qr_cli_open_to_read(cli)
            : qr_cli_open(cli);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    const char *fingerprint = qr_cli_value(&cli->args, "fingerprint");
    if (cli->args.operand_count == 0 && fingerprint != NULL
        && quire_client_server(cli->client)[0] == 0) {
        return qr_cli_usage(cli, "A fingerprint goes with an address.");
    }
    bool was_pinned = quire_client_fingerprint(cli->client)[0] != 0;
    if (cli->args.operand_count == 1 || fingerprint != NULL) {
        char url[512];
        snprintf(url, sizeof url, "%s",
            cli->args.operand_count == 1 ? cli->args.operands[0]
                                         : quire_client_server(cli->client));
        enum quire_status status = quire_client_set_server(cli->client, url, fingerprint);
        if (status != QUIRE_OK) {
            return qr_cli_failure(cli, status);
        }
    }
    const char *server = quire_client_server(cli->client);
    const char *pinned = quire_client_fingerprint(cli->client);
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:s?, s:s?}", "server", server[0] != 0 ? server : NULL, "fingerprint",
                pinned[0] != 0 ? pinned : NULL));
    }
    if (server[0] == 0) {
        printf(
            "No server is set. Everything works offline; to sync: quire server wss://host:port\n");
    } else {
        printf("%s\n%s%s%s\n", server, pinned[0] != 0 ? "pinned " : "no pinned certificate", pinned,
            pinned[0] == 0 && was_pinned ? " any longer" : "");
    }
    return QR_CLI_DONE;
}
