/*
 * The user's editor, as a child process on the same terminal.
 */
#ifndef QR_CLIENT_CLI_EDITOR_H
#define QR_CLIENT_CLI_EDITOR_H

#include <stdbool.h>
#include <stdint.h>

enum qr_cli_editor_end {
    QR_CLI_EDITOR_DONE,
    QR_CLI_EDITOR_ABSENT,  /* it could not be started */
    QR_CLI_EDITOR_FAILED,  /* it ended with an error, or by a signal */
    QR_CLI_EDITOR_STOPPED, /* this process was asked to end (SIGHUP, SIGTERM) and passed that on */
};

struct qr_cli_editor_run {
    const char *path;                 /* of the file to edit */
    void (*on_change)(void *context); /* the file was written meanwhile: at most once a second */
    void *context;
    uint64_t took_ms; /* out */
};

/** $VISUAL, else $EDITOR, else vi. */
const char *qr_cli_editor(void);

/**
 * Runs it and waits for its end. Meanwhile Ctrl-C and Ctrl-\ are the editor's alone; SIGHUP and SIGTERM
 * go to it, too, and it has 3 seconds to save.
 */
enum qr_cli_editor_end qr_cli_editor_run(struct qr_cli_editor_run *run);

#endif
