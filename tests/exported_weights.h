/* SPDX-License-Identifier: Apache-2.0 */
/* Packed weights by way of their bytes, as an engine has them that keeps them in a file. */
#ifndef CLQ_TESTS_EXPORTED_WEIGHTS_H
#define CLQ_TESTS_EXPORTED_WEIGHTS_H

#include "check.h"

/* Whose memory imported weights lie in. */
typedef enum exported_place {
    EXPORTED_NOT = 0,
    EXPORTED_IN_HOST_MEMORY, /* over which the buffer is wrapped */
    EXPORTED_IN_BUFFER       /* of the context's own */
} exported_place;

typedef struct exported_weights {
    void *allocated;
    void *memory; /* aligned within it as a page of a mapped file is */
    clq_buffer *buffer;
} exported_weights;

/* Export `*weights`, destroy them, and import what was exported in their place, somewhere in the middle of a buffer.
 * exported_weights_release follows when all that uses them is done, whatever comes back. */
clq_status exported_weights_exchange(clq_context *context, const clq_gemm_problem *problem, exported_place place,
                                     clq_gemm_weights **weights, exported_weights *kept, clq_error *error);
void exported_weights_release(exported_weights *kept);

#endif
