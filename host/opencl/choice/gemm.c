/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel multiplies, and why. docs/kernels.md gives the reasons at length. */
#include "opencl/choice/gemm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "core/tiles.h"
#include "opencl/choice/gemm_slices.h"
#include "opencl/choice/gemm_tile.h"

/* Up to GEMV_ROWS all rows of A can go through B at once; local memory of each work-item of gemv's groups, with room to
 * spare. */
enum { GEMV_ROWS = 8, GEMV_LOCAL_BYTES = 128 };

/* Up to so many rows tiles of cpu-vnni read 4-bit codes as they are packed: to write them as 8-bit ones first, and read
 * those, takes longer than to do without. */
enum { NIBBLE_ROWS = 64 };

typedef struct gemm_row {
    const char *file;
    const char *kernel, *fused_kernel; /* the second of GROUPS=1, where there is such a program */
    clq_cl_instruction instruction;    /* CLQ_CL_INSTRUCTIONS: none */
    const char *options, *device_options;
} gemm_row;

static const gemm_row rows[CLQ_VARIANT_COUNT] = {
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract)                                                   \
    [CLQ_VARIANT_##identifier] = {(file), (kernel), kernel "_groups", CLQ_CL_INSTRUCTIONS, "", ""},
#define CLQ_GEMM_INSTRUCTION(identifier, variant, file, kernel, options, device_options, reason, contract)             \
    [CLQ_VARIANT_##identifier] = {(file), (kernel), kernel "_groups", CLQ_CL_##identifier, (options), (device_options)},
#include "kernels.def"
};

static int is_emulated(const clq_context *context, clq_variant variant)
{
    return context->emulates && rows[variant].instruction != CLQ_CL_INSTRUCTIONS;
}

static int is_cpu(const clq_context *context)
{
    return context->device.type == CLQ_DEVICE_CPU;
}

int clq_cl_gemm_has_nibbles(const clq_gemm_problem *p)
{
    return clq_dtype_bits(p->b.dtype) == 4;
}

/* Each program for 4-bit codes has a height below CLQ_GEMM_SAME_TILES_FROM, as clq_cl_gemm_workspace_most wants it. */
int clq_cl_gemm_reads_nibbles(clq_variant variant, const clq_gemm_problem *p)
{
    return clq_cl_gemm_has_nibbles(p) &&
           (variant == CLQ_VARIANT_GEMV || (variant == CLQ_VARIANT_CPU_VNNI && p->m <= NIBBLE_ROWS));
}

/* A work-group's tiles are up to three programs: the places of heights 0 to 2. Of cpu-amx there is one. No variant with
 * a program for 4-bit codes has an instruction that is emulated: that program has the place of this. */
static size_t entry_of(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                       const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    const uint32_t height = clq_cl_gemm_tile_rows(tuning, variant, p->m);
    const uint32_t place = variant == CLQ_VARIANT_CPU_AMX ? 0
                           : height != 0                  ? height
                                                          : clq_cl_gemm_tile_of(context, tuning, variant, p).place;
    return clq_cl_gemm_verdict_entry(tuning, variant, place, p->k_group != 0,
                                     is_emulated(context, variant) || clq_cl_gemm_reads_nibbles(variant, p));
}

/* Tiles in local memory are made by work-groups of 16 x 16: the device must have them, and for this kernel too. */
static const char *group_obstacle(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                                  int in_groups)
{
    const struct clq_cl_state *cl = context->cl;
    const int emulated = is_emulated(context, variant);
    if (cl->maximum_group_size < 256 || cl->maximum_group_items[0] < 16 || cl->maximum_group_items[1] < 16) {
        return "the device has no work-groups of 16 x 16";
    }
    return clq_verdict_of(&cl->verdicts, clq_cl_gemm_verdict_entry(tuning, variant, 0, in_groups, emulated)) ==
                   CLQ_VERDICT_TOO_LARGE
               ? "the device has no work-groups of 16 x 16 for this kernel"
               : NULL;
}

clq_host_cause clq_cl_gemm_host_cause(const clq_gemm_task *task)
{
    static const clq_host_cause none = {CLQ_OK, NULL, 0};
    static const clq_host_cause ragged = {CLQ_UNSUPPORTED, "groups along K are no multiple of 4", 0};
    return task->problem->k_group % GROUP_DEPTH != 0 && task->k_groups > 1 ? ragged : none;
}

/* Why the device has not the instruction that a variant is written for; NULL when it may have. */
static const char *lacking(const clq_context *context, clq_variant variant)
{
    const clq_cl_instruction instruction = rows[variant].instruction;
    const char *lacks = instruction != CLQ_CL_INSTRUCTIONS ? context->cl->capabilities.lacks[instruction] : "";
    return lacks[0] != '\0' ? lacks : NULL;
}

/* The least of its tiles: where the greater does not fit, it is not taken. */
static const char *matrix_obstacle(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                                   clq_variant variant)
{
    const struct clq_cl_state *cl = context->cl;
    const uint32_t items = clq_cl_gemm_matrix_items(variant, CLQ_GEMM_LEAST_EDGE);
    if (cl->maximum_group_size < items || cl->maximum_group_items[0] < items) {
        return "the device has no work-groups that large";
    }
    return clq_verdict_of(&cl->verdicts, entry_of(context, tuning, variant, task)) == CLQ_VERDICT_TOO_LARGE
               ? "the device has no work-groups of that size for this kernel"
               : NULL;
}

/* The system is asked where nothing else is in the way, so that nobody has a permission that is of no use. */
static const char *tile_obstacle(const clq_context *context)
{
    return context->emulates ? NULL : clq_tiles_refusal(!context->asks_no_permission);
}

/* Why a variant cannot run this problem here; NULL when it can. */
static const char *obstacle(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                            clq_variant variant)
{
    const struct clq_cl_state *cl = context->cl;
    const int in_groups = task->problem->k_group != 0;
    if (clq_cl_gemm_host_cause(task).reason != NULL) {
        return clq_cl_gemm_host_cause(task).reason;
    }
    if (!is_emulated(context, variant) && lacking(context, variant) != NULL) {
        return lacking(context, variant);
    }
    switch (variant) {
    case CLQ_VARIANT_PORTABLE:
    case CLQ_VARIANT_KHR_DOT:
    case CLQ_VARIANT_NVIDIA_DP4A:
    case CLQ_VARIANT_AMD_DOT:
    case CLQ_VARIANT_ARM_DOT:
        return group_obstacle(context, tuning, variant, in_groups);
    case CLQ_VARIANT_CPU_AVX2:
        return !cl->capabilities.avx2 ? "no x86 CPU device in this process with AVX2" : NULL;
    case CLQ_VARIANT_CPU_AMX:
        return tile_obstacle(context);
    case CLQ_VARIANT_CPU_VNNI:
        return !cl->capabilities.vnni ? cl->capabilities.no_vnni : NULL;
    case CLQ_VARIANT_GEMV:
        return task->problem->m > GEMV_ROWS ? "m is above 8" : NULL;
    case CLQ_VARIANT_NVIDIA_MMA:
    case CLQ_VARIANT_INTEL_DPAS:
    case CLQ_VARIANT_INTEL_DPAS16:
    case CLQ_VARIANT_AMD_MFMA:
    case CLQ_VARIANT_AMD_MFMA32:
    case CLQ_VARIANT_AMD_WMMA:
        return matrix_obstacle(context, tuning, task, variant);
    case CLQ_VARIANT_SPLIT_K:
        return in_groups ? "K is cut into its groups" : task->problem->k < 2 * GROUP_DEPTH ? "k is below 8" : NULL;
    default:
        return NULL;
    }
}

static int is_set_aside(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                        const clq_gemm_task *task)
{
    const size_t entry = entry_of(context, tuning, variant, task);
    return clq_verdict_is_aside(clq_verdict_of(&context->cl->verdicts, entry));
}

/* Tiles of AMX take 8-bit codes alone: where another reads 4-bit ones as they are, it is the better one. */
static int wants_amx(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    const uint32_t least = tuning->values[CLQ_TUNE_GEMM_CPU_AMX];
    const int by_vnni = tuning->values[CLQ_TUNE_GEMM_VNNI] != 0 && context->cl->capabilities.vnni &&
                        clq_cl_gemm_reads_nibbles(CLQ_VARIANT_CPU_VNNI, p) &&
                        !is_set_aside(context, tuning, CLQ_VARIANT_CPU_VNNI, task);
    const int by_gemv = p->m <= tuning->values[CLQ_TUNE_GEMM_GEMV_ROWS] &&
                        clq_cl_gemm_reads_nibbles(CLQ_VARIANT_GEMV, p) &&
                        !is_set_aside(context, tuning, CLQ_VARIANT_GEMV, task);
    return least != 0 && !context->emulates && p->m >= least && !by_vnni && !by_gemv;
}

/* The kernel that multiplies, when nothing is forced: the first of these that is wanted, can and is not set aside. */
static clq_variant choose_kernel(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                                 const char **reason)
{
    const uint32_t *values = tuning->values;
    const struct {
        clq_variant variant;
        int is_wanted;
        const char *reason;
    } order[] = {
        {CLQ_VARIANT_CPU_AMX, wants_amx(context, tuning, task), "CPU device whose processor has AMX-INT8"},
        {CLQ_VARIANT_CPU_VNNI, values[CLQ_TUNE_GEMM_VNNI] != 0, "CPU device whose processor has AVX512-VNNI"},
        {CLQ_VARIANT_GEMV, task->problem->m <= values[CLQ_TUNE_GEMM_GEMV_ROWS], "m is at most 8: bound by reading B"},
#define CLQ_GEMM_INSTRUCTION(identifier, variant, file, kernel, options, device_options, reason, contract)             \
    {CLQ_VARIANT_##identifier, values[CLQ_TUNE_GEMM_##identifier] != 0 && !context->emulates, (reason)},
#include "kernels.def"
        {CLQ_VARIANT_PORTABLE, values[CLQ_TUNE_GEMM_PORTABLE] != 0,
         is_cpu(context) ? "tiles in local memory" : "not a CPU device: tiles in local memory"},
        {CLQ_VARIANT_CPU_AVX2, values[CLQ_TUNE_GEMM_AVX2] != 0 && !context->cl->capabilities.avx512,
         "x86 CPU device whose processor has AVX2 and no AVX-512"},
        {CLQ_VARIANT_CPU, 1, "tiles in registers, no barrier"},
        {CLQ_VARIANT_PORTABLE, values[CLQ_TUNE_GEMM_PORTABLE] == 0, "the last resort"},
    };
    clq_variant last = CLQ_VARIANT_CPU;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const clq_variant variant = order[i].variant;
        /* Nobody asks the system for tiles that have failed. */
        const int is_out = variant == CLQ_VARIANT_CPU_AMX && is_set_aside(context, tuning, variant, task);
        if (!order[i].is_wanted || is_out || obstacle(context, tuning, task, variant) != NULL) {
            continue;
        }
        if (!is_set_aside(context, tuning, variant, task)) {
            *reason = order[i].reason;
            if (!is_cpu(context) && variant == CLQ_VARIANT_CPU &&
                obstacle(context, tuning, task, CLQ_VARIANT_PORTABLE)) {
                *reason = "no work-groups of 16 x 16 for tiles in local memory: tiles in registers, no barrier";
            }
            return variant;
        }
        last = variant;
    }
    *reason = "every variant was set aside";
    return last;
}

static clq_host_cause cause_at(const clq_context *context, size_t entry)
{
    return clq_cl_cause_of(clq_verdict_of(&context->cl->verdicts, entry));
}

/* Why the host packs what such a product multiplies, if it does; the trials of packing are the same for every table. */
static clq_host_cause packing_cause(const clq_context *context, const clq_gemm_task *task, const clq_cl_tuning *tuning)
{
    clq_host_cause cause = clq_cl_gemm_host_cause(task);
    if (cause.reason == NULL) {
        cause = cause_at(context, clq_cl_gemm_part_verdict_entry(tuning, CLQ_GEMM_PACKING));
        cause.required_bytes = cause.status == CLQ_UNSUPPORTED ? atomic_load(&context->cl->packing_bytes) : 0;
    }
    return cause;
}

/* Why the host serves a product, if it does: of what is set aside for it what is tried first (trust.c). */
static clq_host_cause product_cause(const clq_context *context, const clq_gemm_task *task,
                                    const clq_gemm_decision *decision)
{
    clq_host_cause cause = decision->packs_by_host;
    if (cause.reason == NULL && task->problem->k_group != 0) {
        cause = cause_at(context, clq_cl_gemm_part_verdict_entry(decision->tuning, CLQ_GEMM_GROUPS));
    }
    return cause.reason != NULL ? cause : cause_at(context, decision->verdict_entry);
}

static void name_decision(const clq_gemm_task *task, const char *reason, clq_gemm_decision *decision)
{
    const char *emulated = decision->is_emulated ? " with its instruction emulated" : "";
    char tile[32];
    if (decision->tile_rows != 0) {
        const uint32_t columns =
            decision->variant == CLQ_VARIANT_GEMV ? decision->vectors * decision->vector_width : PANEL_COLUMNS;
        snprintf(tile, sizeof tile, "%" PRIu32 " x %" PRIu32, decision->tile_rows, columns);
    } else {
        snprintf(tile, sizeof tile, "%" PRIu32 " x %" PRIu32, decision->tile_height, decision->tile_edge);
    }
    if (decision->in_groups) {
        decision->name = clq_variant_name(decision->variant);
        snprintf(decision->reason, sizeof decision->reason,
                 "%s%s; tiles of %s, %" PRIu32 " groups along K, %" PRIu32 " at a time", reason, emulated, tile,
                 decision->slices, decision->is_fused ? 1 : decision->round_slices);
    } else if (decision->slices > 1) {
        decision->name = clq_variant_name(CLQ_VARIANT_SPLIT_K);
        snprintf(decision->reason, sizeof decision->reason,
                 "K of %" PRIu64 " in %" PRIu32 " slices, each by %s%s in tiles of %s", task->problem->k,
                 decision->slices, clq_variant_name(decision->variant), emulated, tile);
    } else {
        decision->name = clq_variant_name(decision->variant);
        snprintf(decision->reason, sizeof decision->reason, "%s%s; tiles of %s", reason, emulated, tile);
    }
}

/* Vectors of the variant that is decided on. */
static void choose_vectors(const clq_context *context, clq_gemm_decision *decision)
{
    const uint32_t *values = decision->tuning->values;
    decision->vector_width = decision->tile_rows == 0                    ? 4
                             : decision->variant == CLQ_VARIANT_CPU_VNNI ? 16
                                                                         : values[CLQ_TUNE_GEMM_LANES];
    decision->group = values[CLQ_TUNE_GEMM_GEMV_GROUP];
    while (decision->group > 1 && decision->group * GEMV_LOCAL_BYTES > context->cl->local_bytes) {
        decision->group /= 2;
    }
    decision->vectors = (uint32_t)clq_size_min(decision->group > 1 ? PANEL_COLUMNS : values[CLQ_TUNE_GEMM_GEMV_VECTORS],
                                               PANEL_COLUMNS / decision->vector_width);
}

static clq_status decide(const clq_context *context, const clq_cl_tuning *tuning, clq_variant forced,
                         const clq_gemm_task *task, clq_gemm_decision *decision, clq_error *error)
{
    const char *reason = "forced";
    clq_gemm_tile tile;
    memset(decision, 0, sizeof *decision);
    decision->tuning = tuning;
    decision->most_rounds = atomic_load(&context->cl->most_rounds);
    if (clq_variant_is_of_products(forced)) {
        const char *why = obstacle(context, tuning, task, forced);
        if (why != NULL) {
            return clq_fail(error, CLQ_UNSUPPORTED, "gemm: the forced variant %s cannot run this on %s: %s",
                            clq_variant_name(forced), context->device.name, why);
        }
    } else {
        forced = CLQ_VARIANT_BY_DEVICE;
    }
    decision->variant = forced != CLQ_VARIANT_BY_DEVICE && forced != CLQ_VARIANT_SPLIT_K
                            ? forced
                            : choose_kernel(context, tuning, task, &reason);
    decision->file = rows[decision->variant].file;
    decision->kernel = rows[decision->variant].kernel;
    decision->fused_kernel = rows[decision->variant].fused_kernel;
    decision->is_emulated = is_emulated(context, decision->variant);
    decision->reads_nibbles = clq_cl_gemm_reads_nibbles(decision->variant, task->problem);
    decision->options = rows[decision->variant].options;
    decision->device_options = decision->is_emulated ? "-DCLQ_EMULATE" : rows[decision->variant].device_options;
    decision->tile_rows = clq_cl_gemm_tile_rows(tuning, decision->variant, task->problem->m);
    tile = clq_cl_gemm_tile_of(context, tuning, decision->variant, task->problem);
    decision->tile_height = tile.rows;
    decision->tile_edge = tile.columns;
    decision->verdict_entry = entry_of(context, tuning, decision->variant, task);
    decision->packs_by_host = packing_cause(context, task, tuning);
    if (forced == CLQ_VARIANT_BY_DEVICE) {
        decision->by_host = product_cause(context, task, decision);
    }
    choose_vectors(context, decision);
    decision->a_form = decision->variant == CLQ_VARIANT_CPU        ? CLQ_GEMM_A_FLOATS
                       : decision->variant == CLQ_VARIANT_CPU_AVX2 ? CLQ_GEMM_A_PAIRS
                                                                   : CLQ_GEMM_A_CODES;
    clq_cl_gemm_cut(context, task, forced == CLQ_VARIANT_SPLIT_K, decision);
    name_decision(task, reason, decision);
    return CLQ_OK;
}

clq_status clq_cl_gemm_decide(const clq_context *context, clq_variant forced, const clq_gemm_task *task,
                              clq_gemm_decision *decision, clq_error *error)
{
    return decide(context, clq_cl_tuning_of(context), forced, task, decision, error);
}

/* Groups that no kernel adds up are rounds: those products go by themselves. So do those whose 4-bit codes are written
 * as 8-bit ones, of one after the other in the same scratch memory: that of all would be larger than the weights. */
void clq_cl_gemm_take_table(const clq_context *context, clq_variant forced, const clq_gemm_task *task,
                            clq_gemm_decision *decision)
{
    const size_t entry = clq_cl_gemm_table_verdict_entry(decision->verdict_entry);
    const int is_slices_alone = decision->in_groups && !clq_cl_gemm_can_fuse(decision->variant, decision->tile_height);
    const int is_expanded = clq_cl_gemm_has_nibbles(task->problem) && !decision->reads_nibbles;
    if (decision->by_host.reason != NULL || is_slices_alone || is_expanded || forced == CLQ_VARIANT_SPLIT_K ||
        clq_verdict_is_aside(clq_verdict_of(&context->cl->verdicts, entry))) {
        return;
    }
    decision->in_table = 1;
    decision->verdict_entry = entry;
    decision->name = clq_variant_name(decision->variant);
    decision->most_partial = 0;
    if (decision->in_groups) {
        decision->is_fused = 1;
    } else {
        decision->slices = 1;
        decision->slice_groups = (uint32_t)clq_size_divide_up(task->problem->k, GROUP_DEPTH);
    }
}

clq_status clq_cl_gemm_decide_trial(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                                    clq_variant variant, clq_gemm_program program, int in_slices,
                                    clq_gemm_decision *decision, clq_error *error)
{
    const uint32_t groups = (uint32_t)clq_size_divide_up(task->problem->k, GROUP_DEPTH);
    const int is_cut = in_slices && clq_cl_gemm_sums_slices(context, tuning);
    CLQ_TRY(decide(context, tuning, variant, task, decision, error));
    decision->tile_height = program.tile_height != 0 ? program.tile_height : decision->tile_height;
    decision->tile_edge = program.tile_edge != 0 ? program.tile_edge : decision->tile_edge;
    decision->reads_nibbles = program.reads_nibbles && clq_cl_gemm_has_nibbles(task->problem);
    if (decision->in_groups) {
        const uint64_t tile = decision->tile_rows != 0 ? decision->tile_rows : decision->tile_height;
        const uint64_t most = in_slices ? 2 : context->cl->most_groups_behind;
        decision->is_fused = clq_cl_gemm_can_fuse(variant, decision->tile_height) && !in_slices;
        decision->round_slices = (uint32_t)clq_size_min(most, task->k_groups);
        decision->block_rows = in_slices ? clq_size_min(tile, task->problem->m) : task->problem->m;
        decision->tiles_per_item = 3; /* of a panel, and of the next one */
        return CLQ_OK;
    }
    decision->slice_groups = is_cut ? (uint32_t)clq_size_divide_up(groups, 3) : groups;
    decision->slice_groups |= is_cut && decision->reads_nibbles; /* a slice begins with the second group of a word */
    decision->slices = is_cut ? (uint32_t)clq_size_divide_up(groups, decision->slice_groups) : 1;
    decision->tiles_per_item = in_slices ? 3 : 1;
    return CLQ_OK;
}
