/* SPDX-License-Identifier: Apache-2.0 */
/* Other implementations to compare with. The command has none; a program of bench/ that links one hands it in. */
#ifndef CLQ_BENCH_PEERS_H
#define CLQ_BENCH_PEERS_H

#include "native.h"

typedef struct bench_peers {
    const char *(*name)(void); /* "oneDNN 2.6.3" */
    int (*threads)(void);      /* that it uses; 0 when that is not known */

    /* A prepared conversion of `count` elements; `scale` multiplies. NULL when the peer has no such thing. */
    const char *reorder_name;
    void *(*reorder_create)(clq_dtype from, clq_dtype to, void *source, void *target, size_t count, float scale);
    int (*reorder_run)(void *reorder); /* 0 on success; waits for the end */
    void (*reorder_destroy)(void *reorder);

    /* A prepared c = a * b on the product's memory, in each of `gemm_forms` ways. NULL as above. */
    int gemm_forms;
    const char *const *gemm_names;
    void *(*gemm_create)(int form, const native_product *product);
    int (*gemm_run)(void *gemm, int calls); /* 0 on success; all calls, then waits for the end */
    void (*gemm_destroy)(void *gemm);
} bench_peers;

#endif
