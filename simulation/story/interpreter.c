/*
 * Tells a story: makes its world, carries out line after line, and judges the end by the checkers
 * that seeds are judged by, too.
 */
#include "interpreter.h"

#include "checkers/checkers.h"
#include "codec/frame.h"
#include "adversary/mallory.h"
#include "people/model.h"
#include "network/network.h"
#include "people/people.h"
#include "report/recording.h"
#include "report/report.h"
#include "run.h"
#include "server/server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *interpreter_name(const struct interpreter *interpreter, uint32_t device)
{
    return device < interpreter->story->device_count ? interpreter->story->devices[device].text
                                                     : "an unknown device";
}

struct phone *interpreter_phone(const struct interpreter *interpreter, uint32_t device)
{
    return device < interpreter->world->phone_count ? &interpreter->world->phones[device] : NULL;
}

void interpreter_fail(struct interpreter *interpreter, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    world_fail(interpreter->world, "story", "%s", text);
}

uint32_t interpreter_entry(struct interpreter *interpreter, uint32_t number, uint32_t entry)
{
    struct user *user = &interpreter->world->model->users[number];
    if (interpreter->entry_of[number][entry] == 0) {
        prng_bytes(
            &interpreter->world->entropy, user->entries[user->entry_count], QUIRE_ENTRY_SIZE);
        interpreter->entry_of[number][entry] = ++user->entry_count;
    }
    return interpreter->entry_of[number][entry] - 1;
}

struct quire_document *interpreter_document(
    struct interpreter *interpreter, struct phone *phone, uint32_t entry)
{
    struct quire_document *document = NULL;
    if (phone == NULL || phone->device == NULL) {
        interpreter_fail(interpreter, "%s does not run",
            phone == NULL ? "a device" : interpreter_name(interpreter, phone->number));
        return NULL;
    }
    uint32_t number = interpreter_entry(interpreter, phone->user, entry);
    enum quire_status status = quire_device_document(phone->device,
        interpreter->world->model->users[phone->user].entries[number], false, &document);
    if (status != QUIRE_OK && status != QUIRE_ENOTFOUND) {
        interpreter_fail(interpreter, "%s cannot read the entry: %s",
            interpreter_name(interpreter, phone->number), quire_status_text(status));
    }
    return status == QUIRE_OK ? document : NULL;
}

/* ---- observers ------------------------------------------------------------------------------- */

static size_t frame_type(struct quire_bytes bytes)
{
    return bytes.size > 2 && bytes.data[1] == 0xcc ? bytes.data[2]
        : bytes.size > 1                           ? bytes.data[1]
                                                   : 0;
}

static void frame_ended(struct world *world, const struct frame_copy *copy, bool arrived)
{
    struct interpreter *interpreter = world->interpreter;
    if (arrived) {
        uint64_t *counts = copy->upwards ? interpreter->received_by_server[copy->phone]
                                         : interpreter->received[copy->phone];
        counts[frame_type(copy->bytes)]++;
    }
}

void interpreter_raised(struct interpreter *interpreter, uint32_t phone, uint32_t alarm)
{
    if (alarm < QUIRE_ALARM_COUNT && interpreter->raised[phone][alarm]++ == 0) {
        interpreter->raised_at_ms[phone][alarm] = interpreter->world->now_ms;
    }
}

static void noticed(struct world *world, struct phone *phone, const struct quire_action *action)
{
    struct interpreter *interpreter = world->interpreter;
    if (action->notice == QUIRE_NOTICE_ALARM) {
        interpreter_raised(interpreter, phone->number, action->code);
    }
    if (action->notice == QUIRE_NOTICE_PAIR_FAILED || action->notice == QUIRE_NOTICE_REVOKE_FAILED
        || action->notice == QUIRE_NOTICE_REJECTED || action->notice == QUIRE_NOTICE_REFUSED) {
        size_t slot = interpreter->told_count[phone->number]++ % INTERPRETER_TOLD_MAX;
        interpreter->told[phone->number][slot] = (struct told){action->notice, action->code};
    }
}

