/*
 * A complete host: a device, its records in a file (file_store.c), and a WebSocket to the server by
 * libwebsockets. An app copies this loop and replaces main().
 *
 *   host PROFILE init NAME             makes an account and prints its recovery kit
 *   host PROFILE join NAME CODE URL…   joins the account of the device that shows CODE
 *   host PROFILE write TEXT            appends a line to the diary; works offline
 *   host PROFILE show                  prints the diary
 *   host PROFILE sync URL…             sends and gets everything, then ends
 *   host PROFILE pair URL…             shows a code until another device has joined
 *
 *   URL… is HOST PORT [CA.pem]: without CA.pem there is no TLS, which is for a server on this machine.
 *
 * PROFILE names the file of records; PROFILE.key holds the key that encrypts it and PROFILE.replica
 * the replica record. See quire/device.h for where an app keeps those two.
 */
#define _GNU_SOURCE
#include "file_store.h"
#include <fcntl.h>
#include <libwebsockets.h>
#include <quire/version.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX (512 * 1024) /* protocol/limits.md: frame */
#define RETRY_FIRST_MS 500
#define RETRY_LAST_MS 60000

struct message {
    struct message *next;
    size_t size;
    uint8_t bytes[]; /* LWS_PRE, then the message */
};

struct host {
    const char *profile;
    struct file_store *store;
    struct quire_device *device;

    const char *name, *ca; /* of the server; ca NULL: no TLS */
    int port;
    char authority[256]; /* host:port, as in the Host header */
    struct lws_context *lws;
    struct lws *connection;       /* NULL: none */
    struct message *first, *last; /* not sent yet */
    struct quire_buffer incoming; /* the message under way */
    lws_sorted_usec_list_t tick, redial;
    bool closing;
    uint32_t retry_ms;

    bool (*is_done)(const struct host *host); /* run() ends when this says so … */
    bool pairing, open_pairing, paired;
    const char *failed; /* … or when this is set: why */
};

static const uint8_t diary[QUIRE_ENTRY_SIZE] = "the diary";

static void feed(struct host *host, struct quire_event event);

/* ---- the clocks and randomness ---------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time); /* goes on while the machine sleeps */
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void draw(uint8_t *out, size_t size)
{
    if (getrandom(out, size, 0) != (ssize_t)size) {
        abort(); /* up to 256 bytes never fail once the system is up */
    }
}

/* ---- the device's actions --------------------------------------------------------------------- */

static void give_up(struct host *host, const char *why)
{
    if (host->failed == NULL) {
        host->failed = why;
    }
}

static void send_message(struct host *host, struct quire_bytes bytes)
{
    struct message *message = malloc(sizeof *message + LWS_PRE + bytes.size);
    if (message == NULL) {
        give_up(host, "there is not enough memory");
        return;
    }
    *message = (struct message){.size = bytes.size};
    memcpy(message->bytes + LWS_PRE, bytes.data, bytes.size);
    *(host->last != NULL ? &host->last->next : &host->first) = message;
    host->last = message;
    if (host->connection != NULL) {
        lws_callback_on_writable(host->connection);
    }
}

static char *path_of(const struct host *host, const char *ending)
{
    char *path = NULL;
    return asprintf(&path, "%s%s", host->profile, ending) < 0 ? NULL : path;
}

static void replace_replica_record(struct host *host, struct quire_bytes bytes)
{
    char *path = path_of(host, ".replica");
    int file = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    /* If this fails the next process begins a new chain, and nothing is lost. */
    if (file >= 0 && write(file, bytes.data, bytes.size) != (ssize_t)bytes.size) {
        unlink(path);
    }
    if (file >= 0) {
        close(file);
    }
    free(path);
}

static void show_notice(struct host *host, const struct quire_action *action)
{
    if (action->notice == QUIRE_NOTICE_READY && host->pairing) {
        host->open_pairing = true; /* an event of its own, after these actions */
    } else if (action->notice == QUIRE_NOTICE_PAIR_CODE) {
        printf("%.*s\n", (int)action->bytes.size, (const char *)action->bytes.data);
        fflush(stdout);
    } else if (action->notice == QUIRE_NOTICE_ALARM) {
        fprintf(stderr, "warning: %s\n", quire_alarm_text(action->code));
    } else if (action->notice == QUIRE_NOTICE_REJECTED) {
        fprintf(stderr, "note: %s\n", quire_error_text(action->code));
    } else if (action->notice == QUIRE_NOTICE_REFUSED) {
        give_up(host, quire_error_text(action->code));
    } else if (action->notice == QUIRE_NOTICE_PAIR_FAILED) {
        give_up(host, quire_status_text((enum quire_status)action->code));
    }
    host->paired = host->paired || action->notice == QUIRE_NOTICE_PAIRED;
}

