/*
 * A disk that refuses: a short story told again and again, and each time another call of it fails,
 * from the first to the last, in several ways. The store must say so, acknowledge nothing that it
 * does not have, and have all it acknowledged when the disk is well again, also after a power cut.
 *
 *   crash-faults WORKLOAD RECORDER [--stories N] [--cuts N] [--seed N] [--call N]
 *                [--mistake --careless] [--expect caught]
 *
 * --mistake         of the workload
 * --expect caught   the build or the workload is broken on purpose: success is a violation
 */
#include "check.h"
#include "harness.h"

#include <errno.h>
#include <stdlib.h>

#define CALLS_MAX 2000

struct way {
    const char *name;
    int error;
    const char *how;     /* for the recorder */
    unsigned long count; /* calls that fail */
};

#define FOR_EVER 1000000

static const struct way ways[] = {
    {"EIO, once", EIO, "plain", 1},
    {"EIO, from then on", EIO, "plain", FOR_EVER},
    {"EIO, but the cache took it", EIO, "lie", 1},
    {"EIO, but the cache took it, and no taking back", EIO, "lie", 2},
    {"ENOSPC, once", ENOSPC, "plain", 1},
    {"ENOSPC, from then on", ENOSPC, "plain", FOR_EVER},
    {"ENOSPC, after one half", ENOSPC, "half", 1},
};

struct faults {
    struct harness harness;
    const char *mistake;
    bool until_caught;
    uint64_t seed;
    struct kit_random state;
    unsigned long first_call;
    unsigned cuts; /* power cuts tried after each story */
    uint64_t stories, cut_states, violations;
};

static bool is_over(const struct faults *faults)
{
    return faults->until_caught && faults->violations > 0;
}

static void report(
    struct faults *faults, const struct way *way, unsigned long call, const char *text)
{
    faults->violations++;
    if (faults->until_caught) {
        return;
    }
    fprintf(stderr, "VIOLATION seed %llu, call %lu, %s: %s\n", (unsigned long long)faults->seed,
        call, way->name, text);
}

/* The disk of a power cut at the end: of what no sync brought there, anything. */
static void choose(struct faults *faults, const struct model *model, uint64_t *sectors,
    struct model_choice *out_choice)
{
    size_t names = 0;
    for (size_t i = 0; i < model->pending_count; i++) {
        uint64_t drawn = kit_random_next(&faults->state);
        sectors[i] = drawn % 3 == 0 ? 0
            : drawn % 3 == 1        ? UINT64_MAX
                                    : kit_random_next(&faults->state);
        names += model_is_name(&model->pending[i]);
    }
    *out_choice = (struct model_choice){sectors, kit_random_next(&faults->state) % (names + 1), 0};
}

static const char *cut(struct faults *faults, struct model *model, struct check *check)
{
    struct model_choice choice;
    uint64_t *sectors = calloc(model->pending_count + 1, sizeof *sectors);
    const char *text = NULL;
    if (sectors == NULL) {
        abort();
    }
    choose(faults, model, sectors, &choice);
    model_write(model, &choice, faults->harness.state);
    text = check_store(check, &model->debts, faults->harness.state, true);
    faults->cut_states++;
    free(sectors);
    return text;
}

/* An append that began after the last fault must have succeeded. */
struct refusals {
    uint64_t injected; /* faults when the append began */
    bool waiting, wrong;
};

static void watch(struct refusals *refusals, const struct model *model, uint32_t kind)
{
    if (kind == TRACE_ACK) {
        refusals->waiting = false;
    } else if (kind > TRACE_ACK || kind == TRACE_SEND || kind == 0) {
        refusals->wrong |= refusals->waiting && refusals->injected == model->injected;
        refusals->waiting = kind == TRACE_SEND;
        refusals->injected = model->injected;
    }
}

