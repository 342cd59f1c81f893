/*
 * How long one document takes for edits that no recorded history has; makes all of its input. Prints a line
 * "row: figure" for each measure, CPU time, the median of five runs (of one where there are more than 250,000
 * edits); "taken" says that the edits were also
 * taken as deltas, so that nothing is left for later.
 *
 *   random N          N letters typed at random positions, taken
 *   wide N            the same, a fifth of the letters not ASCII
 *   deletes N         1 MB pasted, then N letters deleted at random positions, taken
 *   prose SCRIPT      100,000 keys of prose typed onwards, now and then a word back, taken
 *   undo N, redo N    N steps of ten keys at random positions taken back, and made again; microseconds a step
 *   backspace M       words of M letters typed and erased again and again, 200,000 keys, taken each 1,000
 *   ... state, bytes  what is left of that in a state
 *   memory N          bytes of the heap that the document of "random N" takes, awake
 */
#define _POSIX_C_SOURCE 200809L
#include <malloc.h>
#include <quire/document.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 5
#define OK(call) ((call) == QUIRE_OK ? (void)0 : give_up(#call))

static const struct quire_stamp me = {{'m', 'e'}, 1};

static void give_up(const char *what)
{
    fprintf(stderr, "bench-edits: %s failed\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static uint64_t dice;

static size_t pick(size_t below)
{
    uint64_t z = dice += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ z >> 31) % below);
}

static struct quire_document *new_document(void)
{
    struct quire_document *document;
    OK(quire_document_create(&document));
    dice = 7;
    return document;
}

static void take(struct quire_document *document)
{
    struct quire_buffer delta = {0};
    while (quire_document_pending_size(document) > 0) {
        OK(quire_document_take_delta(document, 65536, &delta));
        quire_buffer_clear(&delta);
    }
    quire_buffer_finish(&delta);
}

