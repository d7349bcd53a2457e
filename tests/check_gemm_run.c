/* SPDX-License-Identifier: Apache-2.0 */
/* One described product run in every way there is, and compared. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_gemm_place.h"
#include "check_internal.h"
#include "exported_weights.h"
#include "gemm_oracle.h"

static const char *const variants[] = {
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract) variant,
#include "../kernels/kernels.def"
};

static const char *const with_instruction[] = {
#define CLQ_GEMM_INSTRUCTION(identifier, variant, file, kernel, options, device_options, reason, contract) variant,
#include "../kernels/kernels.def"
};

size_t check_gemm_variant_count(void)
{
    return check_device_is_native() ? check_variant_count() : sizeof variants / sizeof variants[0];
}

const char *check_gemm_variant(size_t index)
{
    return check_device_is_native() ? check_variant(index) : variants[index];
}

/* A problem that agrees with `p` only in what clq_gemm_weights_create says it reads. */
static clq_gemm_problem problem_of_weights(const clq_gemm_problem *p)
{
    clq_gemm_problem own;
    clq_gemm_init(&own);
    own.m = p->m == 1 ? 5 : 1;
    own.n = p->n;
    own.k = p->k;
    own.batch = p->batch;
    own.b = p->b;
    own.b_zero_point = p->b_zero_point;
    own.c.batch_stride = own.m * own.n;
    if (p->k_group != 0) {
        own.k_group = p->k_group;
        own.b_scale = CLQ_GEMM_PER_GROUP;
        own.c.dtype = CLQ_F32;
    }
    return own;
}

/* The same for clq_gemm_row_sums. */
static clq_gemm_problem problem_of_sums(const clq_gemm_problem *p)
{
    clq_gemm_problem own;
    clq_gemm_init(&own);
    own.m = p->m;
    own.n = 1;
    own.k = p->k;
    own.batch = p->batch;
    own.a = p->a;
    own.c.batch_stride = own.m;
    return own;
}

/* B packed, and in two thirds of the shapes exported and taken from there. */
static clq_status pack(clq_context *context, const check_gemm_place *place, clq_gemm_weights **weights,
                       exported_weights *kept, clq_error *error)
{
    const clq_gemm_problem *p = &place->c->problem;
    const clq_gemm_problem own = problem_of_weights(p);
    const exported_place exported = (exported_place)((p->m + p->n + p->k) % 3);
    clq_status status =
        clq_gemm_weights_create(context, &own, check_gemm_place_operand(place, CHECK_GEMM_B),
                                check_gemm_place_operand(place, CHECK_GEMM_B_ZERO_POINT), weights, error);
    if (status == CLQ_OK && exported != EXPORTED_NOT) {
        status = exported_weights_exchange(context, &own, exported, weights, kept, error);
    }
    return status;
}

static clq_status multiply(clq_context *context, const check_gemm_place *place, clq_error *error)
{
    const check_gemm *c = place->c;
    clq_gemm_problem problem = c->problem;
    clq_gemm_weights *weights = NULL;
    exported_weights kept = {0};
    clq_gemm_operands o;
    clq_status status = CLQ_OK;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = check_gemm_place_operand(place, CHECK_GEMM_A);
    o.c = check_gemm_place_operand(place, CHECK_GEMM_C);
    o.a_zero_point = check_gemm_place_operand(place, CHECK_GEMM_A_ZERO_POINT);
    o.c_zero_point = check_gemm_place_operand(place, CHECK_GEMM_C_ZERO_POINT);
    o.bias = check_gemm_place_operand(place, CHECK_GEMM_BIAS);
    o.a_scale = check_gemm_place_operand(place, CHECK_GEMM_A_SCALE);
    o.b_scale = check_gemm_place_operand(place, CHECK_GEMM_B_SCALE);
    o.multiplier = check_gemm_place_operand(place, CHECK_GEMM_MULTIPLIER);
    o.shift = check_gemm_place_operand(place, CHECK_GEMM_SHIFT);
    if (c->sums) {
        const clq_gemm_problem own = problem_of_sums(&problem);
        problem.a_sums = CLQ_GEMM_PER_ROW;
        o.a_sums = check_gemm_place_operand(place, CHECK_GEMM_A_SUMS);
        status = clq_gemm_row_sums(context, &own, o.a, o.a_sums, error);
    }
    if (status == CLQ_OK && c->packed) {
        status = pack(context, place, &weights, &kept, error);
        o.weights = weights;
    } else {
        o.b = check_gemm_place_operand(place, CHECK_GEMM_B);
        o.b_zero_point = check_gemm_place_operand(place, CHECK_GEMM_B_ZERO_POINT);
    }
    status = status == CLQ_OK ? clq_gemm(context, &problem, &o, error) : status;
    clq_gemm_weights_destroy(&weights);
    if (status == CLQ_OK && kept.allocated != NULL) {
        status = clq_finish(context, error); /* it is read until then */
    }
    exported_weights_release(&kept);
    return status;
}

