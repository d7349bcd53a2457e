/* SPDX-License-Identifier: Apache-2.0 */
#include "model/given.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/layout.h"
#include "stream/ranges.h"
#include "stream/real.h"

/* A file of parameters is small; this bounds what is held in memory. */
static const uint64_t MOST_PARAMETERS = UINT64_C(1) << 28;

clq_status clq_open_values(const char *option, const char *path, int only_file, clq_model **model, clq_error *error)
{
    const clq_status status = clq_model_open(path, model, error);
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "%s%s", option,
                           only_file ? "" : " is not a number, and not a file that can be used");
    }
    if ((*model)->kind != CLQ_MODEL_NPY) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: the file must be a .npy file", option);
    }
    if ((*model)->tensors[0].elements < 1 || (*model)->tensors[0].elements > MOST_PARAMETERS) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: the file holds %" PRIu64 " values, 1 to %" PRIu64 " are possible",
                        option, (*model)->tensors[0].elements, MOST_PARAMETERS);
    }
    return CLQ_OK;
}

static clq_status check_scale(double scale, const char *where, clq_error *error)
{
    CLQ_REQUIRE(scale >= (double)CLQ_MINIMUM_SCALE && scale <= (double)CLQ_MAXIMUM_SCALE,
                "--scale %s: %g is not a scale; %g to %g is possible", where, scale, (double)CLQ_MINIMUM_SCALE,
                (double)CLQ_MAXIMUM_SCALE);
    return CLQ_OK;
}

static clq_status read_scales(clq_given *given, const clq_model *model, const char *path, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[0];
    const clq_real real = clq_file_real_of(&tensor->dtype);
    clq_status status = CLQ_OK;
    void *memory = NULL;
    double *values = NULL;
    if (real == CLQ_REAL_NONE) {
        CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT, "--scale: the file holds %s, floating point is needed",
                            tensor->dtype.name));
    }
    memory = malloc((size_t)tensor->bytes);
    values = malloc((size_t)tensor->elements * sizeof *values);
    given->scales = malloc((size_t)tensor->elements * sizeof *given->scales);
    if (memory == NULL || values == NULL || given->scales == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " scales", tensor->elements));
    }
    CLQ_TRY_TO(clq_model_read(model, 0, 0, tensor->elements, memory, error));
    clq_real_widen(real, memory, 0, (size_t)tensor->elements, values);
    for (uint64_t i = 0; i < tensor->elements; i++) {
        CLQ_TRY_TO(check_scale(values[i], path, error));
        given->scales[i] = (float)values[i];
    }
    given->scale_count = tensor->elements;
done:
    free(values);
    free(memory);
    return status;
}

static clq_status read_zero_points(clq_given *given, const clq_model *model, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[0];
    clq_status status = CLQ_OK;
    void *memory = malloc((size_t)tensor->bytes);
    given->zero_points = malloc((size_t)tensor->elements * sizeof *given->zero_points);
    if (memory == NULL || given->zero_points == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " zero points", tensor->elements));
    }
    CLQ_TRY_TO(clq_model_read(model, 0, 0, tensor->elements, memory, error));
    for (uint64_t i = 0; i < tensor->elements; i++) {
        if (!clq_integer_at(tensor->dtype.name, memory, i, &given->zero_points[i])) {
            CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT,
                                "--zero-point: value %" PRIu64 " of the file (%s) is not a 32-bit integer", i,
                                tensor->dtype.name));
        }
    }
    given->zero_point_count = tensor->elements;
done:
    free(memory);
    return status;
}

static clq_status take_scale(clq_given *given, const char *text, clq_error *error)
{
    clq_model *model = NULL;
    clq_status status = CLQ_OK;
    double value = 0.0;
    given->scale_given = 1;
    if (clq_parse_double(text, &value)) {
        CLQ_TRY(check_scale(value, text, error));
        given->scales = malloc(sizeof *given->scales);
        if (given->scales == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a scale");
        }
        given->scales[0] = (float)value;
        given->scale_count = 1;
        return CLQ_OK;
    }
    CLQ_TRY_TO(clq_open_values("--scale", text, 0, &model, error));
    CLQ_TRY_TO(read_scales(given, model, text, error));
done:
    clq_model_close(&model);
    return status;
}

static clq_status take_zero_point(clq_given *given, const char *text, clq_error *error)
{
    clq_model *model = NULL;
    clq_status status = CLQ_OK;
    int64_t value = 0;
    if (clq_parse_i64(text, INT32_MIN, INT32_MAX, &value)) {
        given->zero_points = malloc(sizeof *given->zero_points);
        if (given->zero_points == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a zero point");
        }
        given->zero_points[0] = (int32_t)value;
        given->zero_point_count = 1;
        return CLQ_OK;
    }
    CLQ_TRY_TO(clq_open_values("--zero-point", text, 0, &model, error));
    CLQ_TRY_TO(read_zero_points(given, model, error));
done:
    clq_model_close(&model);
    return status;
}

