/* SPDX-License-Identifier: Apache-2.0 */
#include "model/request.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "format/output_path.h"

static const uint64_t LEAST_MEMORY = UINT64_C(1) << 20;

void clq_file_request_init(clq_file_request *request)
{
    memset(request, 0, sizeof *request);
    request->struct_size = sizeof *request;
    request->minimum_rank = -1;
    request->group_size = 128;
    request->preset = CLQ_PRESET_SYMMETRIC;
    request->memory_bytes = UINT64_C(256) << 20;
}

static clq_status check_check(const clq_file_request *request, clq_error *error)
{
    CLQ_REQUIRE((unsigned)request->check <= CLQ_CHECK_ALL, "%d is no way to check", (int)request->check);
    CLQ_REQUIRE(request->check_seed == 0 || request->check == CLQ_CHECK_SAMPLE,
                "--check-seed needs --check sample: nothing else is drawn");
    return CLQ_OK;
}

static clq_status check_names(const clq_name_list *list, const char *field, clq_error *error)
{
    CLQ_REQUIRE(list->count == 0 || list->items != NULL, "the request's %s is NULL, and its count is %zu", field,
                list->count);
    for (size_t i = 0; i < list->count; i++) {
        CLQ_REQUIRE(list->items[i] != NULL, "number %zu of the request's %s is NULL", i, field);
    }
    return CLQ_OK;
}

static clq_status check_layout(const clq_file_request *request, clq_error *error)
{
    if (request->has_granularity) {
        CLQ_REQUIRE(request->granularity != CLQ_PER_BLOCK,
                    "%d is no granularity of a request: CLQ_PER_BLOCK is CLQ_PER_GROUP with an axis there",
                    (int)request->granularity);
        CLQ_REQUIRE((unsigned)request->granularity <= CLQ_PER_GROUP, "%d is no granularity", (int)request->granularity);
        CLQ_REQUIRE((!request->has_axis && request->axis_pattern_count == 0) || request->granularity != CLQ_PER_TENSOR,
                    "--axis needs --granularity channel or group");
    }
    CLQ_REQUIRE(request->axis_pattern_count == 0 || request->axis_patterns != NULL,
                "the request's axis_patterns are NULL, and their count is %zu", request->axis_pattern_count);
    for (size_t i = 0; i < request->axis_pattern_count; i++) {
        CLQ_REQUIRE(request->axis_patterns[i].pattern != NULL, "number %zu of the request's axis_patterns is NULL", i);
    }
    CLQ_REQUIRE(request->group_size > 0, "the group size is 0, required is at least 1");
    CLQ_REQUIRE(request->minimum_rank >= -1, "the minimum rank is %d, required is at least 0, or -1 for the default",
                (int)request->minimum_rank);
    return CLQ_OK;
}

static clq_status check_calibration(const clq_calibration *method, clq_error *error)
{
    CLQ_REQUIRE((unsigned)method->kind <= CLQ_CALIBRATE_MEAN, "%d is no method of calibration", (int)method->kind);
    CLQ_REQUIRE(method->kind != CLQ_CALIBRATE_PERCENTILE || (method->percent > 0.0 && method->percent <= 100.0),
                "the percentile is %g, required is above 0 and at most 100", method->percent);
    CLQ_REQUIRE(method->kind != CLQ_CALIBRATE_AVERAGE || (method->averaging > 0.0f && method->averaging <= 1.0f),
                "the averaging constant is %g, required is above 0 and at most 1", (double)method->averaging);
    return CLQ_OK;
}

clq_status clq_request_check(const clq_file_request *request, clq_error *error)
{
    CLQ_TRY(check_names(&request->inputs, "inputs", error));
    CLQ_TRY(check_names(&request->tensors, "tensors", error));
    CLQ_TRY(check_names(&request->include, "include", error));
    CLQ_TRY(check_names(&request->exclude, "exclude", error));
    CLQ_TRY(check_layout(request, error));
    CLQ_TRY(check_calibration(&request->calibration, error));
    CLQ_TRY(check_check(request, error));
    CLQ_REQUIRE(!request->has_range || (isfinite(request->range_lo) && isfinite(request->range_hi) &&
                                        request->range_lo <= request->range_hi),
                "the range is [%g, %g], required are finite numbers in order", request->range_lo, request->range_hi);
    CLQ_REQUIRE(!request->has_minimum_sqnr || !isnan(request->minimum_sqnr_db), "the minimum SQNR is NaN");
    CLQ_REQUIRE(request->memory_bytes >= LEAST_MEMORY, "the memory is %" PRIu64 " bytes, required is at least %" PRIu64,
                request->memory_bytes, LEAST_MEMORY);
    return CLQ_OK;
}

clq_status clq_request_refuse_given(const clq_file_request *request, const char *path, clq_error *error)
{
    CLQ_TRY(clq_path_refuse_input(path, request->scale_file, error));
    CLQ_TRY(clq_path_refuse_input(path, request->zero_point_file, error));
    return clq_path_refuse_input(path, request->ranges_file, error);
}
