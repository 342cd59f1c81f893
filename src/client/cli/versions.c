/*
 * Naming a version; an entry's fields in words.
 */
#define _GNU_SOURCE
#include "client/cli/versions.h"
#include "client/files.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* ---- fields, as words ------------------------------------------------------------------------- */

const char *const qr_cli_field_names[QR_CLI_FIELD_COUNT] = {
    "title", "date", "mood", "tags", "emotions"};

void qr_cli_fields_finish(struct qr_cli_fields *fields)
{
    for (size_t i = 0; i < QR_CLI_FIELD_COUNT; i++) {
        if (fields->text[i].data != NULL) {
            qr_client_wipe(fields->text[i].data, fields->text[i].capacity);
        }
        quire_buffer_finish(&fields->text[i]);
    }
}

static enum quire_status add(struct quire_buffer *buffer, const char *text)
{
    return quire_buffer_append(buffer, text, strlen(text));
}

static enum quire_status describe_set(
    const struct quire_document *document, enum quire_set set, struct quire_buffer *out_text)
{
    struct quire_element element;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0;
         status == QUIRE_OK && quire_document_set_element(document, set, i, &element) == QUIRE_OK;
         i++) {
        char value[24] = "";
        if (set == QUIRE_SET_EMOTIONS) {
            snprintf(value, sizeof value, " %" PRId64, element.value);
        }
        status = i > 0 ? add(out_text, ", ") : QUIRE_OK;
        if (status == QUIRE_OK) {
            status = quire_buffer_append(out_text, element.name.data, element.name.size);
        }
        if (status == QUIRE_OK) {
            status = add(out_text, value);
        }
    }
    return status;
}

/* Replaces what is in out_fields. */
enum quire_status qr_cli_describe(
    const struct quire_document *document, struct qr_cli_fields *out_fields)
{
    struct quire_value value;
    char number[48];
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; i < QR_CLI_FIELD_COUNT; i++) {
        quire_buffer_clear(&out_fields->text[i]);
    }
    if (quire_document_register(document, QUIRE_REGISTER_TITLE, 0, &value) == QUIRE_OK) {
        status = quire_buffer_append(&out_fields->text[0], value.text.data, value.text.size);
    }
    if (status == QUIRE_OK
        && quire_document_register(document, QUIRE_REGISTER_DATE, 0, &value) == QUIRE_OK) {
        qr_cli_date_text(value.number, number);
        status = add(&out_fields->text[1], number);
    }
    if (status == QUIRE_OK
        && quire_document_register(document, QUIRE_REGISTER_MOOD, 0, &value) == QUIRE_OK) {
        snprintf(number, sizeof number, "%" PRId64, value.number);
        status = add(&out_fields->text[2], number);
    }
    if (status == QUIRE_OK) {
        status = describe_set(document, QUIRE_SET_TAGS, &out_fields->text[3]);
    }
    return status == QUIRE_OK ? describe_set(document, QUIRE_SET_EMOTIONS, &out_fields->text[4])
                              : status;
}

bool qr_cli_same_field(const struct qr_cli_fields *a, const struct qr_cli_fields *b, size_t index)
{
    const struct quire_buffer *left = &a->text[index], *right = &b->text[index];
    return left->size == right->size
        && (left->size == 0 || memcmp(left->data, right->data, left->size) == 0);
}

/* ---- naming a version ------------------------------------------------------------------------- */

void qr_cli_version_text(const uint8_t *id, char out_text[2 * QUIRE_VERSION_SIZE + 1])
{
    qr_cli_id_text(id, out_text);
    qr_cli_id_text(id + QUIRE_ENTRY_SIZE, out_text + 2 * QUIRE_ENTRY_SIZE);
}

bool qr_cli_is_now(const uint8_t *id)
{
    static const uint8_t zeros[QUIRE_VERSION_SIZE];
    return memcmp(id, zeros, sizeof zeros) == 0;
}

json_t *qr_cli_json_version(const uint8_t *id)
{
    char text[2 * QUIRE_VERSION_SIZE + 1];
    qr_cli_version_text(id, text);
    return qr_cli_is_now(id) ? json_string("now") : json_string(text);
}

/* The last millisecond of a minute or a day of the local calendar, as a wall clock's reading. */
static bool local_moment(const char *text, int64_t *out_wall_ms)
{
    int64_t ms = 0;
    if (!qr_cli_date(text, &ms)) {
        return false;
    }
    bool whole_day = strlen(text) <= strlen("2024-03-01");
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL) { /* the parts, as they were typed */
        return false;
    }
    if (whole_day) {
        parts.tm_hour = 23;
        parts.tm_min = 59;
    }
    parts.tm_sec = 59;
    parts.tm_isdst = -1;
    time_t moment = mktime(&parts);
    *out_wall_ms = (int64_t)moment * 1000 + 999;
    return moment != (time_t)-1;
}

enum quire_status qr_cli_version_of(struct qr_cli *cli, const uint8_t *entry, const char *name,
    struct quire_document **out_document, uint8_t out_id[QUIRE_VERSION_SIZE])
{
    int64_t wall_ms = 0;
    bool moment = local_moment(name, &wall_ms);
    if (moment && wall_ms >= (int64_t)time(NULL) * 1000) {
        name = "now"; /* what was not sealed yet was written by then, too */
        moment = false;
    }
    return moment ? quire_client_version_at(cli->client, entry, wall_ms, out_document, out_id)
                  : quire_client_version(cli->client, entry, name, out_document, out_id);
}

enum qr_cli_exit qr_cli_open_entry(
    struct qr_cli *cli, bool to_write, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    enum qr_cli_exit exit = to_write ? qr_cli_open_to_write(cli) : qr_cli_open_to_read(cli);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = qr_cli_find_entry(cli, cli->args.operands[0], out_entry);
    return status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
}
