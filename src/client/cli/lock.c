/*
 * passphrase, unlock and lock.
 */
#include "client/lock.h"
#include "client/agent/agent.h"
#include "client/agent/daemon.h"
#include "client/cli/keyring.h"
#include "client/cli/profiles.h"
#include "client/keyfile.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- asking ---------------------------------------------------------------------------------- */

static bool read_from_file(struct qr_cli *cli, const char *path, char *out_text, size_t size)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool good = false;
    if (file < 0) {
        fprintf(
            stderr, "quire: The passphrase file %s cannot be read: %s.\n", path, strerror(errno));
        return false;
    }
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
        fprintf(stderr,
            "quire: The passphrase file %s can be read by others, so it is not used. Make it yours "
            "alone: chmod 600 %s\n",
            path, path);
    } else {
        good = qr_cli_read_line(file, out_text, size);
    }
    close(file);
    (void)cli;
    return good;
}

const char *qr_cli_passphrase_file(const struct qr_cli *cli)
{
    const char *option = qr_cli_value(&cli->args, "passphrase-file");
    const char *path = option != NULL ? option : getenv("QUIRE_PASSPHRASE_FILE");
    return path != NULL && path[0] != 0 ? path : NULL;
}

/* Not where a person is to show that they know it. */
static bool read_from_keyring(struct qr_cli *cli, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    struct qr_client_path key_file;
    return strcmp(cli->command->name, "passphrase") != 0
        && strcmp(cli->command->name, "restore-backup") != 0
        && qr_client_profile_key_path(cli->client, &key_file) == QUIRE_OK
        && qr_cli_keyring_is_used(key_file.text)
        && qr_cli_keyring_read(key_file.text, out_passphrase);
}

bool qr_cli_on_passphrase(
    void *context, unsigned attempt, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    struct qr_cli *cli = context;
    const size_t size = QUIRE_PASSPHRASE_MAX + 1;
    const char *path = qr_cli_passphrase_file(cli);
    qr_cli_clear_progress(cli);
    if (path != NULL) {
        return attempt == 0 && read_from_file(cli, path, out_passphrase, size);
    }
    if (attempt == 0 && read_from_keyring(cli, out_passphrase)) {
        return true;
    }
    if (cli->passphrase_on_input && qr_cli_input_is_text()) {
        return attempt == 0 && qr_cli_read_line(STDIN_FILENO, out_passphrase, size);
    }
    return cli->error_terminal
        && qr_cli_ask_hidden(
            attempt == 0 ? "Passphrase: " : "That is not the passphrase. Once more: ",
            out_passphrase, size);
}

bool qr_cli_ask_new_passphrase(
    struct qr_cli *cli, const char *prompt, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    char again[QUIRE_PASSPHRASE_MAX + 1] = "";
    struct qr_client_error error;
    const size_t size = QUIRE_PASSPHRASE_MAX + 1;
    bool good = false;
    if (qr_cli_input_is_text()) {
        good = qr_cli_read_line(STDIN_FILENO, out_passphrase, size);
        if (!good) {
            qr_cli_usage(cli, "Standard input brought no new passphrase, or one that is too long.");
        }
        return good;
    }
    if (!cli->error_terminal || !qr_cli_ask_hidden(prompt, out_passphrase, size)) {
        qr_cli_usage(cli,
            "There is no terminal to ask for the new passphrase on. Bring it by a pipe: a line each "
            "for the old one, if there is one, and the new one.");
        return false;
    }
    if (qr_client_passphrase_check(out_passphrase, &error) != QUIRE_OK) {
        qr_cli_error(cli, QUIRE_EINVALID, QR_CLI_USAGE, error.text, NULL);
        return false;
    }
    good = qr_cli_ask_hidden("The same again: ", again, size) && strcmp(out_passphrase, again) == 0;
    qr_client_wipe(again, sizeof again);
    if (!good) {
        qr_cli_usage(cli, "The two are not the same. Nothing was changed.");
    }
    return good;
}

