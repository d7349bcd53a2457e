/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the host serves in a device's place, as plans and refusals on the caller's queue tell it: kernels with other
 * bytes, no room to compare them in, loops that are ended, by this table of tuned values or that one. Weights that the
 * host packed keep the cause of their own. (What is late is in test_patience.c, whose compiler stands still.)
 */
#include <stdio.h>
#include <string.h>

#include "batch_case.h"
#include "opencl/choice/variant.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ELEMENTS = 64, SIDE = 8, BYTES = 4 * ELEMENTS, FEW_ROUNDS = 2, FEW_BYTES = 4096 };

static const char differs[] = "no kernel of the device gives the reference's bytes";
static const char no_room[] = "no buffer holds what that takes";
static const char ended[] = "the device ends loops of a work-item early";
static const char ragged[] = "groups along K are no multiple of 4";

/* ---- a program of the caller's ---- */

typedef struct program {
    own_opencl own;
    clq_launch launch;
    clq_quantization q;
    clq_operands minmax;
    clq_gemm_problem problem;
    clq_gemm_operands product;
} program;

static void begin(program *p)
{
    memset(p, 0, sizeof *p);
    own_opencl_begin(&p->own, 0, 64);
    p->launch.struct_size = sizeof p->launch;
    p->launch.queue = p->own.queue;
    clq_quantization_init(&p->q);
    p->q.layout.rank = 1;
    p->q.layout.shape[0] = ELEMENTS;
    p->minmax.struct_size = sizeof p->minmax;
    p->minmax.x = own_opencl_zeros(p->own.clquant, BYTES);
    p->minmax.range = own_opencl_zeros(p->own.clquant, BYTES);
    p->minmax.nonfinite = own_opencl_zeros(p->own.clquant, BYTES);
    clq_gemm_init(&p->problem);
    p->problem.m = p->problem.n = p->problem.k = SIDE;
    p->product.struct_size = sizeof p->product;
    p->product.a = p->product.b = p->minmax.x;
    p->product.c = p->minmax.range;
}

static void end(program *p)
{
    clq_buffer_destroy(&p->minmax.x.buffer);
    clq_buffer_destroy(&p->minmax.range.buffer);
    clq_buffer_destroy(&p->minmax.nonfinite.buffer);
    own_opencl_end(&p->own);
}

/* Of all kernels by the present table, and how far loops go. */
static void set_all(const program *p, clq_verdict verdict, uint64_t most_rounds)
{
    struct clq_cl_state *cl = p->own.clquant->cl;
    const size_t first = clq_cl_tuning_of(p->own.clquant)->program_set * clq_cl_verdict_count();
    for (size_t i = 0; i < clq_cl_verdict_count(); i++) {
        clq_verdict_tell(&cl->verdicts, first + i, verdict);
    }
    atomic_store(&cl->most_rounds, most_rounds);
}

/* Later calls go by a table whose programs are others, of which nothing is known; or by that of an untuned device. */
static void tune(program *p, int is_tuned)
{
    clq_tuned_value table[CLQ_TUNE_COUNT];
    ACCEPTED(clq_tuning_untuned(p->own.clquant, table, e));
    if (is_tuned) {
        const clq_tuned_value lanes = {table[CLQ_TUNE_GEMM_LANES].value == 4 ? 8 : 4, 1};
        const clq_tuned_value minmax = {table[CLQ_TUNE_MINMAX_LANES].value == 4 ? 8 : 4, 1};
        table[CLQ_TUNE_GEMM_LANES] = lanes;
        table[CLQ_TUNE_MINMAX_LANES] = minmax;
    }
    ACCEPTED(clq_tuning_use(p->own.clquant, table, e));
}

/* ---- what is told ---- */

static clq_gemm_batch *batch_of_one(const program *p, const clq_gemm_operands *o)
{
    clq_gemm_batch_item item;
    clq_gemm_batch *batch = NULL;
    memset(&item, 0, sizeof item);
    item.problem = &p->problem;
    item.operands = *o;
    ACCEPTED(clq_gemm_batch_create(p->own.clquant, &item, 1, &batch, e));
    return batch;
}

