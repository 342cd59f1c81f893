/*
 * The inbox of a profile.
 */
#include "client/inbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "inbox"
#define FORM 1
#define HEAD_SIZE ((size_t)1 + QUIRE_ENTRY_SIZE)

static void wipe(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_client_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

enum quire_status qr_client_inbox_write(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_bytes delta)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    struct quire_buffer content = {0};
    char name[64];
    uint16_t chance = 0;
    enum quire_status status = qr_client_find_sealed(client, &key_file, &sealed);
    if (status == QUIRE_OK) {
        status = qr_client_random(&chance, sizeof chance, &client->error);
    }
    snprintf(name, sizeof name, "%012llx%04x",
        (unsigned long long)qr_client_wall_ms() & 0xffffffffffffULL, chance);
    if (status == QUIRE_OK
        && (quire_buffer_append(&content, &(uint8_t){FORM}, 1) != QUIRE_OK
            || quire_buffer_append(&content, entry, QUIRE_ENTRY_SIZE) != QUIRE_OK
            || quire_buffer_append(&content, delta.data, delta.size) != QUIRE_OK)) {
        status = qr_client_fail(&client->error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_sealed_write(
            &sealed, FOLDER, name, quire_buffer_bytes(&content), &client->error);
    }
    wipe(&content);
    return status;
}

/* What was saved before is a version of its own, as it would be had the lock been free. */
static enum quire_status merge_one(
    struct quire_client *client, struct quire_bytes content, bool remove)
{
    struct quire_document *document = NULL;
    struct quire_event event = {.kind = QUIRE_EVENT_SAVE};
    if (content.size < HEAD_SIZE || content.data[0] != FORM) {
        return QUIRE_EMALFORMED;
    }
    memcpy(event.entry, content.data + 1, sizeof event.entry);
    enum quire_status status = remove ? quire_client_begin_version(client, event.entry) : QUIRE_OK;
    if (status == QUIRE_OK) {
        status = quire_device_document(client->device, event.entry, true, &document);
    }
    if (status == QUIRE_OK) {
        status = quire_document_restore_pending(
            document, (struct quire_bytes){content.data + HEAD_SIZE, content.size - HEAD_SIZE});
    }
    return status == QUIRE_OK ? qr_client_feed(client, event) : status;
}

static int by_name(const void *left, const void *right)
{
    return memcmp(left, right, QR_CLIENT_SEALED_NAME);
}

void qr_client_inbox_finish(struct qr_client_inbox *inbox)
{
    for (size_t i = 0; i < inbox->count; i++) {
        wipe(&inbox->items[i].content);
    }
    free(inbox->items);
    *inbox = (struct qr_client_inbox){0};
}

static enum quire_status read_files(struct quire_client *client, struct qr_client_inbox *inbox)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    struct qr_client_error ignored;
    size_t count = 0;
    char(*names)[QR_CLIENT_SEALED_NAME] = calloc(QR_CLIENT_INBOX_MAX, sizeof *names);
    inbox->items = calloc(QR_CLIENT_INBOX_MAX, sizeof *inbox->items);
    enum quire_status status = names == NULL || inbox->items == NULL
        ? qr_client_fail(&client->error, QUIRE_ENOMEM, "There is not enough memory.")
        : qr_client_find_sealed(client, &key_file, &sealed);
    if (status == QUIRE_OK) {
        status = qr_client_sealed_list(
            &sealed, FOLDER, names, QR_CLIENT_INBOX_MAX, &count, &client->error);
    }
    count = count < QR_CLIENT_INBOX_MAX ? count : QR_CLIENT_INBOX_MAX;
    if (status == QUIRE_OK) {
        qsort(names, count, sizeof *names, by_name);
    }
    for (size_t i = 0; status == QUIRE_OK && i < count; i++) {
        struct qr_client_inbox_item *item = &inbox->items[inbox->count];
        enum quire_status opened =
            qr_client_sealed_read(&sealed, FOLDER, names[i], &item->content, &ignored);
        if (opened == QUIRE_OK) {
            memcpy(item->name, names[i], sizeof item->name);
            inbox->count++;
        } else {
            wipe(&item->content);
        }
        status = opened == QUIRE_ENOMEM ? opened : QUIRE_OK;
    }
    free(names);
    return status;
}

enum quire_status qr_client_inbox_read(
    struct quire_client *client, struct qr_client_inbox *out_inbox)
{
    struct qr_client_path folder;
    enum quire_status status =
        qr_client_path(&folder, &client->error, "%s/" FOLDER, client->profile.path.text);
    if (status != QUIRE_OK || access(folder.text, F_OK) != 0) {
        return status; /* the usual case, looked at ten times a second while a sync goes on */
    }
    status = read_files(client, out_inbox);
    if (status != QUIRE_OK) {
        qr_client_inbox_finish(out_inbox);
    }
    return status;
}

enum quire_status qr_client_inbox_merge(
    struct quire_client *client, const struct qr_client_inbox *inbox, bool remove)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    enum quire_status status =
        inbox->count == 0 ? QUIRE_OK : qr_client_find_sealed(client, &key_file, &sealed);
    for (size_t i = 0; status == QUIRE_OK && i < inbox->count; i++) {
        const struct qr_client_inbox_item *item = &inbox->items[i];
        enum quire_status merged = merge_one(client, quire_buffer_bytes(&item->content), remove);
        if (merged == QUIRE_OK && remove) {
            qr_client_sealed_remove(&sealed, FOLDER, item->name);
        }
        bool lasting = client->device == NULL || merged == QUIRE_ENOMEM || merged == QUIRE_EFULL;
        status = lasting ? merged : QUIRE_OK;
    }
    return status;
}

enum quire_status qr_client_inbox_drain(struct quire_client *client)
{
    struct qr_client_inbox inbox = {0};
    enum quire_status status = qr_client_inbox_read(client, &inbox);
    if (status == QUIRE_OK) {
        status = qr_client_inbox_merge(client, &inbox, true);
    }
    qr_client_inbox_finish(&inbox);
    return status;
}
