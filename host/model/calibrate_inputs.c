/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensors clq_file_calibrate looks at: those that the request selects, gathered over all inputs. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/folder.h"
#include "format/output_path.h"
#include "format/real.h"
#include "model/calibrate.h"
#include "model/layout.h"
#include "model/read_real.h"
#include "model/shown.h"

const char *clq_calibrate_name(const clq_file_request *request, const clq_model *model, size_t tensor)
{
    const int renamed = model->kind == CLQ_MODEL_NPY && request->tensor_name != NULL;
    return renamed ? request->tensor_name : model->tensors[tensor].name;
}

static int matches_any(const clq_name_list *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (fnmatch(patterns->items[i], name, 0) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Nothing that an input holds matches. */
static clq_status check_patterns(clq_calibrate_job *job, const clq_name_list *patterns, clq_error *error)
{
    for (size_t i = 0; i < patterns->count; i++) {
        char shown[200];
        if (clq_names_find(&job->matched, patterns->items[i]) != SIZE_MAX) {
            continue;
        }
        clq_printable(shown, sizeof shown, patterns->items[i], strlen(patterns->items[i]));
        if (!job->job.request->allow_empty) {
            return clq_fail(error, CLQ_REFUSED,
                            "no tensor is called like the pattern '%s', so nothing was written; --allow-empty accepts "
                            "that",
                            shown);
        }
        clq_job_warn(&job->job, "no tensor is called like the pattern '%s'", shown);
    }
    return CLQ_OK;
}

static clq_status note_matches(clq_calibrate_job *job, const clq_name_list *patterns, const char *name,
                               clq_error *error)
{
    size_t existing;
    for (size_t i = 0; i < patterns->count; i++) {
        if (fnmatch(patterns->items[i], name, 0) == 0) {
            CLQ_TRY(clq_names_add(&job->matched, patterns->items[i], i, &existing, error));
        }
    }
    return CLQ_OK;
}

static int is_named(const clq_file_request *request, const char *name)
{
    for (size_t i = 0; i < request->tensors.count; i++) {
        if (strcmp(request->tensors.items[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_selected(const clq_file_request *request, const char *name)
{
    return (request->tensors.count == 0 || is_named(request, name)) &&
           (request->include.count == 0 || matches_any(&request->include, name)) &&
           !matches_any(&request->exclude, name);
}

/* Channels must be the same in every batch; nothing else of the shape need be. */
static clq_status check_batch(const clq_calibrate_job *job, const clq_calibrated *tensor, const clq_layout *layout,
                              uint64_t parameters, const char *path, clq_error *error)
{
    char shown[200];
    clq_printable(shown, sizeof shown, tensor->name, strlen(tensor->name));
    if (layout->granularity != CLQ_PER_CHANNEL ||
        (layout->axis == tensor->layout.axis && parameters == tensor->parameters)) {
        return CLQ_OK;
    }
    return clq_fail(error, CLQ_BAD_FILE,
                    "%s: tensor '%s' has %" PRIu64 " channels on axis %" PRIu32 " there, and %" PRIu64
                    " on axis %" PRIu32 " in %s: batches of a tensor must agree in these",
                    path, shown, parameters, layout->axis, tensor->parameters, tensor->layout.axis,
                    job->job.request->inputs.items[tensor->first_input]);
}

static clq_status new_tensor(clq_calibrate_job *job, const char *name, const clq_model_tensor *source,
                             const clq_layout *layout, size_t input, uint64_t parameters, clq_error *error)
{
    clq_calibrated *tensor;
    size_t existing = SIZE_MAX;
    if (job->count == job->room) {
        const size_t room = job->room * 2 + 16;
        clq_calibrated *larger = realloc(job->tensors, room * sizeof *larger);
        if (larger == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", room);
        }
        job->tensors = larger;
        job->room = room;
    }
    tensor = &job->tensors[job->count++];
    memset(tensor, 0, sizeof *tensor);
    tensor->layout = *layout;
    tensor->first_input = input;
    tensor->parameters = parameters;
    memcpy(tensor->dtype, source->dtype.name, sizeof tensor->dtype);
    tensor->name = strdup(name);
    if (tensor->name == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a tensor");
    }
    return clq_names_add(&job->names, tensor->name, job->count - 1, &existing, error);
}

static clq_status add(clq_calibrate_job *job, const clq_model *model, size_t index, size_t input, clq_error *error)
{
    const clq_model_tensor *source = &model->tensors[index];
    const clq_file_request *request = job->job.request;
    const char *name = clq_calibrate_name(request, model, index);
    uint64_t elements = 0;
    uint64_t parameters = 0;
    clq_layout layout;
    size_t at;
    clq_status status;
    CLQ_TRY(note_matches(job, &request->include, name, error));
    CLQ_TRY(note_matches(job, &request->exclude, name, error));
    if (!is_selected(request, name)) {
        return CLQ_OK;
    }
    if (clq_real_type(clq_file_real_of(&source->dtype)) == 0) {
        CLQ_REQUIRE(!is_named(request, name), "%s: tensor '%s' is of type %s: required is F64, F32, F16 or BF16",
                    clq_show(model->path).text, clq_show(name).text, source->dtype.name);
        clq_job_note(&job->job, "%s: tensor '%s' is skipped: its type is %s", model->path, name, source->dtype.name);
        return CLQ_OK;
    }
    at = clq_names_find(&job->names, name);
    status = clq_request_layout(request, name, source->rank, source->shape, CLQ_PER_TENSOR, &layout, error);
    if (status != CLQ_OK && at == SIZE_MAX && !is_named(request, name)) {
        clq_job_note(&job->job, "%s: skipped: %s", model->path, error->message);
        return CLQ_OK;
    }
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "%s", clq_show(model->path).text);
    }
    CLQ_TRY(clq_layout_count(&layout, &elements, &parameters, error));
    if (at == SIZE_MAX) {
        at = job->count;
        CLQ_TRY(new_tensor(job, name, source, &layout, input, parameters, error));
    } else {
        CLQ_TRY(check_batch(job, &job->tensors[at], &layout, parameters, model->path, error));
    }
    job->tensors[at].batches += 1;
    job->tensors[at].elements += elements;
    job->tensors[at].bytes += clq_real_bytes(model, index);
    job->data_bytes += clq_real_bytes(model, index);
    return CLQ_OK;
}

/* A folder of dumps is no model. */
static clq_status open_input(clq_calibrate_job *job, const char *path, clq_model **model, clq_error *error)
{
    const clq_status status = clq_job_open_model(&job->job, path, model, error);
    if (status == CLQ_BAD_FILE && clq_is_folder(path)) {
        const clq_error before = *error;
        return clq_fail(error, status,
                        "%.600s; of dumps of activations the files are required, as FOLDER/*.safetensors or "
                        "FOLDER/*.npy",
                        before.message);
    }
    return status;
}

static clq_status add_input(clq_calibrate_job *job, size_t input, uint64_t *bytes, clq_error *error)
{
    const clq_file_request *request = job->job.request;
    clq_status status = CLQ_OK;
    clq_model *model = NULL;
    CLQ_TRY_TO(open_input(job, request->inputs.items[input], &model, error));
    CLQ_TRY_TO(clq_path_check(request->output, model, request->replace, error));
    *bytes = clq_model_file_bytes(model);
    for (size_t i = 0; i < model->tensor_count; i++) {
        CLQ_TRY_TO(add(job, model, i, input, error));
    }
done:
    clq_model_close(&model);
    return status;
}

/* What was asked for by name must be somewhere. */
static clq_status check_named(const clq_calibrate_job *job, clq_error *error)
{
    for (size_t i = 0; i < job->job.request->tensors.count; i++) {
        const char *name = job->job.request->tensors.items[i];
        CLQ_REQUIRE(clq_names_find(&job->names, name) != SIZE_MAX,
                    "no tensor '%s' in any input; 'clquant info' lists them", name);
    }
    return CLQ_OK;
}

/* A range that nothing was seen of would be taken for one that was. */
static clq_status check_not_empty(clq_calibrate_job *job, clq_error *error)
{
    const clq_file_request *request = job->job.request;
    const char *selected =
        request->include.count + request->exclude.count > 0 ? ", selected by --include and --exclude" : "";
    uint64_t elements = 0;
    for (size_t i = 0; i < job->count; i++) {
        elements |= job->tensors[i].elements;
    }
    if (elements > 0) {
        return CLQ_OK;
    }
    if (request->allow_empty) {
        clq_job_warn(&job->job, "%s", job->count > 0 ? "no tensor has an element" : "there is no tensor to calibrate");
        return CLQ_OK;
    }
    return job->count > 0 ? clq_fail(error, CLQ_REFUSED,
                                     "no tensor to calibrate has an element in any input, so nothing was written; "
                                     "--allow-empty accepts that")
                          : clq_fail(error, CLQ_REFUSED,
                                     "the inputs hold no tensor to calibrate, so nothing was written: required is type "
                                     "F64, F32, F16 or BF16%s; --allow-empty accepts that",
                                     selected);
}

clq_status clq_calibrate_inputs(clq_calibrate_job *job, clq_error *error)
{
    const size_t count = job->job.request->inputs.count;
    uint64_t *bytes = calloc(count + 1, sizeof *bytes);
    clq_names_init(&job->names, NULL);
    clq_names_init(&job->matched, NULL);
    if (bytes == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu inputs", count);
    }
    job->job.report->input_bytes = bytes;
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY(add_input(job, i, &bytes[i], error));
    }
    CLQ_TRY(check_patterns(job, &job->job.request->include, error));
    CLQ_TRY(check_patterns(job, &job->job.request->exclude, error));
    CLQ_TRY(check_named(job, error));
    return check_not_empty(job, error);
}

void clq_calibrate_release(clq_calibrate_job *job)
{
    clq_calibrate_end_lanes(job);
    free(job->counts);
    free(job->merged);
    clq_names_release(&job->names);
    clq_names_release(&job->matched);
    for (size_t i = 0; i < job->count; i++) {
        clq_calibrated *tensor = &job->tensors[i];
        free(tensor->name);
        free(tensor->found);
        free(tensor->range);
        free(tensor->means);
        free(tensor->threshold);
        free(tensor->kept);
        free(tensor->histogram);
        free(tensor->worst_histogram);
    }
    free(job->tensors);
}
