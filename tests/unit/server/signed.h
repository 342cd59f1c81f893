/*
 * A signature that is valid.
 */
#ifndef TESTS_UNIT_SERVER_SIGNED_H
#define TESTS_UNIT_SERVER_SIGNED_H

#include "sync/hub/hub.h"

/** A job whose signature holds, of a key and message that follow from number. */
void signed_job(struct qr_verify_job *out_job, uint64_t number);

#endif
