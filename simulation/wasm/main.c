/*
 * The simulation where there are no processes: quire-sim.wasm SEED…, for comparing traces.
 */
#include "run.h"

#include "crypto/sign.h"

#include <inttypes.h>
#include <stdlib.h>

#define MINUTES 30

int main(int count, char **words)
{
    int code = qr_crypto_init() ? 0 : 2;
    for (int i = 1; i < count && code != 2; i++) {
        struct options options;
        struct run_result result;
        uint64_t seed = strtoull(words[i], NULL, 10);
        options_draw(&options, seed, MINUTES);
        run_once(seed, &options, false, stdout, &result);
        printf("%" PRIu64 " %s %016" PRIx64 "\n", seed, result.failed ? result.claim : "ok",
            result.trace_hash);
        code |= result.failed;
    }
    return code;
}
