/* SPDX-License-Identifier: Apache-2.0 */
#include "native/trust.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tiles.h"
#include "native/machine.h"
#include "native/tensor.h"
#include "trial/cases.h"
#include "trial/ladder.h"

/* ---- sets ---- */

static void add_set(clq_native_state *state, const clq_native_loops *loops, int is_there)
{
    if (loops != NULL && is_there) {
        state->sets[state->set_count++] = loops;
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
/* Which not every compiler lets __builtin_cpu_supports be asked. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}
#endif

#if defined(__aarch64__) && defined(__linux__)
/* Linux, Documentation/arch/arm64/elf_hwcaps.rst; headers before 5.10 do not know the second. */
enum { HAS_DOT_PRODUCTS = 1 << 20, HAS_MATRICES_OF_8_BITS = 1 << 13 };

static int has_dot_products(void)
{
    return (getauxval(AT_HWCAP) & HAS_DOT_PRODUCTS) != 0;
}

static int has_matrices(void)
{
    return (getauxval(AT_HWCAP2) & HAS_MATRICES_OF_8_BITS) != 0;
}
#elif defined(__aarch64__) /* what the compiler may take for granted */
static int has_dot_products(void)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return 1;
#else
    return 0;
#endif
}

static int has_matrices(void)
{
#if defined(__ARM_FEATURE_MATMUL_INT8)
    return 1;
#else
    return 0;
#endif
}
#endif

static void find_sets(clq_native_state *state)
{
#if defined(__x86_64__) && defined(__GNUC__)
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    const int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    const int has_vnni = has_avx512 && __builtin_cpu_supports("avx512vnni");
    char no_tiles[160];
    clq_tiles_find(no_tiles, sizeof no_tiles);
    add_set(state, clq_native_loops_amx(), has_vnni && no_tiles[0] == '\0');
    add_set(state, clq_native_loops_vnni(), has_vnni);
    add_set(state, clq_native_loops_avx512(), has_avx512);
    add_set(state, clq_native_loops_avx2(), has_avx2);
#elif defined(__aarch64__)
    add_set(state, clq_native_loops_i8mm(), has_matrices() && has_dot_products()); /* it is compiled with both */
    add_set(state, clq_native_loops_dotprod(), has_dot_products());
    add_set(state, clq_native_loops_neon(), 1);
#endif
    add_set(state, clq_native_loops_plain(), 1);
}

int clq_native_set_by_name(const clq_native_state *state, const char *name)
{
    for (size_t i = 0; i < state->set_count; i++) {
        if (strcmp(state->sets[i]->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *clq_native_refusal(const clq_context *context, const clq_native_loops *loops)
{
    return loops->needs_tiles ? clq_tiles_refusal(!context->asks_no_permission) : NULL;
}

/* ---- verdicts ---- */

/* Loops that are tried as one: those of an operation for a pair of types, those of products, and those of products with
 * groups along K. */
enum { REALS = 3, CODES = 6, PRODUCTS = CLQ_OP_COUNT * REALS * CODES, GROUPS = PRODUCTS + 1, FAMILIES = GROUPS + 1 };

static size_t family_of_product(const clq_gemm_problem *problem)
{
    return problem->k_group != 0 ? GROUPS : PRODUCTS;
}

static size_t real_number(clq_dtype real)
{
    return real == CLQ_F32 ? 0 : real == CLQ_F16 ? 1 : 2;
}

static size_t code_number(clq_dtype dtype)
{
    static const clq_dtype dtypes[CODES] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4, CLQ_S16, CLQ_U16};
    size_t i = 0;
    while (i + 1 < CODES && dtypes[i] != dtype) {
        i++;
    }
    return i;
}

static size_t family_of(clq_operation operation, const clq_quantization *q)
{
    return ((size_t)operation * REALS + real_number(q->real)) * CODES + code_number(q->scheme.dtype);
}

static size_t entry_of(size_t family, size_t set)
{
    return family * CLQ_NATIVE_SETS + set;
}

clq_status clq_native_state_init(clq_native_state *state, clq_error *error)
{
    memset(state, 0, sizeof *state);
    atomic_init(&state->forced, -1);
    find_sets(state);
    clq_threads_init(&state->threads);
    return clq_verdicts_init(&state->verdicts, (size_t)FAMILIES * CLQ_NATIVE_SETS, error);
}

void clq_native_state_destroy(clq_native_state *state)
{
    clq_threads_destroy(&state->threads);
    clq_verdicts_destroy(&state->verdicts);
}

/* Whether a set has loops of the family, and may be used. The one of plain C has all, and is the last. */
static int serves(const clq_context *context, size_t family, size_t set)
{
    const clq_native_loops *loops = context->native->sets[set];
    return family >= PRODUCTS ? clq_native_refusal(context, loops) == NULL : loops->elements != NULL;
}

/* The first that is not set aside, the last where all are; of a forced one that alone, or the one below it for what it
 * has not. */
static size_t next_set(const clq_context *context, size_t family)
{
    const clq_native_state *state = context->native;
    const int forced = atomic_load(&state->forced);
    size_t set = forced >= 0 ? (size_t)forced : 0;
    while (set + 1 < state->set_count &&
           ((forced < 0 && clq_verdict_is_aside(clq_verdict_of(&state->verdicts, entry_of(family, set)))) ||
            !serves(context, family, set))) {
        set++;
    }
    return set;
}

static const clq_native_loops *expected(const clq_context *context, size_t family)
{
    const clq_native_state *state = context->native;
    const size_t set = next_set(context, family);
    return clq_verdict_is_aside(clq_verdict_of(&state->verdicts, entry_of(family, set))) ? NULL : state->sets[set];
}

const clq_native_loops *clq_native_expected(const clq_context *context, clq_operation operation,
                                            const clq_quantization *q)
{
    return expected(context, family_of(operation, q));
}

const clq_native_loops *clq_native_expected_product(const clq_context *context, const clq_gemm_problem *problem)
{
    return expected(context, family_of_product(problem));
}

/* ---- a trial ---- */

/* In parts, and of products with B packed ahead, in every other case; whole in the others. */
static clq_status run_case(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_native_machine *m = cookie;
    m->in_parts = m->packs = c->other_way;
    return clq_native_machine_candidate(m).run(m, c, error);
}

/*
 * Cases for rows, those for columns and those of strided tensors, of which every few are taken: all of them take many
 * times as long as a small file does, and loops are compiled ahead. As a stride and the number of ways have no common
 * divisor, the cases are of different ways.
 */
enum { KINDS = 3 };

typedef struct all_cases {
    clq_trial_kernels kernels[KINDS];
    clq_trial_cases of[KINDS];
    size_t kinds; /* that the operation has */
    size_t stride;
} all_cases;

static clq_status describe_any(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const all_cases *all = what;
    size_t at = number * all->stride;
    size_t kind = 0;
    while (at >= all->of[kind].count) {
        at -= all->of[kind++].count;
    }
    return all->of[kind].describe(all->of[kind].what, at, c, error);
}

/* A few milliseconds for each operation. */
static size_t stride_of(clq_operation operation)
{
    switch (operation) {
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        return 23;
    case CLQ_OP_MINMAX:
    case CLQ_OP_HISTOGRAM:
        return 7;
    case CLQ_OP_DEQUANTIZE:
    case CLQ_OP_CHOOSE_PARAMETERS:
        return 5;
    default:
        return 3;
    }
}

static clq_trial_cases cases_of(all_cases *all, clq_operation operation, const clq_quantization *q)
{
    static const clq_trial_cut cuts[KINDS] = {CLQ_TRIAL_ANY, CLQ_TRIAL_RUNS, CLQ_TRIAL_COLUMNS};
    const int has_runs = clq_native_has_runs(operation);
    const int has_columns = operation != CLQ_OP_CHOOSE_PARAMETERS && operation != CLQ_OP_MERGE_RANGE &&
                            operation != CLQ_OP_DYNAMIC_QUANTIZE;
    clq_trial_cases cases = {all, 0, describe_any, NULL};
    memset(all, 0, sizeof *all);
    for (size_t i = 0; i < KINDS; i++) {
        if ((cuts[i] == CLQ_TRIAL_RUNS && !has_runs) || (cuts[i] == CLQ_TRIAL_COLUMNS && !has_columns)) {
            continue;
        }
        all->kernels[all->kinds] = (clq_trial_kernels){operation, cuts[i], q};
        all->of[all->kinds] = clq_trial_walk_cases(&all->kernels[all->kinds]);
        cases.count += all->of[all->kinds++].count;
    }
    all->stride = stride_of(operation);
    cases.fill = all->of[0].fill;
    cases.count = (cases.count + all->stride - 1) / all->stride;
    return cases;
}

/* ---- the ladder ---- */

typedef struct climb {
    clq_context *context;
    size_t family;
    clq_operation operation;
    const clq_quantization *q;     /* NULL: of a product */
    const clq_native_loops *loops; /* of the step */
} climb;

static clq_status next_step(void *cookie, clq_trial_step *step, clq_error *error)
{
    climb *c = cookie;
    const size_t set = next_set(c->context, c->family);
    (void)error;
    c->loops = c->context->native->sets[set];
    step->entry = entry_of(c->family, set);
    step->operation = c->q != NULL ? clq_operation_name(c->operation) : c->family == GROUPS ? "gemm in groups" : "gemm";
    step->kernel = c->loops->name;
    step->file = NULL;
    snprintf(step->what, sizeof step->what, "%s, %s%s%s%s%s", step->operation, step->kernel, c->q != NULL ? ", " : "",
             c->q != NULL ? clq_dtype_name(c->q->real) : "", c->q != NULL ? ", " : "",
             c->q != NULL ? clq_dtype_name(c->q->scheme.dtype) : "");
    return CLQ_OK;
}

static clq_status attempt(void *cookie, const clq_trial_step *step, int only_ready, int *same, clq_error *error)
{
    const climb *c = cookie;
    /* Two tiles, then each height there is. Registers of tiles have one that fills half of them, too, and with groups
     * along K loops for 1 row and for 2 to 4, which are what 16 leave here. */
    const uint64_t rows = c->loops->product->tile_rows;
    const clq_trial_heights heights = {c->loops->needs_tiles ? 3 * rows - 13 : 3 * rows - 1,
                                       c->loops->needs_tiles ? 2 * rows + 1 : 0, 2 * rows, 0, 0};
    clq_native_machine m = {.loops = c->loops};
    clq_trial_candidate candidate = clq_native_machine_candidate(&m);
    all_cases all;
    clq_trial_cases cases;
    clq_status status;
    (void)step;
    candidate.run = run_case;
    *same = 1;
    if (only_ready) { /* there is nothing to build */
        return CLQ_OK;
    }
    cases = c->q != NULL          ? cases_of(&all, c->operation, c->q)
            : c->family == GROUPS ? clq_trial_group_cases(&heights)
                                  : clq_trial_product_cases(&heights);
    status = clq_trial_compare(&candidate, &cases, same, error);
    clq_native_machine_release(&m);
    return status;
}

static clq_verdict verdict_on(void *cookie, const clq_error *story, const clq_trial_step *step)
{
    (void)cookie;
    (void)story;
    (void)step;
    return CLQ_VERDICT_UNKNOWN; /* only memory can be lacking */
}

static int is_noted(void *cookie, const clq_trial_step *step)
{
    (void)cookie;
    (void)step;
    return 0;
}

static void note(void *cookie, const clq_trial_step *step, int is_trusted)
{
    (void)cookie;
    (void)step;
    (void)is_trusted;
}

static clq_status trust(climb *c, const clq_native_loops **loops, clq_error *error)
{
    clq_native_state *state = c->context->native;
    const clq_trial_ladder ladder = {c->context, &state->verdicts, c, next_step, attempt, verdict_on, is_noted, note};
    const size_t set = next_set(c->context, c->family);
    clq_status status = CLQ_OK;
    *loops = state->sets[set];
    if (c->context->trusts_untried ||
        clq_verdict_of(&state->verdicts, entry_of(c->family, set)) == CLQ_VERDICT_TRUSTED) {
        return CLQ_OK;
    }
    status = clq_trial_settle(&ladder, error);
    *loops = c->loops;
    if (status == CLQ_MISMATCH && atomic_load(&state->forced) < 0) {
        *loops = NULL;
        status = CLQ_OK;
    }
    return status;
}

clq_status clq_native_trust(clq_context *context, clq_operation operation, const clq_quantization *q,
                            const clq_native_loops **loops, clq_error *error)
{
    climb c = {context, family_of(operation, q), operation, q, NULL};
    return trust(&c, loops, error);
}

clq_status clq_native_trust_product(clq_context *context, const clq_gemm_problem *problem,
                                    const clq_native_loops **loops, clq_error *error)
{
    climb c = {context, family_of_product(problem), CLQ_OP_COUNT, NULL, NULL};
    return trust(&c, loops, error);
}
