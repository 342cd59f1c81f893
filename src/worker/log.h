/*
 * The worker's log: one logfmt line an event on standard error.
 *
 * What may be in it: events, numbers, fixed words of ours, and the first four bytes of an instance, a consent's
 * key or a copy's id. Never: text, labels, whole ids. There is no way to hand a string of unknown origin in.
 */
#ifndef QR_WORKER_LOG_H
#define QR_WORKER_LOG_H

#include <stdint.h>

enum qr_log_what { QR_LOG_END, QR_LOG_WORD, QR_LOG_COUNT, QR_LOG_ID };

struct qr_log_item {
    enum qr_log_what what;
    const char *key;
    union {
        const char *word; /* a literal */
        uint64_t count;
        const uint8_t *id; /* four bytes are shown */
    };
};

#define QR_SAY_WORD(k, value) \
    ((struct qr_log_item){.what = QR_LOG_WORD, .key = (k), .word = (value)})
#define QR_SAY(k, value) \
    ((struct qr_log_item){.what = QR_LOG_COUNT, .key = (k), .count = (uint64_t)(value)})
#define QR_SAY_ID(k, value) ((struct qr_log_item){.what = QR_LOG_ID, .key = (k), .id = (value)})

/** qr_say("info", "ready", QR_SAY("keys", 1)) */
#define qr_say(level, ...) qr_say_items((level), qr_say_list(__VA_ARGS__, {.what = QR_LOG_END}))
#define qr_say_list(event, ...) \
    (event), (const struct qr_log_item[]) \
    { \
        __VA_ARGS__ \
    }

void qr_say_items(const char *level, const char *event, const struct qr_log_item *items);

#endif
