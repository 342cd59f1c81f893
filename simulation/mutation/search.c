/*
 * Searches in processes of their own, over memory that they share with their parent.
 */
#include "search.h"

#include "arguments.h"
#include "adversary/mallory.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTS_MOST 100u
#define RUN_SECONDS_MAX 60 /* a run that takes longer hangs, which is a failure too */

bool qr_failpoints[QR_FAILPOINT_COUNT];

static const char *const failpoint_names[] = {
#define ONE(name, ...) #name,
    QR_FAILPOINTS(ONE)
#undef ONE
};

enum qr_failpoint failpoint_by_name(const char *name)
{
    for (size_t i = 0; i < QR_FAILPOINT_COUNT; i++) {
        if (strcmp(failpoint_names[i], name) == 0) {
            return (enum qr_failpoint)i;
        }
    }
    return QR_FAILPOINT_COUNT;
}

const char *failpoint_name(enum qr_failpoint failpoint)
{
    return failpoint < QR_FAILPOINT_COUNT ? failpoint_names[failpoint] : "-";
}

int failpoints_enable(int count, char **words)
{
    int taken = 0;
    while (taken + 1 < count && strcmp(words[taken], "--failpoint") == 0) {
        enum qr_failpoint failpoint = failpoint_by_name(words[taken + 1]);
        if (failpoint == QR_FAILPOINT_COUNT) {
            fprintf(stderr,
                "quire-sim-mutants: there is no failpoint %s; see "
                "quire-sim-mutants failpoints --help\n",
                words[taken + 1]);
            return -1;
        }
        qr_failpoints[failpoint] = true;
        taken += 2;
    }
    return taken;
}

/* ---- one search, in its process --------------------------------------------------------------- */

static void search(struct search *search)
{
    struct run_result result;
    struct options options;
    if (search->failpoint < QR_FAILPOINT_COUNT) {
        qr_failpoints[search->failpoint] = true;
    }
    const struct rlimit memory = {search->memory_most, search->memory_most};
    if (search->memory_most > 0) {
        (void)setrlimit(RLIMIT_AS, &memory);
    }
    for (uint64_t i = 0; i < search->most; i++) {
        search->seed = search->first_seed + i;
        search->seeds = i + 1;
        options_draw(&options, search->seed, search->minutes);
        if (search->strategy != 0) {
            mallory_prepare(&options, search->strategy, search->seed);
        }
        alarm(RUN_SECONDS_MAX);
        run_once(search->seed, &options, false, NULL, &result);
        if (result.failed) {
            memcpy(search->claim, result.claim, sizeof search->claim);
            snprintf(search->text, sizeof search->text, "%.*s", (int)sizeof search->text - 1,
                result.text);
            return;
        }
    }
    search->seeds = 0;
}

/* An assertion or a crash is found as well as a checker's word. */
static void look_at_end(struct search *search, int status)
{
    if (WIFSIGNALED(status)) {
        const char *how = WTERMSIG(status) == SIGALRM ? "hangs"
            : WTERMSIG(status) == SIGABRT             ? "asserts"
                                                      : "crashes";
        snprintf(search->claim, sizeof search->claim, "%s", how);
    }
}

void searches_run(struct search *searches, size_t count, size_t processes)
{
    size_t size = count * sizeof *searches;
    struct search *shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t *children = sim_alloc(count * sizeof *children);
    size_t begun = 0, running = 0;
    assert(shared != MAP_FAILED);
    memcpy(shared, searches, size);
    fflush(stdout);
    while (begun < count || running > 0) {
        if (begun < count && running < processes) {
            children[begun] = fork();
            assert(children[begun] >= 0);
            if (children[begun] == 0) {
                const struct rlimit none = {0, 0};
                (void)setrlimit(RLIMIT_CORE, &none);
                (void)(freopen("/dev/null", "w", stderr) == NULL); /* of assertions */
                search(&shared[begun]);
                _exit(0);
            }
            begun++;
            running++;
            continue;
        }
        int status = 0;
        pid_t ended = wait(&status);
        for (size_t i = 0; i < begun; i++) {
            if (children[i] == ended) {
                look_at_end(&shared[i], status);
            }
        }
        running--;
    }
    memcpy(searches, shared, size);
    munmap(shared, size);
    free(children);
}

/* ---- commands --------------------------------------------------------------------------------- */

void search_plan_read(struct search_plan *plan, const char *command, const char *usage,
    const char *(*take_name)(void *context, const char *word), int count, char **words)
{
    const struct argument known[] = {
        {"--starts", .number = &plan->starts, .least = 1, .most = STARTS_MOST},
        {"--most", .number = &plan->most, .least = 1},
        {"--jobs", .number = &plan->jobs, .least = 1},
        {NULL, .take = take_name, .context = plan},
    };
    arguments_read(command, usage, known, sizeof known / sizeof *known, count, words);
}

bool search_plan_wants(const struct search_plan *plan, enum qr_failpoint failpoint)
{
    return !plan->any || plan->chosen[failpoint];
}

struct search *searches_from(const struct search_plan *plan, const struct search *like)
{
    struct search *searches = sim_alloc(plan->starts * sizeof *searches);
    for (uint64_t i = 0; i < plan->starts; i++) {
        searches[i] = *like;
        searches[i].first_seed = (i + 1) * SEARCH_STEP;
        searches[i].most = plan->most;
    }
    return searches;
}

void searches_print_head(void)
{
    printf("%9s %-24s found by\n", "mean", " seeds of each search");
}

bool searches_print(const struct search *searches, size_t count)
{
    uint64_t sum = 0, found = 0;
    char each[256] = "";
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        sum += searches[i].seeds;
        found += searches[i].seeds > 0;
        if (size < sizeof each - 24) {
            size += (size_t)(searches[i].seeds > 0
                    ? snprintf(each + size, 24, " %" PRIu64, searches[i].seeds)
                    : snprintf(each + size, 24, " never"));
        }
    }
    if (found > 0) {
        printf("%9.1f ", (double)sum / (double)found);
    } else {
        printf("%9s ", "never");
    }
    printf("%-24s", each);
    for (size_t i = 0; i < count; i++) { /* by which checker, each once */
        bool said = searches[i].seeds == 0;
        for (size_t j = 0; j < i && !said; j++) {
            said = strcmp(searches[i].claim, searches[j].claim) == 0;
        }
        if (!said) {
            printf(" %s", searches[i].claim);
        }
    }
    putchar('\n');
    fflush(stdout);
    return found == count;
}
