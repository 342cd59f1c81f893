/*
 * Draws a world for a seed. Each fault is in about half of the runs or fewer; the dearest ones
 * (a restored server, a cloned phone) are rare, so that most runs ask for the whole truth.
 */
#include "options.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[] = {
#define NAME(name) #name,
    OPTIONS(NAME)
#undef NAME
};

/* One of a few sizes, or never. */
#define LIMITED_PPM 125000 /* of the worlds have lowered limits */

static uint64_t maybe(struct prng *prng, uint64_t per_million, uint64_t low, uint64_t high)
{
    uint64_t value = prng_range(prng, low, high);
    return prng_chance(prng, per_million) ? value : 0;
}

/* Wider ranges and rarer faults. */
static void draw_more(struct options *options, struct prng *prng)
{
    if (prng_chance(prng, 30000)) {
        options->users = prng_range(prng, 1, USERS_MAX);
    }
    if (prng_chance(prng, 30000)) {
        options->phones = prng_range(prng, 1, 8);
    }
    if (prng_chance(prng, 50000)) {
        options->delay_ms = prng_range(prng, 150, 800);
    }
    if (prng_chance(prng, 50000)) {
        options->phone_disk_ms = prng_range(prng, 3000, 30000);
    }
    if (options->retransmit_ppm > 0 && prng_chance(prng, 200000)) {
        options->retransmit_ppm = prng_range(prng, 100000, 300000); /* a path that loses so much */
    }
    if (options->drop_ppm > 0 && prng_chance(prng, 200000)) {
        options->drop_ppm = prng_range(prng, 20000, 300000);
    }
    if (options->duplicate_ppm > 0 && prng_chance(prng, 200000)) {
        options->duplicate_ppm = prng_range(prng, 100000, 500000);
    }
    if (options->reorder_ppm > 0 && prng_chance(prng, 200000)) {
        options->reorder_ppm = prng_range(prng, 50000, 300000);
    }
    options->phone_pause_mean_s = maybe(prng, 150000, 60, 900);
    options->server_pause_mean_s = maybe(prng, 100000, 60, 900);
    options->pause_length_s = prng_range(prng, 1, 100);
    options->sleeps = maybe(prng, 100000, 1, 3);
    options->sleep_h =
        prng_chance(prng, 500000) ? prng_range(prng, 1, 48) : prng_range(prng, 48, 24 * 365);
    options->flap_mean_s = maybe(prng, 100000, 120, 900);
    options->flap_length_s = prng_range(prng, 5, 120);
    options->half_mean_s = maybe(prng, 100000, 120, 900);
    options->half_length_s = prng_range(prng, 5, 300);
    options->server_slow_mean_s = maybe(prng, 100000, 60, 900);
    options->server_fail_ppm = maybe(prng, 100000, 1000, 100000);
    options->phone_fail_ppm = maybe(prng, 100000, 1000, 50000);
    options->server_skew_ms = maybe(prng, 100000, 1000,
        prng_chance(prng, 500000) ? 100000 : UINT64_C(1577880000000)); /* 50 years */
    options->unknown_ppm = maybe(prng, 100000, 1000, 300000);
    options->newer_ppm = maybe(prng, 100000, 200000, 800000);
    /* The least holds a paste, and a quarter more. */
    options->credit_kib = maybe(prng, 150000, 64, 128);
    options->later_ppm = maybe(prng, 150000, 100000, 800000);
}

/* Servers that forget what some of several phones know of the roster: two rare faults must meet, and
 * phones must be away in between. */
static void draw_forgotten(struct options *options, struct prng *prng)
{
    if (prng_chance(prng, 950000)) {
        return;
    }
    options->users = 1;
    options->phones = prng_range(prng, 3, 5);
    options->offline_mean_s = options->offline_length_s = 300;
    options->server_restores = 2;
    options->server_wipes = 1;
    options->revokes = prng_range(prng, 1, 2);
    options->recover_ppm = prng_range(prng, 0, 500000);
}

/* From a stream of its own, so that all other worlds stay the same. limit_chains is not drawn: what
 * leaves it again is not there yet. */
