/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels of the matrix product that give other bytes than the reference when they are compared with it, or that the
 * device's compiler refuses: they are set aside with one warning, and another variant gives the right bytes.
 */
#include <limits.h>
#include <string.h>

#include "failing_opencl.h"
#include "fallible_product.h"
#include "inputs_gemm.h"
#include "opencl/choice/variant.h"
#include "refusal.h"
#include "scratch.h"

enum fault { WRONG_BYTES, REFUSED_BUILD, FAULTS };

/* Of two cases packed B and the sums of A's rows, and of the second, whose codes have 4 bits, panels of 8-bit ones. */
enum { READS_OF_CASES = 5 };

/* With the next one, which is right: what does not build is compared no more. */
static const int comparisons[FAULTS] = {2, 1};

static const char *const complaints[FAULTS] = {"differ from the reference", "does not build"};

static const char *file_of(const char *variant)
{
    static const struct {
        const char *variant, *file;
    } rows[] = {
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract) {variant, file},
#include "../kernels/kernels.def"
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].variant, variant) == 0) {
            return rows[i].file;
        }
    }
    fail_msg("there is no variant %s", variant);
    return NULL;
}

/* The next kernel that is compared gives wrong bytes, or `variant` (NULL: any file) does not build. */
static void spoil(enum fault fault, int count, const char *variant)
{
    failing_opencl_corrupt_reads(fault == WRONG_BYTES ? count : 0);
    failing_opencl_break_builds(fault == REFUSED_BUILD ? count : 0, variant != NULL ? file_of(variant) : NULL);
}

/* As if what all variants share had been tried. */
static void trust_parts(const fallible_product *p, int count)
{
    for (int part = 0; part < count; part++) {
        const size_t entry = clq_cl_gemm_part_verdict_entry(clq_cl_tuning_of(p->context), (clq_gemm_part)part);
        clq_verdict_tell(&p->context->cl->verdicts, entry, CLQ_VERDICT_TRUSTED);
    }
}

/* Packing settles the variant that runs by itself. */
static void trust_packing(fallible_product *p)
{
    const clq_gemm_problem problem = fallible_problem();
    const clq_operand a = {p->buffers[FALLIBLE_A], 0};
    const clq_operand sums = {p->buffers[FALLIBLE_SUMS], 0};
    ACCEPTED(clq_gemm_row_sums(p->context, &problem, a, sums, e));
}

static void spoil_no_more(void)
{
    failing_opencl_corrupt_reads(0);
    failing_opencl_break_builds(0, NULL);
}

static void plan_product(const fallible_product *p, clq_plan *plan)
{
    const clq_gemm_problem problem = fallible_problem();
    ACCEPTED(clq_gemm_plan(p->context, &problem, 1, plan, e));
}

static const char *kernel_of(const char *variant)
{
    static const struct {
        const char *variant, *kernel;
    } rows[] = {
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract) {variant, kernel},
#include "../kernels/kernels.def"
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].variant, variant) == 0) {
            return rows[i].kernel;
        }
    }
    fail_msg("there is no variant %s", variant);
    return NULL;
}

static void check_warning(const fallible_product *p, enum fault fault, const char *variant)
{
    assert_int_equal(p->log.warnings, 1);
    if (strstr(p->log.warning, complaints[fault]) == NULL || strstr(p->log.warning, "set aside") == NULL ||
        strstr(p->log.warning, kernel_of(variant)) == NULL) {
        fail_msg("%s: the warning is '%s'", variant, p->log.warning);
    }
}

static void next_variant_takes_over(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULTS && check_device() != NULL; fault++) {
        fallible_product p;
        fallible_results results;
        clq_plan first;
        clq_plan second;
        ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
        trust_parts(&p, CLQ_GEMM_PARTS);
        plan_product(&p, &first);
        spoil((enum fault)fault, 1, first.variant);
        ACCEPTED(fallible_product_run(&p, &results, e));
        spoil_no_more();
        fallible_results_check(&results);
        check_warning(&p, (enum fault)fault, first.variant);
        plan_product(&p, &second);
        assert_string_not_equal(first.variant, second.variant);
        assert_int_equal(p.log.comparisons, comparisons[fault]);
        ACCEPTED(fallible_product_run(&p, &results, e)); /* nothing is compared, and nobody warned, again */
        fallible_results_check(&results);
        assert_int_equal(p.log.comparisons, comparisons[fault]);
        assert_int_equal(p.log.warnings, 1);
        fallible_product_end(&p);
    }
    check_needs_device();
}

