/* SPDX-License-Identifier: Apache-2.0 */
#include "product.h"

#include <stdlib.h>
#include <string.h>

#include "device_memory.h"

void product_give(product *p, product_input input, const void *values, uint64_t bytes)
{
    p->in[input] = values;
    p->in_bytes[input] = bytes;
}

void product_init(product *p, uint64_t m, uint64_t n, uint64_t k, clq_dtype dtype)
{
    memset(p, 0, sizeof *p);
    clq_gemm_init(&p->problem);
    p->problem.m = m;
    p->problem.n = n;
    p->problem.k = k;
    p->problem.a.dtype = dtype;
    p->problem.b.dtype = dtype;
    p->problem.c.dtype = dtype;
}

uint64_t product_bytes(const product *p)
{
    return p->problem.m * p->problem.n * clq_dtype_bits(p->problem.c.dtype) / 8;
}

clq_gemm_operands product_operands(const clq_operand in[PRODUCT_INPUTS])
{
    clq_gemm_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = in[PRODUCT_A];
    o.b = in[PRODUCT_B];
    o.a_zero_point = in[PRODUCT_A_ZERO_POINT];
    o.b_zero_point = in[PRODUCT_B_ZERO_POINT];
    o.c_zero_point = in[PRODUCT_C_ZERO_POINT];
    o.bias = in[PRODUCT_BIAS];
    o.a_scale = in[PRODUCT_A_SCALE];
    o.b_scale = in[PRODUCT_B_SCALE];
    o.multiplier = in[PRODUCT_MULTIPLIER];
    o.shift = in[PRODUCT_SHIFT];
    return o;
}

void *product_run(clq_context *context, const product *p, int packed)
{
    clq_operand in[PRODUCT_INPUTS];
    clq_gemm_weights *weights = NULL;
    clq_gemm_operands o;
    clq_error error;
    void *c;
    for (int i = 0; i < PRODUCT_INPUTS; i++) {
        memset(&in[i], 0, sizeof in[i]);
        if (p->in[i] != NULL) {
            in[i] = device_memory(context, p->in_bytes[i], p->in[i]);
        }
    }
    o = product_operands(in);
    o.c = device_memory(context, product_bytes(p), NULL);
    if (packed) {
        check_ok(clq_gemm_weights_create(context, &p->problem, o.b, o.b_zero_point, &weights, &error), &error,
                 "clq_gemm_weights_create");
        o.weights = weights;
    }
    check_ok(clq_gemm(context, &p->problem, &o, &error), &error, "clq_gemm");
    c = device_memory_read(o.c);
    for (int i = 0; i < PRODUCT_INPUTS; i++) {
        device_memory_free(&in[i]);
    }
    device_memory_free(&o.c);
    clq_gemm_weights_destroy(&weights);
    return c;
}

void *product_run_everywhere(const product *p)
{
    void *want = product_run(check_reference(), p, 0);
    for (int way = 1; way < 4; way++) {
        clq_context *context = way < 2 ? check_reference() : check_device();
        if (context != NULL) {
            void *got = product_run(context, p, way % 2);
            if (memcmp(want, got, (size_t)product_bytes(p)) != 0) {
                fail_msg("%s, %s: other bytes than the reference (seed %llu)", way < 2 ? "reference" : "device",
                         way % 2 ? "packed" : "not packed", (unsigned long long)check_seed());
            }
            free(got);
        }
    }
    return want;
}