/* The plan and the refusal of a product with these weights, alone, forced and in a batch; the host multiplies. */
static void check_weights(program *p, clq_gemm_weights *weights, clq_status status, const char *why)
{
    clq_gemm_operands o = p->product;
    clq_gemm_batch *batch;
    clq_plan plan;
    o.weights = weights;
    REFUSED(status, why, clq_enqueue_gemm(p->own.clquant, &p->problem, &o, &p->launch, e));
    ACCEPTED(clq_gemm(p->own.clquant, &p->problem, &o, e));
    batch = batch_of_one(p, &o);
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    assert_int_equal(plan.by_host, 1);
    assert_string_equal(plan.variant, "host");
    REFUSED(status, why, clq_enqueue_gemm_batch(batch, &p->launch, e));
    ACCEPTED(clq_gemm_batch_run(batch, e));
    clq_gemm_batch_destroy(&batch);
    ACCEPTED(clq_context_force_variant(p->own.clquant, "cpu", e));
    REFUSED(status, why, clq_gemm(p->own.clquant, &p->problem, &o, e));
    ACCEPTED(clq_context_force_variant(p->own.clquant, NULL, e));
}

static clq_gemm_weights *pack(const program *p)
{
    clq_gemm_weights *weights = NULL;
    ACCEPTED(clq_gemm_weights_create(p->own.clquant, &p->problem, p->product.b, p->product.b, &weights, e));
    return weights;
}

static void check_tensor(program *p, clq_status status, const char *why)
{
    static const char on_own_queue[] = "the host would serve the call on the context's own queue";
    clq_batch_item item;
    clq_batch *batch = NULL;
    clq_plan plan;
    memset(&item, 0, sizeof item);
    item.q = &p->q;
    item.operands = p->minmax;
    REFUSED(status, on_own_queue, clq_enqueue(p->own.clquant, CLQ_OP_MINMAX, &p->q, &p->minmax, &p->launch, e));
    ACCEPTED(clq_plan_operation(p->own.clquant, CLQ_OP_MINMAX, &p->q, &plan, e));
    assert_string_equal(plan.variant, "host");
    assert_int_equal(plan.by_host, 1);
    assert_non_null(strstr(plan.reason, why));
    ACCEPTED(clq_batch_create(p->own.clquant, CLQ_OP_MINMAX, &item, 1, &batch, e));
    REFUSED(status, why, clq_enqueue_batch(batch, &p->launch, e));
    ACCEPTED(clq_batch_run(batch, e));
    ACCEPTED(clq_batch_plan(batch, &plan, e));
    assert_string_equal(plan.variant, "host");
    assert_non_null(strstr(plan.reason, why));
    clq_batch_destroy(&batch);
    REFUSED(status, on_own_queue, clq_enqueue_gemm(p->own.clquant, &p->problem, &p->product, &p->launch, e));
    ACCEPTED(clq_gemm_plan(p->own.clquant, &p->problem, 0, &plan, e));
    assert_int_equal(plan.by_host, 1);
    assert_non_null(strstr(plan.reason, why));
}

/* ---- the tests ---- */

static const struct {
    clq_verdict verdict;
    uint64_t most_rounds;
    clq_status status;
    const char *why;
} causes[] = {{CLQ_VERDICT_DIFFERS, UINT64_MAX, CLQ_MISMATCH, differs},
              {CLQ_VERDICT_UNBUILT, UINT64_MAX, CLQ_MISMATCH, differs},
              {CLQ_VERDICT_NO_ROOM, UINT64_MAX, CLQ_UNSUPPORTED, no_room},
              {CLQ_VERDICT_TRUSTED, FEW_ROUNDS, CLQ_UNSUPPORTED, ended}};

enum { CAUSES = sizeof causes / sizeof causes[0] };

static void each_call_tells_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * CAUSES && check_device() != NULL; i++) { /* and all by a tuned table */
        const size_t cause = i % CAUSES;
        clq_gemm_weights *weights;
        program p;
        begin(&p);
        tune(&p, i >= CAUSES);
        set_all(&p, causes[cause].verdict, causes[cause].most_rounds);
        check_tensor(&p, causes[cause].status, causes[cause].why);
        weights = pack(&p);
        check_weights(&p, weights, causes[cause].status, causes[cause].why);
        clq_gemm_weights_destroy(&weights);
        end(&p);
    }
    check_needs_device();
}

