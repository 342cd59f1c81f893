/*
 * Structured log lines.
 */
#include "server/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_SIZE 1024
#define WAITING_MAX (256 * 1024) /* bytes of lines that wait for standard error */

static enum qr_log_level least_level = QR_LOG_INFO;
static enum qr_log_format line_format = QR_LOG_LOGFMT;

void qr_log_setup(enum qr_log_level least, enum qr_log_format format)
{
    least_level = least;
    line_format = format;
}

struct line {
    char *text;
    size_t used, size; /* used < size: room for the final zero */
};

static void put_char(struct line *line, char c)
{
    if (line->used + 1 < line->size) {
        line->text[line->used++] = c;
    }
}

static void put_plain(struct line *line, const char *text)
{
    for (; *text != 0; text++) {
        put_char(line, *text);
    }
}

/* Both formats quote alike; a control byte can never end a line or colour a terminal. */
static void put_quoted(struct line *line, const char *text)
{
    put_char(line, '"');
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            put_char(line, '\\');
            put_char(line, (char)c);
        } else if (c < 0x20 || c >= 0x7f) {
            char escaped[8];
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", c);
            put_plain(line, escaped);
        } else {
            put_char(line, (char)c);
        }
    }
    put_char(line, '"');
}

static void put_text(struct line *line, enum qr_log_format format, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.:/[]+";
    if (format == QR_LOG_LOGFMT && text[0] != 0 && text[strspn(text, plain)] == 0) {
        put_plain(line, text);
    } else {
        put_quoted(line, text);
    }
}

static void put_key(struct line *line, enum qr_log_format format, const char *key)
{
    if (format == QR_LOG_JSON) {
        put_char(line, line->used == 0 ? '{' : ',');
        put_quoted(line, key);
        put_char(line, ':');
    } else {
        if (line->used > 0) {
            put_char(line, ' ');
        }
        put_plain(line, key);
        put_char(line, '=');
    }
}

static void put_field(struct line *line, enum qr_log_format format, const struct qr_field *field)
{
    char text[32];
    put_key(line, format, field->key);
    switch (field->kind) {
    case QR_FIELD_TEXT: put_text(line, format, field->text); break;
    case QR_FIELD_NUMBER:
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)field->number);
        put_plain(line, text);
        break;
    case QR_FIELD_LONG_NAME:
        for (size_t i = 0; i < 8; i++) {
            (void)snprintf(text + 2 * i, 3, "%02x", field->name[i]);
        }
        put_text(line, format, text);
        break;
    case QR_FIELD_NAME:
        (void)snprintf(text, sizeof text, "%02x%02x%02x%02x", field->name[0], field->name[1],
            field->name[2], field->name[3]);
        put_text(line, format, text);
        break;
    }
}

size_t qr_log_line(char *out, size_t size, enum qr_log_format format, const char *time_text,
    enum qr_log_level level, const struct qr_field *fields, size_t field_count)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct line line = {out, 0, size};
    put_key(&line, format, "time");
    put_text(&line, format, time_text);
    put_key(&line, format, "level");
    put_text(&line, format, names[level]);
    for (size_t i = 0; i < field_count; i++) {
        put_field(&line, format, &fields[i]);
    }
    if (format == QR_LOG_JSON) {
        put_char(&line, '}');
    }
    out[line.used] = 0;
    return line.used;
}

/* ---- the thread that writes ------------------------------------------------------------------ */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool running, stop, ended;
    size_t used;   /* bytes of `lines` */
    uint64_t lost; /* lines that found no room */
    char lines[WAITING_MAX];
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* False: no thread runs; write it yourself. */
static bool enqueue(const char *text, size_t length)
{
    pthread_mutex_lock(&queue.lock);
    bool running = queue.running;
    if (running && queue.used + length <= WAITING_MAX) {
        memcpy(queue.lines + queue.used, text, length);
        queue.used += length;
        pthread_cond_signal(&queue.changed);
    } else {
        queue.lost += running;
    }
    pthread_mutex_unlock(&queue.lock);
    return running;
}

static void write_all(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, text, size);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = STDERR_FILENO, .events = POLLOUT};
            (void)poll(&wait, 1, 1000);
        } else if (written < 0 && errno != EINTR) {
            return; /* a log that cannot be written is no reason to stop */
        } else if (written > 0) {
            text += written;
            size -= (size_t)written;
        }
    }
}

static void *write_lines(void *argument)
{
    static char lines[WAITING_MAX];
    (void)argument;
    pthread_mutex_lock(&queue.lock);
    while (!queue.stop || queue.used > 0) {
        if (queue.used == 0) {
            pthread_cond_wait(&queue.changed, &queue.lock);
            continue;
        }
        size_t size = queue.used;
        uint64_t lost = queue.lost;
        memcpy(lines, queue.lines, size);
        queue.used = 0;
        queue.lost = 0;
        pthread_mutex_unlock(&queue.lock);
        write_all(lines, size);
        if (lost > 0) {
            qr_log(QR_LOG_WARN, QR_EVENT("log_lines_lost"), QR_NUMBER("count", lost));
        }
        pthread_mutex_lock(&queue.lock);
    }
    queue.ended = true;
    pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

void qr_log_start(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.running = pthread_create(&queue.thread, NULL, write_lines, NULL) == 0;
    pthread_mutex_unlock(&queue.lock);
}

void qr_log_stop(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 500000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&queue.lock);
    bool running = queue.running;
    queue.stop = true;
    pthread_cond_signal(&queue.changed);
    while (running && !queue.ended
        && pthread_cond_timedwait(&queue.changed, &queue.lock, &until) == 0) {
    }
    bool ended = queue.ended;
    pthread_mutex_unlock(&queue.lock);
    if (running && ended) {
        pthread_join(queue.thread, NULL);
    } /* else no process reads standard error: this one ends all the same */
}

/* ---- lines ----------------------------------------------------------------------------------- */

void qr_log_fields(enum qr_log_level level, const struct qr_field *fields, size_t field_count)
{
    char text[LINE_MAX_SIZE + 1];
    char stamp[40];
    struct timespec now;
    struct tm parts;
    if (level < least_level) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(stamp + length, sizeof stamp - length, ".%03ldZ", now.tv_nsec / 1000000);
    length = qr_log_line(text, LINE_MAX_SIZE, line_format, stamp, level, fields, field_count);
    text[length++] = '\n';
    if (!enqueue(text, length)) {
        /* One write, so that lines of several threads do not mix. */
        ssize_t written = write(STDERR_FILENO, text, length);
        (void)written;
    }
}
