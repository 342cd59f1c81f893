/*
 * Bits that decay: damages the store's file in one place after the other, opens it each time, and
 * looks at all that it serves. What is served must be what was written; it may say that something is
 * damaged, or have less.
 *
 *   crash-rot [--flips N] [--seed N] [--expect caught]
 *
 * Besides N single bits: N/20 sectors of zeros, and N/20 pages that were written to another page's
 * place. All happens in a process that may die of it; LMDB trusts the structure of its pages.
 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDS 150
#define GROUP 10
#define ADDED 3
#define PAGE 4096
#define CPU_SECONDS_MAX 10 /* of one damage; longer is a loop without end */

enum damage { BIT, SECTOR, MISDIRECTED, DAMAGES };
static const char *const damage_names[DAMAGES] = {"one bit", "zeros, 512 bytes", "another page"};

/* gap: some entries of a user are not listed, which the hub sees by their chains. shorter: the end of
 * the log is gone, as in a restored backup. Neither with an error. Of two the later is worse. */
enum outcome { HARMLESS, DETECTED, GAP, SHORTER, REFUSED, DIED, HUNG, SILENT, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {
    "harmless", "reported", "gap", "shorter", "not opened", "died", "hung", "SILENT"};

/* Shared with the process that looks at the damage. */
struct tally {
    uint64_t next; /* the damage that is looked at, or will be */
    uint64_t outcomes[DAMAGES][OUTCOMES];
    char words[1024]; /* what was served silently, the first ones */
};

struct image {
    uint8_t *bytes;
    size_t size;
};

struct rot {
    struct harness harness;
    struct script script;
    struct qr_log_record *records[RECORDS + ADDED + 1]; /* by lsn */
    struct image images[2]; /* with the index on the disk, and with most of it in the log only */
    uint64_t flips, damages;
    struct tally *tally;
};

static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(2);
    }
}

static void path_of(const struct rot *rot, const char *name, char out_path[128])
{
    snprintf(out_path, 128, "%s/%s", rot->harness.state, name);
}

