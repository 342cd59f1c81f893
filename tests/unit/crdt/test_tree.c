/*
 * The tree of items against a plain array of the same.
 */
#include "crdt/tree.h"
#include "support.h"

#define ITEMS_MAX 3000

struct row {
    uint32_t item[ITEMS_MAX];
    uint32_t weight[ITEMS_MAX]; /* by item */
    uint64_t level[ITEMS_MAX];
    uint32_t count;
    uint32_t numbers; /* that were ever used */
    uint32_t freed[ITEMS_MAX];
    uint32_t freed_count;
};

static uint32_t place_of(const struct row *row, uint32_t item)
{
    uint32_t place = 0;
    while (row->item[place] != item) {
        place++;
    }
    return place;
}

static void add(struct row *row, struct qr_tree *tree, struct dice *dice)
{
    uint32_t item = row->freed_count > 0 ? row->freed[--row->freed_count] : row->numbers++;
    uint32_t place = (uint32_t)pick(dice, row->count);
    uint32_t weight = (uint32_t)pick(dice, 5);
    OK(qr_tree_reserve(tree, item + 1, 1));
    if (pick(dice, 8) == 0) {
        place = row->count;
        qr_tree_insert_last(tree, item, weight);
    } else if (pick(dice, 2) == 0 && place > 0) {
        qr_tree_insert_before(tree, row->item[place], item, weight);
    } else {
        qr_tree_insert_after(tree, row->item[place], item, weight);
        place++;
    }
    memmove(&row->item[place + 1], &row->item[place], (row->count - place) * sizeof row->item[0]);
    row->item[place] = item;
    row->weight[item] = weight;
    row->level[item] = UINT64_MAX;
    row->count++;
}

static void take_out(struct row *row, struct qr_tree *tree, struct dice *dice)
{
    uint32_t place = 1 + (uint32_t)pick(dice, row->count - 1);
    uint32_t item = row->item[place];
    qr_tree_remove(tree, item);
    row->freed[row->freed_count++] = item;
    row->count--;
    memmove(&row->item[place], &row->item[place + 1], (row->count - place) * sizeof row->item[0]);
}

static void compare(const struct row *row, struct qr_tree *tree, struct dice *dice)
{
    uint32_t place = (uint32_t)pick(dice, row->count);
    uint32_t other = (uint32_t)pick(dice, row->count);
    uint64_t level = pick(dice, 1200);
    uint32_t item = row->item[place];
    size_t before = 0;
    size_t all = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        before += i < place ? row->weight[row->item[i]] : 0;
        all += row->weight[row->item[i]];
    }
    cr_assert_eq(qr_tree_position(tree, item), before);
    cr_assert_eq(qr_tree_weight(tree), all);
    for (uint32_t i = 0; i < row->weight[item]; i++) {
        uint32_t offset;
        cr_assert_eq(qr_tree_at(tree, before + i, &offset), item);
        cr_assert_eq(offset, i);
    }
    cr_assert_eq(qr_tree_before(tree, item, row->item[other]), place < other);
    cr_assert_eq(qr_tree_next(tree, item), place + 1 < row->count ? row->item[place + 1] : QR_NONE);
    uint32_t next = place + 1;
    while (next < row->count && row->level[row->item[next]] > level) {
        next++;
    }
    cr_assert_eq(
        qr_tree_next_level(tree, item, level), next < row->count ? row->item[next] : QR_NONE);
    if (place > 0) {
        uint32_t last = place - 1;
        while (row->level[row->item[last]] > level) {
            last--;
        }
        cr_assert_eq(qr_tree_last_level(tree, item, level), row->item[last]);
    }
}

Test(tree, it_tells_what_a_plain_array_tells)
{
    static struct row row;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct dice dice = {seed};
        struct qr_tree tree;
        OK(qr_tree_init(&tree, true));
        row.count = row.numbers = 1;
        row.freed_count = 0;
        bool shrinks = false;
        for (size_t round = 0; row.count < ITEMS_MAX; round++) {
            shrinks = shrinks ? row.count > 2 : round == 1499 || round == 6000;
            if (row.count > 2 && (shrinks || pick(&dice, 5) == 0)) {
                take_out(&row, &tree, &dice);
            } else {
                add(&row, &tree, &dice);
            }
            for (size_t i = 0; i < 3; i++) {
                uint32_t item = row.item[1 + pick(&dice, row.count - 1)];
                if (pick(&dice, 2) == 0) {
                    row.weight[item] = (uint32_t)pick(&dice, 5);
                    qr_tree_set_weight(&tree, item, row.weight[item]);
                } else {
                    row.level[item] = 1 + pick(&dice, 1000);
                    qr_tree_set_level(&tree, item, row.level[item]);
                }
            }
            compare(&row, &tree, &dice);
        }
        cr_assert_eq(place_of(&row, 0), 0);
        qr_tree_finish(&tree);
    }
}
