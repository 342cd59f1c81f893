/*
 * The committer's disk in tests.
 */
#include "disk.h"

#include "base/writer.h"

void disk_init(struct disk *disk)
{
    *disk = (struct disk){0};
    pthread_mutex_init(&disk->lock, NULL);
    pthread_cond_init(&disk->changed, NULL);
}

void disk_finish(struct disk *disk)
{
    pthread_cond_destroy(&disk->changed);
    pthread_mutex_destroy(&disk->lock);
}

enum quire_status disk_append(void *context, const struct qr_log_record *records, size_t count)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    while (disk->held) {
        disk->waiting = true;
        pthread_cond_broadcast(&disk->changed);
        pthread_cond_wait(&disk->changed, &disk->lock);
    }
    disk->waiting = false;
    enum quire_status status = disk->failure;
    for (size_t i = 0; status == QUIRE_OK && i < count; i++) {
        if (records[i].entry.lsn != disk->last_lsn + 1 || records[i].bytes.size != 8
            || qr_load_u64(records[i].bytes.data) != records[i].entry.lsn) {
            disk->out_of_order = true;
        }
        disk->last_lsn = records[i].entry.lsn;
        disk->byte_sum += records[i].bytes.size;
    }
    if (status == QUIRE_OK) {
        disk->group_count++;
        disk->largest_group = count > disk->largest_group ? count : disk->largest_group;
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

void disk_ready(void *context)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    disk->news++;
    disk->told_lsn = disk->last_lsn;
    pthread_cond_broadcast(&disk->changed);
    pthread_mutex_unlock(&disk->lock);
}

void disk_hold(struct disk *disk, bool held)
{
    pthread_mutex_lock(&disk->lock);
    disk->held = held;
    pthread_cond_broadcast(&disk->changed);
    pthread_mutex_unlock(&disk->lock);
}

void disk_fail(struct disk *disk, enum quire_status status)
{
    pthread_mutex_lock(&disk->lock);
    disk->failure = status;
    pthread_mutex_unlock(&disk->lock);
}

void disk_wait_held(struct disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    while (!disk->waiting) {
        pthread_cond_wait(&disk->changed, &disk->lock);
    }
    pthread_mutex_unlock(&disk->lock);
}

void disk_wait_news(struct disk *disk, unsigned count)
{
    pthread_mutex_lock(&disk->lock);
    while (disk->news < count) {
        pthread_cond_wait(&disk->changed, &disk->lock);
    }
    pthread_mutex_unlock(&disk->lock);
}

void disk_wait_lsn(struct disk *disk, uint64_t lsn)
{
    pthread_mutex_lock(&disk->lock);
    while (disk->told_lsn < lsn) {
        pthread_cond_wait(&disk->changed, &disk->lock);
    }
    pthread_mutex_unlock(&disk->lock);
}

unsigned disk_news(struct disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    unsigned news = disk->news;
    pthread_mutex_unlock(&disk->lock);
    return news;
}

struct qr_log_record disk_record(uint64_t lsn, uint8_t bytes[8])
{
    struct qr_log_record record = {.entry = {.lsn = lsn, .size = 8, .kind = QR_LOG_BATCH}};
    qr_store_u64(bytes, lsn);
    record.bytes = (struct quire_bytes){bytes, 8};
    return record;
}
