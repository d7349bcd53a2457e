/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `quantize` over the data: a pipeline of slots that are read, quantized, measured and written, each stage
 * in a thread of its own.
 *
 * A tensor whose chunks each hold all elements of their parameters (`final`) is read once: range, parameters, codes and
 * error are found chunk by chunk. Any other is read twice, first for its ranges. Which of the two it is depends on the
 * size of a slot, and the bytes do not: minima and maxima are the same however they are merged.
 */
#ifndef CLQ_CLI_QUANTIZE_JOB_H
#define CLQ_CLI_QUANTIZE_JOB_H

#include "checkpoint.h"
#include "explicit.h"
#include "output.h"
#include "plan.h"
#include "slot.h"

/* Slots in use at once: as many as stages, so that none waits for want of one. */
enum { CLI_QUANTIZE_SLOTS = 4 };

/* What is done with a piece. */
enum {
    CLI_PIECE_COPY = 0,
    CLI_PIECE_FIND = 1,  /* its ranges are found, and no more */
    CLI_PIECE_GIVEN = 2, /* quantized with parameters found before */
    CLI_PIECE_CHOOSE = 3 /* its parameters are found, and it is quantized with them */
};

/* Where the first stage stands. */
typedef struct cli_schedule {
    size_t tensor; /* the one being cut, or the next */
    int open;      /* it is being cut */
    int kind;
    cli_chunker chunker;
    uint64_t copied_bytes;
    cli_feed feed;
} cli_schedule;

typedef struct cli_quantize_job {
    const cli_options *options;
    clq_model *model;
    cli_plan *plan;
    cli_explicit *given;
    clq_context *context;
    cli_output *output;
    cli_checkpoint *checkpoint; /* NULL: nothing is written that another run could continue */
    cli_progress *progress;
    uint64_t done_bytes; /* for the progress */
    uint64_t all_bytes;  /* likewise: those of all passes over the data */
    int finding;         /* this run only finds parameters, of all tensors */
    int found;           /* such a run was made before */
    uint64_t slot_bytes; /* capacity of a slot; 0: what suits the device and --memory */
    cli_slot slots[CLI_QUANTIZE_SLOTS];
    /* Each stage's own. */
    cli_schedule schedule;
    cli_statistics statistics; /* of the tensor that is measured */
    uint8_t last_code;         /* of the chunk written before, which may share a byte with the next */
} cli_quantize_job;

/* The job's slots, once the context is there. */
clq_status cli_quantize_begin(cli_quantize_job *job, clq_error *error);
void cli_quantize_end(cli_quantize_job *job);

/*
 * Find range, count of non-finite elements, scales and zero points of all tensors, and how their zero points are
 * stored. CLQ_NONFINITE as the policy says; CLQ_CANCELLED after a signal. Of a `final` tensor no parameters are kept,
 * unless a report lists them.
 */
clq_status cli_find_all(cli_quantize_job *job, clq_error *error);

/* Write all tensors to the output. */
clq_status cli_quantize_all(cli_quantize_job *job, clq_error *error);

/* The bytes that both will read, for the progress. */
uint64_t cli_quantize_bytes(cli_quantize_job *job, int finds_all, int writes);

/* Those of them that cli_quantize_all will read, when it is known what an earlier run wrote. */
uint64_t cli_quantize_bytes_left(cli_quantize_job *job);

/* Start cutting the model's tensors. */
void cli_schedule_begin(cli_quantize_job *job);

/* The stages, for cli_pipeline; the cookie is the job. */
clq_status cli_quantize_fill(void *job, size_t slot, int *filled, clq_error *error);
clq_status cli_quantize_compute(void *job, size_t slot, clq_error *error);
clq_status cli_quantize_measure(void *job, size_t slot, clq_error *error);
clq_status cli_quantize_write(void *job, size_t slot, clq_error *error);

/* The last stage is done with a piece. */
void cli_quantize_step(cli_quantize_job *job, const cli_piece *piece);

/*
 * All of a tensor, codes and parameters, stands in the output. Called once for every tensor of the model, in its order,
 * from the thread that called cli_quantize_all.
 */
clq_status cli_tensor_written(cli_quantize_job *job, cli_plan_tensor *tensor, clq_error *error);

void cli_release_parameters(cli_plan_tensor *tensor);

/* The form that `count` zero points ask for in a tensor of codes of `dtype`. */
cli_zero_point_form cli_zero_point_form_of(clq_dtype dtype, const int32_t *zero_point, uint64_t count);

#endif
