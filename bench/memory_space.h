/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the rows of one operation share: input, output, what must come out, and room for C and peers. */
#ifndef CLQ_BENCH_MEMORY_SPACE_H
#define CLQ_BENCH_MEMORY_SPACE_H

#include "bench.h"

/* Elements behind a tensor that are watched: nothing may be written there. */
enum { MEMORY_GUARD = 64 };

/* One side of a comparison: the device, or the reference on host memory. */
typedef struct memory_side {
    clq_context *context;
    clq_buffer *in, *out; /* `out` NULL: the operation has none of that size */
} memory_side;

typedef struct memory_space {
    uint64_t elements; /* room in `in` and `out`, with MEMORY_GUARD where a buffer can be that large */
    clq_dtype real;
    clq_dtype in_type, out_type;
    uint64_t in_bytes, out_bytes; /* of all elements */
    uint64_t native_bytes;
    int is_host; /* the device computes where the C code does: the one can be the other's roof */
    memory_side device, reference;
    void *in;           /* on the host */
    void *expected;     /* the reference's output */
    void *native;       /* for C and peers: at least as large as `in` and as `out` */
    clq_buffer *spare;  /* on a device that is not the host: as large as `in` */
    const void *holder; /* whose result `expected` holds */
} memory_space;

/* Host memory and device memory that a space of `elements` (without guard) takes; on CPU devices all is host memory. */
typedef struct memory_need {
    uint64_t host_bytes, device_bytes, largest_buffer_bytes;
} memory_need;
memory_need memory_space_need(const clq_context *context, clq_operation operation, clq_dtype real, uint64_t elements);

/* Input values are deterministic: reals within (-1, 1) in many binades, codes of the whole range. */
clq_status memory_space_create(memory_space *space, clq_context *context, clq_operation operation, clq_dtype real,
                               uint64_t elements, clq_error *error);
void memory_space_destroy(memory_space *space);

#endif
