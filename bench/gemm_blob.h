/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of packed weights as bytes in the caller's memory: exported, imported, and copied as any bytes are. */
#ifndef CLQ_BENCH_GEMM_BLOB_H
#define CLQ_BENCH_GEMM_BLOB_H

#include "bench.h"
#include "gemm_device.h"

typedef struct gemm_blob {
    gemm_row row; /* multiplies with what was imported last */
    void *packed; /* the blob, as a file has it */
    void *room;   /* for as many bytes */
    uint64_t bytes;
    clq_gemm_weights *exported; /* what exports come from */
    clq_buffer *buffer;         /* that the imported weights lie in, or that the copy goes to */
} gemm_blob;

/* B packed, and exported once. Both must stay; to be destroyed also on failure. */
clq_status gemm_blob_create(gemm_blob *blob, const gemm_device *device, clq_error *error);
void gemm_blob_destroy(gemm_blob *blob);

/* For a bench_row, whose cookie is a gemm_blob. */
int gemm_blob_spoil(void *cookie); /* the room and the product's output */
int gemm_blob_export(void *cookie);
int gemm_blob_import(void *cookie);        /* where the bytes lie */
int gemm_blob_import_copied(void *cookie); /* into a new buffer of the device's */
int gemm_blob_copy(void *cookie);          /* into the room */
int gemm_blob_check_room(void *cookie);
int gemm_blob_check_product(void *cookie);

#endif
