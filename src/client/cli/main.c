/*
 * quire: a private journal on the command line.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include <locale.h>
#include <quire/version.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct qr_cli_option global_options[] = {
    {"profile", "DIR", "the profile's folder [$QUIRE_PROFILE, else $XDG_DATA_HOME/quire/default]"},
    {"key-file", "FILE", "the key that opens it [$QUIRE_KEY_FILE, else in $XDG_CONFIG_HOME/quire/keys]"},
    {"lock-wait", "S", "how long to wait while another process uses the profile [5]"},
    {"json", "", "print JSON: one object, or one a line while following; errors too"},
    {"insecure", "", "let ws:// leave this machine"},
    {"help", "", "print this and end"},
    {"version", "", "print the version and end"},
    {0},
};

/* A row of help: columns are characters, and "…" is one of them. */
static void print_row(const char *left, const char *right)
{
    int width = 24;
    for (const char *byte = left; *byte != 0; byte++) {
        width += ((unsigned char)*byte & 0xc0) == 0x80;
    }
    printf("  %-*s %s\n", width, left, right);
}

static void print_options(const struct qr_cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->values[0] != 0 ? " " : "",
            options->values);
        print_row(left, options->help);
    }
}

static void print_command_help(const struct qr_cli_command *command)
{
    printf("usage: quire %s%s%s%s\n\n%s\n%s%s", command->name,
        command->options != NULL ? " [options]" : "", command->operands[0] != 0 ? " " : "",
        command->operands, command->summary, command->details[0] != 0 ? "\n" : "", command->details);
    if (command->options != NULL) {
        printf("\nOptions:\n");
        print_options(command->options);
    }
    printf("\nFor every command:\n");
    print_options(global_options);
    printf("\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no server within reach, 4 refused.\n");
}

static void print_help(void)
{
    printf("usage: quire COMMAND [options] …\n\n"
           "A private journal: written on this machine, encrypted before it leaves it.\n\nCommands:\n");
    for (const struct qr_cli_command *command = qr_cli_commands; command->name != NULL; command++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", command->name, command->operands);
        print_row(left, command->summary);
    }
    printf("\n`quire COMMAND --help` says all about one. An ENTRY or DEVICE is named by the start of "
           "its id,\n4 characters or more; a device also by its name.\n\nFor every command:\n");
    print_options(global_options);
    printf("\nExit codes:\n"
           "  0  done; what was to be saved is on the disk\n"
           "  1  failed; the message says what happened and what is safe\n"
           "  2  wrong usage: nothing was done\n"
           "  3  no server within reach: what was written is safe here\n"
           "  4  the server or this device refused: not trusted, revoked, or a change not taken\n");
}

static const struct qr_cli_command *find_command(const char *name)
{
    for (const struct qr_cli_command *command = qr_cli_commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

enum qr_cli_exit qr_cli_version(struct qr_cli *cli)
{
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:s}", "version", QUIRE_VERSION));
    }
    printf("quire %s\n", QUIRE_VERSION);
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_help(struct qr_cli *cli)
{
    if (cli->args.operand_count == 0) {
        print_help();
        return QR_CLI_DONE;
    }
    const struct qr_cli_command *command = find_command(cli->args.operands[0]);
    if (command == NULL) {
        return qr_cli_usage(cli, "There is no command \"%.60s\".", cli->args.operands[0]);
    }
    print_command_help(command);
    return QR_CLI_DONE;
}

static enum qr_cli_exit run_command(struct qr_cli *cli)
{
    const struct qr_cli_command *command = cli->command;
    if (qr_cli_has(&cli->args, "help")) {
        print_command_help(command);
        return QR_CLI_DONE;
    }
    if (cli->args.operand_count < command->operands_min
        || cli->args.operand_count > command->operands_max) {
        return qr_cli_usage(cli, "It is used so: quire %s %s.", command->name, command->operands[0] != 0 ? command->operands : "[options]");
    }
    return command->run(cli);
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
    enum quire_status status = qr_cli_parse(global_options, NULL, count, arguments, true,
        &cli->args, &used, error, sizeof error);
    if (status == QUIRE_OK && used < count) {
        cli->command = find_command(arguments[used]);
        if (cli->command == NULL) {
            return qr_cli_usage(cli, "There is no command \"%.60s\".", arguments[used]);
        }
        status = qr_cli_parse(cli->command->options, global_options, count - used - 1,
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
        print_help();
        return QR_CLI_DONE;
    }
    return qr_cli_usage(cli, "Which command? For example: quire write \"It rained all day.\"");
}

/* The records are read through a map: where the disk fails, or they are damaged, there is no return
 * value that could say so. */
static void on_bus_error(int signal_number)
{
    static const char text[] = "quire: The records of the profile cannot be read: the disk failed, or they "
                               "are damaged. Nothing was changed by this command.\n";
    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(QR_CLI_FAILED);
}

int main(int count, char **arguments)
{
    struct qr_cli cli = {0};
    const char *terminal = getenv("TERM");
    setlocale(LC_TIME, "");
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, and is told as one */
    signal(SIGXFSZ, SIG_IGN); /* so is a file at the size that `ulimit -f` allows */
    sigaction(SIGBUS, &(struct sigaction){.sa_handler = on_bus_error}, NULL);
    cli.terminal = isatty(STDOUT_FILENO) != 0;
    cli.error_terminal = isatty(STDERR_FILENO) != 0;
    cli.colour = cli.terminal && getenv("NO_COLOR") == NULL && terminal != NULL
        && strcmp(terminal, "dumb") != 0;
    enum qr_cli_exit exit = dispatch(&cli, count - 1, arguments + 1);
    qr_cli_clear_progress(&cli);
    if (!qr_cli_flush() && exit == QR_CLI_DONE) {
        fprintf(stderr, "quire: The output could not be written in full.\n");
        exit = QR_CLI_FAILED;
    }
    quire_client_destroy(cli.client);
    qr_cli_args_finish(&cli.args);
    return exit;
}
