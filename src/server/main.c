/*
 * quired: the program.
 */
#include "server/server.h"
#include "server/state.h"

#include <quire/version.h>
#include <stdlib.h>

static const char *get_environment(const char *name)
{
    return getenv(name);
}

int main(int argc, char **argv)
{
    static struct qr_server server;
    struct qr_options options;
    char error[1024] = "";
    if (qr_options_read(argc, argv, get_environment, &options, error, sizeof error) != QUIRE_OK) {
        fprintf(stderr, "quired: %s\n", error);
        return 2;
    }
    if (options.help) {
        qr_options_help(stdout);
        return 0;
    }
    if (options.version) {
        printf("quired %s\n", QUIRE_VERSION);
        return 0;
    }
    qr_log_setup((enum qr_log_level)options.log_level, (enum qr_log_format)options.log_format);
    if (!options.check) {
        qr_log_start();
    }
    int code = qr_server_start(&server, &options, error, sizeof error);
    if (code != 0) {
        qr_log_stop();
        fprintf(stderr, "quired: %s\n", error);
        return code;
    }
    if (options.check) {
        puts("quired: these settings work.");
        return 0;
    }
    code = qr_server_run(&server);
    qr_log_stop();
    return code;
}
