/*
 * Sums and their summary, for people and for programs.
 */
#include "totals.h"

#include <inttypes.h>

void totals_add(struct totals *totals, const struct run_result *result)
{
    totals->runs++;
    totals->failures += result->failed;
    totals->steps += result->steps;
    totals->acts += result->acts;
    totals->frames += result->frames;
    totals->bytes_scanned += result->bytes_scanned;
    totals->batches += result->batches;
    totals->verified += result->verified;
    totals->cpu_us += result->cpu_us;
    totals->simulated_ms += result->simulated_ms;
    totals->trace_hash += result->trace_hash * (2 * result->seed + 1); /* in any order */
    if (result->quiet_after_ms > totals->quiet_most_ms) {
        totals->quiet_most_ms = result->quiet_after_ms;
    }
    for (size_t i = 0; i < MARK_COUNT; i++) {
        totals->marks[i] += result->marks[i];
    }
}

static void print_json(const struct totals *totals, double seconds, double cpu_seconds)
{
    double runs = (double)totals->runs;
    printf("{\"runs\": %" PRIu64 ", \"failures\": %" PRIu64 ", \"seconds\": %.3f, "
           "\"cpu_seconds\": %.3f, \"runs_per_second\": %.2f, \"runs_per_cpu_second\": %.2f, "
           "\"events_per_second\": %.0f, \"edits\": %" PRIu64 ", \"frames\": %" PRIu64
           ", \"records\": %" PRIu64 ", \"bytes_scanned\": %" PRIu64 ", \"quiet_most_ms\": %" PRIu64
           ", \"trace\": \"%016" PRIx64 "\", \"coverage\": {",
        totals->runs, totals->failures, seconds, cpu_seconds, runs / seconds, runs / cpu_seconds,
        (double)totals->steps / seconds, totals->acts, totals->frames, totals->batches,
        totals->bytes_scanned, totals->quiet_most_ms, totals->trace_hash);
    for (size_t i = 0; i < MARK_COUNT; i++) {
        printf("%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", mark_name(i), totals->marks[i]);
    }
    puts("}}");
}

void totals_print(const struct totals *totals, double seconds, bool json)
{
    double cpu_seconds = totals->cpu_us == 0 ? 1e-6 : (double)totals->cpu_us / 1e6;
    double runs = (double)totals->runs;
    if (json) {
        print_json(totals, seconds, cpu_seconds);
        return;
    }
    printf("%" PRIu64 " runs, %" PRIu64 " failed", totals->runs, totals->failures);
    if (totals->failures == 0 && totals->runs > 0) {
        printf(" (so a run fails with p < %.2g, 95 %% sure)", 3.0 / runs);
    }
    printf(
        "; %.1f s, %.1f runs/s, %.0f events/s; by processor time %.1f runs/s, %.0f events/s, %.0f x "
        "real time\n",
        seconds, runs / seconds, (double)totals->steps / seconds, runs / cpu_seconds,
        (double)totals->steps / cpu_seconds, (double)totals->simulated_ms / 1000 / cpu_seconds);
    printf("%" PRIu64 " edits, %" PRIu64 " frames, %" PRIu64 " records, %" PRIu64
           " signature checks, %" PRIu64 " bytes looked through; quiet at most %" PRIu64
           " ms after the faults\n",
        totals->acts, totals->frames, totals->batches, totals->verified, totals->bytes_scanned,
        totals->quiet_most_ms);
    puts("coverage:");
    for (size_t i = 0; i < MARK_COUNT; i++) {
        printf("  %10" PRIu64 "  %s%s\n", totals->marks[i], mark_name(i),
            totals->marks[i] == 0 ? "   <- never" : "");
    }
    printf("trace %016" PRIx64 "\n", totals->trace_hash);
}

void totals_print_one(const struct run_result *result, bool json)
{
    if (json) {
        printf("{\"seed\": %" PRIu64 ", \"ok\": %s, \"steps\": %" PRIu64 ", \"edits\": %" PRIu64
               ", \"frames\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"quiet_after_ms\": %" PRIu64
               "}\n",
            result->seed, result->failed ? "false" : "true", result->steps, result->acts,
            result->frames, result->batches, result->quiet_after_ms);
        return;
    }
    printf("ok: %" PRIu64 " things happened, %" PRIu64 " edits, %" PRIu64 " frames, %" PRIu64
           " records at the server; quiet %" PRIu64 " ms after the faults\n",
        result->steps, result->acts, result->frames, result->batches, result->quiet_after_ms);
    for (size_t i = 0; i < MARK_COUNT; i++) {
        if (result->marks[i] > 0) {
            printf("  %8" PRIu64 "  %s\n", result->marks[i], mark_name(i));
        }
    }
}
