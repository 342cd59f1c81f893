/*
 * Carries out calls of the module's exports natively, so that what they do can be compared byte for
 * byte.
 *
 *   native documents      reads edits of documents, a line each, and answers each with a line:
 *                         the status, and in hex what came out
 *   native session SEED   writes down a story of devices that sync through a hub (session.c)
 *
 *   D n                   document n (0 … 15) is new            I n wall pos hex     insert
 *   E n wall pos count    erase                                 R n wall field hex number   set
 *   C n wall field        clear                                 A n wall set hex value      add
 *   X n wall set hex      remove                                K n wall                    delete
 *   T n max               take a delta                          J n m        merge all of m into n
 *   O n m                 n is opened from all of m
 *   M n hex               merge these bytes                     U n from to offset    of units
 *   G n                   keep undo                             P n          close the step
 *   B n wall              undo                                  F n wall     redo
 *   Y n pos side          an anchor                             Z n hex      where it is
 *   V n pending|encode|canonical|digest|text|register F|set F   read
 *
 * The replica of document n is the byte n + 1, eight times.
 */
#define _POSIX_C_SOURCE 200809L
#include "native.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENTS 16

static struct quire_document *documents[DOCUMENTS];
static struct quire_undo *undos[DOCUMENTS];
static struct quire_buffer *in, *out;

void need(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "native: %s\n", what);
        exit(2);
    }
}

void put_hex(struct quire_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.size == 0) {
        putchar('-');
    }
    for (size_t i = 0; i < bytes.size; i++) {
        putchar(digits[bytes.data[i] >> 4]);
        putchar(digits[bytes.data[i] & 15]);
    }
}

static char *word(char **rest)
{
    char *found = strtok_r(NULL, " \n", rest);
    need(found != NULL, "a word is missing");
    return found;
}

static uint64_t number(char **rest)
{
    return (uint64_t)strtoll(word(rest), NULL, 10);
}

static struct quire_bytes bytes(char **rest)
{
    const char *hex = word(rest);
    quire_wasm_buffer_finish(in);
    size_t size = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    uint8_t *place = quire_wasm_buffer_extend(in, size);
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        need(sscanf(hex + 2 * i, "%2x", &value) == 1, "that is not hex");
        place[i] = (uint8_t)value;
    }
    return (struct quire_bytes){place, size};
}

static int view(struct quire_document *document, char **rest)
{
    const char *what = word(rest);
    if (strcmp(what, "pending") == 0) {
        return quire_wasm_document_encode_pending(document, out);
    }
    if (strcmp(what, "encode") == 0) {
        return quire_wasm_document_encode(document, out);
    }
    if (strcmp(what, "canonical") == 0) {
        return quire_wasm_document_canonical(document, out);
    }
    if (strcmp(what, "digest") == 0) {
        return quire_wasm_document_digest(document, out);
    }
    if (strcmp(what, "text") == 0) {
        return quire_wasm_document_text(document, out);
    }
    if (strcmp(what, "register") == 0) {
        return quire_wasm_document_register(document, (uint32_t)number(rest), out);
    }
    need(strcmp(what, "set") == 0, "no such view");
    return quire_wasm_document_set(document, (uint32_t)number(rest), out);
}

static int edit(char command, struct quire_document *document, const uint8_t *replica, char **rest)
{
    int64_t wall_ms = (int64_t)number(rest);
    size_t a = command == 'K' ? 0 : number(rest);
    struct quire_bytes text = {0};
    switch (command) {
    case 'I':
        text = bytes(rest);
        return quire_wasm_document_insert(document, replica, wall_ms, a, text.data, text.size);
    case 'E': return quire_wasm_document_erase(document, replica, wall_ms, a, number(rest));
    case 'R':
        text = bytes(rest);
        return quire_wasm_document_set_register(
            document, replica, wall_ms, (uint32_t)a, text.data, text.size, (int64_t)number(rest));
    case 'C': return quire_wasm_document_clear_register(document, replica, wall_ms, (uint32_t)a);
    case 'A':
        text = bytes(rest);
        return quire_wasm_document_add_element(
            document, replica, wall_ms, (uint32_t)a, text.data, text.size, (int64_t)number(rest));
    case 'X':
        text = bytes(rest);
        return quire_wasm_document_remove_element(
            document, replica, wall_ms, (uint32_t)a, text.data, text.size);
    default:
        need(command == 'K', "no such command");
        return quire_wasm_document_delete(document, replica, wall_ms);
    }
}

static void put_number(size_t number)
{
    uint8_t *answer = quire_wasm_buffer_extend(out, 4);
    for (size_t i = 0; i < 4; i++) {
        answer[i] = (uint8_t)(number >> 8 * (3 - i));
    }
}

