/*
 * Claim: a change opens at its own place and nowhere else: another user, entry, replica, number,
 * index, kind or epoch, and it stays shut (the row "ciphertext swap" of the threat model). The
 * server cannot try this alone, as batches are signed; a malicious device could.
 */
#include "checkers.h"

#include "crypto/vault.h"

#include <string.h>

static void draw_place(struct world *world, struct qr_change_place *place)
{
    prng_bytes(&world->entropy, place->replica, sizeof place->replica);
    prng_bytes(&world->entropy, place->entry, sizeof place->entry);
    place->seq = prng_range(&world->entropy, 1, 1000000);
    place->index = (uint32_t)prng_below(&world->entropy, 64);
    place->kind = 1;
    place->epoch = 1;
}

static const char *move(struct world *world, struct qr_change_place *place, int which)
{
    struct qr_change_place other;
    draw_place(world, &other);
    switch (which) {
    case 0: memcpy(place->replica, other.replica, sizeof place->replica); return "replica";
    case 1: memcpy(place->entry, other.entry, sizeof place->entry); return "entry";
    case 2: place->seq++; return "sequence number";
    case 3: place->index ^= 1; return "index";
    case 4: place->kind = 5; return "kind";
    default: place->epoch = 2; return "epoch";
    }
}

static void must(
    struct world *world, enum quire_status status, enum quire_status wanted, const char *what)
{
    if (status != wanted) {
        world_fail(world, "sealing", "%s: %s", what, quire_status_text(status));
    }
}

void sealing_check(struct world *world)
{
    uint8_t entropy[QR_ENTROPY_SIZE];
    uint8_t user[QR_USER_SIZE];
    uint8_t nonce[QR_NONCE_SIZE];
    uint8_t text[48];
    struct qr_vault *vault = NULL;
    struct quire_buffer sealed = {0};
    struct quire_buffer opened = {0};
    struct qr_change_place place;
    draw_place(world, &place);
    prng_bytes(&world->entropy, user, sizeof user);
    prng_bytes(&world->entropy, text, sizeof text);
    struct quire_bytes plaintext = {text, sizeof text};

    world_entropy(world, entropy);
    must(world, qr_vault_create(entropy, &vault), QUIRE_OK, "a vault cannot be made");
    if (world->failed) {
        return;
    }
    qr_vault_set_user(vault, user);
    for (uint32_t epoch = 1; epoch <= 2; epoch++) {
        world_entropy(world, entropy);
        must(world, qr_vault_new_epoch(vault, epoch, entropy), QUIRE_OK, "no epoch key");
    }
    world_entropy(world, entropy);
    must(world, qr_vault_seal_change(vault, &place, plaintext, entropy, nonce, &sealed), QUIRE_OK,
        "a change cannot be sealed");
    for (int which = 0; which < 6 && !world->failed; which++) {
        struct qr_change_place elsewhere = place;
        const char *what = move(world, &elsewhere, which);
        quire_buffer_clear(&opened);
        if (qr_vault_open_change(vault, &elsewhere, nonce, quire_buffer_bytes(&sealed), &opened)
            == QUIRE_OK) {
            world_fail(
                world, "sealing", "a change opens with another %s than it was sealed with", what);
        }
    }
    quire_buffer_clear(&opened);
    if (!world->failed) {
        must(world,
            qr_vault_open_change(vault, &place, nonce, quire_buffer_bytes(&sealed), &opened),
            QUIRE_OK, "a change does not open at its own place");
        if (!quire_bytes_equal(quire_buffer_bytes(&opened), plaintext)) {
            world_fail(world, "sealing", "a change opens to other text than was sealed");
        }
    }
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&opened);
    qr_vault_destroy(vault);
}
