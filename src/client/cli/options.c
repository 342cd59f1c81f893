/*
 * Command lines by table, and the values on them.
 */
#define _GNU_SOURCE
#include "client/cli/options.h"
#include "client/cli/suggest.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t count_words(const char *text)
{
    size_t words = text[0] != 0;
    for (; *text != 0; text++) {
        words += *text == ' ';
    }
    return words;
}

static const struct qr_cli_option *find(
    const struct qr_cli_option *table, const char *name, size_t size)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (strlen(table->name) == size && memcmp(table->name, name, size) == 0) {
            return table;
        }
    }
    return NULL;
}

static enum quire_status reserve(struct qr_cli_args *args, int count)
{
    size_t size = (size_t)(count > 0 ? count : 0) + 1;
    struct qr_cli_given *given = realloc(args->given, (args->given_count + size) * sizeof *given);
    if (given == NULL) {
        return QUIRE_ENOMEM;
    }
    args->given = given;
    const char **operands =
        realloc(args->operands, (args->operand_count + size) * sizeof *operands);
    if (operands == NULL) {
        return QUIRE_ENOMEM;
    }
    args->operands = operands;
    return QUIRE_OK;
}

/* The same letter means the same everywhere. */
static const struct {
    char letter;
    const char *name;
} letters[] = {{'V', "version"}, {'h', "help"}, {'n', "limit"}};

char qr_cli_letter(const char *name)
{
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (strcmp(letters[i].name, name) == 0) {
            return letters[i].letter;
        }
    }
    return 0;
}

static const struct qr_cli_option *find_letter(const struct qr_cli_option *table, char letter)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (qr_cli_letter(table->name) == letter) {
            return table;
        }
    }
    return NULL;
}

/* "--name" or "-n", of `size` characters. */
static const struct qr_cli_option *find_either(const struct qr_cli_option *first,
    const struct qr_cli_option *second, const char *argument, size_t size)
{
    const struct qr_cli_option *option = NULL;
    if (argument[1] == '-') {
        option = find(first, argument + 2, size - 2);
        return option != NULL ? option : find(second, argument + 2, size - 2);
    }
    if (size == 2) {
        option = find_letter(first, argument[1]);
        option = option != NULL ? option : find_letter(second, argument[1]);
    }
    return option;
}

/* "There is no option --limt here. Did you mean --limit? …" */
static void explain_unknown(const struct qr_cli_option *first, const struct qr_cli_option *second,
    const char *argument, size_t size, char *error, size_t error_size)
{
    struct qr_cli_suggestion suggestion = {0};
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(size < 60 ? size : 60), argument);
    for (const struct qr_cli_option *option = first;
         word[1] == '-' && option != NULL && option->name != NULL; option++) {
        qr_cli_suggest(&suggestion, word + 2, option->name);
    }
    for (const struct qr_cli_option *option = second;
         word[1] == '-' && option != NULL && option->name != NULL; option++) {
        qr_cli_suggest(&suggestion, word + 2, option->name);
    }
    int used = snprintf(error, error_size, "There is no option %s here.", word);
    if (suggestion.best != NULL && used > 0 && (size_t)used < error_size) {
        snprintf(error + used, error_size - (size_t)used, " Did you mean --%s?", suggestion.best);
    } else if (used > 0 && (size_t)used < error_size) {
        snprintf(error + used, error_size - (size_t)used,
            " Text that begins with '-' goes after \"--\".");
    }
}

