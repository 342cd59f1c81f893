/*
 * The classes of attacks by a server that the design names (28), and where each stands: Mallory's
 * strategies, other tests, or what it comes with; and the mutation checks, which are the defences that were taken
 * out to see that the attack then succeeds. Then those of malicious devices, and of their clocks.
 */
#include "mallory.h"

#include "base/failpoint.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *row, *attack;
    const char *elsewhere; /* besides strategies */
    const char *absent;    /* why it cannot be tried yet; NULL: it is */
} rows[] = {
    {"1", "public-key substitution", NULL, NULL},
    {"2", "forged device", NULL, NULL},
    {"3", "revoked device writes; withheld revocation", NULL, NULL},
    {"4", "rollback, device with state", NULL, NULL},
    {"5", "rollback, fresh device", "by the kit alone: not promised", NULL},
    {"6", "fork", NULL, NULL},
    {"7", "drop, selective withholding", NULL, NULL},
    {"8", "reorder", NULL, NULL},
    {"9", "replay", NULL, NULL},
    {"10", "ciphertext swap", "seeds: sealing", NULL},
    {"11", "chunks of attachments", NULL, "comes with attachments"},
    {"12", "metadata tampered", NULL, NULL},
    {"13", "key material tampered", "tests/unit/crypto", NULL},
    {"14", "KDF downgrade", NULL, "comes with password logins"},
    {"15", "protocol downgrade", "relay to another host: tests/unit/sync/test_handshake.c", NULL},
    {"16", "cross-protocol key reuse", "tests/unit/crypto", NULL},
    {"17", "nonce reuse after restore or clone", "a claim of every run here", NULL},
    {"18", "resurrected entry", "seeds: complete", NULL},
    {"19", "forged or wide grant", NULL, "comes with insight grants"},
    {"20", "revoked grant used", NULL, "comes with insight grants"},
    {"21", "recovery or escrow abused", NULL, "there is no escrow; comes with password logins"},
    {"22", "length leakage", "a claim of every run here", NULL},
    {"23", "user enumeration", NULL, "comes with login names"},
    {"24", "bombs for the client", "tests/fuzz", NULL},
    {"25", "script in decrypted text", NULL, "comes with the web client"},
    {"26", "code delivery", NULL, "comes with the web client"},
    {"27", "clock lies", NULL, NULL},
    {"28", "flags that weaken crypto", NULL, "there are none; comes with flags"},
    {"C2", "device: the largest time there is", NULL, NULL},
    {"M3", "mixed", NULL, NULL},
    {"D1", "device: equivocation", NULL, NULL},
    {"D2", "device: flood", NULL, NULL},
    {"D3", "device: forged author", NULL, NULL},
    {"D4", "device: another user's data", NULL, NULL},
    {"D5", "device: cloned profile", "seeds: phone_clones, phone_restores; tools/mutate ONE_CHAIN",
        NULL},
};

static const struct {
    const char *defence, *strategy;
} mutations[] = {
#define ONE(name, strategy, text) {#name, strategy},
    QR_DEFENCES(ONE) MALLORY_MORE_DEFENCES(ONE)
#undef ONE
};

/* Is the row among "12, D3". */
static bool names(const char *list, const char *row)
{
    size_t size = strlen(row);
    for (const char *at = list; (at = strstr(at, row)) != NULL; at++) {
        bool begins = at == list || at[-1] == ' ';
        if (begins && (at[size] == ',' || at[size] == 0)) {
            return true;
        }
    }
    return false;
}

/* Strategies that stand for the row, then their mutation checks. Returns whether there are both. */
static bool print_tried(const char *row)
{
    size_t tried = 0, checked = 0;
    for (size_t s = 0; s < strategy_count; s++) {
        if (names(strategies[s].rows, row)) {
            printf("%s%s", tried++ == 0 ? "" : ", ", strategies[s].name);
        }
    }
    for (size_t t = 0; t < sizeof mutations / sizeof *mutations; t++) {
        uint32_t number = strategy_by_name(mutations[t].strategy);
        if (number != 0 && names(strategies[number - 1].rows, row)) {
            printf("%s%s", checked++ == 0 ? "; mutation checks: " : ", ", mutations[t].defence);
        }
    }
    return tried > 0 && checked > 0;
}

bool mallory_print_rows(void)
{
    size_t tested = 0, absent = 0, count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        printf("%-3s %-44s", rows[i].row, rows[i].attack);
        bool checked = print_tried(rows[i].row);
        tested += checked;
        absent += !checked && rows[i].absent != NULL;
        printf("%s%s\n", checked && rows[i].elsewhere != NULL ? "; also " : "",
            rows[i].absent != NULL          ? rows[i].absent
                : !checked                  ? "  NOT TESTED: no mutation check"
                : rows[i].elsewhere == NULL ? ""
                                            : rows[i].elsewhere);
    }
    printf(
        "\n%zu rows: %zu with a mutation check, %zu of parts that there are not, %zu not tested\n",
        count, tested, absent, count - tested - absent);
    return tested + absent == count;
}
