/*
 * The table of options, and what is made of it.
 */
#include "server/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    TEXT,    /* const char * */
    HOSTS,   /* repeatable; in the environment separated by commas */
    LISTENS, /* the same */
    PROXIES, /* the same */
    SWITCH,  /* bool; in the environment 1 or 0 */
    NUMBER,  /* uint32_t */
    LARGE,   /* uint64_t, bytes */
    CHOICE,  /* uint32_t: index in `choices` */
};

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *unit;
    uint64_t standard, least, most;
    const char *standard_text; /* of a TEXT */
    const char *choices[5];
    const char *help;
};

#define AT(field) offsetof(struct qr_options, field)
#define LIMIT(field) offsetof(struct qr_options, limits.field)
#define GIB (1024ull * 1024 * 1024)

static const struct option table[] = {
    {"listen", LISTENS, AT(listens), "host:port", 0, 0, 0, NULL, {0},
        "Where to listen, 127.0.0.1:7433 if it is not given; repeatable. Port 0 takes a free one and "
        "the ready line says which. [::] serves IPv4, too."},
    {"data", TEXT, AT(data), "folder", 0, 0, 0, "./quired-data", {0},
        "Everything that is kept: the store, the certificate. Made if it is not there."},
    {"host", HOSTS, AT(hosts), "name", 0, 0, 0, NULL, {0},
        "A name that clients reach this server by, without port; repeatable. localhost, loopback "
        "addresses and this machine's name are always among them."},
    {"no-tls", SWITCH, AT(no_tls), NULL, 0, 0, 0, NULL, {0},
        "Plain WebSockets, for a proxy on this machine; loopback only."},
    {"cert", TEXT, AT(cert), "file", 0, 0, 0, NULL, {0},
        "PEM certificate chain, with --key; without it a self-signed one is made in the data folder."},
    {"key", TEXT, AT(key), "file", 0, 0, 0, NULL, {0}, "PEM private key of --cert."},
    {"workers", NUMBER, AT(workers), "threads", 0, 0, 64, NULL, {0},
        "Threads that check signatures; 0: one less than there are processors, at least one."},
    {"commit-window-us", NUMBER, AT(commit_window_us), "µs", 2000, 0, 1000000, NULL, {0},
        "Least time from one commit to the next; what comes meanwhile is committed together."},
    {"store-max", LARGE, AT(store_max), "bytes", 256 * GIB, 1024 * 1024, 16384 * GIB, NULL, {0},
        "How large the store may grow; then writes are refused and reads go on."},
    {"reader-growth-max", LARGE, AT(reader_growth_max), "bytes", 4 * GIB, 0, 16384 * GIB, NULL, {0},
        "How much the store may grow because another process reads it, as a backup does; then that "
        "process is ended (SIGTERM). 0: no limit."},
    {"registration", CHOICE, AT(registration), NULL, 0, 0, 0, NULL, {"open", "invite", "closed"},
        "Whether unknown users may make an account; invite: those that `quirectl invite` lists."},
    {"accounts-per-hour-per-address", NUMBER, LIMIT(accounts_per_hour), "", 20, 0, 1000000, NULL,
        {0}, "New accounts from one address; 0: no limit."},
    {"new-account-mib-per-address", NUMBER, LIMIT(new_account_mib), "MiB", 512, 0, 1000000, NULL,
        {0}, "What the new accounts of one address may store in a day; 0: no limit."},
    {"connections", NUMBER, LIMIT(connections), "", 20000, 1, 1000000, NULL, {0},
        "Connections at once; the limit of open files may lower it."},
    {"connections-per-user", NUMBER, LIMIT(connections_per_user), "", 40, 1, 1000, NULL, {0},
        "Connections of one user at once; one more ends the oldest of the device with most."},
    {"connections-per-device", NUMBER, LIMIT(connections_per_device), "", 8, 1, 1000, NULL, {0},
        "Connections of one device at once; one more ends the oldest."},
    {"connections-per-minute-per-address", NUMBER, AT(connections_per_minute), "", 10, 0, 1000000,
        NULL, {0},
        "New connections from one address (IPv6: /64) that do not authenticate; 0: no limit. "
        "Loopback is exempt."},
    {"limit-loopback", SWITCH, AT(limit_loopback), NULL, 0, 0, 0, NULL, {0},
        "Let the limits per address count for loopback, too."},
    {"trust-forwarded", SWITCH, AT(trust_forwarded), NULL, 0, 0, 0, NULL, {0},
        "Take a client's address from X-Forwarded-For if the connection comes from this machine: "
        "for a proxy that sets that header itself."},
    {"proxy-protocol", PROXIES, AT(proxies), "address", 0, 0, 0, NULL, {0},
        "A proxy's address; repeatable. Its connections begin with a PROXY header, version 1 or 2, "
        "which says the client's address; without one they are refused."},
    {"users-loaded", NUMBER, LIMIT(users_loaded), "", 1024, 0, 10000000, NULL, {0},
        "Users whose index stays in memory while none of their devices is connected."},
    {"users-loaded-bytes", LARGE, LIMIT(users_loaded_bytes), "bytes", 256 * 1024 * 1024, 0,
        1024 * GIB, NULL, {0}, "Memory for those, at most."},
    {"handshake-ms", NUMBER, LIMIT(handshake_ms), "ms", QR_UNAUTHENTICATED_MS, 100, 600000, NULL,
        {0}, "Time in which a connection must authenticate."},
    {"idle-ms", NUMBER, LIMIT(idle_ms), "ms", QR_SILENCE_SERVER_MS, 1000, 86400000, NULL, {0},
        "A connection that sends nothing for so long is closed."},
    {"stalled-ms", NUMBER, LIMIT(stalled_ms), "ms", 60000, 1000, 86400000, NULL, {0},
        "A connection that reads nothing for so long is closed."},
    {"pushes-per-second", NUMBER, LIMIT(pushes_per_second), "batches", 10, 1, UINT32_MAX, NULL, {0},
        "Batches of one user, over time."},
    {"pushes-burst", NUMBER, LIMIT(pushes_burst), "batches", 200, 1, UINT32_MAX, NULL, {0},
        "Batches of one user, at once."},
    {"push-bytes-per-second", NUMBER, LIMIT(push_bytes_per_second), "bytes", 1024 * 1024, 1024,
        UINT32_MAX, NULL, {0}, "Bytes of one user, over time."},
    {"push-bytes-burst", NUMBER, LIMIT(push_bytes_burst), "bytes", 16 * 1024 * 1024, 512 * 1024,
        UINT32_MAX, NULL, {0}, "Bytes of one user, at once."},
    {"send-bytes-per-second", NUMBER, LIMIT(delta_bytes_per_second), "bytes", 16 * 1024 * 1024,
        1024, UINT32_MAX, NULL, {0}, "Bytes sent to one user, over time."},
    {"send-bytes-burst", NUMBER, LIMIT(delta_bytes_burst), "bytes", 256 * 1024 * 1024, 512 * 1024,
        UINT32_MAX, NULL, {0}, "Bytes sent to one user, at once."},
    {"subs-per-minute", NUMBER, LIMIT(subs_per_minute), "", 60, 1, 1000000, NULL, {0},
        "Subscriptions (SUB) of the devices of one user, over time."},
    {"subs-burst", NUMBER, LIMIT(subs_burst), "", 120, 1, 1000000, NULL, {0}, "The same, at once."},
    {"roster-appends-per-hour", NUMBER, LIMIT(roster_appends_per_hour), "", 60, 1, 1000000, NULL,
        {0}, "Changes that one device may ask for to the devices of its user."},
    {"auth-failures-per-hour", NUMBER, LIMIT(auth_failures_per_hour), "", 20, 1, 1000000, NULL, {0},
        "Failed authentications for one user before a connection that fails is told to wait."},
    {"user-bytes", LARGE, LIMIT(user_bytes), "bytes", GIB, 1024, 16384 * GIB, NULL, {0},
        "What one user may store."},
    {"log-level", CHOICE, AT(log_level), NULL, QR_LOG_INFO, 0, 0, NULL,
        {"debug", "info", "warn", "error"}, "The least important lines that are logged."},
    {"log-format", CHOICE, AT(log_format), NULL, 0, 0, 0, NULL, {"logfmt", "json"},
        "How lines are logged, on standard error."},
    {"check", SWITCH, AT(check), NULL, 0, 0, 0, NULL, {0},
        "Say whether these settings would work, and exit."},
    {"version", SWITCH, AT(version), NULL, 0, 0, 0, NULL, {0}, "Print the version and exit."},
    {"help", SWITCH, AT(help), NULL, 0, 0, 0, NULL, {0}, "Print this and exit."},
};
#define TABLE_SIZE (sizeof table / sizeof *table)