/* Feeds the trace to the model; now and then the power is cut on the way. */
static const char *follow(struct faults *faults, struct model *model, struct check *check)
{
    struct trace_event event;
    const uint8_t *bytes;
    const char *text = NULL;
    struct refusals refusals = {0};
    size_t size;
    size_t at = 0;
    uint8_t *trace = harness_trace(&faults->harness, &size);
    while (text == NULL && harness_next(trace, size, &at, &event, &bytes)) {
        watch(&refusals, model, event.kind);
        model_feed(model, &event, bytes);
        if (model->injected > 0 && faults->cuts > 0
            && kit_random_next(&faults->state) % 64 < faults->cuts) {
            text = cut(faults, model, check);
        }
        if (event.kind == TRACE_WRITE && (event.flags & TRACE_DSYNC) != 0) {
            model_settle(model);
        }
    }
    watch(&refusals, model, 0);
    if (text == NULL && refusals.wrong) {
        text = "it refuses, and the disk is well";
    }
    if (text == NULL && faults->cuts > 0) {
        text = cut(faults, model, check);
    }
    free(trace);
    return text;
}

/* Returns false when the story has no such call any more. */
static bool tell(
    struct faults *faults, const struct script *script, const struct way *way, unsigned long call)
{
    char fail[64];
    snprintf(fail, sizeof fail, "%lu %d %s %lu", call, way->error, way->how, way->count);
    harness_clear(&faults->harness);
    harness_empty_folder(faults->harness.state);
    struct harness_run run = {
        .seed = faults->seed, .fail = fail, .faults = true, .mistake = faults->mistake};
    bool ended = harness_run(&faults->harness, &run);
    struct model *model = model_create();
    struct check *check = check_create(script);
    const char *text = follow(faults, model, check);
    if (!ended) {
        text = "the workload failed";
    }
    if (text == NULL) { /* the disk is well again */
        text = check_store(check, &model->debts, faults->harness.live, true);
    }
    bool injected = model->injected > 0;
    if (text != NULL) {
        report(faults, way, call, text);
    }
    faults->stories++;
    check_destroy(check);
    model_destroy(model);
    return injected;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: crash-faults WORKLOAD RECORDER [options]\n");
        return 2;
    }
    struct faults faults = {.seed = harness_number(argc, argv, "--seed", 1)};
    uint64_t stories = harness_number(argc, argv, "--stories", 1);
    faults.cuts = (unsigned)harness_number(argc, argv, "--cuts", 1);
    faults.state = (struct kit_random){faults.seed};
    faults.first_call = harness_number(argc, argv, "--call", 1);
    faults.mistake = harness_text(argc, argv, "--mistake");
    faults.until_caught = harness_text(argc, argv, "--expect") != NULL;
    harness_init(&faults.harness, argv[1], argv[2]);
    for (uint64_t i = 0; i < stories && !is_over(&faults); i++, faults.seed++) {
        struct script script;
        script_init(&script, faults.seed);
        for (size_t way = 0; way < sizeof ways / sizeof ways[0] && !is_over(&faults); way++) {
            unsigned long call = faults.first_call;
            while (
                call < CALLS_MAX && !is_over(&faults) && tell(&faults, &script, &ways[way], call)) {
                call++;
            }
            if (is_over(&faults)) {
                break;
            }
            printf("seed %llu, %s: each of %lu calls failed\n", (unsigned long long)faults.seed,
                ways[way].name, call - 1);
            faults.violations +=
                call == 1 || call == CALLS_MAX; /* nothing was tested, or no end seen */
        }
    }
    harness_finish(&faults.harness);
    printf("%llu stories with a failing call, %llu power cuts after one: %llu violations\n",
        (unsigned long long)faults.stories, (unsigned long long)faults.cut_states,
        (unsigned long long)faults.violations);
    if (faults.until_caught) {
        printf("%s\n", faults.violations > 0 ? "caught" : "NOT CAUGHT");
    }
    return (faults.violations > 0) == faults.until_caught ? 0 : 1;
}
