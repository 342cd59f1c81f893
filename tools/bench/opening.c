/*
 * How long a device takes to open its entries: find the record, decrypt it, and copy the text out. All
 * entries are typed as a recorded history was, up to some size, sealed and kept as a profile keeps
 * them; records are in memory. Reads one history (history.h) from stdin; writes a line of JSON for
 * each measure, times in milliseconds of this process's CPU time: the least, the median, the
 * greatest of the runs, each on a device that was just opened.
 *
 *   open    every entry's text, one after another
 *   edit    then a letter typed into every one, which builds what edits need
 */
#define _POSIX_C_SOURCE 200809L
#include "history.h"
#include <getopt.h>
#include <malloc.h>
#include <quire/device.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#define RUNS_MAX 1000
#define ENTRIES_MAX 100000

struct record {
    UT_hash_handle hh;
    struct quire_buffer value;
    size_t key_size;
    uint8_t key[64];
};

struct profile {
    struct record *records;
    uint64_t now_ms;
    uint64_t entropy;
    struct quire_device *device;
};

struct bench {
    struct profile profile;
    struct history history;
    struct quire_buffer expected; /* what each entry shows */
    size_t entry_count;
    size_t size;
    unsigned runs;
};

/* ---- a profile in memory ------------------------------------------------------------------ */

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    struct profile *profile = context;
    struct record *record;
    HASH_FIND(hh, profile->records, key.data, key.size, record);
    return record == NULL ? QUIRE_ENOTFOUND
                          : quire_buffer_append(out_value, record->value.data, record->value.size);
}

static int compare_records(const struct record *a, const struct record *b)
{
    size_t common = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp(a->key, b->key, common);
    return order != 0 ? order : a->key_size < b->key_size ? -1 : a->key_size > b->key_size;
}

/** An entry's own deltas are asked for by 1 + 16 bytes, and there are few: those are looked up one by
 * one. All others are looked for from end to end, in order. */
static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    struct profile *profile = context;
    struct record *record;
    if (prefix.size == 1 + QUIRE_ENTRY_SIZE) {
        uint8_t key[1 + QUIRE_ENTRY_SIZE + 4] = {0};
        memcpy(key, prefix.data, prefix.size);
        for (;; key[sizeof key - 1]++) {
            HASH_FIND(hh, profile->records, key, sizeof key, record);
            if (record == NULL
                || !visit(visit_context, (struct quire_bytes){key, sizeof key},
                    quire_buffer_bytes(&record->value))) {
                return QUIRE_OK;
            }
        }
    }
    HASH_SORT(profile->records, compare_records);
    for (record = profile->records; record != NULL; record = record->hh.next) {
        if (record->key_size >= prefix.size && memcmp(record->key, prefix.data, prefix.size) == 0
            && !visit(visit_context, (struct quire_bytes){record->key, record->key_size},
                quire_buffer_bytes(&record->value))) {
            break;
        }
    }
    return QUIRE_OK;
}

static void write_record(struct profile *profile, const struct quire_write *write)
{
    struct record *record;
    HASH_FIND(hh, profile->records, write->key.data, write->key.size, record);
    if (write->erase) {
        if (record != NULL) {
            HASH_DEL(profile->records, record);
            quire_buffer_finish(&record->value);
            free(record);
        }
        return;
    }
    if (record == NULL) {
        record = calloc(1, sizeof *record);
        need(record != NULL, "no memory");
        record->key_size = write->key.size;
        memcpy(record->key, write->key.data, write->key.size);
        HASH_ADD(hh, profile->records, key, record->key_size, record);
    }
    quire_buffer_clear(&record->value);
    OK(quire_buffer_append(&record->value, write->value.data, write->value.size));
}

static void carry_out(struct profile *profile, const struct quire_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct quire_action *action = &actions->items[i];
        for (size_t j = 0; action->kind == QUIRE_ACTION_PERSIST && j < action->write_count; j++) {
            write_record(profile, &action->writes[j]);
        }
    }
}

