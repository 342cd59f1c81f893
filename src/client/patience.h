/*
 * How long a blocking call goes on: as long as it gets somewhere, and not past its deadline.
 *
 * To get somewhere is to hold more than ever before in this call: batches or roster records that were
 * not here, acknowledgements that were not there, or, on one connection, at least another
 * QR_CLIENT_PATIENCE_BYTES more than any connection of this call had brought. Connecting again,
 * a handshake, presence and answers to pings are nothing of that sort, or a server that dies halfway
 * and comes back, or talks and does nothing, would keep a person waiting for ever.
 */
#ifndef QR_CLIENT_PATIENCE_H
#define QR_CLIENT_PATIENCE_H

#include <quire/device.h>

#define QR_CLIENT_PATIENCE_BYTES 1024

/** Times are on the monotonic clock. Invariant: moved_ms ≥ began_ms. */
struct qr_client_patience {
    uint32_t timeout_ms;  /* without getting anywhere; 0: any */
    uint32_t deadline_ms; /* for the whole call; 0: none */
    uint64_t began_ms, moved_ms;
    uint64_t known_most; /* batches that are here, own ones once acknowledged, and roster records */
    uint64_t missing_least; /* batches that the server lacks; UINT64_MAX: it has not said */
    uint64_t received_most; /* bytes of one connection */
};

enum qr_client_patience_end {
    QR_CLIENT_PATIENCE_LASTS,
    QR_CLIENT_PATIENCE_TIMEOUT,
    QR_CLIENT_PATIENCE_DEADLINE,
};

/** Begins with what is known now. */
void qr_client_patience_begin(
    struct qr_client_patience *patience, const struct quire_device_state *state, uint64_t now_ms);
/** Looks at what has changed; `received` counts the bytes of the present connection. */
void qr_client_patience_look(struct qr_client_patience *patience,
    const struct quire_device_state *state, uint64_t received, uint64_t now_ms);
/** Adds the time that the user took to answer a question: it is no delay of the server. */
void qr_client_patience_excuse(struct qr_client_patience *patience, uint64_t took_ms);
/** Is it the end? */
enum qr_client_patience_end qr_client_patience_over(
    const struct qr_client_patience *patience, uint64_t now_ms);

#endif
