/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on one tensor in a memory_space, as clquant does it, as C does it and as a peer does it. */
#ifndef CLQ_BENCH_MEMORY_CASE_H
#define CLQ_BENCH_MEMORY_CASE_H

#include "memory_space.h"
#include "memory_values.h"
#include "peers.h"
#include "shape.h"

typedef struct memory_case {
    memory_space *space;
    clq_operation operation;
    clq_quantization q;
    uint64_t offset, elements, parameters;
    uint64_t span;       /* of the elements, gaps with them */
    const char *variant; /* forced; NULL: the device's choice */
    memory_values device, reference;
    float scale;   /* of the first parameter */
    float maximum; /* that C found */
    const bench_peers *peers;
    void *reorder;
    clq_error error; /* of the last run */
} memory_case;

clq_status memory_case_create(memory_case *c, memory_space *space, clq_operation operation, const bench_shape *shape,
                              clq_arithmetic arithmetic, const char *variant, clq_error *error);
void memory_case_destroy(memory_case *c);

/* Have the reference's result in the space, unless it is there already. */
clq_status memory_expect(memory_case *c);

/* The variant that runs; empty when that is not known. */
void memory_case_variant(const memory_case *c, char *variant, size_t capacity);

/* Prepare the peer's form of a plain case. Where it has none, the row is unsupported. */
void memory_case_prepare_peer(memory_case *c, const bench_peers *peers);

/* The operation of that name, and its operands in the buffers of one side, with all offsets 0. */
clq_status memory_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                          const clq_operands *operands, clq_error *error);
clq_operands memory_operands(clq_operation operation, const memory_side *side, const memory_values *values);

/* For a bench_row, whose cookie is a memory_case: clquant, compared with the reference byte for byte. */
int memory_spoil(void *cookie);
int memory_run(void *cookie);
int memory_check(void *cookie);

/* C, compared in the same way; a plain case. Two passes for dynamic quantization. */
int memory_spoil_native(void *cookie);
int memory_run_native(void *cookie);
int memory_check_native(void *cookie);

/* A peer, whose codes may differ by one in few places. */
int memory_run_peer(void *cookie);
int memory_check_peer(void *cookie);

/* All of the input copied, on the device. */
int memory_run_copy(void *cookie);

#endif
