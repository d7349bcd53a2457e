/* SPDX-License-Identifier: Apache-2.0 */
#include "model/file_format.h"

#include "format/gguf.h"
#include "model/folder_output.h"

static const clq_format *const FORMATS[] = {&clq_format_clquant, &clq_format_int_quantized, &clq_format_pack_quantized,
                                            &clq_format_gguf};

/* A folder is what engines load, and a configuration is asked for by those who feed one. */
static clq_file_format by_output(const clq_file_request *request)
{
    if (request->output != NULL && clq_is_gguf_name(request->output)) {
        return CLQ_FORMAT_GGUF;
    }
    return request->config_file != NULL || clq_request_writes_folder(request) ? CLQ_FORMAT_COMPRESSED_TENSORS
                                                                              : CLQ_FORMAT_CLQUANT;
}

clq_status clq_format_of(const clq_file_request *request, const clq_format **format, clq_error *error)
{
    const clq_file_format id = request->format == CLQ_FORMAT_BY_OUTPUT ? by_output(request) : request->format;
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
        if (FORMATS[i]->id == id) {
            *format = FORMATS[i];
            return CLQ_OK;
        }
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "--format: %d is no format of files", (int)id);
}