/* Carries out the actions in their order. The actions belong to the device until its next step, so
 * the events that they lead to are fed after the last one. */
static void carry_out(struct host *host, const struct quire_actions *actions)
{
    uint64_t durable = 0;
    for (size_t i = 0; i < actions->count && host->failed == NULL; i++) {
        const struct quire_action *action = &actions->items[i];
        switch (action->kind) {
        case QUIRE_ACTION_PERSIST:
            if (file_store_persist(host->store, action->writes, action->write_count) != QUIRE_OK) {
                give_up(host, "the disk failed; what was saved before is whole");
            }
            durable = action->token;
            break;
        case QUIRE_ACTION_SEND: send_message(host, action->bytes); break;
        case QUIRE_ACTION_CLOSE:
            host->closing = true;
            host->retry_ms = action->retry_ms > host->retry_ms ? action->retry_ms : host->retry_ms;
            break;
        case QUIRE_ACTION_REPLICA: replace_replica_record(host, action->bytes); break;
        case QUIRE_ACTION_NOTICE: show_notice(host, action); break;
        }
    }
    if (durable > 0 && host->failed == NULL) {
        feed(host, (struct quire_event){.kind = QUIRE_EVENT_PERSISTED, .token = durable});
    }
    if (host->open_pairing && host->failed == NULL) {
        host->open_pairing = false;
        feed(host, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    }
    if (host->closing && host->connection != NULL) {
        lws_callback_on_writable(host->connection); /* which closes it once all is sent */
    }
}

static void on_tick(lws_sorted_usec_list_t *timer)
{
    struct host *host = lws_container_of(timer, struct host, tick);
    feed(host, (struct quire_event){.kind = QUIRE_EVENT_TICK});
}

/* Feeds one event, carries out what the device asks for, and sets the timer for its next TICK. */
static void feed(struct host *host, struct quire_event event)
{
    struct quire_actions actions;
    event.now_ms = now_ms();
    event.wall_ms = wall_ms();
    draw(event.entropy, sizeof event.entropy);
    enum quire_status status = quire_device_step(host->device, &event, &actions);
    if (status != QUIRE_OK) { /* destroy the device and open it again: what was durable is whole */
        give_up(host, quire_status_text(status));
        return;
    }
    carry_out(host, &actions);
    uint64_t wake = quire_device_wake_ms(host->device), now = now_ms();
    if (host->lws != NULL && wake != UINT64_MAX) {
        lws_sul_schedule(host->lws, 0, &host->tick, on_tick,
            wake > now ? (lws_usec_t)(wake - now) * LWS_US_PER_MS : 1);
    }
}

/* ---- the connection --------------------------------------------------------------------------- */

static void dial(lws_sorted_usec_list_t *timer);

static void on_down(struct host *host, bool was_up)
{
    if (host->failed != NULL) {
        return; /* the program is ending */
    }
    host->connection = NULL;
    host->closing = false;
    quire_buffer_clear(&host->incoming);
    while (host->first != NULL) { /* what was not sent is sent again after the next connect */
        struct message *message = host->first;
        host->first = message->next;
        free(message);
    }
    host->last = NULL;
    if (was_up) {
        feed(host, (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
    }
    host->retry_ms = host->retry_ms < RETRY_FIRST_MS ? RETRY_FIRST_MS : host->retry_ms;
    lws_sul_schedule(host->lws, 0, &host->redial, dial, (lws_usec_t)host->retry_ms * LWS_US_PER_MS);
    host->retry_ms = host->retry_ms < RETRY_LAST_MS / 2 ? 2 * host->retry_ms : RETRY_LAST_MS;
}

static int on_received(struct host *host, struct lws *wsi, const void *data, size_t size)
{
    if (!lws_frame_is_binary(wsi) || host->incoming.size + size > MESSAGE_MAX
        || quire_buffer_append(&host->incoming, data, size) != QUIRE_OK) {
        return -1; /* closes the connection */
    }
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
        feed(host,
            (struct quire_event){
                .kind = QUIRE_EVENT_FRAME, .bytes = quire_buffer_bytes(&host->incoming)});
        quire_buffer_clear(&host->incoming);
    }
    return 0;
}

static int on_writable(struct host *host, struct lws *wsi)
{
    struct message *message = host->first;
    if (message == NULL) {
        return host->closing ? -1 : 0;
    }
    if (lws_write(wsi, message->bytes + LWS_PRE, message->size, LWS_WRITE_BINARY) < 0) {
        return -1;
    }
    host->first = message->next;
    host->last = host->first == NULL ? NULL : host->last;
    free(message);
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    (void)user;
    struct host *host = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        host->connection = wsi;
        host->retry_ms = 0;
        feed(host,
            (struct quire_event){
                .kind = QUIRE_EVENT_CONNECTED, .bytes = quire_bytes_of_text(host->authority)});
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE: return on_received(host, wsi, in, size);
    case LWS_CALLBACK_CLIENT_WRITEABLE: return on_writable(host, wsi);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        fprintf(stderr, "offline: %s\n", in != NULL ? (const char *)in : "no connection");
        on_down(host, false);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED: on_down(host, true); return 0;
    default: return 0;
    }
}

static void dial(lws_sorted_usec_list_t *timer)
{
    struct host *host = lws_container_of(timer, struct host, redial);
    struct lws_client_connect_info info = {
        .context = host->lws,
        .address = host->name,
        .port = host->port,
        .path = "/quire", /* protocol/README.md, Transport */
        .protocol = "quire.1",
        .local_protocol_name = "quire.1",
        .host = host->authority, /* signed by the device: exactly what CONNECTED says */
        .alpn = "http/1.1",
        .ssl_connection = host->ca != NULL ? LCCSCF_USE_SSL : 0,
    };
    if (lws_client_connect_via_info(&info) == NULL && host->connection == NULL) {
        lws_sul_schedule(
            host->lws, 0, &host->redial, dial, (lws_usec_t)RETRY_LAST_MS * LWS_US_PER_MS);
    }
}

/* Connects, stays connected, and returns at the awaited notice or when the host gave up. */
static void run(struct host *host)
{
    static const struct lws_protocols protocols[] = {
        {.name = "quire.1", .callback = on_event, .rx_buffer_size = 64 * 1024}, {0}};
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = host,
        .options = host->ca != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .client_ssl_ca_filepath = host->ca};
    lws_set_log_level(0, NULL);
    host->lws = lws_create_context(&info);
    if (host->lws == NULL) {
        give_up(host, "the network library does not start");
        return;
    }
    dial(&host->redial);
    while (host->failed == NULL && !host->is_done(host) && lws_service(host->lws, 0) >= 0) {
    }
    lws_sul_cancel(&host->tick);
    lws_sul_cancel(&host->redial);
    lws_context_destroy(host->lws);
    host->lws = NULL;
}

