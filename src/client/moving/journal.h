/*
 * Entries on their way between a journal and a file of some format, and the report of what happened to
 * them. Knows nothing of a profile: apply.h writes them into one.
 *
 * Units:   dates are civil milliseconds (client/dates.h); text is UTF-8.
 * Threads: one journal on one thread at a time.
 */
#ifndef QR_CLIENT_MOVING_JOURNAL_H
#define QR_CLIENT_MOVING_JOURNAL_H

#include "client/error.h"
#include <quire/bytes.h>
#include <quire/device.h>
#include <stdio.h>

#define QR_MOVING_ENTRIES_MAX 1000000
#define QR_MOVING_NOTES_MAX 100000 /* further notes are counted, not retained */

struct qr_moving_element {
    struct quire_buffer name;
    int64_t value;
};

/** In byte order of the names, each once, after qr_moving_add. */
struct qr_moving_set {
    struct qr_moving_element *items;
    size_t count, capacity;
};

struct qr_moving_entry {
    bool has_id; /* the format is ours and names the entry */
    uint8_t id[QUIRE_ENTRY_SIZE];
    struct quire_buffer source; /* else: what names it in the format, the same in each export */
    struct quire_buffer where;  /* for the report: a file, a date */
    bool has_title, has_date, has_mood, deleted;
    int64_t date_ms, mood;
    struct quire_buffer title, text;
    struct quire_buffer journal; /* its name; empty: none */
    struct qr_moving_set tags, emotions;
};

/** What a note is about. */
enum qr_moving_note_kind {
    QR_MOVING_ENTRY_SKIPPED, /* an entry was not taken */
    QR_MOVING_FILE_SKIPPED,  /* a file, or part of it, was not read */
    QR_MOVING_ATTACHMENT,    /* a photo, video, sound or other file was not taken */
    QR_MOVING_FIELD,         /* a tag, title, date or such was changed or not taken */
    QR_MOVING_KIND_COUNT
};

struct qr_moving_note {
    enum qr_moving_note_kind kind;
    char *where; /* the entry or file */
    char *what;  /* a sentence */
};

/** Zero-initialise; qr_moving_journal_finish. */
struct qr_moving_journal {
    struct qr_moving_entry *entries;
    size_t count, capacity;
    struct qr_moving_note *notes;
    size_t note_count, note_capacity;
    uint64_t counts[QR_MOVING_KIND_COUNT]; /* of notes, with those that were not retained */
    struct qr_moving_names *sources;       /* of entries that were added */
};

/** Frees it and wipes the texts. */
void qr_moving_journal_finish(struct qr_moving_journal *journal);
void qr_moving_entry_finish(struct qr_moving_entry *entry);

/** Adds a note; where is cut at 200 bytes, the sentence (as printf) at 400. */
void qr_moving_note(struct qr_moving_journal *journal, enum qr_moving_note_kind kind,
    struct quire_bytes where, const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Name of a kind in reports: "entry", "file", "attachment", "field". */
const char *qr_moving_kind_name(enum qr_moving_note_kind kind);

/**
 * Takes the entry, which is empty afterwards, whatever the result. What does not fit an entry of Quire
 * is left out or shortened, and each time a note says so: ill-formed text, a text above QUIRE_TEXT_MAX,
 * a long title (it goes before the text), tags that are too long or too many. Entries whose source
 * names are equal are told apart by their order; of two with one id the first is taken. ELIMIT: QR_MOVING_ENTRIES_MAX. ENOMEM.
 */
QUIRE_CHECKED enum quire_status qr_moving_add(
    struct qr_moving_journal *journal, struct qr_moving_entry *entry);

/** Adds an element; a name that is there gets the new value. The name is copied as it is. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_set_add(
    struct qr_moving_set *set, struct quire_bytes name, int64_t value);

/** Adds a tag without the spaces around it; an empty one is left out. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_tag(
    struct qr_moving_entry *entry, struct quire_bytes name);

/** Replaces what the buffer holds. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_put(
    struct quire_buffer *buffer, struct quire_bytes bytes);
/** Appends as printf does, at most 1000 bytes. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_print(
    struct quire_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** By date, entries without one last; then by id. */
void qr_moving_sort(struct qr_moving_journal *journal);

/** Same title, date, mood, tags, emotions, text and deletion. */
bool qr_moving_same(const struct qr_moving_entry *a, const struct qr_moving_entry *b);

/** "2024-03-01T12:30", with seconds or milliseconds where they are not zero. False: the year is not
 * 1 … 9999. */
bool qr_moving_date_text(int64_t date_ms, char out_text[40]);

/**
 * Reads a date that a program wrote: 2024-03-01, with a time after a space or T, with a fraction, with
 * Z or an offset, with a zone's name in brackets. out_ms: civil. A time with an offset is the wall
 * clock's there, so the offset is left out; a time with Z becomes the wall clock's of `zone` (IANA name;
 * NULL: the process's zone). False: not one, or it does not exist.
 */
bool qr_moving_date_read(struct quire_bytes text, const char *zone, int64_t *out_ms);

/** The wall clock of an IANA zone (NULL or unknown: the process's) at ms since 1970 UTC. Changes TZ
 * during the call, so no other thread may use the time zone. */
int64_t qr_moving_zone_ms(int64_t utc_ms, const char *zone);

/** Digits of an id in hex, both cases. */
bool qr_moving_id_read(struct quire_bytes text, uint8_t out_id[QUIRE_ENTRY_SIZE]);

/** Without white space at both ends. */
struct quire_bytes qr_moving_trim(struct quire_bytes text);

/** CR LF and CR become LF, in place. */
void qr_moving_unix_lines(struct quire_buffer *text);

/** Cuts the next line (without its LF or CR LF) off *rest; false at the end. */
bool qr_moving_line(struct quire_bytes *rest, struct quire_bytes *out_line);

static inline bool qr_moving_is(struct quire_bytes text, const char *word)
{
    return quire_bytes_equal(text, quire_bytes_of_text(word));
}

#endif
