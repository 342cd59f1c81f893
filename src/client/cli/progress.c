/*
 * The line that stands on the terminal while a sync goes on.
 */
#include "client/cli/progress.h"
#include <inttypes.h>
#include <stdio.h>

#define SMOOTHING_MS 3000.0 /* a rate forgets what is this long ago */
#define KNOWN_MS 1000       /* no rate and no time before */

static double smooth(double rate, uint64_t bytes, uint64_t took_ms)
{
    double now = (double)bytes * 1000 / (double)took_ms;
    double weight = (double)took_ms / (SMOOTHING_MS + (double)took_ms);
    return rate == 0 ? now : rate + weight * (now - rate);
}

void qr_cli_progress_look(struct qr_cli_progress *progress, uint64_t received, uint64_t sent,
    uint64_t waiting, uint64_t now_ms)
{
    if (progress->began_ms == 0) {
        progress->began_ms = progress->looked_ms = now_ms;
    }
    if (received < progress->received || sent < progress->sent) { /* another connection */
        progress->received = progress->sent = 0;
    }
    if (now_ms > progress->looked_ms) {
        uint64_t took_ms = now_ms - progress->looked_ms;
        progress->received_rate =
            smooth(progress->received_rate, received - progress->received, took_ms);
        progress->sent_rate = smooth(progress->sent_rate, sent - progress->sent, took_ms);
        progress->received = received;
        progress->sent = sent;
        progress->looked_ms = now_ms;
    }
    if (waiting > progress->waiting_most) {
        progress->waiting_most = waiting;
    }
    if (progress->confirmed_ms == 0 && waiting < progress->waiting_most) {
        progress->confirmed_ms = now_ms;
        progress->confirmed_at = progress->waiting_most - waiting;
    }
}

static void size_text(uint64_t bytes, char out_text[24])
{
    if (bytes < (uint64_t)1 << 20) {
        snprintf(out_text, 24, "%" PRIu64 " KiB", bytes >> 10);
    } else {
        snprintf(out_text, 24, "%.1f MiB", (double)bytes / (1 << 20));
    }
}

static int one_way(
    char *out, size_t size, uint64_t bytes, double rate, bool known, const char *what)
{
    char amount[24], speed[24];
    size_text(bytes, amount);
    size_text((uint64_t)rate, speed);
    return known && rate >= 1024 ? snprintf(out, size, "%s %s (%s/s)", amount, what, speed)
                                 : snprintf(out, size, "%s %s", amount, what);
}

/* By how fast the server confirms. 0: not known yet. */
static uint64_t seconds_left(
    const struct qr_cli_progress *progress, uint64_t waiting, uint64_t now_ms)
{
    uint64_t confirmed = progress->waiting_most - waiting;
    if (progress->confirmed_ms == 0 || confirmed <= progress->confirmed_at
        || now_ms - progress->confirmed_ms < KNOWN_MS) {
        return 0;
    }
    double each_ms =
        (double)(now_ms - progress->confirmed_ms) / (double)(confirmed - progress->confirmed_at);
    return (uint64_t)(each_ms * (double)waiting / 1000) + 1;
}

void qr_cli_progress_text(const struct qr_cli_progress *progress, uint64_t waiting, uint64_t now_ms,
    char *out_text, size_t size)
{
    char in[64], out[64], sent[64] = "", left[32] = "";
    bool known = progress->began_ms != 0 && now_ms - progress->began_ms >= KNOWN_MS;
    one_way(in, sizeof in, progress->received, progress->received_rate, known, "in");
    one_way(out, sizeof out, progress->sent, progress->sent_rate, known, "out");
    if (progress->waiting_most > 1 && waiting <= progress->waiting_most) {
        uint64_t seconds = seconds_left(progress, waiting, now_ms);
        snprintf(sent, sizeof sent, ", %" PRIu64 " of %" PRIu64 " sent",
            progress->waiting_most - waiting, progress->waiting_most);
        if (waiting > 0 && seconds >= 120) {
            snprintf(left, sizeof left, ", %" PRIu64 " min left", (seconds + 30) / 60);
        } else if (waiting > 0 && seconds > 0) {
            snprintf(left, sizeof left, ", %" PRIu64 " s left", seconds);
        }
    }
    snprintf(out_text, size, "%s, %s%s%s", in, out, sent, left);
}
