/*
 * quirectl: looks into a server's store while the server is down, as an operator may: sizes, ids and
 * signatures. It has no keys and can show no text.
 */
#include "base/log.h"
#include "codec/batch.h"
#include "codec/roster.h"
#include "crypto/sign.h"
#include "store/store.h"
#include "sync/roster.h"
#include "sync/transcript.h"
#include <inttypes.h>
#include <quire/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX_MAX 64

struct look {
    struct qr_store *store;
    struct qr_log_reader reader;
    bool show; /* inspect: print everything */
    uint64_t records, batches, changes, bytes, accounts, faults, removed;
    const char *wanted; /* remove: hex digits that the account's id begins with */
    uint8_t found[QR_USER_SIZE];
    unsigned found_count;
    /* of the account being looked at */
    const uint8_t *user;
    struct qr_roster roster;
    struct qr_log_entry *entries;
    size_t entry_count, entry_capacity;
    struct qr_log_entry *by_place; /* the same, by chain and seq */
};

/* The first `size` bytes in hex; good until the fourth call after. */
static const char *hex(const uint8_t *bytes, size_t size)
{
    static char texts[4][2 * HEX_MAX + 1];
    static unsigned next;
    char *text = texts[next++ % 4];
    for (size_t i = 0; i < size && i < HEX_MAX; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return text;
}

static void fault(struct look *look, const struct qr_log_entry *entry, const char *what)
{
    look->faults++;
    printf("  BAD lsn %" PRIu64 ": %s\n", entry->lsn, what);
}

static int compare_places(const void *a, const void *b)
{
    const struct qr_log_entry *x = a, *y = b;
    int order = memcmp(x->replica, y->replica, QR_REPLICA_SIZE);
    return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

/* The entry of a batch, NULL if it is not here. Roster records have a replica of zeros. */
static const struct qr_log_entry *find(
    const struct look *look, const uint8_t *replica, uint64_t seq)
{
    struct qr_log_entry place = {.seq = seq};
    memcpy(place.replica, replica, sizeof place.replica);
    const struct qr_log_entry *found =
        bsearch(&place, look->by_place, look->entry_count, sizeof place, compare_places);
    return found != NULL && found->kind == QR_LOG_BATCH ? found : NULL;
}

static void look_at_roster(
    struct look *look, const struct qr_log_entry *entry, struct quire_bytes bytes)
{
    static const char *const kinds[] = {"?", "genesis", "add", "revoke", "epoch"};
    static struct qr_record record;
    if (qr_record_read(bytes, &record) != QUIRE_OK) {
        fault(look, entry, "not a roster record");
        return;
    }
    if (look->show) {
        bool root = qr_is_zero(record.signer, QR_DEVICE_SIZE);
        printf("  roster %3" PRIu32 "  %-8s by %-8s %6zu bytes\n", record.seq,
            kinds[record.kind < 5 ? record.kind : 0], root ? "the root" : hex(record.signer, 4),
            bytes.size);
    }
    enum quire_status status = qr_roster_append(&look->roster, bytes);
    if (status != QUIRE_OK) {
        fault(
            look, entry, status == QUIRE_ECRYPTO ? "the record's signature" : "the record's place");
    }
}

static void check_batch(
    struct look *look, const struct qr_log_entry *entry, const struct qr_batch *batch)
{
    uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE];
    const struct qr_log_entry *before = find(look, batch->replica, batch->seq - 1);
    const struct qr_roster_device *device = qr_roster_find(&look->roster, batch->device);
    if (batch->roster_seq >= look->roster.count || device == NULL) {
        fault(look, entry, "a batch of a device that is not on the roster");
        return;
    }
    qr_batch_signed(batch, look->user, look->roster.entries[batch->roster_seq].hash, signed_hash);
    qr_batch_hash(signed_hash, batch->signature, hash);
    if (memcmp(hash, entry->hash, sizeof hash) != 0) {
        fault(look, entry, "the index and the batch disagree");
    }
    if (!qr_verify(device->sign_public, QR_CONTEXT_BATCH_SIGN,
            &(struct quire_bytes){signed_hash, sizeof signed_hash}, 1, batch->signature)) {
        fault(look, entry, "the batch's signature");
    }
    if (batch->seq == 1 ? !qr_is_zero(batch->prev, QR_HASH_SIZE)
                        : before == NULL || before->lsn >= entry->lsn
                || memcmp(before->hash, batch->prev, QR_HASH_SIZE) != 0) {
        fault(look, entry, "the batch does not go on with its chain");
    }
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct qr_log_entry *dependency =
            find(look, batch->deps[i].replica, batch->deps[i].seq);
        if (dependency == NULL || dependency->lsn >= entry->lsn
            || memcmp(dependency->hash, batch->deps[i].hash, QR_HASH_SIZE) != 0) {
            fault(look, entry, "a dependency of the batch is not before it");
        }
    }
}

