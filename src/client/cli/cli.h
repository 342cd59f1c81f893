/*
 * What the commands of `quire` share.
 */
#ifndef QR_CLIENT_CLI_CLI_H
#define QR_CLIENT_CLI_CLI_H

#include "client/cli/options.h"
#include "client/cli/progress.h"
#include <jansson.h>
#include <quire/client.h>
#include <stdio.h>

#define QR_CLI_TIMEOUT_S 30

/** Exit codes, as `quire --help` says. */
enum qr_cli_exit {
    QR_CLI_DONE = 0,
    QR_CLI_FAILED = 1,
    QR_CLI_USAGE = 2,
    QR_CLI_OFFLINE = 3,
    QR_CLI_REFUSED = 4,
    QR_CLI_NONE_FOUND = 5,
};

struct qr_cli;
struct qr_client_path;

struct qr_cli_command {
    const char *name;
    const char *operands; /* as in the usage line */
    size_t operands_min, operands_max;
    const char *summary; /* one line */
    const char *details; /* paragraphs for its --help */
    const struct qr_cli_option *options;
    enum qr_cli_exit (*run)(struct qr_cli *cli);
};

/** All of them; ends with a row whose name is NULL. */
extern const struct qr_cli_command qr_cli_commands[];

/** One run of the program. */
struct qr_cli {
    const struct qr_cli_command *command;
    struct qr_cli_args args;
    struct quire_client *client; /* NULL before qr_cli_client */
    bool json;
    bool colour;         /* stdout is a terminal that wants it */
    bool terminal;       /* stdout is one */
    bool error_terminal; /* stderr is one */
    bool error_colour;   /* stderr is a terminal that wants colour */
    bool progress_shown; /* a progress line stands on stderr */
    struct qr_cli_progress progress;
    struct qr_client_path *profile; /* the folder of a --profile NAME; NULL: none */
    uint64_t changed;               /* entries that a sync changed */
    uint64_t rejected;
    bool following;
    void (*watch)(struct qr_cli *cli, const char *what, const char *text); /* events; may be NULL */
    bool ask_passphrase;      /* the agent's key is not enough */
    bool passphrase_on_input; /* standard input brings it, if it is no terminal */
};

/* ---- help.c ---------------------------------------------------------------------------------- */

/** The options that every command has. */
extern const struct qr_cli_option qr_cli_global_options[];
/** By its name or its alias; NULL: there is none. */
const struct qr_cli_command *qr_cli_find_command(const char *name);
/** A usage error that names a command like it, if there is one. */
enum qr_cli_exit qr_cli_no_command(struct qr_cli *cli, const char *name);
void qr_cli_print_command_help(const struct qr_cli_command *command);
void qr_cli_print_help(void);

/* ---- output.c -------------------------------------------------------------------------------- */

/** Prints an error: what happened, then a hint if there is one (hint may be NULL). */
void qr_cli_error(struct qr_cli *cli, enum quire_status status, enum qr_cli_exit exit,
    const char *text, const char *hint);
