/*
 * Reading: show.
 */
#define _GNU_SOURCE
#include "client/cli/journals.h"
#include "client/cli/versions.h"
#include "client/files.h"
#include <inttypes.h>
#include <string.h>

/* ---- show ------------------------------------------------------------------------------------ */

static json_t *json_value(enum quire_register field, const struct quire_value *value)
{
    return field == QUIRE_REGISTER_TITLE ? qr_cli_json_bytes(value->text)
                                         : json_integer(value->number);
}

static void add_register(json_t *object, const struct quire_document *document,
    enum quire_register field, const char *name)
{
    struct quire_value value;
    json_t *others = json_array();
    char others_name[32];
    snprintf(others_name, sizeof others_name, "also_%s", name);
    json_object_set_new(object, name,
        quire_document_register(document, field, 0, &value) == QUIRE_OK ? json_value(field, &value)
                                                                        : json_null());
    for (size_t i = 1; quire_document_register(document, field, i, &value) == QUIRE_OK; i++) {
        json_array_append_new(others, json_value(field, &value));
    }
    if (json_array_size(others) > 0) {
        json_object_set_new(object, others_name, others);
    } else {
        json_decref(others);
    }
}

static json_t *json_document(
    const uint8_t *entry, const struct quire_document *document, struct quire_bytes text)
{
    uint8_t digest[32];
    char digest_text[65];
    struct quire_element element;
    json_t *object = json_object(), *tags = json_array(), *emotions = json_object();
    json_object_set_new(object, "entry", qr_cli_json_id(entry));
    add_register(object, document, QUIRE_REGISTER_TITLE, "title");
    add_register(object, document, QUIRE_REGISTER_DATE, "date");
    add_register(object, document, QUIRE_REGISTER_MOOD, "mood");
    for (size_t i = 0;
         quire_document_set_element(document, QUIRE_SET_TAGS, i, &element) == QUIRE_OK; i++) {
        json_array_append_new(tags, qr_cli_json_bytes(element.name));
    }
    for (size_t i = 0;
         quire_document_set_element(document, QUIRE_SET_EMOTIONS, i, &element) == QUIRE_OK; i++) {
        char name[QUIRE_ELEMENT_MAX + 1];
        memcpy(name, element.name.data, element.name.size);
        name[element.name.size] = 0;
        json_object_set_new(emotions, name, json_integer(element.value));
    }
    json_object_set_new(object, "journal", qr_cli_json_bytes(qr_cli_journal_of(document)));
    json_object_set_new(object, "tags", tags);
    json_object_set_new(object, "emotions", emotions);
    json_object_set_new(object, "deleted", json_boolean(quire_document_deleted(document)));
    json_object_set_new(
        object, "length", json_integer((json_int_t)quire_document_text_length(document)));
    json_object_set_new(object, "text", qr_cli_json_bytes(text));
    if (quire_document_digest(document, digest) == QUIRE_OK) {
        for (size_t i = 0; i < sizeof digest; i++) {
            snprintf(digest_text + 2 * i, 3, "%02x", digest[i]);
        }
        json_object_set_new(object, "digest", json_string(digest_text));
    }
    return object;
}

static void print_value(
    const struct qr_cli *cli, enum quire_register field, const struct quire_value *value)
{
    char date[48];
    if (field == QUIRE_REGISTER_TITLE) {
        qr_cli_print_text(cli, stdout, value->text);
    } else if (field == QUIRE_REGISTER_DATE) {
        qr_cli_date_text(value->number, date);
        fputs(date, stdout);
    } else {
        printf("%" PRId64, value->number);
    }
}

static void print_register(const struct qr_cli *cli, const struct quire_document *document,
    enum quire_register field, const char *name)
{
    struct quire_value value;
    for (size_t i = 0; quire_document_register(document, field, i, &value) == QUIRE_OK; i++) {
        printf("%s%s%s ", qr_cli_dim(cli), i == 0 ? name : "also wrote", qr_cli_plain(cli));
        print_value(cli, field, &value);
        fputc('\n', stdout);
    }
}

static void print_set(const struct qr_cli *cli, const struct quire_document *document,
    enum quire_set set, const char *name)
{
    struct quire_element element;
    if (quire_document_set_count(document, set) == 0) {
        return;
    }
    printf("%s%s%s ", qr_cli_dim(cli), name, qr_cli_plain(cli));
    for (size_t i = 0; quire_document_set_element(document, set, i, &element) == QUIRE_OK; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        qr_cli_print_text(cli, stdout, element.name);
        if (set == QUIRE_SET_EMOTIONS) {
            printf(" %" PRId64, element.value);
        }
    }
    fputc('\n', stdout);
}

static void print_document(const struct qr_cli *cli, const struct quire_document *document,
    const uint8_t *entry, struct quire_bytes text)
{
    char id[33];
    qr_cli_id_text(entry, id);
    printf("%sentry%s %s%s\n", qr_cli_dim(cli), qr_cli_plain(cli), id,
        quire_document_deleted(document) ? " (deleted)" : "");
    print_register(cli, document, QUIRE_REGISTER_TITLE, "title");
    print_register(cli, document, QUIRE_REGISTER_DATE, "date");
    print_register(cli, document, QUIRE_REGISTER_MOOD, "mood");
    if (quire_document_journal(document).size > 0) {
        printf("%sjournal%s ", qr_cli_dim(cli), qr_cli_plain(cli));
        qr_cli_print_name(stdout, quire_document_journal(document));
        fputc('\n', stdout);
    }
    print_set(cli, document, QUIRE_SET_TAGS, "tags");
    print_set(cli, document, QUIRE_SET_EMOTIONS, "emotions");
    fputc('\n', stdout);
    qr_cli_print_text(cli, stdout, text);
    if (text.size > 0 && text.data[text.size - 1] != '\n') {
        fputc('\n', stdout);
    }
}

enum qr_cli_exit qr_cli_show(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document = NULL, *old = NULL;
    struct quire_buffer buffer = {0};
    const char *version = qr_cli_value(&cli->args, "at");
    enum qr_cli_exit exit = qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = qr_cli_find_entry(cli, cli->args.operands[0], entry);
    if (status == QUIRE_OK && version != NULL) {
        uint8_t id[QUIRE_VERSION_SIZE];
        status = qr_cli_version_of(cli, entry, version, &old, id);
        document = old;
    } else if (status == QUIRE_OK) {
        status = quire_client_document(cli->client, entry, false, &document);
    }
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &buffer);
    }
    if (status != QUIRE_OK) {
        quire_document_destroy(old);
        return qr_cli_failure(cli, status);
    }
    struct quire_bytes text = quire_buffer_bytes(&buffer);
    if (cli->json) {
        exit = qr_cli_print_json(cli, json_document(entry, document, text));
    } else if (qr_cli_has(&cli->args, "text")) {
        if (text.size > 0) {
            fwrite(text.data, 1, text.size, stdout);
        }
    } else {
        print_document(cli, document, entry, text);
    }
    if (buffer.data != NULL) {
        qr_client_wipe(buffer.data, buffer.capacity);
    }
    quire_buffer_finish(&buffer);
    quire_document_destroy(old);
    return exit;
}
