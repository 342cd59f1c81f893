/*
 * A hub with a log in memory, for fuzzing: every signature it asks about is as the script says, so
 * that inputs get past the cryptography. The same script always does the same.
 */
#ifndef QUIRE_FUZZ_HUB_BOX_H
#define QUIRE_FUZZ_HUB_BOX_H

#include "script.h"
#include "sync/hub/hub.h"

enum hub_box_step {
    HUB_BOX_FRAME,
    HUB_BOX_OPEN,
    HUB_BOX_CLOSE,
    HUB_BOX_TICK,   /* size of bytes: how many 100 ms */
    HUB_BOX_VERIFY, /* first byte: from now on 0 all are valid, else none */
    HUB_BOX_COMMIT, /* first byte: from now on 0 at once, 1 held, 2 refused; releases what is held */
    HUB_BOX_DRAIN,  /* with bytes: a new hub over what is durable, instead */
    HUB_BOX_FORGE,  /* for fuzz_forger; nothing here */
};

#define HUB_BOX_CONNECTIONS 4
#define HUB_BOX_DEAF 3 /* this one never reads what it is sent */

struct hub_box;

struct hub_box *hub_box_create(void);
void hub_box_destroy(struct hub_box *box);
/** Runs one step. `sent` (may be NULL) gets each message that the hub sends. */
void hub_box_run(struct hub_box *box, const struct script_step *step,
    void (*sent)(void *context, uint8_t which, struct quire_bytes message), void *context);

#endif
