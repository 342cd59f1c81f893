/*
 * What a step asks of the host: actions in order, and one transaction of writes, which goes first.
 */
#ifndef QR_SYNC_DEVICE_PARTS_OUTPUT_H
#define QR_SYNC_DEVICE_PARTS_OUTPUT_H

#include <quire/device.h>

/** While the step runs, the `data` pointers of items and writes are offsets into `bytes`, which may
 * still move. `device_output_end` makes them pointers. */
struct device_output {
    struct quire_action *items;
    size_t count, capacity;
    struct quire_write *writes;
    size_t write_count, write_capacity;
    struct quire_buffer bytes;
    bool failed; /* out of memory: the step fails */
};

/** Forgets the last step's output. */
void device_output_clear(struct device_output *output);
/** Adds an action of this kind; NULL: out of memory, noted in `failed`. */
struct quire_action *device_output_add(struct device_output *output, enum quire_action_kind kind);
/** Copies bytes into the output; returns them as an offset. */
struct quire_bytes device_output_keep(struct device_output *output, struct quire_bytes bytes);
/** The bytes from `offset` to the end of `output->bytes`, as an offset. */
struct quire_bytes device_output_from(const struct device_output *output, size_t offset);
/** Adds a write to the step's transaction. `value` is in the output already. */
void device_output_write(
    struct device_output *output, struct quire_bytes key, struct quire_bytes value, bool erase);
/** Puts PERSIST with this token first if there are writes; makes pointers of offsets. ENOMEM. */
QUIRE_CHECKED enum quire_status device_output_end(
    struct device_output *output, uint64_t token, struct quire_actions *out_actions);
/** Asserts: writes go with a PERSIST, which is the first action and the only one. */
void device_output_check(const struct device_output *output);
void device_output_finish(struct device_output *output);

#endif
