#include "kit/need.h"
#include <stdio.h>
#include <stdlib.h>

void kit_need(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        fprintf(stderr, "%s:%d: the test needs %s\n", file, line, what);
        abort();
    }
}
