/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `quantize` over the data: lanes, one for each device (lanes.h), whose slots are read, quantized, measured
 * and written, each stage in a thread of its own.
 *
 * A tensor whose chunks each hold all elements of their parameters (`final`) is read once: range, parameters, codes and
 * error are found chunk by chunk. Any other is read twice, first for its ranges. Which of the two it is depends on the
 * size of a slot, and the bytes do not: minima and maxima are the same however they are merged. Methods of --calibrate
 * that need histograms read every tensor three times: for its ranges, its histograms, and its codes.
 */
#ifndef CLQ_HOST_MODEL_QUANTIZE_JOB_H
#define CLQ_HOST_MODEL_QUANTIZE_JOB_H

#include "model/checkpoint.h"
#include "model/file_format.h"
#include "model/folder_output.h"
#include "model/given.h"
#include "model/lanes.h"
#include "model/output.h"
#include "model/plan.h"
#include "model/work.h"
#include "stream/calibration.h"

/* What is done with a piece. */
enum {
    CLQ_PIECE_COPY = 0,
    CLQ_PIECE_FIND = 1,   /* its ranges are found, and no more */
    CLQ_PIECE_GIVEN = 2,  /* quantized with parameters found before */
    CLQ_PIECE_CHOOSE = 3, /* its parameters are found, and it is quantized with them */
    CLQ_PIECE_COUNT = 4,  /* its elements are counted in histograms, for --calibrate */
    CLQ_PIECE_HOST = 5,   /* its ranges are found, and the format quantizes it on the host */
    CLQ_PIECE_NONE = 6
};

/* What a run finds the parameters of. */
enum {
    CLQ_FIND_ALL = 1,
    CLQ_FIND_SHARED = 2 /* of tensors that are cut and have one scale (work.h), whose pieces are quantized with it */
};

typedef struct clq_quantize_job {
    clq_job *call;
    const clq_file_request *request; /* the call's */
    clq_model *model;
    clq_model_plan *plan;
    clq_model_plan *work; /* what the stages go through: the plan, or its pieces (work.h) */
    clq_given *given;
    const clq_format *format;
    clq_folder_output *folder; /* NULL: the output is a file */
    clq_output *output;
    clq_checkpoint *checkpoint; /* NULL: nothing is written that another run could continue */
    clq_pieces *pieces;         /* of an output that several runs share; else NULL */
    const char *joined;         /* forms of zero points, of the parts that this run joins; else NULL */
    int all_begun;              /* of ranks: all have a journal of this output */
    int finding;                /* CLQ_FIND_: this run only finds parameters; 0: it writes */
    int found;                  /* such a run was made before, over all */
    int shared_found;           /* or over those that share parameters */
    clq_lane_set lanes;
} clq_quantize_job;

/* A device at work. */
typedef struct clq_quantize_lane {
    clq_lane lane;
    clq_quantize_job *job;
    clq_histograms histograms; /* of the tensor that is counted */
    float *cut;                /* its ranges, as the method leaves them */
    /* Each stage's own. */
    size_t tensor; /* the first's: the tensor that is open, and the pass over it */
    int pass;
    clq_statistics statistics; /* of the tensor that is measured */
    clq_encoder encoder;       /* the last's */
} clq_quantize_lane;

/* For messages of clq_check. */
static inline clq_check_place clq_quantize_place(const clq_quantize_job *job, const clq_piece *piece)
{
    return (clq_check_place){job->model->path, job->model->tensors[job->work->tensors[piece->tensor].index].name};
}

/* Whether the report lists every parameter; that of a part does not. */
static inline int clq_lists_parameters(const clq_quantize_job *job)
{
    return (job->request->details & CLQ_FILE_PARAMETERS) != 0 && job->request->parts == 0;
}

/*
 * The whole of a call, once it began: quantize, or join the parts of such a request; `joined` are the forms of their
 * zero points, as clq_part_read_forms gives them, else NULL.
 */
clq_status clq_quantize_run(clq_job *call, const char *joined, clq_error *error);

/* The job's lanes, once the contexts are there. */
clq_status clq_quantize_begin(clq_quantize_job *job, clq_error *error);
void clq_quantize_end(clq_quantize_job *job);

