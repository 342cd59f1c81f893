/*
 * Log lines, one write each.
 */
#include "worker/log.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 512

void qr_say_items(const char *level, const char *event, const struct qr_log_item *items)
{
    char line[LINE_SIZE], when[32] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts) != NULL) {
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    size_t used =
        (size_t)snprintf(line, sizeof line, "time=%s level=%s event=%s", when, level, event);
    for (; items->what != QR_LOG_END && used < sizeof line; items++) {
        char value[32];
        if (items->what == QR_LOG_COUNT) {
            (void)snprintf(value, sizeof value, "%llu", (unsigned long long)items->count);
        } else if (items->what == QR_LOG_ID) {
            (void)snprintf(value, sizeof value, "%02x%02x%02x%02x", items->id[0], items->id[1],
                items->id[2], items->id[3]);
        }
        used += (size_t)snprintf(line + used, sizeof line - used, " %s=%s", items->key,
            items->what == QR_LOG_WORD ? items->word : value);
    }
    used = used < sizeof line - 1 ? used : sizeof line - 2;
    line[used] = '\n';
    (void)!write(STDERR_FILENO, line, used + 1);
}