/* ---- the profile ------------------------------------------------------------------------------ */

/* Reads at most size bytes of a file beside the profile; 0: there is none. */
static size_t read_beside(const struct host *host, const char *ending, uint8_t *out, size_t size)
{
    char *path = path_of(host, ending);
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, out, size);
    if (file >= 0) {
        close(file);
    }
    free(path);
    return got > 0 ? (size_t)got : 0;
}

/* An app keeps this key in the system's key store. */
static bool have_key(const struct host *host, bool make, uint8_t key[QUIRE_PROFILE_KEY_SIZE])
{
    if (read_beside(host, ".key", key, QUIRE_PROFILE_KEY_SIZE) == QUIRE_PROFILE_KEY_SIZE) {
        return true;
    }
    char *path = path_of(host, ".key");
    int file =
        make && path != NULL ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool made = false;
    if (file >= 0) {
        draw(key, QUIRE_PROFILE_KEY_SIZE);
        made =
            write(file, key, QUIRE_PROFILE_KEY_SIZE) == QUIRE_PROFILE_KEY_SIZE && fsync(file) == 0;
        close(file);
    }
    free(path);
    return made;
}

static enum quire_status open_device(struct host *host, const char *command, char **words)
{
    bool is_new = strcmp(command, "init") == 0 || strcmp(command, "join") == 0;
    uint8_t record[QUIRE_REPLICA_RECORD_SIZE];
    struct quire_device_options options = {
        .reader = file_store_reader(host->store), .wall_ms = wall_ms()};
    if (!have_key(host, is_new, options.profile_key)) {
        return QUIRE_ENOTFOUND;
    }
    draw(options.entropy, sizeof options.entropy);
    options.replica_record =
        (struct quire_bytes){record, read_beside(host, ".replica", record, sizeof record)};
    enum quire_status status;
    if (strcmp(command, "init") == 0) {
        char kit[QUIRE_KIT_TEXT_SIZE];
        struct quire_actions actions;
        status = quire_device_init(
            &options, quire_bytes_of_text(words[0]), kit, &host->device, &actions);
        if (status == QUIRE_OK) {
            printf("%s\n", kit); /* shown once; kept nowhere */
            sodium_memzero(kit, sizeof kit);
            carry_out(host, &actions);
        }
    } else if (strcmp(command, "join") == 0) {
        status = quire_device_join(
            &options, quire_bytes_of_text(words[0]), quire_bytes_of_text(words[1]), &host->device);
    } else {
        status = quire_device_open(&options, &host->device);
    }
    sodium_memzero(&options, sizeof options);
    return status;
}

