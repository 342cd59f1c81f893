/*
 * Recipes, and reading labelled texts: TSV of GoEmotions and XED, CSV of BRIGHTER and EmoT.
 */
#include "train.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SIX "anger", "disgust", "fear", "joy", "sadness", "surprise"
#define EKMAN "anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"
#define FINER \
    "admiration", "amusement", "annoyance", "caring", "confusion", "curiosity", "desire", \
        "disappointment", "excitement", "gratitude", "love", "nervousness", "optimism", "remorse"
#define GO "GoEmotions (Demszky et al., 2020; Google Research), CC BY 4.0"
#define BRIGHTER "BRIGHTER (Muhammad et al., 2025), CC BY 4.0"
#define XED "XED (Öhman et al., 2020; Helsinki-NLP), CC BY 4.0"
#define EMOT "EmoT of IndoNLU (Saputri et al., 2018; Wilie et al., 2020), Apache-2.0"

const struct recipe recipes[] = {
    {.name = "en",
        QR_BUNDLE_EMOTIONS,
        QR_LANGUAGE_EN,
        {EKMAN, FINER},
        7,
        16000,
        3,
        8,
        .80,
        .60,
        GO "; thresholds also from " BRIGHTER},
    {.name = "en-small",
        QR_BUNDLE_EMOTIONS,
        QR_LANGUAGE_EN,
        {EKMAN},
        7,
        6900,
        1,
        8,
        .80,
        .60,
        GO "; thresholds also from " BRIGHTER},
    {.name = "es", QR_BUNDLE_EMOTIONS, QR_LANGUAGE_ES, {SIX}, 6, 6950, 2, 15, .83, .70, BRIGHTER},
    {.name = "de", QR_BUNDLE_EMOTIONS, QR_LANGUAGE_DE, {SIX}, 6, 6950, 2, 15, .83, .48, BRIGHTER},
    {.name = "zh", QR_BUNDLE_EMOTIONS, QR_LANGUAGE_ZH, {SIX}, 6, 6950, 2, 15, .83, .53, BRIGHTER},
    {.name = "id",
        QR_BUNDLE_EMOTIONS,
        QR_LANGUAGE_ID,
        {"anger", "fear", "joy", "love", "sadness"},
        5,
        6950,
        3,
        15,
        .83,
        .66,
        EMOT},
    {.name = "fr",
        QR_BUNDLE_EMOTIONS,
        QR_LANGUAGE_FR,
        {"anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust"},
        8,
        5500,
        2,
        8,
        .83,
        0,
        XED " (labels projected over film subtitles: weak)"},
    {.name = "language",
        QR_BUNDLE_LANGUAGES,
        QR_LANGUAGE_UNKNOWN,
        {"en", "es", "de", "fr", "id"},
        5,
        4300,
        3,
        8,
        .90,
        .99,
        GO "; " BRIGHTER "; " XED "; " EMOT},
    {0},
};

void *must(size_t size)
{
    void *memory = calloc(1, size == 0 ? 1 : size);
    if (memory == NULL) {
        fprintf(stderr, "train-emotion: There is not enough memory. Nothing was written.\n");
        exit(1);
    }
    return memory;
}

const struct recipe *find_recipe(const char *name)
{
    for (const struct recipe *recipe = recipes; recipe->name != NULL; recipe++) {
        if (strcmp(recipe->name, name) == 0) {
            return recipe;
        }
    }
    return NULL;
}

uint32_t name_count(const struct recipe *recipe)
{
    uint32_t count = 0;
    while (count < NAMES_MAX && recipe->names[count] != NULL) {
        count++;
    }
    return count;
}

static uint32_t bit_of(const struct recipe *recipe, const char *name, size_t size)
{
    if (size == 5 && memcmp(name, "happy", 5) == 0) { /* as EmoT has it */
        name = "joy";
        size = 3;
    }
    for (uint32_t k = 0; k < name_count(recipe); k++) {
        if (strlen(recipe->names[k]) == size && memcmp(recipe->names[k], name, size) == 0) {
            return 1u << k;
        }
    }
    return 0;
}