/* No other variant comes to the aid of one that is forced, but for the slices of split-k. */
static void forced_variant_is_set_aside(const char *variant, enum fault fault)
{
    const int has_others = strcmp(variant, "split-k") == 0;
    int is_first;
    fallible_product p;
    fallible_results results;
    clq_plan first;
    clq_plan plan;
    clq_error error;
    ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
    trust_parts(&p, CLQ_GEMM_PARTS);
    plan_product(&p, &first);
    is_first = strcmp(first.variant, variant) == 0;
    ACCEPTED(clq_context_force_variant(p.context, variant, e));
    {
        const clq_gemm_problem problem = fallible_problem();
        if (clq_gemm_plan(p.context, &problem, 1, &plan, &error) == CLQ_UNSUPPORTED) {
            fallible_product_end(&p);
            return;
        }
    }
    if (!has_others && !is_first) {
        trust_packing(&p);
    }
    for (int round = 0; round < 2; round++) { /* said once, and remembered */
        clq_status status;
        spoil(fault, round == 0, has_others ? first.variant : variant);
        status = fallible_product_run(&p, &results, &error);
        spoil_no_more();
        check_warning(&p, fault, has_others ? first.variant : variant);
        assert_int_equal(p.log.comparisons, comparisons[fault]); /* of the spoiled one and of one by itself */
        if (has_others) {
            check_ok(status, &error, variant);
            fallible_results_check(&results);
        } else {
            /* The compiler's story is told when it is heard: packing heard that of the first variant. */
            const int is_story = fault == REFUSED_BUILD && round == 0 && !is_first;
            refusal_check(status, is_story ? CLQ_BUILD_FAILED : CLQ_MISMATCH, &error, kernel_of(variant), __FILE__,
                          __LINE__);
        }
    }
    ACCEPTED(clq_context_force_variant(p.context, NULL, e));
    ACCEPTED(fallible_product_run(&p, &results, e));
    fallible_results_check(&results);
    plan_product(&p, &plan);
    assert_true((strcmp(plan.variant, first.variant) != 0) == (has_others || is_first));
    fallible_product_end(&p);
}

static void forced_variants_are_set_aside(void **state)
{
    (void)state;
    for (size_t i = 0; i < check_gemm_variant_count() && check_device() != NULL; i++) {
        forced_variant_is_set_aside(check_gemm_variant(i), WRONG_BYTES);
        forced_variant_is_set_aside(check_gemm_variant(i), REFUSED_BUILD);
    }
    check_needs_device();
}

/* Each kernel is tried once and warned of once; then the host serves, and that is said once. */
static void no_variant_is_left(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem problem = fallible_problem();
        fallible_product p;
        fallible_results results;
        clq_plan plan;
        int warnings;
        ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
        trust_parts(&p, CLQ_GEMM_PARTS);
        spoil(WRONG_BYTES, INT_MAX, NULL);
        ACCEPTED(clq_gemm_prepare(p.context, &problem, FALLIBLE_ROWS, FALLIBLE_ROWS, e));
        spoil_no_more();
        warnings = p.log.warnings;
        assert_true(warnings >= 3);
        assert_int_equal(p.log.comparisons, warnings - 1);
        assert_non_null(strstr(p.log.warning, "the host computes it"));
        for (int round = 0; round < 2; round++) {
            ACCEPTED(fallible_product_run(&p, &results, e));
            fallible_results_check(&results);
        }
        assert_int_equal(p.log.warnings, warnings);
        assert_int_equal(p.log.comparisons, warnings - 1);
        plan_product(&p, &plan);
        assert_string_equal(plan.variant, "host");
        fallible_product_end(&p);
    }
    check_needs_device();
}

/*
 * Packing and the slices' sum serve all variants, and none of these is to blame: without the one the host serves,
 * without the other the device multiplies and K is not cut. Either way it is said once.
 */
static void parts_are_set_aside(void **state)
{
    static const struct {
        const char *file, *kernel;
        int by_host;
    } parts[] = {{"gemm_pack.cl", "gemm_pack", 1}, {"gemm_reduce.cl", "gemm_reduce", 0}};
    enum { PARTS = sizeof parts / sizeof parts[0] };
    (void)state;
    for (int i = 0; i < PARTS * FAULTS && check_device() != NULL; i++) {
        const int part = i % PARTS;
        const enum fault fault = (enum fault)(i / PARTS);
        fallible_product p;
        fallible_results results;
        clq_plan plan;
        ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
        trust_parts(&p, part);
        failing_opencl_corrupt_reads(fault == WRONG_BYTES ? READS_OF_CASES : 0);
        failing_opencl_break_builds(fault == REFUSED_BUILD ? INT_MAX : 0, parts[part].file);
        ACCEPTED(fallible_product_run(&p, &results, e));
        spoil_no_more();
        fallible_results_check(&results);
        plan_product(&p, &plan);
        assert_int_equal(strcmp(plan.variant, "host") == 0, parts[part].by_host);
        assert_int_equal(p.log.warnings, 1 + parts[part].by_host);
        if (!parts[part].by_host &&
            (strstr(p.log.warning, parts[part].kernel) == NULL || strstr(p.log.warning, complaints[fault]) == NULL)) {
            fail_msg("%s: the warning is '%s'", parts[part].kernel, p.log.warning);
        }
        fallible_product_end(&p);
    }
    check_needs_device();
}

