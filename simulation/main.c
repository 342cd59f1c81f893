/*
 * quire-sim: the shipping device and hub in a simulated world. See docs/simulation.md.
 */
#include "commands.h"

#ifdef QR_FAILPOINTS_BUILT
#include "mutation/search.h"
#endif

#ifdef QR_REAL_STORE
#include "server/beside.h"
#endif

#include "crypto/sign.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command commands[] = {
    {"run", "tells stories from files, and says whether they hold", command_run},
    {"seeds", "runs seeds with drawn faults; the same as no command", command_seeds},
    {"swarm", "fresh seeds for as long as it is let, and on from there the next time",
        command_swarm},
    {"attack", "a hostile server, strategy by strategy", command_attack},
#ifdef QR_FAILPOINTS_BUILT
    {"failpoints", "how many seeds each deliberate bug takes to be found", command_failpoints},
    {"defences", "which attack succeeds without which defence, and how soon", command_defences},
    {"model", "the attacks of the protocol's table, against the real devices", command_model},
#endif
};

/* ---- randomness: none but ours --------------------------------------------------------------- */

static bool world_begun;

static const char *no_name(void)
{
    return "none";
}

static uint32_t no_randomness(void)
{
#ifdef QR_REAL_STORE
    return 0; /* the store keys a table of its own with it, of which no order can be seen */
#endif
    if (world_begun) {
        fputs("quire-sim: the core asked libsodium for randomness of its own\n", stderr);
        abort();
    }
    return 0;
}

static void no_bytes(void *const out, const size_t size)
{
    (void)no_randomness();
    memset(out, 0, size);
}

static struct randombytes_implementation no_source = {
    .implementation_name = no_name,
    .random = no_randomness,
    .buf = no_bytes,
};

/* ---- commands -------------------------------------------------------------------------------- */

static void print_help(void)
{
    fputs(
        "usage: quire-sim [COMMAND] …\n\nWithout a command it runs seeds. Each command tells more with "
        "--help.\n\n",
        stdout);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    }
}

int main(int count, char **words)
{
    if (count > 1 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "help") == 0)) {
        print_help();
        return 0;
    }
    if (randombytes_set_implementation(&no_source) != 0 || !qr_crypto_init()) {
        fputs("quire-sim: libsodium does not start\n", stderr);
        return 2;
    }
    world_begun = true;
#ifdef QR_REAL_STORE
    server_backend = &store_beside;
#endif
#ifdef QR_FAILPOINTS_BUILT
    int taken = failpoints_enable(count - 1, words + 1);
    if (taken < 0) {
        return 2;
    }
    count -= taken;
    words += taken;
#endif
    if (count < 2 || words[1][0] == '-') {
        return command_seeds(count - 1, words + 1);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(words[1], commands[i].name) == 0) {
            return commands[i].run(count - 2, words + 2);
        }
    }
    fprintf(stderr, "quire-sim: there is no command %s; see quire-sim --help\n", words[1]);
    return 2;
}
