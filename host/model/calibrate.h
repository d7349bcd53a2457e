/* SPDX-License-Identifier: Apache-2.0 */
/* One call of clq_file_calibrate: the tensors of all batches, the passes over their data, and what is written. */
#ifndef CLQ_HOST_MODEL_CALIBRATE_H
#define CLQ_HOST_MODEL_CALIBRATE_H

#include "core/range_mean.h"
#include "format/names.h"
#include "model/share.h"
#include "stream/calibration.h"
#include "stream/schedule.h"

/* A tensor: of the same name in every file that holds it. */
typedef struct clq_calibrated {
    char *name;
    char dtype[16];     /* of the first batch */
    clq_layout layout;  /* likewise; the batches have its rank, and its channels where it has any */
    size_t first_input; /* the file of that batch */
    uint64_t parameters, batches, elements;
    uint64_t bytes; /* of all batches, as they are read */
    uint64_t nonfinite;
    clq_nonfinite now; /* of the batch that is read */
    /* Two for each parameter, in the form of ranges.h. */
    float *batch, *found, *range; /* of the present batch; of all; to quantize with */
    clq_range_mean *means;        /* of the method `mean`, one for each parameter; else NULL */
    clq_threshold *threshold;     /* of schemes that are symmetric */
    uint64_t *kept;               /* elements in the bins that are kept */
    uint64_t *histogram;          /* with CLQ_FILE_HISTOGRAMS: all counts; else NULL */
    uint64_t *worst_histogram;    /* with CLQ_FILE_WORST: of the parameter of least SQNR; NULL: of none so far */
    uint64_t worst_parameter;
    double expected_sqnr_db;
    uint64_t place; /* number of its first histogram */
    int counted;    /* in this pass */
    int elsewhere;  /* all of it, in the pass that finds ranges: their order matters, so one part looks at them */
} clq_calibrated;

enum { CLQ_CALIBRATE_SLOTS = 2 };

typedef struct clq_calibrate_job {
    clq_job job;
    clq_scheme scheme; /* whose bins are counted, and whose levels `entropy` and `mse` count with */
    clq_calibrated *tensors;
    size_t count, room;
    clq_names names;
    clq_names matched;   /* patterns that a tensor of any input is called like */
    uint64_t data_bytes; /* of all batches of all tensors */
    uint64_t done_bytes;
    clq_slot slots[CLQ_CALIBRATE_SLOTS];
    size_t slot_input[CLQ_CALIBRATE_SLOTS]; /* the file that each slot's pieces are of */
    clq_histograms histograms;
    uint64_t *merged;                            /* of a call in parts: some of all; NULL before */
    clq_calibrated *worst[CLQ_FILE_WORST_COUNT]; /* the worst first; only these hold a worst_histogram */
    size_t worst_count;
    /* Where the first stage stands. */
    int counting; /* this pass counts; else it finds ranges */
    clq_share share;
    size_t next_input;
    clq_model *model; /* the file being read, NULL between two */
    size_t next_tensor;
    clq_schedule schedule;
} clq_calibrate_job;

/*
 * Open each input, and list the tensors that the request selects. CLQ_BAD_FILE where batches of a tensor do not agree,
 * CLQ_INVALID_ARGUMENT where nothing is left or an input is the output.
 */
clq_status clq_calibrate_inputs(clq_calibrate_job *job, clq_error *error);

/* The name under which a tensor of a file is known: tensor_name stands for that of a .npy. */
const char *clq_calibrate_name(const clq_file_request *request, const clq_model *model, size_t tensor);

/* All passes over the data: ranges, and histograms where the method has them. The context is there. */
clq_status clq_calibrate_run(clq_calibrate_job *job, clq_error *error);

/*
 * Of a call in parts, each of which looks at some of the batches: before a pass; whether a batch of so many bytes is
 * this part's, of all that are in the pass in turn; after the first pass, and with the counts of the others, what all
 * have found.
 */
clq_status clq_calibrate_share(clq_calibrate_job *job, clq_error *error);
int clq_calibrate_takes(clq_calibrate_job *job, const clq_calibrated *tensor, uint64_t bytes);
clq_status clq_calibrate_merge_found(clq_calibrate_job *job, clq_error *error);

/*
 * Histograms are read and cut so many at a time. Parts share the cutting, CLQ_HISTOGRAMS_AT_ONCE by each in turn,
 * unless the report holds some: whether this part cuts those from parameter p on; the counts of `count` from `first`
 * on, together with those of the others, valid until the next call; and in the end what all have chosen. *counted: by
 * the device; it becomes the sum of all.
 */
uint64_t clq_calibrate_step(const clq_calibrate_job *job);
int clq_calibrate_cuts(const clq_calibrate_job *job, uint64_t p);
clq_status clq_calibrate_read(clq_calibrate_job *job, const clq_calibrated *tensor, uint64_t first, uint64_t count,
                              const uint64_t **counts, uint64_t *counted, clq_error *error);
clq_status clq_calibrate_merge_cut(clq_calibrate_job *job, clq_calibrated *tensor, uint64_t *counted, clq_error *error);

/*
 * CLQ_FILE_WORST, once the range of parameter p is chosen: its histogram becomes the tensor's where its codes are to be
 * expected farther from it than those of the parameters before. After all of them, _keep_worst lets the tensor keep it
 * if it is one of the worst so far.
 */
clq_status clq_calibrate_weigh(const clq_calibrate_job *job, clq_calibrated *tensor, uint64_t p, const uint64_t *counts,
                               clq_error *error);
void clq_calibrate_keep_worst(clq_calibrate_job *job, clq_calibrated *tensor);

void clq_calibrate_release(clq_calibrate_job *job);

#endif