/* ---- crashes between fences ---- */

static const check_gemm *running;
static const char *running_where;

/* Tells what ran. The access is then tried again, which ends the program. */
static void tell_crash(int number)
{
    signal(number, SIG_DFL);
    check_print("signal %d: memory outside the operands was accessed", number);
    check_gemm_print(running, running_where);
}

static void expect_crash(const check_gemm *c, const char *where)
{
    running = c;
    running_where = where;
    signal(SIGSEGV, tell_crash);
    signal(SIGBUS, tell_crash);
}

/* ---- runs ---- */

/* 0 when the context cannot run it and `may_refuse`. */
static int run_placed(clq_context *context, const char *where, check_gemm_place *place, int may_refuse,
                      check_gemm_result *result)
{
    clq_error error;
    clq_status status;
    memset(result, 0, sizeof *result);
    check_crashes_end_the_program();
    check_gemm_place_reset(place);
    if (place->c->memory != CHECK_GEMM_GUARDED) {
        expect_crash(place->c, where);
    }
    status = multiply(context, place, &error);
    if (may_refuse &&
        (status == CLQ_UNSUPPORTED || check_trial_is_too_large(status, &error) || check_is_set_aside(status, &error))) {
        return 0;
    }
    if (status != CLQ_OK) {
        check_gemm_print(place->c, where);
    }
    check_ok(status, &error, place->c->name);
    check_gemm_place_collect(place, where, result);
    return 1;
}

void check_gemm_run(clq_context *context, const char *where, const check_gemm *c, check_gemm_result *result)
{
    check_gemm_place place;
    check_gemm_place_create(&place, context, c);
    (void)run_placed(context, where, &place, 0, result);
    check_gemm_place_destroy(&place);
}

/* The ways to hand in B and the sums; the last stands for both of B's by turns. */
enum { WAYS = 3 };

static void set_way(check_gemm *c, int way)
{
    static unsigned turn;
    c->packed = way == 1 || (way == 2 && turn++ % 2 == 0);
    c->sums = way == 2 && c->problem.k_group == 0;
}

static void case_text(char *where, size_t size, const char *on, const char *variant, const check_gemm *c)
{
    snprintf(where, size, "%s%s%s%s%s", on, variant != NULL ? ", variant " : "", variant != NULL ? variant : "",
             c->packed ? ", packed weights" : "", c->sums ? ", given sums" : "");
}

/* Under the variant that the device chooses (NULL), or under one that is forced if it can run this. `emulated`: what
 * is said of one whose instruction is that. */
static void run_variant(check_gemm_place *place, check_gemm *c, const char *variant, const char *emulated,
                        const check_gemm_result *want)
{
    clq_error error;
    const int before = check_kernels_set_aside();
    check_ok(clq_context_force_variant(check_device(), variant, &error), &error, "clq_context_force_variant");
    for (int way = 0; way < WAYS; way++) {
        char where[96];
        char counted[64];
        clq_plan plan;
        check_gemm_result got;
        set_way(c, way);
        if (clq_gemm_plan(check_device(), &c->problem, c->packed, &plan, &error) == CLQ_OK &&
            !check_device_holds(plan.workspace_bytes)) {
            continue;
        }
        case_text(where, sizeof where, "device", variant, c);
        if (!run_placed(check_device(), where, place, variant != NULL, &got)) {
            continue;
        }
        check_gemm_same(c, where, want, &got);
        check_gemm_result_free(&got);
        if (check_kernels_set_aside() > before) {
            fail_msg("a kernel was set aside on %s", where);
        }
        if (variant == NULL) {
            check_ok(clq_gemm_plan(check_device(), &c->problem, c->packed, &plan, &error), &error, "clq_gemm_plan");
            snprintf(counted, sizeof counted, "chosen: %s", plan.variant);
        } else {
            snprintf(counted, sizeof counted, "%s%s", variant, emulated);
        }
        check_count_run("gemm", counted);
    }
}