/* ---- what the app does ------------------------------------------------------------------------ */

static enum quire_status write_line(struct host *host, const char *text)
{
    struct quire_document *document;
    struct quire_stamp stamp = quire_device_stamp(host->device, wall_ms());
    struct quire_event save = {.kind = QUIRE_EVENT_SAVE};
    memcpy(save.entry, diary, sizeof diary);
    enum quire_status status = quire_device_document(host->device, diary, true, &document);
    if (status == QUIRE_OK) {
        status = quire_document_insert(
            document, &stamp, quire_document_text_length(document), quire_bytes_of_text(text));
    }
    if (status == QUIRE_OK) {
        status = quire_document_insert(
            document, &stamp, quire_document_text_length(document), quire_bytes_of_text("\n"));
    }
    if (status == QUIRE_OK) {
        feed(host, save); /* on the disk when this returns */
    }
    return status;
}

static enum quire_status show_diary(struct host *host)
{
    struct quire_document *document;
    struct quire_buffer text = {0};
    enum quire_status status = quire_device_document(host->device, diary, false, &document);
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &text);
    }
    if (status == QUIRE_OK) {
        fwrite(text.data, 1, text.size, stdout);
    }
    quire_buffer_finish(&text);
    return status == QUIRE_ENOTFOUND ? QUIRE_OK : status;
}

static bool is_in_sync(const struct host *host)
{
    struct quire_device_state state;
    quire_device_state(host->device, &state);
    return state.joined && state.caught_up && state.unsealed_count == 0
        && state.unacknowledged_count == 0 && host->first == NULL;
}

static bool has_paired(const struct host *host)
{
    return host->paired && host->first == NULL;
}

/* ---- the program ------------------------------------------------------------------------------ */

static const struct command {
    const char *name;
    int words; /* before the server */
    bool online;
} commands[] = {{"init", 1, false}, {"join", 2, true}, {"write", 1, false}, {"show", 0, false},
    {"sync", 0, true}, {"pair", 0, true}};

static const struct command *command_of(int argc, char **argv)
{
    for (size_t i = 0; argc > 2 && i < sizeof commands / sizeof *commands; i++) {
        int least = 3 + commands[i].words + (commands[i].online ? 2 : 0);
        if (strcmp(argv[2], commands[i].name) == 0 && argc >= least
            && argc <= least + (commands[i].online ? 1 : 0)) {
            return &commands[i];
        }
    }
    return NULL;
}

static enum quire_status carry_out_command(
    struct host *host, const struct command *command, char **words)
{
    if (strcmp(command->name, "write") == 0) {
        return write_line(host, words[0]);
    }
    if (strcmp(command->name, "show") == 0) {
        return show_diary(host);
    }
    if (!command->online) {
        return QUIRE_OK;
    }
    char **server = words + command->words;
    host->name = server[0];
    host->port = atoi(server[1]);
    host->ca = server[2]; /* NULL, as argv ends */
    snprintf(host->authority, sizeof host->authority, "%s:%s", server[0], server[1]);
    if (strcmp(command->name, "pair") == 0) {
        host->pairing = true;
        host->is_done = has_paired;
    } else {
        host->is_done = is_in_sync;
        feed(host, (struct quire_event){.kind = QUIRE_EVENT_FLUSH}); /* seal now, not when idle */
    }
    run(host);
    return QUIRE_OK;
}

int main(int argc, char **argv)
{
    const struct command *command = command_of(argc, argv);
    struct host host = {.profile = argc > 1 ? argv[1] : ""};
    if (command == NULL) {
        fprintf(stderr,
            "usage: host PROFILE init NAME | join NAME CODE URL… | write TEXT | show | "
            "sync URL… | pair URL…\n       URL… is HOST PORT [CA.pem]; Quire %s\n",
            quire_version());
        return 2;
    }
    enum quire_status status =
        sodium_init() < 0 ? QUIRE_ENOMEM : file_store_open(host.profile, &host.store);
    if (status == QUIRE_OK) {
        status = open_device(&host, command->name, argv + 3);
    }
    if (status == QUIRE_OK) {
        status = carry_out_command(&host, command, argv + 3);
    }
    if (status != QUIRE_OK && host.failed == NULL) {
        host.failed = quire_status_text(status);
    }
    quire_device_destroy(host.device);
    file_store_close(host.store);
    quire_buffer_finish(&host.incoming);
    while (host.first != NULL) {
        struct message *message = host.first;
        host.first = message->next;
        free(message);
    }
    if (host.failed != NULL) {
        fprintf(stderr, "host: %s\n", host.failed);
    }
    return host.failed != NULL;
}
