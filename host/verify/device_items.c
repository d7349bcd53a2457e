/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of a device: every kernel of kernels.def, and what a quick run leaves out of their programs. */
#include <stdio.h>
#include <string.h>

#include "opencl/choice/batch.h"
#include "opencl/choice/elementwise.h"
#include "opencl/choice/gemm.h"
#include "verify/device.h"
#include "verify/run.h"

enum {
    FUSED_STRIP = CLQ_VERIFY_FUSED + CLQ_VARIANT_STRIP,
    FUSED_GRID = CLQ_VERIFY_FUSED + CLQ_VARIANT_GRID,
    FUSED_BYTES = 128 << 10,
    CODES = 6,
    REALS = 3
};

typedef struct kernel_row {
    clq_operation operation;
    const char *variant;
} kernel_row;

static const kernel_row kernels[] = {
#define CLQ_KERNEL(operation, variant, file, kernel, contract) {operation, variant},
#include "kernels.def"
};

typedef struct batch_row {
    clq_batch_form form;
    clq_operation operation;
} batch_row;

static const batch_row batch_kernels[] = {
#define CLQ_BATCH_KERNEL(form, variant, operation, file, kernel, contract) {CLQ_BATCH_##form, operation},
#include "kernels.def"
};

const char *clq_verify_device_variant_name(const clq_verify_item *item)
{
    return item->family == CLQ_VERIFY_BATCH ? clq_cl_batch_form_name((clq_batch_form)item->variant) + strlen("batch-")
           : item->variant == FUSED_STRIP   ? "fused"
           : item->variant == FUSED_GRID    ? "fused-grid"
                                            : clq_variant_name((clq_variant)item->variant);
}

/* ---- which tensors ---- */

/* Fused kernels have trials' cuts only; in steps it goes as calls go. */
clq_verify_cut clq_verify_device_cut(const clq_verify_item *item, uint32_t number)
{
    if (item->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return item->variant < CLQ_VERIFY_FUSED ? CLQ_VERIFY_AS_CALLED
               : number % 2 == 0                ? CLQ_VERIFY_CUT
                                                : CLQ_VERIFY_PAST_CACHE;
    }
    return (clq_verify_cut)number;
}

/* The two kinds of bins are two programs: in a quick run a strip has both, and each of the others has one. */
uint32_t clq_verify_device_scheme(const clq_verify_items *items, const clq_verify_item *item, uint32_t number)
{
    if (items->extent != CLQ_VERIFY_QUICK || item->operation != CLQ_OP_HISTOGRAM ||
        item->variant == (int32_t)CLQ_VARIANT_STRIP) {
        return number;
    }
    return item->variant == (int32_t)CLQ_VARIANT_GRID ? CLQ_PRESET_SYMMETRIC : number % CLQ_PRESET_SYMMETRIC;
}

/*
 * The sizes of a grid kernel's work-groups follow from the length of segments, and those of what has an item for each
 * parameter from their number: on devices that compile anew for each size, a quick run goes through all of them with
 * one program of each operation, and keeps to the ends with the others.
 */
static int is_dear(const clq_verify_items *items, const clq_verify_item *item, const clq_geometry *g)
{
    const int is_first = item->real == clq_verify_reals[item->variant == (int32_t)CLQ_VARIANT_GRID] &&
                         (item->operation == CLQ_OP_QUANTIZE || item->operation == CLQ_OP_MINMAX ||
                          item->operation == CLQ_OP_MERGE_RANGE);
    if (items->extent != CLQ_VERIFY_QUICK || is_first) {
        return 0;
    }
    return item->variant == (int32_t)CLQ_VARIANT_GRID
               ? g->segment > 4 && g->segment <= 256
               : (item->operation == CLQ_OP_MINMAX || item->operation == CLQ_OP_MERGE_RANGE) && g->parameters >= 64;
}

static int has_segment_each(const clq_geometry *g)
{
    return g->elements > 0 && g->rows * g->segments_per_row == g->parameters;
}

/* A work-item finds the range of each segment, which is a parameter's. */
static int is_for_one_item(const clq_geometry *g)
{
    return g->elements <= FUSED_BYTES / 4 && has_segment_each(g);
}

