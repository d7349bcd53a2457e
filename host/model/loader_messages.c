/* SPDX-License-Identifier: Apache-2.0 */
#include "model/loader_messages.h"

#include <string.h>

#include "model/folder_output.h"

void clq_tell_selection(clq_job *job, const clq_loader_view *view)
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

void clq_tell_configuration(clq_job *job, const clq_model_plan *plan)
{
    const clq_file_request *request = job->request;
    if (plan->quantized_count > 0 && request->config_file == NULL && !clq_request_writes_folder(request)) {
        clq_job_warn(job, "engines need a quantization_config in config.json as well: --emit-config FILE writes it");
    }
}
