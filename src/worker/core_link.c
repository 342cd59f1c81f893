/*
 * The socketpair and the process behind it.
 */
#define _GNU_SOURCE
#include "worker/core_link.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CORE_END 3
#define ARGUMENTS_MAX 64
#define BUFFER_SIZE (4 * (int)QR_LINK_MAX)

/* In the child: nothing but calls that are safe after a fork. */
static void become_core(int descriptor, pid_t gate, char *const *arguments)
{
    static char as_core[] = "--as-core", number[] = "3";
    char *own[ARGUMENTS_MAX + 3];
    size_t count = 0;
    for (; arguments[count] != NULL && count < ARGUMENTS_MAX; count++) {
        own[count] = arguments[count];
    }
    own[count++] = as_core;
    own[count++] = number;
    own[count] = NULL;
    bool good = descriptor == CORE_END ? fcntl(descriptor, F_SETFD, 0) == 0
                                       : dup2(descriptor, CORE_END) == CORE_END;
    if (good && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == gate) {
        execv("/proc/self/exe", own);
    }
    _exit(1);
}

enum quire_status qr_core_link_start(struct qr_core_link *link, char *const *arguments)
{
    int ends[2], size = BUFFER_SIZE;
    pid_t gate = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return QUIRE_EIO;
    }
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    pid_t process = fork();
    if (process == 0) {
        become_core(ends[1], gate, arguments);
    }
    (void)close(ends[1]);
    if (process < 0) {
        (void)close(ends[0]);
        return QUIRE_EIO;
    }
    *link = (struct qr_core_link){process, ends[0], arguments};
    return QUIRE_OK;
}

enum quire_status qr_core_link_send(struct qr_core_link *link, const struct qr_link *message)
{
    struct quire_buffer bytes = {0};
    enum quire_status status = qr_link_write(message, &bytes);
    /* One message is on its way at a time, so there is room. */
    if (status == QUIRE_OK
        && send(link->descriptor, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT)
            != (ssize_t)bytes.size) {
        status = QUIRE_EIO;
    }
    quire_buffer_finish(&bytes);
    return status;
}

enum quire_status qr_core_link_receive(
    struct qr_core_link *link, uint8_t *room, struct qr_link *out_message)
{
    ssize_t size = recv(link->descriptor, room, QR_LINK_MAX + 1, MSG_DONTWAIT);
    if (size < 0) {
        return errno == EAGAIN || errno == EINTR ? QUIRE_ENOTFOUND : QUIRE_EIO;
    }
    if (size == 0) {
        return QUIRE_EIO;
    }
    enum quire_status status = qr_link_read((struct quire_bytes){room, (size_t)size}, out_message);
    return status == QUIRE_OK && qr_link_is_request(out_message->type) ? QUIRE_EMALFORMED : status;
}

int qr_core_link_stop(struct qr_core_link *link, bool kill_it, int *out_code)
{
    int state = 0;
    *out_code = -1;
    if (link->process <= 0) {
        return 0;
    }
    (void)close(link->descriptor); /* it reads the end, and ends */
    if (kill_it) {
        (void)kill(link->process, SIGKILL);
    }
    while (waitpid(link->process, &state, 0) < 0 && errno == EINTR) {
    }
    link->process = 0;
    link->descriptor = -1;
    *out_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    return WIFSIGNALED(state) ? WTERMSIG(state) : 0;
}