/** A usage error, as printf. Returns QR_CLI_USAGE. */
enum qr_cli_exit qr_cli_usage(struct qr_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The client's last failure, with a hint for what to do. */
enum qr_cli_exit qr_cli_failure(struct qr_cli *cli, enum quire_status status);
/** The same for a command that speaks with the server. */
enum qr_cli_exit qr_cli_online_failure(struct qr_cli *cli, enum quire_status status);
/** No memory: prints so. */
enum qr_cli_exit qr_cli_no_memory(struct qr_cli *cli);

/** Prints an object and lets it go; on one line in a pipe. NULL: no memory. */
enum qr_cli_exit qr_cli_print_json(struct qr_cli *cli, json_t *object);
json_t *qr_cli_json_bytes(struct quire_bytes text);
json_t *qr_cli_json_id(const uint8_t *id);
json_t *qr_cli_json_time(int64_t ms);

/** Text of an entry or a name: in a terminal, characters that would steer it are shown, not sent. */
void qr_cli_print_text(const struct qr_cli *cli, FILE *file, struct quire_bytes text);
/** A name that another device chose, in a row: nothing in it steers a terminal, or begins another row,
 * wherever it goes. */
void qr_cli_print_name(FILE *file, struct quire_bytes name);
/** 32 hex digits. */
void qr_cli_id_text(const uint8_t *id, char out_text[33]);
/** "" unless the output has colour. */
const char *qr_cli_bold(const struct qr_cli *cli);
const char *qr_cli_dim(const struct qr_cli *cli);
const char *qr_cli_warn(const struct qr_cli *cli);
const char *qr_cli_plain(const struct qr_cli *cli);
/** Local date and time of a wall clock reading, "2024-03-01 12:30". */
void qr_cli_time_text(int64_t wall_ms, char out_text[48]);
/** "just now", "12 minutes ago", "yesterday at 21:30", else as qr_cli_time_text. (status.c) */
void qr_cli_ago_text(int64_t wall_ms, int64_t now_ms, char out_text[48]);
/** The wall clock, ms since 1970 UTC. */
int64_t qr_cli_wall_ms(void);
/** Now, by the local clock, as an entry's date: milliseconds without zone. */
int64_t qr_cli_local_now(void);
/** A terminal is to have colour: NO_COLOR is unset or empty, and TERM is set and not "dumb". */
bool qr_cli_wants_colour(void);
/** True if stdout took everything. */
bool qr_cli_flush(void);

/* ---- session.c ------------------------------------------------------------------------------- */

/** A usage error, said, unless it is the address of a server (or NULL) that may be used. */
enum qr_cli_exit qr_cli_check_address(struct qr_cli *cli, const char *server);
/** Makes cli->client from the options and the environment. */
enum qr_cli_exit qr_cli_client(struct qr_cli *cli);
/** The same, then opens the profile: for what needs it alone (sync, pair, server …). */
enum qr_cli_exit qr_cli_open(struct qr_cli *cli);
/** To read: without a lock, on a read-only disk, too. */
enum qr_cli_exit qr_cli_open_to_read(struct qr_cli *cli);
/** To read and edit entries: without the lock if another process keeps it (quire_client_open_to_write). */
enum qr_cli_exit qr_cli_open_to_write(struct qr_cli *cli);
#define QR_CLI_NAME_SIZE (QUIRE_NAME_MAX + 1)
/** A device's name; the start of its id if it has none that can be read. Print it with qr_cli_print_name. */
void qr_cli_device_name(struct qr_cli *cli, const uint8_t *device, char out_name[QR_CLI_NAME_SIZE]);
/** --timeout in milliseconds, or the default. */
enum qr_cli_exit qr_cli_timeout(struct qr_cli *cli, uint32_t default_s, uint32_t *out_ms);
/** Takes the progress line away. */
void qr_cli_clear_progress(struct qr_cli *cli);

/* ---- input.c --------------------------------------------------------------------------------- */

/** Appends standard input to its end, at most max_size bytes. ELIMIT, EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_cli_read_input(size_t max_size, struct quire_buffer *out_text);
/** Standard input is a pipe or a file, not a terminal or a device such as /dev/null. */
bool qr_cli_input_is_text(void);
/** It is a pipe or a file that has, or may still bring, something to read. */
bool qr_cli_input_is_unread(void);

/* ---- prompt.c -------------------------------------------------------------------------------- */

/** Reads lines from the terminal without showing them, or from standard input if that is a pipe: until
 * there are `wanted` letters and digits, or an empty line. EMALFORMED: none, or far too many. */
QUIRE_CHECKED enum quire_status qr_cli_read_secret(
    const char *prompt, size_t wanted, char *out_text, size_t size);
/** One line from a file, without its end, byte by byte: what comes after it stays. False: the end, or the
 * line is too long or holds a zero byte. */
bool qr_cli_read_line(int file, char *out_text, size_t size);
/** Hides what is typed on the controlling terminal; the file to read from, or −1: there is none. What was
 * typed before is dropped. qr_cli_end_hidden ends it. */
int qr_cli_begin_hidden(void);
void qr_cli_end_hidden(int file);
/** Asks for one line meanwhile. */
bool qr_cli_read_hidden(int file, const char *prompt, char *out_text, size_t size);
/** Asks for one line on the controlling terminal without showing it, wherever standard input goes. */
bool qr_cli_ask_hidden(const char *prompt, char *out_text, size_t size);
/** There is a terminal to ask on and to read the answer from. */
bool qr_cli_can_ask(const struct qr_cli *cli);
/** Asks on the terminal. An empty answer means `otherwise`, the end of input always no. */
bool qr_cli_confirm(const char *question, bool otherwise);

/* ---- lock.c ---------------------------------------------------------------------------------- */

/** Of quire_client_callbacks; the context is a struct qr_cli. */
bool qr_cli_on_passphrase(
    void *context, unsigned attempt, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1]);
/** --passphrase-file, or the environment's; NULL: none. */
const char *qr_cli_passphrase_file(const struct qr_cli *cli);
/** A new passphrase: a line of standard input if that is a pipe, else from the terminal, twice. False:
 * said why. */
