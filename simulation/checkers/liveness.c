/*
 * Not a claim, but its words: when a core of devices and the server does not become quiet, who waits
 * for what. Which device misses which batches of which author, what it asked for last, what the hub has.
 */
#include "checkers.h"

#include "codec/frame.h"
#include "people/model.h"
#include "network/network.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 512u
#define CHAINS_TOLD 4u /* of each device */

struct chain {
    uint8_t replica[QR_REPLICA_SIZE];
    uint32_t author; /* a phone, or PHONES_MAX: no known one */
    uint32_t user;
    uint64_t held[PHONES_MAX + 1]; /* up to which batch; the last one is the server */
};

struct survey {
    struct world *world;
    struct chain *chains;
    size_t count;
    char *out;
    size_t size;
};

static void say(struct survey *survey, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct survey *survey, const char *format, ...)
{
    size_t used = strlen(survey->out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(survey->out + used, survey->size - used, format, arguments);
    va_end(arguments);
}

/* "phone 3", or the name that a story gave it. */
static void say_phone(struct survey *survey, uint32_t phone)
{
    const char *name = phone < PHONES_MAX ? survey->world->phone_names[phone] : "an unknown device";
    if (name != NULL) {
        say(survey, "%s", name);
    } else {
        say(survey, "phone %" PRIu32, phone);
    }
}

static struct chain *chain_of(struct survey *survey, uint32_t user, const struct qr_batch *batch)
{
    struct world *world = survey->world;
    for (size_t i = 0; i < survey->count; i++) {
        if (memcmp(survey->chains[i].replica, batch->replica, QR_REPLICA_SIZE) == 0) {
            return &survey->chains[i];
        }
    }
    if (survey->count == CHAINS_MAX) {
        return NULL;
    }
    struct chain *chain = &survey->chains[survey->count++];
    *chain = (struct chain){.author = PHONES_MAX, .user = user};
    memcpy(chain->replica, batch->replica, QR_REPLICA_SIZE);
    for (uint32_t i = 0; i < world->phone_count && chain->author == PHONES_MAX; i++) {
        if (memcmp(world->phones[i].state.device, batch->device, QUIRE_DEVICE_SIZE) == 0) {
            chain->author = i;
        }
    }
    return chain;
}

static void hold(struct survey *survey, uint32_t user, uint32_t holder, struct quire_bytes bytes,
    struct qr_batch *batch)
{
    struct chain *chain =
        qr_batch_read_any(bytes, batch) == QUIRE_OK ? chain_of(survey, user, batch) : NULL;
    if (chain != NULL && batch->seq > chain->held[holder]) {
        chain->held[holder] = batch->seq;
    }
}

static void look_at_all(struct survey *survey)
{
    struct world *world = survey->world;
    const struct server *server = world->server;
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        const struct table *table = &world->phones[i].disk.visible;
        struct quire_bytes bytes;
        for (size_t r = 0; r < table->count; r++) {
            if (batch_on_disk(&table->records[r], batch, &bytes)) {
                hold(survey, world->phones[i].user, i, bytes, batch);
            }
        }
    }
    for (size_t i = 0; i < server->durable; i++) {
        const struct stored *stored = &server->log[i];
        uint32_t user = 0;
        while (user + 1 < world->options.users
            && memcmp(world->model->users[user].id, stored->user, QUIRE_USER_SIZE) != 0) {
            user++;
        }
        if (!stored->forgotten && stored->entry.kind == QR_LOG_BATCH) {
            hold(survey, user, PHONES_MAX, (struct quire_bytes){stored->bytes, stored->entry.size},
                batch);
        }
    }
    free(batch);
}

static bool in_core(const struct phone *phone)
{
    return !phone->apart && phone->stage != PHONE_AWAY;
}

/* The furthest that anybody of the core, or the server, has of that chain. */
static uint64_t furthest(
    const struct survey *survey, const struct chain *chain, uint32_t *out_holder)
{
    uint64_t most = chain->held[PHONES_MAX];
    *out_holder = PHONES_MAX;
    for (uint32_t i = 0; i < survey->world->phone_count; i++) {
        if (in_core(&survey->world->phones[i]) && chain->held[i] > most) {
            most = chain->held[i];
            *out_holder = i;
        }
    }
    return most;
}

