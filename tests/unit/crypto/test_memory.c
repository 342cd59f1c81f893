/*
 * Memory: each allocation fails once, and nothing has changed; and secrets do not stay behind in
 * what was freed.
 */
#include "support.h"
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>

TestSuite(memory, .init = start);

/* Counts down to the allocation that is to fail; negative: none is. */
static int left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

/* Bytes that must not be in a block when it is freed, and whether one was. */
static const uint8_t *secrets[4];
static size_t secret_count;
static bool leaked;
static unsigned freed_count;

void __wrap_free(void *block)
{
    if (block != NULL && secret_count > 0) {
        size_t size = malloc_usable_size(block);
        freed_count++;
        for (size_t i = 0; i < secret_count; i++) {
            for (size_t at = 0; at + 16 <= size; at++) { /* half of it is too much too */
                leaked |= memcmp((uint8_t *)block + at, secrets[i], 16) == 0;
            }
        }
    }
    __real_free(block);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* Everything that allocates, once; each result must be OK, or ENOMEM with nothing changed. */
struct world {
    struct qr_vault *vault, *full; /* with a user and no key; with epochs 1 … 4 */
    struct qr_kit *kit;
    struct qr_pair *old, *new, *fresh;
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE], nonce[QR_NONCE_SIZE], name[QR_NAME_SIZE];
    char kit_text[QR_KIT_TEXT_SIZE], code[QR_PAIR_CODE_SIZE];
    struct quire_buffer ciphertext, record, saved, request, reply;
};

static const struct qr_change_place a_place = {.seq = 1, .kind = 1, .epoch = 2};

static void make_world(struct world *world)
{
    *world = (struct world){0};
    world->vault = vault_with(1, 0);
    world->full = vault_with(2, 4);
    cr_assert_eq(qr_kit_create(FRESH(3), &world->kit), QUIRE_OK);
    qr_kit_text(world->kit, world->kit_text);
    cr_assert_eq(qr_vault_commitment(world->full, 2, world->commitment), QUIRE_OK);
    cr_assert_eq(qr_vault_seal_epoch(world->full, 2, qr_vault_public(world->vault).box_public,
                     FRESH(4), world->seal),
        QUIRE_OK);
    cr_assert_eq(qr_vault_seal_change(world->full, &a_place, text("written"), FRESH(5),
                     world->nonce, &world->ciphertext),
        QUIRE_OK);
    cr_assert_eq(
        qr_vault_seal_name(world->full, 2, a_user, text("name"), FRESH(6), world->name), QUIRE_OK);
    cr_assert_eq(
        qr_local_seal(FRESH(7), text("r"), text("record"), FRESH(8), &world->record), QUIRE_OK);
    cr_assert_eq(
        qr_vault_save(world->full, FRESH(7), text("v"), FRESH(9), &world->saved), QUIRE_OK);
    cr_assert_eq(qr_pair_create(FRESH(10), &world->old), QUIRE_OK);
    qr_pair_code(world->old, world->code);
    cr_assert_eq(qr_pair_parse(text(world->code), FRESH(11), &world->new), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_request(world->new, text("q"), FRESH(12), &world->request), QUIRE_OK);
    struct quire_buffer out = {0};
    cr_assert_eq(
        qr_pair_open_request(world->old, quire_buffer_bytes(&world->request), &out), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_reply(world->old, text("a"), FRESH(13), &world->reply), QUIRE_OK);
    quire_buffer_finish(&out);
    cr_assert_eq(qr_pair_create(FRESH(10), &world->fresh), QUIRE_OK);
}

static void finish_world(struct world *world)
{
    qr_vault_destroy(world->vault);
    qr_vault_destroy(world->full);
    qr_kit_destroy(world->kit);
    qr_pair_destroy(world->old);
    qr_pair_destroy(world->new);
    qr_pair_destroy(world->fresh);
    quire_buffer_finish(&world->ciphertext);
    quire_buffer_finish(&world->record);
    quire_buffer_finish(&world->saved);
    quire_buffer_finish(&world->request);
    quire_buffer_finish(&world->reply);
}

/* One of the things that allocate; `out` collects what it appends, made objects are destroyed. */
static enum quire_status act(struct world *world, int number, struct quire_buffer *out)
{
    struct qr_vault *vault = NULL;
    struct qr_kit *kit = NULL;
    struct qr_pair *pair = NULL;
    uint8_t nonce[QR_NONCE_SIZE];
    enum quire_status status;
    switch (number) {
    case 0: status = qr_vault_create(FRESH(1), &vault); break;
    case 1: status = qr_kit_create(FRESH(1), &kit); break;
    case 2: status = qr_kit_parse(text(world->kit_text), &kit); break;
    case 3: status = qr_vault_new_epoch(world->full, 5, FRESH(1)); break;
    case 4: status = qr_vault_open_epoch(world->vault, 2, world->seal, world->commitment); break;
    case 5:
        status = qr_vault_seal_change(world->full, &a_place, text("x"), FRESH(1), nonce, out);
        break;
    case 6:
        status = qr_vault_open_change(
            world->full, &a_place, world->nonce, quire_buffer_bytes(&world->ciphertext), out);
        break;
    case 7: status = qr_vault_open_name(world->full, 2, a_user, world->name, out); break;
    case 8: status = qr_local_seal(FRESH(7), text("r"), text("x"), FRESH(1), out); break;
    case 9:
        status = qr_local_open(FRESH(7), text("r"), quire_buffer_bytes(&world->record), out);
        break;
    case 10: status = qr_vault_save(world->full, FRESH(7), text("v"), FRESH(1), out); break;
    case 11:
        status = qr_vault_load(FRESH(7), text("v"), quire_buffer_bytes(&world->saved), &vault);
        break;
    case 12: status = qr_pair_create(FRESH(1), &pair); break;
    case 13: status = qr_pair_parse(text(world->code), FRESH(1), &pair); break;
    case 14: status = qr_pair_seal_request(world->new, text("q"), FRESH(1), out); break;
    case 15:
        status = qr_pair_open_request(world->fresh, quire_buffer_bytes(&world->request), out);
        break;
    case 16: status = qr_pair_seal_reply(world->old, text("a"), FRESH(1), out); break;
    case 17: status = qr_pair_open_reply(world->new, quire_buffer_bytes(&world->reply), out); break;
    default: return QUIRE_EINVALID;
    }
    cr_assert(status == QUIRE_OK || (vault == NULL && kit == NULL && pair == NULL));
    qr_vault_destroy(vault);
    qr_kit_destroy(kit);
    qr_pair_destroy(pair);
    return status;
}

