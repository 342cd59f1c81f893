/*
 * quire: a private journal on the command line.
 */
#define _GNU_SOURCE
#include "client/cli/daemon.h"
#include <locale.h>
#include <poll.h>
#include <quire/version.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum qr_cli_exit run_command(struct qr_cli *cli)
{
    const struct qr_cli_command *command = cli->command;
    if (qr_cli_has(&cli->args, "help")) {
        qr_cli_print_command_help(command);
        return QR_CLI_DONE;
    }
    if (cli->args.operand_count < command->operands_min
        || cli->args.operand_count > command->operands_max) {
        return qr_cli_usage(cli, "It is used so: quire %s %s.", command->name,
            command->operands[0] != 0 ? command->operands : "[options]");
    }
    enum qr_cli_exit exit = command->run(cli);
    if (exit == QR_CLI_DONE) {
        qr_cli_nudge(cli);
    }
    return exit;
}

/* Before the options are read, so that what is wrong with them is said in JSON as well. */
static bool asks_for_json(int count, char **arguments)
{
    for (int i = 0; i < count && strcmp(arguments[i], "--") != 0; i++) {
        if (strcmp(arguments[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

static enum qr_cli_exit dispatch(struct qr_cli *cli, int count, char **arguments)
{
    char error[256];
    int used = 0, rest_used = 0;
    cli->json = asks_for_json(count, arguments);
    enum quire_status status = qr_cli_parse(qr_cli_global_options, NULL, count, arguments, true,
        &cli->args, &used, error, sizeof error);
    if (status == QUIRE_OK && used < count) {
        cli->command = qr_cli_find_command(arguments[used]);
        if (cli->command == NULL) {
            return qr_cli_no_command(cli, arguments[used]);
        }
        status = qr_cli_parse(cli->command->options, qr_cli_global_options, count - used - 1,
            arguments + used + 1, false, &cli->args, &rest_used, error, sizeof error);
    }
    if (status == QUIRE_ENOMEM) {
        return qr_cli_no_memory(cli);
    }
    if (status != QUIRE_OK) {
        return qr_cli_usage(cli, "%s", error);
    }
    cli->json = qr_cli_has(&cli->args, "json"); /* it may have been an option's value */
    if (cli->command != NULL) {
        return run_command(cli);
    }
    if (qr_cli_has(&cli->args, "version")) {
        return qr_cli_version(cli);
    }
    if (qr_cli_has(&cli->args, "help")) {
        qr_cli_print_help();
        return QR_CLI_DONE;
    }
    return qr_cli_usage(cli, "Which command? For example: quire write \"It rained all day.\"");
}

/* The records are read through a map: where the disk fails, or they are damaged, there is no return
 * value that could say so. */
static void on_bus_error(int signal_number)
{
    static const char text[] =
        "quire: The records of the profile cannot be read: the disk failed, or they "
        "are damaged. Nothing was changed by this command.\n";
    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(QR_CLI_FAILED);
}

/* `quire list | head -1`: the reader has what it wanted. End as a program that ignores nothing would. */
static void end_by_broken_pipe(void)
{
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

int main(int count, char **arguments)
{
    struct qr_cli cli = {0};
    setlocale(LC_TIME, "");
    signal(SIGPIPE, SIG_IGN); /* the network's; on standard output see end_by_broken_pipe */
    signal(SIGXFSZ, SIG_IGN); /* so is a file at the size that `ulimit -f` allows */
    sigaction(SIGBUS, &(struct sigaction){.sa_handler = on_bus_error}, NULL);
    cli.terminal = isatty(STDOUT_FILENO) != 0;
    cli.error_terminal = isatty(STDERR_FILENO) != 0;
    cli.colour = cli.terminal && qr_cli_wants_colour();
    cli.error_colour = cli.error_terminal && qr_cli_wants_colour();
    enum qr_cli_exit exit = dispatch(&cli, count - 1, arguments + 1);
    qr_cli_clear_progress(&cli);
    bool written = qr_cli_flush();
    struct pollfd output = {STDOUT_FILENO, POLLOUT, 0};
    if (!written && poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0) {
        quire_client_destroy(cli.client);
        end_by_broken_pipe();
    }
    if (!written && exit == QR_CLI_DONE) {
        fprintf(stderr, "quire: The output could not be written in full.\n");
        exit = QR_CLI_FAILED;
    }
    quire_client_destroy(cli.client);
    free(cli.profile);
    qr_cli_args_finish(&cli.args);
    return exit;
}