/*
 * Where the sums of groups along K cannot be added up, the host serves products that have groups, on the context's own
 * queue, and is told once; others stay the device's.
 */
static void groups_are_set_aside(void **state)
{
    check_gemm c;
    check_gemm_result want;
    (void)state;
    check_gemm_init(&c, "groups", 5, 19, 70);
    inputs_gemm_groups(&c, 16);
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    check_gemm_run(check_reference(), "reference", &c, &want);
    for (int fault = 0; fault < FAULTS && check_device() != NULL; fault++) {
        fallible_product p;
        fallible_results results;
        clq_plan plan;
        ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
        trust_parts(&p, CLQ_GEMM_GROUPS);
        failing_opencl_corrupt_reads(fault == WRONG_BYTES ? READS_OF_CASES : 0);
        failing_opencl_break_builds(fault == REFUSED_BUILD ? INT_MAX : 0, "gemm_groups.cl");
        for (int way = 0; way < 2; way++) { /* packed weights are the device's, and unpacked for the host */
            check_gemm_result got;
            c.packed = way == 1;
            check_gemm_run(p.context, "device", &c, &got);
            spoil_no_more();
            check_gemm_same(&c, "device", &want, &got);
            check_gemm_result_free(&got);
            ACCEPTED(clq_gemm_plan(p.context, &c.problem, c.packed, &plan, e));
            assert_string_equal(plan.variant, "host");
        }
        assert_int_equal(p.log.warnings, 2);
        ACCEPTED(fallible_product_run(&p, &results, e));
        fallible_results_check(&results);
        plan_product(&p, &plan);
        assert_string_not_equal(plan.variant, "host");
        fallible_product_end(&p);
    }
    check_gemm_result_free(&want);
    inputs_gemm_free(&c);
    check_needs_device();
}

/* Nobody comes to the aid of what is forced. */
static void forced_variant_lacks_a_part(void **state)
{
    (void)state;
    for (int part = 0; part < CLQ_GEMM_GROUPS && check_device() != NULL; part++) {
        fallible_product p;
        fallible_results results;
        clq_error error;
        ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
        trust_packing(&p);
        clq_verdict_tell(&p.context->cl->verdicts,
                         clq_cl_gemm_part_verdict_entry(clq_cl_tuning_of(p.context), (clq_gemm_part)part),
                         CLQ_VERDICT_DIFFERS);
        ACCEPTED(clq_context_force_variant(p.context, part == CLQ_GEMM_PACKING ? "gemv" : "split-k", e));
        {
            clq_gemm_problem problem = fallible_problem();
            clq_gemm_operands o = {.struct_size = sizeof o};
            problem.m = 1;
            o.a.buffer = p.buffers[FALLIBLE_A];
            o.b.buffer = p.buffers[FALLIBLE_B];
            o.b_zero_point.buffer = p.buffers[FALLIBLE_B_ZERO_POINT];
            o.c.buffer = p.buffers[FALLIBLE_C];
            refusal_check(clq_gemm(p.context, &problem, &o, &error), CLQ_MISMATCH, &error,
                          part == CLQ_GEMM_PACKING ? "gemm_pack" : "gemm_reduce", __FILE__, __LINE__);
        }
        ACCEPTED(clq_context_force_variant(p.context, NULL, e));
        ACCEPTED(fallible_product_run(&p, &results, e));
        fallible_results_check(&results);
        fallible_product_end(&p);
    }
    check_needs_device();
}

/* The cache keeps what was found right, and not that something was wrong. */
static void bad_verdicts_are_not_kept(void **state)
{
    static const struct {
        int is_spoiled, warnings, comparisons;
    } runs[] = {{1, 1, 2}, {0, 0, 1}, {0, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0] && check_device() != NULL; i++) {
        fallible_product p;
        fallible_results results;
        ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
        trust_parts(&p, CLQ_GEMM_PARTS);
        ACCEPTED(clq_context_set_cache(p.context, scratch_path("verdicts"), e));
        spoil(WRONG_BYTES, runs[i].is_spoiled, NULL);
        ACCEPTED(fallible_product_run(&p, &results, e));
        spoil_no_more();
        fallible_results_check(&results);
        assert_int_equal(p.log.warnings, runs[i].warnings);
        assert_int_equal(p.log.comparisons, runs[i].comparisons);
        fallible_product_end(&p);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(next_variant_takes_over),   cmocka_unit_test(forced_variants_are_set_aside),
    cmocka_unit_test(no_variant_is_left),        cmocka_unit_test(parts_are_set_aside),
    cmocka_unit_test(groups_are_set_aside),      cmocka_unit_test(forced_variant_lacks_a_part),
    cmocka_unit_test(bad_verdicts_are_not_kept),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("gemm_distrust", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
