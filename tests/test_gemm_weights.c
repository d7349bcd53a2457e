/* SPDX-License-Identifier: Apache-2.0 */
/* Packed B: what it is refused for, its life between the operations that use it and its context, and as bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/gemm_task.h"
#include "core/hash.h"
#include "device_memory.h"
#include "exported_weights.h"
#include "full_gemm.h"
#include "refusal.h"

/* The weights of `g` offered to a problem that differs in one field. */
#define REFUSED_WEIGHTS(field, value, part)                                                                            \
    do {                                                                                                               \
        const clq_gemm_problem good_ = g->problem;                                                                     \
        g->problem.field = (value);                                                                                    \
        REFUSED(CLQ_INVALID_ARGUMENT, part, clq_gemm(g->context, &g->problem, &g->o, e));                              \
        g->problem = good_;                                                                                            \
    } while (0)

static void refuse_weights(full_gemm *g)
{
    clq_gemm_weights *weights = NULL;
    clq_gemm_weights *foreign = NULL;
    clq_operand b = full_gemm_filled(g->other, 100);
    ACCEPTED(full_gemm_pack(g, &weights, e));
    assert_true(clq_gemm_weights_bytes(weights) >= 2 * 5 * 4);
    g->o.weights = weights;
    REFUSED_WEIGHTS(n, 3, "the weights are 2 of 5 x 4, B is 2 of 5 x 3");
    REFUSED_WEIGHTS(k, 4, "the weights are 2 of 5 x 4, B is 2 of 4 x 4");
    REFUSED_WEIGHTS(k, 0, "the weights are 2 of 5 x 4, B is 2 of 0 x 4");
    REFUSED_WEIGHTS(batch, 1, "the weights are 2 of 5 x 4, B is 1 of 5 x 4");
    REFUSED_WEIGHTS(b.batch_stride, 0, "the weights are 2 of 5 x 4, B is 1 of 5 x 4");
    REFUSED_WEIGHTS(b.dtype, CLQ_U8, "the weights are s8, B is u8");
    REFUSED_WEIGHTS(b_zero_point, CLQ_GEMM_PER_TENSOR, "b_zero_point");
    REFUSED_WEIGHTS(b_zero_point, CLQ_GEMM_ABSENT, "b_zero_point");
    ACCEPTED(clq_gemm_weights_create(g->other, &g->problem, b, b, &foreign, e));
    g->o.weights = foreign;
    REFUSED(CLQ_INVALID_ARGUMENT, "the weights belong to another context", clq_gemm(g->context, &g->problem, &g->o, e));
    full_gemm_check_untouched(g->o.c);
    g->o.weights = weights;
    g->problem.m = 2; /* how A and C lie is not the weights' business */
    g->problem.a.leading_dimension = 6;
    ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
    g->o.weights = NULL;
    clq_gemm_weights_destroy(&weights);
    clq_gemm_weights_destroy(&foreign);
    assert_null(weights);
    clq_gemm_weights_destroy(&weights);
    clq_gemm_weights_destroy(NULL);
    device_memory_free(&b);
}

static void packed_weights(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_weights);
}

/* What is packed depends on the groups along K and on the type: 4-bit weights serve neither 8-bit ones nor others. */
static void refuse_weights_in_groups(full_gemm *g)
{
    clq_gemm_weights *weights = NULL;
    clq_operand scales = full_gemm_filled(g->context, 2 * 4 * 5 * sizeof(float));
    const clq_operand others = g->o.b_scale;
    if (g->is_real) {
        g->problem.k_group = 4;
        g->problem.b.dtype = CLQ_S4;
        g->problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
        g->problem.b_scale = CLQ_GEMM_PER_GROUP;
        g->problem.a_sums = CLQ_GEMM_ABSENT;
        g->o.b_scale = scales;
        ACCEPTED(full_gemm_pack(g, &weights, e));
        g->o.weights = weights;
        REFUSED_WEIGHTS(k_group, 5, "the weights were packed with a k_group of 4, the problem says 5");
        REFUSED_WEIGHTS(k_group, 1, "the weights were packed with a k_group of 4, the problem says 1");
        REFUSED_WEIGHTS(b.dtype, CLQ_S8, "the weights are s4, B is s8");
        REFUSED_WEIGHTS(b.dtype, CLQ_U4, "the weights are s4, B is u4");
        REFUSED_WEIGHTS(b_zero_point, CLQ_GEMM_PER_GROUP, "b_zero_point");
        ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
        ACCEPTED(clq_finish(g->context, e));
        g->o.weights = NULL;
        clq_gemm_weights_destroy(&weights);
        g->o.b.offset = 1;
        REFUSED(CLQ_INVALID_ARGUMENT, "the offset of b is 1, 4-bit codes need an even one",
                clq_gemm(g->context, &g->problem, &g->o, e));
        g->o.b.offset = 0;
        g->problem.k_group = 1;
        g->o.b_scale.offset = 1;
        REFUSED(CLQ_INVALID_ARGUMENT, "b_scale needs 40 elements from offset 1, its buffer has 40",
                clq_gemm(g->context, &g->problem, &g->o, e));
    }
    g->o.b_scale = others;
    device_memory_free(&scales);
}

