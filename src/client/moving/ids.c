/*
 * A growing list of entry ids.
 */
#include "client/moving/ids.h"
#include <stdlib.h>
#include <string.h>

struct gathering {
    struct qr_moving_ids *ids;
    bool (*wanted)(const void *context, const struct quire_summary *summary);
    const void *context;
    bool failed; /* out of memory */
};

static bool add(void *context, const struct quire_summary *summary)
{
    struct gathering *gathering = context;
    struct qr_moving_ids *ids = gathering->ids;
    if (!gathering->wanted(gathering->context, summary)) {
        return true;
    }
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity == 0 ? 256 : ids->capacity * 2;
        void *items = realloc(ids->items, capacity * sizeof *ids->items);
        if (items == NULL) {
            gathering->failed = true;
            return false;
        }
        ids->items = items;
        ids->capacity = capacity;
    }
    memcpy(ids->items[ids->count++], summary->entry, QUIRE_ENTRY_SIZE);
    return true;
}

enum quire_status qr_moving_ids_gather(struct qr_moving_ids *ids, struct quire_client *client,
    bool (*wanted)(const void *context, const struct quire_summary *summary), const void *context)
{
    struct gathering gathering = {.ids = ids, .wanted = wanted, .context = context};
    enum quire_status status = quire_client_each_entry(client, add, &gathering);
    return status == QUIRE_OK && gathering.failed ? QUIRE_ENOMEM : status;
}

void qr_moving_ids_finish(struct qr_moving_ids *ids)
{
    free(ids->items);
    *ids = (struct qr_moving_ids){0};
}
