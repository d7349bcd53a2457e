/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN's reorder between f32 and s8, the peer of quantize and dequantize. */
#ifndef CLQ_BENCH_PEER_ONEDNN_H
#define CLQ_BENCH_PEER_ONEDNN_H

#include <stddef.h>
#include <stdint.h>

typedef struct peer_reorder peer_reorder;

/* A prepared reorder of `count` elements; `scale` multiplies. NULL when oneDNN refuses or is not built in. */
peer_reorder *peer_reorder_create(int to_s8, void *source, void *target, size_t count, float scale);
int peer_reorder_run(peer_reorder *reorder); /* 0 on success; waits for the end */
void peer_reorder_destroy(peer_reorder *reorder);

#endif
