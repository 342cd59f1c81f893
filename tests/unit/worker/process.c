/*
 * The core as a process, in its sandbox, with a test in the place of the gate and of the person: one copy is read, and
 * afterwards the memory of the core is searched for its text.
 *
 * usage: worker-process --profile FOLDER --key-file FILE --allow-unlocked
 * The text is drawn at random, so that it is in no file of the program. QUIRE_TEST_NO_WIPE, set by this program for one of
 * its cores, takes the wiping out: the search must find the text then.
 */
#define _GNU_SOURCE
#include "person.h"
#include "worker/core_link.h"
#include "worker/core_process.h"
#include "worker/failpoints.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define COPIES 1000

bool qr_core_failpoints[QR_CORE_FAILPOINT_COUNT];

struct session {
    struct qr_core_link link;
    struct person person;
    struct grant_plan grant;
    struct copy_plan copy;
    struct quire_buffer lane_key;
    uint8_t room[QR_LINK_MAX + 1];
};

static int number, failed;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, name);
    (void)fflush(stdout);
    failed += !good;
}

/* Waits for a message; false: the core is gone. */
static bool hear(struct session *session, struct qr_link *out_message)
{
    struct timespec pause = {0, 100000};
    for (int i = 0; i < 100000; i++) {
        enum quire_status status = qr_core_link_receive(&session->link, session->room, out_message);
        if (status != QUIRE_ENOTFOUND) {
            return status == QUIRE_OK;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static bool start(struct session *session, char *const *arguments, bool no_wipe)
{
    struct qr_link message;
    if (no_wipe) {
        setenv("QUIRE_TEST_NO_WIPE", "1", 1);
    } else {
        unsetenv("QUIRE_TEST_NO_WIPE");
    }
    if (qr_core_link_start(&session->link, arguments) != QUIRE_OK || !hear(session, &message)
        || message.type != QR_LINK_READY) {
        return false;
    }
    memcpy(session->grant.grantee, message.ready.grantee, 32);
    memcpy(session->copy.grantee, message.ready.grantee, 32);
    memcpy(session->grant.analyser, message.ready.analyser, 32);
    if (qr_core_link_send(&session->link, &(struct qr_link){.type = QR_LINK_TICK}) != QUIRE_OK
        || !hear(session, &message) || message.type != QR_LINK_KEYS || message.keys.count != 1) {
        return false;
    }
    quire_buffer_clear(&session->lane_key);
    return quire_buffer_append(
               &session->lane_key, message.keys.items[0].data, message.keys.items[0].size)
        == QUIRE_OK;
}

/* The outcome of a copy; −1: there is none. */
static int share(struct session *session)
{
    struct quire_buffer grant = {0}, copy = {0};
    struct qr_link message;
    person_grant(&session->person, &session->grant, &grant);
    session->copy.lane_key = quire_buffer_bytes(&session->lane_key);
    session->copy.rev++;
    person_copy(&session->person, &session->copy, &copy);
    enum quire_status status = qr_core_link_send(&session->link,
        &(struct qr_link){.type = QR_LINK_COPY,
            .work = {7, quire_buffer_bytes(&grant), quire_buffer_bytes(&copy)}});
    quire_buffer_finish(&grant);
    quire_buffer_finish(&copy);
    return status == QUIRE_OK && hear(session, &message) && message.type == QR_LINK_RESULT
        ? message.done.outcome
        : -1;
}

/* How often a word stands in the memory of a process, as UTF-8 or as code points of 32 bits; −1: not to be read. */
static int search(pid_t process, const char *word)
{
    char path[64], line[512];
    uint32_t points[32];
    size_t size = strlen(word);
    int hits = 0;
    for (size_t i = 0; i < size; i++) {
        points[i] = (uint8_t)word[i];
    }
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)process);
    FILE *maps = fopen(path, "re");
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)process);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    if (maps == NULL || memory < 0) {
        return -1;
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r') {
            continue;
        }
        uint8_t *bytes = malloc(to - from);
        ssize_t got = bytes == NULL ? -1 : pread(memory, bytes, to - from, (off_t)from);
        const uint8_t *at = bytes;
        for (; got > 0 && (at = memmem(at, (size_t)(bytes + got - at), word, size)) != NULL; at++) {
            hits++;
        }
        at = bytes;
        for (; got > 0 && (at = memmem(at, (size_t)(bytes + got - at), points, 4 * size)) != NULL;
             at++) {
            hits++;
        }
        free(bytes);
    }
    (void)fclose(maps);
    (void)close(memory);
    return hits;
}

