/*
 * The server's log: one line per event on standard error, as logfmt or JSON.
 *
 * What may be in it: events, numbers, addresses, and the first four bytes of a user's or a device's
 * id (eight of an account that was refused, so that it can be invited). Never: content, keys,
 * signatures, whole ids, request paths or headers.
 * Threads: any.
 */
#ifndef QR_SERVER_LOG_H
#define QR_SERVER_LOG_H

#include <stddef.h>
#include <stdint.h>

enum qr_log_level {
    QR_LOG_DEBUG,
    QR_LOG_INFO,
    QR_LOG_WARN,
    QR_LOG_ERROR,
};

enum qr_log_format {
    QR_LOG_LOGFMT,
    QR_LOG_JSON,
};

enum qr_field_kind {
    QR_FIELD_TEXT,
    QR_FIELD_NUMBER,
    QR_FIELD_NAME,      /* four bytes of it are shown, in hex */
    QR_FIELD_LONG_NAME, /* eight bytes: enough to invite an account by */
};

struct qr_field {
    const char *key;
    enum qr_field_kind kind;
    union {
        const char *text;
        uint64_t number;
        const uint8_t *name;
    };
};

#define QR_TEXT(k, value) ((struct qr_field){.key = (k), .kind = QR_FIELD_TEXT, .text = (value)})
#define QR_NUMBER(k, value) \
    ((struct qr_field){.key = (k), .kind = QR_FIELD_NUMBER, .number = (uint64_t)(value)})
#define QR_NAME(k, value) ((struct qr_field){.key = (k), .kind = QR_FIELD_NAME, .name = (value)})

#define QR_LONG_NAME(k, value) \
    ((struct qr_field){.key = (k), .kind = QR_FIELD_LONG_NAME, .name = (value)})

/** The first field of every line. */
#define QR_EVENT(name) QR_TEXT("event", (name))

/** qr_log(QR_LOG_INFO, QR_EVENT("ready"), QR_NUMBER("port", port)) */
#define qr_log(level, ...) \
    qr_log_fields((level), (const struct qr_field[]){__VA_ARGS__}, \
        sizeof((const struct qr_field[]){__VA_ARGS__}) / sizeof(struct qr_field))

/** Set once, before any thread is started. */
void qr_log_setup(enum qr_log_level least, enum qr_log_format format);
/** From now on a thread of its own writes the lines, so that the loop never waits for standard
 * error. Lines beyond 256 KiB that wait are dropped and counted: a line "log_lines_lost" says how
 * many. If the thread cannot be started, lines are written as before. */
void qr_log_start(void);
/** Writes what waits, for half a second at most, and ends the thread. */
void qr_log_stop(void);

/** One write per line, cut at 1,024 bytes. */
void qr_log_fields(enum qr_log_level level, const struct qr_field *fields, size_t field_count);

/** The line without writing it; its length. `time_text` comes first in it. */
size_t qr_log_line(char *out, size_t size, enum qr_log_format format, const char *time_text,
    enum qr_log_level level, const struct qr_field *fields, size_t field_count);

#endif
