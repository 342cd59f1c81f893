/*
 * Queries: read, and looked up in an entry.
 */
#define _GNU_SOURCE
#include "client/cli/query.h"
#include "client/fold.h"
#include <string.h>

/* A word or a phrase, as it stands in the query. */
struct token {
    struct quire_bytes text;
    bool phrase, unwanted;
};

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Takes the next one off. False: there is none, or its quote does not end (then *out_open). */
static bool next_token(const char **rest, struct token *out_token, bool *out_open)
{
    const char *at = *rest;
    *out_token = (struct token){0};
    while (is_space(*at)) {
        at++;
    }
    if (at[0] == '-' && at[1] != 0 && !is_space(at[1]) && at[1] != '-') {
        out_token->unwanted = true;
        at++;
    }
    size_t size = 0;
    if (*at == '"') {
        at++;
        size = strcspn(at, "\"");
        *out_open = at[size] == 0;
        out_token->phrase = true;
        *rest = at + size + (at[size] != 0);
    } else {
        while (at[size] != 0 && !is_space(at[size])) {
            size++;
        }
        *rest = at + size;
    }
    out_token->text = (struct quire_bytes){(const uint8_t *)at, size};
    return !*out_open && (size > 0 || out_token->phrase);
}

static bool is_operator(const struct token *token, const char *name)
{
    return !token->phrase && !token->unwanted
        && quire_bytes_equal(token->text, quire_bytes_of_text(name));
}

static enum quire_status append_word(struct quire_buffer *buffer, struct quire_bytes text, char end)
{
    enum quire_status status = quire_buffer_append(buffer, text.data, text.size);
    return status == QUIRE_OK ? quire_buffer_append(buffer, &end, 1) : status;
}

static enum quire_status add_token(struct qr_cli_query *query, const struct token *token)
{
    struct qr_cli_alternative *alternative = &query->alternatives[query->count - 1];
    struct quire_buffer terms = {0};
    enum quire_status status = qr_client_fold_terms(token->text, &terms);
    struct quire_bytes folded = quire_buffer_bytes(&terms);
    if (status == QUIRE_OK && folded.size == 0) {
        status = token->text.size > 0 ? append_word(&query->left_out, token->text, '\n') : status;
    } else if (status == QUIRE_OK) {
        if (!token->unwanted) {
            status = append_word(&alternative->words, token->text, ' ');
        }
        if (status == QUIRE_OK && (token->unwanted || token->phrase)) {
            status = append_word(
                token->unwanted ? &alternative->unwanted : &alternative->phrases, folded, '\n');
        }
    }
    quire_buffer_finish(&terms);
    return status;
}

/* What is missing from the alternative that was read last; NULL: nothing. */
static const char *missing(const struct qr_cli_query *query, bool divided)
{
    const struct qr_cli_alternative *last = &query->alternatives[query->count - 1];
    if (last->words.size > 0) {
        return NULL;
    }
    if (last->unwanted.size > 0) {
        return "Beside what must not be in an entry, name a word that must be.";
    }
    return divided ? "OR stands between two words that can be searched for." : NULL;
}

static enum quire_status fail(char *error, size_t error_size, const char *text)
{
    snprintf(error, error_size, "%s", text);
    return QUIRE_EINVALID;
}

enum quire_status qr_cli_query_read(
    const char *text, struct qr_cli_query *query, char *error, size_t error_size)
{
    enum quire_status status = QUIRE_OK;
    struct token token;
    bool negate = false, open = false;
    query->count = 1;
    while (status == QUIRE_OK && next_token(&text, &token, &open)) {
        if (is_operator(&token, "OR")) {
            const char *lack = negate ? "NOT stands before a word." : missing(query, true);
            if (lack != NULL) {
                return fail(error, error_size, lack);
            }
            if (query->count == QR_CLI_ALTERNATIVES_MAX) {
                snprintf(error, error_size,
                    "OR may divide a search into %d parts at most. Search in several goes.",
                    QR_CLI_ALTERNATIVES_MAX);
                return QUIRE_ELIMIT;
            }
            query->count++;
        } else if (is_operator(&token, "NOT")) {
            negate = true;
        } else {
            token.unwanted = token.unwanted || negate;
            negate = false;
            status = add_token(query, &token);
        }
    }
    if (status != QUIRE_OK) {
        return status;
    }
    const char *lack = open ? "A phrase is not closed: put \" at its end, too."
        : negate            ? "NOT stands before a word."
                            : missing(query, query->count > 1);
    return lack == NULL ? QUIRE_OK : fail(error, error_size, lack);
}

