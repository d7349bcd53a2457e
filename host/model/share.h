/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one of several parts of a call does, all of which run at the same time and make the same plan from headers, and
 * how what they find becomes one.
 *
 * The work is a list of items, each of some bytes; laid end to end they are cut into stretches of the same length, one
 * for each part. An item that may be cut is cut there, else it is with the part that has its middle. Nothing but what
 * was found is sent: all parts hand in as many numbers, those of what they did not look at such that they change
 * nothing (0 of a sum, an empty range), so that whoever looked at what, the result is that of one part which does it
 * all.
 */
#ifndef CLQ_HOST_MODEL_SHARE_H
#define CLQ_HOST_MODEL_SHARE_H

#include "model/job.h"

typedef struct clq_share {
    uint32_t part, parts; /* 0 of 1: there is no other */
    uint64_t all;         /* bytes of all items */
    uint64_t before;      /* of those that were handed out */
} clq_share;

/* Elements of an item. */
typedef struct clq_window {
    uint64_t first, count;
} clq_window;

/* Once all inputs are open. CLQ_INVALID_ARGUMENT for a part that cannot speak with the others, and in all parts where
 * one has inputs with other headers. */
clq_status clq_share_begin(clq_share *share, const clq_job *job, uint64_t all_bytes, clq_error *error);

/* Where the part's stretch, or that of another, begins; that of number `parts`: all bytes. */
uint64_t clq_share_start(uint64_t all_bytes, uint32_t parts, uint32_t part);

/* Items are handed out in the order of the list. Which elements of one are the part's, between multiples of
 * CLQ_SHARE_ELEMENTS; or whether it is the part's as a whole. */
enum { CLQ_SHARE_ELEMENTS = 4096 };
clq_window clq_share_cut(clq_share *share, uint64_t elements, uint64_t bytes);
int clq_share_takes(clq_share *share, uint64_t bytes);

/* ---- of a call in parts; nothing in any other ---- */

/* Whether others do some of the work; and whether this part tells what all have found, or there is none but it. */
int clq_job_is_part(const clq_job *job);
int clq_job_tells(const clq_job *job);

/* Numbers become the sums of those of all parts, modulo 2^64, so that bits of any kind that one part alone has, beside
 * zeros, are handed to all; or the greatest. */
clq_status clq_job_sum(const clq_job *job, uint64_t *numbers, uint64_t count, clq_error *error);
clq_status clq_job_greatest(const clq_job *job, uint64_t *numbers, uint64_t count, clq_error *error);

/* Until all parts have come to the same place. */
clq_status clq_job_wait(const clq_job *job, clq_error *error);

/* Ranges, in the form of stream/ranges.h, become the least that hold those of all parts. */
clq_status clq_job_merge_ranges(const clq_job *job, float *ranges, uint64_t count, clq_error *error);

/* So do counts, of which each element was counted by one part alone. */
clq_status clq_job_merge_nonfinite(const clq_job *job, clq_nonfinite *nonfinite, size_t count, clq_error *error);

/* The job's check, when it has begun: all draw the first part's sample; and at its end: what all have compared. */
clq_status clq_job_share_seed(clq_job *job, clq_error *error);
clq_status clq_job_merge_check(clq_job *job, clq_error *error);

#endif
