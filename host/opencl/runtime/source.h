/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels' sources, embedded in the library by cmake/EmbedKernels.cmake. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_SOURCE_H
#define CLQ_HOST_OPENCL_RUNTIME_SOURCE_H

#include <stddef.h>

typedef struct clq_embedded_source {
    const char *name; /* "quantize.cl"; NULL ends the list */
    const unsigned char *text;
    size_t bytes;
} clq_embedded_source;

extern const clq_embedded_source clq_embedded_sources[];

/*
 * The source of a kernel file with every `#include "..."` of an embedded file replaced by that file's text, and #line
 * directives so that compiler messages name kernels/FILE:LINE. malloc'ed; NULL without memory or without such a file.
 */
char *clq_cl_source(const char *name);

#endif
