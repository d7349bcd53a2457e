/* SPDX-License-Identifier: Apache-2.0 */
#include "model/input_scales.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ranges of a module's input; NULL when the file has none. *both: it has them under two names. */
static clq_status find_entry(const clq_ranges_file *file, const char *name, const clq_ranges_entry **entry,
                             int *by_input, int *both, clq_error *error)
{
    static const char INPUT[] = ".input";
    const size_t length = clq_module_length(name);
    char *module = malloc(length + sizeof INPUT);
    const clq_ranges_entry *input;
    if (module == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a module");
    }
    memcpy(module, name, length);
    module[length] = '\0';
    *entry = clq_ranges_file_find(file, module);
    memcpy(module + length, INPUT, sizeof INPUT);
    input = clq_ranges_file_find(file, module);
    *both = *entry != NULL && input != NULL;
    *by_input = *entry == NULL;
    *entry = *entry != NULL ? *entry : input;
    free(module);
    return CLQ_OK;
}

/* One scale for all channels, as the preset compressed-tensors has it: amax / 127.5. */
static clq_status choose(const clq_ranges_entry *entry, float *scale, clq_error *error)
{
    clq_scheme scheme;
    clq_parameters chosen;
    double lo = 0.0;
    double hi = 0.0;
    for (uint64_t i = 0; i < entry->parameters; i++) {
        lo = (double)entry->lo[i] < lo ? (double)entry->lo[i] : lo;
        hi = (double)entry->hi[i] > hi ? (double)entry->hi[i] : hi;
    }
    CLQ_TRY(clq_scheme_from_preset(CLQ_PRESET_COMPRESSED_TENSORS, CLQ_S8, &scheme, error));
    CLQ_TRY(clq_choose_parameters(&scheme, lo, hi, &chosen, error));
    *scale = chosen.scale;
    return CLQ_OK;
}

static clq_status refuse(const clq_ranges_file *file, const char *name, size_t missing, size_t count, int both,
                         clq_error *error)
{
    const size_t length = clq_module_length(name);
    char module[200];
    clq_printable(module, sizeof module, name, length);
    if (both) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "--activations static: %s has ranges of '%s' and of '%s.input': one of the two is required",
                        file->path, module, module);
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "--activations static: %s has no range for the inputs of %zu of %zu modules, the first '%s': "
                    "'%s' or '%s.input' is required",
                    file->path, missing, count, module, module, module);
}

clq_status clq_find_input_scales(clq_job *job, clq_model_plan *plan, clq_error *error)
{
    const clq_ranges_file *file = plan->given->inputs;
    const char *first = NULL;
    size_t missing = 0;
    size_t inputs = 0;
    if (plan->activations != CLQ_ACTIVATIONS_STATIC) {
        return CLQ_OK;
    }
    CLQ_REQUIRE(file != NULL, "--activations static needs --ranges FILE, the ranges of what each layer is given");
    for (size_t i = 0; i < plan->count; i++) {
        clq_model_plan_tensor *tensor = &plan->tensors[i];
        const char *name = plan->model->tensors[i].name;
        const clq_ranges_entry *entry = NULL;
        int by_input = 0;
        int both = 0;
        if (!tensor->quantized) {
            continue;
        }
        CLQ_TRY(find_entry(file, name, &entry, &by_input, &both, error));
        if (both) {
            return refuse(file, name, 0, 0, 1, error);
        }
        if (entry == NULL) {
            first = first != NULL ? first : name;
            missing++;
        } else {
            inputs += by_input != 0;
            CLQ_TRY(choose(entry, &tensor->input_scale, error));
        }
    }
    if (missing > 0) {
        return refuse(file, first, missing, plan->quantized_count, 0, error);
    }
    clq_job_note(job, "inputs of %zu modules: %zu ranges are called MODULE, %zu MODULE.input", plan->quantized_count,
                 plan->quantized_count - inputs, inputs);
    return CLQ_OK;
}
