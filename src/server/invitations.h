/*
 * With --registration invite: which unknown users may make an account. The operator lists them in
 * DATA/invitations, one in a line, by the first sixteen or more hex digits of the account's id, which
 * the refusal in the log shows; `quirectl invite` adds a line.
 */
#ifndef QR_SERVER_INVITATIONS_H
#define QR_SERVER_INVITATIONS_H

#include <stdbool.h>
#include <stdint.h>

/** Is the user listed in the file? It is read each time: an unknown user is rare, and an operator
 * need not restart anything. A file that cannot be read lists no user. */
bool qr_invitations_list(const char *path, const uint8_t user[32]);

#endif
