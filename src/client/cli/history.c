/*
 * The versions of an entry: history.
 */
#define _GNU_SOURCE
#include "client/cli/versions.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct row {
    uint8_t id[QUIRE_VERSION_SIZE], device[QUIRE_DEVICE_SIZE];
    uint64_t number;
    int64_t wall_ms;
    uint64_t length;
    int64_t grown;    /* characters more than the version before */
    unsigned changed; /* bit i: qr_cli_field_names[i] */
    bool deleted;
};

struct rows {
    struct row *items;
    size_t count, capacity;
    struct qr_cli_fields before, now; /* of the last two versions */
    enum quire_status status;
};

static bool add_version(
    void *context, const struct quire_version *version, const struct quire_document *document)
{
    struct rows *rows = context;
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 64 : rows->capacity * 2;
        struct row *items = realloc(rows->items, capacity * sizeof *items);
        if (items == NULL) {
            rows->status = QUIRE_ENOMEM;
            return false;
        }
        rows->items = items;
        rows->capacity = capacity;
    }
    rows->status = qr_cli_describe(document, &rows->now);
    if (rows->status != QUIRE_OK) {
        return false;
    }
    uint64_t length = quire_document_text_length(document);
    uint64_t last = rows->count > 0 ? rows->items[rows->count - 1].length : 0;
    struct row *row = &rows->items[rows->count++];
    *row = (struct row){.number = version->number,
        .wall_ms = version->wall_ms,
        .length = length,
        .grown = (int64_t)(length - last),
        .deleted = quire_document_deleted(document)};
    memcpy(row->id, version->id, sizeof row->id);
    memcpy(row->device, version->device, sizeof row->device);
    for (size_t i = 0; i < QR_CLI_FIELD_COUNT; i++) {
        row->changed |= qr_cli_same_field(&rows->before, &rows->now, i) ? 0 : 1u << i;
    }
    struct qr_cli_fields before = rows->before;
    rows->before = rows->now;
    rows->now = before;
    return true;
}

struct naming {
    struct qr_cli *cli;
    const uint8_t *device;
    json_t *name; /* with --json; else it is printed */
    bool found;
};

static bool find_name(void *context, const struct quire_device_info *info)
{
    struct naming *naming = context;
    if (memcmp(info->device, naming->device, QUIRE_DEVICE_SIZE) != 0) {
        return true;
    }
    naming->found = true;
    if (naming->cli->json) {
        naming->name = qr_cli_json_bytes(info->name);
    } else {
        qr_cli_print_name(stdout,
            info->name.size > 0 ? info->name : quire_bytes_of_text("(no name that can be read)"));
    }
    return false;
}

static enum quire_status print_version(struct qr_cli *cli, const struct row *row)
{
    char id[2 * QUIRE_VERSION_SIZE + 1], when[48];
    struct naming naming = {.cli = cli, .device = row->device};
    qr_cli_version_text(row->id, id);
    qr_cli_time_text(row->wall_ms, when);
    printf("%s%-8.8s%s  #%-3" PRIu64 "  %s%s%s  ", qr_cli_bold(cli),
        qr_cli_is_now(row->id) ? "now" : id, qr_cli_plain(cli), row->number, qr_cli_dim(cli), when,
        qr_cli_plain(cli));
    enum quire_status status = quire_client_each_device(cli->client, find_name, &naming);
    if (!naming.found) {
        printf("an unknown device");
    }
    printf("  %" PRIu64 " characters (%+" PRId64 ")", row->length, row->grown);
    for (size_t i = 0; i < QR_CLI_FIELD_COUNT; i++) {
        printf("%s", (row->changed >> i & 1) != 0 ? ", " : "");
        printf("%s", (row->changed >> i & 1) != 0 ? qr_cli_field_names[i] : "");
    }
    printf("%s\n", row->deleted ? "  (deleted)" : "");
    return status;
}

