/*
 * A frame in words, for a report. What is sealed is opened with the keys of the simulated devices.
 */
#ifndef SIMULATION_REPORT_FRAME_H
#define SIMULATION_REPORT_FRAME_H

#include "recording.h"

struct frame_decoder;
struct frame_decoder *frame_decoder_create(struct world *world);
void frame_decoder_destroy(struct frame_decoder *decoder);
/** Writes two JSON arrays, fields and batches, with a comma between. */
void frame_decode(struct frame_decoder *decoder, const struct recorded_frame *frame, FILE *out);
/** A JSON string. */
void report_text(FILE *out, const char *text);

#endif
