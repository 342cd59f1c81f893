/*
 * quire suggest: what the model would call an entry. Only what the person accepts is written, as an
 * ordinary edit; the model's own reading is never stored.
 */
#define _GNU_SOURCE
#include "client/cli/emotions.h"
#include "client/error.h"
#include "client/profile.h"
#include <errno.h>
#include <fcntl.h>
#include <quire/insight.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUGGESTIONS_MAX 3
#define INTENSITY 50              /* of an accepted one: the model says which, not how much */
#define SILENCED "no-suggestions" /* an empty file in the profile's folder */

/** The model at work on one text. Suggestions borrow from the text. */
struct reading {
    void *arena;
    struct quire_insight_suggestion found[SUGGESTIONS_MAX];
    size_t count;
};

static enum quire_status read_text(struct quire_bytes text, bool weak, struct reading *out_reading)
{
    static const char *const names[] = {"language", "en", "es", "de", "zh", "id", "fr"};
    struct quire_insight_options options = {.weak_languages = weak};
    struct quire_insight *insight;
    size_t size = quire_insight_size(0, 0, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        options.bundles[options.bundle_count++] = quire_insight_builtin(names[i]);
    }
    out_reading->arena = malloc(size);
    if (out_reading->arena == NULL) {
        return QUIRE_ENOMEM;
    }
    enum quire_status status = quire_insight_begin(out_reading->arena, size, &options, &insight);
    if (status == QUIRE_OK) {
        out_reading->count =
            quire_insight_suggest(insight, text, out_reading->found, SUGGESTIONS_MAX);
    }
    return status;
}

/* ---- silenced --------------------------------------------------------------------------------- */

/* The path of the mark; false: the profile's folder is not known. */
static bool mark_path(const struct qr_cli *cli, char *out_path, size_t size)
{
    struct qr_client_path folder;
    struct qr_client_error error;
    const char *option = qr_cli_value(&cli->args, "profile");
    if (cli->profile != NULL) { /* the option was a name */
        option = cli->profile->text;
    }
    if (qr_client_profile_path(option, &folder, &error) != QUIRE_OK) {
        return false;
    }
    return snprintf(out_path, size, "%s/" SILENCED, folder.text) < (int)size;
}

static bool is_silenced(const struct qr_cli *cli)
{
    char path[8192];
    return mark_path(cli, path, sizeof path) && access(path, F_OK) == 0;
}

static enum qr_cli_exit set_silenced(struct qr_cli *cli, bool silenced)
{
    char path[8192], text[8400];
    enum qr_cli_exit exit = qr_cli_open(cli); /* there is a profile, and it is ours */
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    errno = ENAMETOOLONG;
    bool good = mark_path(cli, path, sizeof path);
    if (good && silenced) {
        int number = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        good = number >= 0;
        good &= number < 0 || close(number) == 0;
    } else if (good) {
        good = unlink(path) == 0 || errno == ENOENT;
    }
    if (!good) {
        snprintf(text, sizeof text, "That could not be noted in the profile: %s.", strerror(errno));
        qr_cli_error(cli, QUIRE_EIO, QR_CLI_FAILED, text, "Your entries are untouched.");
        return QR_CLI_FAILED;
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:b}", "offered", (int)!silenced));
    }
    printf(silenced
            ? "Nothing will be suggested after `quire write`. To have it again: quire suggest --offer\n"
            : "Emotions are suggested after `quire write`, at most once for an entry.\n");
    return QR_CLI_DONE;
}

/* ---- showing ---------------------------------------------------------------------------------- */

static void print_words(FILE *file, const struct quire_insight_suggestion *found)
{
    for (size_t i = 0; i < 3 && found->reasons[i].size > 0; i++) {
        fputs(i > 0 ? ", " : "", file);
        qr_cli_print_name(file, found->reasons[i]);
    }
}

static json_t *json_suggestions(const struct reading *reading)
{
    json_t *array = json_array();
    for (size_t i = 0; i < reading->count; i++) {
        const struct quire_insight_suggestion *found = &reading->found[i];
        json_t *words = json_array();
        for (size_t j = 0; j < 3 && found->reasons[j].size > 0; j++) {
            json_array_append_new(words, qr_cli_json_bytes(found->reasons[j]));
        }
        json_array_append_new(array,
            json_pack("{s:o, s:I, s:b, s:o}", "emotion", qr_cli_json_bytes(found->label),
                "probability", (json_int_t)found->probability, "one_kind_of_text",
                (int)found->one_kind_of_text, "words", words));
    }
    return array;
}

