/*
 * A script is what a stateful target runs: steps of one byte (low 3 bits: what, next 2: which
 * connection), a big-endian u16, and that many bytes. Whatever the fuzzer makes of it is a script.
 */
#ifndef QUIRE_FUZZ_SCRIPT_H
#define QUIRE_FUZZ_SCRIPT_H

#include <quire/bytes.h>

#define SCRIPT_STEPS_MAX 256

struct script_step {
    uint8_t what, which;
    struct quire_bytes bytes;
};

/** Takes the next step off `script`; false at its end. A step that is cut short has what is left. */
static inline bool script_next(struct quire_bytes *script, struct script_step *out_step)
{
    if (script->size < 3) {
        return false;
    }
    size_t size = (size_t)script->data[1] << 8 | script->data[2];
    if (size > script->size - 3) {
        size = script->size - 3;
    }
    *out_step = (struct script_step){.what = script->data[0] & 7,
        .which = script->data[0] >> 3 & 3,
        .bytes = {script->data + 3, size}};
    script->data += 3 + size;
    script->size -= 3 + size;
    return true;
}

#endif
