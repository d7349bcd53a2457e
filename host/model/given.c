/* SPDX-License-Identifier: Apache-2.0 */
#include "model/given.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/human.h"
#include "format/real.h"
#include "format/support.h"
#include "model/layout.h"
#include "stream/ranges.h"

static clq_status check_scale(double scale, const char *where, clq_error *error)
{
    CLQ_REQUIRE(scale >= (double)CLQ_MINIMUM_SCALE && scale <= (double)CLQ_MAXIMUM_SCALE,
                "--scale %s: %g is not a scale; %g to %g is possible", where, scale, (double)CLQ_MINIMUM_SCALE,
                (double)CLQ_MAXIMUM_SCALE);
    return CLQ_OK;
}

typedef clq_status (*value_reader)(clq_given *given, const clq_model *model, const char *path, clq_error *error);

static clq_status read_scales(clq_given *given, const clq_model *model, const char *path, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[0];
    const clq_real real = clq_file_real_of(&tensor->dtype);
    clq_status status = CLQ_OK;
    void *memory = NULL;
    double *values = NULL;
    if (real == CLQ_REAL_NONE) {
        CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT, "--scale %s: the file holds %s, floating point is needed",
                            clq_show_path(path).text, tensor->dtype.name));
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

static clq_status read_zero_points(clq_given *given, const clq_model *model, const char *path, clq_error *error)
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
                                "--zero-point %s: value %" PRIu64 " of the file (%s) is not a 32-bit integer",
                                clq_show_path(path).text, i, tensor->dtype.name));
        }
    }
    given->zero_point_count = tensor->elements;
done:
    free(memory);
    return status;
}

static clq_status no_memory(uint64_t count, const char *what, clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " %s", count, what);
}

static clq_status take_scales(clq_given *given, const clq_file_request *request, clq_error *error)
{
    char text[64];
    CLQ_REQUIRE(request->scale_count > 0 && request->scale_count <= CLQ_MOST_VALUES,
                "--scale: %" PRIu64 " values are given, 1 to %" PRIu64 " are possible", request->scale_count,
                CLQ_MOST_VALUES);
    given->scales = malloc((size_t)request->scale_count * sizeof *given->scales);
    if (given->scales == NULL) {
        return no_memory(request->scale_count, "scales", error);
    }
    for (uint64_t i = 0; i < request->scale_count; i++) {
        clq_format_double(text, sizeof text, request->scale[i], 0);
        CLQ_TRY(check_scale(request->scale[i], text, error));
        given->scales[i] = (float)request->scale[i];
    }
    given->scale_count = request->scale_count;
    return CLQ_OK;
}

static clq_status take_zero_points(clq_given *given, const clq_file_request *request, clq_error *error)
{
    const uint64_t count = request->zero_point_count;
    CLQ_REQUIRE(count > 0 && count <= CLQ_MOST_VALUES,
                "--zero-point: %" PRIu64 " values are given, 1 to %" PRIu64 " are possible", count, CLQ_MOST_VALUES);
    given->zero_points = malloc((size_t)count * sizeof *given->zero_points);
    if (given->zero_points == NULL) {
        return no_memory(count, "zero points", error);
    }
    memcpy(given->zero_points, request->zero_point, (size_t)count * sizeof *given->zero_points);
    given->zero_point_count = count;
    return CLQ_OK;
}

static clq_status read_file(clq_given *given, const char *option, const char *path, value_reader read, clq_error *error)
{
    clq_model *model = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_open_values(option, path, 0, &model, error));
    CLQ_TRY_TO(read(given, model, path, error));
done:
    clq_model_close(&model);
    return status;
}

static clq_status check_together(const clq_file_request *request, clq_error *error)
{
    const int scale = request->scale != NULL || request->scale_file != NULL;
    const int zero_point = request->zero_point != NULL || request->zero_point_file != NULL;
    const int calibrated = request->calibration.kind != CLQ_CALIBRATE_MINMAX;
    const int weights = request->ranges_file != NULL && request->activations != CLQ_ACTIVATIONS_STATIC;
    CLQ_REQUIRE(request->scale == NULL || request->scale_file == NULL,
                "the request has both scales and a file of scales: give one of them");
    CLQ_REQUIRE(request->zero_point == NULL || request->zero_point_file == NULL,
                "the request has both zero points and a file of zero points: give one of them");
    CLQ_REQUIRE(!zero_point || scale, "--zero-point is only used with --scale");
    CLQ_REQUIRE(scale + (request->has_range != 0) + (weights != 0) + calibrated <= 1,
                "--scale, --range, --ranges and --calibrate all decide the scale: give one of them");
    CLQ_REQUIRE(!calibrated || !request->has_granularity || request->granularity != CLQ_PER_GROUP,
                "--calibrate of groups is minmax only: a histogram for each group would be larger than the data");
    return CLQ_OK;
}

clq_status clq_given_create(const clq_file_request *request, clq_given **out, clq_error *error)
{
    clq_given *given = NULL;
    clq_status status = CLQ_OK;
    *out = NULL;
    CLQ_TRY(check_together(request, error));
    given = calloc(1, sizeof *given);
    if (given == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the parameters given");
    }
    given->range_given = request->has_range != 0;
    given->lo = request->range_lo;
    given->hi = request->range_hi;
    given->scale_given = request->scale != NULL || request->scale_file != NULL;
    if (request->scale != NULL) {
        CLQ_TRY_TO(take_scales(given, request, error));
    } else if (request->scale_file != NULL) {
        CLQ_TRY_TO(read_file(given, "--scale", request->scale_file, read_scales, error));
    }
    if (request->ranges_file != NULL) {
        const int of_inputs = request->activations == CLQ_ACTIVATIONS_STATIC;
        CLQ_TRY_TO(clq_ranges_file_read(request->ranges_file, of_inputs ? &given->inputs : &given->ranges, error));
    }
    if (request->zero_point != NULL) {
        CLQ_TRY_TO(take_zero_points(given, request, error));
    } else if (request->zero_point_file != NULL) {
        CLQ_TRY_TO(read_file(given, "--zero-point", request->zero_point_file, read_zero_points, error));
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
        clq_ranges_file_destroy(&(*given)->inputs);
        free(*given);
        *given = NULL;
    }
}

clq_status clq_given_layout(const clq_given *given, const clq_file_request *request, const char *name, uint32_t rank,
                            const uint64_t *shape, clq_granularity default_granularity, clq_layout *layout,
                            clq_error *error)
{
    const clq_ranges_entry *entry = given->ranges != NULL ? clq_ranges_file_find(given->ranges, name) : NULL;
    CLQ_TRY(clq_request_layout(request, name, rank, shape, entry != NULL ? entry->granularity : default_granularity,
                               layout, error));
    if (entry != NULL && !request->has_axis && clq_request_axis_pattern(request, name) == NULL &&
        layout->granularity == CLQ_PER_CHANNEL && entry->axis < rank) {
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
