/*
 * The names of frames: for stories and for reports.
 */
#include "frame_names.h"

#include "codec/frame.h"

const struct frame_name frame_names[] = {{"HELLO", QR_FRAME_HELLO},
    {"CHALLENGE", QR_FRAME_CHALLENGE}, {"AUTH", QR_FRAME_AUTH}, {"WELCOME", QR_FRAME_WELCOME},
    {"SUB", QR_FRAME_SUB}, {"WANT", QR_FRAME_WANT}, {"DELTA", QR_FRAME_DELTA},
    {"CAUGHT_UP", QR_FRAME_CAUGHT_UP}, {"PUSH", QR_FRAME_PUSH}, {"ACK", QR_FRAME_ACK},
    {"ROSTER_APPEND", QR_FRAME_ROSTER_APPEND}, {"ROSTER_RECORDS", QR_FRAME_ROSTER_RECORDS},
    {"ROSTER_DONE", QR_FRAME_ROSTER_DONE}, {"CHAINS", QR_FRAME_CHAINS}, {"PAIR", QR_FRAME_PAIR},
    {"CREDIT", QR_FRAME_CREDIT}, {"PING", QR_FRAME_PING}, {"GOAWAY", QR_FRAME_GOAWAY},
    {"ERROR", QR_FRAME_ERROR}, {"PRESENCE", QR_FRAME_PRESENCE}};
const size_t frame_name_count = sizeof frame_names / sizeof *frame_names;

const char *frame_name(uint32_t type)
{
    for (size_t i = 0; i < frame_name_count; i++) {
        if (frame_names[i].type == type) {
            return frame_names[i].name;
        }
    }
    return "unknown";
}
