/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_targets.h"

#include <stdio.h>
#include <string.h>

#include "core/dtype.h"
#include "opencl/choice/gemm_tile.h"

enum { MOST_TARGETS = 384 };

static mutant_target targets[MOST_TARGETS];
static int count;

typedef struct type_pair {
    clq_dtype real, dtype;
} type_pair;

static const type_pair all_pairs[] = {{CLQ_F32, CLQ_S8}, {CLQ_F16, CLQ_U8},  {CLQ_BF16, CLQ_S4},
                                      {CLQ_F32, CLQ_U4}, {CLQ_F16, CLQ_S16}, {CLQ_BF16, CLQ_U16}};
static const type_pair batch_pairs[] = {{CLQ_F32, CLQ_S8}, {CLQ_F16, CLQ_U4}, {CLQ_BF16, CLQ_S16}};

static int has_signed_bins(const mutant_target *t)
{
    return t->operation == CLQ_OP_HISTOGRAM && t->preset != CLQ_PRESET_SYMMETRIC;
}

static void add(clq_operation operation, clq_variant variant, clq_batch_form form, type_pair types, clq_preset preset)
{
    mutant_target *t = &targets[count++];
    *t = (mutant_target){.operation = operation,
                         .variant = variant,
                         .form = form,
                         .real = types.real,
                         .dtype = types.dtype,
                         .preset = preset};
    snprintf(t->name, sizeof t->name, "%s/%s%s/%s/%s", clq_operation_name(operation),
             form != CLQ_BATCH_EACH ? clq_cl_batch_form_name(form) : clq_variant_name(variant),
             has_signed_bins(t) ? "-signed" : "", clq_dtype_name(types.real), clq_dtype_name(types.dtype));
}

/* The pairs that differ for the operation. */
static void add_types(clq_operation operation, clq_variant variant, clq_batch_form form)
{
    const int has_codes =
        operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_DEQUANTIZE || operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const type_pair *pairs = form == CLQ_BATCH_EACH && has_codes ? all_pairs : batch_pairs;
    const size_t used = operation == CLQ_OP_CHOOSE_PARAMETERS ? 1 : form == CLQ_BATCH_EACH && has_codes ? 6 : 3;
    for (size_t i = 0; i < used; i++) {
        add(operation, variant, form, pairs[i], CLQ_PRESET_SYMMETRIC);
        if (operation == CLQ_OP_HISTOGRAM) {
            add(operation, variant, form, pairs[i], CLQ_PRESET_AFFINE);
        }
    }
}

static clq_variant variant_of(const char *name)
{
    clq_variant variant = CLQ_VARIANT_BY_DEVICE;
    (void)clq_variant_from_name(name, &variant, NULL);
    return variant;
}

/* What a program of products is for, beside its variant and height. */
enum { PLAIN = 0, IN_TABLE = 1, IN_GROUPS = 2, OF_NIBBLES = 4 };

static void add_program(clq_variant variant, const char *name, uint64_t rows, unsigned what)
{
    mutant_target *t = &targets[count++];
    *t = (mutant_target){.operation = CLQ_OP_COUNT,
                         .variant = variant,
                         .real = CLQ_F32,
                         .dtype = CLQ_S8,
                         .rows = rows,
                         .in_groups = (what & IN_GROUPS) != 0,
                         .of_nibbles = (what & OF_NIBBLES) != 0,
                         .in_table = (what & IN_TABLE) != 0,
                         .preset = CLQ_PRESET_SYMMETRIC};
    snprintf(t->name, sizeof t->name, "gemm/%s%s%s%s/%u", name, t->of_nibbles ? "-nibbles" : "",
             t->in_table ? "-table" : "", t->in_groups ? "-groups" : "", (unsigned)rows);
}

/* As one product, and as several that share a launch where one of this height stands for all: a program of its own. */
static void add_height(clq_variant variant, const char *name, uint64_t rows, int has_groups, unsigned table)
{
    add_program(variant, name, rows, PLAIN);
    if (has_groups) {
        add_program(variant, name, rows, IN_GROUPS);
    }
    if (table != 0) {
        add_program(variant, name, rows, IN_TABLE);
    }
    if (table != 0 && has_groups && clq_cl_gemm_can_fuse(variant, (uint32_t)rows)) {
        add_program(variant, name, rows, IN_TABLE | IN_GROUPS);
    }
}

/* Where there are such: rows alone, two words under way, and most. */
static void add_nibbles(clq_variant variant, const char *name)
{
    static const uint64_t heights[] = {1, 3, 8};
    for (size_t i = 0; i < sizeof heights / sizeof heights[0]; i++) {
        if (variant == CLQ_VARIANT_GEMV || variant == CLQ_VARIANT_CPU_VNNI) {
            add_program(variant, name, heights[i], OF_NIBBLES);
            add_program(variant, name, heights[i], OF_NIBBLES | IN_GROUPS);
        }
    }
    if (variant == CLQ_VARIANT_GEMV || variant == CLQ_VARIANT_CPU_VNNI) {
        add_program(variant, name, 3, OF_NIBBLES | IN_TABLE);
    }
}

/* Heights with each kind of tile: rows alone, few, most, and with a ragged last one; of groups those below and above
 * what gemm_groups.cl takes at once. */
