/*
 * Making folders, and making their content's names durable.
 */
#include "server/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum quire_status qr_folder_sync(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return QUIRE_EIO;
    }
    int failed = fsync(folder);
    close(folder);
    return failed == 0 ? QUIRE_OK : QUIRE_EIO;
}

enum quire_status qr_folder_make(const char *path)
{
    char parent[PATH_MAX];
    int length = snprintf(parent, sizeof parent, "%s/..", path);
    if (length < 0 || (size_t)length >= sizeof parent) {
        errno = ENAMETOOLONG;
        return QUIRE_EIO;
    }
    if (mkdir(path, 0700) == 0) {
        return qr_folder_sync(parent);
    }
    if (errno == EEXIST) {
        return QUIRE_OK;
    }
    return errno == ENOSPC || errno == EDQUOT ? QUIRE_EFULL : QUIRE_EIO;
}
