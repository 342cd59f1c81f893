#include "model.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *need(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "crash: out of memory\n");
        abort();
    }
    return memory;
}

static void give_up(const char *why)
{
    fprintf(stderr, "crash: the trace cannot be replayed: %s\n", why);
    abort();
}

struct model *model_create(void)
{
    return need(calloc(1, sizeof(struct model)));
}

void model_destroy(struct model *model)
{
    for (size_t i = 0; i < model->file_count; i++) {
        free(model->files[i].bytes);
    }
    for (size_t i = 0; i < model->pending_count; i++) {
        free(model->pending[i].bytes);
    }
    free(model->pending);
    free(model->debts.groups);
    free(model);
}

bool model_is_name(const struct model_pending *pending)
{
    return pending->kind == TRACE_CREATE || pending->kind == TRACE_RENAME
        || pending->kind == TRACE_UNLINK;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The newest file with that inode: numbers are given out again. */
static size_t file_of(const struct model *model, uint64_t inode)
{
    for (size_t i = model->file_count; i-- > 0;) {
        if (model->files[i].inode == inode) {
            return i;
        }
    }
    give_up("a file whose making was not seen");
    return 0;
}

static void set_size(struct model_file *file, size_t size)
{
    if (size > file->capacity) {
        size_t capacity = size * 2;
        file->bytes = need(realloc(file->bytes, capacity));
        memset(file->bytes + file->capacity, 0, capacity - file->capacity);
        file->capacity = capacity;
    }
    if (size < file->size) {
        memset(file->bytes + size, 0, file->size - size);
    }
    file->size = size;
}

static void put(struct model_file *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (size > 0) {
        if (offset + size > file->size) {
            set_size(file, offset + size);
        }
        memcpy(file->bytes + offset, bytes, size);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static size_t find_name(const struct model_name *names, size_t count, const char *name)
{
    size_t at = 0;
    while (at < count && strcmp(names[at].name, name) != 0) {
        at++;
    }
    return at;
}

static void apply_name(struct model_name *names, size_t *count, const struct model_pending *change)
{
    size_t file = change->file;
    if (change->kind == TRACE_RENAME) {
        size_t from = find_name(names, *count, change->from);
        if (from == *count) {
            give_up("a renamed file that is not there");
        }
        file = names[from].file;
        names[from] = names[--*count];
    }
    size_t at = find_name(names, *count, change->to);
    if (change->kind == TRACE_UNLINK) {
        if (at < *count) {
            names[at] = names[--*count];
        }
        return;
    }
    assert(at < MODEL_FILES_MAX);
    *count += at == *count;
    strcpy(names[at].name, change->to);
    names[at].file = file;
}

/* ---- what is pending ------------------------------------------------------------------------- */

static struct model_pending *add_pending(struct model *model, enum trace_kind kind, size_t file)
{
    if (model->pending_count == model->pending_capacity) {
        model->pending_capacity = model->pending_capacity == 0 ? 64 : model->pending_capacity * 2;
        model->pending =
            need(realloc(model->pending, model->pending_capacity * sizeof *model->pending));
    }
    struct model_pending *pending = &model->pending[model->pending_count++];
    *pending = (struct model_pending){.kind = kind, .file = file};
    return pending;
}

/* What an older write, still pending, would put in the place of a durable one is gone: the cache
 * held the newer bytes when the disk got them. */
static void overrule(struct model *model, size_t before, const struct model_pending *newer)
{
    for (size_t i = 0; i < before; i++) {
        struct model_pending *older = &model->pending[i];
        if (older->kind != TRACE_WRITE || older->file != newer->file) {
            continue;
        }
        uint64_t from = older->offset > newer->offset ? older->offset : newer->offset;
        uint64_t older_end = older->offset + older->size;
        uint64_t newer_end = newer->offset + newer->size;
        uint64_t to = older_end < newer_end ? older_end : newer_end;
        if (from < to) {
            memcpy(older->bytes + (from - older->offset), newer->bytes + (from - newer->offset),
                to - from);
        }
    }
}

static void make_durable(struct model *model, size_t at)
{
    struct model_pending *pending = &model->pending[at];
    struct model_file *file = &model->files[pending->file];
    if (model_is_name(pending)) {
        apply_name(model->names, &model->name_count, pending);
    } else if (pending->kind == TRACE_TRUNCATE) {
        set_size(file, pending->offset);
    } else {
        overrule(model, at, pending);
        put(file, pending->offset, pending->bytes, pending->size);
    }
    model->epoch++;
}

static void settle_all(
    struct model *model, bool (*which)(const struct model_pending *, size_t), size_t file)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->pending_count; i++) {
        if (which(&model->pending[i], file)) {
            make_durable(model, i);
            free(model->pending[i].bytes);
            model->pending[i].bytes = NULL;
            model->pending[i].size = 0;
        }
    }
    for (size_t i = 0; i < model->pending_count; i++) {
        if (!which(&model->pending[i], file)) {
            model->pending[kept++] = model->pending[i];
        }
    }
    model->pending_count = kept;
}

static bool is_of_file(const struct model_pending *pending, size_t file)
{
    return !model_is_name(pending) && pending->file == file && !pending->unknown;
}

static bool is_of_folder(const struct model_pending *pending, size_t file)
{
    (void)file;
    return model_is_name(pending);
}

void model_settle(struct model *model)
{
    assert(model->pending_count > 0);
    make_durable(model, --model->pending_count);
    free(model->pending[model->pending_count].bytes);
}

static void sync_failed(struct model *model, size_t file)
{
    for (size_t i = 0; i < model->pending_count; i++) {
        struct model_pending *pending = &model->pending[i];
        if (!model_is_name(pending) && pending->file == file) {
            pending->unknown = true;
        }
    }
}

/* ---- the debts ------------------------------------------------------------------------------- */

static void acknowledge(struct debts *debts, uint64_t lsn, unsigned attempt, bool any_attempt)
{
    if (lsn > MODEL_LSN_MAX) {
        give_up("too many records");
    }
    for (size_t i = debts->group_count; i-- > 0;) {
        const struct model_group *group = &debts->groups[i];
        if (group->to != lsn || (!any_attempt && group->attempt != attempt)) {
            continue;
        }
        for (uint64_t at = group->from; at <= group->to; at++) {
            debts->attempt_of[at] = (uint8_t)group->attempt;
        }
        debts->acked = lsn;
        break;
    }
    if (lsn == debts->acked) {
        debts->group_count =
            0; /* the others were refused, or are void since lsn went on without them */
    }
}

static void feed_mark(struct debts *debts, const struct trace_event *event)
{
    switch ((enum trace_kind)event->kind) {
    case TRACE_SEND:
        if (debts->group_count == debts->group_capacity) {
            debts->group_capacity = debts->group_capacity == 0 ? 16 : debts->group_capacity * 2;
            debts->groups =
                need(realloc(debts->groups, debts->group_capacity * sizeof *debts->groups));
        }
        debts->groups[debts->group_count++] =
            (struct model_group){event->a, event->b, (unsigned)event->c};
        break;
    case TRACE_ACK: acknowledge(debts, event->a, 0, true); break;
    case TRACE_OPENED: /* what the store says is durable is promised by that */
        debts->opened = true;
        acknowledge(debts, event->a, (unsigned)event->b, false);
        debts->impossible |= debts->acked != event->a;
        break;
    case TRACE_FORGET:
        if (debts->forget_count == MODEL_FORGETS_MAX) {
            give_up("too much is forgotten");
        }
        debts->forgets[debts->forget_count++] =
            (struct model_forget){(unsigned)event->a, event->b, event->c, false};
        break;
    case TRACE_FORGOT: debts->forgets[debts->forget_count - 1].done = true; break;
    default: give_up("an unknown event");
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static void copy_name(char out_name[MODEL_NAME_MAX], const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > MODEL_NAME_MAX || bytes[size - 1] != 0) {
        give_up("a long name");
    }
    memcpy(out_name, bytes, size);
}

void model_feed(struct model *model, const struct trace_event *event, const uint8_t *bytes)
{
    struct model_pending *pending;
    switch ((enum trace_kind)event->kind) {
    case TRACE_CREATE:
        if (model->file_count == MODEL_FILES_MAX) {
            give_up("too many files");
        }
        model->files[model->file_count++] = (struct model_file){.inode = event->a};
        pending = add_pending(model, TRACE_CREATE, model->file_count - 1);
        copy_name(pending->to, bytes, event->size);
        break;
    case TRACE_RENAME:
        pending = add_pending(model, TRACE_RENAME, 0);
        copy_name(pending->from, bytes, strlen((const char *)bytes) + 1);
        bytes += strlen(pending->from) + 1;
        copy_name(pending->to, bytes, strlen((const char *)bytes) + 1);
        break;
    case TRACE_UNLINK:
        pending = add_pending(model, TRACE_UNLINK, 0);
        copy_name(pending->to, bytes, event->size);
        break;
    case TRACE_WRITE:
    case TRACE_TRUNCATE:
        pending = add_pending(model, (enum trace_kind)event->kind, file_of(model, event->a));
        pending->offset = event->b;
        pending->unknown = (event->flags & TRACE_FAILED) != 0;
        pending->size = event->size;
        if (event->size > 0) {
            pending->bytes = memcpy(need(malloc(event->size)), bytes, event->size);
        }
        break;
    case TRACE_SYNC:
        if ((event->flags & TRACE_FAILED) != 0) {
            sync_failed(model, file_of(model, event->a));
        } else {
            settle_all(model, is_of_file, file_of(model, event->a));
        }
        break;
    case TRACE_SYNC_FOLDER:
        if ((event->flags & TRACE_FAILED) == 0) {
            settle_all(model, is_of_folder, 0);
        }
        break;
    case TRACE_MAPPED: give_up("a file is mapped for writing"); break;
    case TRACE_INJECTED: model->injected++; break;
    default: feed_mark(&model->debts, event); model->promise++;
    }
}

/* ---- a power cut ----------------------------------------------------------------------------- */

static void put_sectors(struct model_file *file, const struct model_pending *pending, uint64_t mask)
{
    if (mask == UINT64_MAX) {
        put(file, pending->offset, pending->bytes, pending->size);
        return;
    }
    for (size_t at = 0, sector = 0; at < pending->size; sector++) {
        size_t size = MODEL_SECTOR - (size_t)((pending->offset + at) % MODEL_SECTOR);
        size = size < pending->size - at ? size : pending->size - at;
        if ((mask >> (sector % 64) & 1) != 0) {
            put(file, pending->offset + at, pending->bytes + at, size);
        }
        at += size;
    }
}

static void write_file(
    const struct model *model, const struct model_choice *choice, size_t index, const char *path)
{
    static struct model_file image; /* kept, so that its memory is */
    const struct model_file *durable = &model->files[index];
    uint64_t furthest = 0;
    set_size(&image, 0);
    put(&image, 0, durable->bytes, durable->size);
    for (size_t i = 0; i < model->pending_count; i++) {
        const struct model_pending *pending = &model->pending[i];
        if (model_is_name(pending) || pending->file != index) {
            continue;
        }
        uint64_t end = pending->offset + pending->size;
        furthest = end > furthest ? end : furthest;
        if (pending->kind == TRACE_WRITE) {
            put_sectors(&image, pending, choice->sectors[i]);
        } else if (choice->sectors[i] != 0) {
            set_size(&image, pending->offset);
        }
    }
    if (choice->growth != 0
        && furthest > image.size) { /* the length came to the disk before the bytes */
        set_size(&image, image.size + (size_t)(choice->growth % (furthest - image.size + 1)));
    }
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)image.size) != 0
        || (image.size > 0 && pwrite(file, image.bytes, image.size, 0) != (ssize_t)image.size)) {
        perror(path);
        abort();
    }
    close(file);
}

