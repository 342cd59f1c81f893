/*
 * The server's threads together, without a test framework, to be run under a thread sanitizer: a
 * loop that submits to the verifier and the committer and reads the store, while they work and the
 * disk refuses now and then. Exits with 0 if all came out as it should.
 */
#include "disk.h"
#include "signed.h"

#include "server/committer.h"
#include "server/verifier.h"
#include "store/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORDS 6000
#define USERS 20
#define expect(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* The store, refusing each fiftieth group. */
struct fickle {
    struct qr_store *store;
    unsigned groups;
};

static enum quire_status fickle_append(
    void *context, const struct qr_log_record *records, size_t count)
{
    struct fickle *fickle = context;
    if (++fickle->groups % 50 == 49) {
        return QUIRE_EIO;
    }
    return qr_store_append(fickle->store, records, count);
}

static enum quire_status count_entry(void *context, const struct qr_log_entry *entry)
{
    size_t *count = context;
    (void)entry;
    ++*count;
    return QUIRE_OK;
}

static size_t count_entries(const struct qr_log_reader *reader)
{
    size_t count = 0;
    for (uint8_t user = 0; user < USERS; user++) {
        uint8_t name[QR_USER_SIZE] = {user};
        expect(reader->each(reader->context, name, count_entry, &count) == QUIRE_OK);
    }
    return count;
}

struct state {
    struct qr_committer *committer;
    struct qr_verifier *verifier;
    uint64_t submitted, durable;
    size_t asked, answered, failures;
};

static void submit_some(struct state *state)
{
    for (int i = 0; i < 5 && state->submitted < RECORDS; i++) {
        uint8_t bytes[8];
        struct qr_verify_job job;
        struct qr_log_record record = disk_record(++state->submitted, bytes);
        record.user[0] = (uint8_t)(state->submitted * 7 % USERS);
        expect(qr_committer_submit(state->committer, &record, 1) == QUIRE_OK);
        signed_job(&job, state->submitted % 16);
        expect(qr_verifier_submit(state->verifier, ++state->asked, &job, 1, false) == QUIRE_OK);
    }
}

static void take_news(struct state *state)
{
    struct qr_committed committed;
    struct qr_verified verified[32];
    if (qr_committer_take(state->committer, &committed)) {
        expect(committed.durable_lsn >= state->durable);
        state->durable = committed.durable_lsn;
        if (committed.failed) {
            expect(committed.failed_lsn == state->durable + 1);
            state->submitted = state->durable;
            state->failures++;
        }
    }
    size_t count = qr_verifier_take(state->verifier, verified, 32);
    for (size_t i = 0; i < count; i++) {
        expect(verified[i].valid == 1);
    }
    state->answered += count;
}

int main(void)
{
    char folder[] = "/tmp/quire-threads-XXXXXX";
    char path[64];
    struct disk news;
    struct state state = {0};
    struct fickle fickle = {0};
    expect(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/store", folder);
    const struct qr_store_options options = {.path = path,
        .map_size = 1 << 20,
        .map_size_max = 1 << 28,
        .log_id = "a name of a log",
        .tail_max = 300};
    expect(qr_store_open(&options, &fickle.store) == QUIRE_OK);
    disk_init(&news);
    const struct qr_committer_options committing = {
        fickle_append, &fickle, disk_ready, &news, 100, 0};
    expect(qr_committer_create(&committing, &state.committer) == QUIRE_OK);
    expect(qr_verifier_create(3, disk_ready, &news, &state.verifier) == QUIRE_OK);
    const struct qr_log_reader reader = qr_store_reader(fickle.store);

    for (unsigned round = 1; state.durable < RECORDS || state.answered < state.asked; round++) {
        submit_some(&state);
        take_news(&state);
        uint64_t last = qr_store_last_lsn(fickle.store);
        if (last > 0) {
            struct quire_bytes bytes;
            expect(reader.read(reader.context, 1 + round % last, &bytes) == QUIRE_OK);
        }
        if (round % 64 == 0) {
            struct qr_store_stats stats;
            uint8_t unknown[QR_USER_SIZE] = {255};
            qr_store_stats(fickle.store, &stats);
            expect(count_entries(&reader) >= last);
            expect(qr_store_forget(fickle.store, unknown, 1) == QUIRE_OK);
        }
    }
    qr_committer_destroy(state.committer);
    qr_verifier_destroy(state.verifier);
    expect(count_entries(&reader) == RECORDS);
    expect(state.failures > 0);
    qr_store_close(fickle.store);
    disk_finish(&news);
    static const char *const files[] = {"log.mdb", "log.mdb-lock", "store.lock"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        unlink(file);
    }
    rmdir(path);
    rmdir(folder);
    return 0;
}
