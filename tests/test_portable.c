/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel in every variant on small tensors: quick enough for an interpreter. scripts/test-oclgrind.sh runs it
 * under oclgrind, which sees data races, unset values and accesses outside a buffer.
 */
#include "check.h"

#include "batch_case.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "strided_case.h"

static void every_operation(void **state)
{
    static const clq_operation operations[] = {CLQ_OP_MINMAX,          CLQ_OP_QUANTIZE,    CLQ_OP_DEQUANTIZE,
                                               CLQ_OP_FAKE_QUANTIZE,   CLQ_OP_MERGE_RANGE, CLQ_OP_HISTOGRAM,
                                               CLQ_OP_DYNAMIC_QUANTIZE};
    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        for (unsigned turn = 0; turn < 6; turn++) {
            check_case c;
            check_case_init(&c, "portable", operations[i]);
            c.q.layout = inputs_layout_small();
            c.q.real = inputs_real_types[turn % INPUTS_REALS];
            inputs_scheme(&c.q.scheme, inputs_code_types[turn % INPUTS_CODES], turn % INPUTS_OPTIONS);
            inputs_check(&c, inputs_parameters_kind_of_turn(turn), inputs_kind_of_turn(turn));
        }
    }
    check_needs_device();
}

static void channels_inside(void **state)
{
    (void)state;
    for (unsigned turn = 0; turn < 6; turn++) {
        static const clq_operation operations[] = {CLQ_OP_DYNAMIC_QUANTIZE, CLQ_OP_DEQUANTIZE, CLQ_OP_HISTOGRAM};
        check_case c;
        check_case_init(&c, "columns", operations[turn % 3]);
        c.q.layout.rank = 2;
        c.q.layout.shape[0] = 37;
        c.q.layout.shape[1] = turn < 3 ? 3 : 16;
        c.q.layout.granularity = CLQ_PER_CHANNEL;
        c.q.layout.axis = 1;
        inputs_scheme(&c.q.scheme, turn < 3 ? CLQ_S8 : CLQ_U4, turn);
        inputs_check(&c, INPUTS_PLAIN, INPUTS_NORMAL);
    }
    check_needs_device();
}

/* Of those that every device of OpenCL takes: rows apart, blocks of channels, bands, elements apart. test_strides has
 * native, which gives some to the reference. */
static void strided_tensors(void **state)
{
    (void)state;
    for (unsigned operation = 0; operation < CLQ_OP_COUNT && !check_device_is_native(); operation++) {
        for (unsigned turn = 0; turn < STRIDED_SMALL && strided_takes((clq_operation)operation); turn++) {
            const clq_dtype codes = inputs_code_types[(turn + operation) % INPUTS_CODES];
            check_case c;
            check_case_init(&c, "strided", (clq_operation)operation);
            c.q.real = inputs_real_types[(turn + operation) % INPUTS_REALS];
            c.in_place = operation == CLQ_OP_FAKE_QUANTIZE && turn % 2 == 1;
            strided_small(&c.q, codes, turn);
            inputs_scheme(&c.q.scheme, codes, turn % INPUTS_OPTIONS);
            inputs_check(&c, inputs_parameters_kind_of_turn(turn), inputs_kind_of_turn(turn));
        }
    }
    check_needs_device();
}

/* Layouts of every kind, some in one run and one in several; once each, since an interpreter takes 10 s for a run of
 * all, and test_batch has the second. */
static void batches(void **state)
{
    (void)state;
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        batch_case b;
        batch_case_init(&b, "portable", (clq_operation)operation, 7);
        b.runs = 1;
        for (size_t i = 0; i < b.count; i++) {
            clq_quantization *q = &b.cases[i].q;
            q->layout = i == 0 ? inputs_layout_flat(1100) : inputs_layout_small();
            if (i > 4) {
                q->layout = inputs_layout_flat(0);
                q->layout.rank = 2;
                q->layout.shape[0] = 20;
                q->layout.shape[1] = 3;
                q->layout.granularity = CLQ_PER_CHANNEL;
                q->layout.axis = 1;
            }
            q->real = i == 3 ? CLQ_BF16 : CLQ_F32;
            inputs_scheme(&q->scheme, i < 3 ? CLQ_S8 : CLQ_U4, (unsigned)i);
        }
        batch_case_check_fully(&b);
    }
    check_needs_device();
}

static void matrix_products(void **state)
{
    (void)state;
    for (unsigned turn = 0; turn < 12; turn++) {
        check_gemm c;
        inputs_gemm_problem(&c, "portable", 20);
        inputs_gemm_check(&c, (inputs_gemm_codes)(turn % INPUTS_GEMM_CODES), INPUTS_GEMM_ANY);
    }
    check_needs_device();
}

/* Of few and many rows, with groups whole and short, and 4-bit codes. */
static void products_in_groups(void **state)
{
    static const uint64_t shapes[][4] = {{5, 19, 40, 16}, {2, 9, 22, 8}, {17, 33, 20, 12}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "portable", shapes[i][0], shapes[i][1], shapes[i][2]);
        inputs_gemm_layout(&c);
        inputs_gemm_groups(&c, shapes[i][3]);
        c.problem.b.dtype = i == 0 ? CLQ_S4 : i == 1 ? CLQ_U4 : CLQ_U8;
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_operation), cmocka_unit_test(channels_inside), cmocka_unit_test(strided_tensors),
    cmocka_unit_test(batches),         cmocka_unit_test(matrix_products), cmocka_unit_test(products_in_groups),
};

CHECK_MAIN("portable", tests)
