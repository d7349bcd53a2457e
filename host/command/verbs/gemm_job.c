/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/gemm_job.h"

#include <inttypes.h>
#include <stdlib.h>

clq_status cli_gemm_values_create(cli_gemm_values *values, clq_gemm_values kind, uint64_t count, clq_error *error)
{
    free(values->memory);
    values->memory = count <= SIZE_MAX / 4 ? malloc((size_t)count * 4) : NULL;
    values->kind = values->memory != NULL ? kind : CLQ_GEMM_ABSENT;
    values->count = values->memory != NULL ? count : 0;
    return values->memory != NULL ? CLQ_OK
                                  : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " parameters", count);
}