struct reading {
    struct qr_options *options;
    char *error;
    size_t error_size;
};

static void *field_of(const struct reading *reading, const struct option *option)
{
    return (char *)reading->options + option->offset;
}

static void environment_name(const struct option *option, char out_name[64])
{
    size_t length = (size_t)snprintf(out_name, 64, "QUIRED_%s", option->name);
    for (size_t i = 0; i < length; i++) {
        out_name[i] = out_name[i] == '-' ? '_' : (char)toupper((unsigned char)out_name[i]);
    }
}

/* A decimal number, for bytes also with K, M, G or T behind it. */
static bool read_number(const char *text, bool bytes, uint64_t *out_number)
{
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    unsigned long long number = strtoull(text, &end, 10);
    static const char suffixes[] = "KMGT";
    const char *suffix = *end == 0 ? NULL : strchr(suffixes, *end);
    if (bytes && suffix != NULL && end[1] == 0) {
        for (const char *step = suffixes; step <= suffix; step++) {
            if (number > UINT64_MAX / 1024) {
                return false;
            }
            number *= 1024;
        }
    } else if (*end != 0) {
        return false;
    }
    *out_number = number;
    return true;
}

static bool set_number(const struct reading *reading, const struct option *option,
    const char *source, const char *text)
{
    uint64_t number = 0;
    bool bytes = option->unit != NULL && strcmp(option->unit, "bytes") == 0;
    if (!read_number(text, bytes, &number) || number < option->least || number > option->most) {
        (void)snprintf(reading->error, reading->error_size,
            "%s is to be a number from %llu to %llu%s%s, not \"%.40s\".", source,
            (unsigned long long)option->least, (unsigned long long)option->most,
            option->unit[0] != 0 ? " in " : "", option->unit, text);
        return false;
    }
    if (option->kind == LARGE) {
        *(uint64_t *)field_of(reading, option) = number;
    } else {
        *(uint32_t *)field_of(reading, option) = (uint32_t)number;
    }
    return true;
}

