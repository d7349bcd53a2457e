/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/choice/variant.h"

#include <stdio.h>
#include <string.h>

static const char *const names[CLQ_VARIANT_COUNT] = {
    [CLQ_VARIANT_STRIP] = "strip",
    [CLQ_VARIANT_GRID] = "grid",
    [CLQ_VARIANT_COLUMNS] = "columns",
    [CLQ_VARIANT_RUNS] = "runs",
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract) [CLQ_VARIANT_##identifier] = (variant),
#include "kernels.def"
};

const char *clq_variant_name(clq_variant variant)
{
    return names[variant];
}

int clq_variant_is_of_tensors(clq_variant forced)
{
    return forced != CLQ_VARIANT_BY_DEVICE && forced < CLQ_VARIANT_ELEMENTWISE_COUNT;
}

int clq_variant_is_of_products(clq_variant forced)
{
    return forced >= CLQ_VARIANT_ELEMENTWISE_COUNT;
}

/* Append the names from `first` to before `end`. */
static void list_names(char *out, size_t capacity, int first, int end)
{
    size_t used = strlen(out);
    for (int i = first; i < end && used < capacity; i++) {
        used += (size_t)snprintf(out + used, capacity - used, "%s%s", i == first ? "" : ", ", names[i]);
    }
}

clq_status clq_variant_from_name(const char *name, clq_variant *variant, clq_error *error)
{
    char tensors[80] = "";
    char products[300] = "";
    if (name == NULL) {
        *variant = CLQ_VARIANT_BY_DEVICE;
        return CLQ_OK;
    }
    for (int i = 0; i < CLQ_VARIANT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *variant = (clq_variant)i;
            return CLQ_OK;
        }
    }
    list_names(tensors, sizeof tensors, 0, CLQ_VARIANT_ELEMENTWISE_COUNT);
    list_names(products, sizeof products, CLQ_VARIANT_ELEMENTWISE_COUNT, CLQ_VARIANT_COUNT);
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "no kernel variant is called '%.60s'; gemm has %s; other operations %s", name, products, tensors);
}

clq_variant clq_cl_forced_variant(const clq_context *context)
{
    return (clq_variant)atomic_load(&context->cl->forced_variant);
}

/* ---- verdicts ---- */

enum { REALS = 3, CODES = 6, TYPES = REALS * CODES };

/* The operations, and histograms of signed bins, which have programs of their own. */
enum { OPERATIONS = CLQ_OP_COUNT + 1 };

enum {
    FIRST_OF_BATCHES = OPERATIONS * CLQ_VARIANT_ELEMENTWISE_COUNT * TYPES,
    FIRST_OF_GEMM = FIRST_OF_BATCHES + CLQ_OP_COUNT * CLQ_BATCH_FORMS * TYPES,
    HEIGHTS = CLQ_VARIANT_COUNT * (CLQ_GEMM_MAXIMUM_ROWS + 1),
    FIRST_OF_GROUPS = FIRST_OF_GEMM + 2 * HEIGHTS,   /* and behind each those of emulated instructions */
    FIRST_OF_TABLES = FIRST_OF_GROUPS + 2 * HEIGHTS, /* all of these once more */
    FIRST_OF_PARTS = FIRST_OF_TABLES + 4 * HEIGHTS,
    VERDICTS = FIRST_OF_PARTS + CLQ_GEMM_PARTS
};

static size_t first_of(const clq_cl_tuning *tuning)
{
    return tuning->program_set * VERDICTS;
}

/* s8, u8, s4, u4, s16, u16 have consecutive values. */
static size_t types_of(const clq_quantization *q)
{
    const size_t real = q->real == CLQ_F32 ? 0 : q->real == CLQ_F16 ? 1 : 2;
    return real * CODES + (size_t)(q->scheme.dtype - CLQ_S8);
}

size_t clq_cl_verdict_entry(const clq_cl_tuning *tuning, clq_operation operation, clq_variant variant,
                            const clq_quantization *q)
{
    const size_t row = operation == CLQ_OP_HISTOGRAM && !q->scheme.symmetric ? CLQ_OP_COUNT : (size_t)operation;
    return first_of(tuning) + (row * CLQ_VARIANT_ELEMENTWISE_COUNT + (size_t)variant) * TYPES + types_of(q);
}

size_t clq_cl_batch_verdict_entry(const clq_cl_tuning *tuning, clq_operation operation, clq_batch_form form,
                                  const clq_quantization *q)
{
    return first_of(tuning) + FIRST_OF_BATCHES + ((size_t)operation * CLQ_BATCH_FORMS + (size_t)form) * TYPES +
           types_of(q);
}

size_t clq_cl_gemm_verdict_entry(const clq_cl_tuning *tuning, clq_variant variant, uint32_t tile_rows, int in_groups,
                                 int is_emulated)
{
    const size_t first = (in_groups ? FIRST_OF_GROUPS : FIRST_OF_GEMM) + (is_emulated ? (size_t)HEIGHTS : 0);
    return first_of(tuning) + first + (size_t)variant * (CLQ_GEMM_MAXIMUM_ROWS + 1) + tile_rows;
}

size_t clq_cl_gemm_table_verdict_entry(size_t entry)
{
    return entry + FIRST_OF_TABLES - FIRST_OF_GEMM;
}

size_t clq_cl_gemm_part_verdict_entry(const clq_cl_tuning *tuning, clq_gemm_part part)
{
    return first_of(tuning) + FIRST_OF_PARTS + (size_t)part;
}

size_t clq_cl_verdict_count(void)
{
    return VERDICTS;
}