/* Every fourth product under one variant of each contract of kernels/instruction/ that one work-item executes (of
 * others test_matrix_products.c has some), or each product under all of them. */
static void run_emulated(check_gemm_place *place, check_gemm *c, const check_gemm_result *want)
{
    static const char *const of_contracts[] = {"nvidia-dp4a", "cpu-amx"};
    static unsigned products;
    const char *text = getenv("CLQ_TEST_EMULATE");
    const int is_full = text != NULL && strcmp(text, "1") == 0;
    const char *const *chosen = is_full ? with_instruction : of_contracts;
    const size_t count =
        is_full ? sizeof with_instruction / sizeof with_instruction[0] : sizeof of_contracts / sizeof of_contracts[0];
    if (check_device_is_native() || (products++ % 4 != 0 && !is_full)) {
        return;
    }
    clq_context_set_emulation(check_device(), 1);
    for (size_t v = 0; v < count; v++) {
        run_variant(place, c, chosen[v], ", emulated", want);
    }
    clq_context_set_emulation(check_device(), 0);
}

static void run_reference(check_gemm *c, check_gemm_result *want)
{
    const clq_gemm_problem *p = &c->problem;
    const int is_small = p->batch * p->m * p->n * p->k <= 200000;
    check_gemm_place place;
    check_gemm_place_create(&place, check_reference(), c);
    for (int way = 0; way < (is_small ? WAYS : 1); way++) {
        char where[96];
        check_gemm_result got;
        set_way(c, way);
        case_text(where, sizeof where, "reference", NULL, c);
        (void)run_placed(check_reference(), where, &place, 0, way == 0 ? want : &got);
        if (way != 0) {
            check_gemm_same(c, where, want, &got);
            check_gemm_result_free(&got);
        }
    }
    check_gemm_place_destroy(&place);
}

/* Operands between guards, and B once more, in panels of 32 columns with sums and zero points. */
static int device_holds(const check_gemm *c)
{
    const clq_gemm_problem *p = &c->problem;
    uint64_t largest = p->batch * ((p->n + 31) / 32 * 32) * (p->k + 12 + 8 * check_gemm_groups(c));
    for (int o = 0; o < CHECK_GEMM_OPERANDS; o++) {
        const check_gemm_operand operand = (check_gemm_operand)o;
        const uint64_t bytes = check_gemm_bytes(c, operand, c->offset[o] + check_gemm_elements(c, operand));
        largest = bytes > largest ? bytes : largest;
    }
    return check_device_holds(largest + (UINT64_C(8) << 10));
}

void check_gemm_everywhere(const check_gemm *given, check_gemm_result *kept)
{
    check_gemm c = *given;
    check_gemm_result want;
    run_reference(&c, &want);
    if (check_device() != NULL && device_holds(&c)) {
        check_gemm_place place;
        clq_error error;
        check_gemm_place_create(&place, check_device(), &c);
        run_variant(&place, &c, NULL, "", &want);
        for (size_t v = 0; v < check_gemm_variant_count(); v++) {
            run_variant(&place, &c, check_gemm_variant(v), "", &want);
        }
        run_emulated(&place, &c, &want);
        check_ok(clq_context_force_variant(check_device(), NULL, &error), &error, "clq_context_force_variant");
        check_gemm_place_destroy(&place);
    }
    if (kept != NULL) {
        *kept = want;
    } else {
        check_gemm_result_free(&want);
    }
}

void check_gemm_fully(const check_gemm *c)
{
    check_gemm_result result;
    if (!check_takes_gemm(c)) {
        return;
    }
    check_gemm_everywhere(c, &result);
    gemm_oracle_check(c, &result);
    check_gemm_result_free(&result);
}
