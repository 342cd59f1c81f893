/*
 * The ids of a journal's entries, gathered before any is opened: an entry may not be opened during a visit.
 */
#ifndef QR_CLIENT_MOVING_IDS_H
#define QR_CLIENT_MOVING_IDS_H

#include <quire/client.h>

/** Zero-initialise; qr_moving_ids_finish frees it. In the order of quire_client_each_entry. */
struct qr_moving_ids {
    uint8_t (*items)[QUIRE_ENTRY_SIZE];
    size_t count, capacity;
};

/** Gathers the entries that `wanted` accepts. ENOMEM, and the errors of quire_client_each_entry; what was
 * gathered until then stays. */
QUIRE_CHECKED enum quire_status qr_moving_ids_gather(struct qr_moving_ids *ids,
    struct quire_client *client,
    bool (*wanted)(const void *context, const struct quire_summary *summary), const void *context);
void qr_moving_ids_finish(struct qr_moving_ids *ids);

#endif
