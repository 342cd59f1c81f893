/*
 * Drafts: what is written in an editor and not saved yet, encrypted in the profile's folder `drafts`.
 *
 * Works while the profile is closed, and while another process holds it: a draft is its writer's own.
 * The profile must have been open once in this client.
 */
#ifndef QR_CLIENT_DRAFTS_H
#define QR_CLIENT_DRAFTS_H

#include "client/sealed.h"
#include <quire/client.h>

#define QR_CLIENT_DRAFTS_MAX 256 /* listed; beyond that the user is told of the number only */

/** A name for a new draft. EIO. */
QUIRE_CHECKED enum quire_status qr_client_draft_name(
    struct quire_client *client, char out_name[QR_CLIENT_SEALED_NAME]);

/** As qr_client_sealed_write, _read, _remove and _list; quire_client_error has the sentence. */
QUIRE_CHECKED enum quire_status qr_client_draft_write(
    struct quire_client *client, const char *name, struct quire_bytes content);
QUIRE_CHECKED enum quire_status qr_client_draft_read(
    struct quire_client *client, const char *name, struct quire_buffer *out_content);
void qr_client_draft_remove(struct quire_client *client, const char *name);
QUIRE_CHECKED enum quire_status qr_client_draft_list(struct quire_client *client,
    char (*out_names)[QR_CLIENT_SEALED_NAME], size_t capacity, size_t *out_count);

#endif