static long status_of(pid_t process, const char *field)
{
    char path[64], line[256];
    long value = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t size = strlen(field);
        if (strncmp(line, field, size) == 0 && line[size] == ':') {
            value = strtol(line + size + 1, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return value;
}

static void draw_word(char out_word[17])
{
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        exit(99);
    }
    for (size_t i = 0; i < 16; i++) {
        out_word[i] = (char)('a' + bytes[i] % 26);
    }
    out_word[16] = 0;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    static struct session session;
    char word[17], text[256], error[512] = "";
    struct qr_worker_options options;
    int code;
    if (qr_worker_options_read(count, arguments, &options, error, sizeof error) != QUIRE_OK) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    if (options.as_core >= 0) {
        qr_core_failpoints[QR_CORE_NO_WIPE] = getenv("QUIRE_TEST_NO_WIPE") != NULL;
        return qr_core_process_run(&options);
    }
    printf("TAP version 13\n1..11\n");
    draw_word(word);
    (void)snprintf(
        text, sizeof text, "Today %s came to see me. I am so happy, it was wonderful!", word);
    if (!qr_crypto_init()) {
        return 1;
    }
    person_make(&session.person, 3);
    session.grant.purpose = 1;
    session.grant.fields = session.copy.fields = QR_FIELD_TEXT;
    session.grant.not_after = UINT64_MAX / 2;
    session.copy.text = text;

    check(start(&session, arguments, false), "the core starts in its sandbox and makes a lane key");
    check(share(&session) == QR_OUTCOME_DONE, "a shared copy is read");
    check(search(session.link.process, word) == 0,
        "nothing of its text is left in the core's memory");
    check(status_of(session.link.process, "Seccomp") == 2
            && status_of(session.link.process, "NoNewPrivs") == 1
            && status_of(session.link.process, "VmSwap") == 0,
        "it is filtered, without new privileges, and not swapped");
    session.copy.fault = 3;
    check(share(&session) == QR_OUTCOME_CLOSED && search(session.link.process, word) == 0,
        "a copy that does not open leaves nothing");
    session.copy.fault = 0;
    double from = seconds();
    bool all = true;
    for (int i = 0; i < COPIES; i++) {
        all &= share(&session) == QR_OUTCOME_DONE;
    }
    printf("# %.0f copies a second with making them; the core's RSS is %ld kB, locked %ld kB\n",
        COPIES / (seconds() - from), status_of(session.link.process, "VmRSS"),
        status_of(session.link.process, "VmLck"));
    check(all && search(session.link.process, word) == 0,
        "a thousand copies are read, and leave nothing");
    check(status_of(session.link.process, "VmRSS") < 24 * 1024, "its memory stays small");

    (void)kill(session.link.process, SIGKILL);
    struct qr_link message;
    bool gone = !hear(&session, &message);
    int signal_number = qr_core_link_stop(&session.link, false, &code);
    check(gone && signal_number == SIGKILL, "the gate survives a core that is killed");
    struct quire_buffer old = session.lane_key;
    session.lane_key = (struct quire_buffer){0};
    bool again = start(&session, arguments, false);
    struct quire_buffer fresh = session.lane_key;
    session.lane_key = old;
    bool closed = again && share(&session) == QR_OUTCOME_CLOSED;
    session.lane_key = fresh;
    check(closed && share(&session) == QR_OUTCOME_DONE,
        "the next core opens nothing that was sealed to the last one, and what is sealed anew");
    quire_buffer_finish(&old);
    bool sent = write(session.link.descriptor, "\x41nonsense", 9) == 9;
    gone = !hear(&session, &message);
    (void)qr_core_link_stop(&session.link, false, &code);
    check(sent && gone && code == 5, "a gate that sends what is no message is left");

    bool found = start(&session, arguments, true) && share(&session) == QR_OUTCOME_DONE
        && search(session.link.process, word) > 0;
    check(found, "the search finds the text of a core that does not wipe");
    (void)qr_core_link_stop(&session.link, true, &code);
    quire_buffer_finish(&session.lane_key);
    return failed > 0;
}