/* Returns how many chains it lacks something of. */
static size_t say_missing(struct survey *survey, uint32_t holder, uint32_t user)
{
    size_t missing = 0;
    for (size_t i = 0; i < survey->count; i++) {
        const struct chain *chain = &survey->chains[i];
        uint32_t best = PHONES_MAX;
        uint64_t most = furthest(survey, chain, &best);
        if ((holder != PHONES_MAX && chain->user != user) || chain->held[holder] >= most) {
            continue;
        }
        if (++missing > CHAINS_TOLD) {
            continue;
        }
        say(survey, "%s batch%s %" PRIu64, missing == 1 ? " misses" : ",",
            chain->held[holder] + 1 < most ? "es" : "", chain->held[holder] + 1);
        if (chain->held[holder] + 1 < most) {
            say(survey, " to %" PRIu64, most);
        }
        say(survey, " of ");
        say_phone(survey, chain->author);
        if (best == PHONES_MAX) {
            say(survey, " (the hub has them)");
        } else {
            say(survey, " (the hub has up to %" PRIu64 ", ", chain->held[PHONES_MAX]);
            say_phone(survey, best);
            say(survey, " has all)");
        }
    }
    if (missing > CHAINS_TOLD) {
        say(survey, ", and of %zu chains more", missing - CHAINS_TOLD);
    }
    return missing;
}

static void say_asked(struct survey *survey, const struct phone *phone)
{
    struct qr_frame_space *space = sim_alloc(sizeof *space);
    struct qr_frame frame;
    uint64_t now_ms = survey->world->now_ms;
    if (phone->asked.size == 0) {
        say(survey, "; it never asked for batches");
    } else if (qr_frame_read(quire_buffer_bytes(&phone->asked), space, &frame) == QUIRE_OK) {
        say(survey, "; it asked last %.1f s ago, %s", (double)(now_ms - phone->asked_at_ms) / 1000,
            frame.sub.position_count == 0 ? "knowing nothing" : "knowing ");
        for (size_t i = 0; i < frame.sub.position_count && i < CHAINS_TOLD; i++) {
            for (size_t c = 0; c < survey->count; c++) {
                if (memcmp(
                        survey->chains[c].replica, frame.sub.positions[i].replica, QR_REPLICA_SIZE)
                    == 0) {
                    say_phone(survey, survey->chains[c].author);
                }
            }
            say(survey, " to %" PRIu64 "%s", frame.sub.positions[i].seq,
                i + 1 < frame.sub.position_count ? ", " : "");
        }
    }
    if (phone->heard_at_ms != 0) {
        say(survey, ", and heard from the hub %.1f s ago",
            (double)(now_ms - phone->heard_at_ms) / 1000);
    } else {
        say(survey, ", and never heard from the hub");
    }
    free(space);
}

static void say_phone_waits(struct survey *survey, uint32_t number)
{
    const struct phone *phone = &survey->world->phones[number];
    const struct quire_device_state *state = &phone->state;
    say(survey, "\n  ");
    say_phone(survey, number);
    if (phone->device == NULL) {
        say(survey, phone->stage == PHONE_JOINED ? " does not run" : " has no account");
        return;
    }
    size_t missing = say_missing(survey, number, phone->user);
    say(survey, "%s %s", missing == 0 ? " misses nothing that anybody has;" : "; it is",
        !phone->online         ? "offline"
            : phone->link == 0 ? "not connected"
            : !network_alive(survey->world, phone->link)
            ? "on a connection that is gone, without knowing"
            : !state->connected ? "connected, but the hub has not let it in"
            : !state->caught_up ? "connected, not caught up"
                                : "connected and caught up");
    if (state->unsealed_count + state->unacknowledged_count + state->not_on_server_count > 0) {
        say(survey,
            "; it waits to send: %llu entries not sealed, %llu batches not acknowledged, %llu "
            "that the hub lacks",
            (unsigned long long)state->unsealed_count,
            (unsigned long long)state->unacknowledged_count,
            (unsigned long long)state->not_on_server_count);
    }
    say_asked(survey, phone);
}

void liveness_explain(struct world *world, char *out, size_t size)
{
    struct survey survey = {.world = world, .out = out, .size = size};
    survey.chains = sim_alloc(CHAINS_MAX * sizeof *survey.chains);
    out[0] = 0;
    look_at_all(&survey);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        const struct phone *phone = &world->phones[i];
        if (in_core(phone) && !(phone->revoked && !phone_counts(world, phone))) {
            say_phone_waits(&survey, i);
        }
    }
    if (!server_up(world)) {
        say(&survey, "\n  the server is down");
    } else {
        say(&survey, "\n  the hub");
        if (say_missing(&survey, PHONES_MAX, 0) == 0) {
            say(&survey, " misses nothing that anybody of them has");
        }
    }
    free(survey.chains);
}
