/*
 * The list of invited accounts.
 */
#include "server/invitations.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_LEAST 16 /* 64 bits of a hash: an id that begins with them cannot be made to order */
#define FILE_BYTES_MAX (256 * 1024)

bool qr_invitations_list(const char *path, const uint8_t user[32])
{
    char id[65], line[256];
    size_t read = 0;
    bool listed = false;
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", user[i]);
    }
    FILE *file = fopen(path, "re");
    while (file != NULL && !listed && read < FILE_BYTES_MAX
        && fgets(line, sizeof line, file) != NULL) {
        size_t digits = strspn(line, "0123456789abcdef");
        read += strlen(line);
        listed = digits >= DIGITS_LEAST && digits <= 64 && strchr(" \t\r\n#", line[digits]) != NULL
            && memcmp(line, id, digits) == 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return listed;
}
