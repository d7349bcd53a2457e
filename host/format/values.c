/* SPDX-License-Identifier: Apache-2.0 */
#include "format/values.h"

#include <inttypes.h>

#include "format/support.h"

clq_status clq_open_values(const char *option, const char *path, int only_file, clq_model **model, clq_error *error)
{
    const clq_status status = clq_model_open(path, model, error);
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "%s%s", option,
                           only_file ? "" : " is not a number, and not a file that can be used");
    }
    if ((*model)->kind != CLQ_MODEL_NPY) {
        return clq_fail(error, CLQ_BAD_FILE, "%s %s: the file must be a .npy file", option, clq_show_path(path).text);
    }
    if ((*model)->tensors[0].elements < 1 || (*model)->tensors[0].elements > CLQ_MOST_VALUES) {
        return clq_fail(error, CLQ_BAD_FILE, "%s %s: the file holds %" PRIu64 " values, 1 to %" PRIu64 " are possible",
                        option, clq_show_path(path).text, (*model)->tensors[0].elements, CLQ_MOST_VALUES);
    }
    return CLQ_OK;
}