void interpreter_check_secrets(struct world *world, const char *where, struct quire_bytes bytes)
{
    struct interpreter *interpreter = world->interpreter;
    for (size_t i = 0; i < interpreter->secret_count; i++) {
        const struct secret *secret = &interpreter->secrets[i];
        size_t places = bytes.size < secret->size ? 0 : bytes.size - secret->size + 1;
        for (size_t at = 0; at < places && !world->failed; at++) {
            if (bytes.data[at] == (uint8_t)secret->text[0]
                && memcmp(bytes.data + at, secret->text, secret->size) == 0) {
                world_fail(world, "canary", "\"%s\" is readable in %s, at byte %zu of %zu",
                    secret->text, where, at, bytes.size);
                interpreter->failed_line = secret->line;
            }
        }
    }
}

static const struct observer observer = {.frame_ended = frame_ended,
    .phone_notice = noticed,
    .bytes_exposed = interpreter_check_secrets};

/* ---- time ------------------------------------------------------------------------------------ */

static void set_apart(struct interpreter *interpreter, uint64_t devices)
{
    for (uint32_t i = 0; i < interpreter->world->phone_count; i++) {
        interpreter->world->phones[i].apart = (devices >> i & 1u) == 0;
    }
}

void interpreter_converge(struct interpreter *interpreter, uint64_t devices, uint64_t within_ms)
{
    struct world *world = interpreter->world;
    set_apart(interpreter, devices);
    (void)run_until_quiet_within(world, within_ms);
    if (!world->failed) {
        converge_check_end(world);
    }
    set_apart(interpreter, UINT64_MAX);
}

/* The checkers know phones by number, the story by name. */
static void name_phones(const struct story *story, const char *text, char *out, size_t size)
{
    size_t used = 0;
    while (*text != 0 && used + STORY_NAME_MAX + 1 < size) {
        char *end = NULL;
        unsigned long device = strncmp(text, "phone ", 6) == 0 && text[6] >= '0' && text[6] <= '9'
            ? strtoul(text + 6, &end, 10)
            : story->device_count;
        if (device < story->device_count) {
            used += (size_t)snprintf(out + used, size - used, "%s", story->devices[device].text);
            text = end;
        } else {
            out[used++] = *text++;
        }
    }
    out[used] = 0;
}

/* ---- from the first line to the verdict ------------------------------------------------------ */

static void carry_out(struct interpreter *interpreter, size_t index)
{
    const struct story_line *line = &interpreter->story->lines[index];
    bool broken = index == interpreter->broken_line;
    if (broken && interpreter->how == BREAK_BY_OMISSION) {
        return;
    }
    interpreter->line = line;
    interpreter->broken_now = broken && interpreter->how == BREAK_EXPECTATION;
    TRACE(interpreter->world, "line # of the story", line->number);
    if (interpreter->world->recording != NULL) {
        recording_story(interpreter->world, line->number, line->source);
    }
    if (interpreter->world->tracing) {
        printf("              > %s\n", line->source);
    }
    line->form->act(interpreter, line);
    interpreter->broken_now = false;
    if (interpreter->world->failed && interpreter->failed_line == 0) {
        interpreter->failed_line = line->number;
    }
    interpreter->line = NULL;
}

static void check_alarms(struct interpreter *interpreter)
{
    for (uint32_t i = 0; i < interpreter->world->phone_count; i++) {
        for (uint32_t alarm = 1; alarm < QUIRE_ALARM_COUNT; alarm++) {
            if (interpreter->raised[i][alarm] > 0 && !interpreter->named[i][alarm]) {
                world_fail(interpreter->world, "alarms",
                    "%s raised %s at %.1f s, and no line expects or "
                    "allows it (%s)",
                    interpreter_name(interpreter, i), story_alarm_name(alarm),
                    (double)interpreter->raised_at_ms[i][alarm] / 1000, quire_alarm_text(alarm));
            }
        }
    }
}

