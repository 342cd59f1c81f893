/*
 * Who wrote in a document.
 */
#include "crdt/sessions.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void qr_sessions_finish(struct qr_sessions *sessions)
{
    free(sessions->at);
    free(sessions->sorted);
    *sessions = (struct qr_sessions){0};
}

enum quire_status qr_sessions_reserve(struct qr_sessions *sessions, uint32_t extra)
{
    uint32_t needed = sessions->count + extra;
    if (needed > QR_SESSIONS_MAX) {
        return QUIRE_ELIMIT;
    }
    if (needed <= sessions->capacity) {
        return QUIRE_OK;
    }
    uint32_t capacity = needed < 4 ? 4 : needed + needed / 2;
    struct qr_session *at = realloc(sessions->at, (capacity + 1) * sizeof *at);
    if (at == NULL) {
        return QUIRE_ENOMEM;
    }
    sessions->at = at;
    uint32_t *sorted = realloc(sessions->sorted, capacity * sizeof *sorted);
    if (sorted == NULL) {
        return QUIRE_ENOMEM;
    }
    sessions->sorted = sorted;
    sessions->capacity = capacity;
    return QUIRE_OK;
}

/** Where the name stands in the sorted table, or would. */
static uint32_t place_of(const struct qr_sessions *sessions, const uint8_t *name)
{
    uint32_t low = 0;
    uint32_t high = sessions->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const uint8_t *there = sessions->at[sessions->sorted[middle]].name;
        if (memcmp(there, name, QUIRE_SESSION_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t qr_sessions_find(const struct qr_sessions *sessions, const uint8_t *name)
{
    if (sessions->latest != 0
        && memcmp(sessions->at[sessions->latest].name, name, QUIRE_SESSION_SIZE) == 0) {
        return sessions->latest;
    }
    uint32_t place = place_of(sessions, name);
    if (place == sessions->count) {
        return 0;
    }
    uint32_t number = sessions->sorted[place];
    return memcmp(sessions->at[number].name, name, QUIRE_SESSION_SIZE) == 0 ? number : 0;
}

uint32_t qr_sessions_add(struct qr_sessions *sessions, const uint8_t *name)
{
    uint32_t number = qr_sessions_find(sessions, name);
    if (number != 0) {
        sessions->latest = number;
        return number;
    }
    assert(sessions->count < sessions->capacity);
    uint32_t place = place_of(sessions, name);
    memmove(&sessions->sorted[place + 1], &sessions->sorted[place],
        (sessions->count - place) * sizeof *sessions->sorted);
    number = ++sessions->count;
    sessions->sorted[place] = number;
    sessions->at[number] = (struct qr_session){0};
    memcpy(sessions->at[number].name, name, QUIRE_SESSION_SIZE);
    sessions->latest = number;
    return number;
}

bool qr_sessions_id_before(const struct qr_sessions *sessions, uint64_t a, uint64_t b)
{
    uint32_t session_a = qr_id_session(a);
    uint32_t session_b = qr_id_session(b);
    if (session_a == session_b) {
        return a < b;
    }
#if defined(QR_PLANT_ORDER_OF_ARRIVAL) /* planted bugs, which tests/graphs must find */
    return session_a < session_b;
#elif defined(QR_PLANT_GREATER_ID_FIRST)
    session_a = qr_id_session(b);
    session_b = qr_id_session(a);
#endif
    return memcmp(sessions->at[session_a].name, sessions->at[session_b].name,
        QUIRE_SESSION_SIZE) < 0;
}
