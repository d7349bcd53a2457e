/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/trial.h"

#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/float_mode.h"
#include "reference/executor.h"

/* Operands begin at lines of a cache, which some stores fill; in some cases an element behind. */
enum { ALIGNMENT_BYTES = 64, GUARD_BYTES = 64 };

/*
 * What lies around operands, and in those that are not written yet: no number in any type of real, so that it is found
 * by who reads too far. Of either sign as the place has it, so that who leaves bytes out does not meet the same ones at
 * the end of each line.
 */
static const unsigned char guards[2][8] = {{0xC1, 0xFF, 0xC1, 0xFF, 0xC1, 0xFF, 0xC1, 0xFF},
                                           {0xC1, 0x7F, 0xC1, 0x7F, 0xC1, 0x7F, 0xC1, 0x7F}};
enum { MOST_TOGETHER = 32 };

typedef struct operand {
    clq_span *span;
    uint64_t bytes, element_bytes;
} operand;

/* Of one tensor's operands; a pair for what is counted. */
static uint64_t element_bytes(const clq_task *task, clq_argument argument)
{
    switch (argument) {
    case CLQ_ARG_X:
    case CLQ_ARG_Y:
        return clq_dtype_bytes(task->q->real, 1);
    case CLQ_ARG_CODES:
        return clq_dtype_bytes(task->q->scheme.dtype, 1);
    case CLQ_ARG_NONFINITE:
        return sizeof(clq_nonfinite);
    case CLQ_ARG_COUNTS:
        return sizeof(uint64_t);
    default:
        return 4;
    }
}

/* ---- the arena ---- */

/* Operand `i` of all there can be; 0 bytes: the case has none there. */
static operand operand_of(clq_trial_case *c, size_t i)
{
    operand found = {NULL, 0, 0};
    if (c->count > 0) {
        clq_task *task = &c->tasks[i / CLQ_ARG_COUNT];
        const clq_argument argument = (clq_argument)(i % CLQ_ARG_COUNT);
        found.span = &task->arguments[argument];
        found.bytes = clq_argument_bytes(task, argument);
        found.element_bytes = element_bytes(task, argument);
    } else {
        const clq_gemm_argument argument = (clq_gemm_argument)i;
        found.span = &c->product.arguments[argument];
        found.element_bytes = clq_gemm_stored_bytes(&c->product, argument, 1);
        found.bytes = clq_gemm_stored_bytes(&c->product, argument, clq_gemm_argument_elements(&c->product, argument));
    }
    return found;
}

static size_t operands_of(const clq_trial_case *c)
{
    return c->count > 0 ? c->count * CLQ_ARG_COUNT : CLQ_GEMM_ARGUMENTS;
}

/* Whether operand `i` is of every other tensor of a batch: some batches are one case. */
static int is_other(const clq_trial_case *c, size_t i)
{
    return c->count > 1 && i / CLQ_ARG_COUNT % 2 != 0;
}

/* Where each lies, behind what others have of the arena; returns the bytes of all. */
static uint64_t lay_out(clq_trial_case *c, uint64_t used)
{
    used += GUARD_BYTES + ALIGNMENT_BYTES;
    for (size_t i = 0; i < operands_of(c); i++) {
        const operand o = operand_of(c, i);
        const uint64_t behind = c->is_behind != is_other(c, i) ? o.element_bytes : 0;
        o.span->offset_bytes = used + behind;
        if (o.bytes > 0) {
            used += (behind + o.bytes + GUARD_BYTES + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        }
    }
    return used;
}

static void place_in(clq_trial_case *c, void *memory)
{
    for (size_t i = 0; i < operands_of(c); i++) {
        const operand o = operand_of(c, i);
        o.span->object = o.bytes > 0 ? memory : NULL;
    }
}

/* ---- the comparison ---- */

static clq_status run_reference(const clq_trial_case *c, clq_error *error)
{
    if (c->count == 0) {
        return clq_reference_executor.gemm(NULL, &c->product, error);
    }
    for (size_t i = 0; i < c->count; i++) {
        CLQ_TRY(clq_reference_executor.run(NULL, &c->tasks[i], error));
    }
    return CLQ_OK;
}

/* The same product another way: its inputs and outputs are those of the case before. */
static int is_same_product(const clq_trial_case *c, size_t i)
{
    return i > 0 && c[i].count == 0 && memcmp(&c[i].problem, &c[i - 1].problem, sizeof c[i].problem) == 0;
}

static void copy_operands(clq_trial_case *to, clq_trial_case *from, unsigned char *arena)
{
    for (size_t i = 0; i < operands_of(to); i++) {
        const operand o = operand_of(to, i);
        memcpy(arena + o.span->offset_bytes, arena + operand_of(from, i).span->offset_bytes, (size_t)o.bytes);
    }
}

/* `bytes`: a multiple of ALIGNMENT_BYTES. The multiplier is Knuth's, 2^32 by the golden ratio. */
static void put_guards(unsigned char *memory, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes / sizeof guards[0]; i++) {
        memcpy(memory + i * sizeof guards[0], guards[(uint32_t)i * 2654435761u >> 31], sizeof guards[0]);
    }
}

