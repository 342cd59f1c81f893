/*
 * Writes the corpus of fuzz-worker_core: make-worker-corpus FOLDER
 */
#include "base/writer.h"
#include "person.h"
#include "worker/link.h"
#include <stdio.h>
#include <stdlib.h>

static void save(const char *folder, const char *name, const struct qr_link *messages, size_t count)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wbe");
    for (size_t i = 0; file != NULL && i < count; i++) {
        struct quire_buffer bytes = {0};
        uint8_t size[2];
        if (qr_link_write(&messages[i], &bytes) != QUIRE_OK) {
            exit(1);
        }
        qr_store_u16(size, (uint16_t)bytes.size);
        (void)!fwrite(size, 1, 2, file);
        (void)!fwrite(bytes.data, 1, bytes.size, file);
        quire_buffer_finish(&bytes);
    }
    if (file == NULL || fclose(file) != 0) {
        exit(1);
    }
}

int main(int count, char **arguments)
{
    struct person person;
    struct grant_plan grant_plan = {.purpose = 1, .fields = 1, .not_after = UINT64_MAX / 2};
    struct copy_plan copy_plan = {.fields = 1, .text = "so happy", .rev = 1};
    struct quire_buffer grant = {0}, copy = {0}, withdrawal = {0};
    uint8_t key[167] = {1};
    if (count != 2 || !qr_crypto_init()) {
        return 2;
    }
    person_make(&person, 1);
    copy_plan.lane_key = (struct quire_bytes){key, sizeof key};
    memcpy(key + 21, person.box_public, 32);
    person_grant(&person, &grant_plan, &grant);
    person_copy(&person, &copy_plan, &copy);
    person_withdraw(&person, &withdrawal);
    struct quire_bytes host = quire_bytes_of_text("localhost");
    const struct qr_link messages[] = {{.type = QR_LINK_TICK},
        {.type = QR_LINK_AUTH, .auth = {host, host, host}},
        {.type = QR_LINK_COPY, .work = {1, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}},
        {.type = QR_LINK_GIVE_UP,
            .work = {2, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}},
        {.type = QR_LINK_WITHDRAWAL,
            .work = {3, quire_buffer_bytes(&grant), quire_buffer_bytes(&withdrawal)}},
        {.type = QR_LINK_COPY, .work = {4, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}}};
    save(arguments[1], "all", messages, 6);
    save(arguments[1], "copy", messages + 2, 1);
    save(arguments[1], "withdrawal", messages + 4, 1);
    save(arguments[1], "auth", messages, 2);
    quire_buffer_finish(&grant);
    quire_buffer_finish(&copy);
    quire_buffer_finish(&withdrawal);
    return 0;
}
