/*
 * A story while it is told: the world it happens in, the line that is being carried out, and what
 * was seen on the way. The world knows it as world->interpreter.
 */
#ifndef SIMULATION_INTERPRETER_H
#define SIMULATION_INTERPRETER_H

#include "story.h"

#define INTERPRETER_SECRETS_MAX 512u
#define INTERPRETER_FRAME_TYPES 256u
#define INTERPRETER_TOLD_MAX 16u

/** What is broken on purpose, to see that a line notices it. */
enum story_break {
    BREAK_NOTHING,
    BREAK_EXPECTATION, /* the line expects something else than it says */
    BREAK_BY_OMISSION, /* the line is left out */
};

struct secret {
    const char *text;
    size_t size;
    uint32_t line; /* that says so */
};

/** What a device told its user. */
struct told {
    enum quire_notice_kind notice;
    uint32_t code;
};

struct interpreter {
    const struct story *story;
    struct world *world;
    const struct story_line *line; /* the one that is being carried out; NULL: before and after */
    size_t broken_line;            /* index; SIZE_MAX: none */
    enum story_break how;
    bool broken_now;  /* the present line expects something else than it says */
    bool unbreakable; /* and there was nothing else to expect */
    uint32_t failed_line;
    uint32_t entry_of[USERS_MAX][STORY_ENTRIES_MAX]; /* entry number within the user + 1 */
    struct secret secrets[INTERPRETER_SECRETS_MAX];
    size_t secret_count;
    uint64_t received_by_server[PHONES_MAX][INTERPRETER_FRAME_TYPES];
    uint64_t received[PHONES_MAX][INTERPRETER_FRAME_TYPES];
    uint64_t raised[PHONES_MAX][QUIRE_ALARM_COUNT];
    uint64_t raised_at_ms[PHONES_MAX][QUIRE_ALARM_COUNT]; /* first */
    struct told told[PHONES_MAX]
                    [INTERPRETER_TOLD_MAX]; /* the last notices of failure, in a circle */
    size_t told_count[PHONES_MAX];
    bool named[PHONES_MAX][QUIRE_ALARM_COUNT]; /* a line expects or allows it */
};

/** That phone raised an alarm now. */
void interpreter_raised(struct interpreter *interpreter, uint32_t phone, uint32_t alarm);
/** Nothing that the story calls a secret is readable in these bytes. */
void interpreter_check_secrets(struct world *world, const char *where, struct quire_bytes bytes);

/** The story fails at its present line. */
void interpreter_fail(struct interpreter *interpreter, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *interpreter_name(const struct interpreter *interpreter, uint32_t device);
/** The phone of a device that is part of the story by now, or NULL. */
struct phone *interpreter_phone(const struct interpreter *interpreter, uint32_t device);
/** Lets the world run until all of these are quiet and agree, the others left out of it. */
void interpreter_converge(struct interpreter *interpreter, uint64_t devices, uint64_t within_ms);
/** The number of an entry within a user; made up when it is new. */
uint32_t interpreter_entry(struct interpreter *interpreter, uint32_t user, uint32_t entry);
/** The document as that device shows it, or NULL: it has none. */
struct quire_document *interpreter_document(
    struct interpreter *interpreter, struct phone *phone, uint32_t entry);

/* Every sentence; forms.c says what each one is. */
/* clang-format off */
#define STORY_ACTIONS(X)                                                                              \
    X(has) X(gets) X(set) X(wait)                                                                  \
    X(writes) X(writes_before) X(writes_after) X(replaces) X(erases) X(drafts) X(saves)            \
    X(sets_title) X(sets_mood) X(adds_tag) X(removes_tag) X(adds_emotion) X(deletes)               \
    X(makes_edits) X(flushes)                                                                      \
    X(pairs) X(joins_by_kit) X(revokes)                                                            \
    X(goes_offline) X(comes_online) X(loses_connection) X(upload_stalls) X(download_stalls)        \
    X(stands_still) X(server_stands_still) X(is_killed) X(loses_power) X(starts) X(is_lost) X(is_backed_up) X(is_restored) X(is_cloned)   \
    X(clock_jumps_ahead) X(clock_jumps_back) X(clock_freezes) X(clock_is_right)                    \
    X(server_is_killed) X(server_dies_in_commit) X(server_goes_down) X(server_starts)              \
    X(server_is_backed_up) X(server_is_restored) X(server_is_wiped) X(server_disk_full)            \
    X(server_disk_room) X(server_record_rots)                                                      \
    X(turns_hostile) X(turns_hostile_against) X(turns_hostile_with) X(turns_honest)                \
    X(runs_later) X(runs_this) X(server_runs_later) X(writes_later) X(expect_later_field)          \
    X(expect_text) X(expect_nothing) X(expect_contains) X(expect_lacks) X(expect_agree)            \
    X(expect_title) X(expect_mood) X(expect_tag) X(expect_no_tag) X(expect_deleted)                \
    X(expect_alive) X(expect_refused) X(expect_refused_tag) X(expect_refused_title) X(expect_told) X(expect_converge) X(expect_raise) X(expect_no_alarm) X(allow)                 \
    X(expect_online) X(expect_offline) X(expect_joined) X(expect_not_joined) X(expect_revoked)     \
    X(expect_sent) X(expect_unsent) X(expect_knows) X(expect_batches) X(expect_received_from)      \
    X(expect_received) X(expect_event) X(expect_unseen)
/* clang-format on */
#define DECLARE(name) \
    void story_##name(struct interpreter *interpreter, const struct story_line *line);
STORY_ACTIONS(DECLARE)
#undef DECLARE

/** Mallory stands in the server's place from the beginning, honest until a line says otherwise. */
bool story_is_of_mallory(const struct story *story);

/** How a story ended. */
struct verdict {
    bool failed;
    bool all_checked; /* it ended in quiet, so that every checker could look at the end */
    bool unbreakable; /* see struct interpreter */
    bool no_report;   /* it could not be written */
    uint32_t line;    /* that failed; 0: none in particular */
    uint64_t trace_hash, steps, now_ms;
    char claim[32];
    char text[1536];
};

/** Tells it once, in a world of its own. report_path: where a report is written, or NULL. */
void story_tell(const struct story *story, uint64_t seed, size_t broken_line, enum story_break how,
    bool tracing, const char *report_path, struct verdict *out_verdict);

#endif