int clq_verify_device_takes_tensor(const clq_verify_items *items, const clq_verify_item *item, const clq_task *task)
{
    clq_task step = *task;
    if (item->variant == FUSED_STRIP) {
        return task->geometry.parameters == 1 ? task->geometry.elements > 0 : is_for_one_item(&task->geometry);
    }
    if (item->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        step.operation = CLQ_OP_QUANTIZE;
    }
    return !is_dear(items, item, &task->geometry) &&
           (item->variant != FUSED_GRID || has_segment_each(&task->geometry)) &&
           clq_cl_variant_takes(&step, (clq_variant)(item->variant % CLQ_VERIFY_FUSED));
}

int clq_verify_device_takes_in_batch(const clq_verify_item *item, const clq_task *task)
{
    if (item->variant == (int32_t)CLQ_BATCH_FUSED) {
        return is_for_one_item(&task->geometry);
    }
    return item->variant != (int32_t)CLQ_BATCH_COLUMNS || clq_cl_variant_takes(task, CLQ_VARIANT_COLUMNS);
}

/* ---- which types ---- */

/* Of the pairs of types that are left over, batches of quantize and of dequantize meet a half each. */
static int takes_batch_program(const clq_verify_items *items, const clq_verify_item *item, uint32_t r, uint32_t c)
{
    const int has_codes = item->operation == CLQ_OP_QUANTIZE || item->operation == CLQ_OP_DEQUANTIZE ||
                          item->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const int is_dear = (item->variant == (int32_t)CLQ_BATCH_FUSED && c != 0) ||
                        (item->operation == CLQ_OP_QUANTIZE && c >= CODES / 2) ||
                        (item->operation == CLQ_OP_DEQUANTIZE && c < CODES / 2);
    if (is_dear && items->extent == CLQ_VERIFY_QUICK) {
        return 0;
    }
    return clq_verify_takes_program(items, 2, (uint32_t)item->variant - CLQ_BATCH_STRIP, r, c,
                                    item->operation == CLQ_OP_CHOOSE_PARAMETERS, !has_codes);
}

/*
 * Dynamic quantization in steps needs no program that its steps do not have, where it takes the pairs of types that
 * quantize does.
 */
int clq_verify_device_takes_program(const clq_verify_items *items, const clq_verify_item *item, uint32_t r, uint32_t c)
{
    const uint32_t variant = (uint32_t)item->variant % CLQ_VERIFY_FUSED;
    const int is_in_steps = item->operation == CLQ_OP_DYNAMIC_QUANTIZE && item->variant < CLQ_VERIFY_FUSED;
    if (item->family == CLQ_VERIFY_BATCH) {
        return takes_batch_program(items, item, r, c);
    }
    if (item->operation == CLQ_OP_MERGE_RANGE || items->extent > CLQ_VERIFY_QUICK) {
        return 1;
    }
    if (is_in_steps && c >= REALS) {
        return 0;
    }
    if (item->variant >= CLQ_VERIFY_FUSED) {
        return r == 0 && c == 0; /* minmax, of which each has a kernel, is there for f32 */
    }
    return clq_verify_takes_program(items, item->operation == CLQ_OP_DEQUANTIZE, variant, r, c,
                                    !clq_verify_has_reals(item->operation), !clq_verify_has_codes(item->operation));
}

/* ---- which products ---- */

/* Low tiles are programs of their own: a quick run leaves them to gemv, and low products to the others. */
int clq_verify_device_takes_product(const clq_verify_items *items, const clq_verify_item *item)
{
    const clq_verify_product *p = &item->of.product;
    const int is_dear = items->extent == CLQ_VERIFY_QUICK && p->m < 12 && item->cut != CLQ_VERIFY_IN_TABLE &&
                        (item->variant == (int32_t)CLQ_VARIANT_CPU || item->variant == (int32_t)CLQ_VARIANT_CPU_AVX2 ||
                         item->variant == (int32_t)CLQ_VARIANT_CPU_VNNI);
    if (item->variant == (int32_t)CLQ_VARIANT_SPLIT_K) {
        return p->k_group == 0 && p->k >= 8 && item->cut == CLQ_VERIFY_AS_CALLED;
    }
    return !is_dear && (item->variant != (int32_t)CLQ_VARIANT_GEMV || p->m <= 8);
}

