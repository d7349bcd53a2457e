/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of tuned values as the engine hands them in and out. */
#include "opencl/tuner.h"

#include "opencl/choice/variant.h"
#include "opencl/executor.h"
#include "opencl/runtime/tuning_text.h"

size_t clq_cl_tunables(const clq_tunable **list)
{
    if (list != NULL) {
        *list = clq_cl_tunable((clq_tunable_number)0);
    }
    return CLQ_TUNE_COUNT;
}

static void present(const clq_context *context, clq_tuned_value *table)
{
    clq_cl_tuning_copy(clq_cl_tuning_of(context), table);
}

static void untuned(const clq_context *context, clq_tuned_value *table)
{
    clq_cl_tuning_copy(clq_cl_tuning_untuned(context), table);
}

static size_t set_aside(const clq_context *context)
{
    const clq_verdicts *verdicts = &context->cl->verdicts;
    const size_t each = clq_cl_verdict_count();
    const size_t now = each * clq_cl_tuning_of(context)->program_set;
    const size_t before = each * clq_cl_tuning_untuned(context)->program_set;
    size_t count = 0;
    for (size_t i = 0; i < each; i++) {
        count += clq_verdict_is_aside(clq_verdict_of(verdicts, now + i)) &&
                 !clq_verdict_is_aside(clq_verdict_of(verdicts, before + i));
    }
    return count;
}

const clq_tuner clq_cl_tuner = {
    .present = present,
    .untuned = untuned,
    .use = clq_cl_tuning_set,
    .set_aside = set_aside,
    .print = clq_cl_tuning_print,
    .parse = clq_cl_tuning_parse,
    .store = clq_cl_tuning_store,
};