static void step(struct profile *profile, enum quire_event_kind kind, const uint8_t *entry)
{
    struct quire_event event = {
        .kind = kind, .now_ms = ++profile->now_ms, .wall_ms = (int64_t)profile->now_ms};
    struct quire_actions actions;
    ++profile->entropy;
    memcpy(event.entropy, &profile->entropy, sizeof profile->entropy);
    if (entry != NULL) {
        memcpy(event.entry, entry, sizeof event.entry);
    }
    OK(quire_device_step(profile->device, &event, &actions));
    carry_out(profile, &actions);
}

static struct quire_device_options options_of(struct profile *profile)
{
    struct quire_device_options options = {.reader = {profile, get, scan}, .wall_ms = 1};
    ++profile->entropy;
    memcpy(options.entropy, &profile->entropy, sizeof profile->entropy);
    return options;
}

/* ---- the journal -------------------------------------------------------------------------- */

static void entry_id(size_t index, uint8_t out_id[QUIRE_ENTRY_SIZE])
{
    memset(out_id, 7, QUIRE_ENTRY_SIZE);
    memcpy(out_id, &index, sizeof index);
}

/** The history's patches until the text is as large as wanted. */
static void type_entry(struct bench *bench, size_t index)
{
    const struct history *history = &bench->history;
    struct quire_document *document;
    uint8_t id[QUIRE_ENTRY_SIZE];
    entry_id(index, id);
    OK(quire_device_document(bench->profile.device, id, true, &document));
    struct quire_stamp stamp = quire_device_stamp(bench->profile.device, 1);
    struct quire_value title = {.text = quire_bytes_of_text("A day like any other")};
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_TITLE, &title));
    OK(quire_document_add_element(
        document, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text("home"), 0));
    for (size_t i = 0; i < history->patch_count && quire_document_text_size(document) < bench->size;
         i++) {
        history_type(history, document, &stamp, i, 1);
    }
    if (index == 0) {
        OK(quire_document_text(document, &bench->expected));
    }
    step(&bench->profile, QUIRE_EVENT_SAVE, id);
    step(&bench->profile, QUIRE_EVENT_FLUSH, NULL);
}

static void make_journal(struct bench *bench)
{
    struct profile *profile = &bench->profile;
    struct quire_device_options options = options_of(profile);
    struct quire_actions actions;
    char kit[QUIRE_KIT_TEXT_SIZE];
    OK(quire_device_init(&options, quire_bytes_of_text("bench"), kit, &profile->device, &actions));
    carry_out(profile, &actions);
    for (size_t i = 0; i < bench->entry_count; i++) {
        type_entry(bench, i);
    }
    quire_device_destroy(profile->device);
    profile->device = NULL;
}

static size_t kept_size(const struct profile *profile)
{
    size_t size = 0;
    for (const struct record *record = profile->records; record != NULL; record = record->hh.next) {
        if (record->key[0] == 'e' || record->key[0] == 't' || record->key[0] == 'l') {
            size += record->value.size;
        }
    }
    return size;
}