/* What the host packed stays its own, each for the cause of its time, whatever became of kernels and tables since. */
static void weights_keep_their_causes(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_gemm_weights *weights[2 * CAUSES];
        program p;
        begin(&p);
        for (size_t i = 0; i < 2 * CAUSES; i++) {
            tune(&p, i >= CAUSES);
            set_all(&p, causes[i % CAUSES].verdict, causes[i % CAUSES].most_rounds);
            weights[i] = pack(&p);
        }
        for (int is_tuned = 0; is_tuned < 2; is_tuned++) {
            tune(&p, is_tuned);
            set_all(&p, CLQ_VERDICT_TRUSTED, UINT64_MAX);
            for (size_t i = 0; i < 2 * CAUSES; i++) {
                check_weights(&p, weights[i], causes[i % CAUSES].status, causes[i % CAUSES].why);
            }
        }
        for (size_t i = 0; i < 2 * CAUSES; i++) {
            clq_gemm_weights_destroy(&weights[i]);
        }
        end(&p);
    }
    check_needs_device();
}

/* No kernel takes groups of 6: nothing is tried for them, and that is the cause beside any other. */
static void ragged_groups_are_told(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_gemm_weights *weights;
        program p;
        begin(&p);
        set_all(&p, CLQ_VERDICT_DIFFERS, UINT64_MAX);
        p.problem.k = 12;
        p.problem.n = 4;
        p.problem.k_group = 6;
        p.problem.c.dtype = CLQ_F32;
        p.product.b_scale = p.minmax.nonfinite;
        p.problem.b_scale = CLQ_GEMM_PER_GROUP;
        weights = pack(&p);
        check_weights(&p, weights, CLQ_UNSUPPORTED, ragged);
        REFUSED(CLQ_UNSUPPORTED, ragged, clq_enqueue_gemm(p.own.clquant, &p.problem, &p.product, &p.launch, e));
        clq_gemm_weights_destroy(&weights);
        end(&p);
    }
    check_needs_device();
}

/* The bytes that `text` names behind `what`. */
static uint64_t bytes_behind(const char *text, const char *what)
{
    unsigned long long bytes = 0;
    const char *at = strstr(text, what);
    if (at == NULL || sscanf(at + strlen(what), "%llu", &bytes) != 1) {
        fail_msg("'%s' does not say '%s' and a number", text, what);
    }
    return bytes;
}

/* Where packing cannot be tried, refusals of weights name the bytes of the buffer that it takes, and the largest. */
static void small_buffers_are_named(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        unsigned char bytes[BYTES] = {0};
        clq_gemm_weights *imported = NULL;
        clq_gemm_weights *weights;
        clq_gemm_operands o;
        clq_operand exported;
        clq_error error;
        program p;
        begin(&p);
        exported = own_opencl_zeros(p.own.clquant, BYTES);
        p.own.clquant->device.maximum_allocation_bytes = FEW_BYTES;
        weights = pack(&p);
        o = p.product;
        o.weights = weights;
        refusal_check(clq_enqueue_gemm(p.own.clquant, &p.problem, &o, &p.launch, &error), CLQ_UNSUPPORTED, &error,
                      no_room, __FILE__, __LINE__);
        assert_true(bytes_behind(error.message, "one of ") > FEW_BYTES);
        assert_int_equal(bytes_behind(error.message, "the largest has "), FEW_BYTES);
        check_weights(&p, weights, CLQ_UNSUPPORTED, "bytes is required, the largest has 4096");
        /* Those that are imported are another kind, with the cause of their own. */
        ACCEPTED(clq_gemm_weights_export(weights, bytes, clq_gemm_weights_export_bytes(weights), e));
        ACCEPTED(clq_buffer_write(exported.buffer, 0, bytes, sizeof bytes, e));
        set_all(&p, CLQ_VERDICT_DIFFERS, UINT64_MAX);
        ACCEPTED(clq_gemm_weights_import(p.own.clquant, &p.problem, exported, &imported, e));
        check_weights(&p, imported, CLQ_MISMATCH, differs);
        check_weights(&p, weights, CLQ_UNSUPPORTED, "bytes is required, the largest has 4096");
        clq_gemm_weights_destroy(&imported);
        clq_gemm_weights_destroy(&weights);
        clq_buffer_destroy(&exported.buffer);
        end(&p);
    }
    check_needs_device();
}

