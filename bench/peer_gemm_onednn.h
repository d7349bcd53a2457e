/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's matrix products of s8 or u8 with s8 weights to s32, the peers of clq_gemm. */
#ifndef CLQ_BENCH_PEER_GEMM_ONEDNN_H
#define CLQ_BENCH_PEER_GEMM_ONEDNN_H

#include "native.h"

typedef enum peer_gemm_form {
    PEER_GEMM_MATMUL = 0,  /* the primitive, its weights put into the layout it asks for beforehand */
    PEER_GEMM_FUNCTION = 1 /* dnnl_gemm_s8s8s32 and dnnl_gemm_u8s8s32, which take B as it is */
} peer_gemm_form;

typedef struct peer_gemm peer_gemm;

/* A prepared c = a * b on the product's memory. NULL when oneDNN refuses or is not built in. */
peer_gemm *peer_gemm_create(peer_gemm_form form, const native_product *product);
int peer_gemm_run(peer_gemm *gemm, int calls); /* 0 on success; all calls, then waits for the end */
void peer_gemm_destroy(peer_gemm *gemm);

const char *peer_gemm_version(void); /* "oneDNN 2.6.3"; "no oneDNN" */
int peer_gemm_threads(void);         /* that it uses; 0 when that is not known */

#endif