static void weights_in_groups(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_weights_in_groups);
}

static void write_random(clq_operand operand)
{
    for (uint64_t i = 0; i < clq_buffer_bytes(operand.buffer); i++) {
        const unsigned char byte = (unsigned char)check_random();
        ACCEPTED(clq_buffer_write(operand.buffer, i, &byte, 1, e));
    }
}

/* An operation that uses them may still be to run when they go. */
static void destroy_weights_in_use(full_gemm *g)
{
    static const int32_t shift[] = {-22, -23, -24, -25};
    void *want;
    write_random(g->o.a);
    write_random(g->o.b);
    g->problem.a_sums = CLQ_GEMM_ABSENT; /* those of the fill are not those of A */
    if (!g->is_real) {
        ACCEPTED(clq_buffer_write(g->o.shift.buffer, 0, shift, sizeof shift, e));
    }
    ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
    want = device_memory_read(g->o.c);
    for (int round = 0; round < 20; round++) {
        clq_gemm_weights *weights = NULL;
        void *got;
        device_memory_free(&g->o.c);
        g->o.c = full_gemm_filled(g->context, (17 + 2 * 5 + 4) * (g->is_real ? sizeof(float) : 1));
        ACCEPTED(full_gemm_pack(g, &weights, e));
        g->o.weights = weights;
        ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
        g->o.weights = NULL;
        clq_gemm_weights_destroy(&weights);
        got = device_memory_read(g->o.c);
        assert_memory_equal(got, want, clq_buffer_bytes(g->o.c.buffer));
        free(got);
    }
    free(want);
}

static void weights_in_use(void **state)
{
    (void)state;
    full_gemm_for_all(destroy_weights_in_use);
}

static clq_context *another_context(const clq_context *like)
{
    clq_context *context = NULL;
    ACCEPTED(clq_context_create(like == check_reference() ? "reference" : check_device_spec(), &context, e));
    return context;
}

/* Weights keep their context alive when its handle and all its buffers are gone. */
static void destroy_context_before_weights(full_gemm *g)
{
    clq_context *context = another_context(g->context);
    clq_gemm_weights *weights = NULL;
    uint64_t bytes;
    full_gemm own;
    full_gemm_begin(&own, context, g->is_real);
    ACCEPTED(full_gemm_pack(&own, &weights, e));
    bytes = clq_gemm_weights_bytes(weights);
    own.o.weights = weights;
    clq_context_destroy(&context);
    ACCEPTED(clq_gemm(own.context, &own.problem, &own.o, e));
    full_gemm_end(&own);
    assert_true(clq_gemm_weights_bytes(weights) == bytes);
    clq_gemm_weights_destroy(&weights);
    context = another_context(g->context);
    full_gemm_begin(&own, context, g->is_real);
    ACCEPTED(full_gemm_pack(&own, &weights, e));
    full_gemm_end(&own);
    clq_gemm_weights_destroy(&weights);
    clq_context_destroy(&context);
}

static void weights_and_context(void **state)
{
    (void)state;
    full_gemm_for_all(destroy_context_before_weights);
}

/* ---- as bytes ---- */

static clq_status import_bytes(full_gemm *g, clq_context *context, const void *bytes, uint64_t count, uint64_t offset,
                               clq_error *error)
{
    clq_buffer *buffer = NULL;
    clq_operand exported = {NULL, offset};
    clq_gemm_weights *weights = (void *)g; /* not NULL: import has to say that there are none */
    clq_status status;
    ACCEPTED(clq_buffer_create(context, count, &buffer, e));
    ACCEPTED(clq_buffer_write(buffer, 0, bytes, count, e));
    exported.buffer = buffer;
    status = clq_gemm_weights_import(context, &g->problem, exported, &weights, error);
    assert_int_equal(weights != NULL, status == CLQ_OK);
    clq_gemm_weights_destroy(&weights);
    clq_buffer_destroy(&buffer);
    return status;
}