void model_write(const struct model *model, const struct model_choice *choice, const char *folder)
{
    static const char *const known[] = {"log.mdb", "new.mdb"};
    struct model_name names[MODEL_FILES_MAX];
    size_t count = model->name_count;
    size_t left = choice->names;
    char path[512];
    memcpy(names, model->names, sizeof names);
    for (size_t i = 0; i < model->pending_count && left > 0; i++) {
        if (model_is_name(&model->pending[i])) {
            apply_name(names, &count, &model->pending[i]);
            left--;
        }
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, known[i]);
        if (find_name(names, count, known[i]) == count) {
            (void)unlink(path);
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool is_log = strcmp(names[i].name, known[0]) == 0;
        if (!is_log && strcmp(names[i].name, known[1]) != 0) {
            give_up("a file of an unknown name");
        }
        snprintf(path, sizeof path, "%s/%s", folder, known[is_log ? 0 : 1]);
        write_file(model, choice, names[i].file, path);
    }
}

uint64_t model_hash(const struct model *model, const struct model_choice *choice)
{
    struct kit_random random = {model->epoch * 0x100000001b3u + model->promise};
    uint64_t hash = kit_random_next(&random) + choice->names;
    for (size_t i = 0; i < model->pending_count; i++) {
        if (choice->sectors[i] != 0 && !model_is_name(&model->pending[i])) {
            random.state = hash ^ choice->sectors[i] ^ ((uint64_t)i << 32);
            hash = kit_random_next(&random);
        }
    }
    random.state = hash ^ choice->growth;
    return kit_random_next(&random);
}
