/*
 * Prometheus text, and the file for a node exporter to read.
 */
#include "worker/counters.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

static void add(char *out, size_t size, size_t *used, const char *name, const char *kind,
    const char *help, uint64_t value)
{
    if (*used < size) {
        *used += (size_t)snprintf(out + *used, size - *used,
            "# HELP quire_insight_%s %s\n# TYPE quire_insight_%s %s\nquire_insight_%s %llu\n", name,
            help, name, kind, name, (unsigned long long)value);
    }
}

size_t qr_counters_text(const struct qr_counters *counters, char *out, size_t size)
{
    static const char *const outcomes[QR_OUTCOMES] = {"done", "outside_the_mask", "expired",
        "does_not_open", "too_large", "gave_up", "withdrawn"};
    size_t used = (size_t)snprintf(out, size,
        "# HELP quire_insight_results_total Signed results, by outcome.\n"
        "# TYPE quire_insight_results_total counter\n");
    for (size_t i = 0; i < QR_OUTCOMES && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used,
            "quire_insight_results_total{outcome=\"%s\"} %llu\n", outcomes[i],
            (unsigned long long)counters->outcomes[i]);
    }
    add(out, size, &used, "refused_total", "counter", "Objects that no consent vouches for.",
        counters->refused);
    add(out, size, &used, "core_starts_total", "counter", "Starts of the core.",
        counters->core_starts);
    add(out, size, &used, "core_deaths_total", "counter", "Cores that ended by themselves.",
        counters->core_deaths);
    add(out, size, &used, "connections_total", "counter", "Times that the server was reached.",
        counters->connections);
    add(out, size, &used, "copy_bytes_total", "counter", "Bytes of copies, sealed.",
        counters->bytes);
    add(out, size, &used, "busy_microseconds_total", "counter", "Time that the core was at work.",
        counters->busy_us);
    add(out, size, &used, "waiting", "gauge", "Copies that wait for the core.", counters->waiting);
    add(out, size, &used, "waiting_bytes", "gauge", "Their bytes.", counters->waiting_bytes);
    add(out, size, &used, "lane_keys", "gauge", "Lane keys that devices may seal to.",
        counters->keys);
    add(out, size, &used, "connected", "gauge", "1 while the server hands out work.",
        counters->connected);
    return used < size ? used : size - 1;
}

bool qr_counters_write(const struct qr_counters *counters, const char *path)
{
    char text[4096], beside[PATH_SIZE];
    size_t size = qr_counters_text(counters, text, sizeof text);
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        errno = ENAMETOOLONG;
        return false;
    }
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool good = file >= 0 && write(file, text, size) == (ssize_t)size;
    good &= file < 0 || close(file) == 0;
    return good && rename(beside, path) == 0;
}
