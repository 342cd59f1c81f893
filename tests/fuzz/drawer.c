/*
 * Payloads that an input draws.
 */
#include "drawer.h"
#include "base/writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 12

/** One run: where it is, and what it says. */
struct drawn {
    unsigned replica;
    unsigned gap, length, first, dead;
    unsigned parent_replica, parent; /* 0: nothing */
    unsigned right_replica, right;
    bool left;
};

void check(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "fuzz: %s\n", what);
        abort();
    }
}

unsigned draw(struct drawer *drawer, unsigned below)
{
    if (drawer->left == 0 || below == 0) {
        return 0;
    }
    drawer->left--;
    return *drawer->next++ % below;
}

/** A character that was seen, as a rule; 0: nothing. */
static unsigned draw_character(struct drawer *drawer, unsigned *out_replica)
{
    *out_replica = draw(drawer, REPLICAS);
    unsigned counter = draw(drawer, drawer->seen[*out_replica] + 2);
    if (draw(drawer, 16) == 0) {
        return counter; /* it may be anything */
    }
    while (counter > 0 && !drawer->is_character[*out_replica][counter]) {
        counter--;
    }
    return counter;
}

static void write_zigzag(struct qr_writer *writer, int64_t value)
{
    qr_write_varint(writer, (uint64_t)value << 1 ^ (0 - ((uint64_t)value >> 63)));
}

static void write_reference(struct qr_writer *writer, unsigned replica, unsigned from,
    unsigned to_replica, unsigned to, unsigned referred[REPLICAS])
{
    if (to == 0) {
        qr_write_varint(writer, 0);
    } else if (to_replica == replica) {
        qr_write_varint(writer, 2 * (uint64_t)(from - to) - 1);
    } else {
        qr_write_varint(writer, 2 * ((uint64_t)to_replica + 1));
        write_zigzag(writer, (int64_t)to - (int64_t)referred[to_replica]);
        referred[to_replica] = to;
    }
}

static unsigned draw_runs(
    struct drawer *drawer, unsigned replica, struct drawn *runs, unsigned *counter)
{
    unsigned count = draw(drawer, RUNS_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct drawn *run = &runs[i];
        *run = (struct drawn){.replica = replica,
            .gap = draw(drawer, 3),
            .length = 1 + draw(drawer, 6),
            .dead = draw(drawer, 8)};
        if (*counter + run->gap + run->length >= COUNTERS) {
            return i;
        }
        run->first = *counter + run->gap;
        run->parent = draw_character(drawer, &run->parent_replica);
        run->right = draw_character(drawer, &run->right_replica);
        unsigned shape = draw(drawer, 4);
        if (run->parent_replica == replica && run->parent >= run->first) {
            run->parent = 0;
        }
        if (run->right_replica == replica && run->right >= run->first) {
            run->right = 0;
        }
        if (i > 0 && shape == 1) { /* typing on, with another right neighbour */
            run->parent_replica = replica;
            run->parent = runs[i - 1].first + runs[i - 1].length - 1;
        }
        run->left = shape == 2 && run->parent != 0;
        *counter = run->first + run->length;
    }
    return count;
}

static void write_runs(struct qr_writer *writer, const struct drawn *runs, unsigned count)
{
    unsigned referred[REPLICAS] = {0};
    qr_write_varint(writer, count);
    for (unsigned i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && runs[end].replica == runs[i].replica;) {
            end++;
        }
        qr_write_varint(writer, runs[i].replica);
        qr_write_varint(writer, end - i);
    }
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(writer, (uint64_t)runs[i].length << 1 | (runs[i].left ? 1 : 0));
    }
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(writer, runs[i].gap);
    }
    for (unsigned i = 0; i < count; i++) {
        write_reference(writer, runs[i].replica, runs[i].first, runs[i].parent_replica,
            runs[i].parent, referred);
    }
    for (unsigned i = 0; i < count; i++) {
        if (!runs[i].left) {
            write_reference(writer, runs[i].replica, runs[i].first, runs[i].right_replica,
                runs[i].right, referred);
        }
    }
    bool live = true;
    uint64_t stretch = 0;
    for (unsigned i = 0; i < count; i++) {
        bool alive = runs[i].dead > 1;
        if (alive != live) {
            qr_write_varint(writer, stretch);
            stretch = 0;
            live = alive;
        }
        stretch += runs[i].length;
    }
    qr_write_varint(writer, stretch);
}

static void write_letters(struct qr_writer *writer, const struct drawn *runs, unsigned count)
{
    uint64_t live = 0;
    for (unsigned i = 0; i < count; i++) {
        live += runs[i].dead > 1 ? runs[i].length : 0;
    }
    qr_write_varint(writer, 2 * live);
    for (uint64_t i = 0; i < live; i++) {
        qr_write_bytes(writer, "\xc3\xbc", 2);
    }
}

