/* SPDX-License-Identifier: Apache-2.0 */
#include "model/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A report with room for more; the user sees the first member. */
typedef struct growing_report {
    clq_file_report public;
    clq_file_tensor *tensors;
    size_t room;
    int has_unfinished; /* behind the last that the user sees */
} growing_report;

clq_status clq_report_create(clq_file_report **report, clq_error *error)
{
    growing_report *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a report");
    }
    *report = &made->public;
    return CLQ_OK;
}

static int make_room(growing_report *report)
{
    const size_t room = report->room < 8 ? 16 : report->room * 2;
    clq_file_tensor *tensors = NULL;
    if (report->public.tensor_count < report->room) {
        return 1;
    }
    if (room <= SIZE_MAX / sizeof *tensors) {
        tensors = realloc(report->tensors, room * sizeof *tensors);
    }
    if (tensors == NULL) {
        return 0;
    }
    report->tensors = tensors;
    report->public.tensors = tensors;
    report->room = room;
    return 1;
}

static void release_tensor(const clq_file_tensor *tensor)
{
    free((void *)tensor->name);
    free((void *)tensor->reason);
    free((void *)tensor->source.shape);
    free((void *)tensor->target.shape);
    free((void *)tensor->range);
    free((void *)tensor->scale);
    free((void *)tensor->zero_point);
    free((void *)tensor->found_range);
    free((void *)tensor->threshold);
    free((void *)tensor->kept);
    free((void *)tensor->histogram);
    free((void *)tensor->worst_histogram);
}

/* The tensor that was added and not kept. */
static void release_unfinished(growing_report *report)
{
    if (report->has_unfinished) {
        release_tensor(&report->tensors[report->public.tensor_count]);
        report->has_unfinished = 0;
    }
}

clq_status clq_report_add(clq_file_report *public, const char *name, clq_file_tensor **tensor, clq_error *error)
{
    growing_report *report = (growing_report *)public;
    const size_t bytes = strlen(name) + 1;
    char *copy = malloc(bytes);
    clq_file_tensor *added;
    release_unfinished(report);
    if (copy == NULL || !make_room(report)) {
        free(copy);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    memcpy(copy, name, bytes);
    added = &report->tensors[report->public.tensor_count];
    report->has_unfinished = 1;
    memset(added, 0, sizeof *added);
    added->name = copy;
    added->range_low = INFINITY;
    added->range_high = -INFINITY;
    added->nonfinite.first_index = UINT64_MAX;
    *tensor = added;
    return CLQ_OK;
}

void clq_report_keep(clq_file_report *public)
{
    growing_report *report = (growing_report *)public;
    report->has_unfinished = 0;
    report->public.tensor_count += 1;
}

clq_status clq_report_side(clq_file_tensor_side *side, const char *dtype, uint32_t rank, const uint64_t *shape,
                           uint64_t bytes, clq_error *error)
{
    uint64_t *copy = malloc((rank + (size_t)1) * sizeof *copy);
    if (copy == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    if (rank > 0) {
        memcpy(copy, shape, rank * sizeof *copy);
    }
    snprintf(side->dtype, sizeof side->dtype, "%s", dtype);
    side->rank = rank;
    side->shape = copy;
    side->bytes = bytes;
    return CLQ_OK;
}

clq_others_text clq_report_others_below(size_t below)
{
    clq_others_text others = {""};
    if (below > 1) {
        snprintf(others.text, sizeof others.text, ", and %zu more fail%s", below - 1, below == 2 ? "s" : "");
    }
    return others;
}

void clq_file_report_destroy(clq_file_report **report)
{
    if (*report != NULL) {
        growing_report *whole = (growing_report *)*report;
        for (size_t i = 0; i < whole->public.tensor_count; i++) {
            release_tensor(&whole->tensors[i]);
        }
        release_unfinished(whole);
        free(whole->tensors);
        free((void *)whole->public.input_bytes);
        free((void *)whole->public.devices);
        free(whole);
        *report = NULL;
    }
}
