/*
 * daemon: syncs in the background. The control socket is served by a thread of its own; the client, its
 * callbacks and all output belong to the main thread.
 */
#define _GNU_SOURCE
#include "client/agent/agent.h"
#include "client/agent/daemon.h"
#include "client/cli/daemon.h"
#include "client/cli/keyring.h"
#include "client/cli/profiles.h"
#include "client/cli/service.h"
#include "client/lock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 1000        /* how soon a lock, a key or a server is noticed */
#define RETRY_FIRST_MS 5000 /* after a failure that is not the network's, doubling */
#define RETRY_MAX_MS 600000
#define ENDING_MS 10000 /* how long `daemon stop` waits */

/** Shared by both threads under `mutex`, but for what is atomic or set before the thread begins. */
struct daemon {
    struct qr_cli *cli;
    pthread_mutex_t mutex;
    struct qr_client_daemon_state state;
    int listener, wake[2];
    int done;       /* an event: the thread is to end */
    bool activated; /* the service manager made the socket and keeps it */
    atomic_bool ending, paused;
    bool by_agent; /* the key comes from the agent alone: without it the daemon waits */
    char key_file[QR_CLIENT_PATH_MAX];
};

static struct daemon *running; /* for the signal handler */

static void wake_up(struct daemon *daemon)
{
    ssize_t written = write(daemon->wake[1], "w", 1);
    (void)written; /* a full pipe wakes as well */
}

static void on_signal(int signal_number)
{
    int code = errno;
    (void)signal_number;
    atomic_store(&running->ending, true);
    quire_client_stop(running->cli->client);
    wake_up(running);
    errno = code;
}

static void set_state(struct daemon *daemon, bool online, const char *text)
{
    pthread_mutex_lock(&daemon->mutex);
    if (daemon->state.online != online || strcmp(daemon->state.text, text) != 0) {
        daemon->state.since_ms = qr_cli_wall_ms();
    }
    daemon->state.online = online;
    snprintf(daemon->state.text, sizeof daemon->state.text, "%s", text);
    pthread_mutex_unlock(&daemon->mutex);
    qr_cli_service_tell(online ? "STATUS=connected" : "STATUS=not connected");
}

/* What happens while it follows. */
static void watch(struct qr_cli *cli, const char *what, const char *text)
{
    struct daemon *daemon = running;
    (void)cli;
    if (strcmp(what, "online") == 0) {
        set_state(daemon, true, "");
    } else if (strcmp(what, "offline") == 0) {
        set_state(daemon, false, text);
    } else if (strcmp(what, "alarm") == 0 || strcmp(what, "rejected") == 0
        || strcmp(what, "device_added") == 0 || strcmp(what, "device_revoked") == 0) {
        qr_cli_service_notify(text);
    }
}

/* ---- the control socket ----------------------------------------------------------------------- */

static void answer(struct daemon *daemon, int connection)
{
    uint8_t request = 0;
    struct timeval patience = {.tv_sec = 1};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!qr_client_agent_is_ours(connection) || recv(connection, &request, 1, 0) != 1) {
        return;
    }
    switch (request) {
    case QR_CLIENT_DAEMON_STATE: break;
    case QR_CLIENT_DAEMON_WRITTEN: wake_up(daemon); return;
    case QR_CLIENT_DAEMON_LOCK: atomic_store(&daemon->paused, daemon->by_agent); break;
    case QR_CLIENT_DAEMON_END: atomic_store(&daemon->ending, true); break;
    default: return;
    }
    if (request != QR_CLIENT_DAEMON_STATE) {
        quire_client_stop(daemon->cli->client);
        wake_up(daemon);
    }
    pthread_mutex_lock(&daemon->mutex);
    struct qr_client_daemon_state state = daemon->state;
    pthread_mutex_unlock(&daemon->mutex);
    ssize_t sent = send(connection, &state, sizeof state, MSG_NOSIGNAL);
    (void)sent;
}

