/*
 * Standard Notes: a backup, plain or encrypted (version 004), alone or in its zip.
 */
#define _GNU_SOURCE
#include "client/files.h"
#include "client/moving/format.h"
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEY_SIZE 32
#define NONCE_DIGITS 48
#define SUPER_DEPTH 64

/** A key of items: its id, and the key itself. */
struct items_key {
    UT_hash_handle hh;
    char *id;
    uint8_t key[KEY_SIZE];
};

struct notes {
    struct qr_moving_reading *reading;
    struct items_key *keys;
    json_t *tags; /* note's uuid → list of titles */
};

static bool is_backup(const struct qr_moving_member *member)
{
    return qr_moving_head_has(member, "\"items\"")
        && qr_moving_head_has(member, "\"content_type\"");
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (is_backup(&bundle->members[i])) {
            return 3;
        }
    }
    return 0;
}

/* ---- opening 004 ----------------------------------------------------------------------------- */

static bool read_key(struct quire_bytes hex, uint8_t out_key[KEY_SIZE])
{
    size_t size = 0;
    return hex.size == (size_t)2 * KEY_SIZE
        && sodium_hex2bin(out_key, KEY_SIZE, (const char *)hex.data, hex.size, NULL, &size, NULL)
        == 0
        && size == KEY_SIZE;
}

/* "004:nonce:ciphertext:authenticated data[:more]". ECRYPTO: another key, or damaged. */
static enum quire_status open_field(
    struct quire_bytes field, const uint8_t key[KEY_SIZE], struct quire_buffer *out_text)
{
    struct quire_bytes parts[4] = {0};
    size_t count = 0, begin = 0;
    for (size_t i = 0; i <= field.size && count < 4; i++) {
        if (i == field.size || field.data[i] == ':') {
            parts[count++] = (struct quire_bytes){field.data + begin, i - begin};
            begin = i + 1;
        }
    }
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    size_t size = 0;
    if (count < 4 || !qr_moving_is(parts[0], "004") || parts[1].size != NONCE_DIGITS
        || sodium_hex2bin(
               nonce, sizeof nonce, (const char *)parts[1].data, parts[1].size, NULL, &size, NULL)
            != 0) {
        return QUIRE_ECRYPTO;
    }
    uint8_t *sealed = malloc(parts[2].size + 1);
    if (sealed == NULL || quire_buffer_reserve(out_text, parts[2].size + 1) != QUIRE_OK) {
        free(sealed);
        return QUIRE_ENOMEM;
    }
    unsigned long long text_size = 0;
    bool good = sodium_base642bin(sealed, parts[2].size, (const char *)parts[2].data, parts[2].size,
                    NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL)
            == 0
        && size >= crypto_aead_xchacha20poly1305_ietf_ABYTES
        && crypto_aead_xchacha20poly1305_ietf_decrypt(out_text->data, &text_size, NULL, sealed,
               size, parts[3].data, parts[3].size, nonce, key)
            == 0;
    free(sealed);
    out_text->size = good ? (size_t)text_size : 0;
    return good ? QUIRE_OK : QUIRE_ECRYPTO;
}

/* The item's own key, from the key that wraps it. */
static enum quire_status open_item_key(
    const json_t *item, const uint8_t key[KEY_SIZE], uint8_t out_key[KEY_SIZE])
{
    struct quire_buffer hex = {0};
    enum quire_status status = open_field(qr_moving_text_at(item, "enc_item_key"), key, &hex);
    if (status == QUIRE_OK && !read_key(quire_buffer_bytes(&hex), out_key)) {
        status = QUIRE_ECRYPTO;
    }
    if (hex.data != NULL) {
        qr_client_wipe(hex.data, hex.capacity);
    }
    quire_buffer_finish(&hex);
    return status;
}

/* The item's content as JSON; NULL: it does not open. */
static json_t *open_content(const json_t *item, const uint8_t key[KEY_SIZE])
{
    struct quire_buffer text = {0};
    uint8_t item_key[KEY_SIZE];
    json_t *content = NULL;
    enum quire_status status = open_item_key(item, key, item_key);
    if (status == QUIRE_OK) {
        status = open_field(qr_moving_text_at(item, "content"), item_key, &text);
    }
    if (status == QUIRE_OK) {
        content = json_loadb((const char *)text.data, text.size, JSON_ALLOW_NUL, NULL);
    }
    qr_client_wipe(item_key, sizeof item_key);
    if (text.data != NULL) {
        qr_client_wipe(text.data, text.capacity);
    }
    quire_buffer_finish(&text);
    return content;
}

