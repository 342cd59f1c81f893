/*
 * Many entries in one transaction, and the ids of entries that come from elsewhere.
 */
#include "client/shell.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum quire_status quire_client_begin(struct quire_client *client)
{
    enum quire_status status = qr_client_needs_lock(client);
    if (status != QUIRE_OK) {
        return status;
    }
    if (client->connection != NULL) {
        return qr_client_fail(
            &client->error, QUIRE_ESTATE, "No batch begins while the client is connected.");
    }
    status = qr_client_records_begin(client->records, &client->error);
    client->batch |= status == QUIRE_OK;
    return qr_client_settle(client, status, "The profile cannot be written");
}

enum quire_status quire_client_commit(struct quire_client *client)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    status = qr_client_records_commit(client->records, &client->error);
    client->batch = false;
    return qr_client_settle(client, status, "The profile cannot be written");
}

static void hmac(const uint8_t key[32], struct quire_bytes text, uint8_t out_hash[32])
{
    unsigned size = 0;
    uint8_t hash[EVP_MAX_MD_SIZE] = {0};
    HMAC(EVP_sha256(), key, 32, text.data, text.size, hash, &size);
    memcpy(out_hash, hash, 32);
    qr_client_wipe(hash, sizeof hash);
}

void qr_client_import_key(const uint8_t profile_key[QUIRE_PROFILE_KEY_SIZE], uint8_t out_key[32])
{
    _Static_assert(QUIRE_PROFILE_KEY_SIZE == 32, "the key of the HMAC");
    hmac(profile_key, quire_bytes_of_text("quire: ids of imported entries"), out_key);
}

enum quire_status quire_client_import_id(
    struct quire_client *client, struct quire_bytes source, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    uint8_t hash[32];
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK) {
        hmac(client->import_key, source, hash);
        memcpy(out_entry, hash, QUIRE_ENTRY_SIZE);
    }
    return status;
}