static int go_back(char command, size_t index, const uint8_t *replica, char **rest)
{
    switch (command) {
    case 'G':
        undos[index] = undos[index] == NULL ? quire_wasm_undo_create(1 << 20) : undos[index];
        return quire_wasm_undo_attach(undos[index], documents[index]);
    case 'P': return quire_wasm_undo_close_step(undos[index]);
    case 'B': return quire_wasm_undo_undo(undos[index], replica, (int64_t)number(rest));
    default: return quire_wasm_undo_redo(undos[index], replica, (int64_t)number(rest));
    }
}

static int carry_out(char command, char **rest)
{
    size_t index = number(rest);
    need(index < DOCUMENTS, "no such document");
    struct quire_document **document = &documents[index];
    uint8_t replica[QUIRE_REPLICA_SIZE];
    memset(replica, (int)index + 1, sizeof replica);
    size_t place, offset;
    struct quire_bytes given;
    int status;
    switch (command) {
    case 'D':
        quire_wasm_document_destroy(*document);
        quire_wasm_undo_destroy(undos[index]);
        undos[index] = NULL;
        *document = quire_wasm_document_create();
        return *document == NULL ? QUIRE_ENOMEM : QUIRE_OK;
    case 'T': return quire_wasm_document_take_delta(*document, number(rest), out);
    case 'J':
        status = quire_wasm_document_encode(documents[number(rest) % DOCUMENTS], out);
        return status != QUIRE_OK ? status
                                  : quire_wasm_document_merge(*document,
                                      quire_wasm_buffer_data(out), quire_wasm_buffer_size(out));
    case 'O': {
        struct quire_document *opened;
        status = quire_wasm_document_encode(documents[number(rest) % DOCUMENTS], out);
        if (status == QUIRE_OK) {
            status = quire_wasm_document_open(
                quire_wasm_buffer_data(out), quire_wasm_buffer_size(out), &opened);
        }
        if (status == QUIRE_OK) {
            quire_wasm_document_destroy(*document);
            quire_wasm_undo_destroy(undos[index]);
            undos[index] = quire_wasm_undo_create(1 << 20);
            *document = opened;
            status = quire_wasm_undo_attach(undos[index], opened);
        }
        quire_wasm_buffer_finish(out);
        return status;
    }
    case 'M':
        given = bytes(rest);
        return quire_wasm_document_merge(*document, given.data, given.size);
    case 'U': {
        uint32_t from = (uint32_t)number(rest), to = (uint32_t)number(rest);
        offset = number(rest);
        status = quire_wasm_document_offset(*document, from, to, offset, &place);
        if (status == QUIRE_OK) {
            put_number(place);
        }
        return status;
    }
    case 'Y':
        offset = number(rest);
        return quire_wasm_document_anchor(*document, offset, (uint32_t)number(rest), out);
    case 'Z':
        given = bytes(rest);
        need(given.size == QUIRE_ANCHOR_SIZE, "an anchor has 16 bytes");
        status = quire_wasm_document_resolve(*document, given.data, &place);
        if (status == QUIRE_OK) {
            put_number(place);
        }
        return status;
    case 'G':
    case 'P':
    case 'B':
    case 'F': return go_back(command, index, replica, rest);
    case 'V': return view(*document, rest);
    default: return edit(command, *document, replica, rest);
    }
}

static void carry_out_documents(void)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        char *rest;
        const char *command = strtok_r(line, " \n", &rest);
        need(command != NULL && command[1] == 0, "no command");
        quire_wasm_buffer_finish(out);
        int status = carry_out(command[0], &rest);
        printf("%d ", status);
        put_hex(status == QUIRE_OK
                ? (struct quire_bytes){quire_wasm_buffer_data(out), quire_wasm_buffer_size(out)}
                : (struct quire_bytes){0});
        putchar('\n');
    }
    free(line);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        quire_wasm_document_destroy(documents[i]);
        quire_wasm_undo_destroy(undos[i]);
    }
}

int main(int argc, char **argv)
{
    in = quire_wasm_buffer_create();
    out = quire_wasm_buffer_create();
    need(in != NULL && out != NULL, "no memory");
    if (argc == 2 && strcmp(argv[1], "documents") == 0) {
        carry_out_documents();
    } else if (argc == 2 && strcmp(argv[1], "hub") == 0) {
        serve_hub();
    } else {
        need(argc == 3 && strcmp(argv[1], "session") == 0,
            "usage: native documents | hub | session SEED");
        record_session(strtoull(argv[2], NULL, 10));
    }
    quire_wasm_buffer_destroy(in);
    quire_wasm_buffer_destroy(out);
    return 0;
}