void qr_cli_query_finish(struct qr_cli_query *query)
{
    for (size_t i = 0; i < QR_CLI_ALTERNATIVES_MAX; i++) {
        quire_buffer_finish(&query->alternatives[i].words);
        quire_buffer_finish(&query->alternatives[i].phrases);
        quire_buffer_finish(&query->alternatives[i].unwanted);
    }
    quire_buffer_finish(&query->left_out);
}

bool qr_cli_query_needs_document(const struct qr_cli_alternative *alternative)
{
    return alternative->phrases.size > 0 || alternative->unwanted.size > 0;
}

/* Title, text, tags and emotions, folded; an empty line between them, over which no phrase goes. */
static enum quire_status fold_document(
    const struct quire_document *document, struct quire_buffer *out_terms)
{
    struct quire_value title;
    struct quire_element element;
    struct quire_buffer text = {0};
    enum quire_status status = quire_document_text(document, &text);
    if (status == QUIRE_OK) {
        status = qr_client_fold_terms(quire_buffer_bytes(&text), out_terms);
    }
    quire_buffer_finish(&text);
    for (size_t i = 0; status == QUIRE_OK
         && quire_document_register(document, QUIRE_REGISTER_TITLE, i, &title) == QUIRE_OK;
         i++) {
        status = quire_buffer_append(out_terms, "\n", 1);
        status = status == QUIRE_OK ? qr_client_fold_terms(title.text, out_terms) : status;
    }
    for (int set = 0; set < 2; set++) {
        enum quire_set which = set == 0 ? QUIRE_SET_TAGS : QUIRE_SET_EMOTIONS;
        for (size_t i = 0; status == QUIRE_OK
             && quire_document_set_element(document, which, i, &element) == QUIRE_OK;
             i++) {
            status = quire_buffer_append(out_terms, "\n", 1);
            status = status == QUIRE_OK ? qr_client_fold_terms(element.name, out_terms) : status;
        }
    }
    return status;
}

/* How many of the wanted, each ended by an empty line, are in the terms: a first term may begin, and a
 * last one end, inside of a longer one, as the index has it. */
static void count_held(
    struct quire_bytes terms, struct quire_bytes wanted, size_t *out_held, size_t *out_count)
{
    *out_held = *out_count = 0;
    while (wanted.size > 0) {
        const uint8_t *end = memmem(wanted.data, wanted.size, "\n\n", 2);
        size_t size = end == NULL ? wanted.size : (size_t)(end - wanted.data);
        *out_held += terms.size > 0 && memmem(terms.data, terms.size, wanted.data, size) != NULL;
        (*out_count)++;
        size_t taken = end == NULL ? size : size + 2;
        wanted = (struct quire_bytes){wanted.data + taken, wanted.size - taken};
    }
}

enum quire_status qr_cli_query_holds(const struct qr_cli_alternative *alternative,
    const struct quire_document *document, bool *out_holds)
{
    struct quire_buffer terms = {0};
    enum quire_status status = fold_document(document, &terms);
    size_t held, count, unwanted;
    count_held(
        quire_buffer_bytes(&terms), quire_buffer_bytes(&alternative->phrases), &held, &count);
    *out_holds = held == count;
    count_held(
        quire_buffer_bytes(&terms), quire_buffer_bytes(&alternative->unwanted), &unwanted, &count);
    *out_holds = status == QUIRE_OK && *out_holds && unwanted == 0;
    quire_buffer_finish(&terms);
    return status;
}
