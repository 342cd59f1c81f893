/*
 * The core's shell: clock, random bytes, one descriptor.
 */
#define _GNU_SOURCE
#include "worker/core_process.h"
#include "worker/core.h"
#include "worker/instance.h"
#include "worker/link.h"
#include "worker/models.h"
#include "worker/sandbox.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define EXIT_SETTINGS 2
#define EXIT_SANDBOX 3
#define EXIT_BAD_MESSAGE 5
#define POLICY_FILTER 1
#define POLICY_LOCKED 2
#define STACK_TOUCHED ((size_t)512 << 10)

static uint8_t received[QR_LINK_MAX + 1]; /* one more than fits, to notice */

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool send_message(int descriptor, const struct quire_buffer *message)
{
    return write(descriptor, message->data, message->size) == (ssize_t)message->size;
}

/* Answers until the gate is gone. Nothing is printed here: the filter would end the process. */
static int serve(struct qr_worker_core *core, int descriptor)
{
    struct quire_buffer answer = {0};
    int code = EXIT_FAILURE;
    enum quire_status status = qr_worker_core_ready(core, &answer);
    while (status == QUIRE_OK && send_message(descriptor, &answer)) {
        struct qr_worker_event event = {.wall_ms = 0};
        ssize_t size = read(descriptor, received, sizeof received);
        if (size <= 0) {
            code = size == 0 || errno == ECONNRESET ? 0 : EXIT_FAILURE;
            break;
        }
        event.wall_ms = wall_ms();
        event.bytes = (struct quire_bytes){received, (size_t)size};
        if (getrandom(event.entropy, sizeof event.entropy, 0) != (ssize_t)sizeof event.entropy) {
            break;
        }
        quire_buffer_clear(&answer);
        status = qr_worker_core_step(core, &event, &answer);
        if (status == QUIRE_EMALFORMED) {
            code = EXIT_BAD_MESSAGE;
        }
        qr_sandbox_clear_stack();
    }
    quire_buffer_finish(&answer);
    return code;
}

/* Which program this is, for the lane keys. */
static bool hash_program(uint8_t out_hash[QR_HASH_SIZE])
{
    struct qr_hasher hasher;
    FILE *file = fopen("/proc/self/exe", "re");
    if (file == NULL) {
        return false;
    }
    qr_hasher_init(&hasher, QR_CONTEXT_BUILD);
    for (size_t size; (size = fread(received, 1, sizeof received, file)) > 0;) {
        qr_hasher_add(&hasher, received, size);
    }
    bool good = !ferror(file);
    fclose(file);
    qr_hasher_finish(&hasher, out_hash);
    return good;
}

/* So that the stack is there before memory is locked and the filter is set. */
static __attribute__((noinline)) void touch_stack(void)
{
    volatile char room[STACK_TOUCHED];
    for (size_t i = 0; i < sizeof room; i += 1024) {
        room[i] = 1;
    }
}

int qr_core_process_run(const struct qr_worker_options *options)
{
    char error[1024] = "";
    struct qr_instance instance;
    struct qr_worker_core *core = NULL;
    int code = EXIT_SETTINGS;
    if (!qr_crypto_init()) {
        fprintf(stderr, "quire-insight: libsodium does not start.\n");
        return EXIT_SETTINGS;
    }
    if (qr_instance_load(options->profile, options->key_file, &instance, error, sizeof error)
        != QUIRE_OK) {
        fprintf(stderr, "quire-insight: %s\n", error);
        return EXIT_SETTINGS;
    }
    struct qr_worker_core_options core_options = {.vault = instance.vault,
        .roster_count = instance.roster.count,
        .rotate_ms = (int64_t)options->rotate_hours * 3600 * 1000,
        .policy = options->allow_unlocked ? POLICY_FILTER : POLICY_FILTER | POLICY_LOCKED};
    memcpy(core_options.grantee, instance.roster.user, QR_USER_SIZE);
    core_options.bundle_count = qr_models(core_options.bundles);
    enum quire_status status =
        !hash_program(core_options.build) ? QUIRE_EIO : qr_worker_core_create(&core_options, &core);
    if (status != QUIRE_OK) {
        fprintf(stderr, "quire-insight: the core does not start: %s.\n", quire_status_text(status));
        goto out;
    }
    touch_stack();
    struct qr_sandbox_options sandbox = {
        .descriptor = options->as_core, .allow_unlocked = options->allow_unlocked};
    if (qr_sandbox_enter(&sandbox, error, sizeof error) != QUIRE_OK) {
        fprintf(stderr, "quire-insight: %s\n", error);
        code = EXIT_SANDBOX;
        goto out;
    }
    code = serve(core, options->as_core);
out:
    qr_worker_core_destroy(core);
    qr_instance_finish(&instance);
    return code;
}
