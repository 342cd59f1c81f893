/*
 * Search; and indexing entries that came in large numbers.
 */
#include "client/shell.h"
#include "client/text.h"

static enum quire_status index_some(struct quire_client *client)
{
    client->run.unindexed = 0;
    return qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
}

enum quire_status qr_client_index(struct quire_client *client, uint32_t time_ms)
{
    uint64_t begin_ms = qr_client_now_ms();
    enum quire_status status = QUIRE_OK;
    do {
        status = index_some(client);
    } while (
        status == QUIRE_OK && client->run.unindexed > 0 && qr_client_now_ms() - begin_ms < time_ms);
    return status;
}

enum quire_status quire_client_search(struct quire_client *client, struct quire_bytes query,
    bool (*visit)(void *context, const struct quire_summary *summary), void *context)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    if (!qr_client_text_valid(query, NULL)) {
        return qr_client_fail(&client->error, QUIRE_EINVALID, "What to search for is not UTF-8.");
    }
    status = quire_device_search(client->device, query, visit, context);
    while (status == QUIRE_ESTATE) { /* each turn indexes at least one entry */
        status = index_some(client);
        if (status == QUIRE_OK) {
            status = quire_device_search(client->device, query, visit, context);
        }
    }
    if (status == QUIRE_EINVALID || status == QUIRE_ELIMIT) {
        return qr_client_fail(&client->error, status,
            status == QUIRE_EINVALID
                ? "There is nothing in that to search for: no letter, digit or symbol."
                : "That is too much to search for at once.");
    }
    return qr_client_settle(client, status, "The entries cannot be searched");
}