enum quire_status qr_cli_parse(const struct qr_cli_option *first,
    const struct qr_cli_option *second, int count, char **arguments, bool stop_at_operand,
    struct qr_cli_args *args, int *out_used, char *error, size_t error_size)
{
    enum quire_status status = reserve(args, count);
    if (status != QUIRE_OK) {
        return status;
    }
    bool only_operands = false;
    int i = 0;
    for (; i < count; i++) {
        const char *argument = arguments[i];
        if (only_operands || argument[0] != '-' || argument[1] == 0) {
            if (stop_at_operand) {
                break;
            }
            args->operands[args->operand_count++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            only_operands = true;
            continue;
        }
        size_t size = strcspn(argument, "=");
        bool inlined = argument[size] == '=';
        const struct qr_cli_option *option = find_either(first, second, argument, size);
        if (option == NULL) {
            explain_unknown(first, second, argument, size, error, error_size);
            return QUIRE_EINVALID;
        }
        size_t values = count_words(option->values);
        if (inlined ? values != 1 : values > (size_t)(count - i - 1)) {
            snprintf(error, error_size,
                values == 0 ? "The option --%s takes no value." : "The option --%s needs %s.",
                option->name, option->values);
            return QUIRE_EINVALID;
        }
        if (args->given_count == QR_CLI_GIVEN_MAX) {
            snprintf(error, error_size, "More than %d options.", QR_CLI_GIVEN_MAX);
            return QUIRE_EINVALID;
        }
        struct qr_cli_given *given = &args->given[args->given_count++];
        *given = (struct qr_cli_given){.option = option};
        if (inlined) {
            given->values[0] = argument + size + 1;
        }
        for (size_t j = 0; !inlined && j < values; j++) {
            given->values[j] = arguments[++i];
        }
    }
    *out_used = i;
    return QUIRE_OK;
}

void qr_cli_args_finish(struct qr_cli_args *args)
{
    free(args->given);
    free(args->operands);
    *args = (struct qr_cli_args){0};
}

static const struct qr_cli_given *last(const struct qr_cli_args *args, const char *name)
{
    for (size_t i = args->given_count; i > 0; i--) {
        if (strcmp(args->given[i - 1].option->name, name) == 0) {
            return &args->given[i - 1];
        }
    }
    return NULL;
}

bool qr_cli_has(const struct qr_cli_args *args, const char *name)
{
    return last(args, name) != NULL;
}

const char *qr_cli_value(const struct qr_cli_args *args, const char *name)
{
    const struct qr_cli_given *given = last(args, name);
    return given == NULL ? NULL : given->values[0];
}

/* ---- values ---------------------------------------------------------------------------------- */

bool qr_cli_number(const char *text, int64_t min, int64_t max, int64_t *out_number)
{
    bool starts = (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] != 0);
    char *end = NULL;
    errno = 0;
    long long number = starts ? strtoll(text, &end, 10) : 0;
    if (!starts || errno != 0 || *end != 0 || number < min || number > max) {
        return false;
    }
    *out_number = number;
    return true;
}

bool qr_cli_pair(
    const char *text, int64_t min, int64_t max, size_t *out_name_size, int64_t *out_number)
{
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text || !qr_cli_number(equals + 1, min, max, out_number)) {
        return false;
    }
    *out_name_size = (size_t)(equals - text);
    return true;
}

bool qr_cli_date(const char *text, int64_t *out_ms)
{
    static const char *const forms[] = {"0000-00-00", "0000-00-00T00:00", "0000-00-00T00:00:00"};
    char digits[20];
    size_t size = strlen(text);
    bool fits = false;
    for (size_t form = 0; form < 3 && !fits; form++) {
        fits = size == strlen(forms[form]);
        for (size_t i = 0; fits && i < size; i++) {
            bool digit = text[i] >= '0' && text[i] <= '9';
            fits = forms[form][i] == '0' ? digit
                : forms[form][i] == 'T'  ? text[i] == 'T' || text[i] == ' '
                                         : text[i] == forms[form][i];
        }
    }
    if (!fits) {
        return false;
    }
    memcpy(digits, "0000-00-00T00:00:00", sizeof digits);
    memcpy(digits, text, size);
    int parts[6] = {0};
    static const int starts[6] = {0, 5, 8, 11, 14, 17};
    for (int i = 0; i < 6; i++) {
        int width = i == 0 ? 4 : 2;
        for (int j = 0; j < width; j++) {
            parts[i] = parts[i] * 10 + (digits[starts[i] + j] - '0');
        }
    }
    return qr_client_civil_ms(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], out_ms);
}

enum quire_status qr_cli_when(
    const char *text, struct qr_client_span *out_span, char *error, size_t error_size)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return qr_client_date_read(text, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
        qr_client_locale_order(), out_span, error, error_size);
}

bool qr_cli_moment(const char *text, int64_t *out_ms, char *error, size_t error_size)
{
    struct qr_client_span span;
    if (qr_cli_when(text, &span, error, error_size) != QUIRE_OK) {
        return false;
    }
    if (span.grain == QR_CLIENT_GRAIN_LONGER) {
        snprintf(error, error_size, "\"%.60s\" is more than one day: say which day.", text);
        return false;
    }
    *out_ms = span.from_ms;
    return true;
}

void qr_cli_date_text(int64_t ms, char out_text[48])
{
    if (ms < INT64_C(-62167219200000) || ms >= INT64_C(253402300800000)) {
        snprintf(out_text, 48, "?"); /* not in the years 0 … 9999 */
        return;
    }
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    int64_t rest = (ms - days * 86400000) / 60000;
    int64_t year;
    int month, day;
    qr_client_civil(days, &year, &month, &day);
    snprintf(out_text, 48, "%04" PRId64 "-%02d-%02d %02d:%02d", year, month, day, (int)(rest / 60),
        (int)(rest % 60));
}
