/*
 * type: a script of edits, applied as they come and made durable every so often.
 */
#include "client/cli/cli.h"
#include "client/files.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_SIZE ((size_t)8 << 20) /* a megabyte of text, however it is escaped */
#define SAVE_MS 1000
#define SYNC_MS 60000

struct typist {
    struct qr_cli *cli;
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct quire_document *document; /* NULL after a save: ask again */
    uint64_t applied, durable;
    uint64_t line;
    uint64_t saved_ms;
    uint64_t every_ms;
    bool acknowledge;
};

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum quire_status save(struct typist *typist)
{
    typist->saved_ms = clock_ms();
    if (typist->durable == typist->applied) {
        return QUIRE_OK;
    }
    typist->document = NULL;
    enum quire_status status = quire_client_save(typist->cli->client, typist->entry);
    if (status == QUIRE_OK) {
        typist->durable = typist->applied;
        if (typist->acknowledge) {
            printf("%" PRIu64 "\n", typist->durable);
            qr_cli_flush();
        }
    }
    return status;
}

static enum quire_status apply(struct typist *typist, struct quire_bytes line)
{
    json_int_t position = 0, count = 0;
    const char *text = NULL;
    size_t text_size = 0;
    json_t *edit = json_loadb((const char *)line.data, line.size, JSON_ALLOW_NUL, NULL);
    enum quire_status status = QUIRE_EMALFORMED;
    if (edit != NULL && json_array_size(edit) == 3
        && json_unpack(edit, "[I, I, s%]", &position, &count, &text, &text_size) == 0
        && position >= 0 && count >= 0) {
        status = QUIRE_OK;
    }
    if (status == QUIRE_OK && typist->document == NULL) {
        status = quire_client_document(typist->cli->client, typist->entry, true, &typist->document);
    }
    struct quire_stamp stamp = quire_client_stamp(typist->cli->client);
    if (status == QUIRE_OK
        && ((size_t)position > quire_document_text_length(typist->document)
            || (size_t)count > quire_document_text_length(typist->document) - (size_t)position)) {
        status = QUIRE_EINVALID; /* before either half of it is done */
    }
    if (status == QUIRE_OK && count > 0) {
        status = quire_document_erase(typist->document, &stamp, (size_t)position, (size_t)count);
    }
    if (status == QUIRE_OK && text_size > 0) {
        status = quire_document_insert(typist->document, &stamp, (size_t)position,
            (struct quire_bytes){(const uint8_t *)text, text_size});
    }
    json_decref(edit);
    typist->applied += status == QUIRE_OK;
    return status;
}

/* {"sync": true}: sends what was typed so far and receives what other devices wrote. */
static enum quire_status sync_now(struct typist *typist, bool *out_asked, struct quire_bytes line)
{
    *out_asked = false;
    if (line.data[0] != '{') {
        return QUIRE_OK;
    }
    json_t *order = json_loadb((const char *)line.data, line.size, 0, NULL);
    *out_asked = json_is_object(order) && json_object_size(order) == 1
        && json_is_true(json_object_get(order, "sync"));
    json_decref(order);
    if (!*out_asked) {
        return QUIRE_OK;
    }
    enum quire_status status = save(typist);
    if (status != QUIRE_OK) {
        return status;
    }
    status = quire_client_sync(typist->cli->client, SYNC_MS);
    printf("{\"synced\": %s, \"applied\": %" PRIu64 ", \"status\": \"%s\"}\n",
        status == QUIRE_OK ? "true" : "false", typist->durable, quire_status_text(status));
    qr_cli_flush();
    return QUIRE_OK; /* offline is no end of the script: what was typed is kept */
}

