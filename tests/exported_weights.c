/* SPDX-License-Identifier: Apache-2.0 */
#include "exported_weights.h"

#include <stdlib.h>
#include <string.h>

enum { BEFORE_BYTES = 3 * CLQ_GEMM_WEIGHTS_ALIGNMENT, PAGE_BYTES = 4096 };

static clq_status import(clq_context *context, const clq_gemm_problem *problem, exported_place place, uint64_t bytes,
                         clq_gemm_weights **weights, exported_weights *kept, clq_error *error)
{
    clq_status status = place == EXPORTED_IN_HOST_MEMORY
                            ? clq_buffer_wrap(context, kept->memory, bytes, &kept->buffer, error)
                            : clq_buffer_create(context, bytes, &kept->buffer, error);
    if (status == CLQ_OK && place == EXPORTED_IN_BUFFER) {
        status = clq_buffer_write(kept->buffer, 0, kept->memory, bytes, error);
    }
    if (status == CLQ_OK) {
        const clq_operand exported = {kept->buffer, BEFORE_BYTES};
        status = clq_gemm_weights_import(context, problem, exported, weights, error);
    }
    return status;
}

clq_status exported_weights_exchange(clq_context *context, const clq_gemm_problem *problem, exported_place place,
                                     clq_gemm_weights **weights, exported_weights *kept, clq_error *error)
{
    const uint64_t bytes = clq_gemm_weights_export_bytes(*weights);
    const uint64_t all = (BEFORE_BYTES + bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    clq_status status;
    memset(kept, 0, sizeof *kept);
    kept->allocated = malloc((size_t)all + PAGE_BYTES);
    assert_non_null(kept->allocated);
    kept->memory = (char *)kept->allocated + (PAGE_BYTES - (uintptr_t)kept->allocated % PAGE_BYTES);
    memset(kept->memory, 0x5C, (size_t)all);
    status = clq_gemm_weights_export(*weights, (char *)kept->memory + BEFORE_BYTES, bytes, error);
    clq_gemm_weights_destroy(weights);
    return status == CLQ_OK ? import(context, problem, place, BEFORE_BYTES + bytes, weights, kept, error) : status;
}

void exported_weights_release(exported_weights *kept)
{
    clq_buffer_destroy(&kept->buffer);
    free(kept->allocated);
    kept->allocated = NULL;
}