/* ---- passphrase ------------------------------------------------------------------------------ */

enum passphrase_action { SET, CHANGE, REMOVE };

/* Before anything is asked. */
static enum qr_cli_exit check_state(struct qr_cli *cli, enum passphrase_action action)
{
    struct qr_client_path path;
    enum qr_cli_exit exit = qr_cli_client(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = qr_client_profile_key_path(cli->client, &path);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    bool has = qr_client_key_is_sealed(path.text);
    if (action == SET && has) {
        qr_cli_error(cli, QUIRE_ECONFLICT, QR_CLI_FAILED,
            "The profile has a passphrase already; nothing was changed.",
            "Another one: quire passphrase change");
        return QR_CLI_FAILED;
    }
    if (action != SET && !has) {
        qr_cli_error(cli, QUIRE_ESTATE, QR_CLI_FAILED,
            "The profile has no passphrase; nothing was changed.",
            "Give it one: quire passphrase set");
        return QR_CLI_FAILED;
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_passphrase_memory(struct qr_cli *cli, int64_t *out_mib)
{
    const char *text = qr_cli_value(&cli->args, "memory");
    *out_mib = QUIRE_PASSPHRASE_MEMORY;
    return text == NULL
            || qr_cli_number(
                text, QUIRE_PASSPHRASE_MEMORY_MIN, QUIRE_PASSPHRASE_MEMORY_MAX, out_mib)
        ? QR_CLI_DONE
        : qr_cli_usage(cli, "--memory takes whole MiB, %d to %d.", QUIRE_PASSPHRASE_MEMORY_MIN,
            QUIRE_PASSPHRASE_MEMORY_MAX);
}

static enum qr_cli_exit do_passphrase(
    struct qr_cli *cli, enum passphrase_action action, char passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    int64_t memory = 0;
    enum qr_cli_exit exit = qr_cli_passphrase_memory(cli, &memory);
    if (exit == QR_CLI_DONE) {
        exit = check_state(cli, action);
    }
    if (exit == QR_CLI_DONE) {
        enum quire_status opened = quire_client_open(cli->client);
        exit = opened == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, opened);
    }
    if (exit == QR_CLI_DONE && action != REMOVE
        && !qr_cli_ask_new_passphrase(cli, "New passphrase: ", passphrase)) {
        exit = QR_CLI_USAGE;
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_set_passphrase(
        cli->client, action == REMOVE ? NULL : passphrase, (uint32_t)memory);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    struct qr_client_path path;
    if (qr_client_profile_key_path(cli->client, &path) == QUIRE_OK) {
        if (action == REMOVE) {
            qr_client_agent_forget(path.text);
            qr_cli_keyring_forget(path.text);
        } else if (action == CHANGE && qr_cli_keyring_is_used(path.text)) {
            qr_cli_keyring_forget(path.text); /* it is never left with an old one */
            (void)qr_cli_keyring_write(cli, path.text, passphrase);
        }
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:b}", "passphrase", action != REMOVE));
    }
    static const char *const said[] = {
        [SET] = "The profile has a passphrase now. To be asked once for a while: quire unlock\n",
        [CHANGE] =
            "The passphrase was changed. A copy of the old key file, in a backup perhaps, still opens\nwith the old one.\n",
        [REMOVE] = "The profile has no passphrase any more: its key file opens it.\n",
    };
    printf("%s", said[action]);
    if (action == SET) {
        printf("%s",
            quire_client_server(cli->client)[0] != 0
                ? "Without it, only another device or the recovery kit, with the server, leads back to the "
                  "entries.\n"
                : "No server has a copy of the journal: without the passphrase everything is lost, the "
                  "recovery kit\nbrings nothing back. Keep a backup with a passphrase of its own: quire backup FILE\n");
    }
    return QR_CLI_DONE;
}

/* Into the keyring, once it is known to be right. */
static enum qr_cli_exit remember(struct qr_cli *cli, char passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    struct qr_client_path path;
    struct qr_client_keybox box;
    struct qr_client_error error = {0};
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
    bool sealed = false;
    enum qr_cli_exit exit = check_state(cli, CHANGE); /* it has a passphrase */
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    cli->passphrase_on_input = true;
    enum quire_status status = qr_client_profile_key_path(cli->client, &path);
    if (status == QUIRE_OK) {
        status = qr_client_key_look(path.text, key, &box, &sealed, &error);
    }
    if (status == QUIRE_OK && !qr_cli_on_passphrase(cli, 0, passphrase)) {
        return qr_cli_usage(cli,
            "The passphrase was not given. There is a terminal to type it on, or it comes "
            "by a pipe or --passphrase-file.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_keybox_open(&box, passphrase, key, &error);
    }
    qr_client_wipe(key, sizeof key);
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    exit = qr_cli_keyring_write(cli, path.text, passphrase);
    if (exit == QR_CLI_DONE && cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:b}", "remembered", 1));
    }
    if (exit == QR_CLI_DONE) {
        printf(
            "The keyring has the passphrase now: while it is unlocked, no command asks for it.\n");
    }
    return exit;
}

static enum qr_cli_exit forget(struct qr_cli *cli)
{
    struct qr_client_path path;
    enum qr_cli_exit exit = check_state(cli, CHANGE);
    if (exit == QR_CLI_DONE && qr_client_profile_key_path(cli->client, &path) == QUIRE_OK) {
        qr_cli_keyring_forget(path.text);
    }
    if (exit == QR_CLI_DONE && cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:b}", "remembered", 0));
    }
    if (exit == QR_CLI_DONE) {
        printf("The keyring does not have the passphrase any more.\n");
    }
    return exit;
}

enum qr_cli_exit qr_cli_passphrase(struct qr_cli *cli)
{
    static const char *const names[] = {[SET] = "set", [CHANGE] = "change", [REMOVE] = "remove"};
    char passphrase[QUIRE_PASSPHRASE_MAX + 1] = "";
    for (enum passphrase_action action = SET; action <= REMOVE; action++) {
        if (strcmp(cli->args.operands[0], names[action]) == 0) {
            cli->ask_passphrase = action != SET;
            cli->passphrase_on_input = action != SET;
            enum qr_cli_exit exit = do_passphrase(cli, action, passphrase);
            qr_client_wipe(passphrase, sizeof passphrase);
            return exit;
        }
    }
    if (strcmp(cli->args.operands[0], "remember") == 0) {
        enum qr_cli_exit exit = remember(cli, passphrase);
        qr_client_wipe(passphrase, sizeof passphrase);
        return exit;
    }
    if (strcmp(cli->args.operands[0], "forget") == 0) {
        return forget(cli);
    }
    return qr_cli_usage(cli, "It is: quire passphrase set, change, remove, remember or forget.");
}

/* ---- unlock and lock ------------------------------------------------------------------------- */

bool qr_cli_duration(const char *text, uint32_t min_s, uint32_t max_s, uint32_t *out_s)
{
    static const char units[] = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 86400};
    char digits[16] = "";
    int64_t count = 0;
    size_t size = strlen(text);
    const char *unit = size >= 2 && size < sizeof digits ? strchr(units, text[size - 1]) : NULL;
    if (unit == NULL || *unit == 0) {
        return false;
    }
    memcpy(digits, text, size - 1);
    if (!qr_cli_number(digits, 1, max_s, &count)) {
        return false;
    }
    int64_t total = count * seconds[unit - units];
    *out_s = (uint32_t)total;
    return total >= min_s && total <= max_s;
}