/* Argon2id with 5 passes over 64 MiB; the salt is the start of SHA-256 of "identifier:nonce". */
static enum quire_status derive(
    const json_t *parameters, const char *password, uint8_t out_key[KEY_SIZE])
{
    struct quire_bytes identifier = qr_moving_text_at(parameters, "identifier");
    struct quire_bytes nonce = qr_moving_text_at(parameters, "pw_nonce");
    struct quire_buffer text = {0};
    uint8_t hash[SHA256_DIGEST_LENGTH], keys[2 * KEY_SIZE];
    enum quire_status status = qr_moving_put(&text, identifier);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(&text, ":", 1);
    }
    if (status == QUIRE_OK && nonce.size > 0) {
        status = quire_buffer_append(&text, nonce.data, nonce.size);
    }
    if (status == QUIRE_OK) {
        SHA256(text.data, text.size, hash);
        status = crypto_pwhash(keys, sizeof keys, password, strlen(password), hash, 5,
                     (size_t)64 << 20, crypto_pwhash_ALG_ARGON2ID13)
                == 0
            ? QUIRE_OK
            : QUIRE_ENOMEM;
    }
    memcpy(out_key, keys, KEY_SIZE);
    qr_client_wipe(keys, sizeof keys);
    quire_buffer_finish(&text);
    return status;
}

static enum quire_status collect_keys(
    struct notes *notes, const json_t *items, const uint8_t master[KEY_SIZE])
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *uuid = json_string_value(json_object_get(item, "uuid"));
        if (uuid == NULL || !qr_moving_is(qr_moving_text_at(item, "content_type"), "SN|ItemsKey")) {
            continue;
        }
        json_t *content = open_content(item, master);
        struct items_key *key = content == NULL ? NULL : calloc(1, sizeof *key);
        struct items_key *same = NULL;
        HASH_FIND_STR(notes->keys, uuid, same);
        if (key != NULL && same == NULL
            && read_key(qr_moving_text_at(content, "itemsKey"), key->key)
            && (key->id = strdup(uuid)) != NULL) {
            HASH_ADD_KEYPTR(hh, notes->keys, key->id, strlen(key->id), key);
        } else {
            free(key);
        }
        json_decref(content);
    }
    if (notes->keys == NULL) {
        return qr_client_fail(notes->reading->error, QUIRE_ECRYPTO,
            "The password does not open this backup of Standard Notes. Nothing was imported.");
    }
    return QUIRE_OK;
}

/* ---- items ----------------------------------------------------------------------------------- */

/* The content of an item, opened where needed; a new reference, or NULL. */
static json_t *content_of(struct notes *notes, const json_t *item)
{
    json_t *content = json_object_get(item, "content");
    if (json_is_object(content)) {
        return json_incref(content);
    }
    const char *id = json_string_value(json_object_get(item, "items_key_id"));
    struct items_key *key = NULL;
    if (id != NULL) {
        HASH_FIND_STR(notes->keys, id, key);
    }
    return key == NULL ? NULL : open_content(item, key->key);
}

static void read_tag(struct notes *notes, const json_t *item)
{
    json_t *content = content_of(notes, item);
    const json_t *references = json_object_get(content, "references");
    json_t *title = json_object_get(content, "title");
    for (size_t i = 0; json_is_string(title) && i < json_array_size(references); i++) {
        const json_t *reference = json_array_get(references, i);
        const char *uuid = json_string_value(json_object_get(reference, "uuid"));
        if (uuid == NULL || !qr_moving_is(qr_moving_text_at(reference, "content_type"), "Note")) {
            continue;
        }
        json_t *list = json_object_get(notes->tags, uuid);
        if (list == NULL) {
            json_object_set_new(notes->tags, uuid, json_array());
            list = json_object_get(notes->tags, uuid);
        }
        json_array_append(list, title);
    }
    json_decref(content);
}

/* A Super note is a tree of nodes: its letters, a line for each block. */
static enum quire_status read_super(const json_t *node, int depth, struct quire_buffer *out_text)
{
    struct quire_bytes text = qr_moving_text_at(node, "text"),
                       type = qr_moving_text_at(node, "type");
    const json_t *children = json_object_get(node, "children");
    enum quire_status status =
        text.size > 0 ? quire_buffer_append(out_text, text.data, text.size) : QUIRE_OK;
    if (qr_moving_is(type, "listitem") && status == QUIRE_OK) {
        status = quire_buffer_append(out_text, "- ", 2);
    }
    for (size_t i = 0; depth < SUPER_DEPTH && status == QUIRE_OK && i < json_array_size(children);
         i++) {
        status = read_super(json_array_get(children, i), depth + 1, out_text);
    }
    bool block = qr_moving_is(type, "paragraph") || qr_moving_is(type, "heading")
        || qr_moving_is(type, "listitem") || qr_moving_is(type, "quote")
        || qr_moving_is(type, "code") || qr_moving_is(type, "linebreak");
    return status == QUIRE_OK && block ? quire_buffer_append(out_text, "\n", 1) : status;
}

