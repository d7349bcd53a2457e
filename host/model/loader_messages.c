/* SPDX-License-Identifier: Apache-2.0 */
#include "model/loader_messages.h"

#include <string.h>

#include "model/file_format.h"
#include "model/folder_output.h"

static void tell_selection(clq_job *job, const clq_loader_view *view)
{
    const clq_model_config *config = &view->config;
    char list[600];
    if (config->problem[0] != '\0') {
        clq_job_warn(job, "config.json beside the input is not used: %s", config->problem);
    }
    if (!view->is_known) {
        char shown[120] = "";
        const char *type = config->model_type[0] != '\0' ? config->model_type : config->architecture;
        clq_printable(shown, sizeof shown, type, strlen(type));
        clq_job_note(job, "linear layers are told by names and shapes: %s%s%s",
                     shown[0] != '\0' ? "models of type '" : "there is no config.json that tells the type of the model",
                     shown, shown[0] != '\0' ? "' are not among those that were tried" : "");
    }
    if (clq_loader_list(view, view->left, list, sizeof list)) {
        int others = 0;
        for (int kind = CLQ_LEFT_PARAMETER; kind < CLQ_LEFT_KINDS; kind++) {
            others |= view->left[kind] > 0;
        }
        clq_job_warn(job, "left in float for the loader: %s; --include takes %s", list,
                     others ? "those that are a matrix called MODULE.weight" : "them");
    }
    if (clq_loader_list(view, view->asked_for, list, sizeof list)) {
        clq_job_warn(job, "quantized because --include names them, though loaders want them in float: %s", list);
    }
}

static int has_groups(const clq_model_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tensors[i].quantized && plan->tensors[i].q.layout.granularity == CLQ_PER_GROUP) {
            return 1;
        }
    }
    return 0;
}

void clq_tell_loader(clq_job *job, const clq_model_plan *plan)
{
    const clq_file_request *request = job->request;
    if (plan->format->config_format == NULL) {
        return;
    }
    tell_selection(job, &plan->loader);
    if (plan->quantized_count == 0) {
        return;
    }
    if (plan->format->id == CLQ_FORMAT_COMPRESSED_TENSORS && plan->activations == CLQ_ACTIVATIONS_NONE) {
        clq_job_warn(job,
                     "vLLM does not run int-quantized weights that are %s, transformers does; --format pack-quantized "
                     "is for both",
                     plan->asymmetric   ? "asymmetric"
                     : has_groups(plan) ? "in groups"
                                        : "without quantized activations");
    }
    if (plan->format->id == CLQ_FORMAT_PACK_QUANTIZED && plan->asymmetric) {
        clq_job_warn(job,
                     "transformers (5.24 with compressed-tensors 0.20) does not load pack-quantized weights that are "
                     "asymmetric, its own neither");
    }
    if (plan->format->id == CLQ_FORMAT_COMPRESSED_TENSORS && plan->loader.experts > 0) {
        clq_job_warn(job,
                     "transformers (5.24) does not load experts that are int-quantized; --format pack-quantized is "
                     "loaded");
    }
    if (request->config_file == NULL && !clq_request_writes_folder(request)) {
        clq_job_warn(job, "engines need a quantization_config in config.json as well: --emit-config FILE writes it");
    }
}