Test(memory, each_allocation_may_fail_and_nothing_has_changed)
{
    struct quire_buffer out = {0};
    int number = 0, failures = 0;
    for (;; number++) {
        enum quire_status status = QUIRE_ENOMEM;
        for (int nth = 0; status == QUIRE_ENOMEM; nth++) {
            struct world world;
            make_world(&world);
            left = nth;
            status = act(&world, number, &out);
            left = -1;
            failures += status == QUIRE_ENOMEM;
            cr_assert(status == QUIRE_OK || out.size == 0, "%d", number);
            if (status == QUIRE_ENOMEM) {
                struct quire_buffer reply = {0};
                cr_assert_not(qr_vault_has_epoch(world.full, 5));
                cr_assert_eq(qr_vault_epoch(world.vault), 0);
                cr_assert_eq(
                    qr_pair_seal_reply(world.fresh, text("a"), FRESH(1), &reply), QUIRE_ESTATE);
                cr_assert_eq(
                    act(&world, number, &out), QUIRE_OK, "the same call again: %d", number);
            }
            quire_buffer_finish(&out);
            finish_world(&world);
            cr_assert(status == QUIRE_OK || status == QUIRE_ENOMEM || status == QUIRE_EINVALID);
        }
        if (status == QUIRE_EINVALID) {
            break;
        }
    }
    cr_assert_eq(number, 18);
    cr_assert_geq(failures, 18, "each of them allocates: %d", failures);
}

Test(memory, freed_memory_holds_no_secret)
{
    const struct fresh device = fresh(1), kit_seed = fresh(2), epoch_key = fresh(3),
                       code = fresh(4);
    struct fresh pair_secret;
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    struct qr_vault *vault = NULL, *again = NULL;
    struct qr_kit *kit = NULL;
    struct qr_pair *pair = NULL;
    struct quire_buffer saved = {0};
    const uint8_t epoch[4] = {0, 0, 0, 1};
    const struct quire_bytes parts[] = {{a_user, QR_USER_SIZE}, {epoch, 4}};
    qr_entropy_expand(pair_secret.bytes, code.bytes, 1);

    cr_assert_eq(qr_vault_create(device.bytes, &vault), QUIRE_OK);
    qr_vault_set_user(vault, a_user);
    qr_keyed_hash(commitment, QR_HASH_SIZE, epoch_key.bytes, QR_CONTEXT_COMMITMENT, parts, 2);
    crypto_box_seal(seal, epoch_key.bytes, QR_KEY_SIZE, qr_vault_public(vault).box_public);
    secrets[secret_count++] = device.bytes;
    secrets[secret_count++] = kit_seed.bytes;
    secrets[secret_count++] = epoch_key.bytes;
    secrets[secret_count++] = pair_secret.bytes;
    cr_assert_eq(qr_vault_open_epoch(vault, 1, seal, commitment), QUIRE_OK);
    for (uint32_t next = 2; next < 40; next++) { /* it outgrows its first memory, more than once */
        cr_assert_eq(qr_vault_new_epoch(vault, next, FRESH(next)), QUIRE_OK);
    }
    cr_assert_eq(qr_vault_save(vault, FRESH(7), text("v"), FRESH(8), &saved), QUIRE_OK);
    cr_assert_eq(qr_vault_load(FRESH(7), text("v"), quire_buffer_bytes(&saved), &again), QUIRE_OK);
    cr_assert_eq(qr_kit_create(kit_seed.bytes, &kit), QUIRE_OK);
    cr_assert_eq(qr_pair_create(code.bytes, &pair), QUIRE_OK);
    qr_vault_destroy(vault);
    qr_vault_destroy(again);
    qr_kit_destroy(kit);
    qr_pair_destroy(pair);
    cr_assert_not(leaked);
    cr_assert_geq(freed_count, 10);

    /* The net is not torn: a secret in a freed block is seen. */
    uint8_t *volatile careless = malloc(QR_KEY_SIZE); /* or the compiler drops the copy */
    memcpy(careless, device.bytes, QR_KEY_SIZE);
    free(careless);
    cr_assert(leaked);
    secret_count = 0;
    quire_buffer_finish(&saved);
}
