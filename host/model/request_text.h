/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of `quantize` as lines of text, from which another process makes the same output: in the journals of parts,
 * for `join`. A line is "request FIELD VALUE"; bytes of texts that are no letters stand as %XX. Paths are made
 * absolute, since the other process may run elsewhere.
 */
#ifndef CLQ_HOST_MODEL_REQUEST_TEXT_H
#define CLQ_HOST_MODEL_REQUEST_TEXT_H

#include <clquant/files.h>

#include "format/text.h"

/* What the lines begin with; no other line of a journal does. */
#define CLQ_REQUEST_WORD "request "

/* All fields that decide what the output is, and how it is judged and put in its place; but not its path. */
clq_status clq_request_write(const clq_file_request *request, clq_text *out, clq_error *error);

/* A request that was read, with the memory that it points to. */
typedef struct clq_read_request clq_read_request;

/* CLQ_BAD_FILE for what clq_request_write does not write. `text` is `bytes` of whole lines. */
clq_status clq_request_read(const char *text, size_t bytes, clq_read_request **request, clq_error *error);
const clq_file_request *clq_request_that_was_read(const clq_read_request *request);
void clq_read_request_destroy(clq_read_request **request);

#endif
