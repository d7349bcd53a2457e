/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages that work at the same time on different slots: the first fills a slot, each of the others takes it over from
 * the one before, the last gives it back. Slots pass every stage in the order in which they were filled, and each stage
 * runs in one thread, so a stage may keep what it knows from one slot to the next in plain variables, and what a stage
 * has written is seen by those after it.
 */
#ifndef CLQ_HOST_STREAM_PIPELINE_H
#define CLQ_HOST_STREAM_PIPELINE_H

#include "core/error.h"

enum { CLQ_PIPELINE_STAGES = 4 };

typedef struct clq_pipeline {
    void *cookie; /* for the functions */
    size_t slots; /* at least 1; as many as there are stages keep all of them busy */
    /* Fill the slot, or set *filled to 0 when there is nothing left. */
    clq_status (*fill)(void *cookie, size_t slot, int *filled, clq_error *error);
    /* What comes then, up to the first NULL: at least one. The last runs in the thread of the caller. */
    clq_status (*then[CLQ_PIPELINE_STAGES - 1])(void *cookie, size_t slot, clq_error *error);
    int (*is_cancelled)(void *cancel_cookie); /* asked by the first stage and the last, between slots; or NULL */
    void *cancel_cookie;
} clq_pipeline;

/*
 * Run until all slots have passed. After a failure no slot is filled any more, the slots that were filled before the
 * one that failed still pass, and the failure of the earliest slot is returned, whatever the stages' speed.
 * CLQ_CANCELLED when is_cancelled says so. All threads are gone when it returns.
 */
clq_status clq_pipeline_run(const clq_pipeline *pipeline, clq_error *error);

#endif
