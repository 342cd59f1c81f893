/*
 * The core as a process: loads what it needs, shuts itself in, then answers the gate one message at a time.
 */
#ifndef QR_WORKER_CORE_PROCESS_H
#define QR_WORKER_CORE_PROCESS_H

#include "worker/options.h"

/** Runs until the gate closes its end. Its exit status: 0, or as quire-insight's; 5: the gate sent what is no message. */
int qr_core_process_run(const struct qr_worker_options *options);

#endif