void options_draw_limits(struct options *options, uint64_t seed, uint64_t per_million)
{
    struct prng prng;
    prng_seed(&prng, seed, 6);
    if (!prng_chance(&prng, per_million)) {
        return;
    }
    options->limit_text = maybe(&prng, 600000, 50, 1000);
    options->limit_elements = maybe(&prng, 500000, 1, 4);
    options->limit_devices = maybe(&prng, 300000, 2, 4);
    options->limit_records = maybe(&prng, 300000, 4, 10);
    options->limit_user_kib = maybe(&prng, 300000, 16, 256);
    options->limit_store_kib = maybe(&prng, 300000, 64, 1024);
}

bool options_lower_limits(const struct options *options)
{
    return (options->limit_text | options->limit_elements | options->limit_devices
               | options->limit_records | options->limit_chains | options->limit_user_kib
               | options->limit_store_kib)
        != 0;
}

void options_draw(struct options *options, uint64_t seed, uint64_t minutes)
{
    struct prng prng;
    prng_seed(&prng, seed, 0);
    memset(options, 0, sizeof *options);
    options->minutes = minutes;
    options->users = prng_chance(&prng, 250000) ? 2 : 1;
    options->phones = prng_range(&prng, 2, prng_chance(&prng, 250000) ? 5 : 3);
    /* More than a device keeps open, now and then. */
    options->entries =
        prng_chance(&prng, 50000) ? prng_range(&prng, 66, 110) : prng_range(&prng, 1, 5);
    options->acts_per_minute = prng_range(&prng, 4, 40);
    options->writing_s = prng_range(&prng, 5, 120);
    options->resting_s = prng_range(&prng, 10, 400);
    /* Most people write little: a fault is as well met by a hundred edits as by a thousand, and a
     * thousand such runs are worth more than a hundred of the others. */
    if (prng_chance(&prng, 960000)) {
        options->resting_s += prng_range(&prng, 300, 1500);
        options->text_length = prng_range(&prng, 20, 200);
    } else {
        options->text_length = 1500;
    }
    options->flush_ppm = maybe(&prng, 500000, 10000, 300000);
    options->save_later_ppm = maybe(&prng, 400000, 50000, 500000);
    options->delete_ppm = maybe(&prng, 500000, 1000, 30000);
    options->paste_ppm = maybe(&prng, 100000, 1000, 20000);
    options->delay_ms = prng_range(&prng, 1, 150);
    options->jitter_ms = prng_range(&prng, 0, prng_chance(&prng, 200000) ? 3000 : 100);
    options->retransmit_ppm = maybe(&prng, 500000, 1000, 100000);
    options->drop_ppm = maybe(&prng, 100000, 500, 20000);
    options->duplicate_ppm = maybe(&prng, 100000, 500, 100000);
    options->reorder_ppm = maybe(&prng, 100000, 500, 50000);
    options->withhold_ppm = maybe(&prng, 100000, 10000, 300000);
    options->bytes_per_ms = prng_chance(&prng, 200000) ? prng_range(&prng, 1, 20) : 2000;
    options->stall_mean_s = maybe(&prng, 400000, 60, 600);
    options->stall_length_s = prng_range(&prng, 1, 150);
    options->cut_mean_s = maybe(&prng, 600000, 20, 600);
    options->offline_mean_s = maybe(&prng, 600000, 60, 600);
    options->offline_length_s = prng_range(&prng, 5, 600);
    options->server_crash_mean_s = maybe(&prng, 500000, 30, 900);
    options->server_down_s = prng_range(&prng, 1, 60);
    options->server_drain_ppm = prng_range(&prng, 0, 500000);
    options->server_disk_ms = prng_range(&prng, 1, prng_chance(&prng, 300000) ? 2000 : 30);
    options->server_full_mean_s = maybe(&prng, 200000, 60, 900);
    options->server_rot_ppm = maybe(&prng, 100000, 200, 5000);
    options->server_restores = maybe(&prng, 120000, 1, 2);
    options->server_wipes = maybe(&prng, 50000, 1, 1);
    options->server_memory = prng_chance(&prng, 200000) ? 1 : 1024;
    bool narrow = prng_chance(&prng, 200000);
    options->pushes_per_second = narrow ? prng_range(&prng, 1, 10) : 10;
    options->pushes_burst = narrow ? prng_range(&prng, 3, 40) : 200;
    options->verify_ms = prng_range(&prng, 0, prng_chance(&prng, 200000) ? 1000 : 10);
    options->phone_crash_mean_s = maybe(&prng, 600000, 20, 900);
    options->phone_down_s = prng_range(&prng, 1, 60);
    options->reboot_ppm = prng_range(&prng, 0, PER_MILLION);
    options->phone_disk_ms = prng_range(&prng, 1, prng_chance(&prng, 300000) ? 3000 : 40);
    options->phone_restores = maybe(&prng, 150000, 1, 2);
    options->phone_clones = maybe(&prng, 60000, 1, 1);
    options->revokes = maybe(&prng, 150000, 1, 1);
    options->recover_ppm = maybe(&prng, 300000, 50000, 500000);
    options->skew_ms = maybe(&prng, 400000, 1000,
        prng_chance(&prng, 500000) ? 100000 : UINT64_C(1577880000000)); /* 50 years */
    options->clock_jump_mean_s = maybe(&prng, 250000, 60, 900);
    options->clock_frozen_ppm = maybe(&prng, 100000, 100000, 500000);
    options->last_join = prng_chance(&prng, 300000);
    options->heal_cuts = prng_chance(&prng, 500000);
    options->lost_at_end = maybe(&prng, 200000, 1, 3);
    draw_more(options, &prng);
    draw_forgotten(options, &prng);
    if (options->revokes + options->server_restores + options->server_wipes > 0) {
        /* A device that drops a batch which it cannot read relies on its author to bring what is in it. */
        options->later_ppm = 0;
    }
    options_draw_limits(options, seed, LIMITED_PPM);
}