static bool set_choice(const struct reading *reading, const struct option *option,
    const char *source, const char *text)
{
    for (uint32_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *(uint32_t *)field_of(reading, option) = i;
            return true;
        }
    }
    int used = snprintf(reading->error, reading->error_size, "%s is to be one of", source);
    for (uint32_t i = 0; option->choices[i] != NULL && (size_t)used < reading->error_size; i++) {
        used += snprintf(
            reading->error + used, reading->error_size - (size_t)used, " %s", option->choices[i]);
    }
    return false;
}

static bool add_host(
    const struct reading *reading, const char *source, const char *text, size_t length)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_:[]";
    struct qr_options *options = reading->options;
    if (options->host_count == QR_HOSTS_MAX) {
        (void)snprintf(reading->error, reading->error_size, "%s: at most %d names are possible.",
            source, QR_HOSTS_MAX);
        return false;
    }
    if (length == 0 || length > QR_HOST_MAX - 8 || strspn(text, allowed) < length) {
        (void)snprintf(reading->error, reading->error_size, "%s: \"%.*s\" is not a host name.",
            source, (int)(length < 40 ? length : 40), text);
        return false;
    }
    char *name = options->hosts[options->host_count++];
    memcpy(name, text, length);
    name[length] = 0;
    return true;
}

