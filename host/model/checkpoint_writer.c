/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/checkpoint_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/checkpoint_pace.h"

/* Lines that wait, and the shards they are about. */
typedef struct batch {
    char **lines;
    size_t count, room;
    uint8_t *shards; /* 1: written to */
} batch;

struct clq_checkpoint_writer {
    clq_journal *journal;
    clq_output *output;
    size_t shard_count;
    pthread_t thread;
    pthread_mutex_t mutex; /* over all that follows */
    pthread_cond_t changed;
    int running; /* there is a thread */
    int stopping;
    int entered; /* there are tensors in the journal, on disk */
    batch waiting;
    clq_error failure; /* status CLQ_OK: none */
};

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the journal");
}

static void empty(batch *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->lines[i]);
    }
    free(lines->lines);
    free(lines->shards);
    memset(lines, 0, sizeof *lines);
}

/* Data first, then what tells of it. */
static clq_status enter(clq_checkpoint_writer *writer, const batch *lines, const char *last, int durable,
                        clq_error *error)
{
    for (size_t i = 0; i < writer->shard_count; i++) {
        if (last != NULL || (lines->shards != NULL && lines->shards[i])) {
            CLQ_TRY(clq_output_flush(writer->output, i, error));
        }
    }
    for (size_t i = 0; i < lines->count; i++) {
        CLQ_TRY(clq_journal_add(writer->journal, lines->lines[i], error));
    }
    if (last != NULL) {
        CLQ_TRY(clq_journal_add(writer->journal, last, error));
    }
    return clq_journal_write(writer->journal, durable, error);
}

static struct timespec seconds_from_now(double seconds)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += (time_t)seconds;
    time.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (time.tv_nsec >= 1000000000) {
        time.tv_nsec -= 1000000000;
        time.tv_sec++;
    }
    return time;
}

static int is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Wait until lines wait and it is time; 0 when there is no more to do here. The mutex is held. */
static int wait_for_lines(clq_checkpoint_writer *writer, const struct timespec *due)
{
    for (;;) {
        const struct timespec now = seconds_from_now(0.0);
        if (writer->stopping) {
            return 0;
        }
        if (writer->waiting.count == 0) {
            pthread_cond_wait(&writer->changed, &writer->mutex);
        } else if (is_before(&now, due)) {
            pthread_cond_timedwait(&writer->changed, &writer->mutex, due);
        } else {
            return 1;
        }
    }
}

static void *work(void *cookie)
{
    clq_checkpoint_writer *writer = cookie;
    struct timespec due = seconds_from_now(clq_checkpoint_seconds());
    pthread_mutex_lock(&writer->mutex);
    while (wait_for_lines(writer, &due)) {
        batch lines = writer->waiting;
        clq_error error;
        clq_status status;
        memset(&writer->waiting, 0, sizeof writer->waiting);
        pthread_mutex_unlock(&writer->mutex);
        status = enter(writer, &lines, NULL, 1, &error);
        empty(&lines);
        due = seconds_from_now(clq_checkpoint_seconds());
        pthread_mutex_lock(&writer->mutex);
        writer->entered = 1;
        if (status != CLQ_OK) {
            writer->failure = error;
            break;
        }
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

static int make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int made = 0;
    if (pthread_condattr_init(&attributes) == 0) {
        made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
               pthread_cond_init(condition, &attributes) == 0;
        pthread_condattr_destroy(&attributes);
    }
    return made;
}

clq_status clq_checkpoint_writer_start(clq_journal *journal, clq_output *output, int continued,
                                       clq_checkpoint_writer **out, clq_error *error)
{
    clq_checkpoint_writer *writer = calloc(1, sizeof *writer);
    *out = NULL;
    if (writer == NULL) {
        return no_memory(error);
    }
    writer->journal = journal;
    writer->output = output;
    writer->entered = continued;
    writer->shard_count = clq_output_shards(output);
    if (pthread_mutex_init(&writer->mutex, NULL) != 0) {
        free(writer);
        return no_memory(error);
    }
    if (!make_condition(&writer->changed)) {
        pthread_mutex_destroy(&writer->mutex);
        free(writer);
        return no_memory(error);
    }
    /* Without a thread all is entered at the end: what a kill leaves is then worth less, and nothing else. */
    writer->running = pthread_create(&writer->thread, NULL, work, writer) == 0;
    *out = writer;
    return CLQ_OK;
}

static clq_status append(clq_checkpoint_writer *writer, const char *line, size_t shard, clq_error *error)
{
    batch *waiting = &writer->waiting;
    if (waiting->shards == NULL) {
        waiting->shards = calloc(writer->shard_count, 1);
    }
    if (waiting->count == waiting->room) {
        const size_t room = waiting->room * 2 + 16;
        char **larger = realloc(waiting->lines, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(error);
        }
        waiting->lines = larger;
        waiting->room = room;
    }
    waiting->lines[waiting->count] = strdup(line);
    if (waiting->shards == NULL || waiting->lines[waiting->count] == NULL) {
        return no_memory(error);
    }
    waiting->shards[shard] = 1;
    waiting->count++;
    return CLQ_OK;
}

static clq_status report_failure(const clq_checkpoint_writer *writer, clq_error *error)
{
    return writer->failure.status == CLQ_OK ? CLQ_OK
                                            : clq_fail(error, writer->failure.status, "%s", writer->failure.message);
}

clq_status clq_checkpoint_writer_add(clq_checkpoint_writer *writer, const char *line, size_t shard, clq_error *error)
{
    clq_status status;
    pthread_mutex_lock(&writer->mutex);
    status = report_failure(writer, error);
    if (status == CLQ_OK) {
        status = append(writer, line, shard, error);
    }
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    return status;
}

static void end_thread(clq_checkpoint_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = 1;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    if (writer->running) {
        pthread_join(writer->thread, NULL);
        writer->running = 0;
    }
}

clq_status clq_checkpoint_writer_finish(clq_checkpoint_writer *writer, const char *last, clq_error *error)
{
    end_thread(writer);
    CLQ_TRY(report_failure(writer, error));
    return enter(writer, &writer->waiting, last, last == NULL || writer->entered || writer->shard_count > 1, error);
}

void clq_checkpoint_writer_stop(clq_checkpoint_writer **out)
{
    clq_checkpoint_writer *writer = *out;
    if (writer == NULL) {
        return;
    }
    end_thread(writer);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    empty(&writer->waiting);
    free(writer);
    *out = NULL;
}
