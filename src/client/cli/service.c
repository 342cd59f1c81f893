/*
 * systemd's user units, its notifications, and the desktop's.
 */
#define _GNU_SOURCE
#include "client/cli/service.h"
#include "client/agent/daemon.h"
#include "client/files.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void qr_cli_service_tell(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@')
        || strlen(path) >= sizeof address.sun_path) {
        return;
    }
    strcpy(address.sun_path, path);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = 0; /* abstract */
    } else {
        size++;
    }
    int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file >= 0) {
        ssize_t sent =
            sendto(file, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
        (void)sent;
        close(file);
    }
}

int qr_cli_service_socket(void)
{
    const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t pid = 0;
    if (process == NULL || count == NULL || strcmp(count, "1") != 0
        || !qr_cli_number(process, 1, INT32_MAX, &pid) || pid != getpid()) {
        return -1;
    }
    fcntl(3, F_SETFD, FD_CLOEXEC);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return 3;
}

/* ---- the desktop ------------------------------------------------------------------------------ */

#define WORDS_MAX 20

/* arguments ends with NULL. */
static bool spawn(const char *const arguments[])
{
    char *words[WORDS_MAX] = {0};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, ending;
    pid_t child = 0;
    for (size_t i = 0; i + 1 < WORDS_MAX && arguments[i] != NULL; i++) {
        memcpy(&words[i], &arguments[i], sizeof words[i]); /* posix_spawn only reads them */
    }
    sigemptyset(&none);
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ending);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    bool good = posix_spawnp(&child, words[0], &actions, &attributes, words, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return good;
}

/* A string of GVariant's text form. */
static void quote(const char *text, char *out, size_t size)
{
    size_t used = 0;
    out[used++] = '"';
    for (; *text != 0 && used + 4 < size; text++) {
        if (*text == '"' || *text == '\\') {
            out[used++] = '\\';
        }
        out[used++] = *text == '\n' ? ' ' : *text;
    }
    out[used++] = '"';
    out[used] = 0;
}

void qr_cli_service_notify(const char *text)
{
    char body[512], quoted[600];
    snprintf(body, sizeof body, "%s", text);
    quote(text, quoted, sizeof quoted);
    while (waitpid(-1, NULL, WNOHANG) > 0) { /* those of before */
    }
    const char *const by_tool[] = {
        "notify-send", "--app-name=Quire", "--icon=dialog-warning", "Quire", body, NULL};
    const char *const by_bus[] = {"gdbus", "call", "--session", "--dest",
        "org.freedesktop.Notifications", "--object-path", "/org/freedesktop/Notifications",
        "--method", "org.freedesktop.Notifications.Notify", "\"Quire\"", "0", "\"dialog-warning\"",
        "\"Quire\"", quoted, "[]", "{}", "10000", NULL};
    if (!spawn(by_tool)) {
        spawn(by_bus);
    }
}

/* ---- systemd ---------------------------------------------------------------------------------- */

static bool unit_path(const char *name, const char *kind, struct qr_client_path *out_path,
    struct qr_client_error *error)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    enum quire_status status = QUIRE_ENOTFOUND;
    if (config != NULL && config[0] == '/') {
        status = qr_client_path(out_path, error, "%s/systemd/user/%s.%s", config, name, kind);
    } else if (home != NULL && home[0] == '/') {
        status = qr_client_path(out_path, error, "%s/.config/systemd/user/%s.%s", home, name, kind);
    } else {
        qr_client_fail(error, status, "There is no folder for the units: HOME is not set.");
    }
    return status == QUIRE_OK;
}

/* A value of a unit: what systemd would read otherwise is escaped. */
static void escape(const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (; *text != 0 && used + 3 < size; text++) {
        if (*text == '%' || *text == '\\' || *text == '"' || *text == '$') {
            out[used++] = *text == '%' ? '%' : *text == '$' ? '$' : '\\';
        }
        out[used++] = *text;
    }
    out[used] = 0;
}