static bool is_blank(struct quire_bytes line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* Applies each whole line of the buffer and drops it; at the end of input also the last piece. */
static enum quire_status apply_lines(struct typist *typist, struct quire_buffer *input, bool at_end)
{
    enum quire_status status = QUIRE_OK;
    size_t start = 0;
    while (status == QUIRE_OK && start < input->size) {
        const uint8_t *end = memchr(input->data + start, '\n', input->size - start);
        if (end == NULL && !at_end) {
            break;
        }
        size_t size = end != NULL ? (size_t)(end - (input->data + start)) : input->size - start;
        struct quire_bytes line = {input->data + start, size};
        typist->line++;
        bool is_order = false;
        if (!is_blank(line)) {
            status = sync_now(typist, &is_order, line);
        }
        if (!is_blank(line) && status == QUIRE_OK && !is_order) {
            status = apply(typist, line);
        }
        start += size + (end != NULL);
        if (status == QUIRE_OK && clock_ms() - typist->saved_ms >= typist->every_ms) {
            status = save(typist);
        }
    }
    if (start > 0) {
        memmove(input->data, input->data + start, input->size - start);
        input->size -= start;
    }
    return status;
}

static enum quire_status read_script(struct typist *typist, struct quire_buffer *input)
{
    for (;;) {
        /* A pause in the script is no reason to leave what was typed undurable. */
        uint64_t since_ms = clock_ms() - typist->saved_ms;
        bool unsaved = typist->applied != typist->durable;
        int wait_ms = !unsaved             ? -1
            : since_ms >= typist->every_ms ? 0
                                           : (int)(typist->every_ms - since_ms);
        struct pollfd input_ready = {STDIN_FILENO, POLLIN, 0};
        int ready = poll(&input_ready, 1, wait_ms);
        if (ready < 0 && errno != EINTR) {
            return QUIRE_EIO;
        }
        if (ready <= 0) {
            enum quire_status status = ready == 0 ? save(typist) : QUIRE_OK;
            if (status != QUIRE_OK) {
                return status;
            }
            continue;
        }
        if (input->size > LINE_MAX_SIZE) {
            typist->line++;
            return QUIRE_ELIMIT;
        }
        if (quire_buffer_reserve(input, 65536) != QUIRE_OK) {
            return QUIRE_ENOMEM;
        }
        ssize_t size = read(STDIN_FILENO, input->data + input->size, 65536);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return QUIRE_EIO;
        }
        input->size += (size_t)size;
        enum quire_status status = apply_lines(typist, input, size == 0);
        if (status != QUIRE_OK || size == 0) {
            return status;
        }
    }
}

static enum qr_cli_exit find_entry(struct qr_cli *cli, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    const char *name = cli->args.operands[0];
    enum quire_status status = strcmp(name, "new") == 0
        ? quire_client_new_entry(cli->client, out_entry)
        : qr_cli_find_entry(cli, name, out_entry);
    if (status == QUIRE_ENOTFOUND && qr_cli_has(&cli->args, "create")
        && strlen(name) == (size_t)2 * QUIRE_ENTRY_SIZE) {
        for (size_t i = 0; i < QUIRE_ENTRY_SIZE; i++) {
            unsigned byte = 0;
            sscanf(name + 2 * i, "%2x", &byte);
            out_entry[i] = (uint8_t)byte;
        }
        status = QUIRE_OK;
    }
    return status == QUIRE_OK ? QR_CLI_DONE : qr_cli_failure(cli, status);
}

static const char *reason(enum quire_status status)
{
    switch (status) {
    case QUIRE_EMALFORMED:
        return "it is neither [position, delete_count, \"text\"] nor {\"sync\": true} in JSON";
    case QUIRE_EINVALID: return "its range leaves the text";
    case QUIRE_ELIMIT: return "it is too long, or the text would be";
    default: return quire_status_text(status);
    }
}

enum qr_cli_exit qr_cli_type(struct qr_cli *cli)
{
    int64_t every_ms = SAVE_MS;
    const char *every = qr_cli_value(&cli->args, "save-every");
    struct typist typist = {.cli = cli, .acknowledge = qr_cli_has(&cli->args, "ack")};
    struct quire_buffer input = {0};
    if (every != NULL && !qr_cli_number(every, 0, 3600000, &every_ms)) {
        return qr_cli_usage(cli, "--save-every takes milliseconds, 0 to 3600000.");
    }
    enum qr_cli_exit exit = qr_cli_open(cli);
    if (exit == QR_CLI_DONE) {
        exit = find_entry(cli, typist.entry);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    typist.every_ms = (uint64_t)every_ms;
    typist.saved_ms = clock_ms();
    enum quire_status status = read_script(&typist, &input);
    if (input.data != NULL) {
        qr_client_wipe(input.data, input.capacity);
    }
    quire_buffer_finish(&input);
    char message[512] = "";
    if (status != QUIRE_OK) {
        snprintf(message, sizeof message, "Line %" PRIu64 " was not applied: %s.", typist.line,
            reason(status));
    }
    struct quire_device_state state;
    quire_client_state(cli->client, &state);
    if (!state.joined) {
        return qr_cli_failure(cli, status); /* a save failed, and closed the profile */
    }
    bool acknowledged = typist.acknowledge && typist.durable == typist.applied;
    enum quire_status saved = save(&typist);
    if (saved != QUIRE_OK) {
        return qr_cli_failure(cli, saved);
    }
    if (status != QUIRE_OK) {
        char text[640];
        snprintf(text, sizeof text, "%s The %" PRIu64 " edits before it are saved.", message,
            typist.durable);
        qr_cli_error(cli, status, QR_CLI_FAILED, text, NULL);
        return QR_CLI_FAILED;
    }
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:I, s:o}", "applied", (json_int_t)typist.durable, "entry",
                qr_cli_json_id(typist.entry)));
    }
    if (strcmp(cli->args.operands[0], "new") == 0) {
        char id[33];
        qr_cli_id_text(typist.entry, id);
        printf("%s\n", id);
    }
    if (!typist.acknowledge || (acknowledged && typist.durable == 0)) {
        printf("%" PRIu64 "\n", typist.durable);
    }
    return QR_CLI_DONE;
}
