/*
 * What changed between versions, and the command: diff.
 */
#define _GNU_SOURCE
#include "client/cli/versions.h"
#include "client/files.h"
#include <stdlib.h>
#include <string.h>

#define CONTEXT_POINTS 40 /* characters of what is the same, shown at each side of what is not */

/* ---- diff ------------------------------------------------------------------------------------- */

/** Where two texts differ, in bytes: old[old_from … old_to) became new[new_from … new_to). */
struct piece {
    size_t old_from, old_to, new_from, new_to;
};

/** A text diff to be printed: one text with marks in it, or JSON. */
struct text_diff {
    struct qr_cli *cli;
    struct quire_bytes old, new;
    struct piece *pieces; /* ascending */
    size_t count, capacity;
    bool failed;
    json_t *array; /* with --json */
};

/* Bytes of the first `count` code points, or of all but the last `count`. */
static size_t first_points(struct quire_bytes text, size_t count)
{
    size_t size = 0;
    while (size < text.size && (count > 0 || (text.data[size] & 0xc0) == 0x80)) {
        count -= (text.data[size] & 0xc0) != 0x80;
        size++;
    }
    return size;
}

static size_t before_last_points(struct quire_bytes text, size_t count)
{
    size_t size = text.size;
    while (size > 0 && count > 0) {
        size--;
        count -= (text.data[size] & 0xc0) != 0x80;
    }
    return size;
}

/* What is the same: whole if it is short, else its two ends. */
static void print_same(
    const struct qr_cli *cli, struct quire_bytes text, bool at_begin, bool at_end)
{
    size_t head = at_begin ? 0 : first_points(text, CONTEXT_POINTS);
    size_t tail = at_end ? text.size : before_last_points(text, CONTEXT_POINTS);
    if (head >= tail) {
        qr_cli_print_text(cli, stdout, text);
        return;
    }
    qr_cli_print_text(cli, stdout, (struct quire_bytes){text.data, head});
    printf("%s…%s%s", qr_cli_dim(cli), qr_cli_plain(cli), at_begin || at_end ? "" : "\n…");
    qr_cli_print_text(cli, stdout, (struct quire_bytes){text.data + tail, text.size - tail});
}

static void print_marked(const struct qr_cli *cli, struct quire_bytes text, bool erased)
{
    if (text.size > 0) {
        printf("%s", cli->colour ? erased ? "\x1b[9;31m" : "\x1b[32m" : erased ? "[-" : "{+");
        qr_cli_print_text(cli, stdout, text);
        printf("%s", cli->colour ? "\x1b[0m" : erased ? "-]" : "+}");
    }
}

static bool ends_word(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t';
}

/* Whole words, so that a person can read them; a piece that touches the one before joins it. */
static bool add_hunk(void *context, const struct quire_hunk *hunk)
{
    struct text_diff *text_diff = context;
    if (text_diff->cli->json) {
        json_array_append_new(text_diff->array,
            json_pack("{s:I, s:I, s:o, s:o}", "old_position", (json_int_t)hunk->old_position,
                "new_position", (json_int_t)hunk->new_position, "erased",
                qr_cli_json_bytes(hunk->erased), "inserted", qr_cli_json_bytes(hunk->inserted)));
        return true;
    }
    struct piece last = {0};
    if (text_diff->count > 0) {
        last = text_diff->pieces[text_diff->count - 1];
    }
    size_t old_from = (size_t)(hunk->erased.data - text_diff->old.data);
    size_t same = old_from - last.old_to; /* bytes that are the same, before this hunk */
    struct piece piece = {.old_from = old_from,
        .old_to = old_from + hunk->erased.size,
        .new_from = last.new_to + same,
        .new_to = last.new_to + same + hunk->inserted.size};
    bool inside = (hunk->erased.size > 0 && !ends_word(hunk->erased.data[0]))
        || (hunk->inserted.size > 0 && !ends_word(hunk->inserted.data[0]));
    while (inside && same > 0 && !ends_word(text_diff->old.data[piece.old_from - 1])) {
        same--;
        piece.old_from--;
        piece.new_from--;
    }
    if (same == 0 && text_diff->count > 0) {
        text_diff->pieces[text_diff->count - 1].old_to = piece.old_to;
        text_diff->pieces[text_diff->count - 1].new_to = piece.new_to;
        return true;
    }
    if (text_diff->count == text_diff->capacity) {
        size_t capacity = text_diff->capacity == 0 ? 64 : text_diff->capacity * 2;
        struct piece *pieces = realloc(text_diff->pieces, capacity * sizeof *pieces);
        if (pieces == NULL) {
            text_diff->failed = true;
            return false;
        }
        text_diff->pieces = pieces;
        text_diff->capacity = capacity;
    }
    text_diff->pieces[text_diff->count++] = piece;
    return true;
}

/* The rest of a word that a piece ends in, as far as the next piece leaves room. */
static void end_in_words(struct text_diff *text_diff)
{
    for (size_t i = 0; i < text_diff->count; i++) {
        struct piece *piece = &text_diff->pieces[i];
        size_t limit =
            i + 1 < text_diff->count ? text_diff->pieces[i + 1].old_from : text_diff->old.size;
        bool inside =
            (piece->old_to > piece->old_from && !ends_word(text_diff->old.data[piece->old_to - 1]))
            || (piece->new_to > piece->new_from
                && !ends_word(text_diff->new.data[piece->new_to - 1]));
        while (inside && piece->old_to < limit && !ends_word(text_diff->old.data[piece->old_to])) {
            piece->old_to++;
            piece->new_to++;
        }
    }
}

