/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan_check.h"

#include <string.h>

/* Formats that one warning names. */
enum { MOST_FORMATS = 3 };

static int is_among(const char *const *formats, size_t count, const char *format)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(formats[i], format) == 0) {
            return 1;
        }
    }
    return 0;
}

/* One line, however many tensors: a model of another tool has thousands. */
static void tell_foreign(clq_job *call, const clq_model_plan *plan)
{
    const char *formats[MOST_FORMATS] = {"", "", ""};
    size_t known = 0;
    size_t tensors = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const char *format = plan->tensors[i].foreign;
        tensors += format != NULL;
        if (format != NULL && known < MOST_FORMATS && !is_among(formats, known, format)) {
            formats[known++] = format;
        }
    }
    if (tensors > 0) {
        clq_job_warn(call, "%s is quantized already, as %s%s%s%s%s: %zu tensor%s of that %s copied as %s",
                     plan->model->path, formats[0], known > 1 ? ", " : "", formats[1], known > 2 ? ", " : "",
                     formats[2], tensors, tensors == 1 ? "" : "s", tensors == 1 ? "is" : "are",
                     tensors == 1 ? "it is" : "they are");
    }
}

/* Every float tensor that the request selects should be quantized. */
static clq_status check_selected(clq_job *call, const clq_model_plan *plan, clq_error *error)
{
    int complete = 1;
    for (size_t i = 0; i < plan->count; i++) {
        const clq_model_plan_tensor *tensor = &plan->tensors[i];
        complete &= !tensor->falls_short;
        if (!tensor->quantized && tensor->falls_short && tensor->foreign == NULL) {
            clq_job_warn(call, "tensor '%s' is copied: %s", plan->model->tensors[i].name, tensor->reason);
        }
    }
    return complete || !call->request->strict
               ? CLQ_OK
               : clq_fail(error, CLQ_REFUSED,
                          "--strict: nothing was written, because not all that was selected can be quantized as asked");
}

/* The largest tensor that is copied, of those that --include names where it is given: the one that a person will ask
 * for. */
static const clq_model_plan_tensor *largest_copied(const clq_model_plan *plan, int is_named)
{
    const clq_model_plan_tensor *largest = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (!tensor->quantized && tensor->is_named == is_named &&
            (largest == NULL ||
             plan->model->tensors[tensor->index].elements > plan->model->tensors[largest->index].elements)) {
            largest = tensor;
        }
    }
    return largest;
}

static clq_status refuse_empty(const clq_model_plan *plan, int is_named, clq_error *error)
{
    const clq_model_plan_tensor *largest = largest_copied(plan, is_named);
    const char *name = largest != NULL ? plan->model->tensors[largest->index].name : plan->model->path;
    char shown[200];
    clq_printable(shown, sizeof shown, name, strlen(name));
    if (largest == NULL) {
        return clq_fail(error, CLQ_REFUSED, "%s holds no tensor, so nothing was written; --allow-empty accepts that",
                        shown);
    }
    return clq_fail(error, CLQ_REFUSED,
                    "no tensor is quantized, so nothing was written; the largest%s, '%s', would be copied: %s; "
                    "--allow-empty copies all, and with --dry-run it tells why",
                    is_named ? " that --include names" : "", shown, largest->reason);
}

clq_status clq_plan_check(clq_job *call, const clq_model_plan *plan, clq_error *error)
{
    const char *idle = clq_model_plan_idle_pattern(call->request, plan->model);
    const int allow_empty = call->request->allow_empty;
    tell_foreign(call, plan);
    if (idle != NULL && !allow_empty) {
        char shown[200];
        clq_printable(shown, sizeof shown, idle, strlen(idle));
        return clq_fail(error, CLQ_REFUSED,
                        "no tensor is called like the pattern '%s', so nothing was written; --allow-empty accepts that",
                        shown);
    }
    if (idle != NULL) {
        clq_job_warn(call, "no tensor is called like the pattern '%s'", idle);
    }
    CLQ_TRY(check_selected(call, plan, error));
    if (plan->quantized_count == 0 && !allow_empty) {
        return refuse_empty(plan, call->request->include.count > 0, error);
    }
    if (plan->quantized_count == 0) {
        clq_job_warn(call, "no tensor is quantized; --verbose tells why each is copied");
    }
    return CLQ_OK;
}
