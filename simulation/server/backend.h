/*
 * A store beside the simulated log of the server: it does what the log does and must say the same.
 */
#ifndef SIMULATION_BACKEND_H
#define SIMULATION_BACKEND_H

#include "base/log.h"
#include "world/world.h"

struct backend {
    /** An empty store. Fails the world and returns NULL if there can be none. */
    void *(*open)(struct world *world);
    void (*close)(void *store);
    enum quire_status (*append)(void *store, const struct qr_log_record *records, size_t count);
    struct qr_log_reader (*reader)(void *store);
    enum quire_status (*forget)(void *store, const uint8_t user[QR_USER_SIZE], uint64_t lsn);
    /** The process was killed, and another opens what lies on the disk. */
    enum quire_status (*killed)(void *store);
    /** A copy of the disk is kept, and comes back. */
    enum quire_status (*copied)(void *store);
    enum quire_status (*restored)(void *store);
    enum quire_status (*wiped)(void *store);
};

/** NULL: the simulated log alone. */
extern const struct backend *server_backend;

#endif
