/*
 * The formats that an import reads, one file each.
 */
#ifndef QR_CLIENT_MOVING_FORMAT_H
#define QR_CLIENT_MOVING_FORMAT_H

#include "client/dates.h"
#include "client/moving/bundle.h"
#include <jansson.h>

/** What a format's reader works with. Strings are borrowed. */
struct qr_moving_reading {
    const struct qr_moving_bundle *bundle;
    struct qr_moving_journal *journal; /* takes entries and notes */
    const char *password;              /* NULL: none was given */
    enum qr_client_date_order order;   /* of day and month in numbers such as 3/4/2026 */
    struct qr_client_error *error;
};

struct qr_moving_format {
    const char *name;    /* for --format */
    const char *summary; /* one line */
    /** How sure it is that this is its format: 0 not, 1 perhaps, 3 surely. */
    int (*match)(const struct qr_moving_bundle *bundle);
    /** EMALFORMED: it is not; ECRYPTO: a password is missing or wrong; ENOMEM, ELIMIT. `error` has the
     * sentence. */
    enum quire_status (*read)(struct qr_moving_reading *reading);
};

/** All of them; ends with NULL. */
const struct qr_moving_format *const *qr_moving_all(void);

/** By name; NULL: there is none. */
const struct qr_moving_format *qr_moving_format_named(const char *name);
/** The surest one; NULL: none matches. */
const struct qr_moving_format *qr_moving_format_of(const struct qr_moving_bundle *bundle);

extern const struct qr_moving_format qr_moving_quire, qr_moving_markdown, qr_moving_dayone,
    qr_moving_jrnl, qr_moving_standardnotes, qr_moving_joplin, qr_moving_journey,
    qr_moving_simplenote, qr_moving_daylio, qr_moving_org;

/* ---- writing our own ------------------------------------------------------------------------- */

/** Writes the JSON of docs/export.schema.json: begin, each entry, end. False: FILE failed. */
bool qr_moving_json_begin(FILE *file);
bool qr_moving_json_entry(FILE *file, const struct qr_moving_entry *entry, bool first);
bool qr_moving_json_end(FILE *file);

/** The name of an entry's Markdown file: date and start of the id; whole: the whole id. */
void qr_moving_markdown_name(const struct qr_moving_entry *entry, bool whole, char out_name[64]);
/** Writes the file. */
bool qr_moving_markdown_entry(FILE *file, const struct qr_moving_entry *entry);

/** One page for a browser to show and print, without anything that it would fetch. */
bool qr_moving_html_begin(FILE *file, size_t count);
bool qr_moving_html_entry(FILE *file, const struct qr_moving_entry *entry);
bool qr_moving_html_end(FILE *file);

/* ---- for readers ----------------------------------------------------------------------------- */

/** A member's JSON; NULL, with a note or (where fatal) reading->error, if it is none. */
json_t *qr_moving_json(
    struct qr_moving_reading *reading, const struct qr_moving_member *member, bool fatal);
/** A string's bytes; empty if it is not a string. Borrowed. */
struct quire_bytes qr_moving_string(const json_t *value);
/** The string under a key; empty if there is none. */
struct quire_bytes qr_moving_text_at(const json_t *object, const char *key);

/** A note for each of these keys (a list that ends with NULL) that objects of `list` have: Quire has no
 * field for it. */
void qr_moving_note_keys(struct qr_moving_reading *reading, const char *file, const json_t *list,
    const char *const *keys);

/** Sets the date of a string as of qr_moving_date_read; a note where it is none. */
void qr_moving_set_date(struct qr_moving_reading *reading, struct qr_moving_entry *entry,
    struct quire_bytes text, const char *zone);

/** Front matter of Markdown: an object of strings, lists and objects. False: `text` begins with none.
 * out_rest: after it. *out_yaml NULL: it is not YAML; out_rest is then the whole text. */
bool qr_moving_front_matter(
    struct quire_bytes text, json_t **out_yaml, struct quire_bytes *out_rest);

/** HTML as plain text, near Markdown. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_html_text(
    struct quire_bytes html, struct quire_buffer *out_text);

/** The first bytes of a JSON file hold this key: cheaper than to parse it. */
bool qr_moving_head_has(const struct qr_moving_member *member, const char *word);

#endif