bool qr_cli_ask_new_passphrase(
    struct qr_cli *cli, const char *prompt, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1]);
/** --memory, or the default. */
enum qr_cli_exit qr_cli_passphrase_memory(struct qr_cli *cli, int64_t *out_mib);
/** "15m", "8h", "90s", "2d". */
bool qr_cli_duration(const char *text, uint32_t min_s, uint32_t max_s, uint32_t *out_s);

/* ---- listing.c ------------------------------------------------------------------------------- */

/** By the start of its id; "last" or @1, the newest in a list; @-1, the oldest. As quire_client_find_entry. */
QUIRE_CHECKED enum quire_status qr_cli_find_entry(
    struct qr_cli *cli, const char *name, uint8_t out_entry[QUIRE_ENTRY_SIZE]);

/** The newest entry of today, by the entries' dates. ENOTFOUND: nothing was written today. */
QUIRE_CHECKED enum quire_status qr_cli_find_today(
    struct qr_cli *cli, uint8_t out_entry[QUIRE_ENTRY_SIZE]);

/* ---- the commands ---------------------------------------------------------------------------- */

enum qr_cli_exit qr_cli_init(struct qr_cli *cli);
enum qr_cli_exit qr_cli_join(struct qr_cli *cli);
enum qr_cli_exit qr_cli_do_pair(struct qr_cli *cli);
enum qr_cli_exit qr_cli_rejoin(struct qr_cli *cli);
enum qr_cli_exit qr_cli_recover(struct qr_cli *cli);
enum qr_cli_exit qr_cli_devices(struct qr_cli *cli);
enum qr_cli_exit qr_cli_revoke(struct qr_cli *cli);
enum qr_cli_exit qr_cli_server(struct qr_cli *cli);
enum qr_cli_exit qr_cli_write(struct qr_cli *cli);
enum qr_cli_exit qr_cli_do_edit(struct qr_cli *cli);
enum qr_cli_exit qr_cli_drafts(struct qr_cli *cli);
enum qr_cli_exit qr_cli_type(struct qr_cli *cli);
enum qr_cli_exit qr_cli_show(struct qr_cli *cli);
enum qr_cli_exit qr_cli_list(struct qr_cli *cli);
enum qr_cli_exit qr_cli_search(struct qr_cli *cli);
enum qr_cli_exit qr_cli_insights(struct qr_cli *cli);
enum qr_cli_exit qr_cli_suggest_emotions(struct qr_cli *cli);
enum qr_cli_exit qr_cli_history(struct qr_cli *cli);
enum qr_cli_exit qr_cli_diff(struct qr_cli *cli);
enum qr_cli_exit qr_cli_restore(struct qr_cli *cli);
enum qr_cli_exit qr_cli_undo(struct qr_cli *cli);
enum qr_cli_exit qr_cli_delete(struct qr_cli *cli);
enum qr_cli_exit qr_cli_export(struct qr_cli *cli);
enum qr_cli_exit qr_cli_import(struct qr_cli *cli);
enum qr_cli_exit qr_cli_undelete(struct qr_cli *cli);
enum qr_cli_exit qr_cli_trash(struct qr_cli *cli);
enum qr_cli_exit qr_cli_on_this_day(struct qr_cli *cli);
enum qr_cli_exit qr_cli_append(struct qr_cli *cli);
enum qr_cli_exit qr_cli_tags(struct qr_cli *cli);
enum qr_cli_exit qr_cli_stats(struct qr_cli *cli);
enum qr_cli_exit qr_cli_calendar(struct qr_cli *cli);
enum qr_cli_exit qr_cli_moods(struct qr_cli *cli);
enum qr_cli_exit qr_cli_journals(struct qr_cli *cli);
enum qr_cli_exit qr_cli_profiles(struct qr_cli *cli);
enum qr_cli_exit qr_cli_daemon(struct qr_cli *cli);
enum qr_cli_exit qr_cli_backup(struct qr_cli *cli);
enum qr_cli_exit qr_cli_restore_backup(struct qr_cli *cli);
enum qr_cli_exit qr_cli_passphrase(struct qr_cli *cli);
enum qr_cli_exit qr_cli_unlock(struct qr_cli *cli);
enum qr_cli_exit qr_cli_lock(struct qr_cli *cli);
enum qr_cli_exit qr_cli_sync(struct qr_cli *cli);
enum qr_cli_exit qr_cli_status(struct qr_cli *cli);
enum qr_cli_exit qr_cli_version(struct qr_cli *cli);
enum qr_cli_exit qr_cli_help(struct qr_cli *cli);

#endif
