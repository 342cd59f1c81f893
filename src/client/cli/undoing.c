/*
 * Taking things back: undo, undelete, and what restore and delete say about it.
 */
#define _GNU_SOURCE
#include "client/cli/versions.h"
#include <string.h>

static enum qr_cli_exit print_entry(struct qr_cli *cli, const uint8_t *entry)
{
    char id[33];
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:o}", "entry", qr_cli_json_id(entry)));
    }
    qr_cli_id_text(entry, id);
    printf("%s\n", id);
    return QR_CLI_DONE;
}

/* ---- delete and undelete ---------------------------------------------------------------------- */

enum qr_cli_exit qr_cli_delete(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    char id[33];
    struct quire_document *document = NULL;
    enum qr_cli_exit exit = qr_cli_open_entry(cli, true, entry);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_begin_version(cli->client, entry);
    if (status == QUIRE_OK) {
        status = quire_client_document(cli->client, entry, false, &document);
    }
    if (status == QUIRE_OK && quire_document_deleted(document)) {
        qr_cli_error(cli, QUIRE_EINVALID, QR_CLI_FAILED, "This entry is deleted already.", NULL);
        return QR_CLI_FAILED;
    }
    if (status == QUIRE_OK) {
        struct quire_stamp stamp = quire_client_stamp(cli->client);
        status = quire_document_delete(document, &stamp);
    }
    if (status == QUIRE_OK) {
        status = quire_client_save(cli->client, entry);
    }
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->terminal && !cli->json) {
        qr_cli_id_text(entry, id);
        printf("Deleted. To take that back: quire undelete %.8s\n", id);
        return QR_CLI_DONE;
    }
    return print_entry(cli, entry);
}

enum qr_cli_exit qr_cli_undelete(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    enum qr_cli_exit exit = qr_cli_open_entry(cli, true, entry);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_begin_version(cli->client, entry);
    if (status == QUIRE_OK) {
        status = quire_client_undelete(cli->client, entry);
    }
    return status == QUIRE_OK ? print_entry(cli, entry) : qr_cli_failure(cli, status);
}

/* ---- restore and undo ------------------------------------------------------------------------- */

/* Makes the entry show what `document` does, and says how to take that back. restored: its id, or zeros. */
static enum qr_cli_exit restore(struct qr_cli *cli, const uint8_t *entry,
    const struct quire_document *document, const uint8_t *restored)
{
    uint8_t before[QUIRE_VERSION_SIZE] = {0};
    bool changed = false;
    enum quire_status status = quire_client_restore(cli->client, entry, document, &changed, before);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:o, s:o, s:b, s:o}", "entry", qr_cli_json_id(entry), "restored",
                qr_cli_json_version(restored), "changed", (int)changed, "before",
                qr_cli_is_now(before) ? json_null() : qr_cli_json_version(before)));
    }
    char entry_text[33], before_text[2 * QUIRE_VERSION_SIZE + 1];
    qr_cli_id_text(entry, entry_text);
    qr_cli_version_text(before, before_text);
    if (!changed) {
        printf("It is as it was then already; nothing was changed.\n");
    } else if (qr_cli_is_now(before)) {
        printf("Restored.\n");
    } else {
        printf("Restored. To take that back: quire restore %.8s %.8s\n", entry_text, before_text);
    }
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_restore(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE], id[QUIRE_VERSION_SIZE];
    struct quire_document *document = NULL;
    enum qr_cli_exit exit = qr_cli_open_entry(cli, true, entry);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = qr_cli_version_of(cli, entry, cli->args.operands[1], &document, id);
    exit = status == QUIRE_OK ? restore(cli, entry, document, id) : qr_cli_failure(cli, status);
    quire_document_destroy(document);
    return exit;
}

enum qr_cli_exit qr_cli_undo(struct qr_cli *cli)
{
    static const uint8_t unnamed[QUIRE_VERSION_SIZE];
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document = NULL;
    enum qr_cli_exit exit = qr_cli_open_entry(cli, true, entry);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = quire_client_before_last(cli->client, entry, &document);
    exit =
        status == QUIRE_OK ? restore(cli, entry, document, unnamed) : qr_cli_failure(cli, status);
    quire_document_destroy(document);
    return exit;
}
