/*
 * A forger who talks to the hub: an account of true keys, and other keys that come and go in its
 * roster. Frames are well formed and well signed, and wrong in what the script chooses. The hub
 * keeps its promises: nothing is acknowledged or passed on that is not durable, one who does not
 * read has a fixed budget, and it can begin again over its log at any time.
 */
#include "device_box.h"
#include "hub_box.h"
#include "recipe.h"
#include "sync/device/state.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The account, made once; each run has a roster of its own. */
struct forger_state {
    struct hub_box *box;
    struct qr_roster roster;
    struct recipe recipe;
};

static const struct quire_device *account(void)
{
    static struct device_box *box;
    if (box == NULL) {
        box = device_box_create(NULL, NULL);
    }
    return device_box_device(box);
}

static void say(struct forger_state *state, uint8_t which, const struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    if (qr_frame_write(frame, &bytes) == QUIRE_OK) {
        struct script_step step = {
            .what = HUB_BOX_FRAME, .which = which, .bytes = quire_buffer_bytes(&bytes)};
        hub_box_run(state->box, &step, NULL, NULL);
    }
    quire_buffer_finish(&bytes);
}

static void hello(struct forger_state *state, uint8_t which, struct quire_bytes script)
{
    static const uint8_t root[QR_DEVICE_SIZE], nonce[QR_FRAME_NONCE_SIZE] = {1};
    uint8_t how = recipe_byte(script, 0);
    struct qr_frame frame = {.type = QR_FRAME_HELLO};
    frame.hello.min = frame.hello.max = 1;
    frame.hello.nonce = nonce;
    frame.hello.user = how & 128 ? nonce : state->roster.user;
    frame.hello.device = how & 64 ? root : qr_vault_public(state->recipe.vaults[how & 3]).device;
    frame.hello.roster_count = how & 32 ? recipe_byte(script, 1) : state->roster.count;
    say(state, which, &frame);
}

/* The box says whether the signature is valid; the records are what they are. */
static void authenticate(struct forger_state *state, uint8_t which, struct quire_bytes script)
{
    static const uint8_t signature[QR_SIGNATURE_SIZE];
    struct qr_frame frame = {.type = QR_FRAME_AUTH};
    struct quire_bytes *records = state->recipe.space.items;
    uint32_t first = recipe_byte(script, 0);
    frame.auth.signature = signature;
    frame.auth.records = records;
    for (uint32_t seq = first; seq < state->roster.count; seq++) {
        records[frame.auth.record_count++] = qr_roster_record(&state->roster, seq);
    }
    say(state, which, &frame);
}

/* The forger's own roster follows when the script says so: right or wrong of it. */
static void append(struct forger_state *state, uint8_t which, struct quire_bytes script)
{
    struct quire_buffer record = {0};
    struct quire_bytes items[2], rest = {script.data + 1, script.size - 1};
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_APPEND};
    uint8_t head[QR_HASH_SIZE], how = recipe_byte(script, 0);
    memcpy(head, qr_roster_head(&state->roster), sizeof head);
    if (script.size > 1 && recipe_record(&state->recipe, rest, &record)) {
        items[0] = items[1] = quire_buffer_bytes(&record);
        frame.roster_append.prev_head = head;
        frame.roster_append.records = items;
        frame.roster_append.record_count = 1 + (how & 1);
        head[0] ^= (how & 2) != 0;
        if ((how & 4) == 0) {
            (void)!qr_roster_append(&state->roster, items[0]);
        }
        say(state, which, &frame);
    }
    quire_buffer_finish(&record);
}

static void pair(struct forger_state *state, uint8_t which, struct quire_bytes script)
{
    uint8_t mailbox[QR_FRAME_MAILBOX_SIZE] = {recipe_byte(script, 0) >> 4 & 3};
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    frame.pair.step = (enum qr_pair_step)(recipe_byte(script, 0) & 3);
    frame.pair.mailbox = mailbox;
    if (frame.pair.step == QR_PAIR_REQUEST || frame.pair.step == QR_PAIR_REPLY) {
        frame.pair.data = quire_bytes_of_text("letter");
    }
    say(state, which, &frame);
}

static void forge(struct forger_state *state, const struct script_step *step)
{
    struct recipe *recipe = &state->recipe;
    struct qr_frame frame = {.type = QR_FRAME_PING};
    struct quire_bytes items[64], rest = {step->bytes.data + 1, step->bytes.size - 1};
    if (step->bytes.size == 0) {
        return;
    }
    switch (step->bytes.data[0] % 8) {
    case 0: hello(state, step->which, rest); return;
    case 1: authenticate(state, step->which, rest); return;
    case 2:
        frame.type = QR_FRAME_PUSH;
        frame.push.batches = items;
        if (!recipe_batches(recipe, rest, items, &frame.push.batch_count)) {
            return;
        }
        break;
    case 3:
        frame.type = QR_FRAME_SUB;
        frame.sub.roster_count = recipe_byte(rest, 0);
        frame.sub.position_count = recipe_positions(recipe,
            rest.size > 1 ? (struct quire_bytes){rest.data + 1, rest.size - 1}
                          : (struct quire_bytes){0});
        frame.sub.positions = recipe->space.positions;
        break;
    case 4: append(state, step->which, rest); return;
    case 5:
        frame.type = QR_FRAME_CREDIT;
        frame.credit.bytes = 1 + recipe_byte(rest, 0) * 65536u;
        break;
    case 6: pair(state, step->which, rest); return;
    default: frame.ping.reply = recipe_byte(rest, 0) & 1; break;
    }
    say(state, step->which, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct forger_state state; /* large */
    struct quire_bytes script = {data, size};
    struct script_step step;
    enum quire_status status = qr_roster_copy(&account()->roster, &state.roster);
    assert(status == QUIRE_OK);
    state.box = hub_box_create();
    recipe_init(&state.recipe, account()->vault, &state.roster);
    for (int i = 0; i < SCRIPT_STEPS_MAX && script_next(&script, &step); i++) {
        if (step.what == HUB_BOX_FORGE) {
            forge(&state, &step);
        } else {
            hub_box_run(state.box, &step, NULL, NULL);
        }
    }
    recipe_finish(&state.recipe);
    hub_box_destroy(state.box);
    qr_roster_finish(&state.roster);
    return 0;
}
