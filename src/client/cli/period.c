/*
 * --from, --to and --on, with dates as people say them.
 */
#include "client/cli/period.h"

static enum qr_cli_exit read_span(
    struct qr_cli *cli, const char *option, bool *out_has, struct qr_client_span *out_span)
{
    char error[256];
    const char *text = qr_cli_value(&cli->args, option);
    if (text != NULL && qr_cli_when(text, out_span, error, sizeof error) != QUIRE_OK) {
        return qr_cli_usage(cli, "--%s: %s", option, error);
    }
    *out_has = text != NULL;
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_read_period(struct qr_cli *cli, struct qr_cli_period *out_period)
{
    struct qr_client_span from = {0}, to = {0}, on = {0};
    bool has_from = false, has_to = false, has_on = false;
    enum qr_cli_exit exit = read_span(cli, "from", &has_from, &from);
    if (exit == QR_CLI_DONE) {
        exit = read_span(cli, "to", &has_to, &to);
    }
    if (exit == QR_CLI_DONE) {
        exit = read_span(cli, "on", &has_on, &on);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    if (has_on && (has_from || has_to)) {
        return qr_cli_usage(cli, "--on says both ends: --from and --to do not go with it.");
    }
    from = has_on ? on : from;
    to = has_on ? on : to;
    struct qr_cli_period period = {.limited = has_from || has_to || has_on,
        .from_ms = has_from || has_on ? from.from_ms : INT64_MIN,
        .until_ms = has_to || has_on ? to.until_ms : INT64_MAX};
    if (period.from_ms >= period.until_ms) {
        return qr_cli_usage(cli, "--to ends before --from begins.");
    }
    *out_period = period;
    return QR_CLI_DONE;
}

bool qr_cli_in_period(const struct qr_cli_period *period, const struct quire_summary *summary)
{
    return !period->limited
        || (summary->has_date && summary->date >= period->from_ms
            && summary->date < period->until_ms);
}