static bool check_end(struct interpreter *interpreter)
{
    struct world *world = interpreter->world;
    char reason[512];
    check_alarms(interpreter);
    if (world->failed) {
        return false;
    }
    if (!server_up(world) || !mallory_heals(world)
        || !converge_reached(world, reason, sizeof reason)) {
        order_check_log(world);
        return false;
    }
    run_check_end(world);
    return !world->failed;
}

static void expect_secrets(struct interpreter *interpreter)
{
    const struct story *story = interpreter->story;
    for (size_t i = 0; i < story->line_count; i++) {
        if (story->lines[i].form->act == story_expect_unseen
            && interpreter->secret_count < INTERPRETER_SECRETS_MAX) {
            interpreter->secrets[interpreter->secret_count++] =
                (struct secret){.text = story->lines[i].values[0].text,
                    .size = strlen(story->lines[i].values[0].text),
                    .line = story->lines[i].number};
        }
    }
}

static bool report_on(
    struct world *world, const struct story *story, const struct verdict *verdict, const char *path)
{
    char again[512];
    snprintf(again, sizeof again, "quire-sim run --seed %llu --trace %s",
        (unsigned long long)world->seed, story->path);
    struct report_line *lines = sim_alloc(story->line_count * sizeof *lines);
    for (size_t i = 0; i < story->line_count; i++) {
        lines[i] = (struct report_line){story->lines[i].number, story->lines[i].source};
    }
    struct report report = {.title = story->title[0] == 0 ? story->path : story->title,
        .again = again,
        .claim = verdict->claim,
        .text = verdict->text,
        .lines = lines,
        .line_count = story->line_count,
        .line = verdict->line,
        .trace_hash = verdict->trace_hash,
        .failed = verdict->failed};
    for (uint32_t i = 0; i < story->user_count; i++) {
        report.user_names[i] = story->users[i].text;
    }
    bool well = report_write(world, &report, path);
    free(lines);
    return well;
}

void story_tell(const struct story *story, uint64_t seed, size_t broken_line, enum story_break how,
    bool tracing, const char *report_path, struct verdict *out_verdict)
{
    struct options options;
    options_calm(&options);
    options.users = story->user_count;
    options.mallory = story_is_of_mallory(story) ? STRATEGY_HONEST : 0;
    struct world *world = world_create(seed, &options, tracing);
    struct interpreter *interpreter = sim_alloc(sizeof *interpreter);
    *interpreter = (struct interpreter){
        .story = story, .world = world, .broken_line = broken_line, .how = how};
    world->interpreter = interpreter;
    world_observe(world, &observer);
    if (report_path != NULL) {
        recording_begin(world);
    }
    for (uint32_t i = 0; i < story->device_count; i++) {
        world->phone_names[i] = story->devices[i].text;
    }
    expect_secrets(interpreter);
    run_begin(world);
    if (options.mallory != 0 && story->device_count > MALLORY_PHONES_MAX) {
        world_fail(world, "story",
            "a server that turns hostile knows at most %u devices, here are %u", MALLORY_PHONES_MAX,
            story->device_count);
    }
    for (size_t i = 0; i < story->line_count && !world->failed; i++) {
        carry_out(interpreter, i);
    }
    bool all_checked = !world->failed && check_end(interpreter);
    *out_verdict = (struct verdict){.failed = world->failed,
        .all_checked = all_checked,
        .unbreakable = interpreter->unbreakable,
        .line = interpreter->failed_line,
        .trace_hash = world->trace_hash,
        .steps = world->steps,
        .now_ms = world->now_ms};
    memcpy(out_verdict->claim, world->failure_claim, sizeof out_verdict->claim);
    name_phones(story, world->failure_text, out_verdict->text, sizeof out_verdict->text);
    if (report_path != NULL) {
        out_verdict->no_report = !report_on(world, story, out_verdict, report_path);
    }
    world->interpreter = NULL;
    world_destroy(world);
    free(interpreter);
}