static void print_text_diff(struct text_diff *text_diff)
{
    size_t printed = 0; /* of the new text */
    end_in_words(text_diff);
    for (size_t i = 0; i < text_diff->count; i++) {
        const struct piece *piece = &text_diff->pieces[i];
        print_same(text_diff->cli,
            (struct quire_bytes){text_diff->new.data + printed, piece->new_from - printed}, i == 0,
            false);
        print_marked(text_diff->cli,
            (struct quire_bytes){
                text_diff->old.data + piece->old_from, piece->old_to - piece->old_from},
            true);
        print_marked(text_diff->cli,
            (struct quire_bytes){
                text_diff->new.data + piece->new_from, piece->new_to - piece->new_from},
            false);
        printed = piece->new_to;
    }
    if (text_diff->count > 0) {
        print_same(text_diff->cli,
            (struct quire_bytes){text_diff->new.data + printed, text_diff->new.size - printed},
            false, true);
        fputc('\n', stdout);
    }
}

static json_t *json_field(const struct quire_buffer *text)
{
    return text->size == 0 ? json_null() : qr_cli_json_bytes(quire_buffer_bytes(text));
}

static void print_field(const struct qr_cli *cli, const char *name, const struct quire_buffer *from,
    const struct quire_buffer *to)
{
    printf("%s%-9s%s ", qr_cli_dim(cli), name, qr_cli_plain(cli));
    qr_cli_print_text(
        cli, stdout, from->size > 0 ? quire_buffer_bytes(from) : quire_bytes_of_text("(none)"));
    printf(" → ");
    qr_cli_print_text(
        cli, stdout, to->size > 0 ? quire_buffer_bytes(to) : quire_bytes_of_text("(none)"));
    fputc('\n', stdout);
}

struct compared {
    struct quire_document *document;
    uint8_t id[QUIRE_VERSION_SIZE];
    struct qr_cli_fields fields;
    struct quire_buffer text;
};

static enum quire_status read_compared(
    struct qr_cli *cli, const uint8_t *entry, const char *name, struct compared *out_compared)
{
    enum quire_status status =
        qr_cli_version_of(cli, entry, name, &out_compared->document, out_compared->id);
    if (status == QUIRE_OK) {
        status = qr_cli_describe(out_compared->document, &out_compared->fields);
    }
    return status == QUIRE_OK ? quire_document_text(out_compared->document, &out_compared->text)
                              : status;
}

static void compared_finish(struct compared *compared)
{
    quire_document_destroy(compared->document);
    qr_cli_fields_finish(&compared->fields);
    if (compared->text.data != NULL) {
        qr_client_wipe(compared->text.data, compared->text.capacity);
    }
    quire_buffer_finish(&compared->text);
}

static enum qr_cli_exit print_diff(
    struct qr_cli *cli, const struct compared *from, const struct compared *to)
{
    static const uint8_t nothing[1] = {
        0}; /* an empty text needs an address, too: pieces count from it */
    struct text_diff text_diff = {.cli = cli,
        .old = quire_buffer_bytes(&from->text),
        .new = quire_buffer_bytes(&to->text),
        .array = cli->json ? json_array() : NULL};
    text_diff.old.data = text_diff.old.size > 0 ? text_diff.old.data : nothing;
    text_diff.new.data = text_diff.new.size > 0 ? text_diff.new.data : nothing;
    json_t *fields = cli->json ? json_object() : NULL;
    bool deleted_from = quire_document_deleted(from->document);
    bool deleted_to = quire_document_deleted(to->document);
    bool differ = deleted_from != deleted_to;
    if (!cli->json && differ) {
        printf("%s\n", deleted_to ? "deleted" : "no longer deleted");
    }
    for (size_t i = 0; i < QR_CLI_FIELD_COUNT; i++) {
        const struct quire_buffer *then = &from->fields.text[i], *now = &to->fields.text[i];
        if (qr_cli_same_field(&from->fields, &to->fields, i)) {
            continue;
        }
        differ = true;
        if (cli->json) {
            json_object_set_new(fields, qr_cli_field_names[i],
                json_pack("{s:o, s:o}", "from", json_field(then), "to", json_field(now)));
        } else {
            print_field(cli, qr_cli_field_names[i], then, now);
        }
    }
    enum quire_status status = quire_text_diff(text_diff.old, text_diff.new, add_hunk, &text_diff);
    status = text_diff.failed ? QUIRE_ENOMEM : status;
    if (status != QUIRE_OK) {
        free(text_diff.pieces);
        json_decref(fields);
        json_decref(text_diff.array);
        return qr_cli_failure(cli, status);
    }
    if (cli->json) {
        return qr_cli_print_json(cli,
            json_pack("{s:o, s:o, s:o, s:o, s:[b, b]}", "from", qr_cli_json_version(from->id), "to",
                qr_cli_json_version(to->id), "fields", fields, "text", text_diff.array, "deleted",
                (int)deleted_from, (int)deleted_to));
    }
    print_text_diff(&text_diff);
    if (text_diff.count == 0 && !differ && cli->terminal) {
        printf("No difference.\n");
    }
    free(text_diff.pieces);
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_diff(struct qr_cli *cli)
{
    uint8_t entry[QUIRE_ENTRY_SIZE];
    struct compared from = {0}, to = {0};
    enum qr_cli_exit exit = qr_cli_open_entry(cli, false, entry);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = read_compared(cli, entry, cli->args.operands[1], &from);
    if (status == QUIRE_OK) {
        status = read_compared(
            cli, entry, cli->args.operand_count > 2 ? cli->args.operands[2] : "now", &to);
    }
    exit = status == QUIRE_OK ? print_diff(cli, &from, &to) : qr_cli_failure(cli, status);
    compared_finish(&from);
    compared_finish(&to);
    return exit;
}
