/*
 * What history, diff, restore and show share: naming a version, and an entry's fields in words.
 */
#ifndef QR_CLIENT_CLI_VERSIONS_H
#define QR_CLIENT_CLI_VERSIONS_H

#include "client/cli/cli.h"

#define QR_CLI_FIELD_COUNT 5
extern const char
    *const qr_cli_field_names[QR_CLI_FIELD_COUNT]; /* title, date, mood, tags, emotions */

/** Each field as a line of text; empty where there is none. Zero-initialise. */
struct qr_cli_fields {
    struct quire_buffer text[QR_CLI_FIELD_COUNT];
};

/** Replaces what is in out_fields. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_cli_describe(
    const struct quire_document *document, struct qr_cli_fields *out_fields);
bool qr_cli_same_field(const struct qr_cli_fields *a, const struct qr_cli_fields *b, size_t index);
/** Wipes and frees. */
void qr_cli_fields_finish(struct qr_cli_fields *fields);

/** 64 hex digits. */
void qr_cli_version_text(const uint8_t *id, char out_text[2 * QUIRE_VERSION_SIZE + 1]);
/** The id, or "now" for zeros. */
json_t *qr_cli_json_version(const uint8_t *id);
bool qr_cli_is_now(const uint8_t *id);

/** A copy of an entry as it was: by the start of a version's id, "now", or a local date or minute, which
 * means its end. The caller's. out_id: zeros for now. */
QUIRE_CHECKED enum quire_status qr_cli_version_of(struct qr_cli *cli, const uint8_t *entry,
    const char *name, struct quire_document **out_document, uint8_t out_id[QUIRE_VERSION_SIZE]);

/** Opens the profile and finds the entry that the first operand names. */
enum qr_cli_exit qr_cli_open_entry(
    struct qr_cli *cli, bool to_write, uint8_t out_entry[QUIRE_ENTRY_SIZE]);

#endif