static bool add_hosts(const struct reading *reading, const char *source, const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        if (!add_host(reading, source, text, length)) {
            return false;
        }
        if (text[length] == 0) {
            return true;
        }
        text += length + 1;
    }
}

static bool add_listens(const struct reading *reading, const char *source, const char *text)
{
    struct qr_options *options = reading->options;
    for (;;) {
        size_t length = strcspn(text, ",");
        if (options->listen_count == QR_LISTENS_MAX || length == 0 || length > QR_HOST_MAX) {
            (void)snprintf(reading->error, reading->error_size,
                "%s is to be host:port, at most %d of them.", source, QR_LISTENS_MAX);
            return false;
        }
        char *listen = options->listens[options->listen_count++];
        memcpy(listen, text, length);
        listen[length] = 0;
        if (text[length] == 0) {
            return true;
        }
        text += length + 1;
    }
}

static bool add_proxies(const struct reading *reading, const char *source, const char *text)
{
    struct qr_options *options = reading->options;
    for (;;) {
        size_t length = strcspn(text, ",");
        char *proxy = options->proxies[options->proxy_count % QR_PROXIES_MAX];
        struct qr_proxies tried = {0};
        if (options->proxy_count < QR_PROXIES_MAX && length <= QR_PROXY_TEXT_MAX) {
            memcpy(proxy, text, length);
            proxy[length] = 0;
        }
        if (options->proxy_count == QR_PROXIES_MAX || length > QR_PROXY_TEXT_MAX
            || !qr_proxies_add(&tried, proxy)) {
            (void)snprintf(reading->error, reading->error_size,
                "%s is to be the numeric address of a proxy, at most %d of them.", source,
                QR_PROXIES_MAX);
            return false;
        }
        options->proxy_count++;
        if (text[length] == 0) {
            return true;
        }
        text += length + 1;
    }
}

static bool set_switch(const struct reading *reading, const struct option *option,
    const char *source, const char *text)
{
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
        (void)snprintf(reading->error, reading->error_size, "%s is to be 1 or 0.", source);
        return false;
    }
    *(bool *)field_of(reading, option) = text[0] == '1';
    return true;
}

static bool set(const struct reading *reading, const struct option *option, const char *source,
    const char *text)
{
    switch (option->kind) {
    case TEXT: *(const char **)field_of(reading, option) = text; return true;
    case HOSTS: return add_hosts(reading, source, text);
    case PROXIES: return add_proxies(reading, source, text);
    case LISTENS: return add_listens(reading, source, text);
    case SWITCH: return set_switch(reading, option, source, text);
    case NUMBER:
    case LARGE: return set_number(reading, option, source, text);
    case CHOICE: return set_choice(reading, option, source, text);
    }
    return false;
}

static void set_standards(const struct reading *reading)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        const struct option *option = &table[i];
        if (option->kind == TEXT) {
            *(const char **)field_of(reading, option) = option->standard_text;
        } else if (option->kind == LARGE) {
            *(uint64_t *)field_of(reading, option) = option->standard;
        } else if (option->kind == NUMBER || option->kind == CHOICE) {
            *(uint32_t *)field_of(reading, option) = (uint32_t)option->standard;
        }
    }
}

static const struct option *find(const char *name, size_t length)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

static bool read_arguments(const struct reading *reading, int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        const char *equals = strchr(argument, '=');
        size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
        const struct option *option =
            strncmp(argument, "--", 2) == 0 && length > 2 ? find(argument + 2, length - 2) : NULL;
        if (strcmp(argument, "-h") == 0) {
            option = find("help", 4);
        }
        if (option == NULL) {
            (void)snprintf(reading->error, reading->error_size,
                "\"%.60s\" is not an option; see quired --help.", argument);
            return false;
        }
        char source[64];
        (void)snprintf(source, sizeof source, "--%s", option->name);
        const char *value = equals != NULL ? equals + 1 : NULL;
        if (option->kind == SWITCH) {
            value = value == NULL ? "1" : value;
        } else if (value == NULL && ++i < argc) {
            value = argv[i];
        }
        if (value == NULL) {
            (void)snprintf(
                reading->error, reading->error_size, "%s is to be followed by a value.", source);
            return false;
        }
        if (!set(reading, option, source, value)) {
            return false;
        }
    }
    return true;
}

