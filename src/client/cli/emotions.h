/*
 * Emotions that the model suggests for one entry.
 */
#ifndef QR_CLIENT_CLI_EMOTIONS_H
#define QR_CLIENT_CLI_EMOTIONS_H

#include "client/cli/cli.h"

/**
 * After `quire write`, in a terminal: offers emotions for the entry, if none was picked, the model is sure of
 * one, and the person has not silenced suggestions in this profile. Once: an entry is written once.
 */
void qr_cli_offer_emotions(struct qr_cli *cli, const uint8_t *entry, struct quire_bytes text);

#endif
