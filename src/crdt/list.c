/*
 * Lists that grow by half.
 */
#include "crdt/list.h"
#include <stdlib.h>

void *qr_list_grown(void *list, size_t needed, size_t *capacity, size_t size)
{
    if (needed <= *capacity) {
        return list;
    }
    size_t larger = needed + needed / 2;
    void *grown = realloc(list, larger * size);
    if (grown != NULL) {
        *capacity = larger;
    }
    return grown;
}
