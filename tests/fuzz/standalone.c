/*
 * Runs a fuzz target over the files of a corpus, for compilers without libFuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        return -1;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        return -1;
    }
    /* As large as the input and no larger, so that a tool can see a read past its end. */
    int result = -1;
    uint8_t *data = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        data = size >= 0 ? malloc(size > 0 ? (size_t)size : 1) : NULL;
        if (data && fread(data, 1, (size_t)size, file) == (size_t)size) {
            LLVMFuzzerTestOneInput(data, (size_t)size);
            result = 0;
        }
    }
    free(data);
    fclose(file);
    return result;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
            if (entry->d_name[0] == '.') {
                continue;
            }
            if (run_file(argv[i], entry->d_name) != 0) {
                fprintf(stderr, "cannot read %s/%s\n", argv[i], entry->d_name);
                closedir(folder);
                return 1;
            }
            count++;
        }
        closedir(folder);
    }
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