static void type(struct quire_document *document, size_t position, const char *text)
{
    OK(quire_document_insert(document, &me, position, quire_bytes_of_text(text)));
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static void type_at_random(struct quire_document *document, size_t count, bool wide)
{
    static const char *const letters[] = {"a", "b", "c", "d", "ж"};
    for (size_t i = 0; i < count; i++) {
        type(document, pick(i + 1), letters[wide ? pick(5) : 0]);
    }
}

static void measure_random(size_t count, bool wide)
{
    double times[RUNS];
    size_t runs = count > 250000 ? 1 : RUNS;
    for (size_t run = 0; run < runs; run++) {
        struct quire_document *document = new_document();
        double start = now_ms();
        type_at_random(document, count, wide);
        take(document);
        times[run] = now_ms() - start;
        quire_document_destroy(document);
    }
    printf("%s %zu, ms: %.2f\n", wide ? "wide" : "random", count, median(times, runs));
}

static void measure_deletes(size_t count)
{
    double times[RUNS];
    static char page[1024 * 1024 + 1];
    memset(page, 'x', sizeof page - 1);
    for (size_t run = 0; run < RUNS; run++) {
        struct quire_document *document = new_document();
        double start = now_ms();
        type(document, 0, page);
        for (size_t i = 0; i < count; i++) {
            OK(quire_document_erase(document, &me, pick(sizeof page - 1 - i), 1));
        }
        take(document);
        times[run] = now_ms() - start;
        quire_document_destroy(document);
    }
    printf("deletes %zu, ms: %.2f\n", count, median(times, RUNS));
}

static void measure_prose(const char *name, const char *const *letters, size_t letter_count)
{
    double times[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        struct quire_document *document = new_document();
        double start = now_ms();
        size_t length = 0;
        for (size_t i = 0; i < 100000; i++) {
            if (length > 8 && pick(12) == 0) {
                OK(quire_document_erase(document, &me, --length, 1));
            } else {
                type(document, length++, pick(6) == 0 ? " " : letters[pick(letter_count)]);
            }
        }
        take(document);
        times[run] = now_ms() - start;
        quire_document_destroy(document);
    }
    printf("prose %s, ms: %.2f\n", name, median(times, RUNS));
}

static void measure_undo(size_t steps)
{
    double undos[RUNS], redos[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        struct quire_document *document = new_document();
        struct quire_undo *undo;
        OK(quire_undo_create(SIZE_MAX, &undo));
        OK(quire_undo_attach(undo, document));
        for (size_t i = 0; i < steps; i++) {
            size_t position = pick(10 * i + 1);
            OK(quire_undo_close_step(undo));
            for (size_t key = 0; key < 10; key++) {
                type(document, position + key, "k");
            }
        }
        double start = now_ms();
        for (size_t i = 0; i < steps; i++) {
            OK(quire_undo_undo(undo, &me));
        }
        double middle = now_ms();
        for (size_t i = 0; i < steps; i++) {
            OK(quire_undo_redo(undo, &me));
        }
        undos[run] = (middle - start) * 1e3 / (double)steps;
        redos[run] = (now_ms() - middle) * 1e3 / (double)steps;
        quire_undo_destroy(undo);
        quire_document_destroy(document);
    }
    printf("undo %zu, us a step: %.2f\nredo %zu, us a step: %.2f\n", steps, median(undos, RUNS),
        steps, median(redos, RUNS));
}

static void measure_backspace(size_t letters)
{
    double times[RUNS];
    size_t size = 0;
    for (size_t run = 0; run < RUNS; run++) {
        struct quire_document *document = new_document();
        type(document, 0, "before  after");
        double start = now_ms();
        for (size_t keys = 0, round = 0; keys < 200000; round++) {
            for (size_t i = 0; i < letters; i++, keys++) {
                type(document, 7 + i, "w");
            }
            for (size_t i = letters; i > 0; i--, keys++) {
                OK(quire_document_erase(document, &me, 7 + i - 1, 1));
            }
            if (round % 1000 == 0) {
                take(document);
            }
        }
        take(document);
        times[run] = now_ms() - start;
        struct quire_buffer state = {0};
        OK(quire_document_encode(document, &state));
        size = state.size;
        quire_buffer_finish(&state);
        quire_document_destroy(document);
    }
    printf("backspace %zu, ms: %.2f\nbackspace %zu, state, bytes: %zu\n", letters,
        median(times, RUNS), letters, size);
}

static void measure_memory(size_t count)
{
#ifdef __GLIBC__
    size_t before = mallinfo2().uordblks;
    struct quire_document *document = new_document();
    type_at_random(document, count, false);
    take(document);
    printf("memory %zu, bytes: %zu\n", count, mallinfo2().uordblks - before);
    quire_document_destroy(document);
#else
    (void)count;
#endif
}

int main(int argc, char **argv)
{
    static const char *const ascii[] = {"a", "e", "n", "s", "t", "o"};
    static const char *const latin[] = {"é", "a", "ü", "s", "ø", "n"};
    static const char *const cyrillic[] = {"д", "е", "н", "ь", "о", "в"};
    static const char *const cjk[] = {"今", "日", "は", "雨", "の", "家"};
    static const char *const emoji[] = {"🙂", "🌧", "☀", "a", "🏡", "e"};
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && !quick) {
        fprintf(stderr, "usage: bench-edits [--quick]\n");
        return 2;
    }
    for (size_t count = 62500; count <= (quick ? 62500u : 1000000u);
         count *= 2) { /* growth by doubling */
        measure_random(count, false);
    }
    measure_random(62500, true);
    measure_deletes(quick ? 10000 : 125000);
    measure_prose("ASCII", ascii, 6);
    measure_prose("Latin", latin, 6);
    measure_prose("Cyrillic", cyrillic, 6);
    measure_prose("CJK", cjk, 6);
    measure_prose("emoji", emoji, 6);
    for (size_t steps = 1250; steps <= (quick ? 1250u : 10000u); steps *= 2) {
        measure_undo(steps);
    }
    measure_backspace(1);
    measure_backspace(5);
    measure_memory(125000);
    return 0;
}
