/*
 * The table of commands: what each is called, takes and says about itself.
 */
#include "client/cli/cli.h"
#include "client/cli/filter.h"
#include "client/cli/period.h"

#define CODE_GROUPS_MAX 20

#define FIELDS \
    {"title", "TEXT", "its title"}, \
        {"date", "DATE", "its date: \"2024-03-01 12:30\", yesterday, \"last friday 8pm\""}, \
        {"mood", "N", "its mood, 0 (low) to 100 (high)"}, \
        {"journal", "NAME", "the journal that it belongs to [diary]"}, \
        {"tag", "NAME", "adds a tag; may be repeated"}, \
    { \
        "emotion", "NAME=N", "adds an emotion of intensity 0 to 100; may be repeated" \
    }

#define NEW_PROFILE \
    {"name", "NAME", "this device's name, for the list of devices [the host's]"}, \
        {"server", "URL", "where to sync: wss://host:port"}, \
    { \
        "fingerprint", "HEX", "pins the server's certificate" \
    }

#define DEADLINE \
    { \
        "deadline", "S", "gives up after so many seconds in all, whatever moves [3600]" \
    }

#define ONLINE \
    {"timeout", "S", "gives up after so many seconds in which it gets nowhere [30]"}, DEADLINE, \
    { \
        "trust-first-use", "", \
            "trusts and pins the certificate of a server met for the first time" \
    }

static const struct qr_cli_option init_options[] = {NEW_PROFILE,
    {"qr", "", "shows the recovery kit as a QR code, too"},
    {"kit-page", "FILE", "writes a page with the kit to print (HTML); delete it afterwards"}, {0}};
static const struct qr_cli_option join_options[] = {NEW_PROFILE, ONLINE, {0}};
static const struct qr_cli_option recover_options[] = {NEW_PROFILE, ONLINE,
    {"revoke-others", "", "revokes every other device of the account, for when one was stolen"},
    {0}};
static const struct qr_cli_option write_options[] = {FIELDS, {0}};
static const struct qr_cli_option edit_options[] = {FIELDS, {"untag", "NAME", "takes a tag away"},
    {"unemotion", "NAME", "takes an emotion away"}, {"no-title", "", "takes the title away"},
    {"no-date", "", "takes the date away"}, {"no-mood", "", "takes the mood away"},
    {"insert", "POS TEXT", "puts TEXT before character POS, counted from 0"},
    {"erase", "POS COUNT", "takes COUNT characters away from POS on"},
    {"clear", "", "takes the whole text away"},
    {"allow-empty", "", "lets the editor or the pipe empty the text"}, {0}};
static const struct qr_cli_option type_options[] = {
    {"create", "", "the entry may be new: ENTRY is then a whole id"},
    {"save-every", "MS", "makes durable what was typed, so often [1000]"},
    {"ack", "", "prints the number of edits that are durable after each time"}, {0}};
static const struct qr_cli_option show_options[] = {
    {"text", "", "prints the text alone, byte for byte"},
    {"at", "VERSION", "prints it as it was: see quire history --help"}, {0}};
static const struct qr_cli_option list_options[] = {QR_CLI_PERIOD_OPTIONS, QR_CLI_FILTER_OPTIONS,
    {"all", "", "deleted entries too"}, {"deleted", "", "deleted entries only"},
    {"oldest-first", "", "the oldest first; --limit then means the oldest"},
    {"limit", "N", "the N newest only"}, {0}};
static const struct qr_cli_option trash_options[] = {
    QR_CLI_PERIOD_OPTIONS, {"limit", "N", "the N newest only"}, {0}};
static const struct qr_cli_option history_options[] = {{"limit", "N", "the N newest only"}, {0}};
static const struct qr_cli_option export_options[] = {
    {"format", "NAME", "markdown, json or html [by the path's ending]"}, QR_CLI_PERIOD_OPTIONS,
    QR_CLI_JOURNAL_OPTION, {"tag", "NAME", "entries with this tag only"},
    {"deleted", "", "deleted entries, too"}, {0}};