#define REFUSED_BYTES(part) REFUSED(CLQ_INVALID_ARGUMENT, part, import_bytes(g, g->context, bytes, count, 0, e))

/* Every byte of the header counts: whatever is changed, nothing is imported. */
static void refuse_exported(full_gemm *g)
{
    const clq_gemm_problem good = g->problem;
    clq_gemm_weights *weights = NULL;
    unsigned char *bytes;
    uint64_t count;
    ACCEPTED(full_gemm_pack(g, &weights, e));
    count = clq_gemm_weights_export_bytes(weights);
    assert_true(count == CLQ_GEMM_WEIGHTS_ALIGNMENT + clq_gemm_weights_bytes(weights));
    bytes = malloc((size_t)count + CLQ_GEMM_WEIGHTS_ALIGNMENT);
    assert_non_null(bytes);
    REFUSED(CLQ_INVALID_ARGUMENT, "memory has 7 bytes", clq_gemm_weights_export(weights, bytes, 7, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_gemm_weights_export(weights, NULL, count, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_gemm_weights_export(NULL, bytes, count, e));
    ACCEPTED(clq_gemm_weights_export(weights, bytes, count, e));
    clq_gemm_weights_destroy(&weights);
    ACCEPTED(import_bytes(g, g->context, bytes, count, 0, e));
    for (uint64_t i = 0; i < CLQ_GEMM_WEIGHTS_ALIGNMENT; i++) {
        bytes[i] ^= 1;
        REFUSED_BYTES("clq_gemm_weights_import");
        bytes[i] ^= 1;
    }
    bytes[8] = 3;
    REFUSED_BYTES("version 3, this library reads 1 to 2");
    bytes[8] = 0;
    REFUSED_BYTES("version 0, this library reads 1 to 2");
    bytes[8] = 2;
    bytes[16] ^= 1;
    REFUSED_BYTES("the first 64 bytes of the weights are damaged");
    bytes[16] ^= 1;
    g->problem.n = 3;
    g->problem.b.leading_dimension = 0;
    REFUSED_BYTES("the weights are 2 of 5 x 4, B is 2 of 5 x 3");
    g->problem = good;
    g->problem.m = 0;
    REFUSED_BYTES("m");
    g->problem = good;
    count--;
    REFUSED_BYTES("the buffer has");
    count = 63;
    REFUSED_BYTES("exported weights have 64 bytes and more, the buffer has 63 from offset 0");
    count = CLQ_GEMM_WEIGHTS_ALIGNMENT;
    REFUSED_BYTES("the buffer has 64 from offset 0");
    REFUSED(CLQ_INVALID_ARGUMENT, "begin at byte 4 of their memory, a multiple of 64 is required",
            import_bytes(g, g->context, bytes, count + 64, 4, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "the buffer has 64 from offset 65", import_bytes(g, g->context, bytes, count, 65, e));
    free(bytes);
}

static void exported_bytes(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_exported);
}

/* B of a product as it is exported, in memory of the caller's. */
static unsigned char *exported_of(full_gemm *g, uint64_t *count)
{
    clq_gemm_weights *weights = NULL;
    unsigned char *bytes;
    ACCEPTED(full_gemm_pack(g, &weights, e));
    *count = clq_gemm_weights_export_bytes(weights);
    bytes = check_allocate(*count);
    ACCEPTED(clq_gemm_weights_export(weights, bytes, *count, e));
    clq_gemm_weights_destroy(&weights);
    return bytes;
}

/* Version 1 had codes of 4 bits as codes of 8. */
static void refuse_older(full_gemm *g)
{
    static const clq_dtype types[] = {CLQ_S8, CLQ_S4};
    const clq_dtype own = g->problem.b.dtype;
    for (size_t i = 0; i < 2; i++) {
        unsigned char *bytes;
        uint64_t count;
        uint64_t hash;
        g->problem.b.dtype = types[i];
        bytes = exported_of(g, &count);
        bytes[8] = 1;
        hash = (uint64_t)XXH3_64bits(bytes, CLQ_GEMM_WEIGHTS_ALIGNMENT - sizeof hash);
        memcpy(bytes + CLQ_GEMM_WEIGHTS_ALIGNMENT - sizeof hash, &hash, sizeof hash);
        if (types[i] == CLQ_S8) {
            ACCEPTED(import_bytes(g, g->context, bytes, count, 0, e));
        } else {
            REFUSED_BYTES("have version 1, in which codes of 4 bits lie otherwise: pack B again");
        }
        free(bytes);
    }
    g->problem.b.dtype = own;
}

static void older_versions(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_older);
}

/* Whether they are the reference's: the host's too, of a device that cannot pack them. */
static int are_rows(full_gemm *g)
{
    clq_gemm_weights *weights = NULL;
    int are;
    ACCEPTED(full_gemm_pack(g, &weights, e));
    are = weights->form == CLQ_GEMM_FORM_ROWS;
    clq_gemm_weights_destroy(&weights);
    return are;
}

/* What one executor packed, another one refuses, or multiplies where both have one form. */
static void refuse_another_form(full_gemm *g)
{
    clq_context *reference = check_reference();
    uint64_t count;
    unsigned char *bytes = exported_of(g, &count);
    if (are_rows(g)) {
        ACCEPTED(import_bytes(g, reference, bytes, count, 0, e));
    } else {
        REFUSED(CLQ_UNSUPPORTED, "multiplies rows: pack B there", import_bytes(g, reference, bytes, count, 0, e));
    }
    free(bytes);
}

static void other_forms(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_another_form);
}

