/*
 * The help, from the table of commands.
 */
#include "client/cli/cli.h"
#include "client/cli/suggest.h"
#include <quire/version.h>
#include <stdlib.h>
#include <string.h>

const struct qr_cli_option qr_cli_global_options[] = {
    {"profile", "NAME|DIR", "a profile's name, or its folder [$QUIRE_PROFILE, else default]"},
    {"key-file", "FILE",
        "the key that opens it [$QUIRE_KEY_FILE, else in $XDG_CONFIG_HOME/quire/keys]"},
    {"passphrase-file", "FILE",
        "its first line opens a locked key file [$QUIRE_PASSPHRASE_FILE, else asked for]"},
    {"lock-wait", "S", "how long to wait while another process uses the profile [5]"},
    {"json", "", "print JSON: one object, or one a line while following; errors too"},
    {"insecure", "", "let ws:// leave this machine"},
    {"help", "", "print this and end"},
    {"version", "", "print the version and end"},
    {0},
};

#define COLUMNS 80 /* of a terminal that was not made wider */
#define ROW_LEFT 24
#define ROW_INDENT (2 + ROW_LEFT + 1)

/* In characters: "…" is one. */
static int width_of(const char *text, size_t size)
{
    int width = 0;
    for (size_t i = 0; i < size; i++) {
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return width;
}

/* Prints text from a column on: a line that would not fit goes on in the next, indented. Line feeds in it
 * are spaces. */
static void print_wrapped(const char *text, int column, int indent)
{
    bool begins = true; /* of a line: no space before the word */
    while (*text != 0) {
        size_t size = strcspn(text, " \n");
        int width = width_of(text, size);
        if (!begins && column + 1 + width > COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
            begins = true;
        }
        printf("%s%.*s", begins ? "" : " ", (int)size, text);
        column += width + !begins;
        begins = false;
        text += size;
        text += strspn(text, " \n");
    }
    fputc('\n', stdout);
}

static void print_row(const char *left, const char *right)
{
    int width = width_of(left, strlen(left));
    int pad = width < ROW_LEFT ? ROW_LEFT - width : 0;
    printf("  %s%*s ", left, pad, "");
    print_wrapped(right, 2 + width + pad + 1, ROW_INDENT);
}

static void print_options(const struct qr_cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        char left[64], letter[8] = "";
        if (qr_cli_letter(options->name) != 0) {
            snprintf(letter, sizeof letter, "-%c, ", qr_cli_letter(options->name));
        }
        snprintf(left, sizeof left, "%s--%s%s%s", letter, options->name,
            options->values[0] != 0 ? " " : "", options->values);
        print_row(left, options->help);
    }
}

void qr_cli_print_command_help(const struct qr_cli_command *command)
{
    printf("usage: quire %s%s%s%s\n\n", command->name, command->options != NULL ? " [options]" : "",
        command->operands[0] != 0 ? " " : "", command->operands);
    print_wrapped(command->summary, 0, 0);
    if (command->details[0] != 0) {
        fputc('\n', stdout);
        print_wrapped(command->details, 0, 0);
    }
    if (command->options != NULL) {
        printf("\nOptions:\n");
        print_options(command->options);
    }
    printf("\nFor every command:\n");
    print_options(qr_cli_global_options);
    printf("\n");
    print_wrapped(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no server within reach, 4 refused, 5 a search, "
        "or a list with filters, found no entry.",
        0, 0);
}

void qr_cli_print_help(void)
{
    printf(
        "usage: quire COMMAND [options] …\n\n"
        "A private journal: written on this machine, encrypted before it leaves it.\n\nCommands:\n");
    for (const struct qr_cli_command *command = qr_cli_commands; command->name != NULL; command++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", command->name, command->operands);
        print_row(left, command->summary);
    }
    fputc('\n', stdout);
    print_wrapped(
        "`quire COMMAND --help` says all about one. An ENTRY or DEVICE is named by the start of its "
        "id, 4 characters or more; an entry also as last or @1 (the newest in a list), @-1 (the "
        "oldest); a device also by its name.",
        0, 0);
    printf("\nFor every command:\n");
    print_options(qr_cli_global_options);
    printf("\nExit codes:\n"
           "  0  done; what was to be saved is on the disk\n"
           "  1  failed; the message says what happened and what is safe\n"
           "  2  wrong usage: nothing was done\n"
           "  3  no server within reach: what was written is safe here\n"
           "  4  the server or this device refused: not trusted, revoked, change not taken\n"
           "  5  a search, or a list with filters, found no entry\n");
}

const struct qr_cli_command *qr_cli_find_command(const char *name)
{
    static const char *const aliases[][2] = {{"ls", "list"}};
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        name = strcmp(aliases[i][0], name) == 0 ? aliases[i][1] : name;
    }
    for (const struct qr_cli_command *command = qr_cli_commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

enum qr_cli_exit qr_cli_no_command(struct qr_cli *cli, const char *name)
{
    struct qr_cli_suggestion suggestion = {0};
    for (const struct qr_cli_command *command = qr_cli_commands; command->name != NULL; command++) {
        qr_cli_suggest(&suggestion, name, command->name);
    }
    return suggestion.best != NULL ? qr_cli_usage(
               cli, "There is no command \"%.60s\". Did you mean \"%s\"?", name, suggestion.best)
                                   : qr_cli_usage(cli, "There is no command \"%.60s\".", name);
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
        qr_cli_print_help();
        return QR_CLI_DONE;
    }
    const struct qr_cli_command *command = qr_cli_find_command(cli->args.operands[0]);
    if (command == NULL) {
        return qr_cli_no_command(cli, cli->args.operands[0]);
    }
    qr_cli_print_command_help(command);
    return QR_CLI_DONE;
}