static void *serve(void *context)
{
    struct daemon *daemon = context;
    while (!atomic_load(&daemon->ending)) {
        struct pollfd files[] = {{daemon->listener, POLLIN, 0}, {daemon->done, POLLIN, 0}};
        if (poll(files, 2, LOOK_MS) > 0 && (files[0].revents & POLLIN) != 0) {
            int connection = accept4(daemon->listener, NULL, NULL, SOCK_CLOEXEC);
            if (connection >= 0) {
                answer(daemon, connection);
                close(connection);
            }
        }
        if (daemon->by_agent && !atomic_load(&daemon->paused)
            && qr_client_agent_seconds(daemon->key_file) == 0) {
            atomic_store(&daemon->paused, true);
            quire_client_stop(daemon->cli->client);
            wake_up(daemon);
        }
    }
    return NULL;
}

static enum qr_cli_exit listen_there(struct daemon *daemon, const char *profile)
{
    struct sockaddr_un address;
    struct qr_client_error error;
    struct qr_client_daemon_state other;
    daemon->listener = qr_cli_service_socket();
    daemon->activated = daemon->listener >= 0;
    if (daemon->activated) {
        return QR_CLI_DONE;
    }
    enum quire_status status = qr_client_daemon_address(profile, &address, &error);
    if (status == QUIRE_OK && qr_client_daemon_ask(profile, QR_CLIENT_DAEMON_STATE, &other)) {
        status = qr_client_fail(&error, QUIRE_ECONFLICT,
            "A daemon syncs this profile already (pid %lld).", (long long)other.pid);
    }
    if (status == QUIRE_OK) {
        unlink(address.sun_path); /* of one that died */
        daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        mode_t before = umask(0177);
        if (daemon->listener < 0
            || bind(daemon->listener, (const struct sockaddr *)&address, sizeof address) != 0
            || listen(daemon->listener, 16) != 0) {
            status = qr_client_fail(
                &error, QUIRE_EIO, "Cannot listen on %s: %s.", address.sun_path, strerror(errno));
        }
        umask(before);
    }
    if (status != QUIRE_OK) {
        qr_cli_error(daemon->cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    return QR_CLI_DONE;
}

static void stop_listening(struct daemon *daemon, const char *profile)
{
    struct sockaddr_un address;
    struct qr_client_error ignored;
    if (!daemon->activated && qr_client_daemon_address(profile, &address, &ignored) == QUIRE_OK) {
        unlink(address.sun_path);
    }
    close(daemon->listener);
}

/* ---- following -------------------------------------------------------------------------------- */

static void wait_for(struct daemon *daemon, int milliseconds)
{
    char drop[64];
    struct pollfd file = {daemon->wake[0], POLLIN, 0};
    if (!atomic_load(&daemon->ending) && poll(&file, 1, milliseconds) == 1) {
        while (read(daemon->wake[0], drop, sizeof drop) > 0) {
        }
    }
}

static void say(struct daemon *daemon, const char *text)
{
    bool same = strcmp(daemon->state.text, text) == 0; /* only this thread changes it */
    set_state(daemon, false, text);
    if (!same && !daemon->cli->json) {
        fprintf(stderr, "quire: %s\n", text);
    }
}

/* The key is the agent's to give: waits until it has it. */
static bool wait_for_key(struct daemon *daemon)
{
    while (!atomic_load(&daemon->ending) && daemon->by_agent
        && qr_client_agent_seconds(daemon->key_file) == 0) {
        say(daemon, "The profile is locked; it waits for `quire unlock`.");
        wait_for(daemon, LOOK_MS);
    }
    atomic_store(&daemon->paused, false);
    return !atomic_load(&daemon->ending);
}

/* One time in the profile: until it is told to stop, or something is wrong. */
static enum quire_status follow_once(struct daemon *daemon, bool *out_no_server)
{
    struct quire_client *client = daemon->cli->client;
    enum quire_status status = quire_client_open(client);
    *out_no_server = false;
    if (status == QUIRE_OK && quire_client_server(client)[0] == 0) {
        *out_no_server = true;
    } else if (status == QUIRE_OK) {
        status = quire_client_follow(client);
    }
    quire_client_close(client);
    return status;
}

static void follow(struct daemon *daemon)
{
    int retry_ms = RETRY_FIRST_MS;
    while (wait_for_key(daemon)) {
        bool no_server = false;
        enum quire_status status = follow_once(daemon, &no_server);
        if (atomic_load(&daemon->paused)) {
            qr_client_forget_key(daemon->cli->client);
            continue;
        }
        if (atomic_load(&daemon->ending)) {
            break;
        }
        if (no_server) {
            say(daemon, "No server is set yet: quire server wss://host:port.");
            wait_for(daemon, RETRY_FIRST_MS);
        } else if (status == QUIRE_OK) {
            retry_ms = RETRY_FIRST_MS; /* asked to stop by a signal that another loop took */
        } else {
            char text[256];
            snprintf(text, sizeof text, "%s", quire_client_error(daemon->cli->client));
            bool news = strcmp(daemon->state.text, text) != 0;
            say(daemon, text);
            if (news && status != QUIRE_ELOCKED) {
                qr_cli_service_notify(text);
            }
            wait_for(daemon, retry_ms);
            retry_ms = retry_ms < RETRY_MAX_MS / 2 ? retry_ms * 2 : RETRY_MAX_MS;
        }
    }
}

static enum qr_cli_exit run(struct qr_cli *cli, const char *profile)
{
    struct daemon daemon = {.cli = cli, .listener = -1, .state.pid = getpid()};
    pthread_t thread;
    struct qr_client_path key_file;
    enum quire_status status = qr_client_profile_key_path(cli->client, &key_file);
    if (status != QUIRE_OK) {
        return qr_cli_failure(cli, status);
    }
    strcpy(daemon.key_file, key_file.text);
    daemon.by_agent = qr_client_key_is_sealed(key_file.text) && qr_cli_passphrase_file(cli) == NULL
        && !qr_cli_keyring_is_used(key_file.text);
    daemon.state.since_ms = qr_cli_wall_ms();
    atomic_init(&daemon.ending, false);
    atomic_init(&daemon.paused, false);
    enum qr_cli_exit exit = listen_there(&daemon, profile);
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    daemon.done = eventfd(0, EFD_CLOEXEC);
    if (daemon.done < 0 || pipe2(daemon.wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        stop_listening(&daemon, profile);
        return qr_cli_no_memory(cli);
    }
    pthread_mutex_init(&daemon.mutex, NULL);
    running = &daemon;
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    int failed = pthread_create(&thread, NULL, serve, &daemon);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    if (failed == 0) {
        cli->following = true;
        cli->watch = watch;
        qr_cli_service_tell("READY=1");
        follow(&daemon);
        qr_cli_service_tell("STOPPING=1");
        atomic_store(&daemon.ending, true);
        eventfd_write(daemon.done, 1);
        pthread_join(thread, NULL);
    }
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    stop_listening(&daemon, profile);
    close(daemon.done);
    close(daemon.wake[0]);
    close(daemon.wake[1]);
    pthread_mutex_destroy(&daemon.mutex);
    return failed == 0 ? QR_CLI_DONE : qr_cli_no_memory(cli);
}

/* ---- the command ------------------------------------------------------------------------------ */

bool qr_cli_daemon_state(struct qr_cli *cli, struct qr_client_daemon_state *out_state)
{
    struct qr_client_path profile;
    struct qr_client_error ignored;
    const char *option = NULL;
    return qr_cli_find_profile(cli, &option) == QR_CLI_DONE
        && qr_client_profile_path(option, &profile, &ignored) == QUIRE_OK
        && qr_client_daemon_ask(profile.text, QR_CLIENT_DAEMON_STATE, out_state);
}

void qr_cli_daemon_print(const struct qr_client_daemon_state *state)
{
    char since[48];
    qr_cli_time_text(state->since_ms, since);
    if (state->online) {
        printf("in the background, connected since %s\n", since);
    } else {
        printf("in the background, not connected since %s%s%s\n", since,
            state->text[0] != 0 ? ": " : "", state->text);
    }
}

static enum qr_cli_exit print_state(struct qr_cli *cli)
{
    struct qr_client_daemon_state state = {0};
    bool runs = qr_cli_daemon_state(cli, &state);
    if (cli->json) {
        return qr_cli_print_json(
            cli, json_pack("{s:o}", "daemon", qr_cli_daemon_json(runs, &state)));
    }
    if (!runs) {
        printf("No daemon syncs this profile. With systemd: quire daemon install\n");
        return QR_CLI_FAILED;
    }
    printf("Syncs ");
    qr_cli_daemon_print(&state);
    return QR_CLI_DONE;
}

json_t *qr_cli_daemon_json(bool runs, const struct qr_client_daemon_state *state)
{
    return !runs
        ? json_null()
        : json_pack("{s:I, s:b, s:I, s:s}", "pid", (json_int_t)state->pid, "online",
            (int)state->online, "since_ms", (json_int_t)state->since_ms, "text", state->text);
}

/* Also one that only waits for its parent to ask for its exit code. */
static bool has_ended(int64_t pid)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    struct quire_buffer text = {0};
    bool ended = qr_client_path(&path, &ignored, "/proc/%lld/stat", (long long)pid) != QUIRE_OK
        || qr_client_read_file(path.text, 4096, &text, &ignored) != QUIRE_OK
        || quire_buffer_append(&text, "", 1) != QUIRE_OK
        || strstr((const char *)text.data, ") Z ") != NULL;
    quire_buffer_finish(&text);
    return ended;
}

static enum qr_cli_exit stop(struct qr_cli *cli, const char *profile)
{
    struct qr_client_daemon_state state = {0};
    if (!qr_client_daemon_ask(profile, QR_CLIENT_DAEMON_END, &state)) {
        qr_cli_error(cli, QUIRE_ENOTFOUND, QR_CLI_FAILED, "No daemon syncs this profile.", NULL);
        return QR_CLI_FAILED;
    }
    for (int waited = 0; waited < ENDING_MS && !has_ended(state.pid); waited += 50) {
        poll(NULL, 0, 50);
    }
    if (cli->json) {
        return qr_cli_print_json(cli, json_pack("{s:b}", "stopped", 1));
    }
    printf("Stopped.\n");
    return QR_CLI_DONE;
}

enum qr_cli_exit qr_cli_daemon(struct qr_cli *cli)
{
    struct qr_client_path profile;
    struct qr_client_error error;
    const char *action = cli->args.operand_count == 0 ? "run" : cli->args.operands[0];
    const char *option = NULL;
    enum qr_cli_exit exit = qr_cli_client(cli);
    if (exit == QR_CLI_DONE) {
        exit = qr_cli_find_profile(cli, &option);
    }
    if (exit != QR_CLI_DONE) {
        return exit;
    }
    enum quire_status status = qr_client_profile_path(option, &profile, &error);
    if (status != QUIRE_OK) {
        qr_cli_error(cli, status, QR_CLI_FAILED, error.text, NULL);
        return QR_CLI_FAILED;
    }
    if (strcmp(action, "run") == 0) {
        return run(cli, profile.text);
    }
    if (strcmp(action, "status") == 0) {
        return print_state(cli);
    }
    if (strcmp(action, "stop") == 0) {
        return stop(cli, profile.text);
    }
    if (strcmp(action, "install") == 0 || strcmp(action, "uninstall") == 0) {
        return qr_cli_service_install(cli, profile.text, action[0] == 'i');
    }
    return qr_cli_usage(cli, "It is: quire daemon, or with status, stop, install or uninstall.");
}

void qr_cli_nudge(struct qr_cli *cli)
{
    static const char *const writers[] = {"write", "append", "edit", "delete", "undelete",
        "restore", "undo", "import", "type", "drafts", "suggest"};
    struct qr_client_path profile;
    struct qr_client_error ignored;
    const char *option = NULL;
    for (size_t i = 0; cli->command != NULL && i < sizeof writers / sizeof writers[0]; i++) {
        if (strcmp(cli->command->name, writers[i]) == 0
            && qr_cli_find_profile(cli, &option) == QR_CLI_DONE
            && qr_client_profile_path(option, &profile, &ignored) == QUIRE_OK) {
            qr_client_daemon_nudge(profile.text);
            return;
        }
    }
}
