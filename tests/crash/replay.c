/*
 * Power cuts: records a seed's story, makes the states in which a power cut at any moment of it may
 * leave the disk, and looks at the store that is found there.
 *
 *   crash-replay WORKLOAD RECORDER [--seed N] [--states N] [--share PERCENT]
 *                [--mistake --early] [--expect caught]
 *
 * --share           of the states that each moment offers; the more are left out, the more seeds are told
 * --mistake         of the workload
 * --expect caught   the build or the workload is broken on purpose: success is a violation, and the search ends
 */
#include "check.h"
#include "harness.h"

#include <stdlib.h>
#include <unistd.h>

#define SEEN_SLOTS (1u << 18)
#define REPORTS_MAX 5

struct replay {
    struct harness harness;
    uint64_t seed;
    struct model *model;
    struct check *check;
    struct model_choice choice;
    size_t choice_capacity;
    struct kit_random state; /* of the drawing */
    unsigned share;
    bool until_caught;
    uint64_t states, most, violations, moments, reopened;
    uint64_t seen[SEEN_SLOTS]; /* hashes of this story's states */
    size_t seen_count;
};

static bool is_over(const struct replay *replay)
{
    return replay->states >= replay->most || (replay->until_caught && replay->violations > 0);
}

static bool is_new(struct replay *replay, uint64_t hash)
{
    size_t at = hash % SEEN_SLOTS;
    hash |= 1;
    while (replay->seen[at] != 0) {
        if (replay->seen[at] == hash) {
            return false;
        }
        at = (at + 1) % SEEN_SLOTS;
    }
    if (replay->seen_count < SEEN_SLOTS / 2) {
        replay->seen[at] = hash;
        replay->seen_count++;
    }
    return true;
}

static void describe(const struct replay *replay, const char *text)
{
    const struct debts *debts = &replay->model->debts;
    fprintf(stderr, "VIOLATION seed %llu, moment %llu: %s\n", (unsigned long long)replay->seed,
        (unsigned long long)replay->moments, text);
    fprintf(stderr, "  acknowledged %llu, pending:", (unsigned long long)debts->acked);
    for (size_t i = 0; i < replay->model->pending_count; i++) {
        const struct model_pending *pending = &replay->model->pending[i];
        uint64_t mask = replay->choice.sectors[i];
        fprintf(stderr, " %s%llu+%zu%s", pending->kind == TRACE_WRITE ? "" : "#",
            (unsigned long long)pending->offset, pending->size,
            mask == 0                ? " lost"
                : mask == UINT64_MAX ? ""
                                     : " torn");
    }
    fprintf(stderr, "; names %zu\n", replay->choice.names);
}

/* The lock file is nothing that has to survive: it is gone, empty, or as some other state left it. */
static void spoil_lock(const struct replay *replay, uint64_t how)
{
    char path[128];
    snprintf(path, sizeof path, "%s/log.mdb-lock", replay->harness.state);
    if (how % 3 == 0) {
        (void)unlink(path);
    } else if (how % 3 == 1) {
        (void)truncate(path, 0);
    }
}

static void try_state(struct replay *replay)
{
    if (is_over(replay) || !is_new(replay, model_hash(replay->model, &replay->choice))) {
        return;
    }
    uint64_t drawn = kit_random_next(&replay->state);
    if (drawn % 100 >= replay->share) {
        return;
    }
    bool again = (drawn >> 8) % 4 == 0;
    spoil_lock(replay, drawn >> 16);
    model_write(replay->model, &replay->choice, replay->harness.state);
    const char *text =
        check_store(replay->check, &replay->model->debts, replay->harness.state, again);
    replay->states++;
    replay->reopened += again;
    if (text != NULL && replay->violations++ < REPORTS_MAX) {
        describe(replay, text);
    }
}

static size_t count_names(const struct model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->pending_count; i++) {
        count += model_is_name(&model->pending[i]);
    }
    return count;
}

static void choose_all(struct replay *replay, uint64_t mask)
{
    for (size_t i = 0; i < replay->model->pending_count; i++) {
        replay->choice.sectors[i] = mask;
    }
    replay->choice.growth = 0;
    replay->choice.names = count_names(replay->model);
}

static void choose_some(struct replay *replay, unsigned percent, bool torn)
{
    for (size_t i = 0; i < replay->model->pending_count; i++) {
        uint64_t mask = kit_random_next(&replay->state) % 100 < percent ? UINT64_MAX : 0;
        if (torn && kit_random_next(&replay->state) % 2 == 0) {
            mask = kit_random_next(&replay->state);
        }
        replay->choice.sectors[i] = mask;
    }
    replay->choice.growth =
        kit_random_next(&replay->state) % 4 == 0 ? kit_random_next(&replay->state) : 0;
    replay->choice.names = kit_random_next(&replay->state) % (count_names(replay->model) + 1);
}

static void fit_choice(struct replay *replay)
{
    if (replay->model->pending_count > replay->choice_capacity) {
        replay->choice_capacity = replay->model->pending_count * 2;
        replay->choice.sectors = realloc(
            replay->choice.sectors, replay->choice_capacity * sizeof *replay->choice.sectors);
        if (replay->choice.sectors == NULL) {
            abort();
        }
    }
}