/* Whether there is such a kernel for this device; asked with a product that each of them takes. */
static const char *obstacle_of(clq_verify_items *items, clq_variant variant)
{
    char *obstacle = items->obstacles[items->obstacle_count];
    clq_gemm_problem problem;
    clq_gemm_task task;
    clq_gemm_decision decision;
    clq_gemm_init(&problem);
    problem.m = 1;
    problem.n = 16;
    problem.k = 16;
    clq_gemm_task_init(&task, &problem);
    if (clq_cl_gemm_decide(items->context, variant, &task, &decision, &items->story) == CLQ_OK) {
        return NULL;
    }
    snprintf(obstacle, sizeof items->obstacles[0], "%.250s", items->story.message);
    items->obstacle_count++;
    return obstacle;
}

/* ---- all ---- */

/* Of strips one work-item walks the whole tensor: never tried elsewhere. */
static clq_status add_fused(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_TENSOR;
    item.operation = CLQ_OP_DYNAMIC_QUANTIZE;
    item.variant = FUSED_STRIP;
    if (items->context->device.type == CLQ_DEVICE_CPU) {
        CLQ_TRY(clq_verify_add_tensors(items, &item, error));
    } else {
        item.skipped = "dynamic quantization by strips in one kernel is of CPU devices";
        CLQ_TRY(clq_verify_add_skipped(items, &item, error));
        item.skipped = NULL;
    }
    item.variant = FUSED_GRID;
    return clq_verify_add_tensors(items, &item, error);
}

static clq_status add_tensors(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        clq_variant variant = CLQ_VARIANT_STRIP;
        CLQ_TRY(clq_variant_from_name(kernels[i].variant, &variant, error));
        item.operation = kernels[i].operation;
        item.variant = (int32_t)variant;
        item.is_strided = variant == CLQ_VARIANT_RUNS;
        if (item.operation != CLQ_OP_DYNAMIC_QUANTIZE) {
            CLQ_TRY(clq_verify_add_tensors(items, &item, error));
        }
    }
    CLQ_TRY(add_fused(items, error));
    for (uint32_t variant = 0; variant < CLQ_VARIANT_ELEMENTWISE_COUNT; variant++) {
        item.operation = CLQ_OP_DYNAMIC_QUANTIZE;
        item.variant = (int32_t)variant;
        item.is_strided = variant == CLQ_VARIANT_RUNS;
        CLQ_TRY(clq_verify_add_tensors(items, &item, error));
    }
    return CLQ_OK;
}

static clq_status add_batches(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_BATCH;
    for (size_t i = 0; i < sizeof batch_kernels / sizeof batch_kernels[0]; i++) {
        const int is_of_others =
            batch_kernels[i].form == CLQ_BATCH_FUSED && items->context->device.type != CLQ_DEVICE_CPU;
        item.operation = batch_kernels[i].operation;
        item.variant = (int32_t)batch_kernels[i].form;
        item.skipped = is_of_others ? "batches of dynamic quantization in one kernel are of CPU devices" : NULL;
        CLQ_TRY(is_of_others ? clq_verify_add_skipped(items, &item, error)
                             : clq_verify_add_batches(items, &item, error));
    }
    return CLQ_OK;
}

clq_status clq_verify_device_add(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_PRODUCT;
    CLQ_TRY(clq_verify_add_probes(items, NULL, error)); /* first: what is wrong there explains the rest */
    CLQ_TRY(add_tensors(items, error));
    CLQ_TRY(add_batches(items, error));
    for (int v = CLQ_VARIANT_ELEMENTWISE_COUNT; v < CLQ_VARIANT_COUNT; v++) {
        item.variant = v;
        item.skipped = obstacle_of(items, (clq_variant)v);
        CLQ_TRY(item.skipped != NULL ? clq_verify_add_skipped(items, &item, error)
                                     : clq_verify_add_products(items, &item, error));
    }
    return CLQ_OK;
}
