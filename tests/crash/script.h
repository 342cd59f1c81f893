/*
 * The story that a seed tells: how the store is set up, and every record, which follows from the
 * seed, its lsn and the attempt in which it was sent. So the one who writes and the one who checks
 * need not talk to each other.
 */
#ifndef TESTS_CRASH_SCRIPT_H
#define TESTS_CRASH_SCRIPT_H

#include "kit/random.h"
#include "store/store.h"

#define SCRIPT_USERS_MAX 6
#define SCRIPT_GROUP_MAX 64
#define SCRIPT_SIZE_MAX 16384
#define SCRIPT_MAP_SIZE_MAX (64u << 20)

struct script {
    uint64_t seed;
    unsigned users;
    uint32_t tail_max; /* small ones make every commit move a part of the index */
    bool outgrows;     /* its records need more than the first map */
    unsigned sessions; /* processes, one after the other; all but the last are killed */
    unsigned steps;    /* of each process */
};
void script_init(struct script *out_script, uint64_t seed);

/** The store's options in this folder. */
struct qr_store_options script_options(const struct script *script, const char *folder);

/** One record; its bytes lie behind it. bytes[0] is the attempt. To be freed. */
struct qr_log_record *script_record(const struct script *script, uint64_t lsn, unsigned attempt);
void script_user(unsigned number, uint8_t out_user[QR_USER_SIZE]);
unsigned script_user_number(const uint8_t user[QR_USER_SIZE]);

#endif
