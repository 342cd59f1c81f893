/*
 * Fills a new profile with entries, as a person of many years has them: for measuring list and search.
 *
 * usage: make-journal PROFILE ENTRIES BYTES SEED
 *
 * Words are drawn so that few are frequent and most are rare (of 16,383), lengths vary round BYTES by
 * half; every entry has a date, most a title, tags and a mood. The same seed gives the same entries.
 */
#include <quire/client.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

static uint64_t state;

static uint64_t draw(void)
{
    uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static size_t add_word(char *out, uint64_t number)
{
    static const char *const parts[] = {"ba", "re", "ti", "lo", "mu", "san", "der", "kin", "vor",
        "pel", "gra", "shi", "nte", "ou", "ea", "mm"};
    size_t size = 0;
    do {
        const char *part = parts[number & 15];
        memcpy(out + size, part, strlen(part));
        size += strlen(part);
        number >>= 4;
    } while (number != 0);
    return size;
}

/* As in a natural language, roughly (Zipf): the first hundred words make up nearly half of a text, and
 * are short. The numbers are spread evenly over their logarithm. */
static size_t add_drawn(char *out)
{
    uint64_t chance = draw();
    unsigned octave = (unsigned)(chance % 14);
    uint64_t number = ((UINT64_C(1) << octave) - 1) + (chance >> 32) % (UINT64_C(1) << octave);
    return add_word(out, number);
}

static size_t fill(char *out, size_t wanted)
{
    size_t size = 0;
    while (size + 64 < wanted) {
        size += add_drawn(out + size);
        out[size++] = draw() % 12 == 0 ? '\n' : ' ';
    }
    return size;
}

static enum quire_status add_entry(
    struct quire_client *client, size_t bytes, int64_t date_ms, char *room)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document = NULL;
    enum quire_status status = quire_client_new_entry(client, entry);
    size_t size = fill(room, bytes / 2 + draw() % bytes + 65);
    if (status == QUIRE_OK) {
        status = quire_client_edit_text(
            client, entry, (struct quire_bytes){(const uint8_t *)room, size});
    }
    if (status == QUIRE_OK) {
        status = quire_client_document(client, entry, true, &document);
    }
    struct quire_stamp stamp = quire_client_stamp(client);
    struct quire_value value = {.number = date_ms};
    if (status == QUIRE_OK) {
        status = quire_document_set_register(document, &stamp, QUIRE_REGISTER_DATE, &value);
    }
    if (status == QUIRE_OK && draw() % 4 != 0) {
        size_t title = fill(room, 90);
        value.text = (struct quire_bytes){(const uint8_t *)room, title};
        status = quire_document_set_register(document, &stamp, QUIRE_REGISTER_TITLE, &value);
    }
    if (status == QUIRE_OK && draw() % 2 != 0) {
        value.number = (int64_t)(draw() % (QUIRE_MOOD_MAX + 1));
        status = quire_document_set_register(document, &stamp, QUIRE_REGISTER_MOOD, &value);
    }
    for (uint64_t tags = draw() % 4; status == QUIRE_OK && tags > 0; tags--) {
        size_t tag = add_word(room, draw() % 40);
        status = quire_document_add_element(
            document, &stamp, QUIRE_SET_TAGS, (struct quire_bytes){(const uint8_t *)room, tag}, 0);
    }
    return status == QUIRE_OK ? quire_client_save(client, entry) : status;
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: make-journal PROFILE ENTRIES BYTES SEED\n");
        return 2;
    }
    unsigned long entries = strtoul(arguments[2], NULL, 10),
                  bytes = strtoul(arguments[3], NULL, 10);
    state = strtoull(arguments[4], NULL, 10);
    if (entries > 1000000 || bytes < 1 || bytes > QUIRE_TEXT_MAX / 2) {
        fprintf(
            stderr, "make-journal: at most 1000000 entries of 1 to %d bytes\n", QUIRE_TEXT_MAX / 2);
        return 2;
    }
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_client *client = NULL;
    struct quire_client_options options = {.profile = arguments[1]};
    char *room = malloc(2 * bytes + 256);
    enum quire_status status = room == NULL ? QUIRE_ENOMEM : quire_client_create(&options, &client);
    if (status == QUIRE_OK) {
        status = quire_client_start_account(client, "journal", kit);
    }
    for (unsigned long i = 0; status == QUIRE_OK && i < entries; i++) {
        status = add_entry(client, bytes, (int64_t)i * DAY_MS / 2, room);
    }
    if (status != QUIRE_OK) {
        fprintf(stderr, "make-journal: %s\n",
            client != NULL ? quire_client_error(client) : "no memory");
    }
    quire_client_destroy(client);
    free(room);
    return status == QUIRE_OK ? 0 : 1;
}
