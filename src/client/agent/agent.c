/*
 * The agent's process.
 */
#define _GNU_SOURCE
#include "client/agent/agent.h"
#include "client/files.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_S 10 /* how often it looks whether its socket is still there */
#define BACKLOG 16

struct agent {
    int listener, timer, signals;
    struct sockaddr_un address;
    ino_t socket_inode;
    struct qr_client_agent_reply
        *full; /* the reply with the key, in memory of sodium_malloc: the key
                                         * is nowhere else, for the stack is not locked */
    uint32_t seconds;
    uint64_t deadline_s;
};

static uint64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec;
}

static uint32_t seconds_left(const struct agent *agent)
{
    uint64_t now = now_s();
    return now >= agent->deadline_s ? 0 : (uint32_t)(agent->deadline_s - now);
}

static bool socket_is_there(const struct agent *agent)
{
    struct stat info;
    return stat(agent->address.sun_path, &info) == 0 && info.st_ino == agent->socket_inode;
}

_Noreturn static void end(struct agent *agent, int connection)
{
    sodium_free(agent->full); /* wipes */
    if (socket_is_there(agent)) {
        unlink(agent->address.sun_path);
    }
    if (connection >= 0) {
        close(connection);
    }
    _exit(0);
}

static void set_timer(const struct agent *agent)
{
    uint32_t left = seconds_left(agent);
    struct itimerspec when = {.it_value.tv_sec = left < LOOK_S ? left : LOOK_S};
    when.it_value.tv_nsec = when.it_value.tv_sec == 0; /* all zeros would stop it */
    timerfd_settime(agent->timer, 0, &when, NULL);
}

static void answer(struct agent *agent, int connection)
{
    uint8_t request = 0;
    struct qr_client_agent_reply without_key = {.good = 1};
    struct timeval patience = {.tv_sec = 1};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!qr_client_agent_is_ours(connection) || recv(connection, &request, 1, 0) != 1
        || seconds_left(agent) == 0) {
        return;
    }
    if (request == QR_CLIENT_AGENT_KEY) {
        agent->deadline_s = now_s() + agent->seconds;
    } else if (request != QR_CLIENT_AGENT_STATE && request != QR_CLIENT_AGENT_FORGET) {
        return;
    }
    struct qr_client_agent_reply *reply =
        request == QR_CLIENT_AGENT_KEY ? agent->full : &without_key;
    reply->seconds = seconds_left(agent);
    ssize_t sent = send(connection, reply, sizeof *reply, MSG_NOSIGNAL);
    (void)sent; /* the asking process sees that something is missing */
    if (request == QR_CLIENT_AGENT_FORGET) {
        end(agent, connection);
    }
}

_Noreturn static void serve(struct agent *agent)
{
    for (;;) {
        struct pollfd files[] = {
            {agent->listener, POLLIN, 0}, {agent->timer, POLLIN, 0}, {agent->signals, POLLIN, 0}};
        set_timer(agent);
        if (poll(files, sizeof files / sizeof files[0], -1) < 0 && errno != EINTR) {
            end(agent, -1);
        }
        if (files[2].revents != 0 || seconds_left(agent) == 0 || !socket_is_there(agent)) {
            end(agent, -1);
        }
        if ((files[0].revents & POLLIN) != 0) {
            int connection = accept4(agent->listener, NULL, NULL, SOCK_CLOEXEC);
            if (connection >= 0) {
                answer(agent, connection);
                close(connection);
            }
        }
    }
}

static void leave_the_session(int keep, int keep_too)
{
    setsid();
    if (chdir("/") != 0) {
        errno = 0;
    }
    int nothing = open("/dev/null", O_RDWR);
    for (int file = 0; file < 3; file++) {
        dup2(nothing, file);
    }
    int from = keep < keep_too ? keep : keep_too, to = keep < keep_too ? keep_too : keep;
    close_range(3, (unsigned)from - 1, 0);
    if (to > from + 1) {
        close_range((unsigned)from + 1, (unsigned)to - 1, 0);
    }
    close_range((unsigned)to + 1, ~0U, 0);
}

