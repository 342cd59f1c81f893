/*
 * Our own list of 256 short, common, harmless English words: no two begin with the same three
 * letters, and none becomes another by changing, adding or dropping one letter. Part of the
 * protocol (protocol/vectors/crypto.json has it too): two versions must show the same words.
 */
#include "crypto/words.h"
#include <assert.h>

/* clang-format off */
static const char list[256][8] = {
    "acorn", "actor", "album", "almond", "amber", "anchor", "angle", "apple", "apron", "arrow",
    "artist", "aspen", "atlas", "autumn", "badge", "bagel", "baker", "bamboo", "banjo", "barley",
    "basket", "beetle", "bench", "berry", "bicycle", "birch", "biscuit", "blanket", "blossom",
    "bonnet", "bottle", "branch", "breeze", "bridge", "bronze", "bucket", "butter", "cabin",
    "cactus", "camel", "candle", "carpet", "castle", "cedar", "cello", "chalk", "cherry", "circle",
    "citrus", "clover", "coast", "cobalt", "comet", "copper", "coral", "cotton", "cradle",
    "cricket", "crystal", "curtain", "cushion", "daisy", "dancer", "decade", "denim", "desert",
    "diary", "dinner", "dolphin", "donkey", "dragon", "drum", "dune", "eagle", "easel", "echo",
    "eclipse", "elbow", "elm", "engine", "evening", "fabric", "falcon", "farmer", "feather", "fern",
    "fiddle", "finch", "flute", "folder", "forest", "fossil", "fox", "fruit", "galaxy", "garden",
    "ginger", "giraffe", "glacier", "globe", "goose", "granite", "guitar", "gulf", "hammer",
    "harbor", "hazel", "heron", "hill", "honey", "horizon", "hotel", "house", "hunter", "icicle",
    "igloo", "indigo", "island", "ivory", "jacket", "jasmine", "jigsaw", "jungle", "kayak",
    "kernel", "kettle", "kitchen", "kiwi", "koala", "ladder", "lagoon", "lantern", "lemon",
    "library", "lily", "linen", "lizard", "lobster", "lotus", "lumber", "lynx", "magnet", "mango",
    "maple", "marble", "meadow", "melon", "mirror", "mitten", "monsoon", "moss", "muffin", "museum",
    "napkin", "nectar", "needle", "nest", "north", "nugget", "nutmeg", "oasis", "ocean", "olive",
    "onion", "opal", "orbit", "orchid", "otter", "oven", "oyster", "paddle", "palace", "panda",
    "paper", "parrot", "peach", "pebble", "pencil", "pepper", "piano", "pigeon", "pillow", "planet",
    "plum", "pocket", "poem", "pony", "poplar", "prairie", "pumpkin", "puzzle", "quail", "quilt",
    "rabbit", "radish", "rainbow", "raven", "ribbon", "river", "robin", "rose", "ruby", "saffron",
    "salmon", "sandal", "saturn", "scarf", "school", "seagull", "shadow", "shell", "silver",
    "sketch", "sleigh", "snow", "sofa", "spiral", "spoon", "squash", "stone", "summer", "sunset",
    "swan", "table", "talent", "teapot", "temple", "thimble", "thunder", "tiger", "timber",
    "tomato", "trumpet", "tulip", "tunnel", "turtle", "valley", "vanilla", "velvet", "village",
    "violet", "volcano", "waffle", "walnut", "water", "wheel", "whistle", "winter", "wolf", "wool",
    "yarn", "yellow", "yogurt", "zebra", "zenith", "zigzag",
};
/* clang-format on */

void qr_words(const uint8_t hash[QR_HASH_SIZE], char out_words[QR_WORDS_SIZE])
{
    char *out = out_words;
    for (size_t i = 0; i < QR_WORDS_COUNT; i++) {
        const char *word = list[hash[i]];
        size_t size = strlen(word);
        memcpy(out, word, size);
        out[size] = ' ';
        out += size + 1;
    }
    out[-1] = '\0';
    assert(out <= out_words + QR_WORDS_SIZE);
}
