/* SPDX-License-Identifier: Apache-2.0 */
/* `quantize` into a .gguf: what may be asked for, which tensors become blocks, and of what type. */
#ifndef CLQ_HOST_MODEL_FORMAT_GGUF_H
#define CLQ_HOST_MODEL_FORMAT_GGUF_H

#include "model/job.h"
#include "model/output.h"

/* Before the input is opened: output, format and type fit together, and no option asks for what blocks have not. */
clq_status clq_gguf_check_request(const clq_file_request *request, clq_error *error);

/*
 * Once the output of a .gguf is there: it gets the keys of the model, which must have some and be in one file. A person
 * is told which tensor gets another type than the one asked for.
 */
clq_status clq_gguf_prepare(clq_job *job, const clq_model *model, clq_output *output, clq_error *error);

#endif