static bool write_unit(const char *path, const char *text, struct qr_client_error *error)
{
    struct qr_client_path folder;
    if (qr_client_path(&folder, error, "%s", path) != QUIRE_OK) {
        return false;
    }
    *strrchr(folder.text, '/') = 0;
    return qr_client_make_folders(folder.text, error) == QUIRE_OK
        && qr_client_write_file(path, quire_bytes_of_text(text), QR_CLIENT_DURABLE, error)
        == QUIRE_OK;
}

static bool write_units(const char *profile, const char *service, const char *socket_path,
    const char *address, struct qr_client_error *error)
{
    static char program[QR_CLIENT_PATH_MAX], safe_program[2 * QR_CLIENT_PATH_MAX];
    static char safe_profile[2 * QR_CLIENT_PATH_MAX], safe_address[2 * QR_CLIENT_PATH_MAX];
    static char text[8 * QR_CLIENT_PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size <= 0) {
        qr_client_fail(error, QUIRE_EIO, "The path of this program cannot be found.");
        return false;
    }
    program[size] = 0;
    escape(program, safe_program, sizeof safe_program);
    escape(profile, safe_profile, sizeof safe_profile);
    escape(address, safe_address, sizeof safe_address);
    snprintf(text, sizeof text,
        "[Unit]\nDescription=Quire syncs %s\n\n"
        "[Service]\nType=notify\nExecStart=\"%s\" --profile \"%s\" daemon\nRestart=on-failure\n"
        "RestartSec=30\nTimeoutStopSec=15\nNoNewPrivileges=yes\nLimitCORE=0\nUMask=0077\n"
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\nLockPersonality=yes\n\n"
        "[Install]\nWantedBy=default.target\n",
        safe_profile, safe_program, safe_profile);
    if (!write_unit(service, text, error)) {
        return false;
    }
    snprintf(text, sizeof text,
        "[Unit]\nDescription=Starts Quire's sync at the first write\n\n[Socket]\nListenStream=%s\n"
        "SocketMode=0600\nDirectoryMode=0700\n\n[Install]\nWantedBy=sockets.target\n",
        safe_address);
    return write_unit(socket_path, text, error);
}

enum qr_cli_exit qr_cli_service_install(struct qr_cli *cli, const char *profile, bool install)
{
    struct qr_client_path service, socket_path;
    struct qr_client_error error = {0};
    struct sockaddr_un address;
    char hash[17], name[32];
    char *real = realpath(profile, NULL);
    if (real == NULL) {
        qr_cli_error(cli, QUIRE_ENOTFOUND, QR_CLI_FAILED, "There is no profile yet.",
            "Make an account: quire init. Or join yours: quire join CODE --server URL");
        return QR_CLI_FAILED;
    }
    qr_client_path_name(real, hash);
    snprintf(name, sizeof name, "quire-%s", hash);
    bool good = unit_path(name, "service", &service, &error)
        && unit_path(name, "socket", &socket_path, &error)
        && qr_client_daemon_address(real, &address, &error) == QUIRE_OK;
    if (good && install) {
        good = write_units(real, service.text, socket_path.text, address.sun_path, &error);
    } else if (good) {
        good = (unlink(service.text) == 0 || errno == ENOENT)
            && (unlink(socket_path.text) == 0 || errno == ENOENT);
        if (!good) {
            qr_client_fail(
                &error, QUIRE_EIO, "Cannot remove %s: %s.", service.text, strerror(errno));
        }
    }
    free(real);
    if (!good) {
        qr_cli_error(cli, QUIRE_EIO, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    if (cli->json) {
        return qr_cli_print_json(
            cli, json_pack("{s:s, s:b}", "unit", name, "installed", (int)install));
    }
    if (install) {
        printf(
            "Written: %s and .socket. To start it now and at each login:\n\n"
            "    systemctl --user daemon-reload\n    systemctl --user enable --now %s.socket %s.service\n",
            service.text, name, name);
    } else {
        printf("Removed. If it runs: systemctl --user disable --now %s.socket %s.service\n", name,
            name);
    }
    return QR_CLI_DONE;
}