/* In the child. One byte tells the parent that it is ready: 1 if its memory is locked, else 2. */
_Noreturn static void become_agent(
    struct agent *agent, uint8_t key[QUIRE_PROFILE_KEY_SIZE], int ready)
{
    sigset_t ending;
    leave_the_session(agent->listener, ready);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NAME, "quire-agent");
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    agent->full = sodium_malloc(sizeof *agent->full);
    bool locked = agent->full != NULL && mlock(agent->full, sizeof *agent->full) == 0;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    agent->signals = signalfd(-1, &ending, SFD_CLOEXEC);
    agent->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    if (agent->full == NULL || agent->timer < 0 || agent->signals < 0) {
        _exit(1);
    }
    memset(agent->full, 0, sizeof *agent->full);
    agent->full->good = 1;
    memcpy(agent->full->key, key, QUIRE_PROFILE_KEY_SIZE);
    qr_client_wipe(key, QUIRE_PROFILE_KEY_SIZE); /* its memory is not locked here */
    agent->deadline_s = now_s() + agent->seconds;
    uint8_t state = locked ? 1 : 2;
    if (write(ready, &state, 1) != 1) {
        _exit(1);
    }
    close(ready);
    serve(agent);
}

static bool listen_there(struct agent *agent)
{
    struct stat info;
    unlink(agent->address.sun_path); /* of an agent that died */
    mode_t before = umask(0177);
    bool good =
        bind(agent->listener, (const struct sockaddr *)&agent->address, sizeof agent->address) == 0;
    int code = errno;
    umask(before);
    good = good && chmod(agent->address.sun_path, 0600) == 0
        && stat(agent->address.sun_path, &info) == 0 && listen(agent->listener, BACKLOG) == 0;
    agent->socket_inode = good ? info.st_ino : 0;
    errno = errno == 0 ? code : errno;
    return good;
}

/* The child's child is the agent, so that no process has to wait for it. */
static bool fork_agent(struct agent *agent, uint8_t key[QUIRE_PROFILE_KEY_SIZE], bool *out_locked)
{
    int ready[2];
    uint8_t state = 0;
    if (pipe2(ready, O_CLOEXEC) != 0) {
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        if (fork() == 0) {
            become_agent(agent, key, ready[1]);
        }
        _exit(0);
    }
    close(ready[1]);
    ssize_t size = -1;
    if (child > 0) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        }
        while ((size = read(ready[0], &state, 1)) < 0 && errno == EINTR) {
        }
    }
    close(ready[0]);
    *out_locked = state == 1;
    return size == 1;
}

enum quire_status qr_client_agent_start(const char *key_file, uint8_t key[QUIRE_PROFILE_KEY_SIZE],
    uint32_t seconds, bool *out_locked, struct qr_client_error *error)
{
    struct agent agent = {.listener = -1, .timer = -1, .signals = -1, .seconds = seconds};
    enum quire_status status = qr_client_agent_address(key_file, &agent.address, error);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_client_path folder;
    status = qr_client_path(&folder, error, "%s", agent.address.sun_path);
    if (status != QUIRE_OK) {
        return status;
    }
    int turn = open(dirname(folder.text), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (turn >= 0) {
        flock(turn, LOCK_EX); /* so that of two that start at once one stays */
    }
    qr_client_agent_forget(key_file);
    agent.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    errno = 0;
    if (agent.listener < 0 || sodium_init() < 0 || !listen_there(&agent)
        || !fork_agent(&agent, key, out_locked)) {
        status = qr_client_fail(error, QUIRE_EIO,
            "The agent that would keep the profile unlocked does not start: %s. Commands ask for "
            "the passphrase each time.",
            errno != 0 ? strerror(errno) : "the process ended");
        unlink(agent.address.sun_path);
    }
    if (agent.listener >= 0) {
        close(agent.listener);
    }
    if (turn >= 0) {
        close(turn);
    }
    return status;
}
