/*
 * A device under any sequence of frames from its server, cuts, restarts and edits of its own: it
 * keeps its promises (its asserts), and its profile can be opened after all of it.
 */
#include "device_box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quire_bytes script = {data, size};
    struct script_step step;
    struct device_box *box = device_box_create(NULL, NULL);
    for (int i = 0; i < SCRIPT_STEPS_MAX && script_next(&script, &step); i++) {
        device_box_run(box, &step);
    }
    step = (struct script_step){.what = DEVICE_BOX_RESTART};
    device_box_run(box, &step);
    device_box_destroy(box);
    return 0;
}