static clq_status minmax(const program *p, clq_error *error)
{
    return clq_minmax(p->own.clquant, &p->q, p->minmax.x, p->minmax.range, p->minmax.nonfinite, error);
}

/* A product of unpacked B, which is packed into scratch memory, where no buffer holds as much, and where one does. */
static void check_product_without_scratch(program *p, const char *why)
{
    clq_context *context = p->own.clquant;
    clq_gemm_batch *batch;
    clq_plan plan;
    context->device.maximum_allocation_bytes = 64;
    batch = batch_of_one(p, &p->product);
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    assert_string_equal(plan.variant, "host");
    REFUSED(CLQ_UNSUPPORTED, why, clq_enqueue_gemm_batch(batch, &p->launch, e));
    ACCEPTED(clq_gemm_batch_run(batch, e));
    clq_gemm_batch_destroy(&batch);
    ACCEPTED(clq_gemm_plan(context, &p->problem, 0, &plan, e));
    assert_string_equal(plan.variant, "host");
    assert_int_equal(plan.workspace_bytes, 0);
    ACCEPTED(clq_gemm_prepare(context, &p->problem, SIDE, SIDE, e));
    ACCEPTED(clq_gemm(context, &p->problem, &p->product, e));
    REFUSED(CLQ_UNSUPPORTED, why, clq_enqueue_gemm(context, &p->problem, &p->product, &p->launch, e));
    ACCEPTED(clq_context_force_variant(context, "gemv", e));
    REFUSED(CLQ_UNSUPPORTED, why, clq_gemm(context, &p->problem, &p->product, e));
    REFUSED(CLQ_UNSUPPORTED, why, clq_gemm_plan(context, &p->problem, 0, &plan, e));
    context->device.maximum_allocation_bytes = FEW_BYTES;
    ACCEPTED(clq_gemm(context, &p->problem, &p->product, e));
    ACCEPTED(clq_gemm_plan(context, &p->problem, 0, &plan, e));
    assert_string_equal(plan.variant, "gemv");
    ACCEPTED(clq_context_force_variant(context, NULL, e));
}

/* Kernels whose scratch memory no buffer holds: the host serves, or what is forced is refused; nothing is left out. */
static void scratch_memory_has_no_buffer(void **state)
{
    static const char none[] = "no buffer holds the scratch memory of its kernels, one of ";
    (void)state;
    if (check_device() != NULL) {
        float range[2] = {1.0f, 1.0f};
        clq_plan plan;
        program p;
        begin(&p);
        set_all(&p, CLQ_VERDICT_TRUSTED, UINT64_MAX);
        p.own.clquant->device.maximum_allocation_bytes = 8;
        ACCEPTED(clq_plan_operation(p.own.clquant, CLQ_OP_MINMAX, &p.q, &plan, e));
        assert_string_equal(plan.variant, "host");
        assert_int_equal(plan.workspace_bytes, 0);
        ACCEPTED(minmax(&p, e));
        ACCEPTED(clq_buffer_read(p.minmax.range.buffer, 0, range, sizeof range, e));
        assert_true(range[0] == 0.0f && range[1] == 0.0f);
        REFUSED(CLQ_UNSUPPORTED, none, clq_enqueue(p.own.clquant, CLQ_OP_MINMAX, &p.q, &p.minmax, &p.launch, e));
        ACCEPTED(clq_context_force_variant(p.own.clquant, "grid", e));
        REFUSED(CLQ_UNSUPPORTED, none, minmax(&p, e));
        REFUSED(CLQ_UNSUPPORTED, none, clq_plan_operation(p.own.clquant, CLQ_OP_MINMAX, &p.q, &plan, e));
        p.own.clquant->device.maximum_allocation_bytes = FEW_BYTES;
        ACCEPTED(minmax(&p, e));
        ACCEPTED(clq_context_force_variant(p.own.clquant, NULL, e));
        check_product_without_scratch(&p, none);
        end(&p);
    }
    check_needs_device();
}