static void duration_text(uint32_t seconds, char out_text[48])
{
    if (seconds < 120) {
        snprintf(out_text, 48, "%" PRIu32 " s", seconds);
    } else if (seconds < 7200) {
        snprintf(out_text, 48, "%" PRIu32 " minutes", (seconds + 30) / 60);
    } else {
        snprintf(out_text, 48, "%" PRIu32 " hours", (seconds + 1800) / 3600);
    }
}

#define OLD_FRAMES_SIZE (512 * 1024) /* no call that had the key went as deep */

static enum qr_cli_exit start_agent(struct qr_cli *cli, const char *key_file, uint32_t seconds)
{
    struct qr_client_error error = {0};
    bool locked = false;
    uint8_t *key = sodium_malloc(QUIRE_PROFILE_KEY_SIZE);
    if (key == NULL) {
        return qr_cli_no_memory(cli);
    }
    memcpy(key, qr_client_held_key(cli->client), QUIRE_PROFILE_KEY_SIZE);
    quire_client_close(cli->client); /* so that the agent is no copy of a process with keys in it */
    qr_client_forget_key(cli->client);
    sodium_stackzero(OLD_FRAMES_SIZE); /* the agent's stack is a copy of this one, and not locked */
    enum quire_status status = qr_client_agent_start(key_file, key, seconds, &locked, &error);
    sodium_free(key);
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    if (!locked && !cli->json) {
        fprintf(stderr,
            "quire: warning: The key cannot be kept out of the swap (see `ulimit -l`). An encrypted "
            "swap is safe.\n");
    }
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack(
                "{s:I, s:b}", "unlocked_s", (json_int_t)seconds, "memory_locked", (int)locked));
    }
    char text[48];
    duration_text(seconds, text);
    printf("Unlocked until no command was used for %s, or until `quire lock`.\n", text);
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_unlock(struct qr_cli *cli)
{
    uint32_t seconds = QR_CLIENT_AGENT_SECONDS;
    struct qr_client_path key_file;
    const char *text = qr_cli_value(&cli->args, "for");
    if (text != NULL && !qr_cli_duration(text, 1, QR_CLIENT_AGENT_SECONDS_MAX, &seconds)) {
        return qr_cli_usage(cli, "--for takes a time such as 90s, 15m, 8h or 2d, 7d at most.");
    }
    cli->ask_passphrase = true;
    cli->passphrase_on_input = true;
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    if (!quire_client_has_passphrase(cli->client)) {
        qr_cli_error(cli, QUIRE_ESTATE, QR_CLI_FAILED,
            "The profile has no passphrase, so there is nothing to unlock.",
            "Give it one: quire passphrase set");
        return QR_CLI_FAILED;
    }
    enum quire_status status = qr_client_profile_key_path(cli->client, &key_file);
    return status != QUIRE_OK ? qr_cli_failure(cli, status)
                              : start_agent(cli, key_file.text, seconds);
}

