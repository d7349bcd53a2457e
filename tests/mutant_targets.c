/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <clquant/verify.h>

#include "core/dtype.h"
#include "opencl/choice/gemm_tile.h"

typedef enum manner { READY, TRIAL, WORK } manner;

static mutant_work worked; /* by cases that are only counted */

/* Of a work-group's tile, where there are several; else 0. */
static uint32_t height_of(const mutant_target *target)
{
    return clq_cl_gemm_is_of_matrices(target->variant) ? (uint32_t)target->rows : 0;
}

static uint32_t edge_of(const mutant_target *target)
{
    return height_of(target) == CLQ_GEMM_LOW_ROWS ? CLQ_GEMM_LEAST_EDGE : height_of(target);
}

static clq_status compare(const mutant_target *target, clq_context *context, const clq_trial_cases *cases,
                          clq_trial_candidate (*candidate_of)(clq_cl_machine *machine), manner how, int *same,
                          clq_error *error)
{
    clq_cl_machine m;
    clq_status status;
    if (how == WORK) {
        return mutant_work_add(&worked, cases, height_of(target), edge_of(target), error);
    }
    status = clq_cl_machine_begin(&m, context, how == READY, error);
    if (status == CLQ_OK) {
        const clq_trial_candidate candidate = candidate_of(&m);
        m.variant = target->variant;
        m.form = target->form;
        m.program = (clq_gemm_program){height_of(target), edge_of(target), target->of_nibbles};
        status = how == READY ? clq_trial_make_ready(&candidate, cases, error)
                              : clq_trial_compare(&candidate, cases, same, error);
    }
    clq_cl_machine_end(&m, status);
    return status;
}

/* What variants share comes first, as in opencl/trust.c: what that shows is no hole of theirs. */
static clq_status compare_product(const mutant_target *target, clq_context *context, manner how, int *same,
                                  clq_error *error)
{
    static const clq_trial_heights few = {5, 3, 0, 0, 0};
    const clq_trial_cases sums = clq_trial_sum_cases(&few);
    const clq_trial_cases groups = clq_trial_group_cases(&few);
    clq_trial_heights heights = {target->rows, 0, 0, 0, target->of_nibbles};
    clq_trial_cases cases;
    clq_gemm_problem problem;
    clq_gemm_task task;
    clq_gemm_decision decision;
    clq_gemm_init(&problem);
    problem.m = target->rows;
    problem.n = problem.k = 64;
    if (target->in_groups) {
        problem.k_group = 16;
        problem.b_scale = CLQ_GEMM_PER_GROUP;
        problem.c.dtype = CLQ_F32;
    }
    clq_gemm_task_init(&task, &problem);
    CLQ_TRY(clq_cl_gemm_decide(context, target->variant, &task, &decision, error));
    decision.tile_edge = edge_of(target) != 0 ? edge_of(target) : decision.tile_edge;
    decision.tile_height = height_of(target) != 0 ? height_of(target) : decision.tile_height;
    CLQ_TRY(compare(target, context, &sums, clq_cl_machine_for_packing, how, same, error));
    if (*same) {
        CLQ_TRY(
            compare(target, context, target->in_groups ? &groups : &sums, clq_cl_machine_for_slices, how, same, error));
    }
    if (!*same) {
        return CLQ_OK;
    }
    heights.rows = clq_cl_gemm_trial_rows(&decision);
    heights.tall = clq_cl_gemm_trial_rows_of_many_tiles(&decision);
    heights.whole = clq_cl_gemm_trial_rows_of_whole_tiles(&decision);
    heights.low = clq_cl_gemm_trial_rows_of_part_of_tile(&decision);
    cases = target->in_groups ? clq_trial_group_cases(&heights) : clq_trial_product_cases(&heights);
    return compare(target, context, &cases, target->in_table ? clq_cl_machine_for_tables : clq_cl_machine_for_products,
                   how, same, error);
}

