/*
 * The data of a report: what was recorded, as JSON between the two halves of its page.
 */
#include "report.h"

#include "commit.h"
#include "page.h"
#include "network/frame_names.h"
#include "people/phone.h"
#include "recording.h"
#include "frame.h"
#include "run.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void report_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (*c == '"' || *c == '\\') {
            fprintf(out, "\\%c", *c);
        } else if (*c < 0x20 || *c == '<') { /* no end of the script in it */
            fprintf(out, "\\u%04x", *c);
        } else {
            fputc(*c, out);
        }
    }
    fputc('"', out);
}

static void write_head(FILE *out, const struct world *world, const struct report *report)
{
    fputs("{\"title\":", out);
    report_text(out, report->title);
    fputs(",\"again\":", out);
    report_text(out, report->again);
    fprintf(out,
        ",\"seed\":\"%" PRIu64 "\",\"commit\":\"%s\",\"trace\":\"%016" PRIx64 "\",\"failed\":%s",
        world->seed, QUIRE_COMMIT, report->trace_hash, report->failed ? "true" : "false");
    fputs(",\"claim\":", out);
    report_text(out, report->claim);
    fputs(",\"text\":", out);
    report_text(out, report->text);
    fprintf(out, ",\"end\":%" PRIu64 ",\"not_kept\":%" PRIu64 ",\"options\":", world->now_ms,
        world->recording->not_kept);
    char *options = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&options, &size);
    if (stream != NULL && report->with_options) {
        options_print(&world->options, stream);
    }
    if (stream != NULL) {
        fclose(stream);
    }
    report_text(out, options == NULL ? "" : options);
    free(options);
}

static void write_story(FILE *out, const struct world *world, const struct report *report)
{
    const struct recording *recording = world->recording;
    const char *failed_line = "";
    fputs(",\n\"story\":[", out);
    for (size_t i = 0; i < report->line_count; i++) {
        const struct report_line *line = &report->lines[i];
        int64_t at_ms = -1;
        char prefix[16];
        int size = snprintf(prefix, sizeof prefix, "%" PRIu32 ": ", line->number);
        for (size_t l = 0; l < recording->line_count && at_ms < 0; l++) {
            if (recording->lines[l].kind == LINE_STORY
                && strncmp(recording->lines[l].text, prefix, (size_t)size) == 0) {
                at_ms = (int64_t)recording->lines[l].at_ms;
            }
        }
        if (line->number == report->line) {
            failed_line = line->source;
        }
        fprintf(out, "%s{\"n\":%" PRIu32 ",\"at\":%" PRId64 ",\"src\":", i == 0 ? "" : ",\n",
            line->number, at_ms);
        report_text(out, line->source);
        fputc('}', out);
    }
    fprintf(out, "],\"line\":%" PRIu32 ",\"line_text\":", report->line);
    report_text(out, failed_line);
}

static void write_lanes(FILE *out, const struct world *world, const struct report *report)
{
    fputs(",\n\"lanes\":[", out);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        char number[24];
        snprintf(number, sizeof number, "phone %" PRIu32, i);
        fputs("{\"name\":", out);
        report_text(out, world->phone_names[i] != NULL ? world->phone_names[i] : number);
        fputs(",\"user\":", out);
        snprintf(number, sizeof number, "user %" PRIu32, world->phones[i].user);
        report_text(out,
            report->user_names[world->phones[i].user] != NULL
                ? report->user_names[world->phones[i].user]
                : world->options.users > 1 ? number
                                           : "");
        fputs("},", out);
    }
    fputs("{\"name\":\"server\",\"user\":\"\"}],\n\"types\":{", out);
    for (uint32_t type = 0, count = 0; type < 256; type++) {
        if (strcmp(frame_name(type), "unknown") != 0) {
            fprintf(
                out, "%s\"%" PRIu32 "\":\"%s\"", count++ == 0 ? "" : ",", type, frame_name(type));
        }
    }
    fputc('}', out);
}

/* A lane's number in the file: phones as they are, then the server. */
static int64_t lane_number(const struct world *world, uint32_t lane)
{
    return lane == LANE_SERVER      ? (int64_t)world->phone_count
        : lane < world->phone_count ? (int64_t)lane
                                    : -1;
}

static void write_events(FILE *out, const struct world *world)
{
    const struct recording *recording = world->recording;
    fputs(",\n\"lines\":[", out);
    for (size_t i = 0; i < recording->line_count; i++) {
        const struct recorded_line *line = &recording->lines[i];
        fprintf(out, "%s[%" PRIu64 ",%" PRId64 ",%u,", i == 0 ? "" : ",\n", line->at_ms,
            lane_number(world, line->lane), line->kind);
        report_text(out, line->text);
        fputc(']', out);
    }
    fputs("],\n\"states\":[", out);
    for (size_t i = 0; i < recording->state_count; i++) {
        const struct recorded_state *state = &recording->states[i];
        fprintf(out,
            "%s[%" PRIu64 ",%" PRId64 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d,",
            i == 0 ? "" : ",\n", state->at_ms, lane_number(world, state->lane), state->digest,
            state->batches, state->unsealed, state->unsent,
            state->alive | state->connected << 1 | state->caught_up << 2 | state->joined << 3
                | state->revoked << 4);
        report_text(out, state->words);
        fputc(']', out);
    }
    fputc(']', out);
}

static void write_frames(FILE *out, struct world *world)
{
    const struct recording *recording = world->recording;
    struct frame_decoder *decoder = frame_decoder_create(world);
    fputs(",\n\"frames\":[", out);
    for (size_t i = 0; i < recording->frame_count; i++) {
        const struct recorded_frame *frame = &recording->frames[i];
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%d,%" PRIu32 ",%d,%u,%" PRIu32 ",%d,%" PRIu64 ",",
            i == 0 ? "" : ",\n", frame->sent_ms, frame->ended_ms, frame->fate, frame->phone,
            frame->upwards, frame->type, frame->size, frame->again, frame->link);
        frame_decode(decoder, frame, out);
        fputc(']', out);
    }
    fputs("]}", out);
    frame_decoder_destroy(decoder);
}

bool report_write(struct world *world, const struct report *report, const char *path)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL) {
        return false;
    }
    fwrite(page_before, 1, sizeof page_before, out);
    write_head(out, world, report);
    write_story(out, world, report);
    write_lanes(out, world, report);
    write_events(out, world);
    write_frames(out, world);
    fwrite(page_after, 1, sizeof page_after, out);
    bool well = ferror(out) == 0;
    return fclose(out) == 0 && well;
}

bool report_seed(uint64_t seed, const struct options *options, const struct skips *skips,
    const char *again, const char *path)
{
    struct world *world = world_create(seed, options, false);
    struct run_result result;
    char title[48];
    recording_begin(world);
    world->skips = skips;
    run_in(world, &result);
    snprintf(title, sizeof title, "Seed %" PRIu64, seed);
    struct report report = {.title = title,
        .again = again,
        .claim = result.claim,
        .text = result.text,
        .trace_hash = result.trace_hash,
        .failed = result.failed,
        .with_options = true};
    bool well = report_write(world, &report, path);
    world_destroy(world);
    return well;
}
