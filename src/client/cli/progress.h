/*
 * How a sync comes along: what went, how fast, and for how long still.
 */
#ifndef QR_CLIENT_CLI_PROGRESS_H
#define QR_CLIENT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zero-initialise. Times are monotonic milliseconds. */
struct qr_cli_progress {
    uint64_t began_ms, looked_ms;
    uint64_t received, sent;         /* bytes, at looked_ms */
    double received_rate, sent_rate; /* bytes a second, smoothed over some seconds */
    uint64_t waiting_most;           /* changes that were to be sent, when there were most */
    uint64_t confirmed_ms;           /* when the first of these was confirmed; 0: none yet */
    uint64_t confirmed_at;           /* how many were confirmed then */
};

/** Takes in what is known now. waiting: changes that the server has not confirmed yet. */
void qr_cli_progress_look(struct qr_cli_progress *progress, uint64_t received, uint64_t sent,
    uint64_t waiting, uint64_t now_ms);

/** "1.2 MiB in (340 KiB/s), 3.4 MiB out (120 KiB/s), 40 of 120 sent, 25 s left"; what is not known yet is left
 * out. waiting: as before. */
void qr_cli_progress_text(const struct qr_cli_progress *progress, uint64_t waiting, uint64_t now_ms,
    char *out_text, size_t size);

#endif