/* A tuned table whose kernels are set aside is the host's, and the untuned one the device's as before. */
static void a_table_is_the_hosts(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_plan plan;
        program p;
        begin(&p);
        for (size_t i = 0; i < CAUSES; i++) {
            size_t aside = 0;
            tune(&p, 0);
            set_all(&p, CLQ_VERDICT_TRUSTED, UINT64_MAX);
            tune(&p, 1);
            set_all(&p, causes[i].verdict, causes[i].most_rounds);
            ACCEPTED(clq_tuning_set_aside(p.own.clquant, &aside, e));
            assert_int_equal(aside, causes[i].verdict == CLQ_VERDICT_TRUSTED ? 0 : clq_cl_verdict_count());
            check_tensor(&p, causes[i].status, causes[i].why);
            tune(&p, 0);
            atomic_store(&p.own.clquant->cl->most_rounds, UINT64_MAX);
            ACCEPTED(clq_plan_operation(p.own.clquant, CLQ_OP_MINMAX, &p.q, &plan, e));
            assert_int_equal(plan.by_host, 0);
            ACCEPTED(clq_gemm_plan(p.own.clquant, &p.problem, 0, &plan, e));
            assert_int_equal(plan.by_host, 0);
        }
        end(&p);
    }
    check_needs_device();
}

/* Histograms of tensors whose loops are short: a batch of them is made before the context learns where the device ends
 * loops, by which they would be cut finer, and needs more scratch memory. */
static void a_batch_goes_on_as_it_began(void **state)
{
    enum { TENSORS = 3, FEW = 9000 };
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        batch_case b;
        batch_place place;
        batch_result want, got;
        clq_batch *batch = NULL;
        clq_plan before, after;
        program p;
        begin(&p);
        set_all(&p, CLQ_VERDICT_TRUSTED, CLQ_CL_ROUNDS_UNKNOWN);
        batch_case_init(&b, "a limit that is learnt", CLQ_OP_HISTOGRAM, TENSORS);
        for (size_t i = 0; i < TENSORS; i++) {
            b.cases[i].q.layout.rank = 1;
            b.cases[i].q.layout.shape[0] = FEW + 7 * i;
        }
        batch_case_fill(&b);
        batch_place_begin(&place, check_reference(), &b);
        batch_place_run_each(&place, &b);
        batch_place_read(&place, &b, &want);
        batch_place_end(&place, &b);
        batch_place_begin(&place, p.own.clquant, &b);
        ACCEPTED(clq_batch_create(p.own.clquant, CLQ_OP_HISTOGRAM, place.items, TENSORS, &batch, e));
        ACCEPTED(clq_batch_plan(batch, &before, e));
        atomic_store(&p.own.clquant->cl->most_rounds, 65535);
        ACCEPTED(clq_batch_plan(batch, &after, e));
        assert_int_equal(after.workspace_bytes, before.workspace_bytes);
        ACCEPTED(clq_batch_run(batch, e));
        batch_place_read(&place, &b, &got);
        clq_batch_destroy(&batch);
        batch_place_end(&place, &b);
        batch_same(&b, b.name, &want, &got);
        batch_result_free(&want);
        batch_result_free(&got);
        batch_case_free(&b);
        end(&p);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_batch_goes_on_as_it_began),  cmocka_unit_test(each_call_tells_why),
    cmocka_unit_test(weights_keep_their_causes),    cmocka_unit_test(ragged_groups_are_told),
    cmocka_unit_test(small_buffers_are_named),      cmocka_unit_test(a_table_is_the_hosts),
    cmocka_unit_test(scratch_memory_has_no_buffer),
};

CHECK_MAIN("host_causes", tests)