static void look_at_batch(
    struct look *look, const struct qr_log_entry *entry, struct quire_bytes bytes)
{
    static struct qr_batch batch;
    if (qr_batch_read(bytes, &batch) != QUIRE_OK) {
        fault(look, entry, "not a batch");
        return;
    }
    look->batches++;
    look->changes += batch.change_count;
    if (look->show) {
        printf("  batch  %-8s %4" PRIu64 "  device %s  epoch %" PRIu32 "  deps %zu  %6zu bytes\n",
            hex(batch.replica, 4), batch.seq, hex(batch.device, 4), batch.epoch, batch.dep_count,
            bytes.size);
        for (size_t i = 0; i < batch.change_count; i++) {
            printf("         entry %s  kind %u  %6zu bytes of ciphertext\n",
                hex(batch.changes[i].entry, 8), batch.changes[i].kind,
                batch.changes[i].ciphertext.size);
        }
    }
    check_batch(look, entry, &batch);
}

static enum quire_status collect(void *context, const struct qr_log_entry *entry)
{
    struct look *look = context;
    if (look->entry_count == look->entry_capacity) {
        size_t capacity = look->entry_capacity ? look->entry_capacity * 2 : 256;
        struct qr_log_entry *entries = realloc(look->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            return QUIRE_ENOMEM;
        }
        look->entries = entries;
        look->entry_capacity = capacity;
    }
    look->entries[look->entry_count++] = *entry;
    return QUIRE_OK;
}

static enum quire_status look_at_account(struct look *look, const uint8_t *user)
{
    look->user = user;
    look->entry_count = 0;
    look->accounts++;
    qr_roster_finish(&look->roster);
    printf("account %s\n", hex(user, 8));
    enum quire_status status = look->reader.each(look->reader.context, user, collect, look);
    free(look->by_place);
    look->by_place = calloc(look->entry_count + 1, sizeof *look->by_place);
    if (look->by_place == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < look->entry_count; i++) {
        look->by_place[i] = look->entries[i];
    }
    qsort(look->by_place, look->entry_count, sizeof *look->by_place, compare_places);
    for (size_t i = 0; i < look->entry_count && status == QUIRE_OK; i++) {
        const struct qr_log_entry *entry = &look->entries[i];
        struct quire_bytes bytes;
        enum quire_status found = look->reader.read(look->reader.context, entry->lsn, &bytes);
        if (found == QUIRE_ECORRUPT) {
            fault(look, entry, "the record does not match its hash");
        } else if (found != QUIRE_OK) {
            status = found;
        } else if (entry->kind == QR_LOG_ROSTER) {
            look_at_roster(look, entry, bytes);
        } else {
            look_at_batch(look, entry, bytes);
        }
        look->bytes += entry->size;
    }
    return status;
}

/* An account begins with its genesis record, so the log names them all. */
static enum quire_status look_at_all(struct look *look)
{
    static struct qr_record record;
    enum quire_status status = QUIRE_OK;
    uint64_t last = qr_store_last_lsn(look->store);
    for (uint64_t lsn = 1; lsn <= last && status == QUIRE_OK; lsn++) {
        struct quire_bytes bytes;
        enum quire_status found = look->reader.read(look->reader.context, lsn, &bytes);
        look->records++;
        if (found == QUIRE_ECORRUPT && qr_store_is_absent(look->store, lsn)) {
            look->removed++;
            look->records--;
        } else if (found == QUIRE_ECORRUPT) {
            look->faults++;
            printf("BAD lsn %" PRIu64 ": the record does not match its hash\n", lsn);
        } else if (found != QUIRE_OK) {
            status = found;
        } else if (bytes.size < 1024 && qr_record_read(bytes, &record) == QUIRE_OK
            && record.kind == QR_RECORD_GENESIS) {
            uint8_t user[QR_USER_SIZE];
            qr_record_user(record.signed_bytes, user);
            if (look->wanted == NULL) {
                status = look_at_account(look, user);
            } else if (strncmp(hex(user, QR_USER_SIZE), look->wanted, strlen(look->wanted)) == 0
                && memcmp(look->found, user, QR_USER_SIZE) != 0) {
                memcpy(look->found, user, QR_USER_SIZE);
                look->found_count++;
            }
        }
    }
    return status;
}

/* Removes the account whose id begins with look->wanted; the exit code. */
static int remove_account(struct look *look, const char *folder, bool sure)
{
    uint64_t count = 0;
    if (look->found_count != 1) {
        fprintf(stderr,
            "quirectl: %s accounts of %s begin with %s. Nothing was changed; `quirectl inspect` "
            "lists them.\n",
            look->found_count == 0 ? "no" : "several", folder, look->wanted);
        return 1;
    }
    if (!sure) {
        fprintf(stderr,
            "quirectl: account %s would be removed for good, with everything that its devices "
            "stored here. Nothing was changed; say --yes to do it.\n",
            hex(look->found, 8));
        return 1;
    }
    enum quire_status status = qr_store_remove(look->store, look->found, &count);
    if (status != QUIRE_OK) {
        fprintf(
            stderr, "quirectl: %s: %s. Nothing was changed.\n", folder, quire_status_text(status));
        return 1;
    }
    printf("account %s is removed, %" PRIu64
           " records. Its devices keep what they have; if they connect again "
           "and registration is open, they bring it back.\n",
        hex(look->found, 8), count);
    return 0;
}

