/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix_product.h"

#include <stdio.h>
#include <string.h>

#include "inputs_gemm.h"
#include "opencl/runtime/context.h"

void matrix_product_check_tiles(const char *variant, check_gemm *c, const char *tile, const char *way)
{
    clq_context *context = check_device();
    clq_error error;
    clq_plan plan;
    char how[48];
    check_gemm_result want;
    check_gemm_result got;
    if (c->problem.k_group == 0) {
        inputs_gemm_zero_points(c);
        inputs_gemm_output(c, inputs_gemm_outputs[check_below(INPUTS_GEMM_OUTPUTS)]);
    }
    inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    check_gemm_run(check_reference(), "reference", c, &want);
    clq_context_set_emulation(context, 1);
    check_ok(clq_context_force_variant(context, variant, &error), &error, "clq_context_force_variant");
    check_ok(clq_gemm_plan(context, &c->problem, 0, &plan, &error), &error, "clq_gemm_plan");
    snprintf(how, sizeof how, "%s, emulated", variant);
    if (strstr(plan.reason, tile) == NULL || strstr(plan.reason, way) == NULL) {
        fail_msg("%s are wanted, %s, and the plan says: %s", tile, way, plan.reason);
    }
    check_gemm_run(context, how, c, &got);
    check_gemm_same(c, how, &want, &got);
    check_ok(clq_context_force_variant(context, NULL, &error), &error, "clq_context_force_variant");
    clq_context_set_emulation(context, 0);
    check_gemm_result_free(&want);
    check_gemm_result_free(&got);
    inputs_gemm_free(c);
}

void matrix_product_check(const char *variant, check_gemm *c, unsigned rows, unsigned columns)
{
    char tile[32];
    snprintf(tile, sizeof tile, "tiles of %u x %u", rows, columns);
    matrix_product_check_tiles(variant, c, tile, "");
}

void matrix_product_skip_without_groups_of(size_t items, size_t local_bytes)
{
    const clq_context *context = check_device();
    if (context == NULL || check_device_is_native()) {
        check_skip("there is no OpenCL device");
    }
    if (context->cl->maximum_group_size < items || context->cl->maximum_group_items[0] < items) {
        check_skip("the device has no work-groups that large");
    }
    if (context->cl->local_bytes < local_bytes) {
        check_skip("the device has too little local memory");
    }
}
