/*
 * Makes the corpora of fuzz_hub and fuzz_device: a device and a hub speak with each other, and each
 * side's part is written down as a script.
 *
 * usage: make-sessions HUB_FOLDER DEVICE_FOLDER
 */
#include "device_box.h"
#include "hub_box.h"
#include <stdio.h>
#include <stdlib.h>

#define QUEUE_MAX 4096

struct session {
    struct hub_box *hub;
    struct device_box *device;
    struct quire_buffer hub_script, device_script;
    struct quire_buffer to_hub[QUEUE_MAX], to_device[QUEUE_MAX];
    size_t to_hub_count, to_device_count;
};

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "make-sessions: %s\n", what);
        exit(1);
    }
}

static void note(struct quire_buffer *script, uint8_t what, struct quire_bytes bytes)
{
    uint8_t head[3] = {what, (uint8_t)(bytes.size >> 8), (uint8_t)bytes.size};
    must(bytes.size < 65536 && quire_buffer_append(script, head, sizeof head) == QUIRE_OK
            && quire_buffer_append(script, bytes.data, bytes.size) == QUIRE_OK,
        "a step");
}

static void from_device(void *context, struct quire_bytes message)
{
    struct session *session = context;
    must(session->to_hub_count < QUEUE_MAX
            && quire_buffer_append(
                   &session->to_hub[session->to_hub_count++], message.data, message.size)
                == QUIRE_OK,
        "a message");
}

static void from_hub(void *context, uint8_t which, struct quire_bytes message)
{
    struct session *session = context;
    (void)which;
    must(session->to_device_count < QUEUE_MAX
            && quire_buffer_append(
                   &session->to_device[session->to_device_count++], message.data, message.size)
                == QUIRE_OK,
        "a message");
}

static void on_hub(struct session *session, enum hub_box_step what, struct quire_bytes bytes)
{
    struct script_step step = {.what = (uint8_t)what, .bytes = bytes};
    note(&session->hub_script, step.what, bytes);
    hub_box_run(session->hub, &step, from_hub, session);
}

static void on_device(struct session *session, enum device_box_step what, struct quire_bytes bytes)
{
    struct script_step step = {.what = (uint8_t)what, .bytes = bytes};
    note(&session->device_script, step.what, bytes);
    device_box_run(session->device, &step);
}

/* Carries messages to and fro until no message is left. */
static void talk(struct session *session)
{
    size_t hub_next = 0, device_next = 0;
    while (hub_next < session->to_hub_count || device_next < session->to_device_count) {
        if (hub_next < session->to_hub_count) {
            on_hub(session, HUB_BOX_FRAME, quire_buffer_bytes(&session->to_hub[hub_next++]));
        } else {
            on_device(
                session, DEVICE_BOX_FRAME, quire_buffer_bytes(&session->to_device[device_next++]));
        }
    }
    for (size_t i = 0; i < session->to_hub_count; i++) {
        quire_buffer_finish(&session->to_hub[i]);
    }
    for (size_t i = 0; i < session->to_device_count; i++) {
        quire_buffer_finish(&session->to_device[i]);
    }
    session->to_hub_count = session->to_device_count = 0;
}

static void save(const char *folder, const char *name, const struct quire_buffer *script)
{
    char path[4096];
    must(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path, "a path");
    FILE *file = fopen(path, "wb");
    must(file != NULL && fwrite(script->data, 1, script->size, file) == script->size
            && fclose(file) == 0,
        path);
}

static const struct quire_bytes nothing = {0};

static void connect_both(struct session *session)
{
    on_hub(session, HUB_BOX_OPEN, nothing);
    on_device(session, DEVICE_BOX_CONNECT, nothing);
    talk(session);
}

static void cut(struct session *session)
{
    on_hub(session, HUB_BOX_CLOSE, nothing);
    on_device(session, DEVICE_BOX_DISCONNECT, nothing);
    talk(session);
}

static void write_text(struct session *session, const char *text)
{
    on_device(session, DEVICE_BOX_WRITE, quire_bytes_of_text(text));
    talk(session);
}

static void mode(struct session *session, enum hub_box_step what, uint8_t value)
{
    on_hub(session, what, (struct quire_bytes){&value, 1});
    talk(session);
}

static void account(struct session *session)
{
    connect_both(session);
}

static void offline_then_online(struct session *session)
{
    write_text(session, "written offline");
    write_text(session, "and more of it");
    connect_both(session);
    write_text(session, "and now online");
    cut(session);
    write_text(session, "offline again");
    on_device(session, DEVICE_BOX_RESTART, nothing);
    write_text(session, "after a restart");
    connect_both(session);
}

static void faults(struct session *session)
{
    connect_both(session);
    mode(session, HUB_BOX_COMMIT, 2);
    write_text(session, "the disk is full");
    mode(session, HUB_BOX_COMMIT, 1);
    write_text(session, "the disk is slow");
    mode(session, HUB_BOX_VERIFY, 1);
    write_text(session, "a signature that does not hold");
    mode(session, HUB_BOX_VERIFY, 0);
    mode(session, HUB_BOX_COMMIT, 0);
    cut(session);
    connect_both(session);
    on_hub(session, HUB_BOX_DRAIN, nothing);
    talk(session);
}

static void pairing(struct session *session)
{
    connect_both(session);
    on_device(session, DEVICE_BOX_PAIR, nothing);
    talk(session);
    for (int i = 0; i < 3; i++) {
        static const uint8_t time[400];
        on_hub(session, HUB_BOX_TICK, (struct quire_bytes){time, sizeof time});
        on_device(session, DEVICE_BOX_TICK, (struct quire_bytes){time, sizeof time});
        talk(session);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*play)(struct session *session);
    } plays[] = {{"account", account}, {"offline", offline_then_online}, {"faults", faults},
        {"pairing", pairing}};
    must(argc == 3, "two folders are wanted");
    for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++) {
        static struct session session;
        session = (struct session){.hub = hub_box_create()};
        session.device = device_box_create(from_device, &session);
        plays[i].play(&session);
        save(argv[1], plays[i].name, &session.hub_script);
        save(argv[2], plays[i].name, &session.device_script);
        hub_box_destroy(session.hub);
        device_box_destroy(session.device);
        quire_buffer_finish(&session.hub_script);
        quire_buffer_finish(&session.device_script);
    }
    return 0;
}