enum quire_status qr_options_read(int argc, char *const *argv,
    const char *(*get_environment)(const char *name), struct qr_options *out_options,
    char *out_error, size_t error_size)
{
    struct qr_options options = {0};
    struct reading reading = {&options, out_error, error_size};
    qr_hub_limits_default(&options.limits);
    set_standards(&reading);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        char name[64];
        environment_name(&table[i], name);
        const char *value = get_environment(name);
        if (value != NULL && value[0] != 0 && !set(&reading, &table[i], name, value)) {
            return QUIRE_EINVALID;
        }
    }
    /* Flags win: a list from the environment is not added to. */
    uint32_t listens = options.listen_count;
    if (!read_arguments(&reading, argc, argv)) {
        return QUIRE_EINVALID;
    }
    if (listens > 0 && options.listen_count > listens) {
        options.listen_count -= listens;
        memmove(options.listens, options.listens + listens,
            options.listen_count * sizeof options.listens[0]);
    }
    if ((options.cert == NULL) != (options.key == NULL)) {
        (void)snprintf(out_error, error_size, "--cert and --key go together: give both or none.");
        return QUIRE_EINVALID;
    }
    if (options.listen_count == 0) {
        (void)snprintf(options.listens[0], sizeof options.listens[0], "127.0.0.1:7433");
        options.listen_count = 1;
    }
    options.limits.open_registration = options.registration == QR_REGISTRATION_OPEN;
    *out_options = options;
    return QUIRE_OK;
}

static void print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text != 0) {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > 88) {
            column = 0;
            fputc('\n', out);
        }
        fputs(column == 0 ? "      " : " ", out);
        fwrite(text, 1, word, out);
        column += word + 1;
        text += word;
        text += *text == ' ';
    }
    fputc('\n', out);
}

void qr_options_help(FILE *out)
{
    fputs("quired: the sync server of Quire, a private journal. It keeps what it cannot read.\n\n"
          "usage: quired [--option value]…\n\n"
          "Each option is also an environment variable: QUIRED_ and its name in capitals, with _\n"
          "for -. Flags win. Sizes in bytes may end in K, M, G or T.\n\n",
        out);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        const struct option *option = &table[i];
        char standard[40] = "";
        fprintf(out, "  --%s", option->name);
        if (option->kind == CHOICE) {
            for (size_t choice = 0; option->choices[choice] != NULL; choice++) {
                fprintf(out, "%c%s", choice == 0 ? ' ' : '|', option->choices[choice]);
            }
            (void)snprintf(standard, sizeof standard, "%s", option->choices[option->standard]);
        } else if (option->kind == NUMBER || option->kind == LARGE) {
            fprintf(out, " %s", option->unit[0] != 0 ? option->unit : "count");
            (void)snprintf(standard, sizeof standard, "%llu", (unsigned long long)option->standard);
        } else if (option->kind != SWITCH) {
            fprintf(out, " %s", option->unit);
            (void)snprintf(standard, sizeof standard, "%s",
                option->standard_text != NULL ? option->standard_text : "");
        }
        fprintf(out, standard[0] != 0 ? "  [%s]\n" : "\n", standard);
        print_wrapped(out, option->help);
    }
    fputs(
        "\nExit status: 0 ended as asked, 1 a failure while running, 2 settings that do not work,\n"
        "3 the store cannot be opened, 4 the address cannot be listened on.\n",
        out);
}

bool qr_options_address(const char *text, char *out_host, size_t host_size, uint16_t *out_port)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || !read_number(colon + 1, false, &port) || port > UINT16_MAX) {
        return false;
    }
    const char *start = text;
    size_t length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
        start++;
        length -= 2;
    } else if (memchr(text, ':', length) != NULL) {
        return false; /* an IPv6 address stands in brackets */
    }
    if (length == 0 || length >= host_size) {
        return false;
    }
    memcpy(out_host, start, length);
    out_host[length] = 0;
    *out_port = (uint16_t)port;
    return true;
}
