/*
 * The table of options; --help is made of it.
 */
#include "worker/options.h"
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, SWITCH };

struct option {
    const char *name, *unit;
    enum kind kind;
    size_t offset;
    uint32_t standard, least, most;
    const char *help; /* NULL: not shown */
};

#define AT(field) offsetof(struct qr_worker_options, field)

static const struct option table[] = {
    {"profile", "folder", TEXT, AT(profile), 0, 0, 0,
        "The profile of this instance, made with `quire init` (the first) or `quire join`. Without it: as "
        "`quire` finds it."},
    {"key-file", "file", TEXT, AT(key_file), 0, 0, 0,
        "The profile's key, if it is not where `quire` puts it. The core alone reads it."},
    {"metrics", "file", TEXT, AT(metrics), 0, 0, 0,
        "Counters as Prometheus text, written anew every 10 seconds. They have no content and no ids."},
    {"credit-kib", "KiB", NUMBER, AT(credit_kib), 1024, 128, 4096,
        "How many bytes of copies the server may send ahead; they wait in the gate, sealed."},
    {"rotate-hours", "hours", NUMBER, AT(rotate_hours), 144, 1, 160,
        "How often a new lane key is made. Devices seal to a key for 7 days, and it opens for 28."},
    {"allow-unlocked", NULL, SWITCH, AT(allow_unlocked), 0, 0, 0,
        "Go on where memory cannot be locked. Text may then reach the swap: use it only without one."},
    {"insecure", NULL, SWITCH, AT(insecure), 0, 0, 0,
        "Speak ws:// with a server on another machine. For tests: copies stay sealed, but who sends what "
        "when is seen on the way."},
    {"analyser", NULL, SWITCH, AT(show_analyser), 0, 0, 0,
        "Print the analyser's hash and the cards of its models, and exit."},
    {"check", NULL, SWITCH, AT(check), 0, 0, 0,
        "Start the core, say whether all works but the connection, and exit."},
    {"version", NULL, SWITCH, AT(version), 0, 0, 0, "Print the version and exit."},
    {"help", NULL, SWITCH, AT(help), 0, 0, 0, "Print this and exit."},
    {"as-core", "fd", NUMBER, AT(as_core), UINT32_MAX, 3, 1023, NULL},
#ifdef QR_WORKER_PROBES
    {"failpoint", "name", TEXT, AT(failpoint), 0, 0, 0, NULL},
#endif
};
#define TABLE_SIZE (sizeof table / sizeof *table)

static const struct option *find(const char *name, size_t size)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strlen(table[i].name) == size && memcmp(table[i].name, name, size) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

static bool read_number(const struct option *option, const char *value, void *field)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != 0 || number < option->least
        || number > option->most) {
        return false;
    }
    *(uint32_t *)field = (uint32_t)number;
    return true;
}

enum quire_status qr_worker_options_read(int argc, char *const *argv,
    struct qr_worker_options *out_options, char *out_error, size_t error_size)
{
    struct qr_worker_options options = {0};
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].kind == NUMBER) {
            *(uint32_t *)(void *)((char *)&options + table[i].offset) = table[i].standard;
        }
    }
    for (int i = 1; i < argc; i++) {
        const char *given = argv[i], *equals = strchr(given, '=');
        size_t size = equals != NULL ? (size_t)(equals - given) : strlen(given);
        const struct option *option =
            strncmp(given, "--", 2) == 0 ? find(given + 2, size - 2) : NULL;
        if (option == NULL) {
            (void)snprintf(out_error, error_size,
                "There is no option \"%.100s\". `quire-insight --help` lists them.", given);
            return QUIRE_EINVALID;
        }
        void *field = (char *)&options + option->offset;
        const char *value = option->kind == SWITCH ? NULL
            : equals != NULL                       ? equals + 1
            : i + 1 < argc                         ? argv[++i]
                                                   : NULL;
        if (option->kind == SWITCH && equals == NULL) {
            *(bool *)field = true;
        } else if (option->kind == TEXT && value != NULL && value[0] != 0) {
            *(const char **)field = value;
        } else if (option->kind != NUMBER || value == NULL || !read_number(option, value, field)) {
            (void)snprintf(out_error, error_size,
                option->kind == SWITCH     ? "--%s takes no value."
                    : option->kind == TEXT ? "--%s takes a value."
                                           : "--%s takes a number from %u to %u.",
                option->name, option->least, option->most);
            return QUIRE_EINVALID;
        }
    }
    *out_options = options;
    return QUIRE_OK;
}

void qr_worker_options_help(FILE *out)
{
    fputs(
        "quire-insight: reads entries that people share with this worker, and answers with sealed results.\n"
        "\n"
        "It is the account of its profile: people grant consent to that account's id. Each machine that runs\n"
        "it is a device of the account. It keeps no text, no result and no lane key on any disk.\n"
        "\n"
        "  quire init --server wss://journal.example     once: the account, its recovery kit on paper\n"
        "  quire-insight                                 reads what is shared with it, until SIGTERM\n"
        "\n",
        out);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        const struct option *option = &table[i];
        if (option->help == NULL) {
            continue;
        }
        fprintf(out, "  --%s%s%s\n      %s", option->name, option->unit != NULL ? " " : "",
            option->unit != NULL ? option->unit : "", option->help);
        if (option->kind == NUMBER) {
            fprintf(out, " %u if it is not given, %u to %u.", option->standard, option->least,
                option->most);
        }
        fputc('\n', out);
    }
    fputs(
        "\nExit status: 0 ended as asked, 1 failed while running, 2 settings or profile, 3 the sandbox cannot be\n"
        "set up, 4 the server refuses this instance for good.\n",
        out);
}