/* Memory that was wrapped may begin anywhere; devices move what they must. */
static void refuse_within_a_word(full_gemm *g)
{
    static unsigned char memory[256 + 1];
    clq_buffer *buffer = NULL;
    clq_gemm_weights *weights = NULL;
    if (g->context == check_reference()) {
        const unsigned char *aligned = memory + (4 - (uintptr_t)memory % 4) % 4;
        clq_operand exported = {NULL, 0};
        ACCEPTED(clq_buffer_wrap(g->context, (unsigned char *)(uintptr_t)aligned + 1, 200, &buffer, e));
        exported.buffer = buffer;
        REFUSED(CLQ_INVALID_ARGUMENT, "begins within a word",
                clq_gemm_weights_import(g->context, &g->problem, exported, &weights, e));
        clq_buffer_destroy(&buffer);
    }
}

/* C may not lie in the weights, where these were not copied for the host, nor the weights in what is of another
 * context. */
static void refuse_output_in_weights(full_gemm *g)
{
    const int are_copied = g->context != check_reference() && are_rows(g);
    clq_gemm_weights *weights = NULL;
    exported_weights kept;
    const clq_operand c = g->o.c;
    clq_operand exported;
    ACCEPTED(full_gemm_pack(g, &weights, e));
    ACCEPTED(exported_weights_exchange(g->context, &g->problem, EXPORTED_IN_BUFFER, &weights, &kept, e));
    g->o.weights = weights;
    ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
    g->o.c.buffer = kept.buffer; /* whose packed bytes begin at 256 */
    g->o.c.offset = g->is_real ? 200 / sizeof(float) : 240;
    if (are_copied) {
        ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
    } else {
        REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_gemm(g->context, &g->problem, &g->o, e));
    }
    if (clq_gemm_weights_bytes(weights) > 1024) { /* in panels, whose end is far behind what B had */
        const uint64_t c_bytes = (17 + 2 * 5 + 4) * (g->is_real ? sizeof(float) : 1);
        g->o.c.offset = (clq_buffer_bytes(kept.buffer) - c_bytes) / (g->is_real ? sizeof(float) : 1);
        REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_gemm(g->context, &g->problem, &g->o, e));
    }
    g->o.c = c;
    g->o.weights = NULL;
    clq_gemm_weights_destroy(&weights);
    exported.buffer = g->foreign.buffer;
    exported.offset = 0;
    REFUSED(CLQ_INVALID_ARGUMENT, "another context",
            clq_gemm_weights_import(g->context, &g->problem, exported, &weights, e));
    exported.buffer = NULL;
    REFUSED(CLQ_INVALID_ARGUMENT, "exported", clq_gemm_weights_import(g->context, &g->problem, exported, &weights, e));
    ACCEPTED(clq_finish(g->context, e));
    exported_weights_release(&kept);
    refuse_within_a_word(g);
}

static void output_in_weights(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_output_in_weights);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(packed_weights),      cmocka_unit_test(weights_in_groups), cmocka_unit_test(weights_in_use),
    cmocka_unit_test(weights_and_context), cmocka_unit_test(exported_bytes),    cmocka_unit_test(other_forms),
    cmocka_unit_test(output_in_weights),   cmocka_unit_test(older_versions),
};

CHECK_MAIN("gemm_weights", tests)