static bool any_live(const struct drawn *runs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (runs[i].dead > 1) {
            return true;
        }
    }
    return false;
}

/** A value of any field, 5 and 6 among them; its counter is the payload's last. */
static void write_value(
    struct drawer *drawer, struct qr_writer *writer, unsigned replica, unsigned counter)
{
    unsigned field = draw(drawer, 8);
    qr_write_varint(writer, 1);
    qr_write_varint(writer, replica);
    qr_write_varint(writer, counter);
    write_zigzag(writer, (int64_t)draw(drawer, 8) - 4);
    qr_write_u8(writer, (uint8_t)field);
    switch (field) {
    case 0:
        qr_write_varint(writer, 1);
        qr_write_u8(writer, (uint8_t)('a' + draw(drawer, 4)));
        break;
    case 1:
    case 2: qr_write_varint(writer, draw(drawer, 101)); break;
    case 3:
    case 4:
        qr_write_varint(writer, 1);
        qr_write_u8(writer, (uint8_t)('a' + draw(drawer, 4)));
        if (field == 4) {
            qr_write_varint(writer, draw(drawer, 101));
        }
        break;
    default: {
        unsigned places = draw(drawer, 4);
        qr_write_varint(writer, places);
        for (unsigned i = 0; i < places; i++) {
            unsigned in;
            unsigned there = draw_character(drawer, &in);
            unsigned after = draw(drawer, 2);
            qr_write_varint(writer, there == 0 ? after : 2 * ((uint64_t)in + 1) + after);
            if (there != 0) {
                qr_write_varint(writer, there);
            }
        }
        qr_write_varint(writer, 2);
        qr_write_bytes(writer, "md", 2);
    }
    }
}

/** One or two ranges of characters of a replica, which do not touch. */
static unsigned draw_ranges(
    struct drawer *drawer, unsigned replica, unsigned first[2], unsigned length[2])
{
    unsigned count = 0;
    unsigned at = 1;
    for (unsigned most = draw(drawer, 4) == 0 ? 1 + draw(drawer, 2) : 0; count < most; count++) {
        at += draw(drawer, drawer->seen[replica]);
        while (at <= drawer->seen[replica] && !drawer->is_character[replica][at]) {
            at++;
        }
        if (at > drawer->seen[replica]) {
            break;
        }
        first[count] = at++;
        for (unsigned more = draw(drawer, 8);
             more > 0 && at <= drawer->seen[replica] && drawer->is_character[replica][at]; more--) {
            at++;
        }
        length[count] = at - first[count];
        at++;
    }
    return count;
}

/** What died, of all replicas. Returns how many ranges; they are in the buffer. */
static unsigned draw_erased(struct drawer *drawer, struct quire_buffer *out_bytes)
{
    struct qr_writer writer = qr_writer_onto(out_bytes);
    unsigned count = 0;
    unsigned rank = 0;
    for (unsigned replica = 0; replica < REPLICAS; replica++) {
        unsigned first[2], length[2];
        unsigned ranges = draw_ranges(drawer, replica, first, length);
        unsigned end = 0;
        for (unsigned i = 0; i < ranges; i++) {
            qr_write_varint(&writer, replica - rank);
            qr_write_varint(&writer, replica == rank ? first[i] - end : first[i]);
            qr_write_varint(&writer, length[i]);
            end = first[i] + length[i];
            rank = replica;
        }
        count += ranges;
    }
    OK(qr_writer_end(&writer));
    return count;
}

/** Characters sent before that were erased again or revived, now and then; all letters are r. */
static unsigned draw_turned(struct drawer *drawer, struct quire_buffer *out_bytes)
{
    struct qr_writer writer = qr_writer_onto(out_bytes);
    unsigned count = 0, revived = 0, rank = 0;
    for (unsigned replica = 0; replica < REPLICAS && draw(drawer, 3) == 0; replica++) {
        unsigned first[2], length[2];
        unsigned ranges = draw_ranges(drawer, replica, first, length);
        unsigned end = 0;
        for (unsigned i = 0; i < ranges; i++) {
            unsigned turn = 2 + draw(drawer, 4);
            qr_write_varint(&writer, replica - rank);
            qr_write_varint(&writer, replica == rank ? first[i] - end : first[i]);
            qr_write_varint(&writer, length[i]);
            qr_write_varint(&writer, turn);
            end = first[i] + length[i] - 1;
            rank = replica;
            revived += turn % 2 == 0 ? length[i] : 0;
        }
        count += ranges;
    }
    qr_write_varint(&writer, revived);
    for (unsigned i = 0; i < revived; i++) {
        qr_write_u8(&writer, 'r');
    }
    OK(qr_writer_end(&writer));
    return count;
}