static bool read_file(const char *path, char **out_bytes, size_t *out_size)
{
    gzFile file = gzopen(path, "rb");
    size_t size = 0, capacity = 1 << 20;
    char *bytes = must(capacity);
    int got = file == NULL ? -1 : 0;
    while (
        file != NULL && (got = gzread(file, bytes + size, (unsigned)(capacity - size - 1))) > 0) {
        size += (size_t)got;
        if (capacity - size < 2) {
            char *grown = must(capacity * 2);
            memcpy(grown, bytes, size);
            free(bytes);
            bytes = grown;
            capacity *= 2;
        }
    }
    if (file != NULL) {
        gzclose(file);
    }
    if (got < 0) {
        fprintf(stderr, "train-emotion: %s cannot be read. Nothing was written.\n", path);
        free(bytes);
        return false;
    }
    bytes[size] = 0;
    *out_bytes = bytes;
    *out_size = size;
    return true;
}

static void add_sample(struct samples *samples, struct quire_bytes text, uint32_t labels)
{
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity == 0 ? 4096 : samples->capacity * 2;
        struct sample *rows = must(capacity * sizeof *rows);
        if (samples->count > 0) {
            memcpy(rows, samples->rows, samples->count * sizeof *rows);
        }
        free(samples->rows);
        samples->rows = rows;
        samples->capacity = capacity;
    }
    samples->rows[samples->count++] = (struct sample){text, labels};
}

/* One cell of CSV (RFC 4180), unquoted in place; the position moves behind it. True at a row's end. */
static bool csv_cell(char *bytes, size_t size, size_t *position, struct quire_bytes *out)
{
    size_t i = *position, begin = i, write = i;
    bool quoted = i < size && bytes[i] == '"';
    i += quoted;
    for (; i < size; i++) {
        if (quoted && bytes[i] == '"') {
            if (i + 1 < size && bytes[i + 1] == '"') {
                i++;
            } else {
                quoted = false;
                continue;
            }
        } else if (!quoted && (bytes[i] == ',' || bytes[i] == '\n')) {
            break;
        }
        bytes[write++] = bytes[i];
    }
    bool row_ends = i >= size || bytes[i] == '\n';
    *position = i < size ? i + 1 : size;
    *out = (struct quire_bytes){
        (uint8_t *)bytes + begin, write - begin - (write > begin && bytes[write - 1] == '\r')};
    return row_ends;
}

static void read_csv(const struct recipe *recipe, char *bytes, size_t size, struct samples *out)
{
    struct quire_bytes cell;
    uint32_t bits[64] = {0};
    size_t columns = 0, text_column = 64, label_column = 64, position = 0;
    for (bool last = false; !last && columns < 64; columns++) {
        last = csv_cell(bytes, size, &position, &cell);
        const char *name = (const char *)cell.data;
        text_column = (cell.size == 4 && memcmp(name, "text", 4) == 0)
                || (cell.size == 5 && memcmp(name, "tweet", 5) == 0)
            ? columns
            : text_column;
        label_column = cell.size == 5 && memcmp(name, "label", 5) == 0 ? columns : label_column;
        bits[columns] = bit_of(recipe, name, cell.size);
    }
    while (position < size) {
        struct quire_bytes text = {0};
        uint32_t labels = 0;
        bool last = false;
        for (size_t column = 0; !last; column++) {
            last = csv_cell(bytes, size, &position, &cell);
            if (column == text_column) {
                text = cell;
            } else if (column == label_column) {
                labels = bit_of(recipe, (const char *)cell.data, cell.size);
            } else if (column < columns && cell.size > 0 && cell.data[0] == '1') {
                labels |= bits[column];
            }
        }
        if (text.size > 0) {
            add_sample(out, text, labels);
        }
    }
}

