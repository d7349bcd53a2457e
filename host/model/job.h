/* SPDX-License-Identifier: Apache-2.0 */
/* One call of <clquant/files.h>: what it was asked, the device it works on, and what it tells meanwhile. */
#ifndef CLQ_HOST_MODEL_JOB_H
#define CLQ_HOST_MODEL_JOB_H

#include <pthread.h>
#include <time.h>

#include <clquant/files.h>

#include "format/model.h"
#include "stream/check.h"

typedef struct clq_job {
    const clq_file_request *request;
    clq_file_events events;
    clq_context *context; /* NULL: clq_job_need_device makes it */
    /* Where the call works on several devices: all of them, `context` the first. Else NULL and 0. */
    clq_context *const *contexts;
    size_t context_count;
    clq_file_report *report;
    uint64_t
        inputs_hash; /* of the headers of all inputs that were opened: parts that differ there have no plan alike */
    struct timespec begun;
    clq_file_progress progress;
    pthread_mutex_t events_lock; /* events come one at a time */
    clq_check check;             /* what those of the devices add up to */
    clq_check_hosts check_hosts;
} clq_job;

/*
 * `operation` is for the progress. Refuses what is no request or no events, or both without a context. *report, which
 * may be NULL, receives the report at the end; until then it is the job's. Every job that was begun, well or not, is
 * ended, which returns `status`.
 */
clq_status clq_job_begin(clq_job *job, const char *operation, clq_context *context, const clq_file_request *request,
                         const clq_file_events *events, clq_error *error);
clq_status clq_job_end(clq_job *job, clq_status status, clq_file_report **report);

/* How the request's inputs are opened: clq_model_open_from. */
unsigned clq_job_opens(const clq_job *job);

/* Open an input, whose bytes the report counts; what a person should know about it is a warning. */
clq_status clq_job_open_model(clq_job *job, const char *path, clq_model **model, clq_error *error);

/* From now on job->context is there, and the report names its device. */
clq_status clq_job_need_device(clq_job *job, clq_error *error);

/* The same of all devices that the call is given, of a function that works on several. */
clq_status clq_job_need_devices(clq_job *job, clq_error *error);

/* What a person should know, and what one may ask for. */
void clq_job_warn(clq_job *job, const char *format, ...) CLQ_PRINTF(2, 3);
void clq_job_note(clq_job *job, const char *format, ...) CLQ_PRINTF(2, 3);

/* CLQ_CANCELLED when the caller wants no more. */
clq_status clq_job_check_cancelled(clq_job *job, clq_error *error);

/* For clq_pipeline; the cookie is the job. */
int clq_job_is_cancelled(void *job);

void clq_job_progress_begin(clq_job *job, uint64_t all_bytes);
void clq_job_progress_skip(clq_job *job, uint64_t done_bytes); /* so many are done now, the last of them earlier */
void clq_job_progress_at(clq_job *job, uint64_t done_bytes, const char *tensor);
void clq_job_progress_after(clq_job *job, const char *what); /* all bytes are done, and `what` is left to do */

#endif
