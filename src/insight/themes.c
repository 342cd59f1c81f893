/*
 * Themes.
 */
#include "insight/themes.h"
#include "insight/number.h"

#define ONE 65536u /* a probability in Q16 */
#define DRAWS_MAX 9999
#define EXCEEDED_MAX 60
#define SHRINK 4
#define RATE_PER_MILLE 30 /* of false discoveries */
#define RISING_MIN 4
#define MILLION 1000000u

struct counts {
    uint32_t all, recent;
    uint32_t ones,
        stays; /* entries with the word that have a next one; whose next one has it, too */
};

static bool has(const struct qr_presence *presence, uint32_t word, uint32_t entry)
{
    return presence->bits[word * presence->stride + entry / 8] >> (entry & 7) & 1;
}

static struct counts count(const struct qr_presence *presence, uint32_t word)
{
    struct counts counts = {0};
    for (uint32_t i = 0; i < presence->entries; i++) {
        bool now = has(presence, word, i);
        counts.all += now;
        counts.recent += now && i >= presence->entries - presence->recent;
        counts.ones += now && i + 1 < presence->entries;
        counts.stays += now && i + 1 < presence->entries && has(presence, word, i + 1);
    }
    return counts;
}

/* |n·c₁ − r·c| */
static uint64_t statistic(uint32_t n, uint32_t recent, uint32_t all, uint32_t with)
{
    int64_t value = (int64_t)n * with - (int64_t)recent * all;
    return (uint64_t)(value < 0 ? -value : value);
}

/* Is it 2.2 standard deviations of the hypergeometric, or more? */
static bool stands_out(uint32_t n, uint32_t recent, const struct counts *counts)
{
    uint64_t value = statistic(n, recent, counts->all, counts->recent);
    uint64_t square = value * value / ((uint64_t)recent * counts->all);
    return square * (n - 1) * 100 >= 484 * (uint64_t)(n - counts->all) * (n - recent);
}

/* How much likelier a word is where the entry before has it, over all words: Q16. */
static uint32_t common_persistence(const struct qr_presence *presence)
{
    int64_t above = 0, below = 1;
    for (uint32_t word = 0; word < presence->words; word++) {
        struct counts counts = count(presence, word);
        above += (int64_t)counts.stays * presence->entries - (int64_t)counts.ones * counts.all;
        below += (int64_t)counts.ones * (presence->entries - counts.all);
    }
    return above <= 0 ? 0 : (uint32_t)(above * ONE / below);
}

/* How many of a million chains are as extreme. */
static uint32_t chance_of(const struct qr_presence *presence, const struct counts *counts,
    uint32_t persistence, uint64_t seed)
{
    uint32_t n = presence->entries, first_recent = n - presence->recent;
    uint64_t share = (uint64_t)counts->all * ONE / n;
    uint64_t expected = share + persistence * (ONE - share) / ONE;
    uint64_t stay = (counts->stays * (uint64_t)ONE + SHRINK * expected) / (counts->ones + SHRINK);
    stay = stay > ONE * 98 / 100 ? ONE * 98 / 100 : stay;
    uint64_t come = share * (ONE - stay) / (ONE - share);
    uint64_t seen = statistic(n, presence->recent, counts->all, counts->recent);
    uint32_t exceeded = 0, draws = 0;
    while (draws < DRAWS_MAX && exceeded < EXCEEDED_MAX) {
        uint32_t all = 0, recent = 0;
        uint64_t bits = 0, limit = share;
        for (uint32_t i = 0; i < n; i++) {
            bits = i % 4 == 0 ? qr_draw(&seed) : bits >> 16;
            bool now = (bits & (ONE - 1)) < limit;
            limit = now ? stay : come;
            all += now;
            recent += now && i >= first_recent;
        }
        draws++;
        exceeded += statistic(n, presence->recent, all, recent) >= seen;
    }
    return exceeded >= EXCEEDED_MAX ? exceeded * MILLION / draws
                                    : (exceeded + 1) * MILLION / (draws + 1);
}

uint32_t qr_themes_look(const struct qr_presence *presence, struct qr_theme *out_themes)
{
    uint32_t chances[QR_THEMES_WORDS_MAX], order[QR_THEMES_WORDS_MAX];
    uint32_t n = presence->entries, found = 0, kept = 0;
    if (presence->recent < QR_THEMES_RECENT_MIN || n < presence->recent + QR_THEMES_BEFORE_MIN) {
        return 0;
    }
    uint32_t persistence = common_persistence(presence);
    for (uint32_t word = 0; word < presence->words; word++) {
        struct counts counts = count(presence, word);
        chances[word] = stands_out(n, presence->recent, &counts)
            ? chance_of(presence, &counts, persistence, presence->seeds[word])
            : MILLION;
        uint32_t at = word;
        for (; at > 0 && chances[order[at - 1]] > chances[word]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = word;
    }
    for (uint32_t i = 0; i < presence->words; i++) {
        uint64_t allowed = (uint64_t)RATE_PER_MILLE * 1000 * (i + 1) / presence->words;
        kept = chances[order[i]] <= allowed ? i + 1 : kept;
    }
    for (uint32_t i = 0; i < kept; i++) {
        struct counts counts = count(presence, order[i]);
        uint32_t before = n - presence->recent, before_with = counts.all - counts.recent;
        bool rising = (uint64_t)counts.recent * n > (uint64_t)counts.all * presence->recent;
        if (!rising || counts.recent >= RISING_MIN) {
            out_themes[found++] = (struct qr_theme){.word = order[i],
                .rising = rising,
                .recent_with = counts.recent,
                .recent = presence->recent,
                .before_with = before_with,
                .before = before,
                .chance = (chances[order[i]] + 99) / 100};
        }
    }
    return found;
}