enum qr_cli_exit qr_cli_lock(struct qr_cli *cli)
{
    struct qr_client_path key_file;
    enum qr_cli_exit exit = qr_cli_client(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = qr_client_profile_key_path(cli->client, &key_file);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    bool sealed = qr_client_key_is_sealed(key_file.text);
    bool forgotten = qr_client_agent_forget(key_file.text);
    struct qr_client_daemon_state daemon;
    struct qr_client_path profile;
    struct qr_client_error ignored;
    const char *option = NULL;
    if (qr_cli_find_profile(cli, &option) == QR_CLI_DONE
        && qr_client_profile_path(option, &profile, &ignored) == QUIRE_OK) {
        qr_client_daemon_ask(profile.text, QR_CLIENT_DAEMON_LOCK, &daemon);
    }
    if (!sealed) {
        qr_cli_error(cli, QUIRE_ESTATE, QR_CLI_FAILED,
            "The profile has no passphrase, so it cannot be locked.",
            "Give it one: quire passphrase set");
        return QR_CLI_FAILED;
    }
    if (cli->json) {
        return qr_cli_print_json(
            cli, json_pack("{s:b, s:b}", "locked", 1, "was_unlocked", forgotten));
    }
    printf("%s\n", forgotten ? "Locked." : "It was locked already.");
    return QR_CLI_DONE;
}
