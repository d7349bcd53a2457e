/* SPDX-License-Identifier: Apache-2.0 */
/* A case as the trial takes it. */
#include <string.h>

#include "core/dtype.h"
#include "core/hash.h"
#include "verify/case.h"

/* A code fewer at one end and two at the other, so that the type's own bounds do not hide a missing clamp. */
static void narrow(clq_scheme *scheme)
{
    const clq_dtype_facts *facts = clq_dtype_facts_of(scheme->dtype);
    scheme->qmin = facts->qmin + 1;
    scheme->qmax = facts->qmax - 2;
}

static clq_status describe_tensor(clq_verify_work *work, const clq_verify_item *item, clq_error *error)
{
    clq_trial_case *c = &work->trial;
    clq_quantization q;
    const clq_trial_kernels kernels = {item->operation, CLQ_TRIAL_ANY, &q};
    clq_quantization_init(&q);
    q.real = item->real;
    CLQ_TRY(clq_scheme_from_preset(item->preset, item->dtype, &q.scheme, error));
    c->count = 1;
    c->other_way = item->operation == CLQ_OP_MERGE_RANGE ? item->way != 0 : item->cut == CLQ_VERIFY_PAST_CACHE;
    if (item->operation != CLQ_OP_MERGE_RANGE && item->operation != CLQ_OP_CHOOSE_PARAMETERS) {
        q.scheme.rounding = item->way & 1 ? CLQ_ROUND_AWAY : CLQ_ROUND_EVEN;
        q.scheme.zero_point_order = item->way & 2 ? CLQ_ZERO_POINT_BEFORE : CLQ_ZERO_POINT_AFTER;
        q.scheme.arithmetic = item->way & 4 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
        if (item->way & CLQ_VERIFY_NARROW) {
            narrow(&q.scheme);
        }
    }
    return clq_trial_add_tensor(c, 0, &kernels, &item->of.shape, error);
}

clq_status clq_verify_describe(clq_verify_work *work, const clq_verify_item *item, uint64_t seed, clq_error *error)
{
    char name[CLQ_VERIFY_NAME_BYTES];
    memset(&work->trial, 0, sizeof work->trial);
    work->item = item;
    clq_verify_item_name(item, name);
    work->state = (uint32_t)XXH64(name, strlen(name), seed);
    return describe_tensor(work, item, error);
}
