/*
 * A hub under any sequence of connections, frames, ticks, refused signatures and full disks: it
 * keeps its own promises (its asserts), and what it holds is bounded.
 */
#include "hub_box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quire_bytes script = {data, size};
    struct script_step step;
    struct hub_box *box = hub_box_create();
    for (int i = 0; i < SCRIPT_STEPS_MAX && script_next(&script, &step); i++) {
        hub_box_run(box, &step, NULL, NULL);
    }
    hub_box_destroy(box);
    return 0;
}
