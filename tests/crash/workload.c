/*
 * Drives a store as a server's committer does: groups of records, now and then a forgotten part,
 * closing and opening in between. It says what it is about to do and what it acknowledged; the
 * recorder writes that down among the writes and syncs.
 *
 *   crash-workload FOLDER SEED SESSION [--faults] [--early | --careless]
 *
 * --faults  the disk may refuse: it must be said with EIO or EFULL, and the story goes on
 * Two mistakes that must be found:
 * --early     acknowledges before the append
 * --careless  acknowledges whatever the append said
 *
 * Exit status: 0 all as it must be, 3 the store said something it must not.
 */
#include "script.h"
#include "trace.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct workload {
    struct script script;
    const char *folder;
    struct qr_store *store;
    struct kit_random state; /* of this session's numbers */
    uint64_t acked;
    unsigned attempt; /* differs for each try to append the same lsn */
    bool faults, early, careless;
    void (*mark)(uint32_t kind, uint64_t a, uint64_t b, uint64_t c);
};

#define FAULTS_STEPS 5
#define OPENINGS_MAX 4 /* how often a store that cannot be opened is tried */

static void wrong(const char *what, enum quire_status status)
{
    fprintf(stderr, "workload: %s: %s\n", what, quire_status_text(status));
    exit(3);
}

/* Without faults everything must work; with them, nothing but these two may be the answer. */
static void judge(const struct workload *workload, const char *what, enum quire_status status)
{
    bool allowed = workload->faults && (status == QUIRE_EIO || status == QUIRE_EFULL);
    if (status != QUIRE_OK && !allowed) {
        wrong(what, status);
    }
}

/* Returns the attempt that the last record was sent with. */
static unsigned attempt_of(struct workload *workload, uint64_t lsn)
{
    struct quire_bytes bytes;
    struct qr_log_reader reader = qr_store_reader(workload->store);
    enum quire_status status = reader.read(reader.context, lsn, &bytes);
    if (status != QUIRE_OK) {
        wrong("reading the last record", status);
    }
    return bytes.data[0];
}

static bool open_store(struct workload *workload)
{
    struct qr_store_options options = script_options(&workload->script, workload->folder);
    for (int i = 0; i < OPENINGS_MAX; i++) {
        enum quire_status status = qr_store_open(&options, &workload->store);
        judge(workload, "opening", status);
        if (status == QUIRE_OK) {
            uint64_t last_lsn = qr_store_last_lsn(workload->store);
            if (last_lsn < workload->acked) {
                wrong("opened with less than was acknowledged", QUIRE_ECORRUPT);
            }
            workload->acked = last_lsn;
            workload->mark(
                TRACE_OPENED, last_lsn, last_lsn > 0 ? attempt_of(workload, last_lsn) : 0, 0);
            return true;
        }
    }
    return false;
}

static size_t draw_group(struct workload *workload)
{
    uint64_t sort = kit_random_next(&workload->state) % 10;
    size_t most = sort < 6 ? 4 : sort < 9 ? 16 : SCRIPT_GROUP_MAX;
    return 1 + (size_t)(kit_random_next(&workload->state) % most);
}

static void append(struct workload *workload)
{
    struct qr_log_record *parts[SCRIPT_GROUP_MAX];
    struct qr_log_record records[SCRIPT_GROUP_MAX];
    size_t count = draw_group(workload);
    uint64_t first = workload->acked + 1;
    uint64_t last = workload->acked + count;
    for (size_t i = 0; i < count; i++) {
        parts[i] = script_record(&workload->script, first + i, workload->attempt);
        records[i] = *parts[i];
    }
    workload->mark(TRACE_SEND, first, last, workload->attempt);
    if (workload->early) {
        workload->mark(TRACE_ACK, last, 0, 0);
    }
    enum quire_status status = qr_store_append(workload->store, records, count);
    judge(workload, "appending", status);
    if (status == QUIRE_OK) {
        workload->acked = last;
        workload->mark(TRACE_ACK, last, 0, 0);
    } else {
        if (workload->careless) {
            workload->mark(TRACE_ACK, last, 0, 0);
        }
        workload->attempt++;
    }
    if (qr_store_last_lsn(workload->store) != workload->acked) {
        wrong("the last lsn after appending", status);
    }
    for (size_t i = 0; i < count; i++) {
        free(parts[i]);
    }
}

static void forget(struct workload *workload)
{
    uint8_t user[QR_USER_SIZE];
    unsigned number = (unsigned)(kit_random_next(&workload->state) % workload->script.users);
    uint64_t from = 1 + kit_random_next(&workload->state) % (workload->acked + 1);
    script_user(number, user);
    workload->mark(TRACE_FORGET, number, from, workload->acked);
    enum quire_status status = qr_store_forget(workload->store, user, from);
    judge(workload, "forgetting", status);
    if (status == QUIRE_OK) {
        workload->mark(TRACE_FORGOT, 0, 0, 0);
    }
}

static void ignore_mark(uint32_t kind, uint64_t a, uint64_t b, uint64_t c)
{
    (void)kind;
    (void)a;
    (void)b;
    (void)c;
}

static void run(struct workload *workload)
{
    unsigned steps = workload->faults ? FAULTS_STEPS : workload->script.steps;
    if (!open_store(workload)) {
        return;
    }
    for (unsigned i = 0; i < steps; i++) {
        uint64_t what = kit_random_next(&workload->state) % 100;
        if (what < 8 || (workload->faults && i == FAULTS_STEPS / 2)) {
            qr_store_close(workload->store);
            workload->store = NULL;
            if (!open_store(workload)) {
                return;
            }
        } else if (what < 16) {
            forget(workload);
        } else {
            append(workload);
        }
    }
    qr_store_close(workload->store);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr,
            "usage: crash-workload FOLDER SEED SESSION [--faults] [--early | --careless]\n");
        return 2;
    }
    unsigned session = (unsigned)strtoul(argv[3], NULL, 10);
    struct workload workload = {.folder = argv[1], .attempt = session * 32, .mark = ignore_mark};
    script_init(&workload.script, strtoull(argv[2], NULL, 10));
    workload.state = (struct kit_random){workload.script.seed * 31 + session};
    for (int i = 4; i < argc; i++) {
        workload.faults |= strcmp(argv[i], "--faults") == 0;
        workload.early |= strcmp(argv[i], "--early") == 0;
        workload.careless |= strcmp(argv[i], "--careless") == 0;
    }
    void *recorder = dlsym(RTLD_DEFAULT, "crash_mark");
    if (recorder != NULL) {
        memcpy(&workload.mark, &recorder, sizeof recorder);
    }
    run(&workload);
    return 0;
}
