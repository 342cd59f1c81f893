#define _GNU_SOURCE /* memmem */
#include "socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define OPCODE_BINARY 2
#define OPCODE_CLOSE 8
#define OPCODE_PING 9

static enum quire_status queue_upgrade(struct load_socket *socket, const char *host)
{
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET /quire HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: cXVpcmUtbG9hZC1xdWlyZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: quire.1\r\n\r\n",
        host);
    if (size < 0 || (size_t)size >= sizeof request) {
        return QUIRE_EINVALID;
    }
    return quire_buffer_append(&socket->out, request, (size_t)size);
}

enum quire_status load_socket_connect(struct load_socket *target, const char *host)
{
    *target = (struct load_socket){.descriptor = -1};
    char address[64];
    const char *colon = strchr(host, ':');
    struct sockaddr_in peer = {.sin_family = AF_INET};
    if (colon == NULL || (size_t)(colon - host) >= sizeof address) {
        return QUIRE_EINVALID;
    }
    memcpy(address, host, (size_t)(colon - host));
    address[colon - host] = 0;
    peer.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, address, &peer.sin_addr) != 1) {
        return QUIRE_EINVALID;
    }
    int one = 1;
    target->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (target->descriptor < 0
        || setsockopt(target->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0
        || (connect(target->descriptor, (struct sockaddr *)&peer, sizeof peer) != 0
            && errno != EINPROGRESS)) {
        load_socket_close(target);
        return QUIRE_EIO;
    }
    return queue_upgrade(target, host);
}

void load_socket_close(struct load_socket *socket)
{
    if (socket->descriptor >= 0) {
        close(socket->descriptor);
    }
    quire_buffer_finish(&socket->in);
    quire_buffer_finish(&socket->out);
    *socket = (struct load_socket){.descriptor = -1};
}

static enum quire_status queue_frame(
    struct load_socket *socket, uint8_t opcode, struct quire_bytes message)
{
    /* Masked, as a client must, with a mask of zeros: the bytes go out as they are. */
    uint8_t head[14] = {(uint8_t)(0x80 | opcode), 0x80};
    size_t size = 2;
    if (message.size < 126) {
        head[1] |= (uint8_t)message.size;
    } else if (message.size < 65536) {
        head[1] |= 126;
        head[2] = (uint8_t)(message.size >> 8);
        head[3] = (uint8_t)message.size;
        size = 4;
    } else {
        head[1] |= 127;
        for (int i = 0; i < 8; i++) {
            head[2 + i] = (uint8_t)((uint64_t)message.size >> (56 - 8 * i));
        }
        size = 10;
    }
    enum quire_status status = quire_buffer_reserve(&socket->out, size + 4 + message.size);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(&socket->out, head, size + 4);
    }
    return status == QUIRE_OK ? quire_buffer_append(&socket->out, message.data, message.size)
                              : status;
}

enum quire_status load_socket_send(struct load_socket *socket, struct quire_bytes message)
{
    return queue_frame(socket, OPCODE_BINARY, message);
}

enum quire_status load_socket_flush(struct load_socket *socket)
{
    while (socket->sent < socket->out.size) {
        ssize_t count = send(socket->descriptor, socket->out.data + socket->sent,
            socket->out.size - socket->sent, MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            socket->wants_write = true;
            return QUIRE_OK;
        }
        if (count < 0) {
            return QUIRE_EIO;
        }
        socket->sent += (size_t)count;
    }
    quire_buffer_clear(&socket->out);
    socket->sent = 0;
    socket->wants_write = false;
    return QUIRE_OK;
}

static void drop_read(struct load_socket *socket, size_t size)
{
    memmove(socket->in.data, socket->in.data + size, socket->in.size - size);
    socket->in.size -= size;
}

/* 1: the answer to the upgrade is read. 0: not all here. -1: refused. */
static int take_upgrade(struct load_socket *socket)
{
    const uint8_t *end = memmem(socket->in.data, socket->in.size, "\r\n\r\n", 4);
    if (end == NULL) {
        return socket->in.size > 8192 ? -1 : 0;
    }
    if (memcmp(socket->in.data, "HTTP/1.1 101", 12) != 0) {
        fwrite(socket->in.data, 1, (size_t)(end - socket->in.data), stderr);
        return -1;
    }
    drop_read(socket, (size_t)(end - socket->in.data) + 4);
    socket->open = true;
    return 1;
}

/* Bytes of the frame at `from`, 0 if it is not all here. */
static size_t frame_size(const struct load_socket *socket, size_t from, size_t *out_head)
{
    const uint8_t *data = socket->in.data + from;
    size_t have = socket->in.size - from, head = 2;
    if (have < 2) {
        return 0;
    }
    uint64_t size = data[1] & 127;
    size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (have < head + extra) {
        return 0;
    }
    if (extra > 0) {
        size = 0;
        for (size_t i = 0; i < extra; i++) {
            size = size << 8 | data[2 + i];
        }
    }
    head += extra;
    *out_head = head;
    return have - head < size ? 0 : head + (size_t)size;
}

static enum quire_status take_frames(struct load_socket *socket,
    bool (*take)(void *context, struct quire_bytes message), void *context)
{
    size_t from = 0, head = 0, size;
    while ((size = frame_size(socket, from, &head)) > 0) {
        const uint8_t *data = socket->in.data + from;
        struct quire_bytes message = {data + head, size - head};
        uint8_t opcode = data[0] & 15;
        if (opcode == OPCODE_CLOSE) {
            return QUIRE_EIO;
        }
        if ((data[0] & 0x80) == 0) {
            return QUIRE_EMALFORMED; /* our server does not fragment */
        }
        if (opcode == OPCODE_PING && queue_frame(socket, 10, message) != QUIRE_OK) {
            return QUIRE_ENOMEM;
        }
        if (opcode == OPCODE_BINARY && !take(context, message)) {
            return QUIRE_EIO;
        }
        from += size;
    }
    drop_read(socket, from);
    return QUIRE_OK;
}

enum quire_status load_socket_receive(struct load_socket *socket,
    bool (*take)(void *context, struct quire_bytes message), void *context)
{
    for (;;) {
        if (quire_buffer_reserve(&socket->in, READ_SIZE) != QUIRE_OK) {
            return QUIRE_ENOMEM;
        }
        ssize_t count = recv(socket->descriptor, socket->in.data + socket->in.size, READ_SIZE, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return QUIRE_OK;
        }
        if (count <= 0) {
            return QUIRE_EIO;
        }
        socket->in.size += (size_t)count;
        if (!socket->open) {
            int upgraded = take_upgrade(socket);
            if (upgraded <= 0) {
                return upgraded == 0 ? QUIRE_OK : QUIRE_EIO;
            }
        }
        enum quire_status status = take_frames(socket, take, context);
        if (status != QUIRE_OK || count < READ_SIZE) {
            return status;
        }
    }
}
