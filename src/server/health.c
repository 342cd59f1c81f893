/*
 * /healthz: the server's state in numbers; to anyone but this machine only whether it serves.
 */

#include <quire/version.h>
#include "server/health.h"
#include "server/state.h"
#include "server/told.h"
#include <stdio.h>

void qr_server_health(struct qr_server *server, bool details, char out_body[QR_HEALTH_MAX])
{
    struct qr_hub_counters hub;
    struct qr_store_stats store;
    qr_hub_counters(server->hub, &hub);
    qr_store_stats(server->store, &store);
    const char *status = server->draining ? "draining"
        : server->disk == QUIRE_EFULL     ? "full"
        : server->disk != QUIRE_OK        ? "disk_failed"
                                          : "ok";
    if (!details) { /* counts of batches and bytes would tell a stranger when a user writes */
        (void)snprintf(out_body, QR_HEALTH_MAX, "{\"status\":\"%s\"}\n", status);
        return;
    }
    struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"uptime_s", (qr_server_now_ms() - server->started_ms) / 1000},
        {"last_lsn", qr_store_last_lsn(server->store)},
        {"connections", hub.connections},
        {"connections_ready", hub.connections_ready},
        {"connections_max", server->limits.connections},
        {"open_files_max", server->files_max},
        {"connections_refused", server->refused.connections},
        {"connections_replaced", hub.connections_replaced},
        {"guests", server->guest_count},
        {"guests_refused", server->refused.guests},
        {"messages_dropped_for_room", server->intake.closed},
        {"accounts_made", hub.accounts_made},
        {"accounts_refused", hub.accounts_refused},
        {"users_loaded", hub.users_loaded},
        {"users_loaded_bytes", hub.users_loaded_bytes},
        {"batches_accepted", hub.batches_accepted},
        {"batches_repeated", hub.batches_repeated},
        {"batches_rejected", hub.batches_rejected},
        {"batches_sent", hub.batches_sent},
        {"bytes_accepted", hub.bytes_accepted},
        {"auth_failures", hub.auth_failures},
        {"frames_malformed", hub.frames_malformed},
        {"rate_limited", hub.rate_limited},
        {"records_damaged", hub.records_damaged + store.damaged},
        {"pending_verify", hub.pending_verify},
        {"pending_stranger_jobs", hub.pending_stranger_jobs},
        {"pending_persist", hub.pending_persist},
        {"reader_process", store.reader_process},
        {"reader_growth_bytes", store.reader_growth},
        {"readers_ended", store.readers_ended},
        {"store_bytes", store.used_size},
        {"store_map_bytes", store.map_size},
        {"store_max_bytes", server->options->store_max},
    };
    int used = snprintf(
        out_body, QR_HEALTH_MAX, "{\"status\":\"%s\",\"version\":\"%s\"", status, QUIRE_VERSION);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        used += snprintf(out_body + used, QR_HEALTH_MAX - (size_t)used, ",\"%s\":%llu",
            numbers[i].name, (unsigned long long)numbers[i].value);
    }
    (void)snprintf(out_body + used, QR_HEALTH_MAX - (size_t)used, "}\n");
}