static const struct qr_cli_option import_options[] = {
    {"dry-run", "", "reads and reports, and writes nothing"},
    {"format", "NAME", "what it is, where that is not recognised"},
    {"password-file", "FILE", "its first line opens an encrypted file [asked for in a terminal]"},
    {"update", "", "makes entries that are here already as they are in the file"},
    {"force", "", "even if that changes or deletes more than a tenth of the journal"}, {0}};
static const struct qr_cli_option insights_options[] = {
    {"without", "KIND", "leaves out readings, findings or themes; may be repeated"},
    {"weak-languages", "", "reads French, too, with a weak model"},
    {"why", "NAME",
        "lists the entries behind what is said of a tag, an emotion, a theme or a reading"},
    {"repetition", "", "says where entries of a rising theme are much alike"},
    {"csv", "", "prints the last 364 days as a table"},
    {"html", "FILE", "writes one page with charts, not encrypted"},
    {"about", "", "prints the models, their figures and sources"}, {0}};
static const struct qr_cli_option suggest_options[] = {
    {"accept", "NAME", "saves a suggested emotion; may be repeated"},
    {"weak-languages", "", "reads French, too, with a weak model"},
    {"never", "", "never suggest after writing"}, {"offer", "", "suggest after writing"}, {0}};
static const struct qr_cli_option sync_options[] = {
    {"follow", "", "stays in sync until it is interrupted"}, ONLINE, {0}};
static const struct qr_cli_option online_options[] = {ONLINE, {0}};
static const struct qr_cli_option revoke_options[] = {{"yes", "", "does not ask"}, ONLINE, {0}};
static const struct qr_cli_option status_options[] = {
    {"acknowledge", "",
        "the warnings were read: they are not shown again unless they are raised again"},
    {0}};
static const struct qr_cli_option pair_options[] = {NEW_PROFILE,
    {"timeout", "S", "gives up after so many seconds [600 to show a code, 30 to join]"}, DEADLINE,
    {"trust-first-use", "", "trusts and pins the certificate of a server met for the first time"},
    {0}};
static const struct qr_cli_option server_options[] = {
    {"fingerprint", "HEX", "pins the server's certificate"}, {0}};

static const struct qr_cli_option journal_options[] = {QR_CLI_JOURNAL_OPTION, {0}};
static const struct qr_cli_option moods_options[] = {
    QR_CLI_PERIOD_OPTIONS, QR_CLI_JOURNAL_OPTION, {0}};
static const struct qr_cli_option passphrase_options[] = {
    {"memory", "MIB", "what each guess costs a thief, 8 to 4096 [256]"}, {0}};
static const struct qr_cli_option unlock_options[] = {
    {"for", "TIME", "so long after the last command: 90s, 15m, 8h, 2d [15m]"}, {0}};

