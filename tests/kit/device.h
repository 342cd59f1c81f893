/*
 * The shell of a device under test: its profile in memory, and what it told its user. Connections
 * are the caller's.
 */
#ifndef QR_TESTS_KIT_DEVICE_H
#define QR_TESTS_KIT_DEVICE_H

#include "kit/table.h"

#define KIT_NOTICES 32 /* more than there are kinds */

/** Zero-initialise. */
struct kit_device {
    struct quire_device *device; /* NULL: no process runs */
    struct kit_table table;
    struct quire_fold fold;             /* of its next process */
    struct quire_buffer replica_record; /* outlives a process, not a restored backup */
    char code[QUIRE_PAIR_CODE_SIZE];    /* of the last PAIR_CODE notice */
    uint64_t notices[KIT_NOTICES];      /* how many of each kind */
    uint32_t last_code[KIT_NOTICES];    /* of the last one of each kind */
};

/** What is left for the caller to do, after all actions were carried out. */
struct kit_outcome {
    uint64_t persisted; /* feed PERSISTED with this token; 0: nothing was persisted */
    bool close;         /* end the connection */
    uint32_t retry_ms;  /* of the CLOSE */
};

/** Ends the process and frees what is on its disk. */
void kit_device_finish(struct kit_device *shell);

/** The options that its next process starts with; entropy is QUIRE_ENTROPY_SIZE bytes. */
struct quire_device_options kit_device_options(
    struct kit_device *shell, const uint8_t *entropy, int64_t wall_ms);

/** Carries out PERSIST, REPLICA and NOTICE in their order, and hands each SEND to `send`. */
struct kit_outcome kit_device_carry_out(struct kit_device *shell,
    const struct quire_actions *actions, void (*send)(void *context, struct quire_bytes message),
    void *context);

#endif