static bool is_id(const char *text)
{
    size_t digits = strspn(text, "0123456789abcdef");
    return digits >= 16 && digits <= 64 && text[digits] == 0;
}

/* Adds a line to FOLDER/invitations, which a running server reads. */
static int invite(const char *folder, const char *id)
{
    char path[4096 + 16];
    int size = snprintf(path, sizeof path, "%s/invitations", folder);
    FILE *file = size < 0 || (size_t)size >= sizeof path ? NULL : fopen(path, "ae");
    if (file == NULL || fprintf(file, "%s\n", id) < 0 || fclose(file) != 0) {
        fprintf(
            stderr, "quirectl: %s/invitations cannot be written. Nothing was changed.\n", folder);
        return 1;
    }
    printf("account %s may be made at this server, which needs --registration invite.\n", id);
    return 0;
}

static const char help[] =
    "usage: quirectl COMMAND FOLDER [ID]\n\n"
    "Looks into a server's store, without its keys, which only the devices have. FOLDER is the\n"
    "server's data folder (--data). The server must not be running; else look at a copy, in\n"
    "COPY/store/log.mdb: mdb_copy -n FOLDER/store/log.mdb COPY/store/log.mdb\n\n"
    "  inspect   lists every record of every account: device, position in its chain, sizes; checks as verify\n"
    "  verify    checks every hash, chain, dependency, roster and signature; prints what is bad, and sums\n"
    "  remove    removes the account ID and all that it stored; asks for --yes\n"
    "  invite    lets the account ID be made at a server with --registration invite; it may be running.\n"
    "            ID is the first sixteen or more hex digits, as the server's log shows for a refusal\n\n"
    "Exit status: 0 ok, 1 something is bad or the store cannot be read, 2 wrong usage.\n";

int main(int argc, char **argv)
{
    struct look look = {0};
    struct qr_store_options options = {.map_size = 64ull << 20, .map_size_max = 1ull << 44};
    char path[4096], file[4096 + 16];
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("quirectl %s\n", QUIRE_VERSION);
        return 0;
    }
    bool sure = argc == 5 && strcmp(argv[4], "--yes") == 0;
    bool removes =
        argc >= 4 && strcmp(argv[1], "remove") == 0 && is_id(argv[3]) && (argc == 4 || sure);
    if (argc == 4 && strcmp(argv[1], "invite") == 0 && is_id(argv[3])) {
        return invite(argv[2], argv[3]);
    }
    if (!removes
        && (argc != 3 || (strcmp(argv[1], "inspect") != 0 && strcmp(argv[1], "verify") != 0))) {
        fputs(help, stderr);
        return 2;
    }
    look.wanted = removes ? argv[3] : NULL;
    look.show = strcmp(argv[1], "inspect") == 0;
    /* Opening would make a store where there is none. */
    int size = snprintf(path, sizeof path, "%s/store", argv[2]);
    snprintf(file, sizeof file, "%s/log.mdb", path);
    if (size < 0 || (size_t)size >= sizeof path || access(file, R_OK | W_OK) != 0) {
        fprintf(stderr,
            "quirectl: %s holds no store/log.mdb that this user may read and write: it is to be a "
            "server's data folder.\n",
            argv[2]);
        return 1;
    }
    uint64_t missing = 0;
    options.path = path;
    options.out_missing_bytes = &missing;
    if (!qr_crypto_init()) {
        fprintf(stderr, "quirectl: libsodium does not start\n");
        return 1;
    }
    enum quire_status status = qr_store_open(&options, &look.store);
    if (status == QUIRE_OK) {
        look.reader = qr_store_reader(look.store);
        status = look_at_all(&look);
    }
    int code = 0;
    if (status == QUIRE_OK && removes) {
        code = remove_account(&look, argv[2], sure);
    } else if (missing > 0) {
        fprintf(stderr,
            "quirectl: %s: the store was cut, %" PRIu64
            " bytes of its end are missing. It was left "
            "as it is.\n",
            argv[2], missing);
    } else if (status != QUIRE_OK) {
        fprintf(stderr, "quirectl: %s: %s.%s\n", argv[2], quire_status_text(status),
            status == QUIRE_ELOCKED ? " Stop its quired first, or look at a copy; see --help."
                                    : "");
    } else {
        printf("%" PRIu64 " accounts, %" PRIu64 " records, %" PRIu64 " batches with %" PRIu64
               " changes, %" PRIu64 " bytes, %" PRIu64 " bad\n",
            look.accounts, look.records, look.batches, look.changes, look.bytes, look.faults);
        if (look.removed > 0) {
            printf(
                "%" PRIu64 " places of the log are empty: accounts were removed\n", look.removed);
        }
    }
    qr_roster_finish(&look.roster);
    free(look.entries);
    free(look.by_place);
    qr_store_close(look.store);
    return status == QUIRE_OK && look.faults == 0 ? code : 1;
}
