/*
 * What memory one entry takes: its state is read from a file, merged into an empty document, or opened
 * encoded; then its text is read, and a letter typed into it. Writes a line of JSON: bytes of memory
 * that the process has, by the system's count, over what it had before.
 *
 *   peak     the most while it was merged or opened, and its text read
 *   steady   then, the copy of the text freed
 *   edited   with the letter typed; edited_peak the most from the beginning on
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <malloc.h>
#include <quire/document.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench-memory: %s\n", what);
        exit(1);
    }
}

#define OK(call) need((call) == QUIRE_OK, #call)

/** A line of /proc/self/status, in bytes. */
static long status_of(const char *name)
{
    char line[256];
    long kilobytes = -1;
    FILE *file = fopen("/proc/self/status", "re");
    need(file != NULL, "this system does not say what memory a process has (/proc/self/status)");
    while (kilobytes < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kilobytes = strtol(line + strlen(name), NULL, 10);
        }
    }
    fclose(file);
    need(kilobytes >= 0, "no such line in /proc/self/status");
    return kilobytes * 1024;
}

/** From now on the peak is counted anew. */
static void forget_peak(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    need(file >= 0 && write(file, "5", 1) == 1, "the peak cannot be reset (/proc/self/clear_refs)");
    close(file);
}

static void read_file(const char *path, struct quire_buffer *out_bytes)
{
    uint8_t part[65536];
    size_t size;
    FILE *file = fopen(path, "rbe");
    need(file != NULL, "the state cannot be read");
    while ((size = fread(part, 1, sizeof part, file)) > 0) {
        OK(quire_buffer_append(out_bytes, part, size));
    }
    need(!ferror(file), "the state cannot be read");
    fclose(file);
}

int main(int argc, char **argv)
{
    bool merges = argc == 3 && strcmp(argv[1], "merge") == 0;
    if (argc != 3 || (!merges && strcmp(argv[1], "open") != 0)) {
        fprintf(stderr,
            "usage: %s merge|open STATE\nSays what memory an entry takes; STATE is a file of "
            "what quire_document_encode writes.\n",
            argv[0]);
        return 2;
    }
    struct quire_buffer file = {0};
    struct quire_buffer state = {0};
    struct quire_buffer text = {0};
    struct quire_document *document;
    const struct quire_stamp stamp = {{'m', 'e', 'm', 'o', 'r', 'y'}, 1};
    read_file(argv[2], &file);
    malloc_trim(0);
    forget_peak();
    long before = status_of("VmRSS:");
    if (merges) {
        OK(quire_document_create(&document));
        OK(quire_document_merge(document, quire_buffer_bytes(&file)));
    } else { /* who opens it has read it from a disk: the copy counts */
        OK(quire_buffer_append(&state, file.data, file.size));
        OK(quire_document_open(&state, &document));
    }
    OK(quire_document_text(document, &text));
    long peak = status_of("VmHWM:") - before;
    size_t text_size = text.size;
    quire_buffer_finish(&text);
    malloc_trim(0);
    long steady = status_of("VmRSS:") - before;
    OK(quire_document_insert(document, &stamp, 0, quire_bytes_of_text("x")));
    long edited_peak = status_of("VmHWM:") - before;
    malloc_trim(0);
    long edited = status_of("VmRSS:") - before;
    printf("{\"measure\": \"%s\", \"state_bytes\": %zu, \"text_bytes\": %zu, \"peak_bytes\": %ld, "
           "\"steady_bytes\": %ld, \"edited_bytes\": %ld, \"edited_peak_bytes\": %ld}\n",
        argv[1], file.size, text_size, peak, steady, edited, edited_peak);
    quire_document_destroy(document);
    quire_buffer_finish(&file);
    return 0;
}
