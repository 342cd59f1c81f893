/*
 * Folders that are still there after a power cut.
 */
#ifndef QR_SERVER_FOLDER_H
#define QR_SERVER_FOLDER_H

#include <quire/status.h>

/** Makes the folder, mode 0700, unless it is there. EFULL, EIO: errno says why. */
QUIRE_CHECKED enum quire_status qr_folder_make(const char *path);
/** Makes the names in it durable. EIO. */
QUIRE_CHECKED enum quire_status qr_folder_sync(const char *path);

#endif
