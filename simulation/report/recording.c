/*
 * Keeps what a report will show.
 */
#include "recording.h"

#include "network/network.h"
#include "people/phone.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct observer observer;

void recording_begin(struct world *world)
{
    world->recording = sim_alloc(sizeof *world->recording);
    world_observe(world, &observer);
}

void recording_destroy(struct recording *recording)
{
    for (size_t i = 0; recording != NULL && i < recording->line_count; i++) {
        free(recording->lines[i].text);
    }
    for (size_t i = 0; recording != NULL && i < recording->frame_count; i++) {
        free(recording->frames[i].bytes);
    }
    if (recording != NULL) {
        free(recording->lines);
        free(recording->frames);
        free(recording->states);
        free(recording);
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool has(const char *format, const char *part)
{
    return strstr(format, part) != NULL;
}

static enum line_kind kind_of(const struct trace_line *line)
{
    static const char *const faults[] = {"is killed", "is cut", "stands still", "restored",
        "copy of phone", "is lost", "is damaged", "is full", "rots", "withheld", "forgets",
        "begins again", "clock of", "revokes", "backed up", "is kept", "no room", "has room",
        "in order", "all sleep", "nothing passes", "cannot write", "Mallory"};
    const char *format = line->format;
    if (has(format, "FAILED")) {
        return LINE_FAILURE;
    }
    if (has(format, "notices")) {
        return line->numbers[1] == QUIRE_NOTICE_ALARM ? LINE_ALARM : LINE_NOTICE;
    }
    if (has(format, "writes in entry")) {
        return LINE_EDIT;
    }
    if (has(format, "online: #")) {
        return line->numbers[1] == 0 ? LINE_FAULT : LINE_NOTE;
    }
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (has(format, faults[i])) {
            return LINE_FAULT;
        }
    }
    return LINE_NOTE;
}

static uint32_t lane_of(const struct world *world, const struct trace_line *line)
{
    const char *format = line->format;
    if (strncmp(format, "Mallory", 7) == 0) { /* on every device */
        return LANE_SERVER;
    }
    if (strncmp(format, "phone #", 7) == 0 || has(format, "of phone #")) {
        return line->numbers[0] < PHONES_MAX ? (uint32_t)line->numbers[0] : LANE_NONE;
    }
    if (strncmp(format, "connection #", 12) == 0 && line->numbers[0] > 0
        && line->numbers[0] <= world->network->count) {
        return world->network->links[line->numbers[0] - 1].phone;
    }
    if (strncmp(format, "server", 6) == 0 || strncmp(format, "record", 6) == 0
        || strncmp(format, "a copy", 6) == 0) {
        return LANE_SERVER;
    }
    return LANE_NONE;
}

static const char *notice_text(uint64_t notice, uint64_t code)
{
    static const char *const texts[] = {"the server knows us", "caught up",
        "everything is uploaded", "an entry changed", "shows a pairing code", "paired", "joined",
        "pairing failed", "a device was added", "a device was revoked", "revoking failed",
        "a batch was refused", "the server ended the connection", NULL, "others are connected"};
    if (notice == QUIRE_NOTICE_ALARM) {
        return quire_alarm_text((uint32_t)code);
    }
    return notice < sizeof texts / sizeof *texts && texts[notice] != NULL ? texts[notice] : "?";
}

static void add_line(struct world *world, uint32_t lane, enum line_kind kind, char *text)
{
    struct recording *recording = world->recording;
    if (recording->line_count == RECORDING_LINES_MAX) {
        recording->not_kept++;
        free(text);
        return;
    }
    recording->lines = sim_grow(recording->lines, &recording->line_capacity, recording->line_count,
        sizeof *recording->lines);
    recording->lines[recording->line_count++] = (struct recorded_line){
        .at_ms = world->now_ms, .lane = lane, .kind = (uint8_t)kind, .text = text};
}

static void server_state(struct world *world);
static void phone_state(struct world *world, struct phone *phone);

static void line_traced(struct world *world, const struct trace_line *line)
{
    /* Frames are kept as frames, lines of a story with their words. */
    if (has(line->format, "frame of type") || has(line->format, "of the story")) {
        return;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return;
    }
    uint32_t lane = lane_of(world, line);
    if (has(line->format, "notices")) {
        fputs(notice_text(line->numbers[1], line->numbers[2]), stream);
    } else if (has(line->format, "online: #")) {
        fputs(line->numbers[1] != 0 ? "comes online" : "goes offline", stream);
    } else if (has(line->format, "writes in entry")) {
        fprintf(stream, "edit %" PRIu64 ", in entry %" PRIu64, line->numbers[2], line->numbers[1]);
    } else {
        trace_print_line(world, line, stream);
    }
    fclose(stream);
    add_line(world, lane, kind_of(line), text);
    if (lane == LANE_SERVER) {
        server_state(world);
    } else if (lane < PHONES_MAX && has(line->format, "is killed")) {
        phone_state(world, &world->phones[lane]);
    }
}

void recording_story(struct world *world, uint32_t number, const char *source)
{
    char *text = sim_alloc(strlen(source) + 16);
    sprintf(text, "%" PRIu32 ": %s", number, source);
    add_line(world, LANE_NONE, LINE_STORY, text);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void frame_sent(struct world *world, const struct frame_copy *copy)
{
    struct recording *recording = world->recording;
    struct quire_bytes bytes = copy->bytes;
    if (recording->frame_count == RECORDING_FRAMES_MAX) {
        recording->not_kept++;
        return;
    }
    recording->frames = sim_grow(recording->frames, &recording->frame_capacity,
        recording->frame_count, sizeof *recording->frames);
    struct recorded_frame *frame = &recording->frames[recording->frame_count++];
    *frame = (struct recorded_frame){.sent_ms = world->now_ms,
        .link = copy->link,
        .phone = copy->phone,
        .size = (uint32_t)bytes.size,
        .upwards = copy->upwards,
        .again = copy->again,
        .type = bytes.size > 2 && bytes.data[1] == 0xcc ? bytes.data[2]
            : bytes.size > 1                            ? bytes.data[1]
                                                        : 0};
    if (recording->bytes + bytes.size <= RECORDING_BYTES_MAX) {
        recording->bytes += bytes.size;
        frame->bytes = sim_copy(bytes);
    }
}

/* The first copy that was sent is the first frame that is kept. */
static void frame_ended(struct world *world, const struct frame_copy *copy, bool arrived)
{
    if (copy->number > 0 && copy->number <= world->recording->frame_count) {
        struct recorded_frame *frame = &world->recording->frames[copy->number - 1];
        frame->ended_ms = world->now_ms;
        frame->fate = arrived ? FRAME_ARRIVED : FRAME_LOST;
    }
}

/* ---- states ---------------------------------------------------------------------------------- */

static void add_state(struct world *world, const struct recorded_state *state)
{
    struct recording *recording = world->recording;
    size_t *last = &recording->last_state[state->lane];
    if (*last != 0) {
        struct recorded_state before = recording->states[*last - 1];
        before.at_ms = state->at_ms;
        if (memcmp(&before, state, sizeof before) == 0) {
            return;
        }
        if (recording->states[*last - 1].at_ms == state->at_ms) {
            recording->states[*last - 1] = *state;
            return;
        }
    }
    if (recording->state_count == RECORDING_LINES_MAX) {
        recording->not_kept++;
        return;
    }
    recording->states = sim_grow(recording->states, &recording->state_capacity,
        recording->state_count, sizeof *recording->states);
    recording->states[recording->state_count++] = *state;
    *last = recording->state_count;
}

static uint32_t short_hash(struct quire_bytes bytes)
{
    uint64_t hash = bytes_mix(0x9e3779b97f4a7c15u, bytes);
    return (uint32_t)(hash ^ hash >> 32);
}

static void phone_state(struct world *world, struct phone *phone)
{
    struct recorded_state state;
    memset(&state, 0, sizeof state); /* padding too: states are compared by bytes */
    state.at_ms = world->now_ms;
    state.lane = phone->number;
    state.alive = phone->device != NULL;
    state.joined = phone->stage == PHONE_JOINED;
    if (phone->device != NULL) {
        struct quire_device_state now;
        quire_device_state(phone->device, &now);
        state.batches = now.batch_count;
        state.unsealed = now.unsealed_count;
        state.unsent = now.unacknowledged_count + now.not_on_server_count;
        state.connected = now.connected;
        state.caught_up = now.connected && now.caught_up;
        state.revoked = now.revoked;
        if (now.joined) {
            snprintf(state.words, sizeof state.words, "%s", now.words);
            state.digest = short_hash(quire_bytes_of_text(now.words));
        }
    }
    add_state(world, &state);
}

/* The set of what is durable, in any order. */
static void server_state(struct world *world)
{
    const struct server *server = world->server;
    if (server == NULL) {
        return;
    }
    struct recorded_state state;
    memset(&state, 0, sizeof state);
    state.at_ms = world->now_ms;
    state.lane = LANE_SERVER;
    state.alive = state.joined = state.connected = server->hub != NULL;
    uint64_t sum = 0;
    for (size_t i = 0; i < server->durable; i++) {
        if (!server->log[i].forgotten) {
            state.batches += server->log[i].entry.kind == QR_LOG_BATCH;
            sum += bytes_mix(1, (struct quire_bytes){server->log[i].entry.hash, QR_HASH_SIZE});
        }
    }
    state.digest = (uint32_t)(sum ^ sum >> 32);
    state.unsent = server->written - server->durable;
    add_state(world, &state);
}

static const struct observer observer = {.line = line_traced,
    .frame_sent = frame_sent,
    .frame_ended = frame_ended,
    .phone_state = phone_state};
