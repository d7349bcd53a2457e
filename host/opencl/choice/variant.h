/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel variants by number and name, and where each has its verdict. */
#ifndef CLQ_HOST_OPENCL_CHOICE_VARIANT_H
#define CLQ_HOST_OPENCL_CHOICE_VARIANT_H

#include "opencl/runtime/context.h"

typedef enum clq_variant {
    CLQ_VARIANT_BY_DEVICE = -1,
    CLQ_VARIANT_STRIP = 0,
    CLQ_VARIANT_GRID = 1,
    CLQ_VARIANT_COLUMNS = 2,
    CLQ_VARIANT_RUNS = 3,              /* of strided tensors */
    CLQ_VARIANT_ELEMENTWISE_COUNT = 4, /* those from here on are of the matrix product */
    CLQ_VARIANT_PORTABLE = 4,
    CLQ_VARIANT_KHR_DOT = 5,
    CLQ_VARIANT_CPU = 6,
    CLQ_VARIANT_CPU_AVX2 = 7,
    CLQ_VARIANT_CPU_VNNI = 8,
    CLQ_VARIANT_GEMV = 9,
    CLQ_VARIANT_SPLIT_K = 10,
    CLQ_VARIANT_NVIDIA_DP4A = 11,
    CLQ_VARIANT_AMD_DOT = 12,
    CLQ_VARIANT_ARM_DOT = 13,
    CLQ_VARIANT_NVIDIA_MMA = 14,
    CLQ_VARIANT_CPU_AMX = 15,
    CLQ_VARIANT_INTEL_DPAS = 16,   /* sub-groups of 8 */
    CLQ_VARIANT_INTEL_DPAS16 = 17, /* and of 16 */
    CLQ_VARIANT_AMD_MFMA = 18,     /* gfx908 and gfx90a */
    CLQ_VARIANT_AMD_MFMA32 = 19,   /* gfx940 and later */
    CLQ_VARIANT_AMD_WMMA = 20,
    CLQ_VARIANT_COUNT = 21
} clq_variant;

/* How the tensors of one set of a batch are run (opencl/launch/batch.h). */
typedef enum clq_batch_form {
    CLQ_BATCH_EACH = 0, /* one ordinary operation each */
    CLQ_BATCH_STRIP = 1,
    CLQ_BATCH_GRID = 2,
    CLQ_BATCH_COLUMNS = 3,
    CLQ_BATCH_FUSED = 4,
    CLQ_BATCH_FORMS = 5
} clq_batch_form;

const char *clq_variant_name(clq_variant variant);

/* Whether the variant is forced of operations on tensors, or of products. */
int clq_variant_is_of_tensors(clq_variant forced);
int clq_variant_is_of_products(clq_variant forced);

/* CLQ_VARIANT_* of a name, or CLQ_INVALID_ARGUMENT with those there are. */
clq_status clq_variant_from_name(const char *name, clq_variant *variant, clq_error *error);

/* The variant forced now. A call asks once, and decides everything by the answer. */
clq_variant clq_cl_forced_variant(const clq_context *context);

/* ---- verdicts ---- */

enum { CLQ_GEMM_MAXIMUM_ROWS = 12 }; /* of a tile in registers: kernels/gemm_vnni.cl */

/* Entries of clq_cl_state.verdicts: by the programs of a table, and there by operation, variant or form, and pair of
 * types; by variant, height of tile and whether its instruction is emulated, and by part. */
size_t clq_cl_verdict_entry(const clq_cl_tuning *tuning, clq_operation operation, clq_variant variant,
                            const clq_quantization *q);
size_t clq_cl_batch_verdict_entry(const clq_cl_tuning *tuning, clq_operation operation, clq_batch_form form,
                                  const clq_quantization *q);
size_t clq_cl_gemm_verdict_entry(const clq_cl_tuning *tuning, clq_variant variant, uint32_t tile_rows, int in_groups,
                                 int is_emulated);

/* That of the same kernel for products which share a launch. */
size_t clq_cl_gemm_table_verdict_entry(size_t entry);

/* What all variants of the product share has verdicts of its own: without packing none can run, without the sum of
 * slices K is not cut, without that of groups the host serves products that have them. */
typedef enum clq_gemm_part {
    CLQ_GEMM_PACKING = 0,
    CLQ_GEMM_SLICES = 1,
    CLQ_GEMM_GROUPS = 2,
    CLQ_GEMM_PARTS = 3
} clq_gemm_part;

size_t clq_cl_gemm_part_verdict_entry(const clq_cl_tuning *tuning, clq_gemm_part part);
size_t clq_cl_verdict_count(void); /* with the same programs */

#endif
