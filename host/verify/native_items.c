/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of native: every operation by each set of instructions. Nothing is compiled: no types are left out but in a
 * quick run, as on a device. */
#include <string.h>

#include "native/trust.h"
#include "verify/native.h"

/* Those that a processor of this kind can have, by number; names are those of variants. */
#if defined(__aarch64__)
static const char *const sets[] = {"plain", "neon", "neon-dotprod", "neon-i8mm"};
#else
static const char *const sets[] = {"plain", "avx2", "avx512", "avx512-vnni", "amx"};
#endif

enum { SETS = sizeof sets / sizeof sets[0], REALS = 3 };

const char *clq_verify_native_variant_name(const clq_verify_item *item)
{
    return sets[item->variant];
}

int clq_verify_native_takes_program(const clq_verify_items *items, const clq_verify_item *item, uint32_t r, uint32_t c)
{
    return clq_verify_takes_program(items, (uint32_t)item->operation % REALS, (uint32_t)item->variant, r, c,
                                    !clq_verify_has_reals(item->operation), !clq_verify_has_codes(item->operation));
}

int clq_verify_native_takes_tensor(const clq_verify_items *items, const clq_verify_item *item, const clq_task *task)
{
    (void)items;
    (void)item;
    (void)task;
    return 1;
}

int clq_verify_native_takes_in_batch(const clq_verify_item *item, const clq_task *task)
{
    (void)item;
    (void)task;
    return 1;
}

int clq_verify_native_takes_product(const clq_verify_items *items, const clq_verify_item *item)
{
    (void)items;
    return item->cut != CLQ_VERIFY_IN_TABLE;
}

/* In parts, or as calls do it: nothing is stored past the cache. */
clq_verify_cut clq_verify_native_cut(const clq_verify_item *item, uint32_t number)
{
    (void)item;
    return number == CLQ_VERIFY_AS_CALLED ? CLQ_VERIFY_AS_CALLED : CLQ_VERIFY_CUT;
}

uint32_t clq_verify_native_scheme(const clq_verify_items *items, const clq_verify_item *item, uint32_t number)
{
    (void)items;
    (void)item;
    return number;
}

typedef clq_status add_cases(clq_verify_items *items, clq_verify_item *item, clq_error *error);

/* By each set, or why not. */
static clq_status add_for_sets(clq_verify_items *items, clq_verify_item *item, add_cases *add, clq_error *error)
{
    const clq_native_state *state = items->context->native;
    for (int32_t i = 0; i < SETS; i++) {
        const int set = clq_native_set_by_name(state, sets[i]);
        item->variant = i;
        item->skipped = set < 0 ? "this processor, or the compiler of this build, has no such instructions"
                                : clq_native_refusal(items->context, state->sets[set]);
        if (item->skipped != NULL) {
            CLQ_TRY(clq_verify_add_skipped(items, item, error));
        } else if (item->family == CLQ_VERIFY_PRODUCT || state->sets[set]->elements != NULL) {
            CLQ_TRY(add(items, item, error));
        }
    }
    return CLQ_OK;
}

clq_status clq_verify_native_add(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    CLQ_TRY(clq_verify_add_probes(items, "probes ask an OpenCL driver, and native has none", error));
    item.family = CLQ_VERIFY_TENSOR;
    for (int o = 0; o < CLQ_OP_COUNT; o++) {
        item.operation = (clq_operation)o;
        CLQ_TRY(add_for_sets(items, &item, clq_verify_add_tensors, error));
    }
    item.family = CLQ_VERIFY_BATCH;
    for (int o = 0; o < CLQ_OP_COUNT; o++) {
        item.operation = (clq_operation)o;
        if (o != CLQ_OP_MERGE_RANGE && o != CLQ_OP_HISTOGRAM) { /* batches of these go one by one everywhere */
            CLQ_TRY(add_for_sets(items, &item, clq_verify_add_batches, error));
        }
    }
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_PRODUCT;
    return add_for_sets(items, &item, clq_verify_add_products, error);
}
