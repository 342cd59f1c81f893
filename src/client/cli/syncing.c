/*
 * sync.
 */
#include "client/cli/cli.h"
#include <inttypes.h>

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