/** Dots that were overwritten, or counters that are none. */
static unsigned draw_removed(struct drawer *drawer, struct quire_buffer *out_bytes)
{
    struct qr_writer writer = qr_writer_onto(out_bytes);
    unsigned count = 0;
    unsigned rank = 0;
    for (unsigned replica = 0; replica < REPLICAS; replica++) {
        unsigned before = 0;
        for (unsigned most = draw(drawer, 3) == 0 ? draw(drawer, 4) : 0; most > 0; most--) {
            unsigned counter = before + 1 + draw(drawer, drawer->seen[replica]);
            if (counter > drawer->seen[replica]) {
                break;
            }
            qr_write_varint(&writer, replica - rank);
            qr_write_varint(&writer, replica == rank ? counter - before : counter);
            before = counter;
            rank = replica;
            count++;
        }
    }
    OK(qr_writer_end(&writer));
    return count;
}

/** What a payload covers, and its runs. */
struct covered {
    unsigned first[REPLICAS], last[REPLICAS]; /* last < first: nothing */
    struct drawn runs[2 * RUNS_MAX];
    unsigned run_count;
};

/** Another replica's runs, before or after the first one's, of which some are known as a rule: they may say
 * anything of themselves. */
static void draw_known(struct drawer *drawer, unsigned replica, struct covered *covered)
{
    unsigned other = draw(drawer, REPLICAS);
    if (draw(drawer, 3) != 0 || other == replica) {
        return;
    }
    unsigned first = 1 + draw(drawer, drawer->seen[other]);
    unsigned counter = first;
    struct drawn runs[RUNS_MAX];
    unsigned count = draw_runs(drawer, other, runs, &counter);
    if (count == 0) {
        return;
    }
    struct drawn *to = covered->runs + covered->run_count;
    if (draw(drawer, 2) == 0) {
        memmove(covered->runs + count, covered->runs, covered->run_count * sizeof *runs);
        to = covered->runs;
    }
    memcpy(to, runs, count * sizeof *runs);
    covered->run_count += count;
    covered->first[other] = first;
    covered->last[other] = counter - 1;
}

/** A payload of one replica, or two. All four are in its table, and a delete names them all. */
static void draw_payload(
    struct drawer *drawer, struct quire_buffer *out_bytes, struct covered *covered)
{
    *covered = (struct covered){.first = {1, 1, 1, 1}};
    struct drawn *runs = covered->runs;
    unsigned replica = draw(drawer, REPLICAS);
    unsigned back = draw(drawer, 8) == 0 ? draw(drawer, drawer->seen[replica] + 1) : 0;
    unsigned first = drawer->seen[replica] + 1 - back;
    unsigned counter = first;
    unsigned count = draw_runs(drawer, replica, runs, &counter);
    bool value = draw(drawer, 3) == 0;
    unsigned last = counter - 1 + (value ? 1 : 0) + draw(drawer, 2);
    last = last < first ? first : last < COUNTERS ? last : COUNTERS;
    covered->run_count = count;
    covered->first[replica] = first;
    covered->last[replica] = last;
    draw_known(drawer, replica, covered);
    count = covered->run_count;
    bool letters = any_live(runs, count);
    struct quire_buffer erased = {0};
    struct quire_buffer removed = {0};
    unsigned erased_count = draw_erased(drawer, &erased);
    unsigned removed_count = draw_removed(drawer, &removed);
    struct quire_buffer turned = {0};
    unsigned turned_count = draw_turned(drawer, &turned);
    uint8_t parts = (uint8_t)(2 | (value ? 4 : 0) | (letters ? 8 : 0) | (count > 0 ? 16 : 0)
        | (erased_count > 0 ? 32 : 0) | (removed_count > 0 ? 64 : 0)
        | (turned_count > 0 ? 128 : 0));
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, 1);
    qr_write_u8(&writer, parts);
    write_zigzag(&writer, draw(drawer, 16));
    qr_write_varint(&writer, REPLICAS);
    for (unsigned i = 0; i < REPLICAS; i++) {
        const uint8_t name[QUIRE_REPLICA_SIZE] = {(uint8_t)(i + 1)};
        qr_write_bytes(&writer, name, sizeof name);
    }
    for (unsigned i = 0; i < REPLICAS; i++) {
        qr_write_varint(&writer, covered->last[i] + 1 - covered->first[i]);
    }
    for (unsigned i = 0; i < REPLICAS; i++) {
        if (covered->last[i] >= covered->first[i]) {
            qr_write_varint(&writer, covered->first[i]);
        }
    }
    qr_write_varint(&writer, REPLICAS); /* deleted: what each replica was seen of */
    for (unsigned i = 0; i < REPLICAS; i++) {
        qr_write_varint(&writer, i == 0 ? 0 : 1);
        qr_write_varint(&writer, 1);
    }
    if (value) {
        write_value(drawer, &writer, replica, counter);
    }
    if (letters) {
        write_letters(&writer, runs, count);
    }
    if (count > 0) {
        write_runs(&writer, runs, count);
    }
    if (erased_count > 0) {
        qr_write_varint(&writer, erased_count);
        qr_write_bytes(&writer, erased.data, erased.size);
    }
    if (removed_count > 0) {
        qr_write_varint(&writer, removed_count);
        qr_write_bytes(&writer, removed.data, removed.size);
    }
    if (turned_count > 0) {
        qr_write_varint(&writer, turned_count);
        qr_write_bytes(&writer, turned.data, turned.size);
    }
    quire_buffer_finish(&erased);
    quire_buffer_finish(&removed);
    quire_buffer_finish(&turned);
    OK(qr_writer_end(&writer));
}

