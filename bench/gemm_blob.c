/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_blob.h"

#include <stdlib.h>
#include <string.h>

clq_status gemm_blob_create(gemm_blob *blob, const gemm_device *device, clq_error *error)
{
    const gemm_way way = {CLQ_S8, NULL, 1, 1, 0};
    memset(blob, 0, sizeof *blob);
    gemm_row_create(&blob->row, device, &way);
    if (blob->row.status != CLQ_OK) {
        return clq_fail(error, blob->row.status, "%s", blob->row.error.message);
    }
    blob->exported = blob->row.weights;
    blob->row.weights = NULL;
    blob->bytes = clq_gemm_weights_export_bytes(blob->exported);
    CLQ_TRY(bench_allocate(blob->bytes, &blob->packed, error));
    CLQ_TRY(bench_allocate(blob->bytes, &blob->room, error));
    return clq_gemm_weights_export(blob->exported, blob->packed, blob->bytes, error);
}

/* What was imported last, and the memory that it lies in. */
static void drop(gemm_blob *blob)
{
    blob->row.operands.weights = NULL;
    clq_gemm_weights_destroy(&blob->row.weights);
    clq_buffer_destroy(&blob->buffer);
}

void gemm_blob_destroy(gemm_blob *blob)
{
    drop(blob);
    clq_gemm_weights_destroy(&blob->exported);
    free(blob->packed);
    free(blob->room);
    memset(blob, 0, sizeof *blob);
}

int gemm_blob_spoil(void *cookie)
{
    gemm_blob *blob = cookie;
    memset(blob->room, 0xAA, (size_t)blob->bytes);
    return gemm_row_spoil(&blob->row);
}

int gemm_blob_export(void *cookie)
{
    gemm_blob *blob = cookie;
    return clq_gemm_weights_export(blob->exported, blob->room, blob->bytes, &blob->row.error) != CLQ_OK;
}

static int take(gemm_blob *blob)
{
    const clq_operand imported = {blob->buffer, 0};
    const clq_status status = clq_gemm_weights_import(blob->row.device->context, &blob->row.problem, imported,
                                                      &blob->row.weights, &blob->row.error);
    blob->row.operands.weights = blob->row.weights;
    return status != CLQ_OK;
}

int gemm_blob_import(void *cookie)
{
    gemm_blob *blob = cookie;
    drop(blob);
    return clq_buffer_wrap(blob->row.device->context, blob->packed, blob->bytes, &blob->buffer, &blob->row.error) !=
               CLQ_OK ||
           take(blob);
}

int gemm_blob_import_copied(void *cookie)
{
    gemm_blob *blob = cookie;
    clq_context *const context = blob->row.device->context;
    drop(blob);
    return clq_buffer_create(context, blob->bytes, &blob->buffer, &blob->row.error) != CLQ_OK ||
           clq_buffer_write(blob->buffer, 0, blob->packed, blob->bytes, &blob->row.error) != CLQ_OK || take(blob);
}

int gemm_blob_copy(void *cookie)
{
    const gemm_blob *blob = cookie;
    native_copy(blob->room, blob->packed, (size_t)blob->bytes);
    return BENCH_OK;
}

int gemm_blob_check_room(void *cookie)
{
    const gemm_blob *blob = cookie;
    return memcmp(blob->room, blob->packed, (size_t)blob->bytes) != 0;
}

int gemm_blob_check_product(void *cookie)
{
    gemm_blob *blob = cookie;
    const int result = gemm_row_run(&blob->row);
    return result != BENCH_OK ? result : gemm_row_check(&blob->row);
}
