/*
 * What text.c and text_turn.c share.
 */
#ifndef QR_CRDT_TEXT_INNER_H
#define QR_CRDT_TEXT_INNER_H

#include <stdint.h>

struct qr_text;

/** Cuts an item so that a new one begins `offset` > 0 into it; returns the new one. Room was reserved. */
uint32_t qr_text_split(struct qr_text *text, uint32_t index, uint32_t offset);

/** The next character that is looked for is often in this item. */
void qr_text_remember(struct qr_text *text, uint32_t item);

#endif
