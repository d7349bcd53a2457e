/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of tuned values (clquant/tune.h): arguments are checked, the rest is the executor's. */
#include <clquant/tune.h>

#include "core/executor.h"
#include "opencl/executor.h"

size_t clq_tunables(const clq_tunable **tunables)
{
    return clq_cl_tunables(tunables);
}

static clq_status find_tuner(const clq_context *context, const void *argument, const char *function,
                             const clq_tuner **tuner, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && argument != NULL, "%s: no argument may be NULL", function);
    *tuner = context->executor->tuner;
    return *tuner != NULL ? CLQ_OK : clq_fail(error, CLQ_UNSUPPORTED, "%s has nothing to tune", context->device.name);
}

clq_status clq_tuning_present(const clq_context *context, clq_tuned_value *table, clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, table, "clq_tuning_present", &tuner, error));
    tuner->present(context, table);
    return CLQ_OK;
}

clq_status clq_tuning_untuned(const clq_context *context, clq_tuned_value *table, clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, table, "clq_tuning_untuned", &tuner, error));
    tuner->untuned(context, table);
    return CLQ_OK;
}

clq_status clq_tuning_use(clq_context *context, const clq_tuned_value *table, clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, table, "clq_tuning_use", &tuner, error));
    return tuner->use(context, table, error);
}

clq_status clq_tuning_set_aside(const clq_context *context, size_t *count, clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, count, "clq_tuning_set_aside", &tuner, error));
    *count = tuner->set_aside(context);
    return CLQ_OK;
}

clq_status clq_tuning_print(const clq_context *context, const clq_tuned_value *table, char *text, clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, table, "clq_tuning_print", &tuner, error));
    CLQ_REQUIRE(text != NULL, "clq_tuning_print: text is NULL");
    return tuner->print(context, table, text, error);
}

clq_status clq_tuning_parse(const clq_context *context, const char *text, size_t bytes, clq_tuned_value *table,
                            clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, table, "clq_tuning_parse", &tuner, error));
    CLQ_REQUIRE(text != NULL, "clq_tuning_parse: text is NULL");
    return tuner->parse(context, text, bytes, table, error);
}

clq_status clq_tuning_store(clq_context *context, const clq_tuned_value *table, char *path, size_t capacity,
                            clq_error *error)
{
    const clq_tuner *tuner = NULL;
    CLQ_TRY(find_tuner(context, table, "clq_tuning_store", &tuner, error));
    return tuner->store(context, table, path, capacity, error);
}
