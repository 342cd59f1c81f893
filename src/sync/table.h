/*
 * uthash as the core uses it: without memory it must not end the process, but leave the element out.
 * Then element->hh.tbl is NULL.
 */
#ifndef QR_SYNC_TABLE_H
#define QR_SYNC_TABLE_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
