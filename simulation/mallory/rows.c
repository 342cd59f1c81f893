/*
 * The classes of attacks by a server that the design names (28), and where each stands: Mallory's
 * strategies, other tests, or what it comes with. Then those of malicious devices.
 */
#include "mallory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *row, *attack;
    const char *elsewhere; /* besides strategies */
} rows[] = {
    {"1", "public-key substitution", NULL},
    {"2", "forged device", NULL},
    {"3", "revoked device writes; withheld revocation", NULL},
    {"4", "rollback, device with state", NULL},
    {"5", "rollback, fresh device", "by the kit alone: not promised"},
    {"6", "fork", NULL},
    {"7", "drop, selective withholding", NULL},
    {"8", "reorder", NULL},
    {"9", "replay", NULL},
    {"10", "ciphertext swap", "seeds: sealing"},
    {"11", "chunks of attachments", "comes with attachments"},
    {"12", "metadata tampered", NULL},
    {"13", "key material tampered", "tests/unit/crypto"},
    {"14", "KDF downgrade", "comes with password logins"},
    {"15", "protocol downgrade", "relay to another host: tests/unit/sync/test_handshake.c"},
    {"16", "cross-protocol key reuse", "tests/unit/crypto; no teeth"},
    {"17", "nonce reuse after restore or clone", "a claim of every run here; no teeth yet"},
    {"18", "resurrected entry", "seeds: complete"},
    {"19", "forged or wide grant", "comes with insight grants"},
    {"20", "revoked grant used", "comes with insight grants"},
    {"21", "recovery or escrow abused", "there is no escrow; comes with password logins"},
    {"22", "length leakage", "tests/unit/crypto: padding; no teeth"},
    {"23", "user enumeration", "comes with login names"},
    {"24", "bombs for the client", "tests/fuzz"},
    {"25", "script in decrypted text", "comes with the web client"},
    {"26", "code delivery", "comes with the web client"},
    {"27", "clock lies", NULL},
    {"28", "flags that weaken crypto", "there are none; comes with flags"},
    {"M3", "mixed", NULL},
    {"D1", "device: equivocation", NULL},
    {"D2", "device: flood", NULL},
    {"D3", "device: forged author", NULL},
    {"D4", "device: another user's data", NULL},
    {"D5", "device: cloned profile", "seeds: phone_clones, phone_restores; tools/plant ONE_CHAIN"},
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

void mallory_print_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *between = "";
        printf("%-3s %-44s", rows[i].row, rows[i].attack);
        for (size_t s = 0; s < strategy_count; s++) {
            if (names(strategies[s].rows, rows[i].row)) {
                printf("%s%s", between, strategies[s].name);
                between = ", ";
            }
        }
        if (rows[i].elsewhere != NULL) {
            printf("%s%s", between[0] == 0 ? "" : "; ", rows[i].elsewhere);
        }
        putchar('\n');
    }
}