static struct image take_image(const struct rot *rot)
{
    char path[128];
    struct stat about;
    path_of(rot, "log.mdb", path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    need(file >= 0 && fstat(file, &about) == 0, path);
    struct image image = {malloc((size_t)about.st_size), (size_t)about.st_size};
    need(image.bytes != NULL && read(file, image.bytes, image.size) == about.st_size, path);
    close(file);
    return image;
}

static void fill(struct rot *rot)
{
    struct qr_store *store = NULL;
    struct qr_store_options options = script_options(&rot->script, rot->harness.state);
    for (uint64_t lsn = 1; lsn <= RECORDS + ADDED; lsn++) {
        rot->records[lsn] = script_record(&rot->script, lsn, 0);
    }
    need(qr_store_open(&options, &store) == QUIRE_OK, "opening");
    for (uint64_t first = 1; first <= RECORDS; first += GROUP) {
        struct qr_log_record group[GROUP];
        for (size_t i = 0; i < GROUP; i++) {
            group[i] = *rot->records[first + i];
        }
        need(qr_store_append(store, group, GROUP) == QUIRE_OK, "appending");
    }
    rot->images[1] = take_image(rot);
    qr_store_close(store);
    rot->images[0] = take_image(rot);
}

/* ---- one damage ------------------------------------------------------------------------------ */

static enum damage damage_of(const struct rot *rot, uint64_t number)
{
    return number < rot->flips ? BIT : number < rot->flips + rot->flips / 20 ? SECTOR : MISDIRECTED;
}

static void write_damaged(const struct rot *rot, uint64_t number, uint8_t *scratch)
{
    char path[128];
    const struct image *image = &rot->images[number % 2];
    struct kit_random state = {rot->script.seed * 1000003 + number};
    (void)kit_random_next(&state);
    memcpy(scratch, image->bytes, image->size);
    uint64_t pages = image->size / PAGE;
    uint64_t place = kit_random_next(&state);
    switch (damage_of(rot, number)) {
    case BIT: scratch[place / 8 % image->size] ^= (uint8_t)(1u << place % 8); break;
    case SECTOR: memset(scratch + place % (image->size / 512) * 512, 0, 512); break;
    default:
        memcpy(scratch + place % pages * PAGE,
            image->bytes + kit_random_next(&state) % pages * PAGE, PAGE);
    }
    path_of(rot, "log.mdb-lock", path);
    (void)unlink(path);
    path_of(rot, "log.mdb", path);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    need(file >= 0 && ftruncate(file, (off_t)image->size) == 0
            && pwrite(file, scratch, image->size, 0) == (ssize_t)image->size,
        path);
    close(file);
}

__attribute__((format(printf, 2, 3))) static void note(
    const struct rot *rot, const char *format, ...)
{
    char *words = rot->tally->words;
    size_t used = strlen(words);
    va_list arguments;
    va_start(arguments, format);
    int size = snprintf(words + used, sizeof rot->tally->words - used,
        "damage %llu: ", (unsigned long long)rot->tally->next);
    used += size > 0 ? (size_t)size : 0;
    if (used < sizeof rot->tally->words) {
        (void)vsnprintf(words + used, sizeof rot->tally->words - used, format, arguments);
    }
    va_end(arguments);
}

struct list {
    const struct rot *rot;
    const uint8_t *user;
    uint64_t previous;
    size_t count;
    bool wrong;
};

static enum quire_status visit(void *context, const struct qr_log_entry *entry)
{
    struct list *list = context;
    bool known = entry->lsn > list->previous && entry->lsn <= RECORDS + ADDED;
    const struct qr_log_record *record = known ? list->rot->records[entry->lsn] : NULL;
    if (!known || memcmp(record->user, list->user, QR_USER_SIZE) != 0
        || memcmp(entry->replica, record->entry.replica, QR_REPLICA_SIZE) != 0
        || memcmp(entry->device, record->entry.device, QR_DEVICE_SIZE) != 0
        || memcmp(entry->hash, record->entry.hash, QR_HASH_SIZE) != 0
        || entry->seq != record->entry.seq || entry->size != record->entry.size
        || entry->kind != record->entry.kind) {
        list->wrong = true;
        note(list->rot, "entry %llu after %llu, of user %u\n", (unsigned long long)entry->lsn,
            (unsigned long long)list->previous, script_user_number(list->user));
        return QUIRE_EINVALID;
    }
    list->previous = entry->lsn;
    list->count++;
    return QUIRE_OK;
}

/* The worst of what is seen when everything up to `last` is asked for. */
static enum outcome look(const struct rot *rot, struct qr_store *store, uint64_t last)
{
    struct qr_log_reader reader = qr_store_reader(store);
    size_t count = 0;
    bool reported = false;
    bool shorter = qr_store_last_lsn(store) < last;
    for (uint64_t lsn = 1; lsn <= last; lsn++) {
        struct quire_bytes bytes;
        enum quire_status status = reader.read(reader.context, lsn, &bytes);
        if (status == QUIRE_OK && !quire_bytes_equal(bytes, rot->records[lsn]->bytes)) {
            note(rot, "record %llu\n", (unsigned long long)lsn);
            return SILENT;
        }
        reported |= status != QUIRE_OK && status != QUIRE_ENOTFOUND;
    }
    for (unsigned number = 0; number < rot->script.users; number++) {
        uint8_t user[QR_USER_SIZE];
        struct list list = {rot, user, 0, 0, false};
        script_user(number, user);
        reported |= reader.each(reader.context, user, visit, &list) != QUIRE_OK;
        if (list.wrong) {
            return SILENT;
        }
        count += list.count;
    }
    struct qr_store_stats stats;
    qr_store_stats(store, &stats);
    if (reported || stats.damaged > 0) {
        return DETECTED;
    }
    return shorter ? SHORTER : count != last ? GAP : HARMLESS;
}

static enum outcome worse(enum outcome a, enum outcome b)
{
    return a > b ? a : b;
}

static enum outcome open_damaged(const struct rot *rot, uint64_t number)
{
    struct qr_store *store = NULL;
    struct qr_store_options options = script_options(&rot->script, rot->harness.state);
    if (qr_store_open(&options, &store) != QUIRE_OK) {
        return REFUSED;
    }
    enum outcome outcome = look(rot, store, RECORDS);
    if (number % 4 == 0 && qr_store_last_lsn(store) == RECORDS) { /* does appending spoil more? */
        struct qr_log_record more[ADDED];
        for (size_t i = 0; i < ADDED; i++) {
            more[i] = *rot->records[RECORDS + 1 + i];
        }
        if (qr_store_append(store, more, ADDED) == QUIRE_OK) {
            enum outcome after = look(rot, store, RECORDS + ADDED);
            outcome = worse(outcome, after);
        }
    }
    qr_store_close(store);
    return outcome;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void work(const struct rot *rot)
{
    size_t size =
        rot->images[0].size > rot->images[1].size ? rot->images[0].size : rot->images[1].size;
    uint8_t *scratch = malloc(size);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    need(scratch != NULL && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0, "setting up");
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    while (rot->tally->next < rot->damages) {
        uint64_t number = rot->tally->next;
        struct itimerval limit = {.it_value = {.tv_sec = CPU_SECONDS_MAX}};
        (void)setitimer(ITIMER_PROF, &limit, NULL);
        write_damaged(rot, number, scratch);
        enum outcome outcome = open_damaged(rot, number);
        rot->tally->outcomes[damage_of(rot, number)][outcome]++;
        rot->tally->next++;
    }
    free(scratch);
}

static void supervise(const struct rot *rot)
{
    while (rot->tally->next < rot->damages) {
        int status = 0;
        pid_t child = fork();
        need(child >= 0, "fork");
        if (child == 0) {
            work(rot);
            _exit(0);
        }
        need(waitpid(child, &status, 0) == child, "waitpid");
        need(!WIFEXITED(status) || WEXITSTATUS(status) != 2, "the one who looks");
        if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0) { /* sanitizers exit */
            bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
            enum outcome outcome = hung ? HUNG : DIED;
            rot->tally->outcomes[damage_of(rot, rot->tally->next)][outcome]++;
            rot->tally->next++;
        }
    }
}

int main(int argc, char **argv)
{
    static struct rot rot;
    uint64_t silent = 0;
    bool until_caught = harness_text(argc, argv, "--expect") != NULL;
    rot.flips = harness_number(argc, argv, "--flips", 2000);
    rot.damages = rot.flips + 2 * (rot.flips / 20);
    rot.script = (struct script){
        .seed = harness_number(argc, argv, "--seed", 1), .users = 3, .tail_max = 64};
    rot.tally =
        mmap(NULL, sizeof *rot.tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(rot.tally != MAP_FAILED, "mmap");
    harness_init(&rot.harness, "", "");
    fill(&rot);
    double from = harness_seconds();
    supervise(&rot);
    double seconds = harness_seconds() - from;
    harness_finish(&rot.harness);

    printf("%-18s%11s", "damage", "tried");
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        printf("%11s", outcome_names[outcome]);
    }
    for (size_t damage = 0; damage < DAMAGES; damage++) {
        uint64_t sum = 0;
        for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
            sum += rot.tally->outcomes[damage][outcome];
        }
        printf("\n%-18s%11llu", damage_names[damage], (unsigned long long)sum);
        for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
            printf("%11llu", (unsigned long long)rot.tally->outcomes[damage][outcome]);
        }
        silent += rot.tally->outcomes[damage][SILENT];
    }
    printf("\n%llu served silently; files of %zu and %zu bytes; %.0f damages/s\n",
        (unsigned long long)silent, rot.images[0].size, rot.images[1].size,
        (double)rot.damages / seconds);
    fputs(rot.tally->words, stdout);
    if (silent == 0 && rot.damages > 0) {
        printf("so p < %.2g per damage (95 %%)\n", 3.0 / (double)rot.damages);
    }
    for (size_t lsn = 1; lsn <= RECORDS + ADDED; lsn++) {
        free(rot.records[lsn]);
    }
    free(rot.images[0].bytes);
    free(rot.images[1].bytes);
    munmap(rot.tally, sizeof *rot.tally);
    return (silent > 0) == until_caught ? 0 : 1;
}
