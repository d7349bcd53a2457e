/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/record.h"

#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/memory.h"

enum { LEAST_CAPACITY = 4 };

clq_status clq_cl_record_create(clq_context *context, cl_command_queue queue, clq_record **out, clq_error *error)
{
    cl_command_queue_properties properties = 0;
    clq_record *record;
    CLQ_CL(clGetCommandQueueInfo, queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    record = calloc(1, sizeof *record);
    if (record == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a record");
    }
    atomic_fetch_add(&context->references, 1);
    record->context = context;
    record->chained = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
    *out = record;
    CLQ_CL(clRetainCommandQueue, queue);
    record->queue = queue;
    return CLQ_OK;
}

/* Commands in a queue keep their kernels; those are given back with arguments that the next borrower sets anew. */
void clq_cl_record_destroy(clq_record *record)
{
    if (record == NULL) {
        return;
    }
    for (size_t i = 0; i < record->count; i++) {
        clq_cl_kernel_return(record->launches[i].pool, record->launches[i].kernel);
    }
    for (size_t i = 0; i < record->memory_count; i++) {
        (void)clReleaseMemObject(record->memories[i]);
    }
    if (record->queue != NULL) {
        (void)clReleaseCommandQueue(record->queue);
    }
    free(record->launches);
    free(record->memories);
    clq_context_release(record->context);
    free(record);
}

/* ---- for streams ---- */

clq_status clq_cl_record_reserve(clq_record *record, uint64_t bytes, cl_mem *workspace, clq_error *error)
{
    cl_mem made = NULL;
    clq_status status;
    CLQ_TRY(clq_cl_memory_create(record->context, CL_MEM_READ_WRITE, bytes, NULL, "scratch memory of a record", &made,
                                 error));
    status = clq_cl_record_hold(record, made, error);
    (void)clReleaseMemObject(made);
    *workspace = made;
    return status;
}

/* Room for one more. */
static clq_status grow(void **items, size_t item_bytes, size_t count, size_t *capacity, clq_error *error)
{
    const size_t wanted = (size_t)clq_size_max(2 * *capacity, LEAST_CAPACITY);
    void *grown;
    if (count < *capacity) {
        return CLQ_OK;
    }
    grown = realloc(*items, wanted * item_bytes);
    if (grown == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a record of more than %zu launches", count);
    }
    *items = grown;
    *capacity = wanted;
    return CLQ_OK;
}

clq_status clq_cl_record_add(clq_record *record, clq_cl_pool *pool, cl_kernel kernel, const clq_cl_sizes *sizes,
                             clq_error *error)
{
    void *launches = record->launches;
    clq_cl_recorded *made;
    CLQ_TRY(grow(&launches, sizeof *made, record->count, &record->capacity, error));
    record->launches = launches;
    made = &record->launches[record->count++];
    memset(made, 0, sizeof *made);
    made->pool = pool;
    made->kernel = kernel;
    made->dimensions = sizes->dimensions;
    memcpy(made->first, sizes->first, sizes->dimensions * sizeof *sizes->first);
    memcpy(made->global, sizes->global, sizes->dimensions * sizeof *sizes->global);
    if (sizes->local != NULL) {
        memcpy(made->local, sizes->local, sizes->dimensions * sizeof *sizes->local);
    }
    return CLQ_OK;
}

clq_status clq_cl_record_hold(clq_record *record, cl_mem memory, clq_error *error)
{
    void *memories = record->memories;
    for (size_t i = 0; i < record->memory_count; i++) {
        if (record->memories[i] == memory) {
            return CLQ_OK;
        }
    }
    if (memory == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(grow(&memories, sizeof memory, record->memory_count, &record->memory_capacity, error));
    record->memories = memories;
    CLQ_CL(clRetainMemObject, memory);
    record->memories[record->memory_count++] = memory;
    return CLQ_OK;
}