void options_calm(struct options *options)
{
    *options = (struct options){
        .users = 1,
        .entries = 1,
        .delay_ms = 30,
        .jitter_ms = 20,
        .bytes_per_ms = 2000,
        .server_down_s = 5,
        .server_disk_ms = 10,
        .server_memory = 1024,
        .pushes_per_second = 10,
        .pushes_burst = 200,
        .verify_ms = 5,
        .phone_disk_ms = 20,
    };
}

void options_range(size_t index, uint64_t *out_least, uint64_t *out_most)
{
    const struct {
        const char *name;
        uint64_t least, most;
    } ranges[] = {{"users", 1, USERS_MAX}, {"phones", 1, PHONES_OF_USER_MAX},
        {"entries", 1, ENTRIES_MAX}, {"acts_per_minute", 1, 60000}, {"bytes_per_ms", 1, UINT64_MAX},
        {"phone_clones", 0, CLONES_MAX}, {"limit_devices", 0, 20}, {"limit_records", 0, 1024},
        {"limit_chains", 0, 1000}, {"limit_text", 0, UINT32_MAX},
        {"limit_elements", 0, UINT32_MAX}};
    *out_least = 0;
    *out_most = UINT64_MAX;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (strcmp(ranges[i].name, names[index]) == 0) {
            *out_least = ranges[i].least;
            *out_most = ranges[i].most;
        }
    }
}

size_t options_count(void)
{
    return sizeof names / sizeof *names;
}

const char *options_name(size_t index)
{
    return names[index];
}

uint64_t *options_at(struct options *options, size_t index)
{
    return (uint64_t *)(void *)options + index; /* every field is a uint64_t */
}

bool options_set(struct options *options, const char *name, uint64_t value)
{
    for (size_t i = 0; i < options_count(); i++) {
        if (strcmp(names[i], name) == 0) {
            *options_at(options, i) = value;
            return true;
        }
    }
    return false;
}

void options_print(const struct options *options, FILE *out)
{
    struct options copy = *options;
    for (size_t i = 0; i < options_count(); i++) {
        if (*options_at(&copy, i) != 0) {
            fprintf(out, " %s=%" PRIu64, names[i], *options_at(&copy, i));
        }
    }
    fputc('\n', out);
}