/* As opencl/trust.c does it. */
static clq_status compare_as_trial(const mutant_target *target, clq_context *context, manner how, int *same,
                                   clq_error *error)
{
    clq_quantization q;
    const clq_trial_cut cut = target->form == CLQ_BATCH_FUSED ? CLQ_TRIAL_FUSED
                              : target->form == CLQ_BATCH_COLUMNS || target->variant == CLQ_VARIANT_COLUMNS
                                  ? CLQ_TRIAL_COLUMNS
                              : target->variant == CLQ_VARIANT_RUNS ? CLQ_TRIAL_RUNS
                              : target->variant == CLQ_VARIANT_GRID ? CLQ_TRIAL_GRID
                                                                    : CLQ_TRIAL_ANY;
    const clq_trial_kernels kernels = {target->operation, cut, &q};
    clq_trial_cases cases;
    if (target->rows > 0) {
        return compare_product(target, context, how, same, error);
    }
    clq_quantization_init(&q);
    q.real = target->real;
    (void)clq_scheme_from_preset(target->preset, target->dtype, &q.scheme, NULL);
    if (target->form != CLQ_BATCH_EACH) {
        cases = clq_trial_batch_cases(&kernels);
        return compare(target, context, &cases, clq_cl_machine_for_batches, how, same, error);
    }
    cases = clq_trial_walk_cases(&kernels);
    return compare(target, context, &cases, clq_cl_machine_for_tasks, how, same, error);
}

/* The names of the verification's cases that run the target's kernels. */
static void pattern_of(const mutant_target *t, char pattern[MUTANT_TARGET_BYTES])
{
    const int is_batch = t->form != CLQ_BATCH_EACH;
    const int is_fused = t->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const char *variant = is_batch ? clq_cl_batch_form_name(t->form) + strlen("batch-")
                          : is_fused && t->variant == CLQ_VARIANT_GRID ? "fused-grid"
                          : is_fused                                   ? "fused"
                                                                       : clq_variant_name(t->variant);
    const char *real = clq_dtype_name(t->real);
    if (t->in_table && t->rows == MUTANT_ANY_ROWS) {
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*%s/table", variant, t->in_groups ? "-groups-*" : "");
    } else if (t->in_table) { /* of these heights: others are programs of their own */
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*%s/%ux*/table", variant, t->in_groups ? "-groups-*" : "",
                 t->rows == CLQ_GEMM_LOW_ROWS ? 17 : (unsigned)t->rows);
    } else if (t->in_groups) {
        const uint64_t rows = t->rows == MUTANT_ANY_ROWS || t->rows == CLQ_GEMM_LOW_ROWS ? 17 : t->rows;
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*-groups-*/%ux*", variant, (unsigned)rows);
    } else if (t->rows == MUTANT_ANY_ROWS) { /* of all heights some that are not deep */
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*/[1-9][0-9]x*x[0-9][0-9]-*", variant);
    } else if (t->rows > 0) { /* such tiles as wide as high are for products of several */
        const uint64_t rows = t->rows == MUTANT_GREAT_EDGE   ? MUTANT_GREAT_EDGE + 1
                              : t->rows == CLQ_GEMM_LOW_ROWS ? 17
                                                             : t->rows;
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*/%ux*", variant, (unsigned)rows);
    } else if (t->operation == CLQ_OP_CHOOSE_PARAMETERS) {
        snprintf(pattern, MUTANT_TARGET_BYTES, "%schoose-parameters/%s/*", is_batch ? "batch-" : "", variant);
    } else if (t->operation == CLQ_OP_HISTOGRAM) {
        snprintf(pattern, MUTANT_TARGET_BYTES, "histogram/%s/%s/*/%s*", variant, real, clq_preset_name(t->preset));
    } else {
        const int has_codes = is_fused || t->operation == CLQ_OP_QUANTIZE || t->operation == CLQ_OP_DEQUANTIZE;
        snprintf(pattern, MUTANT_TARGET_BYTES, "%s%s/%s/%s%s%s*", is_batch ? "batch-" : "",
                 clq_operation_name(t->operation), variant, real, has_codes ? "-" : "",
                 has_codes ? clq_dtype_name(t->dtype) : "");
    }
}

/* Of these one shape, or one batch: large enough that work-groups have several rounds. */
static void make_small(const mutant_target *t, char pattern[MUTANT_TARGET_BYTES])
{
    const size_t used = strlen(pattern);
    if (t->in_groups) {
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*-groups-*/3x*", clq_variant_name(t->variant));
    } else if (t->rows > 0) {
        snprintf(pattern, MUTANT_TARGET_BYTES, "gemm/%s/*/3x15x[2-7]*", clq_variant_name(t->variant));
    } else if (t->operation == CLQ_OP_HISTOGRAM) { /* more parameters than a trial has work-groups, so few elements */
        snprintf(pattern, MUTANT_TARGET_BYTES, "histogram/%s/%s/*/%s/4x9x16*", clq_variant_name(t->variant),
                 clq_dtype_name(t->real), clq_preset_name(t->preset));
    } else {
        snprintf(pattern + used, MUTANT_TARGET_BYTES - used, "%s",
                 t->form != CLQ_BATCH_EACH ? "/tensors-*-from-30*" : "/5x1x300*");
    }
}

