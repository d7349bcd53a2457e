/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_values.h"

#include <stdlib.h>
#include <string.h>

float memory_scale_at(uint64_t i)
{
    return (1.0f + (float)(i % 5) / 8.0f) / 127.0f;
}

clq_status memory_values_create(memory_values *v, clq_context *context, uint64_t count, uint64_t tensors,
                                clq_error *error)
{
    float *scales = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(bench_allocate(8 * count, (void **)&scales, error));
    CLQ_TRY_TO(clq_buffer_create(context, 4 * count, &v->scale, error));
    CLQ_TRY_TO(clq_buffer_create(context, 4 * count, &v->zero_point, error));
    CLQ_TRY_TO(clq_buffer_create(context, 8 * count, &v->range, error));
    CLQ_TRY_TO(clq_buffer_create(context, tensors * sizeof(clq_nonfinite), &v->nonfinite, error));
    for (uint64_t i = 0; i < 2 * count; i++) {
        scales[i] = i % 2 == 0 ? -MEMORY_MAXIMUM : MEMORY_MAXIMUM;
    }
    CLQ_TRY_TO(clq_buffer_write(v->range, 0, scales, 8 * count, error));
    memset(scales, 0, (size_t)(4 * count));
    CLQ_TRY_TO(clq_buffer_write(v->zero_point, 0, scales, 4 * count, error));
    for (uint64_t i = 0; i < count; i++) {
        scales[i] = memory_scale_at(i);
    }
    CLQ_TRY_TO(clq_buffer_write(v->scale, 0, scales, 4 * count, error));
done:
    free(scales);
    return status;
}

clq_status memory_counts_create(memory_values *v, clq_context *context, uint64_t count, clq_error *error)
{
    return clq_buffer_create(context, count * MEMORY_HISTOGRAM_BYTES, &v->counts, error);
}

void memory_values_destroy(memory_values *v)
{
    clq_buffer_destroy(&v->counts);
    clq_buffer_destroy(&v->scale);
    clq_buffer_destroy(&v->zero_point);
    clq_buffer_destroy(&v->range);
    clq_buffer_destroy(&v->nonfinite);
}

clq_status memory_spoil_buffer(clq_buffer *buffer, size_t bytes, clq_error *error)
{
    void *mapped = NULL;
    clq_status status = bytes > 0 ? clq_buffer_map(buffer, &mapped, error) : CLQ_OK;
    if (status == CLQ_OK && bytes > 0) {
        memset(mapped, 0xAA, bytes);
        status = clq_buffer_unmap(buffer, error);
    }
    return status;
}

static int writes_ranges(clq_operation operation)
{
    return operation == CLQ_OP_MINMAX || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

static clq_status spoil_whole(clq_buffer *buffer, clq_error *error)
{
    return memory_spoil_buffer(buffer, (size_t)clq_buffer_bytes(buffer), error);
}

clq_status memory_values_spoil(clq_operation operation, const memory_values *v, clq_error *error)
{
    if (writes_ranges(operation)) {
        CLQ_TRY(spoil_whole(v->range, error));
        CLQ_TRY(spoil_whole(v->nonfinite, error));
    }
    if (operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        CLQ_TRY(spoil_whole(v->scale, error));
        CLQ_TRY(spoil_whole(v->zero_point, error));
    }
    return operation == CLQ_OP_HISTOGRAM ? spoil_whole(v->counts, error) : CLQ_OK;
}

int memory_buffers_differ(clq_buffer *a, clq_buffer *b, size_t bytes, clq_error *error)
{
    void *left = NULL;
    void *right = NULL;
    int differs = 0;
    if (bytes == 0) {
        return 0;
    }
    differs = clq_buffer_map(a, &left, error) != CLQ_OK || clq_buffer_map(b, &right, error) != CLQ_OK ||
              memcmp(left, right, bytes) != 0;
    differs |= left != NULL && clq_buffer_unmap(a, error) != CLQ_OK;
    differs |= right != NULL && clq_buffer_unmap(b, error) != CLQ_OK;
    return differs;
}

static int wholes_differ(clq_buffer *a, clq_buffer *b, clq_error *error)
{
    return memory_buffers_differ(a, b, (size_t)clq_buffer_bytes(a), error);
}

/* Ranges and counts hold what was there when they were made, unless the operation writes them. */
int memory_values_differ(clq_operation operation, const memory_values *a, const memory_values *b, clq_error *error)
{
    return wholes_differ(a->scale, b->scale, error) || wholes_differ(a->zero_point, b->zero_point, error) ||
           (writes_ranges(operation) &&
            (wholes_differ(a->range, b->range, error) || wholes_differ(a->nonfinite, b->nonfinite, error))) ||
           (operation == CLQ_OP_HISTOGRAM && wholes_differ(a->counts, b->counts, error));
}