const struct qr_cli_command qr_cli_commands[] = {
    {"init", "", 0, 0, "makes a new account with this as its first device",
        "Prints the recovery kit, once: the only way back in when all devices are lost. Write it\n"
        "down and keep it in a safe place. On a terminal it has two groups of it typed back.\n"
        "Works offline.\n",
        init_options, qr_cli_init},
    {"join", "[CODE]", 0, CODE_GROUPS_MAX, "joins an account by the code that `quire pair` shows",
        "Runs on the new device, while `quire pair` waits on one that is in the account. Capitals,\n"
        "spaces and '-' in the code do not matter. Without CODE it is asked for, or read from standard\n"
        "input: what stands on a command line can be seen by other users of the machine. Then takes\n"
        "in all entries.\n",
        join_options, qr_cli_join},
    {"rejoin", "[CODE]", 0, CODE_GROUPS_MAX,
        "comes back to an account whose server lost this device",
        "For a device that the server does not know any more after it was put back to an old backup.\n"
        "Runs here while `quire pair` waits on a device that is in the account. Everything that was\n"
        "written here stays, and is sent. A device that was revoked joins on a new profile instead.\n",
        online_options, qr_cli_rejoin},
    {"recover", "", 0, 0, "joins an account by its recovery kit",
        "Reads the kit from standard input or, without showing it, from the terminal; never from\n"
        "the command line, where other users can see it. A page that `init --kit-page` made is typed\n"
        "line by line, and a wrong line is named. Then takes in all entries.\n"
        "If 20 devices are active, it revokes the one that wrote least recently.\n",
        recover_options, qr_cli_recover},
    {"pair", "", 0, CODE_GROUPS_MAX, "lets a new device join: shows a code and waits for it",
        "Show the code to no one else, and never type one that was sent to you.\n"
        "`quire pair CODE` is the same as `quire join CODE`.\n",
        pair_options, qr_cli_do_pair},
    {"write", "[TEXT…]", 0, 65536, "writes a new entry and prints its id",
        "The text is what is on the command line; or, with \"-\", what comes through standard input; or\n"
        "else what you write in $VISUAL or $EDITOR. Without options, a pipe is read as with \"-\". Its date is now, unless --date says otherwise.\n"
        "The id is printed when the entry is on the disk.\n",
        write_options, qr_cli_write},
    {"append", "[TEXT…]", 0, 65536, "adds to today's newest entry, on a line of its own",
        "The text is what is on the command line, or comes through standard input (\"-\", or a pipe). If\n"
        "nothing was written today, a new entry begins. Prints the entry's id.\n",
        NULL, qr_cli_append},
    {"edit", "ENTRY [-]", 1, 2, "changes an entry",
        "With options that change something, only that is changed; with \"-\" the text, too, is\n"
        "replaced by what comes through standard input. Without such options the text comes\n"
        "through a pipe or from your editor; an empty one is refused. Only what differs is recorded, so it merges with what\n"
        "other devices write meanwhile; while the editor is open, sync and other commands may run.\n",
        edit_options, qr_cli_do_edit},
    {"drafts", "[resume|save|discard [DRAFT]]", 0, 2,
        "lists what an editor left unsaved, and takes it up again",
        "While an editor is open, what it has written is kept in the profile, encrypted. If the editor,\n"
        "its window or the machine dies, the draft stays: `resume` opens it in the editor again, `save`\n"
        "puts it into the journal as it is, `discard` throws it away. DRAFT is the start of its name;\n"
        "it may be left out if there is one only.\n",
        NULL, qr_cli_drafts},
    {"type", "ENTRY|new", 1, 1, "applies a script of edits from standard input, for programs",
        "Each line is a JSON array [position, delete_count, \"text\"], in characters (code points),\n"
        "applied one after another. Prints the number applied once all are durable. A line that\n"
        "does not fit ends it: what came before is kept, and said. Holds the profile while it runs.\n"
        "A line {\"sync\": true} syncs at that point and is answered with one line of JSON.\n",
        type_options, qr_cli_type},
    {"show", "ENTRY", 1, 1, "prints an entry",
        "Where devices wrote different titles, dates or moods at the same time, the others are\n"
        "shown as well.\n",
        show_options, qr_cli_show},
    {"list", "", 0, 0, "lists the entries, the newest first",
        "By their dates, then by when they were made. \"(not sent yet)\" marks those of which the server\n"
        "does not have all; `quire status` counts them. Exit code 5: there are filters, and no entry\n"
        "passes them.\n",
        list_options, qr_cli_list},
    {"on-this-day", "", 0, 0, "lists what was written on this day of earlier years", "",
        trash_options, qr_cli_on_this_day},
    {"tags", "", 0, 0, "lists the tags and how many entries have each",
        "Tags that differ in capitals or accents only count as one, shown as first found.\n",
        journal_options, qr_cli_tags},
    {"calendar", "[MONTH|YEAR]", 0, 16, "shows a month, or a year, with the mood of each day",
        "This month, or MONTH or YEAR: march, \"last month\", 2024-03, 2024. A sign by each day on which\n"
        "something was written stands for the mean of its moods, in colour on a terminal.\n",
        journal_options, qr_cli_calendar},
    {"moods", "", 0, 0, "says how many entries have which moods", "", moods_options, qr_cli_moods},
    {"stats", "", 0, 0, "says how much was written, and on how many days", "", journal_options,
        qr_cli_stats},
    {"journals", "", 0, 0, "lists the journals of the account, and how many entries each has",
        "`write --journal NAME` makes one, by its first entry; entries without one are in \"diary\". list, search,\n"
        "tags, stats and export take --journal NAME; without it they take in all.\n",
        NULL, qr_cli_journals},
    {"search", "WORD…", 1, 256, "lists the entries that hold all of these words",
        "In title, text, tags and emotions; capitals, accents and points do not matter, in any script,\n"
        "emoji and symbols can be searched for, and a word may be a part of a longer one. All of it on\n"
        "this device, offline; what is kept for it is encrypted.\n"
        "'\"rainy day\"' is a phrase: its words next to each other. NOT WORD leaves out entries that\n"
        "hold it; so does \"-WORD\" within one argument or after --. WORD… OR WORD… finds entries that\n"
        "hold all words of one side; OR and NOT are in capitals. Exit code 5: no entry was found.\n",
        list_options, qr_cli_search},
    {"insights", "[PERIOD]", 0, 16,
        "says what the entries show: moods, what goes with them, themes",
        "Of the last 30 days, or of PERIOD: november, 2026, \"last month\". Computed on this device from\n"
        "all entries, offline; nothing is sent. What it says of moods over time is checked against\n"
        "chance, and must hold at two looks, 28 days apart. docs/insight.md says what it cannot know.\n",
        insights_options, qr_cli_insights},
    {"suggest", "[ENTRY]", 0, 1, "suggests emotions for an entry, by a model on this device",
        "With the words that speak for each. What you --accept is saved as if you had picked it. After\n"
        "`quire write` in a terminal one is offered, once, where the model is sure; --never ends that\n"
        "in this profile for good, --offer begins it again.\n",
        suggest_options, qr_cli_suggest_emotions},
    {"history", "ENTRY", 1, 1, "lists the versions of an entry, the newest first",
        "Each save by a command is a version, online or not; where an app saves while its user types, a\n"
        "version is what one device sealed at once, seconds or minutes of writing.\n"
        "A VERSION is named by its number (3, #1234); the start of its id, 4 characters or more; a date or a date and time,\n"
        "local (2024-03-01, \"2024-03-01 12:30\"): how it was at the end of that day or minute, by\n"
        "the clocks of the devices that wrote; or by \"now\". Versions reach back to the beginning,\n"
        "on each device: nothing is dropped yet. All of it works offline.\n",
        history_options, qr_cli_history},
    {"diff", "ENTRY VERSION [VERSION]", 2, 3,
        "shows what changed between two versions, or since one",
        "In the text, [-what went-] and {+what came+}, or in colour. `quire history --help` says how a\n"
        "VERSION is named.\n",
        NULL, qr_cli_diff},
    {"restore", "ENTRY VERSION", 2, 2, "makes an entry as it was in a version",
        "By edits like any other: other devices get them, they merge with what is written meanwhile,\n"
        "and restoring the version before takes them back. Prints how.\n",
        NULL, qr_cli_restore},
    {"undo", "ENTRY", 1, 1, "makes an entry as it was before its last version",
        "As `restore` of that version: by edits, which can be taken back, too. A second undo takes back\n"
        "the first.\n",
        NULL, qr_cli_undo},
    {"delete", "ENTRY", 1, 1, "deletes an entry; `undelete` brings it back",
        "An edit on another device that did not know of it brings the entry back; so does editing\n"
        "it again.\n",
        NULL, qr_cli_delete},
    {"undelete", "ENTRY", 1, 1, "brings a deleted entry back",
        "With all that was in it, on every device. Deleted entries stay for 30 days at least; today\n"
        "nothing drops them at all.\n",
        NULL, qr_cli_undelete},
    {"trash", "", 0, 0, "lists the deleted entries", "", trash_options, qr_cli_trash},
    {"export", "PATH", 1, 1, "writes the journal to files that other programs read",
        "Markdown (a folder, one file an entry, fields as YAML at its head), JSON (docs/moving.md names\n"
        "its schema) or HTML, which a browser prints or saves as PDF. PATH must not exist; it appears\n"
        "whole or not at all. An export is not encrypted. \"-\": to standard output.\n",
        export_options, qr_cli_export},
    {"import", "PATH", 1, 1, "takes in entries from another program's files, or from an export",
        "PATH is a file, a folder or a zip: Day One, jrnl, Standard Notes, Joplin, Journey, Simplenote,\n"
        "Daylio, org-journal, Obsidian, Markdown, and exports of Quire. What cannot be taken is reported;\n"
        "--dry-run only reports. Importing the same again makes no doubles. Entries that are here\n"
        "already and differ stay as they are, unless --update says otherwise.\n",
        import_options, qr_cli_import},
    {"sync", "", 0, 0, "sends what was written here, takes in what was written elsewhere",
        "With --follow it stays until it is interrupted, and other commands may be used meanwhile.\n"
        "Whatever happens, what was written here stays here.\n"
        "It gets somewhere when something new comes in (1 KiB is enough, on a slow line) or when the\n"
        "server confirms more; connecting again does not count. When it gives up, exit code 3, it\n"
        "says what is not on the server yet; the next sync goes on from there.\n",
        sync_options, qr_cli_sync},
    {"devices", "", 0, 0, "lists the devices of the account",
        "Last heard: when it was last up to date, by its own clock, as it says with what it writes; one\n"
        "that only reads says so once a day. Works offline.\n",
        NULL, qr_cli_devices},
    {"revoke", "DEVICE", 1, 1, "shuts a device out: it reads and writes nothing new",
        "It keeps what it had. Needs the server. A device does not revoke itself. Where DEVICE may mean\n"
        "several, say id:… or name:… . On a terminal it shows the device and asks.\n",
        revoke_options, qr_cli_revoke},
    {"status", "", 0, 0, "says what is not on the server yet, and what is wrong",
        "The state digest, shown as six words, is the same on two devices that hold the same:\n"
        "compare it by eye or by telephone. Works offline.\n",
        status_options, qr_cli_status},
    {"profiles", "", 0, 0, "lists the profiles on this machine",
        "Those in $XDG_DATA_HOME/quire, by the names that --profile takes; * is the one in use. Each is an\n"
        "account, or a device of one, of its own.\n",
        NULL, qr_cli_profiles},
    {"daemon", "[status|stop|install|uninstall]", 0, 1,
        "syncs in the background, and after each write",
        "Without a word it stays and syncs until it is stopped; other commands go on as usual.\n"
        "`install` writes units for systemd, which starts it at login and after it failed. Warnings are\n"
        "shown on the desktop where notify-send or gdbus is there. If the profile has a passphrase, it\n"
        "syncs while the profile is unlocked.\n",
        NULL, qr_cli_daemon},
    {"backup", "FILE", 1, 1, "writes the whole journal to one encrypted file",
        "Entries, drafts and the profile's key, under a passphrase of the backup's own; the file is read\n"
        "again before the command says that it is there. FILE must not exist. A backup is for when there\n"
        "is no server, or not enough trust in it: with one, the recovery kit brings everything back, too.\n",
        passphrase_options, qr_cli_backup},
    {"restore-backup", "FILE", 1, 1, "makes a profile out of a backup",
        "Where there is none. It is the device that the backup was made on, as it was then; the next sync\n"
        "brings what was written since. Its key file is locked by the backup's passphrase.\n",
        NULL, qr_cli_restore_backup},
    {"passphrase", "set|change|remove|remember|forget", 1, 1,
        "locks the profile's key with a passphrase",
        "Each command then asks for it, or `quire unlock` once for a while. There is no way around it:\n"
        "without the passphrase only another device leads back to the entries, or the recovery kit\n"
        "together with a server. `remember` puts it into the desktop's keyring (secret-tool), `forget`\n"
        "takes it out.\n"
        "Asks on the terminal; from a pipe it reads a line each: the old one, then the new one.\n"
        "What it protects and what it does not: docs/safety.md.\n",
        passphrase_options, qr_cli_passphrase},
    {"unlock", "", 0, 0, "asks for the passphrase once for many commands",
        "A process of yours, the agent, keeps the key in memory that is never written to disk, until no\n"
        "command asked for it for --for TIME, until `quire lock`, or until it ends.\n",
        unlock_options, qr_cli_unlock},
    {"lock", "", 0, 0, "ends `unlock` at once", "", NULL, qr_cli_lock},
    {"server", "[URL]", 0, 1, "shows or sets the server",
        "Setting the address, be it the same, forgets the pinned certificate, unless --fingerprint\n"
        "gives one.\n",
        server_options, qr_cli_server},
    {"version", "", 0, 0, "prints the version", "", NULL, qr_cli_version},
    {"help", "[COMMAND]", 0, 1, "says what a command does", "", NULL, qr_cli_help},
    {0},
};