/* A cut right after something was asked of the disk, or something promised. */
static void cut_here(struct replay *replay)
{
    size_t count = replay->model->pending_count;
    replay->moments++;
    fit_choice(replay);
    choose_all(replay, UINT64_MAX);
    try_state(replay);
    choose_all(replay, 0);
    replay->choice.names = 0;
    try_state(replay);
    if (count == 0) {
        return;
    }
    for (unsigned half = 0; half < 2;
         half++) { /* the newest torn: its beginning, or anything of it */
        choose_all(replay, UINT64_MAX);
        replay->choice.sectors[count - 1] = half == 0
            ? (UINT64_C(1) << (1 + kit_random_next(&replay->state) % 63)) - 1
            : kit_random_next(&replay->state);
        try_state(replay);
    }
    choose_all(replay, 0);
    replay->choice.sectors[count - 1] = UINT64_MAX; /* the newest overtook all others */
    try_state(replay);
    choose_some(replay, 50, false);
    try_state(replay);
    choose_some(replay, 50, true);
    try_state(replay);
    choose_some(replay, kit_random_next(&replay->state) % 2 == 0 ? 10 : 90, true);
    try_state(replay);
}

/* While a sync is under way: each write alone missing, each alone there. */
static void cut_in_sync(struct replay *replay)
{
    size_t count = replay->model->pending_count;
    fit_choice(replay);
    size_t step = count / 64 + 1;
    for (size_t i = kit_random_next(&replay->state) % step; i < count; i += step) {
        choose_all(replay, UINT64_MAX);
        replay->choice.sectors[i] = 0;
        try_state(replay);
        choose_all(replay, 0);
        replay->choice.sectors[i] = UINT64_MAX;
        try_state(replay);
    }
    for (size_t names = count_names(replay->model); names-- > 0;) {
        choose_all(replay, UINT64_MAX);
        replay->choice.names = names;
        try_state(replay);
    }
}

static void replay_trace(struct replay *replay, const uint8_t *trace, size_t size)
{
    struct trace_event event;
    const uint8_t *bytes;
    size_t at = 0;
    while (!is_over(replay) && harness_next(trace, size, &at, &event, &bytes)) {
        if (event.kind == TRACE_SYNC || event.kind == TRACE_SYNC_FOLDER) {
            cut_in_sync(replay);
        }
        model_feed(replay->model, &event, bytes);
        cut_here(replay);
        if (event.kind == TRACE_WRITE && (event.flags & TRACE_DSYNC) != 0) {
            model_settle(replay->model);
        }
    }
}

/* One seed: processes one after the other, all but the last killed in the middle of something. */
static bool record(struct replay *replay, const struct script *script, const char *mistake)
{
    harness_clear(&replay->harness);
    for (unsigned session = 0; session < script->sessions; session++) {
        struct harness_run run = {.seed = replay->seed, .session = session, .mistake = mistake};
        if (session + 1 < script->sessions) {
            /* now and then while the store is made */
            uint64_t most = kit_random_next(&replay->state) % 4 == 0 ? 12 : 120;
            run.exit_at = 1 + kit_random_next(&replay->state) % most;
        }
        if (!harness_run(&replay->harness, &run)) {
            return false;
        }
    }
    return true;
}

static bool one_seed(struct replay *replay, const char *mistake)
{
    struct script script;
    size_t size;
    script_init(&script, replay->seed);
    replay->state = (struct kit_random){replay->seed ^ 0x5eed};
    if (!record(replay, &script, mistake)) {
        fprintf(
            stderr, "VIOLATION seed %llu: the workload failed\n", (unsigned long long)replay->seed);
        return false;
    }
    uint8_t *trace = harness_trace(&replay->harness, &size);
    replay->model = model_create();
    replay->check = check_create(&script);
    memset(replay->seen, 0, sizeof replay->seen);
    replay->seen_count = 0;
    harness_empty_folder(replay->harness.state);
    replay_trace(replay, trace, size);
    check_destroy(replay->check);
    model_destroy(replay->model);
    free(trace);
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: crash-replay WORKLOAD RECORDER [options]\n");
        return 2;
    }
    static struct replay replay;
    uint64_t first = harness_number(argc, argv, "--seed", 1);
    const char *mistake = harness_text(argc, argv, "--mistake");
    replay.seed = first;
    replay.most = harness_number(argc, argv, "--states", 1000);
    replay.share = (unsigned)harness_number(argc, argv, "--share", 25);
    replay.until_caught = harness_text(argc, argv, "--expect") != NULL;
    harness_init(&replay.harness, argv[1], argv[2]);
    double from = harness_seconds();
    bool ran = true;
    while (ran && !is_over(&replay)) {
        ran = one_seed(&replay, mistake);
        replay.seed += ran;
    }
    double seconds = harness_seconds() - from;
    harness_finish(&replay.harness);
    free(replay.choice.sectors);

    printf(
        "%llu crash states of %llu moments of %llu stories (seeds from %llu), %llu of them opened twice\n",
        (unsigned long long)replay.states, (unsigned long long)replay.moments,
        (unsigned long long)(replay.seed - first), (unsigned long long)first,
        (unsigned long long)replay.reopened);
    printf("%llu violations, %.0f states/s\n", (unsigned long long)replay.violations,
        (double)replay.states / seconds);
    if (replay.until_caught) {
        printf(replay.violations > 0 ? "caught after %llu states\n" : "NOT CAUGHT in %llu states\n",
            (unsigned long long)replay.states);
        return ran && replay.violations > 0 ? 0 : 1;
    }
    if (replay.violations == 0) {
        printf("so p < %.2g per state (95 %%)\n", 3.0 / (double)replay.states);
    }
    return ran && replay.violations == 0 ? 0 : 1;
}