static json_t *json_row(struct qr_cli *cli, const struct row *row)
{
    struct naming naming = {.cli = cli, .device = row->device};
    json_t *changed = json_array();
    for (size_t i = 0; i < QR_CLI_FIELD_COUNT; i++) {
        if ((row->changed >> i & 1) != 0) {
            json_array_append_new(changed, json_string(qr_cli_field_names[i]));
        }
    }
    if (quire_client_each_device(cli->client, find_name, &naming) != QUIRE_OK
        || naming.name == NULL) {
        naming.name = json_null();
    }
    return json_pack("{s:o, s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:b}", "version",
        qr_cli_json_version(row->id), "number", (json_int_t)row->number, "written_ms",
        (json_int_t)row->wall_ms, "device", qr_cli_json_id(row->device), "device_name", naming.name,
        "length", (json_int_t)row->length, "grown", (json_int_t)row->grown, "fields", changed,
        "deleted", (int)row->deleted);
}

static enum qr_cli_exit print_history(
    struct qr_cli *cli, const struct rows *rows, int64_t limit, bool unsealed, uint64_t unreadable)
{
    json_t *array = cli->json ? json_array() : NULL;
    for (size_t i = rows->count; i > 0 && (int64_t)(rows->count - i) < limit; i--) {
        if (cli->json) {
            json_array_append_new(array, json_row(cli, &rows->items[i - 1]));
            continue;
        }
        enum quire_status status = print_version(cli, &rows->items[i - 1]);
        if (status != QUIRE_OK) {
            return qr_cli_failure(cli, status);
        }
    }
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:o, s:b, s:I, s:I}", "versions", array, "unsealed", (int)unsealed, "count",
                (json_int_t)rows->count, "unreadable", (json_int_t)unreadable));
    }
    if (unreadable > 0) {
        printf("%s%" PRIu64 " more %s, which cannot be read here%s\n", qr_cli_warn(cli), unreadable,
            unreadable == 1 ? "version" : "versions", qr_cli_plain(cli));
    }
    return QR_CLI_DONE;
}

/** What is saved and not sealed yet: the last version, until more is written. */
struct unsealed {
    const uint8_t *entry;
    bool found;
    int64_t changed_ms;
};

static bool look_for_unsealed(void *context, const struct quire_summary *summary)
{
    struct unsealed *unsealed = context;
    if (memcmp(summary->entry, unsealed->entry, QUIRE_ENTRY_SIZE) == 0) {
        unsealed->found = summary->unsealed;
        unsealed->changed_ms = summary->changed_wall_ms;
        return false;
    }
    return true;
}

static enum quire_status add_unsealed(
    struct qr_cli *cli, const struct unsealed *unsealed, struct rows *rows)
{
    static const uint8_t zeros[QUIRE_VERSION_SIZE];
    struct quire_device_state state;
    struct quire_document *document = NULL;
    quire_client_state(cli->client, &state);
    struct quire_version version = {.id = zeros,
        .device = state.device,
        .number = rows->count + 1,
        .wall_ms = unsealed->changed_ms};
    enum quire_status status =
        quire_client_document(cli->client, unsealed->entry, false, &document);
    if (status == QUIRE_OK) {
        add_version(rows, &version, document);
        status = rows->status;
    }
    return status;
}

enum qr_cli_exit qr_cli_history(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct rows rows = {0};
    struct unsealed unsealed = {.entry = entry};
    uint64_t unreadable = 0;
    int64_t limit = INT64_MAX;
    const char *limit_text = qr_cli_value(&cli->args, "limit");
    if (limit_text != NULL && !qr_cli_number(limit_text, 1, INT64_MAX, &limit)) {
        return qr_cli_usage(cli, "--limit takes a whole number of at least 1.");
    }
    enum qr_cli_exit exit = qr_cli_open_entry(cli, false, entry);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status =
        quire_client_each_version(cli->client, entry, add_version, &rows, &unreadable);
    status = status == QUIRE_OK ? rows.status : status;
    if (status == QUIRE_OK) {
        status = quire_client_each_entry(cli->client, look_for_unsealed, &unsealed);
    }
    if (status == QUIRE_OK && unsealed.found) {
        status = add_unsealed(cli, &unsealed, &rows);
    }
    exit = status == QUIRE_OK ? print_history(cli, &rows, limit, unsealed.found, unreadable)
                              : qr_cli_failure(cli, status);
    free(rows.items);
    qr_cli_fields_finish(&rows.before);
    qr_cli_fields_finish(&rows.now);
    return exit;
}
