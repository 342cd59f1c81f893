/*
 * Runs random graphs of edits and prints what was done and the digest of all end states.
 */
#include "graph.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Random graphs of edits on many devices, merged in many orders, beside a naive reference.\n"
    "\n"
    "  crdt-graphs [--graphs N] [--ops M] [--seed S] [--orders K] [--check C] [--quiet]\n"
    "              [--expect caught]\n"
    "\n"
    "  --graphs N   so many graphs, with the seeds S, S + 1, ... (100)\n"
    "  --ops M      edits in each (400)\n"
    "  --seed S     of the first graph (1)\n"
    "  --orders K   in which all deltas of a graph are merged again (4)\n"
    "  --check C    compares with the reference every C edits, and in the end; 0: never (20)\n"
    "  --quiet      prints the totals alone\n"
    "  --expect caught   succeeds only if some graph fails: for a core with a deliberate bug\n"
    "\n"
    "A graph that fails is named by its seed; the same options give the same digest everywhere.\n";

static uint64_t number_of(const char *option, const char *text)
{
    char *end = NULL;
    uint64_t number = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || end == text || *end != '\0') {
        fprintf(stderr, "crdt-graphs: %s needs a number (see --help)\n", option);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    struct graph_options options = {.seed = 1, .ops = 400, .orders = 4, .check_every = 20};
    uint64_t graphs = 100;
    bool quiet = false;
    bool expect_caught = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--quiet") == 0) {
            quiet = true;
            continue;
        }
        if (strcmp(argv[i], "--graphs") == 0) {
            graphs = number_of(argv[i], value);
        } else if (strcmp(argv[i], "--ops") == 0) {
            options.ops = (uint32_t)number_of(argv[i], value);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = number_of(argv[i], value);
        } else if (strcmp(argv[i], "--orders") == 0) {
            options.orders = (uint32_t)number_of(argv[i], value);
        } else if (strcmp(argv[i], "--check") == 0) {
            options.check_every = (uint32_t)number_of(argv[i], value);
        } else if (strcmp(argv[i], "--expect") == 0 && value != NULL
            && strcmp(value, "caught") == 0) {
            expect_caught = true;
        } else {
            fprintf(stderr, "crdt-graphs: unknown option %s (see --help)\n", argv[i]);
            return 2;
        }
        i++;
    }
    struct graph_result total = {0};
    uint64_t failed = 0;
    for (uint64_t i = 0; i < graphs; i++, options.seed++) {
        struct graph_result result;
        if (!graph_run(&options, &result)) {
            printf("seed %" PRIu64 ", after %" PRIu64 " edits: %s\n", options.seed, result.ops,
                result.failure);
            failed++;
            if (expect_caught) {
                break;
            }
        } else if (!quiet) {
            printf("seed %" PRIu64 ": %" PRIu64 " edits, %" PRIu64 " merges, %" PRIu64
                   " orders, digest %016" PRIx64 "\n",
                options.seed, result.ops, result.merges, result.orders, result.digest);
        }
        total.ops += result.ops;
        total.undos += result.undos;
        total.returns += result.returns;
        total.refusals += result.refusals;
        total.letters += result.letters;
        total.merges += result.merges;
        total.orders += result.orders;
        total.checks += result.checks;
        total.digest = graph_digest(total.digest, &result.digest, sizeof result.digest);
    }
    printf("%" PRIu64 " graphs, %" PRIu64 " edits (%" PRIu64 " undo or redo, %" PRIu64
           " of them beside the text of before), %" PRIu64 " letters, %" PRIu64 " merges, %" PRIu64
           " orders, %" PRIu64 " edits refused, %" PRIu64
           " comparisons with the reference: %" PRIu64 " failed, digest of all %016" PRIx64 "\n",
        graphs, total.ops, total.undos, total.returns, total.letters, total.merges, total.orders,
        total.refusals, total.checks, failed, total.digest);
    return expect_caught ? failed == 0 : failed > 0;
}
