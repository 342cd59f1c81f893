/*
 * What a report needs of a run: every line of the trace, every frame with its bytes and its fate,
 * and each lane's state whenever it changed. It looks on and changes nothing: the trace's hash is
 * the same with it and without.
 */
#ifndef SIMULATION_RECORDING_H
#define SIMULATION_RECORDING_H

#include "world/world.h"

#define RECORDING_LINES_MAX 200000u
#define RECORDING_FRAMES_MAX 100000u
#define RECORDING_BYTES_MAX (64u * 1024 * 1024) /* of frames; the later ones are kept without */
#define LANE_SERVER PHONES_MAX
#define LANE_NONE UINT32_MAX

enum frame_fate { FRAME_UNDER_WAY, FRAME_ARRIVED, FRAME_LOST };

struct recorded_frame {
    uint64_t sent_ms, ended_ms; /* ended: arrived, or known to be lost */
    uint64_t link;
    uint32_t phone, size;
    uint8_t type;
    bool upwards, again; /* again: a second copy of the one before */
    enum frame_fate fate;
    uint8_t *bytes; /* NULL: not kept */
};

struct recorded_line {
    uint64_t at_ms;
    uint32_t lane;
    uint8_t kind; /* enum line_kind */
    char *text;
};

enum line_kind {
    LINE_NOTE,
    LINE_FAULT,
    LINE_EDIT,
    LINE_NOTICE,
    LINE_ALARM,
    LINE_STORY,
    LINE_FAILURE
};

struct recorded_state {
    uint64_t at_ms;
    uint32_t lane;
    uint32_t digest;
    uint64_t batches, unsealed, unsent;
    bool alive, connected, caught_up, joined, revoked;
    char words[96];
};

struct recording {
    struct recorded_line *lines;
    size_t line_count, line_capacity;
    struct recorded_frame *frames;
    size_t frame_count, frame_capacity;
    struct recorded_state *states;
    size_t state_count, state_capacity;
    size_t last_state[PHONES_MAX + 1]; /* index + 1 of a lane's last state */
    uint64_t bytes;
    uint64_t not_kept; /* lines and frames beyond the limits */
};

/** From now on the world is recorded, in world->recording. */
void recording_begin(struct world *world);
void recording_destroy(struct recording *recording);

/** A line of a story. */
void recording_story(struct world *world, uint32_t number, const char *source);

#endif
