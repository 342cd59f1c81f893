/*
 * The allow-list of host names.
 */
#include "server/hosts.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

static void add(struct qr_hosts *hosts, const char *name)
{
    size_t length = strlen(name);
    if (length > 0 && length <= QR_HOST_MAX && hosts->count < QR_HOSTS_MAX + 4) {
        memcpy(hosts->names[hosts->count++], name, length + 1);
    }
}

void qr_hosts_init(struct qr_hosts *hosts, const struct qr_options *options)
{
    char own[QR_HOST_MAX + 1] = "";
    hosts->count = 0;
    add(hosts, "localhost");
    add(hosts, "127.0.0.1");
    add(hosts, "[::1]");
    if (gethostname(own, sizeof own - 1) == 0) {
        add(hosts, own);
    }
    for (uint32_t i = 0; i < options->host_count; i++) {
        add(hosts, options->hosts[i]);
    }
}

/* The length of the name without ":port"; 0 if what follows the colon is not a port. */
static size_t name_length(const char *dialled)
{
    size_t length = strlen(dialled);
    const char *colon = strrchr(dialled, ':');
    const char *bracket = strrchr(dialled, ']');
    if (colon == NULL || (bracket != NULL && bracket > colon)) {
        return length;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != 0) {
        return 0;
    }
    return (size_t)(colon - dialled);
}

bool qr_hosts_admit(const struct qr_hosts *hosts, const char *dialled)
{
    size_t length = name_length(dialled);
    for (size_t i = 0; length > 0 && i < hosts->count; i++) {
        if (strlen(hosts->names[i]) == length
            && strncasecmp(hosts->names[i], dialled, length) == 0) {
            return true;
        }
    }
    return false;
}
