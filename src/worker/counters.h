/*
 * What the gate counts. Numbers alone: no ids, no sizes of single copies, no content.
 */
#ifndef QR_WORKER_COUNTERS_H
#define QR_WORKER_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_OUTCOMES 7 /* of results, protocol/lane.md */

struct qr_counters {
    uint64_t outcomes[QR_OUTCOMES];
    uint64_t refused; /* copies that no consent vouches for */
    uint64_t core_starts, core_deaths;
    uint64_t connections, disconnections;
    uint64_t bytes;   /* of copies, sealed */
    uint64_t busy_us; /* time from handing a copy to the core to its answer, of all */
    uint64_t waiting, waiting_bytes; /* now */
    uint64_t keys;                   /* lane keys in force */
    bool connected;
};

/** The metrics as Prometheus text; how long it is. */
size_t qr_counters_text(const struct qr_counters *counters, char *out, size_t size);

/** Writes them beside the file and moves them over it; false: that failed, errno says why. */
bool qr_counters_write(const struct qr_counters *counters, const char *path);

#endif