static clq_status go_on(const clq_trial_candidate *candidate, clq_error *error)
{
    return candidate->go_on != NULL ? candidate->go_on(candidate->cookie, error) : CLQ_OK;
}

/*
 * Cases that are laid out in `bytes`. The reference first: where the candidate fails, it is known what it should have
 * done.
 */
static clq_status run_cases(const clq_trial_candidate *candidate, const clq_trial_cases *cases, clq_trial_case *c,
                            size_t count, uint64_t bytes, clq_trial_arena *arena, clq_error *error)
{
    void *memory = NULL;
    memset(arena, 0, sizeof *arena);
    arena->before = malloc(3 * (size_t)bytes);
    if (arena->before == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    arena->bytes = bytes;
    arena->want = arena->before + bytes;
    arena->got = arena->want + bytes;
    put_guards(arena->before, bytes);
    for (size_t i = 0; i < count; i++) {
        place_in(&c[i], arena->before);
        if (is_same_product(c, i)) {
            copy_operands(&c[i], &c[i - 1], arena->before);
        } else {
            cases->fill(&c[i]);
        }
    }
    memcpy(arena->want, arena->before, (size_t)bytes);
    for (size_t i = 0; i < count; i++) {
        place_in(&c[i], arena->want);
        if (is_same_product(c, i)) {
            copy_operands(&c[i], &c[i - 1], arena->want);
        } else {
            CLQ_TRY(run_reference(&c[i], error));
        }
    }
    CLQ_TRY(candidate->reserve(candidate->cookie, bytes, &memory, error));
    CLQ_TRY(candidate->write(candidate->cookie, arena->before, bytes, error));
    for (size_t i = 0; i < count; i++) {
        place_in(&c[i], memory);
        CLQ_TRY(go_on(candidate, error));
        CLQ_TRY(candidate->run(candidate->cookie, &c[i], error));
    }
    return candidate->read(candidate->cookie, arena->got, bytes, error);
}

clq_status clq_trial_run(const clq_trial_candidate *candidate, const clq_trial_cases *cases, clq_trial_case *c,
                         clq_trial_arena *arena, clq_error *error)
{
    return run_cases(candidate, cases, c, 1, lay_out(c, 0), arena, error);
}

void clq_trial_arena_release(clq_trial_arena *arena)
{
    free(arena->before);
    arena->before = NULL;
}

static clq_status compare_cases(const clq_trial_candidate *candidate, const clq_trial_cases *cases, clq_trial_case *c,
                                size_t count, uint64_t bytes, int *same, clq_error *error)
{
    clq_trial_arena arena;
    const clq_status status = run_cases(candidate, cases, c, count, bytes, &arena, error);
    *same = status == CLQ_OK && memcmp(arena.want, arena.got, (size_t)arena.bytes) == 0;
    clq_trial_arena_release(&arena);
    return status;
}

static clq_status describe(const clq_trial_cases *cases, size_t number, clq_trial_case *c, clq_error *error)
{
    memset(c, 0, sizeof *c);
    return cases->describe(cases->what, number, c, error);
}

/*
 * From case `first` on as many as go together, or one; the next comes back. A device with memory of its own is asked
 * for two transfers then, and waited for once: the case that is too much is described another time.
 */
static clq_status compare_together(const clq_trial_candidate *candidate, const clq_trial_cases *cases, size_t *first,
                                   clq_trial_case *c, int *same, clq_error *error)
{
    uint64_t bytes;
    size_t count = 1;
    CLQ_TRY(describe(cases, *first, c, error));
    bytes = lay_out(c, 0);
    while (count < MOST_TOGETHER && *first + count < cases->count) {
        uint64_t end;
        CLQ_TRY(describe(cases, *first + count, &c[count], error));
        end = lay_out(&c[count], bytes);
        if (end > candidate->together_bytes) {
            break;
        }
        bytes = end;
        count++;
    }
    *first += count;
    return compare_cases(candidate, cases, c, count, bytes, same, error);
}

clq_status clq_trial_compare(const clq_trial_candidate *candidate, const clq_trial_cases *cases, int *same,
                             clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_status status = CLQ_OK;
    clq_trial_case *c = malloc(MOST_TOGETHER * sizeof *c);
    *same = 1;
    if (c == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    for (size_t i = 0; i < cases->count && *same && status == CLQ_OK;) {
        status = compare_together(candidate, cases, &i, c, same, error);
    }
    free(c);
    return status;
}

clq_status clq_trial_make_ready(const clq_trial_candidate *candidate, const clq_trial_cases *cases, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_status status = CLQ_OK;
    clq_trial_case *c = malloc(sizeof *c);
    if (c == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    for (size_t i = 0; i < cases->count; i++) {
        CLQ_TRY_TO(go_on(candidate, error));
        CLQ_TRY_TO(describe(cases, i, c, error));
        CLQ_TRY_TO(candidate->run(candidate->cookie, c, error));
    }
done:
    free(c);
    return status;
}