/* ---- measuring ---------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double open_all(struct bench *bench, size_t *out_memory)
{
    struct quire_buffer text = {0};
    bool same = true;
    size_t before = mallinfo2().uordblks;
    double start = now();
    for (size_t i = 0; i < bench->entry_count; i++) {
        struct quire_document *document;
        uint8_t id[QUIRE_ENTRY_SIZE];
        entry_id(i, id);
        OK(quire_device_document(bench->profile.device, id, false, &document));
        quire_buffer_clear(&text);
        OK(quire_document_text(document, &text));
        same = same && text.size == bench->expected.size;
    }
    double end = now();
    *out_memory = mallinfo2().uordblks - before;
    need(same && quire_bytes_equal(quire_buffer_bytes(&text), quire_buffer_bytes(&bench->expected)),
        "an entry shows something else");
    quire_buffer_finish(&text);
    return end - start;
}

static double edit_all(struct bench *bench)
{
    struct quire_stamp stamp = quire_device_stamp(bench->profile.device, 1);
    double start = now();
    for (size_t i = 0; i < bench->entry_count; i++) {
        struct quire_document *document;
        uint8_t id[QUIRE_ENTRY_SIZE];
        entry_id(i, id);
        OK(quire_device_document(bench->profile.device, id, false, &document));
        OK(quire_document_insert(document, &stamp, 0, quire_bytes_of_text("x")));
    }
    return now() - start;
}

static int compare_times(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* A device keeps the last OPEN_MAX entries open; memory is that of one of them. */
#define OPEN_MAX 64u
static void tell(const struct bench *bench, const char *measure, double *times, size_t memory)
{
    size_t open = bench->entry_count < OPEN_MAX ? bench->entry_count : OPEN_MAX;
    qsort(times, bench->runs, sizeof *times, compare_times);
    printf("{\"trace\": \"%s\", \"measure\": \"%s\", \"entries\": %zu, \"text_bytes\": %zu, "
           "\"kept_bytes\": %zu, \"memory_bytes\": %zu, \"runs\": %u, \"min_ms\": %.3f, "
           "\"median_ms\": %.3f, \"max_ms\": %.3f}\n",
        bench->history.name, measure, bench->entry_count, bench->expected.size,
        kept_size(&bench->profile) / bench->entry_count, memory / open, bench->runs, times[0],
        times[bench->runs / 2], times[bench->runs - 1]);
}

static void measure(struct bench *bench)
{
    static double open[RUNS_MAX], edit[RUNS_MAX];
    size_t memory = 0;
    for (unsigned i = 0; i < bench->runs; i++) {
        struct quire_device_options options = options_of(&bench->profile);
        OK(quire_device_open(&options, &bench->profile.device));
        open[i] = open_all(bench, &memory);
        edit[i] = edit_all(bench);
        quire_device_destroy(bench->profile.device);
    }
    tell(bench, "open", open, memory);
    tell(bench, "edit", edit, memory);
}

static int usage(const char *program)
{
    fprintf(stderr,
        "usage: %s [--entries N] [--bytes N] [--runs N] < HISTORY\n"
        "Measures opening N (1000) entries of N (6300) bytes of text, decryption included, the median of\n"
        "N (9) runs. tools/bench/lines.py TRACE.json.gz writes the history, of which each entry is the\n"
        "beginning; tools/typist makes a trace up.\n",
        program);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"entries", required_argument, NULL, 'e'},
        {"bytes", required_argument, NULL, 'b'}, {"runs", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'}, {0}};
    struct bench bench = {.entry_count = 1000, .size = 6300, .runs = 9};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        size_t number = optarg == NULL ? 0 : strtoul(optarg, NULL, 10);
        if (option == 'e') {
            bench.entry_count = number;
        } else if (option == 'b') {
            bench.size = number;
        } else if (option == 'r') {
            bench.runs = (unsigned)number;
        } else {
            return usage(argv[0]);
        }
    }
    if (optind < argc || bench.runs == 0 || bench.runs > RUNS_MAX || bench.entry_count == 0
        || bench.entry_count > ENTRIES_MAX) {
        return usage(argv[0]);
    }
    need(history_read(&bench.history, stdin), "no history to type");
    need(bench.history.transaction_count == 0, "a history of one replica is needed");
    make_journal(&bench);
    measure(&bench);
    struct record *record, *next;
    HASH_ITER (hh, bench.profile.records, record, next) {
        HASH_DEL(bench.profile.records, record);
        quire_buffer_finish(&record->value);
        free(record);
    }
    history_finish(&bench.history);
    quire_buffer_finish(&bench.expected);
    return 0;
}
