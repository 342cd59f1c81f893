/*
 * Text from standard input.
 */
#define _GNU_SOURCE
#include "client/cli/cli.h"
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITER_MS 1000 /* for the other end of a pipe to write or to close */

bool qr_cli_input_is_text(void)
{
    struct stat info;
    return fstat(STDIN_FILENO, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode));
}

bool qr_cli_input_is_unread(void)
{
    struct stat info;
    if (fstat(STDIN_FILENO, &info) != 0) {
        return false;
    }
    if (S_ISREG(info.st_mode)) {
        off_t offset = lseek(STDIN_FILENO, 0, SEEK_CUR);
        return offset >= 0 && offset < info.st_size;
    }
    if (!S_ISFIFO(info.st_mode)) {
        return false;
    }
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    int ready;
    do {
        ready = poll(&input, 1, WRITER_MS);
    } while (ready < 0 && errno == EINTR);
    return ready == 0 || (input.revents & POLLIN) != 0; /* else its writer is gone */
}

enum quire_status qr_cli_read_input(size_t max_size, struct quire_buffer *out_text)
{
    for (;;) {
        if (quire_buffer_reserve(out_text, 16384) != QUIRE_OK) {
            return QUIRE_ENOMEM;
        }
        ssize_t size = read(STDIN_FILENO, out_text->data + out_text->size, 16384);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size == 0 ? QUIRE_OK : QUIRE_EIO;
        }
        out_text->size += (size_t)size;
        if (out_text->size > max_size) {
            return QUIRE_ELIMIT;
        }
    }
}