static void add_heights(clq_variant variant, const char *name)
{
    static const uint64_t heights[] = {1, 3, 5, 8, 11, 15, 17};
    for (size_t i = 0; i < sizeof heights / sizeof heights[0]; i++) {
        if (variant != CLQ_VARIANT_GEMV || heights[i] <= 8) {
            add_height(variant, name, heights[i], heights[i] == 3 || heights[i] == 8, heights[i] == 3);
        }
    }
    add_nibbles(variant, name);
}

static void add_products(clq_variant variant, const char *name, const char *file)
{
    if (variant == CLQ_VARIANT_SPLIT_K) { /* of each other one */
        return;
    }
    if (clq_cl_gemm_is_of_matrices(variant)) { /* the edges of its tiles; groups may have the low ones alone */
        add_height(variant, name, 64, clq_cl_gemm_can_fuse(variant, 64), 0);
        add_height(variant, name, MUTANT_GREAT_EDGE, 0, 0);
        add_height(variant, name, CLQ_GEMM_LOW_ROWS, 1, 1);
    } else if (variant == CLQ_VARIANT_CPU_AMX) { /* one program, whatever the height */
        add_height(variant, name, MUTANT_AMX_ROWS, 1, 1);
    } else if (strcmp(file, "gemm_portable.cl") == 0) { /* likewise */
        add_height(variant, name, MUTANT_ANY_ROWS, 1, 1);
    } else {
        add_heights(variant, name);
    }
}

static void make_list(void)
{
#define CLQ_KERNEL(operation, variant, file, kernel, contract)                                                         \
    add_types(operation, variant_of(variant), CLQ_BATCH_EACH);
#define CLQ_BATCH_KERNEL(form, variant, operation, file, kernel, contract)                                             \
    add_types(operation, CLQ_VARIANT_BY_DEVICE, CLQ_BATCH_##form);
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract)                                                   \
    add_products(CLQ_VARIANT_##identifier, variant, file);
#include "kernels.def"
    /* A batch that is not fused has one verdict for all that dynamic quantization is made of, and a trial of its own.
     */
    add_types(CLQ_OP_DYNAMIC_QUANTIZE, CLQ_VARIANT_BY_DEVICE, CLQ_BATCH_STRIP);
    add_types(CLQ_OP_DYNAMIC_QUANTIZE, CLQ_VARIANT_BY_DEVICE, CLQ_BATCH_GRID);
    add_types(CLQ_OP_DYNAMIC_QUANTIZE, CLQ_VARIANT_BY_DEVICE, CLQ_BATCH_COLUMNS);
}

int mutant_target_count(void)
{
    if (count == 0) {
        make_list();
    }
    return count;
}

const mutant_target *mutant_target_at(int index)
{
    return index < mutant_target_count() ? &targets[index] : NULL;
}

/* ---- what the library tries ---- */

static int has_form(clq_operation operation, clq_batch_form form)
{
    int found = form == CLQ_BATCH_EACH;
    for (int t = 0; t < mutant_target_count(); t++) {
        found |= targets[t].operation == operation && targets[t].form == form;
    }
    return found;
}

static int has_table(clq_variant variant)
{
    int found = variant == CLQ_VARIANT_SPLIT_K;
    for (int t = 0; t < mutant_target_count(); t++) {
        found |= targets[t].variant == variant && targets[t].in_table;
    }
    return found;
}

/* Of one operation the forms that batches of it take: whole tensors, small and large, and channels that lie side by
 * side; as devices choose, and as is forced. */
static int lacks_forms(const clq_context *context, clq_operation operation)
{
    enum { LAYOUTS = 3, FORCED = 3 };
    static const clq_layout layouts[LAYOUTS] = {
        {.rank = 1, .shape = {16}},
        {.rank = 1, .shape = {1 << 24}},
        {.rank = 2, .shape = {256, 64}, .granularity = CLQ_PER_CHANNEL, .axis = 1}};
    static const clq_variant forced[FORCED] = {CLQ_VARIANT_BY_DEVICE, CLQ_VARIANT_STRIP, CLQ_VARIANT_GRID};
    int lacks = 0;
    for (size_t i = 0; i < LAYOUTS * FORCED; i++) {
        clq_quantization q;
        clq_task task;
        clq_batch_form form;
        clq_quantization_init(&q);
        (void)clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, &q.scheme, NULL);
        q.layout = layouts[i / FORCED];
        if (clq_task_describe(&task, operation, &q, NULL) != CLQ_OK) {
            continue;
        }
        form = clq_cl_batch_preferred_form(context, clq_cl_tuning_of(context), forced[i % FORCED], &task);
        if (!has_form(operation, form)) {
            printf("%s by %s: a trial of it, and no target\n", clq_operation_name(operation),
                   clq_cl_batch_form_name(form));
            lacks = 1;
        }
    }
    return lacks;
}

int mutant_list_lacks(void)
{
    clq_context *context = NULL;
    int lacks = 0;
    if (mutant_target_context(&context, NULL) != CLQ_OK) {
        return 0; /* no device: what follows is skipped */
    }
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        lacks |= lacks_forms(context, (clq_operation)operation);
    }
    clq_context_destroy(&context);
    for (int variant = CLQ_VARIANT_ELEMENTWISE_COUNT; variant < CLQ_VARIANT_COUNT; variant++) {
        if (!has_table((clq_variant)variant)) {
            printf("%s by a table: a trial of it, and no target\n", clq_variant_name((clq_variant)variant));
            lacks = 1;
        }
    }
    return lacks;
}
