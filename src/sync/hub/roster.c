/*
 * What a roster admits of each chain, and whether a longer one may take over.
 */
#include "sync/hub/roster.h"
#include "sync/hub/index.h"
#include "sync/hub/out.h"

#define NOTE_BYTES 1024 /* of each unit of limits.slice: read in one step while looking back */

void hub_send_roster(struct qr_hub *hub, struct hub_connection *connection, uint32_t from)
{
    const struct hub_user *user = connection->user;
    uint32_t durable = hub_roster_durable(user);
    while (from < durable) {
        struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
        struct quire_bytes *items = hub->space.items;
        size_t size = 0;
        frame.roster_records.first_seq = from;
        while (from < durable && frame.roster_records.record_count < QR_FRAME_ITEMS_MAX) {
            struct quire_bytes record = qr_roster_record(&user->roster, from);
            if (size > 0 && size + record.size > HUB_DELTA_MAX) {
                break;
            }
            items[frame.roster_records.record_count++] = record;
            size += record.size;
            from++;
        }
        frame.roster_records.records = items;
        hub_send(hub, connection, &frame);
    }
    if (from > connection->roster_count) {
        connection->roster_count = from;
    }
}

/* How much of a chain the roster admits. */
static uint64_t admitted(
    const struct hub_user *user, const struct qr_roster *roster, const struct hub_chain *chain)
{
    uint8_t pinned[QR_HASH_SIZE];
    uint64_t pin = qr_roster_pin(roster, chain->device, chain->replica, pinned);
    bool other = pin > 0 && pin <= chain->accepted
        && memcmp(hub_chain_entry(user, chain, pin)->hash, pinned, QR_HASH_SIZE) != 0;
    return pin - other;
}

void hub_roster_settle(struct hub_user *user)
{
    for (size_t i = 0; i < user->chain_count; i++) {
        user->chains[i].admitted = admitted(user, &user->roster, &user->chains[i]);
    }
}

void hub_note_deps(struct hub_user *user, const struct qr_batch *batch)
{
    for (size_t i = 0; i < batch->dep_count; i++) {
        struct hub_chain *dep_chain = hub_chain_find(user, batch->deps[i].replica);
        if (dep_chain != NULL && batch->deps[i].seq > dep_chain->built
            && memcmp(dep_chain->device, batch->device, QR_DEVICE_SIZE) != 0) {
            dep_chain->built = batch->deps[i].seq;
        }
    }
}

/* Notes the deps of one stored batch in the chains that it depends on. */
static enum quire_status note_entry(
    struct qr_hub *hub, struct hub_user *user, const struct hub_entry *entry)
{
    struct quire_bytes bytes;
    struct qr_batch batch;
    if (entry->chain == HUB_ROSTER_CHAIN) {
        return QUIRE_OK;
    }
    if (hub->reader.read(hub->reader.context, entry->lsn, &bytes) != QUIRE_OK
        || qr_batch_read_any(bytes, &batch) != QUIRE_OK) {
        return QUIRE_ECONFLICT; /* what it depends on is not known: it may be anything */
    }
    hub_note_deps(user, &batch);
    return QUIRE_OK;
}

/* Notes entries backwards until note_goal is reached or the step's share is used up: ESTATE. */
static enum quire_status note_back(struct qr_hub *hub, struct hub_user *user)
{
    uint64_t most = (uint64_t)hub->limits.slice * NOTE_BYTES, read = 0;
    while (user->noted_from > user->note_goal) {
        const struct hub_entry *entry = &user->entries[user->noted_from - 1];
        if (hub->limits.slice > 0 && read > 0 && read + entry->size > most) {
            return QUIRE_ESTATE;
        }
        read += entry->size;
        enum quire_status status = note_entry(hub, user, entry);
        if (status != QUIRE_OK) {
            return status;
        }
        user->noted_from--;
    }
    return QUIRE_OK;
}

struct hub_user *hub_note_more(struct qr_hub *hub)
{
    struct hub_user *user = hub->noting;
    if (user == NULL) {
        return NULL;
    }
    hub->noting = user->next_noting;
    if (!user->gone && note_back(hub, user) == QUIRE_ESTATE) {
        struct hub_user **last = &hub->noting; /* the next one's turn */
        while (*last != NULL) {
            last = &(*last)->next_noting;
        }
        user->next_noting = NULL;
        *last = user;
        return NULL;
    }
    user->noting = false;
    user->note_goal = user->noted_from;
    return user;
}

enum quire_status hub_roster_admissible(
    struct qr_hub *hub, struct hub_user *user, const struct qr_roster *roster, uint32_t from)
{
    size_t first = user->noted_from; /* of what is shut out: only later ones can depend on it */
    for (size_t i = 0; i < user->chain_count; i++) {
        const struct hub_chain *chain = &user->chains[i];
        const struct qr_roster_device *device = qr_roster_find(roster, chain->device);
        if (device == NULL || device->revoked_seq < from || device->revoked_seq == 0) {
            continue;
        }
        uint64_t most = admitted(user, roster, chain);
        if (chain->built > most) {
            return QUIRE_ECONFLICT;
        }
        if (most < chain->accepted && chain->offsets[most] < first) {
            first = chain->offsets[most];
        }
    }
    if (first == user->noted_from) {
        return QUIRE_OK;
    }
    user->note_goal = first < user->note_goal ? first : user->note_goal;
    enum quire_status status = user->noting ? QUIRE_ESTATE : note_back(hub, user);
    if (status == QUIRE_ESTATE && !user->noting) {
        user->noting = true;
        user->next_noting = hub->noting;
        hub->noting = user;
    }
    return status == QUIRE_OK ? hub_roster_admissible(hub, user, roster, from) : status;
}

/* Pins of chains that the server knows, but for a few: a device with a key must not fill the roster
 * with invented ones. A device may know a chain that the server lost, so a few are allowed. */
static bool pins_are_known(const struct hub_user *user, struct quire_bytes bytes)
{
    struct qr_record record;
    size_t unknown = 0;
    if (qr_record_read(bytes, &record) != QUIRE_OK || record.kind != QR_RECORD_REVOKE) {
        return true;
    }
    for (size_t i = 0; i < record.revoke.pin_count; i++) {
        const struct hub_chain *chain = hub_chain_find(user, record.revoke.pins[i].replica);
        unknown +=
            chain == NULL || memcmp(chain->device, record.revoke.device, QR_DEVICE_SIZE) != 0;
    }
    return unknown <= QR_UNKNOWN_PINS_MAX;
}

bool hub_roster_pins_known(
    const struct hub_user *user, const struct qr_roster *roster, uint32_t from)
{
    for (uint32_t seq = from; seq < roster->count; seq++) {
        if (!pins_are_known(user, qr_roster_record(roster, seq))) {
            return false;
        }
    }
    return true;
}

uint32_t hub_roster_durable(const struct hub_user *user)
{
    uint32_t waiting = 0;
    for (size_t i = user->durable_count; i < user->entry_count; i++) {
        waiting += user->entries[i].chain == HUB_ROSTER_CHAIN;
    }
    return user->roster.count - waiting;
}
