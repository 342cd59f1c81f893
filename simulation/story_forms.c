/*
 * The grammar of stories, which is also its reference: `quire-sim run --forms` prints it. The first
 * form that fits a line is the one that is meant.
 */
#include "telling.h"

const struct story_form story_forms[] = {
    /* who there is */
    {"NEW-PERSON has NEW-DEVICES", "an account: the first device makes it, the others join by its code; all are quiet before the next line", story_has},
    {"PERSON gets NEW-DEVICE", "a device more, which is blank until it pairs or joins", story_gets},
    {"set OPTION NUMBER", "an option of the made-up world, from here on; quire-sim --options lists them", story_set},
    {"wait TIME", "lets time go by", story_wait},

    /* what people do */
    {"DEVICE writes TEXT in ENTRY", "at its end, and saves", story_writes},
    {"DEVICE writes TEXT before TEXT in ENTRY", "before the first place where the second text stands, and saves", story_writes_before},
    {"DEVICE writes TEXT after TEXT in ENTRY", "after the first place where the second text stands, and saves", story_writes_after},
    {"DEVICE replaces TEXT with TEXT in ENTRY", "the first place where it stands, and saves", story_replaces},
    {"DEVICE erases TEXT in ENTRY", "the first place where it stands, and saves", story_erases},
    {"DEVICE drafts TEXT in ENTRY", "at its end, without saving: in memory alone", story_drafts},
    {"DEVICE saves ENTRY", "what was drafted", story_saves},
    {"DEVICE sets title TEXT in ENTRY", "and saves", story_sets_title},
    {"DEVICE sets mood NUMBER in ENTRY", "0 to 100, and saves", story_sets_mood},
    {"DEVICE adds tag TEXT in ENTRY", "and saves", story_adds_tag},
    {"DEVICE removes tag TEXT in ENTRY", "and saves", story_removes_tag},
    {"DEVICE adds emotion TEXT NUMBER in ENTRY", "its intensity is 0 to 100; and saves", story_adds_emotion},
    {"DEVICE deletes ENTRY", "and saves", story_deletes},
    {"DEVICE makes NUMBER edits in ENTRY over TIME", "made-up ones, each of which the checkers follow to the end", story_makes_edits},
    {"DEVICE flushes", "seals what is pending now, without waiting for a pause", story_flushes},
    {"DEVICE pairs with DEVICE", "the second one shows a code, which somebody types into the first", story_pairs},
    {"DEVICE joins by kit", "with the recovery kit alone", story_joins_by_kit},
    {"DEVICE revokes DEVICE", "the second is shut out", story_revokes},

    /* what befalls devices */
    {"DEVICES go|goes offline", "connections are cut, and both ends notice in their own time", story_goes_offline},
    {"DEVICES come|comes online", "they dial again within seconds", story_comes_online},
    {"DEVICES lose|loses connection", "cut, and dialled again when it is noticed", story_loses_connection},
    {"DEVICE upload stalls for TIME", "nothing goes up, everything comes down", story_upload_stalls},
    {"DEVICE download stalls for TIME", "nothing comes down, everything goes up", story_download_stalls},
    {"DEVICES is|are killed", "the process, in the middle of whatever it does", story_is_killed},
    {"DEVICES lose|loses power", "the process, and what the system had not written to disk", story_loses_power},
    {"DEVICES start|starts", "again, on what the disk holds", story_starts},
    {"DEVICES is|are lost", "killed for good: from here on nobody waits for it", story_is_lost},
    {"DEVICE is backed up", "its profile, as it is on disk", story_is_backed_up},
    {"DEVICE is restored", "to its backup, and starts on it", story_is_restored},
    {"DEVICE is cloned as NEW-DEVICE", "its disk is copied, and the copy starts on another machine", story_is_cloned},
    {"DEVICE clock jumps TIME ahead", "its wall clock", story_clock_jumps_ahead},
    {"DEVICE clock jumps TIME back", "its wall clock", story_clock_jumps_back},
    {"DEVICE clock freezes", "its wall clock", story_clock_freezes},
    {"DEVICE clock is right", "its wall clock, again", story_clock_is_right},

    /* what befalls the server */
    {"server is killed", "and stays down", story_server_is_killed},
    {"server dies in its next commit", "and starts again by itself seconds later", story_server_dies_in_commit},
    {"server goes down in order", "tells everyone, and is down ten seconds later", story_server_goes_down},
    {"server starts", "again, on what its disk holds", story_server_starts},
    {"server is backed up", "its log, as it is on disk; the last backup counts", story_server_is_backed_up},
    {"server is restored", "killed, put back to its backup, started", story_server_is_restored},
    {"server is wiped", "killed, emptied, started", story_server_is_wiped},
    {"server disk is full", "no commit works", story_server_disk_full},
    {"server disk has room", "again", story_server_disk_room},
    {"server record NUMBER rots", "that record of its log cannot be read any more", story_server_record_rots},

    /* what must hold; `expect` in front of a sentence that lets no time pass, but for converge */
    {"expect DEVICES to show TEXT in ENTRY", "exactly this text", story_expect_text},
    {"expect DEVICES to show nothing in ENTRY", "no text, or no such entry", story_expect_nothing},
    {"expect DEVICES to have TEXT in ENTRY", "somewhere in its text", story_expect_contains},
    {"expect DEVICES not to have TEXT in ENTRY", "nowhere in its text", story_expect_lacks},
    {"expect DEVICES to agree on ENTRY", "on text, title, mood, tags, emotions, deleted or not", story_expect_agree},
    {"expect DEVICES to show title TEXT in ENTRY", "", story_expect_title},
    {"expect DEVICES to show mood NUMBER in ENTRY", "", story_expect_mood},
    {"expect DEVICES to show tag TEXT in ENTRY", "", story_expect_tag},
    {"expect DEVICES to show no tag TEXT in ENTRY", "", story_expect_no_tag},
    {"expect DEVICES to have deleted ENTRY", "", story_expect_deleted},
    {"expect DEVICES to keep ENTRY", "it is there, and not deleted", story_expect_alive},
    {"expect DEVICES to converge within TIME", "lets time pass until they are quiet and agree, at most so long; the others count for nothing", story_expect_converge},
    {"expect DEVICES to raise ALARM", "each of them has, at least once", story_expect_raise},
    {"expect DEVICES to raise no alarm", "", story_expect_no_alarm},
    {"allow DEVICES to raise ALARM", "they may; any alarm that no line names fails the story", story_allow},
    {"expect DEVICES to be online", "connected, and known to the server", story_expect_online},
    {"expect DEVICES to be offline", "", story_expect_offline},
    {"expect DEVICES to have joined", "an account", story_expect_joined},
    {"expect DEVICES not to have joined", "", story_expect_not_joined},
    {"expect DEVICES to be revoked", "and to know it", story_expect_revoked},
    {"expect DEVICES to have everything sent", "all that they hold is durable on the server", story_expect_sent},
    {"expect DEVICE to have COUNT unsent", "entries with edits not sealed, and batches that the server has not acknowledged", story_expect_unsent},
    {"expect DEVICE to know COUNT devices", "of its account that are not revoked, itself included", story_expect_knows},
    {"expect server to hold COUNT batches", "durable ones, of all people", story_expect_batches},
    {"expect server to have received COUNT FRAME from DEVICES", "frames of that kind, since the beginning", story_expect_received_from},
    {"expect DEVICES to have received COUNT FRAME", "frames of that kind, together, since the beginning", story_expect_received},
    {"expect EVENT to happen COUNT time|times", "since the beginning; the events are listed below", story_expect_event},
    {"expect server never to see TEXT", "in any frame or record, from the beginning to the end of the story", story_expect_unseen},
};
const size_t story_form_count = sizeof story_forms / sizeof *story_forms;
