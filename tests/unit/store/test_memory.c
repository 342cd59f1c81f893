/*
 * Without memory: each allocation of a session fails once, LMDB's own included. Nothing crashes,
 * nothing is acknowledged that is not there, and the next call works.
 *
 * malloc and its kin are defined here, so that the libraries find them before libc's.
 */
#include "helpers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct {
    bool inside;      /* of the store */
    uint64_t count;   /* of allocations inside */
    uint64_t fail_at; /* the how-manieth fails, from 1; 0: none */
} watch;

static bool allowed(void)
{
    return !watch.inside || ++watch.count != watch.fail_at;
}

#define REPLACES(name) __asm__(name) __attribute__((visibility("default")))
void *scarce_malloc(size_t size) REPLACES("malloc");
void *scarce_calloc(size_t count, size_t size) REPLACES("calloc");
void *scarce_realloc(void *old, size_t size) REPLACES("realloc");

void *scarce_malloc(size_t size)
{
    return allowed() ? __libc_malloc(size) : NULL;
}

void *scarce_calloc(size_t count, size_t size)
{
    return allowed() ? __libc_calloc(count, size) : NULL;
}

void *scarce_realloc(void *old, size_t size)
{
    return allowed() ? __libc_realloc(old, size) : NULL;
}

/* ---- a session -------------------------------------------------------------------------------- */

#define USERS 5u
#define SIZE 300u
#define FORGOTTEN_USER 3u

struct session {
    char folder[256];
    struct qr_store *store;
    unsigned user_of[256];   /* by lsn − 1 */
    uint64_t last_lsn;       /* acknowledged */
    uint64_t forgotten_from; /* of FORGOTTEN_USER; 0: nothing */
    unsigned refusals;
};

/* Only these may come of a lack of memory. */
static bool done(struct session *session, enum quire_status status)
{
    if (status != QUIRE_OK) {
        cr_assert(status == QUIRE_ENOMEM || status == QUIRE_EIO || status == QUIRE_EFULL,
            "allocation %llu: %s", (unsigned long long)watch.fail_at, quire_status_text(status));
        session->refusals++;
    }
    return status == QUIRE_OK;
}

static void open_it(struct session *session)
{
    struct qr_store_options options = {.path = session->folder,
        .map_size = 1 << 16,
        .map_size_max = 1 << 26,
        .log_id = "a name of a log",
        .tail_max = 8};
    for (int attempt = 0; attempt < 2 && session->store == NULL; attempt++) {
        watch.inside = true;
        enum quire_status status = qr_store_open(&options, &session->store);
        watch.inside = false;
        (void)done(session, status);
    }
    cr_assert_not_null(session->store, "allocation %llu: it opens the second time",
        (unsigned long long)watch.fail_at);
}

static void append(struct session *session, unsigned count)
{
    static struct known known[16];
    static struct qr_log_record records[16];
    for (int attempt = 0; attempt < 2; attempt++) {
        for (unsigned i = 0; i < count; i++) {
            uint64_t lsn = session->last_lsn + 1 + i;
            session->user_of[lsn - 1] = (unsigned)(lsn * 7 % USERS);
            make_known(&known[i], session->user_of[lsn - 1], lsn, SIZE);
            records[i] = known[i].record;
        }
        watch.inside = true;
        enum quire_status status = qr_store_append(session->store, records, count);
        watch.inside = false;
        if (done(session, status)) {
            session->last_lsn += count;
            return;
        }
        cr_assert_eq(qr_store_last_lsn(session->store), session->last_lsn);
    }
    cr_assert(false, "allocation %llu: an append works the second time",
        (unsigned long long)watch.fail_at);
}

static void forget(struct session *session, uint64_t from)
{
    uint8_t user[QR_USER_SIZE];
    struct known known;
    make_known(&known, FORGOTTEN_USER, 1, 0);
    memcpy(user, known.record.user, sizeof user);
    for (int attempt = 0; attempt < 2 && session->forgotten_from == 0; attempt++) {
        watch.inside = true;
        enum quire_status status = qr_store_forget(session->store, user, from);
        watch.inside = false;
        session->forgotten_from = done(session, status) ? from : 0;
    }
    cr_assert_neq(session->forgotten_from, 0);
}