/* Names of products fit those with groups and those that share a launch too, whose trials are other targets'. */
static int is_of(const mutant_target *target, const clq_verify_case *c)
{
    const int is_alike = target->in_groups || strstr(c->name, "-groups-") == NULL;
    return target->rows == 0 || (is_alike && (target->in_table || strstr(c->name, "/table") == NULL));
}

/* Batches of dynamic quantization that are not fused, and groups along K of products that share a launch. */
static int has_no_case(const mutant_target *t)
{
    const int is_of_steps = t->form != CLQ_BATCH_EACH && t->form != CLQ_BATCH_FUSED;
    return (t->operation == CLQ_OP_DYNAMIC_QUANTIZE && is_of_steps) || (t->in_table && t->in_groups);
}

static clq_status verify(const mutant_target *target, clq_context *context, mutant_judge by, int *same,
                         clq_error *error)
{
    char pattern[MUTANT_TARGET_BYTES];
    clq_verify_request request;
    clq_verify_report *report = NULL;
    clq_status status;
    pattern_of(target, pattern);
    clq_verify_request_init(&request);
    if (by == MUTANT_SMALL) {
        make_small(target, pattern);
        request.extent = target->rows > 0 ? CLQ_VERIFY_QUICK : CLQ_VERIFY_STANDARD;
    }
    request.only = pattern;
    status = clq_verify(context, &request, NULL, &report, error);
    if (status == CLQ_INVALID_ARGUMENT && has_no_case(target)) { /* the trial alone judges its kernels */
        return CLQ_OK;
    }
    *same = status != CLQ_MISMATCH || report != NULL;
    for (size_t i = 0; report != NULL && i < report->case_count; i++) {
        *same &= report->cases[i].verdict != CLQ_VERIFY_DIFFERS || !is_of(target, &report->cases[i]);
    }
    clq_verify_report_destroy(&report);
    return status == CLQ_MISMATCH ? CLQ_OK : status;
}

static const char *device(void)
{
    const char *spec = getenv("CLQ_TEST_DEVICE");
    return spec != NULL && spec[0] != '\0' ? spec : "cpu";
}

/* Variants whose instruction is not here run with its emulation. */
clq_status mutant_target_context(clq_context **context, clq_error *error)
{
    CLQ_TRY(clq_context_create(device(), context, error));
    clq_context_set_emulation(*context, 1);
    return CLQ_OK;
}

clq_status mutant_target_try(const mutant_target *target, mutant_judge by, int *same, clq_error *error)
{
    clq_context *context = NULL;
    clq_status status = mutant_target_context(&context, error);
    if (status == CLQ_OK) {
        status = by == MUTANT_TRIAL ? compare_as_trial(target, context, TRIAL, same, error)
                                    : verify(target, context, by, same, error);
    }
    clq_context_destroy(&context);
    return status;
}

static double user_milliseconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec * 1e3 + (double)usage.ru_utime.tv_usec * 1e-3;
}

double mutant_target_milliseconds(const mutant_target *target)
{
    clq_context *context = NULL;
    double least = 0;
    int same = 1;
    clq_status status = mutant_target_context(&context, NULL);
    for (int turn = 0; turn < MUTANT_TURNS && status == CLQ_OK; turn++) {
        const double before = user_milliseconds();
        status = compare_as_trial(target, context, TRIAL, &same, NULL);
        if (turn == 1 || (turn > 1 && user_milliseconds() - before < least)) {
            least = user_milliseconds() - before;
        }
    }
    clq_context_destroy(&context);
    return least;
}

clq_status mutant_target_work(const mutant_target *target, mutant_work *work, clq_error *error)
{
    clq_context *context = NULL;
    int same = 1;
    clq_status status = mutant_target_context(&context, error);
    memset(&worked, 0, sizeof worked);
    if (status == CLQ_OK) {
        status = compare_as_trial(target, context, WORK, &same, error);
    }
    clq_context_destroy(&context);
    *work = worked;
    return status;
}

clq_status mutant_target_ready(const mutant_target *target, clq_error *error)
{
    clq_context *context = NULL;
    int same = 1;
    clq_status status = mutant_target_context(&context, error);
    if (status == CLQ_OK) {
        status = compare_as_trial(target, context, READY, &same, error);
    }
    clq_context_destroy(&context);
    return status;
}
