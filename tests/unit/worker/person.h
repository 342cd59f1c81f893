/*
 * The device's side of the lane, as far as tests of the core need it: grants, copies, withdrawals, and opening results.
 */
#ifndef TESTS_WORKER_PERSON_H
#define TESTS_WORKER_PERSON_H

#include "worker/objects.h"

struct person {
    uint8_t sign_public[32], sign_secret[64], box_public[32], box_secret[32];
};

void person_make(struct person *person, uint8_t seed);

/** What a grant says; change it, then write it. */
struct grant_plan {
    uint8_t grantee[32], analyser[32];
    uint8_t purpose;
    uint16_t fields;
    uint64_t not_after;
};
void person_grant(
    const struct person *person, const struct grant_plan *plan, struct quire_buffer *out);
void person_withdraw(const struct person *person, struct quire_buffer *out);

struct copy_plan {
    uint8_t grantee[32];
    uint16_t fields;     /* the mask in the clear */
    uint8_t inner_field; /* of the one field inside */
    uint8_t fault;       /* 1 signature, 2 commitment, 3 ciphertext, 4 an unordered second field */
    const char *text;
    uint64_t rev;
    struct quire_bytes lane_key; /* the object */
};
void person_copy(
    const struct person *person, const struct copy_plan *plan, struct quire_buffer *out);

/** Opens the content of a sealed result; false: it does not open. */
bool person_open(
    const struct person *person, struct quire_bytes sealed, struct quire_buffer *out_content);

#endif
