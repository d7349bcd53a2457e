/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of one set of instructions: loops_*.c compile the same source (*.inc) for one each. All work on a part of a
 * task, in the calling thread; operands may be unaligned for their type.
 */
#ifndef CLQ_HOST_NATIVE_LOOPS_H
#define CLQ_HOST_NATIVE_LOOPS_H

#include "native/product.h"

/* Elements that the loops of elements.inc work on at a time, in buffers on the stack. */
enum { CLQ_NATIVE_BLOCK = 256 };

/*
 * The least and the greatest key of finite elements (docs/numerics.md, eq. 14), two int32 for each parameter,
 * unaligned; of none: INT32_MAX and INT32_MIN.
 */
typedef struct clq_native_ranges {
    unsigned char *keys;
    uint64_t first; /* the parameter of the first two */
    uint64_t count; /* of parameters */
    clq_nonfinite nonfinite;
} clq_native_ranges;

/* Elements of one parameter, which are counted; `counts` are uint64, unaligned. */
typedef struct clq_native_counts {
    uint64_t first, count;
    uint64_t parameter;
    unsigned char *counts;
} clq_native_counts;

typedef struct clq_native_loops {
    const char *name; /* of the variant */
    const char *reason;
    /* NULL, all three, of a set that is for products alone. */
    /* Elements [first, stop) of quantize, dequantize and fake-quantize; `first` is even. Outputs that nothing is to
     * find in a cache may go past it. */
    void (*elements)(const clq_task *task, uint64_t first, uint64_t stop, int streams);
    /* Fold elements [first, stop) of X into `ranges`. */
    void (*ranges)(const clq_task *task, uint64_t first, uint64_t stop, clq_native_ranges *ranges);
    void (*count)(const clq_task *task, const clq_native_counts *counts);
    const clq_native_product_loops *product;
    int needs_tiles; /* registers that the system lets a process use (core/tiles.h) */
} clq_native_loops;

/* NULL where the compiler has no such instructions; whether the processor has them is for the caller to ask. */
const clq_native_loops *clq_native_loops_amx(void);
const clq_native_loops *clq_native_loops_vnni(void);
const clq_native_loops *clq_native_loops_avx512(void);
const clq_native_loops *clq_native_loops_avx2(void);
const clq_native_loops *clq_native_loops_i8mm(void);
const clq_native_loops *clq_native_loops_dotprod(void);
const clq_native_loops *clq_native_loops_neon(void);
const clq_native_loops *clq_native_loops_plain(void);

#endif
