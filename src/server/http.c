/*
 * The first-request filter, and short answers.
 */
#include "server/http.h"

#include <string.h>
#include <strings.h>

#define ANSWER_MAX 4096

bool qr_http_host(struct lws *wsi, char out_host[QR_HOST_MAX + 1])
{
    return lws_hdr_copy(wsi, out_host, QR_HOST_MAX + 1, WSI_TOKEN_HOST) > 0;
}

bool qr_http_is_forwarded(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0
        || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_VIA) > 0
        || lws_hdr_custom_length(wsi, "forwarded:", 10) > 0
        || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_X_REAL_IP) > 0;
}

bool qr_http_forwarded_for(struct lws *wsi, char *out_address, size_t size)
{
    char list[512];
    if (lws_hdr_copy(wsi, list, sizeof list, WSI_TOKEN_X_FORWARDED_FOR) <= 0) {
        return false;
    }
    const char *last = strrchr(list, ',');
    last = last == NULL ? list : last + 1;
    last += strspn(last, " ");
    int length = snprintf(out_address, size, "%.*s", (int)strcspn(last, " "), last);
    return length > 0 && (size_t)length < size;
}

static bool has_body(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0
        || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
}

static bool path_is(struct lws *wsi, const char *path)
{
    char text[32];
    return lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_GET_URI) > 0 && strcmp(text, path) == 0;
}

static bool offers_subprotocol(struct lws *wsi)
{
    char list[128];
    char *rest = NULL;
    if (lws_hdr_copy(wsi, list, sizeof list, WSI_TOKEN_PROTOCOL) <= 0) {
        return false;
    }
    for (char *name = strtok_r(list, ", ", &rest); name != NULL;
         name = strtok_r(NULL, ", ", &rest)) {
        if (strcmp(name, QR_HTTP_SUBPROTOCOL) == 0) {
            return true;
        }
    }
    return false;
}

unsigned qr_http_judge_upgrade(struct lws *wsi, const struct qr_hosts *hosts)
{
    char text[32];
    char host[QR_HOST_MAX + 1];
    /* For an upgrade to something else, libwebsockets has answered already and goes on to read
     * freed memory unless the connection is closed here. HTTP/2 is refused in the same way. */
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_UPGRADE) <= 0
        || strcasecmp(text, "websocket") != 0) {
        return 0;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0 || has_body(wsi)) {
        return 400;
    }
    if (!path_is(wsi, QR_HTTP_PATH)) {
        return 404;
    }
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_VERSION) <= 0 || strcmp(text, "13") != 0) {
        return 426;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) == 0 || !offers_subprotocol(wsi)) {
        return 400;
    }
    if (!qr_http_host(wsi, host) || !qr_hosts_admit(hosts, host)) {
        return 421;
    }
    return 101;
}

unsigned qr_http_judge_request(struct lws *wsi)
{
    if (has_body(wsi)) {
        return 400;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0) {
        return 405;
    }
    return path_is(wsi, "/healthz") ? 200 : 404;
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed\r\nallow: GET";
    case 421: return "Misdirected Request";
    case 426: return "Upgrade Required\r\nsec-websocket-version: 13";
    case 503: return "Service Unavailable\r\nretry-after: 10";
    default: return "Bad Request";
    }
}

void qr_http_answer(struct lws *wsi, unsigned status, const char *body)
{
    unsigned char buffer[LWS_PRE + ANSWER_MAX];
    char *text = (char *)buffer + LWS_PRE;
    if (body == NULL) {
        body = "";
    }
    int size = snprintf(text, ANSWER_MAX,
        "HTTP/1.1 %u %s\r\nconnection: close\r\ncontent-type: application/json\r\n"
        "cache-control: no-store\r\ncontent-length: %zu\r\n\r\n%s",
        status, reason_of(status), strlen(body), body);
    if (size > 0 && size < ANSWER_MAX) {
        (void)lws_write(wsi, (unsigned char *)text, (size_t)size, LWS_WRITE_HTTP_HEADERS);
    }
}
