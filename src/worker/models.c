/*
 * Which bundles the worker reads with.
 */
#include "worker/models.h"

size_t qr_models(struct quire_bytes out_bundles[QUIRE_INSIGHT_BUNDLES_MAX])
{
    static const char *const names[] = {"language", "en", "es", "de", "zh", "id"};
    size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++) {
        out_bundles[i] = quire_insight_builtin(names[i]);
    }
    return count;
}
