/* SPDX-License-Identifier: Apache-2.0 */
/* One call of clq_file_calibrate: the tensors of all batches, the passes over their data, and what is written. */
#ifndef CLQ_HOST_MODEL_CALIBRATE_H
#define CLQ_HOST_MODEL_CALIBRATE_H

#include "core/range_mean.h"
#include "format/names.h"
#include "model/lanes.h"
#include "model/share.h"
#include "stream/calibration.h"

/* A tensor: of the same name in every file that holds it. */
typedef struct clq_calibrated {
    char *name;
    char dtype[16];     /* of the first batch */
    clq_layout layout;  /* likewise; the batches have its rank, and its channels where it has any */
    size_t first_input; /* the file of that batch */
    uint64_t parameters, batches, elements;
    uint64_t bytes; /* of all batches, as they are read */
    uint64_t nonfinite;
    /* Two for each parameter, in the form of ranges.h. */
    float *found, *range;      /* of all batches, under the lock of the lanes; to quantize with */
    clq_range_mean *means;     /* of the method `mean`, one for each parameter; else NULL */
    clq_threshold *threshold;  /* of schemes that are symmetric */
    uint64_t *kept;            /* elements in the bins that are kept */
    uint64_t *histogram;       /* with CLQ_FILE_HISTOGRAMS: all counts; else NULL */
    uint64_t *worst_histogram; /* with CLQ_FILE_WORST: of the parameter of least SQNR; NULL: of none so far */
    uint64_t worst_parameter;
    double expected_sqnr_db;
    uint64_t place; /* number of its first histogram */
    int counted;    /* in this pass */
    int elsewhere;  /* all of it, in the pass that finds ranges: their order matters, so one part looks at them */
} clq_calibrated;

typedef struct clq_calibrate_job {
    clq_job job;
    clq_scheme scheme; /* whose bins are counted, and whose levels `entropy` and `mse` count with */
    clq_calibrated *tensors;
    size_t count, room;
    clq_names names;
    clq_names matched;   /* patterns that a tensor of any input is called like */
    uint64_t data_bytes; /* of all batches of all tensors */
    clq_lane_set lanes;
    uint32_t bins;    /* of each histogram */
    uint64_t *counts; /* of several devices: the sums of all their histograms of this pass; else NULL */
    uint64_t *merged; /* of a call in parts: the sums that all of them cut by; else NULL */
    clq_calibrated *worst[CLQ_FILE_WORST_COUNT]; /* the worst first; only these hold a worst_histogram */
    size_t worst_count;
    int counting; /* this pass counts; else it finds ranges */
    clq_share share;
} clq_calibrate_job;

enum { CLQ_CALIBRATE_SLOTS = 2 }; /* of a lane: as many as stages */

/*
 * A device at work: one goes through all files, in turn; of several each claims one after the other, and what it found
 * in a file counts once it is through with it.
 */
typedef struct clq_calibrate_lane {
    clq_lane lane;
    clq_calibrate_job *job;
    clq_histograms histograms;
    size_t slot_input[CLQ_CALIBRATE_SLOTS]; /* the file that each slot's pieces are of */
    /* The first stage's. */
    size_t input;           /* of the file that is open */
    clq_model *model;       /* NULL: none is */
    size_t next_tensor;     /* of it */
    size_t upcoming;        /* index of the next tensor of the pass; SIZE_MAX: it has no more */
    size_t upcoming_number; /* that of the call */
    /* The second's, of the file whose pieces come in: what was found of each tensor. */
    float **batch;
    clq_nonfinite *now;
    size_t *seen; /* numbers of those that are whole */
    size_t seen_count;
} clq_calibrate_lane;

/*
 * Open each input, and list the tensors that the request selects. CLQ_BAD_FILE where batches of a tensor do not agree,
 * CLQ_INVALID_ARGUMENT where nothing is left or an input is the output.
 */
clq_status clq_calibrate_inputs(clq_calibrate_job *job, clq_error *error);

/* The name under which a tensor of a file is known: tensor_name stands for that of a .npy. */
const char *clq_calibrate_name(const clq_file_request *request, const clq_model *model, size_t tensor);

/* Whether it has histograms, by its method or for the report. */
int clq_calibrate_counts(const clq_calibrate_job *job);

/*
 * Make room for what is held of each range to the end of the call, once the devices are there. Refused where that is
 * more than what slots and histograms leave of the memory.
 */
clq_status clq_calibrate_hold(clq_calibrate_job *job, clq_error *error);

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
enum { CLQ_CALIBRATE_CUT_NUMBERS = 3 }; /* of each: range, threshold and how many bins it has, elements kept */
clq_status clq_calibrate_merge_cut(clq_calibrate_job *job, clq_calibrated *tensor, uint64_t *counted, clq_error *error);

/*
 * CLQ_FILE_WORST, once the range of parameter p is chosen: its histogram becomes the tensor's where its codes are to be
 * expected farther from it than those of the parameters before. After all of them, _keep_worst lets the tensor keep it
 * if it is one of the worst so far.
 */
clq_status clq_calibrate_weigh(const clq_calibrate_job *job, clq_calibrated *tensor, uint64_t p, const uint64_t *counts,
                               clq_error *error);
void clq_calibrate_keep_worst(clq_calibrate_job *job, clq_calibrated *tensor);

/* The lanes; their histograms begin anew, and end in job->counts; what they found counts for the call then. */
clq_status clq_calibrate_begin_lanes(clq_calibrate_job *job, uint64_t memory_bytes, clq_error *error);
void clq_calibrate_end_lanes(clq_calibrate_job *job);
clq_status clq_calibrate_begin_histograms(clq_calibrate_job *job, uint64_t parameters, clq_error *error);
clq_status clq_calibrate_gather(clq_calibrate_job *job, uint64_t parameters, int *again, clq_error *error);

/* The first device that was not set aside. */
clq_calibrate_lane *clq_calibrate_first(const clq_calibrate_job *job);

/* One pass over the data, by all of them. */
clq_status clq_calibrate_pass(clq_calibrate_job *job, clq_error *error);

void clq_calibrate_release(clq_calibrate_job *job);

#endif
