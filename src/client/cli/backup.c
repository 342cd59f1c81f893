/*
 * backup and restore-backup.
 */
#include "client/backup.h"
#include "client/cli/cli.h"
#include <inttypes.h>
#include <string.h>

static enum qr_cli_exit print_counts(
    struct qr_cli *cli, const char *what, const struct qr_client_backup_counts *counts)
{
    return qr_cli_print_json(cli,
        json_pack("{s:s, s:I, s:I}", what, cli->args.operands[0], "files",
            (json_int_t)counts->files, "bytes", (json_int_t)counts->bytes));
}

static enum qr_cli_exit do_backup(
    struct qr_cli *cli, const char *path, char passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    struct qr_client_backup_counts counts = {0};
    int64_t memory = 0;
    enum qr_cli_exit exit = qr_cli_passphrase_memory(cli, &memory);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_open(cli);
    }
    if (exit == QR_CLI_DONE
        && !qr_cli_ask_new_passphrase(cli, "Passphrase of the backup: ", passphrase)) {
        exit = QR_CLI_USAGE;
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status =
        qr_client_backup_write(cli->client, path, passphrase, (uint32_t)memory, &counts);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return print_counts(cli, "backup", &counts);
    }
    printf("The whole journal is in %s, encrypted, and was read again: %" PRIu64
           " KiB.\nIts passphrase is all that it takes to read it; without it no one can.\n",
        path, (counts.bytes + 1023) / 1024);
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_backup(struct qr_cli *cli)
{
    char passphrase[QUIRE_PASSPHRASE_MAX + 1] = "";
    enum qr_cli_exit exit = do_backup(cli, cli->args.operands[0], passphrase);
    qr_client_wipe(passphrase, sizeof passphrase);
    return exit;
}

static enum qr_cli_exit do_restore(
    struct qr_cli *cli, const char *path, char passphrase[QUIRE_PASSPHRASE_MAX + 1])
{
    struct qr_client_backup_counts counts = {0};
    enum qr_cli_exit exit = qr_cli_client(cli);
    enum quire_status status = QUIRE_ECRYPTO;
    for (unsigned attempt = 0;
         exit == QR_CLI_DONE && status == QUIRE_ECRYPTO && attempt < QUIRE_PASSPHRASE_ATTEMPTS;
         attempt++) {
        if (!qr_cli_on_passphrase(cli, attempt, passphrase)) {
            exit = attempt == 0
                ? qr_cli_usage(cli,
                    "The passphrase of the backup was not given. There is a terminal to type it on, or it "
                    "comes by a pipe or --passphrase-file.")
                : QR_CLI_USAGE;
            break;
        }
        status = qr_client_backup_restore(cli->client, path, passphrase, &counts);
    }
    if (status != QUIRE_OK && (exit == QR_CLI_DONE || status != QUIRE_ECRYPTO)) {
        return qr_cli_failure(cli, status);
    }
    if (exit != QR_CLI_DONE) {
        return status == QUIRE_ECRYPTO && cli->client != NULL
                && quire_client_error(cli->client)[0] != 0
            ? qr_cli_failure(cli, status)
            : exit;
    }
    if (cli->json) {
        return print_counts(cli, "restored", &counts);
    }
    printf(
        "The journal is here again, with all that was in the backup, and locked by the backup's "
        "passphrase.\nTo take in what was written since: quire sync. If the device that it comes "
        "from is still in use,\nlet one of the two join anew (docs/safety.md says why).\n");
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_restore_backup(struct qr_cli *cli)
{
    char passphrase[QUIRE_PASSPHRASE_MAX + 1] = "";
    cli->passphrase_on_input = true;
    enum qr_cli_exit exit = do_restore(cli, cli->args.operands[0], passphrase);
    qr_client_wipe(passphrase, sizeof passphrase);
    return exit;
}
