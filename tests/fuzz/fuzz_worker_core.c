/*
 * Any bytes to the core of the worker, as messages one after another: each is answered once or refused, and no text
 * stays behind. The inputs hold no valid signature of a grant, so checks of signatures are left out here, and what is behind them is
 * reached: a grant that is read is taken for one of this worker's.
 */
#include "worker/core.h"
#include "worker/failpoints.h"
#include "worker/models.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

bool qr_core_failpoints[QR_CORE_FAILPOINT_COUNT];

static struct qr_worker_core *make(struct qr_vault **out_vault)
{
    uint8_t seed[32] = {1};
    struct qr_worker_core_options options = {.rotate_ms = QR_CORE_SEAL_MS / 2};
    struct qr_worker_core *core = NULL;
    qr_core_failpoints[QR_CORE_NO_GRANT] = true;
    if (!qr_crypto_init() || qr_vault_create(seed, out_vault) != QUIRE_OK) {
        abort();
    }
    options.vault = *out_vault;
    options.bundle_count = qr_models(options.bundles);
    if (qr_worker_core_create(&options, &core) != QUIRE_OK) {
        abort();
    }
    return core;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qr_worker_core *core;
    static struct qr_vault *vault;
    struct qr_worker_event event = {.wall_ms = INT64_C(1800000000000), .entropy = {2}};
    struct quire_buffer answer = {0};
    if (core == NULL) {
        core = make(&vault);
    }
    while (size >= 2) {
        size_t next = ((size_t)data[0] << 8 | data[1]);
        data += 2, size -= 2;
        next = next < size ? next : size;
        event.bytes = (struct quire_bytes){data, next};
        quire_buffer_clear(&answer);
        enum quire_status status = qr_worker_core_step(core, &event, &answer);
        struct qr_link said;
        assert(status == QUIRE_OK || status == QUIRE_EMALFORMED);
        assert((status == QUIRE_OK) == (answer.size > 0));
        assert(status != QUIRE_OK
            || (qr_link_read(quire_buffer_bytes(&answer), &said) == QUIRE_OK
                && !qr_link_is_request(said.type)));
        assert(qr_worker_core_is_clean(core));
        data += next, size -= next;
    }
    quire_buffer_finish(&answer);
    return 0;
}