/*
 * Before the layout, on the devices: cut the plan where several devices or runs share it, and find how zero points are
 * stored. A run that hears nothing of others finds that of all tensors by itself. Then: where the pieces lie.
 */
clq_status clq_quantize_cut(clq_quantize_job *job, clq_error *error);
clq_status clq_quantize_find_forms(clq_quantize_job *job, clq_error *error);
clq_status clq_quantize_place_pieces(clq_quantize_job *job, clq_error *error);

/*
 * Find range, count of non-finite elements, scales and zero points of all tensors, and how their zero points are
 * stored. CLQ_NONFINITE as the policy says. Of a `final` tensor no parameters are kept,
 * unless a report lists them.
 */
clq_status clq_find_all(clq_quantize_job *job, clq_error *error);

/*
 * The same of pieces that share a scale alone, where that is needed and was not found yet. Before that, when it is
 * known what earlier runs have written: a scale that no run needs is not found again.
 */
clq_status clq_quantize_note_written(clq_quantize_job *job, clq_error *error);
clq_status clq_find_shared(clq_quantize_job *job, clq_error *error);

/* What such a run, and others at the same time, have found of pieces becomes what their tensors are declared with, and
 * what those that share have. */
clq_status clq_quantize_settle_pieces(clq_quantize_job *job, clq_error *error);

/* Whether some tensor's pieces share a scale that this run has to find. */
int clq_quantize_needs_shared(const clq_quantize_job *job);

/* The parameters of a tensor of the plan that has a single scale, for its range. */
clq_status clq_quantize_choose_whole(const clq_quantize_job *job, clq_model_plan_tensor *whole, const float *range,
                                     clq_error *error);

/* Write all tensors to the output. */
clq_status clq_quantize_all(clq_quantize_job *job, clq_error *error);

/* The bytes that both will read, for the progress. */
uint64_t clq_quantize_bytes(clq_quantize_job *job, int finds_all, int writes);

/* About what all of the data takes in slots. */
uint64_t clq_quantize_work_bytes(const clq_quantize_job *job);

/* Those of them that clq_quantize_all will read, when it is known what an earlier run wrote. */
uint64_t clq_quantize_bytes_left(clq_quantize_job *job);

/* What there is to do becomes the claims of the lanes, which begin with their first. */
clq_status clq_quantize_share(clq_quantize_job *job, clq_error *error);
void clq_quantize_rewind(void *lane);

/* The stages (lanes.h). */
clq_status clq_quantize_next(void *lane, clq_pass *pass, int *there, clq_error *error);
clq_status clq_quantize_read(void *lane, const clq_slot *slot, const clq_piece *piece, clq_error *error);
clq_status clq_quantize_compute(void *lane, clq_slot *slot, clq_error *error);
clq_status clq_quantize_measure(void *lane, clq_slot *slot, clq_error *error);
clq_status clq_quantize_write(void *lane, clq_slot *slot, clq_error *error);

/* Kinds of pieces whose ranges the second stage finds, and which it quantizes. */
enum {
    CLQ_KINDS_LOOKED_AT = 1u << CLQ_PIECE_FIND | 1u << CLQ_PIECE_CHOOSE | 1u << CLQ_PIECE_HOST,
    CLQ_KINDS_QUANTIZED = 1u << CLQ_PIECE_GIVEN | 1u << CLQ_PIECE_CHOOSE
};

/* Whether no other pass over the tensor follows on one of this kind. */
int clq_quantize_is_last_pass(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, int kind);

/* The last stage is done with a piece. */
void clq_quantize_step(clq_quantize_lane *lane, const clq_piece *piece);

/*
 * Second stage, --calibrate: count a piece of the slot, whose memory is the host's before and after. The last of a
 * tensor leaves its ranges in lane->cut.
 */
clq_status clq_quantize_count(clq_quantize_lane *lane, clq_slot *slot, const clq_piece *piece, clq_error *error);

void clq_release_parameters(clq_model_plan_tensor *tensor);

/* The form that `count` zero points of a tensor of the plan ask for. */
clq_zero_point_form clq_zero_point_form_of(const clq_model_plan *plan, const int32_t *zero_point, uint64_t count);

#endif
