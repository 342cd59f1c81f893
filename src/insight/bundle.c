/*
 * Checking and reading bundles.
 */
#include "insight/bundle.h"
#include "insight/number.h"
#include <string.h>

#define HEADER_SIZE 18
#define ROW_SIZE 10
#define SECTIONS_MAX 16
#define HEAD_SIZE 20
#define LABEL_SIZE (4 * QR_BUNDLE_LABEL_NUMBERS)
#define VERSION 1

enum section { CARD = 1, HEAD, LABELS, DISPLACEMENTS, SLOTS, FREQUENT, NAMES, SECTION_END };

static uint16_t u16_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t u32_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int32_t i32_at(const uint8_t *bytes)
{
    uint32_t value = u32_at(bytes);
    int32_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

uint64_t qr_bundle_checksum(struct quire_bytes bytes)
{
    uint64_t sum = bytes.size;
    for (size_t i = 16; i < bytes.size; i++) {
        sum = (sum ^ bytes.data[i]) * UINT64_C(0x100000001b3);
        sum ^= sum >> 29;
    }
    return qr_mix(sum);
}

uint32_t qr_bundle_bucket(uint64_t hash, uint32_t bucket_count)
{
    return (uint32_t)(hash >> 32) % bucket_count;
}

uint32_t qr_bundle_slot(uint64_t hash, uint32_t displacement, uint32_t slot_count)
{
    return (uint32_t)(qr_mix(hash + displacement * UINT64_C(0x9e3779b97f4a7c15)) % slot_count);
}

const int8_t *qr_bundle_find(const struct qr_bundle *bundle, uint64_t hash)
{
    uint32_t bucket = qr_bundle_bucket(hash, bundle->bucket_count);
    uint32_t displacement = u16_at(bundle->displacements.data + 2 * bucket);
    uint32_t index = qr_bundle_slot(hash, displacement, bundle->slot_count);
    const uint8_t *slot = bundle->slots.data + (size_t)index * bundle->stride;
    for (uint32_t i = 0; i < bundle->fingerprint; i++) {
        if (slot[bundle->outputs + i] != (uint8_t)(hash >> 8 * i)) {
            return NULL;
        }
    }
    return (const int8_t *)slot;
}

bool qr_bundle_is_frequent(const struct qr_bundle *bundle, uint64_t hash)
{
    uint32_t wanted = (uint32_t)hash;
    size_t low = 0, high = bundle->frequent.size / 4;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t found = u32_at(bundle->frequent.data + 4 * middle);
        if (found == wanted) {
            return true;
        }
        if (found < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* Where each section is; a kind that this version does not know is passed over. */
static bool read_sections(struct quire_bytes bytes, struct quire_bytes sections[SECTION_END])
{
    uint32_t count = u16_at(bytes.data + 16);
    if (count > SECTIONS_MAX || bytes.size < HEADER_SIZE + (size_t)count * ROW_SIZE) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = bytes.data + HEADER_SIZE + (size_t)i * ROW_SIZE;
        uint32_t kind = u16_at(row), offset = u32_at(row + 2), size = u32_at(row + 6);
        if (offset > bytes.size || size > bytes.size - offset) {
            return false;
        }
        if (kind > 0 && kind < SECTION_END) {
            if (sections[kind].data != NULL) {
                return false;
            }
            sections[kind] = (struct quire_bytes){bytes.data + offset, size};
        }
    }
    for (int kind = CARD; kind < SECTION_END; kind++) {
        if (sections[kind].data == NULL) {
            return false;
        }
    }
    return sections[CARD].size <= QR_BUNDLE_CARD_MAX && sections[HEAD].size == HEAD_SIZE;
}

static bool read_head(const uint8_t *head, struct qr_bundle *bundle)
{
    if ((head[0] != QR_BUNDLE_EMOTIONS && head[0] != QR_BUNDLE_LANGUAGES)
        || head[1] >= QR_LANGUAGE_COUNT) {
        return false;
    }
    bundle->purpose = (enum qr_bundle_purpose)head[0];
    bundle->language = (enum qr_language)head[1];
    bundle->outputs = u16_at(head + 2);
    bundle->features = u32_at(head + 4);
    bundle->slot_count = u32_at(head + 8);
    bundle->bucket_count = u32_at(head + 12);
    bundle->stride = u16_at(head + 16);
    bundle->fingerprint = u16_at(head + 18);
    return bundle->outputs >= 1 && bundle->outputs <= QR_BUNDLE_OUTPUTS_MAX
        && bundle->slot_count >= 1 && bundle->bucket_count >= 1 && bundle->fingerprint >= 1
        && bundle->fingerprint <= 8 && bundle->stride == bundle->outputs + bundle->fingerprint
        && bundle->features <= bundle->slot_count;
}

static bool read_label(const uint8_t *bytes, struct qr_label *label)
{
    label->bias = i32_at(bytes);
    label->scale = i32_at(bytes + 4);
    label->best = i32_at(bytes + 8);
    label->show = i32_at(bytes + 12);
    label->knots = u32_at(bytes + 16);
    if (label->knots > QR_BUNDLE_KNOTS_MAX || label->knots == 1 || label->scale < 0
        || label->scale > 1 << 24 || label->bias > 1 << 20 || label->bias < -(1 << 20)) {
        return false;
    }
    for (uint32_t i = 0; i < label->knots; i++) {
        label->logits[i] = i32_at(bytes + 20 + 4 * i);
        label->probabilities[i] = i32_at(bytes + 20 + 4 * (QR_BUNDLE_KNOTS_MAX + i));
        bool ascends = i == 0
            || (label->logits[i] > label->logits[i - 1]
                && label->probabilities[i] >= label->probabilities[i - 1]);
        if (!ascends || label->probabilities[i] < 0 || label->probabilities[i] > 10000
            || label->logits[i] > 1 << 20 || label->logits[i] < -(1 << 20)) {
            return false;
        }
    }
    return true;
}

static bool read_names(struct quire_bytes names, struct qr_bundle *bundle)
{
    size_t position = 0;
    for (uint32_t i = 0; i < bundle->outputs; i++) {
        if (names.size - position < 2 || names.size - position - 2 < names.data[position + 1]) {
            return false;
        }
        bundle->labels[i].flags = names.data[position];
        bundle->labels[i].name =
            (struct quire_bytes){names.data + position + 2, names.data[position + 1]};
        position += 2 + (size_t)names.data[position + 1];
        for (size_t byte = 0; byte < bundle->labels[i].name.size; byte++) {
            uint8_t letter = bundle->labels[i].name.data[byte];
            if (letter < 'a' || letter > 'z') { /* catalogues find words by it */
                return false;
            }
        }
    }
    return position == names.size;
}

enum quire_status qr_bundle_open(struct quire_bytes bytes, struct qr_bundle *out_bundle)
{
    struct quire_bytes sections[SECTION_END] = {{0}};
    struct qr_bundle bundle = {0};
    if (bytes.size < 4 || memcmp(bytes.data, "QIB", 3) != 0) {
        return QUIRE_EMALFORMED;
    }
    if (bytes.data[3] != VERSION) {
        return bytes.data[3] > VERSION ? QUIRE_EUNSUPPORTED : QUIRE_EMALFORMED;
    }
    if (bytes.size < HEADER_SIZE || bytes.size > QR_BUNDLE_SIZE_MAX
        || u32_at(bytes.data + 4) != bytes.size) {
        return QUIRE_EMALFORMED;
    }
    uint64_t sum = (uint64_t)u32_at(bytes.data + 8) << 32 | u32_at(bytes.data + 12);
    if (sum != qr_bundle_checksum(bytes) || !read_sections(bytes, sections)
        || !read_head(sections[HEAD].data, &bundle)
        || sections[LABELS].size != (size_t)bundle.outputs * LABEL_SIZE
        || sections[DISPLACEMENTS].size != (size_t)bundle.bucket_count * 2
        || sections[SLOTS].size != (size_t)bundle.slot_count * bundle.stride
        || sections[FREQUENT].size % 4 != 0) {
        return QUIRE_EMALFORMED;
    }
    for (uint32_t i = 0; i < bundle.outputs; i++) {
        if (!read_label(sections[LABELS].data + (size_t)i * LABEL_SIZE, &bundle.labels[i])) {
            return QUIRE_EMALFORMED;
        }
    }
    if (!read_names(sections[NAMES], &bundle)) {
        return QUIRE_EMALFORMED;
    }
    bundle.card = sections[CARD];
    bundle.displacements = sections[DISPLACEMENTS];
    bundle.slots = sections[SLOTS];
    bundle.frequent = sections[FREQUENT];
    *out_bundle = bundle;
    return QUIRE_OK;
}
