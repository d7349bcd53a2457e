/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that the user gives instead of having them found: --scale, --zero-point, --range, --ranges. */
#ifndef CLQ_HOST_MODEL_GIVEN_H
#define CLQ_HOST_MODEL_GIVEN_H

#include <clquant/files.h>

#include "format/values.h"
#include "model/ranges_file.h"

typedef struct clq_given {
    int scale_given;
    float *scales; /* one for all parameters, or one for each */
    uint64_t scale_count;
    int32_t *zero_points; /* NULL: the scheme's fixed zero point, else 0 */
    uint64_t zero_point_count;
    int range_given;
    double lo, hi;
    clq_ranges_file *ranges; /* --ranges, or NULL */
    clq_ranges_file
        *inputs; /* --ranges with --activations static: not the weights', but those of what layers are given */
} clq_given;

/*
 * Read what the request gives; files are .npy. CLQ_INVALID_ARGUMENT for values out of bounds and fields that exclude
 * each other.
 */
clq_status clq_given_create(const clq_file_request *request, clq_given **given, clq_error *error);
void clq_given_destroy(clq_given **given);

/*
 * The layout of a tensor whose granularity no option decides: that of its ranges in the file of --ranges, else
 * `default_granularity`. With such a file, its ranges must fit: CLQ_INVALID_ARGUMENT.
 */
clq_status clq_given_layout(const clq_given *given, const clq_file_request *request, const char *name, uint32_t rank,
                            const uint64_t *shape, clq_granularity default_granularity, clq_layout *layout,
                            clq_error *error);

/*
 * Presets that leave out the lowest code do so to have as many codes on either side of their zero point. A zero point
 * given elsewhere takes the reason away: then all codes are used.
 */
clq_status clq_given_widen(const clq_given *given, clq_scheme *scheme, clq_error *error);

/* Parameters [first, first + count) of a tensor that has `total`. */
typedef struct clq_parameter_run {
    uint64_t first, count, total;
} clq_parameter_run;

/*
 * Parameters of the tensor `name` for the ranges found, [range[2i], range[2i+1]] for the i-th of the run: those given,
 * else those that the scheme chooses; a range without finite elements counts as [0, 0]. CLQ_INVALID_ARGUMENT when the
 * number of values given is neither 1 nor run->total.
 */
clq_status clq_given_parameters(const clq_given *given, const clq_scheme *scheme, const char *name,
                                const clq_parameter_run *run, const float *range, float *scale, int32_t *zero_point,
                                clq_error *error);

#endif
