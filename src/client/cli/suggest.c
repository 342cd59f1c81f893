/*
 * Optimal string alignment, row by row.
 */
#include "client/cli/suggest.h"
#include <string.h>

#define WORD_MAX 63
#define WRONG_MAX 2

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

size_t qr_cli_distance(const char *left, const char *right, size_t limit)
{
    size_t rows[3][WORD_MAX + 1];
    size_t left_size = strlen(left), right_size = strlen(right);
    if (left_size > WORD_MAX || right_size > WORD_MAX) {
        return limit + 1;
    }
    for (size_t j = 0; j <= right_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= left_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= right_size; j++) {
            row[j] =
                least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left[i - 1] != right[j - 1]));
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]
                && above_that[j - 2] + 1 < row[j]) {
                row[j] = above_that[j - 2] + 1;
            }
        }
    }
    size_t distance = rows[left_size % 3][right_size];
    return distance <= limit ? distance : limit + 1;
}

void qr_cli_suggest(struct qr_cli_suggestion *suggestion, const char *word, const char *candidate)
{
    size_t size = strlen(word);
    size_t limit = size / 3 < WRONG_MAX ? size / 3 : WRONG_MAX;
    size_t distance = qr_cli_distance(word, candidate, limit);
    if (distance <= limit && (suggestion->best == NULL || distance < suggestion->distance)) {
        *suggestion = (struct qr_cli_suggestion){candidate, distance};
    }
}
