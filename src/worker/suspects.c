/*
 * A short list.
 */
#include "worker/suspects.h"

static size_t find(const struct qr_suspects *suspects, const uint8_t *name)
{
    size_t i = 0;
    while (
        i < suspects->count && memcmp(suspects->items[i].name, name, QR_SUSPECT_NAME_SIZE) != 0) {
        i++;
    }
    return i;
}

void qr_suspects_add(struct qr_suspects *suspects, const uint8_t name[QR_SUSPECT_NAME_SIZE])
{
    size_t at = find(suspects, name);
    if (at == suspects->count) {
        at = suspects->count < QR_SUSPECTS_MAX ? suspects->count++ : suspects->next;
        suspects->next = at == suspects->next ? (at + 1) % QR_SUSPECTS_MAX : suspects->next;
        memcpy(suspects->items[at].name, name, QR_SUSPECT_NAME_SIZE);
        suspects->items[at].deaths = 0;
    }
    suspects->items[at].deaths++;
}

bool qr_suspects_is_poison(
    const struct qr_suspects *suspects, const uint8_t name[QR_SUSPECT_NAME_SIZE])
{
    size_t at = find(suspects, name);
    return at < suspects->count && suspects->items[at].deaths >= QR_SUSPECT_DEATHS;
}
