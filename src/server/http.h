/*
 * The first request of a connection. Two are served: GET /quire with an upgrade to WebSocket, and
 * GET /healthz. Everything else ends here, before the HTTP code of libwebsockets does anything with
 * it: no bodies, no HTTP/2, no other upgrades.
 */
#ifndef QR_SERVER_HTTP_H
#define QR_SERVER_HTTP_H

#include "server/hosts.h"
#include <libwebsockets.h>

#define QR_HTTP_PATH "/quire"
#define QR_HTTP_SUBPROTOCOL "quire.1"

/** 101: go on with the upgrade. 0: close without a word. Anything else: answer that. */
unsigned qr_http_judge_upgrade(struct lws *wsi, const struct qr_hosts *hosts);
/** 200: it wants /healthz. 0: close without a word. Anything else: answer that. */
unsigned qr_http_judge_request(struct lws *wsi);

/** Writes a whole answer; the connection is to be closed after it. body may be NULL. */
void qr_http_answer(struct lws *wsi, unsigned status, const char *body);

/** Did a proxy pass the request on, by its headers? */
bool qr_http_is_forwarded(struct lws *wsi);
/** The last address of X-Forwarded-For, which the nearest proxy added; false: there is none. */
bool qr_http_forwarded_for(struct lws *wsi, char *out_address, size_t size);

/** The Host header, or false. */
bool qr_http_host(struct lws *wsi, char out_host[QR_HOST_MAX + 1]);

#endif