static void read_tsv(const struct recipe *recipe, char *bytes, size_t size,
    const char *const *names, size_t names_size, size_t first, struct samples *out)
{
    for (char *line = bytes, *end; line < bytes + size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(bytes + size - line));
        end = end == NULL ? bytes + size : end;
        char *tab = memchr(line, '\t', (size_t)(end - line));
        if (tab == NULL) {
            continue;
        }
        uint32_t labels = 0;
        for (char *at = tab + 1; at < end && *at != '\t';) {
            char *after;
            unsigned long number = strtoul(at, &after, 10) - first;
            if (after == at) {
                break;
            }
            if (number < names_size) {
                labels |= bit_of(recipe, names[number], strlen(names[number]));
            }
            for (at = after; at < end && (*at == ',' || *at == ' '); at++) {
            }
        }
        add_sample(out, (struct quire_bytes){(uint8_t *)line, (size_t)(tab - line)}, labels);
    }
}

static const char *const xed_names[] = {
    "anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust"};
static const char *const ekman_names[] = {EKMAN};
static const char *const original_names[] = {"admiration", "amusement", "anger", "annoyance",
    "approval", "caring", "confusion", "curiosity", "desire", "disappointment", "disapproval",
    "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy", "love",
    "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise",
    "neutral"};

bool read_labelled(const struct recipe *recipe, const char *path, struct samples *out)
{
    char *bytes;
    size_t size;
    if (!read_file(path, &bytes, &size)) {
        return false;
    }
    if (strstr(path, ".csv") != NULL) {
        read_csv(recipe, bytes, size, out);
    } else if (strstr(path, "xed") != NULL) {
        read_tsv(recipe, bytes, size, xed_names, 8, 1, out);
    } else if (strstr(path, "original") != NULL) {
        read_tsv(recipe, bytes, size, original_names, 28, 0, out);
    } else {
        read_tsv(recipe, bytes, size, ekman_names, 7, 0, out);
    }
    return true;
}

static bool read_in(
    const struct recipe *recipe, const char *folder, const char *name, struct samples *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_labelled(recipe, path, out);
}

/* The main labels come from the seven, the finer ones from the same rows of the 28. */
static bool read_goemotions(
    const struct recipe *recipe, const char *folder, const char *split, struct samples *out)
{
    char name[64];
    size_t before = out->count;
    struct samples finer = {0};
    snprintf(name, sizeof name, "goemotions-ekman.%s.tsv.gz", split);
    if (!read_in(recipe, folder, name, out)) {
        return false;
    }
    if (name_count(recipe) == recipe->main_count) {
        return true;
    }
    snprintf(name, sizeof name, "goemotions-original.%s.tsv.gz", split);
    if (!read_in(recipe, folder, name, &finer)) {
        return false;
    }
    uint32_t main_bits = (1u << recipe->main_count) - 1;
    for (size_t i = 0; i < finer.count && before + i < out->count; i++) {
        struct sample *row = &out->rows[before + i];
        if (!quire_bytes_equal(row->text, finer.rows[i].text)) {
            fprintf(
                stderr, "train-emotion: The two files of GoEmotions differ at row %zu.\n", i + 1);
            return false;
        }
        row->labels = (row->labels & main_bits) | (finer.rows[i].labels & ~main_bits);
    }
    free(finer.rows);
    return true;
}

/* Texts of one language, at most `most` of each file, label k. */
static bool read_language(const struct recipe *recipe, const char *folder, const char *name,
    uint32_t k, size_t most, struct samples *out)
{
    size_t before = out->count;
    if (!read_in(recipe, folder, name, out)) {
        return false;
    }
    out->count = out->count - before > most ? before + most : out->count;
    for (size_t i = before; i < out->count; i++) {
        out->rows[i].labels = 1u << k;
    }
    return true;
}