static enum quire_status set_text(
    struct notes *notes, struct qr_moving_entry *entry, const json_t *content)
{
    struct quire_bytes text = qr_moving_text_at(content, "text");
    if (!qr_moving_is(qr_moving_text_at(content, "noteType"), "super")) {
        return qr_moving_put(&entry->text, text);
    }
    json_t *tree = json_loadb((const char *)text.data, text.size, JSON_ALLOW_NUL, NULL);
    enum quire_status status = tree == NULL
        ? qr_moving_put(&entry->text, text)
        : read_super(json_object_get(tree, "root"), 0, &entry->text);
    qr_moving_note(notes->reading->journal, QR_MOVING_FIELD, quire_buffer_bytes(&entry->where),
        tree == NULL ? "It is a Super note that cannot be read; its raw text was taken."
                     : "It is a Super note: its letters were taken, its formatting was not.");
    json_decref(tree);
    return status;
}

static enum quire_status read_note(struct notes *notes, const json_t *item)
{
    struct qr_moving_entry entry = {0};
    struct qr_moving_reading *reading = notes->reading;
    struct quire_bytes uuid = qr_moving_text_at(item, "uuid");
    json_t *content = content_of(notes, item);
    struct quire_bytes title = qr_moving_text_at(content, "title");
    enum quire_status status = qr_moving_put(&entry.where, title.size > 0 ? title : uuid);
    if (content == NULL || json_is_true(json_object_get(content, "trashed"))
        || json_is_true(json_object_get(item, "deleted"))) {
        qr_moving_note(reading->journal, QR_MOVING_ENTRY_SKIPPED, quire_buffer_bytes(&entry.where),
            "%s",
            content == NULL ? "Its key is not in the backup, or it is damaged."
                            : "It is in the trash.");
        json_decref(content);
        qr_moving_entry_finish(&entry);
        return status;
    }
    entry.has_title = title.size > 0;
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.source, uuid);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.title, title);
    }
    if (status == QUIRE_OK) {
        status = set_text(notes, &entry, content);
    }
    qr_moving_set_date(reading, &entry, qr_moving_text_at(item, "created_at"), NULL);
    const char *id = json_string_value(json_object_get(item, "uuid"));
    const json_t *tags = id == NULL ? NULL : json_object_get(notes->tags, id);
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        status = qr_moving_tag(&entry, qr_moving_string(json_array_get(tags, i)));
    }
    json_decref(content);
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    return qr_moving_add(reading->journal, &entry);
}

static enum quire_status read_items(struct notes *notes, const json_t *items)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (qr_moving_is(qr_moving_text_at(item, "content_type"), "Tag")) {
            read_tag(notes, item);
        }
    }
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        struct quire_bytes type = qr_moving_text_at(item, "content_type");
        if (qr_moving_is(type, "Note")) {
            status = read_note(notes, item);
        } else if (qr_moving_is(type, "SN|File")) {
            qr_moving_note(notes->reading->journal, QR_MOVING_ATTACHMENT,
                qr_moving_text_at(item, "uuid"),
                "A file was not taken: entries have no attachments yet.");
        }
    }
    return status;
}

static enum quire_status read_backup(
    struct qr_moving_reading *reading, const struct qr_moving_member *member)
{
    struct notes notes = {.reading = reading, .tags = json_object()};
    json_t *json = qr_moving_json(reading, member, true);
    const json_t *items = json_object_get(json, "items");
    const json_t *parameters = json_object_get(json, "keyParams");
    uint8_t master[KEY_SIZE] = {0};
    enum quire_status status = json == NULL ? QUIRE_EMALFORMED : QUIRE_OK;
    if (status == QUIRE_OK && json_is_object(parameters)) {
        if (!qr_moving_is(qr_moving_text_at(parameters, "version"), "004")) {
            status = qr_client_fail(reading->error, QUIRE_EUNSUPPORTED,
                "This backup has an encryption older than 004, which Quire cannot open. Nothing was "
                "imported; export a decrypted backup in Standard Notes.");
        } else if (reading->password == NULL) {
            status = qr_client_fail(reading->error, QUIRE_ECRYPTO,
                "This backup of Standard Notes is encrypted. Nothing was imported; give its password "
                "with --password-file.");
        } else {
            status =
                sodium_init() < 0 ? QUIRE_ENOMEM : derive(parameters, reading->password, master);
        }
        if (status == QUIRE_OK) {
            status = collect_keys(&notes, items, master);
        }
    }
    if (status == QUIRE_OK) {
        status = read_items(&notes, items);
    }
    qr_client_wipe(master, sizeof master);
    struct items_key *key, *next;
    HASH_ITER (hh, notes.keys, key, next) {
        HASH_DEL(notes.keys, key);
        qr_client_wipe(key->key, sizeof key->key);
        free(key->id);
        free(key);
    }
    json_decref(notes.tags);
    json_decref(json);
    return status;
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    const struct qr_moving_bundle *bundle = reading->bundle;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < bundle->count; i++) {
        if (is_backup(&bundle->members[i])) {
            status = read_backup(reading, &bundle->members[i]);
        } /* the files beside it are the same notes again */
    }
    return status;
}

const struct qr_moving_format qr_moving_standardnotes = {
    "standardnotes", "Standard Notes (backup, plain or encrypted)", match, read_all};