void begin(struct drawer *drawer, struct quire_document *document)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        struct quire_stamp stamp = {.replica = {(uint8_t)(i + 1)}, .wall_ms = 1};
        OK(quire_document_insert(document, &stamp, 0, quire_bytes_of_text("abc")));
        drawer->seen[i] = 3;
        for (unsigned counter = 1; counter <= 3; counter++) {
            drawer->is_character[i][counter] = true;
        }
    }
    while (quire_document_pending_size(document) > 0) {
        struct quire_buffer delta = {0};
        OK(quire_document_take_delta(document, 1 << 16, &delta));
        quire_buffer_finish(&delta);
    }
}

static struct quire_buffer state_of(const struct quire_document *document)
{
    struct quire_buffer state = {0};
    OK(quire_document_encode(document, &state));
    return state;
}

static void check_same(
    const struct quire_document *a, const struct quire_document *b, const char *what)
{
    struct quire_buffer left = state_of(a);
    struct quire_buffer right = state_of(b);
    OK(quire_document_canonical(a, &left));
    OK(quire_document_canonical(b, &right));
    check(quire_bytes_equal(quire_buffer_bytes(&left), quire_buffer_bytes(&right)), what);
    quire_buffer_finish(&left);
    quire_buffer_finish(&right);
}

void check_travels(const struct quire_document *document)
{
    struct quire_buffer state = state_of(document);
    struct quire_buffer kept = state_of(document);
    struct quire_document *resting;
    struct quire_document *stranger;
    OK(quire_document_open(&kept, &resting));
    check_same(document, resting, "the encoded one differs");
    OK(quire_document_merge(resting, quire_buffer_bytes(&state)));
    check_same(document, resting, "woken it is another one");
    OK(quire_document_create(&stranger));
    OK(quire_document_merge(stranger, quire_buffer_bytes(&state)));
    check_same(document, stranger, "a state was read as another one");
    quire_document_destroy(resting);
    quire_document_destroy(stranger);
    quire_buffer_finish(&state);
}

bool merge_drawn(struct drawer *drawer, struct quire_document *document)
{
    struct quire_buffer bytes = {0};
    struct covered covered;
    draw_payload(drawer, &bytes, &covered);
    struct quire_buffer before = state_of(document);
    enum quire_status status = quire_document_merge(document, quire_buffer_bytes(&bytes));
    if (status != QUIRE_OK) {
        struct quire_buffer after = state_of(document);
        check(status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT, "refused for another reason");
        check(quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)),
            "what was refused changed something");
        quire_buffer_finish(&after);
    } else {
        for (unsigned i = 0; i < covered.run_count; i++) {
            const struct drawn *run = &covered.runs[i];
            for (unsigned at = 0; at < run->length; at++) {
                drawer->is_character[run->replica][run->first + at] = true;
            }
        }
        for (unsigned i = 0; i < REPLICAS; i++) {
            drawer->seen[i] = covered.last[i] > drawer->seen[i] ? covered.last[i] : drawer->seen[i];
        }
        struct quire_buffer after = state_of(document);
        OK(quire_document_merge(document, quire_buffer_bytes(&bytes)));
        struct quire_buffer again = state_of(document);
        check(quire_bytes_equal(quire_buffer_bytes(&after), quire_buffer_bytes(&again)),
            "merged twice it is another one");
        quire_buffer_finish(&after);
        quire_buffer_finish(&again);
    }
    quire_buffer_finish(&before);
    quire_buffer_finish(&bytes);
    return status == QUIRE_OK;
}