static enum quire_status count_one(void *context, const struct qr_log_entry *entry)
{
    (void)entry;
    ++*(uint64_t *)context;
    return QUIRE_OK;
}

/* Entries and bytes; what lacked memory says so, and the second time all is there. */
static void look(struct session *session)
{
    struct qr_log_reader reader = qr_store_reader(session->store);
    for (unsigned user = 0; user < USERS; user++) {
        uint64_t wanted = 0, seen = 0, lsns[256];
        struct known known;
        make_known(&known, user, 1, 0);
        for (uint64_t lsn = 1; lsn <= session->last_lsn; lsn++) {
            bool forgotten = user == FORGOTTEN_USER && session->forgotten_from != 0
                && lsn >= session->forgotten_from;
            wanted += session->user_of[lsn - 1] == user && !forgotten;
        }
        watch.inside = true;
        enum quire_status status = reader.each(reader.context, known.record.user, count_one, &seen);
        watch.inside = false;
        cr_assert(!done(session, status) || seen == wanted,
            "allocation %llu: user %u has %llu of %llu", (unsigned long long)watch.fail_at, user,
            (unsigned long long)seen, (unsigned long long)wanted);
        cr_assert_eq(entries_of(session->store, user, lsns, 256), wanted);
    }
    for (uint64_t lsn = 1; lsn <= session->last_lsn; lsn++) {
        struct quire_bytes bytes;
        watch.inside = true;
        enum quire_status status = reader.read(reader.context, lsn, &bytes);
        watch.inside = false;
        (void)done(session, status);
        cr_assert(reads_as_known(session->store, session->user_of[lsn - 1], lsn, SIZE));
    }
}

static void run(struct session *session, uint64_t fail_at)
{
    memset(session, 0, sizeof *session);
    make_folder(session->folder);
    watch.count = 0;
    watch.fail_at = fail_at;
    open_it(session);
    for (unsigned i = 0; i < 12; i++) {
        append(session, 1 + i % 5);
    }
    look(session);
    forget(session, session->last_lsn / 2);
    append(session, 16); /* the map grows, the tail is written out */
    watch.inside = true;
    qr_store_close(session->store);
    watch.inside = false;
    session->store = NULL;
}

/* Records of the forgotten user that came after forgetting are not forgotten. */
static void look_again(struct session *session)
{
    uint64_t lsns[256];
    size_t kept = 0, wanted = 0;
    open_it(session);
    for (uint64_t lsn = 1; lsn <= session->last_lsn; lsn++) {
        cr_assert(reads_as_known(session->store, session->user_of[lsn - 1], lsn, SIZE));
        bool forgotten = session->user_of[lsn - 1] == FORGOTTEN_USER
            && lsn >= session->forgotten_from && lsn + 16 <= session->last_lsn;
        wanted += !forgotten;
    }
    for (unsigned user = 0; user < USERS; user++) {
        kept += entries_of(session->store, user, lsns, 256);
    }
    cr_assert_eq(kept, wanted, "allocation %llu: %zu of %zu", (unsigned long long)watch.fail_at,
        kept, wanted);
    qr_store_close(session->store);
    remove_folder(session->folder);
}

Test(store_memory, any_allocation_of_a_session_may_fail)
{
    static struct session session;
    struct stat about;
    if (getenv("TMPDIR") == NULL && stat("/dev/shm", &about) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
    run(&session, 0);
    uint64_t count = watch.count;
    cr_assert_eq(session.refusals, 0);
    watch.fail_at = 0;
    look_again(&session);
    cr_assert_gt(count, 50, "%llu allocations", (unsigned long long)count);
    uint64_t noticed = 0;
    for (uint64_t n = 1; n <= count; n++) {
        run(&session, n);
        noticed += session.refusals > 0;
        cr_assert_leq(session.refusals, 1);
        look_again(&session);
    }
    cr_assert_gt(noticed, count / 2, "%llu of %llu were noticed", (unsigned long long)noticed,
        (unsigned long long)count);
    printf("# %llu allocations, %llu refusals\n", (unsigned long long)count,
        (unsigned long long)noticed);
}