clq_status clq_given_create(const cli_options *options, clq_given **out, clq_error *error)
{
    clq_given *given = NULL;
    clq_status status = CLQ_OK;
    *out = NULL;
    CLQ_REQUIRE(options->zero_point == NULL || options->scale != NULL, "--zero-point is only used with --scale");
    CLQ_REQUIRE((options->scale != NULL) + options->file.has_range + (options->file.ranges_file != NULL) +
                        (options->file.calibration.kind != CLQ_CALIBRATE_MINMAX) <=
                    1,
                "--scale, --range, --ranges and --calibrate all decide the scale: give one of them");
    CLQ_REQUIRE(options->file.calibration.kind == CLQ_CALIBRATE_MINMAX || !options->file.has_granularity ||
                    options->file.granularity != CLQ_PER_GROUP,
                "--calibrate of groups is minmax only: a histogram for each group would be larger than the data");
    given = calloc(1, sizeof *given);
    if (given == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the parameters given");
    }
    given->range_given = options->file.has_range;
    given->lo = options->file.range_lo;
    given->hi = options->file.range_hi;
    if (options->scale != NULL) {
        CLQ_TRY_TO(take_scale(given, options->scale, error));
    }
    if (options->file.ranges_file != NULL) {
        CLQ_TRY_TO(clq_ranges_file_read(options->file.ranges_file, &given->ranges, error));
    }
    if (options->zero_point != NULL) {
        CLQ_TRY_TO(take_zero_point(given, options->zero_point, error));
    }
    *out = given;
    given = NULL;
done:
    clq_given_destroy(&given);
    return status;
}

void clq_given_destroy(clq_given **given)
{
    if (*given != NULL) {
        free((*given)->scales);
        free((*given)->zero_points);
        clq_ranges_file_destroy(&(*given)->ranges);
        free(*given);
        *given = NULL;
    }
}

clq_status clq_given_layout(const clq_given *given, const cli_options *options, const char *name, uint32_t rank,
                            const uint64_t *shape, clq_granularity default_granularity, clq_layout *layout,
                            clq_error *error)
{
    const clq_ranges_entry *entry = given->ranges != NULL ? clq_ranges_file_find(given->ranges, name) : NULL;
    CLQ_TRY(clq_request_layout(&options->file, name, rank, shape,
                               entry != NULL ? entry->granularity : default_granularity, layout, error));
    if (entry != NULL && !options->file.has_axis && layout->granularity == CLQ_PER_CHANNEL && entry->axis < rank) {
        layout->axis = entry->axis;
    }
    return given->ranges != NULL ? clq_ranges_file_match(given->ranges, name, layout, &entry, error) : CLQ_OK;
}

static int32_t fixed_zero_point(const clq_scheme *scheme)
{
    return scheme->zero_point_rule == CLQ_ZERO_POINT_FIXED ? scheme->zero_point_fixed : 0;
}

clq_status clq_given_widen(const clq_given *given, clq_scheme *scheme, clq_error *error)
{
    clq_scheme all;
    int moved = 0;
    for (uint64_t i = 0; i < given->zero_point_count; i++) {
        moved |= given->zero_points[i] != fixed_zero_point(scheme);
    }
    if (moved) {
        /* A preset that uses all codes of any type. */
        CLQ_TRY(clq_scheme_from_preset(CLQ_PRESET_ONNX, scheme->dtype, &all, error));
        scheme->qmin = all.qmin;
        scheme->qmax = all.qmax;
    }
    return CLQ_OK;
}

static clq_status check_count(const char *option, const char *name, uint64_t values, uint64_t count, clq_error *error)
{
    char shown[200];
    clq_printable(shown, sizeof shown, name, strlen(name));
    CLQ_REQUIRE(values == 1 || values == count,
                "%s holds %" PRIu64 " values, and tensor '%s' needs %" PRIu64 " (or 1 for all)", option, values, shown,
                count);
    return CLQ_OK;
}

/* What the scheme makes of the range given, for all or for each parameter `p`, else of the range found. */
static clq_status choose(const clq_given *given, const clq_scheme *scheme, const clq_ranges_entry *entry, uint64_t p,
                         const float *range, float *scale, int32_t *zero_point, clq_error *error)
{
    clq_parameters chosen;
    double lo = given->lo;
    double hi = given->hi;
    if (entry != NULL) {
        lo = (double)entry->lo[p];
        hi = (double)entry->hi[p];
    } else if (!given->range_given) {
        const int empty = clq_range_is_empty(range);
        lo = empty ? 0.0 : (double)range[0];
        hi = empty ? 0.0 : (double)range[1];
    }
    CLQ_TRY(clq_choose_parameters(scheme, lo, hi, &chosen, error));
    *scale = chosen.scale;
    *zero_point = chosen.zero_point;
    return CLQ_OK;
}

clq_status clq_given_parameters(const clq_given *given, const clq_scheme *scheme, const char *name,
                                const clq_parameter_run *run, const float *range, float *scale, int32_t *zero_point,
                                clq_error *error)
{
    const clq_ranges_entry *entry = given->ranges != NULL ? clq_ranges_file_find(given->ranges, name) : NULL;
    if (given->scale_given) {
        CLQ_TRY(check_count("--scale", name, given->scale_count, run->total, error));
    }
    if (given->zero_points != NULL) {
        CLQ_TRY(check_count("--zero-point", name, given->zero_point_count, run->total, error));
    }
    for (uint64_t i = 0; i < run->count; i++) {
        if (given->scale_given) {
            scale[i] = given->scales[given->scale_count == 1 ? 0 : run->first + i];
            zero_point[i] = fixed_zero_point(scheme);
        } else {
            CLQ_TRY(choose(given, scheme, entry, run->first + i, &range[2 * i], &scale[i], &zero_point[i], error));
        }
        if (given->zero_points != NULL) {
            zero_point[i] = given->zero_points[given->zero_point_count == 1 ? 0 : run->first + i];
        }
    }
    return CLQ_OK;
}
