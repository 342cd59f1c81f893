/*
 * Drafts in the profile's folder.
 */
#include "client/drafts.h"
#include "client/lock.h"
#include "client/keyfile.h"
#include "client/shell.h"

#define FOLDER "drafts"

enum quire_status qr_client_find_sealed(struct quire_client *client,
    struct qr_client_path *key_file, struct qr_client_sealed *out_sealed)
{
    client->error.text[0] = 0;
    if (client->profile.path.text[0] == 0) {
        return qr_client_fail(&client->error, QUIRE_ESTATE, "No profile was opened.");
    }
    enum quire_status status = qr_client_key_path(
        client->key_option, client->profile.config.key_name, key_file, &client->error);
    *out_sealed = (struct qr_client_sealed){
        client->profile.path.text, key_file->text, qr_client_held_key(client)};
    return status;
}

enum quire_status qr_client_draft_name(
    struct quire_client *client, char out_name[QR_CLIENT_SEALED_NAME])
{
    return qr_client_sealed_name(out_name, &client->error);
}

enum quire_status qr_client_draft_write(
    struct quire_client *client, const char *name, struct quire_bytes content)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    enum quire_status status = qr_client_find_sealed(client, &key_file, &sealed);
    return status == QUIRE_OK
        ? qr_client_sealed_write(&sealed, FOLDER, name, content, &client->error)
        : status;
}

enum quire_status qr_client_draft_read(
    struct quire_client *client, const char *name, struct quire_buffer *out_content)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    enum quire_status status = qr_client_find_sealed(client, &key_file, &sealed);
    return status == QUIRE_OK
        ? qr_client_sealed_read(&sealed, FOLDER, name, out_content, &client->error)
        : status;
}

void qr_client_draft_remove(struct quire_client *client, const char *name)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    if (qr_client_find_sealed(client, &key_file, &sealed) == QUIRE_OK) {
        qr_client_sealed_remove(&sealed, FOLDER, name);
    }
}

enum quire_status qr_client_draft_list(struct quire_client *client,
    char (*out_names)[QR_CLIENT_SEALED_NAME], size_t capacity, size_t *out_count)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    enum quire_status status = qr_client_find_sealed(client, &key_file, &sealed);
    return status == QUIRE_OK
        ? qr_client_sealed_list(&sealed, FOLDER, out_names, capacity, out_count, &client->error)
        : status;
}