bool read_training(const struct recipe *recipe, const char *folder, struct samples *out)
{
    if (recipe->purpose == QR_BUNDLE_LANGUAGES) {
        return read_language(recipe, folder, "goemotions-ekman.train.tsv.gz", 0, 4000, out)
            && read_language(recipe, folder, "brighter-a.eng.train.csv.gz", 0, 2000, out)
            && read_language(recipe, folder, "brighter-a.esp.train.csv.gz", 1, 4000, out)
            && read_language(recipe, folder, "xed-es.tsv.gz", 1, 4000, out)
            && read_language(recipe, folder, "brighter-a.deu.train.csv.gz", 2, 4000, out)
            && read_language(recipe, folder, "xed-de.tsv.gz", 2, 4000, out)
            && read_language(recipe, folder, "xed-fr.tsv.gz", 3, 6000, out)
            && read_language(recipe, folder, "indonlu-emot.train.csv.gz", 4, 6000, out);
    }
    switch (recipe->language) {
    case QR_LANGUAGE_EN: return read_goemotions(recipe, folder, "train", out);
    case QR_LANGUAGE_ES: return read_in(recipe, folder, "brighter-a.esp.train.csv.gz", out);
    case QR_LANGUAGE_DE: return read_in(recipe, folder, "brighter-a.deu.train.csv.gz", out);
    case QR_LANGUAGE_ZH: return read_in(recipe, folder, "brighter-a.chn.train.csv.gz", out);
    case QR_LANGUAGE_ID: return read_in(recipe, folder, "indonlu-emot.train.csv.gz", out);
    case QR_LANGUAGE_FR:
        if (!read_in(recipe, folder, "xed-fr.tsv.gz", out)) {
            return false;
        }
        out->count -= out->count / 10; /* the last tenth is held out */
        return true;
    default: return false;
    }
}

bool read_development(const struct recipe *recipe, const char *folder, struct samples *out)
{
    if (recipe->purpose == QR_BUNDLE_LANGUAGES) {
        return read_language(recipe, folder, "goemotions-ekman.dev.tsv.gz", 0, 1000, out)
            && read_language(recipe, folder, "brighter-a.esp.dev.csv.gz", 1, 1000, out)
            && read_language(recipe, folder, "brighter-a.deu.dev.csv.gz", 2, 1000, out)
            && read_language(recipe, folder, "indonlu-emot.valid.csv.gz", 4, 1000, out);
    }
    switch (recipe->language) {
    case QR_LANGUAGE_EN: return read_goemotions(recipe, folder, "dev", out);
    case QR_LANGUAGE_ES: return read_in(recipe, folder, "brighter-a.esp.dev.csv.gz", out);
    case QR_LANGUAGE_DE: return read_in(recipe, folder, "brighter-a.deu.dev.csv.gz", out);
    case QR_LANGUAGE_ZH: return read_in(recipe, folder, "brighter-a.chn.dev.csv.gz", out);
    case QR_LANGUAGE_ID: return read_in(recipe, folder, "indonlu-emot.valid.csv.gz", out);
    case QR_LANGUAGE_FR: {
        struct samples all = {0};
        if (!read_in(recipe, folder, "xed-fr.tsv.gz", &all)) {
            return false;
        }
        for (size_t i = all.count - all.count / 10; i < all.count; i++) {
            add_sample(out, all.rows[i].text, all.rows[i].labels);
        }
        free(all.rows);
        return true;
    }
    default: return false;
    }
}

/* In stories labelled with five emotions, what a finer label should come with. */
static uint32_t finer_bits(const struct recipe *recipe, uint32_t labels)
{
    static const struct {
        const char *main, *finer[8];
    } groups[] = {{"joy",
                      {"admiration", "amusement", "caring", "desire", "excitement", "gratitude",
                          "love", "optimism"}},
        {"anger", {"annoyance"}}, {"sadness", {"disappointment", "remorse"}},
        {"fear", {"nervousness"}}, {"surprise", {"confusion", "curiosity"}}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (labels & bit_of(recipe, groups[i].main, strlen(groups[i].main))) {
            for (size_t j = 0; j < 8 && groups[i].finer[j] != NULL; j++) {
                labels |= bit_of(recipe, groups[i].finer[j], strlen(groups[i].finer[j]));
            }
        }
    }
    return labels;
}

bool read_second_kind(const struct recipe *recipe, const char *folder, struct samples *out)
{
    if (recipe->purpose != QR_BUNDLE_EMOTIONS || recipe->language != QR_LANGUAGE_EN) {
        return true;
    }
    if (!read_in(recipe, folder, "brighter-a.eng.train.csv.gz", out)
        || !read_in(recipe, folder, "brighter-a.eng.dev.csv.gz", out)) {
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        out->rows[i].labels = finer_bits(recipe, out->rows[i].labels);
    }
    return true;
}