static enum qr_cli_exit show(
    struct qr_cli *cli, const uint8_t *entry, const struct reading *reading)
{
    char id[33];
    qr_cli_id_text(entry, id);
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:o, s:o}", "entry", qr_cli_json_id(entry), "suggestions",
                json_suggestions(reading)));
    }
    for (size_t i = 0; i < reading->count; i++) {
        const struct quire_insight_suggestion *found = &reading->found[i];
        printf("%-14.*s %2u %%  (", (int)found->label.size, (const char *)found->label.data,
            found->probability / 100);
        print_words(stdout, found);
        printf(")%s\n", found->one_kind_of_text ? "  tested on one kind of text" : "");
    }
    if (reading->count == 0) {
        printf("Nothing: the model is not sure of any, or has not learned the language.\n");
    } else {
        printf("Accept: quire suggest %.8s --accept %.*s\n", id, (int)reading->found[0].label.size,
            (const char *)reading->found[0].label.data);
    }
    return QR_CLI_DONE;
}

static enum qr_cli_exit accept(struct qr_cli *cli, const uint8_t *entry,
    struct quire_document *document, const struct reading *reading)
{
    struct quire_stamp stamp = quire_client_stamp(cli->client);
    for (size_t i = 0; i < cli->args.given_count; i++) {
        if (strcmp(cli->args.given[i].option->name, "accept") != 0) {
            continue;
        }
        struct quire_bytes name = quire_bytes_of_text(cli->args.given[i].values[0]);
        size_t at = 0;
        while (at < reading->count && !quire_bytes_equal(reading->found[at].label, name)) {
            at++;
        }
        if (at == reading->count) {
            return qr_cli_usage(cli,
                "\"%.60s\" is not suggested for this entry. To add it: quire edit ENTRY "
                "--emotion NAME=N",
                cli->args.given[i].values[0]);
        }
        enum quire_status status =
            quire_document_add_element(document, &stamp, QUIRE_SET_EMOTIONS, name, INTENSITY);
        if (status != QUIRE_OK) {
            return qr_cli_failure(cli, status);
        }
    }
    enum quire_status status = quire_client_save(cli->client, entry);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "entry", qr_cli_json_id(entry)));
    }
    printf(
        "Saved, as if you had picked it: intensity %d. To change it: quire edit ENTRY --emotion NAME=N\n",
        INTENSITY);
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_suggest_emotions(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document = NULL;
    struct quire_buffer text = {0};
    struct reading reading = {0};
    bool never = qr_cli_has(&cli->args, "never"), offer = qr_cli_has(&cli->args, "offer");
    if (never + offer + (cli->args.operand_count > 0) != 1) {
        return qr_cli_usage(cli, "It takes an ENTRY, or --never, or --offer.");
    }
    if (never || offer) {
        return set_silenced(cli, never);
    }
    enum qr_cli_exit exit = qr_cli_open(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_find_entry(cli->client, cli->args.operands[0], entry);
    if (status == QUIRE_OK) {
        status = quire_client_document(cli->client, entry, false, &document);
    }
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &text);
    }
    if (status == QUIRE_OK) {
        status = read_text(
            quire_buffer_bytes(&text), qr_cli_has(&cli->args, "weak-languages"), &reading);
    }
    exit = status == QUIRE_ENOMEM          ? qr_cli_no_memory(cli)
        : status != QUIRE_OK               ? qr_cli_failure(cli, status)
        : qr_cli_has(&cli->args, "accept") ? accept(cli, entry, document, &reading)
                                           : show(cli, entry, &reading);
    if (text.data != NULL) {
        qr_client_wipe(text.data, text.capacity);
    }
    quire_buffer_finish(&text);
    free(reading.arena);
    return exit;
}

void qr_cli_offer_emotions(struct qr_cli *cli, const uint8_t *entry, struct quire_bytes text)
{
    struct reading reading = {0};
    char id[33];
    if (cli->json || !cli->terminal || qr_cli_has(&cli->args, "emotion") || is_silenced(cli)) {
        return;
    }
    qr_cli_id_text(entry, id);
    if (read_text(text, false, &reading) == QUIRE_OK && reading.count > 0) {
        const struct quire_insight_suggestion *found = &reading.found[0];
        int size = (int)found->label.size;
        const char *label = (const char *)found->label.data;
        printf("%sPerhaps %.*s (", qr_cli_dim(cli), size, label);
        print_words(stdout, found);
        printf(
            ")? Accept: quire suggest %.8s --accept %.*s. Never again: quire suggest --never%s\n",
            id, size, label, qr_cli_plain(cli));
    }
    free(reading.arena);
}
