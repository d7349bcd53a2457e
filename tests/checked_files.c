/* SPDX-License-Identifier: Apache-2.0 */
#include "checked_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/safetensors.h"
#include "scratch.h"

const char *checked_files_write(const char *name, size_t tensors, uint64_t rows, double (*next)(void))
{
    const uint64_t shape[2] = {rows, CHECKED_COLUMNS};
    const char *path;
    clq_safetensors_plan *plan = NULL;
    const char *header;
    uint64_t header_bytes, file_bytes;
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (size_t i = 0; i < tensors; i++) {
        char tensor[24];
        size_t index;
        snprintf(tensor, sizeof tensor, i == 0 ? "w" : "w%zu", i);
        assert_int_equal(
            clq_safetensors_plan_tensor(plan, tensor, "F32", 2, shape, 4 * rows * CHECKED_COLUMNS, &index, NULL),
            CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = check_allocate(file_bytes);
    memcpy(file, header, (size_t)header_bytes);
    for (uint64_t at = header_bytes; at < file_bytes; at += sizeof(float)) {
        const float value = (float)next();
        memcpy(file + at, &value, sizeof value);
    }
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
}

clq_file_request checked_files_request(const checked_verb *v, const checked_files *files, clq_file_check check,
                                       uint64_t seed)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = v->call == clq_file_dequantize ? files->quantized : files->plain;
    request.inputs = (clq_name_list){&files->plain, v->call == clq_file_calibrate};
    request.output = v->call == clq_file_minmax ? NULL : files->output;
    request.replace = 1;
    request.memory_bytes = (uint64_t)v->mebibytes << 20;
    request.has_granularity = 1;
    request.granularity = v->granularity;
    request.group_size = 33;
    request.dtype = v->call == clq_file_quantize || v->call == clq_file_dequantize ? v->dtype : (clq_dtype)0;
    request.preset = v->preset;
    request.check = check;
    request.check_seed = check == CLQ_CHECK_SAMPLE ? seed : 0;
    assert_int_equal(clq_calibration_from_text(v->method, &request.calibration, NULL), CLQ_OK);
    return request;
}
