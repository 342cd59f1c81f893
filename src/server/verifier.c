/*
 * The pool of signature checkers.
 */
#include "server/verifier.h"

#include "crypto/sign.h"
#include <pthread.h>
#include <stdlib.h>

#define WORKERS_MAX 64
#define STACK_SIZE (256 * 1024)
#define STRANGER_SLICE 32   /* signatures: about a millisecond */
#define MEMBERS_BETWEEN 224 /* signatures of members for each slice, while members wait */

struct task {
    struct task *next;
    uint64_t token;
    bool stranger;
    size_t job_count, valid;
    struct qr_verify_job jobs[];
};

/* First in, first out. */
struct task_list {
    struct task *first;
    struct task **end;
};

struct qr_verifier {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct task_list waiting, strangers, done;
    size_t backlog;        /* jobs in waiting or under way */
    size_t since_stranger; /* jobs of members that were begun since the last slice of a stranger */
    bool stop;
    void (*ready)(void *context);
    void *context;
    pthread_t threads[WORKERS_MAX];
    unsigned thread_count;
};

static void list_add(struct task_list *list, struct task *task)
{
    task->next = NULL;
    *list->end = task;
    list->end = &task->next;
}

static struct task *list_take(struct task_list *list)
{
    struct task *task = list->first;
    if (task != NULL) {
        list->first = task->next;
        if (list->first == NULL) {
            list->end = &list->first;
        }
    }
    return task;
}

static void list_put_back(struct task_list *list, struct task *task)
{
    task->next = list->first;
    if (list->first == NULL) {
        list->end = &task->next;
    }
    list->first = task;
}

/* The next task: a member's, but for one slice of a stranger's in between. Under the lock. */
static struct task *next_task(struct qr_verifier *verifier)
{
    bool turn = verifier->waiting.first == NULL || verifier->since_stranger >= MEMBERS_BETWEEN;
    struct task *task = turn ? list_take(&verifier->strangers) : NULL;
    if (task != NULL) {
        verifier->since_stranger = 0;
        return task;
    }
    task = list_take(&verifier->waiting);
    verifier->since_stranger += task == NULL ? 0 : task->job_count;
    return task;
}

/* Checks the task's signatures, of a stranger's only a slice. True: it is done. */
static bool check(struct task *task)
{
    size_t end = task->job_count;
    if (task->stranger && end - task->valid > STRANGER_SLICE) {
        end = task->valid + STRANGER_SLICE;
    }
    for (; task->valid < end; task->valid++) {
        const struct qr_verify_job *job = &task->jobs[task->valid];
        const struct quire_bytes message = {job->message, sizeof job->message};
        if (!qr_verify(
                job->public_key, (enum qr_context)job->context, &message, 1, job->signature)) {
            return true;
        }
    }
    return end == task->job_count;
}

static void *work(void *argument)
{
    struct qr_verifier *verifier = argument;
    pthread_mutex_lock(&verifier->lock);
    while (!verifier->stop) {
        struct task *task = next_task(verifier);
        if (task == NULL) {
            pthread_cond_wait(&verifier->wanted, &verifier->lock);
            continue;
        }
        pthread_mutex_unlock(&verifier->lock);
        bool done = check(task);
        pthread_mutex_lock(&verifier->lock);
        if (!done) {
            list_put_back(&verifier->strangers, task);
            continue;
        }
        bool first = verifier->done.first == NULL;
        verifier->backlog -= task->stranger ? 0 : task->job_count;
        list_add(&verifier->done, task);
        if (first) {
            verifier->ready(verifier->context);
        }
    }
    pthread_mutex_unlock(&verifier->lock);
    return NULL;
}

enum quire_status qr_verifier_create(unsigned workers, void (*ready)(void *context), void *context,
    struct qr_verifier **out_verifier)
{
    pthread_attr_t attributes;
    if (workers < 1 || workers > WORKERS_MAX) {
        return QUIRE_EINVALID;
    }
    struct qr_verifier *verifier = calloc(1, sizeof *verifier);
    if (verifier == NULL) {
        return QUIRE_ENOMEM;
    }
    verifier->waiting.end = &verifier->waiting.first;
    verifier->strangers.end = &verifier->strangers.first;
    verifier->done.end = &verifier->done.first;
    verifier->ready = ready;
    verifier->context = context;
    pthread_mutex_init(&verifier->lock, NULL);
    pthread_cond_init(&verifier->wanted, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int code = 0;
    while (code == 0 && verifier->thread_count < workers) {
        code =
            pthread_create(&verifier->threads[verifier->thread_count], &attributes, work, verifier);
        verifier->thread_count += code == 0;
    }
    pthread_attr_destroy(&attributes);
    if (code != 0) {
        qr_verifier_destroy(verifier);
        return QUIRE_ENOMEM;
    }
    *out_verifier = verifier;
    return QUIRE_OK;
}

static void free_all(struct task_list *list)
{
    struct task *task;
    while ((task = list_take(list)) != NULL) {
        free(task);
    }
}

void qr_verifier_destroy(struct qr_verifier *verifier)
{
    if (verifier == NULL) {
        return;
    }
    pthread_mutex_lock(&verifier->lock);
    verifier->stop = true;
    pthread_cond_broadcast(&verifier->wanted);
    pthread_mutex_unlock(&verifier->lock);
    for (unsigned i = 0; i < verifier->thread_count; i++) {
        pthread_join(verifier->threads[i], NULL);
    }
    free_all(&verifier->waiting);
    free_all(&verifier->strangers);
    free_all(&verifier->done);
    pthread_cond_destroy(&verifier->wanted);
    pthread_mutex_destroy(&verifier->lock);
    free(verifier);
}

enum quire_status qr_verifier_submit(struct qr_verifier *verifier, uint64_t token,
    const struct qr_verify_job *jobs, size_t job_count, bool stranger)
{
    struct task *task = malloc(sizeof *task + job_count * sizeof *jobs);
    if (task == NULL) {
        return QUIRE_ENOMEM;
    }
    *task = (struct task){.token = token, .job_count = job_count, .stranger = stranger};
    memcpy(task->jobs, jobs, job_count * sizeof *jobs);
    pthread_mutex_lock(&verifier->lock);
    verifier->backlog += stranger ? 0 : job_count;
    list_add(stranger ? &verifier->strangers : &verifier->waiting, task);
    pthread_cond_signal(&verifier->wanted);
    pthread_mutex_unlock(&verifier->lock);
    return QUIRE_OK;
}

size_t qr_verifier_take(
    struct qr_verifier *verifier, struct qr_verified *out_verified, size_t capacity)
{
    size_t count = 0;
    pthread_mutex_lock(&verifier->lock);
    while (count < capacity) {
        struct task *task = list_take(&verifier->done);
        if (task == NULL) {
            break;
        }
        out_verified[count++] = (struct qr_verified){task->token, task->valid};
        free(task);
    }
    pthread_mutex_unlock(&verifier->lock);
    return count;
}

size_t qr_verifier_backlog(struct qr_verifier *verifier)
{
    pthread_mutex_lock(&verifier->lock);
    size_t backlog = verifier->backlog;
    pthread_mutex_unlock(&verifier->lock);
    return backlog;
}
